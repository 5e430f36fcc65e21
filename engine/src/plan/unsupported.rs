//! Keys that are part of the language and that this version does not act on: refused by name, never ignored.

use crate::procedure::step::{Body, Step};
use crate::procedure::{Procedure, Work};

/// The first such key in a procedure, as a path for people.
pub(super) fn first_key(procedure: &Procedure) -> Option<String> {
    let Work::Steps(work) = &procedure.work else { return None };
    work.steps.iter().chain(&work.finally).find_map(of_step)
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
