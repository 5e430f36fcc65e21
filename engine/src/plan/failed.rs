//! What failed while a plan was made and stands against running it: on record like what fails in a run, or the same bytes
//! would be tried again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::state::{Checked, Verdict};
use crate::question::Look;

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
    /// A check of its verify block, or the step itself where it only reads.
    Verify(Checked),
}

impl FailedNow {
    /// A step that only reads: what it failed on is what a check of it would have failed on.
    pub(super) fn read(step: &str, look: &Look, why: &str) -> Self {
        let checked = Checked {
            check: step.to_owned(),
            verdict: Verdict::Undecidable,
            required: true,
            detail: Some(why.to_owned()),
            action: Some(look.action.clone()),
            with_digest: Some(look.with_digest.clone()),
            subject: look.subject(),
        };
        Self { step: step.to_owned(), what: What::Verify(checked) }
    }
}
