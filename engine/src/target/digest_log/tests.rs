//! MV-CRS's log and its seal: what agrees, what is found, and what cannot be.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use proptest::prelude::*;

use super::*;

/// Lines and, by number of lines, the digest that Python's `hashlib` and `json` gave of them.
const LINES: [&str; 4] = [
    r#"{"level": "soft", "deviation": 0.30, "ts": 1764550000, "note": "café ✓"}"#,
    r#"{"deviation":1e-05,"ts":1764636400,"level":"critical","big":123456789012345678901234567890,"f":[1.0,1e15,1e16,-0.0,0.0001,NaN,-Infinity,1e999]}"#,
    "oops é",
    "1",
];
const PYTHON_2: &str = "6a37e4b06d11b56d763cbda9868ed674daef7261dd0606e78d905a9303741728";
const PYTHON_4: &str = "de74456ab45252c84122174a197e16227f2be599b8358a37b51a58f2559ca5c4";
const PYTHON_1_2: &str = "6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918";
const PYTHON_BOM: &str = "d66722c3f9b55ee33a6670ee9061bb33536bc41c22e03bdf7736a7cab33c7732";
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn seal(count: u64, digest: &str) -> String {
    format!(r#"{{"chain_hash":"{digest}","count":{count},"last_updated":1795168016}}"#)
}

fn report_of(log: &[u8], seal: Option<&str>) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let (log_path, seal_path) = (folder.path().join("log"), folder.path().join("seal"));
    fs::write(&log_path, log).unwrap();
    if let Some(seal) = seal {
        fs::write(&seal_path, seal).unwrap();
    }
    DigestLog::new(&log_path, "log", seal.map(|_| seal_path.as_path()), "seal").verify()
}

fn told(report: &Report) -> Vec<(&str, Option<i64>)> {
    report.problems.iter().map(|problem| (problem.code.as_str(), problem.seq)).collect()
}

#[track_caller]
fn check(log: &str, seal: &str, status: Status, expected: &[(&str, Option<i64>)]) {
    let report = report_of(log.as_bytes(), Some(seal));
    assert_eq!((report.status, told(&report).as_slice()), (status, expected), "{report:#?}");
}

/// A writer of its own: the canonical text of each line is what is written, so that no reader is needed to hash it.
fn sealed(count: usize) -> (Vec<String>, String) {
    let lines: Vec<String> =
        (1..=count).map(|n| format!(r#"{{"deviation":0.{n},"id":"{n}","level":"soft"}}"#)).collect();
    let digest = Digest::of(lines.concat().as_bytes());
    (lines.clone(), seal(lines.len() as u64, digest.hex()))
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_python_digested_is_digested_the_same() {
    check(&format!("{}\n{}\n", LINES[0], LINES[1]), &seal(2, PYTHON_2), Status::SelfConsistentOnly, &[]);
    // A line that is no JSON is digested as `{"raw": …}`, and told.
    let all = format!("{}\n", LINES.join("\n"));
    check(&all, &seal(4, PYTHON_4), Status::Broken, &[("not_json", Some(3))]);
    let bom = [("byte_order_mark", Some(1)), ("not_json", Some(1))];
    check("\u{feff}{}\n", &seal(1, PYTHON_BOM), Status::Broken, &bom);
}

#[test]
fn before_the_first_seal_an_empty_log_is_never_sealed_and_nothing_is_wrong() {
    for virgin in [r#"{"last_updated": null, "count": 0, "chain_hash": ""}"#, r#"{"event_count":0,"chain_hash":""}"#] {
        check("", virgin, Status::NeverSealed, &[]);
    }
    check("{}\n", &seal(0, ""), Status::Broken, &[("unsealed_lines", None)]);
    check("\n", &seal(0, ""), Status::NonCanonical, &[("blank_line", Some(1))]);
}

#[test]
fn a_log_of_nothing_that_was_sealed_is_empty() {
    check("", &seal(0, OF_NOTHING), Status::Empty, &[("no_entries", None)]);
    check("", &seal(3, PYTHON_2), Status::Truncated, &[("missing_lines", None), ("no_entries", None)]);
}

#[test]
fn an_edited_or_moved_line_gives_another_digest() {
    let (lines, seal) = sealed(6);
    let mut edited = lines.clone();
    edited[2] = edited[2].replace("soft", "hard");
    check(&text(&edited), &seal, Status::Broken, &[("digest_mismatch", None)]);
    let mut moved = lines;
    moved.swap(1, 4);
    check(&text(&moved), &seal, Status::Broken, &[("digest_mismatch", None)]);
}

#[test]
fn every_number_of_lines_that_is_missing_is_counted() {
    let (lines, seal) = sealed(6);
    for kept in 1..6 {
        let report = report_of(text(&lines[..kept]).as_bytes(), Some(&seal));
        assert_eq!((report.status, told(&report)), (Status::Truncated, vec![("missing_lines", None)]));
        assert!(report.problems[0].detail.contains(&format!("{} are missing", 6 - kept)), "{report:?}");
    }
    let mut lines = lines;
    lines.remove(0);
    check(&text(&lines), &seal, Status::Truncated, &[("missing_lines", None)]);
}

#[test]
fn lines_after_the_seal_are_told_from_lines_in_between() {
    let (lines, seal) = sealed(6);
    let detail = |lines: &[String]| {
        let report = report_of(text(lines).as_bytes(), Some(&seal));
        assert_eq!((report.status, told(&report)), (Status::Broken, vec![("unsealed_lines", None)]));
        report.problems[0].detail.clone()
    };
    let mut appended = lines.clone();
    appended.push("{}".to_owned());
    assert_eq!(detail(&appended), "the last 1 of 7 lines were never sealed; the 6 before them are as they were");
    let mut doubled = lines;
    doubled.insert(2, doubled[2].clone());
    assert_eq!(detail(&doubled), "`seal` says 6 lines, 7 are there: 1 too many, and not at the end alone");
}

#[test]
fn lines_that_were_joined_give_the_same_digest_and_are_counted() {
    check("1\n2\n", &seal(2, PYTHON_1_2), Status::SelfConsistentOnly, &[]);
    check("12\n", &seal(2, PYTHON_1_2), Status::Truncated, &[("missing_lines", None)]);
    check("1\n2\n", &seal(1, PYTHON_1_2), Status::Broken, &[("unsealed_lines", None)]);
}

#[test]
fn another_spelling_of_the_same_values_is_not_found_but_another_way_to_write_lines_is() {
    let (lines, seal) = sealed(2);
    let check = |log: String, status, expected: &[(&str, Option<i64>)]| check(&log, &seal, status, expected);
    let respelled = format!("{{ \"level\" : \"soft\", \"id\":\"1\", \"deviation\": 1e-1 }}\n{}\n", lines[1]);
    check(respelled, Status::SelfConsistentOnly, &[]);
    check(lines.join("\n\n") + "\n", Status::NonCanonical, &[("blank_line", Some(2))]);
    check(lines.join("\r") + "\r\n", Status::NonCanonical, &[("carriage_return", Some(1))]);
    check(lines.join("\n"), Status::NonCanonical, &[("unterminated_line", Some(2))]);
    let twice = lines[1].replacen('{', r#"{"id":"other","#, 1);
    check(format!("{}\n{twice}\n", lines[0]), Status::NonCanonical, &[("duplicate_json_keys", Some(2))]);
    let half = format!("{}\n{}", lines[0], &lines[1][..9]);
    check(half, Status::Broken, &[("half_written_line", Some(2)), ("digest_mismatch", None)]);
    check(format!("{}\n\"\\ud800\"\n", lines[0]), Status::Unreadable, &[("beyond_reader", Some(2))]);
}

#[test]
fn without_its_seal_a_log_is_not_sound() {
    let report = report_of(b"{}\n", None);
    assert_eq!((report.status, told(&report)), (Status::AnchorMissing, vec![("seal_missing", None)]));
}

#[test]
fn a_seal_that_is_none_is_told_and_the_lines_are_judged_all_the_same() {
    for wrong in [
        "",
        "[]",
        "{}",
        r#"{"count":1}"#,
        r#"{"count":1,"chain_hash":7}"#,
        r#"{"count":1,"chain_hash":"abc"}"#,
        r#"{"count":-1,"chain_hash":""}"#,
        r#"{"count":1.0,"chain_hash":""}"#,
        r#"{"count":true,"chain_hash":""}"#,
        r#"{"count":1,"event_count":1,"chain_hash":""}"#,
        r#"{"count":1,"count":2,"chain_hash":""}"#,
        &format!(r#"{{"count":1,"chain_hash":"","x":"{}"}}"#, "x".repeat(70_000)),
    ] {
        let report = report_of(b"{}\n\n", Some(wrong));
        assert_eq!(told(&report), [("blank_line", Some(2)), ("bad_seal", None)], "{wrong}");
        assert_eq!((report.status, report.entries), (Status::Unreadable, 1));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(log in prop::collection::vec(any::<u8>(), 1..200), seal in any::<String>()) {
        prop_assert!(!report_of(&log, Some(&seal)).status.is_sound());
    }

    #[test]
    fn every_changed_letter_of_a_value_is_found(at in 0_usize..6, letter in "[a-rt-z]") {
        let (mut lines, seal) = sealed(6);
        lines[at] = lines[at].replace("soft", &format!("{letter}oft"));
        prop_assert_eq!(report_of(text(&lines).as_bytes(), Some(&seal)).status, Status::Broken);
    }
}
