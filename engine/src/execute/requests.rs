//! What others ask of the process that moves a run: read before each move and whenever somebody knocks, recorded, and
//! only then taken out of the inbox.
//!
//! A request is believed no further than its sender could have gone alone: whoever may write beside the ledger may ask
//! for a run to be cancelled or a lock to be broken.

use std::path::Path;

use super::cancel::{self, Cancelling};
use super::noting::{self, Court};
use super::resume::recorded;
use super::{Error, Halt, Runner, fact_of};
use crate::event::fact::{Event, Fact};
use crate::event::held::{LockBroken, RunCancelled};
use crate::ledger::inbox::{Request, Waiting, Wish};
use crate::ledger::reader::Reader;

impl Runner<'_> {
    /// Reads the inbox and does what it says; stops where this run is to end.
    pub(super) fn attend(&self, place: &str) -> Result<(), Halt> {
        if self.book().is_away() {
            // Whoever has the ledger reads it.
            return Ok(());
        }
        let waiting = self.book().requests()?;
        for one in &waiting {
            // What is no request stays where it is, for whoever looks after the folder.
            if let Ok(request) = &one.request {
                self.answer(one, request)?;
            }
        }
        let cancelled = self.book().run.cancelled.clone();
        match cancelled {
            Some(cancelled) if !self.is_finishing(place) && !self.is_undoing() => {
                Err(Halt::Cancelled(cancelled.reason))
            }
            _ => Ok(()),
        }
    }

    /// Resolves once this run is to end.
    pub(super) async fn told_to_cancel(&self, place: &str) -> Halt {
        let mut knocks = self.means.knocks.clone();
        loop {
            if knocks.changed().await.is_err() {
                // Nobody is left who could knock.
                return std::future::pending().await;
            }
            if let Err(halt) = self.attend(place) {
                return halt;
            }
        }
    }

    fn answer(&self, waiting: &Waiting, request: &Request) -> Result<(), Error> {
        match &request.wish {
            // A run waits for nothing while it moves: those to this one are taken note of when it goes on again.
            Wish::Approval { .. } if request.run == self.asking.run => Ok(()),
            Wish::Approval { .. } => self.note_approval(waiting, request),
            Wish::BreakLock { lock, reason } => {
                self.break_lock(waiting, request, lock, reason)?;
                self.book().take_out(waiting)
            }
            Wish::Cancel { reason } if request.run == self.asking.run => {
                // An undo is not torn off: it leaves less behind than a part of it would.
                if self.is_undoing() {
                    return Ok(());
                }
                let mut book = self.book();
                let name = name_of(&waiting.path);
                let again = name.as_ref().is_some_and(|name| book.run.answered.contains(name));
                if book.run.cancelled.is_none() && !again {
                    let event = RunCancelled { reason: reason.clone(), request: name };
                    book.note_by(&request.actor, None, Event::RunCancelled(event))?;
                    book.flush()?;
                }
                book.take_out(waiting)
            }
            Wish::Cancel { reason } => {
                self.cancel_other(waiting, request, reason)?;
                self.book().take_out(waiting)
            }
        }
    }

    fn note_approval(&self, waiting: &Waiting, request: &Request) -> Result<(), Error> {
        let Some(ledger) = self.book().place() else { return Ok(()) };
        let (Some(signed), Ok(scratch)) = (noting::approval_of(request), self.means.host.scratch(&[])) else {
            return Ok(());
        };
        let reader = Reader::copy(&ledger, &scratch.folder)?;
        let setting = self.means.setting;
        let mut book = self.book();
        let (now, keeper) = book.keeper();
        let court = Court { workspace: &setting.workspace, environment: setting.environment, now };
        if let Some(why) = noting::note(keeper, &reader, court, &request.run, &signed)? {
            let told = format!("an approval from the inbox does not count: {why}");
            self.means.observer.busy(request.run.as_str(), &told);
        }
        book.take_out(waiting)
    }

    fn break_lock(&self, waiting: &Waiting, request: &Request, lock: &str, reason: &str) -> Result<(), Error> {
        let name = name_of(&waiting.path);
        let mut book = self.book();
        let locks = book.locks()?;
        let again = name.as_deref().is_some_and(|name| locks.was_broken_by(name));
        let holding = locks.holding(lock).filter(|holding| holding.run == request.run && !again).cloned();
        let Some(holding) = holding else { return Ok(()) };
        let broken =
            LockBroken { lock: lock.to_owned(), fence: holding.fence, reason: reason.to_owned(), request: name };
        let event = Event::LockBroken(broken);
        if request.run == self.asking.run {
            book.note_by(&request.actor, None, event)?;
            return book.flush();
        }
        let actor = Some(request.actor.clone());
        book.append_of_other(Fact { run: request.run.clone(), step: None, attempt: None, actor, event })
    }

    /// A run that nobody moves: it is ended here, where the ledger is.
    fn cancel_other(&self, waiting: &Waiting, request: &Request, reason: &str) -> Result<(), Error> {
        let Some(ledger) = self.book().place() else { return Ok(()) };
        let scratch = match self.means.host.scratch(&[]) {
            Ok(scratch) => scratch,
            // Not now: whoever asked is told that it is not confirmed.
            Err(_) => return Ok(()),
        };
        let Some(found) = recorded(&Reader::copy(&ledger, &scratch.folder)?, &request.run)? else { return Ok(()) };
        let by = cancel::By { actor: &request.actor, reason, request: name_of(&waiting.path) };
        let mut book = self.book();
        let (now, keeper) = book.keeper();
        cancel::cancel(keeper, found.run, &by, now).map(|_: Cancelling| ())
    }

    pub(super) fn is_finishing(&self, place: &str) -> bool {
        let finishing = self.finishing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        finishing.iter().any(|prefix| place.starts_with(prefix.as_str()))
    }

    /// From now on the steps of a frame are those that always run last: a wish to end is fulfilled already.
    pub(super) fn begin_finishing(&self, prefix: &str) {
        self.finishing.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(prefix.to_owned());
    }
}

/// A request is known by the name of its file, which is new each time.
fn name_of(path: &Path) -> Option<String> {
    path.file_stem().map(|name| name.to_string_lossy().into_owned())
}

/// A fact of a run, said by somebody else than who moves it.
pub(super) fn fact_by(run: &crate::run::Run, actor: &str, step: Option<&str>, event: Event) -> Fact {
    fact_of(run, actor, step, None, event)
}
