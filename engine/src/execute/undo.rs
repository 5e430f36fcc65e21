//! Undo: what had an effect is taken back, last first; what cannot be is said, and the run is stuck.

use std::sync::{Arc, PoisonError};

use serde_json::Value as Json;

use super::act::Attempt;
use super::checks::ToAsk;
use super::guards::Act as Guarded;
use super::places::Item;
use super::{Error, Halt, Runner};
use crate::action::Doing;
use crate::event::fact::{Event, UndoIntent, UndoResult};
use crate::event::state::{Failure, RunStatus, StepState};
use crate::event::{recall, record};
use crate::frame::Frame;
use crate::id::Id;
use crate::procedure::check::Act;
use crate::procedure::pattern::ActKind;
use crate::procedure::step::{Body, Step, Undo};
use crate::template::scope::Scope;

/// Where something stands that had an effect: enough to find its `undo` again, with the item it was done for.
pub(super) struct Undoable {
    pub path: String,
    frame: Arc<Frame>,
    step: Id,
    item: Option<Item>,
}

impl Undoable {
    pub(super) fn new(path: &str, frame: Arc<Frame>, step: Id, item: Option<Item>) -> Self {
        Self { path: path.to_owned(), frame, step, item }
    }
}

impl Runner<'_> {
    pub(super) fn remember_undoable(&self, attempt: &Attempt<'_>) {
        self.remember_undoable_at(attempt.frame, attempt.step, attempt.path, attempt.scope);
    }

    pub(super) fn remember_undoable_at(&self, frame: &Arc<Frame>, step: &Step, path: &str, scope: &Scope) {
        let item = step.for_each.as_ref().and_then(|for_each| {
            let name = for_each.variable.as_str();
            Some((name.to_owned(), scope.at(&[name])?.clone()))
        });
        let undoable = Undoable { path: path.to_owned(), frame: Arc::clone(frame), step: step.id.clone(), item };
        let mut known = self.undoable.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|other| other.path != path);
        known.push(undoable);
    }

    /// Takes back all that had an effect. A run is `undone` only when everything was.
    pub(super) async fn undo_all(&self) -> Result<RunStatus, Error> {
        let root = Arc::clone(&self.plan.root);
        let violated = self.violated_now(&root).await?;
        *self.on_undo.lock().unwrap_or_else(PoisonError::into_inner) = Some(violated);
        self.book().flush()?;
        let due: Vec<String> = self.book().run.to_undo().into_iter().map(str::to_owned).collect();
        let mut undoable = std::mem::take(&mut *self.undoable.lock().unwrap_or_else(PoisonError::into_inner));
        for path in &due {
            if undoable.iter().all(|known| known.path != *path) {
                undoable.extend(self.undoable_before(path));
            }
        }
        let mut all = true;
        for path in due {
            let place = undoable.iter().find(|known| known.path == path);
            let state = match place {
                Some(place) if !covered_by_call(&path, &undoable, self) => self.undo_one(place).await?,
                Some(_) => StepState::Undone,
                None => StepState::UndoFailed,
            };
            all &= state == StepState::Undone;
        }
        self.book().flush()?;
        *self.on_undo.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(if all { RunStatus::Undone } else { RunStatus::Stuck })
    }

    async fn undo_one(&self, place: &Undoable) -> Result<StepState, Error> {
        let procedure = Arc::clone(&place.frame.procedure);
        let Some(step) = procedure.find_step(&place.step) else {
            return self.undo_result(&place.path, Some(failure("no_undo", "its step is gone", &place.path)), None);
        };
        let bodies = match &step.undo {
            Undo::Bodies(bodies) => bodies,
            Undo::None(why) => {
                let why = crate::plan::judging::rule(why, &place.frame.scope());
                return self.undo_result(&place.path, Some(failure("no_undo", &why, &place.path)), None);
            }
            Undo::Unsaid => {
                let why = "the procedure does not say how to undo it";
                return self.undo_result(&place.path, Some(failure("no_undo", why, &place.path)), None);
            }
        };
        let mut scope = place.frame.scope();
        if let Some((name, item)) = &place.item {
            scope = scope.with(name.as_str(), item.clone());
        }
        let mut last = None;
        // What was done in an earlier life is not done again.
        let done = self.book().run.step(&place.path).map_or(0, |record| record.undone);
        for (at, body) in bodies.iter().enumerate().skip(done as usize) {
            let part = u32::try_from(at).unwrap_or(u32::MAX);
            match self.undo_body(place, step, body, &scope, part).await {
                Ok(output) => last = Some(output),
                Err(Halt::Record(error)) => return Err(*error),
                Err(halt) => return self.undo_result(&place.path, Some(why(halt, &place.path)), None),
            }
        }
        self.undo_result(&place.path, None, last)
    }

    async fn undo_body(
        &self,
        place: &Undoable,
        step: &Step,
        body: &Body,
        scope: &Scope,
        part: u32,
    ) -> Result<Json, Halt> {
        match body {
            Body::Action(act) => self.undo_act(place, step, act, scope, part).await,
            Body::Manual(manual) => {
                let with = serde_json::json!({ "ask": manual.ask.source() });
                let act = Guarded {
                    kind: ActKind::Manual,
                    acts_as: &step.acts_as,
                    with: &with,
                    with_digest: None,
                    subject: None,
                    path: &place.path,
                };
                self.guard_before(&place.frame, &act).await?;
                self.may_answer(&manual.by, &place.path)?;
                self.before_effect(&place.path)?;
                let nothing = crate::question::canonical_digest(&Json::Null);
                self.undo_intent(place, "manual", &Json::Null, &nothing, part)?;
                let asked = ToAsk {
                    frame: &place.frame,
                    path: &place.path,
                    title: step.title.as_deref(),
                    ask: &manual.ask,
                    answers: &manual.answer,
                    read_back: manual.read_back.as_ref(),
                    evidence: manual.evidence.as_ref(),
                    attempt: 1,
                };
                let taken = self.person(&asked, scope, None).await?;
                Ok(Json::Object(taken.answers))
            }
            Body::Wait(wait) => {
                let duration = self.duration(&wait.duration, scope, &place.path)?;
                tokio::time::sleep(duration.as_std()).await;
                Ok(Json::Null)
            }
            Body::Call { .. } | Body::Parallel(_) => Err(Halt::failed(
                "no_undo",
                "an undo can only be an action, a question to a person or a wait",
                Some(&place.path),
            )),
        }
    }

    async fn undo_act(&self, place: &Undoable, step: &Step, act: &Act, scope: &Scope, part: u32) -> Result<Json, Halt> {
        let frame = &place.frame;
        let wrong = |error: crate::action::Error| Halt::failed(&error.code, error.message.clone(), Some(&place.path));
        let input = self.asking.input(frame, act, scope).map_err(wrong)?;
        let action = self.asking.action(act).map_err(wrong)?;
        let with = input
            .with
            .as_ref()
            .ok_or_else(|| Halt::failed("undecidable", input.undecided.join("; "), Some(&place.path)))?;
        let guarded = Guarded {
            kind: ActKind::Action { name: act.action.as_str(), is_read: action.is_read() },
            acts_as: &step.acts_as,
            with,
            with_digest: Some(&input.digest),
            subject: None,
            path: &place.path,
        };
        self.guard_before(frame, &guarded).await?;
        self.before_effect(&place.path)?;
        self.undo_intent(place, act.action.as_str(), with, &input.digest, part)?;
        self.means.observer.busy(&place.path, "is undone");
        let facts = self.asking.facts(frame, act, &by(&place.path, part), key(&input.digest));
        let output = action.apply(with, &Doing { facts: &facts, host: self.means.host }).await.map_err(wrong)?;
        self.guard_after(frame, &place.path).await?;
        Ok(recall(&record(&output)))
    }

    fn undo_intent(
        &self,
        place: &Undoable,
        action: &str,
        with: &Json,
        digest: &crate::id::Digest,
        part: u32,
    ) -> Result<(), Error> {
        let (action, with_digest) = (action.to_owned(), digest.clone());
        let intent = UndoIntent { action, part, with: with.clone(), with_digest };
        let mut book = self.book();
        book.note(Some(&place.path), None, Event::UndoIntent(intent))?;
        book.flush()
    }

    fn undo_result(&self, path: &str, error: Option<Failure>, output: Option<Json>) -> Result<StepState, Error> {
        let state = if error.is_none() { StepState::Undone } else { StepState::UndoFailed };
        let mut book = self.book();
        book.note(Some(path), None, Event::UndoResult(UndoResult { state, error, output }))?;
        Ok(state)
    }
}

/// Who asks, where one act of an undo does.
pub(super) fn by(path: &str, part: u32) -> String {
    format!("{path}.undo.{part}")
}

/// The same for each attempt at the same undo.
pub(super) fn key(with: &crate::id::Digest) -> String {
    format!("undo-{}", &with.hex()[..24])
}

/// Whether a step belongs to a call that says itself how it is undone and was done.
fn covered_by_call(path: &str, undoable: &[Undoable], runner: &Runner<'_>) -> bool {
    undoable.iter().any(|call| {
        path.strip_prefix(call.path.as_str()).is_some_and(|rest| rest.starts_with('/'))
            && runner.book().run.step(&call.path).is_some_and(|record| {
                matches!(record.state, StepState::Succeeded | StepState::Failed | StepState::Undone)
            })
    })
}

fn failure(code: &str, message: &str, path: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        step: Some(path.to_owned()),
        check: None,
        guard: None,
        attempt: None,
    }
}

fn why(halt: Halt, path: &str) -> Failure {
    match halt {
        Halt::Failed { failure, .. } | Halt::Unknown(failure) => *failure,
        Halt::Cancelled(reason) => super::cancel::failure(&reason),
        Halt::Suspended { because, detail, .. } => failure(because, &detail, path),
        Halt::Record(error) => failure("ledger", &error.to_string(), path),
    }
}
