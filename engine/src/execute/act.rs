//! One act of a step: rendered, compared with the plan, guarded, written down, done, written down.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use serde_json::Value as Json;

use super::guards::Act as Guarded;
use super::waiting::told_to_stop;
use super::{Error, Halt, Runner, anchors};
use crate::action::{self, Action, Doing, EffectClass, Facts, Looking, Reconciled, Repeat};
use crate::event::fact::{Event, OutcomeUnknown, StepIntent, StepResult, StepSkipped};
use crate::event::state::{Failure, StepState};
use crate::event::{recall, record};
use crate::frame::Frame;
use crate::procedure::check::Act;
use crate::procedure::pattern::ActKind;
use crate::procedure::step::Step;
use crate::question::{Found, Input};
use crate::template::scope::Scope;
use crate::time::{Duration, Timestamp};

/// After the step's own limit, what an action needs to end what it started.
const GRACE: StdDuration = StdDuration::from_secs(10);

/// Where an act of a step stands.
pub(super) struct Attempt<'a> {
    pub frame: &'a Arc<Frame>,
    pub step: &'a Step,
    pub path: &'a str,
    pub scope: &'a Scope,
    /// From 1, counted over rounds and retries.
    pub number: u32,
}

/// What came of an act.
pub(super) enum Done {
    /// It was done, or looked at, and gave this.
    Gave(Json),
    /// It is so already, and this is what is there.
    NoChange(Json),
    /// It failed, and the same may succeed a little later.
    Transient(Halt),
}

impl Runner<'_> {
    /// A read as a step.
    pub(super) async fn read_once(&self, attempt: &Attempt<'_>, act: &Act) -> Result<Done, Halt> {
        let Attempt { frame, path, scope, number, .. } = *attempt;
        self.means.observer.busy(path, act.action.as_str());
        let input = self.asking.input(frame, act, scope).map_err(|error| failed(&error, path, number))?;
        let Some(with) = input.with.as_ref() else { return Err(still_undecided(&input, path)) };
        self.guard_read(frame, act, scope, (path, path)).await?;
        let started_at = self.now();
        let limit = self.limit(attempt)?;
        let found = match limit {
            None => self.stoppable(path, self.look(frame, act, with, path)).await,
            Some(limit) => {
                let limited = tokio::time::timeout(limit.as_std(), self.look(frame, act, with, path));
                self.stoppable(path, limited)
                    .await
                    .map(|looked| looked.unwrap_or_else(|_| Ok(Found::Failed(took_too_long(limit)))))
            }
        };
        let found = match found {
            Ok(found) => found,
            Err(halt) => {
                self.result(attempt, act, &input, started_at, StepState::Cancelled, None, None)?;
                return Err(halt);
            }
        };
        match found? {
            Found::Output(output) => {
                self.result(attempt, act, &input, started_at, StepState::Succeeded, Some(output.clone()), None)?;
                Ok(Done::Gave(output))
            }
            Found::Undecided(because) => Err(Halt::failed("undecidable", because, Some(path))),
            Found::Failed(error) => {
                let state = if error.code == "timed_out" { StepState::TimedOut } else { StepState::Failed };
                let failure = failure_of(&error, path, number);
                self.result(attempt, act, &input, started_at, state, None, Some(failure.clone()))?;
                self.remember_failure(act.action.as_str(), &input.digest, None);
                let halt = Halt::of(failure, state);
                if error.transient { Ok(Done::Transient(halt)) } else { Err(halt) }
            }
        }
    }

    /// An effect, once.
    pub(super) async fn effect_once(&self, attempt: &Attempt<'_>, act: &Act) -> Result<Done, Halt> {
        let Attempt { frame, step, path, scope, number } = *attempt;
        let input = self.asking.input(frame, act, scope).map_err(|error| failed(&error, path, number))?;
        let Some(with) = input.with.as_ref() else { return Err(still_undecided(&input, path)) };
        let action = self.asking.action(act).map_err(|error| failed(&error, path, number))?;
        let guarded = Guarded {
            kind: ActKind::Action { name: act.action.as_str(), is_read: false },
            acts_as: &step.acts_as,
            with,
            with_digest: Some(&input.digest),
            subject: None,
            path,
        };
        self.guard_before(frame, &guarded).await?;
        let kept = self.kept(frame, step, path, scope)?;
        self.guard_keeping(attempt, &kept).await?;
        for check in &step.preconditions {
            self.precondition(frame, check, scope, Some(path)).await?;
        }
        self.compare_with_plan(path, &input)?;
        self.step_consent(step, path, scope, &input.digest)?;
        let key = self.idempotency_key(path, &input, number, action);
        let mut facts = self.asking.facts(frame, act, path, key);
        facts.secrets.kept = kept;
        let looking = Looking { facts: &facts, probe: self.means.host };
        self.promptly(action.can_keep(&looking)).await?.map_err(|error| failed(&error, path, number))?;
        if let Some(output) = self.already_so(action, with, &facts, number).await? {
            return Ok(Done::NoChange(output));
        }
        let limit = self.limit(attempt)?;
        facts.time_limit = limit.map(Duration::as_std);
        self.before_effect(path)?;
        self.intend(attempt, act, action, with, &input, &facts)?;
        let started_at = self.now();
        let applied = self.apply(frame, path, action, with, &facts, limit).await?;
        if let Applied { result: None, watched: Some(halt) } = applied {
            return self.torn_off(attempt, (act, action), &input, &facts, started_at, halt).await;
        }
        self.outcome(attempt, act, action, &input, started_at, applied)
    }

    fn intend(
        &self,
        attempt: &Attempt<'_>,
        act: &Act,
        action: &Action,
        with: &Json,
        input: &Input,
        facts: &Facts,
    ) -> Result<(), Error> {
        let intent = StepIntent {
            action: act.action.to_string(),
            effect: word(action.contract.effect),
            repeat: word(action.contract.repeat),
            with: with.clone(),
            with_digest: input.digest.clone(),
            idempotency_key: facts.idempotency_key.clone(),
        };
        let mut book = self.book();
        book.note(Some(attempt.path), Some(attempt.number), Event::StepIntent(intent))?;
        if let Some(event) = anchors::intent(action.name, with, facts) {
            book.note(Some(attempt.path), Some(attempt.number), event)?;
        }
        book.flush()?;
        drop(book);
        self.remember_undoable(attempt);
        Ok(())
    }

    /// Does it, under the step's limit and the guards that watch; a second interrupt ends it.
    async fn apply(
        &self,
        frame: &Arc<Frame>,
        path: &str,
        action: &Action,
        with: &Json,
        facts: &Facts,
        limit: Option<Duration>,
    ) -> Result<Applied, Halt> {
        self.means.observer.busy(path, action.name);
        let doing = Doing { facts, host: self.means.host };
        let mut apply = std::pin::pin!(action.apply(with, &doing));
        let hard_limit = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit.as_std() + GRACE).await,
                None => std::future::pending().await,
            }
        };
        let mut interrupts = self.means.interrupts.clone();
        let ended = tokio::select! {
            biased;
            done = &mut apply => return Ok(Applied { result: Some(done), watched: None }),
            () = hard_limit => Applied { result: Some(Err(took_too_long(limit.unwrap_or_default()).uncertain())), watched: None },
            () = told_to_stop(&mut interrupts) => Applied { result: None, watched: None },
            halt = self.told_to_cancel(path) => Applied { result: None, watched: Some(halt) },
            halt = self.watch(frame, path) => {
                // An effect under way is not torn off: that would make its outcome unknown.
                Applied { result: Some(apply.await), watched: Some(halt) }
            }
        };
        Ok(ended)
    }

    fn outcome(
        &self,
        attempt: &Attempt<'_>,
        act: &Act,
        action: &Action,
        input: &Input,
        started_at: Timestamp,
        applied: Applied,
    ) -> Result<Done, Halt> {
        let Attempt { path, number, .. } = *attempt;
        // From here on a secret may be another than the plan found: this very step may have put it there.
        self.means.setting.custody.forget_plan();
        let once = action.contract.repeat == Repeat::Once;
        let at_once = once || action.contract.effect == EffectClass::Irreversible;
        let done = match applied.result {
            None => {
                let error = action::Error::new("interrupted", format!("step `{path}` was ended on request"));
                return Err(self.unknown(attempt, &error)?);
            }
            Some(Err(error)) if error.may_have_happened && once => return Err(self.unknown(attempt, &error)?),
            Some(Err(error)) => {
                let state = if error.code == "timed_out" { StepState::TimedOut } else { StepState::Failed };
                let failure = failure_of(&error, path, number);
                self.result(attempt, act, input, started_at, state, None, Some(failure.clone()))?;
                self.remember_failure(act.action.as_str(), &input.digest, None);
                let halt = Halt::of(failure, state);
                if error.transient { Ok(Done::Transient(halt)) } else { Err(halt) }
            }
            Some(Ok(output)) => {
                let output = recall(&record(&output));
                self.result(attempt, act, input, started_at, StepState::Succeeded, Some(output.clone()), None)?;
                Ok(Done::Gave(output))
            }
        };
        if at_once {
            self.book().flush()?;
        }
        match applied.watched {
            Some(halt) => Err(halt),
            None => done,
        }
    }

    /// Nobody knows whether it happened: said so durably, at once.
    pub(super) fn unknown(&self, attempt: &Attempt<'_>, error: &action::Error) -> Result<Halt, Error> {
        let mut book = self.book();
        let event = Event::OutcomeUnknown(OutcomeUnknown { detail: error.message.clone() });
        book.note(Some(attempt.path), Some(attempt.number), event)?;
        book.flush()?;
        Ok(Halt::Unknown(Box::new(failure_of(error, attempt.path, attempt.number))))
    }

    #[expect(clippy::too_many_arguments, reason = "one fact has these parts, and each caller has all of them")]
    pub(super) fn result(
        &self,
        attempt: &Attempt<'_>,
        act: &Act,
        input: &Input,
        started_at: Timestamp,
        state: StepState,
        output: Option<Json>,
        error: Option<Failure>,
    ) -> Result<(), Error> {
        let subject = output
            .as_ref()
            .and_then(|output| output.get("subject")?.as_str())
            .and_then(|text| crate::id::Digest::parse(text).ok());
        let (name, with) = (act.action.as_str(), input.with.as_ref());
        let anchored = anchors::outcome(name, with, attempt.frame, output.as_ref(), error.as_ref());
        let result = StepResult {
            state,
            action: Some(act.action.to_string()),
            with_digest: Some(input.digest.clone()),
            subject,
            output,
            error,
            started_at,
            ended_at: self.now(),
        };
        let mut book = self.book();
        if let Some(event) = anchored {
            book.note(Some(attempt.path), Some(attempt.number), event)?;
        }
        book.note(Some(attempt.path), Some(attempt.number), Event::StepResult(result))
    }

    /// What is there already where nothing would change: the preview says so, and the action's own probe gives it.
    async fn already_so(
        &self,
        action: &Action,
        with: &Json,
        facts: &Facts,
        number: u32,
    ) -> Result<Option<Json>, Error> {
        // What is so already gives no secret.
        if number > 1 || !action.contract.reconcile || !facts.secrets.kept.is_empty() {
            return Ok(None);
        }
        let looking = Looking { facts, probe: self.means.host };
        let preview = self.promptly(action.preview(with, &looking)).await?;
        if !preview.is_ok_and(|preview| preview.no_change) {
            return Ok(None);
        }
        Ok(match self.promptly(action.reconcile(with, &looking)).await? {
            Ok(Reconciled::Happened(output)) => Some(recall(&record(&output))),
            _ => None,
        })
    }

    pub(super) fn skip(
        &self,
        path: &str,
        state: StepState,
        because: String,
        output: Option<Json>,
    ) -> Result<(), Error> {
        self.book().note(Some(path), None, Event::StepSkipped(StepSkipped { state, because, output }))
    }

    /// What was approved is what runs: an input that the plan showed as decided must be that input now.
    fn compare_with_plan(&self, path: &str, input: &Input) -> Result<(), Halt> {
        match self.plan.shown.get(path) {
            Some(shown) if !agrees(shown, &input.shown) => Err(Halt::failed(
                "not_as_planned",
                format!("the input of step `{path}` is not the one that the plan showed; plan again"),
                Some(path),
            )),
            _ => Ok(()),
        }
    }

    /// The same for each attempt at the same thing, another for each round of a `repeat`.
    fn idempotency_key(&self, path: &str, input: &Input, number: u32, action: &Action) -> String {
        let round = if action.contract.repeat == Repeat::Once { number } else { 0 };
        let parts = serde_json::json!({
            "run": self.asking.run, "step": path, "with": input.digest, "round": round,
        });
        crate::question::canonical_digest(&parts).hex()[..32].to_owned()
    }

    fn limit(&self, attempt: &Attempt<'_>) -> Result<Option<Duration>, Halt> {
        attempt.step.timeout.as_ref().map(|timeout| self.duration(timeout, attempt.scope, attempt.path)).transpose()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.means.host.now()
    }

    /// Waits for something without an effect, unless a second interrupt or a wish to end comes first.
    async fn stoppable<T>(&self, path: &str, work: impl Future<Output = T>) -> Result<T, Halt> {
        let mut interrupts = self.means.interrupts.clone();
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = told_to_stop(&mut interrupts) => Err(super::waiting::interrupted(Some(path))),
            halt = self.told_to_cancel(path) => Err(halt),
        }
    }
}

struct Applied {
    /// None if it was ended on request.
    result: Option<Result<Json, action::Error>>,
    /// A guard that was violated meanwhile, or a wish that the run ends.
    watched: Option<Halt>,
}

/// Whether an input is what was shown, wherever that was decided.
fn agrees(shown: &Json, now: &Json) -> bool {
    match (shown, now) {
        (Json::Object(members), _) if members.contains_key("$undecided") => true,
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, member)| b.get(key).is_some_and(|other| agrees(member, other)))
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agrees(a, b)),
        (a, b) => a == b,
    }
}

fn failure_of(error: &action::Error, path: &str, number: u32) -> Failure {
    Failure {
        code: error.code.clone(),
        message: error.message.clone(),
        step: Some(path.to_owned()),
        check: None,
        guard: None,
        attempt: Some(number),
    }
}

fn failed(error: &action::Error, path: &str, number: u32) -> Halt {
    Halt::of(failure_of(error, path, number), StepState::Failed)
}

fn still_undecided(input: &Input, path: &str) -> Halt {
    Halt::failed("undecidable", format!("the input is not known: {}", input.undecided.join("; ")), Some(path))
}

fn took_too_long(limit: Duration) -> action::Error {
    action::Error::new("timed_out", format!("it took longer than {limit}"))
}

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
