//! What was done: our own log, and the report that every ledger gives.
//!
//! [`Ledger`] is the one writer of a log; [`reader::Reader`] reads a private copy; [`verify`] judges;
//! [`prove`] gives proofs of it. Anchor stores and witnesses are not here.
//!
//! Time: `ts` of an entry is the wall clock as it was. Where that is before the entry ahead of it, a `clock.stepped`
//! entry goes first, and verification accepts a step back nowhere else. Whoever counts over time (see [`history`])
//! takes the latest time seen up to an entry, so a clock set back hides nothing.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Map;

use crate::event::{Draft, Kind};
use crate::id::RunId;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::VerifierKey;
use crate::merkle::{CompactRange, Hash};
use crate::sign::ledger_key::LedgerKey;
use crate::time::Timestamp;

pub mod anchor;
pub mod backup;
mod canonical;
mod chain;
pub mod content;
pub mod cosigned;
pub mod entry;
pub mod error;
pub mod evidence;
mod files;
pub mod fingerprint_key;
pub mod history;
pub mod inbox;
pub mod incident;
pub mod key_chain;
pub mod lent;
pub mod lock;
pub mod locks;
mod nodes;
mod pending;
pub mod prove;
pub mod reader;
pub mod report;
pub mod rotate;
pub mod signed;
mod start;
mod store;
pub mod told;
pub mod verify;

#[cfg(test)]
mod tests;

use content::Content;
use error::{Cause, Error};
use history::History;
use key_chain::KeyChain;
use lock::WriterLock;
use locks::Locks;
use nodes::Nodes;
use pending::Pending;

/// A checkpoint is made at the latest when so many entries are not covered by one.
pub const CHECKPOINT_EVERY: u64 = 256;

/// The log of a workspace, open for writing: there is one such writer, in one process.
///
/// Dropped without [`Self::close`], it leaves what is committed, as a crash would.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    conn: Connection,
    key: LedgerKey,
    named: VerifierKey,
    keys: KeyChain,
    id: String,
    /// Over every entry.
    range: CompactRange,
    head: Hash,
    head_ts: Timestamp,
    /// How many entries the newest checkpoint covers.
    covered: u64,
    fence: u64,
    data_version: i64,
    /// What an earlier append failed with: then it is not known what the file holds, and nothing more is written.
    failed: Option<Cause>,
    content: Content,
    /// Named locks, once somebody asked for them; every append keeps them true.
    locks: Option<Locks>,
    // Last, so that it is given back after the connection is closed.
    lock: WriterLock,
}

/// Where an entry came to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its sequence number.
    pub seq: u64,
    /// Its leaf hash.
    pub hash: Hash,
    /// Its time as recorded.
    pub ts: Timestamp,
}

impl Ledger {
    /// Makes a new ledger: its genesis, signed by a first checkpoint. `id` is a UUID that names it for ever.
    ///
    /// # Errors
    /// When there is one, or checkpoints or an incident of one, at this path; when the origin cannot name a key; when
    /// it cannot be written.
    pub fn create(path: &Path, origin: &str, key: &LedgerKey, now: Timestamp, id: &str) -> Result<(), Error> {
        let named = VerifierKey::new(origin, key.public()).map_err(|error| Error::Origin(error.to_string()))?;
        let _lock = WriterLock::take(path, now)?;
        for taken in [path.to_owned(), signed::folder_of(path), incident::path_of(path)] {
            if !matches!(taken.try_exists(), Ok(false)) {
                return Err(Error::Exists { path: taken });
            }
        }
        let mut data = Map::new();
        data.insert("ledger".to_owned(), id.into());
        data.insert("origin".to_owned(), origin.into());
        data.insert("vkey".to_owned(), named.to_string().into());
        data.insert("hash".to_owned(), start::HASH.into());
        let draft = Draft::new(Kind::LedgerGenesis, data);
        let row = Pending::new(&draft, 0, Hash::default(), now)?;
        start::create_file(path, |conn| row.insert(conn))?;
        let mut range = CompactRange::new();
        range.push(row.hash);
        start::sign(path, &range, key, &named, &KeyChain::new(named.clone())).map(drop)
    }

    /// Opens a ledger as its one writer: takes the lock, verifies from the last signed checkpoint to the head, and
    /// records `writer.open`.
    ///
    /// # Errors
    /// When somebody else has it, an incident is open, it is not of this key, a newer version made it, it cannot be
    /// written, or it is not genuine; the last sets the latch, so that no later try passes.
    pub fn open(path: &Path, key: LedgerKey, now: Timestamp) -> Result<Self, Error> {
        let lock = WriterLock::take(path, now)?;
        if incident::is_open(path) {
            return Err(Error::Incident { path: incident::path_of(path) });
        }
        Self::start(path, key, now, lock)
    }

    /// Opens one whose latch is set, for whoever closes the incident.
    fn open_latched(path: &Path, key: LedgerKey, now: Timestamp) -> Result<Self, Error> {
        Self::start(path, key, now, WriterLock::take(path, now)?)
    }

    fn start(path: &Path, key: LedgerKey, now: Timestamp, lock: WriterLock) -> Result<Self, Error> {
        let asked = |error: Error| error.of_disk(path);
        let conn = store::open_writer(path).map_err(asked)?;
        let start = start::verified(path, &conn, &key.public(), &signed::sizes(path)?).map_err(asked);
        let start = start.inspect_err(|error| latch(path, error, now))?;
        let data_version = store::data_version(&conn).map_err(|error| Error::reading(path, &error))?;
        let mut ledger = Self {
            path: path.to_owned(),
            conn,
            key,
            named: start.named,
            keys: start.keys,
            id: start.id,
            fence: start.range.size(),
            range: start.range,
            head: start.head,
            head_ts: start.head_ts,
            covered: start.covered,
            data_version,
            failed: None,
            content: Content::of(path),
            locks: None,
            lock,
        };
        if ledger.covered == 0 {
            // Killed between making the file and its first checkpoint.
            ledger.checkpoint()?;
        }
        ledger.append_opened(now)?;
        Ok(ledger)
    }

    /// Appends facts in one durable commit: all of them, or none. What is returned has reached the disk.
    ///
    /// # Errors
    /// When a fact does not fit an entry (the ledger stays usable), or it cannot be written (it takes nothing more:
    /// open it again).
    pub fn append(&mut self, now: Timestamp, drafts: &[Draft]) -> Result<Vec<Appended>, Error> {
        if let Some(cause) = self.failed {
            let detail = "an earlier append failed; the ledger must be opened again".to_owned();
            return Err(Error::NotWritable { path: self.path.clone(), cause, detail });
        }
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        if self.range.size() - self.covered >= CHECKPOINT_EVERY {
            self.checkpoint()?;
        }
        let mut rows: Vec<Pending> = Vec::with_capacity(drafts.len() + 1);
        let stepped = (now < self.head_ts).then(|| {
            let mut data = Map::new();
            data.insert("head".to_owned(), self.head_ts.to_string().into());
            data.insert("wall".to_owned(), now.to_string().into());
            Draft::new(Kind::ClockStepped, data)
        });
        for draft in stepped.iter().chain(drafts) {
            let seq = self.range.size() + rows.len() as u64;
            let prev = rows.last().map_or(self.head, |row| row.hash);
            rows.push(Pending::new(draft, seq, prev, now)?);
        }
        if let Err(error) = self.commit(&rows) {
            let error = error.of_disk(&self.path);
            self.after_failure(&error, now);
            return Err(error);
        }
        for row in &rows {
            self.range.push(row.hash);
            self.head = row.hash;
        }
        self.head_ts = now;
        self.note_locks(drafts, now);
        let skipped = rows.len() - drafts.len();
        Ok(rows.iter().skip(skipped).map(|row| Appended { seq: row.seq, hash: row.hash, ts: now }).collect())
    }

    /// Signs the size and root of now and keeps that as a file beside the ledger; gives the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn checkpoint(&mut self) -> Result<PathBuf, Error> {
        let path = start::sign(&self.path, &self.range, &self.key, &self.named, &self.keys)?;
        self.covered = self.range.size();
        Nodes::beside(&self.path, &self.conn).extend(self.covered, &self.range.root());
        Ok(path)
    }

    /// Leaves in good order: records `writer.close`, makes a checkpoint, gives the lock back.
    ///
    /// # Errors
    /// When either cannot be written.
    pub fn close(self, now: Timestamp) -> Result<(), Error> {
        self.lend(now).map(drop)
    }

    /// Says which run is moved, for the message to whoever finds the ledger busy.
    pub fn moves(&mut self, run: Option<&RunId>) {
        self.lock.moves(run);
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The UUID that it was made with.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of the log in its checkpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.named.name()
    }

    /// The key that others check its checkpoints with.
    #[must_use]
    pub fn vkey(&self) -> &VerifierKey {
        &self.named
    }

    /// That key, and those before it.
    #[must_use]
    pub fn keys(&self) -> &KeyChain {
        &self.keys
    }

    /// How many entries there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.range.size()
    }

    /// The size and root of now, not signed.
    #[must_use]
    pub fn head(&self) -> Checkpoint {
        start::statement(&self.range, &self.named)
    }

    /// The fencing number of this writer: the sequence number of its `writer.open`. Later writers have larger ones.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Where what is too large for an entry is kept.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// What earlier runs did, as far as it is committed.
    #[must_use]
    pub fn history(&self) -> History<'_> {
        History::new(&self.conn, &self.path)
    }

    fn append_opened(&mut self, now: Timestamp) -> Result<(), Error> {
        // A clock that stepped back takes the place before.
        self.fence = self.range.size() + u64::from(now < self.head_ts);
        let mut data = Map::new();
        data.insert("fence".to_owned(), self.fence.into());
        data.insert("pid".to_owned(), std::process::id().into());
        data.insert("engine".to_owned(), env!("CARGO_PKG_VERSION").into());
        self.append(now, &[Draft::new(Kind::WriterOpen, data)]).map(drop)
    }

    /// After a commit that failed it is not known what the file holds, so this writer is done; one that never began
    /// because the file was locked may be tried again.
    fn after_failure(&mut self, error: &Error, now: Timestamp) {
        self.failed = match error {
            Error::NotWritable { cause: Cause::Locked, .. } => None,
            Error::NotWritable { cause, .. } => Some(*cause),
            _ => Some(Cause::Corrupt),
        };
        latch(&self.path, error, now);
    }

    /// Writes the rows in one transaction, in which the head is still the one we know.
    fn commit(&mut self, rows: &[Pending]) -> Result<(), Error> {
        let failed = |error: rusqlite::Error| Error::not_writable(&self.path, &error);
        self.conn.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([])).map_err(failed)?;
        let written = self.compare_head().and_then(|version| {
            rows.iter().try_for_each(|row| row.insert(&self.conn)).map_err(failed)?;
            self.conn.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])).map_err(failed)?;
            Ok(version)
        });
        match written {
            Ok(version) => {
                self.data_version = version;
                Ok(())
            }
            Err(error) => {
                // SQLite has rolled back by itself where this fails, and nothing more is written either way.
                let _ = self.conn.execute_batch("ROLLBACK");
                Err(error)
            }
        }
    }

    /// Within the transaction: nobody has written since, or at least the log is the one we know.
    fn compare_head(&self) -> Result<i64, Error> {
        let failed = |error: rusqlite::Error| Error::not_writable(&self.path, &error);
        let version = store::data_version(&self.conn).map_err(failed)?;
        let head = store::head(&self.conn).map_err(failed)?;
        let known = i64::try_from(self.range.size()).ok().map(|size| (size - 1, self.head));
        if head != known {
            let detail = match head {
                Some((seq, hash)) => format!("the head is entry {seq} with hash {}", hex::encode(hash)),
                None => "there are no entries".to_owned(),
            };
            return Err(start::overtaken(&self.path, self.range.size(), detail));
        }
        if version != self.data_version {
            // Somebody wrote, or only tidied the write-ahead log: the entries decide.
            start::still_the_same(&self.path, &self.conn, &self.range)?;
        }
        Ok(version)
    }
}

/// What is not genuine stays refused until somebody closes the incident.
fn latch(path: &Path, error: &Error, now: Timestamp) {
    if let Error::NotGenuine { problems, .. } = error {
        let incident = incident::Incident { opened_at: now, problems: problems.clone() };
        // The refusal stands either way; the latch only makes it last.
        let _ = incident::open(path, &incident);
    }
}
