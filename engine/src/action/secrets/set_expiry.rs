//! `secrets.set_expiry`: writes down when a secret expires, beside the store that it is in.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::expiry::Dates;
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::host::Existing;
use crate::id::Id;
use crate::time::Timestamp;

/// Writes down when a secret expires.
pub struct SetExpiry;

/// What `secrets.set_expiry` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    target: Id,
    /// The key.
    key: String,
    /// When it expires.
    expires_at: Timestamp,
}

/// What `secrets.set_expiry` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// When it expires.
    expires_at: Timestamp,
}

#[async_trait]
impl Effect for SetExpiry {
    const NAME: &'static str = "secrets.set_expiry";
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
        looking.facts.written(&params.target)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let dates = Dates::read(looking.facts, looking.probe, &params.target)?;
        let before = dates.by_key.get(&params.key).copied();
        Ok(Preview {
            fidelity: Fidelity::Exact,
            before: Some(json!({ "expires_at": before })),
            after: Some(json!({ "expires_at": params.expires_at })),
            no_change: before == Some(params.expires_at),
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let mut dates = Dates::read(doing.facts, doing.host, &params.target)?;
        dates.by_key.insert(params.key, params.expires_at);
        let text = serde_json::to_string_pretty(&dates.by_key)
            .map_err(|error| Error::new("bad_expiries", error.to_string()))?;
        if let Some(folder) = dates.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            doing.host.make_folder(folder, 0o700)?;
        }
        doing.host.write(&dates.path, format!("{text}\n").as_bytes(), 0o600, Existing::Replace)?;
        Ok(Output { expires_at: params.expires_at })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let dates = Dates::read(looking.facts, looking.probe, &params.target)?;
        let there = dates.by_key.get(&params.key) == Some(&params.expires_at);
        let output = Output { expires_at: params.expires_at };
        Ok(if there { Reconciled::Happened(output) } else { Reconciled::NotHappened })
    }
}
