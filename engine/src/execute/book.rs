//! The book of a run: facts are noted, then made durable together; only then is the observer told.
//!
//! What is noted has no secret in it: neither the run's state, nor the ledger, nor an observer is told one.
//!
//! An outcome waits for the next intent for at most [`GRACE`]; an intent never waits.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::requests::fact_by;
use super::{Checkpoint, Error, Means, Observer, fact_of};
use crate::event::Draft;
use crate::event::fact::{Event, Fact, SecretRead};
use crate::host::Probe;
use crate::id::Digest;
use crate::ledger::Ledger;
use crate::ledger::error::Error as LedgerError;
use crate::ledger::inbox::{self, Waiting};
use crate::ledger::locks::Locks;
use crate::run::Run;
use crate::secret::custody::{Custody, SecretUse};
use crate::time::Timestamp;

/// How long the outcome of an effect may stay uncommitted (section 7 of the design).
const GRACE: Duration = Duration::from_millis(50);

/// Keeps what a run says: the ledger, or in tests of procedures the memory.
pub trait Keeper: Send {
    /// Makes facts durable, all or none.
    ///
    /// # Errors
    /// When they are not durable.
    fn append(&mut self, now: Timestamp, drafts: Vec<Draft>) -> Result<(), LedgerError>;

    /// Keeps bytes that are named by their digest.
    ///
    /// # Errors
    /// When they are not kept.
    fn keep(&mut self, bytes: &[u8]) -> Result<Digest, LedgerError>;

    /// Signs what is durable.
    ///
    /// # Errors
    /// When it could not be signed or written.
    fn checkpoint(&mut self) -> Result<Checkpoint, LedgerError>;

    /// The named locks, as the record has them.
    ///
    /// # Errors
    /// When it cannot be read.
    fn locks(&mut self) -> Result<&Locks, LedgerError>;

    /// Where the record is, if it is a ledger that others can leave requests for.
    fn place(&self) -> Option<&Path> {
        None
    }
}

impl Keeper for Ledger {
    fn append(&mut self, now: Timestamp, mut drafts: Vec<Draft>) -> Result<(), LedgerError> {
        for draft in &mut drafts {
            draft.data = self.content().fit(&draft.data)?;
        }
        Self::append(self, now, &drafts).map(drop)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<Digest, LedgerError> {
        self.content().put(bytes)
    }

    fn checkpoint(&mut self) -> Result<Checkpoint, LedgerError> {
        let path = Self::checkpoint(self)?;
        Ok(Checkpoint { size: self.size(), path })
    }

    fn locks(&mut self) -> Result<&Locks, LedgerError> {
        Self::locks(self)
    }

    fn place(&self) -> Option<&Path> {
        Some(self.path())
    }
}

pub(super) struct Book<'a> {
    pub run: Run,
    ledger: &'a mut dyn Keeper,
    actor: String,
    observer: &'a dyn Observer,
    clock: &'a dyn Probe,
    custody: &'a Custody,
    // Noted and folded into `run`, and not yet durable.
    pending: Vec<Fact>,
    outcome_since: Option<Instant>,
}

impl<'a> Book<'a> {
    pub fn new(ledger: &'a mut dyn Keeper, run: Run, means: &Means<'a>, clock: &'a dyn Probe) -> Self {
        let (actor, custody) = (means.setting.actor.clone(), &*means.setting.custody);
        let observer = means.observer;
        Self { run, ledger, actor, observer, clock, custody, pending: Vec::new(), outcome_since: None }
    }

    /// Takes a fact in; it is durable with the next [`Self::flush`].
    pub fn note(&mut self, step: Option<&str>, attempt: Option<u32>, event: Event) -> Result<(), Error> {
        // What was read to take up a run that had ended is told once it goes on.
        if matches!(event, Event::RunResumed(_)) {
            return self.take(step, attempt, event);
        }
        // A run begins with its begin; what was read to plan it comes next.
        if self.run.facts > 0 {
            for used in self.custody.take_reads() {
                let SecretUse { name, store, key, fingerprint, by } = used;
                self.take(None, None, Event::SecretRead(SecretRead { name, store, key, fingerprint, by }))?;
            }
        }
        self.take(step, attempt, event)
    }

    /// Takes in what somebody else says of this run.
    pub fn note_by(&mut self, actor: &str, step: Option<&str>, mut event: Event) -> Result<(), Error> {
        event.mask(&self.custody.masker());
        self.keep_fact(fact_by(&self.run, actor, step, event), false)
    }

    fn take(&mut self, step: Option<&str>, attempt: Option<u32>, mut event: Event) -> Result<(), Error> {
        event.mask(&self.custody.masker());
        let is_outcome = matches!(event, Event::StepResult(_) | Event::UndoResult(_));
        self.keep_fact(fact_of(&self.run, &self.actor, step, attempt, event), is_outcome)
    }

    fn keep_fact(&mut self, fact: Fact, is_outcome: bool) -> Result<(), Error> {
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
        let drafts = self.pending.iter().map(Fact::draft).collect();
        self.ledger.append(self.clock.now(), drafts)?;
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
        Ok(self.ledger.keep(bytes)?)
    }

    /// Signs what is durable.
    pub fn checkpoint(&mut self) -> Result<Checkpoint, Error> {
        Ok(self.ledger.checkpoint()?)
    }

    /// The named locks, as the record has them.
    pub fn locks(&mut self) -> Result<&Locks, Error> {
        Ok(self.ledger.locks()?)
    }

    /// Where the record is.
    pub fn place(&self) -> Option<PathBuf> {
        self.ledger.place().map(Path::to_owned)
    }

    /// What others ask for.
    pub fn requests(&self) -> Result<Vec<Waiting>, Error> {
        match self.ledger.place() {
            Some(ledger) => Ok(inbox::waiting(ledger)?),
            None => Ok(Vec::new()),
        }
    }

    /// A request whose answer is durable is asked no more.
    pub fn take_out(&self, waiting: &Waiting) -> Result<(), Error> {
        Ok(inbox::take_out(waiting)?)
    }

    /// Makes a fact of another run durable, which nobody moves.
    pub fn append_of_other(&mut self, mut fact: Fact) -> Result<(), Error> {
        fact.event.mask(&self.custody.masker());
        let now = self.clock.now();
        Ok(self.ledger.append(now, vec![fact.draft()])?)
    }

    /// The record itself, and what time it is.
    pub fn keeper(&mut self) -> (Timestamp, &mut dyn Keeper) {
        (self.clock.now(), self.ledger)
    }
}
