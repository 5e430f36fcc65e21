//! Ledgers as targets: judged, listed, copied as evidence, added to and restored. What looks opens a copy and never the original.
//!
//! What several of them need stands here.

use std::path::Path;

use super::{Error, Facts};
use crate::host::Probe;
use crate::id::Id;
use crate::ledger::report::Report;
use crate::procedure::TargetKind;
use crate::target::Target;
use crate::target::ledger_copy::{self, LedgerCopy};

pub mod append;
pub mod entries;
pub mod holders;
pub mod list_runs;
pub mod restore;
pub mod snapshot;
pub mod verify;

#[cfg(test)]
pub(in crate::action) mod tests;

impl From<ledger_copy::Error> for Error {
    fn from(error: ledger_copy::Error) -> Self {
        match error {
            ledger_copy::Error::Missing(_) => Self::new("not_found", error.to_string()),
            ledger_copy::Error::Host(error) => error.into(),
            ledger_copy::Error::Settings(error) => error.into(),
        }
    }
}

impl From<crate::target::Error> for Error {
    fn from(error: crate::target::Error) -> Self {
        Self::new("bad_target", error.to_string())
    }
}

/// The ledger of that name, copied; or another file judged as if it were it.
pub(in crate::action) fn copy(
    facts: &Facts,
    probe: &dyn Probe,
    name: &Id,
    path: Option<&Path>,
) -> Result<LedgerCopy, Error> {
    Ok(LedgerCopy::take(probe, target(facts, name)?, path)?)
}

pub(in crate::action) fn target<'a>(facts: &'a Facts, name: &Id) -> Result<&'a Target, Error> {
    let target = facts.target(name)?;
    match target.kind {
        TargetKind::Ledger => Ok(target),
        kind => {
            let message = format!("target `{name}` is of kind `{}`, and `ledger` is needed", kind.as_str());
            Err(Error::new("bad_target", message))
        }
    }
}

/// Refuses to look for runs in a ledger whose entries are of none.
pub(in crate::action) fn need_runs(copy: &LedgerCopy) -> Result<(), Error> {
    copy.has_runs().map_err(|why| Error::new("no_runs", why))
}

/// A file that is no ledger, as the error of an action that needs one.
pub(in crate::action) fn no_ledger(report: &Report) -> Error {
    match report.problems.first() {
        Some(problem) => Error::new(&problem.code, problem.detail.clone()),
        None => Error::new("unreadable", "the ledger cannot be read"),
    }
}

pub(in crate::action) fn cut_off(why: String) -> Error {
    Error::new("unreadable", why)
}

/// Reads a large ledger beside everything else: a timeout or a signal must be seen meanwhile.
pub(in crate::action) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| Error::new("internal", format!("reading the ledger ended by a bug: {error}")))
}
