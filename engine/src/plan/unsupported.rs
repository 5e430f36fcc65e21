//! Keys that are part of the language and that this version does not act on: refused by name, never ignored.

use crate::procedure::step::{Body, Step, Undo};
use crate::procedure::workspace::Policy;
use crate::procedure::{Environment, Procedure, Work};

/// The first such key in a procedure, as a path for people.
pub(super) fn first_key(procedure: &Procedure, environment: Environment) -> Option<String> {
    let requires = &procedure.requires;
    let asked = |approvals: &Option<crate::procedure::Approvals>| {
        approvals
            .as_ref()
            .is_some_and(|approvals| approvals.environments.is_empty() || approvals.environments.contains(&environment))
    };
    let of_procedure = [
        (requires.actor.is_some(), "requires.actor"),
        (!requires.roles.is_empty(), "requires.roles"),
        (asked(&requires.approvals), "requires.approvals"),
    ];
    let key = of_procedure.into_iter().find(|(used, _)| *used).map(|(_, key)| key.to_owned());
    let Work::Steps(work) = &procedure.work else { return key };
    key.or_else(|| work.steps.iter().chain(&work.finally).find_map(of_step))
}

fn of_step(step: &Step) -> Option<String> {
    let keys = [(step.approval.is_some(), "approval"), (!step.secret_outputs.is_empty(), "secret_outputs")];
    if let Some((_, key)) = keys.into_iter().find(|(used, _)| *used) {
        return Some(format!("{key} (step `{}`)", step.id));
    }
    let undo: &[Body] = match &step.undo {
        Undo::Bodies(bodies) => bodies,
        Undo::Unsaid | Undo::None(_) => &[],
    };
    std::iter::once(&step.body).chain(undo).find_map(|body| match body {
        Body::Parallel(steps) => steps.iter().find_map(of_step),
        Body::Manual(manual) if !manual.by.is_empty() => Some(format!("by (step `{}`)", step.id)),
        _ => None,
    })
}

/// The first such key in what the workspace asks of every run here.
pub(super) fn first_policy_key(policy: &Policy, environment: Environment) -> Option<&'static str> {
    let required = policy.require.get(&environment);
    let keys = [
        (required.is_some_and(|required| required.approvals.is_some()), "policy.require.approvals"),
        (required.is_some_and(|required| required.signed_actor), "policy.require.signed_actor"),
    ];
    keys.into_iter().find(|(used, _)| *used).map(|(_, key)| key)
}
