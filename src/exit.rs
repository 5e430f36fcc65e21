//! How the program ends: the documented exit codes, and nothing else.

use std::process::ExitCode;

use engine::event::state::{Failure, RunStatus};
use engine::ledger::report::Status as LedgerStatus;
use engine::plan::{Error as PlanError, Status as PlanStatus, View as PlanView};

/// An exit code (section 10 of the design).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// It was tried and did not work, or was looked at and found wrong.
    Failed = 1,
    /// The command line or a document is wrong.
    Invalid = 2,
    /// A precondition or limit says no.
    Refused = 3,
    /// A guard says no.
    Guard = 4,
    /// A run waits for an approval or an answer, or was stopped between two steps.
    Suspended = 5,
    /// Not the plan that was shown, or one that is no longer good.
    Rejected = 6,
    /// What was done was taken back.
    Undone = 7,
    /// What was done could not all be taken back.
    Stuck = 8,
    /// An effect may or may not have happened.
    Unknown = 9,
    /// Somebody else has the ledger or a lock.
    Busy = 10,
    /// The ledger cannot be written, read, or is not genuine.
    Ledger = 11,
    /// A checklist had nothing to check.
    NothingChecked = 12,
    /// There is something to do (`--detailed-exitcode`).
    Changes = 20,
    /// Cancelled.
    Cancelled = 130,
}

impl Exit {
    /// All of them, with what they mean, ascending.
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::Done, "done"),
        (Self::Failed, "failed; of `test`, `gate`, `ledger verify` and `anchor verify`: looked at and found wrong"),
        (Self::Invalid, "the command line or a document is wrong; nothing was done"),
        (Self::Refused, "refused by a precondition or limit, or the target belongs to another environment"),
        (Self::Guard, "stopped by a guard"),
        (Self::Suspended, "suspended: awaiting an approval or answer, or stopped between two steps"),
        (Self::Rejected, "rejected, expired, or not the plan that was shown"),
        (Self::Undone, "something went wrong, and all that was done was taken back"),
        (Self::Stuck, "something went wrong, and not all could be taken back"),
        (Self::Unknown, "an effect may or may not have happened"),
        (Self::Busy, "somebody else has the ledger or a lock"),
        (Self::Ledger, "the ledger cannot be written, cannot be read, or is not genuine; nothing was done after that"),
        (Self::NothingChecked, "a checklist was empty, or all of it was skipped"),
        (Self::Changes, "there is something to do (`--detailed-exitcode`)"),
        (Self::Cancelled, "cancelled"),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The word for it in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Guard => "guarded",
            Self::Suspended => "suspended",
            Self::Rejected => "rejected",
            Self::Undone => "undone",
            Self::Stuck => "stuck",
            Self::Unknown => "unknown",
            Self::Busy => "busy",
            Self::Ledger => "ledger",
            Self::NothingChecked => "nothing_checked",
            Self::Changes => "changes",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a run that ended, or stands, like this exits with.
    pub fn of_run(status: RunStatus, failure: Option<&Failure>) -> Self {
        let code = failure.map(|failure| failure.code.as_str());
        match status {
            RunStatus::Succeeded => Self::Done,
            RunStatus::Refused | RunStatus::Failed if code == Some("guard") => Self::Guard,
            RunStatus::Refused | RunStatus::Failed if code == Some("not_as_planned") => Self::Rejected,
            RunStatus::Refused | RunStatus::Failed if code == Some("lock_busy") => Self::Busy,
            RunStatus::Failed if code == Some("nothing_checked") => Self::NothingChecked,
            RunStatus::Refused => Self::Refused,
            RunStatus::Failed => Self::Failed,
            RunStatus::Rejected => Self::Rejected,
            RunStatus::Undone => Self::Undone,
            RunStatus::Stuck => Self::Stuck,
            RunStatus::Cancelled => Self::Cancelled,
            RunStatus::Unknown => Self::Unknown,
            RunStatus::Suspended => Self::Suspended,
        }
    }

    /// What being without a plan exits with.
    pub fn of_no_plan(error: &PlanError) -> Self {
        match error {
            PlanError::OtherEnvironment { .. } => Self::Refused,
            PlanError::Consent(_) => Self::Rejected,
            _ => Self::Invalid,
        }
    }

    /// What running this plan would exit with, as far as it is known.
    pub fn of_plan(view: &PlanView) -> Self {
        match view.status {
            PlanStatus::Failed if view.error.as_ref().is_some_and(|error| error.code == "nothing_checked") => {
                Self::NothingChecked
            }
            PlanStatus::Ready => Self::Done,
            PlanStatus::Refused => Self::Refused,
            PlanStatus::Guarded => Self::Guard,
            PlanStatus::Failed => Self::Failed,
            PlanStatus::Busy => Self::Busy,
        }
    }

    /// What verifying a ledger that comes to this exits with.
    pub fn of_ledger(status: LedgerStatus, allow_unanchored: bool) -> Self {
        match status {
            LedgerStatus::Ok => Self::Done,
            LedgerStatus::SelfConsistentOnly | LedgerStatus::NeverSealed if allow_unanchored => Self::Done,
            LedgerStatus::Unreadable => Self::Ledger,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
