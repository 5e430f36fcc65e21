//! The lines of a dotenv file: read with care, and changed without touching any byte but those of one value.

use std::ops::Range;

use zeroize::Zeroizing;

/// A file, and where its assignments stand in it.
#[derive(Default)]
pub(super) struct Lines {
    text: Zeroizing<String>,
    entries: Vec<Entry>,
    /// Lines that look as if they were to assign something and do not: `NAME: value`.
    odd: Vec<(usize, String)>,
}

struct Entry {
    key: String,
    /// The number of its first line, from 1.
    line: usize,
    /// From the begin of its line to the begin of the next.
    whole: Range<usize>,
    /// The value as written, quotes included.
    written: Range<usize>,
    value: Result<Zeroizing<String>, &'static str>,
}

const HASH: &str = "has an unquoted `#`, where some readers end the value; quote it";
const DOLLAR: &str = "has a `$` that some readers replace by a variable; write it in single quotes";
const TRAILING: &str = "has something after its closing quote";
const ESCAPE: &str = "has an escape in double quotes that readers do not agree on; write it in single quotes";

/// Whether a name can stand before `=`.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.len() <= 200
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Lines {
    /// Reads a file.
    pub fn parse(text: String) -> Result<Self, String> {
        let mut lines = Self { text: Zeroizing::new(text), ..Self::default() };
        let mut at = if lines.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut number = 1;
        while at < lines.text.len() {
            let end = lines.line(at, number)?;
            number += lines.text[at..end].matches('\n').count();
            at = end;
        }
        Ok(lines)
    }

    /// Reads one line, or the several of a quoted value; gives where the next begins.
    fn line(&mut self, start: usize, number: usize) -> Result<usize, String> {
        let text = &self.text;
        let next_line = |from: usize| text[from..].find('\n').map_or(text.len(), |at| from + at + 1);
        let rest = text[start..next_line(start)].trim_end_matches(['\n', '\r']);
        let said = rest.trim_start_matches(BLANKS);
        if said.is_empty() || said.starts_with('#') {
            return Ok(next_line(start));
        }
        let exported = said.strip_prefix("export").filter(|after| after.starts_with(BLANKS));
        let assigned = exported.unwrap_or(said).trim_start_matches(BLANKS);
        let name_end = assigned.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(assigned.len());
        let (name, after) = assigned.split_at(name_end);
        let Some(value) = after.trim_start_matches(BLANKS).strip_prefix('=').filter(|_| is_name(name)) else {
            let name = name.to_owned();
            let end = next_line(start);
            self.odd.push((number, name));
            return Ok(end);
        };
        let value = value.trim_start_matches(BLANKS);
        let from = start + rest.len() - value.len();
        let name = name.to_owned();
        let (written, value) = match value.chars().next() {
            Some(quote @ ('\'' | '"')) => {
                let close = closing(&text[from + 1..], quote)
                    .ok_or_else(|| format!("the quote that begins in line {number} (`{name}`) does not end"))?;
                let written = from..from + 1 + close + 1;
                let after = &text[written.end..next_line(written.end)];
                let after = after.trim_end_matches(['\n', '\r']);
                let comment = after.trim_start_matches(BLANKS);
                let clean = comment.is_empty() || (comment.starts_with('#') && comment.len() < after.len());
                let inner = &text[from + 1..from + 1 + close];
                let value = match quote {
                    _ if !clean => Err(TRAILING),
                    '\'' => Ok(Zeroizing::new(inner.to_owned())),
                    _ => unescape(inner),
                };
                (written, value)
            }
            _ => {
                let bare = bare(value);
                (from..from + bare.len(), if_plain(bare))
            }
        };
        let whole = start..next_line(written.end);
        let end = whole.end;
        self.entries.push(Entry { key: name, line: number, whole, written, value });
        Ok(end)
    }

    /// The file as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names that are assigned, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.entries.iter().map(|entry| entry.key.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The value of a name; none if nothing assigns it.
    pub fn value(&self, key: &str) -> Result<Option<&str>, String> {
        let Some(entry) = self.entry(key)? else { return Ok(None) };
        match &entry.value {
            Ok(value) => Ok(Some(value.as_str())),
            Err(why) => Err(format!("`{key}` (line {}) {why}", entry.line)),
        }
    }

    fn entry(&self, key: &str) -> Result<Option<&Entry>, String> {
        if let Some((line, _)) = self.odd.iter().find(|(_, name)| name == key) {
            return Err(format!("line {line} names `{key}` and is no assignment"));
        }
        let mut entries = self.entries.iter().filter(|entry| entry.key == key);
        let first = entries.next();
        match (first, entries.next()) {
            (Some(first), Some(second)) => {
                Err(format!("`{key}` is there twice (lines {} and {})", first.line, second.line))
            }
            (first, _) => Ok(first),
        }
    }

    /// Assigns a value that is quoted already: in its place, or at the end.
    pub fn set(&mut self, key: &str, quoted: &str) -> Result<(), String> {
        let mut text = Zeroizing::new(String::with_capacity(self.text.len() + key.len() + quoted.len() + 3));
        match self.entry(key)?.map(|entry| entry.written.clone()) {
            Some(written) => {
                text.push_str(&self.text[..written.start]);
                text.push_str(quoted);
                text.push_str(&self.text[written.end..]);
            }
            None => {
                let end = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
                text.push_str(&self.text);
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push_str(end);
                }
                for part in [key, "=", quoted, end] {
                    text.push_str(part);
                }
            }
        }
        self.replace(text)
    }

    /// Takes an assignment out, with its line.
    pub fn remove(&mut self, key: &str) -> Result<(), String> {
        let Some(whole) = self.entry(key)?.map(|entry| entry.whole.clone()) else { return Ok(()) };
        let mut text = Zeroizing::new(String::with_capacity(self.text.len()));
        text.push_str(&self.text[..whole.start]);
        text.push_str(&self.text[whole.end..]);
        self.replace(text)
    }

    fn replace(&mut self, mut text: Zeroizing<String>) -> Result<(), String> {
        *self = Self::parse(std::mem::take(&mut *text))?;
        Ok(())
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Where a quoted value ends, counted from after its opening quote.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            character if character == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// An unquoted value: up to a comment, without blanks at its end.
fn bare(value: &str) -> &str {
    let comment = value.match_indices('#').find(|(at, _)| *at > 0 && value[..*at].ends_with(BLANKS));
    value[..comment.map_or(value.len(), |(at, _)| at)].trim_end_matches(BLANKS)
}

fn if_plain(value: &str) -> Result<Zeroizing<String>, &'static str> {
    if value.contains('#') {
        return Err(HASH);
    }
    if names_variable(value) { Err(DOLLAR) } else { Ok(Zeroizing::new(value.to_owned())) }
}

fn names_variable(value: &str) -> bool {
    value
        .match_indices('$')
        .any(|(at, _)| value[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '{')))
}

/// What double quotes hold.
fn unescape(inner: &str) -> Result<Zeroizing<String>, &'static str> {
    let mut value = Zeroizing::new(String::with_capacity(inner.len()));
    let mut characters = inner.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(same @ ('\\' | '"')) => value.push(same),
                _ => return Err(ESCAPE),
            },
            '$' if characters.peek().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '{')) => {
                return Err(DOLLAR);
            }
            character => value.push(character),
        }
    }
    Ok(value)
}

/// A value as it is written, so that every reader reads the same.
pub(super) fn quote(value: &str, escapes: bool) -> Result<Zeroizing<String>, &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,=~^-".contains(c);
    let quoted = if !value.is_empty() && value.chars().all(is_plain) {
        value.to_owned()
    } else if !value.contains(['\'', '\\', '\r']) {
        format!("'{value}'")
    } else if !value.contains(['"', '\\', '$', '`', '\r']) {
        format!("\"{value}\"")
    } else if !escapes {
        return Err(
            "has quotes of both sorts, a backslash, or `'` with `$`: readers of such files do not agree on how \
                    that is written (`escapes: true` says that yours undo backslashes)",
        );
    } else if names_variable(value) {
        return Err(
            "has both a `$` before a name and a quote or backslash: readers of such files do not agree on how \
                    that is written",
        );
    } else {
        let value = Zeroizing::new(value.replace('\\', "\\\\"));
        let value = Zeroizing::new(value.replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r"));
        format!("\"{}\"", *value)
    };
    Ok(Zeroizing::new(quoted))
}

#[cfg(test)]
mod tests;
