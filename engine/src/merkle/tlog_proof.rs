//! Proofs as files (C2SP tlog-proof): the number of an entry, its inclusion proof, and the signed checkpoint it leads to.
//!
//! Reads and writes them, and checks the way from an entry's bytes to the checkpoint's root. Whose signatures count is
//! decided by whoever has the keys.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::Checkpoint;
use super::note::{MAX_NOTE, Note};
use super::proof::{Unproven, check_inclusion};
use super::{Hash, leaf_hash, spelled};

/// The first line: the format and its version.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A tree of 2^64 leaves has proofs of so many hashes.
const MAX_HASHES: usize = 64;

/// The longest proof that is read, in bytes: hashes, and a note.
pub const MAX_PROOF: usize = MAX_NOTE + 64 * 1024;

/// Why a text is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a tlog-proof: {0}")]
pub struct NotAProof(String);

impl NotAProof {
    fn because(why: &str) -> Self {
        Self(why.to_owned())
    }
}

/// An entry's number, its way to a root, and the checkpoint that has the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    index: u64,
    hashes: Vec<Hash>,
    note: Note,
    /// What `note` says.
    checkpoint: Checkpoint,
}

impl TlogProof {
    /// Whether the bytes begin as a proof does, so that one can be told from a bare checkpoint.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.strip_prefix(HEADER.as_bytes()).is_some_and(|rest| rest.starts_with(b"\n"))
    }

    /// A proof that leads to a signed checkpoint.
    ///
    /// # Errors
    /// When the note is no checkpoint, or there are more hashes than any tree asks for.
    pub fn new(index: u64, hashes: Vec<Hash>, note: Note) -> Result<Self, NotAProof> {
        if hashes.len() > MAX_HASHES {
            return Err(NotAProof(format!("it has more than {MAX_HASHES} hashes")));
        }
        let checkpoint = Checkpoint::parse(note.text()).map_err(|error| NotAProof(error.to_string()))?;
        Ok(Self { index, hashes, note, checkpoint })
    }

    /// Reads a proof. A line `extra` is refused: ours have none, and nothing vouches for what would stand in it.
    ///
    /// # Errors
    /// When it is malformed, or a line is not in its only spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAProof> {
        if bytes.len() > MAX_PROOF {
            return Err(NotAProof::because("it is too long"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| NotAProof::because("it is not UTF-8"))?;
        let (head, note) = text.split_once("\n\n").ok_or(NotAProof::because("no blank line before the checkpoint"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(NotAProof(format!("the first line is not `{HEADER}`")));
        }
        let line = lines.next().unwrap_or_default();
        if line.starts_with("extra ") {
            return Err(NotAProof::because("it has a line `extra`, which nothing here reads"));
        }
        let number = line.strip_prefix("index ").ok_or(NotAProof::because("the second line is not `index NUMBER`"))?;
        let index: u64 = number.parse().map_err(|_| NotAProof::because("the index is not a number"))?;
        if index.to_string() != number {
            return Err(NotAProof::because("the index is not written plainly"));
        }
        let hashes = lines.map(hash).collect::<Result<Vec<Hash>, NotAProof>>()?;
        let note = Note::parse(note.as_bytes()).map_err(|error| NotAProof(error.to_string()))?;
        Self::new(index, hashes, note)
    }

    /// Which entry.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Its way to the root, lowest hash first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The signed checkpoint.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// What the checkpoint says.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Checks that an entry of these bytes is in the tree that the checkpoint is of. Says nothing of signatures.
    ///
    /// # Errors
    /// When it is not shown.
    pub fn check(&self, body: &[u8]) -> Result<(), Unproven> {
        check_inclusion(self.index, self.checkpoint.size, &leaf_hash(body), &self.hashes, &self.checkpoint.root)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nindex {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", spelled(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

fn hash(line: &str) -> Result<Hash, NotAProof> {
    let bytes = STANDARD.decode(line).map_err(|_| NotAProof::because("a line of the proof is not base64"))?;
    bytes.try_into().map_err(|_| NotAProof::because("a line of the proof has not 32 bytes"))
}
