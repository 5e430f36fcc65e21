//! Steps: the units of a procedure, and what takes them back.

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::check::{Condition, Precondition, Verification};
use super::parameter::Parameters;
use super::procedure::{Approval, Source};
use super::words::{
    Action, Acts, Count, Duration, Expression, ListTemplate, OneOrMany, OutputPath, Template, Text, TextTemplate,
    exactly_one, needs,
};
use crate::id::{Id, Name};

/// A unit of a procedure: one of `action`, `call`, `manual`, `parallel` and `wait`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = rules)]
pub struct Step {
    /// Names the step; no other in the procedure has it.
    pub id: Id,
    /// What it does, in a line that people read.
    pub title: Option<Text>,
    /// Why it is done.
    pub why: Option<Text>,

    /// The built-in action it does.
    pub action: Option<Action>,
    /// The procedure it runs.
    pub call: Option<Name>,
    /// What a person does and answers.
    pub manual: Option<Manual>,
    /// Steps that are done side by side.
    #[schemars(length(min = 1))]
    pub parallel: Option<Vec<Step>>,
    /// How long it sleeps; with `until`, when it gives up.
    pub wait: Option<Duration>,

    /// What the action or the called procedure is given.
    pub with: Option<IndexMap<String, Template>>,
    /// Ends a `wait` as soon as it holds.
    pub until: Option<Condition>,
    /// Fails a `wait` at once when it holds.
    pub abort_when: Option<Condition>,
    /// The time between two questions of `until` and `abort_when`.
    pub every: Option<Duration>,

    /// Must hold before the step begins; otherwise the run is refused.
    pub preconditions: Option<Vec<Precondition>>,
    /// Skips the step when false.
    pub when: Option<Expression>,
    /// Already done: the step changes nothing when this holds.
    pub satisfied_when: Option<Condition>,
    /// Does the step for each item of a list.
    pub for_each: Option<ForEach>,
    /// Does the step again until it has done enough.
    pub repeat: Option<Repeat>,
    /// Tries the step again when it failed in passing.
    pub retry: Option<Retry>,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// A consent asked for when the step is reached.
    pub approval: Option<Approval>,
    /// Must hold after the step; otherwise it has failed.
    pub verify: Option<Vec<Verification>>,
    /// What takes the step back: `{none: why}`, one body, or a list of bodies run in the order written.
    pub undo: Option<OneOrMany<Undo>>,
    /// What happens to the run when the step fails.
    pub on_error: Option<OnError>,
    /// When the ledger is signed beside the usual times: `before` the step begins, and each item of it.
    pub checkpoint: Option<Checkpoint>,
    /// What a command really does, so that guards see it.
    #[schemars(length(min = 1))]
    pub acts_as: Option<Vec<Acts>>,
    /// Outputs that are secret: put into a store before the outcome is recorded, from then on `secrets.NAME`.
    pub secret_outputs: Option<IndexMap<Id, SecretOutput>>,
    /// Where the step was written down first.
    pub source: Option<Source>,
    /// What of it is still to be decided; in drafts only.
    #[schemars(length(min = 1))]
    pub todo: Option<Vec<Text>>,
}

/// When the ledger is signed beside the usual times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Checkpoint {
    /// Before the step begins.
    Before,
}

fn rules(schema: &mut Schema) {
    exactly_one(schema, &["action", "call", "manual", "parallel", "wait"]);
    needs(
        schema,
        &[
            ("until", "wait"),
            ("abort_when", "wait"),
            ("every", "wait"),
            ("repeat", "action"),
            ("retry", "action"),
            ("acts_as", "action"),
            ("secret_outputs", "action"),
        ],
    );
}

/// What a person does, and what is written down of it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manual {
    /// What to do, and what to answer.
    pub ask: Text,
    /// What is answered, by name.
    #[schemars(length(min = 1))]
    pub answer: Option<Parameters>,
    /// A value that the person must type exactly.
    pub read_back: Option<TextTemplate>,
    /// Files that are attached, by digest.
    pub evidence: Option<Evidence>,
    /// The roles that may answer.
    #[schemars(length(min = 1))]
    pub by: Option<Vec<Id>>,
}

/// Files that a person attaches.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// At least how many.
    #[schemars(range(min = 1))]
    pub min: u32,
    /// What they show.
    #[schemars(length(min = 1))]
    pub what: String,
}

/// A step done for each item of a list.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForEach {
    /// The list.
    pub items: ListTemplate,
    /// The name of an item in expressions; `item` where nothing is said.
    #[serde(rename = "as")]
    pub name: Option<Id>,
    /// What tells items apart, an expression over one item; the item itself where nothing is said.
    pub key: Option<Expression>,
    /// More items than this are refused.
    #[schemars(range(min = 1))]
    pub max_items: Option<u32>,
}

/// A step done again until it has done enough.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Asked after each round.
    pub until: Expression,
    /// This many rounds without it fail the step.
    pub max: Count,
}

/// A step tried again when it failed in passing.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How often it is tried; the first time counts.
    pub attempts: Count,
    /// The time before the second attempt.
    pub backoff: Option<Duration>,
    /// By how much the time grows from one attempt to the next.
    #[schemars(range(min = 1))]
    pub factor: Option<f64>,
    /// The longest time between two attempts.
    pub max: Option<Duration>,
    /// Which failures are tried again.
    #[schemars(length(min = 1))]
    pub on: Option<Vec<RetryOn>>,
}

/// A failure that is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RetryOn {
    /// One that the action itself calls transient.
    Transient,
}

/// What happens to the run when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// The run fails.
    Stop,
    /// The next step is done; the run still ends failed.
    Continue,
}

/// An output that is secret, and where it is put.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretOutput {
    /// Where it stands in the output of the action.
    pub from: OutputPath,
    /// The target it is put into, of kind `secret_store`.
    pub store: Id,
    /// The key it has there.
    pub key: TextTemplate,
}

/// What takes a step back: `{none: why}`, or the body of a step.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = undo_rules)]
pub struct Undo {
    /// Why nothing can take it back.
    pub none: Option<Text>,
    /// The built-in action that takes it back.
    pub action: Option<Action>,
    /// The procedure that takes it back.
    pub call: Option<Name>,
    /// What a person does to take it back.
    pub manual: Option<Manual>,
    /// How long it sleeps.
    pub wait: Option<Duration>,
    /// What the action or the called procedure is given.
    pub with: Option<IndexMap<String, Template>>,
}

fn undo_rules(schema: &mut Schema) {
    exactly_one(schema, &["none", "action", "call", "manual", "wait"]);
}
