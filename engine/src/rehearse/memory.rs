//! What a case is recorded in: the memory in place of a ledger, and a notebook of what observers are told.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use indexmap::IndexMap;
use serde_json::Value as Json;

use super::nowhere::ATTACHED;
use crate::event::Draft;
use crate::event::fact::{Event, Fact};
use crate::execute::people::{Answer, Asked, People};
use crate::execute::{Checkpoint, Keeper, Observer};
use crate::id::{Digest, Id};
use crate::ledger::error::Error;
use crate::ledger::locks::Locks;
use crate::time::Timestamp;

/// Counts facts and forgets them, but for who holds which lock: the notebook has them.
#[derive(Default)]
pub(super) struct Memory {
    size: u64,
    locks: Locks,
}

impl Memory {
    /// A memory in which runs before this one hold locks.
    pub fn with_locks(locks: Locks) -> Self {
        Self { size: 0, locks }
    }
}

impl Keeper for Memory {
    fn append(&mut self, now: Timestamp, drafts: Vec<Draft>) -> Result<(), Error> {
        self.size += drafts.len() as u64;
        drafts.iter().for_each(|draft| self.locks.apply(draft.kind, draft.run.as_ref(), &draft.data, now));
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<Digest, Error> {
        Ok(Digest::of(bytes))
    }

    fn checkpoint(&mut self) -> Result<Checkpoint, Error> {
        Ok(Checkpoint { size: self.size, path: PathBuf::from("in memory") })
    }

    fn locks(&mut self) -> Result<&Locks, Error> {
        Ok(&self.locks)
    }
}

/// Every fact that became durable, in order.
#[derive(Default)]
pub(super) struct Notebook(Mutex<Vec<Fact>>);

impl Notebook {
    pub fn facts(&self) -> Vec<Fact> {
        self.lock().clone()
    }

    /// Whether a step is being taken back.
    fn undoes(&self, step: &str) -> bool {
        let facts = self.lock();
        let last = facts.iter().rev().find(|fact| fact.step.as_deref() == Some(step));
        last.is_some_and(|fact| matches!(fact.event, Event::UndoIntent(_)))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fact>> {
        // A fact is pushed whole or not at all.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Notebook {
    fn saw(&self, fact: &Fact) {
        self.lock().push(fact.clone());
    }

    fn busy(&self, _: &str, _: &str) {}
}

/// People who answer what the case says, read back what they are shown, and attach what is asked for.
pub(super) struct Scripted<'a> {
    pub answers: &'a IndexMap<String, IndexMap<Id, Json>>,
    pub notebook: &'a Notebook,
}

#[async_trait]
impl People for Scripted<'_> {
    async fn ask(&self, asked: &Asked<'_>) -> Option<Answer> {
        let by = super::script::without_item(asked.path);
        let key = if self.notebook.undoes(asked.path) { format!("{by}.undo") } else { by };
        let answers = self.answers.get(&key)?;
        let wanted = asked.evidence.map_or(0, |evidence| evidence.min);
        Some(Answer {
            answers: answers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
            read_back: asked.read_back.map(str::to_owned),
            evidence: (1..=wanted).map(|number| PathBuf::from(format!("{ATTACHED}/{number}"))).collect(),
        })
    }
}
