//! The resolved preview of a procedure, and the digest that names it.
//!
//! Planning is given a probe and a copy of the history: it cannot cause an effect and records nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::action::{EffectClass, Fidelity, Registry};
use crate::event::state::{Checked, Failure, Verdict};
use crate::frame::Frame;
use crate::host::Probe;
use crate::id::{Digest, Id, Name};
use crate::procedure::workspace::{TargetEntry, Workspace};
use crate::procedure::{Environment, Procedure};
use crate::secret::custody::Custody;
use crate::target::Target;
use crate::template::scope::Scope;
use crate::time::{Duration, Timestamp};

mod acts;
mod bind;
pub mod call;
mod checks;
pub mod failed;
pub mod items;
pub mod judging;
mod planner;
pub mod requires;
mod secrets;
pub mod steps;
mod summary;
mod unsupported;

use failed::FailedNow;
use requires::PlannedLimit;
pub use secrets::{bound_secrets, expect_as_planned};

pub use bind::{Names, base_scope, plan, thaw};

/// How long a plan file is good for where nothing is said.
pub const EXPIRY: Duration = Duration::from_seconds(24 * 60 * 60);

/// What planning and running need besides a procedure and its parameters.
pub struct Setting {
    /// The workspace file.
    pub workspace: Arc<Workspace>,
    /// Which world this is.
    pub environment: Environment,
    /// Who plans or runs.
    pub actor: String,
    /// The actions there are.
    pub registry: Arc<Registry>,
    /// The procedure and all that it calls, by name.
    pub procedures: BTreeMap<Name, Arc<Procedure>>,
    /// Values of environment variables that a procedure may declare.
    pub env: BTreeMap<String, String>,
    /// Names that are the same for all frames: `history`, and the function `inside`.
    pub base: Scope,
    /// What this process knows of secrets.
    pub custody: Arc<Custody>,
}

/// What is to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The procedure.
    pub procedure: Name,
    /// Its parameters, as given.
    pub parameters: IndexMap<String, Json>,
    /// Targets that are bound otherwise than the workspace says.
    pub targets: IndexMap<Id, Id>,
    /// Secrets that are bound otherwise than the workspace says.
    pub secrets: IndexMap<Id, Id>,
    /// What the plan may look at.
    pub options: Options,
}

/// What a plan may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Make no reads.
    pub offline: bool,
    /// Run `command.read` and the `preview` of `command.run`.
    pub probe_commands: bool,
}

/// What would come of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It would be done.
    WouldRun,
    /// It is not needed.
    WouldSkip,
    /// It is so already.
    WouldBeNoChange,
    /// Depends on what is not known yet.
    Undecided,
    /// A precondition or guard says no.
    Refused,
}

/// A step in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// Its path: ids of calls and the step, joined by `/`; an item of a `for_each` as `step[key]`.
    pub id: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// The action, `manual`, `wait` or `call.NAME`.
    pub action: String,
    /// What it changes.
    pub effect: EffectClass,
    /// How true this preview is.
    pub fidelity: Fidelity,
    /// What would come of it.
    pub outcome: Outcome,
    /// Its input; `{"$undecided": why}` where it is not known yet.
    pub with: Json,
    /// What is there now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Json>,
    /// What would be there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Json>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
}

/// A guard in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedGuard {
    /// Its id.
    pub id: String,
    /// The prohibition in words.
    pub rule: String,
    /// How it was decided.
    pub verdict: Verdict,
    /// `plan`, or `before the effect` where it is decided only then.
    pub when: String,
    /// Why, or what it depends on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// Something that was read to make the plan; outside the digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// The step, check or guard it was read for.
    pub by: String,
    /// The action.
    pub action: String,
    /// Its input.
    pub with: Json,
    /// What was found; large outputs as their digest.
    pub found: Json,
}

/// The steps in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// All steps.
    pub steps: usize,
    /// Of them, previewed exactly.
    pub exact: usize,
    /// Previewed by estimate.
    pub estimated: usize,
    /// Not previewed.
    pub none: usize,
}

/// What running the plan would come to, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing stands against it.
    Ready,
    /// A precondition or limit says no.
    Refused,
    /// A guard says no.
    Guarded,
    /// A read or check of it fails already now.
    Failed,
    /// Another run holds a lock that it needs.
    Busy,
}

/// A plan as it is shown, approved and kept in a file; it holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The plan's own id: a plan file runs once.
    pub plan: String,
    /// What it is, in one digest; the same situation has the same.
    pub digest: Digest,
    /// What running it would come to, as far as it is known.
    pub status: Status,
    /// What stands against it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Failure>,
    /// The procedure.
    pub procedure: Name,
    /// Where the procedure came from: a path, or `built in`.
    pub origin: String,
    /// The environment.
    pub environment: Environment,
    /// The parameters, as accepted.
    pub parameters: IndexMap<Id, Json>,
    /// The procedure's targets, and what they are bound to.
    pub targets: IndexMap<Id, String>,
    /// The procedure's secrets, and the names in the workspace that they are bound to.
    #[serde(skip_serializing_if = "IndexMap::is_empty", default)]
    pub secrets: IndexMap<Id, Id>,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this it does not run.
    pub expires_at: Timestamp,
    /// What it was made with.
    pub options: Options,
    /// How the preconditions were decided.
    pub preconditions: Vec<Checked>,
    /// The steps, in order.
    pub steps: Vec<PlannedStep>,
    /// The guards.
    pub guards: Vec<PlannedGuard>,
    /// The named locks that a run of it holds until it has ended, by name.
    #[serde(default)]
    pub locks: Vec<String>,
    /// How often it, and what it calls, may still run.
    #[serde(default)]
    pub limits: Vec<PlannedLimit>,
    /// How the final checks would be decided.
    pub verify: Vec<Checked>,
    /// What failed already now in steps.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub failed: Vec<FailedNow>,
    /// What is not known yet.
    pub undecided: Vec<String>,
    /// What was read to make it.
    pub observed: Vec<Observed>,
    /// The steps in numbers.
    pub summary: Summary,
    /// What the digest is over.
    pub resolved: Json,
}

/// A plan: what it shows, and what a run needs to follow it.
pub struct Plan {
    /// What it shows.
    pub view: View,
    /// The procedure with its parameters and targets.
    pub root: Arc<Frame>,
    /// Bound targets by their name in the workspace: what a call may bind again.
    pub bound: BTreeMap<Id, Target>,
    /// The rendered inputs by step, as the plan showed them.
    pub shown: BTreeMap<String, Json>,
}

/// Why there is no plan at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The procedure, or one it calls, is not known.
    #[error("procedure `{name}` does not exist{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownProcedure {
        /// What was asked for.
        name: Name,
        /// What may have been meant.
        near: Option<String>,
    },
    /// Parameters do not fit.
    #[error("{}", .0.iter().map(|(name, why)| format!("parameter `{name}`: {why}")).collect::<Vec<_>>().join("; "))]
    Parameters(Vec<(String, String)>),
    /// A target is not bound.
    #[error(
        "target `{name}` of `{procedure}` is not bound to anything of kind `{kind}`; name one with `--target {name}=NAME`, or under `bindings` in runwarden.yaml"
    )]
    Unbound {
        /// The procedure.
        procedure: Name,
        /// Its name for the target.
        name: Id,
        /// The kind that is wanted.
        kind: &'static str,
    },
    /// A target is bound, but not to something that fits.
    #[error("target `{name}` of `{procedure}`: {why}")]
    Misbound {
        /// The procedure.
        procedure: Name,
        /// Its name for the target.
        name: Id,
        /// What is wrong.
        why: String,
    },
    /// A secret is not bound.
    #[error(
        "secret `{name}` of `{procedure}` is missing: runwarden.yaml has no secret `{chosen}`; name one with `--secret {name}=NAME`, or under `bindings`"
    )]
    NoSecret {
        /// The procedure.
        procedure: Name,
        /// Its name for the secret.
        name: Id,
        /// The name that was looked for.
        chosen: Id,
    },
    /// A secret is bound that the procedure has not, or that is elsewhere now.
    #[error("secret `{name}` of `{procedure}`: {why}")]
    MisboundSecret {
        /// The procedure.
        procedure: Name,
        /// Its name for the secret.
        name: Id,
        /// What is wrong.
        why: String,
    },
    /// A secret is given where it would be recorded.
    #[error("{what} holds the value of a secret, and would be recorded with it")]
    ShownOpenly {
        /// What holds it.
        what: String,
    },
    /// A target belongs to another environment.
    #[error("target `{name}` belongs to {theirs}, and this is {ours}")]
    OtherEnvironment {
        /// The target.
        name: Id,
        /// The environment it states.
        theirs: &'static str,
        /// The environment of this run.
        ours: &'static str,
    },
    /// An environment variable that the procedure reads is not set.
    #[error("environment variable `{name}` is not set, and `{procedure}` reads it")]
    NoVariable {
        /// The variable.
        name: String,
        /// The procedure.
        procedure: Name,
    },
    /// The procedure asks for something that this version does not do.
    #[error("`{procedure}` uses `{key}`, which this version does not act on; it is refused rather than ignored")]
    Unsupported {
        /// The procedure.
        procedure: Name,
        /// The key.
        key: String,
    },
    /// A target's driver says no.
    #[error(transparent)]
    Target(#[from] crate::target::Error),
}

/// A target of the workspace, bound for a run in this environment.
fn target_here(
    setting: &Setting,
    slot: &Id,
    name: &Id,
    entry: &TargetEntry,
    probe: &dyn Probe,
) -> Result<Target, Error> {
    let ours = setting.environment;
    if let Some(theirs) = entry.environment.filter(|theirs| *theirs != ours) {
        let (theirs, ours) = (theirs.as_str(), ours.as_str());
        return Err(Error::OtherEnvironment { name: slot.clone(), theirs, ours });
    }
    Ok(crate::target::bind(name.as_str(), entry, probe)?)
}

/// The digest of what a plan is over.
fn digest_of(resolved: &Json) -> Digest {
    crate::question::canonical_digest(resolved)
}

/// What the engine's version is to a plan: a patch release changes no plan.
fn engine_version() -> Json {
    json!(concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR")))
}
