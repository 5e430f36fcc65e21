//! `ledger.holders`: which processes have a ledger open, by its database, its write-ahead log or its `-shm`.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::target;
use crate::action::process::holders::{Holder, holders_of};
use crate::action::{Error, Looking, Read};
use crate::id::Id;
use crate::target::LedgerFile;
use crate::target::ledger_copy::trio_of;

/// Which processes have a ledger open.
pub struct Holders;

/// What `ledger.holders` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The ledger.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    target: Id,
}

/// What `ledger.holders` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The processes, by process id and path.
    holders: Vec<Holder>,
    /// How many there are in that list.
    count: u64,
    /// How many processes could not be looked at: with any, an empty list proves nothing.
    unreadable: u32,
}

#[async_trait]
impl Read for Holders {
    const NAME: &'static str = "ledger.holders";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let settings: LedgerFile = target(looking.facts, &params.target)?.settings()?;
        let path = looking.probe.resolve(&settings.path)?;
        if looking.probe.stat(&path)?.is_none() {
            let message = format!("there is no ledger at `{}`", settings.path.display());
            return Err(Error::new("not_found", message));
        }
        let (holders, unreadable) = holders_of(looking.probe, &trio_of(&path))?;
        Ok(Output { count: holders.len() as u64, holders, unreadable })
    }
}
