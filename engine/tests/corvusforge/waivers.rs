//! Waivers and the key that signs them: over files as Corvusforge writes them, by a writer of our own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use engine::event::state::RunStatus;
use engine::execute::resume::Purpose;
use engine::id::Digest;
use engine::plan::Status;
use engine::procedure::Environment;
use engine::sign::service_key::ServiceKey;
use serde_json::json;

use crate::plugins;
use crate::site::{Site, advice, answer, failure};

const STORE: &str = "project/.corvusforge/artifacts";
const SETTINGS: &str = "project/.env";

pub fn waiver_key() -> ServiceKey {
    ServiceKey::from_seed(&[4; 32])
}

/// A waiver as Corvusforge signs and stores it: keys in order, no spaces, the end in two spellings.
fn waiver(store: &Path, number: u8, until: &str, key: Option<&ServiceKey>) {
    let members = |until: &str, created: &str, signature: &str| {
        format!(
            r#"{{"approving_identity":"carol@example.org",{created}"expiration":"{until}","justification":"false positive, SEC-{number}","risk_classification":"high","scope":"s575_security",{signature}"waiver_id":"00000000-0000-4000-9000-0000000000{number:02}"}}"#
        )
    };
    let signed = members(&format!("{until}+00:00"), "", "");
    let signature = key.map_or_else(String::new, |key| hex::encode(key.sign(signed.as_bytes())));
    let created = r#""created_at":"2026-02-26T12:00:00Z","#;
    keep(store, &members(&format!("{until}Z"), created, &format!(r#""signature":"{signature}","#)));
}

fn keep(store: &Path, text: &str) {
    let hash = Digest::of(text.as_bytes()).hex().to_owned();
    let folder = store.join(&hash[..2]).join(&hash[2..4]);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{hash}.dat")), text).unwrap();
}

/// How many files the store has.
pub fn stored(site: &Site) -> usize {
    site.project().into_iter().filter(|(path, _)| path.extension().is_some_and(|extension| extension == "dat")).count()
}

fn change_settings(site: &Site, from: &str, to: &str) {
    let text = fs::read_to_string(site.path(SETTINGS)).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(site.path(SETTINGS), text.replace(from, to)).unwrap();
}

#[tokio::test]
async fn waivers_that_the_configured_key_signed_pass_and_old_ones_are_nobodys_affair() {
    let site = plugins::site();
    waiver(&site.path(STORE), 1, "2027-01-01T00:00:00", Some(&waiver_key()));
    waiver(&site.path(STORE), 2, "2020-01-01T00:00:00", None);
    let before = site.project();
    let ended = site.run("verify_strict_waivers", json!({ "max_for": "3650d" })).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(ended.outputs["waivers"], 2);
    assert_eq!(ended.outputs["waiver_signing_key"], hex::encode(waiver_key().public()));
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn settings_that_are_not_those_of_production_are_refused_whatever_the_waivers_say() {
    let public = hex::encode(waiver_key().public());
    let key = format!("CORVUSFORGE_WAIVER_SIGNING_KEY={public}");
    for (from, to, named) in [
        ("=production", "=Production", "Production"),
        ("=production", "=prod", "prod"),
        (key.as_str(), "", "waiver_signing_key"),
        ("CORVUSFORGE_ENVIRONMENT", "CORVUSFORGE_DEBUG=true\nCORVUSFORGE_ENVIRONMENT", "debug"),
    ] {
        let site = plugins::site();
        change_settings(&site, from, to);
        let ended = site.run("verify_strict_waivers", json!({})).await;
        let said = (RunStatus::Failed, "The settings are not those of production");
        assert_eq!((ended.status, advice(&ended)), said, "{to}");
        let (_, words) = ended.advice.unwrap();
        assert!(words.to_lowercase().contains(&named.to_lowercase()), "{to}: {words}");
    }
}

#[tokio::test]
async fn a_waiver_that_is_unsigned_changed_of_another_key_or_for_ever_is_found() {
    let other = ServiceKey::from_seed(&[9; 32]);
    let (unsigned, forever) = ("A waiver is not signed by the configured key", "A waiver is good for too long");
    for (until, key, said) in [
        ("2099-01-01T00:00:00", None, unsigned),
        ("2099-01-01T00:00:00", Some(&other), unsigned),
        ("2206-01-01T00:00:00", Some(&waiver_key()), forever),
    ] {
        let site = plugins::site();
        waiver(&site.path(STORE), 1, until, key);
        let ended = site.run("verify_strict_waivers", json!({})).await;
        assert_eq!((ended.status, advice(&ended)), (RunStatus::Failed, said), "{until}");
    }
    // Its end was moved after it was signed.
    let site = plugins::site();
    let aside = site.path("aside");
    waiver(&aside, 1, "2026-03-01T00:00:00", Some(&waiver_key()));
    let text = fs::read_to_string(&walk(&aside)[0]).unwrap();
    keep(&site.path(STORE), &text.replace("2026-03-01", "2099-03-01"));
    let ended = site.run("verify_strict_waivers", json!({ "max_for": "36500d" })).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Failed, "all_signed"));
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(walk(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

fn accepting(site: &mut Site, accepted: bool) {
    let said = json!({ "accepted": accepted, "note": "issued anew tomorrow" });
    site.people.0.insert("accept", answer(&said, None));
}

fn given() -> serde_json::Value {
    json!({ "identity": "carol@example.org" })
}

#[tokio::test]
async fn a_rotated_waiver_key_is_trusted_and_what_the_old_one_signed_is_not() {
    let mut site = plugins::site();
    waiver(&site.path(STORE), 1, "2099-01-01T00:00:00", Some(&waiver_key()));
    accepting(&mut site, true);
    site.people.0.insert("decommission", answer(&json!({ "places": "carol's laptop" }), None));
    let ended = site.run("rotate_waiver_keys", given()).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    let settings = fs::read_to_string(site.path(SETTINGS)).unwrap();
    let public = ended.outputs["public"].as_str().unwrap();
    assert!(settings.contains(public) && !settings.contains(&hex::encode(waiver_key().public())), "{settings}");
    assert!(settings.contains("CORVUSFORGE_ENVIRONMENT=production\n"), "{settings}");
    assert_eq!(site.names("keys"), ["WAIVER_SIGNING_KEY_NEW"]);
    // The runbook says that they stay valid. They do not.
    let ended = site.run("verify_strict_waivers", json!({ "max_for": "36500d" })).await;
    assert_eq!(failure(&ended).1, "all_signed");
}

#[tokio::test]
async fn waivers_that_are_still_needed_stop_the_rotation_before_anything_is_made() {
    let mut site = plugins::site();
    waiver(&site.path(STORE), 1, "2099-01-01T00:00:00", Some(&waiver_key()));
    let before = site.project();
    accepting(&mut site, false);
    let ended = site.run("rotate_waiver_keys", given()).await;
    assert_eq!((ended.status, advice(&ended)), (RunStatus::Failed, "The waivers are still needed"));
    assert!(site.names("keys").is_empty());
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn a_rotation_that_was_left_half_way_goes_on_with_the_same_key_or_goes_back_to_the_old_one() {
    for purpose in [Purpose::Resume, Purpose::Undo] {
        let mut site = plugins::site();
        let ended = site.run("rotate_waiver_keys", given()).await;
        assert_eq!(ended.status, RunStatus::Suspended, "{:?}", ended.failure);
        let half = fs::read_to_string(site.path(SETTINGS)).unwrap();
        assert!(!half.contains(&hex::encode(waiver_key().public())), "{half}");
        site.people.0.insert("decommission", answer(&json!({ "places": "carol's laptop" }), None));
        let ended = site.go_on("rotate_waiver_keys", &ended.run.id, purpose).await;
        let settings = fs::read_to_string(site.path(SETTINGS)).unwrap();
        if purpose == Purpose::Resume {
            assert_eq!((ended.status, settings), (RunStatus::Succeeded, half));
        } else {
            // The key that was made stays where it is, and does no harm.
            assert_eq!(ended.status, RunStatus::Stuck);
            assert!(settings.contains(&hex::encode(waiver_key().public())), "{settings}");
        }
        assert_eq!(site.names("keys"), ["WAIVER_SIGNING_KEY_NEW"]);
    }
}

#[tokio::test]
async fn a_key_of_that_name_is_not_written_over() {
    let site = plugins::site();
    let key = site.path("keys/WAIVER_SIGNING_KEY_NEW");
    fs::write(&key, hex::encode([5; 32])).unwrap();
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    let before = site.project();
    let ended = site.run("rotate_waiver_keys", given()).await;
    assert_eq!((ended.status, failure(&ended).0), (RunStatus::Failed, "exists"));
    assert_eq!(advice(&ended), "There is a key of that name, or another one is trusted");
    assert_eq!(fs::read_to_string(site.path("keys/WAIVER_SIGNING_KEY_NEW")).unwrap(), hex::encode([5; 32]));
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn production_is_not_downgraded_to_get_a_key_rotated() {
    let mut site = plugins::site();
    site.environment = Environment::Production;
    change_settings(&site, "=production", "=development");
    let plan = site.plan("rotate_waiver_keys", given()).await;
    assert_eq!(plan.view.status, Status::Guarded);
    assert!(site.names("keys").is_empty());
}
