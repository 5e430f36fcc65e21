//! A fact of a run, and where the ledger tells it: the one way from an entry back to what was noted.

use serde_json::Value;

use super::entry::Entry;
use crate::event::fact::{Event, Fact};
use crate::time::Timestamp;

/// One fact of a run, as an entry tells it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The number of the entry.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub fact: Fact,
}

impl Told {
    /// What an entry of a run tells; `data` is its data, with what was kept elsewhere put back.
    ///
    /// # Errors
    /// In words, when it is of no run, or does not say what its kind says.
    pub fn of(entry: &Entry, data: &Value) -> Result<Self, String> {
        let run = entry.run.clone().ok_or("it is of no run")?;
        let data = data.as_object().ok_or("its data is no object")?;
        let event = Event::from_entry(entry.kind, data).map_err(|error| error.to_string())?;
        let fact = Fact { run, step: entry.step.clone(), attempt: entry.attempt, actor: entry.actor.clone(), event };
        Ok(Self { seq: entry.seq, at: entry.ts, fact })
    }
}
