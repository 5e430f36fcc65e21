//! The real machine: what [`Probe`] and [`Host`] come to on Linux.
//!
//! Each kind of outside thing has a file below this one. Nothing here knows actions, targets or plans.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use super::database::{Rows, Statement};
use super::{
    Answer, Command, EntryKind, Error, Existing, Finished, Get, Holders, Host, Probe, Program, Scratch, Send, Stat, rpc,
};
use crate::id::Digest;
use crate::time::Timestamp;

mod copies;
mod database;
mod descend;
mod exchange;
mod fetch;
mod open_files;
mod place;
#[cfg(feature = "smtp")]
mod post;
mod program;
mod replace;

/// What a machine may do, beyond what the operating system says.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The workspace: where relative paths start.
    pub root: PathBuf,
    /// The hosts (`example.org`, or `example.org:8443` for that port alone) that may be spoken to; none: any.
    pub allow_hosts: Option<Vec<String>>,
    /// The programs (a name that `PATH` knows, or an absolute path) that may be run; none: any.
    pub allow_commands: Option<Vec<String>>,
    /// Files and folders that are neither written nor removed, under whatever name, with all that is in them.
    pub protected: Vec<PathBuf>,
    /// Where private copies are made; none: the system's temporary folder.
    pub scratch_parent: Option<PathBuf>,
    /// Whether programs that a procedure's author calls read-only may be run: always in a run, asked for in a plan.
    pub probe_commands: bool,
    /// Whether the proxies named in the environment are used.
    pub proxy_from_env: bool,
}

/// This computer. A clone shares connections and what was learned about programs.
#[derive(Clone)]
pub struct Machine {
    settings: Arc<Settings>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    client: OnceLock<reqwest::Client>,
    programs: Mutex<HashMap<program::Seen, Digest>>,
    // Closing any descriptor of a file drops all POSIX locks that this process holds on it, SQLite's on the ledger
    // included. So a protected database is opened once, and that descriptor is never closed.
    kept: Mutex<HashMap<(u64, u64), Arc<File>>>,
}

impl Machine {
    /// The machine, within these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let root = std::path::absolute(&settings.root).unwrap_or_else(|_| settings.root.clone());
        Self { settings: Arc::new(Settings { root, ..settings }), shared: Arc::default() }
    }

    /// The same machine, where programs that an author calls read-only are run, or are not.
    #[must_use]
    pub fn probing_commands(&self, probe_commands: bool) -> Self {
        let settings = Settings { probe_commands, ..Settings::clone(&self.settings) };
        Self { settings: Arc::new(settings), shared: Arc::clone(&self.shared) }
    }

    fn absolute(&self, path: &Path) -> Result<PathBuf, Error> {
        if path.as_os_str().is_empty() {
            return Err(Error::Refused("an empty path".to_owned()));
        }
        Ok(self.settings.root.join(path))
    }

    /// Opens a regular file for reading: nothing that blocks, and nothing without an end.
    fn open_regular(&self, path: &Path) -> Result<Arc<File>, Error> {
        let place = self.place(path)?;
        let file_error = |source| Error::File { verb: "read", path: path.to_owned(), source };
        let real = place.existing().ok_or_else(|| file_error(io::ErrorKind::NotFound.into()))?;
        let protected = Self::is_protected(self, &place)?;
        let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if protected {
            let found = std::fs::metadata(real).map_err(file_error)?;
            if let Some(file) = kept.get(&device_inode(&found)) {
                return Ok(Arc::clone(file));
            }
        }
        let file = File::from(place::open_judged(real, place::READ).map_err(file_error)?);
        let found = file.metadata().map_err(file_error)?;
        if !found.is_file() {
            return Err(Error::Refused(format!("`{}` is no regular file", path.display())));
        }
        let file = Arc::new(file);
        if protected && is_database(&file, real) {
            kept.insert(device_inode(&found), Arc::clone(&file));
        }
        Ok(file)
    }
}

/// Whether SQLite may hold locks on this file; an empty one may be about to become a database.
fn is_database(file: &File, path: &Path) -> bool {
    let mut magic = [0_u8; 16];
    match std::os::unix::fs::FileExt::read_at(file, &mut magic, 0) {
        Ok(0) | Err(_) => true,
        Ok(_) => magic == *b"SQLite format 3\0" || path.as_os_str().as_encoded_bytes().ends_with(b"-shm"),
    }
}

fn device_inode(found: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

/// A file read from its begin, whoever else reads the same descriptor.
struct FromStart {
    file: Arc<File>,
    at: u64,
}

impl io::Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// The bytes of a stream, or nothing if there are more than that.
fn read_at_most(stream: impl io::Read, at_most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(stream, at_most.saturating_add(1)), &mut bytes)?;
    Ok((bytes.len() as u64 <= at_most).then_some(bytes))
}

#[async_trait]
impl Probe for Machine {
    fn root(&self) -> &Path {
        &self.settings.root
    }

    fn now(&self) -> Timestamp {
        timestamp(SystemTime::now())
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf, Error> {
        Ok(self.place(path)?.whole())
    }

    fn is_protected(&self, path: &Path) -> Result<bool, Error> {
        self.is_protected(&self.place(path)?)
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, Error> {
        use std::os::unix::fs::MetadataExt;
        let found = match std::fs::symlink_metadata(self.absolute(path)?) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(source) => return Err(Error::File { verb: "look at", path: path.to_owned(), source }),
        };
        let kind = match found.file_type() {
            kind if kind.is_file() => EntryKind::File,
            kind if kind.is_dir() => EntryKind::Folder,
            kind if kind.is_symlink() => EntryKind::Link,
            _ => EntryKind::Other,
        };
        Ok(Some(Stat {
            kind,
            size: found.len(),
            mode: found.mode() & 0o7777,
            owner: found.uid(),
            device_inode: device_inode(&found),
            modified: found.modified().map_or_else(|_| timestamp(UNIX_EPOCH), timestamp),
        }))
    }

    fn read(&self, path: &Path, at_most: u64) -> Result<Vec<u8>, Error> {
        let stream = self.open(path)?;
        read_at_most(stream, at_most)
            .map_err(|source| Error::File { verb: "read", path: path.to_owned(), source })?
            .ok_or_else(|| Error::TooLarge { path: path.to_owned(), limit: at_most })
    }

    fn open(&self, path: &Path) -> Result<Box<dyn io::Read + std::marker::Send>, Error> {
        Ok(Box::new(FromStart { file: self.open_regular(path)?, at: 0 }))
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, Error> {
        let file_error = |source| Error::File { verb: "list", path: folder.to_owned(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.absolute(folder)?).map_err(file_error)? {
            let name = entry.map_err(file_error)?.file_name();
            names.push(name.into_string().map_err(|name| {
                Error::Refused(format!("the name of `{}` in `{}` is no UTF-8", name.display(), folder.display()))
            })?);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn inside(&self, path: &Path, folder: &Path) -> Result<bool, Error> {
        self.place(path)?.is_inside(&self.place(folder)?)
    }

    fn holders(&self, paths: &[PathBuf]) -> Result<Holders, Error> {
        let paths = paths.iter().map(|path| Ok((path.clone(), self.absolute(path)?))).collect::<Result<Vec<_>, _>>()?;
        open_files::holders(&paths)
    }

    fn scratch(&self, files: &[PathBuf]) -> Result<Scratch, Error> {
        self.copy_to_scratch(files)
    }

    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        use std::os::unix::ffi::OsStringExt as _;
        std::env::var_os(name).map(std::ffi::OsString::into_vec)
    }

    fn program(&self, name: &str) -> Result<Program, Error> {
        self.find_program(name, &self.settings.root)
    }

    async fn get(&self, request: Get) -> Result<Answer, Error> {
        self.fetch(request).await
    }

    async fn rpc(&self, question: rpc::Rpc) -> Result<Answer, Error> {
        self.deliver(rpc::request(&question.url, question.method.as_str(), &question.params, question.timeout)).await
    }

    async fn query(&self, statement: Statement) -> Result<Rows, Error> {
        self.look_up(statement).await
    }

    fn probes_commands(&self) -> bool {
        self.settings.probe_commands
    }

    async fn ask(&self, command: Command) -> Result<Finished, Error> {
        self.exchange(command).await
    }
}

#[async_trait]
impl Host for Machine {
    fn write(&self, path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), Error> {
        self.put(path, mode, existing, bytes).map(drop)
    }

    fn copy(&self, from: &Path, to: &Path, mode: u32, existing: Existing) -> Result<Digest, Error> {
        let source = FromStart { file: self.open_regular(from)?, at: 0 };
        self.put(to, mode, existing, source)
    }

    fn make_folder(&self, path: &Path, mode: u32) -> Result<(), Error> {
        self.make_folders(path, mode)
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        self.remove_file(path)
    }

    async fn send(&self, request: Send) -> Result<Answer, Error> {
        self.deliver(request).await
    }

    async fn change(&self, statement: Statement) -> Result<Rows, Error> {
        self.change_rows(statement).await
    }

    async fn run(&self, command: Command) -> Result<Finished, Error> {
        self.exchange(command).await
    }

    #[cfg(feature = "smtp")]
    async fn mail(&self, mail: super::mail::Mail) -> Result<String, Error> {
        self.post(mail).await
    }

    fn is_quiet(&self) -> bool {
        descend::is_quiet()
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(bytes).map_err(|error| Error::Refused(format!("the system gives no random bytes: {error}")))
    }
}

/// A system time to the microsecond; outside the calendar, the begin of 1970.
fn timestamp(time: SystemTime) -> Timestamp {
    let microseconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).ok(),
        Err(before) => i64::try_from(before.duration().as_micros()).ok().map(|before| -before),
    };
    let epoch = || Timestamp::from_microseconds(0).expect("1970 is in the calendar");
    microseconds.and_then(|at| Timestamp::from_microseconds(at).ok()).unwrap_or_else(epoch)
}

#[cfg(test)]
mod tests;
