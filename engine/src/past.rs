//! What happened before this run, as expressions (`history.last(…)`) and guards (`once_failed`) ask it.
//!
//! The ledger is opened when it is first asked and not before: most runs never ask. Tests of procedures tell what
//! happened in place of a ledger.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::event::Kind;
use crate::id::{Digest, Name, RunId};
use crate::ledger::history::{Query, RunRow, Tried};
use crate::ledger::locks::{Holding, Locks};
use crate::ledger::reader::Reader;
use crate::template::scope::Object;
use crate::template::value::Value;
use crate::time::{Duration, Timestamp};

/// Opens a reading copy of the ledger; says why it cannot in words.
type Open = Box<dyn Fn() -> Result<Reader, String> + Send + Sync>;

/// What happened before this run.
pub struct Past {
    source: Source,
    run: RunId,
    now: Timestamp,
}

/// Where the answers come from.
enum Source {
    Ledger { open: Open, reader: Mutex<Option<Reader>> },
    Told { runs: Vec<RunRow>, failed: Vec<TriedBefore>, locks: Locks },
}

/// An act or check that failed, as told: what it reads counts as unchanged since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedBefore {
    /// The action.
    pub action: String,
    /// Digest of its input.
    pub with_digest: Digest,
    /// Where and when it failed.
    pub failed: Failed,
}

/// Who holds a lock that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// The lock.
    pub lock: String,
    /// Since when, and with which fencing number.
    pub holding: Holding,
    /// The run that holds it.
    pub row: Option<RunRow>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "lock `{}` is held by run {}", self.lock, self.holding.run)?;
        if let Some(row) = &self.row {
            write!(f, " of `{}`, which is {}", row.procedure, row.status)?;
        }
        write!(f, ", since {}", self.holding.since)
    }
}

/// A failure on the very inputs that are asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The run it was in.
    pub run: String,
    /// When it was recorded.
    pub at: Timestamp,
}

impl Past {
    /// What happened before `run`, as of `now`.
    pub fn new(run: RunId, now: Timestamp, open: impl Fn() -> Result<Reader, String> + Send + Sync + 'static) -> Self {
        Self { source: Source::Ledger { open: Box::new(open), reader: Mutex::new(None) }, run, now }
    }

    /// What is told to have happened before `run`, as of `now`, the newest first.
    #[must_use]
    pub fn told(run: RunId, now: Timestamp, runs: Vec<RunRow>, failed: Vec<TriedBefore>, locks: Locks) -> Self {
        Self { source: Source::Told { runs, failed, locks }, run, now }
    }

    /// The last try of an action on these inputs, if it failed.
    ///
    /// # Errors
    /// When the ledger cannot be read, in words.
    pub fn last_failure(
        &self,
        action: &str,
        with_digest: &Digest,
        subject: Option<&Digest>,
    ) -> Result<Option<Failed>, String> {
        if let Source::Told { failed, .. } = &self.source {
            let same = |tried: &&TriedBefore| tried.action == action && tried.with_digest == *with_digest;
            return Ok(failed.iter().find(same).map(|tried| tried.failed.clone()));
        }
        let tried = Tried { action, with_digest: with_digest.as_str(), subject: subject.map(Digest::as_str) };
        let last = self.ask(|reader| reader.history().last_result(&tried).map_err(|error| error.to_string()))?;
        Ok(last
            .filter(|last| last.outcome.has_failed() && last.run.as_ref() != Some(&self.run))
            .map(|last| Failed { run: last.run.map_or_else(|| "?".to_owned(), |run| run.to_string()), at: last.ts }))
    }

    /// Runs and calls of a procedure that began within this time, without this run. The window is generous: a clock that
    /// was set back makes none of them older.
    ///
    /// # Errors
    /// When the ledger cannot be read, in words.
    pub fn rows_of(&self, procedure: &Name, within: Duration) -> Result<Vec<RunRow>, String> {
        let within = Some((within, self.now));
        let query = Query {
            pattern: Some(procedure.as_str()),
            status: None,
            within,
            except: Some(&self.run),
            with_calls: true,
        };
        self.rows(&query)
    }

    /// The first of these locks that another run holds, and what that run is doing.
    ///
    /// # Errors
    /// When the ledger cannot be read, in words.
    pub fn holder(&self, wanted: &[String]) -> Result<Option<Holder>, String> {
        if let Source::Told { runs, locks, .. } = &self.source {
            return Ok(locks.busy(wanted, &self.run).map(|(lock, holding)| Holder {
                lock: lock.to_owned(),
                holding: holding.clone(),
                row: runs.iter().find(|row| row.run == holding.run).cloned(),
            }));
        }
        self.ask(|reader| {
            let history = reader.history();
            let locks = history.locks().map_err(|error| error.to_string())?;
            let Some((lock, holding)) = locks.busy(wanted, &self.run) else { return Ok(None) };
            let row = history.run(&holding.run).map_err(|error| error.to_string())?;
            Ok(Some(Holder { lock: lock.to_owned(), holding: holding.clone(), row }))
        })
    }

    /// What was read may have changed: the next question opens the ledger again.
    pub fn forget(&self) {
        if let Source::Ledger { reader, .. } = &self.source {
            *reader.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    fn rows(&self, query: &Query<'_>) -> Result<Vec<RunRow>, String> {
        match &self.source {
            Source::Told { runs, .. } => Ok(runs.iter().filter(|row| query.admits(row)).cloned().collect()),
            Source::Ledger { .. } => self.ask(|reader| reader.history().runs(query).map_err(|error| error.to_string())),
        }
    }

    /// How often other runs recorded this kind of fact under this id, and the newest of them.
    ///
    /// # Errors
    /// When the ledger cannot be read, in words.
    pub fn uses(&self, kind: Kind, id: &str) -> Result<(u64, Option<RunId>), String> {
        match &self.source {
            Source::Told { .. } => Ok((0, None)),
            Source::Ledger { .. } => {
                self.ask(|reader| reader.history().uses(kind, id, Some(&self.run)).map_err(|error| error.to_string()))
            }
        }
    }

    fn ask<T>(&self, question: impl FnOnce(&Reader) -> Result<T, String>) -> Result<T, String> {
        let Source::Ledger { open, reader } = &self.source else { return Err("there is no ledger".to_owned()) };
        // A reader that a panic left behind is only read from.
        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.is_none() {
            *reader = Some(open()?);
        }
        match reader.as_ref() {
            Some(reader) => question(reader),
            None => Err("the ledger is not open".to_owned()),
        }
    }

    fn runs(&self, args: &Args<'_>) -> Result<Vec<Value>, String> {
        let pattern = args.text(0, "pattern")?;
        let status = args.text(1, "status")?;
        let within = args.duration(2, "within")?.map(|within| (within, self.now));
        let query = Query { pattern, status, within, except: Some(&self.run), with_calls: true };
        let rows = self.rows(&query)?;
        Ok(rows.iter().map(|row| as_value(&row.to_value(), row.started_at, row.ended_at)).collect())
    }
}

/// A row with its times as timestamps.
fn as_value(row: &serde_json::Value, started_at: Timestamp, ended_at: Option<Timestamp>) -> Value {
    let members = row.as_object().into_iter().flatten().map(|(name, value)| {
        let value = match name.as_str() {
            "started_at" => Value::from(started_at),
            "ended_at" => ended_at.map_or(Value::NONE, Value::from),
            _ => Value::from_json(value),
        };
        (name.as_str(), value)
    });
    Value::map(members)
}

impl Object for Past {
    fn call(&self, method: &str, args: &[Value], named: &BTreeMap<String, Value>) -> Result<Value, String> {
        let args = Args::new(args, named)?;
        match method {
            "runs" => self.runs(&args).map(Value::list),
            "last" => Ok(self.runs(&args)?.into_iter().next().unwrap_or(Value::NONE)),
            "count" => Ok(Value::from(self.runs(&args)?.len() as u64)),
            "active" => {
                let open = |row: &Value| row.get("ended_at").is_none_or(Value::is_none);
                Ok(Value::list(self.runs(&args)?.into_iter().filter(open)))
            }
            _ => Err(format!("there is no `{method}`; there is `{}`", self.methods().join("`, `"))),
        }
    }

    fn methods(&self) -> &'static [&'static str] {
        &["runs", "last", "count", "active"]
    }
}

/// `pattern`, `status` and `within`, by place or by name.
struct Args<'a> {
    by_place: &'a [Value],
    by_name: &'a BTreeMap<String, Value>,
}

impl<'a> Args<'a> {
    fn new(by_place: &'a [Value], by_name: &'a BTreeMap<String, Value>) -> Result<Self, String> {
        let known = ["pattern", "status", "within"];
        if by_place.len() > known.len() {
            return Err("it takes at most a pattern, a status and a duration".to_owned());
        }
        match by_name.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(format!("it takes no `{name}`")),
            None => Ok(Self { by_place, by_name }),
        }
    }

    fn value(&self, place: usize, name: &str) -> Option<&'a Value> {
        self.by_place.get(place).or_else(|| self.by_name.get(name)).filter(|value| !value.is_none())
    }

    fn text(&self, place: usize, name: &str) -> Result<Option<&'a str>, String> {
        match self.value(place, name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| format!("`{name}` must be a string")),
        }
    }

    fn duration(&self, place: usize, name: &str) -> Result<Option<Duration>, String> {
        let Some(value) = self.value(place, name) else { return Ok(None) };
        let text = || value.as_str().and_then(|text| Duration::parse(text).ok());
        value.as_duration().or_else(text).map(Some).ok_or_else(|| format!("`{name}` must be a duration"))
    }
}
