//! `keys.trust`: the one public key that plugins or waivers must be signed with, in the settings of the deployment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Role;
use crate::action::corvusforge::{production, public_key, registry_file};
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::Probe;
use crate::id::Id;
use crate::secret::Secret;
use crate::target::secret_store;

/// Trusts a key.
pub struct Trust;

/// What `keys.trust` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registry of the deployment, whose `env_file` is written.
    #[schemars(extend("x-runwarden-target" = ["plugin_registry"]))]
    target: Id,
    /// What it is trusted for.
    role: Role,
    /// The public key, 64 hex digits.
    public: String,
    /// The key that it takes the place of; another one is not replaced.
    #[serde(default)]
    replaces: Option<String>,
}

/// What `keys.trust` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The key that was trusted before; empty where there was none.
    previous: String,
    /// The file that was written.
    file: String,
}

/// The key that is trusted for a role; empty where there is none.
pub(super) async fn trusted(facts: &Facts, probe: &dyn Probe, target: &Id, role: Role) -> Result<String, Error> {
    let found = production(facts, probe, target).await?;
    Ok(match role {
        Role::Plugin => found.plugin_trust_root,
        Role::Waiver => found.waiver_signing_key,
    })
}

impl Params {
    /// The key that is trusted now, if this one may take its place.
    async fn previous(&self, facts: &Facts, probe: &dyn Probe) -> Result<String, Error> {
        public_key(&self.public)?;
        let found = trusted(facts, probe, &self.target, self.role).await?;
        if found.is_empty() || found == self.public || self.replaces.as_ref() == Some(&found) {
            return Ok(found);
        }
        let message = format!("{} is {found}; `replaces` must name it to give it up", self.role.variable());
        Err(Error::new("exists", message))
    }
}

#[async_trait]
impl Effect for Trust {
    const NAME: &'static str = "keys.trust";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(vec![registry_file(looking.facts, &params.target)?.environment()])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let previous = params.previous(looking.facts, looking.probe).await?;
        Ok(Preview {
            fidelity: Fidelity::Exact,
            no_change: previous == params.public,
            before: Some(json!({ "trusted": previous })),
            after: Some(json!({ "trusted": params.public })),
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let previous = params.previous(doing.facts, doing.host).await?;
        let path = registry_file(doing.facts, &params.target)?.environment();
        if previous != params.public {
            let value = Secret::new(params.public.clone().into_bytes());
            let values = BTreeMap::from([(params.role.variable().to_owned(), value)]);
            secret_store::plain_variables(&path).put(doing.host, &values).await?;
        }
        Ok(Output { previous, file: path.display().to_string() })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let found = trusted(looking.facts, looking.probe, &params.target, params.role).await?;
        let file = registry_file(looking.facts, &params.target)?.environment().display().to_string();
        Ok(match found == params.public {
            true => Reconciled::Happened(Output { previous: params.replaces.unwrap_or_default(), file }),
            false => Reconciled::NotHappened,
        })
    }
}
