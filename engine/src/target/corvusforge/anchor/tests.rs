//! Anchors of Corvusforge runs: made as it makes them, read, and judged finding by finding.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::super::tests::writer::runs::{MAIN_RUN, OPEN_RUN, WAIVED_RUN};
use super::super::tests::writer::{Plan, Tamper};
use super::super::tests::{Bench, example};
use super::*;

/// What Corvusforge 0.4.0 exported of the golden run.
const GOLDEN: &str = r#"{
  "run_id": "cf-golden-0001",
  "entry_count": 4,
  "root_hash": "fdd29922b34881ba16343e662b421878c0d0a3a185fdfa26eeb9fd53e12c2ec4",
  "first_entry_hash": "de02f606c04493ae53494de1f0df78b4d41b7b9a5b78c5cea5cae6c1312c808f",
  "timestamp_utc": "2026-11-20T09:49:20.776577+00:00",
  "anchor_hash": "c67b2d7c3baf1b145e6bc5da48823ddb3bb82cef03628776fe1c03d59d1db81b"
}"#;

fn now() -> Timestamp {
    Timestamp::parse("2026-02-26T15:00:00Z").unwrap()
}

fn anchored() -> (Bench, Anchor) {
    let bench = example();
    let anchor = bench.open().anchor(MAIN_RUN, now()).unwrap();
    (bench, anchor)
}

/// The anchor of the main run before its last entries came.
fn before_release(bench: &Bench) -> Anchor {
    let shorter = Bench::new(&Plan { runs: 1, ..Plan::default() })
        .after("DELETE FROM run_ledger WHERE id > 18; UPDATE sqlite_sequence SET seq = 18");
    let anchor = shorter.open().anchor(MAIN_RUN, now()).unwrap();
    assert_eq!(anchor.first_entry_hash, bench.open().anchor(MAIN_RUN, now()).unwrap().first_entry_hash);
    anchor
}

/// The codes that are not as they should be.
#[track_caller]
fn wrong(bench: &Bench, anchor: &Anchor) -> Vec<String> {
    let check = bench.open().check_anchor(anchor, MAIN_RUN, None, None, now()).unwrap();
    check.findings.into_iter().filter(|finding| !finding.ok).map(|finding| finding.code).collect()
}

fn finding(check: &AnchorCheck, code: &str) -> Finding {
    check.findings.iter().find(|finding| finding.code == code).unwrap().clone()
}

#[test]
fn the_golden_anchor_reads_hashes_and_prints_as_upstream_does() {
    let anchor = Anchor::parse(GOLDEN.as_bytes()).unwrap();
    assert_eq!(anchor.self_hash(), anchor.anchor_hash);
    assert_eq!(anchor.to_json_pretty(), GOLDEN);
}

#[test]
fn an_anchor_of_the_example_says_what_the_run_is() {
    let (bench, anchor) = anchored();
    assert_eq!((anchor.run_id.as_str(), anchor.entry_count), (MAIN_RUN, 20));
    assert_eq!(anchor.timestamp_utc, "2026-02-26T15:00:00+00:00");
    assert_eq!(Anchor::parse(anchor.to_json_pretty().as_bytes()).unwrap(), anchor);
    assert_eq!(wrong(&bench, &anchor), [""; 0]);
}

#[test]
fn a_name_beyond_ascii_is_printed_in_escapes() {
    let anchor = Anchor { run_id: "caf\u{e9}".to_owned(), ..Anchor::parse(GOLDEN.as_bytes()).unwrap() };
    assert!(anchor.to_json_pretty().contains(r#""run_id": "caf\u00e9","#));
    assert_eq!(Anchor::parse(anchor.to_json_pretty().as_bytes()).unwrap(), anchor);
}

#[test]
fn what_is_no_anchor_is_refused() {
    let with = |from: &str, to: &str| GOLDEN.replace(from, to).into_bytes();
    for bytes in [
        b"".to_vec(),
        b"{}".to_vec(),
        b"[]".to_vec(),
        with("\"entry_count\": 4", "\"entry_count\": \"4\""),
        with("\"entry_count\": 4", "\"entry_count\": 4.0"),
        with("\"entry_count\": 4", "\"entry_count\": -4"),
        with("\"entry_count\": 4", "\"entry_count\": true"),
        with("\"entry_count\": 4", "\"entry_count\": null"),
        with("\"entry_count\": 4,", ""),
        with("\"entry_count\": 4", "\"entry_count\": 4, \"entry_count\": 1"),
        with("\"entry_count\": 4", "\"entry_count\": 4, \"signature\": \"\""),
        with("}", "} {}"),
        [GOLDEN.as_bytes(), &vec![b' '; MAX_ANCHOR]].concat(),
    ] {
        assert!(matches!(Anchor::parse(&bytes), Err(Error::NotAnAnchor { .. })));
    }
}

#[test]
fn a_run_without_entries_is_not_anchored() {
    let error = example().open().anchor("cf-20260226-143000-alb", now()).unwrap_err();
    assert!(matches!(error, Error::EmptyRun { ref run, .. } if run == "cf-20260226-143000-alb"), "{error}");
}

#[test]
fn a_run_that_does_not_verify_is_not_anchored_and_others_are() {
    for tamper in [Tamper::Edited, Tamper::Deleted, Tamper::Reordered, Tamper::Cut] {
        let ledger = Bench::tampered(tamper).open();
        assert!(matches!(ledger.anchor(MAIN_RUN, now()), Err(Error::Unsound { .. })), "{tamper:?}");
        // Rows that are missing before a run's last are not of its end.
        assert!(ledger.anchor(WAIVED_RUN, now()).is_ok(), "{tamper:?}");
    }
}

#[test]
fn a_run_is_not_anchored_while_rows_are_missing_after_its_last() {
    let bench = example().after("DELETE FROM run_ledger WHERE id = 44");
    let error = bench.open().anchor(OPEN_RUN, now()).unwrap_err();
    assert!(matches!(&error, Error::Unsound { problems, .. } if problems[0].code == "sequence_mismatch"), "{error}");
}

#[test]
fn each_tampering_is_told_on_the_line_it_concerns() {
    let (_, anchor) = anchored();
    let lines = |tamper| wrong(&Bench::tampered(tamper), &anchor);
    assert_eq!(lines(Tamper::Edited), ["prefix"]);
    assert_eq!(lines(Tamper::Rehashed), ["prefix"]);
    assert_eq!(lines(Tamper::Reordered), ["prefix"]);
    assert_eq!(lines(Tamper::Cut), ["prefix", "tail", "rows_after", "gaps"]);
    assert_eq!(lines(Tamper::Deleted), ["prefix", "tail", "rows_after", "gaps"]);
}

#[test]
fn damage_after_the_anchor_leaves_what_was_anchored_intact() {
    let (bench, _) = anchored();
    let anchor = before_release(&bench);
    let bench = bench.after("UPDATE run_ledger SET output_hash = 'x' WHERE id = 19");
    assert_eq!(wrong(&bench, &anchor), ["tail"]);
    let bench = bench.after("UPDATE run_ledger SET output_hash = 'x' WHERE id = 18");
    assert_eq!(wrong(&bench, &anchor), ["prefix", "tail"]);
}

#[test]
fn an_edited_anchor_is_told_by_its_own_hash() {
    let (bench, anchor) = anchored();
    let lowered = Anchor { entry_count: 1, root_hash: anchor.first_entry_hash.clone(), ..anchor.clone() };
    assert_eq!(wrong(&bench, &lowered), ["self_hash"]);
    let rehashed = Anchor { anchor_hash: lowered.self_hash(), ..lowered };
    let check = bench.open().check_anchor(&rehashed, MAIN_RUN, Some("s7_release"), None, now()).unwrap();
    assert_eq!(check.rows_after, 19);
    assert!(!finding(&check, "coverage").ok);
}

#[test]
fn an_anchor_of_nothing_or_of_another_run_says_nothing() {
    let (bench, anchor) = anchored();
    let mut nothing = Anchor { entry_count: 0, root_hash: String::new(), first_entry_hash: String::new(), ..anchor };
    nothing.anchor_hash = nothing.self_hash();
    assert_eq!(wrong(&bench, &nothing), ["count", "prefix"]);
    let other = bench.open().anchor(OPEN_RUN, now()).unwrap();
    assert_eq!(wrong(&bench, &other), ["run_id", "prefix"]);
}

#[test]
fn a_stage_is_covered_when_all_its_entries_are_within() {
    let (bench, anchor) = anchored();
    let coverage = |anchor: &Anchor, stage| {
        let check = bench.open().check_anchor(anchor, MAIN_RUN, Some(stage), None, now()).unwrap();
        finding(&check, "coverage")
    };
    assert!(coverage(&anchor, "s7_release").ok);
    let early = before_release(&bench);
    assert!(coverage(&early, "s6_verification").ok);
    assert_eq!(coverage(&early, "s7_release").detail, "0 entries of `s7_release` within the anchor, 2 after it");
    assert!(!coverage(&early, "s7_release").ok && !coverage(&anchor, "s9_unknown").ok);
}

#[test]
fn age_is_told_and_judged_only_when_asked() {
    let (bench, anchor) = anchored();
    let age = |at: &str, most: Option<&str>| {
        let at = Timestamp::parse(at).unwrap();
        let most = most.map(|most| Duration::parse(most).unwrap());
        let check = bench.open().check_anchor(&anchor, MAIN_RUN, None, most, at).unwrap();
        finding(&check, "age").ok
    };
    assert!(age("2026-03-26T15:00:00Z", None));
    assert!(age("2026-02-26T16:00:00Z", Some("1h")));
    assert!(!age("2026-02-26T16:00:01Z", Some("1h")));
    assert!(age("2026-02-26T14:58:30Z", Some("1h")));
    assert!(!age("2026-02-26T14:50:00Z", None), "an anchor from the future");
    let undated = Anchor { timestamp_utc: "soon".to_owned(), ..anchor.clone() };
    assert_eq!(wrong(&bench, &undated), ["self_hash", "age"]);
}

#[test]
fn a_wholly_deleted_run_is_told_against_its_anchor() {
    let (bench, anchor) = anchored();
    let bench = bench.after("DELETE FROM run_ledger WHERE run_id = 'cf-20260226-143000-a1b'");
    assert_eq!(wrong(&bench, &anchor), ["prefix", "tail", "rows_after", "gaps"]);
}
