//! Tests of the anchor actions: over directories of every kind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::action::Reconciled;
use crate::action::ledger::tests::Scene;
use crate::procedure::TargetKind;
use crate::target::corvusforge::tests::writer::runs::{MAIN_RUN, OPEN_RUN, WAIVED_RUN};
use crate::target::corvusforge::tests::writer::{self, Plan, Tamper};
use crate::time::Timestamp;

mod own;

async fn export(scene: &Scene, run: &str) -> Value {
    scene.read("anchor.export", json!({ "target": "ledger", "run": run })).await.unwrap()
}

fn storing(run: &str, anchor: &Value) -> Value {
    json!({ "target": "anchors", "ledger": "ledger", "run": run, "anchor": anchor })
}

/// Stores an anchor of a run as it is, and gives the receipt.
async fn store(scene: &Scene, run: &str) -> Value {
    let claim = export(scene, run).await["claim"].clone();
    scene.trial.apply("anchor.store", storing(run, &claim)).await.unwrap()["receipt"].clone()
}

async fn verify(scene: &Scene, more: Value) -> Value {
    let mut with = json!({ "target": "anchors", "ledger": "ledger", "runs": "all" });
    with.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    scene.read("anchor.verify", with).await.unwrap()
}

/// The ledger as another one, with the same anchors.
fn replace(scene: &Scene, plan: &Plan) {
    fs::remove_file(scene.ledger()).unwrap();
    writer::write(&scene.ledger(), plan).unwrap();
}

fn tamper(scene: &Scene, tamper: Tamper) {
    replace(scene, &Plan { tamper: Some(tamper), ..Plan::default() });
}

fn edit(scene: &Scene, statements: &str) {
    let connection = Connection::open(scene.ledger()).unwrap();
    connection.execute_batch(statements).unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
}

fn counts(output: &Value) -> [u64; 3] {
    ["checked", "failed", "missing"].map(|name| output[name].as_u64().unwrap())
}

fn failing(item: &Value) -> Vec<&str> {
    let findings = item["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["ok"] == false).map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn anchor_file(scene: &Scene, run: &str) -> PathBuf {
    let is_its = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(run);
    fs::read_dir(scene.trial.path("anchors")).unwrap().map(|entry| entry.unwrap().path()).find(is_its).unwrap()
}

/// Changes what is kept read-only.
fn overwrite(path: &PathBuf, content: impl AsRef<[u8]>) {
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
}

#[tokio::test]
async fn an_export_has_the_six_members_and_the_time_of_the_run() {
    let scene = Scene::example();
    let exported = export(&scene, MAIN_RUN).await;
    let anchor = exported["anchor"].as_object().unwrap();
    let members: Vec<_> = anchor.keys().map(String::as_str).collect();
    assert_eq!(members, ["run_id", "entry_count", "root_hash", "first_entry_hash", "timestamp_utc", "anchor_hash"]);
    assert_eq!((&exported["entry_count"], &anchor["entry_count"]), (&json!(20), &json!(20)));
    assert_eq!(anchor["timestamp_utc"], "1970-01-01T00:00:00+00:00");
    assert_eq!(exported["root_hash"], anchor["root_hash"]);
    assert_eq!(exported["claim"].as_object().unwrap().len(), 4);
    let with = json!({ "target": "ledger" });
    assert_eq!(exported["subject"], scene.read("ledger.verify", with).await.unwrap()["subject"]);
}

#[tokio::test]
async fn nothing_that_does_not_verify_is_exported() {
    let refused = async |scene: &Scene, run: &str| {
        let with = json!({ "target": "ledger", "run": run });
        scene.read("anchor.export", with).await.unwrap_err().code
    };
    for kind in [Tamper::Edited, Tamper::Cut, Tamper::Reordered, Tamper::Deleted] {
        assert_eq!(refused(&Scene::tampered(kind), MAIN_RUN).await, "unsound", "{kind:?}");
    }
    let scene = Scene::example();
    assert_eq!(refused(&scene, "cf-mistyped").await, "empty_run");
    assert_eq!(refused(&scene, "../etc").await, "bad_input");
    assert_eq!(refused(&Scene::holding(b""), MAIN_RUN).await, "empty_file");
    assert_eq!(refused(&Scene::holding(b"no database"), MAIN_RUN).await, "not_sqlite");
    fs::remove_file(scene.ledger()).unwrap();
    assert_eq!(refused(&scene, MAIN_RUN).await, "not_found");
}

#[tokio::test]
async fn an_anchor_is_kept_as_the_runbook_prints_it() {
    let scene = Scene::example();
    let exported = export(&scene, MAIN_RUN).await;
    let with = storing(MAIN_RUN, &exported["claim"]);
    let preview = scene.trial.preview("anchor.store", with.clone()).await.unwrap();
    assert!(!preview.no_change && !scene.trial.path("anchors").exists());
    let before = scene.project();
    let stored = scene.trial.apply("anchor.store", with).await.unwrap();
    assert_eq!(scene.project(), before);
    // The time of the run that will store it, and so the file's digest, is nothing that a plan knows.
    let planned = preview.after.unwrap()["receipt"].clone();
    assert_eq!(["at", "sha256", "size"].map(|name| planned.get(name)), [None; 3]);
    for member in ["store", "path", "trust"] {
        assert_eq!(planned[member], stored["receipt"][member], "{member}");
    }
    let stamped = scene.trial.preview("anchor.store", storing(MAIN_RUN, &exported["anchor"])).await.unwrap();
    assert_eq!(stamped.after.unwrap()["receipt"], stored["receipt"]);

    let receipt = &stored["receipt"];
    let root = exported["root_hash"].as_str().unwrap();
    let path = scene.trial.path("anchors").join(format!("{MAIN_RUN}.20.{}.json", &root[..16]));
    assert_eq!(receipt["path"], path.display().to_string());
    assert_eq!((&receipt["store"], &receipt["trust"]), (&json!("anchors"), &json!("low")));
    assert_eq!(receipt["at"], exported["anchor"]["timestamp_utc"]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&format!("{{\n  \"run_id\": \"{MAIN_RUN}\",\n  \"entry_count\": 20,\n")), "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), exported["anchor"]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o444);
    assert_eq!(receipt["sha256"], crate::id::Digest::of(text.as_bytes()).hex());
}

#[tokio::test]
async fn the_same_anchor_is_stored_once_whenever_it_was_made() {
    let mut scene = Scene::example();
    let receipt = store(&scene, MAIN_RUN).await;
    scene.trial.facts.started_at = Timestamp::from_microseconds(1_800_000_000_000_000).unwrap();
    let exported = export(&scene, MAIN_RUN).await;
    for anchor in ["anchor", "claim"] {
        let with = storing(MAIN_RUN, &exported[anchor]);
        assert!(scene.trial.preview("anchor.store", with.clone()).await.unwrap().no_change);
        let again = scene.trial.apply("anchor.store", with.clone()).await.unwrap();
        assert_eq!(again, json!({ "receipt": receipt, "existed": true }));
        assert_eq!(scene.trial.reconcile("anchor.store", with).await.unwrap(), Reconciled::Happened(again));
    }
    assert_eq!(fs::read_dir(scene.trial.path("anchors")).unwrap().count(), 1);
}

#[tokio::test]
async fn after_a_crash_the_store_itself_says_what_happened() {
    let scene = Scene::example();
    let with = storing(MAIN_RUN, &export(&scene, MAIN_RUN).await["claim"]);
    assert_eq!(scene.trial.reconcile("anchor.store", with.clone()).await.unwrap(), Reconciled::NotHappened);
    let stored = scene.trial.apply("anchor.store", with.clone()).await.unwrap();
    assert_eq!(stored["existed"], false);
    assert_eq!(scene.trial.reconcile("anchor.store", with).await.unwrap(), Reconciled::Happened(stored));
}

#[tokio::test]
async fn an_anchor_is_never_replaced() {
    let scene = Scene::example();
    store(&scene, MAIN_RUN).await;
    let path = anchor_file(&scene, MAIN_RUN);
    let genuine = fs::read_to_string(&path).unwrap();
    let with = storing(MAIN_RUN, &export(&scene, MAIN_RUN).await["claim"]);
    for content in ["{}".to_owned(), "not JSON".to_owned(), genuine.replace("1970", "1971")] {
        overwrite(&path, &content);
        assert_eq!(scene.trial.apply("anchor.store", with.clone()).await.unwrap_err().code, "exists", "{content}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn an_anchor_that_does_not_fit_its_ledger_is_not_stored() {
    let scene = Scene::example();
    let claim = export(&scene, MAIN_RUN).await["claim"].clone();
    let refused = async |run: &str, change: Value| {
        let mut anchor = claim.clone();
        anchor.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        scene.trial.apply("anchor.store", storing(run, &anchor)).await.unwrap_err().code
    };
    assert_eq!(refused(MAIN_RUN, json!({ "entry_count": 19 })).await, "anchor_mismatch");
    assert_eq!(refused(MAIN_RUN, json!({ "entry_count": 0 })).await, "anchor_mismatch");
    assert_eq!(refused(MAIN_RUN, json!({ "root_hash": "00" })).await, "anchor_mismatch");
    assert_eq!(refused(MAIN_RUN, json!({ "run_id": OPEN_RUN })).await, "anchor_mismatch");
    assert_eq!(refused(WAIVED_RUN, json!({})).await, "anchor_mismatch");
    let stamp = json!({ "timestamp_utc": "2026-02-26T15:00:00+00:00", "anchor_hash": "00" });
    assert_eq!(refused(MAIN_RUN, stamp).await, "anchor_mismatch");
    assert_eq!(refused(MAIN_RUN, json!({ "timestamp_utc": "2026-02-26T15:00:00+00:00" })).await, "bad_input");
    assert!(!scene.trial.path("anchors").exists());
}

#[tokio::test]
async fn a_store_inside_the_project_is_refused_under_every_name() {
    let mut scene = Scene::example();
    let claim = export(&scene, MAIN_RUN).await["claim"].clone();
    symlink(scene.trial.path("project"), scene.trial.path("elsewhere")).unwrap();
    for path in ["project/.corvusforge/anchors", "project/anchors", "project", "elsewhere/anchors"] {
        scene.bind("anchors", TargetKind::AnchorStore, "directory", json!({ "path": path, "trust": "low" }));
        let error = scene.trial.apply("anchor.store", storing(MAIN_RUN, &claim)).await.unwrap_err();
        assert_eq!(error.code, "inside_project", "{path}: {error:?}");
    }
    assert!(!scene.trial.path("project/anchors").exists());
    let names = fs::read_dir(scene.trial.path("project/.corvusforge")).unwrap().count();
    assert_eq!(names, 1);
}

#[tokio::test]
async fn a_store_that_is_as_near_as_the_ledger_needs_to_say_so() {
    let mut scene = Scene::example();
    let claim = export(&scene, MAIN_RUN).await["claim"].clone();
    for settings in [json!({ "path": "anchors" }), json!({ "path": "anchors", "trust": "medium" })] {
        scene.bind("anchors", TargetKind::AnchorStore, "directory", settings);
        let error = scene.trial.apply("anchor.store", storing(MAIN_RUN, &claim)).await.unwrap_err();
        assert_eq!(error.code, "same_domain", "{error}");
        fs::create_dir_all(scene.trial.path("anchors")).unwrap();
    }
    assert_eq!(fs::read_dir(scene.trial.path("anchors")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_in_the_place_of_the_store_is_refused() {
    let scene = Scene::example();
    let claim = export(&scene, MAIN_RUN).await["claim"].clone();
    scene.trial.file("anchors", "a file");
    let error = scene.trial.apply("anchor.store", storing(MAIN_RUN, &claim)).await.unwrap_err();
    assert_eq!(error.code, "not_a_folder");
}

#[tokio::test]
async fn a_store_says_what_it_holds_and_what_it_holds_besides() {
    let scene = Scene::example();
    let fetch = async || {
        let with = json!({ "target": "anchors", "run": MAIN_RUN });
        scene.read("anchor.fetch", with).await.unwrap()
    };
    let none = fetch().await;
    assert_eq!((&none["count"], &none["problems"][0]["code"]), (&json!(0), &json!("no_folder")));
    store(&scene, MAIN_RUN).await;
    store(&scene, WAIVED_RUN).await;
    let one = fetch().await;
    assert_eq!((&one["count"], &one["problems"]), (&json!(1), &json!([])));
    assert_eq!(one["anchors"][0]["anchor"]["entry_count"], 20);

    let file = anchor_file(&scene, MAIN_RUN);
    scene.trial.file("anchors/notes.txt", "a note");
    scene.trial.file("anchors/cf-20260226-143000-a1b.json", "{}");
    symlink(&file, scene.trial.path("anchors/link.json")).unwrap();
    fs::copy(&file, scene.trial.path("anchors").join(format!("{OPEN_RUN}.json"))).unwrap();
    let crowded = fetch().await;
    assert_eq!(crowded["count"], 2);
    let mut problems: Vec<_> =
        crowded["problems"].as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect();
    problems.sort_unstable();
    assert_eq!(problems, ["misnamed", "not_a_file", "not_an_anchor", "not_an_anchor"]);
    assert_ne!(crowded["subject"], one["subject"]);
}

#[tokio::test]
async fn what_covers_most_comes_first() {
    let scene = Scene::new(&Plan { entries: Some(6), runs: 1, ..Plan::default() });
    let listed = scene.read("ledger.list_runs", json!({ "target": "ledger" })).await.unwrap();
    let run = listed["runs"][0]["run"].as_str().unwrap().to_owned();
    store(&scene, &run).await;
    replace(&scene, &Plan { entries: Some(9), runs: 1, ..Plan::default() });
    store(&scene, &run).await;
    let found = scene.read("anchor.fetch", json!({ "target": "anchors", "run": run })).await.unwrap();
    let counts: Vec<_> =
        found["anchors"].as_array().unwrap().iter().map(|found| found["anchor"]["entry_count"].clone()).collect();
    assert_eq!(counts, [9, 6]);
    let verified = verify(&scene, json!({})).await;
    assert_eq!((counts_of(&verified), &verified["items"][1]["rows_after"]), (vec![true, true], &json!(3)));
    // Age and coverage are the newest one's to show.
    let old = verify(&scene, json!({ "max_age": "1h" })).await;
    assert_eq!((failing(&old["items"][0]), failing(&old["items"][1])), (vec!["age"], vec![]));
}

fn counts_of(output: &Value) -> Vec<bool> {
    output["items"].as_array().unwrap().iter().map(|item| item["ok"].as_bool().unwrap()).collect()
}

#[tokio::test]
async fn anchors_that_fit_are_counted_and_those_that_are_not_there_too() {
    let scene = Scene::example();
    let nothing = verify(&scene, json!({})).await;
    assert_eq!((counts(&nothing), &nothing["problems"][0]["code"]), ([0, 0, 3], &json!("no_folder")));
    store(&scene, MAIN_RUN).await;
    let all = verify(&scene, json!({})).await;
    assert_eq!((counts(&all), &all["missing_runs"]), ([1, 0, 2], &json!([WAIVED_RUN, OPEN_RUN])));
    let one = verify(&scene, json!({ "runs": [MAIN_RUN] })).await;
    assert_eq!(counts(&one), [1, 0, 0]);
    let item = &one["items"][0];
    for line in ["ok", "newest", "self_hash", "run_id", "prefix", "tail"] {
        assert_eq!(item[line], true, "{line}");
    }
    assert_eq!((&item["rows_after"], &item["entries"]), (&json!(0), &json!(20)));
    assert_eq!(counts(&verify(&scene, json!({ "runs": ["cf-mistyped"] })).await), [0, 0, 1]);
}

#[tokio::test]
async fn damage_is_told_from_what_came_after_the_anchor() {
    let scene = Scene::example();
    store(&scene, MAIN_RUN).await;
    for (kind, prefix) in [(Tamper::Edited, false), (Tamper::Rehashed, false), (Tamper::Cut, false)] {
        tamper(&scene, kind);
        let output = verify(&scene, json!({ "runs": [MAIN_RUN] })).await;
        assert_eq!(counts(&output), [1, 1, 0], "{kind:?}");
        assert_eq!(output["items"][0]["prefix"], prefix, "{kind:?}");
    }
    // A short run is anchored early, goes on, and is changed only after that.
    let scene = Scene::new(&Plan { entries: Some(6), runs: 1, ..Plan::default() });
    let run = scene.read("ledger.list_runs", json!({ "target": "ledger" })).await.unwrap()["runs"][0]["run"].clone();
    store(&scene, run.as_str().unwrap()).await;
    replace(&scene, &Plan { entries: Some(9), runs: 1, ..Plan::default() });
    edit(&scene, "UPDATE run_ledger SET stage_id = 's9' WHERE id = 8;");
    let output = verify(&scene, json!({ "runs": [run] })).await;
    let item = &output["items"][0];
    assert_eq!((&item["prefix"], &item["tail"], &item["rows_after"]), (&json!(true), &json!(false), &json!(3)));
    assert_eq!((counts(&output), failing(item)), ([1, 1, 0], vec!["tail"]));
    let wrong = output["wrong"].as_array().unwrap();
    assert!(wrong.len() == 1 && wrong[0].as_str().unwrap().contains(": tail: hash_mismatch at row 8"), "{wrong:?}");
}

#[tokio::test]
async fn a_run_that_was_deleted_fails_by_its_anchor() {
    let scene = Scene::example();
    store(&scene, MAIN_RUN).await;
    store(&scene, OPEN_RUN).await;
    edit(&scene, &format!("DELETE FROM run_ledger WHERE run_id = '{OPEN_RUN}';"));
    let output = verify(&scene, json!({})).await;
    assert_eq!(counts(&output)[0], 2);
    let item = output["items"].as_array().unwrap().iter().find(|item| item["run"] == OPEN_RUN).unwrap();
    assert_eq!((&item["ok"], &item["entries"], &item["prefix"]), (&json!(false), &json!(0), &json!(false)));
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_fails_every_anchor() {
    let whole = fs::read(Scene::example().ledger()).unwrap();
    for (bytes, status) in
        [(&b""[..], "empty"), (b"no database", "unreadable"), (&whole[..whole.len() / 2], "unreadable")]
    {
        let scene = Scene::example();
        store(&scene, MAIN_RUN).await;
        fs::write(scene.ledger(), bytes).unwrap();
        let output = verify(&scene, json!({})).await;
        assert_eq!((&output["failed"], &output["ledger_status"]), (&json!(1), &json!(status)));
        assert_eq!(failing(&output["items"][0]), ["ledger"]);
    }
}

#[tokio::test]
async fn an_older_anchor_still_tells_when_a_newer_one_was_made_of_a_rewritten_history() {
    let scene = Scene::new(&Plan { entries: Some(6), runs: 1, ..Plan::default() });
    let run = scene.read("ledger.list_runs", json!({ "target": "ledger" })).await.unwrap()["runs"][0]["run"].clone();
    let run = run.as_str().unwrap().to_owned();
    store(&scene, &run).await;
    // The old anchor in the place of one of a longer history that never was.
    let path = anchor_file(&scene, &run);
    let forged = fs::read_to_string(&path).unwrap().replace("\"root_hash\": \"", "\"root_hash\": \"0");
    replace(&scene, &Plan { entries: Some(9), runs: 1, ..Plan::default() });
    store(&scene, &run).await;
    overwrite(&path, forged);
    let output = verify(&scene, json!({ "runs": [run] })).await;
    assert_eq!((counts(&output), counts_of(&output)), ([1, 1, 0], vec![true, false]));
    assert_eq!(failing(&output["items"][1]), ["self_hash", "prefix"]);
}

#[tokio::test]
async fn an_anchor_that_was_damaged_or_renamed_counts_against_its_run() {
    let scene = Scene::example();
    store(&scene, MAIN_RUN).await;
    store(&scene, WAIVED_RUN).await;
    let (main, waived) = (anchor_file(&scene, MAIN_RUN), anchor_file(&scene, WAIVED_RUN));
    let genuine = fs::read(&main).unwrap();
    overwrite(&main, "{");
    let output = verify(&scene, json!({ "runs": [MAIN_RUN] })).await;
    assert_eq!((counts(&output), failing(&output["items"][0])), ([1, 1, 0], vec!["anchor"]));
    // Another run's anchor under its name.
    fs::copy(&waived, scene.trial.path("swap.json")).unwrap();
    overwrite(&main, fs::read(scene.trial.path("swap.json")).unwrap());
    let output = verify(&scene, json!({ "runs": [MAIN_RUN] })).await;
    assert_eq!(counts(&output), [1, 1, 0]);
    assert!(failing(&output["items"][0]).contains(&"run_id"));
    overwrite(&main, genuine);
    assert_eq!(counts(&verify(&scene, json!({ "runs": [MAIN_RUN] })).await), [1, 0, 0]);
}

#[tokio::test]
async fn stage_and_age_are_asked_of_the_newest() {
    let scene = Scene::example();
    store(&scene, MAIN_RUN).await;
    let covered = verify(&scene, json!({ "runs": [MAIN_RUN], "covers_stage": "s7_release" })).await;
    assert_eq!(counts(&covered), [1, 0, 0]);
    let never = verify(&scene, json!({ "runs": [MAIN_RUN], "covers_stage": "s9_party" })).await;
    assert_eq!(failing(&never["items"][0]), ["coverage"]);
    let old = verify(&scene, json!({ "runs": [MAIN_RUN], "max_age": "24h" })).await;
    assert_eq!(failing(&old["items"][0]), ["age"]);
}

#[tokio::test]
async fn one_file_is_held_against_its_run() {
    let scene = Scene::example();
    store(&scene, MAIN_RUN).await;
    let path = anchor_file(&scene, MAIN_RUN);
    let of_file = async |path: &str, runs: Value| {
        scene.read("anchor.verify", json!({ "path": path, "ledger": "ledger", "runs": runs })).await
    };
    let path = path.to_str().unwrap();
    assert_eq!(counts(&of_file(path, json!("all")).await.unwrap()), [1, 0, 0]);
    assert_eq!(counts(&of_file(path, json!([MAIN_RUN])).await.unwrap()), [1, 0, 0]);
    let other = of_file(path, json!([WAIVED_RUN])).await.unwrap();
    assert_eq!(counts(&other), [1, 1, 0]);
    assert!(failing(&other["items"][0]).contains(&"run_id"));
    scene.trial.file("empty.json", "{}");
    assert_eq!(of_file("empty.json", json!("all")).await.unwrap_err().code, "not_an_anchor");
    assert_eq!(of_file("nowhere.json", json!("all")).await.unwrap_err().code, "not_found");
    assert_eq!(of_file(path, json!([MAIN_RUN, WAIVED_RUN])).await.unwrap_err().code, "bad_input");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let scene = Scene::example();
    for with in [
        json!({ "ledger": "ledger", "runs": "all" }),
        json!({ "target": "anchors", "path": "a.json", "ledger": "ledger", "runs": "all" }),
        json!({ "target": "anchors", "ledger": "ledger", "runs": [] }),
        json!({ "target": "anchors", "ledger": "ledger", "runs": "every" }),
        json!({ "target": "anchors", "ledger": "ledger", "runs": [MAIN_RUN, MAIN_RUN] }),
        json!({ "target": "anchors", "ledger": "ledger", "runs": ["a/b"] }),
        json!({ "target": "anchors", "ledger": "ledger" }),
    ] {
        assert_eq!(scene.read("anchor.verify", with.clone()).await.unwrap_err().code, "bad_input", "{with}");
    }
    let with = json!({ "target": "ledger", "ledger": "ledger", "runs": "all" });
    assert_eq!(scene.read("anchor.verify", with).await.unwrap_err().code, "bad_target");
}

#[tokio::test]
async fn another_file_is_held_against_the_anchors() {
    let scene = Scene::example();
    store(&scene, MAIN_RUN).await;
    writer::write(&scene.trial.path("backup.db"), &Plan { tamper: Some(Tamper::Cut), ..Plan::default() }).unwrap();
    let backup = verify(&scene, json!({ "runs": [MAIN_RUN], "ledger_path": "backup.db" })).await;
    assert_eq!(counts(&backup), [1, 1, 0]);
    assert_eq!(counts(&verify(&scene, json!({ "runs": [MAIN_RUN] })).await), [1, 0, 0]);
}

#[tokio::test]
async fn a_log_of_lines_has_no_anchor_of_a_run() {
    let mut scene = Scene::example();
    scene.bind("ledger", TargetKind::Ledger, "digest_log", json!({ "path": "events.jsonl" }));
    let error = scene.read("anchor.export", json!({ "target": "ledger", "run": MAIN_RUN })).await.unwrap_err();
    assert_eq!(error.code, "unsupported_driver");
}
