//! `mvcrs.lifecycle`: where the escalation stands, and whether an end that it once reached hides a newer failure.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Verifier, object, state, text, time};
use crate::action::{Error, Looking, Read};
use crate::time::Timestamp;

/// Says where the escalation stands.
pub struct Lifecycle;

/// What `mvcrs.lifecycle` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// MV-CRS's state folder; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    directory: PathBuf,
}

/// What `mvcrs.lifecycle` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The state it is in; none where no lifecycle was ever written.
    current_state: Option<String>,
    /// Since when.
    entered_at: Option<Timestamp>,
    /// Whether MV-CRS itself never leaves that state again: `resolved` and `rejected`.
    terminal: bool,
    /// Whether an escalation lies there.
    escalation: bool,
    /// When it was raised.
    escalated_at: Option<Timestamp>,
    /// What the verifier said last; none where it never ran.
    verifier_status: Option<String>,
    /// Whether the lifecycle has ended and a failure is there that it does not show: the verifier says `failed`, or the
    /// escalation is not known to be older than the end.
    terminal_masks_failure: bool,
}

const STATES: [&str; 6] =
    ["pending", "in_progress", "corrective_action_applied", "awaiting_validation", "resolved", "rejected"];

#[async_trait]
impl Read for Lifecycle {
    const NAME: &'static str = "mvcrs.lifecycle";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let path = state(&params.directory, "mvcrs_escalation_lifecycle.json");
        let lifecycle = object(looking.probe, &path)?;
        let escalation = object(looking.probe, &state(&params.directory, "mvcrs_escalation.json"))?;
        let verifier = Verifier::read(looking.probe, &params.directory)?;
        let current = match &lifecycle {
            None => None,
            Some(members) => {
                let word = text(members, "current_state").filter(|word| STATES.contains(word));
                let wrong = || Error::new("malformed", format!("`{}`: no state that is known", path.display()));
                Some(word.ok_or_else(wrong)?.to_owned())
            }
        };
        let entered_at = lifecycle.as_ref().and_then(|members| time(members, "entered_current_state_at"));
        let escalated_at = escalation.as_ref().and_then(|members| time(members, "timestamp"));
        let terminal = current.as_deref().is_some_and(|word| ["resolved", "rejected"].contains(&word));
        let is_older = matches!((escalated_at, entered_at), (Some(raised), Some(ended)) if raised <= ended);
        let fails = verifier.status.as_deref() == Some("failed");
        Ok(Output {
            current_state: current,
            entered_at,
            terminal,
            escalation: escalation.is_some(),
            escalated_at,
            verifier_status: verifier.status,
            terminal_masks_failure: terminal && (fails || (escalation.is_some() && !is_older)),
        })
    }
}
