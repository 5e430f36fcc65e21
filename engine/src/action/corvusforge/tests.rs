//! Corvusforge projects made by the tests: plugins with packages, artifacts, waivers, settings; good ones and others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::action::Reconciled;
use crate::action::ledger::tests::Scene;
use crate::id::Digest;
use crate::procedure::TargetKind;
use crate::sign::service_key::{Form, ServiceKey};
use crate::target::corvusforge::places::artifact_path;
use crate::target::corvusforge::tests::writer;
use crate::target::corvusforge::tests::writer::runs::{MAIN_RUN, WAIVED_RUN};

pub(in crate::action) const REGISTRY: &str = "project/.corvusforge/plugins/registry.json";
pub(in crate::action) const PACKAGE: &str = "project/.corvusforge/plugins/installed/sink-1.0.0";
const STORE: &str = "project/.corvusforge/artifacts";

pub(in crate::action) fn plugin_key() -> ServiceKey {
    ServiceKey::from_seed(&[3; 32])
}

pub(in crate::action) fn waiver_key() -> ServiceKey {
    ServiceKey::from_seed(&[4; 32])
}

pub(in crate::action) fn public(key: &ServiceKey) -> String {
    hex::encode(key.public())
}

fn entry(name: &str, metadata: &Value, signature: &str) -> Value {
    json!({
        "author": "x", "description": "", "enabled": true, "entry_point": "m:C", "installed_at": "2026-02-26T12:01:00Z",
        "kind": "sink", "metadata": metadata, "name": name, "plugin_id": "plg-000000000001", "signature": signature,
        "verified": false, "version": "1.0.0",
    })
}

/// Two plugins: `plain` without files, and `sink` with a package; settings, store, keys.
pub(in crate::action) fn project() -> Scene {
    let mut scene = Scene::example();
    let trial = &scene.trial;
    let files = json!({
        "manifest.json": Digest::of(b"{}").hex(), "plugin.py": Digest::of(b"class C: pass\n").hex(),
    });
    let manifest = Digest::of(files.to_string().as_bytes()).hex().to_owned();
    let signed = |text: &str| hex::encode(plugin_key().sign(text.as_bytes()));
    let plain = signed(r#"{"entry_point":"m:C","name":"plain","version":"1.0.0"}"#);
    let registry = json!({
        "plain": entry("plain", &json!({}), &plain),
        "sink": entry("sink", &json!({ "files": files, "manifest_hash": manifest }), &signed(&manifest)),
    });
    trial.file(REGISTRY, registry.to_string());
    trial.file(&format!("{PACKAGE}/manifest.json"), "{}");
    trial.file(&format!("{PACKAGE}/plugin.py"), "class C: pass\n");
    trial.file(&format!("{PACKAGE}/signature.sig"), format!("{}\n", signed(&manifest)));
    let (root, waiver) = (public(&plugin_key()), public(&waiver_key()));
    trial.file(
        "project/.env",
        format!("CORVUSFORGE_ENVIRONMENT=production\nCORVUSFORGE_PLUGIN_TRUST_ROOT={root}\nCORVUSFORGE_WAIVER_SIGNING_KEY={waiver}\nOTHER=kept # so\n"),
    );
    for stage in ["a", "b"] {
        artifact(&scene, stage);
    }
    for (name, key) in [("PLUGIN", plugin_key()), ("WAIVER", waiver_key())] {
        let path = scene.trial.file(&format!("keys/{name}"), key.to_text(Form::Pem).as_bytes());
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    scene.bind("plugins", TargetKind::PluginRegistry, "corvusforge", json!({ "path": REGISTRY }));
    scene.bind("artifacts", TargetKind::ArtifactStore, "corvusforge", json!({ "path": STORE }));
    scene.bind("keys", TargetKind::SecretStore, "directory", json!({ "path": "keys" }));
    let trial = std::mem::replace(&mut scene.trial, crate::action::trial::Trial::new());
    scene.trial = trial.secret("plugin", "keys", "PLUGIN").secret("waiver", "keys", "WAIVER");
    scene
}

fn artifact(scene: &Scene, content: &str) -> String {
    let hash = Digest::of(content.as_bytes()).hex().to_owned();
    scene.trial.file(&format!("{STORE}/{}", artifact_path(&hash).display()), content);
    hash
}

async fn verify(scene: &Scene) -> Value {
    scene.read("corvusforge.plugin_verify", json!({ "target": "plugins" })).await.unwrap()
}

fn codes(item: &Value) -> Vec<&str> {
    item["problems"].as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn plugins_that_the_key_signed_verify_and_only_a_package_has_its_code_covered() {
    let found = verify(&project()).await;
    assert_eq!((&found["checked"], &found["failed"], &found["uncovered"]), (&json!(2), &json!(0), &json!(1)));
    assert_eq!((&found["verified"], &found["code_covered"]), (&json!(true), &json!(false)));
    let covers: Vec<&Value> = found["items"].as_array().unwrap().iter().map(|item| &item["covers"]).collect();
    assert_eq!(covers, [&json!("entry"), &json!("manifest")]);
}

#[tokio::test]
async fn code_that_was_changed_added_or_taken_away_is_found() {
    for change in ["plugin.py", "other.py"] {
        let scene = project();
        scene.trial.file(&format!("{PACKAGE}/{change}"), "import os\n");
        let found = verify(&scene).await;
        assert_eq!(found["wrong"], json!(["sink"]), "{change}");
        assert_eq!(codes(&found["items"][1]), ["package_changed", "signature_mismatch"]);
    }
    let scene = project();
    std::os::unix::fs::symlink("/etc/hostname", scene.trial.path(&format!("{PACKAGE}/link.py"))).unwrap();
    assert_eq!(codes(&verify(&scene).await["items"][1]), ["strange_file"]);
    let scene = project();
    fs::remove_dir_all(scene.trial.path(PACKAGE)).unwrap();
    assert!(codes(&verify(&scene).await["items"][1]).contains(&"package_missing"));
}

#[tokio::test]
async fn a_plugin_that_was_moved_or_is_unsigned_fails() {
    let scene = project();
    let text = String::from_utf8(scene.trial.content(REGISTRY)).unwrap();
    let mut registry: Value = serde_json::from_str(&text).unwrap();
    registry["plain"]["entry_point"] = json!("evil:C");
    scene.trial.file(REGISTRY, registry.to_string());
    assert_eq!(codes(&verify(&scene).await["items"][0]), ["signature_mismatch"]);
    registry["plain"]["signature"] = json!("");
    scene.trial.file(REGISTRY, registry.to_string());
    assert_eq!(codes(&verify(&scene).await["items"][0]), ["unsigned"]);
}

#[tokio::test]
async fn no_registry_no_key_and_no_plugin_are_errors_and_never_a_pass() {
    let mut scene = project();
    let code = |result: Result<Value, crate::action::Error>| result.unwrap_err().code;
    let with = json!({ "target": "plugins" });
    assert_eq!(
        code(scene.read("corvusforge.plugin_verify", json!({ "target": "plugins", "name": "x" })).await),
        "no_plugin"
    );
    scene.trial.file("project/.env", "CORVUSFORGE_ENVIRONMENT=production\n");
    assert_eq!(code(scene.read("corvusforge.plugin_verify", with.clone()).await), "no_trust_root");
    scene.trial.file(REGISTRY, "{");
    assert_eq!(code(scene.read("corvusforge.plugins", with.clone()).await), "bad_registry");
    fs::remove_file(scene.trial.path(REGISTRY)).unwrap();
    assert_eq!(code(scene.read("corvusforge.plugins", with.clone()).await), "not_found");
    scene.bind("plugins", TargetKind::PluginRegistry, "corvusforge", json!({ "path": "project/.corvusforge/plugins" }));
    let error = scene.read("corvusforge.plugins", with).await.unwrap_err();
    assert!(error.code == "bad_registry" && error.message.contains("is a folder"), "{error}");
}

#[tokio::test]
async fn plugins_are_listed_by_who_signed_them() {
    let scene = project();
    let count = async |with: Value| scene.read("corvusforge.plugins", with).await.unwrap()["count"].clone();
    assert_eq!(count(json!({ "target": "plugins" })).await, 2);
    assert_eq!(count(json!({ "target": "plugins", "signed_by": public(&plugin_key()) })).await, 2);
    assert_eq!(count(json!({ "target": "plugins", "signed_by": public(&waiver_key()) })).await, 0);
    assert_eq!(count(json!({ "target": "plugins", "name": "sink" })).await, 1);
    // What it signed before the code was changed is still what it signed.
    scene.trial.file(&format!("{PACKAGE}/plugin.py"), "import os\n");
    assert_eq!(count(json!({ "target": "plugins", "signed_by": public(&plugin_key()) })).await, 2);
}

#[tokio::test]
async fn a_plugin_is_disabled_once() {
    let scene = project();
    let with = json!({ "target": "plugins", "name": "sink" });
    let trial = &scene.trial;
    assert!(!trial.preview("corvusforge.plugin_disable", with.clone()).await.unwrap().no_change);
    assert!(matches!(trial.reconcile("corvusforge.plugin_disable", with.clone()).await, Ok(Reconciled::NotHappened)));
    let done = trial.apply("corvusforge.plugin_disable", with.clone()).await.unwrap();
    assert_eq!(done, json!({ "was_enabled": true, "version": "1.0.0" }));
    assert!(trial.preview("corvusforge.plugin_disable", with.clone()).await.unwrap().no_change);
    assert!(matches!(trial.reconcile("corvusforge.plugin_disable", with).await, Ok(Reconciled::Happened(_))));
    let registry: Value = serde_json::from_slice(&trial.content(REGISTRY)).unwrap();
    assert_eq!((&registry["sink"]["enabled"], &registry["plain"]["enabled"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn a_plugin_goes_with_its_files_and_never_another_version() {
    let scene = project();
    let trial = &scene.trial;
    let with = |version: &str| json!({ "target": "plugins", "name": "sink", "version": version });
    for (version, code) in [("2.0.0", "other_version"), ("../..", "bad_name")] {
        assert_eq!(trial.apply("corvusforge.plugin_remove", with(version)).await.unwrap_err().code, code);
    }
    let done = trial.apply("corvusforge.plugin_remove", with("1.0.0")).await.unwrap();
    assert_eq!(done, json!({ "existed": true, "files": ["manifest.json", "plugin.py", "signature.sig"] }));
    assert_eq!(fs::read_dir(trial.path(PACKAGE)).unwrap().count(), 0);
    assert!(trial.preview("corvusforge.plugin_remove", with("1.0.0")).await.unwrap().no_change);
    assert!(matches!(trial.reconcile("corvusforge.plugin_remove", with("1.0.0")).await, Ok(Reconciled::Happened(_))));
}

#[tokio::test]
async fn production_is_judged_by_the_file_that_the_deployment_starts_with() {
    let scene = project();
    let guard = async || scene.read("corvusforge.production_guard", json!({ "target": "plugins" })).await.unwrap();
    assert_eq!(guard().await["passed"], true);
    scene.trial.file("project/.env", "CORVUSFORGE_ENVIRONMENT=Production\n");
    let found = guard().await;
    assert_eq!((&found["passed"], &found["environment"]), (&json!(false), &json!("Production")));
    fs::remove_file(scene.trial.path("project/.env")).unwrap();
    let error = scene.read("corvusforge.production_guard", json!({ "target": "plugins" })).await.unwrap_err();
    assert_eq!(error.code, "not_found");
}

#[tokio::test]
async fn artifacts_that_are_damaged_missing_misplaced_or_extra_are_told_apart() {
    let scene = project();
    let look = async |with: Value| scene.read("corvusforge.artifacts_verify", with).await.unwrap();
    let alone = look(json!({ "target": "artifacts" })).await;
    assert_eq!((&alone["sound"], &alone["checked"], &alone["unnamed"]), (&json!(true), &json!(2), &json!(2)));
    let with = json!({ "target": "artifacts", "ledger": "ledger" });
    let missing = look(with.clone()).await;
    assert_eq!((&missing["sound"], &missing["named"]), (&json!(false), &json!(9)));
    assert_eq!(missing["missing"].as_array().unwrap().len(), 9);
    let damaged = artifact(&scene, "a");
    scene.trial.file(&format!("{STORE}/{}", artifact_path(&damaged).display()), "A");
    let misplaced = artifact(&scene, "b");
    let from = scene.trial.path(&format!("{STORE}/{}", artifact_path(&misplaced).display()));
    fs::rename(from, scene.trial.path(&format!("{STORE}/{misplaced}.dat"))).unwrap();
    scene.trial.file(&format!("{STORE}/notes.txt"), "notes");
    let found = look(json!({ "target": "artifacts" })).await;
    assert_eq!(found["damaged"][0]["sha256"], json!(damaged));
    assert_eq!(found["misplaced"][0]["found"], json!(format!("{misplaced}.dat")));
    assert_eq!((&found["extra"], &found["sound"]), (&json!(["notes.txt"]), &json!(false)));
}

#[tokio::test]
async fn an_empty_store_is_not_sound_and_a_missing_one_is_an_error() {
    let scene = project();
    fs::remove_dir_all(scene.trial.path(STORE)).unwrap();
    let with = json!({ "target": "artifacts" });
    assert_eq!(scene.read("corvusforge.artifacts_verify", with.clone()).await.unwrap_err().code, "not_found");
    fs::create_dir(scene.trial.path(STORE)).unwrap();
    assert_eq!(scene.read("corvusforge.artifacts_verify", with).await.unwrap()["sound"], false);
}

#[tokio::test]
async fn stages_say_what_they_wait_for_and_what_a_waiver_did_not_unblock() {
    let scene = project();
    let look = async |run: &str| scene.read("corvusforge.stages", json!({ "target": "ledger", "run": run })).await;
    let main = look(MAIN_RUN).await.unwrap();
    assert_eq!((&main["blocked"], &main["failed"]), (&json!([]), &json!([])));
    let waived = look(WAIVED_RUN).await.unwrap();
    assert_eq!(waived["blocked"], json!(["s6_verification", "s7_release"]));
    assert_eq!(waived["stuck"], json!(["s6_verification"]));
    assert_eq!(waived["stages"][9]["prerequisites"][0]["met"], false);
    assert_eq!(look("cf-nobody").await.unwrap_err().code, "no_run");
}

fn waiver() -> Value {
    json!({
        "target": "artifacts", "scope": "s575_security", "justification": "false positive, SEC-7",
        "approving_identity": "carol@example.org", "risk_classification": "high", "expiration": "2030-01-01T00:00:00Z",
        "key": { "$secret": "waiver" }, "public": public(&waiver_key()),
    })
}

#[tokio::test]
async fn a_waiver_is_signed_once_found_again_and_verified() {
    let scene = project();
    let trial = &scene.trial;
    trial.preview("corvusforge.waiver_sign", waiver()).await.unwrap();
    let made = trial.apply("corvusforge.waiver_sign", waiver()).await.unwrap();
    assert_eq!(trial.apply("corvusforge.waiver_sign", waiver()).await.unwrap(), made);
    assert!(
        matches!(trial.reconcile("corvusforge.waiver_sign", waiver()).await, Ok(Reconciled::Happened(found)) if found == made)
    );
    let listed = scene.read("corvusforge.waivers", json!({ "target": "artifacts" })).await.unwrap();
    assert_eq!((&listed["count"], &listed["waivers"][0]["address"]), (&json!(1), &made["address"]));
    let verify = async |with: Value| scene.read("corvusforge.waiver_verify", with).await.unwrap();
    let good = verify(json!({ "target": "artifacts", "registry": "plugins", "scope": "s575_security" })).await;
    assert_eq!((&good["verified"], &good["checked"]), (&json!(true), &json!(1)));
    let late = verify(json!({ "target": "artifacts", "registry": "plugins", "at": "2031-01-01T00:00:00Z" })).await;
    assert_eq!((&late["verified"], &late["items"][0]["expired"]), (&json!(false), &json!(true)));
    let long = verify(json!({ "target": "artifacts", "registry": "plugins", "max_for": "30d" })).await;
    assert_eq!((&long["verified"], &long["items"][0]["too_long"]), (&json!(false), &json!(true)));
    let other = verify(json!({ "target": "artifacts", "public_key": public(&plugin_key()) })).await;
    assert_eq!((&other["verified"], &other["failed"]), (&json!(false), &json!(1)));
    let none = verify(json!({ "target": "artifacts", "registry": "plugins", "scope": "s0_intake" })).await;
    assert_eq!((&none["verified"], &none["checked"]), (&json!(false), &json!(0)));
}

#[tokio::test]
async fn a_waiver_with_the_wrong_key_stage_or_time_is_not_made() {
    let scene = project();
    for (name, value, code) in [
        ("public", json!(public(&plugin_key())), "other_key"),
        ("scope", json!("s99"), "bad_input"),
        ("expiration", json!("1969-01-01T00:00:00Z"), "bad_input"),
        ("justification", json!(" "), "bad_input"),
    ] {
        let mut with = waiver();
        with[name] = value;
        assert_eq!(scene.trial.apply("corvusforge.waiver_sign", with).await.unwrap_err().code, code, "{name}");
    }
}

#[tokio::test]
async fn an_appended_entry_names_its_payload_and_is_there_once() {
    let scene = project();
    let trial = &scene.trial;
    let with = json!({
        "target": "ledger", "run": "system", "stage": "plugin_revocation", "transition": "enabled->revoked",
        "payload": { "plugin": "sink", "reason": "malicious" }, "artifacts": "artifacts",
    });
    trial.preview("ledger.append", with.clone()).await.unwrap();
    assert!(matches!(trial.reconcile("ledger.append", with.clone()).await, Ok(Reconciled::NotHappened)));
    let done = trial.apply("ledger.append", with.clone()).await.unwrap();
    assert_eq!(trial.apply("ledger.append", with.clone()).await.unwrap(), done);
    assert!(matches!(trial.reconcile("ledger.append", with.clone()).await, Ok(Reconciled::Happened(_))));
    let report = scene.read("ledger.verify", json!({ "target": "ledger" })).await.unwrap();
    assert_eq!((&report["sound"], &report["entries"]), (&json!(true), &json!(45)));
    let entries = scene.read("ledger.entries", json!({ "target": "ledger", "run": "system" })).await.unwrap();
    assert_eq!(entries["entries"][0]["artifact_references"][0], done["payload"]);
    let hash = done["payload"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let kept = trial.content(&format!("{STORE}/{}", artifact_path(hash).display()));
    assert_eq!(kept, br#"{"plugin":"sink","reason":"malicious"}"#);
    let mut bad = with;
    bad["transition"] = json!("revoked");
    assert_eq!(trial.apply("ledger.append", bad).await.unwrap_err().code, "bad_input");
}

#[tokio::test]
async fn nothing_is_appended_to_a_broken_ledger() {
    let scene = project();
    fs::remove_file(scene.ledger()).unwrap();
    let plan = writer::Plan { tamper: Some(writer::Tamper::Edited), ..Default::default() };
    writer::write(&scene.ledger(), &plan).unwrap();
    let before = scene.project();
    let with = json!({
        "target": "ledger", "run": "system", "stage": "x", "transition": "a->b", "payload": {}, "artifacts": "artifacts",
    });
    assert_eq!(scene.trial.apply("ledger.append", with).await.unwrap_err().code, "unsound");
    assert_eq!(scene.project(), before);
}

#[tokio::test]
async fn a_restore_leaves_no_trace_of_the_log_and_can_be_taken_back() {
    let mut scene = Scene::with_log();
    scene.bind("ledger", TargetKind::Ledger, "corvusforge", json!({ "path": "project/.corvusforge/ledger.db" }));
    let trial = &scene.trial;
    fs::create_dir(trial.path("backup")).unwrap();
    writer::write(&trial.path("backup/ledger.db"), &writer::Plan::default()).unwrap();
    let with = json!({ "target": "ledger", "from": "backup/ledger.db", "kept": ["evidence"] });
    assert_eq!(trial.apply("ledger.restore", with.clone()).await.unwrap_err().code, "not_found");
    let nowhere = json!({ "target": "ledger", "from": "backup/ledger.db", "kept": [] });
    assert_eq!(trial.apply("ledger.restore", nowhere).await.unwrap_err().code, "not_kept");
    trial.apply("ledger.snapshot", json!({ "target": "ledger", "to": "evidence" })).await.unwrap();
    let wal = crate::action::ledger::tests::beside(&scene.ledger(), "-wal");
    let (old, log) = (fs::read(scene.ledger()).unwrap(), fs::read(&wal).unwrap());
    trial.preview("ledger.restore", with.clone()).await.unwrap();
    let done = trial.apply("ledger.restore", with.clone()).await.unwrap();
    assert_eq!(done["removed"].as_array().unwrap().len(), 1);
    assert!(!wal.exists());
    assert_eq!(fs::read(scene.ledger()).unwrap(), trial.content("backup/ledger.db"));
    assert!(matches!(trial.reconcile("ledger.restore", with).await, Ok(Reconciled::Happened(_))));
    let back = json!({ "target": "ledger", "from": "evidence", "kept": ["backup/ledger.db"] });
    trial.apply("ledger.restore", back).await.unwrap();
    assert_eq!((fs::read(scene.ledger()).unwrap(), fs::read(&wal).unwrap()), (old, log));
}

#[tokio::test]
async fn a_restore_that_stopped_half_way_is_done_again() {
    let scene = project();
    let trial = &scene.trial;
    fs::create_dir(trial.path("backup")).unwrap();
    fs::copy(scene.ledger(), trial.path("backup/ledger.db")).unwrap();
    trial.apply("ledger.snapshot", json!({ "target": "ledger", "to": "evidence" })).await.unwrap();
    fs::remove_file(scene.ledger()).unwrap();
    let with = json!({ "target": "ledger", "from": "backup/ledger.db", "kept": ["evidence"] });
    assert!(matches!(trial.reconcile("ledger.restore", with.clone()).await, Ok(Reconciled::NotHappened)));
    trial.apply("ledger.restore", with.clone()).await.unwrap();
    assert_eq!(fs::read(scene.ledger()).unwrap(), trial.content("backup/ledger.db"));
    let held = fs::File::open(scene.ledger()).unwrap();
    assert_eq!(trial.apply("ledger.restore", with).await.unwrap_err().code, "held");
    drop(held);
}
