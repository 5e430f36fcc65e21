//! What can be written down: a procedure or checklist that is valid.
//!
//! Every key of the language has its typed form here, also those that the engine does not act on yet: the plan refuses
//! these by name. How the text was turned into this is the affair of `parse`; this module cannot be wrong about a file.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{ActionName, Digest, Id, Name};
use crate::template::Template;
use crate::template::data::Data;
use crate::template::expression::Expression;
use crate::template::text::Text;

pub mod parameter;
pub mod pattern;
pub mod workspace;

use parameter::Parameter;
use pattern::Pattern;

/// How much harm a procedure can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much: the operator types the procedure's name.
    High,
}

/// A document that can be planned: what procedures and checklists have in common, and what they do.
#[derive(Debug, Clone)]
pub struct Procedure {
    /// The dotted name, which is also its path.
    pub name: Name,
    /// A title for people.
    pub title: String,
    /// The author's version.
    pub version: String,
    /// What it is for, when it applies, what it leaves alone.
    pub summary: String,
    /// The prose it was made from.
    pub source: Option<Origin>,
    /// Who answers for it.
    pub owner: String,
    /// What callers give.
    pub parameters: IndexMap<Id, Parameter>,
    /// Things to act on, bound in the workspace.
    pub targets: IndexMap<Id, TargetSlot>,
    /// Secrets, bound in the workspace.
    pub secrets: IndexMap<Id, SecretSlot>,
    /// Names of environment variables that expressions may read.
    pub env: Vec<String>,
    /// What must be given before anything starts.
    pub requires: Requires,
    /// Not met, or cannot be decided: refuse.
    pub preconditions: Vec<Check>,
    /// Prohibitions.
    pub do_not: Vec<Guard>,
    /// What it does.
    pub work: Work,
    /// Advice by what went wrong; the first that matches is shown.
    pub failure_modes: Vec<FailureMode>,
    /// What it gives back.
    pub outputs: IndexMap<Id, Data>,
    /// The document as it was written, as JSON: what is frozen with a run and stands in the plan's digest.
    pub document: Value,
}

/// What a document does: steps, or questions only.
#[derive(Debug, Clone)]
pub enum Work {
    /// `kind: procedure`.
    Steps(Steps),
    /// `kind: checklist`: all evaluated, in order.
    Items(Vec<Check>),
}

/// The working part of a procedure.
#[derive(Debug, Clone)]
pub struct Steps {
    /// How much harm it can do.
    pub risk: Risk,
    /// In order; at least one.
    pub steps: Vec<Step>,
    /// What must be true afterwards.
    pub verify: Vec<Check>,
    /// What happens when a step fails.
    pub on_failure: OnFailure,
    /// Steps that run last, whatever happened.
    pub finally: Vec<Step>,
}

impl Procedure {
    /// The digest of the document, in RFC 8785 form.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // A document parsed from YAML within the limits always has a canonical form; its text would do as well.
        let canonical =
            serde_json_canonicalizer::to_vec(&self.document).unwrap_or_else(|_| self.document.to_string().into_bytes());
        Digest::of(&canonical)
    }

    /// How much harm it can do; a checklist does none.
    #[must_use]
    pub fn risk(&self) -> Risk {
        match &self.work {
            Work::Steps(work) => work.risk,
            Work::Items(_) => Risk::Low,
        }
    }

    /// The step of that id, inside `parallel` too.
    #[must_use]
    pub fn find_step(&self, id: &Id) -> Option<&Step> {
        match &self.work {
            Work::Steps(work) => find_step(&work.steps, id).or_else(|| find_step(&work.finally, id)),
            Work::Items(_) => None,
        }
    }

    /// `procedure` or `checklist`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.work {
            Work::Steps(_) => "procedure",
            Work::Items(_) => "checklist",
        }
    }
}

fn find_step<'a>(steps: &'a [Step], id: &Id) -> Option<&'a Step> {
    steps.iter().find_map(|step| match &step.body {
        _ if step.id == *id => Some(step),
        Body::Parallel(lanes) => find_step(lanes, id),
        _ => None,
    })
}

/// The prose that a procedure was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Its title.
    pub document: String,
    /// Which part of it.
    pub section: String,
}

/// A thing to act on, by the name the procedure gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSlot {
    /// What sort of thing.
    pub kind: TargetKind,
    /// What it is, for people.
    pub description: Option<String>,
}

/// What sort of thing a target is (section 11 of the design).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A deployment's own command: argv, folder and environment.
    Command,
    /// A ledger, ours or a foreign one.
    Ledger,
    /// A place for anchors, outside the ledger's trust domain.
    AnchorStore,
    /// A place for secrets.
    SecretStore,
    /// An epoch that only moves forward.
    Epoch,
    /// A lever that stops and starts a system.
    Pause,
    /// An HTTP service.
    Service,
    /// A registry of plugins.
    PluginRegistry,
    /// A store of artifacts by digest.
    ArtifactStore,
}

impl TargetKind {
    /// As it is written in a file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Ledger => "ledger",
            Self::AnchorStore => "anchor_store",
            Self::SecretStore => "secret_store",
            Self::Epoch => "epoch",
            Self::Pause => "pause",
            Self::Service => "service",
            Self::PluginRegistry => "plugin_registry",
            Self::ArtifactStore => "artifact_store",
        }
    }
}

/// A secret, by the name the procedure gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSlot {
    /// What it is, for people.
    pub description: Option<String>,
}

/// What must be given before anything starts.
#[derive(Debug, Clone, Default)]
pub struct Requires {
    /// The class of actor, if one is asked for.
    pub actor: Option<ActorClass>,
    /// Roles of which the actor has at least one.
    pub roles: Vec<Id>,
    /// Signed consent.
    pub approvals: Option<Approvals>,
    /// Named locks.
    pub locks: Vec<Template>,
    /// How often it may run.
    pub limits: Vec<Limit>,
}

/// What sort of actor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorClass {
    /// A person.
    Operator,
    /// A machine.
    Automation,
    /// A person who looks and does not touch.
    Auditor,
}

/// Which of the three closed worlds a run is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Where mistakes cost nothing.
    Development,
    /// Where production is rehearsed.
    Staging,
    /// Where mistakes hurt.
    Production,
}

impl Environment {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// Signed consent that is asked for.
#[derive(Debug, Clone)]
pub struct Approvals {
    /// How many distinct people.
    pub quorum: u32,
    /// Roles of which each has one.
    pub from: Vec<Id>,
    /// Whether the one who runs it, and the one who planned it, do not count.
    pub exclude_initiator: bool,
    /// How long a consent is good for.
    pub expires: Option<Template>,
    /// The environments in which it is asked for; all, where none is named.
    pub environments: Vec<Environment>,
}

/// How often something may be done.
#[derive(Debug, Clone)]
pub struct Limit {
    /// The most runs.
    pub at_most: u32,
    /// Within this time.
    pub per: Template,
    /// Counted separately for each value of these.
    pub by: Vec<Expression>,
}

/// A read-only action that is asked for a check or guard, or the action of a step.
#[derive(Debug, Clone)]
pub struct Act {
    /// Which.
    pub action: ActionName,
    /// Its input.
    pub with: Data,
}

/// A question with a yes/no answer.
#[derive(Debug, Clone)]
pub struct Check {
    /// Unique in its list.
    pub id: Id,
    /// The question for people.
    pub title: Option<String>,
    /// How it is decided.
    pub question: Question,
    /// What to do when it is not met.
    pub help: Option<Text>,
    /// Whether it counts.
    pub severity: Severity,
    /// Skips it when false; a skipped check has not passed.
    pub when: Option<Expression>,
    /// Asked again until it is met.
    pub wait: Option<Poll>,
    /// Of a precondition: must still hold on resume after the first effect.
    pub hold: bool,
    /// Of a checklist's item: the heading it stands under.
    pub group: Option<String>,
}

/// How a check is decided.
#[derive(Debug, Clone)]
pub enum Question {
    /// By an expression over the context and, as `result`, over what a read found.
    Expect {
        /// The read, if there is one.
        read: Option<Act>,
        /// Must be true.
        expect: Expression,
    },
    /// By a person.
    Manual {
        /// What the person is asked.
        ask: Text,
        /// The typed answers.
        answer: IndexMap<Id, Parameter>,
        /// Must be true; `answer.K` are the answers.
        expect: Expression,
    },
}

/// Whether a check counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Not met: the step, run or gate fails.
    Required,
    /// Not met: it is said, and nothing else happens.
    Advisory,
}

/// Asking again and again.
#[derive(Debug, Clone)]
pub struct Poll {
    /// Time between two questions.
    pub every: Template,
    /// When to give up.
    pub timeout: Template,
}

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
    /// Which output.
    pub from: Id,
    /// The store, a target.
    pub store: Id,
    /// The key in the store.
    pub key: Template,
}

/// A prohibition.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Unique in its list.
    pub id: Id,
    /// The prohibition in words.
    pub rule: Text,
    /// What is forbidden.
    pub form: Form,
    /// A read evaluated for it.
    pub state: Option<Act>,
    /// When it is held.
    pub enforce: Vec<Moment>,
    /// How often it is looked at while a step runs.
    pub every: Option<Template>,
    /// What a violation does.
    pub on_violation: OnFailure,
    /// Whether a waiver can lift it.
    pub waivable: Option<Waivable>,
}

/// What a guard forbids.
#[derive(Debug, Clone)]
pub enum Form {
    /// A state that must not hold.
    Never(Expression),
    /// An act that must not be done.
    Forbid {
        /// Which acts.
        pattern: Pattern,
        /// Only where this is so.
        condition: Option<Expression>,
    },
    /// What failed is not tried again on unchanged inputs.
    OnceFailed(Pattern),
}

/// When a guard is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// While planning.
    Plan,
    /// Before each effect.
    Before,
    /// While a step runs.
    During,
    /// After each effect.
    After,
    /// When a run goes on.
    Resume,
}

impl Moment {
    /// Where nothing is said.
    pub const DEFAULT: [Self; 4] = [Self::Plan, Self::Before, Self::After, Self::Resume];
}

/// Who may lift a guard, and for how long.
#[derive(Debug, Clone)]
pub struct Waivable {
    /// Roles of which the approver has one.
    pub by: Vec<Id>,
    /// The longest a waiver may last.
    pub max_for: Option<Template>,
    /// The most uses of one waiver.
    pub max_uses: Option<u32>,
}

/// Advice for one way of failing.
#[derive(Debug, Clone)]
pub struct FailureMode {
    /// Whether it is this one; `error` is what went wrong.
    pub when: Expression,
    /// What happened, for people.
    pub title: String,
    /// What to do.
    pub advice: Text,
}
