//! Logs of JSON Lines in which each line bears its hash and names the one before it: Forge's scenario audit and its
//! billing audit. Read and judged from a private copy, in one pass; a second one where links do not fit.
//!
//! Not found by the log alone, because the format says nothing of it: lines cut from the end; a history that was hashed
//! anew from some line on. A head that was recorded elsewhere finds both ([`super::recorded_head`]). Not found at all:
//! another spelling of the same values. Nothing here repairs or appends.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::id::Digest;
use crate::ledger::report::{Report, RunReport, Status};
use crate::time::Timestamp;

use super::findings::{Findings, empty_file};
use super::json_lines::fault::Fault;
use super::json_lines::shown::{Shown, time_of};
use super::json_lines::{CarriageReturns, Content, Lines, examine, tell};
use super::python_json::{Value, canonical, canonical_utf8};
use super::recorded_head::{Heads, RecordedHead};

mod links;

use links::Links;

/// The name of this driver in reports.
pub const DRIVER: &str = "hash_chain";

/// How a line is hashed, and what it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// Forge's `audit.jsonl` of a scenario: sha256 over the canonical JSON of the line without `entry_hash`, ASCII.
    Audit,
    /// Forge's `billing_audit.jsonl` of a tenant: sha256 over `prev_hash` and the canonical JSON of `data`, UTF-8.
    Billing,
}

impl Recipe {
    /// As it is written in settings and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Billing => "billing",
        }
    }

    /// What the first line names as the one before it.
    #[must_use]
    pub fn genesis(self) -> &'static str {
        match self {
            Self::Audit => "0000000000000000000000000000000000000000000000000000000000000000",
            Self::Billing => "",
        }
    }

    /// Whether its entries are of runs: those of a scenario are.
    #[must_use]
    pub fn has_runs(self) -> bool {
        self == Self::Audit
    }

    fn hash_member(self) -> &'static str {
        match self {
            Self::Audit => "entry_hash",
            Self::Billing => "hash",
        }
    }

    /// The members that a line must have besides its two hashes.
    fn members(self) -> &'static [&'static str] {
        match self {
            Self::Audit => &["ts", "scenario_id", "event_type", "actor", "correlation_id", "details"],
            Self::Billing => &["data"],
        }
    }

    /// The run of a line, of a recipe that has them.
    fn run(self, value: &Value) -> Option<&str> {
        match (self, value) {
            (Self::Audit, Value::Object(members)) => match members.get("scenario_id") {
                Some(Value::Text(run)) => Some(run),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A line of the chain, as far as the chain is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    /// The hash that it names as the one before it.
    previous: String,
    /// The hash that it bears.
    hash: String,
}

/// A private copy of such a log.
#[derive(Debug, Clone)]
pub struct HashChain {
    name: String,
    copy: PathBuf,
    recipe: Recipe,
}

/// One run of such a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub run: String,
    /// How many lines it has.
    pub entries: u64,
    /// What its own lines come to.
    pub status: Status,
    /// When its first line says it was written; none where that is no time.
    pub first_at: Option<Timestamp>,
    /// When its last line says it was written; none where that is no time.
    pub last_at: Option<Timestamp>,
}

impl HashChain {
    /// A private copy; `name` is what messages call the log.
    #[must_use]
    pub fn new(copy: &Path, name: &str, recipe: Recipe) -> Self {
        Self { name: name.to_owned(), copy: copy.to_owned(), recipe }
    }

    /// How its lines are hashed.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        self.recipe
    }

    /// Reads every line and tells everything that is wrong. Nothing outside is compared with, so the best it comes to
    /// is `self_consistent_only`. The caller fills `subject`.
    #[must_use]
    pub fn verify(&self) -> Report {
        let mut findings = Findings::default();
        match self.walk(&mut findings) {
            Ok(true) => {}
            Ok(false) => return empty_file(DRIVER, &self.name),
            Err(error) => {
                tell(&mut findings, Fault::Unreadable, None, None, format!("`{}` cannot be read: {error}", self.name));
            }
        }
        findings.report(DRIVER, Some(self.recipe.as_str()))
    }

    /// What it comes to now, to be kept elsewhere.
    ///
    /// # Errors
    /// The report of a log that is not sound: nothing is recorded of it.
    pub fn head(&self, at: Timestamp) -> Result<RecordedHead, Box<Report>> {
        let report = self.verify();
        let heads = self.heads(&[report.entries]).ok();
        let head = heads.and_then(|mut heads| heads.after.remove(&report.entries).flatten());
        match head {
            Some(head) if report.status.is_sound() => {
                let driver = DRIVER.to_owned();
                Ok(RecordedHead { driver, recipe: Some(self.recipe), entries: report.entries, head, at })
            }
            _ => Err(Box::new(report)),
        }
    }

    /// The hash that the last of so many lines bears, for each of the sizes.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn heads(&self, sizes: &[u64]) -> io::Result<Heads> {
        let mut heads = Heads::default();
        let mut lines = Lines::open(&self.copy)?;
        while let Some(line) = lines.read_next()? {
            let (content, _) = examine(&line);
            if content == Content::Blank {
                continue;
            }
            heads.entries += 1;
            if sizes.contains(&heads.entries) {
                let link = match content {
                    Content::Value(parsed) => read_link(self.recipe, parsed.value).ok(),
                    _ => None,
                };
                heads.after.insert(heads.entries, link.map(|(link, _)| link.hash));
            }
        }
        Ok(heads)
    }

    /// The runs in the order of their first lines, each with what its own lines come to.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn runs(&self) -> io::Result<Vec<Run>> {
        let mut times: HashMap<String, (Option<Timestamp>, Option<Timestamp>)> = HashMap::new();
        self.each(&mut |shown| {
            if let Some(run) = self.run_of(&shown.entry) {
                let at = self.time(&shown.entry);
                times.entry(run.to_owned()).and_modify(|times| times.1 = at).or_insert((at, at));
            }
        })?;
        let run = |run: RunReport| {
            let (first_at, last_at) = times.get(&run.run).copied().unwrap_or_default();
            Run { run: run.run, entries: run.entries, status: run.status, first_at, last_at }
        };
        Ok(self.verify().runs.into_iter().map(run).collect())
    }

    /// Shows every line that is not blank, unjudged, in their order.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn each(&self, each: &mut dyn FnMut(Shown)) -> io::Result<()> {
        let mut lines = Lines::open(&self.copy)?;
        while let Some(line) = lines.read_next()? {
            if let Some(shown) = Shown::of(&line) {
                each(shown);
            }
        }
        Ok(())
    }

    /// The run of a line as it is shown.
    #[must_use]
    pub fn run_of<'a>(&self, entry: &'a Json) -> Option<&'a str> {
        if self.recipe.has_runs() { entry.get("scenario_id")?.as_str() } else { None }
    }

    /// When a line says it was written.
    #[must_use]
    pub fn time(&self, entry: &Json) -> Option<Timestamp> {
        match self.recipe {
            Recipe::Audit => time_of(entry.get("ts")?),
            Recipe::Billing => time_of(entry.get("data")?.get("ts")?),
        }
    }

    /// Whether there was any byte.
    fn walk(&self, findings: &mut Findings) -> io::Result<bool> {
        let mut lines = Lines::open(&self.copy)?;
        let mut links = Links::new(self.recipe);
        let mut returns = CarriageReturns::default();
        let mut any = false;
        while let Some(line) = lines.read_next()? {
            any = true;
            returns.see(&line);
            let (content, faults) = examine(&line);
            if content == Content::Blank {
                told(findings, faults, line.number, None);
                continue;
            }
            findings.entries += 1;
            let Content::Value(parsed) = content else {
                told(findings, faults, line.number, None);
                links.lost();
                continue;
            };
            let run = self.recipe.run(&parsed.value).map(ToOwned::to_owned);
            let run = run.as_deref();
            if let Some(run) = run {
                findings.run_goes_on(run);
            }
            told(findings, faults, line.number, run);
            match self.judge(parsed.value) {
                Err(detail) => {
                    let detail = format!("line {} {detail}", line.number);
                    tell(findings, Fault::MalformedEntry, Some(line.number), run, detail);
                    links.lost();
                }
                Ok((link, wrong)) => {
                    told(findings, wrong, line.number, run);
                    links.take(findings, line.number, run, link);
                }
            }
        }
        returns.tell(findings);
        if findings.entries == 0 && any {
            tell(findings, Fault::NoEntries, None, None, format!("`{}` has no entries", self.name));
        }
        links.explain(findings, &self.copy)?;
        Ok(any)
    }

    /// A line by itself: its link, and whether its hash fits; or why it is no entry.
    fn judge(&self, value: Value) -> Result<(Link, Vec<(Fault, String)>), String> {
        let (link, mut members) = read_link(self.recipe, value)?;
        if let Some(missing) = self.recipe.members().iter().find(|name| !members.contains_key(**name)) {
            return Err(format!("has no `{missing}`"));
        }
        let mut wrong = Vec::new();
        let found = match self.recipe {
            Recipe::Audit => {
                members.insert("prev_hash".to_owned(), Value::text(&link.previous));
                Digest::of(canonical(&Value::Object(members)).as_bytes())
            }
            Recipe::Billing => {
                let data = members.shift_remove("data").unwrap_or(Value::Null);
                if !matches!(data, Value::Object(_)) {
                    return Err("has a `data` that is no object".to_owned());
                }
                if let Some((name, _)) = members.first() {
                    wrong.push((Fault::UncoveredMember, format!("`{name}` stands beside `data`: no hash covers it")));
                }
                Digest::of(format!("{}{}", link.previous, canonical_utf8(&data)).as_bytes())
            }
        };
        if found.hex() != link.hash {
            let detail = format!("it bears hash {:?}, its members give {:?}", link.hash, found.hex());
            wrong.push((Fault::HashMismatch, detail));
        }
        Ok((link, wrong))
    }
}

type Members = indexmap::IndexMap<String, Value>;

/// The two hashes of a line, and its other members.
fn read_link(recipe: Recipe, value: Value) -> Result<(Link, Members), String> {
    let Value::Object(mut members) = value else { return Err("is no object".to_owned()) };
    let mut text = |name: &str| match members.shift_remove(name) {
        Some(Value::Text(text)) => Ok(text),
        Some(_) => Err(format!("has a `{name}` that is no text")),
        None => Err(format!("has no `{name}`")),
    };
    let previous = text("prev_hash")?;
    let hash = text(recipe.hash_member())?;
    Ok((Link { previous, hash }, members))
}

fn told(findings: &mut Findings, faults: Vec<(Fault, String)>, line: u64, run: Option<&str>) {
    for (fault, detail) in faults {
        tell(findings, fault, Some(line), run, detail);
    }
}

#[cfg(test)]
mod tests;
