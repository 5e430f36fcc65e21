//! A ledger that its writer gives up for a while: nothing of it is open meanwhile, and others may write it.

use std::path::{Path, PathBuf};

use serde_json::Map;

use super::Ledger;
use super::error::Error;
use crate::event::{Draft, Kind};
use crate::sign::ledger_key::LedgerKey;
use crate::time::Timestamp;

/// What is kept of a ledger that was given up: enough to open it again.
#[derive(Debug)]
pub struct Lent {
    path: PathBuf,
    key: LedgerKey,
}

impl Ledger {
    /// Leaves in good order, as [`Self::close`] does, to come back later.
    ///
    /// # Errors
    /// When the farewell cannot be written.
    pub fn lend(mut self, now: Timestamp) -> Result<Lent, Error> {
        let data = Map::from_iter([("fence".to_owned(), self.fence.into())]);
        self.append(now, &[Draft::new(Kind::WriterClose, data)])?;
        self.checkpoint()?;
        let Self { path, conn, key, lock, .. } = self;
        conn.close().map_err(|(_, error)| Error::not_writable(&path, &error))?;
        drop(lock);
        Ok(Lent { path, key })
    }
}

impl Lent {
    /// Opens it again, as [`Ledger::open`] does.
    ///
    /// # Errors
    /// As there; [`Error::Busy`] while somebody else has it.
    pub fn take(&self, now: Timestamp) -> Result<Ledger, Error> {
        Ledger::open(&self.path, self.key.again(), now)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
