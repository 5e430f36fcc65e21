//! Cosignatures of witnesses on our checkpoints: which are right, where they are kept, and when they make a checkpoint
//! beside the ledger as good as one from elsewhere.
//!
//! Whoever can change the ledger can remove them, and cannot make one. Asking a witness is not done here.

use super::error::Error;
use super::prove::Sealed;
use super::signed::{self, Given};
use super::{Ledger, files};
use crate::merkle::add_checkpoint::AddCheckpoint;
use crate::merkle::cosignature::{WitnessKey, message};
use crate::merkle::note::{Note, Signature};
use crate::sign;

/// In how many of the newest checkpoints the last cosignature of a witness is looked for: it says itself where it was.
const LOOKED_AT: usize = 64;

/// When the witness cosigned the note, in seconds since 1970, if it did: its newest cosignature that is right.
#[must_use]
pub fn at(note: &Note, key: &WitnessKey) -> Option<u64> {
    note.signatures().iter().filter_map(|line| is_by(note, line, key)).max()
}

/// When, if the line is a right cosignature of the note by this witness.
#[must_use]
pub fn is_by(note: &Note, line: &Signature, key: &WitnessKey) -> Option<u64> {
    let claimed = key.claimed(line).filter(|claimed| claimed.time > 0)?;
    let message = message(claimed.time, note.text());
    sign::verify(key.public(), &message, &claimed.signature).then_some(claimed.time)
}

/// Those of the checkpoints that at least so many of the witnesses cosigned, as anchors: their sources say by whom.
#[must_use]
pub fn as_anchors(checkpoints: &[Given], witnesses: &[WitnessKey], at_least: usize) -> Vec<Given> {
    let anchor = |given: &Given| {
        let note = Note::parse(&given.bytes).ok()?;
        let by: Vec<&str> = witnesses.iter().filter(|key| at(&note, key).is_some()).map(WitnessKey::name).collect();
        let source = format!("{}, cosigned by {}", given.source, by.join(", "));
        (by.len() >= at_least.max(1)).then(|| Given { source, bytes: given.bytes.clone() })
    };
    checkpoints.iter().filter_map(anchor).collect()
}

impl Ledger {
    /// The checkpoint of now, which is made where there is none yet.
    ///
    /// # Errors
    /// When it cannot be written or read back.
    pub fn newest_checkpoint(&mut self) -> Result<Sealed, Error> {
        if self.covered < self.range.size() {
            self.checkpoint()?;
        }
        self.sealed_at(self.covered)
    }

    /// What a witness is sent that knows the first `old` entries: the newest checkpoint, and the proof.
    ///
    /// # Errors
    /// When the entries are not those that were signed.
    pub fn grown_since(&self, old: u64) -> Result<AddCheckpoint, Error> {
        let sealed = self.sealed_at(self.covered)?;
        let grown = super::prove::growth(&self.conn, &self.path, old, sealed)?;
        Ok(grown.request)
    }

    /// The largest size that the witness cosigned, among the newest checkpoints; 0 where none is found.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn last_cosigned(&self, key: &WitnessKey) -> Result<u64, Error> {
        for size in signed::sizes(&self.path)?.into_iter().rev().filter(|size| *size <= self.covered).take(LOOKED_AT) {
            let given = signed::at(&self.path, size)?;
            if given.and_then(|given| Note::parse(&given.bytes).ok()).is_some_and(|note| at(&note, key).is_some()) {
                return Ok(size);
            }
        }
        Ok(0)
    }

    /// Adds a cosignature to the checkpoint of a size, durably.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn keep_cosignature(&self, size: u64, line: Signature) -> Result<(), Error> {
        let Sealed { mut note, .. } = self.sealed_at(size)?;
        note.add_line(line);
        let path = signed::folder_of(&self.path).join(size.to_string());
        files::write(&path, note.to_string().as_bytes()).map_err(|error| Error::not_writable_io(&path, &error))
    }

    fn sealed_at(&self, size: u64) -> Result<Sealed, Error> {
        let missing =
            || Error::NotSealed { path: self.path.clone(), what: format!("no signed checkpoint of size {size}") };
        let given = signed::at(&self.path, size)?.ok_or_else(missing)?;
        let (note, checkpoint) = signed::read(&given.bytes).map_err(|_| missing())?;
        signed::check_ranges(&note, &checkpoint, &self.keys.signers()).map_err(|_| missing())?;
        if checkpoint.size == size { Ok(Sealed { checkpoint, note }) } else { Err(missing()) }
    }
}
