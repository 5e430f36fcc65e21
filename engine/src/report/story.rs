//! The entries of a run, read back and folded.

use serde_json::Value as Json;

use super::{Entry, Error};
use crate::event::Kind;
use crate::event::fact::Event;
use crate::event::state::{Failure, RunStatus};
use crate::id::RunId;
use crate::ledger::reader::{Filter, Reader};
use crate::ledger::told::Told;
use crate::run::Run;

/// The run as its entries tell it.
pub(super) struct Story {
    /// The run.
    pub run: Run,
    /// Its entries, understood.
    pub facts: Vec<Told>,
    /// Its entries as they are shown.
    pub entries: Vec<Entry>,
}

impl Story {
    /// Reads the entries of a run and folds them.
    pub fn read(reader: &Reader, id: &RunId) -> Result<Self, Error> {
        let content = reader.content();
        let (mut run, mut facts, mut entries) = (Run::new(id.clone()), Vec::new(), Vec::new());
        reader.each(&Filter { run: Some(id), ..Filter::default() }, |stored| {
            let entry = stored.entry(reader.path())?;
            let seq = entry.seq;
            let data = content.unfit(&Json::Object(entry.data.clone()))?;
            let told = Told::of(&entry, &data).map_err(|why| Error::Entry { seq, why })?;
            run.apply(&told.fact, told.at).map_err(|source| Error::Illegal { seq, source })?;
            facts.push(told);
            entries.push(Entry {
                seq,
                ts: entry.ts,
                kind: entry.kind,
                step: entry.step,
                attempt: entry.attempt,
                actor: entry.actor,
                data: crate::event::recall(&data),
                leaf_hash: crate::merkle::spelled(&stored.hash),
            });
            Ok::<(), Error>(())
        })?;
        Ok(Self { run, facts, entries })
    }
}

/// What a run that stands still waits for.
pub(super) fn waits_for(run: &Run, facts: &[Told]) -> Option<Failure> {
    let (code, message, step) = facts.iter().rev().find_map(|told| match (&told.fact.event, run.status) {
        (Event::RunSuspended(why), Some(RunStatus::Suspended)) => {
            Some((why.because.clone(), why.detail.clone(), told.fact.step.clone()))
        }
        (Event::OutcomeUnknown(why), Some(RunStatus::Unknown)) => {
            Some(("unknown_outcome".to_owned(), why.detail.clone(), told.fact.step.clone()))
        }
        _ => None,
    })?;
    Some(Failure { code, message, step, check: None, guard: None, attempt: None })
}

/// The version of the engine that was the writer when an entry was written.
pub(super) fn writer(reader: &Reader, seq: u64) -> Result<Option<String>, Error> {
    let mut version = None;
    reader.each(&Filter { kind: Some(Kind::WriterOpen), ..Filter::default() }, |stored| {
        let entry = stored.entry(reader.path())?;
        if entry.seq < seq {
            version = entry.data.get("engine").and_then(Json::as_str).map(str::to_owned);
        }
        Ok::<(), Error>(())
    })?;
    Ok(version)
}
