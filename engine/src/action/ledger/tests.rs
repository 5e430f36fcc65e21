//! Tests of the ledger actions: over the example ledger, whole and tampered.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::action::trial::Trial;
use crate::action::{Error, Reconciled};
use crate::host::machine::Machine;
use crate::id::{Id, RunId};
use crate::ledger::Ledger;
use crate::procedure::TargetKind;
use crate::procedure::workspace::TargetEntry;
use crate::sign::ledger_key::LedgerKey;
use crate::target::corvusforge::tests::writer::runs::{MAIN_RUN, OPEN_RUN, WAIVED_RUN};
use crate::target::corvusforge::tests::writer::{self, Dialect, Plan, Tamper};
use crate::target::{self, Target};
use crate::time::Timestamp;

mod lines;

/// A workspace with a Corvusforge project and its ledger, and a store for anchors beside it.
pub(in crate::action) struct Scene {
    pub trial: Trial,
}

const LEDGER: &str = "project/.corvusforge/ledger.db";

impl Scene {
    pub fn new(plan: &Plan) -> Self {
        let trial = Trial::new();
        fs::create_dir_all(trial.path("project/.corvusforge")).unwrap();
        writer::write(&trial.path(LEDGER), plan).unwrap();
        let mut scene = Self { trial };
        scene.bind("ledger", TargetKind::Ledger, "corvusforge", json!({ "path": LEDGER }));
        scene.bind("anchors", TargetKind::AnchorStore, "directory", json!({ "path": "anchors", "trust": "low" }));
        scene
    }

    pub fn example() -> Self {
        Self::new(&Plan::default())
    }

    pub fn tampered(tamper: Tamper) -> Self {
        Self::new(&Plan { tamper: Some(tamper), ..Plan::default() })
    }

    /// The same with other bytes in place of the ledger.
    pub fn holding(bytes: &[u8]) -> Self {
        let scene = Self::example();
        fs::write(scene.ledger(), bytes).unwrap();
        scene
    }

    /// The same with entries that are in the write-ahead log alone, as a process that crashed leaves them.
    pub fn with_log() -> Self {
        let scene = Self::example();
        let (original, aside) = (scene.ledger(), scene.trial.path("aside.db"));
        fs::copy(&original, &aside).unwrap();
        let connection = Connection::open(&aside).unwrap();
        connection.execute_batch("PRAGMA wal_autocheckpoint = 0; CREATE TABLE later (x); DROP TABLE later;").unwrap();
        for suffix in ["", "-wal"] {
            fs::copy(beside(&aside, suffix), beside(&original, suffix)).unwrap();
        }
        drop(connection);
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&aside, suffix));
        }
        scene
    }

    pub fn bind(&mut self, name: &str, kind: TargetKind, driver: &str, settings: Value) {
        let bound = self.binding(name, kind, driver, settings).unwrap();
        self.trial.facts.targets.insert(Id::parse(name).unwrap(), bound);
    }

    pub fn binding(
        &self,
        name: &str,
        kind: TargetKind,
        driver: &str,
        settings: Value,
    ) -> Result<Target, target::Error> {
        let Value::Object(settings) = settings else { panic!("settings are a map") };
        let entry = TargetEntry { kind, driver: Some(driver.to_owned()), environment: None, settings };
        target::bind(name, &entry, &Machine::new(self.trial.settings.clone()))
    }

    pub fn ledger(&self) -> PathBuf {
        self.trial.path(LEDGER)
    }

    /// Everything in the project, and when it was changed: to be compared after a look.
    pub fn project(&self) -> BTreeMap<PathBuf, Seen> {
        let mut found = BTreeMap::new();
        see(&self.trial.path("project"), &mut found);
        found
    }

    pub async fn read(&self, action: &str, with: Value) -> Result<Value, Error> {
        let before = self.project();
        let output = self.trial.read(action, with).await;
        assert_eq!(self.project(), before, "`{action}` changed what it looked at");
        output
    }

    async fn verify(&self) -> Value {
        self.read("ledger.verify", json!({ "target": "ledger" })).await.unwrap()
    }
}

/// Content, times to the nanosecond, and mode.
type Seen = (Option<Vec<u8>>, (i64, i64), (i64, i64), u32);

fn see(path: &Path, found: &mut BTreeMap<PathBuf, Seen>) {
    let about = fs::symlink_metadata(path).unwrap();
    let content = if about.is_file() { fs::read(path).ok() } else { None };
    let (modified, changed) = ((about.mtime(), about.mtime_nsec()), (about.ctime(), about.ctime_nsec()));
    found.insert(path.to_owned(), (content, modified, changed, about.mode()));
    if about.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            see(&entry.unwrap().path(), found);
        }
    }
}

pub(in crate::action) fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

fn codes(report: &Value) -> Vec<&str> {
    report["problems"].as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_sound_ledger_agrees_with_itself_and_stays_as_it_was() {
    let scene = Scene::example();
    let report = scene.verify().await;
    assert_eq!(
        (&report["status"], &report["sound"], &report["driver"], &report["dialect"], &report["entries"]),
        (&json!("self_consistent_only"), &json!(true), &json!("corvusforge"), &json!("L3"), &json!(44))
    );
    let runs: Vec<_> = report["runs"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect();
    assert_eq!(runs, [MAIN_RUN, WAIVED_RUN, OPEN_RUN]);
    assert_eq!(report["problems"], json!([]));
    assert!(!beside(&scene.ledger(), "-shm").exists());
}

#[tokio::test]
async fn every_way_to_tamper_is_a_report_and_no_failure() {
    for (tamper, status, code) in [
        (Tamper::Edited, "broken", "hash_mismatch"),
        (Tamper::Cut, "truncated", "gap"),
        (Tamper::Reordered, "broken", "link_mismatch"),
        (Tamper::Deleted, "broken", "gap"),
    ] {
        let report = Scene::tampered(tamper).verify().await;
        assert_eq!(report["status"], status, "{tamper:?}");
        assert!(codes(&report).contains(&code), "{tamper:?}: {report}");
        assert_eq!(report["sound"], false, "{tamper:?}");
    }
    // A history that was hashed anew agrees with itself: only an anchor tells.
    assert_eq!(Scene::tampered(Tamper::Rehashed).verify().await["status"], "self_consistent_only");
}

#[tokio::test]
async fn every_dialect_is_told() {
    for (dialect, name) in [(Dialect::L1, "L1"), (Dialect::L2, "L2"), (Dialect::L3, "L3")] {
        let report = Scene::new(&Plan { dialect, ..Plan::default() }).verify().await;
        assert_eq!((&report["dialect"], &report["sound"]), (&json!(name), &json!(true)));
    }
}

#[tokio::test]
async fn what_is_no_ledger_is_a_report_too() {
    let whole = fs::read(Scene::example().ledger()).unwrap();
    for (bytes, status, code) in [
        (&b""[..], "empty", "empty_file"),
        (b"this is no database at all, though it is longer than a header", "unreadable", "not_sqlite"),
        (&whole[..100], "unreadable", "unreadable"),
        (&whole[..whole.len() / 2], "unreadable", "unreadable"),
    ] {
        let scene = Scene::holding(bytes);
        let report = scene.verify().await;
        assert_eq!((&report["status"], &report["sound"]), (&json!(status), &json!(false)), "{report}");
        assert!(codes(&report).contains(&code), "{report}");
        assert_eq!(fs::read(scene.ledger()).unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_ledger_without_rows_is_empty_and_not_sound() {
    let scene = Scene::example();
    Connection::open(scene.ledger())
        .unwrap()
        .execute_batch("DELETE FROM run_ledger; DELETE FROM sqlite_sequence; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    let report = scene.verify().await;
    assert_eq!((&report["status"], &report["entries"]), (&json!("empty"), &json!(0)));
}

#[tokio::test]
async fn a_ledger_that_is_not_there_is_an_error_and_is_not_made() {
    let scene = Scene::example();
    fs::remove_file(scene.ledger()).unwrap();
    for action in ["ledger.verify", "ledger.list_runs", "ledger.entries", "ledger.holders"] {
        let error = scene.read(action, json!({ "target": "ledger" })).await.unwrap_err();
        assert_eq!(error.code, "not_found", "{action}: {error}");
    }
    assert!(!scene.ledger().exists());
}

#[tokio::test]
async fn a_ledger_that_may_not_be_read_is_an_error() {
    let scene = Scene::example();
    fs::set_permissions(scene.ledger(), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(scene.ledger()).is_ok() {
        // Root reads everything; a folder in the ledger's place nobody reads.
        fs::remove_file(scene.ledger()).unwrap();
        fs::create_dir(scene.ledger()).unwrap();
    }
    let error = scene.read("ledger.verify", json!({ "target": "ledger" })).await.unwrap_err();
    assert!(["file", "refused"].contains(&error.code.as_str()), "{error:?}");
}

#[tokio::test]
async fn the_write_ahead_log_counts_and_is_left_alone() {
    let scene = Scene::with_log();
    let without = Scene::example().verify().await;
    let report = scene.verify().await;
    assert_eq!((&report["sound"], &report["entries"]), (&json!(true), &json!(44)));
    assert_ne!(report["subject"], without["subject"]);
    assert!(beside(&scene.ledger(), "-wal").exists());
    assert!(!beside(&scene.ledger(), "-shm").exists());
}

#[tokio::test]
async fn entries_that_are_in_the_log_alone_are_read() {
    let scene = Scene::with_log();
    // The same file without its log is older: what it says must not be taken for the whole.
    let connection = Connection::open(scene.ledger()).unwrap();
    connection.execute_batch("PRAGMA wal_autocheckpoint = 0; DELETE FROM run_ledger WHERE id = 44;").unwrap();
    let (with_log, aside) = (scene.ledger(), scene.trial.path("project/taken.db"));
    for suffix in ["", "-wal"] {
        fs::copy(beside(&with_log, suffix), beside(&aside, suffix)).unwrap();
    }
    drop(connection);
    let with = json!({ "target": "ledger", "path": "project/taken.db" });
    let report = scene.read("ledger.verify", with).await.unwrap();
    assert_eq!((&report["status"], &report["entries"]), (&json!("truncated"), &json!(43)));
}

#[tokio::test]
async fn another_file_is_judged_in_place_of_the_targets() {
    let scene = Scene::example();
    let backup = scene.trial.path("backup.db");
    writer::write(&backup, &Plan { tamper: Some(Tamper::Edited), ..Plan::default() }).unwrap();
    let with = json!({ "target": "ledger", "path": "backup.db" });
    assert_eq!(scene.read("ledger.verify", with).await.unwrap()["status"], "broken");
    assert_eq!(scene.verify().await["sound"], true);
}

#[tokio::test]
async fn the_log_beside_the_file_that_a_link_leads_to_belongs_to_it() {
    let mut scene = Scene::with_log();
    symlink(scene.ledger(), scene.trial.path("link.db")).unwrap();
    let direct = scene.verify().await["subject"].clone();
    scene.bind("ledger", TargetKind::Ledger, "corvusforge", json!({ "path": "link.db" }));
    assert_eq!(scene.verify().await["subject"], direct);
}

#[tokio::test]
async fn only_the_runs_that_were_asked_for_are_judged() {
    let scene = Scene::tampered(Tamper::Edited);
    let with = |runs: Value| json!({ "target": "ledger", "runs": runs });
    let other = scene.read("ledger.verify", with(json!([WAIVED_RUN]))).await.unwrap();
    assert_eq!((&other["sound"], &other["entries"]), (&json!(true), &json!(21)));
    let main = scene.read("ledger.verify", with(json!([MAIN_RUN]))).await.unwrap();
    assert_eq!(main["status"], "broken");
    let unknown = scene.read("ledger.verify", with(json!(["cf-mistyped"]))).await.unwrap();
    assert_eq!((&unknown["status"], codes(&unknown)), (&json!("empty"), vec!["unknown_run"]));
    assert_eq!(scene.read("ledger.verify", with(json!([]))).await.unwrap_err().code, "bad_input");
}

#[tokio::test]
async fn the_subject_is_told_without_judging_and_follows_the_bytes() {
    let scene = Scene::example();
    let registry = crate::action::Registry::builtin();
    let machine = Machine::new(scene.trial.settings.clone());
    let looking = crate::action::Looking { facts: &scene.trial.facts, probe: &machine };
    let with = json!({ "target": "ledger" });
    let subject = registry.get("ledger.verify").unwrap().subject(&with, &looking).await.unwrap().unwrap();
    assert_eq!(scene.verify().await["subject"], json!(subject));
    fs::write(scene.ledger(), b"other").unwrap();
    let other = registry.get("ledger.verify").unwrap().subject(&with, &looking).await.unwrap().unwrap();
    assert_ne!(other, subject);
}

#[tokio::test]
async fn runs_are_listed_with_their_times() {
    let scene = Scene::tampered(Tamper::Edited);
    let listed = scene.read("ledger.list_runs", json!({ "target": "ledger" })).await.unwrap();
    assert_eq!(listed["count"], 3);
    let main = &listed["runs"][0];
    assert_eq!((&main["run"], &main["entries"], &main["status"]), (&json!(MAIN_RUN), &json!(20), &json!("broken")));
    assert_eq!(main["first_at"], "2026-02-26T14:30:00.000000Z");
    assert!(main["last_at"].as_str().unwrap() > main["first_at"].as_str().unwrap());
    let error = Scene::holding(b"").read("ledger.list_runs", json!({ "target": "ledger" })).await.unwrap_err();
    assert_eq!(error.code, "empty_file");
}

#[tokio::test]
async fn entries_are_filtered_and_what_does_not_fit_is_counted() {
    let scene = Scene::example();
    let entries = async |with: Value| {
        let mut with = with;
        with["target"] = json!("ledger");
        scene.read("ledger.entries", with).await.unwrap()
    };
    let all = entries(json!({})).await;
    assert_eq!((&all["count"], &all["truncated"]), (&json!(44), &json!(false)));
    assert_eq!(all["entries"][0]["run_id"], MAIN_RUN);
    let some = entries(json!({ "limit": 5 })).await;
    assert_eq!((&some["count"], &some["truncated"]), (&json!(44), &json!(true)));
    assert_eq!(some["entries"].as_array().unwrap().len(), 5);
    assert_eq!(entries(json!({ "run": OPEN_RUN })).await["count"], 3);
    assert_eq!(entries(json!({ "run": MAIN_RUN, "stage": "s7_release" })).await["count"], 2);
    let since = entries(json!({ "since": "2026-02-27T00:00:00Z" })).await["count"].as_u64().unwrap();
    let until = entries(json!({ "until": "2026-02-27T00:00:00Z" })).await["count"].as_u64().unwrap();
    assert_eq!((since, until), (24, 20));
    let trusted = entries(json!({ "trust_fingerprint": "6538f932f35b2063" })).await["count"].as_u64().unwrap();
    assert!((1..44).contains(&trusted), "{trusted}");
}

#[tokio::test]
async fn who_has_the_ledger_open_is_told() {
    let scene = Scene::with_log();
    let idle = scene.read("ledger.holders", json!({ "target": "ledger" })).await.unwrap();
    assert_eq!((&idle["count"], &idle["holders"]), (&json!(0), &json!([])));
    let _log = fs::File::open(beside(&scene.ledger(), "-wal")).unwrap();
    let held = scene.read("ledger.holders", json!({ "target": "ledger" })).await.unwrap();
    assert_eq!((&held["count"], &held["holders"][0]["pid"]), (&json!(1), &json!(std::process::id())));
    assert!(held["holders"][0]["path"].as_str().unwrap().ends_with("ledger.db-wal"));
}

#[tokio::test]
async fn a_snapshot_takes_the_files_as_they_are() {
    let scene = Scene::with_log();
    let before = scene.project();
    let with = json!({ "target": "ledger", "to": "evidence/first" });
    let preview = scene.trial.preview("ledger.snapshot", with.clone()).await.unwrap();
    assert!(!preview.no_change && !scene.trial.path("evidence").exists());
    let taken = scene.trial.apply("ledger.snapshot", with.clone()).await.unwrap();
    assert_eq!(scene.project(), before);
    assert_eq!((&taken["identical"], &taken["entries"]), (&json!(true), &json!(44)));
    assert_eq!(preview.after.unwrap()["files"], taken["files"]);
    let names: Vec<_> = taken["files"].as_array().unwrap().iter().map(|file| file["name"].clone()).collect();
    assert_eq!(names, [json!("ledger.db"), json!("ledger.db-wal")]);
    for name in ["ledger.db", "ledger.db-wal"] {
        let copy = scene.trial.path("evidence/first").join(name);
        assert_eq!(fs::read(&copy).unwrap(), fs::read(scene.ledger().with_file_name(name)).unwrap());
        assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o400);
    }
    let manifest: Value = serde_json::from_slice(&scene.trial.content("evidence/first/manifest.json")).unwrap();
    assert_eq!((&manifest["files"], &manifest["entries"]), (&taken["files"], &json!(44)));

    assert!(scene.trial.preview("ledger.snapshot", with.clone()).await.unwrap().no_change);
    assert_eq!(scene.trial.apply("ledger.snapshot", with).await.unwrap(), taken);
    let judged = json!({ "target": "ledger", "path": taken["database"] });
    assert_eq!(scene.read("ledger.verify", judged).await.unwrap()["sound"], true);
}

#[tokio::test]
async fn a_snapshot_of_what_is_no_ledger_is_evidence_too() {
    let scene = Scene::holding(b"SQLite format 3\0 and then nothing that is");
    let taken = scene.trial.apply("ledger.snapshot", json!({ "target": "ledger", "to": "evidence" })).await.unwrap();
    assert_eq!((&taken["identical"], &taken["entries"]), (&json!(true), &Value::Null));
    assert_eq!(scene.trial.content("evidence/ledger.db"), fs::read(scene.ledger()).unwrap());
}

#[tokio::test]
async fn evidence_is_never_replaced() {
    let scene = Scene::example();
    let with = json!({ "target": "ledger", "to": "evidence" });
    scene.trial.apply("ledger.snapshot", with.clone()).await.unwrap();
    let kept = scene.trial.content("evidence/ledger.db");
    fs::write(scene.ledger(), b"changed").unwrap();
    assert_eq!(scene.trial.preview("ledger.snapshot", with.clone()).await.unwrap_err().code, "exists");
    assert_eq!(scene.trial.apply("ledger.snapshot", with).await.unwrap_err().code, "exists");
    assert_eq!(scene.trial.content("evidence/ledger.db"), kept);

    scene.trial.file("other/notes.txt", "mine");
    let error = scene.trial.apply("ledger.snapshot", json!({ "target": "ledger", "to": "other" })).await.unwrap_err();
    assert!(error.message.contains("notes.txt"), "{error}");
    assert_eq!(scene.trial.content("other/notes.txt"), b"mine");
}

#[tokio::test]
async fn evidence_does_not_lie_in_the_folder_of_the_ledger() {
    let scene = Scene::example();
    symlink(scene.trial.path("project/.corvusforge"), scene.trial.path("elsewhere")).unwrap();
    for to in ["project/.corvusforge", "project/.corvusforge/evidence", "elsewhere/evidence"] {
        let error = scene.trial.apply("ledger.snapshot", json!({ "target": "ledger", "to": to })).await.unwrap_err();
        assert_eq!(error.code, "inside_ledger", "{to}");
    }
    assert_eq!(fs::read_dir(scene.trial.path("project/.corvusforge")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_snapshot_that_was_cut_short_is_finished_and_a_whole_one_is_found() {
    let mut scene = Scene::with_log();
    let with = json!({ "target": "ledger", "to": "evidence" });
    assert_eq!(scene.trial.reconcile("ledger.snapshot", with.clone()).await.unwrap(), Reconciled::NotHappened);
    fs::create_dir(scene.trial.path("evidence")).unwrap();
    fs::copy(scene.ledger(), scene.trial.path("evidence/ledger.db")).unwrap();
    assert_eq!(scene.trial.reconcile("ledger.snapshot", with.clone()).await.unwrap(), Reconciled::NotHappened);
    let taken = scene.trial.apply("ledger.snapshot", with.clone()).await.unwrap();
    let happened = Reconciled::Happened(taken);
    assert_eq!(scene.trial.reconcile("ledger.snapshot", with.clone()).await.unwrap(), happened);
    // The ledger may go on; what this run took is what it took.
    fs::write(scene.ledger(), b"changed").unwrap();
    assert_eq!(scene.trial.reconcile("ledger.snapshot", with.clone()).await.unwrap(), happened);
    scene.trial.facts.run = RunId::from_parts(1, &[1; 10]);
    assert_eq!(scene.trial.reconcile("ledger.snapshot", with).await.unwrap(), Reconciled::NotHappened);
}

#[tokio::test]
async fn our_own_ledger_is_judged_by_the_same_actions() {
    let mut scene = Scene::example();
    let (path, now) = (scene.trial.path("own/ledger.db"), Timestamp::from_microseconds(1_000_000).unwrap());
    fs::create_dir(scene.trial.path("own")).unwrap();
    let key = LedgerKey::from_seed(&[7; 32]);
    Ledger::create(&path, "example.org/ops", &key, now, "00000000-0000-7000-8000-000000000000").unwrap();
    let ledger = Ledger::open(&path, key, now).unwrap();
    let vkey = ledger.vkey().to_string();
    ledger.close(now).unwrap();
    let settings = json!({ "path": "own/ledger.db", "vkeys": [vkey] });
    scene.bind("ledger", TargetKind::Ledger, "runwarden", settings);
    let report = scene.verify().await;
    assert_eq!(
        (&report["driver"], &report["sound"], &report["entries"]),
        (&json!("runwarden"), &json!(true), &json!(3))
    );
    assert!(!report["anchors"].as_array().unwrap().is_empty(), "no checkpoint was looked at");
    let listed = scene.read("ledger.entries", json!({ "target": "ledger" })).await.unwrap();
    assert_eq!((&listed["count"], &listed["entries"][1]["kind"]), (&json!(3), &json!("writer.open")));
    assert_eq!(scene.read("ledger.list_runs", json!({ "target": "ledger" })).await.unwrap()["count"], 0);
    let with = json!({ "target": "ledger", "trust_fingerprint": "6538f932f35b2063" });
    assert_eq!(scene.read("ledger.entries", with).await.unwrap_err().code, "bad_input");
    let taken = scene.trial.apply("ledger.snapshot", json!({ "target": "ledger", "to": "evidence" })).await.unwrap();
    assert_eq!((&taken["entries"], &taken["identical"]), (&json!(3), &json!(true)));
}

#[test]
fn a_target_says_where_its_project_is() {
    let scene = Scene::example();
    let project = |path: &str, more: Value| {
        let mut settings = json!({ "path": path });
        settings.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let bound = scene.binding("ledger", TargetKind::Ledger, "corvusforge", settings).unwrap();
        PathBuf::from(bound.visible()["project"].as_str().unwrap())
    };
    assert_eq!(project(LEDGER, json!({})), scene.trial.path("project"));
    assert_eq!(project(".corvusforge/ledger.db", json!({})), scene.trial.path("").components().collect::<PathBuf>());
    assert_eq!(project("data/ledger.db", json!({})), scene.trial.path("data"));
    assert_eq!(project("data/ledger.db", json!({ "project": "project" })), scene.trial.path("project"));
}

#[test]
fn keys_are_for_ledgers_that_are_signed() {
    let scene = Scene::example();
    let refused = |driver: &str, keys: Value| {
        let settings = json!({ "path": LEDGER, "vkeys": keys });
        scene.binding("ledger", TargetKind::Ledger, driver, settings).unwrap_err().to_string()
    };
    assert!(refused("runwarden", json!(["not a key"])).contains("no verifier key"));
    let key = "example.org/ops+5f3b7b0e+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    let refusal = refused("corvusforge", json!([key]));
    assert!(refusal.contains("vkeys"), "{refusal}");
}
