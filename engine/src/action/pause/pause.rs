//! `pause.pause`: stops a system. What is stopped already by somebody else stays theirs.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Moved, found, moved, open, order, preview};
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::id::Id;
use crate::target::pause_lever::{Lever, Order, Summary};

/// Stops a system.
pub struct Pause;

/// What `pause.pause` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The lever.
    #[schemars(extend("x-runwarden-target" = ["pause"]))]
    target: Id,
    /// Why; it is written down where the lever keeps records.
    reason: String,
    /// How hard, where the lever has levels; its own where nothing is said.
    #[serde(default)]
    level: Option<u8>,
    /// The parts that it is about, where the lever has parts; all of them where none is named.
    #[serde(default)]
    only: Vec<String>,
}

impl Params {
    fn order(&self, facts: &Facts) -> Result<(Box<dyn Lever>, Order), Error> {
        let lever = open(facts, &self.target)?;
        let order = order(facts, &*lever, Summary::Paused, &self.reason, self.level, &self.only)?;
        Ok((lever, order))
    }
}

#[async_trait]
impl Effect for Pause {
    const NAME: &'static str = "pause.pause";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Once,
        preview: Fidelity::Estimated,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Moved;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        looking.facts.written(&params.target)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let (lever, order) = params.order(looking.facts)?;
        preview(&*lever, looking.probe, &order).await
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Moved, Error> {
        let (lever, order) = params.order(doing.facts)?;
        moved(&*lever, doing.host, &order).await
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Moved>, Error> {
        let (lever, order) = params.order(looking.facts)?;
        found(&*lever, looking.probe, &order).await
    }
}
