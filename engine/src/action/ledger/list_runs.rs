//! `ledger.list_runs`: the runs of a ledger, each with what its own entries come to.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{aside, copy, cut_off, need_runs, no_ledger};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::target::open_ledger::RunLine;

/// Lists the runs of a ledger.
pub struct ListRuns;

/// What `ledger.list_runs` takes.
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
}

/// What `ledger.list_runs` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The runs, in the order of their begin.
    runs: Vec<RunLine>,
    /// How many there are.
    count: u64,
    /// The digest of the bytes that were read.
    subject: Digest,
}

#[async_trait]
impl Read for ListRuns {
    const NAME: &'static str = "ledger.list_runs";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let copy = copy(looking.facts, looking.probe, &params.target, params.path.as_deref())?;
        need_runs(&copy)?;
        let subject = copy.subject().clone();
        let runs = aside(move || copy.open().map_err(|report| no_ledger(&report))?.runs().map_err(cut_off)).await??;
        Ok(Output { count: runs.len() as u64, runs, subject })
    }

    async fn subject(&self, params: Params, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        let copy = copy(looking.facts, looking.probe, &params.target, params.path.as_deref())?;
        Ok(Some(copy.subject().clone()))
    }
}
