//! The actions over secrets, on stores of files: what they say, what they change, and that no value is in any of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::action::Reconciled;
use crate::action::trial::Trial;

const TOKEN: &str = "wsk_0123456789abcdef";

fn trial() -> Trial {
    let trial = Trial::new();
    trial.file("a.env", format!("TOKEN={TOKEN}\nSHORT=abc\nBLANK=' '\nPADDED=' padded value '\n"));
    trial.file("b.env", format!("TOKEN={TOKEN}\nOTHER=other-value\n"));
    trial
        .store("a", "dotenv", json!({ "path": "a.env" }))
        .store("b", "dotenv", json!({ "path": "b.env" }))
        .store("keys", "directory", json!({ "path": "keys" }))
        .secret("token", "a", "TOKEN")
        .secret("short", "a", "SHORT")
        .secret("gone", "a", "GONE")
}

fn secret(name: &str) -> Value {
    json!({ "$secret": name })
}

#[track_caller]
fn without_values(said: &Value) {
    for value in [TOKEN, "padded value", "other-value"] {
        assert!(!said.to_string().contains(value), "{value} is in {said}");
    }
}

#[tokio::test]
async fn require_reports_what_is_there_and_in_shape() {
    let trial = trial();
    let ask = |more: Value| {
        let mut with = json!({ "target": "a", "keys": ["TOKEN"] });
        with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with
    };
    for (more, ok) in [
        (json!({}), true),
        (json!({ "pattern": "wsk_[0-9a-f]{16}" }), true),
        (json!({ "pattern": "wsk_" }), false),
        (json!({ "min_length": 20, "trimmed": true, "without": "#" }), true),
        (json!({ "min_length": 21 }), false),
        (json!({ "without": "_" }), false),
        (json!({ "keys": ["TOKEN", "GONE"] }), false),
        (json!({ "keys": ["BLANK"] }), false),
        (json!({ "keys": ["PADDED"] }), true),
        (json!({ "keys": ["PADDED"], "trimmed": true }), false),
        (json!({ "private": true }), false),
    ] {
        let output = trial.read("secrets.require", ask(more.clone())).await.unwrap();
        assert_eq!(output["ok"], ok, "{more}: {output}");
        without_values(&output);
    }
    let error = trial.read("secrets.require", ask(json!({ "keys": [] }))).await.unwrap_err();
    assert_eq!(error.code, "bad_input");
}

#[tokio::test]
async fn fingerprints_are_equal_where_values_are() {
    let trial = trial();
    let a = trial.read("secrets.fingerprint", json!({ "target": "a" })).await.unwrap();
    let b = trial.read("secrets.fingerprint", json!({ "target": "b", "keys": ["TOKEN", "GONE"] })).await.unwrap();
    assert_eq!(a["names"], json!(["BLANK", "PADDED", "SHORT", "TOKEN"]));
    assert_eq!(a["fingerprints"]["TOKEN"], b["fingerprints"]["TOKEN"]);
    assert_ne!(a["fingerprints"]["TOKEN"], a["fingerprints"]["PADDED"]);
    assert_eq!(b["missing"], json!(["GONE"]));
    assert!(a["fingerprints"]["TOKEN"].as_str().unwrap().starts_with("hmac:"));
    without_values(&a);
    let reads = trial.facts.secrets.custody.take_reads();
    assert!(reads.iter().any(|read| read.name == "b/TOKEN" && read.fingerprint.is_some()), "{reads:?}");
}

#[tokio::test]
async fn compare_says_which_are_the_same_and_never_passes_on_nothing() {
    let trial = trial();
    let both = trial.read("secrets.compare", json!({ "keys": ["TOKEN"], "targets": ["a", "b"] })).await.unwrap();
    assert_eq!((&both["equal"], &both["compared"]), (&json!(true), &json!(2)));
    let mixed = json!({ "keys": ["TOKEN", "OTHER"], "targets": ["a", "b"] });
    let mixed = trial.read("secrets.compare", mixed).await.unwrap();
    assert_eq!(mixed["equal"], false);
    assert_eq!((&mixed["different_keys"], &mixed["missing"]), (&json!(["OTHER"]), &json!(["a/OTHER"])));
    let places = json!({ "places": [{ "target": "a", "key": "TOKEN" }, { "target": "b", "key": "OTHER" }] });
    assert_eq!(trial.read("secrets.compare", places).await.unwrap()["equal"], false);
    let nowhere = json!({ "places": [{ "target": "a", "key": "X" }, { "target": "b", "key": "X" }] });
    assert_eq!(trial.read("secrets.compare", nowhere).await.unwrap()["equal"], false);
    for nothing in [
        json!({}),
        json!({ "keys": ["TOKEN"], "targets": ["a"] }),
        json!({ "keys": [], "targets": ["a", "b"] }),
        json!({ "places": [{ "target": "a", "key": "TOKEN" }] }),
        json!({ "keys": ["A"], "targets": ["a", "b"], "places": [{ "target": "a", "key": "TOKEN" }] }),
    ] {
        let error = trial.read("secrets.compare", nothing.clone()).await.unwrap_err();
        assert_eq!(error.code, "bad_input", "{nothing}");
    }
}

#[tokio::test]
async fn put_shows_fingerprints_and_is_no_change_the_second_time() {
    let trial = trial();
    let with = json!({ "target": "keys", "key": "TOKEN", "value": secret("token") });
    let preview = trial.preview("secrets.put", with.clone()).await.unwrap();
    assert_eq!(preview.before.as_ref().unwrap()["fingerprints"]["TOKEN"], Value::Null);
    assert!(!preview.no_change);
    without_values(&json!([preview.before, preview.after]));
    assert_eq!(trial.reconcile("secrets.put", with.clone()).await.unwrap(), Reconciled::NotHappened);
    let output = trial.apply("secrets.put", with.clone()).await.unwrap();
    without_values(&output);
    assert_eq!(trial.content("keys/TOKEN"), TOKEN.as_bytes());
    assert!(trial.preview("secrets.put", with.clone()).await.unwrap().no_change);
    assert_eq!(trial.reconcile("secrets.put", with).await.unwrap(), Reconciled::Happened(output));
}

#[tokio::test]
async fn put_takes_several_at_once_and_nothing_but_secrets() {
    let trial = trial();
    let several = json!({ "target": "b", "values": { "X": secret("token"), "OTHER": secret("token") } });
    trial.apply("secrets.put", several).await.unwrap();
    assert_eq!(trial.content("b.env"), format!("TOKEN={TOKEN}\nOTHER={TOKEN}\nX={TOKEN}\n").as_bytes());
    for (with, code) in [
        (json!({ "target": "b", "key": "X", "value": "written down" }), "bad_input"),
        (json!({ "target": "b", "key": "X", "value": { "$secret": "token", "more": 1 } }), "bad_input"),
        (json!({ "target": "b", "key": "X" }), "bad_input"),
        (json!({ "target": "b", "key": "X", "value": secret("unbound") }), "unbound_secret"),
        (json!({ "target": "b", "key": "X", "value": secret("short") }), "secret_too_short"),
        (json!({ "target": "b", "key": "X", "value": secret("gone") }), "missing_secret"),
        (json!({ "target": "b", "key": "X Y", "value": secret("token") }), "bad_key"),
    ] {
        let error = trial.apply("secrets.put", with.clone()).await.unwrap_err();
        assert_eq!(error.code, code, "{with}: {error}");
    }
}

#[tokio::test]
async fn generate_makes_a_value_that_nobody_sees() {
    let trial = trial();
    let with = json!({ "target": "keys", "key": "NEW", "kind": "hex32" });
    let output = trial.apply("secrets.generate", with.clone()).await.unwrap();
    let made = String::from_utf8(trial.content("keys/NEW")).unwrap();
    assert_eq!(made.len(), 64);
    assert!(!output.to_string().contains(&made));
    assert_eq!(trial.apply("secrets.generate", with.clone()).await.unwrap_err().code, "exists");
    assert_eq!(trial.preview("secrets.generate", with.clone()).await.unwrap_err().code, "exists");
    assert_eq!(trial.reconcile("secrets.generate", with).await.unwrap(), Reconciled::CannotTell);
    let again = json!({ "target": "keys", "key": "NEW", "kind": "ed25519", "replace": true });
    let output = trial.apply("secrets.generate", again).await.unwrap();
    assert_eq!(output["public"].as_str().unwrap().len(), 64);
    let made = String::from_utf8(trial.content("keys/NEW")).unwrap();
    assert!(made.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(trial.facts.secrets.clean_bytes(made.as_bytes(), false), b"***");
}

#[tokio::test]
async fn revoke_removes_and_says_whether_there_was_something() {
    let trial = trial();
    let with = json!({ "target": "b", "key": "OTHER" });
    assert_eq!(trial.preview("secrets.revoke", with.clone()).await.unwrap().before, Some(json!({ "exists": true })));
    assert_eq!(trial.apply("secrets.revoke", with.clone()).await.unwrap(), json!({ "existed": true }));
    assert_eq!(trial.content("b.env"), format!("TOKEN={TOKEN}\n").as_bytes());
    assert!(trial.preview("secrets.revoke", with.clone()).await.unwrap().no_change);
    assert_eq!(trial.apply("secrets.revoke", with.clone()).await.unwrap(), json!({ "existed": false }));
    let happened = Reconciled::Happened(json!({ "existed": false }));
    assert_eq!(trial.reconcile("secrets.revoke", with).await.unwrap(), happened);
}

#[tokio::test]
async fn expiry_dates_are_kept_beside_the_store() {
    let trial = trial();
    let ask = json!({ "target": "a", "key": "TOKEN", "alert_days": [30, 7, 1, 14] });
    let none = trial.read("secrets.expiry", ask.clone()).await.unwrap();
    assert_eq!(none, json!({ "expires_at": null, "days_left": null, "due": [] }));
    let at = |days: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64;
        let at = now + days * 24 * 60 * 60 * 1_000_000 + 60_000_000;
        crate::time::Timestamp::from_microseconds(at).unwrap().to_string()
    };
    for (days, left, due) in [(40, 40, json!([])), (10, 10, json!([14, 30])), (-2, -2, json!([1, 7, 14, 30]))] {
        let with = json!({ "target": "a", "key": "TOKEN", "expires_at": at(days) });
        assert!(!trial.preview("secrets.set_expiry", with.clone()).await.unwrap().no_change);
        trial.apply("secrets.set_expiry", with.clone()).await.unwrap();
        assert!(trial.preview("secrets.set_expiry", with).await.unwrap().no_change);
        let found = trial.read("secrets.expiry", ask.clone()).await.unwrap();
        assert_eq!((&found["days_left"], &found["due"]), (&json!(left), &due));
    }
    assert!(trial.names().contains(&"a.env.expiries".to_owned()));
    let trial = trial.store("variables", "env", json!({}));
    let error = trial.read("secrets.expiry", json!({ "target": "variables", "key": "A" })).await.unwrap_err();
    assert_eq!(error.code, "no_expiries");
}

#[tokio::test]
async fn a_secret_reaches_a_program_by_env_stdin_and_file_and_comes_back_masked() {
    let trial = trial();
    let script = "cat; printf %s \"$BY_ENV\"; cat \"$BY_FILE\"; stat -c ' %a' \"$BY_FILE\"; echo \"$BY_FILE\" > where; \
                  printf %s \"$BY_ENV\" | base64 >&2; printf '{\"k\": \"%s\"}' \"$BY_ENV\" > seen";
    let with = json!({
        "argv": ["sh", "-c", script], "env": { "BY_ENV": secret("token"), "PLAIN": "plain" },
        "stdin": secret("token"), "secret_files": { "BY_FILE": secret("token") },
    });
    let output = trial.apply("command.run", with).await.unwrap();
    assert_eq!(output["stdout"], "*** 600\n");
    assert!(!output["stderr"].as_str().unwrap().contains("d3NrXzAxMjM0"), "{output}");
    assert_eq!(trial.content("seen"), format!("{{\"k\": \"{TOKEN}\"}}").as_bytes());
    let place = String::from_utf8(trial.content("where")).unwrap();
    assert!(!std::path::Path::new(place.trim()).exists(), "{place} was left behind");
}

#[tokio::test]
async fn what_a_program_says_of_a_secret_is_masked_in_json_errors_and_digests() {
    let trial = trial();
    let with = |argv: Value| json!({ "argv": argv, "json": true, "env": { "T": secret("token") } });
    let said = json!(["sh", "-c", "printf '{\"a\": [\"x%s\", {\"%s\": 1}]}' \"$T\" \"$T\""]);
    let output = trial.apply("command.run", with(said)).await.unwrap();
    assert_eq!(output["json"], json!({ "a": ["x***", { "***": 1 }] }));
    let error = trial.apply("command.run", with(json!(["sh", "-c", "echo no $T >&2; exit 4"]))).await.unwrap_err();
    assert!(error.message.ends_with("exited with 4: no ***"), "{error}");
    let alone = json!({ "argv": ["sh", "-c", "printf %s \"$T\""], "env": { "T": secret("token") } });
    let output = trial.read("command.read", alone).await.unwrap();
    assert_eq!(output["stdout"], "***");
    assert_eq!(output["subject"], json!(crate::id::Digest::of(b"***")));
    let cut = json!({ "argv": ["sh", "-c", "printf %s \"$T\""], "env": { "T": secret("token") }, "max_bytes": 12 });
    assert_eq!(trial.read("command.read", cut).await.unwrap()["stdout"], "***");
}
