//! `anchor.fetch`: the anchors of a run that a store holds. They are found, not judged.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{check_run, digest_over, open_store};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::target::anchor_store::inventory::{Inventory, Misfit, Stored, inventory};
use crate::target::corvusforge::anchor::Anchor;

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
    anchor: Anchor,
    /// SHA-256 of the file, 64 hex digits.
    sha256: String,
}

#[async_trait]
impl Read for Fetch {
    const NAME: &'static str = "anchor.fetch";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let inventory = look(&params, looking).await?;
        let subject = subject_of(&inventory);
        let found = |stored: Stored| Found {
            path: stored.place,
            sha256: stored.digest.hex().to_owned(),
            anchor: stored.anchor,
        };
        let anchors: Vec<Found> =
            inventory.anchors.into_iter().filter(|stored| stored.anchor.run_id == params.run).map(found).collect();
        Ok(Output { count: anchors.len() as u64, anchors, problems: inventory.misfits, subject })
    }

    async fn subject(&self, params: Params, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        Ok(Some(subject_of(&look(&params, looking).await?)))
    }
}

async fn look(params: &Params, looking: &Looking<'_>) -> Result<Inventory, Error> {
    check_run(&params.run)?;
    everything(looking, &params.target).await
}

/// Everything in a store.
pub(super) async fn everything(looking: &Looking<'_>, store: &Id) -> Result<Inventory, Error> {
    let store = open_store(looking.facts, looking.probe, store)?;
    Ok(inventory(store.objects(looking.probe, None).await?))
}

/// Over every file of the store, and why those that are no anchors are none.
pub(super) fn subject_of(inventory: &Inventory) -> Digest {
    let anchors: Vec<_> = inventory.anchors.iter().map(|stored| (&stored.place, stored.digest.as_str())).collect();
    digest_over(&(anchors, &inventory.misfits))
}
