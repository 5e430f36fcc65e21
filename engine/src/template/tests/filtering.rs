//! Filters and tests.

use serde_json::json;

use super::{fails, gives, says};
use crate::template::error::Problem;
use crate::template::filters::FILTERS;
use crate::template::functions::FUNCTIONS;
use crate::template::predicates::TESTS;
use crate::template::value::Kind;

#[track_caller]
fn does_not_take(source: &str) {
    let problem = fails(source);
    assert!(matches!(problem, Problem::Argument { .. }), "{source}: {problem:?}");
}

#[test]
fn filters_of_strings() {
    gives("'Straße' | upper", json!("STRASSE"));
    gives("'ABC' | lower", json!("abc"));
    gives("'hELLO wORLD' | capitalize", json!("Hello world"));
    gives("'  x ' | trim", json!("x"));
    gives("'--x-' | trim('-')", json!("x"));
    gives("'a.b.c' | replace('.', '/')", json!("a/b/c"));
    gives("'a,b,,c' | split(',')", json!(["a", "b", "", "c"]));
    gives("' a  b ' | split", json!(["a", "b"]));
    gives("'a\\nb\\n' | lines", json!(["a", "b"]));
    gives("'a\\nb\\n\\nc' | indent(2)", json!("a\n  b\n\n  c"));
    gives("[1, 'a', true, duration('5m')] | join('-')", json!("1-a-true-5m"));
    gives("[{'n': {'x': 1}}, {'n': {'x': 2}}] | join(', ', attribute='n.x')", json!("1, 2"));
    gives("1.50 | string", json!("1.5"));
    gives("timestamp('2026-11-20T09:35:12Z') | string", json!("2026-11-20T09:35:12.000000Z"));
    gives("{'b': [1, none, '<']} | tojson", json!("{\"b\":[1,null,\"<\"]}"));
    gives("[1] | tojson(indent=true)", json!("[\n  1\n]"));
    for wrong in [
        "1 | upper",
        "none | string",
        "[1] | string",
        "[none] | join",
        "'a' | replace('', 'b')",
        "'a' | split('')",
        "'a' | replace('a')",
        "'a' | upper(1)",
        "'a' | upper(x=1)",
        "'a' | indent(-1)",
        "'a' | tojson(indent=1)",
    ] {
        does_not_take(wrong);
    }
}

#[test]
fn filters_of_numbers() {
    gives("-3 | abs", json!(-3).as_i64().map(i64::abs).into());
    gives("(-3) | abs", json!(3));
    gives("-2.5 | abs", json!(2.5));
    gives("' 42 ' | int", json!(42));
    gives("-2.9 | int", json!(-2));
    gives("'2.5' | float", json!(2.5));
    gives("3 | float", json!(3.0));
    gives("2.345 | round(2)", json!(2.35));
    gives("2.5 | round", json!(3.0));
    gives("7 | round(3)", json!(7));
    assert_eq!(fails("1e30 | int"), Problem::Overflow);
    for wrong in ["'2.5' | int", "'' | int", "'inf' | float", "true | int", "none | float", "'1' | round", "'1' | abs"]
    {
        does_not_take(wrong);
    }
}

#[test]
fn filters_of_lists_and_maps() {
    gives("parameters.list | length", json!(3));
    gives("'héé' | count", json!(3));
    gives("parameters.list | first", json!(3));
    gives("'abc' | last", json!("c"));
    gives("parameters.list | reverse", json!([2, 1, 3]));
    gives("'abc' | reverse", json!("cba"));
    gives("parameters.map | list", json!(["z", "a"]));
    gives("'ab' | list", json!(["a", "b"]));
    gives("{'b': 1, 'a': 2} | items", json!([["b", 1], ["a", 2]]));
    gives("{'b': 1, 'a': 2} | dictsort", json!([["a", 2], ["b", 1]]));
    gives("[1, 2, 3] | batch(2)", json!([[1, 2], [3]]));
    gives("parameters.words | map('upper') | join", json!("BA"));
    gives("['a-b'] | map('replace', '-', '+') | first", json!("a+b"));
    gives("[{'a': {'b': 1}}] | map(attribute='a.b')", json!([1]));
    gives("{'x': {'n': 1}, 'y': {'n': 2}} | items | map(attribute='1.n')", json!([1, 2]));
    gives("[1, 1.0, 'a', 'a', [1], [1]] | unique", json!([1, "a", [1]]));
    gives("[1, 2.5] | sum", json!(3.5));
    gives("[] | sum", json!(0));
    gives("[{'n': 2}, {'n': 3}] | sum(attribute='n')", json!(5));
    for wrong in [
        "[] | first",
        "'' | last",
        "{} | reverse",
        "3 | length",
        "[1] | items",
        "[1] | batch(0)",
        "[1] | batch",
        "[1] | map",
        "[[1]] | map('map', 'abs')",
        "[{}] | map(attribute='x')",
        "['a'] | sum",
        "[1, duration('1s')] | sum",
    ] {
        does_not_take(wrong);
    }
}

#[test]
fn order_is_between_like_kinds_only() {
    gives("[3, 1.5, 2] | sort", json!([1.5, 2, 3]));
    gives("['b', 'B', 'a'] | sort(reverse=true)", json!(["b", "a", "B"]));
    gives("[{'n': 2}, {'n': 1}] | sort(attribute='n') | first", json!({"n": 1}));
    gives("[version('1.10'), version('1.9')] | max", json!("1.10"));
    gives("[duration('1h'), duration('5m')] | min", json!("5m"));
    gives("[] | sort", json!([]));
    for wrong in [
        "[1, '2'] | sort",
        "[1, none] | min",
        "[[1], [2]] | sort",
        "[true, false] | max",
        "[] | min",
        "[1, '2'] | max",
        "[1] | sort(reverse='yes')",
    ] {
        does_not_take(wrong);
    }
    says("[1, '2'] | sort", "`[1, '2'] | sort`: `sort`: there is no order between a number and a string");
}

#[test]
fn selecting_is_as_strict_as_comparing() {
    gives("[1, 5, 3] | select('ge', 3)", json!([5, 3]));
    gives("[1, 5, 3] | reject('in', [1, 3])", json!([5]));
    gives("[true, false] | select | length", json!(1));
    gives("[{'s': 'ok', 'n': 1}, {'s': 'no'}] | selectattr('s', 'eq', 'ok') | map(attribute='n')", json!([1]));
    gives("[{'s': 'ok', 'n': 1}, {'s': 'no'}] | selectattr('n', 'defined') | length", json!(1));
    gives("[{'a': {'up': true}}, {'a': {'up': false}}] | rejectattr('a.up') | length", json!(1));
    does_not_take("['7'] | select('ge', 3)");
    does_not_take("[{'n': '7'}] | selectattr('n', 'gt', 3)");
    does_not_take("[{}] | selectattr('n', 'gt', 3)");
    does_not_take("['a'] | select('odd')");
    does_not_take("[1] | select(parameters.name)");
    does_not_take("[1] | select('eq')");
    assert_eq!(fails("['', 'x'] | select"), Problem::NotBoolean { found: Kind::String });
    assert_eq!(fails("[{'n': 1}] | selectattr('n')"), Problem::NotBoolean { found: Kind::Number });
}

#[test]
fn tests_ask_what_they_say() {
    for (source, expected) in [
        ("none is none", true),
        ("'a' is string", true),
        ("1 is string", false),
        ("1 is number and 1 is integer and 1.0 is float and 1 is not float", true),
        ("true is boolean and true is true and false is false", true),
        ("[] is list and [] is sequence and {} is mapping", true),
        ("duration('1s') is duration and run.started_at is timestamp and version('1') is version", true),
        ("'abc' is startingwith 'a' and 'abc' is endingwith('bc')", true),
        ("'abc' is containing 'b' and [1] is containing 1", true),
        ("3 is odd and 4 is even and 9 is divisibleby 3", true),
        ("3 is eq 3 and 3 is ne 4 and 3 is lt 4 and 3 is le 3 and 4 is gt 3 and 3 is ge 3 and 3 is in [3]", true),
        ("'x' is not startingwith 'y'", true),
    ] {
        gives(source, json!(expected));
    }
    for wrong in
        ["'7' is gt 3", "'7' is eq 7", "'a' is odd", "1 is true", "1 is startingwith 'a'", "'a' is startingwith 1"]
    {
        assert!(matches!(fails(wrong), Problem::Operands { .. } | Problem::Operand { .. }), "{wrong}");
    }
    assert_eq!(fails("3 is divisibleby 0"), Problem::DivisionByZero);
}

#[test]
fn the_tables_are_sorted_and_speak() {
    let names: [Vec<(&str, &str)>; 3] = [
        FILTERS.iter().map(|filter| (filter.name, filter.summary)).collect(),
        TESTS.iter().map(|test| (test.name, test.summary)).collect(),
        FUNCTIONS.to_vec(),
    ];
    for table in names {
        assert!(table.is_sorted_by(|left, right| left.0 < right.0), "{table:?}");
        assert!(table.iter().all(|(_, summary)| !summary.is_empty() && !summary.ends_with('.')));
    }
}
