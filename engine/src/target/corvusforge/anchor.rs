//! Anchors of a run: what Corvusforge's `export_anchor` gives, made only over a chain that verifies, and judged line
//! by line instead of by one yes or no.
//!
//! Where anchors are kept, and whether that place is out of reach of who writes the ledger, is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ledger::report::Finding;
use crate::target::python_json::{self, Value};
use crate::time::{Duration, Timestamp};

use super::chain::{Step, Visited};
use super::timestamp::{Stamp, isoformat};
use super::{CorvusLedger, Error};

/// What a run came to at one time. It is not signed: it is worth what the place it is kept in is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The run.
    pub run_id: String,
    /// How many entries it had.
    pub entry_count: u64,
    /// The hash of the last of them.
    pub root_hash: String,
    /// The hash of the first of them.
    pub first_entry_hash: String,
    /// When it was exported: `isoformat`, ends in `+00:00`.
    pub timestamp_utc: String,
    /// sha256 over the canonical JSON of the other five.
    pub anchor_hash: String,
}

/// How large an anchor's file may be, in bytes.
pub const MAX_ANCHOR: usize = 1024 * 1024;

/// How far ahead of our clock an anchor's may be before it counts as from the future.
const CLOCK_ALLOWANCE: Duration = Duration::from_seconds(120);

/// How many problems an error carries.
const MAX_PROBLEMS: usize = 100;

impl Anchor {
    /// Reads an anchor from its file.
    ///
    /// # Errors
    /// When it is over 1 MiB, no JSON object of exactly the six members, names one twice, or has a wrong type.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_ANCHOR {
            let detail = format!("{} bytes, at most {MAX_ANCHOR} are read", bytes.len());
            return Err(Error::NotAnAnchor { detail });
        }
        serde_json::from_slice(bytes).map_err(|error| Error::NotAnAnchor { detail: error.to_string() })
    }

    /// As the runbook prints it: indented by two, ASCII only, without a newline at its end.
    #[must_use]
    pub fn to_json_pretty(&self) -> String {
        let text = |text: &str| python_json::canonical(&Value::text(text));
        let members = [
            ("run_id", text(&self.run_id)),
            ("entry_count", self.entry_count.to_string()),
            ("root_hash", text(&self.root_hash)),
            ("first_entry_hash", text(&self.first_entry_hash)),
            ("timestamp_utc", text(&self.timestamp_utc)),
            ("anchor_hash", text(&self.anchor_hash)),
        ];
        let lines: Vec<_> = members.iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
        format!("{{\n{}\n}}", lines.join(",\n"))
    }

    /// Whether another is of the same run at the same length, whenever it was made.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let said = |anchor: &Self| (anchor.run_id.clone(), anchor.entry_count, anchor.root_hash.clone());
        said(self) == said(other) && self.first_entry_hash == other.first_entry_hash
    }

    /// The hash its other members give, 64 hex digits.
    #[must_use]
    pub fn self_hash(&self) -> String {
        let payload = Value::object([
            ("run_id", Value::text(&self.run_id)),
            ("entry_count", Value::Integer(self.entry_count.to_string())),
            ("root_hash", Value::text(&self.root_hash)),
            ("first_entry_hash", Value::text(&self.first_entry_hash)),
            ("timestamp_utc", Value::text(&self.timestamp_utc)),
        ]);
        hex::encode(Sha256::digest(python_json::canonical(&payload)))
    }
}

/// What comparing a ledger with an anchor came to. There is no one answer: each line decides something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AnchorCheck {
    /// How many entries the run has.
    pub entries: u64,
    /// How many of them came after the anchor.
    pub rows_after: u64,
    /// Every line, in a fixed order.
    pub findings: Vec<Finding>,
}

impl CorvusLedger {
    /// The anchor of a run as it is now.
    ///
    /// Upstream witnesses a broken chain without a word. Here a run is refused when anything is wrong with its entries,
    /// or when rows are missing after its last: those may have been its end.
    ///
    /// # Errors
    /// When the run has no entries, does not verify, or the file cannot be read to its end.
    pub fn anchor(&self, run: &str, at: Timestamp) -> Result<Anchor, Error> {
        let mut problems = Vec::new();
        let mut first = None;
        let mut last = None;
        let mut count = 0;
        let mut last_id = 0;
        let mut gaps = Vec::new();
        let extent = self.walk(&|found| found == run, &mut |step| match step {
            Step::Gap { first, noted } if gaps.len() < MAX_PROBLEMS => gaps.push((first, noted)),
            Step::Gap { .. } => {}
            Step::Row(row) => {
                if row.run.is_some() {
                    count += 1;
                    first = first.take().or_else(|| row.hash.map(ToOwned::to_owned));
                    last = row.hash.map(ToOwned::to_owned);
                    last_id = row.id;
                    gaps.clear();
                }
                let room = MAX_PROBLEMS.saturating_sub(problems.len());
                problems.extend(row.noted.iter().take(room).map(|noted| noted.problem(Some(row.id), row.run)));
            }
        })?;
        let (name, run) = (self.name.clone(), run.to_owned());
        let (Some(first_entry_hash), Some(root_hash)) = (first, last) else {
            return Err(if problems.is_empty() {
                Error::EmptyRun { name, run }
            } else {
                Error::Unsound { name, run, problems }
            });
        };
        problems.extend(gaps.iter().map(|(id, noted)| noted.problem(Some(*id), None)));
        problems.extend(extent.sequence.map(|noted| noted.problem(None, None)));
        problems.truncate(MAX_PROBLEMS);
        if !problems.is_empty() {
            return Err(Error::Unsound { name, run, problems });
        }
        let mut anchor = Anchor {
            run_id: run,
            entry_count: count,
            root_hash,
            first_entry_hash,
            timestamp_utc: isoformat(at),
            anchor_hash: String::new(),
        };
        anchor.anchor_hash = anchor.self_hash();
        Ok(anchor)
    }

    /// Compares `run` with an anchor of it. `covers_stage` asks that every entry of that stage lies within the anchor,
    /// `max_age` that it was exported no longer ago.
    ///
    /// # Errors
    /// When the file cannot be read to its end.
    pub fn check_anchor(
        &self,
        anchor: &Anchor,
        run: &str,
        covers_stage: Option<&str>,
        max_age: Option<Duration>,
        now: Timestamp,
    ) -> Result<AnchorCheck, Error> {
        let mut seen = Seen { covers_stage, ..Seen::default() };
        let extent = self.walk(&|found| found == run, &mut |step| match step {
            Step::Gap { noted, .. } => seen.gaps.take(noted.detail),
            Step::Row(row) => seen.row(&row, anchor.entry_count),
        })?;
        let mut findings = vec![self_hash(anchor), run_id(anchor, run), count(anchor)];
        findings.extend([seen.prefix(anchor), seen.tail(anchor), seen.rows_after(anchor)]);
        findings.extend(covers_stage.map(|stage| seen.coverage(stage)));
        findings.push(age(anchor, max_age, now));
        findings.push(seen.gaps());
        findings.push(match extent.sequence {
            None => {
                Finding::new("sequence", true, format!("`sqlite_sequence` and the last row agree: {}", extent.last_id))
            }
            Some(noted) => Finding::new("sequence", false, noted.detail),
        });
        let rows_after = seen.entries.saturating_sub(anchor.entry_count);
        Ok(AnchorCheck { entries: seen.entries, rows_after, findings })
    }
}

fn self_hash(anchor: &Anchor) -> Finding {
    let found = anchor.self_hash();
    if found == anchor.anchor_hash {
        return Finding::new("self_hash", true, "the anchor's own hash fits its members");
    }
    let detail =
        format!("`anchor_hash` is {:?}, its members give {found:?}: the anchor was edited", anchor.anchor_hash);
    Finding::new("self_hash", false, detail)
}

fn run_id(anchor: &Anchor, run: &str) -> Finding {
    let ok = anchor.run_id == run;
    let detail = if ok { format!("of run `{run}`") } else { format!("of run `{}`, expected `{run}`", anchor.run_id) };
    Finding::new("run_id", ok, detail)
}

fn count(anchor: &Anchor) -> Finding {
    match anchor.entry_count {
        0 => Finding::new("count", false, "it covers no entry, and so says nothing of any run"),
        count => Finding::new("count", true, format!("it covers {}", entries(count))),
    }
}

fn age(anchor: &Anchor, max_age: Option<Duration>, now: Timestamp) -> Finding {
    let Some(at) = Stamp::parse(&anchor.timestamp_utc).and_then(|stamp| stamp.instant()) else {
        return Finding::new("age", false, format!("`timestamp_utc` is no time: {:?}", anchor.timestamp_utc));
    };
    let age = now.since(at);
    let shown = Duration::from_seconds(age.microseconds() / 1_000_000);
    if at.since(now) > CLOCK_ALLOWANCE {
        return Finding::new("age", false, format!("exported at {at}, which is in the future"));
    }
    match max_age {
        Some(most) if age > most => {
            Finding::new("age", false, format!("exported {shown} ago, at most {most} is asked for"))
        }
        _ => Finding::new("age", true, format!("exported {shown} ago, at {at}")),
    }
}

/// What was seen of the run, on either side of the anchor.
#[derive(Default)]
struct Seen<'a> {
    covers_stage: Option<&'a str>,
    entries: u64,
    first: Option<String>,
    root: Option<String>,
    prefix_faults: Faults,
    tail_faults: Faults,
    stage_within: u64,
    stage_after: u64,
    gaps: Faults,
}

/// How many faults, and the first.
#[derive(Default)]
struct Faults {
    count: u64,
    first: Option<String>,
}

impl Faults {
    fn take(&mut self, fault: String) {
        self.count += 1;
        self.first.get_or_insert(fault);
    }

    fn take_all(&mut self, row: &Visited<'_>) {
        for noted in &row.noted {
            self.take(format!("{} at row {}: {}", noted.fault.as_str(), row.id, noted.detail));
        }
    }

    fn tell(&self) -> Option<String> {
        let first = self.first.as_ref()?;
        Some(match self.count {
            1 => first.clone(),
            count => format!("{count} faults, the first: {first}"),
        })
    }
}

impl Seen<'_> {
    fn row(&mut self, row: &Visited<'_>, covered: u64) {
        if row.run.is_none() {
            // Nobody knows whose row it is: it counts against both sides.
            self.prefix_faults.take_all(row);
            self.tail_faults.take_all(row);
            return;
        }
        self.entries = row.place;
        if row.place == 1 {
            self.first = row.hash.map(ToOwned::to_owned);
        }
        if row.place == covered {
            self.root = row.hash.map(ToOwned::to_owned);
        }
        let is_stage = u64::from(self.covers_stage.is_some() && self.covers_stage == row.stage);
        if row.place <= covered {
            self.prefix_faults.take_all(row);
            self.stage_within += is_stage;
        } else {
            self.tail_faults.take_all(row);
            self.stage_after += is_stage;
        }
    }

    fn prefix(&self, anchor: &Anchor) -> Finding {
        let mut wrong = Vec::new();
        let mut differs = |what: &str, found: &Option<String>, expected: &str| {
            if found.as_deref() != Some(expected) {
                wrong.push(format!(
                    "{what} is {:?}, the anchor says {expected:?}",
                    found.as_deref().unwrap_or_default()
                ));
            }
        };
        if anchor.entry_count == 0 {
            wrong.push("the anchor covers nothing to compare with".to_owned());
        } else if self.entries < anchor.entry_count {
            differs("the first hash", &self.first, &anchor.first_entry_hash);
            wrong.push(format!("the run has {}, the anchor says {}", entries(self.entries), anchor.entry_count));
        } else {
            differs("the first hash", &self.first, &anchor.first_entry_hash);
            differs(&format!("the hash of entry {}", anchor.entry_count), &self.root, &anchor.root_hash);
        }
        wrong.extend(self.prefix_faults.tell());
        if wrong.is_empty() {
            let detail = format!("what was anchored is there and agrees: {}", entries(anchor.entry_count));
            return Finding::new("prefix", true, detail);
        }
        Finding::new("prefix", false, wrong.join("; "))
    }

    fn tail(&self, anchor: &Anchor) -> Finding {
        if self.entries < anchor.entry_count {
            return Finding::new("tail", false, "the run ends before the anchor does");
        }
        match self.tail_faults.tell() {
            Some(faults) => Finding::new("tail", false, faults),
            None => Finding::new("tail", true, "what came after the anchor agrees with itself"),
        }
    }

    fn rows_after(&self, anchor: &Anchor) -> Finding {
        match self.entries.checked_sub(anchor.entry_count) {
            Some(after) => {
                Finding::new("rows_after", true, format!("{} after the anchor, not covered by it", entries(after)))
            }
            None => Finding::new(
                "rows_after",
                false,
                format!("{} fewer than were anchored", entries(anchor.entry_count - self.entries)),
            ),
        }
    }

    fn coverage(&self, stage: &str) -> Finding {
        let (within, after) = (self.stage_within, self.stage_after);
        let detail = format!("{} of `{stage}` within the anchor, {after} after it", entries(within));
        Finding::new("coverage", within > 0 && after == 0, detail)
    }

    fn gaps(&self) -> Finding {
        match self.gaps.tell() {
            None => Finding::new("gaps", true, "no row is missing"),
            Some(gaps) => Finding::new("gaps", false, gaps),
        }
    }
}

/// How many entries, in words.
fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

#[cfg(test)]
mod tests;
