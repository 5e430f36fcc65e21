//! The anchor of a log of JSON Lines: how many lines it had at one time, and what the last of them came to. Such a log
//! signs nothing and links at most one line to the next, so what is kept elsewhere is the only witness of its end.
//!
//! It is not signed: it is worth what the place it is kept in is worth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::is_sha256_hex;
use crate::ledger::report::{AnchorReport, Problem, Report, Status};
use crate::ledger::signed::Given;
use crate::time::{Duration, Timestamp};

use super::hash_chain::Recipe;

/// How large its file may be, in bytes.
pub const MAX_HEAD: usize = 64 * 1024;

/// How far ahead of our clock its time may be before it counts as from the future.
const CLOCK_ALLOWANCE: Duration = Duration::from_seconds(120);

/// What a log came to at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedHead {
    /// `hash_chain` or `digest_log`.
    pub driver: String,
    /// How the lines of a `hash_chain` are hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
    /// How many lines it had that are not blank; at least one.
    pub entries: u64,
    /// The hash that the last of them bears, or the digest over all of them: 64 hex digits.
    pub head: String,
    /// When it was recorded.
    pub at: Timestamp,
}

/// What a log comes to after some of its lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    /// How many lines it has that are not blank.
    pub entries: u64,
    /// The head after as many lines; none where it cannot be told.
    pub after: BTreeMap<u64, Option<String>>,
}

/// Recorded heads from elsewhere, and what is asked of them.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// What is there, not read yet.
    pub given: Vec<Given>,
    /// What was asked for and is not there.
    pub missing: Vec<String>,
    /// How old the newest may be.
    pub max_age: Option<Duration>,
}

impl RecordedHead {
    /// Reads one from its file.
    ///
    /// # Errors
    /// In words, when it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_HEAD {
            return Err(format!("it has more than {MAX_HEAD} bytes"));
        }
        let head: Self = serde_json::from_slice(bytes).map_err(|error| format!("it is no recorded head: {error}"))?;
        match () {
            () if !is_sha256_hex(&head.head) => Err(format!("its head is {:?}, expected 64 hex digits", head.head)),
            () if head.entries == 0 => Err("it covers no line".to_owned()),
            () => Ok(head),
        }
    }

    /// As it is kept: a line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Names, numbers and text always have a form in JSON.
        format!("{}\n", serde_json::to_string(self).unwrap_or_default())
    }

    /// Compares it with what the log comes to now.
    fn compare(&self, source: String, (driver, recipe): (&str, Option<Recipe>), heads: &Heads) -> AnchorReport {
        let (size, entries) = (self.entries, heads.entries);
        let (status, detail) = match heads.after.get(&size) {
            _ if self.driver != driver || self.recipe != recipe => {
                let of = |driver: &str, recipe: Option<Recipe>| {
                    format!("{driver}{}", recipe.map(|recipe| format!(" ({})", recipe.as_str())).unwrap_or_default())
                };
                let (found, expected) = (of(&self.driver, self.recipe), of(driver, recipe));
                (Status::AnchorMissing, format!("it is the head of a {found}, expected one of a {expected}"))
            }
            _ if entries < size => (
                Status::Truncated,
                format!("it says {size} lines, {entries} are there: {} are missing", size - entries),
            ),
            Some(Some(head)) if *head == self.head => {
                (Status::Ok, format!("the first {size} of {entries} lines are as they were"))
            }
            Some(Some(head)) => (
                Status::Fork,
                format!("the first {size} lines come to {head:?}, it says {:?}: another history", self.head),
            ),
            _ => (Status::Fork, format!("what the first {size} lines come to cannot be told")),
        };
        AnchorReport { source, size, at: Some(self.at.to_string()), status, detail }
    }
}

impl Recorded {
    /// Whether nothing was given or asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.missing.is_empty() && self.max_age.is_none()
    }

    /// Adds what they come to. A sound log is `ok` when each fits, there is one, and the newest is new enough.
    ///
    /// # Errors
    /// What reading the log again came to.
    pub fn hold<E>(
        self,
        report: &mut Report,
        (driver, recipe): (&str, Option<Recipe>),
        now: Timestamp,
        heads: impl FnOnce(&[u64]) -> Result<Heads, E>,
    ) -> Result<(), E> {
        let read: Vec<(String, Result<RecordedHead, String>)> =
            self.given.into_iter().map(|given| (given.source, RecordedHead::parse(&given.bytes))).collect();
        let sizes: Vec<u64> = read.iter().filter_map(|(_, read)| Some(read.as_ref().ok()?.entries)).collect();
        let newest = read.iter().filter_map(|(_, read)| Some(read.as_ref().ok()?.at)).max();
        let heads = heads(&sizes)?;
        let missing =
            |(source, detail)| AnchorReport { source, size: 0, at: None, status: Status::AnchorMissing, detail };
        let gone = self.missing.into_iter().map(|source| missing((source, "it is not there".to_owned())));
        let mut found: Vec<AnchorReport> = gone.collect();
        for (source, read) in read {
            found.push(match read {
                Ok(head) => head.compare(source, (driver, recipe), &heads),
                Err(why) => missing((source, why)),
            });
        }
        for anchor in found.iter().filter(|anchor| anchor.status != Status::Ok) {
            tell(report, anchor.status, format!("{}: {}", anchor.source, anchor.detail));
        }
        if let Some(why) = self.max_age.and_then(|most| stale(newest, most, now)) {
            tell(report, Status::AnchorStale, why);
        }
        if report.status.is_sound() && found.iter().any(|anchor| anchor.status == Status::Ok) {
            report.status = Status::Ok;
        }
        report.anchors.extend(found);
        Ok(())
    }
}

/// One more thing is wrong; what the log itself comes to, and what was found before, stays.
fn tell(report: &mut Report, status: Status, detail: String) {
    report.problems.push(Problem { code: status.as_str().to_owned(), seq: None, run: None, detail });
    let gravity = |status: Status| match status {
        Status::Fork => 4,
        Status::Truncated => 3,
        Status::AnchorMissing => 2,
        Status::AnchorStale => 1,
        _ => 0,
    };
    if report.status.is_sound() || (gravity(report.status) > 0 && gravity(status) > gravity(report.status)) {
        report.status = status;
    }
}

/// Why the newest is not new enough.
fn stale(newest: Option<Timestamp>, most: Duration, now: Timestamp) -> Option<String> {
    let Some(newest) = newest else { return Some("there is no recorded head, new or old".to_owned()) };
    let age = now.since(newest).microseconds();
    match () {
        () if age > most.microseconds() => Some(format!("the newest head is of {newest}, more than {most} ago")),
        () if -age > CLOCK_ALLOWANCE.microseconds() => {
            Some(format!("the newest head is of {newest}, which is to come"))
        }
        () => None,
    }
}

#[cfg(test)]
mod tests;
