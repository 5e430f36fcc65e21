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
use crate::consent::standing::Standing;
use crate::event::people::{Signed, Wanted};
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
pub mod advice;
pub mod approvals;
mod bind;
pub mod call;
mod checks;
mod error;
pub mod failed;
pub mod items;
pub mod judging;
mod planner;
pub mod requires;
mod secrets;
mod shown;
pub mod steps;
mod summary;
pub mod waivers;

use advice::Advice;
use failed::FailedNow;
use requires::PlannedLimit;
use waivers::InForce;

pub use error::Error;
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
    /// Their class and roles.
    pub standing: Standing,
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
    /// Waivers that it is made with.
    pub waivers: Vec<Signed>,
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
    /// What the procedure says to do about that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub advice: Option<Advice>,
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
    /// Who made it: an initiator of every run of it.
    #[serde(default)]
    pub made_by: String,
    /// Who must consent before it runs.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub approvals: Vec<Wanted>,
    /// Who must consent to steps, each before its effect.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub step_approvals: Vec<Wanted>,
    /// The waivers in force.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub waivers: Vec<Signed>,
    /// The drafts among the procedure and what it calls: while there are any, it is not run.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub drafts: Vec<Name>,
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
    /// The waivers in force.
    pub waivers: Vec<InForce>,
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
    let target = crate::target::bind_within(&setting.workspace, name, entry, probe)?;
    for place in target.secrets.values() {
        if let Some(theirs) = place.store.environment.filter(|theirs| *theirs != ours) {
            let (name, theirs, ours) = (slot.clone(), theirs.as_str(), ours.as_str());
            return Err(Error::OtherEnvironment { name, theirs, ours });
        }
    }
    Ok(target)
}

/// The digest of what a plan is over.
fn digest_of(resolved: &Json) -> Digest {
    crate::question::canonical_digest(resolved)
}

/// What the engine's version is to a plan: a patch release changes no plan.
fn engine_version() -> Json {
    json!(concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR")))
}
