//! Which kind of document it is, said before anything else is looked at.

use super::Kind;
use super::node::{Data, Node};
use super::problems::{Problems, structure as problem};

/// The kind that a document says it is; where it does not say, the kind it looks like, with a problem.
pub(super) fn of(tree: &Node, expected: Option<Kind>, problems: &mut Problems) -> Option<Kind> {
    if !matches!(tree.data, Data::Mapping(_)) {
        let place = problems.place(tree.head());
        let help = Some("begin with `runwarden: v1` and `kind: procedure`".to_owned());
        problems.push(problem::wrong_type(place, "a document", "no map", "a map", help));
        return None;
    }
    if expected == Some(Kind::Workspace) {
        return expected;
    }
    let Some(entry) = tree.entry("kind") else {
        // A misspelt `kind` is the schema's to report.
        return guess(tree).or(expected).or_else(|| {
            let place = problems.place(tree.head());
            problems.push(problem::missing_key(
                place,
                "kind",
                "the document",
                Some("what it is: `procedure`, `checklist` or `test`"),
            ));
            None
        });
    };
    let said = entry.value.as_str().and_then(|word| Kind::IN_DOCUMENTS.into_iter().find(|kind| kind.as_str() == word));
    if said.is_some() || entry.value.data == Data::Refused {
        return said.or_else(|| guess(tree));
    }
    let span = if entry.value.span.is_empty() { entry.key_span.clone() } else { entry.value.head() };
    let found = entry.value.as_str().map_or_else(|| entry.value.to_json().to_string(), str::to_owned);
    let words = Kind::IN_DOCUMENTS.map(Kind::as_str);
    problems.push(problem::unknown_kind(problems.place(span), &found, &words));
    None
}

/// The kind that has the keys of this document.
fn guess(tree: &Node) -> Option<Kind> {
    [("steps", Kind::Procedure), ("items", Kind::Checklist), ("cases", Kind::Test)]
        .into_iter()
        .find(|(key, _)| tree.entry(key).is_some())
        .map(|(_, kind)| kind)
}
