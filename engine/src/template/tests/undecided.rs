//! Three-valued logic and taint.

use serde_json::json;

use super::{fails, gives, outcome, scope};
use crate::template::Outcome;
use crate::template::error::Problem;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;

const LATER: &str = "step `later` has not run yet";
const OTHER: &str = "step `other` has not run yet";

#[track_caller]
fn waits_for(source: &str, because: &[&str]) {
    match outcome(source) {
        Ok(Outcome::Undecided(reasons)) => assert_eq!(reasons, because, "{source}"),
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn and_or_and_not_are_three_valued() {
    let u = "steps.later.ok";
    for (source, expected) in [
        ("true and {u}", None),
        ("false and {u}", Some(false)),
        ("{u} and true", None),
        ("{u} and false", Some(false)),
        ("{u} and {u}", None),
        ("true or {u}", Some(true)),
        ("false or {u}", None),
        ("{u} or true", Some(true)),
        ("{u} or false", None),
        ("not {u}", None),
        ("{u} and true and false", Some(false)),
        ("1 < {u} < 3", None),
        ("3 < 2 < {u}", Some(false)),
        ("{u} < 3 < 2", Some(false)),
    ] {
        let source = source.replace("{u}", u);
        match expected {
            Some(expected) => gives(&source, json!(expected)),
            None => waits_for(&source, &[LATER]),
        }
    }
}

#[test]
fn whatever_touches_the_undecided_is_undecided() {
    for source in [
        "steps.later",
        "steps.later.out",
        "steps.later.out[0].x",
        "steps.later.out + 1",
        "-steps.later.out",
        "steps.later.out | upper | length",
        "parameters.list | join(steps.later.out)",
        "parameters.words | select('eq', steps.later.out)",
        "steps.later.out is string",
        "steps.later.out is defined",
        "steps.later is undefined",
        "3 is eq(steps.later.out)",
        "sha256(steps.later.out)",
        "history.last(steps.later.out)",
        "history.last('x', within=steps.later.out)",
        "parameters.map[steps.later.out]",
        "parameters.name[steps.later.out:]",
        "[1, steps.later.out]",
        "{'a': steps.later.out}",
        "1 if steps.later.ok else 1",
        "steps.later.out == none",
        "steps.later.out in [1]",
    ] {
        waits_for(source, &[LATER]);
    }
}

#[test]
fn reasons_are_said_once_in_the_order_met() {
    waits_for("steps.other.a + steps.later.b ~ steps.other.c", &[OTHER, LATER]);
    waits_for("steps.later.a and steps.other.b or steps.later.c", &[LATER, OTHER]);
    waits_for("steps", &[LATER, OTHER]);
    waits_for("steps.later.list[steps.other.at]", &[OTHER, LATER]);
}

#[test]
fn what_is_not_touched_does_not_matter() {
    gives("steps.done.out", json!(3));
    gives("steps.later.out if false else 5", json!(5));
    gives("steps.done.state == 'failed' and steps.later.out > 3", json!(false));
}

#[test]
fn an_error_behind_something_undecided_waits_with_it() {
    waits_for("steps.later.ok and steps.skipped.out > 3", &[LATER]);
    waits_for("steps.later.ok or steps.skipped.out > 3", &[LATER]);
    // Once `later` is known the error may be reached, so the false behind it decides nothing.
    waits_for("steps.later.ok and steps.skipped.out > 3 and false", &[LATER]);
    assert!(matches!(fails("steps.skipped.out > 3 and steps.later.ok"), Problem::Missing { .. }));
    assert!(matches!(fails("steps.later.out + steps.skipped.out"), Problem::Missing { .. }));
}

#[test]
fn a_scope_extended_leaves_its_origin_as_it_was() {
    let origin = scope();
    let child = origin.clone().with("item", Value::from("x"));
    assert!(origin.at(&["item"]).is_none());
    assert!(child.at(&["item"]).is_some());
    let mut grown = origin.clone();
    grown.put(&["steps", "later"], Slot::fields([("ok", Slot::from(true))]));
    grown.put(&["steps", "new", "out"], Value::from(1_i64));
    assert!(matches!(origin.at(&["steps", "later"]), Some(Slot::Undecided(_))));
    assert!(matches!(grown.at(&["steps", "later", "ok"]), Some(Slot::Known(_))));
    assert!(matches!(grown.at(&["steps", "new", "out"]), Some(Slot::Known(_))));
    assert_eq!(Scope::new().with("a", 1_i64).names().collect::<Vec<_>>(), ["a"]);
}
