//! The statement by which a log's key gives way to the next: a text that both sign, in a note of its own.
//!
//! Its first line is no origin and its second no number, so it can be taken for no checkpoint. It names the size and root
//! at which it was made, so it is good in one place of one log. Whether the signatures are right is asked elsewhere.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Hash;
use super::note::VerifierKey;

/// The first line: what it is, and its version.
pub const HEADER: &str = "runwarden key rotation v1";

/// Why a text is no such statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the statement of a key rotation: {0}")]
pub struct NotARotation(String);

/// One key of a log gives way to another, after so many entries with this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// How many entries there were: the number of the entry that records it.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The key that goes. Its name is the log's origin.
    pub from: VerifierKey,
    /// The key that comes, of the same name.
    pub to: VerifierKey,
}

impl Rotation {
    /// Reads the text of the note.
    ///
    /// # Errors
    /// When it is not in its only spelling, or the keys are of two names or the same.
    pub fn parse(text: &str) -> Result<Self, NotARotation> {
        let wrong = |why: &str| NotARotation(why.to_owned());
        let body = text.strip_suffix('\n').ok_or_else(|| wrong("the last line is cut"))?;
        let lines: Vec<&str> = body.split('\n').collect();
        let [HEADER, origin, size, root, from, to] = lines[..] else {
            return Err(NotARotation(format!("expected six lines, the first `{HEADER}`")));
        };
        let number: u64 = size.parse().map_err(|_| wrong("the size is not a number"))?;
        let hash = STANDARD.decode(root).map_err(|_| wrong("the root is not base64"))?;
        let key = |text: &str| VerifierKey::parse(text).map_err(|error| NotARotation(error.to_string()));
        let rotation = Self {
            size: number,
            root: hash.try_into().map_err(|_| wrong("the root has not 32 bytes"))?,
            from: key(from)?,
            to: key(to)?,
        };
        if rotation.from.name() != origin || rotation.to.name() != origin {
            return Err(wrong("a key has another name than the log"));
        }
        if rotation.from == rotation.to {
            return Err(wrong("both keys are the same"));
        }
        if rotation.to_string() != text {
            return Err(wrong("it is not in its only spelling"));
        }
        Ok(rotation)
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, root, from, to } = self;
        writeln!(f, "{HEADER}\n{}\n{size}\n{}\n{from}\n{to}", from.name(), STANDARD.encode(root))
    }
}
