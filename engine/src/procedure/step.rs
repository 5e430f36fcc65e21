//! One unit of work, and what takes it back.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Approvals;
use super::check::{Act, Check};
use super::parameter::Parameter;
use super::pattern::Pattern;
use crate::id::{Id, Name};
use crate::template::Template;
use crate::template::data::Data;
use crate::template::expression::Expression;
use crate::template::text::Text;

/// One unit of work.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique in the procedure, `parallel` included.
    pub id: Id,
    /// What it does, for people.
    pub title: Option<String>,
    /// Why it is done, for people.
    pub why: Option<Text>,
    /// What it is.
    pub body: Body,
    /// Not met: the step is refused and the run ends.
    pub preconditions: Vec<Check>,
    /// Skips it when false.
    pub when: Option<Expression>,
    /// Already done: `no_change`.
    pub satisfied_when: Option<Check>,
    /// Once for each of a list.
    pub for_each: Option<ForEach>,
    /// Acts, then asks, until it is so.
    pub repeat: Option<Repeat>,
    /// Tries again after a transient failure.
    pub retry: Option<Retry>,
    /// The most time one attempt may take.
    pub timeout: Option<Template>,
    /// Signed consent before the effect.
    pub approval: Option<Approvals>,
    /// What must be true after it.
    pub verify: Vec<Check>,
    /// What takes it back.
    pub undo: Undo,
    /// What a failure of it means for the run.
    pub on_error: OnError,
    /// Whether the ledger is signed before it begins, and before each item.
    pub checkpoint: Option<CheckpointWhen>,
    /// What a command really does, so that guards see it.
    pub acts_as: Vec<Pattern>,
    /// Secret outputs and the stores they go to.
    pub secret_outputs: IndexMap<Id, SecretOutput>,
}

/// What a step is.
#[derive(Debug, Clone)]
pub enum Body {
    /// A built-in action.
    Action(Act),
    /// Another procedure.
    Call {
        /// Its name.
        procedure: Name,
        /// Its parameters, targets and secrets, in one namespace.
        with: Data,
    },
    /// A person does it.
    Manual(Box<Manual>),
    /// Steps side by side.
    Parallel(Vec<Step>),
    /// Time goes by.
    Wait(Box<Wait>),
}

/// What a person is asked to do.
#[derive(Debug, Clone)]
pub struct Manual {
    /// The words.
    pub ask: Text,
    /// The typed answers.
    pub answer: IndexMap<Id, Parameter>,
    /// A value that must be typed exactly.
    pub read_back: Option<Template>,
    /// Files that are attached by digest.
    pub evidence: Option<Evidence>,
    /// Roles of which the person has one.
    pub by: Vec<Id>,
}

/// Files that a person attaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// At least so many.
    pub min: u32,
    /// What they should show.
    pub what: String,
}

/// A step that waits.
#[derive(Debug, Clone)]
pub struct Wait {
    /// How long; with `until`, at most.
    pub duration: Template,
    /// What it waits for.
    pub until: Option<Check>,
    /// What makes it fail at once.
    pub abort_when: Option<Check>,
    /// Time between two questions.
    pub every: Option<Template>,
}

/// A step for each of a list.
#[derive(Debug, Clone)]
pub struct ForEach {
    /// The list.
    pub items: Template,
    /// What the item is called; `item` where nothing is said.
    pub variable: Id,
    /// What tells one item from another; the position where nothing is said.
    pub key: Option<Expression>,
    /// More refuses.
    pub max_items: Option<u32>,
}

/// Acting until something is so.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// Asked after each round; `result` is the round's output.
    pub until: Expression,
    /// The most rounds: a number or an expression for one.
    pub max: Template,
}

/// Trying again.
#[derive(Debug, Clone)]
pub struct Retry {
    /// All attempts, the first counted.
    pub attempts: Template,
    /// Time before the second.
    pub backoff: Option<Template>,
    /// By how much it grows.
    pub factor: f64,
    /// The most it grows to.
    pub max: Option<Template>,
}

/// What takes a step back.
#[derive(Debug, Clone)]
pub enum Undo {
    /// Nothing was said.
    Unsaid,
    /// Nothing can, and why.
    None(Text),
    /// These, in order.
    Bodies(Vec<Body>),
}

/// What a failed step means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run ends.
    Stop,
    /// The run goes on and still ends `failed`.
    Continue,
}

/// When the ledger is signed beside the usual times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointWhen {
    /// Before the step begins.
    Before,
}

/// What a failed run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Leaves things as they are.
    Stop,
    /// Undoes what has an intent, last first.
    Undo,
}

/// Where a secret output goes.
#[derive(Debug, Clone)]
pub struct SecretOutput {
    /// Where it stands in the output, like `["json", "access_token"]`.
    pub from: Vec<String>,
    /// The store, a target.
    pub store: Id,
    /// The key in the store.
    pub key: Template,
}
