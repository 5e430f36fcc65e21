//! What can be wrong with how the parts of a document fit together.

use crate::diagnostic::{Diagnostic, Place};

/// The same id twice.
#[must_use]
pub fn duplicate_id(place: Place, first: Place, id: &str, list: &str) -> Diagnostic {
    let list = if list.contains(' ') { list.to_owned() } else { format!("`{list}`") };
    Diagnostic::error("duplicate-id", place, format!("`{id}` stands twice in {list}"))
        .label("again")
        .help("give one of them another name")
        .related(first, format!("`{id}` stands here first"))
}

/// A document whose name is not where it is.
#[must_use]
pub fn wrong_path(place: Place, name: &str, path: &str, expected: &str) -> Diagnostic {
    Diagnostic::error("wrong-path", place, format!("`{path}` must hold `{expected}`, not `{name}`"))
        .label("the name is the path below the procedures folder, with dots")
        .help(format!("write `name: {expected}`, or move the file"))
}

/// A test that is not named after its procedure.
#[must_use]
pub fn wrong_test_name(place: Place, name: &str, procedure: &str) -> Diagnostic {
    Diagnostic::error("wrong-path", place, format!("a test of `{procedure}` cannot be named `{name}`"))
        .label("the name of the procedure and `.test`")
        .help(format!("write `name: {procedure}.test`, in the file of that name beside the procedure"))
}

/// Too many steps.
#[must_use]
pub fn too_many_steps(place: Place, found: usize, most: usize) -> Diagnostic {
    Diagnostic::error("too-many-steps", place, format!("the procedure has {found} steps, more than the {most} allowed"))
        .label("one too many from here on")
        .help("use `for_each`, or `call` other procedures")
}

/// A variable that is likely to hold a secret.
#[must_use]
pub fn secret_variable(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("secret-variable", place, format!("`{name}` looks like a secret, and variables are recorded"))
        .label("would be written into the plan")
        .help("declare it under `secrets:`, and bind it in runwarden.yaml to a store of driver `env`")
}

/// An answer or output with the name of something that every step has.
#[must_use]
pub fn reserved_name(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("duplicate-id", place, format!("every step has a `{name}` of its own"))
        .label("taken")
        .help("give it another name")
}

/// A secret that is declared and made by a step.
#[must_use]
pub fn secret_declared_twice(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("duplicate-id", place, format!("the secret `{name}` is declared under `secrets:` too"))
        .label("again")
        .help("give one of them another name")
}

/// `during` without how often.
#[must_use]
pub fn during_without_every(place: Place) -> Diagnostic {
    Diagnostic::error("guard-moment", place, "a guard that holds `during` a step must say how often it is asked")
        .label("how often?")
        .help("add `every: 30s`")
}

/// How often, without `during`.
#[must_use]
pub fn every_without_during(place: Place) -> Diagnostic {
    Diagnostic::error("guard-moment", place, "`every` is for guards that hold `during` a step")
        .label("of no use without `during`")
        .help("add `during` to `enforce`, or remove `every`")
}

/// `after` or `during` of a guard about acts.
#[must_use]
pub fn moment_of_never(place: Place) -> Diagnostic {
    Diagnostic::error("guard-moment", place, "`after` and `during` are for guards with `never`")
        .label("an act is judged before it is done")
        .help("remove it")
}

/// `none` in a list of bodies.
#[must_use]
pub fn none_among_undo(place: Place) -> Diagnostic {
    Diagnostic::error("conflicting-keys", place, "`none` stands alone: `undo: { none: why }`")
        .label("beside what takes the step back")
        .help("remove it, or the other bodies")
}

/// A second attempt at what must not be done twice.
#[must_use]
pub fn retry_of_once(place: Place, action: &str) -> Diagnostic {
    Diagnostic::error("retry-once", place, format!("`{action}` must not be tried again: it may have happened"))
        .label("would do it twice")
        .help("remove `retry`; after a failure a person decides with `resume`")
}

/// Something that cannot be taken back, without a proof or a word about its undoing.
#[must_use]
pub fn irreversible(place: Place, action: &str, key: &str) -> Diagnostic {
    let help = match key {
        "verify" => "add `verify:` with a check that shows that it was done",
        _ => "add `undo:`, or say why there is none: `undo: { none: why }`",
    };
    Diagnostic::error(
        "irreversible-step",
        place,
        format!("`{action}` cannot be taken back, and the step has no `{key}`"),
    )
    .label(format!("needs `{key}`"))
    .help(help)
}

/// A driver that there is none of.
#[must_use]
pub fn unknown_driver(place: Place, driver: &str, kind: &str, known: &[&str]) -> Diagnostic {
    let problem = Diagnostic::error(
        "unknown-driver",
        place,
        format!("there is no driver `{driver}` for targets of kind `{kind}`"),
    )
    .label("not known");
    match crate::diagnostic::did_you_mean(driver, known.iter().copied()) {
        Some(meant) => problem.meant(driver, meant),
        None => problem.help(format!("there is {}", super::structure::all(known))),
    }
}

/// A name in runwarden.yaml that stands for nothing.
#[must_use]
pub fn unbound(place: Place, what: &str, name: &str, known: &[&str]) -> Diagnostic {
    let problem =
        Diagnostic::error("unbound", place, format!("there is no {what} `{name}`")).label("stands for nothing");
    match crate::diagnostic::did_you_mean(name, known.iter().copied()) {
        Some(meant) => problem.meant(name, meant),
        None if known.is_empty() => problem,
        None => problem.help(format!("there is {}", super::structure::all(known))),
    }
}

/// More anchors asked for than there are stores.
#[must_use]
pub fn too_many_anchors(place: Place, asked: u32, stores: usize) -> Diagnostic {
    Diagnostic::error("unbound", place, format!("{asked} anchors are asked for, of {stores} stores"))
        .label("can never be")
        .help("name more stores under `of`, or ask for fewer")
}

/// More witnesses asked for than the ledger has.
#[must_use]
pub fn too_many_witnesses(place: Place, asked: u32, witnesses: usize) -> Diagnostic {
    Diagnostic::error("unbound", place, format!("{asked} witnesses are asked for, of {witnesses} that the ledger has"))
        .label("can never be")
        .help("name more under `ledger.witnesses`, or ask for fewer")
}

/// One key that two are said to have.
#[must_use]
pub fn shared_key(place: Place, one: &str, other: &str) -> Diagnostic {
    Diagnostic::error("shared-key", place, format!("{one} and {other} have the same key"))
        .label("this key")
        .help("one key has one role: make another with `runwarden key generate`")
}

/// A case of a test that names nothing.
#[must_use]
pub fn unknown_in_test(place: Place, what: &str, name: &str, known: &[&str]) -> Diagnostic {
    let problem = Diagnostic::error("unknown-in-test", place, format!("the procedure has no {what} `{name}`"))
        .label("nothing of that name");
    match crate::diagnostic::did_you_mean(name, known.iter().copied()) {
        Some(meant) => problem.meant(name, meant),
        None => problem,
    }
}

/// A parameter in a test that the procedure does not accept.
#[must_use]
pub fn refused_in_test(place: Place, name: &str, why: &str) -> Diagnostic {
    Diagnostic::error("unknown-in-test", place, format!("`{name}`: {why}")).label("the procedure does not take this")
}
