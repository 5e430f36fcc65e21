//! Keys made, used, trusted and revoked, in the project that the tests of Corvusforge make.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::action::Reconciled;
use crate::action::corvusforge::tests::{PACKAGE, REGISTRY, plugin_key, project, public, waiver_key};
use crate::sign::service_key::{Form, ServiceKey, read_public};

#[test]
fn a_key_is_read_in_every_form_it_is_written_in() {
    let key = ServiceKey::from_seed(&[5; 32]);
    for form in [Form::Pem, Form::Openssh, Form::Hex] {
        let text = key.to_text(form);
        assert_eq!(ServiceKey::read(text.as_bytes()).unwrap().public(), key.public(), "{form:?}");
    }
    assert_eq!(ServiceKey::read(&[5; 32]).unwrap().public(), key.public());
    for text in ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert!(ServiceKey::read(text.as_bytes()).is_err(), "{text:?}");
    }
    assert_eq!(read_public(&public(&key)), Some(key.public()));
    assert_eq!(read_public(&public(&key).to_uppercase()), None);
    assert_eq!(read_public(&"00".repeat(32)), None);
}

#[tokio::test]
async fn a_new_key_is_in_the_store_and_its_public_half_alone_is_told() {
    let scene = project();
    for form in ["pem", "openssh", "hex"] {
        let with = json!({ "target": "keys", "key": format!("NEW_{form}"), "form": form });
        assert!(matches!(scene.trial.reconcile("keys.generate", with.clone()).await, Ok(Reconciled::NotHappened)));
        scene.trial.preview("keys.generate", with.clone()).await.unwrap();
        let made = scene.trial.apply("keys.generate", with.clone()).await.unwrap();
        assert_eq!(scene.trial.apply("keys.generate", with.clone()).await.unwrap_err().code, "exists");
        assert!(
            matches!(scene.trial.reconcile("keys.generate", with).await, Ok(Reconciled::Happened(found)) if found == made)
        );
        let place = json!({ "private": { "target": "keys", "key": format!("NEW_{form}") }, "public": made["public"] });
        assert_eq!(scene.read("keys.verify", place).await.unwrap()["valid"], true);
    }
}

#[tokio::test]
async fn what_does_not_belong_together_is_not_valid() {
    let scene = project();
    let look = async |with: Value| scene.read("keys.verify", with).await.unwrap()["valid"].clone();
    let private = |key: &str| json!({ "target": "keys", "key": key });
    assert_eq!(look(json!({ "private": private("PLUGIN"), "public": public(&plugin_key()) })).await, true);
    assert_eq!(look(json!({ "private": private("PLUGIN"), "public": public(&waiver_key()) })).await, false);
    assert_eq!(look(json!({ "private": private("NONE") })).await, false);
    scene.trial.file("a.txt", "a");
    let signature = hex::encode(plugin_key().sign(b"a"));
    let of = |signature: &str| json!({ "public": public(&plugin_key()), "path": "a.txt", "signature": signature });
    assert_eq!(look(of(&signature)).await, true);
    scene.trial.file("a.txt", "b");
    assert_eq!(look(of(&signature)).await, false);
    assert_eq!(look(of("")).await, false);
    assert_eq!(scene.read("keys.verify", json!({})).await.unwrap_err().code, "bad_input");
}

#[tokio::test]
async fn a_plugin_is_signed_as_it_was_reviewed_and_not_otherwise() {
    let scene = project();
    let trial = scene.trial;
    let new = waiver_key();
    let listed = trial.read("corvusforge.plugins", json!({ "target": "plugins", "name": "sink" })).await.unwrap();
    let reviewed = listed["plugins"][0]["manifest_hash"].clone();
    let with = |manifest: Value| {
        json!({
            "target": "plugins", "name": "sink", "key": { "$secret": "waiver" }, "public": public(&new),
            "manifest_hash": manifest,
        })
    };
    for wrong in [Value::Null, json!("ab".repeat(32))] {
        assert_eq!(trial.apply("keys.sign", with(wrong)).await.unwrap_err().code, "not_as_reviewed");
    }
    let mut other = with(reviewed.clone());
    other["public"] = json!(public(&plugin_key()));
    assert_eq!(trial.apply("keys.sign", other).await.unwrap_err().code, "other_key");
    assert!(!trial.preview("keys.sign", with(reviewed.clone())).await.unwrap().no_change);
    trial.apply("keys.sign", with(reviewed.clone())).await.unwrap();
    assert!(matches!(trial.reconcile("keys.sign", with(reviewed)).await, Ok(Reconciled::Happened(_))));
    let plain = json!({ "target": "plugins", "name": "plain", "key": { "$secret": "waiver" }, "public": public(&new) });
    trial.apply("keys.sign", plain).await.unwrap();
    let verified = json!({ "target": "plugins", "public_key": public(&new) });
    let found = trial.read("corvusforge.plugin_verify", verified).await.unwrap();
    assert_eq!((&found["failed"], &found["uncovered"]), (&json!(0), &json!(1)));
    assert_eq!(trial.content(&format!("{PACKAGE}/signature.sig")).len(), 129);
    let registry: Value = serde_json::from_slice(&trial.content(REGISTRY)).unwrap();
    assert!(registry["sink"]["metadata"]["files"]["signature.sig"].is_string());
}

#[tokio::test]
async fn a_file_is_signed_beside_itself() {
    let trial = project().trial;
    trial.file("a.txt", "a");
    let with =
        json!({ "path": "a.txt", "to": "a.sig", "key": { "$secret": "plugin" }, "public": public(&plugin_key()) });
    trial.preview("keys.sign", with.clone()).await.unwrap();
    let made = trial.apply("keys.sign", with).await.unwrap();
    assert_eq!(trial.content("a.sig"), format!("{}\n", made["signature"].as_str().unwrap()).into_bytes());
}

#[tokio::test]
async fn a_key_takes_the_place_of_the_one_that_is_named_and_of_no_other() {
    let trial = project().trial;
    let new = public(&ServiceKey::from_seed(&[6; 32]));
    let with = |replaces: &str| json!({ "target": "plugins", "role": "plugin", "public": new, "replaces": replaces });
    assert_eq!(trial.apply("keys.trust", with(&new)).await.unwrap_err().code, "exists");
    let old = public(&plugin_key());
    trial.preview("keys.trust", with(&old)).await.unwrap();
    assert_eq!(trial.apply("keys.trust", with(&old)).await.unwrap()["previous"], json!(old));
    assert!(matches!(trial.reconcile("keys.trust", with(&old)).await, Ok(Reconciled::Happened(_))));
    let env = String::from_utf8(trial.content("project/.env")).unwrap();
    assert!(env.contains(&new) && !env.contains(&old) && env.contains("OTHER=kept # so\n"), "{env}");
}

#[tokio::test]
async fn a_revoked_key_is_trusted_for_nothing() {
    let trial = project().trial;
    let with = json!({ "target": "plugins", "public": public(&waiver_key()), "reason": "SEC-7" });
    assert!(matches!(trial.reconcile("keys.revoke", with.clone()).await, Ok(Reconciled::NotHappened)));
    trial.preview("keys.revoke", with.clone()).await.unwrap();
    assert_eq!(trial.apply("keys.revoke", with.clone()).await.unwrap()["revoked"], json!(["waiver"]));
    assert!(trial.preview("keys.revoke", with.clone()).await.unwrap().no_change);
    let guard = trial.read("corvusforge.production_guard", json!({ "target": "plugins" })).await.unwrap();
    assert_eq!((&guard["passed"], &guard["waiver_signing_key"]), (&json!(false), &json!("")));
    let silent = json!({ "target": "plugins", "public": public(&waiver_key()), "reason": " " });
    assert_eq!(trial.apply("keys.revoke", silent).await.unwrap_err().code, "bad_input");
}
