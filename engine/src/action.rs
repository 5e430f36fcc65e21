//! What can be done: typed actions, their contracts, and the registry that lists them.
//!
//! An action is one file in one family's folder and one line in [`Registry::builtin`]. A [`Read`] only ever sees a
//! probe; an [`Effect`] sees the host in `apply` alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::host::{Host, Probe};
use crate::id::{ActionName, Digest, Id, RunId};
use crate::target::{Target, driver};
use crate::time::Timestamp;

mod erased;
pub mod kept;
mod registry;
pub mod scripted;

pub mod agijobs;
pub mod anchor;
pub mod command;
pub mod corvusforge;
pub mod data;
pub mod epoch;
pub mod file;
pub mod forge;
pub mod git;
pub mod http;
pub mod keys;
pub mod ledger;
pub mod mvcrs;
pub mod pause;
pub mod process;
pub mod sealed;
pub mod secrets;

pub use registry::{Action, Registry};

#[cfg(test)]
mod pages;
#[cfg(test)]
mod protected;
#[cfg(test)]
mod trial;

/// What an action changes outside the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// Nothing.
    Read,
    /// Something that can be changed back.
    Mutate,
    /// Something that cannot be taken back.
    Irreversible,
}

/// What happens when it is done twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The same as when it is done once.
    Idempotent,
    /// The same as once, if the same key is given.
    Keyed,
    /// Something else: never tried again by itself.
    Once,
}

/// How true a preview is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fidelity {
    /// What will be there afterwards, unless the world changes meanwhile.
    Exact,
    /// What should be there afterwards.
    Estimated,
    /// Nothing is known but the inputs.
    None,
}

/// What an action promises; plan, retry, resume and lint go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Contract {
    /// What it changes.
    pub effect: EffectClass,
    /// What happens when it is done twice.
    pub repeat: Repeat,
    /// How true its preview is, at best.
    pub preview: Fidelity,
    /// Whether it can tell, after a crash, if the effect happened.
    pub reconcile: bool,
    /// Raised when the meaning of params or output changes; stands in the plan's digest.
    pub version: u32,
}

/// What an effect would change.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// How true this is.
    pub fidelity: Fidelity,
    /// What is there now.
    pub before: Option<Value>,
    /// What would be there.
    pub after: Option<Value>,
    /// Nothing would change: it is already as wanted.
    pub no_change: bool,
}

impl Preview {
    /// Nothing is known but the inputs.
    pub const UNKNOWN: Self = Self { fidelity: Fidelity::None, before: None, after: None, no_change: false };
}

/// What a probe found out about an effect whose outcome was lost.
#[derive(Debug, Clone, PartialEq)]
pub enum Reconciled<T> {
    /// It happened, and this is its output.
    Happened(T),
    /// It did not happen.
    NotHappened,
    /// A person has to decide.
    CannotTell,
}

/// The code of a change to what no action may change; a plan that finds it is refused.
pub const PROTECTED: &str = "protected";

/// The code of a read that this plan may not make; it makes what depends on it undecided.
pub const NOT_PROBED: &str = "not_probed";

/// Why an action failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// A stable code, for `failure_modes` (`not_found`, `epoch_not_monotonic`, …).
    pub code: String,
    /// What happened, naming the thing; never a secret.
    pub message: String,
    /// Whether the same call may well succeed a little later.
    pub transient: bool,
    /// Whether the effect may have happened all the same.
    pub may_have_happened: bool,
}

impl Error {
    /// A failure that would come again, with nothing done.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), transient: false, may_have_happened: false }
    }

    /// The same, but worth another try.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.transient = true;
        self
    }

    /// The same, but nobody knows whether it was done.
    #[must_use]
    pub fn uncertain(mut self) -> Self {
        self.may_have_happened = true;
        self
    }
}

/// What every action is told besides its params.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The run; in a plan an id that no run has.
    pub run: RunId,
    /// When the run began.
    pub started_at: Timestamp,
    /// The targets of the procedure, by the name it gives them.
    pub targets: BTreeMap<Id, Target>,
    /// The most time the step allows for one attempt: what starts programs or waits for answers ends them by then.
    pub time_limit: Option<std::time::Duration>,
    /// For `keyed` actions: the same for each attempt at the same thing.
    pub idempotency_key: String,
    /// The secrets that stand in its input.
    pub secrets: sealed::Secrets,
    /// Who asks: the path of a step, `step.check`, a check, a guard, or `step.undo.0`.
    pub by: String,
}

impl Facts {
    /// The files that the driver of a target writes.
    pub(in crate::action) fn written(&self, target: &Id) -> Result<Vec<PathBuf>, Error> {
        self.target(target).map(Target::written)
    }

    /// The target of that name.
    ///
    /// # Errors
    /// When the procedure has none (which `check` refuses before).
    pub fn target(&self, name: &Id) -> Result<&Target, Error> {
        self.targets.get(name).ok_or_else(|| Error::new("unbound_target", format!("target `{name}` is not bound")))
    }
}

/// What a read is given: facts, and a probe.
pub struct Looking<'a> {
    /// The run and its targets.
    pub facts: &'a Facts,
    /// The machine, for looking.
    pub probe: &'a dyn Probe,
}

/// What an effect is given when it is done: facts, and the host.
pub struct Doing<'a> {
    /// The run and its targets.
    pub facts: &'a Facts,
    /// The machine, for doing.
    pub host: &'a dyn Host,
}

/// An action that changes nothing.
#[async_trait]
pub trait Read: Send + Sync + 'static {
    /// `family.verb`.
    const NAME: &'static str;
    /// What it takes.
    type Params: DeserializeOwned + JsonSchema + Send;
    /// What it gives.
    type Output: Serialize + JsonSchema;
    /// Whether its output comes of its input and nothing else. A test of a procedure need not say what it gives.
    const PURE: bool = false;

    /// Looks.
    async fn read(&self, params: Self::Params, looking: &Looking<'_>) -> Result<Self::Output, Error>;

    /// Digest of what such a read would be over, found without judging it; none where that cannot be told before.
    /// What failed on a subject is not tried again on the same one where a guard says `once_failed`.
    async fn subject(&self, _params: Self::Params, _looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        Ok(None)
    }
}

/// An action that changes something.
#[async_trait]
pub trait Effect: Send + Sync + 'static {
    /// `family.verb`.
    const NAME: &'static str;
    /// What it promises.
    const CONTRACT: Contract;
    /// What it takes.
    type Params: DeserializeOwned + JsonSchema + Send;
    /// What it gives.
    type Output: Serialize + JsonSchema;

    /// The files that it would write or remove, as far as they can be told before. Where one of them is what no action
    /// may change, neither a preview is made nor anything done.
    ///
    /// # Errors
    /// When an input does not say which.
    fn writes(&self, _params: &Self::Params, _looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(Vec::new())
    }

    /// Says what it would change.
    async fn preview(&self, params: Self::Params, looking: &Looking<'_>) -> Result<Preview, Error>;

    /// Does it.
    async fn apply(&self, params: Self::Params, doing: &Doing<'_>) -> Result<Self::Output, Error>;

    /// Finds out, after a crash between intent and outcome, whether it was done.
    async fn reconcile(&self, params: Self::Params, looking: &Looking<'_>) -> Result<Reconciled<Self::Output>, Error>;
}

impl From<driver::Error> for Error {
    fn from(error: driver::Error) -> Self {
        match error {
            driver::Error::Target(error) => Self::new("bad_target", error.to_string()),
            driver::Error::Host(error) => error.into(),
            driver::Error::Refused { code, message, transient, uncertain } => {
                Self { code: code.to_owned(), message, transient, may_have_happened: uncertain }
            }
        }
    }
}

impl From<crate::host::Error> for Error {
    fn from(error: crate::host::Error) -> Self {
        use crate::host::Error as Host;
        let message = error.to_string();
        match error {
            Host::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Self::new("not_found", message)
            }
            Host::File { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => {
                Self::new("exists", message)
            }
            // The new name is in place; that it lasts is not known.
            Host::File { verb: crate::host::SYNC, .. } => Self::new("file", message).uncertain(),
            Host::File { .. } => Self::new("file", message),
            Host::NotProbed(_) => Self::new("not_probed", message),
            Host::Unsteady { .. } => Self::new("unsteady", message).transient(),
            Host::TooLarge { .. } => Self::new("too_large", message),
            Host::Refused(_) => Self::new("refused", message),
            Host::Network { unsent, .. } => {
                let error = Self::new("network", message).transient();
                if unsent { error } else { error.uncertain() }
            }
            Host::Program { .. } => Self::new("program", message),
            Host::Database { code: None, uncertain, .. } => {
                let error = Self::new("database", message).transient();
                if uncertain { error.uncertain() } else { error }
            }
            Host::Database { code: Some(code), .. } => Self::new(of_sqlstate(&code, &message), message),
            Host::TimedOut { .. } => Self::new("timed_out", message).transient().uncertain(),
        }
    }
}

/// What a database's refusal is called; one that means nothing to an operator is `database`.
fn of_sqlstate(code: &str, message: &str) -> &'static str {
    match code {
        "42501" => "not_permitted",
        "22023" => "not_accepted",
        "23514" if message.contains("monotonic violation") => "epoch_not_monotonic",
        "23514" => "check_violated",
        "28000" | "28P01" => "not_authenticated",
        "3D000" | "3F000" | "42883" | "42P01" | "42703" => "other_schema",
        _ => "database",
    }
}

/// The family of an action: what stands before the dot.
#[must_use]
pub fn family(name: &ActionName) -> &str {
    name.as_str().split('.').next().unwrap_or_default()
}
