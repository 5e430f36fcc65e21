//! The actions of the family `data`: formats read alike, hostile files refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::format::Format;
use crate::action::trial::Trial;

async fn read(name: &str, content: impl AsRef<[u8]>) -> Result<Value, crate::action::Error> {
    let trial = Trial::new();
    trial.file(name, content);
    trial.read("data.read", json!({ "path": name })).await
}

#[track_caller]
fn fails<T: std::fmt::Debug>(result: Result<T, crate::action::Error>, code: &str, words: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.contains(words), "{error}");
}

#[tokio::test]
async fn each_format_says_the_same() {
    let expected = json!([{ "a": "1", "b": "x y" }, { "a": "2", "b": "\"q\"" }]);
    let texts = [
        ("a.json", r#"[{"a":"1","b":"x y"},{"a":"2","b":"\"q\""}]"#),
        ("a.jsonl", "{\"a\":\"1\",\"b\":\"x y\"}\n\n{\"a\":\"2\",\"b\":\"\\\"q\\\"\"}\n"),
        ("a.ndjson", "{\"a\":\"1\",\"b\":\"x y\"}\r\n{\"a\":\"2\",\"b\":\"\\\"q\\\"\"}"),
        ("a.csv", "a,b\n1,x y\n2,\"\"\"q\"\"\"\n"),
        ("a.yaml", "- { a: '1', b: x y }\n- a: '2'\n  b: '\"q\"'\n"),
    ];
    for (name, text) in texts {
        let found = read(name, text).await.unwrap();
        assert_eq!((&found["value"], &found["count"]), (&expected, &json!(2)), "{name}");
        assert_eq!(found["subject"], format!("sha256:{}", found["sha256"].as_str().unwrap()));
    }
    let toml = read("a.toml", "at = 2026-11-20T09:00:00Z\n[t]\nn = 1\nf = 1.5\nl = [true]\n").await.unwrap();
    assert_eq!(toml["value"], json!({ "at": "2026-11-20T09:00:00Z", "t": { "n": 1, "f": 1.5, "l": [true] } }));
    assert_eq!(read("a.json", "\u{feff}7").await.unwrap()["count"], Value::Null);
}

#[tokio::test]
async fn the_format_may_be_said() {
    let trial = Trial::new();
    trial.file("a.txt", "n: 1");
    fails(trial.read("data.read", json!({ "path": "a.txt" })).await, "unknown_format", "give `format`");
    let found = trial.read("data.read", json!({ "path": "a.txt", "format": "yaml" })).await.unwrap();
    assert_eq!(found["value"], json!({ "n": 1 }));
    fails(trial.read("data.read", json!({ "path": "a.txt", "format": "xml" })).await, "bad_input", "xml");
}

#[tokio::test]
async fn a_key_that_is_there_twice_is_refused() {
    fails(read("a.json", r#"{"a":1,"b":{"c":1,"c":2}}"#).await, "malformed", "key `c` is there twice");
    fails(read("a.jsonl", "{}\n{\"a\":1,\"a\":1}\n").await, "malformed", "line 2");
    fails(read("a.yaml", "a: 1\na: 2\n").await, "malformed", "duplicate");
    fails(read("a.toml", "a = 1\na = 2\n").await, "malformed", "duplicate");
    fails(read("a.csv", "a,a\n1,2\n").await, "malformed", "column `a` is there twice");
}

#[tokio::test]
async fn what_is_malformed_is_said_with_its_place() {
    fails(read("a.json", "[1,\n2,]").await, "malformed", "line 2");
    fails(read("a.json", "1 2").await, "malformed", "trailing");
    fails(read("a.json", "").await, "malformed", "`a.json`");
    fails(read("a.json", "NaN").await, "malformed", "line 1");
    fails(read("a.json", [b'"', 0xff, b'"']).await, "malformed", "no UTF-8");
    fails(read("a.jsonl", "{}\n{\"torn").await, "malformed", "line 2");
    fails(read("a.csv", "a,b\n1\n").await, "malformed", "line: 2");
    fails(read("a.yaml", "a: 1\n---\nb: 2\n").await, "malformed", "more than one document");
    fails(read("a.yaml", "a: !tag 1\n").await, "malformed", "tag `!tag`");
    fails(read("a.yaml", "1: a\n").await, "malformed", "quote it");
    fails(read("a.yaml", "a: .nan\n").await, "malformed", "number");
    fails(read("a.toml", "a = inf\n").await, "malformed", "number");
}

#[tokio::test]
async fn a_bomb_is_an_error() {
    for (format, open) in [
        (Format::Json, "["),
        (Format::Json, "{\"a\":"),
        (Format::Jsonl, "["),
        (Format::Yaml, "["),
        (Format::Yaml, "{ a: "),
        (Format::Yaml, "- "),
        (Format::Toml, "a = ["),
    ] {
        let (front, open) = open.split_at(if format == Format::Toml { "a = ".len() } else { 0 });
        fails(format.parse(&format!("{front}{}", open.repeat(100_000))), "malformed", "");
    }
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let before = level - 1;
        let items = vec![format!("*a{before}"); 10].join(", ");
        aliases.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    fails(Format::Yaml.parse(&aliases), "malformed", "");
    let trial = Trial::new();
    trial.file("a.json", "[1, 2, 3]");
    fails(trial.read("data.read", json!({ "path": "a.json", "max_bytes": 8 })).await, "too_large", "8 bytes");
}

#[test]
fn a_short_file_does_not_become_a_value_without_end() {
    // Few aliases, each of which stands for much; and few rows, each with a name that stands in none of them.
    let aliases = format!("a: &a [{}]\nb: [{}]\n", ["x"; 100_000].join(","), ["*a"; 10_000].join(","));
    fails(Format::Yaml.parse(&aliases), "malformed", "its aliases stand for too much");
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), ["*a"; 10_000].join(","));
    fails(Format::Yaml.parse(&long), "malformed", "its aliases stand for too much");
    let rows = format!("{}\n{}", "n".repeat(200_000), "1\n".repeat(100_000));
    fails(Format::Csv.parse(&rows), "malformed", "the names of its columns are too long for so many rows");
    // What people write is far from that.
    let shared = Format::Yaml.parse("a: &a { x: 1, y: [] }\nb: *a\nc: [*a, *a]\n").unwrap();
    assert_eq!(shared["c"][1], json!({ "x": 1, "y": [] }));
    let narrow = format!("{}\n{}", "a_rather_long_name,".repeat(7) + "x", "1,,,,,,,\n".repeat(10_000));
    let distinct: String = (0..8).map(|at| format!("a_rather_long_name_{at},")).collect();
    fails(Format::Csv.parse(&narrow), "malformed", "twice");
    let rows = format!("{}\n{}", distinct.trim_end_matches(','), "1,,,,,,,\n".repeat(20_000));
    assert_eq!(Format::Csv.parse(&rows).unwrap().as_array().map(Vec::len), Some(20_000));
}

#[test]
fn yaml_keeps_what_its_reader_says_of_values() {
    let parsed = Format::Yaml.parse("a: 0x10\nb: ~\nc: !!str 1\nd: 1e3\ne: 18446744073709551615\nf: |\n  x\n").unwrap();
    let expected = json!({ "a": 16, "b": null, "c": "1", "d": 1000.0, "e": u64::MAX, "f": "x\n" });
    assert_eq!(parsed, expected);
    for (text, why) in [
        ("1: a\n", "a key that is no text"),
        ("a: !x 1\n", ""),
        ("a: 1\n---\nb: 1\n", ""),
        ("a: .nan\n", "a number that is none"),
        ("a: 1\na: 2\n", "duplicate key `a`"),
    ] {
        fails(Format::Yaml.parse(text), "malformed", why);
    }
}

#[tokio::test]
async fn items_and_members_are_counted() {
    let trial = Trial::new();
    trial.file("a.json", r#"{"runs":[{"steps":{"x":1,"y":2}},{}],"a/b":[1]}"#);
    trial.file("a.jsonl", "1\n2\n3\n");
    let count = async |with: Value| trial.read("data.count", with).await;
    assert_eq!(count(json!({ "items": [1, 2] })).await.unwrap(), json!({ "count": 2, "subject": null }));
    assert_eq!(count(json!({ "items": [] })).await.unwrap()["count"], 0);
    for (member, expected) in [("", 2), ("/runs", 2), ("/runs/0/steps", 2), ("/runs/1", 0), ("/a~1b", 1)] {
        assert_eq!(count(json!({ "path": "a.json", "member": member })).await.unwrap()["count"], expected);
    }
    let lines = count(json!({ "path": "a.jsonl" })).await.unwrap();
    assert_eq!(lines["count"], 3);
    assert!(lines["subject"].is_string());
    fails(count(json!({ "path": "a.json", "member": "/none" })).await, "no_such_member", "/none");
    fails(count(json!({ "path": "a.json", "member": "/runs/0/steps/x" })).await, "not_countable", "neither");
    for with in [
        json!({}),
        json!({ "items": [], "path": "a.json" }),
        json!({ "items": [], "member": "" }),
        json!({ "items": [], "format": "json" }),
    ] {
        fails(count(with).await, "bad_input", "");
    }
}

#[tokio::test]
async fn a_value_is_what_it_was_given() {
    let with = json!({ "floor": 7, "nested": { "list": [1, null, "x"] } });
    assert_eq!(Trial::new().read("data.value", with.clone()).await.unwrap(), with);
    assert_eq!(Trial::new().read("data.value", json!({})).await.unwrap(), json!({}));
    fails(Trial::new().read("data.value", json!([1])).await, "bad_input", "");
    let registry = crate::action::Registry::builtin();
    assert_eq!(registry.get("data.value").unwrap().output()["x-runwarden-output"], "with");
}

proptest! {
    #[test]
    fn json_is_read_as_serde_json_reads_it(text in r#"[\[\]{},:"a0-9.eE \-]{0,24}"#) {
        let (ours, theirs) = (super::format::json(&text), serde_json::from_str::<Value>(&text));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
            (Err(_), Err(_)) => {}
            (Err(error), Ok(_)) => prop_assert!(error.to_string().contains("twice"), "{}", error),
            (Ok(value), Err(error)) => prop_assert!(false, "{} was read, but {}", value, error),
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,64}") {
        for format in [Format::Json, Format::Jsonl, Format::Csv, Format::Yaml, Format::Toml] {
            let _ = format.parse(&text);
        }
    }
}
