//! Named locks: who holds which, as the entries tell it. There is no other place where that is kept.
//!
//! A lock is taken with a fencing number that is larger than any before it in this ledger, so whoever holds an older one
//! can be told from whoever holds it now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::error::Error;
use super::{Ledger, entry};
use crate::event::fact::Event;
use crate::event::{Draft, Kind};
use crate::id::RunId;
use crate::time::Timestamp;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The run.
    pub run: RunId,
    /// Its fencing number.
    pub fence: u64,
    /// When it was taken, by the wall clock then.
    pub since: Timestamp,
}

/// All named locks of a ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locks {
    held: BTreeMap<String, Holding>,
    // The largest fencing number that was given away.
    highest: u64,
    // Requests in an inbox by which a lock was broken: none breaks twice.
    requests: BTreeSet<String>,
}

impl Locks {
    /// Who holds it, if anybody does.
    #[must_use]
    pub fn holding(&self, lock: &str) -> Option<&Holding> {
        self.held.get(lock)
    }

    /// Those that are held, by name.
    pub fn held(&self) -> impl Iterator<Item = (&str, &Holding)> {
        self.held.iter().map(|(lock, holding)| (lock.as_str(), holding))
    }

    /// The first of these that another run holds.
    #[must_use]
    pub fn busy<'a>(&self, wanted: &'a [String], run: &RunId) -> Option<(&'a str, &Holding)> {
        wanted.iter().find_map(|lock| {
            let holding = self.held.get(lock).filter(|holding| holding.run != *run)?;
            Some((lock.as_str(), holding))
        })
    }

    /// The fencing number that the next lock is taken with.
    #[must_use]
    pub fn next_fence(&self) -> u64 {
        self.highest + 1
    }

    /// Whether a lock was broken by this request already.
    #[must_use]
    pub fn was_broken_by(&self, request: &str) -> bool {
        self.requests.contains(request)
    }

    /// Takes in an entry; one of another kind, or that does not say what its kind says, changes nothing.
    pub fn apply(&mut self, kind: Kind, run: Option<&RunId>, data: &Map<String, Value>, at: Timestamp) {
        if !KINDS.contains(&kind) {
            return;
        }
        match (Event::from_entry(kind, data), run) {
            (Ok(Event::LockTaken(taken)), Some(run)) => {
                self.highest = self.highest.max(taken.fence);
                self.held.insert(taken.lock, Holding { run: run.clone(), fence: taken.fence, since: at });
            }
            (Ok(Event::LockReleased(released)), _) => self.end(&released.lock, released.fence),
            (Ok(Event::LockBroken(broken)), _) => {
                self.end(&broken.lock, broken.fence);
                self.requests.extend(broken.request);
            }
            _ => {}
        }
    }

    fn end(&mut self, lock: &str, fence: u64) {
        if self.held.get(lock).is_some_and(|holding| holding.fence == fence) {
            self.held.remove(lock);
        }
    }
}

impl Ledger {
    /// The named locks as they are now.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn locks(&mut self) -> Result<&Locks, Error> {
        let known = match self.locks.take() {
            Some(known) => known,
            None => read(&self.conn, &self.path)?,
        };
        Ok(self.locks.insert(known))
    }

    /// Once they were read, every append keeps them true.
    pub(super) fn note_locks(&mut self, drafts: &[Draft], now: Timestamp) {
        if let Some(locks) = &mut self.locks {
            drafts.iter().for_each(|draft| locks.apply(draft.kind, draft.run.as_ref(), &draft.data, now));
        }
    }
}

const KINDS: [Kind; 3] = [Kind::LockTaken, Kind::LockReleased, Kind::LockBroken];

/// Reads them from the entries of a ledger.
pub(super) fn read(conn: &Connection, path: &Path) -> Result<Locks, Error> {
    let failed = |error: &rusqlite::Error| Error::reading(path, error);
    let sql = "SELECT seq, body FROM entries
        WHERE kind IN ('lock.taken', 'lock.released', 'lock.broken') ORDER BY seq";
    let mut statement = conn.prepare_cached(sql).map_err(|error| failed(&error))?;
    let mut rows = statement.query([]).map_err(|error| failed(&error))?;
    let mut locks = Locks::default();
    while let Some(row) = rows.next().map_err(|error| failed(&error))? {
        let (seq, body): (i64, Vec<u8>) =
            row.get(0).and_then(|seq| Ok((seq, row.get(1)?))).map_err(|error| failed(&error))?;
        let bad = |why| Error::BadEntry { path: path.to_owned(), seq, why };
        let entry = entry::read(&body).map_err(bad)?;
        locks.apply(entry.kind, entry.run.as_ref(), &entry.data, entry.ts);
    }
    Ok(locks)
}
