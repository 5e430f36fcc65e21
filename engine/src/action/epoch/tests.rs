//! The embedded epoch; the one behind PostgreSQL functions is tried against a server, in tests/services.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::action::trial::Trial;
use crate::action::{EffectClass, Reconciled, Registry, Repeat};
use crate::procedure::TargetKind;

/// An epoch of 5 of which 6 was known.
fn trial(rows: &str) -> Trial {
    let trial = Trial::new();
    let database = Connection::open(trial.path("substrate.db")).unwrap();
    let table = "CREATE TABLE epoch (epoch INTEGER CHECK (epoch < 7), known_epoch INTEGER, contract_version INTEGER);";
    database.execute_batch(&format!("PRAGMA journal_mode = WAL; {table} {rows}")).unwrap();
    drop(database);
    trial.bound("epoch", TargetKind::Epoch, "sqlite", json!({ "path": "substrate.db" }))
}

fn with() -> Value {
    json!({ "target": "epoch" })
}

#[tokio::test]
async fn it_is_read_previewed_and_moved_by_one_for_good() {
    let trial = trial("INSERT INTO epoch VALUES (5, 6, 1);");
    let read = trial.read("epoch.read", with()).await.unwrap();
    assert_eq!(read, json!({ "epoch": 5, "known_epoch": 6, "contract_version": 1, "actor": null }));
    let preview = trial.preview("epoch.bump", with()).await.unwrap();
    assert_eq!(preview.after, Some(json!({ "epoch": 6, "known_epoch": 6 })));
    let moved = trial.apply("epoch.bump", with()).await.unwrap();
    assert_eq!(moved, json!({ "epoch": 6, "previous": 5, "known_epoch": 6 }));
    assert_eq!(trial.read("epoch.read", with()).await.unwrap()["epoch"], 6);
    assert_eq!(trial.reconcile("epoch.bump", with()).await.unwrap(), Reconciled::CannotTell);
    assert_eq!(trial.apply("epoch.bump", with()).await.unwrap_err().code, "database");
    let contract = Registry::builtin().get("epoch.bump").unwrap().contract;
    assert_eq!((contract.effect, contract.repeat), (EffectClass::Irreversible, Repeat::Once));
}

#[tokio::test]
async fn what_is_no_single_epoch_is_neither_read_nor_moved() {
    for (rows, code) in [
        ("", "no_epoch"),
        ("INSERT INTO epoch VALUES (1, NULL, 1), (2, NULL, 1);", "no_epoch"),
        ("INSERT INTO epoch VALUES (0, NULL, 1);", "no_epoch"),
        ("INSERT INTO epoch VALUES (NULL, NULL, 1);", "no_epoch"),
        ("DROP TABLE epoch;", "database"),
    ] {
        let trial = trial(rows);
        assert_eq!(trial.read("epoch.read", with()).await.unwrap_err().code, code, "{rows}");
        if !rows.contains("(0") {
            assert_eq!(trial.apply("epoch.bump", with()).await.unwrap_err().code, code, "{rows}");
        }
    }
    let missing = Trial::new().bound("epoch", TargetKind::Epoch, "sqlite", json!({ "path": "none.db" }));
    assert_eq!(missing.read("epoch.read", with()).await.unwrap_err().code, "not_found");
    assert_eq!(missing.apply("epoch.bump", with()).await.unwrap_err().code, "not_found");
    assert!(missing.names().is_empty());
}

#[tokio::test]
async fn looking_leaves_nothing_beside_the_file() {
    let trial = trial("INSERT INTO epoch VALUES (5, NULL, NULL);");
    let before = trial.names();
    trial.read("epoch.read", with()).await.unwrap();
    trial.preview("epoch.bump", with()).await.unwrap();
    assert_eq!(trial.names(), before);
}

#[tokio::test]
async fn the_workspaces_own_database_is_not_moved() {
    let mut trial = trial("INSERT INTO epoch VALUES (5, 6, 1);");
    trial.settings.protected = vec![trial.path("substrate.db")];
    assert_eq!(trial.apply("epoch.bump", with()).await.unwrap_err().code, "protected");
    assert_eq!(trial.read("epoch.read", with()).await.unwrap()["epoch"], 5);
}

#[test]
fn a_table_is_a_name_and_nothing_more() {
    use crate::host::machine::{Machine, Settings};
    let settings = json!({ "path": "a.db", "table": "epoch; DROP TABLE epoch" }).as_object().unwrap().clone();
    let entry =
        crate::procedure::workspace::TargetEntry { kind: TargetKind::Epoch, driver: None, environment: None, settings };
    let error = crate::target::bind("epoch", &entry, &Machine::new(Settings::default())).unwrap_err();
    assert!(error.to_string().contains("`table`"), "{error}");
}
