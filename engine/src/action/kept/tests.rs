//! Secret outputs: taken out, put, and shown by fingerprint alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::*;
use crate::action::trial::Trial;
use crate::host::machine::Machine;

fn kept(trial: &Trial, from: &str) -> KeptOutput {
    let (name, target) = (Id::parse("token").unwrap(), Id::parse("box").unwrap());
    let store = trial.facts.targets.get(&target).unwrap().clone();
    let place = SecretPlace { name: name.clone(), store, key: "TOKEN".to_owned() };
    KeptOutput { name, from: from.split('.').map(str::to_owned).collect(), target, place }
}

/// A trial whose act has the secret output `from`.
fn keeping(from: &str) -> Trial {
    let mut trial = Trial::new().store("box", "dotenv", json!({ "path": "box.env" }));
    trial.facts.secrets.kept = vec![kept(&trial, from)];
    trial
}

fn file(trial: &Trial) -> String {
    std::fs::read_to_string(trial.path("box.env")).unwrap_or_default()
}

async fn keep(trial: &Trial, output: Value) -> Result<Value, Error> {
    trial.facts.keep(output, Some(&Machine::new(trial.settings.clone()))).await
}

#[tokio::test]
async fn the_value_is_put_and_stands_nowhere_in_the_output() {
    let trial = keeping("json.access_token");
    let value = "a token / \"quoted\"";
    let output = json!({ "json": { "access_token": value }, "stdout": json!({ "access_token": value }).to_string(), "subject": "sha256:1" });
    let output = keep(&trial, output).await.unwrap();
    assert!(output["json"]["access_token"].as_str().unwrap().starts_with("hmac:"), "{output}");
    assert_eq!(output["stdout"], json!({ "access_token": "***" }).to_string());
    assert_ne!(output["subject"], "sha256:1", "a digest of a secret could be guessed from");
    assert!(file(&trial).starts_with("TOKEN="), "{}", file(&trial));
    let again =
        trial.facts.kept_already(Reconciled::Happened(json!({ "json": { "access_token": value } })), None).await;
    assert!(matches!(again, Reconciled::Happened(_)));
}

#[tokio::test]
async fn the_line_break_after_what_a_program_prints_is_not_part_of_it() {
    for (printed, kept) in
        [("0123456789\n", "0123456789"), ("0123456789\r\n", "0123456789"), ("0123456789", "0123456789")]
    {
        let trial = keeping("stdout");
        keep(&trial, json!({ "stdout": printed })).await.unwrap();
        assert_eq!(file(&trial), format!("TOKEN={kept}\n"));
    }
}

#[tokio::test]
async fn what_is_no_secret_is_not_put_and_its_effect_has_happened() {
    for (output, code) in [
        (json!({}), NO_SECRET_OUTPUT),
        (json!({ "stdout": null }), NO_SECRET_OUTPUT),
        (json!({ "stdout": 12_345_678 }), NO_SECRET_OUTPUT),
        (json!({ "stdout": { "a": "0123456789" } }), NO_SECRET_OUTPUT),
        (json!({ "stdout": "0123456789", "cut": true }), NO_SECRET_OUTPUT),
        (json!({ "stdout": "short\n" }), SECRET_TOO_SHORT),
    ] {
        let trial = keeping("stdout");
        let error = keep(&trial, output).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.may_have_happened), (code, true), "{error}");
        assert!(!error.message.contains("short\n") && error.message.starts_with("it was done, but"), "{error}");
        assert_eq!(file(&trial), "");
    }
}

#[tokio::test]
async fn what_a_probe_finds_has_happened_only_with_its_secret_in_the_store() {
    let trial = keeping("stdout");
    let machine = Machine::new(trial.settings.clone());
    let looking = Looking { facts: &trial.facts, probe: &machine };
    let found = || Reconciled::Happened(json!({ "stdout": "0123456789" }));
    assert_eq!(trial.facts.kept_already(found(), Some(&looking)).await, Reconciled::CannotTell);
    trial.file("box.env", "TOKEN=another-one\n");
    assert_eq!(trial.facts.kept_already(found(), Some(&looking)).await, Reconciled::CannotTell);
    trial.file("box.env", "TOKEN=0123456789\n");
    assert!(matches!(trial.facts.kept_already(found(), Some(&looking)).await, Reconciled::Happened(_)));
    let not = trial.facts.kept_already(Reconciled::NotHappened, Some(&looking)).await;
    assert_eq!(not, Reconciled::NotHappened);
}
