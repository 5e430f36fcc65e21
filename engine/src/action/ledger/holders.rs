//! `ledger.holders`: which processes have a ledger open, by its database, its write-ahead log or its `-shm`;
//! or by its log or its seal.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::target;
use crate::action::process::holders::{Holder, holders_of};
use crate::action::{Error, Looking, Read};
use crate::id::Id;
use crate::target::ledger_copy::files_of;

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
        let target = target(looking.facts, &params.target)?;
        let files = files_of(looking.probe, target)?;
        let path = files.first().ok_or_else(|| Error::new("bad_target", "the ledger has no file"))?;
        if looking.probe.stat(path)?.is_none() {
            return Err(Error::new("not_found", format!("there is no ledger at `{}`", path.display())));
        }
        let (holders, unreadable) = holders_of(looking.probe, &files)?;
        Ok(Output { count: holders.len() as u64, holders, unreadable })
    }
}
