//! Tests of procedures: cases with scripted results, and what must come out.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::procedure::Source;
use super::step::Step;
use super::words::{ActorClass, Environment, Instant, Release, Text, Variable, Version, Who};
use crate::id::{Id, Name};

/// The tests of one procedure or checklist.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The version of the language.
    pub runwarden: Version,
    /// What the document is.
    pub kind: TestKind,
    /// The name of the procedure and `.test`; the file is `NAME.test.yaml` beside the procedure.
    pub name: Name,
    /// What is tested, in one line.
    pub title: Text,
    /// Its version.
    pub version: Release,
    /// What the cases show.
    pub summary: Text,
    /// The document it was written from.
    pub source: Option<Source>,
    /// Who answers for it.
    pub owner: Who,
    /// The procedure or checklist that is tested.
    pub procedure: Name,
    /// What every case has where it says nothing else.
    pub defaults: Option<Defaults>,
    /// What is tried, one run each.
    #[schemars(length(min = 1))]
    pub cases: Vec<Case>,
}

/// A test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestKind {
    /// A test.
    Test,
}

macro_rules! setting {
    ($(#[$doc:meta])* $name:ident { $($extra:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($extra)*
            /// What the run is given.
            pub parameters: Option<IndexMap<Id, Value>>,
            /// Where it runs.
            pub environment: Option<Environment>,
            /// Who runs it.
            pub actor: Option<Actor>,
            /// Settings of targets, where they matter; a target of which nothing is said is made up.
            pub targets: Option<IndexMap<Id, IndexMap<String, Value>>>,
            /// What actions give, by step, `step.check`, precondition, guard or `family.verb`, the most specific first.
            /// A list has one result per call. `{error: CODE}`, `crash`, `crash_after_effect` and `timeout` are faults.
            pub results: Option<IndexMap<String, Value>>,
            /// What people answer, by step or check and then by name; where nothing is said, nobody answers.
            pub answers: Option<IndexMap<String, IndexMap<Id, Value>>>,
            /// The consents that are there.
            pub approvals: Option<Vec<Approval>>,
            /// The waivers that are there.
            pub waivers: Option<Vec<Waiver>>,
            /// The runs that were before, newest first.
            pub history: Option<Vec<PastRun>>,
            /// Variables of the environment.
            pub env: Option<IndexMap<Variable, String>>,
            /// What time it is when the run begins.
            pub now: Option<Instant>,
        }
    };
}

setting! {
    /// What every case has where it says nothing else.
    Defaults {}
}

setting! {
    /// One run, and what must come out of it.
    Case {
        /// Names the case.
        pub id: Id,
        /// What it shows.
        pub title: Option<Text>,
        /// Steps that somebody adds after those of the procedure: what its guards are there to stop.
        #[schemars(with = "Option<Vec<Step>>", length(min = 1))]
        pub adds: Option<Vec<Value>>,
        /// What is done once the run has stopped, in order.
        pub then: Option<Vec<Then>>,
        /// What must come out.
        pub expect: Expected,
    }
}

/// Who runs a case.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The name.
    pub name: Option<Id>,
    /// The class; `operator` where nothing is said.
    pub class: Option<ActorClass>,
    /// The roles.
    pub roles: Option<Vec<Id>>,
}

/// A consent that a case has.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who consents.
    pub by: Id,
    /// In which role.
    pub role: Id,
    /// To which step; to the plan where nothing is said.
    pub step: Option<Id>,
    /// Whether it is a consent or a refusal; a consent where nothing is said.
    pub purpose: Option<Purpose>,
}

/// Whether an approval consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// It consents.
    Approve,
    /// It refuses.
    Reject,
}

/// A waiver that a case has.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The guard it lifts.
    pub guard: Id,
    /// Who signed it.
    pub by: Id,
    /// In which role.
    pub role: Option<Id>,
    /// Until when it is good.
    pub not_after: Option<Instant>,
    /// How often it may be used.
    #[schemars(range(min = 1))]
    pub max_uses: Option<u32>,
}

/// A run that was before.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PastRun {
    /// Its procedure.
    pub procedure: Name,
    /// How it ended, or that it has not.
    pub status: RunStatus,
    /// When it began.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// What it was given.
    pub parameters: Option<IndexMap<Id, Value>>,
    /// What it gave back.
    pub outputs: Option<IndexMap<Id, Value>>,
    /// How it failed.
    pub error: Option<PastError>,
    /// The named locks that it holds still: one that waits, is stuck, or of which nobody knows.
    #[schemars(length(min = 1))]
    pub locks: Option<Vec<String>>,
}

/// How an earlier run failed.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PastError {
    /// The code.
    pub code: String,
    /// What was said.
    pub message: Option<String>,
    /// The step.
    pub step: Option<Id>,
    /// The check.
    pub check: Option<Id>,
    /// The guard.
    pub guard: Option<Id>,
    /// The attempt.
    pub attempt: Option<u32>,
}

/// What is done once a run has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// It is resumed.
    Resume,
    /// It is undone.
    Undo,
    /// It is cancelled.
    Cancel,
}

/// What must come out of a case.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// How the run ends.
    pub status: RunStatus,
    /// The exit code.
    #[schemars(range(max = 255))]
    pub exit: Option<u8>,
    /// What became of steps.
    pub steps: Option<IndexMap<String, ExpectedStep>>,
    /// The guards that were violated, no more and no fewer.
    pub guards: Option<Vec<Id>>,
    /// The checks and preconditions that did not pass, no more and no fewer.
    pub checks: Option<Vec<String>>,
    /// Of a checklist: what came of items.
    pub items: Option<IndexMap<Id, ItemState>>,
    /// Kinds of events that must come in this order, others between them.
    pub events: Option<Vec<String>>,
    /// The title of the failure mode that is shown.
    pub failure_mode: Option<String>,
    /// How many effects were tried.
    pub effects: Option<u32>,
    /// What the run gives back.
    pub outputs: Option<IndexMap<Id, Value>>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedStep {
    /// Its state.
    pub state: Option<StepState>,
    /// How often it was tried.
    pub attempts: Option<u32>,
}

/// What came of an item of a checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// It is so.
    Passed,
    /// It is not so, or nobody answers.
    Failed,
    /// It cannot be found out.
    Undecidable,
    /// Its `when` is false.
    Skipped,
    /// A waiver lets it pass.
    Waived,
}

/// The status of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are section 7 of the design")]
pub enum RunStatus {
    Succeeded,
    Refused,
    Rejected,
    Failed,
    Undone,
    Stuck,
    Cancelled,
    Unknown,
    Suspended,
}

/// The state of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are section 7 of the design")]
pub enum StepState {
    Pending,
    Waiting,
    Succeeded,
    NoChange,
    Skipped,
    Refused,
    Failed,
    TimedOut,
    Cancelled,
    Unknown,
    Undone,
    UndoFailed,
}
