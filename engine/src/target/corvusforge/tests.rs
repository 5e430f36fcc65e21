//! Corvusforge ledgers: which dialect a file is, and what is no ledger.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

#[path = "../../../../examples/corvusforge/writer.rs"]
#[expect(dead_code, reason = "artifacts are the example's, not of these tests")]
pub mod writer;

use writer::{Plan, Tamper};

/// A ledger in a folder of its own, written by the example's writer.
pub struct Bench {
    pub folder: TempDir,
    pub path: PathBuf,
}

impl Bench {
    pub fn new(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        writer::write(&path, plan).unwrap();
        Self { folder, path }
    }

    pub fn tampered(tamper: Tamper) -> Self {
        Self::new(&Plan { tamper: Some(tamper), ..Plan::default() })
    }

    /// The same after statements that Corvusforge never runs.
    pub fn after(self, statements: &str) -> Self {
        let connection = Connection::open(&self.path).unwrap();
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
        connection.execute_batch(statements).unwrap();
        self
    }

    pub fn open(&self) -> CorvusLedger {
        CorvusLedger::open(&self.path, "original.db").unwrap()
    }
}

pub fn example() -> Bench {
    Bench::new(&Plan::default())
}

#[track_caller]
fn refused(bytes: Option<&[u8]>, expected: &str) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    if let Some(bytes) = bytes {
        std::fs::write(&path, bytes).unwrap();
    }
    let error = CorvusLedger::open(&path, "original.db").unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    if bytes == Some(b"") {
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0, "an empty file was written to");
    }
    assert_eq!(path.exists(), bytes.is_some(), "a missing file was made");
    error
}

#[test]
fn the_dialect_is_told_by_the_columns() {
    for (written, read) in
        [(writer::Dialect::L1, Dialect::L1), (writer::Dialect::L2, Dialect::L2), (writer::Dialect::L3, Dialect::L3)]
    {
        let bench = Bench::new(&Plan { dialect: written, ..Plan::default() });
        assert_eq!(bench.open().dialect(), read);
    }
}

#[test]
fn a_missing_or_empty_file_is_never_made_a_ledger() {
    assert!(matches!(refused(None, "`original.db` cannot be read"), Error::Io { .. }));
    let empty = refused(Some(b""), "`original.db` is an empty file");
    assert_eq!(empty.report().status, Status::Empty);
}

#[test]
fn what_is_not_sqlite_is_told_so() {
    for bytes in [&b"SQLite"[..], b"{\"not\": \"a database\"}", &[0; 8192]] {
        let error = refused(Some(bytes), "not an SQLite database");
        assert_eq!(error.report().status, Status::Unreadable);
    }
    let mut magic_only = b"SQLite format 3\0".to_vec();
    magic_only.resize(4096, 0xFF);
    assert!(matches!(refused(Some(&magic_only), "original.db"), Error::NotSqlite { .. } | Error::Unreadable { .. }));
}

#[track_caller]
fn after(statements: &str) -> Error {
    CorvusLedger::open(&example().after(statements).path, "original.db").unwrap_err()
}

#[test]
fn a_database_without_the_table_is_no_ledger() {
    assert!(matches!(after("DROP TABLE run_ledger"), Error::NoTable { .. }));
    let view = "ALTER TABLE run_ledger RENAME TO kept; CREATE VIEW run_ledger AS SELECT * FROM kept";
    assert!(matches!(after(view), Error::NoTable { .. }));
}

#[test]
fn other_columns_are_an_unknown_dialect_that_names_them() {
    let more = after("ALTER TABLE run_ledger ADD COLUMN payload TEXT");
    assert!(more.to_string().ends_with("entry_hash, payload"), "{more}");
    let fewer = after("ALTER TABLE run_ledger DROP COLUMN payload_hash");
    assert!(matches!(fewer, Error::UnknownDialect { ref columns, .. } if columns.len() == 18), "{fewer}");
    let computed = after("ALTER TABLE run_ledger ADD COLUMN extra TEXT AS (upper(run_id))");
    assert!(computed.to_string().contains("extra (computed)"), "{computed}");
}

#[test]
fn what_is_still_in_the_write_ahead_log_is_read() {
    let bench = example();
    let writer = Connection::open(&bench.path).unwrap();
    writer.execute_batch("PRAGMA wal_autocheckpoint = 0; DELETE FROM run_ledger WHERE id = 1").unwrap();
    let copy = tempfile::tempdir().unwrap();
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        std::fs::copy(bench.folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let before = std::fs::read(copy.path().join("ledger.db")).unwrap();
    let ledger = CorvusLedger::open(&copy.path().join("ledger.db"), "original.db").unwrap();
    assert_eq!(ledger.verify(None).entries, 43);
    drop(ledger);
    assert!(std::fs::read(copy.path().join("ledger.db")).unwrap() == before, "the copy was checkpointed");
}
