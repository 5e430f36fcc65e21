//! The head of a document: what a list shows of it, from its lines alone.
//!
//! Reading a whole document and holding it against its schema costs a hundred times as much. Only documents that are built
//! in are looked at like this, since what they say was checked before; where a line is not as plain as can be, nothing is
//! said, and the document is read.

use super::{Library, Place};
use crate::id::Name;

/// What a list shows of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head<'a> {
    /// `procedure`, `checklist`, …
    pub kind: &'a str,
    /// What it does, in one line.
    pub title: &'a str,
    /// Its version.
    pub version: &'a str,
    /// What a mistake would cost, where it says so.
    pub risk: Option<&'a str>,
}

impl<'a> Head<'a> {
    /// Looks for the keys at the beginnings of lines, until it has them. None where one is missing, twice there, or not a
    /// plain value.
    #[must_use]
    pub fn of(text: &'a [u8]) -> Option<Self> {
        let [mut kind, mut title, mut version, mut risk] = [None; 4];
        let mut lines = text.split(|byte| *byte == b'\n').map(|line| std::str::from_utf8(line));
        while let Some(line) = lines.next() {
            let line = line.ok()?;
            let place = match line.split_once(':').map_or("", |(key, _)| key) {
                "kind" => &mut kind,
                "title" => &mut title,
                "version" => &mut version,
                "risk" => &mut risk,
                _ => continue,
            };
            // A plain value goes on in lines that are indented, also past empty ones.
            let next = lines.clone().map_while(Result::ok).find(|next| !next.trim().is_empty());
            let goes_on = next.is_some_and(|next| next.starts_with([' ', '\t']));
            let value = line.split_once(": ").and_then(|(_, value)| plain(value.trim())).filter(|_| !goes_on)?;
            if place.replace(value).is_some() {
                return None;
            }
            // A checklist has no risk.
            if title.is_some() && version.is_some() && (risk.is_some() && kind.is_some() || kind == Some("checklist")) {
                break;
            }
        }
        Some(Self { kind: kind?, title: title?, version: version?, risk })
    }
}

impl Library {
    /// What a list shows of a document that is built in; none where that takes reading it.
    #[must_use]
    pub fn head(&self, name: &Name) -> Option<Head<'_>> {
        match self.entries.get(name)?.place {
            Place::BuiltIn(text) => Head::of(text),
            Place::File(_) => None,
        }
    }
}

/// A value that is text as it stands, or between single quotes that nothing within it needs.
fn plain(value: &str) -> Option<&str> {
    if let Some(quoted) = value.strip_prefix('\'') {
        return quoted.strip_suffix('\'').filter(|inner| !inner.is_empty() && !inner.contains('\''));
    }
    let is_plain = value.starts_with(|c: char| c.is_alphanumeric())
        && !value.contains(": ")
        && !value.contains(" #")
        && !value.ends_with(':');
    is_plain.then_some(value)
}

#[cfg(test)]
mod tests;
