//! The JSON Schemas of the four documents, generated from the raw forms.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::Kind;
use super::node::Node;
use super::raw::{procedure, test, workspace};

/// A length of time that an action or a driver takes as it is written.
const DURATION: &str = "^([0-9].*[A-Za-z]|P[0-9TYMWDHS.,]+)$";
const A_DURATION: &str = "a duration with its unit (like `90s`, `5m`, `4h`, `2d`)";

/// The JSON Schema (draft 2020-12) of a kind of document, as written to `schemas/KIND.schema.json`.
#[must_use]
pub fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Procedure => generate::<procedure::Procedure>(kind),
        Kind::Checklist => generate::<procedure::Checklist>(kind),
        Kind::Test => generate::<test::Test>(kind),
        Kind::Workspace => generate::<workspace::Workspace>(kind),
    }
}

fn generate<T: JsonSchema>(kind: Kind) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = Value::from(generator.into_root_schema_for::<T>());
    complete(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), json!(format!("Runwarden {}", kind.as_str())));
    }
    schema
}

/// What a map is by its words, where its schema says so with `if` and `then`.
#[must_use]
pub fn chosen<'s>(schema: &'s Value, map: &Node) -> Option<&'s Value> {
    let choices = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
    choices
        .filter(|choice| choice.get("if").is_some_and(|condition| holds(condition, map)))
        .find_map(|choice| choice.get("then"))
}

/// Whether a map has the keys, and none but the words, that a condition names.
#[must_use]
pub fn holds(condition: &Value, map: &Node) -> bool {
    let mut required =
        condition.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut words = condition.get("properties").and_then(Value::as_object).into_iter().flatten();
    let is = |value: &Node, word: &Value| value.as_str() == word.get("const").and_then(Value::as_str);
    required.all(|key| map.get(key).is_some())
        && words.all(|(key, word)| map.get(key).is_none_or(|value| is(value, word)))
}

/// Allows extension keys in every map of the language, leaves out what only Rust needs to know, and says that an
/// optional key is left out rather than empty.
fn complete(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let closed = members.get("additionalProperties") == Some(&Value::Bool(false));
            if closed && members.contains_key("properties") {
                members.insert("patternProperties".to_owned(), json!({ "^x-": true }));
            }
            forbid_null(members);
            if members.get("format").is_some_and(|format| format == "runwarden-duration") {
                members.insert("pattern".to_owned(), DURATION.into());
                members.insert("x-runwarden".to_owned(), A_DURATION.into());
            }
            if members.get("format").is_some_and(|format| format != "regex") {
                members.shift_remove("format");
            }
            if members.get("default") == Some(&Value::Null) {
                members.shift_remove("default");
            }
            members.values_mut().for_each(complete);
        }
        Value::Array(items) => items.iter_mut().for_each(complete),
        _ => {}
    }
}

/// `Option` gives `null` as a further type: here a key without a value is a mistake.
fn forbid_null(members: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            members.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(branches)) = members.get_mut("anyOf") else { return };
    branches.retain(|branch| branch != &json!({ "type": "null" }));
    if branches.len() == 1
        && let Some(Value::Object(only)) = branches.pop()
    {
        members.shift_remove("anyOf");
        members.extend(only);
    }
}

#[cfg(test)]
mod tests;
