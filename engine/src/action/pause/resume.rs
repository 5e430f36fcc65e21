//! `pause.resume`: lets a system go on. It lifts whatever holds it, whoever gave that: look at `pause.status` first.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{found, open, order, preview};
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::id::Id;
use crate::target::pause_lever::{Done, Summary};

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

/// What `pause.resume` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// How the system stands now: a lever that takes time may not be there yet.
    summary: Summary,
    /// What the lever calls this order, where it does.
    id: Option<String>,
    /// What was lifted by it.
    lifted: Vec<String>,
}

fn output((Done { id, lifted }, summary): (Done, Summary)) -> Output {
    Output { summary, id, lifted }
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
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        looking.facts.written(&params.target)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let lever = open(looking.facts, &params.target)?;
        let order = order(looking.facts, &*lever, Summary::Live, &params.reason, None, &params.only)?;
        preview(&*lever, looking.probe, &order).await
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let lever = open(doing.facts, &params.target)?;
        let order = order(doing.facts, &*lever, Summary::Live, &params.reason, None, &params.only)?;
        let done = lever.resume(doing.host, &order).await?;
        // It was done: that the lever cannot be looked at now does not undo that.
        let summary = lever.status(doing.host).await.map_or(Summary::Unknown, |state| state.summary);
        Ok(output((done, summary)))
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let lever = open(looking.facts, &params.target)?;
        let order = order(looking.facts, &*lever, Summary::Live, &params.reason, None, &params.only)?;
        Ok(match found(&*lever, looking.probe, &order).await? {
            Reconciled::Happened(found) => Reconciled::Happened(output(found)),
            Reconciled::NotHappened => Reconciled::NotHappened,
            Reconciled::CannotTell => Reconciled::CannotTell,
        })
    }
}
