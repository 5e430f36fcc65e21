//! `secrets.revoke`: removes a secret from a store. Whoever has a copy still has it.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::store;
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::Probe;
use crate::id::Id;
use crate::target::secret_store;

/// Removes a secret from a store.
pub struct Revoke;

/// What `secrets.revoke` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    target: Id,
    /// The key that is removed there.
    key: String,
}

/// What `secrets.revoke` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether there was something to remove; of a run that was taken up again, `false`.
    existed: bool,
}

/// Whether the key is there; a value that cannot be read is there all the same.
async fn is_there(facts: &Facts, probe: &dyn Probe, params: &Params) -> Result<bool, Error> {
    let target = store(facts, &params.target)?;
    let opened = secret_store::open(target)?;
    if opened.is_readable() {
        return Ok(facts.secrets.fetch(None, target, &params.key, probe).await?.is_some());
    }
    Ok(opened.names(probe).await?.contains(&params.key))
}

#[async_trait]
impl Effect for Revoke {
    const NAME: &'static str = "secrets.revoke";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Irreversible,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        super::written(looking.facts, &params.target, [params.key.as_str()])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let there = is_there(looking.facts, looking.probe, &params).await?;
        let (before, after) = (Some(json!({ "exists": there })), Some(json!({ "exists": false })));
        Ok(Preview { fidelity: Fidelity::Exact, before, after, no_change: !there })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let Doing { facts, host } = *doing;
        let existed = is_there(facts, host, &params).await?;
        if existed {
            secret_store::open(store(facts, &params.target)?)?.delete(host, &params.key).await?;
        }
        Ok(Output { existed })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let there = is_there(looking.facts, looking.probe, &params).await?;
        Ok(if there { Reconciled::NotHappened } else { Reconciled::Happened(Output { existed: false }) })
    }
}
