//! What the head says is what reading the whole says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::Head;
use crate::parse::{self, Raw};

/// Kind, title, version and risk of a document that was read.
fn read(text: &str) -> Option<(&'static str, String, String, Option<String>)> {
    let source = parse::yaml::source("x.yaml", text.as_bytes().to_vec()).ok()?;
    let opened = parse::open(&source, None).0?;
    let risk = opened.tree.get("risk").and_then(|risk| risk.as_str()).map(str::to_owned);
    match opened.raw? {
        Raw::Procedure(raw) => Some(("procedure", raw.title.0.clone(), raw.version.0.clone(), risk)),
        Raw::Checklist(raw) => Some(("checklist", raw.title.0.clone(), raw.version.0.clone(), risk)),
        Raw::Test(_) | Raw::Workspace(_) => None,
    }
}

fn said(head: &Head<'_>) -> (String, String, String, Option<String>) {
    let owned = |text: &str| text.to_owned();
    (owned(head.kind), owned(head.title), owned(head.version), head.risk.map(owned))
}

fn documents(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        match path.is_dir() {
            true => documents(&path, found),
            false if name.ends_with(".yaml") && !name.ends_with(".test.yaml") => {
                found.push(fs::read_to_string(&path).unwrap());
            }
            false => {}
        }
    }
}

#[test]
fn the_head_of_each_document_we_ship_is_what_the_whole_says() {
    let mut shipped = Vec::new();
    documents(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../procedures"), &mut shipped);
    assert!(shipped.len() > 30, "{}", shipped.len());
    for text in &shipped {
        let (kind, title, version, risk) = read(text).unwrap();
        let head =
            Head::of(text.as_bytes()).unwrap_or_else(|| unreachable!("`{title}` is read whole: make its head plain"));
        assert_eq!(said(&head), (kind.to_owned(), title, version, risk));
    }
}

#[test]
fn what_is_not_plain_is_not_said() {
    let with =
        |title: &str| format!("runwarden: v1\nkind: procedure\nname: a.b\ntitle: {title}\nversion: 1.0.0\nrisk: low\n");
    let head = |text: &'static str| Head::of(text.as_bytes());
    let of = |title: &str| Head::of(with(title).leak().as_bytes());
    assert_eq!(of("As it is").unwrap().title, "As it is");
    assert_eq!(of("'5, a: b # c'").unwrap().title, "5, a: b # c");
    for title in [
        "",
        "\"a\\n\"",
        "'it''s'",
        ">-\n  folded",
        "a\n  b",
        "a # b",
        "a: b",
        "*a",
        "&a b",
        "!!str a",
        "[a]",
        "a\n\n  b",
    ] {
        assert_eq!(of(title), None, "{title:?}");
    }
    assert_eq!(of("Once\ntitle: Twice"), None);
    assert_eq!(head("kind: procedure\n"), None);
    assert_eq!(head("kind: checklist\ntitle: Ready\n"), None);
    assert_eq!(Head::of(b"kind: checklist\ntitle: \xff\nversion: 1.0.0\n"), None);
}

#[test]
fn what_follows_the_head_is_not_read() {
    let with = |kind: &str| format!("kind: {kind}\ntitle: Ready\nversion: 1.0.0\nrisk: low\ntitle: Twice\n");
    assert_eq!(Head::of(with("procedure").as_bytes()).map(|head| head.title), Some("Ready"));
    assert_eq!(Head::of(with("checklist").as_bytes()).map(|head| head.risk), Some(None));
}

proptest! {
    #[test]
    fn whatever_the_title_a_head_that_is_said_is_true(title in "[ -~]{1,24}") {
        let text = format!(
            "runwarden: v1\nkind: procedure\nname: a.b\ntitle: {title}\nversion: 1.0.0\nsummary: S.\nowner: ops\nrisk: low\n\
             steps:\n- {{ id: a, action: data.value, with: {{ value: 1 }} }}\n"
        );
        if let (Some(head), Some(read)) = (Head::of(text.as_bytes()), read(&text)) {
            prop_assert_eq!(said(&head), (read.0.to_owned(), read.1, read.2, read.3));
        }
    }
}
