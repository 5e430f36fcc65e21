//! Logs of JSON Lines as ledgers: what the actions make of `hash_chain` and `digest_log`.

use super::*;

const AUDIT: &str = r#"{"ts":"2026-11-20T09:42:42.725743+00:00","scenario_id":"scn-1","event_type":"made","actor":"a","correlation_id":null,"details":{},"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000","entry_hash":"HASH"}"#;
const HASHED: &str = r#"{"actor":"a","correlation_id":null,"details":{},"event_type":"made","prev_hash":"0000000000000000000000000000000000000000000000000000000000000000","scenario_id":"scn-1","ts":"2026-11-20T09:42:42.725743+00:00"}"#;
const EVENT: &str = r#"{"deviation":0.3,"level":"critical","ts":1764550000}"#;

fn sha256(text: &str) -> String {
    crate::id::Digest::of(text.as_bytes()).hex().to_owned()
}

/// A workspace with an audit log, a sealed event log, and targets on both.
fn scene() -> Scene {
    let mut scene = Scene::example();
    let audit = format!("{}\n", AUDIT.replace("HASH", &sha256(HASHED)));
    scene.trial.file("forge/audit.jsonl", &audit);
    scene.trial.file("mvcrs/challenge_events.jsonl", format!("{EVENT}\n"));
    let seal = json!({ "chain_hash": sha256(EVENT), "count": 1, "last_updated": 1 }).to_string();
    scene.trial.file("mvcrs/challenges_chain_meta.json", &seal);
    scene.bind("audit", TargetKind::Ledger, "hash_chain", json!({ "path": "forge/audit.jsonl", "recipe": "audit" }));
    scene.bind("events", TargetKind::Ledger, "digest_log", json!({ "path": "mvcrs/challenge_events.jsonl" }));
    scene
}

#[tokio::test]
async fn both_are_judged_like_every_ledger() {
    let scene = scene();
    for (target, driver, dialect) in [("audit", "hash_chain", json!("audit")), ("events", "digest_log", json!(null))] {
        let report = scene.read("ledger.verify", json!({ "target": target })).await.unwrap();
        assert_eq!(
            (&report["status"], &report["driver"], &report["dialect"], &report["entries"], &report["problems"]),
            (&json!("self_consistent_only"), &json!(driver), &dialect, &json!(1), &json!([]))
        );
    }
    let with = json!({ "target": "audit", "runs": ["scn-1"] });
    assert_eq!(scene.read("ledger.verify", with).await.unwrap()["sound"], true);
    let with = json!({ "target": "audit", "runs": ["scn-2"] });
    assert_eq!(scene.read("ledger.verify", with).await.unwrap()["status"], "empty");
}

#[tokio::test]
async fn a_log_that_was_never_sealed_is_sound_and_the_subject_follows_the_seal() {
    let scene = scene();
    let before = scene.read("ledger.verify", json!({ "target": "events" })).await.unwrap();
    scene.trial.file("mvcrs/challenge_events.jsonl", "");
    scene.trial.file("mvcrs/challenges_chain_meta.json", r#"{"last_updated": null, "count": 0, "chain_hash": ""}"#);
    let virgin = scene.read("ledger.verify", json!({ "target": "events" })).await.unwrap();
    assert_eq!((&virgin["status"], &virgin["sound"]), (&json!("never_sealed"), &json!(true)));
    fs::remove_file(scene.trial.path("mvcrs/challenges_chain_meta.json")).unwrap();
    let unsealed = scene.read("ledger.verify", json!({ "target": "events" })).await.unwrap();
    assert_eq!((&unsealed["status"], &unsealed["sound"]), (&json!("anchor_missing"), &json!(false)));
    let subjects = [&before["subject"], &virgin["subject"], &unsealed["subject"]];
    assert!(subjects[0] != subjects[1] && subjects[1] != subjects[2], "{subjects:?}");
}

#[tokio::test]
async fn with_heads_that_were_recorded_a_log_is_ok_cut_or_another() {
    let mut scene = scene();
    scene.trial.file("vault/notes.txt", "nobody's anchor\n");
    scene.bind("vault", TargetKind::AnchorStore, "directory", json!({ "path": "vault", "trust": "low" }));
    let head = |driver: &str, recipe: Value, head: String, at: &str| {
        let mut said = json!({ "driver": driver, "entries": 1, "head": head, "at": at });
        if !recipe.is_null() {
            said["recipe"] = recipe;
        }
        said.to_string()
    };
    let at = "2026-11-20T09:50:00.000000Z";
    scene.trial.file("heads/audit/1.json", head("hash_chain", json!("audit"), sha256(HASHED), at));
    scene.trial.file("heads/events.json", head("digest_log", Value::Null, sha256(EVENT), at));
    let judge = |target: &str, heads: &str| {
        let with = json!({ "target": target, "heads": [heads] });
        let scene = &scene;
        async move { scene.read("ledger.verify", with).await.unwrap() }
    };
    // A file, and a folder of files.
    for (target, heads) in [("audit", "heads/audit"), ("audit", "heads/audit/1.json"), ("events", "heads/events.json")]
    {
        let report = judge(target, heads).await;
        assert_eq!((&report["status"], &report["sound"]), (&json!("ok"), &json!(true)), "{report:#}");
        assert_eq!(report["anchors"][0]["size"], 1, "{report:#}");
    }
    let sound = judge("events", "heads/events.json").await["subject"].clone();

    // A head of another log, one that is not there, and an empty folder are no anchors.
    for (target, heads) in [("audit", "heads/events.json"), ("audit", "heads/none.json"), ("events", "heads/audit")] {
        assert_eq!(judge(target, heads).await["status"], "anchor_missing", "{target} {heads}");
    }
    let missing = judge("events", "heads/none.json").await;
    assert_ne!(missing["subject"], sound);

    // Another history of the same length, sealed as it should be, and a shorter one.
    let other = EVENT.replace("0.3", "0.2");
    scene.trial.file("mvcrs/challenge_events.jsonl", format!("{other}\n"));
    let seal = json!({ "chain_hash": sha256(&other), "count": 1, "last_updated": 1 }).to_string();
    scene.trial.file("mvcrs/challenges_chain_meta.json", seal);
    assert_eq!(scene.read("ledger.verify", json!({ "target": "events" })).await.unwrap()["sound"], true);
    assert_eq!(judge("events", "heads/events.json").await["status"], "fork");
    let two = json!({ "driver": "hash_chain", "recipe": "audit", "entries": 2, "head": sha256("x"), "at": at });
    scene.trial.file("heads/two.json", two.to_string());
    assert_eq!(judge("audit", "heads/two.json").await["status"], "truncated");

    // An old one is stale, and none at all is not new enough.
    let old = head("hash_chain", json!("audit"), sha256(HASHED), "2020-01-01T00:00:00.000000Z");
    scene.trial.file("heads/old.json", old);
    for heads in [json!(["heads/old.json"]), json!([])] {
        let with = json!({ "target": "audit", "heads": heads, "max_age": "24h" });
        assert_eq!(scene.read("ledger.verify", with).await.unwrap()["status"], "anchor_stale");
    }
    for with in [
        json!({ "target": "audit", "heads": ["heads/old.json"], "anchors": ["vault"] }),
        json!({ "target": "ledger", "heads": ["heads/old.json"] }),
    ] {
        let refused = scene.read("ledger.verify", with.clone()).await.unwrap_err();
        assert_eq!(refused.code, "unsupported_driver", "{with}: {refused:?}");
    }
}

#[tokio::test]
async fn runs_are_listed_where_there_are_any() {
    let scene = scene();
    let listed = scene.read("ledger.list_runs", json!({ "target": "audit" })).await.unwrap();
    assert_eq!((&listed["count"], &listed["runs"][0]["run"]), (&json!(1), &json!("scn-1")));
    assert_eq!(listed["runs"][0]["first_at"], "2026-11-20T09:42:42.725743Z");
    for (action, with) in [
        ("ledger.list_runs", json!({ "target": "events" })),
        ("ledger.verify", json!({ "target": "events", "runs": ["x"] })),
        ("ledger.entries", json!({ "target": "events", "run": "x" })),
    ] {
        assert_eq!(scene.read(action, with).await.unwrap_err().code, "no_runs", "{action}");
    }
}

#[tokio::test]
async fn lines_are_shown_with_their_numbers_and_filtered_by_time() {
    let scene = scene();
    let listed = scene.read("ledger.entries", json!({ "target": "events" })).await.unwrap();
    assert_eq!(
        listed["entries"][0],
        json!({ "line": 1, "entry": { "deviation": 0.3, "level": "critical", "ts": 1764550000 } })
    );
    let since = json!({ "target": "events", "since": "2025-12-02T00:00:00Z" });
    assert_eq!(scene.read("ledger.entries", since).await.unwrap()["count"], 0);
    let of_run = json!({ "target": "audit", "run": "scn-1" });
    assert_eq!(scene.read("ledger.entries", of_run).await.unwrap()["entries"][0]["entry"]["event_type"], "made");
    for with in [json!({ "target": "audit", "stage": "x" }), json!({ "target": "audit", "trust_fingerprint": "x" })] {
        assert_eq!(scene.read("ledger.entries", with).await.unwrap_err().code, "bad_input");
    }
    scene.trial.file("forge/audit.jsonl", "{\"torn\n");
    let torn = scene.read("ledger.entries", json!({ "target": "audit" })).await.unwrap();
    assert_eq!(torn["entries"][0]["entry"], "{\"torn");
    assert!(torn["entries"][0]["problems"][0].as_str().unwrap().contains("no JSON"), "{torn}");
}

#[tokio::test]
async fn a_snapshot_takes_the_seal_along_and_is_judged_with_it() {
    let scene = scene();
    let taken = scene.trial.apply("ledger.snapshot", json!({ "target": "events", "to": "evidence" })).await.unwrap();
    let names: Vec<_> = taken["files"].as_array().unwrap().iter().map(|file| file["name"].clone()).collect();
    assert_eq!(names, [json!("challenge_events.jsonl"), json!("challenges_chain_meta.json")]);
    assert_eq!((&taken["entries"], &taken["identical"]), (&json!(1), &json!(true)));
    // The log goes on; its evidence is compared with the seal that lies beside it.
    scene.trial.file("mvcrs/challenge_events.jsonl", "{}\n");
    let with = json!({ "target": "events", "path": taken["database"] });
    assert_eq!(scene.read("ledger.verify", with).await.unwrap()["sound"], true);
    let taken = scene.trial.apply("ledger.snapshot", json!({ "target": "audit", "to": "other" })).await.unwrap();
    assert_eq!((&taken["files"].as_array().unwrap().len(), &taken["entries"]), (&1, &json!(1)));
}

#[tokio::test]
async fn who_has_log_or_seal_open_is_told() {
    let scene = scene();
    let _seal = fs::File::open(scene.trial.path("mvcrs/challenges_chain_meta.json")).unwrap();
    let held = scene.read("ledger.holders", json!({ "target": "events" })).await.unwrap();
    assert_eq!((&held["count"], &held["holders"][0]["pid"]), (&json!(1), &json!(std::process::id())));
    assert_eq!(scene.read("ledger.holders", json!({ "target": "audit" })).await.unwrap()["count"], 0);
}

#[test]
fn settings_are_those_of_the_driver() {
    let scene = scene();
    let refused = |driver: &str, settings: Value| {
        scene.binding("ledger", TargetKind::Ledger, driver, settings).unwrap_err().to_string()
    };
    let path = "forge/audit.jsonl";
    assert!(refused("hash_chain", json!({ "path": path })).contains("recipe"));
    assert!(refused("hash_chain", json!({ "path": path, "recipe": "other" })).contains("other"));
    assert!(refused("hash_chain", json!({ "path": path, "recipe": "audit", "seal": "x" })).contains("seal"));
    assert!(refused("digest_log", json!({ "path": path, "recipe": "audit" })).contains("recipe"));
    assert!(
        refused("digest_log", json!({ "path": path, "seal": "other/audit.jsonl" })).contains("a file name of its own")
    );
    let bound = scene.binding("l", TargetKind::Ledger, "digest_log", json!({ "path": "state/e.jsonl" })).unwrap();
    let seal = scene.trial.path("state/challenges_chain_meta.json");
    assert_eq!(bound.visible()["seal"], json!(seal.to_str().unwrap()));
}

#[tokio::test]
async fn anchors_of_other_systems_are_refused() {
    let scene = scene();
    let with = json!({ "target": "audit", "run": "scn-1" });
    assert_eq!(scene.read("anchor.export", with).await.unwrap_err().code, "unsupported_driver");
}
