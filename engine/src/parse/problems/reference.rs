//! What can be wrong with what an expression names.

use super::structure::all;
use crate::diagnostic::{Diagnostic, Place, did_you_mean};

/// A name that is not known where it stands.
#[must_use]
pub fn unknown_name(place: Place, name: &str, why: Option<&str>, known: &[&str]) -> Diagnostic {
    let problem =
        Diagnostic::error("unknown-name", place, format!("`{name}` is not known here")).label("not known here");
    match (why, did_you_mean(name, known.iter().copied())) {
        (Some(why), _) => problem.help(why),
        (None, Some(meant)) => problem.meant(name, meant),
        (None, None) => problem.help(format!("known are {}; put quotes around text", all(known))),
    }
}

/// A member of something the language or the document says the members of.
#[must_use]
pub fn unknown_member(place: Place, of: &str, name: &str, known: &[&str]) -> Diagnostic {
    let problem =
        Diagnostic::error("unknown-reference", place, format!("`{of}` has no `{name}`")).label("there is none");
    suggested(problem, of, name, known)
}

/// A variable of the environment that is not declared.
#[must_use]
pub fn undeclared_variable(place: Place, name: &str, known: &[&str]) -> Diagnostic {
    let problem = Diagnostic::error("unknown-reference", place, format!("the variable `{name}` is not declared"))
        .label("not in `env`");
    match did_you_mean(name, known.iter().copied()) {
        Some(meant) => problem.meant(name, meant).help(format!("did you mean `env.{meant}`?")),
        None => problem.help(format!("declare it: `env: [{name}]`")),
    }
}

/// A step that is not there.
#[must_use]
pub fn unknown_step(place: Place, id: &str, known: &[&str]) -> Diagnostic {
    let problem = Diagnostic::error("unknown-step", place, format!("there is no step `{id}`")).label("no such step");
    suggested(problem, "the procedure", id, known)
}

/// A step that has not ended when the expression is evaluated.
#[must_use]
pub fn later_step(place: Place, id: &str, asker: &str) -> Diagnostic {
    Diagnostic::error("later-step", place, format!("the step `{id}` has not ended when `{asker}` begins"))
        .label("not done yet")
        .help(format!("move `{id}` before `{asker}`; steps side by side do not see each other"))
}

/// A step that names its own output before there is one.
#[must_use]
pub fn own_step(place: Place, id: &str) -> Diagnostic {
    Diagnostic::error("later-step", place, format!("the step `{id}` names its own output before it was done"))
        .label("not done yet")
        .help("a step sees its own output in `verify` and `undo`, and as `result` in `repeat.until`")
}

/// More than the state of a step, where only that may be named.
#[must_use]
pub fn only_state(place: Place, id: &str) -> Diagnostic {
    Diagnostic::error(
        "unknown-name",
        place,
        format!("a `never` may name the state of a step only, as `steps.{id}.state`"),
    )
    .label("not known at every moment")
    .help("read what the guard needs with `state:`")
}

/// An output that an action, call or person does not give.
#[must_use]
pub fn unknown_output(place: Place, of: &str, name: &str, known: &[&str]) -> Diagnostic {
    let problem = Diagnostic::error("unknown-output", place, format!("`{of}` has no `{name}`")).label("there is none");
    suggested(problem, of, name, known)
}

/// An output of a `for_each` step that only its items have.
#[must_use]
pub fn not_of_for_each(place: Place, id: &str, name: &str) -> Diagnostic {
    Diagnostic::error(
        "unknown-output",
        place,
        format!("`steps.{id}` is done for each of a list and has no `{name}` itself"),
    )
    .label("only its items have it")
    .help(format!("name an item: `steps.{id}.items[KEY].{name}`"))
}

/// An output that is a secret.
#[must_use]
pub fn secret_output(place: Place, of: &str, name: &str) -> Diagnostic {
    Diagnostic::error("secret-output", place, format!("`{of}.{name}` is a secret and cannot be part of an expression"))
        .label("a secret")
        .help("put it into a store with `secret_outputs`; from then on it is `secrets.NAME`")
}

/// A secret that a step makes for each of a list.
#[must_use]
pub fn secret_of_each(place: Place, name: &str, id: &str) -> Diagnostic {
    Diagnostic::error("secret-output", place, format!("step `{id}` makes a secret `{name}` for each of a list"))
        .label("which of them")
        .help("declare the one that is meant under `secrets:` and bind it in runwarden.yaml to the key it is put under")
}

/// A secret output of something that has no effect.
#[must_use]
pub fn secret_of_read(place: Place, action: &str) -> Diagnostic {
    Diagnostic::error(
        "secret-output",
        place,
        format!("`{action}` only reads, and putting a secret into a store is an effect"),
    )
    .label("would be an effect of a read")
    .help("let `command.run`, or another action that has an effect, give it")
}

/// The key of a secret output that depends on what is not known from the beginning.
#[must_use]
pub fn unsettled_key(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("secret-output", place, format!("where a secret is put cannot depend on `{name}`"))
        .label("not known before the run")
        .help("a key may name `parameters`, `targets`, `env`, `run`, `workspace` and the item of a `for_each`")
}

/// An output of a step that may be skipped.
#[must_use]
pub fn maybe_skipped(place: Place, id: &str, name: &str, condition: &str) -> Diagnostic {
    Diagnostic::error("maybe-skipped", place, format!("`steps.{id}.{name}` is not there when the step is skipped"))
        .label(format!("skipped unless `{condition}`"))
        .help(format!(
            "ask first: `steps.{id}.state == 'succeeded' and …`, or `… if steps.{id}.state == 'succeeded' else …`"
        ))
}

/// An output of a step that may not have been done.
#[must_use]
pub fn maybe_not_done(place: Place, id: &str, name: &str) -> Diagnostic {
    Diagnostic::error(
        "maybe-skipped",
        place,
        format!("`steps.{id}.{name}` is not there when the run ended before the step"),
    )
    .label("maybe not done")
    .help(format!("ask first: `steps.{id}.state == 'succeeded' and …`"))
}

/// An output of a step that may end without any.
#[must_use]
pub fn maybe_without_output(place: Place, id: &str, name: &str) -> Diagnostic {
    Diagnostic::warning(
        "maybe-without-output",
        place,
        format!("`steps.{id}.{name}` is not there when the step fails or had nothing to do"),
    )
    .label("cannot be decided then")
    .help(format!("ask first: `steps.{id}.state == 'succeeded' and …`"))
}

/// A target that is compared with, or put into, a text.
#[must_use]
pub fn target_as_text(place: Place, input: &str) -> Diagnostic {
    Diagnostic::error("target-as-text", place, format!("`with.{input}` is a target and no text"))
        .label("has `name`, `kind`, `driver` and `identity`")
        .help(format!(
            "compare what it is: `with.{input}.identity == targets.NAME.identity`; `with.{input}.name` is its name in runwarden.yaml"
        ))
}

/// A secret that is not declared.
#[must_use]
pub fn unknown_secret(place: Place, name: &str, known: &[&str]) -> Diagnostic {
    let problem =
        Diagnostic::error("unknown-reference", place, format!("there is no secret `{name}`")).label("not declared");
    match did_you_mean(name, known.iter().copied()) {
        Some(meant) => problem.meant(name, meant).help(format!("did you mean `secrets.{meant}`?")),
        None => problem.help(format!("declare it under `secrets:`, as `{name}: {{ description: … }}`")),
    }
}

/// A secret where none may go.
#[must_use]
pub fn misplaced_secret(place: Place, name: &str, of: &str) -> Diagnostic {
    Diagnostic::error("misplaced-secret", place, format!("the secret `{name}` cannot go into {of}"))
        .label("would be seen or recorded here")
        .help("a secret goes into an input made for one: a header, a variable of a command's environment, its standard input, a value of a secret store")
}

fn suggested(problem: Diagnostic, of: &str, name: &str, known: &[&str]) -> Diagnostic {
    match did_you_mean(name, known.iter().copied()) {
        Some(meant) => problem.meant(name, meant),
        None if known.is_empty() => problem,
        None => problem.help(
            format!("`{of}` has {}", all(&known[..known.len().min(12)])).replace("`the procedure`", "the procedure"),
        ),
    }
}
