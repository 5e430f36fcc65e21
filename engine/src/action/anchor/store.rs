//! `anchor.store`: an anchor put where whoever can write the ledger should not be able to. Written once, never replaced.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::own::{self, Own};
use super::{Statement, check_run, ledger, open, open_store, store as store_target};
use crate::action::ledger::{aside, target as ledger_target};
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::Probe;
use crate::id::{Digest, Id};
use crate::target::Trust;
use crate::target::anchor_store::inventory::{self, Stored};
use crate::target::anchor_store::place::Guarded;
use crate::target::anchor_store::{AnchorStore, Item, Object, deposit};
use crate::target::corvusforge::anchor::Anchor;
use crate::target::corvusforge::timestamp::isoformat;

/// Stores an anchor.
pub struct Store;

/// What `anchor.store` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The anchor store.
    #[schemars(extend("x-runwarden-target" = ["anchor_store"]))]
    target: Id,
    /// The ledger that it is an anchor of: the store must be out of its reach, and the anchor must fit it.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    ledger: Id,
    /// The run.
    run: String,
    /// The `anchor` or `claim` of `anchor.export`; a claim of Corvusforge gets the begin of this run as its time.
    anchor: Statement,
}

/// What `anchor.store` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// What the store holds now.
    receipt: Receipt,
    /// Whether it held the same statement before.
    existed: bool,
}

/// Where an anchor is, and what that is worth.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Receipt {
    /// The store's name in the workspace file.
    store: String,
    /// Its driver.
    driver: String,
    /// What it is kept under, `RUN.SIZE.ROOT`; of a run of our own.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Where it is: a file, a key, a tag, a log's entry, a mail.
    path: String,
    /// SHA-256 of the file, 64 hex digits.
    sha256: String,
    /// Bytes.
    size: u64,
    /// How far the store is from the ledger's own trust domain.
    trust: Trust,
    /// The time that the anchor says.
    at: String,
    /// What the store itself said, by driver: a version, an entry of a log with its proof, an answer.
    details: Map<String, Value>,
}

/// What is to be stored, where, and what is there.
struct Order {
    at: String,
    item: Item,
    store: Box<dyn AnchorStore>,
    name: String,
    driver: String,
    /// Whether the anchor is of a run of our own.
    is_own: bool,
    place: Option<String>,
    trust: Trust,
    existing: Option<Existing>,
}

/// The same statement, in the store already.
pub(super) struct Existing {
    pub place: String,
    pub sha256: Digest,
    pub size: u64,
    /// The time that it says.
    pub at: String,
}

impl Params {
    async fn order(&self, facts: &Facts, probe: &dyn Probe) -> Result<Order, Error> {
        check_run(&self.run)?;
        let target = store_target(facts, &self.target)?;
        let (name, driver) = (target.name.clone(), target.driver.clone());
        let is_own = ledger_target(facts, &self.ledger)?.driver == own::DRIVER;
        let stamped = if is_own { None } else { Some(self.stamped(facts)?) };
        let store = open_store(facts, probe, &self.target).await?;
        let trust = store.trust(probe, &self.guarded(facts)?)?;
        let (item, at, existing) = match stamped {
            Some(anchor) => {
                self.must_fit(facts, probe, &anchor).await?;
                let item = inventory::item(&anchor, facts.started_at);
                let existing = existing(deposit::look(&*store, probe, &item).await?, &anchor)?;
                (item, anchor.timestamp_utc, existing)
            }
            None => {
                let copy = ledger(facts, probe, &self.ledger, None)?;
                let (run, said) = (self.run.clone(), self.anchor.clone());
                let opened = aside(move || {
                    let own = Own::open(&copy)?;
                    let proven = own.fitting(&run, &said)?;
                    Ok::<_, Error>((copy, own, proven))
                });
                let (_copy, own, proven) = opened.await??;
                let item = own::order(&self.run, &proven, facts)?;
                let objects = deposit::look(&*store, probe, &item).await?;
                let existing = own.existing(&self.run, objects, &item, &proven)?;
                (item, own::ended_at(&proven.body), existing)
            }
        };
        let place = store.place(probe, &item);
        Ok(Order { at, item, store, name, driver, is_own, place, trust, existing })
    }

    fn guarded(&self, facts: &Facts) -> Result<Guarded, Error> {
        Guarded::of(ledger_target(facts, &self.ledger)?).map_err(|error| Error::new("bad_target", error.to_string()))
    }

    fn stamped(&self, facts: &Facts) -> Result<Anchor, Error> {
        let stated = self.anchor.clone();
        if stated.tlog_proof.is_some() || stated.entry.is_some() {
            return Err(Error::new("bad_input", "`tlog_proof` and `entry` are of our own ledger's anchors"));
        }
        let missing = || Error::new("bad_input", "`anchor` has no `first_entry_hash`");
        let mut anchor = Anchor {
            run_id: stated.run_id,
            entry_count: stated.entry_count,
            root_hash: stated.root_hash,
            first_entry_hash: stated.first_entry_hash.ok_or_else(missing)?,
            timestamp_utc: String::new(),
            anchor_hash: String::new(),
        };
        match (stated.timestamp_utc, stated.anchor_hash) {
            (Some(at), Some(hash)) => (anchor.timestamp_utc, anchor.anchor_hash) = (at, hash),
            (None, None) => {
                anchor.timestamp_utc = isoformat(facts.started_at);
                anchor.anchor_hash = anchor.self_hash();
            }
            _ => {
                let message = "`anchor` has one of `timestamp_utc` and `anchor_hash`; it needs both, or neither";
                return Err(Error::new("bad_input", message));
            }
        }
        Ok(anchor)
    }

    /// What is stored is never taken back: only an anchor that fits the ledger as it is gets in.
    async fn must_fit(&self, facts: &Facts, probe: &dyn Probe, anchor: &Anchor) -> Result<(), Error> {
        let copy = ledger(facts, probe, &self.ledger, None)?;
        let (run, anchor, now) = (self.run.clone(), anchor.clone(), probe.now());
        let check = aside(move || Ok::<_, Error>(open(&copy)?.check_anchor(&anchor, &run, None, None, now)?)).await??;
        let of_anchor = ["self_hash", "run_id", "count", "prefix"];
        match check.findings.into_iter().find(|finding| !finding.ok && of_anchor.contains(&finding.code.as_str())) {
            None => Ok(()),
            Some(finding) => {
                let message =
                    format!("the anchor does not fit run `{}`: {}: {}", self.run, finding.code, finding.detail);
                Err(Error::new("anchor_mismatch", message))
            }
        }
    }
}

impl Order {
    /// The receipt for what is in the store.
    fn output(&self, existed: bool, details: Map<String, Value>) -> Output {
        let statement = self.item.statement();
        let (at, sha256, size) = match &self.existing {
            Some(stored) => (stored.at.clone(), stored.sha256.clone(), stored.size),
            None => (self.at.clone(), Digest::of(statement), statement.len() as u64),
        };
        let path = self.existing.as_ref().map(|stored| stored.place.clone()).or(self.place.clone()).unwrap_or_default();
        let (store, driver, sha256) = (self.name.clone(), self.driver.clone(), sha256.hex().to_owned());
        let name = self.is_own.then(|| self.item.name.clone());
        Output { receipt: Receipt { store, driver, name, path, sha256, size, trust: self.trust, at, details }, existed }
    }
}

/// The same statement under that name, whenever it was made; anything else in its place is refused.
fn existing(objects: Vec<Object>, anchor: &Anchor) -> Result<Option<Existing>, Error> {
    let Some(object) = objects.into_iter().next() else { return Ok(None) };
    let place = object.place.clone();
    let refused = |why: &str| {
        let message = format!("`{place}` is there and is {why}; an anchor is never replaced");
        Error::new("exists", message)
    };
    let stored = inventory::stored(object).map_err(|misfit| refused(&misfit.detail))?;
    let found = &stored.anchor;
    if !found.says_the_same(anchor) {
        return Err(refused("another anchor"));
    }
    if found.self_hash() != found.anchor_hash {
        return Err(refused("an anchor whose own hash does not fit it"));
    }
    let Stored { place, anchor, digest, size, .. } = stored;
    Ok(Some(Existing { place, sha256: digest, size, at: anchor.timestamp_utc }))
}

#[async_trait]
impl Effect for Store {
    const NAME: &'static str = "anchor.store";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 3,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        looking.facts.written(&params.target)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let order = params.order(looking.facts, looking.probe).await?;
        let no_change = order.existing.is_some();
        let mut after = json!({ "exists": true, "receipt": order.output(no_change, Map::new()).receipt });
        // A claim is stamped with the begin of the run that stores it, which a plan does not know.
        if params.anchor.timestamp_utc.is_none() && !order.is_own && !no_change {
            let receipt = after.get_mut("receipt").and_then(Value::as_object_mut);
            receipt
                .into_iter()
                .for_each(|receipt| receipt.retain(|name, _| !["sha256", "size", "at"].contains(&name.as_str())));
        }
        // A log gives its entry a number, and nobody knows it before.
        let fidelity = if order.place.is_some() { Fidelity::Exact } else { Fidelity::Estimated };
        let before = if no_change { after.clone() } else { json!({ "exists": false }) };
        let after = Some(after);
        Ok(Preview { fidelity, before: Some(before), after, no_change })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let mut order = params.order(doing.facts, doing.host).await?;
        if order.existing.is_some() {
            return Ok(order.output(true, Map::new()));
        }
        let kept = deposit::put(&*order.store, doing.host, &order.item).await?;
        // A folder that was just made may lie elsewhere than it seemed.
        order.trust = order.store.trust(doing.host, &params.guarded(doing.facts)?)?;
        order.place = Some(kept.place);
        Ok(order.output(false, kept.details))
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let order = params.order(looking.facts, looking.probe).await?;
        Ok(match &order.existing {
            Some(stored) => {
                let existed = stored.at != order.at;
                Reconciled::Happened(order.output(existed, Map::new()))
            }
            None if !order.store.is_readable() => Reconciled::CannotTell,
            None => Reconciled::NotHappened,
        })
    }
}
