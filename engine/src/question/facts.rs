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
mod tests {
    use serde_json::json;

    use super::found;
    use crate::template::expression::Expression;
    use crate::template::scope::{Scope, Slot};
    use crate::template::value::Value;

    #[track_caller]
    fn says(expression: &str, result: &serde_json::Value, expected: &str) {
        let scope = Scope::new()
            .with("result", Slot::Known(Value::from_json(result)))
            .with("parameters", Slot::Known(Value::from_json(&json!({ "wanted": 2 }))));
        assert_eq!(found(&Expression::parse(expression).unwrap(), &scope), expected);
    }

    #[test]
    fn what_there_is_is_told_beside_what_was_asked_for() {
        says("result.version == 1", &json!({ "version": 2 }), "; `result.version` is 2");
        says(
            "result.version is not none and result.version == 1",
            &json!({ "version": null }),
            "; `result.version` is none",
        );
        says("result.state == 'live'", &json!({ "state": "paused" }), "; `result.state` is 'paused'");
        says("result.missing == []", &json!({ "missing": ["KEY"] }), "; `result.missing` is [\"KEY\"]");
        says("result.at == parameters.wanted", &json!({ "at": 1 }), "; `result.at` is 1");
        says("result.json.stub == false", &json!({ "json": { "stub": true } }), "; `result.json.stub` is true");
    }

    #[test]
    fn one_truth_is_explained_by_the_lists_beside_it() {
        let compared =
            json!({ "equal": false, "compared": 2, "equal_keys": [], "different_keys": ["SAT"], "missing": [] });
        says("result.equal", &compared, "; `result.different_keys` is [\"SAT\"]");
        says(
            "not result.equal",
            &json!({ "equal": true, "equal_keys": ["SAT"] }),
            "; `result.equal_keys` is [\"SAT\"]",
        );
    }

    #[test]
    fn what_says_nothing_more_is_not_told() {
        says("result.exists", &json!({ "exists": false }), "");
        says("1 > parameters.wanted", &json!({}), "");
        says("result.text == 'x'", &json!({ "text": "y".repeat(81) }), "");
        says("result.text == 'x'", &json!({ "text": "two\nlines" }), "");
        says("result.map == 1", &json!({ "map": { "a": 1 } }), "");
        says("'x' in result.json", &json!({ "json": { "y": 1 } }), "");
    }
}
