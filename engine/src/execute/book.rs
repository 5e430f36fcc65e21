//! The book of a run: facts are noted, then made durable together; only then is the observer told.
//!
//! An outcome waits for the next intent for at most [`GRACE`]; an intent never waits.

use std::time::{Duration, Instant};

use super::{Checkpoint, Error, Observer, fact_of};
use crate::event::fact::{Event, Fact};
use crate::host::Probe;
use crate::id::Digest;
use crate::ledger::Ledger;
use crate::run::Run;

/// How long the outcome of an effect may stay uncommitted (section 7 of the design).
const GRACE: Duration = Duration::from_millis(50);

pub(super) struct Book<'a> {
    pub run: Run,
    ledger: &'a mut Ledger,
    actor: String,
    observer: &'a dyn Observer,
    clock: &'a dyn Probe,
    // Noted and folded into `run`, and not yet durable.
    pending: Vec<Fact>,
    outcome_since: Option<Instant>,
}

impl<'a> Book<'a> {
    pub fn new(
        ledger: &'a mut Ledger,
        run: Run,
        actor: String,
        observer: &'a dyn Observer,
        clock: &'a dyn Probe,
    ) -> Self {
        Self { run, ledger, actor, observer, clock, pending: Vec::new(), outcome_since: None }
    }

    /// Takes a fact in; it is durable with the next [`Self::flush`].
    pub fn note(&mut self, step: Option<&str>, attempt: Option<u32>, event: Event) -> Result<(), Error> {
        let is_outcome = matches!(event, Event::StepResult(_) | Event::UndoResult(_));
        let fact = fact_of(&self.run, &self.actor, step, attempt, event);
        self.run.apply(&fact, self.clock.now())?;
        self.pending.push(fact);
        if is_outcome && self.outcome_since.is_none() {
            self.outcome_since = Some(Instant::now());
        }
        Ok(())
    }

    /// Makes everything noted durable, in one commit, and tells the observer.
    pub fn flush(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut drafts = Vec::with_capacity(self.pending.len());
        for fact in &self.pending {
            let mut draft = fact.draft();
            draft.data = self.ledger.content().fit(&draft.data)?;
            drafts.push(draft);
        }
        self.ledger.append(self.clock.now(), &drafts)?;
        self.outcome_since = None;
        for fact in self.pending.drain(..) {
            self.observer.saw(&fact);
        }
        Ok(())
    }

    /// How long the oldest outcome may still wait; none where there is none.
    pub fn patience(&self) -> Option<Duration> {
        self.outcome_since.map(|since| GRACE.saturating_sub(since.elapsed()))
    }

    /// Keeps bytes in the content store beside the ledger.
    pub fn keep(&mut self, bytes: &[u8]) -> Result<Digest, Error> {
        Ok(self.ledger.content().put(bytes)?)
    }

    /// Signs what is durable.
    pub fn checkpoint(&mut self) -> Result<Checkpoint, Error> {
        let path = self.ledger.checkpoint()?;
        Ok(Checkpoint { size: self.ledger.size(), path })
    }
}
