//! Restores over real files: a leftover write-ahead log, a backup that is too old, artifacts that were damaged.

use std::fs;

use engine::event::state::RunStatus;
use engine::id::Digest;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::site::{Site, failure};
use crate::writer::{self, Plan, Tamper};

/// A backup of the ledger, with what a restore needs to know of it.
fn backup(site: &Site, tamper: Option<Tamper>) -> Value {
    let path = site.path("backup.db");
    writer::write(&path, &Plan { tamper, ..Plan::default() }).unwrap();
    let sha256 = Digest::of(&fs::read(path).unwrap()).hex().to_owned();
    json!({ "backup": "backup.db", "backup_sha256": sha256, "without_anchors": true })
}

#[tokio::test]
async fn what_is_left_in_the_log_does_not_undo_a_restore() {
    let site = Site::example();
    let given = backup(&site, None);
    // As a writer that crashed leaves it: a row that is in the log alone.
    let crashed = site.path("crashed.db");
    fs::copy(site.corvus(), &crashed).unwrap();
    let connection = Connection::open(&crashed).unwrap();
    connection
        .execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE run_ledger SET stage_id = 's9' WHERE id = 3;")
        .unwrap();
    fs::copy(&crashed, site.corvus()).unwrap();
    fs::copy(site.path("crashed.db-wal"), site.path("project/.corvusforge/ledger.db-wal")).unwrap();
    drop(connection);
    let ended = site.run("restore_ledger", given).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(site.names("project/.corvusforge"), ["ledger.db"]);
    assert_eq!(fs::read(site.corvus()).unwrap(), fs::read(site.path("backup.db")).unwrap());
    let kept = ended.outputs["quarantine"].as_str().unwrap();
    assert_eq!(site.names(kept), ["ledger.db", "ledger.db-wal", "manifest.json"]);
}

#[tokio::test]
async fn a_backup_that_does_not_verify_or_does_not_reach_its_anchor_is_refused() {
    let site = Site::example();
    let before = site.project();
    let broken = backup(&site, Some(Tamper::Edited));
    let ended = site.run("restore_ledger", broken).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Refused, "backup_sound"));
    fs::remove_file(site.path("backup.db")).unwrap();
    site.run("export_anchor", json!({})).await;
    let rehashed = backup(&site, Some(Tamper::Rehashed));
    let ended = site.run("restore_ledger", rehashed).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Refused, "backup_reaches_anchors"));
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn a_process_that_holds_the_ledger_stops_the_restore() {
    let site = Site::example();
    let given = backup(&site, None);
    let _held = fs::File::open(site.corvus()).unwrap();
    let ended = site.run("restore_ledger", given).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Refused, "stopped"));
}

#[tokio::test]
async fn artifacts_that_are_damaged_or_gone_are_put_back() {
    let site = Site::example();
    for store in ["project/.corvusforge/artifacts", "backup"] {
        writer::write_artifacts(&site.path(store)).unwrap();
    }
    let stored = engine::target::corvusforge::places::artifact_path;
    let hash = |stage: &str| {
        let content = writer::runs::artifact(writer::runs::MAIN_RUN, stage);
        Digest::of(content.as_bytes()).hex().to_owned()
    };
    let (gone, damaged) = (stored(&hash("s7_release")), stored(&hash("s1_prerequisites")));
    let store = site.path("project/.corvusforge/artifacts");
    fs::remove_file(store.join(&gone)).unwrap();
    fs::write(store.join(&damaged), "half").unwrap();
    let ended = site.run("restore_artifacts", json!({ "backup": "backup" })).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    for path in [&gone, &damaged] {
        assert_eq!(fs::read(store.join(path)).unwrap(), fs::read(site.path("backup").join(path)).unwrap());
    }
    assert_eq!(ended.outputs["damaged"].as_array().unwrap().len(), 1);
    fs::remove_dir_all(site.path("backup")).unwrap();
    fs::create_dir(site.path("backup")).unwrap();
    let refused = site.run("restore_artifacts", json!({ "backup": "backup" })).await;
    assert_eq!((refused.status, failure(&refused).1), (RunStatus::Refused, "backup_sound"));
}
