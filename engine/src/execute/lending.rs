//! The ledger of a run that may wait long: it is given up for the wait, and taken again after it.

use std::path::Path;

use super::book::Keeper;
use super::{Checkpoint, Error};
use crate::event::Draft;
use crate::id::{Digest, RunId};
use crate::ledger::Ledger;
use crate::ledger::error::Error as LedgerError;
use crate::ledger::lent::Lent;
use crate::ledger::lock::Holder;
use crate::ledger::locks::Locks;
use crate::time::Timestamp;

/// A ledger that can be given up while its run waits.
#[derive(Debug)]
pub struct Lendable {
    run: RunId,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Here(Box<Ledger>),
    Away(Box<Lent>),
    // Giving it up, or taking it again, failed half way.
    Lost(std::path::PathBuf),
}

impl Lendable {
    /// For a run that is about to move.
    #[must_use]
    pub fn new(mut ledger: Ledger, run: &RunId) -> Self {
        ledger.moves(Some(run));
        Self { run: run.clone(), place: Place::Here(Box::new(ledger)) }
    }

    /// The ledger; none while it is given up.
    #[must_use]
    pub fn into_ledger(self) -> Option<Ledger> {
        match self.place {
            Place::Here(mut ledger) => {
                ledger.moves(None);
                Some(*ledger)
            }
            Place::Away(_) | Place::Lost(_) => None,
        }
    }

    fn ledger(&mut self) -> Result<&mut Ledger, LedgerError> {
        match &mut self.place {
            Place::Here(ledger) => Ok(ledger),
            Place::Away(lent) => Err(LedgerError::Busy { path: lent.path().to_owned(), holder: Holder::default() }),
            Place::Lost(path) => Err(LedgerError::Busy { path: path.clone(), holder: Holder::default() }),
        }
    }
}

impl Keeper for Lendable {
    fn append(&mut self, now: Timestamp, drafts: Vec<Draft>) -> Result<(), LedgerError> {
        Keeper::append(self.ledger()?, now, drafts)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<Digest, LedgerError> {
        Keeper::keep(self.ledger()?, bytes)
    }

    fn checkpoint(&mut self) -> Result<Checkpoint, LedgerError> {
        Keeper::checkpoint(self.ledger()?)
    }

    fn locks(&mut self) -> Result<&Locks, LedgerError> {
        Keeper::locks(self.ledger()?)
    }

    fn place(&self) -> Option<&Path> {
        Some(match &self.place {
            Place::Here(ledger) => ledger.path(),
            Place::Away(lent) => lent.path(),
            Place::Lost(path) => path,
        })
    }

    fn may_lend(&self) -> bool {
        true
    }

    fn lend(&mut self, now: Timestamp) -> Result<(), LedgerError> {
        let path = self.place().map(Path::to_owned).unwrap_or_default();
        match std::mem::replace(&mut self.place, Place::Lost(path)) {
            Place::Here(ledger) => self.place = Place::Away(Box::new(ledger.lend(now)?)),
            other => self.place = other,
        }
        Ok(())
    }

    fn take_again(&mut self, now: Timestamp) -> Result<(), LedgerError> {
        if let Place::Away(lent) = &self.place {
            let mut ledger = lent.take(now)?;
            ledger.moves(Some(&self.run));
            self.place = Place::Here(Box::new(ledger));
        }
        Ok(())
    }
}

/// Whether the ledger is only busy, and may be free a little later.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(error, Error::Ledger(LedgerError::Busy { .. }))
}
