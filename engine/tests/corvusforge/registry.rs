//! `corvusforge.restore_plugins`: over registries that are damaged, empty, folders, or not what was signed.

use std::fs;

use engine::event::state::RunStatus;
use engine::execute::resume::Purpose;
use engine::id::Digest;
use serde_json::{Value, json};

use crate::plugins::{self, PACKAGE, REGISTRY};
use crate::site::{Site, advice, failure};

/// A backup of the registry as it is, and what a restore is told of it.
fn backup(site: &Site, change: impl Fn(&mut Value)) -> Value {
    let mut registry = serde_json::from_slice(&fs::read(site.path(REGISTRY)).unwrap()).unwrap();
    change(&mut registry);
    fs::write(site.path("backup.json"), registry.to_string()).unwrap();
    let sha256 = Digest::of(registry.to_string().as_bytes()).hex().to_owned();
    json!({ "backup": "backup.json", "backup_sha256": sha256 })
}

fn registry(site: &Site) -> Value {
    serde_json::from_slice(&fs::read(site.path(REGISTRY)).unwrap()).unwrap()
}

/// What the quarantine has, below the folder of the run.
fn kept(site: &Site) -> Vec<Vec<u8>> {
    let runs = site.names("quarantine").into_iter();
    runs.map(|run| fs::read(site.path(&format!("quarantine/{run}/registry.json"))).unwrap()).collect()
}

#[tokio::test]
async fn a_damaged_registry_is_kept_and_the_backup_verified_and_loaded() {
    let site = plugins::site();
    let given = backup(&site, |_| {});
    fs::write(site.path(REGISTRY), "{ \"sink\": ").unwrap();
    let ended = site.run("restore_plugins", given).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!((registry(&site)["sink"]["enabled"].clone(), &ended.outputs["disabled"]), (json!(true), &json!([])));
    assert_eq!(kept(&site), [b"{ \"sink\": ".to_vec()]);
}

#[tokio::test]
async fn a_plugin_of_the_backup_that_does_not_verify_is_disabled() {
    let site = plugins::site();
    let given = backup(&site, |registry| registry["sink"]["entry_point"] = json!("evil:C"));
    fs::write(site.path(&format!("{PACKAGE}/plugin.py")), "import os\n").unwrap();
    let ended = site.run("restore_plugins", given).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(
        (registry(&site)["sink"]["enabled"].clone(), &ended.outputs["disabled"]),
        (json!(false), &json!(["sink"]))
    );
}

#[tokio::test]
async fn a_backup_that_is_empty_a_folder_another_file_or_cannot_be_verified_touches_nothing() {
    let site = plugins::site();
    let good = backup(&site, |_| {});
    let before = site.project();
    let mut other = good;
    other["backup_sha256"] = json!("0".repeat(64));
    let ended = site.run("restore_plugins", other).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Refused, "right_backup"));
    let empty = backup(&site, |registry| *registry = json!({}));
    let ended = site.run("restore_plugins", empty).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Refused, "backup_readable"));
    fs::create_dir(site.path("folder")).unwrap();
    let folder = json!({ "backup": "folder", "backup_sha256": "0".repeat(64) });
    let ended = site.run("restore_plugins", folder).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Refused, "backup_readable"));
    assert_eq!(advice(&ended), "This is no registry, or not the one that is meant");
    assert!(ended.failure.unwrap().message.contains("is a folder"));
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn without_a_key_no_plugin_is_called_bad() {
    let site = plugins::site();
    let given = backup(&site, |_| {});
    fs::write(site.path("project/.env"), "CORVUSFORGE_ENVIRONMENT=production\n").unwrap();
    let ended = site.run("restore_plugins", given).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Refused, "trust_root"));
    assert_eq!(registry(&site)["sink"]["enabled"], true);
}

#[tokio::test]
async fn what_was_there_is_not_kept_among_the_plugins() {
    let site = plugins::site();
    let mut given = backup(&site, |_| {});
    given["quarantine"] = json!("project/.corvusforge/plugins/kept");
    let before = site.project();
    let ended = site.run("restore_plugins", given).await;
    assert_eq!((ended.status, failure(&ended)), (RunStatus::Refused, ("guard", "quarantine_outside")));
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn a_restore_that_failed_half_way_goes_on_and_keeps_what_was_there_once() {
    let mut site = plugins::site();
    let given = backup(&site, |_| {});
    let was = b"{ \"sink\": ".to_vec();
    fs::write(site.path(REGISTRY), &was).unwrap();
    let path = site.path(REGISTRY);
    // Somebody puts a folder there, between the copy and the restore.
    site.meanwhile = Some(Box::new(move |what, step| {
        if (what, step) == ("step.intent", "place") && path.is_file() {
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
        }
    }));
    let ended = site.run("restore_plugins", given).await;
    assert_eq!(ended.status, RunStatus::Failed, "{:?}", ended.failure);
    assert_eq!(ended.failure.as_ref().unwrap().step.as_deref(), Some("place"));
    site.meanwhile = None;
    fs::remove_dir(site.path(REGISTRY)).unwrap();
    let ended = site.go_on("restore_plugins", &ended.run.id, Purpose::Resume).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!((kept(&site), registry(&site)["sink"]["enabled"].clone()), (vec![was], json!(true)));
}
