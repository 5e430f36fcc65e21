//! A machine with nothing on it: no files, no network, no programs, and a clock that the case sets.
//!
//! Actions are scripted and ask it nothing. What the engine asks by itself (what a target really is, whether a path lies
//! inside another) is answered by the paths as they are written.

use std::io;
use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use tokio::time::Instant;

use crate::host::{
    Answer, Command, Error, Existing, Finished, Get, Holders, Host, Probe, Program, Scratch, Send, Stat,
};
use crate::id::Digest;
use crate::time::{Duration, Timestamp};

/// Files that people attach in a case lie here, and hold nothing but a word.
pub(super) const ATTACHED: &str = "/attached";

/// The workspace of every case.
const ROOT: &str = "/workspace";

/// A path without `.` and `..`, from the root on.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in Path::new(ROOT).join(path).components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Whether a path lies inside a folder, as they are written.
pub(super) fn inside(path: &Path, folder: &Path) -> bool {
    plain(path).starts_with(plain(folder))
}

/// A machine with nothing on it.
pub(super) struct Nowhere {
    root: PathBuf,
    began: Instant,
    now: Timestamp,
    probes_commands: bool,
}

impl Nowhere {
    /// In a runtime whose clock stands still, at the time that the case says it is.
    pub fn new(now: Timestamp) -> Self {
        Self { root: PathBuf::from(ROOT), began: Instant::now(), now, probes_commands: true }
    }

    /// The same for a plan, which runs no program of an author's.
    pub fn planning(&self) -> Self {
        Self { root: self.root.clone(), began: self.began, now: self.now, probes_commands: false }
    }

    fn nothing<T>(&self, verb: &'static str, path: &Path) -> Result<T, Error> {
        Err(Error::File { verb, path: plain(path), source: io::Error::from(io::ErrorKind::NotFound) })
    }

    fn no_program<T>(program: &str) -> Result<T, Error> {
        let source = io::Error::other("tests of procedures run no programs");
        Err(Error::Program { program: program.to_owned(), source })
    }

    fn no_network<T>(url: String) -> Result<T, Error> {
        Err(Error::Network { url, reason: "tests of procedures have no network".to_owned(), unsent: true })
    }
}

#[async_trait]
impl Probe for Nowhere {
    fn root(&self) -> &Path {
        &self.root
    }

    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.now.plus(Duration::from_microseconds(passed)).unwrap_or(self.now)
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf, Error> {
        Ok(plain(path))
    }

    fn stat(&self, _: &Path) -> Result<Option<Stat>, Error> {
        Ok(None)
    }

    fn read(&self, path: &Path, _: u64) -> Result<Vec<u8>, Error> {
        if path.starts_with(ATTACHED) { Ok(b"attached".to_vec()) } else { self.nothing("read", path) }
    }

    fn open(&self, path: &Path) -> Result<Box<dyn io::Read + std::marker::Send>, Error> {
        self.nothing("open", path)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, Error> {
        self.nothing("list", folder)
    }

    fn inside(&self, path: &Path, folder: &Path) -> Result<bool, Error> {
        Ok(inside(path, folder))
    }

    fn holders(&self, _: &[PathBuf]) -> Result<Holders, Error> {
        Ok(Holders::default())
    }

    fn scratch(&self, files: &[PathBuf]) -> Result<Scratch, Error> {
        self.nothing("copy", files.first().map_or(Path::new(""), PathBuf::as_path))
    }

    fn program(&self, name: &str) -> Result<Program, Error> {
        Self::no_program(name)
    }

    async fn get(&self, request: Get) -> Result<Answer, Error> {
        Self::no_network(request.url)
    }

    fn probes_commands(&self) -> bool {
        self.probes_commands
    }

    async fn ask(&self, command: Command) -> Result<Finished, Error> {
        Self::no_program(command.argv.first().map_or("", String::as_str))
    }
}

#[async_trait]
impl Host for Nowhere {
    fn write(&self, path: &Path, _: &[u8], _: u32, _: Existing) -> Result<(), Error> {
        self.nothing("write", path)
    }

    fn copy(&self, _: &Path, to: &Path, _: u32, _: Existing) -> Result<Digest, Error> {
        self.nothing("copy", to)
    }

    fn make_folder(&self, path: &Path, _: u32) -> Result<(), Error> {
        self.nothing("make", path)
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        self.nothing("remove", path)
    }

    async fn send(&self, request: Send) -> Result<Answer, Error> {
        Self::no_network(request.to.url)
    }

    async fn run(&self, command: Command) -> Result<Finished, Error> {
        Self::no_program(command.argv.first().map_or("", String::as_str))
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), Error> {
        bytes.fill(7);
        Ok(())
    }
}
