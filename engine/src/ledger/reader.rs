//! Reading a ledger without touching it: the files are copied into a scratch folder, and the copy is read.
//!
//! The copy is a state the log was in, also while somebody writes: the file is taken first and its write-ahead log
//! second, and the copy counts only if that log is still the one that was there at the start, since then it holds every
//! page that was moved meanwhile. Otherwise it is taken again. Nothing is written in the ledger's folder, not even a
//! lock. Where this very process is the writer, SQLite's own backup is used, because closing a descriptor of the file
//! would drop the writer's locks.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, ToSql};

use super::content::Content;
use super::entry::{self, Entry};
use super::error::{Cause, Error};
use super::history::History;
use super::key_chain::KeyChain;
use super::signed::{self, Given};
use super::{files, incident, lock, start, store};
use crate::event::Kind;
use crate::id::RunId;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::VerifierKey;
use crate::merkle::{CompactRange, Hash, leaf_hash};

/// How often a copy is taken again while somebody writes.
const TRIES: u32 = 20;

/// A private copy of a ledger.
#[derive(Debug)]
pub struct Reader {
    pub(super) conn: Connection,
    /// Where the copy is.
    pub(super) copy: PathBuf,
    /// Where the original is.
    pub(super) path: PathBuf,
    /// The checkpoints that were beside it before the copy was taken, ascending.
    signed_sizes: Vec<u64>,
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its sequence number.
    pub seq: i64,
    /// Its bytes.
    pub body: Vec<u8>,
    /// Its leaf hash, of the bytes as they are.
    pub hash: Hash,
}

/// Which entries, and in which order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Of this run alone.
    pub run: Option<&'a RunId>,
    /// Of this kind alone.
    pub kind: Option<Kind>,
    /// From this sequence number on.
    pub from: u64,
    /// Also those whose numbers no entry of a sound ledger has.
    pub any_seq: bool,
    /// At most so many.
    pub limit: Option<u64>,
    /// The newest first; `limit` then takes the newest.
    pub newest_first: bool,
}

impl Reader {
    /// Copies the ledger at `path` into the folder `scratch`, which must be the caller's own and outside the ledger's,
    /// and opens the copy. Verifies nothing.
    ///
    /// # Errors
    /// When there is none, it cannot be copied, or it is no ledger that this engine reads.
    pub fn copy(path: &Path, scratch: &Path) -> Result<Self, Error> {
        store::check_name(path)?;
        let signed_sizes = signed::sizes(path)?;
        let copy = scratch.join("ledger.db");
        lock::knowing_whether_ours(path, |ours| {
            if ours {
                return store::back_up(path, &copy);
            }
            copy_files(path, &copy).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound if !path.exists() => Error::Absent { path: path.to_owned() },
                // Only the copy is written.
                _ if Cause::of_io(&source) == Cause::DiskFull => Error::not_writable_io(&copy, &source),
                _ => Error::File { path: path.to_owned(), source },
            })
        })?;
        let conn = store::open_reader(&copy, path)?;
        Ok(Self { conn, copy, path: path.to_owned(), signed_sizes })
    }

    /// Verifies what a writer would when it starts: from the last signed checkpoint to the head. Sets no latch.
    ///
    /// # Errors
    /// As [`super::Ledger::open`] refuses: an open incident, another key, or what is not genuine.
    pub fn check(&self, public: &[u8; 32]) -> Result<(), Error> {
        if incident::is_open(&self.path) {
            return Err(Error::Incident { path: incident::path_of(&self.path) });
        }
        start::verified(&self.path, &self.conn, public, &self.signed_sizes).map(drop)
    }

    /// Where the original is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key that the ledger says signs now; whether it is, the reader of this must know.
    ///
    /// # Errors
    /// When its first entry is no genesis, or an entry about keys is not in order.
    pub fn vkey(&self) -> Result<VerifierKey, Error> {
        let keys = self.keys()?;
        keys.current().cloned().ok_or_else(|| Error::Ended { path: self.path.clone() })
    }

    /// The keys that the ledger says are its own, the oldest first.
    ///
    /// # Errors
    /// As [`Self::vkey`].
    pub fn keys(&self) -> Result<KeyChain, Error> {
        let genesis = start::genesis(&self.path, &self.conn)?;
        KeyChain::of(&self.path, &self.conn, genesis.named)
    }

    /// The signed checkpoints that were beside the ledger when the copy was taken.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<Given>, Error> {
        let mut found = Vec::new();
        for size in &self.signed_sizes {
            found.extend(signed::at(&self.path, *size)?);
        }
        Ok(found)
    }

    /// Their sizes, ascending.
    pub(super) fn signed_sizes(&self) -> &[u64] {
        &self.signed_sizes
    }

    /// Size and root, from the bytes of all entries; not signed.
    ///
    /// # Errors
    /// When it cannot be read, or its first entry is no genesis.
    pub fn head(&self) -> Result<Checkpoint, Error> {
        let named = start::genesis(&self.path, &self.conn)?.named;
        let mut range = CompactRange::new();
        store::each_row(&self.conn, i64::MIN, |row| range.push(leaf_hash(row.body))).map_err(|e| self.failed(&e))?;
        Ok(start::statement(&range, &named))
    }

    /// One entry.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn entry(&self, seq: u64) -> Result<Option<Stored>, Error> {
        let Ok(seq) = i64::try_from(seq) else { return Ok(None) };
        let sql = "SELECT seq, body FROM entries WHERE seq = ?";
        self.conn.query_row(sql, [seq], stored).optional().map_err(|error| self.failed(&error))
    }

    /// The newest `count` entries, in the order they were written.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn tail(&self, count: u64) -> Result<Vec<Stored>, Error> {
        let mut found = self.entries(&Filter { limit: Some(count), newest_first: true, ..Filter::default() })?;
        found.reverse();
        Ok(found)
    }

    /// The entries that fit; all of them in memory, see [`Self::each`] for many.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn entries(&self, filter: &Filter<'_>) -> Result<Vec<Stored>, Error> {
        let mut found = Vec::new();
        self.each(filter, |stored| {
            found.push(stored);
            Ok::<(), Error>(())
        })?;
        Ok(found)
    }

    /// Shows each entry that fits to `see`, one at a time, until it fails.
    ///
    /// # Errors
    /// When they cannot be read, or `see` fails.
    pub fn each<E: From<Error>>(
        &self,
        filter: &Filter<'_>,
        mut see: impl FnMut(Stored) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error: rusqlite::Error| self.failed(&error);
        let from = if filter.any_seq { i64::MIN } else { i64::try_from(filter.from).unwrap_or(i64::MAX) };
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let run = filter.run.map(RunId::as_str);
        let kind = filter.kind.map(Kind::as_str);
        let mut sql = "SELECT seq, body FROM entries WHERE seq >= ?".to_owned();
        let mut values: Vec<&dyn ToSql> = vec![&from];
        for (column, value) in [("run", &run), ("kind", &kind)] {
            if value.is_some() {
                sql.push_str(&format!(" AND {column} = ?"));
                values.push(value);
            }
        }
        sql.push_str(if filter.newest_first { " ORDER BY seq DESC LIMIT ?" } else { " ORDER BY seq LIMIT ?" });
        values.push(&limit);
        let mut statement = self.conn.prepare_cached(&sql).map_err(failed)?;
        let mut rows = statement.query(&values[..]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            see(stored(row).map_err(failed)?)?;
        }
        Ok(())
    }

    /// Where what is too large for an entry is kept.
    #[must_use]
    pub fn content(&self) -> Content {
        Content::of(&self.path)
    }

    /// What earlier runs did.
    #[must_use]
    pub fn history(&self) -> History<'_> {
        History::new(&self.conn, &self.path)
    }

    fn failed(&self, error: &rusqlite::Error) -> Error {
        Error::reading(&self.path, error)
    }
}

impl Stored {
    /// What it says.
    ///
    /// # Errors
    /// When its bytes are no entry.
    pub fn entry(&self, ledger: &Path) -> Result<Entry, Error> {
        entry::read(&self.body).map_err(|why| Error::BadEntry { path: ledger.to_owned(), seq: self.seq, why })
    }
}

fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<Stored> {
    let body: Vec<u8> = row.get(1)?;
    Ok(Stored { seq: row.get(0)?, hash: leaf_hash(&body), body })
}

/// What tells that the file may have been written meanwhile.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    file: (u64, u64, i64, i64),
    /// The header of the write-ahead log: its salts are new whenever it begins anew.
    log: Option<[u8; 32]>,
}

fn copy_files(path: &Path, copy: &Path) -> io::Result<()> {
    let (log, log_copy) = (files::beside(path, "-wal"), files::beside(copy, "-wal"));
    for suffix in ["", "-wal", "-shm"] {
        match std::fs::remove_file(files::beside(copy, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for _ in 0..TRIES {
        let before = Seen { file: stamp(path)?, log: header(&log)? };
        copy_file(path, copy)?;
        match copy_file(&log, &log_copy) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // One that an earlier try copied is not of this one.
                match std::fs::remove_file(&log_copy) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            other => other?,
        }
        let after = Seen { file: stamp(path)?, log: header(&log_copy)? };
        if before == after || (before.log.is_some() && before.log == after.log) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Err(io::Error::other("it was written so often that no copy could be taken"))
}

fn stamp(path: &Path) -> io::Result<(u64, u64, i64, i64)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}

fn header(log: &Path) -> io::Result<Option<[u8; 32]>> {
    let mut bytes = [0; 32];
    match files::open(log).and_then(|mut file| file.read_exact(&mut bytes)) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => Ok(None),
        Err(error) => Err(error),
    }
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = files::open(from)?;
    let mut target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to)?;
    io::copy(&mut source, &mut target).map(drop)
}
