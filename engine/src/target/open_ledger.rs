//! A private copy of a ledger, open: its report, its runs and its entries, whichever driver knows it.

use std::collections::HashMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::corvusforge::CorvusLedger;
use super::corvusforge::listing::Filter as CorvusFilter;
use super::digest_log::{self, DigestLog};
use super::hash_chain::{self, HashChain};
use super::json_lines::shown::Shown;
use super::recorded_head::{Recorded, RecordedHead};
use crate::event;
use crate::ledger::history::Query;
use crate::ledger::reader::{Filter as OwnFilter, Reader};
use crate::ledger::report::{Problem, Report, RunReport, Status};
use crate::ledger::verify::{self, Anchors};
use crate::merkle::note::VerifierKey;
use crate::time::Timestamp;

/// A copy of a ledger, open for reading.
#[derive(Debug)]
pub enum OpenLedger {
    /// Corvusforge's table of hash-chained entries.
    Corvusforge(CorvusLedger),
    /// Our own log, and the keys that may sign for it.
    Runwarden(Reader, Vec<VerifierKey>),
    /// Lines that each name the one before.
    HashChain(HashChain),
    /// Lines, and one digest over all of them.
    DigestLog(DigestLog),
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

    /// The same of our own ledger with anchors from elsewhere; other drivers have their own ways.
    #[must_use]
    pub fn report_anchored(&self, runs: Option<&[String]>, anchors: &Anchors) -> Report {
        match self {
            Self::Runwarden(reader, keys) => match reader.checkpoints() {
                Ok(checkpoints) => only(verify::verify_anchored(reader, keys, &checkpoints, anchors), runs),
                Err(error) => verify::unreadable(&error),
            },
            _ => self.report(runs),
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
            Self::HashChain(chain) => only(chain.verify(), runs),
            Self::DigestLog(log) => log.verify(),
        }
    }

    /// What a log of lines comes to now, to be kept elsewhere; of other ledgers nothing.
    ///
    /// # Errors
    /// The report of one that is not sound.
    pub fn head(&self, at: Timestamp) -> Result<Option<RecordedHead>, Box<Report>> {
        match self {
            Self::HashChain(chain) => chain.head(at).map(Some),
            Self::DigestLog(log) => log.head(at).map(Some),
            Self::Corvusforge(_) | Self::Runwarden(..) => Ok(None),
        }
    }

    /// The report of a log of lines, held against heads that were recorded elsewhere; of other ledgers the report.
    ///
    /// # Errors
    /// In words, when the copy cannot be read to its end.
    pub fn report_recorded(
        &self,
        runs: Option<&[String]>,
        recorded: Recorded,
        now: Timestamp,
    ) -> Result<Report, String> {
        let mut report = self.report(runs);
        if recorded.is_empty() {
            return Ok(report);
        }
        let held = match self {
            Self::HashChain(chain) => {
                let of = (hash_chain::DRIVER, Some(chain.recipe()));
                recorded.hold(&mut report, of, now, |sizes| chain.heads(sizes))
            }
            Self::DigestLog(log) => {
                recorded.hold(&mut report, (digest_log::DRIVER, None), now, |sizes| log.heads(sizes))
            }
            Self::Corvusforge(_) | Self::Runwarden(..) => Ok(()),
        };
        held.map_err(|error| error.to_string())?;
        Ok(report)
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
            Self::HashChain(chain) => {
                let line = |run: hash_chain::Run| RunLine {
                    run: run.run,
                    entries: run.entries,
                    status: run.status,
                    first_at: run.first_at,
                    last_at: run.last_at,
                };
                Ok(chain.runs().map_err(|error| error.to_string())?.into_iter().map(line).collect())
            }
            Self::DigestLog(_) => Ok(Vec::new()),
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
            Self::HashChain(_) | Self::DigestLog(_) => {
                let mut listed = Listed::default();
                self.each_line(wanted, &mut |shown| listed.take(wanted.limit, || Value::Object(shown.to_object())))?;
                Ok(listed)
            }
        }
    }

    /// Shows the wanted lines of a log of JSON Lines, whatever `limit` says; of other ledgers nothing. One whose time
    /// cannot be read is never hidden by `since` or `until`.
    ///
    /// # Errors
    /// In words, when the copy cannot be read to its end.
    pub fn each_line(&self, wanted: &Wanted, each: &mut dyn FnMut(Shown)) -> Result<(), String> {
        let mut take = |shown: Shown, run: Option<&str>, at: Option<Timestamp>| {
            let in_time = at.is_none_or(|at| {
                wanted.since.is_none_or(|since| at >= since) && wanted.until.is_none_or(|until| at < until)
            });
            if in_time && (wanted.run.is_none() || wanted.run.as_deref() == run) {
                each(shown);
            }
        };
        let read = match self {
            Self::HashChain(chain) => chain.each(&mut |shown| {
                let (run, at) = (chain.run_of(&shown.entry).map(ToOwned::to_owned), chain.time(&shown.entry));
                take(shown, run.as_deref(), at);
            }),
            Self::DigestLog(log) => log.each(&mut |shown| {
                let at = DigestLog::time(&shown.entry);
                take(shown, None, at);
            }),
            Self::Corvusforge(_) | Self::Runwarden(..) => Ok(()),
        };
        read.map_err(|error| error.to_string())
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
