//! Verdicts of guards, from values that are given: this module looks at nothing and knows no machine.

use crate::event::state::Verdict;
use crate::procedure::guard::{Form, Guard};
use crate::procedure::pattern::{ActKind, Pattern};
use crate::template::Outcome;
use crate::template::expression::Expression;
use crate::template::scope::{Scope, Slot};

/// A verdict, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// How it was decided.
    pub verdict: Verdict,
    /// Why, in words; for `undecided` what it depends on.
    pub detail: Option<String>,
}

impl Judged {
    /// The guard holds.
    pub const PASSED: Self = Self { verdict: Verdict::Passed, detail: None };

    /// A verdict with its reason.
    #[must_use]
    pub fn because(verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { verdict, detail: Some(detail.into()) }
    }

    /// Whether the guard stops what it was asked about: what cannot be decided counts as violated.
    #[must_use]
    pub fn stops(&self) -> bool {
        matches!(self.verdict, Verdict::Violated | Verdict::Undecidable)
    }
}

/// What guards know of the read that is evaluated for them.
#[derive(Debug, Clone)]
pub enum State {
    /// The guard asks for none.
    None,
    /// What it found.
    Found(Slot),
    /// It could not be made here.
    Undecided(String),
    /// It failed.
    Failed(String),
}

/// Whether a guard is about an act, seen through what the step says it really does.
#[must_use]
pub fn is_about(guard: &Guard, act: ActKind<'_>, acts_as: &[Pattern]) -> bool {
    match &guard.form {
        Form::Never(_) => false,
        Form::Forbid { pattern, .. } | Form::OnceFailed(pattern) => {
            pattern.matches(act) || acts_as.iter().any(|other| pattern.covers(other))
        }
    }
}

/// Judges a state that must not hold.
#[must_use]
pub fn judge_never(expression: &Expression, state: &State, scope: &Scope) -> Judged {
    match with_state(state, scope) {
        Ok(scope) => violated_if(expression, &scope),
        Err(judged) => judged,
    }
}

/// Judges an act that the guard forbids, given that the guard is about it; `scope` describes it as `with` and `step`.
#[must_use]
pub fn judge_forbid(condition: Option<&Expression>, state: &State, scope: &Scope) -> Judged {
    let Some(condition) = condition else {
        return Judged { verdict: Verdict::Violated, detail: None };
    };
    match with_state(state, scope) {
        Ok(scope) => violated_if(condition, &scope),
        Err(judged) => judged,
    }
}

fn with_state(state: &State, scope: &Scope) -> Result<Scope, Judged> {
    match state {
        State::None => Ok(scope.clone()),
        State::Found(slot) => Ok(scope.clone().with("state", slot.clone())),
        State::Undecided(because) => Ok(scope.clone().with("state", Slot::undecided(because))),
        State::Failed(why) => Err(Judged::because(Verdict::Undecidable, format!("its state could not be read: {why}"))),
    }
}

fn violated_if(expression: &Expression, scope: &Scope) -> Judged {
    match expression.decide(scope) {
        Ok(Outcome::Known(false)) => Judged::PASSED,
        Ok(Outcome::Known(true)) => Judged::because(Verdict::Violated, format!("`{}` is true", expression.source())),
        Ok(Outcome::Undecided(because)) => Judged::because(Verdict::Undecided, because.join("; ")),
        Err(error) => Judged::because(Verdict::Undecidable, error.to_string()),
    }
}
