//! What can be wrong with how an expression, template, duration or parameter is written.

use super::structure::all;
use crate::diagnostic::{Diagnostic, Place};

/// No expression, template or text.
#[must_use]
pub fn bad_expression(place: Place, message: &str, help: Option<&str>) -> Diagnostic {
    let problem = Diagnostic::error("bad-expression", place, message).label("here");
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// A condition that cannot be true or false.
#[must_use]
pub fn not_a_condition(place: Place, text: &str, found: &str) -> Diagnostic {
    Diagnostic::error("not-a-condition", place, format!("a condition must be true or false, and `{text}` is {found}"))
        .label(format!("this is {found}"))
        .help("compare it with something, like `… == 'ready'` or `… > 0`")
}

/// A condition that is always the same.
#[must_use]
pub fn constant_condition(place: Place, answer: bool) -> Diagnostic {
    Diagnostic::error("constant-condition", place, format!("this condition is always {answer}"))
        .label("names nothing, so it decides nothing")
        .help("write what it depends on, or remove it")
}

/// No duration.
#[must_use]
pub fn bad_duration(place: Place, text: &str, why: &str) -> Diagnostic {
    Diagnostic::error("bad-duration", place, format!("`{text}` {why}"))
        .label("expected a number with its unit")
        .help("write it like `90s`, `5m`, `4h` or `2d`")
}

/// A parameter or answer whose own limits do not fit together.
#[must_use]
pub fn bad_parameter(place: Place, name: &str, why: &str) -> Diagnostic {
    Diagnostic::error("bad-parameter", place, format!("`{name}`: {why}")).label("does not fit the parameter")
}

/// A limit that the type of a parameter has no use for.
#[must_use]
pub fn stray_limit(place: Place, name: &str, limit: &str, sort: &str, sorts: &[&str]) -> Diagnostic {
    Diagnostic::error("bad-parameter", place, format!("`{name}`: a parameter of type `{sort}` has no `{limit}`"))
        .label(format!("of no use for `{sort}`"))
        .help(format!("`{limit}` is for {}", all(sorts)))
}
