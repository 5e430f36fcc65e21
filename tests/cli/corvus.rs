//! `ledger` over ledgers of Corvusforge: whole, tampered with, old, and what is none.

use std::fs;

use rusqlite::Connection;

use super::bench::Bench;

#[path = "../../examples/corvusforge/writer.rs"]
#[expect(dead_code, reason = "the artifacts are for another test")]
pub mod writer;

use writer::runs::MAIN_RUN;
use writer::{Dialect, Plan, Tamper};

pub const VERIFY: &str = "ledger verify --driver corvusforge --ledger book.db";

pub fn book(plan: &Plan) -> Bench {
    let bench = Bench::empty();
    writer::write(&bench.path("book.db"), plan).unwrap();
    bench
}

#[test]
fn a_whole_ledger_is_self_consistent_and_no_more() {
    let bench = book(&Plan::default());
    let before = fs::read(bench.path("book.db")).unwrap();
    let report = bench.run(&format!("{VERIFY} --format json")).exits(1).fits(&bench, "output/ledger_verify").json();
    assert_eq!((&report["status"], &report["dialect"]), (&"self_consistent_only".into(), &"L3".into()));
    let keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["status", "driver", "dialect", "entries", "runs", "anchors", "problems"]);
    bench.run(&format!("{VERIFY} --allow-unanchored")).exits(0);
    assert_eq!(fs::read(bench.path("book.db")).unwrap(), before);
    assert!(!bench.exists("book.db-wal") && !bench.exists("book.db-shm"));
}

#[test]
fn every_dialect_is_read() {
    for (dialect, name) in [(Dialect::L1, "L1"), (Dialect::L2, "L2"), (Dialect::L3, "L3")] {
        let report = book(&Plan { dialect, ..Plan::default() })
            .run(&format!("{VERIFY} --allow-unanchored --format json"))
            .exits(0)
            .json();
        assert_eq!(report["dialect"], name);
    }
}

#[test]
fn what_was_done_to_a_ledger_is_found_and_named() {
    for (tamper, status) in [
        (Tamper::Edited, "broken"),
        (Tamper::Cut, "truncated"),
        (Tamper::Reordered, "broken"),
        (Tamper::Deleted, "broken"),
    ] {
        let bench = book(&Plan { tamper: Some(tamper), ..Plan::default() });
        let report = bench.run(&format!("{VERIFY} --allow-unanchored --format json")).exits(1).json();
        assert_eq!(report["status"], status, "{tamper:?}");
        let human = bench.run(VERIFY).exits(1).stdout;
        for problem in report["problems"].as_array().unwrap() {
            assert!(human.contains(problem["code"].as_str().unwrap()), "{human}");
        }
    }
}

#[test]
fn a_run_that_is_not_there_is_a_failure() {
    let bench = book(&Plan::default());
    bench.run(&format!("{VERIFY} --allow-unanchored --run {MAIN_RUN}")).exits(0);
    bench.run(&format!("{VERIFY} --allow-unanchored --run cf-nobody")).exits(1);
}

#[test]
fn what_is_no_ledger_says_so() {
    let bench = Bench::empty();
    let check = |name: &str, code: i32, problem: &str| {
        let report =
            bench.run(&format!("ledger verify --driver corvusforge --ledger {name} --format json")).exits(code).json();
        assert_eq!(report["problems"][0]["code"], problem, "{name}");
    };
    fs::write(bench.path("empty.db"), "").unwrap();
    fs::write(bench.path("text.db"), "not a database at all").unwrap();
    Connection::open(bench.path("other.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    Connection::open(bench.path("dialect.db"))
        .unwrap()
        .execute_batch("CREATE TABLE run_ledger (id INTEGER PRIMARY KEY, x)")
        .unwrap();
    check("empty.db", 1, "empty_file");
    check("text.db", 11, "not_sqlite");
    check("other.db", 11, "no_table");
    check("dialect.db", 11, "unknown_dialect");
    check("none.db", 11, "unreadable");
    bench.run("ledger verify --driver corvusforge").exits(2);
}

#[test]
fn a_cut_file_cannot_be_read() {
    let bench = book(&Plan::default());
    let bytes = fs::read(bench.path("book.db")).unwrap();
    fs::write(bench.path("book.db"), &bytes[..bytes.len() / 2]).unwrap();
    bench.run(&format!("{VERIFY} --allow-unanchored")).exits(11);
}

#[test]
fn what_stands_in_the_write_ahead_log_counts() {
    let bench = book(&Plan::default());
    let entries = |bench: &Bench| {
        bench.run(&format!("{VERIFY} --allow-unanchored --format json")).json()["entries"].as_u64().unwrap()
    };
    let before = entries(&bench);
    let db = Connection::open(bench.path("book.db")).unwrap();
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
    db.execute("DELETE FROM run_ledger WHERE id = (SELECT max(id) FROM run_ledger)", []).unwrap();
    assert!(bench.exists("book.db-wal"));
    let report = bench.run(&format!("{VERIFY} --allow-unanchored --format json")).exits(1).json();
    assert_eq!(report["entries"].as_u64().unwrap(), before - 1);
    assert_eq!(report["status"], "truncated");
    drop(db);
}

#[test]
fn entries_and_runs_are_listed() {
    let bench = book(&Plan::default());
    let all =
        bench.run("ledger show --driver corvusforge --ledger book.db --format ndjson").exits(0).raw.lines().count();
    let of_run = bench
        .run(&format!("ledger show --driver corvusforge --ledger book.db --run {MAIN_RUN}"))
        .exits(0)
        .raw
        .lines()
        .count();
    assert!(of_run > 0 && of_run < all);
    assert_eq!(bench.run("ledger tail -n 2 --driver corvusforge --ledger book.db").exits(0).raw.lines().count(), 2);
    let runs = bench.run("ledger head --driver corvusforge --ledger book.db").exits(0).stdout;
    assert!(runs.contains(MAIN_RUN), "{runs}");
    bench
        .run("ledger head --driver corvusforge --ledger book.db --format json")
        .exits(0)
        .fits(&bench, "output/ledger_head_corvusforge");
    bench.run("ledger show --driver corvusforge --ledger book.db --run cf-nobody").exits(1);
}
