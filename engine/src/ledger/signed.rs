//! Signed checkpoints: made with the ledger's key, kept as files `<ledger>.checkpoints/<size>`, and judged.
//!
//! Those beside the ledger find what happens by accident and by hand; whoever can change the ledger can remove them.
//! Only a checkpoint from elsewhere is an anchor.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::files;
use super::report::Problem;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::{self, Note, VerifierKey};
use crate::sign;
use crate::sign::ledger_key::LedgerKey;

/// The longest checkpoint that is read.
const MAX_FILE: usize = note::MAX_NOTE;

/// A signed note as it was found, with where that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// A path, or a store's own name for it.
    pub source: String,
    /// Its bytes, not judged yet.
    pub bytes: Vec<u8>,
}

/// What is wrong with a signed checkpoint by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no signed checkpoint.
    #[error("{0}")]
    Unreadable(String),
    /// None of the given keys signed it.
    #[error("it is signed by none of the keys that count")]
    UnknownKey,
    /// It names a key that counts, and is not that key's signature.
    #[error("its signature by `{0}` is wrong")]
    BadSignature(String),
    /// A key that counts signed a size that is not its to sign.
    #[error("it is of size {size}, and signed by `{key}`, which is good for {}", range(*from, *to))]
    OutOfRange {
        /// The key.
        key: String,
        /// What it signed.
        size: u64,
        /// The smallest size it may sign.
        from: u64,
        /// The largest, if there is one.
        to: Option<u64>,
    },
    /// Only keys signed it that count no longer, or that such a key alone vouches for.
    #[error("{0}")]
    Unproven(String),
}

impl Refusal {
    /// The code of the problem that it is; `bad` where it has none of its own.
    pub(super) fn code(&self, bad: &'static str) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::UnknownKey | Self::BadSignature(_) => bad,
            Self::OutOfRange { .. } => "key_out_of_range",
            Self::Unproven(_) => "unproven",
        }
    }
}

/// A key that may sign checkpoints, and of which sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The key.
    pub key: VerifierKey,
    /// The smallest size.
    pub from: u64,
    /// The largest, if there is one.
    pub to: Option<u64>,
}

impl Signer {
    /// One that may sign any size, for all that is known.
    #[must_use]
    pub fn of_any_size(key: VerifierKey) -> Self {
        Self { key, from: 0, to: None }
    }
}

fn range(from: u64, to: Option<u64>) -> String {
    to.map_or_else(|| format!("sizes from {from} on"), |to| format!("sizes {from} to {to}"))
}

/// The path of the folder with a ledger's checkpoints.
#[must_use]
pub fn folder_of(ledger: &Path) -> PathBuf {
    files::beside(ledger, ".checkpoints")
}

/// Reads a signed checkpoint; at least one of the keys must have signed it, under the name that is its origin.
///
/// # Errors
/// When it is none, or no such key signed it.
pub fn judge(bytes: &[u8], keys: &[VerifierKey]) -> Result<Checkpoint, Refusal> {
    let (note, checkpoint) = read(bytes)?;
    check(&note, &checkpoint, keys)?;
    Ok(checkpoint)
}

/// What a signed checkpoint says, whoever signed it.
pub(crate) fn read(bytes: &[u8]) -> Result<(Note, Checkpoint), Refusal> {
    let note = Note::parse(bytes).map_err(|error| Refusal::Unreadable(error.to_string()))?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|error| Refusal::Unreadable(error.to_string()))?;
    Ok((note, checkpoint))
}

/// Whether one of the keys signed it, whatever its size.
pub(super) fn check(note: &Note, checkpoint: &Checkpoint, keys: &[VerifierKey]) -> Result<(), Refusal> {
    let signers: Vec<Signer> = keys.iter().cloned().map(Signer::of_any_size).collect();
    check_ranges(note, checkpoint, &signers).map(drop)
}

/// Which of the keys signed it, by their places. Each that claims to have must have, and within its range; one is enough.
pub(crate) fn check_ranges(note: &Note, checkpoint: &Checkpoint, signers: &[Signer]) -> Result<Vec<usize>, Refusal> {
    let mut by = Vec::new();
    for (place, Signer { key, from, to }) in signers.iter().enumerate() {
        if key.name() != checkpoint.origin {
            continue;
        }
        for signature in note.claimed_by(key) {
            if !sign::verify(key.public(), note.text().as_bytes(), &signature) {
                return Err(Refusal::BadSignature(key.to_string()));
            }
            let size = checkpoint.size;
            if size < *from || to.is_some_and(|to| size > to) {
                return Err(Refusal::OutOfRange { key: key.to_string(), size, from: *from, to: *to });
            }
            by.push(place);
        }
    }
    if by.is_empty() { Err(Refusal::UnknownKey) } else { Ok(by) }
}

/// A checkpoint as a note, signed with these keys.
pub(super) fn sign(checkpoint: &Checkpoint, by: &[(&LedgerKey, &VerifierKey)]) -> Note {
    let mut note = Note::new(checkpoint.to_string()).expect("an origin that is a key's name has no control characters");
    for (key, named) in by {
        note.add(named, key.sign(note.text().as_bytes()));
    }
    note
}

/// The sizes for which there is a file beside the ledger, ascending. Other names are nobody's checkpoints.
pub(super) fn sizes(ledger: &Path) -> Result<Vec<u64>, Error> {
    let folder = folder_of(ledger);
    let failed = |source| Error::File { path: folder.clone(), source };
    let listing = match std::fs::read_dir(&folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut sizes = Vec::new();
    for file in listing {
        let name = file.map_err(failed)?.file_name();
        let size = name.to_str().and_then(|text| text.parse::<u64>().ok().filter(|size| size.to_string() == text));
        sizes.extend(size);
    }
    sizes.sort_unstable();
    Ok(sizes)
}

/// The file for one size, if there is one.
pub(super) fn at(ledger: &Path, size: u64) -> Result<Option<Given>, Error> {
    let path = folder_of(ledger).join(size.to_string());
    let bytes = files::read(&path, MAX_FILE).map_err(|source| Error::File { path: path.clone(), source })?;
    Ok(bytes.map(|bytes| Given { source: path.display().to_string(), bytes }))
}

/// Every checkpoint beside a ledger, by ascending size.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn beside(ledger: &Path) -> Result<Vec<Given>, Error> {
    let mut found = Vec::new();
    for size in sizes(ledger)? {
        found.extend(at(ledger, size)?);
    }
    Ok(found)
}

/// Keeps a checkpoint, durably; one of the same size and root stays, and gets the signatures it has not.
pub(super) fn keep(ledger: &Path, checkpoint: &Checkpoint, note: &Note, signers: &[Signer]) -> Result<PathBuf, Error> {
    let folder = folder_of(ledger);
    let path = folder.join(checkpoint.size.to_string());
    let mut whole = note.clone();
    if let Some(given) = at(ledger, checkpoint.size)? {
        match read(&given.bytes) {
            Ok((kept, said)) if check_ranges(&kept, &said, signers).is_ok() => {
                if said != *checkpoint {
                    // Our own signature over another history of the same length must never be overwritten.
                    let problems = vec![fork(&given, checkpoint)];
                    return Err(Error::NotGenuine { path: ledger.to_owned(), problems });
                }
                whole = kept;
                whole.add_all(note);
                if whole.to_string().as_bytes() == given.bytes {
                    return Ok(path);
                }
            }
            _ => {}
        }
    }
    let failed = |source: std::io::Error| Error::not_writable_io(&path, &source);
    files::make_folder(&folder).map_err(failed)?;
    files::write(&path, whole.to_string().as_bytes()).map_err(failed)?;
    Ok(path)
}

fn fork(given: &Given, checkpoint: &Checkpoint) -> Problem {
    let detail = format!("`{}` is signed for another history of {} entries", given.source, checkpoint.size);
    Problem { code: "fork".to_owned(), seq: None, run: None, detail }
}
