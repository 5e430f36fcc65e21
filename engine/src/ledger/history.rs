//! What earlier runs did, for expressions, limits and `once_failed`: answers from the log, newest first.
//!
//! Time here is the latest that any entry up to this one has recorded, so a run stays within its window when the clock
//! is set back. A clock that once ran ahead keeps counting until real time has caught up: a limit then refuses too
//! much, never too little.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;
use serde_json::{Map, Value};

use super::content::Content;
use super::entry::{self, Entry};
use super::error::Error;
use super::locks::{self, Locks};
use super::store;
use crate::event::{self, Kind};
use crate::id::RunId;
use crate::time::{Duration, Timestamp};

mod effects;
mod uses;

/// Answers from one ledger.
#[derive(Debug)]
pub struct History<'a> {
    conn: &'a Connection,
    path: PathBuf,
    content: Content,
}

/// Which runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<'a> {
    /// A procedure's name, `family.*` for all whose names begin so, or `*`; none means all.
    pub pattern: Option<&'a str>,
    /// The status they must have.
    pub status: Option<&'a str>,
    /// How long ago they began at most, and what time it is.
    pub within: Option<(Duration, Timestamp)>,
    /// The run that asks: it is not its own history.
    pub except: Option<&'a RunId>,
    /// Also procedures that were called within runs of others, each as a run under its own name.
    pub with_calls: bool,
}

impl Query<'_> {
    /// Whether a run is among them, going by what its row says.
    #[must_use]
    pub fn admits(&self, row: &RunRow) -> bool {
        self.except != Some(&row.run)
            && self.pattern.is_none_or(|pattern| fits(pattern, &row.procedure))
            && self.status.is_none_or(|status| status == row.status)
            && self.within.is_none_or(|(window, now)| now.since(row.started_at) <= window)
    }
}

/// One run, as expressions see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRow {
    /// Its id.
    pub run: RunId,
    /// The procedure it ran.
    pub procedure: String,
    /// How it ended; while it has not: `running`, `suspended`, or `unknown` where an outcome is.
    pub status: String,
    /// The wall clock at its begin, as recorded.
    pub started_at: Timestamp,
    /// The wall clock at its end, if it has ended.
    pub ended_at: Option<Timestamp>,
    /// What it was given.
    pub parameters: Value,
    /// What it gave; null before its end.
    pub outputs: Value,
    /// What it failed with, or null.
    pub error: Value,
    /// Whether it ended without success and before anything was done: it does not count against limits.
    #[serde(skip)]
    pub did_nothing: bool,
}

impl RunRow {
    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    /// As an expression sees it: `{run procedure status started_at ended_at parameters outputs error}`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a row has text keys and plain values")
    }
}

/// What was tried: the same three mean unchanged inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried<'a> {
    /// The action, `family.verb`.
    pub action: &'a str,
    /// The digest of its rendered `with`.
    pub with_digest: &'a str,
    /// The digest of what it would read; none compares action and input alone.
    pub subject: Option<&'a str>,
}

/// The last result of what was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastResult {
    /// The entry.
    pub seq: u64,
    /// Which kind: a step's result, or that of a check.
    pub kind: Kind,
    /// The run it was in.
    pub run: Option<RunId>,
    /// When it was recorded.
    pub ts: Timestamp,
    /// What it came to.
    pub outcome: Outcome,
}

/// What an act or a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The state of a step, like `succeeded`.
    State(String),
    /// Whether a check passed.
    Passed(bool),
}

impl Outcome {
    /// Whether it failed. An outcome that is not known has not failed; it must be looked into first.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        match self {
            Self::State(state) => matches!(state.as_str(), "failed" | "timed_out"),
            Self::Passed(passed) => !passed,
        }
    }
}

/// Whether a check passed, by its verdict; none where it was not decided.
fn passed(verdict: &str) -> Option<Outcome> {
    match verdict {
        "passed" => Some(Outcome::Passed(true)),
        "not_met" | "undecidable" => Some(Outcome::Passed(false)),
        _ => None,
    }
}

impl<'a> History<'a> {
    pub(super) fn new(conn: &'a Connection, ledger: &Path) -> Self {
        Self { conn, path: ledger.to_owned(), content: Content::of(ledger) }
    }

    /// The runs that fit, the newest first.
    ///
    /// # Errors
    /// When the ledger or what it refers to cannot be read.
    pub fn runs(&self, query: &Query<'_>) -> Result<Vec<RunRow>, Error> {
        let steps = if query.within.is_some() { self.clock_steps()? } else { Vec::new() };
        let mut found = Vec::new();
        let sql = match query.with_calls {
            false => store::of_listed(Kind::RunBegin) + " DESC",
            true => "SELECT seq, body FROM entries WHERE kind = 'run.begin'
                OR kind = 'plan.recorded' AND instr(body, CAST('\"call\":' AS BLOB)) ORDER BY seq DESC"
                .to_owned(),
        };
        let mut statement = self.conn.prepare_cached(&sql).map_err(|error| self.failed(&error))?;
        let mut rows = statement.query([]).map_err(|error| self.failed(&error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed(&error))? {
            let (seq, begin) = self.read(row)?;
            if let Some((window, now)) = query.within {
                let latest = steps.iter().filter(|(at, _)| *at <= seq).map(|(_, head)| *head).max();
                let began = latest.map_or(begin.ts, |latest| latest.max(begin.ts));
                if now.since(began) > window {
                    // What came before began no later.
                    break;
                }
            }
            let Some(run) = begin.run.clone().filter(|run| query.except != Some(run)) else { continue };
            let fits_pattern = |procedure: &str| query.pattern.is_none_or(|pattern| fits(pattern, procedure));
            let row = match begin.kind {
                Kind::RunBegin => {
                    let procedure = text(&begin.data, "procedure").unwrap_or_default();
                    if !fits_pattern(&procedure) {
                        continue;
                    }
                    self.row_of_run(run, procedure, &begin)?
                }
                _ => {
                    let Some(Value::Object(call)) = begin.data.get("call") else { continue };
                    let procedure = text(call, "procedure").unwrap_or_default();
                    if !fits_pattern(&procedure) {
                        continue;
                    }
                    self.row_of_call(run, procedure, &begin, call)?
                }
            };
            if query.status.is_none_or(|wanted| wanted == row.status) {
                found.push(row);
            }
        }
        Ok(found)
    }

    /// One run, if it is in the ledger.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub fn run(&self, run: &RunId) -> Result<Option<RunRow>, Error> {
        let Some(begin) = self.last_of(run, "'run.begin'")? else { return Ok(None) };
        let procedure = text(&begin.data, "procedure").unwrap_or_default();
        self.row_of_run(run.clone(), procedure, &begin).map(Some)
    }

    fn row_of_run(&self, run: RunId, procedure: String, begin: &Entry) -> Result<RunRow, Error> {
        let end = self.end_of(&run)?;
        let status = self.status_of(&run, end.as_ref())?;
        let parameters = self.value(&begin.data, "parameters")?;
        let mut row = self.row(run, procedure, status, (begin, parameters), end.as_ref())?;
        row.did_nothing = self.did_nothing(&row, None)?;
        Ok(row)
    }

    /// A call is over when its step is; before that it stands as its run does.
    fn row_of_call(
        &self,
        run: RunId,
        procedure: String,
        begin: &Entry,
        call: &Map<String, Value>,
    ) -> Result<RunRow, Error> {
        let sql = "SELECT seq, body FROM entries WHERE run = ? AND kind = 'step.result' AND seq > ? ORDER BY seq";
        let mut statement = self.conn.prepare_cached(sql).map_err(|error| self.failed(&error))?;
        let from = i64::try_from(begin.seq).unwrap_or(i64::MAX);
        let mut rows = statement.query((run.as_str(), from)).map_err(|error| self.failed(&error))?;
        let mut result = None;
        while let Some(row) = rows.next().map_err(|error| self.failed(&error))? {
            let (_, entry) = self.read(row)?;
            if entry.step == begin.step {
                result = Some(entry);
            }
        }
        let parameters = self.value(call, "parameters")?;
        let (status, end) = match result {
            Some(result) => (text(&result.data, "state").unwrap_or_default(), Some(result)),
            None => {
                let end = self.end_of(&run)?;
                (self.status_of(&run, end.as_ref())?, end)
            }
        };
        let mut row = self.row(run, procedure, status, (begin, parameters), end.as_ref())?;
        row.outputs = match &end {
            Some(end) if end.kind == Kind::StepResult => self.value(&end.data, "output")?,
            _ => Value::Null,
        };
        // What a call does while its run goes on again stands after its result.
        let place = begin.step.as_deref().unwrap_or_default();
        row.did_nothing = self.did_nothing(&row, Some((begin.seq, place)))?;
        Ok(row)
    }

    fn status_of(&self, run: &RunId, end: Option<&Entry>) -> Result<String, Error> {
        match end {
            Some(end) => Ok(text(&end.data, "status").unwrap_or_default()),
            None => self.open_status(run).map(str::to_owned),
        }
    }

    /// The last result of an act or a check on these inputs, in whatever run; none where it was not tried.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn last_result(&self, tried: &Tried<'_>) -> Result<Option<LastResult>, Error> {
        let sql = "SELECT seq, body FROM entries
            WHERE kind IN ('step.result', 'verify.result', 'precondition.result') AND instr(body, ?)
            ORDER BY seq DESC";
        let mut statement = self.conn.prepare_cached(sql).map_err(|error| self.failed(&error))?;
        let mut rows = statement.query([tried.with_digest.as_bytes()]).map_err(|error| self.failed(&error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed(&error))? {
            let (_, entry) = self.read(row)?;
            let member = |name: &str| entry.data.get(name).and_then(Value::as_str);
            let same = member("action") == Some(tried.action)
                && member("with_digest") == Some(tried.with_digest)
                && (tried.subject.is_none() || member("subject") == tried.subject);
            let passed = member("verdict").and_then(passed);
            let outcome = passed.or_else(|| member("state").map(|state| Outcome::State(state.to_owned())));
            if let (true, Some(outcome)) = (same, outcome) {
                let Entry { seq, kind, run, ts, .. } = entry;
                return Ok(Some(LastResult { seq, kind, run, ts, outcome }));
            }
        }
        Ok(None)
    }

    /// Who holds which named lock.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn locks(&self) -> Result<Locks, Error> {
        locks::read(self.conn, &self.path)
    }

    fn row(
        &self,
        run: RunId,
        procedure: String,
        status: String,
        (begin, parameters): (&Entry, Value),
        end: Option<&Entry>,
    ) -> Result<RunRow, Error> {
        let of_end = |name: &str| end.map_or(Ok(Value::Null), |end| self.value(&end.data, name));
        Ok(RunRow {
            run,
            procedure,
            status,
            started_at: begin.ts,
            ended_at: end.map(|end| end.ts),
            parameters,
            outputs: of_end("outputs")?,
            error: of_end("error")?,
            did_nothing: false,
        })
    }

    /// A member as it was before it was made to fit an entry.
    fn value(&self, data: &Map<String, Value>, name: &str) -> Result<Value, Error> {
        data.get(name).map_or(Ok(Value::Null), |value| self.content.unfit(value).map(|value| event::recall(&value)))
    }

    /// What a run that has not ended is doing, by its last word on that.
    fn open_status(&self, run: &RunId) -> Result<&'static str, Error> {
        let words = "'run.suspended', 'run.resumed', 'outcome.unknown', 'outcome.resolved'";
        Ok(match self.last_of(run, words)?.map(|entry| entry.kind) {
            Some(Kind::RunSuspended) => "suspended",
            Some(Kind::OutcomeUnknown) => "unknown",
            _ => "running",
        })
    }

    /// The end of a run, unless it went on after that.
    fn end_of(&self, run: &RunId) -> Result<Option<Entry>, Error> {
        let last = self.last_of(run, "'run.end', 'run.resumed'")?;
        Ok(last.filter(|entry| entry.kind == Kind::RunEnd))
    }

    /// The newest entry of a run among kinds; `kinds` is our own text.
    fn last_of(&self, run: &RunId, kinds: &str) -> Result<Option<Entry>, Error> {
        let sql =
            format!("SELECT seq, body FROM entries WHERE run = ? AND kind IN ({kinds}) ORDER BY seq DESC LIMIT 1");
        let mut statement = self.conn.prepare_cached(&sql).map_err(|error| self.failed(&error))?;
        let found = statement
            .query_row([run.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()
            .map_err(|error| self.failed(&error))?;
        found.map(|(seq, body)| self.parse(seq, &body)).transpose()
    }

    /// Where the clock was set back, and the time it had reached.
    fn clock_steps(&self) -> Result<Vec<(i64, Timestamp)>, Error> {
        let sql = store::of_listed(Kind::ClockStepped);
        let mut statement = self.conn.prepare_cached(&sql).map_err(|error| self.failed(&error))?;
        let mut rows = statement.query([]).map_err(|error| self.failed(&error))?;
        let mut steps = Vec::new();
        while let Some(row) = rows.next().map_err(|error| self.failed(&error))? {
            let (seq, entry) = self.read(row)?;
            let head = text(&entry.data, "head").and_then(|head| Timestamp::parse(&head).ok());
            steps.extend(head.map(|head| (seq, head)));
        }
        Ok(steps)
    }

    fn read(&self, row: &rusqlite::Row<'_>) -> Result<(i64, Entry), Error> {
        let read = || -> rusqlite::Result<(i64, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?)) };
        let (seq, body) = read().map_err(|error| self.failed(&error))?;
        Ok((seq, self.parse(seq, &body)?))
    }

    fn parse(&self, seq: i64, body: &[u8]) -> Result<Entry, Error> {
        entry::read(body).map_err(|why| Error::BadEntry { path: self.path.clone(), seq, why })
    }

    fn failed(&self, error: &rusqlite::Error) -> Error {
        Error::reading(&self.path, error)
    }
}

fn text(data: &Map<String, Value>, name: &str) -> Option<String> {
    data.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn fits(pattern: &str, procedure: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(family) => family.ends_with('.') && procedure.starts_with(family),
        None => pattern == procedure,
    }
}
