//! Plugins and keys: disabled, revoked, signed again, over files as Corvusforge writes them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use engine::event::state::RunStatus;
use engine::id::Digest;
use engine::sign::service_key::ServiceKey;
use serde_json::{Value, json};

use crate::site::{Site, answer, failure};

pub const REGISTRY: &str = "project/.corvusforge/plugins/registry.json";
pub const PACKAGE: &str = "project/.corvusforge/plugins/installed/sink-1.0.0";

fn old_key() -> ServiceKey {
    ServiceKey::from_seed(&[3; 32])
}

/// The example with one plugin in a package, and the settings of production.
pub fn site() -> Site {
    dressed(Site::example())
}

/// The same in a site that is there.
pub fn dressed(site: Site) -> Site {
    let files = json!({ "manifest.json": Digest::of(b"{}").hex(), "plugin.py": Digest::of(b"pass\n").hex() });
    let manifest = Digest::of(files.to_string().as_bytes()).hex().to_owned();
    let signature = hex::encode(old_key().sign(manifest.as_bytes()));
    let entry = json!({
        "author": "x", "description": "", "enabled": true, "entry_point": "m:C", "installed_at": "2026-02-26T12:01:00Z",
        "kind": "sink", "metadata": { "files": files, "manifest_hash": manifest }, "name": "sink",
        "plugin_id": "plg-000000000001", "signature": signature, "verified": false, "version": "1.0.0",
    });
    fs::create_dir_all(site.path(PACKAGE)).unwrap();
    for folder in ["keys", "ci", "project/.corvusforge/artifacts"] {
        fs::create_dir_all(site.path(folder)).unwrap();
    }
    let public = |seed: u8| hex::encode(ServiceKey::from_seed(&[seed; 32]).public());
    let settings = format!(
        "CORVUSFORGE_ENVIRONMENT=production\nCORVUSFORGE_PLUGIN_TRUST_ROOT={}\nCORVUSFORGE_WAIVER_SIGNING_KEY={}\n",
        public(3),
        public(4)
    );
    for (name, content) in [
        (REGISTRY.to_owned(), json!({ "sink": entry }).to_string()),
        (format!("{PACKAGE}/manifest.json"), "{}".to_owned()),
        (format!("{PACKAGE}/plugin.py"), "pass\n".to_owned()),
        (format!("{PACKAGE}/signature.sig"), format!("{signature}\n")),
        ("project/.env".to_owned(), settings),
    ] {
        fs::write(site.path(&name), content).unwrap();
    }
    site
}

fn plugin(site: &Site) -> Value {
    serde_json::from_slice::<Value>(&fs::read(site.path(REGISTRY)).unwrap()).unwrap()["sink"].clone()
}

#[tokio::test]
async fn a_plugin_is_disabled_and_removed_with_a_copy_kept() {
    let site = site();
    let remove = json!({ "name": "sink", "version": "1.0.0" });
    let refused = site.run("remove_plugin", remove.clone()).await;
    assert_eq!((refused.status, failure(&refused).1), (RunStatus::Refused, "disabled"));
    let disabled = site.run("disable_plugin", json!({ "name": "sink" })).await;
    assert_eq!(disabled.status, RunStatus::Succeeded, "{:?}", disabled.failure);
    assert_eq!((&plugin(&site)["enabled"], &plugin(&site)["kind"]), (&json!(false), &json!("sink")));
    let removed = site.run("remove_plugin", remove).await;
    assert_eq!(removed.status, RunStatus::Succeeded, "{:?}", removed.failure);
    assert_eq!(plugin(&site), Value::Null);
    assert!(site.names(PACKAGE).is_empty());
    let kept = removed.outputs["kept"].as_str().unwrap();
    assert_eq!(site.names(&format!("{kept}/package")), ["manifest.json", "plugin.py", "signature.sig"]);
}

#[tokio::test]
async fn a_registry_that_is_a_folder_is_refused_and_not_written() {
    let site = site();
    fs::remove_file(site.path(REGISTRY)).unwrap();
    fs::create_dir(site.path(REGISTRY)).unwrap();
    let ended = site.run("disable_plugin", json!({ "name": "sink" })).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Refused, "known"));
    assert!(site.path(REGISTRY).is_dir());
}

#[tokio::test]
async fn a_revocation_stands_in_a_ledger_that_still_verifies() {
    let mut site = site();
    site.people.0.insert("audit", answer(&json!({ "runs": [], "finding": "no run used it" }), None));
    let given = json!({ "name": "sink", "reason": "it sends tokens away", "ticket": "SEC-9" });
    let ended = site.run("revoke_plugin_trust", given.clone()).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(plugin(&site)["enabled"], false);
    let anchored = site.run("export_anchor", json!({ "run": "system" })).await;
    assert_eq!(anchored.status, RunStatus::Succeeded, "{:?}", anchored.failure);
    assert_eq!(anchored.outputs["root_hash"], ended.outputs["entry_hash"]);
    site.tamper(Some(crate::writer::Tamper::Edited));
    let refused = site.run("revoke_plugin_trust", given).await;
    assert_eq!((refused.status, failure(&refused).1), (RunStatus::Refused, "ledger_sound"));
}

#[tokio::test]
async fn a_rotated_key_signs_what_the_old_one_did_and_nothing_that_was_changed() {
    let mut site = site();
    site.people.0.insert("other_stores", answer(&json!({ "places": "none but CI" }), None));
    let ended = site.run("rotate_plugin_keys", json!({})).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    let (new, env) =
        (ended.outputs["public"].as_str().unwrap(), fs::read_to_string(site.path("project/.env")).unwrap());
    assert!(env.contains(new) && !env.contains(&hex::encode(old_key().public())), "{env}");
    assert_eq!(site.names("ci"), ["CORVUSFORGE_PLUGIN_SIGNING_KEY"]);
    fs::write(site.path(&format!("{PACKAGE}/plugin.py")), "import os\n").unwrap();
    let refused = site.run("rotate_plugin_keys", json!({ "key_name": "ANOTHER" })).await;
    assert_eq!((refused.status, failure(&refused).1), (RunStatus::Refused, "all_verify"));
}

#[tokio::test]
async fn a_compromised_key_is_replaced_and_recorded() {
    let mut site = site();
    fs::write(site.path("ci/PLUGIN_KEY"), hex::encode([3; 32])).unwrap();
    fs::set_permissions(site.path("ci/PLUGIN_KEY"), fs::Permissions::from_mode(0o600)).unwrap();
    let compromised = hex::encode(old_key().public());
    site.people.0.extend([
        (
            "other_keystores",
            answer(&json!({ "places": "the laptop" }), Some(&Digest::of(compromised.as_bytes()).hex()[..16])),
        ),
        ("review", answer(&json!({ "resign": ["sink"], "forged": [], "note": "the code was reviewed" }), None)),
    ]);
    let given = json!({
        "compromised": compromised, "role": "plugin", "since": "2026-01-01T00:00:00Z", "ticket": "SEC-9",
        "ci_key": "PLUGIN_KEY",
    });
    let ended = site.run("emergency_key_rotation", given).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    let env = fs::read_to_string(site.path("project/.env")).unwrap();
    assert!(!env.contains(&compromised), "{env}");
    assert_eq!(plugin(&site)["enabled"], false);
    assert_ne!(fs::read_to_string(site.path("ci/PLUGIN_KEY")).unwrap(), hex::encode([3; 32]));
}
