//! The challenge log as entries with a level each; whether its digest fits is not judged here.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::{LEVELS, object, state};
use crate::action::Error;
use crate::host::Probe;
use crate::id::Digest;
use crate::target::json_lines::Lines;
use crate::target::json_lines::shown::{Shown, time_of};
use crate::time::Timestamp;

/// The log's name in the state folder.
pub const LOG: &str = "challenge_events.jsonl";

/// What a challenge was closed with; all else is open.
const CLOSED: [&str; 3] = ["resolved", "rejected", "closed"];

/// From which deviation on a level is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds(pub [f64; 3]);

/// One entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its line, from 1.
    pub line: u64,
    /// The level it states, an index of [`LEVELS`]; none if it states none of them.
    pub stated: Option<usize>,
    /// Its deviation.
    pub deviation: Option<f64>,
    /// The deviation as written.
    pub written: Option<String>,
    /// When it happened, if it says so.
    pub at: Option<Timestamp>,
    /// Whether nobody closed it.
    pub open: bool,
    /// Its id, if it has one.
    pub id: Option<String>,
}

/// The whole log.
#[derive(Debug)]
pub struct Log {
    /// Entries that can be read, in the order of the file.
    pub events: Vec<Event>,
    /// Lines that cannot.
    pub unreadable: u64,
    /// Digest of the bytes.
    pub subject: Digest,
}

impl Thresholds {
    /// Those of `mvcrs_config.json`, which must rise.
    ///
    /// # Errors
    /// `not_found` without the file, `bad_config` where one is missing or they do not rise.
    pub fn read(probe: &dyn Probe, directory: &Path) -> Result<(Self, [String; 3]), Error> {
        let path = state(directory, "mvcrs_config.json");
        let shown = path.display().to_string();
        let config = object(probe, &path)?;
        let config = config.ok_or_else(|| Error::new("not_found", format!("there is no `{shown}`")))?;
        let (mut numbers, mut written) = ([0.0; 3], [String::new(), String::new(), String::new()]);
        for (index, level) in LEVELS.iter().enumerate() {
            let name = format!("deviation_threshold_{level}");
            let number = config.get(&name).and_then(Value::as_f64).filter(|number| *number >= 0.0);
            numbers[index] = number
                .ok_or_else(|| Error::new("bad_config", format!("`{shown}`: `{name}` is no number from 0 on")))?;
            written[index] = config.get(&name).map(ToString::to_string).unwrap_or_default();
        }
        if !numbers.is_sorted_by(|left, right| left < right) {
            return Err(Error::new(
                "bad_config",
                format!("`{shown}`: the thresholds {} do not rise", written.join(", ")),
            ));
        }
        Ok((Self(numbers), written))
    }

    /// The highest level that a deviation reaches.
    #[must_use]
    pub fn level(&self, deviation: f64) -> Option<usize> {
        self.0.iter().rposition(|threshold| *threshold <= deviation)
    }
}

impl Log {
    /// Reads the log from a private copy; one that is not there has no entries.
    ///
    /// # Errors
    /// When it cannot be copied or read.
    pub fn read(probe: &dyn Probe, directory: &Path) -> Result<Self, Error> {
        let path = state(directory, LOG);
        if probe.stat(&path)?.is_none() {
            return Ok(Self { events: Vec::new(), unreadable: 0, subject: Digest::of(b"") });
        }
        let scratch = probe.scratch(std::slice::from_ref(&path))?;
        let copied = scratch.files.first();
        let copied = copied.ok_or_else(|| Error::new("not_found", format!("`{}` is gone", path.display())))?;
        let (events, unreadable) = walk(&copied.copy)
            .map_err(|error| Error::new("file", format!("`{}` cannot be read: {error}", path.display())))?;
        Ok(Self { events, unreadable, subject: copied.digest.clone() })
    }
}

fn walk(path: &Path) -> io::Result<(Vec<Event>, u64)> {
    let (mut events, mut unreadable) = (Vec::new(), 0);
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.read_next()? {
        let Some(shown) = Shown::of(&line) else { continue };
        match event(&shown) {
            Some(event) => events.push(event),
            None => unreadable += 1,
        }
    }
    Ok((events, unreadable))
}

/// An entry; none where the line is no object, or says something twice or in a way that cannot be read.
fn event(shown: &Shown) -> Option<Event> {
    let members = shown.entry.as_object().filter(|_| shown.problems.is_empty())?;
    let level = members.get("level").and_then(Value::as_str);
    let at = members.get("ts").or_else(|| members.get("timestamp"));
    let resolution = members.get("resolution").and_then(Value::as_str);
    let deviation = members.get("deviation");
    Some(Event {
        line: shown.line,
        stated: LEVELS.iter().position(|known| Some(*known) == level),
        deviation: deviation.and_then(Value::as_f64),
        written: deviation.filter(|deviation| deviation.is_number()).map(ToString::to_string),
        at: at.and_then(time_of),
        open: !resolution.is_some_and(|word| CLOSED.contains(&word)),
        id: members.get("id").and_then(Value::as_str).map(str::to_owned),
    })
}
