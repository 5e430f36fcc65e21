//! What is told of conditions that are false, and what is not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
    let compared = json!({ "equal": false, "compared": 2, "equal_keys": [], "different_keys": ["SAT"], "missing": [] });
    says("result.equal", &compared, "; `result.different_keys` is [\"SAT\"]");
    says("not result.equal", &json!({ "equal": true, "equal_keys": ["SAT"] }), "; `result.equal_keys` is [\"SAT\"]");
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
