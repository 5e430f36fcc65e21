//! What came out of a case, and all that is not as expected.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::event::fact::{Event, Fact};
use crate::event::gate::ItemStatus;
use crate::event::state::{Failure, RunStatus, StepState, Verdict};
use crate::parse::raw::test as raw;
use crate::run::Run;

/// What came out of a case.
pub(super) struct Found {
    pub status: RunStatus,
    pub exit: u8,
    pub failure: Option<Failure>,
    pub advice: Option<String>,
    pub outputs: Map<String, Json>,
    /// None where there was no plan, and so no run.
    pub run: Option<Run>,
    pub facts: Vec<Fact>,
}

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Difference {
    /// What: `status`, `steps.bump.state`, …
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// Everything that is not as expected, in the order in which it is written.
pub(super) fn differences(expected: &raw::Expected, found: &Found) -> Vec<Difference> {
    let mut differences = Differences(Vec::new());
    differences.take("status", status_of(expected.status).as_str(), found.status.as_str());
    if let Some(exit) = expected.exit {
        differences.take("exit", &exit.to_string(), &found.exit.to_string());
    }
    for (path, step) in expected.steps.iter().flatten() {
        let record = found.run.as_ref().and_then(|run| run.step(path));
        if let Some(state) = step.state {
            let is = record.map_or(StepState::Pending, |record| seen(record.state, record.is_open));
            differences.take(&format!("steps.{path}.state"), state_of(state).as_str(), is.as_str());
        }
        if let Some(attempts) = step.attempts {
            let is = record.map_or(0, |record| record.attempts);
            differences.take(&format!("steps.{path}.attempts"), &attempts.to_string(), &is.to_string());
        }
    }
    if let Some(guards) = &expected.guards {
        let expected: BTreeSet<String> = guards.iter().map(ToString::to_string).collect();
        differences.take("guards", &listed(&expected), &listed(&found.guards()));
    }
    if let Some(checks) = &expected.checks {
        let expected: BTreeSet<String> = checks.iter().cloned().collect();
        differences.take("checks", &listed(&expected), &listed(&found.checks()));
    }
    for (id, status) in expected.items.iter().flatten() {
        let is = found.item(id.as_str()).map_or("not asked", ItemStatus::as_str);
        differences.take(&format!("items.{id}"), item_of(*status).as_str(), is);
    }
    if let Some(events) = &expected.events {
        let kinds: Vec<&str> = found.facts.iter().map(|fact| fact.event.kind().as_str()).collect();
        if !in_order(events, &kinds) {
            differences.push("events", &events.join(", "), &kinds.join(", "));
        }
    }
    if let Some(title) = &expected.failure_mode {
        differences.take("failure_mode", title, found.advice.as_deref().unwrap_or("none"));
    }
    if let Some(effects) = expected.effects {
        differences.take("effects", &effects.to_string(), &found.effects().to_string());
    }
    for (name, value) in expected.outputs.iter().flatten() {
        let is = found.outputs.get(name.as_str());
        if is != Some(value) {
            let is = is.map_or_else(|| "nothing".to_owned(), Json::to_string);
            differences.push(&format!("outputs.{name}"), &value.to_string(), &is);
        }
    }
    differences.0
}

struct Differences(Vec<Difference>);

impl Differences {
    fn take(&mut self, what: &str, expected: &str, found: &str) {
        if expected != found {
            self.push(what, expected, found);
        }
    }

    fn push(&mut self, what: &str, expected: &str, found: &str) {
        let (what, expected, found) = (what.to_owned(), expected.to_owned(), found.to_owned());
        self.0.push(Difference { what, expected, found });
    }
}

impl Found {
    /// The guards that were violated, or could not be decided.
    pub fn guards(&self) -> BTreeSet<String> {
        let fired = self.facts.iter().filter_map(|fact| match &fact.event {
            Event::GuardVerdict(verdict) if matches!(verdict.verdict, Verdict::Violated | Verdict::Undecidable) => {
                Some(verdict.guard.clone())
            }
            _ => None,
        });
        fired.chain(self.failure.as_ref().and_then(|failure| failure.guard.clone())).collect()
    }

    /// The checks and preconditions that did not pass; those of a step with the step before them.
    pub fn checks(&self) -> BTreeSet<String> {
        let failed = self.facts.iter().filter_map(|fact| match &fact.event {
            Event::PreconditionResult(checked) | Event::VerifyResult(checked)
                if matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable) =>
            {
                Some(named(fact.step.as_deref(), &checked.check))
            }
            _ => None,
        });
        // What failed while planning is on record with the plan's own failure.
        let planned = self.failure.as_ref().and_then(|failure| {
            let check = failure.check.as_deref()?;
            Some(named(failure.step.as_deref(), check))
        });
        failed.chain(planned).collect()
    }

    /// What came of an item of a checklist; none where it was not asked to its end.
    fn item(&self, id: &str) -> Option<ItemStatus> {
        self.facts.iter().rev().find_map(|fact| match &fact.event {
            Event::GateResult(result) => result.items.iter().find(|item| item.id == id).map(|item| item.status),
            _ => None,
        })
    }

    /// How many effects were tried, those of people and of undo included.
    pub fn effects(&self) -> usize {
        let is_effect = |fact: &&Fact| match &fact.event {
            // A call is not an effect: its steps are.
            Event::StepIntent(intent) => !intent.action.starts_with("call."),
            Event::UndoIntent(_) => true,
            Event::ManualAnswered(_) => fact.step.is_some(),
            _ => false,
        };
        self.facts.iter().filter(is_effect).count()
    }
}

/// An effect without an outcome: nobody knows.
pub(super) fn seen(state: StepState, is_open: bool) -> StepState {
    if is_open { StepState::Unknown } else { state }
}

fn named(step: Option<&str>, check: &str) -> String {
    step.map_or_else(|| check.to_owned(), |step| format!("{step}.{check}"))
}

fn listed(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

/// Whether the expected kinds come in this order, whatever stands between them.
fn in_order(expected: &[String], found: &[&str]) -> bool {
    let mut found = found.iter();
    expected.iter().all(|kind| found.any(|other| other == kind))
}

fn item_of(word: raw::ItemState) -> ItemStatus {
    match word {
        raw::ItemState::Passed => ItemStatus::Passed,
        raw::ItemState::Failed => ItemStatus::Failed,
        raw::ItemState::Undecidable => ItemStatus::Undecidable,
        raw::ItemState::Skipped => ItemStatus::Skipped,
        raw::ItemState::Waived => ItemStatus::Waived,
    }
}

pub(super) fn status_of(word: raw::RunStatus) -> RunStatus {
    match word {
        raw::RunStatus::Succeeded => RunStatus::Succeeded,
        raw::RunStatus::Refused => RunStatus::Refused,
        raw::RunStatus::Rejected => RunStatus::Rejected,
        raw::RunStatus::Failed => RunStatus::Failed,
        raw::RunStatus::Undone => RunStatus::Undone,
        raw::RunStatus::Stuck => RunStatus::Stuck,
        raw::RunStatus::Cancelled => RunStatus::Cancelled,
        raw::RunStatus::Unknown => RunStatus::Unknown,
        raw::RunStatus::Suspended => RunStatus::Suspended,
    }
}

fn state_of(word: raw::StepState) -> StepState {
    match word {
        raw::StepState::Pending => StepState::Pending,
        raw::StepState::Waiting => StepState::Waiting,
        raw::StepState::Succeeded => StepState::Succeeded,
        raw::StepState::NoChange => StepState::NoChange,
        raw::StepState::Skipped => StepState::Skipped,
        raw::StepState::Refused => StepState::Refused,
        raw::StepState::Failed => StepState::Failed,
        raw::StepState::TimedOut => StepState::TimedOut,
        raw::StepState::Cancelled => StepState::Cancelled,
        raw::StepState::Unknown => StepState::Unknown,
        raw::StepState::Undone => StepState::Undone,
        raw::StepState::UndoFailed => StepState::UndoFailed,
    }
}
