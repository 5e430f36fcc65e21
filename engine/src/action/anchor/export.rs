//! `anchor.export`: the anchor of a run as it is now, of a chain that verifies and of no other.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::own::{self, Own};
use super::{Statement, check_run, ledger, open};
use crate::action::ledger::aside;
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};

/// Makes the anchor of a run.
pub struct Export;

/// What `anchor.export` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The ledger, of driver `corvusforge` or `runwarden`.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    target: Id,
    /// The run.
    run: String,
}

/// What `anchor.export` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The anchor: as Corvusforge's `export_anchor` gives it, its time the begin of this run; or of our own ledger the
    /// proof of the run's end, and that entry.
    anchor: Statement,
    /// The same without time and hash: the same for as long as the run is the same, so that a plan that shows it keeps
    /// its digest. `anchor.store` puts the rest to it.
    claim: Statement,
    /// The run.
    run: String,
    /// How many entries it covers.
    entry_count: u64,
    /// The hash of the last of them.
    root_hash: String,
    /// The hash of the first of them.
    first_entry_hash: String,
    /// The digest of the bytes that were read: database and write-ahead log.
    subject: Digest,
}

#[async_trait]
impl Read for Export {
    const NAME: &'static str = "anchor.export";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        check_run(&params.run)?;
        let copy = ledger(looking.facts, looking.probe, &params.target, None)?;
        let subject = copy.subject().clone();
        let at = looking.facts.started_at;
        let run = params.run.clone();
        let made = aside(move || {
            if copy.driver() == own::DRIVER {
                return Own::open(&copy)?.export(&run);
            }
            let anchor = open(&copy)?.anchor(&run, at)?;
            let first = anchor.first_entry_hash.clone();
            Ok::<_, Error>((Statement::from(anchor), first))
        });
        let (anchor, first_entry_hash) = made.await??;
        // An anchor of our own has no time of its own.
        let claim = Statement { timestamp_utc: None, anchor_hash: None, ..anchor.clone() };
        Ok(Output {
            run: params.run,
            entry_count: anchor.entry_count,
            root_hash: anchor.root_hash.clone(),
            first_entry_hash,
            anchor,
            claim,
            subject,
        })
    }

    async fn subject(&self, params: Params, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        let copy = ledger(looking.facts, looking.probe, &params.target, None)?;
        Ok(Some(copy.subject().clone()))
    }
}
