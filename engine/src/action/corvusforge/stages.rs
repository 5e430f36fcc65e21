//! `corvusforge.stages`: where each stage of a run stands, and what it waits for.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::ledger::{aside, copy, no_ledger, target};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::target::corvusforge::stage::Stage;
use crate::target::open_ledger::OpenLedger;

/// Shows the stages of a run.
pub struct Stages;

/// What `corvusforge.stages` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The ledger, of driver `corvusforge`.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    target: Id,
    /// Another file read in place of the target's.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// The run.
    run: String,
}

/// What `corvusforge.stages` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// All ten stages, in order.
    stages: Vec<Stage>,
    /// The names of those that are blocked.
    blocked: Vec<String>,
    /// The names of those that failed.
    failed: Vec<String>,
    /// Blocked stages all of whose prerequisites are met: Corvusforge does not unblock after a waiver.
    stuck: Vec<String>,
    /// How many entries the run has; a run without any is an error.
    entries: u64,
    /// Transitions to what is no state, or of what is no stage.
    strange: Vec<String>,
    /// The digest of the bytes that were read.
    subject: Digest,
}

#[async_trait]
impl Read for Stages {
    const NAME: &'static str = "corvusforge.stages";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let driver = target(looking.facts, &params.target)?.driver.clone();
        let copy = copy(looking.facts, looking.probe, &params.target, params.path.as_deref())?;
        let (subject, run) = (copy.subject().clone(), params.run.clone());
        let found = aside(move || match copy.open().map_err(|report| no_ledger(&report))? {
            OpenLedger::Corvusforge(ledger) => {
                ledger.stages(&run).map_err(|error| Error::new("unreadable", error.to_string()))
            }
            _ => Err(Error::new("unsupported_driver", format!("a ledger of driver `{driver}` has no stages"))),
        })
        .await??;
        if found.entries == 0 {
            return Err(Error::new("no_run", format!("the ledger has no entries of run `{}`", params.run)));
        }
        let names = |test: &dyn Fn(&Stage) -> bool| {
            found.stages.iter().filter(|stage| test(stage)).map(|stage| stage.stage.clone()).collect()
        };
        Ok(Output {
            blocked: names(&|stage| stage.state == "blocked"),
            failed: names(&|stage| stage.state == "failed"),
            stuck: names(&|stage| stage.state == "blocked" && stage.ready),
            entries: found.entries,
            strange: found.strange,
            stages: found.stages,
            subject,
        })
    }
}
