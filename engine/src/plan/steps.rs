//! Steps in a plan: each kind of body, what it would do, and what is known after it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::approvals::wanted_by;
use super::items::items_of;
use super::judging;
use super::planner::Planner;
use super::{Outcome, PlannedStep, Status};
use crate::action::{EffectClass, Fidelity};
use crate::event::state::{Failure, StepState, Verdict};
use crate::frame::{Frame, StepView};
use crate::procedure::step::{Body, ForEach, Step};
use crate::template::Outcome as Known;
use crate::template::error::EvaluationError;
use crate::template::scope::{Scope, Slot};

/// A step about to be planned: under which path, with which names, and how sure it is that it comes to pass.
#[derive(Clone)]
pub(super) struct Turn {
    pub path: String,
    pub scope: Scope,
    pub certain: bool,
}

impl Planner<'_> {
    /// Plans steps in order. Boxed, because steps hold steps.
    pub fn steps<'s>(
        &'s mut self,
        frame: &'s Arc<Frame>,
        steps: &'s [Step],
        certain: bool,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 's>> {
        Box::pin(async move {
            for step in steps {
                self.step(frame, step, certain).await;
            }
        })
    }

    async fn step(&mut self, frame: &Arc<Frame>, step: &Step, certain: bool) {
        let path = frame.path(&step.id);
        let scope = frame.scope();
        let mut certain = certain;
        if let Some(when) = &step.when {
            let decided = when.decide(&scope);
            self.checks.insert(format!("{path}.when"), shown_decision(&decided));
            match decided {
                Ok(Known::Known(true)) => {}
                Ok(Known::Known(false)) => {
                    let because = format!("`{}` is false", when.source());
                    return self.leave_out(frame, step, &path, Outcome::WouldSkip, StepState::Skipped, because);
                }
                Ok(Known::Undecided(because)) => {
                    self.undecided.insert(format!("{path}.when: {}", because.join("; ")));
                    certain = false;
                }
                Err(error) => return self.refuse(frame, step, &path, "when", &error.to_string()),
            }
        }
        match &step.for_each {
            None => {
                let slot = self.turn(frame, step, Turn { path, scope, certain }).await;
                frame.put_step(&step.id, slot);
            }
            Some(for_each) => self.each(frame, step, for_each, Turn { path, scope, certain }).await,
        }
    }

    /// A step that is not done, and about which nothing else is asked.
    fn leave_out(
        &mut self,
        frame: &Arc<Frame>,
        step: &Step,
        path: &str,
        outcome: Outcome,
        state: StepState,
        because: String,
    ) {
        self.steps.push(PlannedStep { outcome, because: Some(because), ..bare(step, path) });
        frame.put_step(&step.id, view(state).slot());
    }

    pub(super) fn refuse(&mut self, frame: &Arc<Frame>, step: &Step, path: &str, what: &str, why: &str) {
        let message = format!("`{what}` of step `{path}` cannot be decided: {why}");
        self.stop(Status::Failed, failure("undecidable", &message, path, None));
        self.leave_out(frame, step, path, Outcome::Refused, StepState::Refused, message);
    }

    async fn each(&mut self, frame: &Arc<Frame>, step: &Step, for_each: &ForEach, turn: Turn) {
        let items = match items_of(for_each, &turn.scope) {
            Ok(Known::Known(items)) => items,
            Ok(Known::Undecided(because)) => {
                let because = because.join("; ");
                self.undecided.insert(format!("{}.for_each: {because}", turn.path));
                self.steps.push(PlannedStep {
                    outcome: Outcome::Undecided,
                    fidelity: Fidelity::None,
                    effect: effect_of(step, self),
                    because: Some(because.clone()),
                    ..bare(step, &turn.path)
                });
                if effect_of(step, self) != EffectClass::Read {
                    self.effect_of.get_or_insert(turn.path.clone());
                }
                return frame.put_step(&step.id, Slot::undecided(because));
            }
            Err(why) => return self.refuse(frame, step, &turn.path, "for_each", &why),
        };
        self.checks
            .insert(format!("{}.for_each", turn.path), json!(items.iter().map(|(key, _)| key).collect::<Vec<_>>()));
        if items.is_empty() {
            let because = "there are no items".to_owned();
            return self.leave_out(frame, step, &turn.path, Outcome::WouldSkip, StepState::Skipped, because);
        }
        frame.put_step(&step.id, Slot::fields([("items", Slot::fields(Vec::<(String, Slot)>::new()))]));
        for (key, item) in items {
            let scope = frame.scope().with(for_each.variable.as_str(), Slot::Known(item));
            let path = format!("{}[{key}]", turn.path);
            let slot = self.turn(frame, step, Turn { path, scope, certain: turn.certain }).await;
            frame.put_item(&step.id, &key, slot);
        }
        let because = format!("step `{}` has not run", turn.path);
        frame.put_member(&step.id, "state", Slot::undecided(because));
    }

    /// Plans one step, or one item of it; gives what `steps.X` is after it.
    async fn turn(&mut self, frame: &Arc<Frame>, step: &Step, mut turn: Turn) -> Slot {
        if let Some(check) = &step.satisfied_when {
            let place = format!("{}.satisfied_when", turn.path);
            let checked = self.ask(frame, check, &turn.scope, &place, Some(&turn.path)).await;
            match checked.verdict {
                Verdict::Passed => {
                    let because = Some("it is so already".to_owned());
                    self.steps.push(PlannedStep {
                        outcome: Outcome::WouldBeNoChange,
                        because,
                        effect: effect_of(step, self),
                        ..bare(step, &turn.path)
                    });
                    return view(StepState::NoChange).slot();
                }
                Verdict::Undecided => turn.certain = false,
                _ => {}
            }
        }
        for check in &step.preconditions {
            let place = format!("{}.preconditions.{}", turn.path, check.id);
            let checked = self.ask(frame, check, &turn.scope, &place, Some(&turn.path)).await;
            if turn.certain {
                self.judge_check(&checked, Status::Refused, "precondition", Some(&turn.path));
            }
            if checked.required && matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable) {
                let because = checked.detail.unwrap_or_default();
                self.steps.push(PlannedStep {
                    outcome: Outcome::Refused,
                    because: Some(format!("precondition `{}`: {because}", checked.check)),
                    ..bare(step, &turn.path)
                });
                return view(StepState::Refused).slot();
            }
        }
        let before = self.steps.len();
        self.step_approval(step, &turn);
        let slot = self.body(frame, step, &turn).await;
        let planned = self.steps[before..].iter().find(|planned| planned.id == turn.path);
        if planned.is_some_and(|planned| planned.outcome == Outcome::Refused) {
            // What is refused is not done, and what would follow it is not asked.
            return slot;
        }
        self.verify_of(frame, step, &turn, &slot).await;
        slot
    }

    /// The consent that a step asks for before its effect; how long one may be good is told then.
    fn step_approval(&mut self, step: &Step, turn: &Turn) {
        let Some(approvals) = &step.approval else { return };
        match wanted_by(&turn.path, approvals, self.setting.environment, &turn.scope) {
            Ok(wanted) => self.step_approvals.extend(wanted),
            Err(because) => drop(self.undecided.insert(format!("{}.approval.expires: {because}", turn.path))),
        }
    }

    async fn body(&mut self, frame: &Arc<Frame>, step: &Step, turn: &Turn) -> Slot {
        match &step.body {
            Body::Action(act) => self.action(frame, step, act, turn).await,
            Body::Call { procedure, with } => self.call(frame, step, procedure, with, turn).await,
            Body::Manual(manual) => {
                let with = json!({ "ask": judging::rule(&manual.ask, &turn.scope) });
                self.act_of_person(frame, step, &with, turn).await
            }
            Body::Parallel(steps) => {
                self.steps(frame, steps, turn.certain).await;
                Slot::fields([("state", Slot::undecided(format!("step `{}` has not run", turn.path)))])
            }
            Body::Wait(wait) => self.wait(frame, step, wait, turn).await,
        }
    }
    async fn verify_of(&mut self, frame: &Arc<Frame>, step: &Step, turn: &Turn, slot: &Slot) {
        if step.verify.is_empty() {
            return;
        }
        let mut scope = turn.scope.clone();
        scope.put(&["steps", step.id.as_str()], slot.clone());
        for check in &step.verify {
            let place = format!("{}.verify.{}", turn.path, check.id);
            let checked = self.ask(frame, check, &scope, &place, Some(&turn.path)).await;
            if turn.certain {
                self.judge_check(&checked, Status::Failed, "verify", Some(&turn.path));
            }
        }
    }
}

pub(super) fn effect_of(step: &Step, planner: &Planner<'_>) -> EffectClass {
    match &step.body {
        Body::Action(act) => planner.asking.action(act).map_or(EffectClass::Mutate, |action| action.contract.effect),
        Body::Manual(_) => EffectClass::Mutate,
        Body::Wait(_) => EffectClass::Read,
        Body::Call { .. } | Body::Parallel(_) => EffectClass::Mutate,
    }
}

/// The name of what a step does: an action, `manual`, `wait`, `parallel` or `call.NAME`.
pub fn action_name(body: &Body) -> String {
    match body {
        Body::Action(act) => act.action.to_string(),
        Body::Call { procedure, .. } => format!("call.{procedure}"),
        Body::Manual(_) => "manual".to_owned(),
        Body::Parallel(_) => "parallel".to_owned(),
        Body::Wait(_) => "wait".to_owned(),
    }
}

pub(super) fn bare(step: &Step, path: &str) -> PlannedStep {
    PlannedStep {
        id: path.to_owned(),
        title: step.title.clone(),
        action: action_name(&step.body),
        effect: EffectClass::Read,
        fidelity: Fidelity::Exact,
        outcome: Outcome::WouldRun,
        with: json!({}),
        before: None,
        after: None,
        because: None,
    }
}

pub(super) fn view(state: StepState) -> StepView {
    StepView { state, attempts: 0, output: None, started_at: None, ended_at: None }
}

pub(super) fn failure(code: &str, message: &str, step: &str, check: Option<&str>) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        step: Some(step.to_owned()),
        check: check.map(str::to_owned),
        guard: None,
        attempt: None,
    }
}

fn shown_decision(decided: &Result<Known<bool>, EvaluationError>) -> Json {
    match decided {
        Ok(Known::Known(value)) => json!(value),
        Ok(Known::Undecided(_)) => json!("undecided"),
        Err(_) => json!("undecidable"),
    }
}
