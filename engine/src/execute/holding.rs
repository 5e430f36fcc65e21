//! Named locks of a run: taken all or none, looked at before each effect, given back at a certain end.

use super::{Error, Halt, Runner};
use crate::event::fact::Event;
use crate::event::held::LockHeld;
use crate::event::state::{Failure, RunStatus, StepState};
use crate::ledger::locks::Holding;

/// A lock that another run holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy {
    /// Its name.
    pub lock: String,
    /// Who holds it.
    pub holding: Holding,
}

impl Runner<'_> {
    /// Takes those that the run does not hold yet: all of them, or none and the first that another run holds. They are
    /// its own with the next commit.
    pub(super) fn take_locks(&self, wanted: &[String]) -> Result<Option<Busy>, Error> {
        let mut book = self.book();
        let mut missing: Vec<String> =
            wanted.iter().filter(|lock| !book.run.locks.contains_key(*lock)).cloned().collect();
        if missing.is_empty() {
            return Ok(None);
        }
        missing.sort();
        missing.dedup();
        let run = book.run.id.clone();
        let own = book.run.locks.values().max().map_or(0, |fence| fence + 1);
        let locks = book.locks()?;
        if let Some((lock, holding)) = locks.busy(&missing, &run) {
            return Ok(Some(Busy { lock: lock.to_owned(), holding: holding.clone() }));
        }
        let first = locks.next_fence().max(own);
        for (lock, fence) in missing.into_iter().zip(first..) {
            book.note(None, None, Event::LockTaken(LockHeld { lock, fence }))?;
        }
        Ok(None)
    }

    /// Before an effect: nobody wants the run to end, and each lock is still its own.
    pub(super) fn before_effect(&self, path: &str) -> Result<(), Halt> {
        self.attend(path)?;
        let mut book = self.book();
        if let Some((lock, why)) = book.run.lost_locks.first_key_value() {
            return Err(lost(lock, &format!("it was broken: {why}"), path));
        }
        if book.run.locks.is_empty() {
            return Ok(());
        }
        let (run, held) = (book.run.id.clone(), book.run.locks.clone());
        let locks = book.locks()?;
        for (lock, fence) in held {
            match locks.holding(&lock) {
                Some(holding) if holding.run == run && holding.fence == fence => {}
                Some(holding) => {
                    let why = format!("run {} has it with fencing number {}", holding.run, holding.fence);
                    return Err(lost(&lock, &why, path));
                }
                None => return Err(lost(&lock, "nobody has it any more", path)),
            }
        }
        Ok(())
    }

    /// Gives all of them back, in the commit of the run's end. A run that is stuck keeps them.
    pub(super) fn release_locks(&self, status: RunStatus) -> Result<(), Error> {
        let mut book = self.book();
        if status == RunStatus::Stuck || book.run.is_open() {
            return Ok(());
        }
        for (lock, fence) in book.run.locks.clone() {
            book.note(None, None, Event::LockReleased(LockHeld { lock, fence }))?;
        }
        Ok(())
    }
}

/// What a run stops with that cannot have its locks.
pub(super) fn busy(busy: &Busy, step: Option<&str>) -> Halt {
    let Busy { lock, holding } = busy;
    let message = format!("lock `{lock}` is held by run {}, since {}", holding.run, holding.since);
    Halt::of(failure("lock_busy", message, step), StepState::Refused)
}

fn lost(lock: &str, why: &str, path: &str) -> Halt {
    let message = format!("lock `{lock}` is no longer this run's ({why}); nothing was done after that");
    Halt::of(failure("lock_lost", message, Some(path)), StepState::Refused)
}

fn failure(code: &str, message: String, step: Option<&str>) -> Failure {
    let step = step.map(str::to_owned);
    Failure { code: code.to_owned(), message, step, check: None, guard: None, attempt: None }
}
