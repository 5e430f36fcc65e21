//! The Corvusforge example: its ledger is what its writer writes, and laid out as Corvusforge lays out its own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use engine::ledger::report::Status;
use engine::target::corvusforge::CorvusLedger;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

#[path = "../examples/corvusforge/writer.rs"]
#[expect(dead_code, reason = "the ways to tamper are for other tests")]
mod writer;

use writer::Plan;
use writer::runs::{MAIN_RUN, OPEN_RUN, WAIVED_RUN};

const REGENERATE: &str = "remove examples/corvusforge/project/.corvusforge and run: cargo run --example \
    corvusforge_ledger -- examples/corvusforge/project/.corvusforge/ledger.db --artifacts \
    examples/corvusforge/project/.corvusforge/artifacts";

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/corvusforge/project/.corvusforge")
}

/// A copy of the committed ledger: to open the original would change it.
fn committed() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("committed.db");
    fs::copy(project().join("ledger.db"), &copy).unwrap();
    (folder, copy)
}

fn rows(path: &Path, query: &str) -> Vec<Vec<Value>> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    let width = statement.column_count();
    let read = statement.query_map([], |row| (0..width).map(|index| row.get(index)).collect()).unwrap();
    read.map(Result::unwrap).collect()
}

fn one(path: &Path, query: &str) -> Value {
    rows(path, query)[0][0].clone()
}

#[test]
fn the_committed_ledger_is_what_the_writer_writes() {
    let (folder, committed) = committed();
    let fresh = folder.path().join("fresh.db");
    writer::write(&fresh, &Plan::default()).unwrap();
    for query in [
        "SELECT * FROM run_ledger ORDER BY id",
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name",
        "SELECT * FROM sqlite_sequence",
    ] {
        assert!(rows(&committed, query) == rows(&fresh, query), "stale: {REGENERATE}");
    }
}

#[test]
fn the_committed_artifacts_are_those_that_the_main_run_names() {
    let (_folder, committed) = committed();
    let connection = Connection::open(&committed).unwrap();
    let mut statement = connection.prepare("SELECT artifact_refs_json FROM run_ledger WHERE run_id = ?").unwrap();
    let columns = statement.query_map([MAIN_RUN], |row| row.get::<_, String>(0)).unwrap();
    let mut named = 0;
    for json in columns.map(Result::unwrap) {
        for address in serde_json::from_str::<Vec<String>>(&json).unwrap() {
            let hash = address.strip_prefix("sha256:").unwrap();
            let path = project().join("artifacts").join(&hash[..2]).join(&hash[2..4]).join(format!("{hash}.dat"));
            let bytes = fs::read(&path).unwrap();
            assert_eq!(engine::id::Digest::of(&bytes).as_str(), address, "stale: {REGENERATE}");
            named += 1;
        }
    }
    assert_eq!(named, 9);
}

/// What was seen of ledgers that Corvusforge 0.4.0 wrote.
#[test]
fn the_committed_ledger_is_laid_out_as_corvusforge_does() {
    let header = fs::read(project().join("ledger.db")).unwrap();
    assert_eq!(&header[..16], b"SQLite format 3\0");
    assert_eq!(u16::from_be_bytes([header[16], header[17]]), 4096, "page size");
    assert_eq!(header[18..20], [2, 2], "write-ahead log");
    for left_over in ["ledger.db-wal", "ledger.db-shm"] {
        assert!(!project().join(left_over).exists(), "{left_over} must not be committed");
    }
    let (_folder, copy) = committed();
    assert_eq!(one(&copy, "PRAGMA user_version"), Value::Integer(0));
    assert_eq!(one(&copy, "PRAGMA application_id"), Value::Integer(0));
    let columns: Vec<_> = rows(&copy, "SELECT name FROM pragma_table_info('run_ledger')").concat();
    let expected = [
        "id",
        "entry_id",
        "run_id",
        "stage_id",
        "state_transition",
        "timestamp_utc",
        "input_hash",
        "output_hash",
        "artifact_refs_json",
        "pipeline_version",
        "schema_version",
        "toolchain_version",
        "ruleset_versions_json",
        "waiver_refs_json",
        "trust_context_json",
        "trust_context_version",
        "payload_hash",
        "previous_entry_hash",
        "entry_hash",
    ];
    assert_eq!(columns, expected.map(|name| Value::Text(name.to_owned())));
    let indexes = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";
    assert_eq!(
        rows(&copy, indexes).concat(),
        [
            "CREATE INDEX idx_run_id ON run_ledger(run_id, id)",
            "CREATE INDEX idx_run_stage ON run_ledger(run_id, stage_id, id)",
        ]
        .map(|sql| Value::Text(sql.to_owned()))
    );
    assert_eq!(
        rows(
            &copy,
            "SELECT name, seq, (SELECT max(id) FROM run_ledger), (SELECT count(*) FROM run_ledger) FROM sqlite_sequence"
        ),
        [[Value::Text("run_ledger".to_owned()), Value::Integer(44), Value::Integer(44), Value::Integer(44)]]
    );
}

#[test]
fn the_engine_finds_the_committed_ledger_sound() {
    let (_folder, copy) = committed();
    let report = CorvusLedger::open(&copy, "ledger.db").unwrap().verify(None);
    assert_eq!((report.status, report.entries), (Status::SelfConsistentOnly, 44));
    let runs: Vec<_> = report.runs.iter().map(|run| (run.run.as_str(), run.entries)).collect();
    assert_eq!(runs, [(MAIN_RUN, 20), (WAIVED_RUN, 21), (OPEN_RUN, 3)]);
}
