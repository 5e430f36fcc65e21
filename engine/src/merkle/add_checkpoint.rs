//! What is sent to a witness (C2SP tlog-witness, `add-checkpoint`): a checkpoint, and the proof that the log only grew.
//!
//! Written here, and checked against two roots. Sending it, and believing the answer, are not here.

use std::fmt;

use super::note::Note;
use super::{Hash, spelled};

/// A signed checkpoint, and its consistency proof from a smaller size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The smaller size; 0 where the other side knows nothing yet.
    pub old: u64,
    /// The proof, lowest hash first; empty where `old` is 0 or the checkpoint's own size.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: Note,
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", spelled(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}
