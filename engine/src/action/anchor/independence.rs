//! `anchor.independence`: whether whoever writes the ledger can change what a store holds. It is tried, on an object of
//! its own, with the credentials that the workspace has; what cannot be decided counts as not independent.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{open_store, store};
use crate::action::ledger::target as ledger_target;
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::Probe;
use crate::id::Id;
use crate::target::Trust;
use crate::target::anchor_store::place::Guarded;
use crate::target::anchor_store::{CANARY, File, Item, Trial, Tried};

/// Tries to overwrite and to remove an object in a store.
pub struct Independence;

/// What `anchor.independence` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The anchor store.
    #[schemars(extend("x-runwarden-target" = ["anchor_store"]))]
    target: Id,
    /// The ledger whose anchors it is to keep.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    ledger: Id,
}

/// What `anchor.independence` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Whether both tries were refused; what could not be decided was not.
    independent: bool,
    /// What the store is worth: as the Corvusforge runbook grades it, and `low` where it is not independent.
    trust: Trust,
    /// What came of writing something else in its place: `refused`, `happened` or `undecided`.
    overwrite: Outcome,
    /// What came of removing it.
    delete: Outcome,
    /// Each outcome in words.
    reasons: Vec<String>,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The store did not let it happen.
    Refused,
    /// It happened.
    Happened,
    /// Nobody can tell from here.
    Undecided,
}

impl Params {
    async fn trust(&self, facts: &Facts, probe: &dyn Probe) -> Result<Trust, Error> {
        store(facts, &self.target)?;
        let guarded = Guarded::of(ledger_target(facts, &self.ledger)?);
        let guarded = guarded.map_err(|error| Error::new("bad_target", error.to_string()))?;
        Ok(open_store(facts, probe, &self.target).await?.trust(probe, &guarded)?)
    }
}

/// An object that is no anchor and says so.
fn canary(facts: &Facts, now: crate::time::Timestamp) -> Item {
    let text = format!("{{\"runwarden\":\"canary\",\"run\":\"{}\"}}\n", facts.run);
    Item {
        name: format!("{CANARY}{}.{}", facts.run, now.microseconds()),
        run: facts.run.to_string(),
        size: 0,
        root: "0".repeat(64),
        files: vec![File { extension: "json", bytes: text.into_bytes() }],
        at: now,
    }
}

fn in_words(what: &str, tried: &Tried) -> (Outcome, String) {
    match tried {
        Tried::Refused(why) => (Outcome::Refused, format!("{what} was refused: {why}")),
        Tried::Happened(why) => (Outcome::Happened, format!("{what} happened: {why}")),
        Tried::Undecided(why) => (Outcome::Undecided, format!("{what} cannot be decided: {why}")),
    }
}

#[async_trait]
impl Effect for Independence {
    const NAME: &'static str = "anchor.independence";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::None,
        reconcile: false,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        looking.facts.written(&params.target)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        params.trust(looking.facts, looking.probe).await?;
        Ok(Preview::UNKNOWN)
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let grade = params.trust(doing.facts, doing.host).await?;
        let store = open_store(doing.facts, doing.host, &params.target).await?;
        let Trial { overwrite, delete } = store.trial(doing.host, &canary(doing.facts, doing.host.now())).await?;
        let (overwrite, first) = in_words("overwriting", &overwrite);
        let (delete, second) = in_words("removing", &delete);
        let independent = overwrite == Outcome::Refused && delete == Outcome::Refused;
        let trust = if independent { grade } else { Trust::Low };
        Ok(Output { independent, trust, overwrite, delete, reasons: vec![first, second] })
    }

    async fn reconcile(&self, _: Params, _: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        Ok(Reconciled::CannotTell)
    }
}
