//! `ledger.entries`: entries of a ledger through a filter. It shows them and judges none.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{aside, copy, cut_off, need_runs, no_ledger, target};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::target::corvusforge;
use crate::target::open_ledger::Wanted;
use crate::time::Timestamp;

/// Shows entries of a ledger.
pub struct Entries;

/// What `ledger.entries` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The ledger.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    target: Id,
    /// Another file read in place of the target's, by the same driver.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// Only entries of this run.
    #[serde(default)]
    run: Option<String>,
    /// Only entries of this stage; in a `runwarden` ledger, of this step.
    #[serde(default)]
    stage: Option<String>,
    /// Only entries written at this instant or later.
    #[serde(default)]
    since: Option<Timestamp>,
    /// Only entries written before this instant.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Only entries written while the key of this fingerprint was trusted; `corvusforge` alone.
    #[serde(default)]
    trust_fingerprint: Option<String>,
    /// The most entries that are given; the rest is counted.
    #[serde(default = "one_thousand")]
    limit: u32,
}

fn one_thousand() -> u32 {
    1000
}

/// What `ledger.entries` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The first entries that fit, with the members of their driver.
    entries: Vec<Map<String, Value>>,
    /// How many fit in all.
    count: u64,
    /// Whether there are more than were given.
    truncated: bool,
    /// The digest of the bytes that were read.
    subject: Digest,
}

#[async_trait]
impl Read for Entries {
    const NAME: &'static str = "ledger.entries";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let driver = &target(looking.facts, &params.target)?.driver;
        if params.trust_fingerprint.is_some() && driver != corvusforge::DRIVER {
            let message = format!("`trust_fingerprint`: entries of driver `{driver}` name no trusted keys");
            return Err(Error::new("bad_input", message));
        }
        let copy = copy(looking.facts, looking.probe, &params.target, params.path.as_deref())?;
        if params.run.is_some() {
            need_runs(&copy)?;
        }
        if params.stage.is_some() && !copy.has_stages() {
            let message = format!("`stage`: entries of driver `{driver}` are of no stage");
            return Err(Error::new("bad_input", message));
        }
        let subject = copy.subject().clone();
        let wanted = Wanted {
            run: params.run,
            stage: params.stage,
            since: params.since,
            until: params.until,
            trust_fingerprint: params.trust_fingerprint,
            limit: params.limit as usize,
        };
        let listed = aside(move || copy.open().map_err(|report| no_ledger(&report))?.entries(&wanted).map_err(cut_off))
            .await??;
        let truncated = listed.count > listed.entries.len() as u64;
        Ok(Output { entries: listed.entries, count: listed.count, truncated, subject })
    }

    async fn subject(&self, params: Params, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        let copy = copy(looking.facts, looking.probe, &params.target, params.path.as_deref())?;
        Ok(Some(copy.subject().clone()))
    }
}
