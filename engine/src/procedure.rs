//! What can be written down: a procedure or checklist that is valid.
//!
//! Every key of the language has its typed form here, also those that the engine does not act on yet: the plan refuses
//! these by name. How the text was turned into this is the affair of `parse`; this module cannot be wrong about a file.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{Digest, Id, Name};
use crate::template::Template;
use crate::template::data::Data;
use crate::template::expression::Expression;
use crate::template::text::Text;

pub mod check;
pub mod guard;
pub mod parameter;
pub mod pattern;
pub mod step;
pub mod workspace;

use check::Check;
use guard::Guard;
use parameter::Parameter;
use step::{Body, OnFailure, Step};

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
    /// Whether nobody has reviewed it yet: it is not run then.
    pub draft: bool,
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

    /// All its steps, those inside `parallel` and those that run last included.
    #[must_use]
    pub fn all_steps(&self) -> Vec<&Step> {
        let mut all = Vec::new();
        if let Work::Steps(work) = &self.work {
            collect_steps(&work.steps, &mut all);
            collect_steps(&work.finally, &mut all);
        }
        all
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

fn collect_steps<'a>(steps: &'a [Step], all: &mut Vec<&'a Step>) {
    for step in steps {
        all.push(step);
        if let Body::Parallel(lanes) = &step.body {
            collect_steps(lanes, all);
        }
    }
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
    /// All of them, in the order of the design.
    pub const ALL: [Self; 9] = [
        Self::Command,
        Self::Ledger,
        Self::AnchorStore,
        Self::SecretStore,
        Self::Epoch,
        Self::Pause,
        Self::Service,
        Self::PluginRegistry,
        Self::ArtifactStore,
    ];

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
