//! Entries that have their place and bytes, and are about to be committed.

use rusqlite::Connection;

use super::error::Error;
use super::{entry, store};
use crate::event::{Draft, Kind};
use crate::id::RunId;
use crate::merkle::{Hash, leaf_hash};
use crate::time::Timestamp;

/// An entry that is ready to be written.
#[derive(Debug)]
pub(super) struct Pending {
    pub seq: u64,
    pub prev: Hash,
    pub hash: Hash,
    pub body: Vec<u8>,
    pub run: Option<RunId>,
    pub kind: Kind,
    pub ts: String,
}

impl Pending {
    pub fn new(draft: &Draft, seq: u64, prev: Hash, now: Timestamp) -> Result<Self, Error> {
        let ts = now.to_string();
        let body = entry::write(draft, seq, &prev, &ts).map_err(|why| Error::NotAnEntry { kind: draft.kind, why })?;
        Ok(Self { seq, prev, hash: leaf_hash(&body), body, run: draft.run.clone(), kind: draft.kind, ts })
    }

    pub fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let seq = i64::try_from(self.seq).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let run = self.run.as_ref().map(RunId::as_str);
        conn.prepare_cached(store::APPEND)?
            .execute((seq, &self.body, &self.hash[..], &self.prev[..], run, self.kind.as_str(), &self.ts))
            .map(drop)
    }
}
