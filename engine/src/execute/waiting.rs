//! Waits: cut short by whoever asks to stop; during a long one the run is suspended on record and others may write the
//! ledger, and then it goes on.
//!
//! Only looking is done while the ledger is away: what is noted waits until it is back. Lanes of a `parallel`, an undo
//! and steps that always run last keep the ledger: what moves beside them, or must not stop, needs it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration as StdDuration;

use super::lending::is_busy;
use super::resume::facts_of;
use super::steps::Boxed;
use super::{Error, Halt, Runner};
use crate::event::Kind;
use crate::event::fact::Fact;
use crate::frame::Frame;
use crate::ledger::reader::Reader;
use crate::procedure::guard::Moment;
use crate::run::Run;
use crate::time::{Duration, Timestamp};

/// A wait that is longer gives up the ledger (section 5 of the design).
pub const LENDS_AFTER: StdDuration = StdDuration::from_secs(60);

/// How often it is looked whether the ledger is free again.
const BETWEEN_LOOKS: StdDuration = StdDuration::from_millis(200);

/// Why a run is suspended that waits by itself.
const WAITING: &str = "waiting";

impl Runner<'_> {
    /// Waits for something that may take long and has no effect. How long it may take at most is said where that is
    /// known: then the ledger is given up at once or never.
    pub(super) async fn patiently<T>(
        &self,
        frame: &Arc<Frame>,
        path: &str,
        at_most: Option<Duration>,
        work: impl Future<Output = Result<T, Halt>>,
    ) -> Result<T, Halt> {
        let mut work = pin!(work);
        let limit = self.means.lends_after;
        let is_short = at_most.is_some_and(|at_most| at_most.as_std() <= limit);
        if is_short || self.keeps_ledger(path) {
            return work.await;
        }
        if at_most.is_none() {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep(limit) => {}
            }
        }
        let how_long = at_most.map(|at_most| format!(" for up to {at_most}")).unwrap_or_default();
        let detail = format!("`{path}` waits{how_long}; the ledger is free for others meanwhile");
        if !self.book().leave(path, WAITING, &detail)? {
            return work.await;
        }
        self.means.observer.busy(path, "waits; the ledger is free for others meanwhile");
        let done = work.await;
        let was_told_to_stop = matches!(done, Err(Halt::Suspended { .. }));
        if self.come_back(was_told_to_stop).await? && !was_told_to_stop {
            // What is asked then does not wait without the ledger again.
            self.keeping.fetch_add(1, Ordering::Relaxed);
            let may = self.go_on_after(frame).await;
            self.keeping.fetch_sub(1, Ordering::Relaxed);
            may?;
        }
        done
    }

    /// Sleeps, unless asked to stop.
    pub(super) async fn sleep_until(&self, until: tokio::time::Instant, place: &str) -> Result<(), Halt> {
        let mut interrupts = self.means.interrupts.clone();
        tokio::select! {
            () = tokio::time::sleep_until(until) => Ok(()),
            () = asked_to_stop(&mut interrupts) => Err(interrupted(Some(place))),
            halt = self.told_to_cancel(place) => Err(halt),
        }
    }

    fn keeps_ledger(&self, path: &str) -> bool {
        let is_kept = self.keeping.load(Ordering::Relaxed) > 0;
        is_kept || self.is_undoing() || self.is_finishing(path) || self.book().is_away()
    }

    /// Takes the ledger again once it is free, and says that the run goes on, if it still is as it was left. A run that
    /// is to stop does not wait for that: it stays suspended, as it stands on record.
    async fn come_back(&self, is_to_stop: bool) -> Result<bool, Halt> {
        let mut interrupts = self.means.interrupts.clone();
        loop {
            let taken = self.book().take_again();
            match taken {
                Ok(()) => break,
                Err(error) if is_busy(&error) && is_to_stop => return Ok(false),
                Err(error) if is_busy(&error) => tokio::select! {
                    () = tokio::time::sleep(BETWEEN_LOOKS) => {}
                    () = asked_to_stop(&mut interrupts) => return Err(interrupted(None)),
                },
                Err(error) => return Err(error.into()),
            }
        }
        self.means.history.forget();
        let left = self.book().run_as_left();
        let later = self.said_since(&left)?;
        let by_others = later.iter().find(|(_, fact)| !may_happen_meanwhile(fact.event.kind()));
        if by_others.is_some() {
            let mut run = left;
            for (at, fact) in &later {
                run.apply(fact, *at).map_err(Error::from)?;
            }
            return Err(Error::Overtaken { run: run.id.clone(), status: run.status }.into());
        }
        self.book().came_back(&later)?;
        Ok(true)
    }

    /// What the ledger says of this run beyond its first facts.
    fn said_since(&self, left: &Run) -> Result<Vec<(Timestamp, Fact)>, Error> {
        let Some(place) = self.book().place() else { return Ok(Vec::new()) };
        let scratch = self.means.host.scratch(&[]).map_err(|error| Error::Scratch { why: error.to_string() })?;
        let mut facts = facts_of(&Reader::copy(&place, &scratch.folder)?, &left.id)?;
        let known = usize::try_from(left.facts).unwrap_or(usize::MAX);
        Ok(facts.split_off(known.min(facts.len())))
    }

    /// What holds when a run goes on: guards, and the preconditions that count still.
    fn go_on_after<'s>(&'s self, frame: &'s Arc<Frame>) -> Boxed<'s, Result<(), Halt>> {
        Box::pin(async move {
            let roots = self.plan.root.guards();
            let is_of_root = |id: &str| roots.iter().any(|held| held.id() == id);
            let inner = frame.guards().into_iter().filter(|held| !is_of_root(&held.id()));
            for held in inner.filter(|held| held.guard().enforce.contains(&Moment::Resume)) {
                self.guard_state_at(&held, "resume").await?;
            }
            let had_effect = self.book().run.had_effect();
            self.may_go_on(had_effect).await
        })
    }
}

/// Resolves once somebody asked to stop.
pub(super) async fn asked_to_stop(interrupts: &mut super::Interrupts) {
    if interrupts.wait_for(|count| *count > 0).await.is_err() {
        // Nobody is left who could ask.
        std::future::pending::<()>().await;
    }
}

/// Resolves once somebody asked twice.
pub(super) async fn told_to_stop(interrupts: &mut super::Interrupts) {
    if interrupts.wait_for(|count| *count > 1).await.is_err() {
        std::future::pending::<()>().await;
    }
}

pub(super) fn interrupted(step: Option<&str>) -> Halt {
    Halt::Suspended {
        because: "interrupted",
        detail: "it was asked to stop between two steps".to_owned(),
        step: step.map(str::to_owned),
        sought: None,
    }
}

/// What others may say of a run that waits without making it theirs.
fn may_happen_meanwhile(kind: Kind) -> bool {
    matches!(kind, Kind::LockBroken)
}
