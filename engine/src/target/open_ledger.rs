//! A private copy of a ledger, open: its report, its runs and its entries, whichever driver knows it.

use std::collections::HashMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::corvusforge::CorvusLedger;
use super::corvusforge::listing::Filter as CorvusFilter;
use crate::event;
use crate::ledger::history::Query;
use crate::ledger::reader::{Filter as OwnFilter, Reader};
use crate::ledger::report::{Problem, Report, RunReport, Status};
use crate::ledger::verify;
use crate::merkle::note::VerifierKey;
use crate::time::Timestamp;

/// A copy of a ledger, open for reading.
#[derive(Debug)]
pub enum OpenLedger {
    /// Corvusforge's table of hash-chained entries.
    Corvusforge(CorvusLedger),
    /// Our own log, and the keys that may sign for it.
    Runwarden(Reader, Vec<VerifierKey>),
}

/// One run of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunLine {
    /// The run's id.
    pub run: String,
    /// How many entries it has.
    pub entries: u64,
    /// What its own entries come to; rows missing from the end of the ledger do not show here.
    pub status: Status,
    /// When it began, as its entries say; none where they say no time.
    pub first_at: Option<Timestamp>,
    /// When its last entry was written, or it ended; none where no time is said.
    pub last_at: Option<Timestamp>,
}

/// Which entries are wanted; what is not given is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this run.
    pub run: Option<String>,
    /// Of this stage, or of this step in our own ledger.
    pub stage: Option<String>,
    /// Written at this instant or later.
    pub since: Option<Timestamp>,
    /// Written before this instant.
    pub until: Option<Timestamp>,
    /// Written while this key was trusted; Corvusforge alone knows such a thing.
    pub trust_fingerprint: Option<String>,
    /// At most so many are kept; the rest is counted.
    pub limit: usize,
}

/// Entries that were wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// The first of them, each as its driver shows it.
    pub entries: Vec<Map<String, Value>>,
    /// How many there are in all.
    pub count: u64,
}

impl Listed {
    fn take(&mut self, limit: usize, entry: impl FnOnce() -> Value) {
        self.count += 1;
        if self.entries.len() < limit
            && let Value::Object(entry) = entry()
        {
            self.entries.push(entry);
        }
    }
}

impl OpenLedger {
    pub(super) fn corvusforge(copy: &Path, name: &str) -> Result<Self, Box<Report>> {
        CorvusLedger::open(copy, name).map(Self::Corvusforge).map_err(|error| Box::new(error.report()))
    }

    /// Our own reader copies by itself: it knows a ledger that this very process writes.
    pub(super) fn runwarden(path: &Path, scratch: &Path, keys: &[VerifierKey]) -> Result<Self, Box<Report>> {
        match Reader::copy(path, scratch) {
            Ok(reader) => Ok(Self::Runwarden(reader, keys.to_vec())),
            Err(error) => Err(Box::new(verify::unreadable(&error))),
        }
    }

    /// Judges all of it, or the runs that are asked for; the caller fills in `subject`.
    #[must_use]
    pub fn report(&self, runs: Option<&[String]>) -> Report {
        match self {
            Self::Corvusforge(ledger) => ledger.verify(runs),
            Self::Runwarden(reader, keys) => match reader.checkpoints() {
                Ok(checkpoints) => only(verify::verify(reader, keys, &checkpoints, &[]), runs),
                Err(error) => verify::unreadable(&error),
            },
        }
    }

    /// The runs, in the order of their begin.
    ///
    /// # Errors
    /// In words, when the copy cannot be read to its end.
    pub fn runs(&self) -> Result<Vec<RunLine>, String> {
        match self {
            Self::Corvusforge(ledger) => {
                let line = |run: super::corvusforge::listing::RunSummary| RunLine {
                    run: run.run,
                    entries: run.entries,
                    status: run.status,
                    first_at: run.first_at,
                    last_at: run.last_at,
                };
                Ok(ledger.runs().map_err(|error| error.to_string())?.into_iter().map(line).collect())
            }
            Self::Runwarden(reader, _) => {
                let rows = reader.history().runs(&Query::default()).map_err(|error| error.to_string())?;
                let times: HashMap<String, (Timestamp, Option<Timestamp>)> =
                    rows.into_iter().map(|row| (row.run.to_string(), (row.started_at, row.ended_at))).collect();
                let line = |run: RunReport| {
                    let at = times.get(&run.run);
                    RunLine {
                        first_at: at.map(|at| at.0),
                        last_at: at.and_then(|at| at.1),
                        run: run.run,
                        entries: run.entries,
                        status: run.status,
                    }
                };
                Ok(self.report(None).runs.into_iter().map(line).collect())
            }
        }
    }

    /// The entries that are wanted, in their order.
    ///
    /// # Errors
    /// In words, when the copy cannot be read to its end.
    pub fn entries(&self, wanted: &Wanted) -> Result<Listed, String> {
        match self {
            Self::Corvusforge(ledger) => corvus_entries(ledger, wanted),
            Self::Runwarden(reader, _) => own_entries(reader, wanted),
        }
    }
}

fn corvus_entries(ledger: &CorvusLedger, wanted: &Wanted) -> Result<Listed, String> {
    let filter = CorvusFilter {
        run: wanted.run.clone(),
        since: wanted.since,
        until: wanted.until,
        stage: wanted.stage.clone(),
        trust_fingerprint: wanted.trust_fingerprint.clone(),
    };
    let mut listed = Listed::default();
    ledger
        .visit_entries(&filter, |entry| {
            listed.take(wanted.limit, || serde_json::to_value(&entry).unwrap_or_default());
        })
        .map_err(|error| error.to_string())?;
    Ok(listed)
}

fn own_entries(reader: &Reader, wanted: &Wanted) -> Result<Listed, String> {
    let mut listed = Listed::default();
    let is = |asked: &Option<String>, found: Option<&str>| asked.is_none() || asked.as_deref() == found;
    reader
        .each(&OwnFilter::default(), |stored| {
            let entry = stored.entry(reader.path())?;
            let shown = is(&wanted.run, entry.run.as_ref().map(|run| run.as_str()))
                && is(&wanted.stage, entry.step.as_deref())
                && wanted.since.is_none_or(|since| entry.ts >= since)
                && wanted.until.is_none_or(|until| entry.ts < until);
            if shown {
                listed.take(wanted.limit, || {
                    json!({
                        "seq": entry.seq, "hash": hex::encode(stored.hash), "prev": hex::encode(entry.prev),
                        "ts": entry.ts, "kind": entry.kind, "run": entry.run, "step": entry.step,
                        "attempt": entry.attempt, "actor": entry.actor,
                        "data": event::recall(&Value::Object(entry.data.clone())),
                    })
                });
            }
            Ok::<(), crate::ledger::error::Error>(())
        })
        .map_err(|error| error.to_string())?;
    Ok(listed)
}

/// The report with the runs that were asked for; what is wrong with the whole stays in it, for it may be theirs.
fn only(mut report: Report, runs: Option<&[String]>) -> Report {
    let Some(runs) = runs else { return report };
    report.runs.retain(|run| runs.contains(&run.run));
    for run in runs {
        if !report.runs.iter().any(|found| found.run == *run) {
            let detail = format!("run `{run}` has no entries");
            let problem = Problem { code: "unknown_run".to_owned(), seq: None, run: Some(run.clone()), detail };
            let status = Status::Empty;
            report.runs.push(RunReport { run: run.clone(), entries: 0, status, problems: vec![problem.clone()] });
            report.problems.push(problem);
            if report.status.is_sound() {
                report.status = status;
            }
        }
    }
    report.entries = report.runs.iter().map(|run| run.entries).sum();
    report
}
