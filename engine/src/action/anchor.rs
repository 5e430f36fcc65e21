//! Anchors of a ledger, Corvusforge's or our own: made, kept in another place, found again, and held against the ledger.
//!
//! What several of them need stands here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ledger::{copy, cut_off, no_ledger, target as ledger_target};
use super::{Error, Facts};
use crate::host::Probe;
use crate::id::Id;
use crate::procedure::TargetKind;
use crate::target::anchor_store::inventory::is_run_id;
use crate::target::anchor_store::place::Misplaced;
use crate::target::anchor_store::{self, AnchorStore};
use crate::target::corvusforge::anchor::Anchor;
use crate::target::corvusforge::{self, CorvusLedger};
use crate::target::ledger_copy::LedgerCopy;
use crate::target::open_ledger::OpenLedger;
use crate::target::{Target, driver};

pub mod export;
pub mod fetch;
pub mod independence;
mod own;
mod own_verify;
pub mod store;
pub mod verify;

#[cfg(test)]
mod tests;

impl From<Misplaced> for Error {
    fn from(error: Misplaced) -> Self {
        driver::Error::from(error).into()
    }
}

impl From<corvusforge::Error> for Error {
    fn from(error: corvusforge::Error) -> Self {
        let code = match &error {
            corvusforge::Error::EmptyRun { .. } => "empty_run",
            corvusforge::Error::Unsound { .. } => "unsound",
            corvusforge::Error::NotAnAnchor { .. } => "not_an_anchor",
            _ => return no_ledger(&error.report()),
        };
        Self::new(code, error.to_string())
    }
}

/// What an anchor says: of a Corvusforge run the members of its `export_anchor`, time and hash only where it has been
/// stamped; of a run of our own the proof of its end, and that entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The run.
    run_id: String,
    /// How many entries it covers: of the run, or of our own ledger.
    entry_count: u64,
    /// The hash of the last of them, or the root over all of them.
    root_hash: String,
    /// The hash of the first of them; of Corvusforge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_entry_hash: Option<String>,
    /// When it was exported; of Corvusforge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp_utc: Option<String>,
    /// The hash over the others; of Corvusforge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anchor_hash: Option<String>,
    /// The C2SP tlog-proof; of our own ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tlog_proof: Option<String>,
    /// The exact bytes of `run.end`, as text; of our own ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
}

impl From<Anchor> for Statement {
    fn from(anchor: Anchor) -> Self {
        Self {
            run_id: anchor.run_id,
            entry_count: anchor.entry_count,
            root_hash: anchor.root_hash,
            first_entry_hash: Some(anchor.first_entry_hash),
            timestamp_utc: Some(anchor.timestamp_utc),
            anchor_hash: Some(anchor.anchor_hash),
            tlog_proof: None,
            entry: None,
        }
    }
}

fn store<'a>(facts: &'a Facts, name: &Id) -> Result<&'a Target, Error> {
    let target = facts.target(name)?;
    match target.kind {
        TargetKind::AnchorStore => Ok(target),
        kind => {
            let message = format!("target `{name}` is of kind `{}`, and `anchor_store` is needed", kind.as_str());
            Err(Error::new("bad_target", message))
        }
    }
}

/// The store of that name, with its credentials.
pub(in crate::action) async fn open_store(
    facts: &Facts,
    probe: &dyn Probe,
    name: &Id,
) -> Result<Box<dyn AnchorStore>, Error> {
    Ok(anchor_store::open(store(facts, name)?, probe, &facts.secrets.custody, &facts.secrets.by).await?)
}

/// The ledger of that name, copied; only one whose anchors are known here.
fn ledger(facts: &Facts, probe: &dyn Probe, name: &Id, path: Option<&std::path::Path>) -> Result<LedgerCopy, Error> {
    let driver = &ledger_target(facts, name)?.driver;
    if driver != corvusforge::DRIVER && driver != own::DRIVER {
        let message = format!(
            "ledger `{name}` is of driver `{driver}`; these anchors are of `{}` and `{}`",
            corvusforge::DRIVER,
            own::DRIVER
        );
        return Err(Error::new("unsupported_driver", message));
    }
    copy(facts, probe, name, path)
}

fn open(copy: &LedgerCopy) -> Result<CorvusLedger, Error> {
    match copy.open().map_err(|report| no_ledger(&report))? {
        OpenLedger::Corvusforge(ledger) => Ok(ledger),
        _ => Err(cut_off("it is no Corvusforge ledger".to_owned())),
    }
}

fn check_run(run: &str) -> Result<(), Error> {
    if is_run_id(run) {
        return Ok(());
    }
    let expected = "letters, digits and `.`, `_`, `-`, with no dot or dash first, at most 128";
    Err(Error::new("bad_input", format!("`{run}` is no run id: {expected}")))
}

/// The digest of all that an answer depends on, given in one order.
fn digest_over(parts: &impl Serialize) -> crate::id::Digest {
    // Text, numbers and lists of them always have a form in JSON.
    crate::id::Digest::of(serde_json::to_string(parts).unwrap_or_default().as_bytes())
}
