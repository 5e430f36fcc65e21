//! Operators, members, functions, and what is refused.

use serde_json::json;

use super::{fails, gives, outcome, refused, says, scope};
use crate::template::Outcome;
use crate::template::error::Problem;
use crate::template::expression::Expression;
use crate::template::value::{Kind, Value};
use crate::template::version::Version;

#[test]
fn what_minijinja_would_take_for_true_is_an_error() {
    assert!(matches!(fails("'7' > 3"), Problem::Operands { left: Kind::String, right: Kind::Number, .. }));
    assert!(matches!(fails("none < 5"), Problem::Operands { left: Kind::None, .. }));
    assert!(matches!(fails("'false' and true"), Problem::NotBoolean { found: Kind::String }));
    assert!(matches!(fails("true and 1"), Problem::NotBoolean { found: Kind::Number }));
    assert!(matches!(fails("not ''"), Problem::NotBoolean { .. }));
    assert!(matches!(fails("1 if 'x' else 2"), Problem::NotBoolean { .. }));
    assert!(matches!(fails("[] or false"), Problem::NotBoolean { found: Kind::List }));
    assert!(matches!(fails("parameters.no == 3 or parameters.no"), Problem::NotBoolean { found: Kind::None }));
    assert!(matches!(fails("[1] < [2]"), Problem::Operands { .. }));
    assert!(matches!(fails("true < false"), Problem::Operands { .. }));
}

#[test]
fn equality_is_asked_of_like_kinds_or_none() {
    gives("1 == 1.0", json!(true));
    gives("9007199254740993 == 9007199254740992.0", json!(false));
    gives("'a' != 'b'", json!(true));
    gives("parameters.no == none", json!(true));
    gives("none == 3", json!(false));
    gives("parameters.name != none", json!(true));
    gives("[1, 'a'] == [1, 'a']", json!(true));
    gives("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", json!(true));
    gives("[1] == ['1']", json!(false));
    assert!(matches!(fails("1 == '1'"), Problem::Operands { operator: "==", .. }));
    assert!(matches!(fails("true != 1"), Problem::Operands { operator: "!=", .. }));
    assert!(matches!(fails("version('1.0') == '1.0'"), Problem::Operands { left: Kind::Version, .. }));
}

#[test]
fn messages_say_source_and_kinds_but_no_value() {
    says(
        "(parameters.text7 + 'x') > parameters.count",
        "`(parameters.text7 + 'x') > parameters.count`: `>` has no meaning between `parameters.text7 + 'x'` (a string) \
         and `parameters.count` (a number)",
    );
    says("not parameters.name", "`parameters.name`: a condition must be a boolean, this is a string");
    says("steps.skipped.out", "`steps.skipped.out`: `steps.skipped` has no `out`");
    says(
        "parameters.map[parameters.name]",
        "`parameters.map[parameters.name]`: `parameters.map` has no item `parameters.name`",
    );
    says("nothing.x", "`nothing`: `nothing` is not known here");
    says("parameters.name | int", "`parameters.name | int`: `int`: takes a number, or a string of decimal digits");
    says(
        "duration(parameters.name)",
        "`duration(parameters.name)`: `duration`: takes a duration or a string like `90s`, `5m`, `4h`, `2d`; this string is none",
    );
}

#[test]
fn arithmetic_is_checked() {
    gives("1 + 2 * 3 - 4", json!(3));
    gives("7 / 2", json!(3.5));
    gives("-7 // 2", json!(-4));
    gives("-7 % 2", json!(1));
    gives("7.5 // 2", json!(3.0));
    gives("2 ** 10", json!(1024));
    gives("2 ** -1", json!(0.5));
    gives("'a' + 'b'", json!("ab"));
    gives("[1] + [2]", json!([1, 2]));
    gives("parameters.name ~ '-' ~ 7 ~ true", json!("kora-7true"));
    gives("18446744073709551615 - 1", json!(18_446_744_073_709_551_614_u64));
    gives("-9223372036854775808", json!(i64::MIN));
    assert_eq!(fails("18446744073709551615 + 1"), Problem::Overflow);
    assert_eq!(fails("-9223372036854775808 - 1"), Problem::Overflow);
    assert_eq!(fails("10 ** 40"), Problem::Overflow);
    assert_eq!(fails("1e308 * 10"), Problem::Overflow);
    assert_eq!(fails("1 // 0"), Problem::DivisionByZero);
    assert_eq!(fails("1 / 0.0"), Problem::DivisionByZero);
    assert_eq!(fails("1 % 0"), Problem::DivisionByZero);
    assert_eq!(fails("0 ** -1"), Problem::DivisionByZero);
    assert!(matches!(fails("'x' * 3"), Problem::Operands { operator: "*", .. }));
    assert!(matches!(fails("1 + '1'"), Problem::Operands { .. }));
    assert!(matches!(fails("true + 1"), Problem::Operands { .. }));
    assert!(matches!(fails("'a' ~ none"), Problem::Operands { operator: "~", .. }));
    assert!(matches!(fails("-'a'"), Problem::Operand { operator: "-", found: Kind::String }));
}

#[test]
fn times_are_computed_with_times() {
    gives("timestamp('2026-11-20T10:00:00Z') - timestamp('2026-11-20T09:30:00Z') == duration('30m')", json!(true));
    gives("timestamp('2026-11-20T10:00:00+01:00')", json!("2026-11-20T09:00:00.000000Z"));
    gives("timestamp('2026-11-20T10:00:00Z') + duration('2d')", json!("2026-11-22T10:00:00.000000Z"));
    gives("timestamp('2026-11-20T10:00:00Z') - duration('500ms')", json!("2026-11-20T09:59:59.500000Z"));
    gives("duration('90s') + duration('30s') == duration('2m')", json!(true));
    gives("duration('90s') * 2 == 1.5 * duration('2m')", json!(true));
    gives("duration('2m') / 4 == duration('30s')", json!(true));
    gives("duration('1h') > duration('59m')", json!(true));
    gives("[duration('1h'), duration('30m')] | sum == duration('90m')", json!(true));
    gives("days_until(timestamp('2026-11-23T11:59:59Z'))", json!(2));
    gives("days_until(timestamp('2026-11-20T11:00:00Z'))", json!(-1));
    assert_eq!(fails("timestamp('9999-12-30T00:00:00Z') + duration('1000d')"), Problem::Overflow);
    assert!(matches!(
        fails("run.started_at > '2026-01-01T00:00:00Z'"),
        Problem::Operands { left: Kind::Timestamp, .. }
    ));
    assert!(matches!(fails("duration('1h') + 5"), Problem::Operands { .. }));
    assert!(matches!(fails("duration('5')"), Problem::Argument { .. }));
    assert!(matches!(fails("timestamp('2026-11-20T10:00:00')"), Problem::Argument { .. }));
}

#[test]
fn days_need_a_run() {
    let expression = Expression::parse("days_until(timestamp('2026-11-23T11:59:59Z'))").unwrap();
    let error = expression.evaluate(&crate::template::scope::Scope::new()).unwrap_err();
    assert!(error.to_string().ends_with("no run has started here"), "{error}");
}

#[test]
fn versions_are_ordered_as_versions() {
    gives("version('1.10') > version('1.9')", json!(true));
    gives("version('1.2') == version('v1.2.0+build.5')", json!(true));
    gives("version('2.0.0-rc.1') < version('2.0.0')", json!(true));
    gives("version('v1.2')", json!("v1.2"));
    let ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "16.4",
    ]
    .map(|text| Version::parse(text).unwrap());
    assert!(ordered.is_sorted_by(|left, right| left < right));
    for wrong in ["", "1.", "1..2", "a", "1.0-", "1.0+", "-1", "1.0-a..b", "99999999999999999999999"] {
        assert!(Version::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn in_looks_into_lists_maps_and_strings() {
    gives("2 in parameters.list", json!(true));
    gives("'x' not in parameters.words", json!(true));
    gives("'z' in parameters.map", json!(true));
    gives("'or' in parameters.name", json!(true));
    gives("none in [1, none]", json!(true));
    gives("1 in []", json!(false));
    assert!(matches!(fails("'7' in [7]"), Problem::Operands { operator: "in", .. }));
    assert!(matches!(fails("'7' not in [7]"), Problem::Operands { operator: "in", .. }));
    assert!(matches!(fails("7 in '7'"), Problem::Operands { .. }));
    assert!(matches!(fails("'a' in none"), Problem::Operands { .. }));
}

#[test]
fn chains_of_comparisons_are_for_order_only() {
    gives("1 < parameters.count <= 7", json!(true));
    gives("1 < 2 < 2", json!(false));
    assert_eq!(refused("1 == 1 == 1").message, "only `<`, `<=`, `>` and `>=` can be chained");
    refused("1 < 2 == true");
    refused("1 in [1] in [[1]]");
}

#[test]
fn members_items_and_slices_are_taken() {
    gives("parameters.map.a.b", json!("deep"));
    gives("parameters['map']['a'].b", json!("deep"));
    gives("parameters.list[0]", json!(3));
    gives("parameters.list[-1]", json!(2));
    gives("parameters.list.1", json!(1));
    gives("parameters.name[1:3]", json!("or"));
    gives("parameters.name[:16]", json!("kora"));
    gives("parameters.name[:2]", json!("ko"));
    gives("parameters.name[2:]", json!("ra"));
    gives("parameters.name[-2:]", json!("ra"));
    gives("parameters.list[5:]", json!([]));
    gives("parameters.list[2:1]", json!([]));
    gives("'héllo'[1]", json!("é"));
    gives("steps.done", json!({"out": 3, "state": "succeeded"}));
    gives("{'a': [1, (2, 3)]}", json!({"a": [1, [2, 3]]}));
    assert!(matches!(fails("parameters.list[3]"), Problem::Missing { .. }));
    assert!(matches!(fails("parameters.list['a']"), Problem::Missing { .. }));
    assert!(matches!(fails("parameters.no.x"), Problem::Missing { .. }));
    assert!(matches!(fails("{1: 2}"), Problem::Operand { found: Kind::Number, .. }));
    assert!(matches!(fails("parameters.name['a':]"), Problem::Operand { .. }));
}

#[test]
fn what_is_not_there_can_only_be_asked_for() {
    gives("parameters.nope is defined", json!(false));
    gives("parameters.nope.deeper['x'][0] is undefined", json!(true));
    gives("parameters.name is defined", json!(true));
    gives("parameters.no is defined", json!(true));
    gives("nothing is defined", json!(false));
    gives("history is defined", json!(true));
    gives("parameters.nope if parameters.nope is defined else 'other'", json!("other"));
    assert!(matches!(fails("parameters.map[parameters.nope] is defined"), Problem::Missing { .. }));
    assert!(matches!(fails("(parameters.nope + 1) is defined"), Problem::Missing { .. }));
    assert!(matches!(fails("parameters.nope is none"), Problem::Missing { .. }));
    assert!(matches!(fails("parameters.nope == none"), Problem::Missing { .. }));
}

#[test]
fn functions_and_methods_answer() {
    gives("sha256('abc')", json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    gives("inside('/a/b', '/a')", json!(true));
    gives("history.last('x', within='24h')", json!({"procedure": "x", "status": "failed", "within": "24h"}));
    gives("history.last('x').status == 'failed' and history.count() < 3", json!(true));
    says("history.nope()", "`history.nope()`: `nope`: takes the name of a procedure");
    says("inside(1)", "`inside(1)`: `inside`: takes a path and a folder");
    assert_eq!(fails("history"), Problem::NotAValue);
    assert!(matches!(fails("history.last"), Problem::Missing { .. }));
    assert_eq!(fails("parameters.name.upper()"), Problem::NoMethod { method: "upper".to_owned() });
    assert!(matches!(fails("sha256()"), Problem::Argument { .. }));
    let alone = Expression::parse("inside('a', 'b')").unwrap().evaluate(&crate::template::scope::Scope::new());
    assert!(alone.unwrap_err().to_string().ends_with("it cannot be answered here"));
}

#[test]
fn what_the_language_leaves_out_is_refused_with_a_remedy() {
    for (source, message, help) in [
        ("a if b", "`if` without `else`", Some("write `a if condition else b`")),
        ("a | uper", "filter `uper` does not exist", Some("did you mean `upper`?")),
        ("a | default(3)", "filter `default` does not exist", Some("write `x if x is defined else y`")),
        ("a is strin", "test `strin` does not exist", Some("did you mean `string`?")),
        ("durration('5m')", "function `durration` does not exist", Some("did you mean `duration`?")),
        ("range(10)", "function `range` does not exist", None),
        ("a[::2]", "a slice has no step", Some("use the filter `reverse`, or `batch`")),
        ("a | map('uper')", "filter `uper` does not exist", Some("did you mean `upper`?")),
        ("a | selectattr('b', 'eqq', 1)", "test `eqq` does not exist", Some("did you mean `eq`?")),
        ("['a' 'b']", "two strings side by side", Some("put `,` or `~` between them")),
        ("f(*a)", "arguments are written out, not spread with `*`", None),
        ("a[0](1)", "only functions and methods can be called", None),
        ("sha256(text='x')", "`sha256` takes no named arguments", None),
        ("a is eq", "test `eq` takes one argument", Some("put the test in parentheses where more follows")),
        ("a is string if b else c", "unexpected input after expression", None),
        ("a }} b", "`}}` in an expression", None),
        ("", "the expression is empty", None),
        ("a +", "unexpected end of input, expected expression", None),
        ("'open", "unexpected end of string", None),
        ("99999999999999999999999", "the number is too large", None),
        ("1e999", "the number is too large", None),
    ] {
        let error = refused(source);
        assert_eq!((error.message.as_str(), error.help.as_deref()), (message, help), "{source}");
        assert!(source.get(error.span.clone()).is_some(), "{source}: {:?}", error.span);
    }
}

#[test]
fn the_place_of_a_mistake_is_its_bytes() {
    let error = refused("true and (parameters.name | uper)");
    assert_eq!(&"true and (parameters.name | uper)"[error.span], "uper");
    let source = "true and (parameters.count + 1) * parameters.name == 3";
    let error = outcome(source).unwrap_err();
    assert_eq!(&source[error.span], "(parameters.count + 1) * parameters.name");
    let source = "parameters.count not in parameters.name";
    assert_eq!(outcome(source).unwrap_err().text, source);
}

#[test]
fn a_condition_is_a_boolean_or_an_error() {
    let decide = |source: &str| Expression::parse(source).unwrap().decide(&scope());
    assert_eq!(decide("parameters.flag").unwrap(), Outcome::Known(true));
    assert!(matches!(decide("parameters.name").unwrap_err().problem, Problem::NotBoolean { .. }));
}

#[test]
fn conditions_that_cannot_vary_or_be_boolean_are_seen() {
    let parse = |source: &str| Expression::parse(source).unwrap();
    for (source, constant) in
        [("true", Some(true)), ("not true", Some(false)), ("1 == 1", Some(true)), ("a == a", None), ("'x'", None)]
    {
        assert_eq!(parse(source).constant(), constant, "{source}");
    }
    for (source, found) in [
        ("'false'", Some("a string")),
        ("a + b", Some("the result of arithmetic")),
        ("[a]", Some("a list")),
        ("a | length", Some("a number")),
        ("sha256(a)", Some("a string")),
        ("none", Some("none")),
        ("1 if a else 'b'", Some("a number")),
        ("true if a else 'b'", None),
        ("a.b", None),
        ("a | first", None),
        ("a == b", None),
    ] {
        assert_eq!(parse(source).is_surely_not_boolean(), found, "{source}");
    }
}

#[test]
fn values_go_to_json_and_back() {
    for json in [json!(null), json!([1, -2, 1.5, u64::MAX, i64::MIN, "x", {"b": true, "a": []}])] {
        let value = Value::from_json(&json);
        assert_eq!(value.to_json(), json);
        assert_eq!(value.to_json().to_string(), json.to_string(), "the order of members is kept");
    }
    assert_eq!(Value::float(f64::NAN), None);
    assert_eq!(Value::integer(1 << 64), None);
    assert_eq!(Value::float(1e16).unwrap().to_text().unwrap().as_ref(), "1e+16");
    assert_eq!(Value::float(2.0).unwrap().to_text().unwrap().as_ref(), "2.0");
}
