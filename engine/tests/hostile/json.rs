//! JSON in its spellings: entries in RFC 8785, and what Python writes. One spelling of each value, and nothing that
//! another reader would take otherwise.

use engine::event::{recall, record};
use engine::ledger::entry;
use engine::question::canonical_digest;
use engine::target::python_json::{self, Value as Python};
use serde_json::{Value, json};

/// How deep a value may be for both readers to take it.
const SHALLOW: usize = 90;

/// Holds for every text.
pub fn hold(bytes: &[u8]) {
    if let Ok(entry) = entry::read(bytes) {
        let value: Value = serde_json::from_slice(bytes).expect("an entry is JSON");
        assert_eq!(serde_json_canonicalizer::to_vec(&value).expect("it can be spelled"), bytes, "two spellings");
        assert_eq!(value["data"], Value::Object(entry.data));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (strict, lenient) = (python_json::parse(text), python_json::parse_as_python(text));
    for parsed in [&strict, &lenient].into_iter().flatten() {
        python(&parsed.value);
    }
    if let Ok(parsed) = &strict {
        assert_eq!(lenient.as_ref(), Ok(parsed), "Python reads it otherwise");
    }
    let nested = bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    match serde_json::from_str::<Value>(text) {
        Ok(value) if nested < SHALLOW => {
            assert!(strict.is_ok(), "serde_json takes it: {strict:?}");
            recorded(&value);
        }
        _ => {}
    }
}

/// Each spelling of Python reads as the same.
fn python(value: &Python) {
    let canonical = python_json::canonical(value);
    assert!(canonical.is_ascii());
    for spelled in [python_json::canonical_utf8(value), python_json::stored(value), python_json::indented(value)] {
        let again = python_json::parse_as_python(&spelled).expect("what Python writes it reads");
        assert_eq!(python_json::canonical(&again.value), canonical, "{spelled}");
    }
}

/// A value is recorded in an entry and recalled.
fn recorded(value: &Value) {
    let data = json!({ "x": record(value) });
    let entry = json!({ "data": data, "kind": "heartbeat", "prev": "0".repeat(64), "seq": 0,
        "ts": "2026-11-20T09:35:12.000000Z", "v": 1 });
    let body = serde_json_canonicalizer::to_vec(&entry).expect("what is recorded can be spelled");
    if body.len() <= entry::MAX_BODY {
        let read = entry::read(&body).expect("the one spelling of an entry is an entry");
        assert_eq!(read.data["x"], data["x"]);
    }
    let _ = canonical_digest(&data);
    if !value.to_string().contains("$number") {
        assert_eq!(recall(&data["x"]).to_string(), value.to_string(), "it is recalled otherwise");
    }
}
