//! The language as its users meet it; what the tests share is here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod expressions;
mod filtering;
mod hostile;
mod referring;
mod templates;
mod texts;
mod undecided;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Outcome;
use super::error::{EvaluationError, Problem, SyntaxError};
use super::expression::Expression;
use super::scope::{Object, Scope, Slot};
use super::value::Value;
use crate::time::Timestamp;

/// A ledger that remembers one run.
struct History;

impl Object for History {
    fn call(&self, method: &str, args: &[Value], named: &BTreeMap<String, Value>) -> Result<Value, String> {
        match (method, args) {
            ("last", [name]) => Ok(Value::from_json(
                &json!({"procedure": name.to_json(), "status": "failed", "within": named.get("within").map(Value::to_json)}),
            )),
            ("count", _) => Ok(2_i64.into()),
            _ => Err("takes the name of a procedure".to_owned()),
        }
    }

    fn methods(&self) -> &'static [&'static str] {
        &["last", "count"]
    }
}

/// What the tests name.
fn scope() -> Scope {
    let json = |value: Json| Slot::from(Value::from_json(&value));
    Scope::new()
        .with(
            "parameters",
            json(json!({"name": "kora", "count": 7, "ratio": 0.5, "text7": "7", "flag": true, "no": null,
            "list": [3, 1, 2], "words": ["b", "a"], "map": {"z": 1, "a": {"b": "deep"}}})),
        )
        .with(
            "steps",
            Slot::fields([
                ("done", Slot::fields([("state", json(json!("succeeded"))), ("out", json(json!(3)))])),
                ("later", Slot::undecided("step `later` has not run yet")),
                ("other", Slot::undecided("step `other` has not run yet")),
                ("skipped", Slot::fields([("state", json(json!("skipped")))])),
            ]),
        )
        .with(
            "run",
            Slot::fields([
                ("id", Slot::AsWritten("0192-run".into())),
                ("started_at", Slot::AsWritten(Timestamp::parse("2026-11-20T12:00:00Z").unwrap().into())),
                ("actor", Slot::from("ada")),
            ]),
        )
        .with("history", Slot::object(History))
        .with_function("inside", |args| match args {
            [path, dir] => Ok(path.as_str().unwrap_or("").starts_with(dir.as_str().unwrap_or("")).into()),
            _ => Err("takes a path and a folder".to_owned()),
        })
}

#[track_caller]
fn refused(source: &str) -> SyntaxError {
    match Expression::parse(source) {
        Ok(_) => panic!("{source} was read"),
        Err(error) => error,
    }
}

#[track_caller]
fn outcome(source: &str) -> Result<Outcome<Value>, EvaluationError> {
    match Expression::parse(source) {
        Ok(expression) => expression.evaluate(&scope()),
        Err(error) => panic!("{source}: {error:?}"),
    }
}

#[track_caller]
fn gives(source: &str, expected: Json) {
    match outcome(source) {
        Ok(Outcome::Known(value)) => assert_eq!(value.to_json(), expected, "{source}"),
        other => panic!("{source}: {other:?}"),
    }
}

#[track_caller]
fn fails(source: &str) -> Problem {
    match outcome(source) {
        Err(error) => error.problem,
        other => panic!("{source}: {other:?}"),
    }
}

#[track_caller]
fn says(source: &str, expected: &str) {
    match outcome(source) {
        Err(error) => assert_eq!(error.to_string(), expected, "{source}"),
        other => panic!("{source}: {other:?}"),
    }
}
