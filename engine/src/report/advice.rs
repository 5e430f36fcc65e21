//! The advice of the procedure for what went wrong, found again from the record.
//!
//! A live run decides failure modes over all names that it has. The record has fewer: where the first mode that may fit
//! asks for one of the others, that is said, and no advice is shown in its place. Steps stand in it as they ended, before
//! anything was taken back, and the step that failed does not stand in it at all: so it is in a live run.

use super::Advice;
use super::frozen::Frozen;
use crate::event::fact::{Event, RunBegin};
use crate::event::state::Failure;
use crate::frame::StepView;
use crate::ledger::told::Told;
use crate::procedure::{FailureMode, Procedure};
use crate::run::Run;
use crate::template::Outcome as Known;
use crate::template::references::Reference;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;

/// The names that the record can answer for.
const ON_RECORD: [&str; 3] = ["error", "parameters", "steps"];

/// The first failure mode that fits.
pub(super) fn of(
    frozen: &Frozen,
    run: &Run,
    (begin, facts): (&RunBegin, &[Told]),
    failure: &Failure,
    missing: &mut Vec<String>,
) -> Option<Advice> {
    // What waits has not failed, and a live run gives no advice for it either.
    let procedure = frozen.root().filter(|_| run.error.is_some())?;
    if procedure.failure_modes.is_empty() {
        return None;
    }
    let scope = scope(procedure, run, (begin, facts), failure);
    let is_known = |reference: &Reference| {
        let names: Vec<&str> = reference.names().take(2).collect();
        ON_RECORD.contains(&reference.root())
            && (names[0] != "steps" || names.get(1).copied() != failure.step.as_deref())
    };
    for mode in &procedure.failure_modes {
        if !mode.when.references().iter().all(is_known) {
            let what = format!("which failure mode fits: `{}` asks for more than is on record", mode.when.source());
            missing.push(what);
            return None;
        }
        if matches!(mode.when.decide(&scope), Ok(Known::Known(true))) {
            return Some(shown(mode, &scope));
        }
    }
    None
}

fn shown(mode: &FailureMode, scope: &Scope) -> Advice {
    let text = match mode.advice.render(scope) {
        Ok(Known::Known(text)) => text,
        _ => mode.advice.source().to_owned(),
    };
    Advice { title: mode.title.clone(), text: text.trim_end().to_owned() }
}

fn scope(procedure: &Procedure, run: &Run, (begin, facts): (&RunBegin, &[Told]), failure: &Failure) -> Scope {
    let typed = begin.parameters.iter().filter_map(|(name, value)| {
        let parameter = procedure.parameters.get(name)?;
        Some((name.to_string(), Slot::Known(parameter.typed(value))))
    });
    let error = serde_json::json!({
        "code": failure.code, "message": failure.message, "step": failure.step, "check": failure.check,
        "guard": failure.guard, "attempt": failure.attempt,
    });
    let mut scope = Scope::new()
        .with("parameters", Slot::fields(typed))
        .with("steps", Slot::fields(std::iter::empty::<(String, Slot)>()))
        .with("error", Slot::Known(Value::from_json(&error)));
    let ended = |path: &str| {
        facts.iter().rev().filter(|told| told.fact.step.as_deref() == Some(path)).find_map(|told| {
            match &told.fact.event {
                Event::StepResult(result) => Some(result.state),
                Event::StepSkipped(skipped) => Some(skipped.state),
                _ => None,
            }
        })
    };
    let others = |path: &str| !path.contains('/') && Some(path) != failure.step.as_deref();
    for (path, step) in run.steps().filter(|(path, _)| others(path)) {
        let view = StepView {
            state: ended(path).unwrap_or(step.state),
            attempts: step.attempts,
            output: step.output.clone(),
            started_at: step.started_at,
            ended_at: step.ended_at,
        };
        match path.split_once('[').map(|(id, key)| (id, key.trim_end_matches(']'))) {
            Some((id, key)) => scope.put(&["steps", id, "items", key], view.slot()),
            None => scope.put(&["steps", path], view.slot()),
        }
    }
    scope
}
