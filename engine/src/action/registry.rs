//! The list of all actions, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde_json::Value;

use super::erased::{ErasedEffect, ErasedRead};
use super::scripted::{Call, Script, Shape};
use super::{Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Read, Reconciled, Repeat};
use super::{
    agijobs, anchor, command, corvusforge, data, epoch, file, forge, git, http, keys, ledger, mvcrs, pause, process,
    secrets,
};
use crate::diagnostic::did_you_mean;
use crate::id::Digest;

/// An action as plan, run and check see it.
pub struct Action {
    /// `family.verb`.
    pub name: &'static str,
    /// What it promises.
    pub contract: Contract,
    // Whether its output comes of its input alone.
    pure: bool,
    // Made when first asked for: a start-up that needs no schema does not pay for sixty.
    schemas: Arc<Schemas>,
    body: Arc<Body>,
    // Answers in place of the body; none but in tests of procedures.
    script: Option<Arc<dyn Script>>,
}

struct Schemas {
    params: LazyLock<Value, fn() -> Value>,
    output: LazyLock<Value, fn() -> Value>,
    shape: Shape,
}

enum Body {
    Read(Box<dyn ErasedRead>),
    Effect(Box<dyn ErasedEffect>),
}

impl Action {
    fn read_of<A: Read>(action: A) -> Self {
        Self {
            name: A::NAME,
            contract: Contract {
                effect: EffectClass::Read,
                repeat: Repeat::Idempotent,
                preview: Fidelity::Exact,
                reconcile: true,
                version: 1,
            },
            pure: A::PURE,
            schemas: Schemas::of::<A::Params, A::Output>(),
            body: Arc::new(Body::Read(Box::new(action))),
            script: None,
        }
    }

    fn effect_of<A: Effect>(action: A) -> Self {
        Self {
            name: A::NAME,
            contract: A::CONTRACT,
            pure: false,
            schemas: Schemas::of::<A::Params, A::Output>(),
            body: Arc::new(Body::Effect(Box::new(action))),
            script: None,
        }
    }

    /// JSON Schema of what it takes; a property with `x-runwarden-target` names a target of one of those kinds, one with
    /// `x-runwarden-secret` may be a secret.
    ///
    /// What an action says, by whichever of the methods below, has no secret in it that was read before it said so.
    #[must_use]
    pub fn params(&self) -> &Value {
        &self.schemas.params
    }

    /// JSON Schema of what it gives.
    #[must_use]
    pub fn output(&self) -> &Value {
        &self.schemas.output
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(*self.body, Body::Read(_))
    }

    /// Looks; an effect cannot be asked to.
    ///
    /// # Errors
    /// What the action reports; `not_a_read` for an effect.
    pub async fn read(&self, with: &Value, looking: &Looking<'_>) -> Result<Value, Error> {
        match &*self.body {
            Body::Read(read) => match &self.script {
                Some(script) if !self.pure || script.has_answer(&self.call(looking.facts)) => {
                    read.accepts(with)?;
                    super::scripted::read(&**script, &self.call(looking.facts), looking.probe).await
                }
                _ => looking.facts.cleaned(read.read(with, looking).await),
            },
            Body::Effect(_) => Err(Error::new("not_a_read", format!("`{}` has an effect", self.name))),
        }
    }

    /// Digest of what a read would be over, if that can be told without making it.
    ///
    /// # Errors
    /// What the action reports.
    pub async fn subject(&self, with: &Value, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        match &*self.body {
            Body::Read(read) => match &self.script {
                Some(script) => Ok(script.subject(&self.call(looking.facts))),
                None => read.subject(with, looking).await,
            },
            Body::Effect(_) => Ok(None),
        }
    }

    /// Says what it would change: nothing, for a read.
    ///
    /// # Errors
    /// What the action reports.
    pub async fn preview(&self, with: &Value, looking: &Looking<'_>) -> Result<Preview, Error> {
        match &*self.body {
            Body::Read(_) => Ok(Preview { fidelity: Fidelity::Exact, before: None, after: None, no_change: true }),
            Body::Effect(effect) if self.script.is_some() => effect.accepts(with).map(|()| Preview::UNKNOWN),
            Body::Effect(effect) => {
                looking.facts.may_keep(looking)?;
                looking.facts.cleaned(effect.preview(with, looking).await)
            }
        }
    }

    /// Does it; a read only looks.
    ///
    /// # Errors
    /// What the action reports.
    pub async fn apply(&self, with: &Value, doing: &Doing<'_>) -> Result<Value, Error> {
        match &*self.body {
            Body::Read(_) => self.read(with, &Looking { facts: doing.facts, probe: doing.host }).await,
            Body::Effect(effect) => match &self.script {
                Some(script) => {
                    effect.accepts(with)?;
                    let output = super::scripted::apply(&**script, &self.call(doing.facts)).await?;
                    doing.facts.keep(output, None).await
                }
                None => {
                    let done = match effect.apply(with, doing).await {
                        Ok(output) => doing.facts.keep(output, Some(doing.host)).await,
                        Err(error) => Err(error),
                    };
                    doing.facts.cleaned(done)
                }
            },
        }
    }

    /// Whether the stores of its secret outputs answer: asked before it is done.
    ///
    /// # Errors
    /// What a store reports.
    pub async fn can_keep(&self, looking: &Looking<'_>) -> Result<(), Error> {
        match &self.script {
            Some(_) => Ok(()),
            None => looking.facts.cleaned(looking.facts.can_keep(looking).await),
        }
    }

    /// Finds out whether a lost effect happened; a read never did anything.
    ///
    /// # Errors
    /// What the action reports.
    pub async fn reconcile(&self, with: &Value, looking: &Looking<'_>) -> Result<Reconciled<Value>, Error> {
        match &*self.body {
            Body::Read(_) => Ok(Reconciled::NotHappened),
            Body::Effect(effect) => match &self.script {
                Some(script) => {
                    Ok(looking.facts.kept_already(script.reconcile(&self.call(looking.facts))?, None).await)
                }
                None => {
                    let found = match effect.reconcile(with, looking).await {
                        Ok(found) => Ok(looking.facts.kept_already(found, Some(looking)).await),
                        Err(error) => Err(error),
                    };
                    looking.facts.cleaned(found)
                }
            },
        }
    }
}

impl Action {
    fn call<'a>(&'a self, facts: &'a Facts) -> Call<'a> {
        Call { action: self.name, schema: self.output(), shape: &self.schemas.shape, facts }
    }

    /// The same by name, contract and schemas, answered by a script.
    fn scripted(&self, script: &Arc<dyn Script>) -> Self {
        Self {
            name: self.name,
            contract: self.contract,
            pure: self.pure,
            schemas: Arc::clone(&self.schemas),
            body: Arc::clone(&self.body),
            script: Some(Arc::clone(script)),
        }
    }
}

impl Schemas {
    fn of<P: JsonSchema, O: JsonSchema>() -> Arc<Self> {
        Arc::new(Self {
            params: LazyLock::new(schema::<P>),
            output: LazyLock::new(schema::<O>),
            shape: Shape::default(),
        })
    }
}

fn schema<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).into()
}

/// All actions there are.
#[derive(Default)]
pub struct Registry {
    actions: BTreeMap<&'static str, Action>,
}

impl Registry {
    /// A registry of nothing, for tests to fill.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds an action that changes nothing.
    #[must_use]
    pub fn read<A: Read>(mut self, action: A) -> Self {
        self.actions.insert(A::NAME, Action::read_of(action));
        self
    }

    /// Adds an action that changes something.
    #[must_use]
    pub fn effect<A: Effect>(mut self, action: A) -> Self {
        self.actions.insert(A::NAME, Action::effect_of(action));
        self
    }

    /// What this engine can do.
    #[must_use]
    pub fn builtin() -> Self {
        Self::empty()
            .read(agijobs::pause_state::PauseState)
            .read(agijobs::reports::Reports)
            .read(agijobs::safe_bundle_check::SafeBundleCheck)
            .read(agijobs::status_wall::StatusWall)
            .read(anchor::export::Export)
            .read(anchor::fetch::Fetch)
            .effect(anchor::independence::Independence)
            .effect(anchor::store::Store)
            .read(anchor::verify::Verify)
            .read(command::read::Read)
            .effect(command::run::Run)
            .read(corvusforge::artifacts_verify::ArtifactsVerify)
            .effect(corvusforge::plugin_disable::PluginDisable)
            .effect(corvusforge::plugin_remove::PluginRemove)
            .read(corvusforge::plugin_verify::PluginVerify)
            .read(corvusforge::plugins::Plugins)
            .read(corvusforge::production_guard::ProductionGuard)
            .read(corvusforge::stages::Stages)
            .effect(corvusforge::waiver_sign::WaiverSign)
            .read(corvusforge::waiver_verify::WaiverVerify)
            .read(corvusforge::waivers::Waivers)
            .read(data::count::Count)
            .read(data::read::Read)
            .read(data::value::Value)
            .effect(epoch::bump::Bump)
            .read(epoch::read::Read)
            .effect(file::copy::Copy)
            .read(file::hash::Hash)
            .read(file::read::Read)
            .effect(file::remove::Remove)
            .read(file::stat::Stat)
            .read(file::tree::Tree)
            .effect(file::write::Write)
            .read(forge::environment::Environment)
            .read(forge::policy_hash::PolicyHash)
            .read(forge::verdict_verify::VerdictVerify)
            .effect(git::branch::Branch)
            .read(git::status::Status)
            .effect(git::tag::Tag)
            .read(http::get::Get)
            .read(http::ready::Ready)
            .effect(http::request::Request)
            .effect(keys::generate::Generate)
            .effect(keys::revoke::Revoke)
            .effect(keys::sign::Sign)
            .effect(keys::trust::Trust)
            .read(keys::verify::Verify)
            .effect(ledger::append::Append)
            .read(ledger::entries::Entries)
            .read(ledger::holders::Holders)
            .read(ledger::list_runs::ListRuns)
            .effect(ledger::restore::Restore)
            .effect(ledger::snapshot::Snapshot)
            .read(ledger::verify::Verify)
            .read(mvcrs::classify::Classify)
            .read(mvcrs::lifecycle::Lifecycle)
            .effect(mvcrs::marker::Marker)
            .read(mvcrs::summary::Summary)
            .effect(mvcrs::trust_lock::TrustLock)
            .effect(pause::pause::Pause)
            .effect(pause::resume::Resume)
            .read(pause::status::Status)
            .read(process::holders::Holders)
            .read(secrets::compare::Compare)
            .read(secrets::expiry::Expiry)
            .read(secrets::fingerprint::Fingerprint)
            .effect(secrets::generate::Generate)
            .effect(secrets::put::Put)
            .read(secrets::require::Require)
            .effect(secrets::revoke::Revoke)
            .effect(secrets::set_expiry::SetExpiry)
    }

    /// The same actions, answered by a script: they keep their names, contracts and schemas, and touch nothing.
    #[must_use]
    pub fn scripted(&self, script: &Arc<dyn Script>) -> Self {
        Self { actions: self.actions.iter().map(|(name, action)| (*name, action.scripted(script))).collect() }
    }

    /// The action of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Action> {
        self.actions.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Action> {
        self.actions.values()
    }

    /// The action that was probably meant.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        did_you_mean(name, self.actions.keys().copied())
    }
}
