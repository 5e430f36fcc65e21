//! Acts in a plan: reads, effects, what people do, and waiting.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::failed::FailedNow;
use super::judging::{Described, PUT, putting};
use super::planner::Planner;
use super::steps::{Turn, bare, effect_of, failure, view};
use super::{Outcome, PlannedStep, Status};
use crate::action::{EffectClass, Fidelity, Looking};
use crate::event::state::{StepState, Verdict};
use crate::frame::{Frame, StepView};
use crate::procedure::check::Act;
use crate::procedure::pattern::ActKind;
use crate::procedure::step::{OnError, Step, Wait};
use crate::question::Found;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;
use crate::template::{Outcome as Known, Template};

impl Planner<'_> {
    pub(super) async fn action(&mut self, frame: &Arc<Frame>, step: &Step, act: &Act, turn: &Turn) -> Slot {
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
                let ends = turn.certain && step.on_error == OnError::Stop;
                return if ends { failing(step) } else { view(StepState::Failed).slot() };
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
        let mut refused = self.guard_act(frame, &described).await;
        if refused.is_none() {
            refused = self.guard_keeping(frame, step, turn).await;
        }
        if let Some(why) = refused {
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
        let look = self.look(frame, act, &turn.scope, (&turn.path, &turn.path)).await;
        let mut planned = PlannedStep {
            outcome: if turn.certain { Outcome::WouldRun } else { Outcome::Undecided },
            fidelity: Fidelity::Exact,
            with: shown,
            ..bare(step, &turn.path)
        };
        let slot = match look.found.clone() {
            Found::Output(output) => {
                let view = StepView { output: Some(output), ..view(StepState::Succeeded) };
                timeless(view.slot())
            }
            Found::Undecided(because) => {
                planned.fidelity = Fidelity::None;
                planned.because = Some(because.clone());
                Slot::undecided(because)
            }
            Found::Failed(error) if error.transient && step.retry.is_some() => {
                planned.because = Some(format!("it fails now and is tried again: {}", error.message));
                planned.outcome = Outcome::Undecided;
                planned.fidelity = Fidelity::None;
                Slot::undecided(error.message)
            }
            Found::Failed(error) => {
                planned.because = Some(error.message.clone());
                if turn.certain && error.code != "guard" {
                    self.failed.push(FailedNow::read(&turn.path, &look, &error));
                }
                if turn.certain && (step.on_error == OnError::Stop || error.code == "guard") {
                    let status = if error.code == "guard" { Status::Guarded } else { Status::Failed };
                    self.stop(status, failure(&error.code, &error.message, &turn.path, None));
                    planned.outcome = Outcome::Refused;
                    failing(step)
                } else {
                    view(StepState::Failed).slot()
                }
            }
        };
        self.steps.push(planned);
        slot
    }

    /// Guards over `secrets.put` see the putting of a secret output; why it is refused, if it is.
    async fn guard_keeping(&mut self, frame: &Arc<Frame>, step: &Step, turn: &Turn) -> Option<String> {
        let kept = match frame.kept(step, &turn.scope) {
            Ok(Known::Known(kept)) => kept,
            // Where a parameter of a call is not known yet the store's key is told, and judged, before the effect.
            Ok(Known::Undecided(because)) => {
                self.undecided.insert(format!("{}.secret_outputs: {}", turn.path, because.join("; ")));
                return None;
            }
            Err(why) => {
                if turn.certain {
                    self.stop(Status::Failed, failure("undecidable", &why, &turn.path, None));
                }
                return Some(why);
            }
        };
        for kept in &kept {
            let (with, digest) = putting(kept, self.asking.registry, frame);
            let described = Described {
                kind: ActKind::Action { name: PUT, is_read: false },
                acts_as: &[],
                with: &with,
                with_digest: Some(&digest),
                subject: None,
                step: &turn.path,
                certain: turn.certain,
            };
            if let Some(why) = self.guard_act(frame, &described).await {
                return Some(why);
            }
        }
        None
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
            let mut facts = self.asking.facts(frame, act, &turn.path, String::new());
            if let Ok(Known::Known(kept)) = frame.kept(step, &turn.scope) {
                facts.secrets.kept = kept;
            }
            match action.preview(with, &Looking { facts: &facts, probe: self.asking.probe }).await {
                Ok(preview) => {
                    planned.fidelity = preview.fidelity;
                    (planned.before, planned.after) = (preview.before, preview.after);
                    if preview.no_change && step.secret_outputs.is_empty() && self.effect_of.is_none() && turn.certain {
                        planned.outcome = Outcome::WouldBeNoChange;
                    }
                }
                Err(error) if error.code == crate::action::PROTECTED => {
                    // No step before it can change that.
                    if turn.certain {
                        self.stop(Status::Refused, failure(&error.code, &error.message, &turn.path, None));
                    }
                    (planned.outcome, planned.because) = (Outcome::Refused, Some(error.message));
                    self.steps.push(planned);
                    return view(StepState::Refused).slot();
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

    pub(super) async fn act_of_person(&mut self, frame: &Arc<Frame>, step: &Step, with: &Json, turn: &Turn) -> Slot {
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

    pub(super) async fn wait(&mut self, frame: &Arc<Frame>, step: &Step, wait: &Wait, turn: &Turn) -> Slot {
        let with = json!({ "duration": shown_template(&wait.duration, &turn.scope) });
        if let Some(until) = &wait.until {
            let mut checked = {
                let place = format!("{}.until", turn.path);
                self.ask(frame, until, &turn.scope, &place, Some(&turn.path)).await
            };
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

fn shown_template(template: &Template, scope: &Scope) -> Json {
    match template.render(scope) {
        Ok(Known::Known(value)) => value.to_json(),
        _ => Json::String(template.source().to_owned()),
    }
}

/// What a step gives at which a run would end: nobody sees it, so nothing is said against what comes after.
fn failing(step: &Step) -> Slot {
    Slot::undecided(format!("step `{}` fails", step.id))
}
