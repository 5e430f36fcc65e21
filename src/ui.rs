//! Where output goes and how it looks: data to stdout, everything else to stderr; nothing depends on colour.
//!
//! What is shown may come from files and programs that somebody else wrote: no control character of theirs reaches a
//! terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::args::{Colour, Format};

pub mod diagnostics;
pub mod flow;
pub mod markdown;
pub mod people;
pub mod plan;
pub mod progress;
pub mod table;

/// The two streams.
pub struct Ui {
    /// How data is written.
    pub format: Format,
    /// Styles for stdout.
    pub out: Paint,
    /// Styles for stderr.
    pub err: Paint,
    /// Whether to say only what went wrong.
    pub quiet: bool,
    /// Whether to say more.
    pub verbose: bool,
    // Set when stdout could not be written for another reason than that nobody reads it any more.
    failed: AtomicBool,
}

/// Styles, or none.
#[derive(Debug, Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// None, for files.
    pub const PLAIN: Self = Self(false);

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    pub fn blue(self, text: &str) -> String {
        self.wrap("1;34", text)
    }
}

impl Ui {
    /// The streams of this process.
    pub fn new(format: Format, colour: Colour, quiet: bool, verbose: bool) -> Self {
        // NO_COLOR counts when it is not empty (no-color.org).
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let paint = |is_terminal: bool| {
            Paint(match colour {
                Colour::Always => true,
                Colour::Never => false,
                Colour::Auto => is_terminal && !refused,
            })
        };
        Self {
            format,
            out: paint(io::stdout().is_terminal()),
            err: paint(io::stderr().is_terminal()),
            quiet,
            verbose,
            failed: AtomicBool::new(false),
        }
    }

    /// Whether data is for people.
    pub fn is_human(&self) -> bool {
        self.format == Format::Human
    }

    /// Data for people, on stdout; a line break is added.
    pub fn data(&self, text: &str) {
        self.write_out(&format!("{}\n", clean(text, self.out)));
    }

    /// Data as it is, on stdout, byte for byte.
    pub fn raw(&self, text: &str) {
        self.write_out(text);
    }

    /// Data for programs, on stdout: indented, or one line for `ndjson`.
    pub fn json<T: Serialize>(&self, value: &T) {
        let text = match self.format {
            Format::Ndjson => serde_json::to_string(value),
            Format::Human | Format::Json => serde_json::to_string_pretty(value),
        };
        match text {
            Ok(text) => self.write_out(&format!("{text}\n")),
            Err(error) => self.error(&format!("this cannot be written as JSON: {error}")),
        }
    }

    /// A remark on stderr; nothing under `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.error(text);
        }
    }

    /// A remark on stderr under `--verbose`.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.error(text);
        }
    }

    /// What must be said, on stderr.
    pub fn error(&self, text: &str) {
        // A terminal that is gone is no error: there is nobody left to tell.
        let _ = writeln!(io::stderr().lock(), "{}", clean(text, self.err));
    }

    /// Whether stdout took everything, or nobody wanted it.
    pub fn is_whole(&self) -> bool {
        !self.failed.load(Ordering::Relaxed)
    }

    fn write_out(&self, text: &str) {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            // The terminal is gone.
            Err(error) if error.raw_os_error() == Some(5) && io::stdout().is_terminal() => {}
            Err(error) => {
                if !self.failed.swap(true, Ordering::Relaxed) {
                    self.error(&format!("error: cannot write to standard output: {error}"));
                }
            }
        }
    }
}

/// Text for files that people open: no control characters but line breaks and tabs.
pub fn plain(text: &str) -> Cow<'_, str> {
    clean(text, Paint::PLAIN)
}

/// Text without control characters but line breaks, tabs, and the styles of our own.
fn clean(text: &str, paint: Paint) -> Cow<'_, str> {
    let is_bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_bidi(c);
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(is_bad) {
        cleaned.push_str(&rest[..at]);
        rest = &rest[at..];
        let style = STYLES.iter().find(|style| paint.0 && rest.starts_with(**style));
        if let Some(style) = style {
            cleaned.push_str(style);
            rest = &rest[style.len()..];
        } else if let Some(bad) = rest.chars().next() {
            cleaned.extend(bad.escape_unicode());
            rest = &rest[bad.len_utf8()..];
        }
    }
    cleaned.push_str(rest);
    Cow::Owned(cleaned)
}

/// The styles that [`Paint`] writes.
const STYLES: [&str; 7] = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[32m", "\x1b[33m", "\x1b[1;34m"];

/// Characters that make text appear in another order than it is written.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// A value in one line, for people; text without quotes where that is plain.
pub fn inline(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.starts_with([' ', '"', '{', '[']) && !text.ends_with(' ') && !text.contains('\n')
}

/// How many of something, in words: `1 step`, `2 steps`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::{Paint, clean, count, inline};

    #[test]
    fn foreign_control_characters_are_shown_and_not_obeyed() {
        let text = "a\x1b]0;title\x07b\x1b[8mhidden\rc";
        assert_eq!(clean(text, Paint(true)), "a\\u{1b}]0;title\\u{7}b\\u{1b}[8mhidden\\u{d}c");
    }

    #[test]
    fn our_own_styles_pass_only_where_there_is_colour() {
        let styled = Paint(true).red("no");
        assert_eq!(clean(&styled, Paint(true)), "\x1b[1;31mno\x1b[0m");
        assert_eq!(clean(&styled, Paint(false)), "\\u{1b}[1;31mno\\u{1b}[0m");
    }

    #[test]
    fn text_that_would_be_shown_in_another_order_is_escaped() {
        assert_eq!(clean("a\u{202e}b", Paint(true)), "a\\u{202e}b");
    }

    #[test]
    fn values_are_shown_in_one_line() {
        assert_eq!(inline(&serde_json::json!("plain")), "plain");
        assert_eq!(inline(&serde_json::json!("two\nlines")), "\"two\\nlines\"");
        assert_eq!(inline(&serde_json::json!({ "a": 1 })), "{\"a\":1}");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!((count(1, "step"), count(0, "step")), ("1 step".to_owned(), "0 steps".to_owned()));
    }
}
