//! The machine as the engine sees it: [`Probe`] for looking, [`Host`] for doing.
//!
//! Planning is given a `Probe` and therefore cannot cause an effect: that is a matter of types, not of a flag.
//! [`machine`] is the real one; tests of procedures bring their own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use self::database::{Rows, Statement};
use crate::id::Digest;
use crate::time::Timestamp;

pub mod database;
pub mod exchanged;
pub mod machine;
pub mod mail;
pub mod recorded;
pub mod rpc;

/// The verb of an [`Error::File`] that comes after the change itself: it is made, but may not last.
pub const SYNC: &str = "sync";

/// Why a look or an act failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system said no.
    #[error("cannot {verb} `{}`: {}", path.display(), said(source, "no such file or folder"))]
    File {
        /// What was tried: `read`, `write`, `remove`, …
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is larger than the caller was ready to hold.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that was asked for, in bytes.
        limit: u64,
    },
    /// Not allowed here, whatever the operating system would say.
    #[error("refused: {0}")]
    Refused(String),
    /// A connection or exchange failed before an answer was complete.
    #[error("no answer from {url}: {reason}")]
    Network {
        /// The address, without credentials or query.
        url: String,
        /// What happened.
        reason: String,
        /// Whether the request cannot have reached the other side (a refused connection, say).
        unsent: bool,
    },
    /// A program could not be started or watched.
    #[error("cannot run `{program}`: {}", said(source, "no such program"))]
    Program {
        /// The program's name or path.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program of the author's was not run, because this plan was not told to run any.
    #[error("`{0}` is not run while planning without `--probe-commands`")]
    NotProbed(String),
    /// A file would not hold still long enough for a copy that agrees with itself.
    #[error("`{}` keeps changing while it is copied", path.display())]
    Unsteady {
        /// The file.
        path: PathBuf,
    },
    /// A database was not reached, or said no.
    #[error("`{database}`: {message}")]
    Database {
        /// Which one.
        database: String,
        /// The SQLSTATE that it gave; none where it said nothing.
        code: Option<String>,
        /// What it said.
        message: String,
        /// Whether the statement may have been done all the same.
        uncertain: bool,
    },
    /// It took longer than it was given.
    #[error("`{what}` was not done within {limit:?}")]
    TimedOut {
        /// What was being done.
        what: String,
        /// How long it was given.
        limit: Duration,
    },
}

/// An error in words; where the system has none for it, what is not there is called what it is.
fn said(error: &io::Error, absent: &str) -> String {
    match (error.raw_os_error(), error.kind()) {
        (None, io::ErrorKind::NotFound) => absent.to_owned(),
        _ => error.to_string(),
    }
}

/// What there is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// A file, a folder, a symbolic link (not followed) or something else.
    pub kind: EntryKind,
    /// Bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// User id of the owner.
    pub owner: u32,
    /// Device and inode: two names with the same pair are one thing.
    pub device_inode: (u64, u64),
    /// Last change of the content.
    pub modified: Timestamp,
}

/// What sort of thing a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, pipe or socket.
    Other,
}

/// A process that has a file open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// The program's name.
    pub name: String,
    /// User id it runs as.
    pub user: u32,
    /// Which of the paths it has open.
    pub path: PathBuf,
}

/// Who has files open, as far as could be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    /// The processes, by process id and path.
    pub holders: Vec<Holder>,
    /// How many processes could not be looked at.
    pub unreadable: u32,
}

/// Private copies of files, gone when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    /// The folder that holds them, outside workspace and targets.
    pub folder: PathBuf,
    /// The copies, in the order asked for; what did not exist is left out.
    pub files: Vec<Copied>,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left in the system's temporary folder; there is nobody to tell.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One file that was copied to scratch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Where it came from.
    pub original: PathBuf,
    /// Where the copy is.
    pub copy: PathBuf,
    /// Digest of the bytes that were copied.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// An HTTP request that only reads.
#[derive(Clone)]
pub struct Get {
    /// The whole address.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// The largest body taken, in bytes.
    pub at_most: u64,
    /// HEAD in place of GET.
    pub head_only: bool,
}

/// An HTTP request that may change something.
#[derive(Clone)]
pub struct Send {
    /// `POST`, `PUT`, `PATCH`, `DELETE`, …
    pub method: String,
    /// Address, headers and limits.
    pub to: Get,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Header names in lowercase, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A program to run: no shell, an environment of its own.
#[derive(Clone)]
pub struct Command {
    /// Program and arguments, handed over as they are.
    pub argv: Vec<String>,
    /// Working folder; the workspace where there is none.
    pub folder: Option<PathBuf>,
    /// The whole environment beyond `PATH`, `HOME`, `LANG` and `TZ`, which are handed through, and `RUNWARDEN_COMMAND`,
    /// by which what it starts is found again.
    pub env: Vec<(String, String)>,
    /// What it reads on its standard input.
    pub stdin: Option<Vec<u8>>,
    /// After this long it is told to end, and killed 5 seconds later with all it started.
    pub timeout: Duration,
    /// The most that is kept of each of its streams, in bytes; the rest is read and dropped.
    pub at_most: u64,
}

/// How a program ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote, as far as it was kept.
    pub stdout: Vec<u8>,
    /// What it wrote to its error stream, as far as it was kept.
    pub stderr: Vec<u8>,
    /// Whether anything was dropped.
    pub cut: bool,
    /// Whether it was ended for taking too long.
    pub timed_out: bool,
}

/// A program as it would be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The file that would be run.
    pub path: PathBuf,
    /// Digest of its bytes.
    pub digest: Digest,
}

/// Looking, with no other means than these.
#[async_trait]
pub trait Probe: std::marker::Send + Sync {
    /// The folder that relative paths start from: the workspace.
    fn root(&self) -> &Path;

    /// The time, by the system's clock.
    fn now(&self) -> Timestamp;

    /// A path without links, `.` and `..`, from the root on; what does not exist keeps its name below what does.
    fn resolve(&self, path: &Path) -> Result<PathBuf, Error>;

    /// What is at a path, links not followed; none if there is nothing.
    fn stat(&self, path: &Path) -> Result<Option<Stat>, Error>;

    /// The bytes of a file, refused above a size.
    fn read(&self, path: &Path, at_most: u64) -> Result<Vec<u8>, Error>;

    /// A file as a stream, for what need not be held whole.
    fn open(&self, path: &Path) -> Result<Box<dyn io::Read + std::marker::Send>, Error>;

    /// The names in a folder, sorted.
    fn list(&self, folder: &Path) -> Result<Vec<String>, Error>;

    /// Whether no action may change what is at this path, under whatever name.
    fn is_protected(&self, _path: &Path) -> Result<bool, Error> {
        Ok(false)
    }

    /// Whether a path lies inside a folder, seen through links, `..` and second names (section 11 of the design).
    fn inside(&self, path: &Path, folder: &Path) -> Result<bool, Error>;

    /// The processes that have one of these files open; those of other users only as far as the system tells.
    fn holders(&self, paths: &[PathBuf]) -> Result<Holders, Error>;

    /// Copies files that belong together to a folder of the engine's own; what does not exist is left out.
    ///
    /// None of them changed from the first copy's begin to the last one's end. Those of one folder stay in one folder,
    /// under their own names.
    fn scratch(&self, files: &[PathBuf]) -> Result<Scratch, Error>;

    /// The bytes of a variable of the environment that this process was started with; none if it is not set.
    ///
    /// Variables that a procedure declares are known from the start; this is for those that hold secrets.
    fn variable(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }

    /// The program that an argv would start.
    fn program(&self, name: &str) -> Result<Program, Error>;

    /// A GET or HEAD request; redirects are followed only within what is allowed.
    async fn get(&self, request: Get) -> Result<Answer, Error>;

    /// Asks a node of a chain.
    async fn rpc(&self, _question: rpc::Rpc) -> Result<Answer, Error> {
        Err(Error::Refused("there is no chain here".to_owned()))
    }

    /// Asks a database, of a private copy or in a read-only transaction.
    async fn query(&self, _statement: Statement) -> Result<Rows, Error> {
        Err(Error::Refused("there is no database here".to_owned()))
    }

    /// Whether a program that the procedure's author calls read-only may be run here; a driver's own always may.
    fn probes_commands(&self) -> bool {
        true
    }

    /// Runs a program that its author declared to be read-only.
    async fn ask(&self, command: Command) -> Result<Finished, Error>;
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Fail where there is something.
    Refuse,
    /// Replace what is there, in one step.
    Replace,
}

/// Doing.
#[async_trait]
pub trait Host: Probe {
    /// Writes a file in one step: all of it or nothing, and on the disk when this returns.
    fn write(&self, path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), Error>;

    /// Copies a file's content in one step, and syncs it; returns the digest of what was copied.
    fn copy(&self, from: &Path, to: &Path, mode: u32, existing: Existing) -> Result<Digest, Error>;

    /// Makes a folder and those above it.
    fn make_folder(&self, path: &Path, mode: u32) -> Result<(), Error>;

    /// Removes one file.
    fn remove(&self, path: &Path) -> Result<(), Error>;

    /// Sends a request that may change something; never repeated by itself, never redirected.
    async fn send(&self, request: Send) -> Result<Answer, Error>;

    /// Has a database do something, in one transaction.
    async fn change(&self, _statement: Statement) -> Result<Rows, Error> {
        Err(Error::Refused("there is no database here".to_owned()))
    }

    /// Runs a program.
    async fn run(&self, command: Command) -> Result<Finished, Error>;

    /// Hands a mail to a server; never repeated by itself. Gives what the server said when it took it.
    async fn mail(&self, _mail: mail::Mail) -> Result<String, Error> {
        Err(Error::Refused("this host sends no mail".to_owned()))
    }

    /// Whether all programs that were ended before they were done are gone, with all they had started.
    fn is_quiet(&self) -> bool {
        true
    }

    /// Fills bytes from the system's source of chance.
    fn random(&self, bytes: &mut [u8]) -> Result<(), Error>;
}
