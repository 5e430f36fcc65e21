//! `epoch.bump`: one further. There is no way back, and no telling after a crash whether it was this call that moved it.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::open;
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::id::Id;

/// Moves an epoch forward.
pub struct Bump;

/// What `epoch.bump` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The epoch.
    #[schemars(extend("x-runwarden-target" = ["epoch"]))]
    target: Id,
}

/// What `epoch.bump` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The epoch now.
    epoch: i64,
    /// The epoch before.
    previous: i64,
    /// The epoch that its reader last knew; none before it knew one.
    known_epoch: Option<i64>,
}

#[async_trait]
impl Effect for Bump {
    const NAME: &'static str = "epoch.bump";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Irreversible,
        repeat: Repeat::Once,
        preview: Fidelity::Exact,
        reconcile: false,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        looking.facts.written(&params.target)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let state = open(looking.facts, &params.target)?.read(looking.probe).await?;
        Ok(Preview {
            fidelity: Fidelity::Exact,
            before: Some(json!({ "epoch": state.epoch, "known_epoch": state.known_epoch })),
            after: Some(json!({ "epoch": state.epoch.saturating_add(1), "known_epoch": state.known_epoch })),
            no_change: false,
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let bumped = open(doing.facts, &params.target)?.bump(doing.host).await?;
        Ok(Output { epoch: bumped.epoch, previous: bumped.previous, known_epoch: bumped.known_epoch })
    }

    async fn reconcile(&self, _params: Params, _looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        // The epoch alone does not say who moved it.
        Ok(Reconciled::CannotTell)
    }
}
