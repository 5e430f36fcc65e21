//! Steps while a run moves: what is skipped, what is done how often, and what is known afterwards.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::act::{Attempt, Done};
use super::checks::{ToAsk, interrupted};
use super::guards::Act as Guarded;
use super::{Halt, Runner};
use crate::event::fact::{Event, Failure, StepIntent, StepResult, StepState, Verdict};
use crate::frame::{Frame, Place, StepView};
use crate::id::Name;
use crate::plan::steps::{call_inputs, items_of};
use crate::procedure::pattern::ActKind;
use crate::procedure::{Act, Body, Check, Manual, OnError, Repeat, Retry, Step, Undo, Wait, Work};
use crate::question::canonical_digest;
use crate::template::Outcome as Known;
use crate::template::data::Data;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;
use crate::time::Duration;

/// A step on its way: its path, and the names it sees.
struct Turn<'a> {
    frame: &'a Arc<Frame>,
    step: &'a Step,
    path: String,
    scope: Scope,
}

/// A boxed future: steps hold steps.
type Boxed<'s, T> = Pin<Box<dyn Future<Output = T> + Send + 's>>;

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
                match self.step(frame, step).await {
                    Ok(()) => {}
                    Err(Halt::Failed { failure, undo: false, .. })
                        if step.on_error == OnError::Continue && failure.code != "guard" =>
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
        if let Err(Halt::Failed { failure, state, .. }) = &done {
            self.settle_failed(frame, step, &path, failure, *state)?;
        }
        done
    }

    async fn step_within(&self, frame: &Arc<Frame>, step: &Step, path: &str, scope: Scope) -> Result<(), Halt> {
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
            let turn = Turn { frame, step, path: path.to_owned(), scope };
            let slot = self.turn(&turn).await?;
            frame.put_step(&step.id, slot);
            return Ok(());
        };
        let items = match items_of(for_each, &scope) {
            Ok(Known::Known(items)) => items,
            Ok(Known::Undecided(because)) => return Err(undecidable("for_each", path, &because.join("; "))),
            Err(why) => return Err(undecidable("for_each", path, &why)),
        };
        if items.is_empty() {
            self.skip(path, StepState::Skipped, "there are no items".to_owned(), None)?;
            frame.put_step(&step.id, view(StepState::Skipped, None).slot());
            return Ok(());
        }
        frame.put_step(&step.id, Slot::fields([("items", Slot::fields(Vec::<(String, Slot)>::new()))]));
        for (key, item) in items {
            if *self.means.interrupts.borrow() > 0 {
                return Err(interrupted(Some(path)));
            }
            let scope = frame.scope().with(for_each.variable.as_str(), Slot::Known(item.clone()));
            let turn = Turn { frame, step, path: format!("{path}[{key}]"), scope };
            match self.turn(&turn).await {
                Ok(slot) => frame.put_item(&step.id, &key, slot),
                Err(Halt::Failed { failure, state, undo }) => {
                    self.settle_failed(frame, step, &turn.path, &failure, state)?;
                    frame.put_item(&step.id, &key, view(state, None).slot());
                    return Err(Halt::Failed { failure, state, undo });
                }
                Err(halt) => return Err(halt),
            }
        }
        frame.put_member(&step.id, "state", Slot::Known(Value::from(StepState::Succeeded.as_str())));
        Ok(())
    }

    /// One step, or one item of it.
    async fn turn(&self, turn: &Turn<'_>) -> Result<Slot, Halt> {
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
        }
        let slot = self.body(turn).await?;
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
        Ok(slot)
    }

    fn is_read(&self, act: &Act) -> bool {
        self.asking.action(act).is_ok_and(crate::action::Action::is_read)
    }

    async fn body(&self, turn: &Turn<'_>) -> Result<Slot, Halt> {
        match &turn.step.body {
            Body::Action(act) => self.action(turn, act).await,
            Body::Call { procedure, with } => self.call(turn, procedure, with).await,
            Body::Manual(manual) => self.manual(turn, manual).await,
            Body::Parallel(steps) => self.parallel(turn, steps).await,
            Body::Wait(wait) => self.wait(turn, wait).await,
        }
    }

    async fn action(&self, turn: &Turn<'_>, act: &Act) -> Result<Slot, Halt> {
        let rounds = match &turn.step.repeat {
            Some(repeat) => self.count(&repeat.max, &turn.scope, &turn.path)?,
            None => 1,
        };
        let mut number = 0;
        for _ in 0..rounds {
            let output = match self.attempts(turn, act, &mut number).await? {
                Done::Gave(output) => output,
                Done::NoChange(output) => {
                    let because = "it is so already".to_owned();
                    self.skip(&turn.path, StepState::NoChange, because, Some(output.clone()))?;
                    return Ok(view(StepState::NoChange, Some(output)).slot());
                }
                Done::Transient(halt) => return Err(halt),
            };
            if !self.is_read(act) {
                self.guard_after(turn.frame, &turn.path).await?;
            }
            let Some(repeat) = &turn.step.repeat else { return Ok(self.recorded_view(&turn.path)) };
            if self.is_enough(turn, repeat, &output)? {
                return Ok(self.recorded_view(&turn.path));
            }
            if *self.means.interrupts.borrow() > 0 {
                return Err(interrupted(Some(&turn.path)));
            }
        }
        let until = turn.step.repeat.as_ref().map(|repeat| repeat.until.source()).unwrap_or_default();
        Err(Halt::failed(
            "repeat_exhausted",
            format!("after {rounds} rounds `{until}` is still false"),
            Some(&turn.path),
        ))
    }

    fn is_enough(&self, turn: &Turn<'_>, repeat: &Repeat, output: &Json) -> Result<bool, Halt> {
        let scope = turn.scope.clone().with("result", Slot::Known(Value::from_json(output)));
        match repeat.until.decide(&scope) {
            Ok(Known::Known(enough)) => Ok(enough),
            Ok(Known::Undecided(because)) => Err(undecidable("repeat.until", &turn.path, &because.join("; "))),
            Err(error) => Err(undecidable("repeat.until", &turn.path, &error.to_string())),
        }
    }

    /// Tries, and tries again what may succeed a little later.
    async fn attempts(&self, turn: &Turn<'_>, act: &Act, number: &mut u32) -> Result<Done, Halt> {
        let retry = turn.step.retry.as_ref();
        let attempts = match retry {
            Some(retry) => self.count(&retry.attempts, &turn.scope, &turn.path)?,
            None => 1,
        };
        let mut pause = self.first_pause(turn, retry)?;
        for left in (0..attempts).rev() {
            *number += 1;
            let attempt =
                Attempt { frame: turn.frame, step: turn.step, path: &turn.path, scope: &turn.scope, number: *number };
            let done = if self.is_read(act) {
                self.read_once(&attempt, act).await?
            } else {
                self.effect_once(&attempt, act).await?
            };
            match done {
                Done::Transient(halt) if left == 0 => return Err(halt),
                Done::Transient(_) => {
                    self.book().flush()?;
                    self.means.observer.busy(&turn.path, "tries again after a pause");
                    let until = tokio::time::Instant::now() + pause.as_std();
                    self.sleep_until(until, &turn.path).await?;
                    pause = self.next_pause(turn, retry, pause)?;
                }
                done => return Ok(done),
            }
        }
        Err(Halt::failed("undecidable", "no attempt was allowed", Some(&turn.path)))
    }

    fn first_pause(&self, turn: &Turn<'_>, retry: Option<&Retry>) -> Result<Duration, Halt> {
        match retry.and_then(|retry| retry.backoff.as_ref()) {
            Some(backoff) => self.duration(backoff, &turn.scope, &turn.path),
            None => Ok(Duration::from_seconds(1)),
        }
    }

    fn next_pause(&self, turn: &Turn<'_>, retry: Option<&Retry>, pause: Duration) -> Result<Duration, Halt> {
        let Some(retry) = retry else { return Ok(pause) };
        let next = pause.times(retry.factor);
        match &retry.max {
            Some(max) => Ok(next.min(self.duration(max, &turn.scope, &turn.path)?)),
            None => Ok(next),
        }
    }

    async fn manual(&self, turn: &Turn<'_>, manual: &Manual) -> Result<Slot, Halt> {
        let with = serde_json::json!({ "ask": manual.ask.source() });
        let act = Guarded {
            kind: ActKind::Manual,
            acts_as: &turn.step.acts_as,
            with: &with,
            with_digest: None,
            subject: None,
            path: &turn.path,
        };
        self.guard_before(turn.frame, &act).await?;
        let asked = ToAsk {
            path: &turn.path,
            title: turn.step.title.as_deref(),
            ask: &manual.ask,
            answers: &manual.answer,
            read_back: manual.read_back.as_ref(),
            evidence: manual.evidence.as_ref(),
            attempt: 1,
        };
        let started_at = self.now();
        let taken = self.person(&asked, &turn.scope, Some(&turn.path)).await?;
        self.remember_undoable_at(turn.frame, turn.step, &turn.path, &turn.scope);
        self.result_of_other(&turn.path, "manual", Json::Object(taken.answers), started_at)?;
        self.guard_after(turn.frame, &turn.path).await?;
        let mut slot = self.recorded_view(&turn.path);
        // Answers keep their types: a timestamp stays one.
        if let (Slot::Fields(fields), Slot::Fields(answers)) = (&slot, &taken.slot) {
            let both = fields.iter().chain(answers.iter()).map(|(name, slot)| (name.clone(), slot.clone()));
            slot = Slot::fields(both);
        }
        Ok(slot)
    }

    async fn parallel(&self, turn: &Turn<'_>, steps: &[Step]) -> Result<Slot, Halt> {
        let lanes = steps.iter().map(|step| self.steps(turn.frame, std::slice::from_ref(step)));
        let mut worst: Option<Halt> = None;
        for ended in futures_util::future::join_all(lanes).await {
            match ended {
                Ok(None) => {}
                Ok(Some(failure)) => {
                    let halt = Halt::of(failure, StepState::Failed);
                    worst = Some(graver(worst, halt));
                }
                Err(halt) => worst = Some(graver(worst, halt)),
            }
        }
        match worst {
            Some(halt) => Err(halt),
            None => Ok(view(StepState::Succeeded, None).slot()),
        }
    }

    async fn wait(&self, turn: &Turn<'_>, wait: &Wait) -> Result<Slot, Halt> {
        let started_at = self.now();
        let duration = self.duration(&wait.duration, &turn.scope, &turn.path)?;
        let every = match &wait.every {
            Some(every) => self.duration(every, &turn.scope, &turn.path)?,
            None => Duration::from_seconds(5),
        };
        self.means.observer.busy(&turn.path, "waits");
        self.book().flush()?;
        let ends = tokio::time::Instant::now() + duration.as_std();
        tokio::select! {
            waited = self.wait_until(turn, wait, ends, every) => waited?,
            halt = self.watch(turn.frame, &turn.path) => return Err(halt),
        }
        self.result_of_other(&turn.path, "wait", Json::Object(Map::new()), started_at)?;
        Ok(self.recorded_view(&turn.path))
    }

    async fn wait_until(
        &self,
        turn: &Turn<'_>,
        wait: &Wait,
        ends: tokio::time::Instant,
        every: Duration,
    ) -> Result<(), Halt> {
        loop {
            if let Some(check) = &wait.abort_when
                && self.is_met(turn, check).await?
            {
                return Err(Halt::failed("aborted", "what `abort_when` asks has come true", Some(&turn.path)));
            }
            if let Some(check) = &wait.until
                && self.is_met(turn, check).await?
            {
                return Ok(());
            }
            let now = tokio::time::Instant::now();
            if now >= ends {
                return match &wait.until {
                    None => Ok(()),
                    Some(_) => {
                        Err(Halt::failed("timed_out", "what `until` asks has not come true in time", Some(&turn.path)))
                    }
                };
            }
            let polls = wait.until.is_some() || wait.abort_when.is_some();
            let next = if polls { ends.min(now + every.as_std()) } else { ends };
            self.sleep_until(next, &turn.path).await?;
        }
    }

    async fn is_met(&self, turn: &Turn<'_>, check: &Check) -> Result<bool, Halt> {
        let checked = self.check(turn.frame, check, &turn.scope, Some(&turn.path)).await?;
        Ok(checked.verdict == Verdict::Passed)
    }

    async fn call(&self, turn: &Turn<'_>, name: &Name, with: &Data) -> Result<Slot, Halt> {
        let wrong = |why: String| Halt::failed("call", format!("`{name}` cannot be called: {why}"), Some(&turn.path));
        let procedure = self.means.setting.procedures.get(name).cloned();
        let procedure = procedure.ok_or_else(|| wrong("it does not exist".to_owned()))?;
        let given = match with.render(&turn.scope).map_err(|error| wrong(error.to_string()))? {
            Known::Known(given) => given,
            Known::Undecided(because) => return Err(wrong(because.join("; "))),
        };
        let act = Guarded {
            kind: ActKind::Call(name.as_str()),
            acts_as: &turn.step.acts_as,
            with: &given,
            with_digest: None,
            subject: None,
            path: &turn.path,
        };
        self.guard_before(turn.frame, &act).await?;
        let empty = Map::new();
        let members = given.as_object().unwrap_or(&empty);
        let (parameters, targets) = call_inputs(turn.frame, &procedure, members).map_err(wrong)?;
        let env = &self.means.setting.env;
        let place = Place::Called(Arc::clone(turn.frame), turn.path.clone());
        let callee = Arc::new(Frame::new(Arc::clone(&procedure), parameters, targets, env, &self.base, place));
        let started_at = self.now();
        if !matches!(turn.step.undo, Undo::Unsaid) {
            self.intend_call(turn, name, &given)?;
        }
        let Work::Steps(work) = &procedure.work else { return Err(wrong("a checklist is run by `gate`".to_owned())) };
        for check in &procedure.preconditions {
            self.precondition(&callee, check, &callee.scope(), Some(&turn.path)).await?;
        }
        let worked = self.work_of(&callee, work).await;
        if !matches!(worked, Err(Halt::Suspended { .. } | Halt::Unknown(_) | Halt::Record(_))) {
            let late = self.steps(&callee, &work.finally).await?;
            worked?;
            if let Some(failure) = late {
                return Err(Halt::of(failure, StepState::Failed));
            }
        } else {
            worked?;
        }
        let mut outputs = Map::new();
        let scope = callee.scope();
        for (output, data) in &procedure.outputs {
            match data.render(&scope) {
                Ok(Known::Known(value)) => outputs.insert(output.to_string(), value),
                Ok(Known::Undecided(because)) => return Err(undecidable("outputs", &turn.path, &because.join("; "))),
                Err(error) => return Err(undecidable("outputs", &turn.path, &error.to_string())),
            };
        }
        self.result_of_other(&turn.path, &format!("call.{name}"), Json::Object(outputs), started_at)?;
        Ok(self.recorded_view(&turn.path))
    }

    async fn work_of(&self, callee: &Arc<Frame>, work: &crate::procedure::Steps) -> Result<(), Halt> {
        match self.steps(callee, &work.steps).await? {
            Some(failure) => Err(Halt::of(failure, StepState::Failed)),
            None => self.verify(callee, &work.verify, None).await,
        }
    }

    /// A call with an `undo` of its own is undone as a whole, so it has an intent of its own.
    fn intend_call(&self, turn: &Turn<'_>, name: &Name, with: &Json) -> Result<(), Halt> {
        let intent = StepIntent {
            action: format!("call.{name}"),
            effect: "mutate".to_owned(),
            repeat: "once".to_owned(),
            with: with.clone(),
            with_digest: canonical_digest(with),
            idempotency_key: String::new(),
        };
        let mut book = self.book();
        book.note(Some(&turn.path), Some(1), Event::StepIntent(intent))?;
        book.flush()?;
        drop(book);
        self.remember_undoable_at(turn.frame, turn.step, &turn.path, &turn.scope);
        Ok(())
    }

    fn result_of_other(
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
            book.note(Some(path), None, Event::StepResult(result))?;
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

    /// What `steps.X` is, from what was recorded: the same live and on resume.
    fn recorded_view(&self, path: &str) -> Slot {
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

fn view(state: StepState, output: Option<Json>) -> StepView {
    StepView { state, attempts: 0, output, started_at: None, ended_at: None }
}

fn undecidable(what: &str, path: &str, why: &str) -> Halt {
    Halt::failed("undecidable", format!("`{what}` of step `{path}` cannot be decided: {why}"), Some(path))
}

/// The graver of two ways to stop: a record that cannot be kept, then what is unknown, then a failure, then a wait.
fn graver(a: Option<Halt>, b: Halt) -> Halt {
    let gravity = |halt: &Halt| match halt {
        Halt::Record(_) => 3,
        Halt::Unknown(_) => 2,
        Halt::Failed { .. } => 1,
        Halt::Suspended { .. } => 0,
    };
    match a {
        Some(a) if gravity(&a) >= gravity(&b) => a,
        _ => b,
    }
}
