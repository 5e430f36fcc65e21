//! Checkpoints (C2SP tlog-checkpoint): what a log says its size and root are.
//!
//! The text alone. Signatures are a note's; extension lines are refused, since ours have none.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Hash;

/// Why a text is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint: {0}")]
pub struct NotACheckpoint(&'static str);

/// The size and root of a log, under its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: a name that is unique in the world, like `example.org/ledger/payments`.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the three lines: origin, size, root.
    ///
    /// # Errors
    /// When there are fewer or more lines, or one is not in its only spelling.
    pub fn parse(text: &str) -> Result<Self, NotACheckpoint> {
        let body = text.strip_suffix('\n').ok_or(NotACheckpoint("the last line is cut"))?;
        let lines: Vec<&str> = body.split('\n').collect();
        let [origin, size, root] = lines[..] else {
            return Err(NotACheckpoint("expected three lines: origin, size, root"));
        };
        if origin.is_empty() {
            return Err(NotACheckpoint("the origin is empty"));
        }
        let number: u64 = size.parse().map_err(|_| NotACheckpoint("the size is not a number"))?;
        if number.to_string() != size {
            return Err(NotACheckpoint("the size is not written plainly"));
        }
        let hash = STANDARD.decode(root).map_err(|_| NotACheckpoint("the root is not base64"))?;
        let hash = hash.try_into().map_err(|_| NotACheckpoint("the root has not 32 bytes"))?;
        Ok(Self { origin: origin.to_owned(), size: number, root: hash })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root))
    }
}
