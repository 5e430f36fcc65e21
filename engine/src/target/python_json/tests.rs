//! JSON as Python reads and writes it, held to what Python printed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(canonical(&parse(text).unwrap().value), expected);
}

#[track_caller]
fn refused(text: &str) {
    assert!(parse(text).is_err(), "{text:?} was read");
}

#[test]
fn keys_are_sorted_by_code_point_at_every_level() {
    check(r#"{"b": 1, "Z": {"é": 1, "a": 2}, "a": []}"#, r#"{"Z":{"a":2,"\u00e9":1},"a":[],"b":1}"#);
    // By UTF-16 units U+FFFF would stand after U+1F512; by code points it stands before.
    check("{\"\u{1f512}\":1,\"\u{ffff}\":2}", r#"{"\uffff":2,"\ud83d\udd12":1}"#);
}

#[test]
fn text_is_ascii_with_delete_and_controls_escaped_and_the_slash_bare() {
    check(
        "\"caf\u{e9} \u{4e16} \u{1f512} \\\"q\\\" \\\\ / \\t\\n\\r\\b\\f\\u0000\\u001f\u{7f}~\"",
        r#""caf\u00e9 \u4e16 \ud83d\udd12 \"q\" \\ / \t\n\r\b\f\u0000\u001f\u007f~""#,
    );
}

#[test]
fn floats_are_spelled_as_python_does() {
    for (written, spelled) in [
        ("9007199254740992.0", "9007199254740992.0"),
        ("1e22", "1e+22"),
        ("1e16", "1e+16"),
        ("9999999999999998.0", "9999999999999998.0"),
        ("123456789012345.6", "123456789012345.6"),
        ("1E15", "1000000000000000.0"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("0.00000015", "1.5e-07"),
        ("1e100", "1e+100"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("100.0", "100.0"),
        ("0.1", "0.1"),
        ("-0.0", "-0.0"),
        ("1.0", "1.0"),
    ] {
        check(written, spelled);
    }
}

#[test]
fn of_two_equally_near_spellings_python_takes_the_even_one() {
    check("1941372186380112.25", "1941372186380112.2");
    check("-944820897584978.25", "-944820897584978.2");
}

#[test]
fn integers_keep_every_digit() {
    check("123456789012345678901234567890", "123456789012345678901234567890");
    check("-0", "0");
    check("-7", "-7");
    refused(&"9".repeat(4301));
}

#[test]
fn the_last_of_two_values_of_one_key_counts_and_the_key_is_told() {
    let parsed = parse(r#"{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}"#).unwrap();
    assert_eq!(canonical(&parsed.value), r#"{"a":3,"b":{"c":2}}"#);
    assert_eq!(parsed.duplicate_keys, ["c", "a"]);
}

#[test]
fn the_stored_spelling_keeps_order_and_blanks() {
    let parsed = parse(r#"{"b":["x","y"],"a":{}}"#).unwrap();
    assert_eq!(stored(&parsed.value), r#"{"b": ["x", "y"], "a": {}}"#);
}

#[test]
fn what_python_or_the_model_refuses_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "nul",
        "1 2",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"open",
        "\"\\",
        "\u{feff}1",
        "\"\\u+123\"",
    ] {
        refused(text);
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(&nested(100)).is_ok());
    refused(&nested(100_000));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i128>().prop_map(|integer| Value::Integer(integer.to_string())),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::Float),
        any::<String>().prop_map(Value::Text),
    ];
    leaf.prop_recursive(3, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::vec((any::<String>(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_never_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn reading_json_like_text_never_panics(text in r#"[\[\]{}",:0-9eE.+\\u -]{0,40}"#) {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_written_reads_back_the_same_and_is_ascii(value in values()) {
        for text in [canonical(&value), stored(&value)] {
            prop_assert!(text.is_ascii());
            let back = parse(&text).unwrap();
            prop_assert!(back.duplicate_keys.is_empty());
            prop_assert_eq!(canonical(&back.value), canonical(&value));
        }
    }
}

#[test]
fn what_python_calls_numbers_is_read_where_it_is_asked_for() {
    let check = |text: &str, expected: &str| {
        assert_eq!(canonical(&parse_as_python(text).unwrap().value), expected);
    };
    check("[NaN, Infinity, -Infinity, 1e999, -1e999, -1]", "[NaN,Infinity,-Infinity,Infinity,-Infinity,-1]");
    assert!(parse_as_python("[Nan]").is_err() && parse_as_python("-NaN").is_err());
}

#[test]
fn the_readers_own_limits_are_told_from_what_is_no_json() {
    let limit = |text: &str| parse_as_python(text).unwrap_err().limit;
    for text in [r#""\ud800""#, &"[".repeat(200), &"9".repeat(4301)] {
        assert!(limit(text), "{text}");
    }
    for text in ["", "{", "nul", "\"\t\"", "01", r#""\x""#] {
        assert!(!limit(text), "{text}");
    }
}

#[test]
fn without_ascii_only_quotes_backslashes_and_controls_are_escaped() {
    let value = parse("{\"é\u{2028}\": \"\u{7f}\u{1f512}\\\"\\\\\\n\\u0001\"}").unwrap().value;
    assert_eq!(canonical_utf8(&value), "{\"é\u{2028}\":\"\u{7f}\u{1f512}\\\"\\\\\\n\\u0001\"}");
}
