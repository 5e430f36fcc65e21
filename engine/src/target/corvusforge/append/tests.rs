//! Entries appended to ledgers of each dialect, and judged as Corvusforge would.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tempfile::TempDir;

use super::{Draft, Error, append, entry_id};
use crate::host::machine::{Machine, Settings};
use crate::ledger::report::Status;
use crate::target::corvusforge::CorvusLedger;
use crate::target::corvusforge::tests::writer::runs::MAIN_RUN;
use crate::target::corvusforge::tests::writer::{self, Dialect, Plan};
use crate::time::Timestamp;

fn draft(run: &str, id: &str) -> Draft {
    Draft {
        run: run.to_owned(),
        stage: "plugin_revocation".to_owned(),
        transition: "enabled->revoked".to_owned(),
        payload_hash: "ab".repeat(32),
        artifacts: vec![format!("sha256:{}", "ab".repeat(32)), format!("sha256:{}", "cd".repeat(32))],
        entry_id: entry_id(id),
        at: Timestamp::parse("2026-11-20T09:00:00Z").unwrap(),
    }
}

fn ledger(dialect: Dialect) -> (TempDir, std::path::PathBuf, Machine) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    writer::write(&path, &Plan { dialect, ..Plan::default() }).unwrap();
    let machine = Machine::new(Settings { root: folder.path().to_owned(), ..Settings::default() });
    (folder, path, machine)
}

fn tip(path: &std::path::Path, run: &str) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    let newest = "SELECT entry_hash FROM run_ledger WHERE run_id = ? ORDER BY id DESC LIMIT 1";
    connection.query_row(newest, [run], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_appended_verifies_in_every_dialect() {
    for dialect in [Dialect::L1, Dialect::L2, Dialect::L3] {
        let (_folder, path, machine) = ledger(dialect);
        let first = append(&machine, &path, &draft("system", "a"), "").unwrap();
        let second = append(&machine, &path, &draft("system", "b"), &first.entry_hash).unwrap();
        append(&machine, &path, &draft(MAIN_RUN, "c"), &tip(&path, MAIN_RUN)).unwrap();
        assert_eq!((first.id, second.id, second.previous), (45, 46, first.entry_hash));
        assert!(!path.with_file_name("ledger.db-wal").exists());
        let report = CorvusLedger::open(&path, "ledger.db").unwrap().verify(None);
        assert_eq!((report.status, report.entries), (Status::SelfConsistentOnly, 47), "{:?}", report.problems);
    }
}

#[test]
fn a_run_that_went_on_is_not_forked() {
    let (_folder, path, machine) = ledger(Dialect::L3);
    let stale = append(&machine, &path, &draft("system", "a"), "ff").unwrap_err();
    assert!(matches!(stale, Error::Moved { .. }), "{stale}");
    append(&machine, &path, &draft("system", "a"), "").unwrap();
    assert!(matches!(append(&machine, &path, &draft("system", "b"), ""), Err(Error::Moved { .. })));
    let report = CorvusLedger::open(&path, "ledger.db").unwrap().verify(None);
    assert_eq!((report.status, report.entries), (Status::SelfConsistentOnly, 45));
}

#[test]
fn the_same_entry_is_not_there_twice() {
    let (_folder, path, machine) = ledger(Dialect::L3);
    let first = append(&machine, &path, &draft("system", "a"), "").unwrap();
    assert!(matches!(append(&machine, &path, &draft("system", "a"), &first.entry_hash), Err(Error::Sqlite(_))));
}

#[test]
fn what_is_missing_is_not_made() {
    let (folder, _, machine) = ledger(Dialect::L3);
    let none = folder.path().join("none.db");
    assert!(append(&machine, &none, &draft("system", "a"), "").is_err());
    assert!(!none.exists());
}

#[test]
fn an_id_is_a_uuid_of_version_4() {
    let id = entry_id("a key");
    assert_eq!(id, entry_id("a key"));
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    assert_eq!((&id[14..15], &id[19..20]), ("4", "8"));
}
