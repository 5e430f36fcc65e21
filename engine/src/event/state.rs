//! The closed sets: where a step stands, how a run ended, how something was decided, and what went wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// Where a step stands; the closed set of section 7 of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its turn has not come.
    Pending,
    /// It is being done, or waits for something.
    Waiting,
    /// Done.
    Succeeded,
    /// It was so already.
    NoChange,
    /// Not needed.
    Skipped,
    /// A precondition or guard said no before anything was done.
    Refused,
    /// It was tried and did not work, or its verify did not pass.
    Failed,
    /// It took too long.
    TimedOut,
    /// It was stopped on request.
    Cancelled,
    /// It may or may not have happened.
    Unknown,
    /// It was done and taken back.
    Undone,
    /// It was done and could not be taken back.
    UndoFailed,
}

impl StepState {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::NoChange => "no_change",
            Self::Skipped => "skipped",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Undone => "undone",
            Self::UndoFailed => "undo_failed",
        }
    }
}

/// How a run stands or ended; the closed set of section 7 of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Everything was done and every required check passed.
    Succeeded,
    /// A precondition, guard or limit said no before anything was done.
    Refused,
    /// An approver said no.
    Rejected,
    /// Something went wrong; what was done stays.
    Failed,
    /// Something went wrong; all that was done was taken back.
    Undone,
    /// Something went wrong, and not all could be taken back.
    Stuck,
    /// Stopped on request.
    Cancelled,
    /// An effect may or may not have happened.
    Unknown,
    /// It waits for an approval or answer, or was stopped between two steps.
    Suspended,
}

impl RunStatus {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::Stuck => "stuck",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Suspended => "suspended",
        }
    }
}

/// How a check or guard was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A check is met, a guard holds.
    Passed,
    /// A check is not met.
    NotMet,
    /// A guard is violated.
    Violated,
    /// The read failed or the expression erred: counts as not met, or violated.
    Undecidable,
    /// Depends on an effect not yet done, or on a read that was not allowed: decided later.
    Undecided,
    /// Its `when` was false: it has not passed.
    Skipped,
    /// A guard is violated, or cannot be decided, and a waiver lets it pass.
    Waived,
}

impl Verdict {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotMet => "not_met",
            Self::Violated => "violated",
            Self::Undecidable => "undecidable",
            Self::Undecided => "undecided",
            Self::Skipped => "skipped",
            Self::Waived => "waived",
        }
    }
}

/// What went wrong: what `error` is in expressions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// A stable code: of the action, or `precondition`, `guard`, `verify`, `undecidable`, `timed_out`, …
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// The step it happened in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<String>,
    /// The check that was not met.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub check: Option<String>,
    /// The guard that was violated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub guard: Option<String>,
    /// The attempt, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attempt: Option<u32>,
}

/// An evaluated check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// The check's id.
    pub check: String,
    /// What it asks, for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// How it was decided.
    pub verdict: Verdict,
    /// Whether it counts.
    pub required: bool,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// The read it was decided by.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<String>,
    /// Digest of the read's input.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub with_digest: Option<Digest>,
    /// Digest of what was read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Digest>,
}
