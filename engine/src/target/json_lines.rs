//! Logs that are JSON Lines, read line by line as Python's `open(path, encoding="utf-8")` reads them, in bounded memory.
//!
//! What stands in a line, and how lines hang together, is the affair of `hash_chain` and `digest_log`.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use crate::ledger::report::Problem;

use super::findings::Findings;
use super::python_json::{self, Parsed};

pub mod fault;
pub mod shown;

use fault::Fault;

/// The longest line that is looked at, in bytes; a longer one is passed over and told.
pub const MAX_LINE: usize = 1024 * 1024;

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A line feed.
    LineFeed,
    /// A carriage return, with or without a line feed after it. Python takes both for the end of a line.
    CarriageReturn,
    /// The file ends without an end of the line.
    Nothing,
}

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number, from 1; blank lines count.
    pub number: u64,
    /// Its bytes, at most [`MAX_LINE`] of them.
    pub bytes: &'a [u8],
    /// How many bytes it has.
    pub length: u64,
    /// How it ends.
    pub end: End,
}

/// The lines of a file, one at a time.
#[derive(Debug)]
pub struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Opens a file, at its begin.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: BufReader::with_capacity(64 * 1024, File::open(path)?), line: Vec::new(), number: 0 })
    }

    /// The next line; none at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read on.
    pub fn read_next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut length = 0;
        let end = loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                break End::Nothing;
            }
            let at = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let text = &buffer[..at.unwrap_or(buffer.len())];
            let room = MAX_LINE - self.line.len();
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            length += text.len() as u64;
            let end = at.map(|at| buffer[at]);
            let used = text.len() + usize::from(end.is_some());
            self.reader.consume(used);
            match end {
                None => {}
                Some(b'\n') => break End::LineFeed,
                Some(_) => {
                    if self.reader.fill_buf()?.first() == Some(&b'\n') {
                        self.reader.consume(1);
                    }
                    break End::CarriageReturn;
                }
            }
        };
        if end == End::Nothing && length == 0 {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(Line { number: self.number, bytes: &self.line, length, end }))
    }
}

/// What stands in a line.
#[derive(Debug, PartialEq)]
pub enum Content {
    /// White space alone.
    Blank,
    /// One JSON value.
    Value(Parsed),
    /// Text that Python takes for no JSON, without the white space around it.
    Text(String),
    /// Nothing that can be judged; why is among the faults.
    Dark,
}

/// What stands in a line, and what is wrong with it by itself.
#[must_use]
pub fn examine(line: &Line<'_>) -> (Content, Vec<(Fault, String)>) {
    let mut faults = Vec::new();
    let number = line.number;
    if line.length > MAX_LINE as u64 {
        let detail = format!("line {number} has {} bytes; at most {MAX_LINE} are looked at", line.length);
        return (Content::Dark, vec![(Fault::LineTooLong, detail)]);
    }
    let Ok(text) = std::str::from_utf8(line.bytes) else {
        let fault = if line.end == End::Nothing { Fault::HalfWrittenLine } else { Fault::NotUtf8 };
        return (Content::Dark, vec![(fault, format!("line {number} is not UTF-8"))]);
    };
    let text = strip(text);
    if text.is_empty() {
        return (Content::Blank, vec![(Fault::BlankLine, format!("line {number} is blank"))]);
    }
    if number == 1 && text.starts_with('\u{feff}') {
        faults.push((Fault::ByteOrderMark, "the file begins with a byte order mark".to_owned()));
    }
    let content = match python_json::parse_as_python(text) {
        Ok(parsed) => {
            if !parsed.duplicate_keys.is_empty() {
                let keys = parsed.duplicate_keys.join("`, `");
                let detail = format!("line {number} has `{keys}` more than once in one object; the last one counts");
                faults.push((Fault::DuplicateJsonKeys, detail));
            }
            if line.end == End::Nothing {
                let detail = format!("line {number}, the last, has no line feed: the next entry would be glued to it");
                faults.push((Fault::UnterminatedLine, detail));
            }
            Content::Value(parsed)
        }
        Err(error) if error.limit => {
            faults.push((Fault::BeyondReader, format!("line {number} cannot be judged: {error}")));
            Content::Dark
        }
        Err(_) if line.end == End::Nothing => {
            faults.push((Fault::HalfWrittenLine, format!("line {number}, the last, breaks off: it was half written")));
            Content::Text(text.to_owned())
        }
        Err(error) => {
            faults.push((Fault::NotJson, format!("line {number} is {error}")));
            Content::Text(text.to_owned())
        }
    };
    (content, faults)
}

/// Lines that end in a carriage return: told once, for one editor makes them all.
#[derive(Debug, Default)]
pub struct CarriageReturns {
    first: Option<u64>,
    count: u64,
}

impl CarriageReturns {
    /// Takes note of a line.
    pub fn see(&mut self, line: &Line<'_>) {
        if line.end == End::CarriageReturn {
            self.first.get_or_insert(line.number);
            self.count += 1;
        }
    }

    pub(super) fn tell(&self, findings: &mut Findings) {
        if let Some(first) = self.first {
            let detail = format!("{} lines end in a carriage return, line {first} first", self.count);
            tell(findings, Fault::CarriageReturn, Some(first), None, detail);
        }
    }
}

pub(super) fn tell(findings: &mut Findings, fault: Fault, line: Option<u64>, run: Option<&str>, detail: String) {
    let seq = line.and_then(|line| i64::try_from(line).ok());
    let problem = Problem { code: fault.as_str().to_owned(), seq, run: run.map(ToOwned::to_owned), detail };
    findings.tell(fault.status(), problem);
}

/// The text without the white space around it, as Python's `str.strip` takes it.
#[must_use]
pub fn strip(text: &str) -> &str {
    // Python counts four separators more than Unicode's property does.
    text.trim_matches(|character: char| character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}'))
}

#[cfg(test)]
mod tests;
