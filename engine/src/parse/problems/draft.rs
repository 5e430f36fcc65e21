//! What is open in a draft.

use crate::diagnostic::{Diagnostic, Place};

/// A document that nobody has reviewed yet.
#[must_use]
pub fn draft(place: Place) -> Diagnostic {
    Diagnostic::warning("draft", place, "this is a draft, and is not run")
        .label("until somebody has reviewed it")
        .help("decide what is open, read it beside its source, and remove `draft`")
}

/// A call of a document that nobody has reviewed yet.
#[must_use]
pub fn call_of_draft(place: Place, name: &str) -> Diagnostic {
    Diagnostic::warning("draft", place, format!("`{name}` is a draft, so this is not run either"))
        .label("until somebody has reviewed it")
        .help(format!("finish `{name}` first"))
}

/// Something that is still to be decided.
#[must_use]
pub fn to_do(place: Place, what: &str) -> Diagnostic {
    let line = what.trim().lines().next().unwrap_or_default().trim_end_matches('.');
    Diagnostic::warning("to-do", place, format!("to be decided: {line}"))
        .label("open")
        .help("decide it, write it down, and remove this line of `todo`")
}

/// Something that is still to be decided in a document that is no draft.
#[must_use]
pub fn to_do_outside_of_a_draft(place: Place) -> Diagnostic {
    Diagnostic::error("to-do-left", place, "something is still to be decided, and the document is no draft")
        .label("would be passed over")
        .help("decide it and remove this line of `todo`, or write `draft: true` again")
}
