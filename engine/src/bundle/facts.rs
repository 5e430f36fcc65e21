//! What a run came to, in one place: derived from its entries, by who makes a bundle and by who judges one.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::story::Story;
use crate::event::fact::Event;
use crate::event::people::ApprovalNoted;
use crate::event::record;
use crate::event::state::{Failure, RunStatus, StepState};
use crate::id::{Digest, Id, Name};
use crate::time::Timestamp;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// What was run.
    pub procedure: Name,
    /// The author's version of it.
    pub version: String,
    /// Digest of its document.
    pub document: Digest,
    /// Digest of the plan.
    pub plan: Digest,
    /// The environment.
    pub environment: String,
    /// Who began it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
    /// Who made the plan, where that was somebody else.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub planned_by: Option<String>,
    /// How it stands.
    pub status: RunStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended last.
    pub ended_at: Timestamp,
    /// What it was given; a number that is no integer within ±(2^53−1) as `{"$number": text}`.
    pub parameters: Json,
    /// What it gave, likewise.
    pub outputs: Json,
    /// What went wrong first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Failure>,
    /// Each step that was touched, by its path.
    pub steps: BTreeMap<String, StepFacts>,
    /// Who consented and who refused, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub approvals: Vec<ApprovalFacts>,
    /// Each use of a waiver, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub waivers: Vec<WaiverFacts>,
    /// The stores that took an anchor of it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub anchors: Vec<AnchorFacts>,
    /// The versions of the engine that wrote it, in order.
    pub engine: Vec<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFacts {
    /// Where it stands.
    pub state: StepState,
    /// How often it was tried.
    pub attempts: u32,
}

/// One consent or refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalFacts {
    /// Its id.
    pub id: String,
    /// Who gave it.
    pub approver: Id,
    /// In which role.
    pub role: Id,
    /// The fingerprint of the key that signed it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
    /// The step it is to; none of the plan as a whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<String>,
    /// Whether it consents.
    pub granted: bool,
    /// Whether it was spent on this run.
    pub spent: bool,
}

/// One use of a waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverFacts {
    /// Its id.
    pub id: String,
    /// The guard that it lifted.
    pub guard: String,
    /// What it let pass.
    pub act: String,
    /// Who gave it.
    pub approver: Id,
}

/// One store that took an anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnchorFacts {
    /// The store, by its name in the workspace.
    pub store: String,
    /// Its driver.
    pub driver: String,
    /// Where it is there.
    pub place: String,
    /// How far the store is from the ledger's own trust domain.
    pub trust: String,
    /// When the receipt was written.
    pub at: Timestamp,
}

impl Facts {
    /// What the entries of a run tell; none where it has not begun or not ended.
    #[must_use]
    pub fn of(story: &Story) -> Option<Self> {
        let (begun, begin, actor) = story.told.iter().find_map(|told| match &told.fact.event {
            Event::RunBegin(begin) => Some((told.at, begin, told.fact.actor.clone())),
            _ => None,
        })?;
        let (ended, end) = story.told.iter().rev().find_map(|told| match &told.fact.event {
            Event::RunEnd(end) => Some((told.at, end)),
            _ => None,
        })?;
        let consumed = story.told.iter().filter_map(|told| match &told.fact.event {
            Event::ApprovalConsumed(consumed) => Some(consumed.id.as_str()),
            _ => None,
        });
        let spent: BTreeSet<&str> = consumed.collect();
        let approval = |noted: &ApprovalNoted, step: &Option<String>, granted: bool| ApprovalFacts {
            id: noted.id.clone(),
            approver: noted.approver.clone(),
            role: noted.role.clone(),
            key: noted.key.clone(),
            step: step.clone(),
            granted,
            spent: spent.contains(noted.id.as_str()),
        };
        let approvals = story.told.iter().filter_map(|told| match &told.fact.event {
            Event::ApprovalGranted(noted) => Some(approval(noted, &told.fact.step, true)),
            Event::ApprovalRejected(noted) => Some(approval(noted, &told.fact.step, false)),
            _ => None,
        });
        let waivers = story.told.iter().filter_map(|told| match &told.fact.event {
            Event::WaiverUsed(used) => Some(WaiverFacts {
                id: used.id.clone(),
                guard: used.guard.clone(),
                act: used.act.clone(),
                approver: used.approver.clone(),
            }),
            _ => None,
        });
        let anchors = story.receipts.iter().map(|told| AnchorFacts {
            store: told.receipt.store.clone(),
            driver: told.receipt.driver.clone(),
            place: told.receipt.place.clone(),
            trust: told.receipt.trust.clone(),
            at: told.at,
        });
        let step = |(path, step): (&str, &crate::run::StepRecord)| {
            (path.to_owned(), StepFacts { state: step.state, attempts: step.attempts })
        };
        Some(Self {
            procedure: begin.procedure.clone(),
            version: begin.version.clone(),
            document: begin.document.clone(),
            plan: begin.plan.clone(),
            environment: begin.environment.clone(),
            actor,
            planned_by: begin.planned_by.clone(),
            status: story.run.status.unwrap_or(RunStatus::Unknown),
            started_at: begun,
            ended_at: ended,
            parameters: record(&json!(begin.parameters)),
            outputs: record(&json!(end.outputs)),
            error: story.run.error.clone(),
            steps: story.run.steps().map(step).collect(),
            approvals: approvals.collect(),
            waivers: waivers.collect(),
            anchors: anchors.collect(),
            engine: story.engine.clone(),
        })
    }
}
