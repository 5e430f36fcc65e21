//! Versions that can be compared: `1.10.0` is after `1.9`.
//!
//! Ordered as Semantic Versioning 2.0.0 orders them, for any number of numeric parts; build metadata does not count.
//! Constraints (`^1.2`) are left to comparisons.

use std::cmp::Ordering;
use std::fmt;

use crate::id::NotAName;

/// A version; shown as written.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    /// Without trailing zeros, so that `1.2` is `1.2.0`.
    numbers: Vec<u64>,
    before: Vec<Identifier>,
}

/// One part of a pre-release; numbers come before words (derived from the order of the variants).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl Version {
    /// Reads `1.2.3`, `v1.2`, `16.4`, `1.0.0-rc.1` or `1.0.0+build`.
    ///
    /// # Errors
    /// When the text is no such version.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let wrong = || NotAName {
            found: text.to_owned(),
            expected: "a version: numbers joined by dots (like `1.4.2`, `16.4`, `2.0.0-rc.1`)",
        };
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (bare, build) = bare.split_once('+').map_or((bare, None), |(bare, build)| (bare, Some(build)));
        let (core, before) = bare.split_once('-').map_or((bare, None), |(core, before)| (core, Some(before)));
        if !build.is_none_or(|build| build.split('.').all(is_identifier)) {
            return Err(wrong());
        }
        let mut numbers = core.split('.').map(number).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        let before = before
            .map_or_else(|| Some(Vec::new()), |before| before.split('.').map(identifier).collect())
            .ok_or_else(wrong)?;
        Ok(Self { text: text.to_owned(), numbers, before })
    }
}

/// A number of a version.
fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Whether a text can be a part of a pre-release or a build.
fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn identifier(text: &str) -> Option<Identifier> {
    is_identifier(text).then(|| number(text).map_or_else(|| Identifier::Word(text.to_owned()), Identifier::Number))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let released = self.before.is_empty().cmp(&other.before.is_empty());
        self.numbers.cmp(&other.numbers).then(released).then_with(|| self.before.cmp(&other.before))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
