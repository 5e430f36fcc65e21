//! Input made to break the reader: depth, size, and noise.

use proptest::prelude::*;
use serde_json::json;

use super::{fails, scope};
use crate::template::Template;
use crate::template::data::Data;
use crate::template::error::Problem;
use crate::template::expression::Expression;
use crate::template::text::Text;
use crate::template::value::Value;

/// Reads and evaluates on a small stack, so that depth would show.
fn survives(source: String) -> bool {
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            let text = format!("{{% if {source} %}}{{% endif %}}");
            let _ = Text::parse(&text).map(|text| text.render(&scope()));
            match Expression::parse(&source) {
                Ok(expression) => {
                    let _ = expression.evaluate(&scope());
                    true
                }
                Err(error) => {
                    assert!(source.get(error.span).is_some());
                    false
                }
            }
        })
        .unwrap()
        .join()
        .unwrap()
}

#[test]
fn ten_thousand_deep_is_refused_and_not_fallen_into() {
    for (before, middle, after) in [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{'a':", "1", "}"),
        ("not ", "true", ""),
        ("- ", "1", ""),
        ("a.", "b", ""),
        ("", "a", "[0]"),
        ("", "a", "|upper"),
        ("", "a", " is string"),
        ("", "a", "()"),
        ("1 if true else ", "2", ""),
        ("", "1", " if true else 2"),
        ("1 + ", "1", ""),
        ("a == ", "b", ""),
        ("a < ", "b", ""),
        ("sha256(", "'x'", ")"),
        ("(not -", "1", ")"),
        ("a[", "0", "]"),
        ("'x' ~ ", "'x'", ""),
    ] {
        let source = format!("{}{middle}{}", before.repeat(10_000), after.repeat(10_000));
        assert!(!survives(source), "{before}{middle}{after}");
    }
}

#[test]
fn what_is_just_within_the_bounds_is_evaluated_on_a_small_stack() {
    for depth in 1..200 {
        for (before, middle, after) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("not ", "true", ""),
            ("- ", "1", ""),
            ("a.", "b", ""),
            ("", "'a'", "|upper"),
            ("1 if true else ", "2", ""),
            ("1 + ", "1", ""),
            ("not (", "true", ")"),
            ("sha256(", "'x'", ")"),
            ("true and (false or ", "true", ")"),
            ("{'a':", "1", "}"),
        ] {
            survives(format!("{}{middle}{}", before.repeat(depth), after.repeat(depth)));
        }
    }
}

#[test]
fn chains_of_and_and_or_are_not_deep() {
    assert!(survives(vec!["parameters.count == 7"; 200].join(" and ")));
    assert!(survives(vec!["parameters.flag"; 400].join(" or ")));
}

#[test]
fn long_expressions_are_refused() {
    assert_eq!(Expression::parse(&"a".repeat(70_000)).unwrap_err().message, "the expression is longer than 64 KiB");
    assert_eq!(
        Expression::parse(&vec!["a.b"; 600].join(" and ")).unwrap_err().message,
        "the expression has more than 1,000 operators"
    );
    assert!(Expression::parse(&format!("a in [{}]", vec!["'x'"; 5_000].join(","))).is_ok());
}

#[test]
fn nested_statements_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "{% if true %}".repeat(depth), "{% endif %}".repeat(depth));
    assert!(Text::parse(&nested(16)).is_ok());
    assert_eq!(Text::parse(&nested(17)).unwrap_err().message, "statements are nested too deeply");
    assert!(Text::parse(&nested(10_000)).is_err());
    let arms = format!("{{% if false %}}{}{{% endif %}}", "{% elif false %}x".repeat(10_000));
    assert!(Text::parse(&arms).unwrap().render(&scope()).is_ok());
}

#[test]
fn what_grows_is_stopped() {
    let doubled =
        |start: &str, step: &str, times: usize| (0..times).fold(start.to_owned(), |e, _| step.replace("{e}", &e));
    assert!(matches!(
        fails(&format!(
            "'{}'{}",
            "x".repeat(1000),
            " | replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')".repeat(5)
        )),
        Problem::TooLarge { .. }
    ));
    assert!(matches!(
        fails(&doubled("[1,2,3,4,5,6,7,8,9,0]", "{e} | join('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') | list", 6)),
        Problem::TooLarge { .. } | Problem::OutOfFuel
    ));
    assert!(matches!(fails("'a\nb' | indent(2000000)"), Problem::TooLarge { .. }));
    let many = Value::list((0..100_000_i64).map(Value::from));
    let expression = Expression::parse("l + l").unwrap();
    let error = expression.evaluate(&scope().with("l", many.clone())).unwrap_err();
    assert!(matches!(error.problem, Problem::TooLarge { .. }));
    let expression = Expression::parse("l | map('string') | unique | map('int') | unique").unwrap();
    assert_eq!(expression.evaluate(&scope().with("l", many.clone())).unwrap_err().problem, Problem::OutOfFuel);
    let text = Text::parse("{% for a in l %}{% for b in l %}{{ a * b }}{% endfor %}{% endfor %}").unwrap();
    assert!(text.render(&scope().with("l", many)).is_err());
}

/// Pieces that make expressions more often than chance would.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "parameters.count",
        "parameters.list",
        "parameters.map",
        "steps.later.out",
        "steps.done",
        "run.id",
        "history",
        "x",
        "1",
        "0",
        "-1",
        "2.5",
        "18446744073709551615",
        "1e308",
        "'a'",
        "''",
        "\"é\"",
        "true",
        "none",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ",",
        ":",
        ".",
        "..",
        "a",
        "[0]",
        "[-1]",
        "[:2]",
        " and ",
        " or ",
        "not ",
        " in ",
        " is ",
        " if ",
        " else ",
        "==",
        "!=",
        "<",
        "<=",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "~",
        "|",
        "upper",
        "length",
        "sort",
        "first",
        "join",
        "batch(2)",
        "select('eq', 1)",
        "map('abs')",
        "round",
        "int",
        "tojson",
        "sum",
        "defined",
        "string",
        "eq",
        "odd",
        "duration('1h')",
        "timestamp('2026-01-01T00:00:00Z')",
        "version('1.2')",
        "sha256('x')",
        "days_until(run.started_at)",
        "history.last('x')",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-%}",
        "{{-",
        "for x in ",
        "endfor",
        "if true",
        "endif",
        "\\",
        "'",
        "\"",
        "\n",
        "ü",
        "\0",
        " ",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn try_all(source: &str) {
    if let Ok(expression) = Expression::parse(source) {
        let _ = expression.evaluate(&scope()).map_err(|error| error.to_string());
        for reference in expression.references() {
            assert!(source.get(reference.span.clone()).is_some());
        }
        let _ = (expression.constant(), expression.is_surely_not_boolean());
    }
    match Template::parse(source) {
        Ok(template) => drop(template.render_for_plan(&scope())),
        Err(error) => assert!(source.get(error.span).is_some()),
    }
    match Text::parse(source) {
        Ok(text) => drop(text.render_for_plan(&scope())),
        Err(error) => assert!(source.get(error.span).is_some()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn nothing_that_looks_like_an_expression_panics(source in pieces()) {
        try_all(&source);
        try_all(&format!("{{{{ {source} }}}}"));
    }

    #[test]
    fn nothing_at_all_panics(source in "\\PC{0,40}") {
        try_all(&source);
        try_all(&format!("{{{{{source}}}}}"));
        try_all(&format!("{{%{source}%}}"));
    }

    #[test]
    fn integers_compute_as_integers_or_not_at_all(left in any::<i64>(), right in any::<i64>()) {
        let scope = scope().with("a", left).with("b", right);
        for (source, expected) in [
            ("a + b", i128::from(left).checked_add(right.into())),
            ("a - b", i128::from(left).checked_sub(right.into())),
            ("a * b", i128::from(left).checked_mul(right.into())),
        ] {
            let value = Expression::parse(source).unwrap().evaluate(&scope);
            let expected = expected.and_then(Value::integer);
            prop_assert_eq!(value.ok().and_then(crate::template::Outcome::known), expected);
        }
    }

    #[test]
    fn whole_divisions_round_down_and_fit_their_remainders(left in any::<i32>(), right in any::<i32>()) {
        prop_assume!(right != 0);
        let scope = scope().with("a", i64::from(left)).with("b", i64::from(right));
        let fits = "(a // b) * b + a % b == a and (a % b == 0 or (a % b < 0) == (b < 0))";
        let answer = Expression::parse(fits).unwrap().decide(&scope).unwrap();
        prop_assert_eq!(answer, crate::template::Outcome::Known(true));
    }

    #[test]
    fn a_tree_without_expressions_renders_as_itself(text in "[^{]{0,20}", number in any::<i64>(), key in "[a-z/~]{0,5}") {
        let tree = json!({ key: [text, number, null, true] });
        let rendered = Data::parse(&tree).unwrap().render(&scope()).unwrap();
        prop_assert_eq!(rendered, crate::template::Outcome::Known(tree));
    }
}
