//! What `run`, `resume` and `undo` say in JSON.

use std::path::PathBuf;

use engine::event::people::Sought;
use engine::event::state::{Failure, RunStatus, StepState};
use engine::execute::Ended;
use engine::id::{Name, RunId};
use engine::plan::Plan;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::setup::witnesses::Witnessed;

/// What `run` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The run.
    run: RunId,
    /// The procedure.
    procedure: Name,
    /// How it ended, or where it stands.
    status: RunStatus,
    /// The digest of the plan it followed.
    plan: engine::id::Digest,
    /// The steps that were touched, in that order.
    steps: Vec<StepRow>,
    /// What it gave.
    outputs: Map<String, Json>,
    /// What went wrong first.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    /// The procedure's own advice on what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<Advice>,
    /// Whose consent it waits for, and to what.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<Sought>,
    /// The signed checkpoint that covers its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<CheckpointRow>,
    /// Whether its anchor is where policy asks for it; left out where policy asks for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    anchored: Option<bool>,
    /// What the ledger's witnesses said of it; none where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnessed: Option<Witnessed>,
}

/// One step of a run.
#[derive(Debug, Serialize, JsonSchema)]
struct StepRow {
    /// Its path.
    id: String,
    /// Where it stands.
    status: StepState,
    /// How often it was tried.
    attempts: u32,
    /// What went wrong with it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

/// What to do about what went wrong.
#[derive(Debug, Serialize, JsonSchema)]
struct Advice {
    /// What happened.
    title: String,
    /// What to do.
    advice: String,
}

/// A signed checkpoint.
#[derive(Debug, Serialize, JsonSchema)]
struct CheckpointRow {
    /// How many entries it covers.
    size: u64,
    /// Where it is.
    path: PathBuf,
}

/// What is said of a run that has ended or waits.
pub(super) fn view(plan: &Plan, ended: &Ended, anchored: Option<bool>, witnessed: Option<Witnessed>) -> View {
    let row = |(path, step): (&str, &engine::run::StepRecord)| StepRow {
        id: path.to_owned(),
        status: step.state,
        attempts: step.attempts,
        error: step.error.clone(),
    };
    View {
        run: ended.run.id.clone(),
        procedure: plan.view.procedure.clone(),
        status: ended.status,
        plan: plan.view.digest.clone(),
        steps: ended.run.steps().map(row).collect(),
        outputs: ended.outputs.clone(),
        error: ended.failure.clone(),
        advice: ended.advice.clone().map(|(title, advice)| Advice { title, advice }),
        waits_for: ended.run.consents.sought.clone(),
        checkpoint: ended.checkpoint.clone().map(|made| CheckpointRow { size: made.size, path: made.path }),
        anchored,
        witnessed,
    }
}
