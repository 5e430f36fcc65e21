//! What was left half-way goes on from there or is put back, and the guards that stop the others before they begin.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use engine::event::state::RunStatus;
use engine::execute::resume::Purpose;
use engine::id::Digest;
use engine::plan::Status;
use engine::procedure::Environment;
use engine::target::corvusforge::places::artifact_path;
use serde_json::{Value, json};

use crate::plugins::{self, PACKAGE, REGISTRY};
use crate::site::{Site, advice, answer, failure};
use crate::writer::runs::{MAIN_RUN, WAIVED_RUN, artifact};
use crate::writer::{self, Plan, Tamper};

const STORE: &str = "project/.corvusforge/artifacts";

/// Somebody puts a folder in the place of the registry when this step is about to be done; gives what it held.
fn loses_its_registry(site: &mut Site, before: &'static str) -> Vec<u8> {
    let path = site.path(REGISTRY);
    let held = fs::read(&path).unwrap();
    site.meanwhile = Some(Box::new(move |what, step| {
        if (what, step) == ("step.intent", before) && path.is_file() {
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
        }
    }));
    held
}

fn gets_it_back(site: &mut Site, held: &[u8]) {
    site.meanwhile = None;
    fs::remove_dir(site.path(REGISTRY)).unwrap();
    fs::write(site.path(REGISTRY), held).unwrap();
}

fn registered(site: &Site) -> Value {
    serde_json::from_slice::<Value>(&fs::read(site.path(REGISTRY)).unwrap()).unwrap()["sink"].clone()
}

/// A backup of the ledger from before its last runs, and what a restore is told of it.
fn older_backup(site: &Site) -> Value {
    let path = site.path("backup.db");
    writer::write(&path, &Plan { runs: 1, ..Plan::default() }).unwrap();
    let sha256 = Digest::of(&fs::read(path).unwrap()).hex().to_owned();
    json!({ "backup": "backup.db", "backup_sha256": sha256, "without_anchors": true })
}

fn accepting(site: &mut Site, accepted: bool) {
    let said = json!({ "accepted": accepted, "note": "24 entries of two open runs" });
    site.people.0.insert("accept_loss", answer(&said, None));
}

#[tokio::test]
async fn a_ledger_is_put_back_where_its_loss_is_not_accepted_or_an_anchor_shows_more() {
    let mut site = Site::example();
    let (given, before) = (older_backup(&site), fs::read(site.corvus()).unwrap());
    accepting(&mut site, false);
    let ended = site.run("restore_ledger", given.clone()).await;
    // What was kept stays kept, so not all of it is undone.
    assert_eq!((ended.status, advice(&ended)), (RunStatus::Stuck, "The loss was not accepted"));
    assert_eq!((fs::read(site.corvus()).unwrap(), site.names("quarantine").len()), (before, 1));

    // An anchor of a run that the backup lacks comes back while it is put in place.
    let mut site = Site::example();
    let (given, before) = (older_backup(&site), fs::read(site.corvus()).unwrap());
    let exported = site.run("export_anchor", json!({ "run": WAIVED_RUN })).await;
    assert_eq!(exported.status, RunStatus::Succeeded, "{:?}", exported.failure);
    let (anchors, aside) = (site.path("anchors"), site.path("aside"));
    fs::rename(&anchors, &aside).unwrap();
    site.meanwhile = Some(Box::new(move |what, step| {
        if (what, step) == ("step.intent", "place") && aside.exists() {
            fs::rename(&aside, &anchors).unwrap();
        }
    }));
    let ended = site.run("restore_ledger", given).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Stuck, "anchored"), "{:?}", ended.failure);
    assert_eq!(advice(&ended), "The backup does not reach its anchors");
    assert_eq!((fs::read(site.corvus()).unwrap(), site.names("quarantine").len()), (before, 1));
}

#[tokio::test]
async fn a_restored_ledger_waits_for_its_loss_to_be_accepted_and_is_not_restored_twice() {
    let mut site = Site::example();
    let given = older_backup(&site);
    let ended = site.run("restore_ledger", given).await;
    assert_eq!(ended.status, RunStatus::Suspended, "{:?}", ended.failure);
    // The backup is in place, and is not needed any more.
    let restored = fs::read(site.path("backup.db")).unwrap();
    assert_eq!(fs::read(site.corvus()).unwrap(), restored);
    fs::remove_file(site.path("backup.db")).unwrap();
    accepting(&mut site, true);
    let ended = site.go_on("restore_ledger", &ended.run.id, Purpose::Resume).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!((fs::read(site.corvus()).unwrap(), site.names("quarantine").len()), (restored, 1));
}

#[tokio::test]
async fn what_was_there_is_not_kept_in_the_project_nor_damaged_files_in_their_store() {
    let site = Site::example();
    let mut given = older_backup(&site);
    given["quarantine"] = json!("project/kept");
    let before = site.project();
    let ended = site.run("restore_ledger", given).await;
    assert_eq!((ended.status, failure(&ended)), (RunStatus::Refused, ("guard", "quarantine_outside")));
    assert_eq!(advice(&ended), "What was there would be kept inside the project");
    assert_eq!(site.project(), before);

    let (site, damaged, _) = damaged_store();
    let before = site.project();
    let given = json!({ "backup": "backup", "quarantine": format!("{STORE}/damaged") });
    let ended = site.run("restore_artifacts", given).await;
    assert_eq!((ended.status, failure(&ended)), (RunStatus::Refused, ("guard", "quarantine_outside")));
    assert_eq!(advice(&ended), "Damaged files would be kept in the store");
    assert_eq!((site.project(), fs::read(damaged).unwrap()), (before, b"half".to_vec()));
}

/// A store with one damaged file and one missing, and a whole backup.
fn damaged_store() -> (Site, PathBuf, PathBuf) {
    let site = Site::example();
    for store in [STORE, "backup"] {
        writer::write_artifacts(&site.path(store)).unwrap();
    }
    let path = |stage: &str| artifact_path(Digest::of(artifact(MAIN_RUN, stage).as_bytes()).hex());
    let (damaged, gone) = (site.path(STORE).join(path("s1_prerequisites")), path("s7_release"));
    fs::write(&damaged, "half").unwrap();
    fs::remove_file(site.path(STORE).join(&gone)).unwrap();
    (site, damaged, gone)
}

#[tokio::test]
async fn a_backup_that_lacks_an_artifact_leaves_what_was_put_back_and_another_one_brings_the_rest() {
    let (site, damaged, gone) = damaged_store();
    let (stored, kept) = (site.path(STORE).join(&gone), site.path("backup").join(&gone));
    let content = fs::read(&kept).unwrap();
    fs::remove_file(&kept).unwrap();
    let ended = site.run("restore_artifacts", json!({ "backup": "backup" })).await;
    assert_eq!((ended.status, advice(&ended)), (RunStatus::Failed, "The backup lacks an artifact that is needed"));
    assert_eq!(fs::read(&damaged).unwrap(), artifact(MAIN_RUN, "s1_prerequisites").into_bytes());
    assert!(!stored.exists());
    // Something else by its name is not taken for it.
    fs::write(&kept, "another").unwrap();
    let again = site.go_on("restore_artifacts", &ended.run.id, Purpose::Resume).await;
    assert_eq!((again.status, stored.exists()), (RunStatus::Failed, false), "{:?}", again.failure);
    fs::write(&kept, &content).unwrap();
    let ended = site.go_on("restore_artifacts", &ended.run.id, Purpose::Resume).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!((fs::read(&stored).unwrap(), site.names("quarantine").len()), (content, 1));
}

#[tokio::test]
async fn a_plugin_that_could_not_be_disabled_or_removed_is_so_when_the_registry_is_back() {
    let mut site = plugins::site();
    let held = loses_its_registry(&mut site, "disable");
    let ended = site.run("disable_plugin", json!({ "name": "sink" })).await;
    assert_eq!(ended.status, RunStatus::Failed, "{:?}", ended.failure);
    assert!(ended.failure.as_ref().unwrap().message.contains("is a folder"), "{:?}", ended.failure);
    gets_it_back(&mut site, &held);
    let ended = site.go_on("disable_plugin", &ended.run.id, Purpose::Resume).await;
    assert_eq!((ended.status, &registered(&site)["enabled"]), (RunStatus::Succeeded, &json!(false)));

    let held = loses_its_registry(&mut site, "remove");
    let ended = site.run("remove_plugin", json!({ "name": "sink", "version": "1.0.0" })).await;
    assert_eq!(ended.status, RunStatus::Failed, "{:?}", ended.failure);
    assert_eq!(site.names(PACKAGE), ["manifest.json", "plugin.py", "signature.sig"], "nothing of it went");
    gets_it_back(&mut site, &held);
    let ended = site.go_on("remove_plugin", &ended.run.id, Purpose::Resume).await;
    assert_eq!((ended.status, registered(&site)), (RunStatus::Succeeded, Value::Null), "{:?}", ended.failure);
    assert!(site.names(PACKAGE).is_empty());
    assert_eq!(site.names("kept-plugins").len(), 1);
}

#[tokio::test]
async fn the_copies_of_a_removed_plugin_are_not_kept_among_the_packages() {
    let site = plugins::site();
    site.run("disable_plugin", json!({ "name": "sink" })).await;
    let before = site.project();
    let given = json!({ "name": "sink", "version": "1.0.0", "keep": "project/.corvusforge/plugins/installed/kept" });
    let ended = site.run("remove_plugin", given).await;
    assert_eq!((ended.status, failure(&ended)), (RunStatus::Refused, ("guard", "keep_elsewhere")));
    assert_eq!((advice(&ended), site.project()), ("The copies would lie among the packages", before));
}

#[tokio::test]
async fn a_revocation_that_could_not_be_recorded_leaves_the_plugin_disabled_and_is_recorded_once() {
    let mut site = plugins::site();
    site.people.0.insert("audit", answer(&json!({ "runs": [], "finding": "no run used it" }), None));
    let whole = fs::read(site.corvus()).unwrap();
    let (ledger, broken) = (site.corvus(), site.path("broken.db"));
    writer::write(&broken, &Plan { tamper: Some(Tamper::Edited), ..Plan::default() }).unwrap();
    let broken = fs::read(broken).unwrap();
    site.meanwhile = Some(Box::new(move |what, step| {
        if (what, step) == ("step.intent", "record") {
            fs::write(&ledger, &broken).unwrap();
        }
    }));
    let given = json!({ "name": "sink", "reason": "it sends tokens away", "ticket": "SEC-9" });
    let ended = site.run("revoke_plugin_trust", given).await;
    assert_eq!(ended.status, RunStatus::Failed, "{:?}", ended.failure);
    assert_eq!(registered(&site)["enabled"], false);
    site.meanwhile = None;
    fs::write(site.corvus(), whole).unwrap();
    let ended = site.go_on("revoke_plugin_trust", &ended.run.id, Purpose::Resume).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(recorded(&site, "plugin_revocation"), 1);
}

/// How many entries of Corvusforge's own ledger are of this stage.
fn recorded(site: &Site, stage: &str) -> i64 {
    let ledger = rusqlite::Connection::open(site.corvus()).unwrap();
    ledger.query_row("SELECT count(*) FROM run_ledger WHERE stage_id = ?", [stage], |row| row.get(0)).unwrap()
}

fn settings(site: &Site) -> String {
    fs::read_to_string(site.path("project/.env")).unwrap()
}

#[tokio::test]
async fn a_plugin_that_changes_while_keys_rotate_stops_it_before_the_new_key_is_trusted() {
    let mut site = plugins::site();
    site.people.0.insert("other_stores", answer(&json!({ "places": "none but CI" }), None));
    let before = settings(&site);
    let code = site.path(&format!("{PACKAGE}/plugin.py"));
    site.meanwhile = Some(Box::new(move |what, step| {
        if (what, step) == ("step.intent", "generate") {
            fs::write(&code, "import os\n").unwrap();
        }
    }));
    let ended = site.run("rotate_plugin_keys", json!({})).await;
    assert_eq!((ended.status, advice(&ended)), (RunStatus::Failed, "A plugin changed while it was signed"));
    assert_eq!(settings(&site), before);
    site.meanwhile = None;
    fs::write(site.path(&format!("{PACKAGE}/plugin.py")), "pass\n").unwrap();
    let key = fs::read(site.path("keys/PLUGIN_SIGNING_KEY_NEW")).unwrap();
    let ended = site.go_on("rotate_plugin_keys", &ended.run.id, Purpose::Resume).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_ne!(settings(&site), before);
    assert_eq!(fs::read(site.path("keys/PLUGIN_SIGNING_KEY_NEW")).unwrap(), key, "no second key was made");
}

fn compromised(site: &mut Site) -> Value {
    let key = site.path("ci/PLUGIN_KEY");
    fs::write(&key, hex::encode([3; 32])).unwrap();
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    let public = trusted(&site.path("project/.env"));
    let places = answer(&json!({ "places": "the laptop" }), Some(&Digest::of(public.as_bytes()).hex()[..16]));
    site.people.0.insert("other_keystores", places);
    json!({ "compromised": public, "role": "plugin", "since": "2026-01-01T00:00:00Z", "ticket": "SEC-9",
        "ci_key": "PLUGIN_KEY" })
}

/// The key by which plugins are trusted.
fn trusted(settings: &Path) -> String {
    let text = fs::read_to_string(settings).unwrap();
    text.lines().find_map(|line| line.strip_prefix("CORVUSFORGE_PLUGIN_TRUST_ROOT=")).unwrap().to_owned()
}

#[tokio::test]
async fn a_compromised_key_is_out_of_use_before_anybody_reviews_and_the_rest_follows_the_review() {
    let mut site = plugins::site();
    let given = compromised(&mut site);
    let old = given["compromised"].as_str().unwrap().to_owned();
    let ended = site.run("emergency_key_rotation", given).await;
    assert_eq!(ended.status, RunStatus::Suspended, "{:?}", ended.failure);
    assert!(!settings(&site).contains(&old) && site.names("ci").is_empty());
    assert_eq!((&registered(&site)["enabled"], recorded(&site, "key_revocation")), (&json!(false), 0));
    // What nobody vouches for is removed.
    let review = json!({ "resign": [], "forged": [], "note": "nobody knows this code" });
    site.people.0.insert("review", answer(&review, None));
    let ended = site.go_on("emergency_key_rotation", &ended.run.id, Purpose::Resume).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!((registered(&site), recorded(&site, "key_revocation")), (Value::Null, 1));
    assert_eq!((site.names("ci"), trusted(&site.path("project/.env")) == old), (vec!["PLUGIN_KEY".to_owned()], false));
}

#[tokio::test]
async fn no_key_is_rotated_in_a_deployment_that_was_downgraded() {
    let mut site = plugins::site();
    let given = compromised(&mut site);
    site.environment = Environment::Production;
    let text = settings(&site).replace("=production", "=development");
    fs::write(site.path("project/.env"), text).unwrap();
    let before = site.project();
    for (name, given) in [("emergency_key_rotation", given), ("rotate_plugin_keys", json!({}))] {
        let plan = site.plan(name, given).await.view;
        assert_eq!((plan.status, plan.error.unwrap().guard.as_deref()), (Status::Guarded, Some("no_downgrade")));
        assert_eq!(plan.advice.unwrap().title, "The deployment is not in production mode");
    }
    assert_eq!(site.project(), before);
    assert_eq!(site.names("ci"), ["PLUGIN_KEY"]);
}

#[tokio::test]
async fn a_response_waits_for_a_decision_and_keeps_its_evidence_once() {
    let mut site = Site::example();
    site.tamper(Some(Tamper::Edited));
    let stopped = json!({ "stopped": true, "stage": "s7_release" });
    site.people.0.insert("stop", answer(&stopped, Some(MAIN_RUN)));
    let ended = site.run("respond_integrity_violation", json!({})).await;
    assert_eq!((ended.status, site.names("evidence").len()), (RunStatus::Suspended, 1), "{:?}", ended.failure);
    let told = json!({ "decision": "investigate_wider", "reason": "row 5 was edited by hand", "informed": "security" });
    site.people.0.insert("decide", answer(&told, None));
    let ended = site.go_on("respond_integrity_violation", &ended.run.id, Purpose::Resume).await;
    assert_eq!((ended.status, site.names("evidence").len()), (RunStatus::Succeeded, 1), "{:?}", ended.failure);
}
