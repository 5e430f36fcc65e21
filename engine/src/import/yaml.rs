//! Values as YAML that every reader understands alike: bare where nothing could be mistaken, else quoted or as a block.

use std::fmt::Write as _;

/// A value to be written.
#[derive(Debug, Clone)]
pub(super) enum Out {
    /// Text, which reads back as text.
    Text(String),
    /// A word of the language, a number or a flow that needs no quotes.
    Bare(String),
    /// Keys and values, on lines of their own.
    Map(Vec<(&'static str, Out)>),
    /// As [`Out::Map`], with names that are not the language's.
    Named(Vec<(String, Out)>),
    /// Items, on lines of their own.
    List(Vec<Out>),
    /// Keys and values in braces, on one line.
    Flow(Vec<(&'static str, Out)>),
    /// Texts in brackets, on one line.
    Words(Vec<String>),
}

/// A text as [`Out`].
pub(super) fn text(text: impl Into<String>) -> Out {
    Out::Text(text.into())
}

/// A word as [`Out`].
pub(super) fn bare(word: impl Into<String>) -> Out {
    Out::Bare(word.into())
}

/// How long a line may become before text is folded.
const WIDTH: usize = 110;

/// Writes the keys of a map at a level.
pub(super) fn write_map<'k>(out: &mut String, entries: impl IntoIterator<Item = (&'k str, &'k Out)>, level: usize) {
    for (key, value) in entries {
        let _ = write!(out, "{:1$}{key}:", "", level * 2);
        value_after_key(out, value, level);
    }
}

fn value_after_key(out: &mut String, value: &Out, level: usize) {
    match value {
        Out::Map(entries) => {
            out.push('\n');
            write_map(out, entries.iter().map(|(key, value)| (*key, value)), level + 1);
        }
        Out::Named(entries) => {
            out.push('\n');
            write_map(out, entries.iter().map(|(key, value)| (key.as_str(), value)), level + 1);
        }
        Out::List(items) => {
            out.push('\n');
            items.iter().for_each(|item| write_item(out, item, level + 1));
        }
        Out::Text(text) if is_block(text) => block(out, text, level + 1),
        other => {
            out.push(' ');
            out.push_str(&inline(other));
            out.push('\n');
        }
    }
}

fn write_item(out: &mut String, item: &Out, level: usize) {
    let _ = write!(out, "{:1$}-", "", level * 2);
    match item {
        Out::Map(entries) => {
            let mut body = String::new();
            write_map(&mut body, entries.iter().map(|(key, value)| (*key, value)), level + 1);
            // The first key stands beside the dash.
            out.push(' ');
            out.push_str(body.trim_start());
        }
        Out::Text(text) if is_block(text) => block(out, text, level + 1),
        other => {
            out.push(' ');
            out.push_str(&inline(other));
            out.push('\n');
        }
    }
}

fn inline(value: &Out) -> String {
    match value {
        Out::Text(text) => scalar(text),
        Out::Bare(word) => word.clone(),
        Out::Words(words) => {
            let words: Vec<String> = words.iter().map(|word| in_flow(word)).collect();
            format!("[{}]", words.join(", "))
        }
        Out::Flow(entries) => {
            let of = |(key, value): &(&str, Out)| match value {
                Out::Text(text) => format!("{key}: {}", in_flow(text)),
                other => format!("{key}: {}", inline(other)),
            };
            format!("{{ {} }}", entries.iter().map(of).collect::<Vec<_>>().join(", "))
        }
        // Nothing here puts these on one line.
        Out::Map(_) | Out::Named(_) | Out::List(_) => "null".to_owned(),
    }
}

/// Whether a text is written as a block: it has lines, or is long, and nothing in it would be lost.
fn is_block(text: &str) -> bool {
    let lines = text.contains('\n');
    let plain =
        !text.starts_with([' ', '\n', '\t']) && !text.ends_with([' ', '\n']) && !text.contains(['\t', '\r', '\u{85}']);
    let ends = !text.lines().any(|line| line.ends_with(' '));
    plain && ends && (lines || text.chars().count() > WIDTH && !text.contains("  "))
}

fn block(out: &mut String, text: &str, level: usize) {
    let margin = " ".repeat(level * 2);
    if text.contains('\n') {
        out.push_str(" |-\n");
        for line in text.lines() {
            out.push_str(if line.is_empty() { "" } else { &margin });
            out.push_str(line);
            out.push('\n');
        }
        return;
    }
    out.push_str(" >-\n");
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && level * 2 + line.chars().count() + word.chars().count() >= WIDTH {
            let _ = writeln!(out, "{margin}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{margin}{line}");
}

/// A text on one line.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn in_flow(text: &str) -> String {
    if is_plain(text) && !text.contains([',', '[', ']']) { text.to_owned() } else { quoted(text) }
}

/// Whether no reader could take it for anything but this text.
fn is_plain(text: &str) -> bool {
    const TAKEN: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let letters = |c: char| c.is_ascii_alphanumeric() || " _./()-,'+".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(letters)
        && !text.ends_with(' ')
        && !TAKEN.contains(&text.to_ascii_lowercase().as_str())
}

fn quoted(text: &str) -> String {
    if !text.contains(['\n', '\t', '\r']) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
