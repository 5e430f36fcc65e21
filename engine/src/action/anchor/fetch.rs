//! `anchor.fetch`: the anchors of a run that a store holds. They are found, not judged.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::own::said_by;
use super::{Statement, check_run, digest_over, open_store};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::target::anchor_store::Object;
use crate::target::anchor_store::inventory::{Inventory, Misfit, Stored, inventory};
use crate::target::anchor_store::own;

/// Finds the anchors of a run.
pub struct Fetch;

/// What `anchor.fetch` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The anchor store.
    #[schemars(extend("x-runwarden-target" = ["anchor_store"]))]
    target: Id,
    /// The run.
    run: String,
}

/// What `anchor.fetch` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The anchors of the run: those that cover most first, of those the newest first.
    anchors: Vec<Found>,
    /// How many there are.
    count: u64,
    /// Everything in the store that is no anchor, cannot be read, or is named for another run than it says.
    problems: Vec<Misfit>,
    /// The digest of what was found.
    subject: Digest,
}

/// An anchor that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// Where it is.
    path: String,
    /// What it says.
    anchor: Statement,
    /// SHA-256 of the file, 64 hex digits.
    sha256: String,
}

#[async_trait]
impl Read for Fetch {
    const NAME: &'static str = "anchor.fetch";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let shelf = look(&params, looking).await?;
        let (subject, inventory) = (shelf.subject(), shelf.inventory);
        let found = |stored: Stored| Found {
            path: stored.place,
            sha256: stored.digest.hex().to_owned(),
            anchor: stored.anchor.into(),
        };
        let mut anchors: Vec<Found> =
            inventory.anchors.into_iter().filter(|stored| stored.anchor.run_id == params.run).map(found).collect();
        let mut ours: Vec<Found> = shelf.own.iter().filter_map(|found| of_our_own(found, &params.run)).collect();
        ours.sort_by_key(|found| std::cmp::Reverse(found.anchor.entry_count));
        anchors.extend(ours);
        Ok(Output { count: anchors.len() as u64, anchors, problems: inventory.misfits, subject })
    }

    async fn subject(&self, params: Params, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        Ok(Some(look(&params, looking).await?.subject()))
    }
}

fn of_our_own(found: &own::Found, run: &str) -> Option<Found> {
    let anchor = said_by(found).filter(|anchor| anchor.run_id == run)?;
    let sha256 = Digest::of(found.proof.as_ref().ok()?).hex().to_owned();
    Some(Found { path: found.place.clone(), anchor, sha256 })
}

async fn look(params: &Params, looking: &Looking<'_>) -> Result<Shelf, Error> {
    check_run(&params.run)?;
    everything(looking, &params.target).await
}

/// Everything in a store: Corvusforge's anchors and what is none, and those of our own ledgers.
#[derive(Default)]
pub(super) struct Shelf {
    pub inventory: Inventory,
    pub own: Vec<own::Found>,
}

impl Shelf {
    pub fn of(objects: Vec<Object>) -> Self {
        let (own, mut inventory) = (own::found(objects.clone()), inventory(objects));
        for found in &own {
            let (code, detail) = match (&found.proof, &found.entry) {
                (Err(damage), _) => (damage.code, damage.detail.clone()),
                (Ok(_), None) => ("no_entry", "its entry is missing beside it".to_owned()),
                (Ok(_), Some(_)) if said_by(found).is_none() => ("not_an_anchor", "it is no tlog-proof".to_owned()),
                (Ok(_), Some(_)) => continue,
            };
            if inventory.misfits.iter().all(|misfit| misfit.path != found.place) {
                let (path, run) = (found.place.clone(), found.run.clone());
                inventory.misfits.push(Misfit { path, code: code.to_owned(), detail, run });
            }
        }
        Self { inventory, own }
    }

    /// Over every file of the store, and why those that are no anchors are none.
    pub fn subject(&self) -> Digest {
        let inventory = &self.inventory;
        let anchors: Vec<_> = inventory.anchors.iter().map(|stored| (&stored.place, stored.digest.as_str())).collect();
        let digest = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| Digest::of(bytes));
        let own = self
            .own
            .iter()
            .map(|found| (&found.place, digest(found.proof.as_ref().ok()), digest(found.entry.as_ref())));
        digest_over(&(anchors, &inventory.misfits, own.collect::<Vec<_>>()))
    }
}

/// Everything in a store.
pub(super) async fn everything(looking: &Looking<'_>, store: &Id) -> Result<Shelf, Error> {
    let store = open_store(looking.facts, looking.probe, store).await?;
    Ok(Shelf::of(store.objects(looking.probe, None).await?))
}
