//! Damage to Corvusforge ledgers: each is found and named, in each dialect.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::super::COLUMNS;
use super::super::tests::writer::runs::{MAIN_RUN, OPEN_RUN, WAIVED_RUN};
use super::super::tests::writer::{self, Plan, Tamper};
use super::super::tests::{Bench, example};
use super::*;
use crate::target::findings::{MAX_PROBLEMS, SOUND};

/// Every problem as code and row.
fn told(report: &Report) -> Vec<(&str, Option<i64>)> {
    report.problems.iter().map(|problem| (problem.code.as_str(), problem.seq)).collect()
}

#[track_caller]
fn check(bench: &Bench, status: Status, problems: &[(&str, Option<i64>)]) -> Report {
    let report = bench.open().verify(None);
    assert_eq!((report.status, &*told(&report)), (status, problems), "{:#?}", report.problems);
    report
}

#[test]
fn a_sound_ledger_is_self_consistent_only_in_every_dialect() {
    for (dialect, name) in [(writer::Dialect::L1, "L1"), (writer::Dialect::L2, "L2"), (writer::Dialect::L3, "L3")] {
        let bench = Bench::new(&Plan { dialect, ..Plan::default() });
        let report = check(&bench, Status::SelfConsistentOnly, &[]);
        assert_eq!((report.driver.as_str(), report.dialect.as_deref(), report.entries), (DRIVER, Some(name), 44));
        let runs: Vec<_> = report.runs.iter().map(|run| (run.run.as_str(), run.entries, run.status)).collect();
        assert_eq!(runs, [(MAIN_RUN, 20, SOUND), (WAIVED_RUN, 21, SOUND), (OPEN_RUN, 3, SOUND)]);
    }
}

#[test]
fn an_edited_field_is_found_at_its_row_and_floods_nothing() {
    let report = check(&Bench::tampered(Tamper::Edited), Status::Broken, &[("hash_mismatch", Some(5))]);
    let statuses: Vec<_> = report.runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::Broken, SOUND, SOUND]);
    assert_eq!(report.runs[0].problems, report.problems);
    assert_eq!(report.problems[0].run.as_deref(), Some(MAIN_RUN));
}

#[test]
fn a_cut_tail_of_a_run_is_found_by_its_missing_row_ids() {
    let report = check(&Bench::tampered(Tamper::Cut), Status::Truncated, &[("gap", Some(19))]);
    assert!(report.problems[0].detail.contains("19 to 20"));
    // The run's own chain says nothing of it, as upstream's check says nothing.
    assert_eq!(report.runs[0].status, SOUND);
}

#[test]
fn a_cut_tail_of_the_ledger_is_found_by_the_sequence() {
    let bench = Bench::new(&Plan { runs: 1, tamper: Some(Tamper::Cut), ..Plan::default() });
    check(&bench, Status::Truncated, &[("sequence_mismatch", None)]);
}

#[test]
fn rows_that_changed_places_break_three_links() {
    let expected = [("link_mismatch", Some(5)), ("link_mismatch", Some(6)), ("link_mismatch", Some(7))];
    check(&Bench::tampered(Tamper::Reordered), Status::Broken, &expected);
}

#[test]
fn a_deleted_middle_row_is_a_gap_and_a_broken_link() {
    check(&Bench::tampered(Tamper::Deleted), Status::Broken, &[("gap", Some(5)), ("link_mismatch", Some(6))]);
}

#[test]
fn a_deleted_run_is_a_gap_and_unknown_when_asked_for() {
    let bench = example().after("DELETE FROM run_ledger WHERE run_id = 'cf-20260226-143000-a1b'");
    check(&bench, Status::Truncated, &[("gap", Some(1))]);
    let report = bench.open().verify(Some(&[MAIN_RUN.to_owned(), OPEN_RUN.to_owned()]));
    assert_eq!(told(&report), [("gap", Some(1)), ("unknown_run", None)]);
    let runs: Vec<_> = report.runs.iter().map(|run| (run.run.as_str(), run.entries, run.status)).collect();
    assert_eq!(runs, [(OPEN_RUN, 3, SOUND), (MAIN_RUN, 0, Status::Empty)]);
}

#[test]
fn a_rewritten_history_is_not_found_without_an_anchor() {
    check(&Bench::tampered(Tamper::Rehashed), Status::SelfConsistentOnly, &[]);
}

#[test]
fn asked_for_runs_alone_are_judged_and_counted() {
    let bench = Bench::tampered(Tamper::Edited);
    let report = bench.open().verify(Some(&[OPEN_RUN.to_owned()]));
    assert_eq!((report.status, report.entries, report.runs.len()), (SOUND, 3, 1));
    let mistyped = bench.open().verify(Some(&["cf-20260226-143000-alb".to_owned()]));
    assert_eq!((mistyped.status, mistyped.entries), (Status::Empty, 0));
    assert_eq!(bench.open().verify(Some(&[])).status, Status::Empty);
}

#[test]
fn a_ledger_without_rows_is_empty() {
    let emptied = example().after("DELETE FROM run_ledger; DELETE FROM sqlite_sequence");
    check(&emptied, Status::Empty, &[]);
    // The sequence remembers that there was something.
    check(&example().after("DELETE FROM run_ledger"), Status::Truncated, &[("sequence_mismatch", None)]);
}

#[test]
fn a_sequence_that_was_edited_or_removed_is_found() {
    for statement in [
        "UPDATE sqlite_sequence SET seq = 40",
        "UPDATE sqlite_sequence SET seq = 'many'",
        "DELETE FROM sqlite_sequence",
        "INSERT INTO sqlite_sequence VALUES ('run_ledger', 44)",
    ] {
        check(&example().after(statement), Status::Broken, &[("sequence_mismatch", None)]);
    }
}

#[test]
fn an_update_of_any_column_of_a_row_is_found() {
    for column in COLUMNS {
        let value = match column {
            "artifact_refs_json" | "waiver_refs_json" => "'[\"x\"]'",
            "ruleset_versions_json" | "trust_context_json" => "'{\"x\": \"y\"}'",
            "timestamp_utc" => "'2026-02-26T14:30:00.000001+00:00'",
            _ => "'edited'",
        };
        let bench = example().after(&format!("UPDATE run_ledger SET {column} = {value} WHERE id = 9"));
        let report = bench.open().verify(None);
        assert_eq!(report.status, Status::Broken, "{column}");
        assert!(told(&report).contains(&("hash_mismatch", Some(9))), "{column}: {:?}", report.problems);
    }
    let moved = example().after("UPDATE run_ledger SET id = 400 WHERE id = 9");
    assert_eq!(moved.open().verify(None).status, Status::Broken);
}

#[test]
fn every_fault_is_told_not_only_the_first() {
    let bench = example().after(
        "UPDATE run_ledger SET stage_id = 'x' WHERE id IN (3, 12);
         UPDATE run_ledger SET previous_entry_hash = 'y' WHERE id = 30;
         DELETE FROM run_ledger WHERE id = 44;",
    );
    let expected = [
        ("hash_mismatch", Some(3)),
        ("hash_mismatch", Some(12)),
        ("link_mismatch", Some(30)),
        ("hash_mismatch", Some(30)),
        ("sequence_mismatch", None),
    ];
    check(&bench, Status::Broken, &expected);
}

#[test]
fn two_writers_at_once_are_a_fork() {
    // What the second of two writers leaves: a row after the same one, sound in itself.
    let bench = Bench::new(&Plan { runs: 1, entries: Some(6), ..Plan::default() });
    let other = Bench::new(&Plan { runs: 1, entries: Some(7), ..Plan::default() });
    let attach = format!("ATTACH '{}' AS other;", other.path.display());
    let bench = bench.after(&format!(
        "{attach} UPDATE other.run_ledger SET previous_entry_hash = (SELECT previous_entry_hash FROM other.run_ledger
         WHERE id = 6) WHERE id = 7; INSERT INTO main.run_ledger SELECT * FROM other.run_ledger WHERE id = 7;"
    ));
    let report = bench.open().verify(None);
    assert_eq!(told(&report), [("fork", Some(7)), ("hash_mismatch", Some(7))]);
    let hash = report.problems[1].detail.split('"').nth(3).unwrap();
    let bench = bench.after(&format!("UPDATE run_ledger SET entry_hash = '{hash}' WHERE id = 7"));
    check(&bench, Status::Fork, &[("fork", Some(7))]);
}

#[test]
fn other_spellings_verify_but_are_not_sound() {
    for (set, code) in [
        ("timestamp_utc = replace(timestamp_utc, 'T', ' ')", "respelled_timestamp"),
        ("ruleset_versions_json = replace(ruleset_versions_json, ', ', ',')", "respelled_json"),
        ("waiver_refs_json = '[ ]'", "respelled_json"),
        ("ruleset_versions_json = '{\"security\": \"\", ' || substr(ruleset_versions_json, 2)", "duplicate_json_keys"),
    ] {
        let bench = example().after(&format!("UPDATE run_ledger SET {set} WHERE id = 9"));
        check(&bench, Status::NonCanonical, &[(code, Some(9))]);
    }
}

#[test]
fn malformed_rows_are_told_and_the_walk_goes_on() {
    let bench = example().after(
        "UPDATE run_ledger SET trust_context_json = '{' WHERE id = 2;
         UPDATE run_ledger SET stage_id = x'FF00' WHERE id = 4;
         UPDATE run_ledger SET stage_id = CAST(x'FF' AS TEXT) WHERE id = 6;
         UPDATE run_ledger SET timestamp_utc = 'noon' WHERE id = 8;",
    );
    let expected = [2, 4, 6, 8].map(|row| ("malformed_row", Some(row)));
    check(&bench, Status::Broken, &expected);
}

#[test]
fn a_null_is_told_by_its_column_where_the_table_was_made_to_take_it() {
    let bench = example().after(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '') WHERE name = 'run_ledger';
         PRAGMA writable_schema = RESET;
         UPDATE run_ledger SET entry_hash = NULL, stage_id = NULL WHERE id = 20;
         UPDATE run_ledger SET run_id = NULL WHERE id = 26;",
    );
    let expected = [("null_column", Some(20)), ("null_column", Some(20)), ("null_column", Some(26))];
    let report = check(&bench, Status::Broken, &expected);
    assert_eq!(report.problems[2].run, None);
    assert_eq!(report.entries, 44);
}

#[test]
fn a_row_that_an_index_was_made_to_hide_is_read_all_the_same() {
    let bench = Bench::tampered(Tamper::Edited).after(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = sql || ' WHERE id <> 5' WHERE name = 'idx_run_id';
         PRAGMA writable_schema = RESET;",
    );
    check(&bench, Status::Broken, &[("hash_mismatch", Some(5))]);
}

#[test]
fn a_file_that_ends_early_is_unreadable() {
    let bench = Bench::new(&Plan { entries: Some(400), ..Plan::default() });
    let file = std::fs::OpenOptions::new().write(true).open(&bench.path).unwrap();
    file.set_len(4096 * 20).unwrap();
    match CorvusLedger::open(&bench.path, "original.db") {
        Ok(ledger) => {
            let report = ledger.verify(None);
            assert_eq!(report.status, Status::Unreadable);
            assert_eq!(report.problems.last().unwrap().code, "unreadable");
        }
        Err(error) => assert_eq!(error.report().status, Status::Unreadable),
    }
}

#[test]
fn very_many_problems_are_counted_instead_of_listed() {
    let bench = Bench::new(&Plan { runs: 1, entries: Some(10_050), ..Plan::default() })
        .after("UPDATE run_ledger SET pipeline_version = '9'");
    let report = bench.open().verify(None);
    assert_eq!(report.problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(report.problems.last().unwrap().detail, "50 more problems are not listed");
    assert_eq!((report.status, report.entries), (Status::Broken, 10_050));
}

#[test]
fn a_report_of_unchanged_bytes_is_unchanged() {
    let bench = Bench::tampered(Tamper::Deleted);
    assert_eq!(bench.open().verify(None), bench.open().verify(None));
}
