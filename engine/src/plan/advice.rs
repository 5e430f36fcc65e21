//! What a procedure says to do about what went wrong, or would.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::event::state::Failure;
use crate::frame::Frame;
use crate::id::Id;
use crate::procedure::check::Check;
use crate::procedure::{FailureMode, Procedure, Work};
use crate::template::Outcome as Known;
use crate::template::scope::Slot;
use crate::template::text::Text;
use crate::template::value::Value;

/// The procedure's own advice on what went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// What it is.
    pub title: String,
    /// What to do.
    pub advice: String,
}

/// The first failure mode that fits; without one what the check that was not met asks for, and its help.
#[must_use]
pub fn advice(root: &Frame, failure: &Failure) -> Option<Advice> {
    let scope = root.scope().with("error", error_slot(failure));
    let fits = |mode: &&FailureMode| matches!(mode.when.decide(&scope), Ok(Known::Known(true)));
    let words = |text: &Text| match text.render(&scope) {
        Ok(Known::Known(words)) => words,
        _ => text.source().to_owned(),
    };
    if let Some(mode) = root.procedure.failure_modes.iter().find(fits) {
        return Some(Advice { title: mode.title.clone(), advice: words(&mode.advice) });
    }
    let check = failed_check(&root.procedure, failure)?;
    let title = check.title.as_ref()?;
    let advice = check.help.as_ref().map(words).unwrap_or_default();
    Some(Advice { title: format!("Not met: {title}"), advice })
}

/// The check that was not met, where it is one of the procedure's own and not of one that it calls.
fn failed_check<'a>(procedure: &'a Procedure, failure: &Failure) -> Option<&'a Check> {
    let id = failure.check.as_deref()?;
    let (before, after) = match failure.step.as_deref() {
        Some(path) => {
            let step = procedure.find_step(&Id::parse(path.split('[').next()?).ok()?)?;
            (&step.preconditions, &step.verify)
        }
        None => match &procedure.work {
            Work::Steps(work) => (&procedure.preconditions, &work.verify),
            Work::Items(items) => (&procedure.preconditions, items),
        },
    };
    before.iter().chain(after).find(|check| check.id.as_str() == id)
}

/// What `error` is in expressions: every member is there, and none where it does not apply.
fn error_slot(failure: &Failure) -> Slot {
    let json = json!({
        "code": failure.code, "message": failure.message, "step": failure.step, "check": failure.check,
        "guard": failure.guard, "attempt": failure.attempt,
    });
    Slot::Known(Value::from_json(&json))
}
