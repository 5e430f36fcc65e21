//! The story of each step, gathered from the facts about it.

use indexmap::IndexMap;
use serde_json::Map;

use super::{Attempt, Doubt, Manual, Resolved, Step, Undo, UndoAct, check};
use crate::event::fact::{Event, StepIntent, StepResult};
use crate::event::state::StepState;
use crate::ledger::told::Told;
use crate::plan::{Outcome, PlannedStep};
use crate::report::frozen::Frozen;
use crate::run::Run;

/// The steps in the order of the plan; then those that stand in no plan, in the order in which they were touched.
pub(in crate::report) fn steps(frozen: &Frozen, run: &Run, facts: &[Told]) -> Vec<Step> {
    let mut steps: IndexMap<&str, Step> = IndexMap::new();
    for planned in frozen.plan.iter().flat_map(|plan| &plan.steps) {
        steps.insert(&planned.id, not_begun(planned));
    }
    for told in facts {
        let Some(path) = told.fact.step.as_deref() else { continue };
        let step = match steps.get_mut(path) {
            Some(step) => step,
            None if is_about_a_step(&told.fact.event) => {
                steps.entry(path).or_insert_with(|| unplanned(frozen, run, path))
            }
            None => continue,
        };
        tell(step, frozen, run, told);
    }
    for (path, step) in &mut steps {
        if let Some(record) = run.step(path) {
            step.state = record.state;
        }
    }
    // What holds other steps is told by these: lanes of a `parallel`, items of a `for_each`.
    let items: Vec<String> =
        steps.keys().filter_map(|path| path.rsplit_once('[').map(|(before, _)| before.to_owned())).collect();
    let says_something = |step: &Step| {
        let is_bare = step.attempts.is_empty() && step.checks.is_empty() && step.manual.is_empty();
        let holds_others = step.action == "parallel" || items.contains(&step.path);
        !(is_bare && holds_others)
    };
    steps.into_values().filter(says_something).collect()
}

fn is_about_a_step(event: &Event) -> bool {
    matches!(
        event,
        Event::StepIntent(_)
            | Event::StepResult(_)
            | Event::StepSkipped(_)
            | Event::UndoIntent(_)
            | Event::UndoResult(_)
            | Event::ManualAsked(_)
            | Event::ManualAnswered(_)
            | Event::OutcomeUnknown(_)
            | Event::PreconditionResult(_)
            | Event::VerifyResult(_)
    )
}

fn not_begun(planned: &PlannedStep) -> Step {
    let said = matches!(planned.outcome, Outcome::WouldSkip | Outcome::WouldBeNoChange | Outcome::Refused);
    Step {
        path: planned.id.clone(),
        title: planned.title.clone(),
        action: planned.action.clone(),
        effect: Some(planned.effect),
        state: StepState::Pending,
        planned: Some(planned.outcome),
        because: planned.because.clone().filter(|_| said),
        attempts: Vec::new(),
        checks: Vec::new(),
        manual: Vec::new(),
        doubts: Vec::new(),
        undo: Vec::new(),
    }
}

fn unplanned(frozen: &Frozen, run: &Run, path: &str) -> Step {
    let written = frozen.step(run, path);
    Step {
        path: path.to_owned(),
        title: written.and_then(|step| step.title.clone()),
        action: written.map(|step| crate::plan::steps::action_name(&step.body)).unwrap_or_default(),
        effect: None,
        state: StepState::Pending,
        planned: None,
        because: None,
        attempts: Vec::new(),
        checks: Vec::new(),
        manual: Vec::new(),
        doubts: Vec::new(),
        undo: Vec::new(),
    }
}

fn tell(step: &mut Step, frozen: &Frozen, run: &Run, told: &Told) {
    match &told.fact.event {
        Event::StepIntent(intent) => step.attempts.push(begun(step, told, intent)),
        Event::StepResult(result) => ended(step, told, result),
        Event::StepSkipped(skipped) => {
            step.because = Some(skipped.because.clone());
            step.state = skipped.state;
        }
        Event::PreconditionResult(checked) | Event::VerifyResult(checked) => {
            step.checks.push(check(frozen, run, told, checked));
        }
        Event::ManualAsked(asked) => step.manual.push(Manual {
            asked_at: Some(told.at),
            ask: Some(asked.ask.trim().to_owned()),
            answered_at: None,
            by: None,
            answer: Map::new(),
            read_back: false,
            evidence: Vec::new(),
        }),
        Event::ManualAnswered(answered) => {
            let open = step.manual.pop_if(|asked| asked.answered_at.is_none());
            step.manual.push(Manual {
                asked_at: open.as_ref().and_then(|asked| asked.asked_at),
                ask: open.and_then(|asked| asked.ask),
                answered_at: Some(told.at),
                by: told.fact.actor.clone(),
                answer: answered.answer.clone(),
                read_back: answered.read_back,
                evidence: answered.evidence.clone(),
            });
        }
        Event::OutcomeUnknown(unknown) => {
            step.doubts.push(Doubt { at: Some(told.at), detail: Some(unknown.detail.clone()), resolved: None });
        }
        Event::OutcomeResolved(resolved) => {
            let open = step.doubts.pop_if(|doubt| doubt.resolved.is_none());
            let resolved = Resolved {
                at: told.at,
                happened: resolved.happened,
                by: resolved.by.clone(),
                actor: told.fact.actor.clone(),
                reason: resolved.reason.clone(),
            };
            let (at, detail) = open.map_or((None, None), |open| (open.at, open.detail));
            step.doubts.push(Doubt { at, detail, resolved: Some(resolved) });
        }
        Event::UndoIntent(intent) => {
            let act = UndoAct { seq: told.seq, at: told.at, action: intent.action.clone(), with: intent.with.clone() };
            match step.undo.last_mut().filter(|undo| undo.state.is_none()) {
                Some(undo) => undo.acts.push(act),
                None => {
                    step.undo.push(Undo { acts: vec![act], state: None, ended_at: None, output: None, error: None });
                }
            }
        }
        Event::UndoResult(result) => {
            let open = step.undo.pop_if(|undo| undo.state.is_none());
            step.undo.push(Undo {
                acts: open.map(|undo| undo.acts).unwrap_or_default(),
                state: Some(result.state),
                ended_at: Some(told.at),
                output: result.output.clone(),
                error: result.error.clone(),
            });
        }
        _ => {}
    }
}

fn begun(step: &Step, told: &Told, intent: &StepIntent) -> Attempt {
    Attempt {
        number: told.fact.attempt.unwrap_or_else(|| step.attempts.last().map_or(1, |last| last.number + 1)),
        intent: Some(told.seq),
        result: None,
        started_at: told.at,
        ended_at: None,
        took: None,
        with: Some(intent.with.clone()),
        with_digest: Some(intent.with_digest.clone()),
        state: None,
        output: None,
        error: None,
    }
}

/// The try that a result is of: the one that is open, or, of what only reads, one of its own.
fn ended(step: &mut Step, told: &Told, result: &StepResult) {
    let number = told.fact.attempt;
    let is_its_own = |attempt: &&mut Attempt| attempt.result.is_none() && number.is_none_or(|it| it == attempt.number);
    let at = match step.attempts.iter_mut().rev().find(is_its_own) {
        Some(open) => open,
        None => {
            let next = step.attempts.last().map_or(1, |last| last.number + 1);
            step.attempts.push(Attempt {
                number: number.unwrap_or(next),
                intent: None,
                result: None,
                started_at: result.started_at,
                ended_at: None,
                took: None,
                with: None,
                with_digest: result.with_digest.clone(),
                state: None,
                output: None,
                error: None,
            });
            let Some(last) = step.attempts.last_mut() else { return };
            last
        }
    };
    at.result = Some(told.seq);
    (at.started_at, at.ended_at) = (result.started_at, Some(result.ended_at));
    at.took = Some(result.ended_at.since(result.started_at));
    at.state = Some(result.state);
    at.output.clone_from(&result.output);
    at.error.clone_from(&result.error);
}
