//! What is read as a bundle, and what is not. What a bundle of a real run comes to is held in `tests/cli/bundles.rs`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::json;

use super::facts::Facts;
use super::verify::{Asked, Verdict, verify};
use super::{Bundle, MAX_BUNDLE, NotABundle, TYPE, VERSION};
use crate::action::Registry;
use crate::id::{Digest, RunId};
use crate::ledger::report::Status;

const RUN: &str = "01a1f84f-5880-7101-8101-010101010101";

/// A bundle with nothing in it.
fn empty() -> Bundle {
    let digest = Digest::of(b"");
    let facts: Facts = serde_json::from_value(json!({
        "procedure": "hello", "version": "1.0.0", "document": digest, "plan": digest, "environment": "development",
        "status": "succeeded", "started_at": "2026-11-20T09:35:12.000000Z", "ended_at": "2026-11-20T09:35:13.000000Z",
        "parameters": { "ratio": { "$number": "1.5" } }, "outputs": {}, "steps": {}, "engine": [],
    }))
    .unwrap();
    Bundle {
        v: VERSION,
        kind: TYPE.to_owned(),
        ledger: "example.org/ops".to_owned(),
        run: RunId::parse(RUN).unwrap(),
        facts,
        keys: Vec::new(),
        witnesses: Vec::new(),
        checkpoints: Vec::new(),
        entries: Vec::new(),
        content: BTreeMap::from([(digest, String::new())]),
        actors: json!(null),
        policy: json!(null),
        anchors: Vec::new(),
    }
}

fn judged(bytes: &[u8]) -> Verdict {
    let registry = Registry::builtin();
    verify(bytes, &Asked { keys: &[], witnesses: &[], logs: &[], actors: None, run: None, registry: &registry })
}

#[track_caller]
fn refused(bytes: &[u8], status: Status, why: &str) {
    let verdict = judged(bytes);
    assert_eq!(verdict.findings.len(), 1, "{:?}", verdict.findings);
    let line = &verdict.findings[0];
    assert_eq!((verdict.status, line.ok, line.code.as_str()), (status, false, "format"), "{}", line.detail);
    assert!(line.detail.contains(why), "{}", line.detail);
    assert!(!verdict.is_sound());
}

fn text() -> String {
    String::from_utf8(empty().write().unwrap()).unwrap()
}

#[test]
fn what_is_written_is_read_back() {
    assert_eq!(Bundle::read(&empty().write().unwrap()), Ok(empty()));
    assert!(text().ends_with("}\n"));
}

#[test]
fn a_bundle_with_nothing_in_it_shows_nothing() {
    let verdict = judged(&empty().write().unwrap());
    assert_eq!(verdict.status, Status::Broken);
    let wrong: Vec<&str> = verdict.findings.iter().filter(|line| !line.ok).map(|line| line.code.as_str()).collect();
    assert_eq!(wrong, ["checkpoints", "story"]);
}

#[test]
fn what_is_left_out_is_not_spelled_as_null() {
    // Each with a digest that fits.
    let resealed = |edit: &dyn Fn(&mut serde_json::Value)| {
        let mut value: serde_json::Value = serde_json::from_str(&text()).unwrap();
        value.as_object_mut().unwrap().remove("digest");
        edit(&mut value);
        super::seal(value).unwrap()
    };
    assert_eq!(Bundle::read(&resealed(&|_| {})), Ok(empty()));
    for edit in [
        &(|value: &mut serde_json::Value| value["facts"]["actor"] = json!(null)) as &dyn Fn(&mut serde_json::Value),
        &|value| value["actors"] = json!(null),
        &|value| value["witnesses"] = json!([]),
        &|value| value["facts"]["started_at"] = json!("2026-11-20T10:35:12+01:00"),
    ] {
        assert_eq!(Bundle::read(&resealed(edit)), Err(NotABundle::NonCanonical));
    }
}

#[test]
fn another_spelling_is_none() {
    let spellings = [
        text().replacen(':', ": ", 1),
        format!(" {}", text()),
        text().trim_end().to_owned(),
        format!("{}\n", text()),
        text().replace("example.org", "example\\u002eorg"),
        // A member twice: readers differ in which they take.
        text().replacen("\"v\":1", "\"v\":2,\"v\":1", 1),
        text().replacen("\"v\":1", "\"v\":1,\"v\":1", 1),
    ];
    for spelling in spellings {
        refused(spelling.as_bytes(), Status::NonCanonical, "not in its one spelling");
    }
}

#[test]
fn what_has_another_form_is_none() {
    refused(b"", Status::Unreadable, "no bundle");
    refused(b"PK\x03\x04", Status::Unreadable, "no bundle");
    refused(b"[]", Status::Unreadable, "no bundle");
    refused(b"{}", Status::Unreadable, "missing field");
    refused(text().replacen("\"v\":1", "\"v\":2", 1).as_bytes(), Status::Unreadable, "it is version 2");
    refused(text().replacen("\"v\":1", "\"v\":1,\"x\":1", 1).as_bytes(), Status::Unreadable, "unknown field `x`");
    refused("[".repeat(100_000).as_bytes(), Status::Unreadable, "recursion limit");
    // Content has the names of digests alone, so no name leads anywhere.
    let digest = Digest::of(b"").to_string();
    refused(
        text().replace(&format!("\"{digest}\":\"\""), "\"../../etc/passwd\":\"\"").as_bytes(),
        Status::Unreadable,
        "a digest",
    );
    let whole = text();
    for length in (0..whole.len() - 1).step_by(13) {
        refused(&whole.as_bytes()[..length], Status::Unreadable, "no bundle");
    }
}

#[test]
fn its_digest_is_over_everything_else() {
    let changed = text().replace("example.org/ops", "example.org/oops");
    refused(changed.as_bytes(), Status::Broken, "its digest is");
    let without = text().replace(&text()[text().find("\"digest\"").unwrap()..text().find("\"entries\"").unwrap()], "");
    refused(without.as_bytes(), Status::Unreadable, "it has no `digest`");
}

#[test]
fn what_is_too_large_is_not_looked_into() {
    let large = vec![b' '; MAX_BUNDLE + 1];
    assert_eq!(Bundle::read(&large), Err(NotABundle::TooLarge(MAX_BUNDLE + 1)));
    let mut bundle = empty();
    bundle.content.insert(Digest::of(b"x"), "x".repeat(MAX_BUNDLE));
    assert!(matches!(bundle.write(), Err(NotABundle::TooLarge(_))));
}
