//! `ledger.verify`: the whole judgement over a ledger. What is wrong with it is the answer, not a failure.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{aside, copy, need_runs};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::ledger::report::{AnchorReport, Problem, RunReport, Status};

/// Judges a ledger.
pub struct Verify;

/// What `ledger.verify` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The ledger.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    target: Id,
    /// Another file (a backup, a snapshot) judged in place of the target's, by the same driver.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// The runs to judge; without it all of them.
    #[serde(default)]
    runs: Option<Vec<String>>,
}

/// What `ledger.verify` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The whole in one word; only `ok`, `self_consistent_only` and `never_sealed` are sound.
    status: Status,
    /// Whether the status is one of the sound ones.
    sound: bool,
    /// Which driver read it.
    driver: String,
    /// Which dialect of the driver's format, where there are several and it could be told.
    dialect: Option<String>,
    /// How many entries were judged.
    entries: u64,
    /// Each run by itself.
    runs: Vec<RunReport>,
    /// The checkpoints beside a `runwarden` ledger that it was compared with.
    anchors: Vec<AnchorReport>,
    /// Everything that is wrong, in order of entries.
    problems: Vec<Problem>,
    /// The digest of the bytes that were read: database and write-ahead log, or log and seal.
    subject: Digest,
}

#[async_trait]
impl Read for Verify {
    const NAME: &'static str = "ledger.verify";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        if params.runs.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::new("bad_input", "`runs` names no run; leave it out to judge all of them"));
        }
        let copy = copy(looking.facts, looking.probe, &params.target, params.path.as_deref())?;
        if params.runs.is_some() {
            need_runs(&copy)?;
        }
        let subject = copy.subject().clone();
        let report = aside(move || match copy.open() {
            Ok(ledger) => ledger.report(params.runs.as_deref()),
            Err(report) => *report,
        })
        .await?;
        Ok(Output {
            status: report.status,
            sound: report.status.is_sound(),
            driver: report.driver,
            dialect: report.dialect,
            entries: report.entries,
            runs: report.runs,
            anchors: report.anchors,
            problems: report.problems,
            subject,
        })
    }

    async fn subject(&self, params: Params, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        let copy = copy(looking.facts, looking.probe, &params.target, params.path.as_deref())?;
        Ok(Some(copy.subject().clone()))
    }
}
