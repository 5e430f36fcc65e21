//! The walk over a procedure that makes its plan: what is asked and what is judged on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::failed::{FailedNow, What};
use super::judging::{self, Described, act_scope, rule, words};
use super::requires::PlannedLimit;
use super::waivers::InForce;
use super::{Observed, Options, PlannedGuard, PlannedStep, Setting, Status};
use crate::event::held::Called;
use crate::event::people::Wanted;
use crate::event::state::{Checked, Failure, Verdict};
use crate::frame::{Frame, Held};
use crate::guard::{self, Judged, State};
use crate::past::Past;
use crate::procedure::check::{Act, Check};
use crate::procedure::guard::{Form, Moment};
use crate::procedure::pattern::ActKind;
use crate::procedure::{Procedure, Work};
use crate::question::{self, Asking, Found, Look};
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;

/// Outputs above this are shown in `observed` by their digest.
const OBSERVED_AT_MOST: usize = 4096;

pub(super) struct Planner<'a> {
    pub setting: &'a Setting,
    pub asking: Asking<'a>,
    pub base: Scope,
    pub history: &'a Past,
    pub options: Options,
    pub steps: Vec<PlannedStep>,
    pub shown: BTreeMap<String, Json>,
    pub guards: IndexMap<String, PlannedGuard>,
    pub preconditions: Vec<Checked>,
    pub verify: Vec<Checked>,
    /// Verdicts of checks within steps, `when`s and lists: part of what the digest is over.
    pub checks: BTreeMap<String, Json>,
    pub undecided: BTreeSet<String>,
    pub observed: Vec<Observed>,
    pub used_actions: BTreeSet<String>,
    /// Names of locks that the run takes.
    pub locks: BTreeSet<String>,
    pub limits: Vec<PlannedLimit>,
    /// Procedures that the walk has entered, for limits.
    pub entered: Vec<Called>,
    /// What failed already now in steps.
    pub failed: Vec<FailedNow>,
    pub failure: Option<Failure>,
    /// Consent that steps ask for.
    pub step_approvals: Vec<Wanted>,
    /// The waivers in force.
    pub waivers: Vec<InForce>,
    /// What each waiver would let pass.
    pub lifted: BTreeMap<String, BTreeSet<String>>,
    stopped: Option<Status>,
    /// The first step that may have an effect: after it the world is not what it is now.
    pub effect_of: Option<String>,
}

impl<'a> Planner<'a> {
    pub fn new(setting: &'a Setting, asking: Asking<'a>, base: Scope, history: &'a Past, options: Options) -> Self {
        Self {
            setting,
            asking,
            base,
            history,
            options,
            steps: Vec::new(),
            shown: BTreeMap::new(),
            guards: IndexMap::new(),
            preconditions: Vec::new(),
            verify: Vec::new(),
            checks: BTreeMap::new(),
            undecided: BTreeSet::new(),
            observed: Vec::new(),
            used_actions: BTreeSet::new(),
            locks: BTreeSet::new(),
            limits: Vec::new(),
            entered: Vec::new(),
            failed: Vec::new(),
            failure: None,
            step_approvals: Vec::new(),
            waivers: Vec::new(),
            lifted: BTreeMap::new(),
            stopped: None,
            effect_of: None,
        }
    }

    pub fn status(&self) -> Status {
        self.stopped.unwrap_or(Status::Ready)
    }

    /// Keeps the first thing that stands against running.
    pub fn stop(&mut self, status: Status, failure: Failure) {
        if self.stopped.is_none() {
            self.stopped = Some(status);
            self.failure = Some(failure);
        }
    }

    pub async fn walk(&mut self, root: &Arc<Frame>) {
        self.enter(root, "", true).await;
        let procedure = Arc::clone(&root.procedure);
        match &procedure.work {
            Work::Steps(work) => {
                self.steps(root, &work.steps, true).await;
                for check in &work.verify {
                    let checked = self.ask(root, check, &root.scope(), &check_path("verify", check), None).await;
                    self.judge_check(&checked, Status::Failed, "verify", None);
                    self.verify.push(checked);
                }
                self.steps(root, &work.finally, true).await;
            }
            Work::Items(items) => {
                for item in items {
                    let checked = self.ask(root, item, &root.scope(), &check_path("items", item), None).await;
                    let checked = self.lift_item(root, checked);
                    self.verify.push(checked);
                }
                self.judge_items();
            }
        }
    }

    /// Guards over states, then preconditions: what comes before the first step of a frame.
    pub async fn enter(&mut self, frame: &Arc<Frame>, called_by: &str, certain: bool) {
        self.require(frame, called_by, certain);
        for held in frame.guards().into_iter().filter(|held| Arc::ptr_eq(&held.frame, frame)) {
            self.note_guard(&held, &Judged::PASSED, true);
            let guard = held.guard();
            if let Form::Never(expression) = &guard.form
                && guard.enforce.contains(&Moment::Plan)
            {
                let scope = frame.scope();
                let state = self.guard_state(&held, &scope).await;
                let judged = guard::judge_never(expression, &state, &scope);
                let judged = self.lift(&held, judged, None);
                self.note_guard(&held, &judged, true);
                self.stop_if_violated(&held, &judged, None);
            }
        }
        for check in &frame.procedure.preconditions {
            let place = format!("{called_by}{}", check_path("preconditions", check));
            let checked = self.ask(frame, check, &frame.scope(), &place, None).await;
            self.judge_check(&checked, Status::Refused, "precondition", called_by.strip_suffix('/'));
            if called_by.is_empty() {
                self.preconditions.push(checked);
            }
        }
    }

    /// A check that counts and is not met stands against running.
    pub fn judge_check(&mut self, checked: &Checked, status: Status, code: &str, step: Option<&str>) {
        if checked.required && matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable) {
            if let Some(step) = step {
                let what = match status {
                    Status::Refused => What::Precondition(checked.clone()),
                    _ => What::Verify(checked.clone()),
                };
                self.failed.push(FailedNow { step: step.to_owned(), what });
            }
            let detail = checked.detail.as_deref().unwrap_or("it is not met");
            let what = if status == Status::Refused { "precondition" } else { "check" };
            self.stop(
                status,
                Failure {
                    code: code.to_owned(),
                    message: format!("{what} `{}` is not met: {detail}", checked.check),
                    step: step.map(str::to_owned),
                    check: Some(checked.check.clone()),
                    guard: None,
                    attempt: None,
                },
            );
        }
    }

    /// Whether the world is still as it is now, and may be looked at.
    pub fn may_look(&self) -> Result<(), String> {
        if self.options.offline {
            return Err("this plan makes no reads (`--offline`)".to_owned());
        }
        match &self.effect_of {
            Some(step) => Err(format!("it is read after step `{step}`, which has not run")),
            None => Ok(()),
        }
    }

    /// Makes a read, if this plan may; guards over reads are asked before. It is made for a place in the document, and
    /// by who asks.
    pub async fn look(&mut self, frame: &Arc<Frame>, act: &Act, scope: &Scope, (place, by): (&str, &str)) -> Look {
        self.used_actions.insert(act.action.to_string());
        if let Err(because) = self.may_look() {
            return self.unmade(frame, act, scope, because);
        }
        if let Some(look) = self.guarded_read(frame, act, scope, (place, by)).await {
            return look;
        }
        self.look_unguarded(frame, act, scope, (place, by)).await
    }

    /// A read that this plan may not make; its input is rendered all the same.
    fn unmade(&self, frame: &Arc<Frame>, act: &Act, scope: &Scope, because: String) -> Look {
        let (with, with_digest, found) = match self.asking.input(frame, act, scope) {
            Ok(input) => (input.shown, input.digest, Found::Undecided(because)),
            Err(error) => (Json::Null, question::canonical_digest(&Json::Null), Found::Failed(error)),
        };
        Look { action: act.action.to_string(), with, with_digest, found }
    }

    async fn look_unguarded(
        &mut self,
        frame: &Arc<Frame>,
        act: &Act,
        scope: &Scope,
        (place, by): (&str, &str),
    ) -> Look {
        let mut look = self.asking.look(frame, act, scope, by).await;
        // What is not in its store yet may be put there by a step.
        if let Found::Failed(error) = &look.found
            && error.code == crate::action::sealed::MISSING_SECRET
        {
            look.found = Found::Undecided(error.message.clone());
        }
        if let Found::Undecided(because) = &look.found {
            self.undecided.insert(format!("{place}: {because}"));
        } else {
            self.observed.push(Observed {
                by: place.to_owned(),
                action: look.action.clone(),
                with: look.with.clone(),
                found: shown_output(&look.found),
            });
        }
        look
    }

    /// Guards that speak of this read (`once_failed: ledger.verify`): a violated one makes it fail unread.
    async fn guarded_read(
        &mut self,
        frame: &Arc<Frame>,
        act: &Act,
        scope: &Scope,
        (place, by): (&str, &str),
    ) -> Option<Look> {
        let kind = ActKind::Action { name: act.action.as_str(), is_read: true };
        if !frame.guards().iter().any(|held| guard::is_about(held.guard(), kind, &[])) {
            return None;
        }
        let input = self.asking.input(frame, act, scope).ok()?;
        let with = input.with.as_ref()?;
        let subject = self.asking.subject(frame, act, with, by).await;
        let described = Described {
            kind,
            acts_as: &[],
            with,
            with_digest: Some(&input.digest),
            subject,
            step: place,
            certain: true,
        };
        let stopped = self.guard_act(frame, &described).await?;
        let error = crate::action::Error::new("guard", stopped);
        let look = Look {
            action: act.action.to_string(),
            with: with.clone(),
            with_digest: input.digest.clone(),
            found: Found::Failed(error),
        };
        Some(look)
    }

    /// Asks all guards about an act; gives the first prohibition that stops it, in words.
    pub async fn guard_act(&mut self, frame: &Arc<Frame>, act: &Described<'_>) -> Option<String> {
        let mut stopped = None;
        for held in frame.guards() {
            let guard = held.guard();
            if !guard::is_about(guard, act.kind, act.acts_as) || !guard.enforce.contains(&Moment::Plan) {
                continue;
            }
            let judged = self.judge_act(&held, frame, act).await;
            let judged = match judged.verdict {
                Verdict::Violated if !act.certain => {
                    Judged::because(Verdict::Undecided, format!("violated if step `{}` comes to pass", act.step))
                }
                _ => self.lift(&held, judged, Some(act.step)),
            };
            self.note_guard(&held, &judged, false);
            self.stop_if_violated(&held, &judged, Some(act.step));
            if judged.stops() && stopped.is_none() {
                stopped = Some(words(&held, &judged));
            }
        }
        stopped
    }

    async fn judge_act(&mut self, held: &Held, acting: &Frame, act: &Described<'_>) -> Judged {
        let guard = held.guard();
        match &guard.form {
            Form::Never(_) => Judged::PASSED,
            Form::OnceFailed(_) => judging::judge_once_failed(self.history, act),
            Form::Forbid { condition, .. } => {
                let scope = act_scope(&held.frame, acting, act, self.setting);
                let state = match condition {
                    Some(_) => self.guard_state(held, &scope).await,
                    None => State::None,
                };
                guard::judge_forbid(condition.as_ref(), &state, &scope)
            }
        }
    }

    async fn guard_state(&mut self, held: &Held, scope: &Scope) -> State {
        let Some(act) = &held.guard().state else { return State::None };
        self.used_actions.insert(act.action.to_string());
        // The read of a guard is not itself under guards: it would ask itself without end.
        let look = match self.may_look() {
            Ok(()) => {
                let id = held.id();
                self.look_unguarded(&held.frame, act, scope, (&format!("do_not.{id}"), &id)).await
            }
            Err(because) => self.unmade(&held.frame, act, scope, because),
        };
        match look.found {
            Found::Output(output) => State::Found(Slot::Known(Value::from_json(&output))),
            Found::Undecided(because) => State::Undecided(because),
            Found::Failed(error) => State::Failed(error.message),
        }
    }

    /// Keeps the gravest verdict of each guard.
    fn note_guard(&mut self, held: &Held, judged: &Judged, first: bool) {
        let when = if judged.verdict == Verdict::Undecided { "before the effect" } else { "plan" };
        let noted = PlannedGuard {
            id: held.id(),
            rule: rule(&held.guard().rule, &held.frame.scope()),
            verdict: judged.verdict,
            when: when.to_owned(),
            detail: judged.detail.clone(),
        };
        let graver = self
            .guards
            .get(&noted.id)
            .is_none_or(|known| judging::gravity(noted.verdict) > judging::gravity(known.verdict));
        if judged.verdict == Verdict::Undecided && !first {
            let because = judged.detail.as_deref().unwrap_or_default();
            self.undecided.insert(format!("do_not.{}: {because}", noted.id));
        }
        if graver {
            self.guards.insert(noted.id.clone(), noted);
        }
    }

    fn stop_if_violated(&mut self, held: &Held, judged: &Judged, step: Option<&str>) {
        if judged.stops() {
            self.stop(
                Status::Guarded,
                Failure {
                    code: "guard".to_owned(),
                    message: words(held, judged),
                    step: step.map(str::to_owned),
                    check: None,
                    guard: Some(held.id()),
                    attempt: None,
                },
            );
        }
    }

    /// The procedure of a call.
    pub fn called(&self, name: &crate::id::Name) -> Option<Arc<Procedure>> {
        self.setting.procedures.get(name).cloned()
    }
}

fn check_path(list: &str, check: &Check) -> String {
    format!("{list}.{}", check.id)
}

fn shown_output(found: &Found) -> Json {
    match found {
        Found::Output(output) => {
            let text = output.to_string();
            if text.len() > OBSERVED_AT_MOST {
                json!({ "$digest": question::canonical_digest(output), "bytes": text.len() })
            } else {
                output.clone()
            }
        }
        Found::Undecided(because) => json!({ "$undecided": because }),
        Found::Failed(error) => json!({ "$error": { "code": error.code, "message": error.message } }),
    }
}
