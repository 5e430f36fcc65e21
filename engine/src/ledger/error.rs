//! Why a ledger could not be made, opened, written or read.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::entry::NotAnEntry;
use super::files;
use super::lock::Holder;
use super::report::Problem;
use crate::event::Kind;
use crate::id::Digest;

/// Why something could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// No space is left, or a quota or limit is reached.
    DiskFull,
    /// The file or its folder can only be read, or not by us.
    ReadOnly,
    /// Another program keeps the database locked.
    Locked,
    /// SQLite found the file damaged.
    Corrupt,
    /// The system said no in another way.
    Io,
}

impl Cause {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DiskFull => "the disk is full",
            Self::ReadOnly => "it can only be read",
            Self::Locked => "another program keeps it locked",
            Self::Corrupt => "the file is damaged",
            Self::Io => "writing failed",
        }
    }

    pub(super) fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::DiskFull,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Io,
        }
    }

    fn of_sqlite(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt,
            _ => Self::Io,
        }
    }
}

/// Why a ledger could not be made, opened, written or read. Exit codes: `Busy` 10; what was damaged, not writable or not
/// genuine 11.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no ledger.
    #[error("there is no ledger at `{path}`; `runwarden init` makes one")]
    Absent {
        /// Where.
        path: PathBuf,
    },
    /// There is something already.
    #[error("`{path}` exists already; a ledger is never made over what is left of another")]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// The origin cannot name a log.
    #[error("the origin cannot name a ledger: {0}")]
    Origin(String),
    /// It is something else.
    #[error("`{path}` is not a ledger: {why}")]
    NotALedger {
        /// Where.
        path: PathBuf,
        /// What was found and expected.
        why: String,
    },
    /// A newer engine made it.
    #[error("ledger `{path}` has format {found}, this engine knows up to {known}; use a newer runwarden")]
    Newer {
        /// Where.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// It is signed with another key.
    #[error("ledger `{path}` belongs to the key `{expected}`, the given key is `{found}`")]
    WrongKey {
        /// Where.
        path: PathBuf,
        /// The key of its genesis.
        expected: String,
        /// The key that was given, under the same name.
        found: String,
    },
    /// Its key was revoked, and none came after it.
    #[error("ledger `{path}` has ended: its key was revoked, and no key came after it")]
    Ended {
        /// Where.
        path: PathBuf,
    },
    /// A key cannot come after the ledger's, or cannot be revoked.
    #[error("{0}")]
    Key(String),
    /// Another process writes it.
    #[error("ledger `{path}` is busy: {holder}")]
    Busy {
        /// Where.
        path: PathBuf,
        /// Who.
        holder: Holder,
    },
    /// It could not be written; nothing was appended.
    #[error("ledger `{path}` is not writable: {}: {detail}", cause.as_str())]
    NotWritable {
        /// The ledger, or the file beside it.
        path: PathBuf,
        /// In one word.
        cause: Cause,
        /// What the system said.
        detail: String,
    },
    /// Verification found it changed.
    #[error("ledger `{path}` is not genuine: {}", first(problems))]
    NotGenuine {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        problems: Vec<Problem>,
    },
    /// It was found changed before, and nobody has closed that.
    #[error("the ledger's verification failed before; see `{path}`, and close the incident by name to go on")]
    Incident {
        /// The latch.
        path: PathBuf,
    },
    /// There is nothing to close.
    #[error("ledger `{path}` has no open incident")]
    NoIncident {
        /// Where.
        path: PathBuf,
    },
    /// Not the one that is open.
    #[error("the open incident is `{open}`, not `{asked}`")]
    OtherIncident {
        /// What was to be closed.
        asked: String,
        /// What is open.
        open: String,
    },
    /// Nothing that is signed says it.
    #[error("beside ledger `{path}` there is {what}")]
    NotSealed {
        /// The ledger.
        path: PathBuf,
        /// What is missing: `no signed checkpoint of size 5`.
        what: String,
    },
    /// A fact does not fit an entry.
    #[error("a `{}` entry cannot be written: {why}", kind.as_str())]
    NotAnEntry {
        /// What kind.
        kind: Kind,
        /// Why.
        why: NotAnEntry,
    },
    /// What is stored at a place is no entry.
    #[error("entry {seq} of ledger `{path}` cannot be read: {why}")]
    BadEntry {
        /// Where.
        path: PathBuf,
        /// Which.
        seq: i64,
        /// Why.
        why: NotAnEntry,
    },
    /// Content that an entry refers to cannot be had.
    #[error("content `{digest}` in `{path}`: {why}")]
    Content {
        /// What was asked for.
        digest: Digest,
        /// Where it should be.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// SQLite could not read it.
    #[error("ledger `{path}` cannot be read: {detail}")]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// A file beside it could not be read.
    #[error("`{path}`: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    pub(super) fn not_writable(path: &Path, error: &rusqlite::Error) -> Self {
        Self::NotWritable { path: path.to_owned(), cause: Cause::of_sqlite(error), detail: error.to_string() }
    }

    /// The same as [`Self::not_writable`] or [`Self::reading`] said of the writer's own file, after the disk was asked
    /// whether it is full: SQLite cannot always tell.
    pub(super) fn of_disk(self, path: &Path) -> Self {
        let (Self::NotWritable { cause: Cause::Io | Cause::ReadOnly, detail, .. } | Self::Unreadable { detail, .. }) =
            &self
        else {
            return self;
        };
        match files::try_to_write_beside(path) {
            Err(error) if Cause::of_io(&error) == Cause::DiskFull => {
                let detail = format!("{detail}; {error}");
                Self::NotWritable { path: path.to_owned(), cause: Cause::DiskFull, detail }
            }
            _ => self,
        }
    }

    pub(super) fn not_writable_io(path: &Path, error: &std::io::Error) -> Self {
        Self::NotWritable { path: path.to_owned(), cause: Cause::of_io(error), detail: error.to_string() }
    }

    /// An error of SQLite while nothing is written: the file is no database, is damaged, or cannot be opened.
    pub(super) fn reading(path: &Path, error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                Self::NotALedger { path: path.to_owned(), why: "it is no SQLite database".to_owned() }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::not_writable(path, error)
            }
            _ => Self::Unreadable { path: path.to_owned(), detail: error.to_string() },
        }
    }
}

fn first(problems: &[Problem]) -> String {
    match problems {
        [] => "nothing was found".to_owned(),
        [only] => only.detail.clone(),
        [first, rest @ ..] => format!("{}, and {} more", first.detail, rest.len()),
    }
}
