//! Expressions: read or refused, evaluated within bounds; what is decided before everything is known stays so whatever
//! the rest turns out to be; and a template of one expression is that expression.

use std::collections::BTreeMap;

use engine::template::expression::Expression;
use engine::template::references::Reference;
use engine::template::scope::{Object, Scope, Slot};
use engine::template::value::Value;
use engine::template::{Outcome, Template};
use engine::time::Timestamp;
use serde_json::json;

/// Holds for every text.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(error) => return assert!(text.get(error.span.clone()).is_some(), "{error} at {:?}", error.span),
    };
    assert_eq!(expression.source(), text);
    stand(text, expression.references());
    let early = evaluated(&expression, &partly());
    if let Some(answer) = expression.constant() {
        assert_eq!(early, Some(json!(answer)), "what is always so is not so");
    }
    if let (Some(_), Ok(Outcome::Known(answer))) = (expression.is_surely_not_boolean(), expression.decide(&partly())) {
        panic!("surely no boolean, and decided: {answer}");
    }
    for later in [json!(3), json!("x"), json!({ "out": [1, 2], "state": "succeeded" }), json!(true), json!(null)] {
        let whole = wholly(&Value::from_json(&later));
        let late = evaluated(&expression, &whole);
        if let (Some(early), Some(late)) = (&early, &late) {
            assert_eq!(early, late, "it was decided, and is otherwise with {later}");
        }
        is_the_template(text, &late, &whole);
    }
}

/// Its value as JSON where it has one; its answer as a condition is the same.
fn evaluated(expression: &Expression, scope: &Scope) -> Option<serde_json::Value> {
    let value = expression.evaluate(scope);
    let decided = expression.decide(scope);
    match (&value, &decided) {
        (Ok(Outcome::Known(value)), Ok(Outcome::Known(answer))) => assert_eq!(value.as_bool(), Some(*answer)),
        (Ok(Outcome::Known(value)), Err(_)) => assert_eq!(value.as_bool(), None),
        (Ok(Outcome::Undecided(_)), Ok(Outcome::Undecided(because))) => assert!(!because.is_empty()),
        (Err(_), Err(_)) => {}
        other => panic!("a value and an answer that differ: {other:?}"),
    }
    for error in [value.as_ref().err(), decided.as_ref().err()].into_iter().flatten() {
        assert!(expression.source().get(error.span.clone()).is_some(), "{error} at {:?}", error.span);
    }
    let value = value.ok()?.known()?;
    let json = value.to_json();
    assert_eq!(Value::from_json(&json).to_json(), json, "a value does not survive being recorded");
    Some(json)
}

fn is_the_template(text: &str, value: &Option<serde_json::Value>, scope: &Scope) {
    let template = Template::parse(&format!("{{{{ {text} }}}}")).expect("an expression can stand in a template");
    let filled = template.render(scope).ok().and_then(Outcome::known).map(|value| value.to_json());
    assert_eq!(&filled, value, "in a template it is another value");
}

/// References are parts of the text.
fn stand(text: &str, references: &[Reference]) {
    for reference in references {
        assert!(text.get(reference.span.clone()).is_some(), "{reference:?}");
        assert!(!reference.root().is_empty(), "{reference:?}");
    }
}

/// Where step `later` has not run yet.
pub fn partly() -> Scope {
    known().with("steps", Slot::fields([("done", done()), ("later", Slot::undecided("step `later` has not run yet"))]))
}

/// Where it has, and this came of it.
pub fn wholly(later: &Value) -> Scope {
    known().with("steps", Slot::fields([("done", done()), ("later", Slot::Known(later.clone()))]))
}

fn done() -> Slot {
    Slot::fields([("state", Slot::from("succeeded")), ("out", Slot::from(3_i64))])
}

fn known() -> Scope {
    let parameters = json!({ "name": "kora", "count": 7, "ratio": 0.5, "flag": true, "no": null, "when": "2026-01-01T00:00:00Z",
        "list": [3, 1, 2], "words": ["b", "a"], "map": { "z": 1, "a": { "b": "deep" } } });
    Scope::new()
        .with("parameters", Value::from_json(&parameters))
        .with("result", Value::from_json(&json!({ "epoch": 4, "known_epoch": 6, "exists": false })))
        .with("run", Slot::fields([("id", Slot::AsWritten("0192-run".into())), ("started_at", started())]))
        .with("history", Slot::object(History))
        .with_function("inside", |args| match args {
            [path, folder] => Ok(path.as_str().unwrap_or("").starts_with(folder.as_str().unwrap_or("")).into()),
            _ => Err("takes a path and a folder".to_owned()),
        })
}

fn started() -> Slot {
    Slot::AsWritten(Timestamp::parse("2026-11-20T12:00:00Z").expect("a timestamp").into())
}

struct History;

impl Object for History {
    fn call(&self, method: &str, args: &[Value], named: &BTreeMap<String, Value>) -> Result<Value, String> {
        match method {
            "count" => Ok(i64::try_from(args.len() + named.len()).unwrap_or(0).into()),
            _ => Ok(Value::from_json(&json!({ "status": "failed", "outputs": { "epoch": 5 } }))),
        }
    }

    fn methods(&self) -> &'static [&'static str] {
        &["last", "count"]
    }
}
