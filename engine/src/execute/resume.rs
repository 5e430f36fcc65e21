//! Going on with a run that had stopped, or taking it back: from its events alone, with the procedure as it was frozen.
//!
//! What was done is kept and not done again. An intent without outcome is looked into before anything else happens; if
//! nobody can tell, the run stays unknown.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::holding::{self, Busy};
use super::steps::Turn;
use super::{Ended, Error, Halt, Keeper, Means, Runner};
use crate::action::Repeat;
use crate::event::fact::{Event, Fact, RunResumed, StepIntent};
use crate::event::state::{Failure, StepState};
use crate::frame::{Frame, StepView};
use crate::id::{Digest, RunId};
use crate::ledger::reader::{Filter, Reader};
use crate::ledger::told::Told;
use crate::plan::Plan;
use crate::procedure::Work;
use crate::procedure::guard::Moment;
use crate::procedure::step::{Body, Step};
use crate::run::{Run, StepRecord, UNDO};
use crate::template::scope::Slot;
use crate::time::Timestamp;

/// What is wanted of a run that had stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The rest is done.
    Resume,
    /// What was done is taken back.
    Undo,
}

/// What a person says about an effect of which nobody knows whether it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Whether it did.
    pub happened: bool,
    /// Why the person says so.
    pub reason: String,
}

/// What resuming would do with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It was done, or was not needed: it is not done again.
    Kept,
    /// It is done, or tried again.
    Done,
    /// Its intent has no outcome: the action finds out whether it happened.
    Reconciled,
    /// Its intent has no outcome, and doing it again comes to the same.
    Repeated,
    /// Its intent has no outcome, and a person must say whether it happened.
    AskedAPerson,
}

/// A run as its recorded events tell it, and the digest of what was frozen with it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The run.
    pub run: Run,
    /// Digest of the plan with procedure and includes, in the content store.
    pub frozen: Option<Digest>,
}

/// Reads a run back from the ledger; none where there is no such run.
///
/// # Errors
/// When the ledger cannot be read, or an entry does not say what its kind says.
pub fn recorded(reader: &Reader, id: &RunId) -> Result<Option<Recorded>, Error> {
    let mut run = Run::new(id.clone());
    for (at, fact) in facts_of(reader, id)? {
        run.apply(&fact, at)?;
    }
    let frozen = run.frozen.clone();
    Ok((run.facts > 0).then_some(Recorded { run, frozen }))
}

/// Every fact of a run, in order, and when it was recorded.
pub(super) fn facts_of(reader: &Reader, id: &RunId) -> Result<Vec<(Timestamp, Fact)>, Error> {
    let filter = Filter { run: Some(id), ..Filter::default() };
    let (content, ledger) = (reader.content(), reader.path().to_owned());
    let mut facts = Vec::new();
    for stored in reader.entries(&filter)? {
        let entry = stored.entry(&ledger)?;
        let data = content.unfit(&Json::Object(entry.data.clone()))?;
        let told = Told::of(&entry, &data).map_err(|why| Error::Entry { seq: stored.seq, why })?;
        facts.push((told.at, told.fact));
    }
    Ok(facts)
}

/// What resuming a run would do with each step that was touched.
#[must_use]
pub fn outlook(means: &Means<'_>, run: &Run) -> Vec<(String, Outlook)> {
    let judged = |record: &StepRecord| match (&record.intent, record.is_open && !record.is_call()) {
        (_, true) if record.is_undoing => undo_outlook(means, record),
        (Some(intent), true) => open_outlook(means, intent),
        (None, true) => Outlook::AskedAPerson,
        _ if is_done(record) => Outlook::Kept,
        _ => Outlook::Done,
    };
    run.steps().map(|(path, record)| (path.to_owned(), judged(record))).collect()
}

fn open_outlook(means: &Means<'_>, intent: &StepIntent) -> Outlook {
    match means.setting.registry.get(&intent.action) {
        Some(action) if action.contract.reconcile => Outlook::Reconciled,
        Some(_) if intent.repeat != "once" => Outlook::Repeated,
        _ => Outlook::AskedAPerson,
    }
}

fn undo_outlook(means: &Means<'_>, record: &StepRecord) -> Outlook {
    let action = record.undo.as_ref().and_then(|undo| means.setting.registry.get(&undo.action));
    match action {
        Some(action) if action.contract.reconcile => Outlook::Reconciled,
        Some(action) if action.contract.repeat != Repeat::Once => Outlook::Repeated,
        _ => Outlook::AskedAPerson,
    }
}

fn is_done(record: &StepRecord) -> bool {
    matches!(record.state, StepState::Succeeded | StepState::NoChange | StepState::Skipped) && !record.is_open
}

/// Goes on with a run, or takes it back. `plan` is the thawed one, `run` the sum of its recorded events.
///
/// # Errors
/// When the record cannot be kept, or the run is over.
pub async fn resume(
    means: &Means<'_>,
    plan: &Plan,
    run: Run,
    purpose: Purpose,
    resolutions: &BTreeMap<String, Resolution>,
    ledger: &mut dyn Keeper,
) -> Result<Ended, Error> {
    let had_effect = run.had_effect();
    // A run that was being taken back when it stopped goes on being taken back.
    let purpose = if run.taking_back { Purpose::Undo } else { purpose };
    // What it held before, the locks of calls included, and what the plan knows of.
    let mut wanted = plan.view.lock_names();
    wanted.extend(run.all_locks.iter().cloned());
    if let Some((lock, holding)) = ledger.locks()?.busy(&wanted, &run.id) {
        let busy = Busy { lock: lock.to_owned(), holding: holding.clone() };
        return Err(Error::Busy(Box::new(busy)));
    }
    let runner = Runner::new(means, plan, run, ledger);
    let signed = runner.admitted()?;
    runner.learn_secrets().await;
    if !had_effect {
        crate::plan::expect_as_planned(means.setting, plan);
    }
    let word = if purpose == Purpose::Resume { "resume" } else { UNDO };
    {
        let mut book = runner.book();
        book.note(None, None, Event::RunResumed(RunResumed { purpose: word.to_owned(), signed }))?;
    }
    // Nobody can have taken one meanwhile: the ledger is ours.
    let busy = runner.take_locks(&wanted)?;
    runner.book().flush()?;
    if let Some(held) = busy {
        return runner.finish(Err(holding::busy(&held, None))).await;
    }
    runner.restore(&plan.root);
    runner.learn_made().await;
    let outcome = match runner.look_into_open_intents(resolutions).await {
        Err(halt) => Err(halt),
        Ok(()) if purpose == Purpose::Undo => {
            Err(Halt::Failed { failure: Box::new(asked_to_undo()), state: StepState::Failed, undo: true })
        }
        Ok(()) => match runner.may_go_on(had_effect).await {
            Ok(()) => runner.work().await,
            Err(halt) => Err(halt),
        },
    };
    runner.finish(outcome).await
}

fn asked_to_undo() -> Failure {
    Failure {
        code: "undo".to_owned(),
        message: "it was taken back on request".to_owned(),
        step: None,
        check: None,
        guard: None,
        attempt: None,
    }
}

impl Runner<'_> {
    /// Whether a step was done in an earlier life of this run.
    pub(super) fn was_done(&self, path: &str) -> bool {
        self.book().run.step(path).is_some_and(is_done)
    }

    pub(super) fn was_skipped(&self, path: &str) -> bool {
        self.book().run.step(path).is_some_and(|record| record.state == StepState::Skipped)
    }

    /// Keeps a step that was done: its output as recorded; a verify that had not passed yet is asked, and a `repeat` that
    /// was cut short goes on.
    pub(super) async fn keep(&self, turn: &Turn<'_>) -> Result<Slot, Halt> {
        let record = self.book().run.step(&turn.path).cloned();
        let Some(record) = record else { return self.body(turn).await };
        if record.state == StepState::Succeeded && self.was_cut_short(turn, &record)? {
            let slot = self.body(turn).await?;
            self.verify_turn(turn, &slot).await?;
            return Ok(slot);
        }
        let slot = kept_slot(turn.step, &record);
        let verified = turn.step.verify.iter().all(|check| record.passed.contains(check.id.as_str()));
        if record.state == StepState::Succeeded && !verified {
            self.verify_turn(turn, &slot).await?;
        }
        Ok(slot)
    }

    fn was_cut_short(&self, turn: &Turn<'_>, record: &StepRecord) -> Result<bool, Halt> {
        match (&turn.step.repeat, &record.output) {
            (Some(repeat), Some(output)) => Ok(!self.is_enough(turn, repeat, output)?),
            _ => Ok(false),
        }
    }

    /// Says in a frame what its steps gave in the run's earlier life.
    pub(super) fn restore(&self, frame: &Arc<Frame>) {
        let procedure = Arc::clone(&frame.procedure);
        if let Work::Steps(work) = &procedure.work {
            self.restore_steps(frame, &work.steps);
            self.restore_steps(frame, &work.finally);
        }
    }

    fn restore_steps(&self, frame: &Arc<Frame>, steps: &[Step]) {
        for step in steps {
            if let Body::Parallel(lanes) = &step.body {
                self.restore_steps(frame, lanes);
            }
            let path = frame.path(&step.id);
            let book = self.book();
            if let Some(record) = book.run.step(&path).filter(|record| is_done(record)) {
                frame.put_step(&step.id, kept_slot(step, record));
            }
            for (of_item, record) in book.run.steps().filter(|(_, record)| is_done(record)) {
                let key =
                    of_item.strip_prefix(path.as_str()).and_then(|rest| rest.strip_prefix('[')?.strip_suffix(']'));
                if let Some(key) = key.filter(|_| step.for_each.is_some()) {
                    frame.put_item(&step.id, key, kept_slot(step, record));
                }
            }
        }
    }

    /// Limits, guards and preconditions before a run goes on: limits and all preconditions while nothing has happened, for
    /// until then it did not count; then only the preconditions that must hold on.
    pub(super) async fn may_go_on(&self, had_effect: bool) -> Result<(), Halt> {
        let root = &self.plan.root;
        if !had_effect {
            self.ask_limits(root, &[], None)?;
        }
        self.guard_resume(root).await?;
        let procedure = Arc::clone(&root.procedure);
        for check in procedure.preconditions.iter().filter(|check| !had_effect || check.hold) {
            self.precondition(root, check, &root.scope(), None).await?;
        }
        Ok(())
    }

    async fn guard_resume(&self, root: &Arc<Frame>) -> Result<(), Halt> {
        for held in root.guards().into_iter().filter(|held| held.guard().enforce.contains(&Moment::Resume)) {
            self.guard_state_at(&held, "resume").await?;
        }
        Ok(())
    }
}

/// What `steps.X` is of a step that was done before; answers of people have their types again.
fn kept_slot(step: &Step, record: &StepRecord) -> Slot {
    let slot = StepView {
        state: record.state,
        attempts: record.attempts,
        output: record.output.clone(),
        started_at: record.started_at,
        ended_at: record.ended_at,
    }
    .slot();
    let (Body::Manual(manual), Slot::Fields(fields), Some(output)) = (&step.body, &slot, &record.output) else {
        return slot;
    };
    let typed = manual.answer.iter().filter_map(|(name, parameter)| {
        Some((name.as_str().to_owned(), Slot::Known(parameter.typed(output.get(name.as_str())?))))
    });
    Slot::fields(fields.iter().map(|(name, slot)| (name.clone(), slot.clone())).chain(typed))
}
