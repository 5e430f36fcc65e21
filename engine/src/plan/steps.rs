//! Steps in a plan: each kind of body, what it would do, and what is known after it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use super::judging::{self, Described};
use super::planner::Planner;
use super::{Outcome, PlannedStep, Status};
use crate::action::{EffectClass, Fidelity, Looking};
use crate::event::fact::{Failure, StepState, Verdict};
use crate::frame::{Frame, Given, Place, StepView};
use crate::id::{Id, Name};
use crate::procedure::pattern::ActKind;
use crate::procedure::{Act, Body, ForEach, Step, Wait, Work};
use crate::question::Found;
use crate::target::Target;
use crate::template::data::Data;
use crate::template::error::EvaluationError;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;
use crate::template::{Outcome as Known, Template};

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

    fn refuse(&mut self, frame: &Arc<Frame>, step: &Step, path: &str, what: &str, why: &str) {
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
            let checked = self.ask(frame, check, &turn.scope, &place).await;
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
            let checked = self.ask(frame, check, &turn.scope, &place).await;
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
        let slot = self.body(frame, step, &turn).await;
        self.verify_of(frame, step, &turn, &slot).await;
        slot
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

    async fn action(&mut self, frame: &Arc<Frame>, step: &Step, act: &Act, turn: &Turn) -> Slot {
        self.used_actions.insert(act.action.to_string());
        let is_read = self.asking.action(act).is_ok_and(|action| action.is_read());
        let input = match self.asking.input(frame, act, &turn.scope) {
            Ok(input) => input,
            Err(error) => {
                if turn.certain {
                    self.stop(Status::Failed, failure(&error.code, &error.message, &turn.path, None));
                }
                let because = Some(error.message);
                self.steps.push(PlannedStep { outcome: Outcome::Refused, because, ..bare(step, &turn.path) });
                return view(StepState::Failed).slot();
            }
        };
        self.shown.insert(turn.path.clone(), input.shown.clone());
        if !input.undecided.is_empty() {
            self.undecided.insert(format!("{}.with: {}", turn.path, input.undecided.join("; ")));
        }
        if is_read {
            return self.read_step(frame, step, act, turn, input.shown).await;
        }
        let described = Described {
            kind: ActKind::Action { name: act.action.as_str(), is_read: false },
            acts_as: &step.acts_as,
            with: &input.shown,
            with_digest: input.with.is_some().then_some(&input.digest),
            subject: None,
            step: &turn.path,
            certain: turn.certain,
        };
        if let Some(why) = self.guard_act(frame, &described).await {
            let because = Some(why);
            self.steps.push(PlannedStep {
                outcome: Outcome::Refused,
                because,
                with: input.shown,
                effect: effect_of(step, self),
                ..bare(step, &turn.path)
            });
            return view(StepState::Refused).slot();
        }
        self.effect_step(frame, step, act, turn, input).await
    }

    async fn read_step(&mut self, frame: &Arc<Frame>, step: &Step, act: &Act, turn: &Turn, shown: Json) -> Slot {
        let look = self.look(frame, act, &turn.scope, &turn.path).await;
        let mut planned = PlannedStep {
            outcome: if turn.certain { Outcome::WouldRun } else { Outcome::Undecided },
            fidelity: Fidelity::Exact,
            with: shown,
            ..bare(step, &turn.path)
        };
        let slot = match look.found {
            Found::Output(output) => {
                let view = StepView { output: Some(output), ..view(StepState::Succeeded) };
                timeless(view.slot())
            }
            Found::Undecided(because) => {
                planned.fidelity = Fidelity::None;
                planned.because = Some(because.clone());
                Slot::undecided(because)
            }
            Found::Failed(error) => {
                planned.because = Some(error.message.clone());
                if turn.certain {
                    let status = if error.code == "guard" { Status::Guarded } else { Status::Failed };
                    self.stop(status, failure(&error.code, &error.message, &turn.path, None));
                    planned.outcome = Outcome::Refused;
                }
                view(StepState::Failed).slot()
            }
        };
        self.steps.push(planned);
        slot
    }

    async fn effect_step(
        &mut self,
        frame: &Arc<Frame>,
        step: &Step,
        act: &Act,
        turn: &Turn,
        input: crate::question::Input,
    ) -> Slot {
        let mut planned = PlannedStep {
            effect: effect_of(step, self),
            fidelity: Fidelity::None,
            outcome: if turn.certain { Outcome::WouldRun } else { Outcome::Undecided },
            with: input.shown,
            ..bare(step, &turn.path)
        };
        if let (Some(with), Ok(action), false) = (&input.with, self.asking.action(act), self.options.offline) {
            let facts = self.asking.facts(frame, String::new());
            match action.preview(with, &Looking { facts: &facts, probe: self.asking.probe }).await {
                Ok(preview) => {
                    planned.fidelity = preview.fidelity;
                    (planned.before, planned.after) = (preview.before, preview.after);
                    if preview.no_change && self.effect_of.is_none() && turn.certain {
                        planned.outcome = Outcome::WouldBeNoChange;
                    }
                }
                Err(error) if error.code == crate::action::NOT_PROBED => planned.because = Some(error.message),
                Err(error) => planned.because = Some(format!("no preview: {}", error.message)),
            }
        }
        // After another effect the world that was previewed is not the one this step will find.
        if self.effect_of.is_some() && planned.fidelity == Fidelity::Exact {
            planned.fidelity = Fidelity::Estimated;
        }
        if planned.outcome != Outcome::WouldBeNoChange {
            self.effect_of.get_or_insert(turn.path.clone());
        }
        self.steps.push(planned);
        Slot::undecided(format!("step `{}` has not run", turn.path))
    }

    async fn act_of_person(&mut self, frame: &Arc<Frame>, step: &Step, with: &Json, turn: &Turn) -> Slot {
        let described = Described {
            kind: ActKind::Manual,
            acts_as: &step.acts_as,
            with,
            with_digest: None,
            subject: None,
            step: &turn.path,
            certain: turn.certain,
        };
        let refused = self.guard_act(frame, &described).await;
        let outcome = match (&refused, turn.certain) {
            (Some(_), _) => Outcome::Refused,
            (None, true) => Outcome::WouldRun,
            (None, false) => Outcome::Undecided,
        };
        self.steps.push(PlannedStep {
            effect: EffectClass::Mutate,
            fidelity: Fidelity::None,
            outcome,
            with: with.clone(),
            because: refused,
            ..bare(step, &turn.path)
        });
        self.effect_of.get_or_insert(turn.path.clone());
        Slot::undecided(format!("nobody has answered step `{}` yet", turn.path))
    }

    async fn wait(&mut self, frame: &Arc<Frame>, step: &Step, wait: &Wait, turn: &Turn) -> Slot {
        let with = json!({ "duration": shown_template(&wait.duration, &turn.scope) });
        if let Some(until) = &wait.until {
            let mut checked = self.ask(frame, until, &turn.scope, &format!("{}.until", turn.path)).await;
            checked.verdict = if checked.verdict == Verdict::Passed { Verdict::Passed } else { Verdict::Undecided };
            self.checks.insert(format!("{}.until", turn.path), json!(checked.verdict));
        }
        self.steps.push(PlannedStep {
            fidelity: Fidelity::Exact,
            outcome: if turn.certain { Outcome::WouldRun } else { Outcome::Undecided },
            with,
            ..bare(step, &turn.path)
        });
        Slot::fields([("state", Slot::Known(Value::from(StepState::Succeeded.as_str())))])
    }

    async fn call(&mut self, frame: &Arc<Frame>, step: &Step, name: &Name, with: &Data, turn: &Turn) -> Slot {
        let shown = match with.render_partial(&turn.scope) {
            Ok((shown, _)) => shown,
            Err(error) => {
                self.refuse(frame, step, &turn.path, "with", &error.to_string());
                return view(StepState::Refused).slot();
            }
        };
        self.shown.insert(turn.path.clone(), shown.clone());
        let described = Described {
            kind: ActKind::Call(name.as_str()),
            acts_as: &step.acts_as,
            with: &shown,
            with_digest: None,
            subject: None,
            step: &turn.path,
            certain: turn.certain,
        };
        let refused = self.guard_act(frame, &described).await;
        let callee = match self.callee(frame, name, with, turn) {
            Ok(callee) => callee,
            Err(why) => {
                self.refuse(frame, step, &turn.path, "call", &why);
                return view(StepState::Refused).slot();
            }
        };
        self.steps.push(PlannedStep {
            fidelity: Fidelity::Exact,
            outcome: match (&refused, turn.certain) {
                (Some(_), _) => Outcome::Refused,
                (None, true) => Outcome::WouldRun,
                (None, false) => Outcome::Undecided,
            },
            with: shown,
            because: refused.clone(),
            ..bare(step, &turn.path)
        });
        if refused.is_some() {
            return view(StepState::Refused).slot();
        }
        self.enter(&callee, &format!("{}/", turn.path)).await;
        if let Work::Steps(work) = &callee.procedure.work {
            let work = work.clone();
            self.steps(&callee, &work.steps, turn.certain).await;
            for check in &work.verify {
                let place = format!("{}/verify.{}", turn.path, check.id);
                let checked = self.ask(&callee, check, &callee.scope(), &place).await;
                if turn.certain {
                    self.judge_check(&checked, Status::Failed, "verify", Some(&turn.path));
                }
            }
            self.steps(&callee, &work.finally, turn.certain).await;
        }
        let scope = callee.scope();
        let outputs = callee.procedure.outputs.iter().map(|(name, data)| (name.as_str(), output_slot(data, &scope)));
        let state = Slot::undecided(format!("step `{}` has not run", turn.path));
        Slot::fields(outputs.chain([("state", state)]))
    }

    fn callee(&self, frame: &Arc<Frame>, name: &Name, with: &Data, turn: &Turn) -> Result<Arc<Frame>, String> {
        let procedure = self.called(name).ok_or_else(|| format!("procedure `{name}` does not exist"))?;
        if frame.is_inside(name) {
            return Err(format!("`{name}` is being run already"));
        }
        let (shown, _) = with.render_partial(&turn.scope).map_err(|error| error.to_string())?;
        let given = shown.as_object().cloned().unwrap_or_default();
        let (parameters, targets) = call_inputs(frame, &procedure, &given)?;
        let place = Place::Called(Arc::clone(frame), turn.path.clone());
        Ok(Arc::new(Frame::new(procedure, parameters, targets, &self.setting.env, &self.base, place)))
    }

    async fn verify_of(&mut self, frame: &Arc<Frame>, step: &Step, turn: &Turn, slot: &Slot) {
        if step.verify.is_empty() {
            return;
        }
        let mut scope = turn.scope.clone();
        scope.put(&["steps", step.id.as_str()], slot.clone());
        for check in &step.verify {
            let place = format!("{}.verify.{}", turn.path, check.id);
            let checked = self.ask(frame, check, &scope, &place).await;
            if turn.certain {
                self.judge_check(&checked, Status::Failed, "verify", Some(&turn.path));
            }
        }
    }
}

/// What a call gives: parameters, and targets by the name that the callee gives them.
pub type CallInputs = (IndexMap<Id, Given>, BTreeMap<Id, Target>);

/// The parameters and targets that a call gives its procedure, from one namespace; the callee sees nothing else.
pub fn call_inputs(
    frame: &Frame,
    procedure: &crate::procedure::Procedure,
    given: &Map<String, Json>,
) -> Result<CallInputs, String> {
    let known = |name: &str| procedure.parameters.contains_key(name) || procedure.targets.contains_key(name);
    if let Some(name) = given.keys().find(|name| !known(name)) {
        return Err(format!("`{}` takes no `{name}`", procedure.name));
    }
    let mut parameters = IndexMap::new();
    for (name, parameter) in &procedure.parameters {
        let value = match given.get(name.as_str()) {
            Some(shown) => match undecided(shown) {
                Some(because) => Given::Undecided(because),
                None => Given::Known(parameter.accept(shown).map_err(|why| format!("parameter `{name}`: {why}"))?),
            },
            None => Given::Known(parameter.default.clone().ok_or_else(|| format!("parameter `{name}` is required"))?),
        };
        parameters.insert(name.clone(), value);
    }
    let mut targets = BTreeMap::new();
    for (name, slot) in &procedure.targets {
        let ours =
            given.get(name.as_str()).and_then(Json::as_str).ok_or_else(|| format!("target `{name}` is required"))?;
        let target =
            frame.targets.get(ours).ok_or_else(|| format!("there is no target `{ours}` to give as `{name}`"))?;
        if target.kind != slot.kind {
            return Err(format!(
                "target `{ours}` is of kind `{}`, and `{name}` needs `{}`",
                target.kind.as_str(),
                slot.kind.as_str()
            ));
        }
        targets.insert(name.clone(), target.clone());
    }
    Ok((parameters, targets))
}

/// The items of a `for_each` with their keys, or why there are none to be had.
pub fn items_of(for_each: &ForEach, scope: &Scope) -> Result<Known<Vec<(String, Value)>>, String> {
    let list = match for_each.items.render(scope).map_err(|error| error.to_string())? {
        Known::Known(list) => list,
        Known::Undecided(because) => return Ok(Known::Undecided(because)),
    };
    let Some(items) = list.as_list() else {
        return Err(format!("`{}` is not a list", for_each.items.source()));
    };
    if let Some(max) = for_each.max_items.filter(|max| items.len() > *max as usize) {
        return Err(format!("there are {} items, and at most {max} are allowed", items.len()));
    }
    let mut keyed: Vec<(String, Value)> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let key = match &for_each.key {
            None => at.to_string(),
            Some(key) => {
                let scope = scope.clone().with(for_each.variable.as_str(), Slot::Known(item.clone()));
                match key.evaluate(&scope).map_err(|error| error.to_string())? {
                    Known::Known(value) => {
                        value.to_text().map(|text| text.to_string()).ok_or("a key must be text or a number")?
                    }
                    Known::Undecided(because) => return Ok(Known::Undecided(because)),
                }
            }
        };
        if keyed.iter().any(|(known, _)| *known == key) {
            return Err(format!("two items have the key `{key}`"));
        }
        keyed.push((key, item.clone()));
    }
    Ok(Known::Known(keyed))
}

fn undecided(shown: &Json) -> Option<String> {
    match shown {
        Json::Object(members) => members
            .get("$undecided")
            .and_then(Json::as_str)
            .map(str::to_owned)
            .or_else(|| members.values().find_map(undecided)),
        Json::Array(items) => items.iter().find_map(undecided),
        _ => None,
    }
}

fn output_slot(data: &Data, scope: &Scope) -> Slot {
    match data.render(scope) {
        Ok(Known::Known(value)) => Slot::Known(Value::from_json(&value)),
        Ok(Known::Undecided(because)) => Slot::undecided(because.join("; ")),
        Err(error) => Slot::undecided(error.to_string()),
    }
}

/// What differs from run to run is not known in a plan: when a step began and ended.
fn timeless(slot: Slot) -> Slot {
    match slot {
        Slot::Fields(fields) => {
            let times =
                ["started_at", "ended_at"].map(|name| (name.to_owned(), Slot::undecided("the step has not run")));
            Slot::fields(fields.iter().map(|(name, slot)| (name.clone(), slot.clone())).chain(times))
        }
        other => other,
    }
}

fn effect_of(step: &Step, planner: &Planner<'_>) -> EffectClass {
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

fn bare(step: &Step, path: &str) -> PlannedStep {
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

fn view(state: StepState) -> StepView {
    StepView { state, attempts: 0, output: None, started_at: None, ended_at: None }
}

fn failure(code: &str, message: &str, step: &str, check: Option<&str>) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        step: Some(step.to_owned()),
        check: check.map(str::to_owned),
        guard: None,
        attempt: None,
    }
}

fn shown_template(template: &Template, scope: &Scope) -> Json {
    match template.render(scope) {
        Ok(Known::Known(value)) => value.to_json(),
        _ => Json::String(template.source().to_owned()),
    }
}

fn shown_decision(decided: &Result<Known<bool>, EvaluationError>) -> Json {
    match decided {
        Ok(Known::Known(value)) => json!(value),
        Ok(Known::Undecided(_)) => json!("undecided"),
        Err(_) => json!("undecidable"),
    }
}
