//! What can be wrong with what actions and procedures are given, and with which ones are named.

use super::structure::{all, either};
use crate::diagnostic::{Diagnostic, Place, did_you_mean};

/// An action that there is none of.
#[must_use]
pub fn unknown_action(place: Place, name: &str, nearest: Option<&str>) -> Diagnostic {
    let problem =
        Diagnostic::error("unknown-action", place, format!("action `{name}` does not exist")).label("not registered");
    match nearest {
        Some(meant) => problem.meant(name, meant),
        None => problem.help("`runwarden actions` lists what there is"),
    }
}

/// A procedure that there is none of.
#[must_use]
pub fn unknown_procedure(place: Place, name: &str, known: &[&str]) -> Diagnostic {
    let problem = Diagnostic::error("unknown-procedure", place, format!("procedure `{name}` does not exist"))
        .label("not found in the workspace or among the shipped ones");
    match did_you_mean(name, known.iter().copied()) {
        Some(meant) => problem.meant(name, meant),
        None => problem.help("`runwarden list` lists what there is"),
    }
}

/// A document of another kind than is needed.
#[must_use]
pub fn wrong_document(place: Place, name: &str, found: &str, expected: &str) -> Diagnostic {
    Diagnostic::error("unknown-procedure", place, format!("`{name}` is a {found}, not {expected}"))
        .label(format!("a {found}"))
}

/// A document that has errors of its own.
#[must_use]
pub fn invalid_document(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("unknown-procedure", place, format!("`{name}` has errors of its own"))
        .label("cannot be used as it is")
        .help("mend it first; `runwarden check` shows what is wrong with it")
}

/// A procedure that would call itself.
#[must_use]
pub fn call_cycle(place: Place, chain: &str) -> Diagnostic {
    Diagnostic::error("call-cycle", place, format!("this call comes back to where it began: {chain}"))
        .label("would never end")
        .help("remove one of the calls")
}

/// An input that is not taken.
#[must_use]
pub fn unknown_input(place: Place, of: &str, name: &str, known: &[&str]) -> Diagnostic {
    let problem = Diagnostic::error("unknown-input", place, format!("{of} has no `{name}`")).label("not known here");
    match did_you_mean(name, known.iter().copied()) {
        Some(meant) => problem.meant(name, meant),
        None if known.is_empty() => problem.help("it takes nothing"),
        None => problem.help(format!("it has {}", all(known))),
    }
}

/// An input that is needed and not given.
#[must_use]
pub fn missing_input(place: Place, of: &str, name: &str, what: Option<&str>) -> Diagnostic {
    let problem = Diagnostic::error("missing-input", place, format!("{of} needs `{name}`"))
        .label(format!("`{name}` is not given"));
    match what {
        Some(what) => problem.help(format!("give `{name}` under `with`: {}", what.trim_end_matches('.'))),
        None => problem.help(format!("give `{name}` under `with`")),
    }
}

/// An input of a wrong type or value.
#[must_use]
pub fn wrong_input(place: Place, of: &str, found: &str, expected: &str) -> Diagnostic {
    Diagnostic::error("wrong-input", place, format!("{of} takes {expected} here, found {found}"))
        .label(format!("expected {expected}"))
}

/// A target that is not declared.
#[must_use]
pub fn unknown_target(place: Place, name: &str, known: &[&str]) -> Diagnostic {
    let problem =
        Diagnostic::error("unknown-target", place, format!("there is no target `{name}`")).label("not declared");
    match did_you_mean(name, known.iter().copied()) {
        Some(meant) => problem.meant(name, meant),
        None => problem.help(format!("declare it under `targets:`, as `{name}: {{ kind: … }}`")),
    }
}

/// A target that is computed.
#[must_use]
pub fn target_by_template(place: Place) -> Diagnostic {
    Diagnostic::error("unknown-target", place, "a target is named by its literal name")
        .label("not a name")
        .help("write the name that it has under `targets:`; what it stands for is bound in runwarden.yaml")
}

/// A target of a kind that is not taken.
#[must_use]
pub fn wrong_target_kind(place: Place, of: &str, name: &str, found: &str, kinds: &[&str]) -> Diagnostic {
    Diagnostic::error("wrong-target-kind", place, format!("{of} does not take the target `{name}` of kind `{found}`"))
        .label(format!("expected a target of kind {}", either(kinds)))
}

/// An effect where only a read may stand.
#[must_use]
pub fn effect_in_check(place: Place, name: &str, owner: &str) -> Diagnostic {
    Diagnostic::error("effect-in-check", place, format!("`{name}` has an effect and cannot stand in {owner}"))
        .label("not a read")
        .help("ask with an action that only reads; do this in a step")
}

/// A pattern that means no act there is.
#[must_use]
pub fn matches_nothing(place: Place, pattern: &str, nearest: Option<&str>) -> Diagnostic {
    let problem = Diagnostic::error("matches-nothing", place, format!("`{pattern}` means no act that there is"))
        .label("would never forbid anything");
    match nearest {
        Some(meant) => problem.meant(pattern, meant),
        None => problem.help("`runwarden actions` lists what there is"),
    }
}

/// A value that a parameter of a procedure does not accept.
#[must_use]
pub fn refused_value(place: Place, of: &str, name: &str, why: &str) -> Diagnostic {
    Diagnostic::error("wrong-input", place, format!("{of} does not take this for `{name}`: {why}"))
        .label("does not fit the parameter")
}
