//! `epoch.read`: an epoch, what is last known of it, and whom it would be moved as.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::open;
use crate::action::{self, Error, Looking};
use crate::id::Id;
use crate::target::epoch::Actor;

/// Reads an epoch.
pub struct Read;

/// What `epoch.read` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The epoch.
    #[schemars(extend("x-runwarden-target" = ["epoch"]))]
    target: Id,
}

/// What `epoch.read` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The epoch.
    epoch: i64,
    /// The epoch that its reader last knew; none before it knew one.
    known_epoch: Option<i64>,
    /// The version of the contract between the two; none where nothing says.
    contract_version: Option<i64>,
    /// Whom we would move it as: `id`, `kind`, `active`, `workspace_id`; none where there is no such actor.
    actor: Option<Actor>,
}

#[async_trait]
impl action::Read for Read {
    const NAME: &'static str = "epoch.read";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let state = open(looking.facts, &params.target)?.read(looking.probe).await?;
        Ok(Output {
            epoch: state.epoch,
            known_epoch: state.known_epoch,
            contract_version: state.contract_version,
            actor: state.actor,
        })
    }
}
