//! A keeper that keeps nothing: `gate --no-record`. A gate has no effect that would need a record before it.

use std::path::PathBuf;

use engine::event::Draft;
use engine::execute::{Checkpoint, Keeper};
use engine::id::Digest;
use engine::ledger::error::Error;
use engine::ledger::locks::Locks;
use engine::time::Timestamp;

/// Counts what it is given.
#[derive(Default)]
pub struct Unrecorded {
    size: u64,
    locks: Locks,
}

impl Keeper for Unrecorded {
    fn append(&mut self, _: Timestamp, drafts: Vec<Draft>) -> Result<(), Error> {
        self.size += drafts.len() as u64;
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<Digest, Error> {
        Ok(Digest::of(bytes))
    }

    fn checkpoint(&mut self) -> Result<Checkpoint, Error> {
        Ok(Checkpoint { size: self.size, path: PathBuf::new() })
    }

    fn locks(&mut self) -> Result<&Locks, Error> {
        Ok(&self.locks)
    }

    fn is_record(&self) -> bool {
        false
    }
}
