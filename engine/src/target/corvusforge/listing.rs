//! What is in a ledger: its runs, and its entries through a filter.
//!
//! A listing shows; it does not judge entries (`verify` does), and never leaves out what it cannot read.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ledger::report::Status;
use crate::target::findings::{SOUND, worse};
use crate::time::Timestamp;

use super::chain::Step;
use super::entry::Entry;
use super::{CorvusLedger, Error};

/// A run and what its own entries come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunSummary {
    /// The run's id.
    pub run: String,
    /// How many entries it has.
    pub entries: u64,
    /// When its first entry says it was written; nothing when that is no time.
    pub first_at: Option<Timestamp>,
    /// When its last entry says it was written; nothing when that is no time.
    pub last_at: Option<Timestamp>,
    /// What its own entries come to. Rows missing from its end do not show here: see `verify`.
    pub status: Status,
}

/// Which entries to show; what is not given is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this run.
    pub run: Option<String>,
    /// Written at this instant or later.
    pub since: Option<Timestamp>,
    /// Written before this instant.
    pub until: Option<Timestamp>,
    /// Of this stage, like `s7_release`.
    pub stage: Option<String>,
    /// Written while this key was trusted: its fingerprint stands in the trust context, under any name.
    pub trust_fingerprint: Option<String>,
}

impl Filter {
    /// Whether an entry is shown; one whose time cannot be read is never hidden by `since` or `until`.
    #[must_use]
    fn takes(&self, entry: &Entry, at: Option<Timestamp>) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.run, &entry.run_id)
            && is(&self.stage, &entry.stage_id)
            && at.is_none_or(|at| {
                self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
            })
            && self.trust_fingerprint.as_ref().is_none_or(|wanted| entry.trust_context.values().any(|fp| fp == wanted))
    }
}

impl CorvusLedger {
    /// The runs in the order of their first entries.
    ///
    /// # Errors
    /// When SQLite cannot read the file to its end.
    pub fn runs(&self) -> Result<Vec<RunSummary>, Error> {
        let mut runs: IndexMap<String, RunSummary> = IndexMap::new();
        self.walk(&|_| true, &mut |step| {
            let Step::Row(row) = step else { return };
            let Some(run) = row.run else { return };
            let at = row.at.and_then(|stamp| stamp.instant());
            let found = match runs.get_mut(run) {
                Some(found) => found,
                None => runs.entry(run.to_owned()).or_insert_with(|| RunSummary {
                    run: run.to_owned(),
                    entries: 0,
                    first_at: at,
                    last_at: at,
                    status: SOUND,
                }),
            };
            found.entries = row.place;
            found.last_at = at;
            found.status = row.noted.iter().fold(found.status, |status, noted| worse(status, noted.status));
        })?;
        Ok(runs.into_values().collect())
    }

    /// The entries that fit, in order of their row ids.
    ///
    /// # Errors
    /// When SQLite cannot read the file to its end.
    pub fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        self.visit_entries(filter, |entry| entries.push(entry))?;
        Ok(entries)
    }

    /// The same one after the other, for ledgers that do not fit in memory.
    ///
    /// # Errors
    /// When SQLite cannot read the file to its end; what came before was visited.
    pub fn visit_entries(&self, filter: &Filter, mut visit: impl FnMut(Entry)) -> Result<(), Error> {
        self.each_entry(&mut |entry, at| {
            if filter.takes(&entry, at.and_then(|stamp| stamp.instant())) {
                visit(entry);
            }
        })
    }
}

#[cfg(test)]
mod tests;
