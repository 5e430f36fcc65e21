//! What can be wrong with a Corvusforge ledger, how it is called in reports, and what it amounts to.

use crate::ledger::report::{Problem, Status};

/// What can be wrong with a Corvusforge ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An entry does not name the one before it in its run.
    LinkMismatch,
    /// Two entries name the same one before them: two writers, or a second history.
    Fork,
    /// The fields of an entry give another hash than the one it bears.
    HashMismatch,
    /// Row ids are missing: the table is AUTOINCREMENT and nothing in Corvusforge deletes.
    Gap,
    /// `sqlite_sequence` is not the largest row id.
    SequenceMismatch,
    /// A column is not what Corvusforge's model takes.
    MalformedRow,
    /// A column is NULL.
    NullColumn,
    /// A JSON column names a key twice.
    DuplicateJsonKeys,
    /// A JSON column is spelled otherwise than Corvusforge writes it.
    RespelledJson,
    /// A time is spelled otherwise than Corvusforge writes it.
    RespelledTimestamp,
    /// A run that was asked for has no entries.
    UnknownRun,
    /// The file could not be read to its end.
    Unreadable,
}

impl Fault {
    /// Its code in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinkMismatch => "link_mismatch",
            Self::Fork => "fork",
            Self::HashMismatch => "hash_mismatch",
            Self::Gap => "gap",
            Self::SequenceMismatch => "sequence_mismatch",
            Self::MalformedRow => "malformed_row",
            Self::NullColumn => "null_column",
            Self::DuplicateJsonKeys => "duplicate_json_keys",
            Self::RespelledJson => "respelled_json",
            Self::RespelledTimestamp => "respelled_timestamp",
            Self::UnknownRun => "unknown_run",
            Self::Unreadable => "unreadable",
        }
    }

    /// What a ledger with this fault alone comes to.
    ///
    /// Another spelling is not sound, though its hash fits: only another program can have written it.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::LinkMismatch
            | Self::HashMismatch
            | Self::SequenceMismatch
            | Self::MalformedRow
            | Self::NullColumn => Status::Broken,
            Self::Fork => Status::Fork,
            Self::Gap => Status::Truncated,
            Self::DuplicateJsonKeys | Self::RespelledJson | Self::RespelledTimestamp => Status::NonCanonical,
            Self::UnknownRun => Status::Empty,
            Self::Unreadable => Status::Unreadable,
        }
    }
}

/// A fault and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Noted {
    pub fault: Fault,
    pub status: Status,
    pub detail: String,
}

impl Noted {
    pub fn new(fault: Fault, detail: String) -> Self {
        Self { fault, status: fault.status(), detail }
    }

    pub fn problem(&self, seq: Option<i64>, run: Option<&str>) -> Problem {
        Problem {
            code: self.fault.as_str().to_owned(),
            seq,
            run: run.map(ToOwned::to_owned),
            detail: self.detail.clone(),
        }
    }
}
