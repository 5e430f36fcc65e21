//! Anchors of a Corvusforge ledger: made, kept in another place, found again, and held against the ledger.
//!
//! What several of them need stands here. Anchors of our own ledger are made by `runwarden anchor`, not by actions.

use serde::Serialize;

use super::ledger::{copy, cut_off, no_ledger, target as ledger_target};
use super::{Error, Facts};
use crate::host::Probe;
use crate::id::Id;
use crate::procedure::TargetKind;
use crate::target::Target;
use crate::target::anchor_store::inventory::is_run_id;
use crate::target::anchor_store::place::Misplaced;
use crate::target::anchor_store::{self, AnchorStore};
use crate::target::corvusforge::{self, CorvusLedger};
use crate::target::ledger_copy::LedgerCopy;
use crate::target::open_ledger::OpenLedger;

pub mod export;
pub mod fetch;
pub mod independence;
pub mod store;
pub mod verify;

#[cfg(test)]
mod tests;

impl From<Misplaced> for Error {
    fn from(error: Misplaced) -> Self {
        let code = match &error {
            Misplaced::InsideProject { .. } => "inside_project",
            Misplaced::SameDomain(_) => "same_domain",
            Misplaced::NotAFolder(_) => "not_a_folder",
            Misplaced::Settings(_) => "bad_target",
            Misplaced::Host(_) => "",
        };
        match error {
            Misplaced::Host(error) => error.into(),
            error => Self::new(code, error.to_string()),
        }
    }
}

impl From<anchor_store::Error> for Error {
    fn from(error: anchor_store::Error) -> Self {
        match error {
            anchor_store::Error::Target(error) => Self::new("bad_target", error.to_string()),
            anchor_store::Error::Host(error) => error.into(),
            anchor_store::Error::Misplaced(error) => error.into(),
            anchor_store::Error::Refused { code, message, transient, uncertain } => {
                Self { code: code.to_owned(), message, transient, may_have_happened: uncertain }
            }
        }
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
pub(in crate::action) fn open_store(
    facts: &Facts,
    probe: &dyn Probe,
    name: &Id,
) -> Result<Box<dyn AnchorStore>, Error> {
    Ok(anchor_store::open(store(facts, name)?, probe, &facts.secrets.custody)?)
}

/// The ledger of that name, copied; only one whose anchors are known here.
fn ledger(facts: &Facts, probe: &dyn Probe, name: &Id, path: Option<&std::path::Path>) -> Result<LedgerCopy, Error> {
    let driver = &ledger_target(facts, name)?.driver;
    if driver != corvusforge::DRIVER {
        let message =
            format!("ledger `{name}` is of driver `{driver}`; these anchors are of `{}`", corvusforge::DRIVER);
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
