//! `pause.resume`: lets a system go on. It lifts whatever holds it, whoever gave that: look at `pause.status` first.

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

/// Lets a system go on.
pub struct Resume;

/// What `pause.resume` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The lever.
    #[schemars(extend("x-runwarden-target" = ["pause"]))]
    target: Id,
    /// Why; it is written down where the lever keeps records.
    reason: String,
    /// The parts that it is about, where the lever has parts; all of them where none is named.
    #[serde(default)]
    only: Vec<String>,
}

impl Params {
    fn order(&self, facts: &Facts) -> Result<(Box<dyn Lever>, Order), Error> {
        let lever = open(facts, &self.target)?;
        let order = order(facts, &*lever, Summary::Live, &self.reason, None, &self.only)?;
        Ok((lever, order))
    }
}

#[async_trait]
impl Effect for Resume {
    const NAME: &'static str = "pause.resume";
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
