//! The anchor actions over a ledger of our own.

use super::*;
use crate::event::{Draft, Kind};
use crate::id::RunId;
use crate::ledger::Ledger;
use crate::sign::ledger_key::LedgerKey;

const OWN: &str = "own/ledger.db";

fn run(number: u8) -> RunId {
    RunId::from_parts(1_000, &[number; 10])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds(seconds * 1_000_000).unwrap()
}

/// A scene whose ledger is one of our own, with two runs that ended and one that did not.
fn scene() -> Scene {
    let mut scene = Scene::example();
    let path = scene.trial.path(OWN);
    fs::create_dir(scene.trial.path("own")).unwrap();
    let key = LedgerKey::from_seed(&[7; 32]);
    Ledger::create(&path, "example.org/ops", &key, at(1), "00000000-0000-7000-8000-000000000000").unwrap();
    let mut ledger = Ledger::open(&path, key, at(1)).unwrap();
    for number in [1, 2, 3] {
        let of = |kind, data: Value| {
            let draft = Draft::new(kind, data.as_object().unwrap().clone());
            Draft { run: Some(run(number)), ..draft }
        };
        let began = json!({ "procedure": "demo.note", "parameters": {} });
        ledger.append(at(10), &[of(Kind::RunBegin, began)]).unwrap();
        if number < 3 {
            ledger.append(at(20), &[of(Kind::RunEnd, json!({ "status": "succeeded", "outputs": {} }))]).unwrap();
            ledger.checkpoint().unwrap();
        }
    }
    let vkey = ledger.vkey().to_string();
    ledger.close(at(30)).unwrap();
    scene.bind("ledger", TargetKind::Ledger, "runwarden", json!({ "path": OWN, "vkeys": [vkey] }));
    scene
}

fn files(scene: &Scene) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(scene.trial.path("anchors")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_run_of_ours_is_exported_stored_fetched_and_verified() {
    let scene = scene();
    let one = run(1).to_string();
    let exported = export(&scene, &one).await;
    assert_eq!(exported["anchor"], exported["claim"]);
    assert!(exported["anchor"]["tlog_proof"].as_str().unwrap().starts_with("c2sp.org/tlog-proof@v1\n"));
    assert!(exported["anchor"]["entry"].as_str().unwrap().contains("\"kind\":\"run.end\""));
    assert_eq!(exported["entry_count"], 4);

    let with = storing(&one, &exported["claim"]);
    let preview = scene.trial.preview("anchor.store", with.clone()).await.unwrap();
    assert!(!preview.no_change && !scene.trial.path("anchors").exists());
    let stored = scene.trial.apply("anchor.store", with.clone()).await.unwrap();
    assert_eq!(preview.after.unwrap()["receipt"], stored["receipt"]);
    let root = exported["root_hash"].as_str().unwrap();
    let name = format!("{one}.4.{}", &root[..16]);
    assert_eq!((&stored["existed"], &stored["receipt"]["name"]), (&json!(false), &json!(name)));
    assert_eq!(stored["receipt"]["path"], json!(scene.trial.path("anchors").join(format!("{name}.tlog-proof"))));
    assert_eq!(files(&scene).len(), 2);
    let again = scene.trial.apply("anchor.store", with.clone()).await.unwrap();
    assert_eq!((&again["existed"], &again["receipt"]), (&json!(true), &stored["receipt"]));
    assert!(scene.trial.preview("anchor.store", with.clone()).await.unwrap().no_change);
    assert!(matches!(scene.trial.reconcile("anchor.store", with).await.unwrap(), Reconciled::Happened(_)));

    let fetched = scene.read("anchor.fetch", json!({ "target": "anchors", "run": one })).await.unwrap();
    assert_eq!((&fetched["count"], &fetched["problems"]), (&json!(1), &json!([])));
    assert_eq!(fetched["anchors"][0]["anchor"], exported["anchor"]);
    let verified = verify(&scene, json!({})).await;
    // The run that has not ended can have no anchor, and is not missing one.
    assert_eq!((counts(&verified), &verified["missing_runs"]), ([1, 0, 1], &json!([run(2).to_string()])));
    for line in ["ok", "newest", "self_hash", "run_id", "prefix", "tail"] {
        assert_eq!(verified["items"][0][line], true, "{line}: {verified:#}");
    }
}

#[tokio::test]
async fn what_is_no_anchor_of_this_ledger_is_not_stored() {
    let scene = scene();
    let (one, two) = (run(1).to_string(), run(2).to_string());
    let claim = export(&scene, &one).await["claim"].clone();
    let refused = async |run: &str, change: Value| {
        let mut anchor = claim.clone();
        anchor.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        scene.trial.apply("anchor.store", storing(run, &anchor)).await.unwrap_err().code
    };
    let entry = claim["entry"].as_str().unwrap();
    assert_eq!(refused(&one, json!({ "entry": entry.replace("succeeded", "failed") })).await, "anchor_mismatch");
    assert_eq!(refused(&one, json!({ "entry_count": 5 })).await, "anchor_mismatch");
    assert_eq!(refused(&one, json!({ "root_hash": "00" })).await, "anchor_mismatch");
    assert_eq!(refused(&two, json!({})).await, "anchor_mismatch");
    assert_eq!(refused(&one, json!({ "tlog_proof": null })).await, "bad_input");
    assert_eq!(refused("cf-1", json!({})).await, "bad_input");
    let with = |run: String| json!({ "target": "ledger", "run": run });
    assert_eq!(scene.read("anchor.export", with(run(3).to_string())).await.unwrap_err().code, "empty_run");
    assert_eq!(scene.read("anchor.export", with("cf-1".to_owned())).await.unwrap_err().code, "bad_input");
    assert!(!scene.trial.path("anchors").exists());
}

#[tokio::test]
async fn another_history_of_the_same_ledger_is_found_by_the_anchor() {
    let scene = scene();
    let one = run(1).to_string();
    store(&scene, &one).await;
    let connection = Connection::open(scene.trial.path(OWN)).unwrap();
    connection.execute_batch("DROP TRIGGER IF EXISTS entries_no_update; DROP TRIGGER IF EXISTS no_update;").unwrap();
    let triggers: Vec<String> = {
        let mut statement = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for trigger in triggers {
        connection.execute_batch(&format!("DROP TRIGGER \"{trigger}\";")).unwrap();
    }
    connection
        .execute_batch("UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'succeeded', 'cancelled') AS BLOB) WHERE seq = 3; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    drop(connection);
    let verified = verify(&scene, json!({ "runs": [one] })).await;
    assert_eq!((counts(&verified), &verified["items"][0]["prefix"]), ([1, 1, 0], &json!(false)), "{verified:#}");
    assert_eq!(verified["items"][0]["tail"], false);
    let code = scene.read("anchor.export", json!({ "target": "ledger", "run": one })).await.unwrap_err().code;
    assert_eq!(code, "unsound");
}

#[tokio::test]
async fn what_was_done_to_an_anchor_in_its_store_is_told() {
    let scene = scene();
    let one = run(1).to_string();
    store(&scene, &one).await;
    let [entry, proof] = &files(&scene)[..] else { unreachable!("two files") };
    let (entry_was, proof_was) = (fs::read(entry).unwrap(), fs::read(proof).unwrap());
    let fetch = async || scene.read("anchor.fetch", json!({ "target": "anchors", "run": one })).await.unwrap();
    let of_run = async || verify(&scene, json!({ "runs": [one] })).await;

    fs::remove_file(entry).unwrap();
    assert_eq!(fetch().await["problems"][0]["code"], "no_entry");
    assert_eq!(failing(&of_run().await["items"][0]), ["anchor"]);
    fs::write(entry, "{}").unwrap();
    assert!(failing(&of_run().await["items"][0]).contains(&"inclusion"));
    fs::remove_file(entry).unwrap();
    fs::write(entry, &entry_was).unwrap();
    overwrite(proof, "nothing\n");
    assert_eq!(fetch().await["problems"][0]["code"], "not_an_anchor");
    assert!(failing(&of_run().await["items"][0]).contains(&"format"));
    let claim = export(&scene, &one).await["claim"].clone();
    assert_eq!(scene.trial.apply("anchor.store", storing(&one, &claim)).await.unwrap_err().code, "exists");
    // A handing over that was cut off before the proof is finished.
    fs::remove_file(proof).unwrap();
    assert_eq!(counts(&of_run().await), [1, 1, 0]);
    store(&scene, &one).await;
    assert_eq!(fs::read(proof).unwrap(), proof_was);
    assert_eq!(counts(&of_run().await), [1, 0, 0]);
}

#[tokio::test]
async fn one_proof_is_judged_with_the_entry_beside_it() {
    let scene = scene();
    let one = run(1).to_string();
    store(&scene, &one).await;
    let proof = files(&scene).pop().unwrap();
    let with = |more: Value| {
        let mut with = json!({ "path": proof, "ledger": "ledger", "runs": [one] });
        with.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        with
    };
    assert_eq!(counts(&scene.read("anchor.verify", with(json!({}))).await.unwrap()), [1, 0, 0]);
    let old = scene.read("anchor.verify", with(json!({ "max_age": "1h" }))).await.unwrap();
    assert_eq!(failing(&old["items"][0]), ["age"]);
    let other = scene.read("anchor.verify", with(json!({ "runs": [run(2).to_string()] }))).await.unwrap();
    assert_eq!(failing(&other["items"][0]), ["run"]);
    let staged = scene.read("anchor.verify", with(json!({ "covers_stage": "s1" }))).await;
    assert_eq!(staged.unwrap_err().code, "bad_input");
    let nowhere = scene.read("anchor.verify", with(json!({ "path": "nowhere.tlog-proof" }))).await;
    assert_eq!(nowhere.unwrap_err().code, "not_found");
}
