//! Calls in a plan: the callee is planned within, under the guards of its callers.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::judging::Described;
use super::planner::Planner;
use super::steps::{Turn, bare, view};
use super::{Outcome, PlannedStep, Status};
use crate::action::Fidelity;
use crate::event::state::StepState;
use crate::frame::{Frame, Given, Place};
use crate::id::{Id, Name};
use crate::procedure::Work;
use crate::procedure::pattern::ActKind;
use crate::procedure::step::Step;
use crate::target::Target;
use crate::target::secret_store::SecretPlace;
use crate::template::Outcome as Known;
use crate::template::data::Data;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;

impl Planner<'_> {
    pub(super) async fn call(
        &mut self,
        frame: &Arc<Frame>,
        step: &Step,
        name: &Name,
        with: &Data,
        turn: &Turn,
    ) -> Slot {
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
        self.enter(&callee, &format!("{}/", turn.path), turn.certain).await;
        let procedure = Arc::clone(&callee.procedure);
        if let Work::Steps(work) = &procedure.work {
            self.steps(&callee, &work.steps, turn.certain).await;
            for check in &work.verify {
                let place = format!("{}/verify.{}", turn.path, check.id);
                let checked = self.ask(&callee, check, &callee.scope(), &place, None).await;
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
        let CallInputs { parameters, targets, secrets } = call_inputs(frame, &procedure, &given, with, &turn.scope)?;
        let place = Place::Called(Arc::clone(frame), turn.path.clone());
        let callee = Frame::new(procedure, parameters, targets, &self.setting.env, &self.base, place);
        Ok(Arc::new(callee.with_secrets(secrets)))
    }
}

/// What a call gives, by the names that the callee has for it.
pub struct CallInputs {
    /// Its parameters.
    pub parameters: IndexMap<Id, Given>,
    /// Its targets.
    pub targets: BTreeMap<Id, Target>,
    /// Its secrets.
    pub secrets: BTreeMap<Id, SecretPlace>,
}

/// What a call gives its procedure, from one namespace; the callee sees nothing else.
///
/// # Errors
/// With the first that is not known, missing, or does not fit, in words.
pub fn call_inputs(
    frame: &Frame,
    procedure: &crate::procedure::Procedure,
    given: &Map<String, Json>,
    with: &Data,
    scope: &Scope,
) -> Result<CallInputs, String> {
    let known = |name: &str| {
        let targets = &procedure.targets;
        procedure.parameters.contains_key(name) || targets.contains_key(name) || procedure.secrets.contains_key(name)
    };
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
    let leaves = with.leaves();
    let mut secrets = BTreeMap::new();
    for name in procedure.secrets.keys() {
        let leaf = leaves.iter().find(|(pointer, _)| pointer.strip_prefix('/') == Some(name.as_str()));
        let ours = leaf.and_then(|(_, leaf)| leaf.secret()).ok_or_else(|| format!("secret `{name}` is required"))?;
        // One that is not made yet is no place: what needs it waits for it.
        if let Known::Known(place) = frame.secret(ours, scope)? {
            secrets.insert(name.clone(), place.clone());
        }
    }
    Ok(CallInputs { parameters, targets, secrets })
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
