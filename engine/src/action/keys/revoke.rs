//! `keys.revoke`: a public key is trusted for nothing any more. With none in its place Corvusforge does not start in
//! production, which is meant.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Role;
use super::trust::trusted;
use crate::action::corvusforge::{public_key, registry_file};
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::Probe;
use crate::id::Id;
use crate::target::secret_store;

/// No longer trusts a key.
pub struct Revoke;

/// What `keys.revoke` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registry of the deployment, whose `env_file` is written.
    #[schemars(extend("x-runwarden-target" = ["plugin_registry"]))]
    target: Id,
    /// The public key, 64 hex digits.
    public: String,
    /// Why; it stands in the record.
    reason: String,
}

/// What `keys.revoke` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// What it was trusted for.
    revoked: Vec<Role>,
    /// The file that was written.
    file: String,
}

impl Params {
    async fn roles(&self, facts: &Facts, probe: &dyn Probe) -> Result<Vec<Role>, Error> {
        public_key(&self.public)?;
        if self.reason.trim().is_empty() {
            return Err(Error::new("bad_input", "`reason` is empty"));
        }
        let mut roles = Vec::new();
        for role in [Role::Plugin, Role::Waiver] {
            if trusted(facts, probe, &self.target, role).await? == self.public {
                roles.push(role);
            }
        }
        Ok(roles)
    }
}

#[async_trait]
impl Effect for Revoke {
    const NAME: &'static str = "keys.revoke";
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
        let roles = params.roles(looking.facts, looking.probe).await?;
        Ok(Preview {
            fidelity: Fidelity::Exact,
            no_change: roles.is_empty(),
            before: Some(json!({ "trusted_for": roles })),
            after: Some(json!({ "trusted_for": [] })),
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let revoked = params.roles(doing.facts, doing.host).await?;
        let path = registry_file(doing.facts, &params.target)?.environment();
        for role in &revoked {
            secret_store::plain_variables(&path).delete(doing.host, role.variable()).await?;
        }
        Ok(Output { revoked, file: path.display().to_string() })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let roles = params.roles(looking.facts, looking.probe).await?;
        let file = registry_file(looking.facts, &params.target)?.environment().display().to_string();
        Ok(match roles.is_empty() {
            true => Reconciled::Happened(Output { revoked: Vec::new(), file }),
            false => Reconciled::NotHappened,
        })
    }
}
