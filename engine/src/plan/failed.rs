//! What failed while a plan was made and stands against running it: on record like what fails in a run, or the same bytes
//! would be tried again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action;
use crate::event::fact::StepResult;
use crate::event::state::{Checked, Failure, StepState};
use crate::id::Digest;
use crate::question::Look;
use crate::time::Timestamp;

/// Something that was asked or read for a plan, and was not met or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailedNow {
    /// The step it belongs to, or the call.
    pub step: String,
    /// What it was.
    pub what: What,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// A precondition of the step, or of what it calls.
    Precondition(Checked),
    /// A check of its verify block.
    Verify(Checked),
    /// The step itself, which only reads.
    Read(FailedRead),
}

/// A read that failed, as its step's result says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailedRead {
    /// The action.
    pub action: String,
    /// Digest of its input.
    pub with_digest: Digest,
    /// Digest of what was to be read, if that was known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Digest>,
    /// What went wrong.
    pub error: Failure,
}

impl FailedNow {
    /// A step that only reads.
    pub(super) fn read(step: &str, look: &Look, error: &action::Error) -> Self {
        let failure = Failure {
            code: error.code.clone(),
            message: error.message.clone(),
            step: Some(step.to_owned()),
            check: None,
            guard: None,
            attempt: Some(1),
        };
        let (action, with_digest) = (look.action.clone(), look.with_digest.clone());
        let what = What::Read(FailedRead { action, with_digest, subject: look.subject(), error: failure });
        Self { step: step.to_owned(), what }
    }
}

impl FailedRead {
    /// The result of its step, as a run would have recorded it.
    #[must_use]
    pub fn result(&self, at: Timestamp) -> StepResult {
        StepResult {
            state: if self.error.code == "timed_out" { StepState::TimedOut } else { StepState::Failed },
            action: Some(self.action.clone()),
            with_digest: Some(self.with_digest.clone()),
            subject: self.subject.clone(),
            output: None,
            error: Some(self.error.clone()),
            started_at: at,
            ended_at: at,
        }
    }
}
