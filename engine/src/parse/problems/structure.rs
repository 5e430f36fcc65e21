//! What can be wrong with the structure of a document: its keys, and the types of its values.

use crate::diagnostic::{Diagnostic, Place, did_you_mean};

/// A document of no known kind.
#[must_use]
pub fn unknown_kind(place: Place, found: &str, kinds: &[&str]) -> Diagnostic {
    Diagnostic::error("unknown-kind", place, format!("there is no kind of document `{found}`"))
        .label(format!("expected {}", either(kinds)))
        .suggest(found, kinds)
}

/// Another version of the language.
#[must_use]
pub fn unknown_version(place: Place, found: &str) -> Diagnostic {
    Diagnostic::error("unknown-version", place, format!("this is written in `{found}`, not in `v1` of the language"))
        .label("expected `v1`")
        .help("write `runwarden: v1`, or use the Runwarden that it was written for")
}

/// A key that the language does not have there.
#[must_use]
pub fn unknown_key(place: Place, key: &str, owner: &str, meant: Option<&str>, known: &[&str]) -> Diagnostic {
    let problem =
        Diagnostic::error("unknown-key", place, format!("{owner} has no key `{key}`")).label("not known here");
    match meant {
        Some(meant) => problem.meant(key, meant),
        None if key.contains(' ') => {
            problem.help("inside `{ … }` a comma ends the value: put quotes around the whole text before it")
        }
        None => problem.help(format!("it may have {}; a key of your own begins with `x-`", all(known))),
    }
}

/// A key that is needed and not there.
#[must_use]
pub fn missing_key(place: Place, key: &str, owner: &str, what: Option<&str>) -> Diagnostic {
    let problem = Diagnostic::error("missing-key", place, format!("{owner} lacks the key `{key}`"))
        .label(format!("`{key}` is missing here"));
    match what {
        Some(what) => problem.help(format!("add `{key}`: {}", lowered(what))),
        None => problem.help(format!("add `{key}`")),
    }
}

/// A key that is of no use without another.
#[must_use]
pub fn missing_beside(place: Place, key: &str, other: &str, owner: &str) -> Diagnostic {
    Diagnostic::error("missing-key", place, format!("`{key}` of {owner} needs `{other}` beside it"))
        .label(format!("of no use without `{other}`"))
        .help(format!("add `{other}`, or remove `{key}`"))
}

/// None of the keys of which there must be one.
#[must_use]
pub fn none_of(place: Place, owner: &str, keys: &[&str]) -> Diagnostic {
    Diagnostic::error("conflicting-keys", place, format!("{owner} needs exactly one of {}", all(keys)))
        .label("it has none of them")
        .help(format!("add {}", either(keys)))
}

/// More than one of the keys of which there must be one.
#[must_use]
pub fn several_of(place: Place, first: Place, owner: &str, key: &str, other: &str) -> Diagnostic {
    Diagnostic::error("conflicting-keys", place, format!("{owner} cannot have both `{other}` and `{key}`"))
        .label("one too many")
        .help("remove one of them")
        .related(first, format!("`{other}` stands here"))
}

/// A value of another type.
#[must_use]
pub fn wrong_type(place: Place, owner: &str, found: &str, expected: &str, help: Option<String>) -> Diagnostic {
    let mut problem =
        Diagnostic::error("wrong-type", place, format!("{owner} must be {expected}")).label(format!("found {found}"));
    problem.help = help;
    problem
}

/// A word that is not one of those the key takes.
#[must_use]
pub fn unknown_word(place: Place, owner: &str, found: &str, words: &[&str]) -> Diagnostic {
    Diagnostic::error("unknown-word", place, format!("{owner} cannot be `{found}`"))
        .label(format!("expected {}", either(words)))
        .suggest(found, words)
}

/// A name, duration or pattern that is not written like one.
#[must_use]
pub fn malformed(place: Place, found: &str, expected: &str, help: Option<String>) -> Diagnostic {
    let mut problem =
        Diagnostic::error("malformed", place, format!("`{found}` is not {expected}")).label("not written like one");
    problem.help = help;
    problem
}

/// A text or list with nothing in it.
#[must_use]
pub fn empty(place: Place, owner: &str) -> Diagnostic {
    Diagnostic::error("empty", place, format!("{owner} must not be empty")).label("nothing in it")
}

/// A checklist that checks nothing: `gate` says so with its exit code.
#[must_use]
pub fn no_items(place: Place) -> Diagnostic {
    Diagnostic::warning("empty", place, "a checklist without items checks nothing, and its gate never opens")
        .label("nothing in it")
}

/// A number beyond its bounds, or a list of a wrong length.
#[must_use]
pub fn out_of_range(place: Place, owner: &str, found: &str, bound: &str) -> Diagnostic {
    Diagnostic::error("out-of-range", place, format!("{owner} must be {bound}")).label(format!("found {found}"))
}

/// A value that does not fit, in the words of the one who refused it.
#[must_use]
pub fn unfit(place: Place, owner: &str, reason: &str) -> Diagnostic {
    Diagnostic::error("unfit", place, format!("{owner} does not fit: {reason}")).label("does not fit")
}

/// `a`, `b` or `c`.
#[must_use]
pub fn either(words: &[&str]) -> String {
    listed(words, "or")
}

/// `a`, `b` and `c`.
#[must_use]
pub fn all(words: &[&str]) -> String {
    listed(words, "and")
}

fn listed(words: &[&str], last: &str) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        [most @ .., end] => {
            let most: Vec<String> = most.iter().map(|word| format!("`{word}`")).collect();
            format!("{} {last} `{end}`", most.join(", "))
        }
    }
}

/// A description as the end of a sentence.
fn lowered(text: &str) -> String {
    let text = text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.');
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

impl Diagnostic {
    fn suggest(self, found: &str, words: &[&str]) -> Self {
        match did_you_mean(found, words.iter().copied()) {
            Some(meant) => self.meant(found, meant),
            None => self,
        }
    }
}
