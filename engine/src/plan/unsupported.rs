//! Keys that are part of the language and that this version does not act on: refused by name, never ignored.

use crate::procedure::step::{Body, Step};
use crate::procedure::workspace::Policy;
use crate::procedure::{Environment, Procedure, Work};

/// The first such key in a procedure, as a path for people.
pub(super) fn first_key(procedure: &Procedure) -> Option<String> {
    let requires = &procedure.requires;
    let of_procedure =
        [(!requires.locks.is_empty(), "requires.locks"), (!requires.limits.is_empty(), "requires.limits")];
    let key = of_procedure.into_iter().find(|(used, _)| *used).map(|(_, key)| key.to_owned());
    let Work::Steps(work) = &procedure.work else { return key };
    key.or_else(|| work.steps.iter().chain(&work.finally).find_map(of_step))
}

fn of_step(step: &Step) -> Option<String> {
    if !step.secret_outputs.is_empty() {
        return Some(format!("secret_outputs (step `{}`)", step.id));
    }
    match &step.body {
        Body::Parallel(steps) => steps.iter().find_map(of_step),
        _ => None,
    }
}

/// The first such key in what the workspace asks of every run here.
pub(super) fn first_policy_key(policy: &Policy, environment: Environment) -> Option<&'static str> {
    let required = policy.require.get(&environment);
    let keys = [
        (required.is_some_and(|required| required.anchors.is_some()), "policy.require.anchors"),
        (policy.anchor_after_run.is_some(), "policy.anchor_after_run"),
    ];
    keys.into_iter().find(|(used, _)| *used).map(|(_, key)| key)
}
