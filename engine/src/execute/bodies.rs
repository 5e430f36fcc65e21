//! What a step can be besides an action: done by a person, side by side, waited for, or another procedure.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value as Json};

use super::checks::ToAsk;
use super::guards::Act as Guarded;
use super::steps::{Turn, undecidable, view};
use super::{Halt, Runner};
use crate::consent::standing::listed;
use crate::event::fact::{Event, StepIntent};
use crate::event::state::{StepState, Verdict};
use crate::frame::{Frame, Place};
use crate::id::{Id, Name};
use crate::plan::call::{CallInputs, call_inputs};
use crate::procedure::Work;
use crate::procedure::check::Check;
use crate::procedure::pattern::ActKind;
use crate::procedure::step::{Manual, Step, Undo, Wait};
use crate::question::canonical_digest;
use crate::template::Outcome as Known;
use crate::template::data::Data;
use crate::template::scope::Slot;
use crate::time::Duration;

impl Runner<'_> {
    pub(super) async fn manual(&self, turn: &Turn<'_>, manual: &Manual) -> Result<Slot, Halt> {
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
        self.may_answer(&manual.by, &turn.path)?;
        self.before_effect(&turn.path)?;
        let asked = ToAsk {
            frame: turn.frame,
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
        self.means.setting.custody.forget_plan();
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

    /// A question to people of some roles is not put to others: the run waits for one of them.
    pub(super) fn may_answer(&self, by: &[Id], path: &str) -> Result<(), Halt> {
        let setting = self.means.setting;
        if setting.standing.has_one_of(by) {
            return Ok(());
        }
        let detail = format!("`{path}` is for {}, and `{}` has no such role", listed(by), setting.actor);
        Err(Halt::Suspended { because: "answer", detail, step: Some(path.to_owned()), sought: None })
    }

    pub(super) async fn parallel(&self, turn: &Turn<'_>, steps: &[Step]) -> Result<Slot, Halt> {
        let lanes = steps.iter().map(|step| self.steps(turn.frame, std::slice::from_ref(step)));
        let mut worst: Option<Halt> = None;
        self.keeping.fetch_add(1, Ordering::Relaxed);
        let ended = futures_util::future::join_all(lanes).await;
        self.keeping.fetch_sub(1, Ordering::Relaxed);
        for ended in ended {
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

    pub(super) async fn wait(&self, turn: &Turn<'_>, wait: &Wait) -> Result<Slot, Halt> {
        let started_at = self.now();
        let duration = self.duration(&wait.duration, &turn.scope, &turn.path)?;
        let every = match &wait.every {
            Some(every) => self.duration(every, &turn.scope, &turn.path)?,
            None => Duration::from_seconds(5),
        };
        self.means.observer.busy(&turn.path, "waits");
        self.book().flush()?;
        let ends = tokio::time::Instant::now() + duration.as_std();
        let over = self.is_over(turn, wait, ends).await?;
        if !over {
            let waiting = async {
                tokio::select! {
                    waited = self.wait_until(turn, wait, ends, every) => waited,
                    halt = self.watch(turn.frame, &turn.path) => Err(halt),
                }
            };
            self.patiently(turn.frame, &turn.path, Some(duration), waiting).await?;
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
        let polls = wait.until.is_some() || wait.abort_when.is_some();
        loop {
            let next = if polls { ends.min(tokio::time::Instant::now() + every.as_std()) } else { ends };
            self.sleep_until(next, &turn.path).await?;
            if self.is_over(turn, wait, ends).await? {
                return Ok(());
            }
        }
    }

    /// Whether there is nothing more to wait for.
    async fn is_over(&self, turn: &Turn<'_>, wait: &Wait, ends: tokio::time::Instant) -> Result<bool, Halt> {
        if let Some(check) = &wait.abort_when
            && self.aborts(turn, check).await?
        {
            return Err(Halt::failed("aborted", "what `abort_when` asks has come true", Some(&turn.path)));
        }
        if let Some(check) = &wait.until
            && self.is_met(turn, check).await?
        {
            return Ok(true);
        }
        match (tokio::time::Instant::now() >= ends, &wait.until) {
            (false, _) => Ok(false),
            (true, None) => Ok(true),
            (true, Some(_)) => {
                Err(Halt::failed("timed_out", "what `until` asks has not come true in time", Some(&turn.path)))
            }
        }
    }

    /// What cannot be decided counts as a reason to stop.
    async fn aborts(&self, turn: &Turn<'_>, check: &Check) -> Result<bool, Halt> {
        let checked = self.check(turn.frame, check, &turn.scope, Some(&turn.path)).await?;
        Ok(matches!(checked.verdict, Verdict::Passed | Verdict::Undecidable))
    }

    async fn is_met(&self, turn: &Turn<'_>, check: &Check) -> Result<bool, Halt> {
        let checked = self.check(turn.frame, check, &turn.scope, Some(&turn.path)).await?;
        Ok(checked.verdict == Verdict::Passed)
    }

    pub(super) async fn call(&self, turn: &Turn<'_>, name: &Name, with: &Data) -> Result<Slot, Halt> {
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
        let CallInputs { parameters, targets, secrets } =
            call_inputs(turn.frame, &procedure, members, with, &turn.scope).map_err(wrong)?;
        let env = &self.means.setting.env;
        let place = Place::Called(Arc::clone(turn.frame), turn.path.clone());
        let callee = Frame::new(Arc::clone(&procedure), parameters, targets, env, &self.base, place);
        let callee = Arc::new(callee.with_secrets(secrets));
        let started_at = self.now();
        self.enter_call(&callee, &turn.path).await?;
        if !matches!(turn.step.undo, Undo::Unsaid) && !self.is_open(&turn.path) {
            self.intend_call(turn, name, &given)?;
        }
        let Work::Steps(work) = &procedure.work else { return Err(wrong("a checklist is run by `gate`".to_owned())) };
        for check in &procedure.preconditions {
            self.precondition(&callee, check, &callee.scope(), Some(&turn.path)).await?;
        }
        let worked = self.work_of(&callee, work).await;
        if !matches!(worked, Err(Halt::Suspended { .. } | Halt::Unknown(_) | Halt::Record(_))) {
            self.begin_finishing(&callee.prefix);
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

    fn is_open(&self, path: &str) -> bool {
        self.book().run.step(path).is_some_and(|record| record.is_open)
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
}

/// The graver of two ways to stop: a record that cannot be kept, what is unknown, a wish to end, a failure, a wait.
fn graver(a: Option<Halt>, b: Halt) -> Halt {
    let gravity = |halt: &Halt| match halt {
        Halt::Record(_) => 4,
        Halt::Unknown(_) => 3,
        Halt::Cancelled(_) => 2,
        Halt::Failed { .. } => 1,
        Halt::Suspended { .. } => 0,
    };
    match a {
        Some(a) if gravity(&a) >= gravity(&b) => a,
        _ => b,
    }
}
