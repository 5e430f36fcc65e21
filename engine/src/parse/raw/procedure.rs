//! Procedures and checklists.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::check::{Item, Precondition, Verification};
use super::guard::Guard;
use super::parameter::Parameters;
use super::step::Step;
use super::words::{
    ActorClass, Duration, Environment, Expression, Reaction, Release, TargetKind, Template, Text, TextTemplate,
    Variable, Version, Who,
};
use crate::id::{Id, Name};

/// A runbook: what is asked before, what is done, and what must hold after.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// The version of the language.
    pub runwarden: Version,
    /// What the document is.
    pub kind: ProcedureKind,
    /// Its name; the file `procedures/kora/dr_epoch_bump.yaml` holds `kora.dr_epoch_bump`.
    pub name: Name,
    /// What it does, in one line.
    pub title: Text,
    /// Its version; it goes up when the procedure changes.
    pub version: Release,
    /// What it is for, when it applies, and what it leaves alone.
    pub summary: Text,
    /// The document it was written from.
    pub source: Option<Source>,
    /// Who answers for it.
    pub owner: Who,
    /// What a mistake would cost.
    pub risk: Risk,
    /// Nobody has reviewed it yet: it is checked, planned and tested, and never run.
    pub draft: Option<bool>,
    /// What of the whole is still to be decided; in drafts only.
    #[schemars(length(min = 1))]
    pub todo: Option<Vec<Text>>,

    /// Variables of the environment that expressions may name as `env.NAME`; their values are recorded.
    pub env: Option<Vec<Variable>>,
    /// What a run is given.
    pub parameters: Option<Parameters>,
    /// The configured things it acts on, by the names it has for them.
    pub targets: Option<IndexMap<Id, Target>>,
    /// The secrets it uses, by the names it has for them.
    pub secrets: Option<IndexMap<Id, Secret>>,
    /// Who may run it, whose consent it needs, and what it must not overlap with.
    pub requires: Option<Requires>,
    /// Must hold before it begins; all are asked.
    pub preconditions: Option<Vec<Precondition>>,
    /// What must not be, and what must not be done.
    pub do_not: Option<Vec<Guard>>,
    /// What is done, in order.
    #[schemars(length(min = 1))]
    pub steps: Vec<Step>,
    /// Must hold after the last step; asked in order.
    pub verify: Option<Vec<Verification>>,
    /// What a failure means, and what to do; the first that matches is shown.
    pub failure_modes: Option<Vec<FailureMode>>,
    /// What happens when a step fails.
    pub on_failure: Option<Reaction>,
    /// Steps that run when the run ends, whatever its end.
    pub finally: Option<Vec<Step>>,
    /// What a run gives back, by name.
    pub outputs: Option<IndexMap<Id, Template>>,
}

/// Points that must all hold, asked by `runwarden gate`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checklist {
    /// The version of the language.
    pub runwarden: Version,
    /// What the document is.
    pub kind: ChecklistKind,
    /// Its name; the file `procedures/kora/boot_ready.yaml` holds `kora.boot_ready`.
    pub name: Name,
    /// What it asks, in one line.
    pub title: Text,
    /// Its version; it goes up when the checklist changes.
    pub version: Release,
    /// What it is for, and when it applies.
    pub summary: Text,
    /// The document it was written from.
    pub source: Option<Source>,
    /// Who answers for it.
    pub owner: Who,
    /// What a mistake would cost.
    pub risk: Option<Risk>,
    /// Nobody has reviewed it yet: it is checked and planned, and never asked.
    pub draft: Option<bool>,
    /// What of the whole is still to be decided; in drafts only.
    #[schemars(length(min = 1))]
    pub todo: Option<Vec<Text>>,

    /// Variables of the environment that expressions may name as `env.NAME`; their values are recorded.
    pub env: Option<Vec<Variable>>,
    /// What it is given.
    pub parameters: Option<Parameters>,
    /// The configured things it asks, by the names it has for them.
    pub targets: Option<IndexMap<Id, Target>>,
    /// The secrets it uses, by the names it has for them.
    pub secrets: Option<IndexMap<Id, Secret>>,
    /// Who may run it, and what it must not overlap with.
    pub requires: Option<Requires>,
    /// Must hold before it begins; all are asked.
    pub preconditions: Option<Vec<Precondition>>,
    /// What must not be.
    pub do_not: Option<Vec<Guard>>,
    /// Its points; all are asked, in order.
    pub items: Vec<Item>,
}

/// A procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProcedureKind {
    /// A procedure.
    Procedure,
}

/// A checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChecklistKind {
    /// A checklist.
    Checklist,
}

/// Where something was written down first.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The title of the document.
    #[schemars(length(min = 1))]
    pub document: String,
    /// The part of it.
    #[schemars(length(min = 1))]
    pub section: String,
    /// The line at which it begins there.
    #[schemars(range(min = 1))]
    pub line: Option<u32>,
}

/// What a mistake would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing that cannot be put right at once.
    Low,
    /// Work, or a disturbance that users notice.
    Medium,
    /// Data, money or trust; its name must be typed before it runs.
    High,
}

/// A thing the procedure acts on.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// What it is for.
    pub description: Option<Text>,
}

/// A secret the procedure uses.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// What it is for.
    pub description: Option<Text>,
}

/// What a run needs before it may begin.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requires {
    /// The class of actor that may run it.
    pub actor: Option<ActorClass>,
    /// The roles of which the actor must have one.
    #[schemars(length(min = 1))]
    pub roles: Option<Vec<Id>>,
    /// Whose consent to the plan it needs.
    pub approvals: Option<Approval>,
    /// Names that no other run may hold at the same time.
    pub locks: Option<Vec<TextTemplate>>,
    /// How often it may be run.
    pub limits: Option<Vec<Limit>>,
}

/// A signed consent.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// How many must consent; one where nothing is said.
    #[schemars(range(min = 1))]
    pub quorum: Option<u32>,
    /// The roles that may consent.
    #[schemars(length(min = 1))]
    pub from: Vec<Id>,
    /// Whether the one who runs it may not consent; so where nothing is said.
    pub exclude_initiator: Option<bool>,
    /// How long a consent is good for.
    pub expires: Option<Duration>,
    /// The environments in which it is needed; all where nothing is said.
    #[serde(rename = "in")]
    #[schemars(length(min = 1))]
    pub environments: Option<Vec<Environment>>,
}

/// How often a procedure may be run.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// At most this often
    #[schemars(range(min = 1))]
    pub at_most: u32,
    /// within this time,
    pub per: Duration,
    /// counting runs that agree in these values; all runs where nothing is said.
    pub by: Option<Vec<Expression>>,
}

/// What a failure means, and what to do.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureMode {
    /// Whether the failure is this one, an expression over `error`.
    pub when: Expression,
    /// What it means, in one line.
    pub title: Text,
    /// What to do.
    pub advice: Text,
    /// Where it was written down first.
    pub source: Option<Source>,
    /// What of it is still to be decided; in drafts only.
    #[schemars(length(min = 1))]
    pub todo: Option<Vec<Text>>,
}
