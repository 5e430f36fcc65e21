//! The writer's lock: one process moves a ledger at a time.
//!
//! The kernel holds it and gives it back when the process dies, however it dies. What the file says (who holds it) is
//! for people; nothing is decided by it.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::error::{Cause, Error};
use super::files::beside;
use crate::id::RunId;
use crate::time::Timestamp;

/// Who holds the writer's lock, as far as they said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The process.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pid: Option<u32>,
    /// The run that it moves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<RunId>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => write!(f, "a process that did not say which")?,
        }
        if let Some(run) = &self.run {
            write!(f, ", run {run}")?;
        }
        match self.since {
            Some(since) => write!(f, ", since {since}"),
            None => Ok(()),
        }
    }
}

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct WriterLock {
    file: File,
    /// Device and inode of the file.
    identity: (u64, u64),
    holder: Holder,
}

impl WriterLock {
    /// Takes the lock of the ledger at this path, or says who has it.
    pub fn take(ledger: &Path, since: Timestamp) -> Result<Self, Error> {
        let path = beside(ledger, ".lock");
        let not_writable = |source: std::io::Error| Error::NotWritable {
            path: ledger.to_owned(),
            cause: Cause::of_io(&source),
            detail: format!("its lock file `{}`: {source}", path.display()),
        };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(not_writable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Busy { path: ledger.to_owned(), holder: said_by(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(not_writable(source)),
        }
        let metadata = file.metadata().map_err(not_writable)?;
        let identity = (metadata.dev(), metadata.ino());
        ours().insert(identity);
        let holder = Holder { pid: Some(std::process::id()), run: None, since: Some(since) };
        let mut lock = Self { file, identity, holder };
        lock.say().map_err(not_writable)?;
        Ok(lock)
    }

    /// Says which run is moved, for whoever finds the lock busy.
    pub fn moves(&mut self, run: Option<&RunId>) {
        self.holder.run = run.cloned();
        // Only the message to a second runner would be poorer.
        let _ = self.say();
    }

    fn say(&mut self) -> std::io::Result<()> {
        let text = serde_json::to_vec(&self.holder)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        // Said outright: a child between its fork and its exec still has the descriptor. Where it fails, the kernel
        // gives the lock back with the last of them.
        let _ = self.file.unlock();
        ours().remove(&self.identity);
    }
}

/// The locks that this process holds, by device and inode of the lock file.
static OURS: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

fn ours() -> MutexGuard<'static, BTreeSet<(u64, u64)>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something that depends on whether this process is the ledger's writer, and keeps that so until it is done.
///
/// The file of a ledger must not be opened by its writer's process but through SQLite, see [`super::reader`].
pub(super) fn knowing_whether_ours<T>(ledger: &Path, act: impl FnOnce(bool) -> T) -> T {
    let held = ours();
    let of_file = std::fs::metadata(beside(ledger, ".lock")).map(|metadata| (metadata.dev(), metadata.ino()));
    let is_ours = of_file.is_ok_and(|file| held.contains(&file));
    act(is_ours)
}

fn said_by(file: &mut File) -> Holder {
    let mut text = Vec::new();
    let read = file.rewind().and_then(|()| file.take(4096).read_to_end(&mut text));
    read.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default()
}
