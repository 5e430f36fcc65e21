//! The values that a condition was false over: what there is, beside what was asked for.

use serde_json::Value as Json;

use crate::template::Outcome;
use crate::template::expression::Expression;
use crate::template::references::{Reference, Segment};
use crate::template::scope::{Scope, Slot};

/// What came of reads, steps and answers; what was given stands elsewhere.
const ROOTS: [&str; 4] = ["answer", "result", "state", "steps"];

/// The longest value that is told, in characters.
const LONGEST: usize = 80;

/// How many values are told.
const AT_MOST: usize = 4;

/// The short values that the expression names, in words; nothing where it asks for one truth alone, or they are long.
pub(super) fn found(expect: &Expression, scope: &Scope) -> String {
    let source = expect.source().trim();
    let alone = source.strip_prefix("not ").unwrap_or(source).trim();
    let mut told: Vec<(String, String)> = Vec::new();
    for path in expect.references().iter().filter_map(path_of) {
        if path == alone {
            told = beside(&path, scope);
        } else if !told.iter().any(|(known, _)| *known == path) {
            told.extend(value_of(&path, scope).map(|value| (path, value)));
        }
    }
    told.truncate(AT_MOST);
    let told: Vec<String> = told.iter().map(|(path, value)| format!("`{path}` is {value}")).collect();
    if told.is_empty() { String::new() } else { format!("; {}", told.join(", ")) }
}

/// Where one truth alone was asked for: the lists beside it that have something in them, which say why it is false.
fn beside(path: &str, scope: &Scope) -> Vec<(String, String)> {
    let Some((whole, _)) = path.rsplit_once('.') else { return Vec::new() };
    let names: Vec<String> = match scope.at(&whole.split('.').collect::<Vec<_>>()) {
        Some(Slot::Fields(fields)) => fields.keys().cloned().collect(),
        _ => match known(whole, scope) {
            Some(Json::Object(members)) => members.keys().cloned().collect(),
            _ => Vec::new(),
        },
    };
    let list = |name: String| {
        let path = format!("{whole}.{name}");
        let value = known(&path, scope).filter(|value| value.as_array().is_some_and(|list| !list.is_empty()))?;
        Some((path, shown(&value, 2 * LONGEST)?))
    };
    names.into_iter().filter(|name| is_plain(name)).filter_map(list).collect()
}

/// A chain of plain names, which is not called.
fn path_of(reference: &Reference) -> Option<String> {
    let plain = reference.path.iter().all(|segment| matches!(segment, Segment::Name(name) if is_plain(name)));
    let wanted = plain && !reference.called && ROOTS.contains(&reference.root()) && reference.path.len() > 1;
    wanted.then(|| reference.names().collect::<Vec<_>>().join("."))
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(char::is_numeric)
}

fn value_of(path: &str, scope: &Scope) -> Option<String> {
    match known(path, scope)? {
        Json::Object(members) if !members.is_empty() => None,
        value => shown(&value, LONGEST),
    }
}

fn known(path: &str, scope: &Scope) -> Option<Json> {
    match Expression::parse(path).ok()?.evaluate(scope) {
        Ok(Outcome::Known(value)) => Some(value.to_json()),
        _ => None,
    }
}

fn shown(value: &Json, longest: usize) -> Option<String> {
    let text = match value {
        Json::Null => "none".to_owned(),
        Json::String(text) => format!("'{text}'"),
        other => other.to_string(),
    };
    (text.chars().count() <= longest && !text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests;
