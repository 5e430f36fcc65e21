//! Steps while a run moves: what is skipped, what is done how often, and what is known afterwards.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value as Json;

use super::consents::inputs_of;
use super::waiting::interrupted;
use super::{Halt, Runner};
use crate::event::fact::{Event, StepResult};
use crate::event::state::{Failure, StepState, Verdict};
use crate::frame::{Frame, StepView};
use crate::id::Digest;
use crate::plan::items::items_of;
use crate::procedure::check::Act;
use crate::procedure::step::{Body, CheckpointWhen, ForEach, OnError, Step};
use crate::template::Outcome as Known;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;

/// A step on its way: its path, and the names it sees.
pub(super) struct Turn<'a> {
    pub frame: &'a Arc<Frame>,
    pub step: &'a Step,
    pub path: String,
    pub scope: Scope,
}

/// A boxed future: steps hold steps.
pub(super) type Boxed<'s, T> = Pin<Box<dyn Future<Output = T> + Send + 's>>;

impl Runner<'_> {
    /// Does steps in order. Gives the failure of a step that said `on_error: continue`, if there was one.
    pub(super) fn steps<'s>(
        &'s self,
        frame: &'s Arc<Frame>,
        steps: &'s [Step],
    ) -> Boxed<'s, Result<Option<Failure>, Halt>> {
        Box::pin(async move {
            let mut first = None;
            for step in steps {
                if *self.means.interrupts.borrow() > 0 {
                    return Err(interrupted(None));
                }
                self.attend(&frame.path(&step.id))?;
                match self.step(frame, step).await {
                    Ok(()) => {}
                    Err(Halt::Failed { failure, undo: false, .. })
                        if step.on_error == OnError::Continue && !is_final(&failure.code) =>
                    {
                        first = first.or(Some(*failure));
                    }
                    Err(halt) => return Err(halt),
                }
            }
            Ok(first)
        })
    }

    async fn step(&self, frame: &Arc<Frame>, step: &Step) -> Result<(), Halt> {
        let path = frame.path(&step.id);
        let scope = frame.scope();
        let done = self.step_within(frame, step, &path, scope).await;
        match &done {
            Ok(()) => self.settle_whole(step, &path)?,
            Err(Halt::Failed { failure, state, .. }) => self.settle_failed(frame, step, &path, failure, *state)?,
            Err(_) => {}
        }
        done
    }

    async fn step_within(&self, frame: &Arc<Frame>, step: &Step, path: &str, scope: Scope) -> Result<(), Halt> {
        if step.for_each.is_some() && self.was_skipped(path) {
            frame.put_step(&step.id, view(StepState::Skipped, None).slot());
            return Ok(());
        }
        if step.for_each.is_none() && self.was_done(path) {
            return self.turn_whole(Turn { frame, step, path: path.to_owned(), scope }).await;
        }
        if let Some(when) = &step.when {
            match when.decide(&scope) {
                Ok(Known::Known(true)) => {}
                Ok(Known::Known(false)) => {
                    self.skip(path, StepState::Skipped, format!("`{}` is false", when.source()), None)?;
                    frame.put_step(&step.id, view(StepState::Skipped, None).slot());
                    return Ok(());
                }
                Ok(Known::Undecided(because)) => {
                    return Err(undecidable("when", path, &because.join("; ")));
                }
                Err(error) => return Err(undecidable("when", path, &error.to_string())),
            }
        }
        let Some(for_each) = &step.for_each else {
            return self.turn_whole(Turn { frame, step, path: path.to_owned(), scope }).await;
        };
        let items = match items_of(for_each, &scope) {
            Ok(Known::Known(items)) => items,
            Ok(Known::Undecided(because)) => return Err(undecidable("for_each", path, &because.join("; "))),
            Err(why) => return Err(undecidable("for_each", path, &why)),
        };
        drop(scope);
        if items.is_empty() {
            self.skip(path, StepState::Skipped, "there are no items".to_owned(), None)?;
            frame.put_step(&step.id, view(StepState::Skipped, None).slot());
            return Ok(());
        }
        frame.put_step(&step.id, Slot::fields([("items", Slot::fields(Vec::<(String, Slot)>::new()))]));
        self.each(frame, step, path, (for_each, items)).await?;
        frame.put_member(&step.id, "state", Slot::Known(Value::from(StepState::Succeeded.as_str())));
        Ok(())
    }

    /// A step that is not done for each of a list.
    async fn turn_whole(&self, turn: Turn<'_>) -> Result<(), Halt> {
        let slot = self.turn(&turn).await?;
        let Turn { frame, step, scope, .. } = turn;
        // What is known of all steps so far is not copied for one more: nobody else sees it now.
        drop(scope);
        frame.put_step(&step.id, slot);
        Ok(())
    }

    /// Does a step for each item. With `on_error: continue` an item that fails keeps no other from being done; the first
    /// failure is then the step's.
    async fn each(
        &self,
        frame: &Arc<Frame>,
        step: &Step,
        path: &str,
        (for_each, items): (&ForEach, Vec<(String, Value)>),
    ) -> Result<(), Halt> {
        let mut first = None;
        for (key, item) in items {
            if *self.means.interrupts.borrow() > 0 {
                return Err(interrupted(Some(path)));
            }
            self.attend(path)?;
            let scope = frame.scope().with(for_each.variable.as_str(), Slot::Known(item));
            let turn = Turn { frame, step, path: format!("{path}[{key}]"), scope };
            let done = self.turn(&turn).await;
            let Turn { path: item, scope, .. } = turn;
            drop(scope);
            match done {
                Ok(slot) => frame.put_item(&step.id, &key, slot),
                Err(Halt::Failed { failure, state, undo }) => {
                    self.settle_failed(frame, step, &item, &failure, state)?;
                    frame.put_item(&step.id, &key, view(state, None).slot());
                    let goes_on = step.on_error == OnError::Continue && !undo && !is_final(&failure.code);
                    let halt = Halt::Failed { failure, state, undo };
                    if !goes_on {
                        return Err(halt);
                    }
                    first.get_or_insert(halt);
                }
                Err(halt) => return Err(halt),
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// One step, or one item of it.
    async fn turn(&self, turn: &Turn<'_>) -> Result<Slot, Halt> {
        if self.was_done(&turn.path) {
            return self.keep(turn).await;
        }
        if let Some(check) = &turn.step.satisfied_when {
            let checked = self.check(turn.frame, check, &turn.scope, Some(&turn.path)).await?;
            match checked.verdict {
                Verdict::Passed => {
                    self.skip(&turn.path, StepState::NoChange, "it is so already".to_owned(), None)?;
                    return Ok(view(StepState::NoChange, None).slot());
                }
                Verdict::Undecidable => {
                    let why = checked.detail.unwrap_or_default();
                    return Err(undecidable("satisfied_when", &turn.path, &why));
                }
                _ => {}
            }
        }
        let is_effect = matches!(&turn.step.body, Body::Action(act) if !self.is_read(act));
        if !is_effect {
            for check in &turn.step.preconditions {
                self.precondition(turn.frame, check, &turn.scope, Some(&turn.path)).await?;
            }
            self.step_consent(turn.step, &turn.path, &turn.scope, &self.inputs(turn)?)?;
        }
        if turn.step.checkpoint == Some(CheckpointWhen::Before) {
            let mut book = self.book();
            book.flush()?;
            book.checkpoint()?;
        }
        let slot = self.body(turn).await?;
        self.verify_turn(turn, &slot).await?;
        Ok(slot)
    }

    /// The digest of what a step that is no effect would do; that of an effect is taken where it is done.
    fn inputs(&self, turn: &Turn<'_>) -> Result<Digest, Halt> {
        if turn.step.approval.is_none() {
            return Ok(inputs_of(&Json::Null));
        }
        let unknown = |why: String| undecidable("approval", &turn.path, &why);
        let data = match &turn.step.body {
            Body::Action(act) => {
                let input = self.asking.input(turn.frame, act, &turn.scope);
                return input.map(|input| input.digest).map_err(|error| unknown(error.message));
            }
            Body::Manual(manual) => {
                let ask = crate::plan::judging::rule(&manual.ask, &turn.scope);
                return Ok(inputs_of(&serde_json::json!({ "ask": ask })));
            }
            Body::Call { with, .. } => with,
            Body::Parallel(_) | Body::Wait(_) => return Ok(inputs_of(&serde_json::json!({}))),
        };
        match data.render(&turn.scope) {
            Ok(Known::Known(with)) => Ok(inputs_of(&with)),
            Ok(Known::Undecided(because)) => Err(unknown(because.join("; "))),
            Err(error) => Err(unknown(error.to_string())),
        }
    }

    pub(super) async fn verify_turn(&self, turn: &Turn<'_>, slot: &Slot) -> Result<(), Halt> {
        if !turn.step.verify.is_empty() {
            let mut scope = turn.frame.scope();
            if let Some(for_each) = &turn.step.for_each
                && let Some(item) = turn.scope.at(&[for_each.variable.as_str()])
            {
                scope = scope.with(for_each.variable.as_str(), item.clone());
            }
            scope.put(&["steps", turn.step.id.as_str()], slot.clone());
            self.verify(turn.frame, &turn.step.verify, Some((&turn.path, &scope))).await?;
        }
        Ok(())
    }

    pub(super) fn is_read(&self, act: &Act) -> bool {
        self.asking.action(act).is_ok_and(crate::action::Action::is_read)
    }

    pub(super) async fn body(&self, turn: &Turn<'_>) -> Result<Slot, Halt> {
        match &turn.step.body {
            Body::Action(act) => self.action(turn, act).await,
            Body::Call { procedure, with } => self.call(turn, procedure, with).await,
            Body::Manual(manual) => self.manual(turn, manual).await,
            Body::Parallel(steps) => self.parallel(turn, steps).await,
            Body::Wait(wait) => self.wait(turn, wait).await,
        }
    }
    pub(super) fn result_of_other(
        &self,
        path: &str,
        action: &str,
        output: Json,
        started_at: crate::time::Timestamp,
    ) -> Result<(), Halt> {
        let result = StepResult {
            state: StepState::Succeeded,
            action: Some(action.to_owned()),
            with_digest: None,
            subject: None,
            output: Some(output),
            error: None,
            started_at,
            ended_at: self.now(),
        };
        self.book().note(Some(path), Some(1), Event::StepResult(result))?;
        Ok(())
    }

    /// A step that failed without a result of its own (a check, a guard, an expression) gets one.
    fn settle_failed(
        &self,
        frame: &Arc<Frame>,
        step: &Step,
        path: &str,
        failure: &Failure,
        state: StepState,
    ) -> Result<(), Halt> {
        let mut book = self.book();
        let known = book.run.step(path).map(|record| record.state);
        let tried = book.run.step(path).and_then(|record| record.tried.clone());
        let attempt = book.run.step(path).map(|record| record.attempts).filter(|attempts| *attempts > 0);
        // A call or parallel whose inner step failed has failed with it; an item's failure is its step's.
        if known != Some(state) {
            let now = self.now();
            let (action, with_digest, subject) = match &tried {
                Some((action, with, subject)) => (Some(action.clone()), Some(with.clone()), subject.clone()),
                None => (None, None, None),
            };
            let result = StepResult {
                state,
                action,
                with_digest,
                subject,
                output: None,
                error: Some(failure.clone()),
                started_at: now,
                ended_at: now,
            };
            book.note(Some(path), attempt, Event::StepResult(result))?;
        }
        drop(book);
        if let Some((action, with, subject)) = tried {
            self.remember_failure(&action, &with, subject);
        }
        if step.for_each.is_none() || path.ends_with(step.id.as_str()) {
            frame.put_member(&step.id, "state", Slot::Known(Value::from(state.as_str())));
        }
        Ok(())
    }

    /// A step of several parts has no result of its own unless it failed; once all parts were done after all it gets one.
    fn settle_whole(&self, step: &Step, path: &str) -> Result<(), Halt> {
        let what = match (&step.for_each, &step.body) {
            (Some(_), _) => "for_each",
            (None, Body::Parallel(_)) => "parallel",
            _ => return Ok(()),
        };
        let failed = self.book().run.step(path).is_some_and(|record| {
            matches!(record.state, StepState::Failed | StepState::TimedOut | StepState::Refused | StepState::Cancelled)
        });
        if !failed {
            return Ok(());
        }
        self.result_of_other(path, what, Json::Object(serde_json::Map::new()), self.now())
    }

    /// What `steps.X` is, from what was recorded: the same live and on resume.
    pub(super) fn recorded_view(&self, path: &str) -> Slot {
        let book = self.book();
        match book.run.step(path) {
            Some(record) => StepView {
                state: record.state,
                attempts: record.attempts,
                output: record.output.clone(),
                started_at: record.started_at,
                ended_at: record.ended_at,
            }
            .slot(),
            None => view(StepState::Pending, None).slot(),
        }
    }
}

/// Whether no step is passed by after this: a prohibition, or a lock that is another run's now.
fn is_final(code: &str) -> bool {
    matches!(code, "guard" | "lock_lost")
}

pub(super) fn view(state: StepState, output: Option<Json>) -> StepView {
    StepView { state, attempts: 0, output, started_at: None, ended_at: None }
}

pub(super) fn undecidable(what: &str, path: &str, why: &str) -> Halt {
    Halt::failed("undecidable", format!("`{what}` of step `{path}` cannot be decided: {why}"), Some(path))
}
