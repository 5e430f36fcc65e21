//! Secrets in a whole run: bound, planned by fingerprint, read at the last moment, and in no record.

use serde_json::{Value as Json, json};

use super::{Trial, failure_code, state};
use crate::event::Kind;
use crate::event::fact::Event;
use crate::event::state::RunStatus;
use crate::ledger::reader::{Filter, Reader};
use crate::plan::Error;

const VALUE: &str = "s3cr3t-value-1";
const STORES: &str = "targets: { box: { kind: secret_store, driver: dotenv, path: box.env } }\n\
                      secrets: { token: { from: box, key: TOKEN }, later: { from: box, key: LATER } }\n";
const ECHO: &str = "secrets: { token: { description: T } }\n\
    steps:\n\
    - id: echo\n  action: command.run\n  with: { argv: [sh, -c, 'echo \"got $T\"'], env: { T: '{{ secrets.token }}' } }\n\
    outputs: { said: '{{ steps.echo.stdout }}' }\n";

fn trial(body: &str) -> Trial {
    let trial = Trial::with_workspace(body, STORES);
    set(&trial, VALUE);
    trial
}

fn set(trial: &Trial, value: &str) {
    std::fs::write(trial.path("box.env"), format!("TOKEN={value}\n")).unwrap();
}

/// All entries of the ledger, as text.
fn entries(trial: &Trial) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let reader = Reader::copy(&trial.path("ledger.db"), scratch.path()).unwrap();
    let stored = reader.entries(&Filter::default()).unwrap();
    stored.iter().map(|entry| String::from_utf8_lossy(&entry.body).into_owned() + "\n").collect()
}

#[tokio::test]
async fn a_secret_is_used_and_stands_in_no_record() {
    let trial = trial(ECHO);
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(ended.outputs["said"], "got ***\n");
    let entries = entries(&trial);
    assert!(!entries.contains(VALUE), "{entries}");
    assert!(entries.contains(r#"{"$secret":"token"}"#), "{entries}");
    let told = trial.told.0.lock().unwrap();
    let reads: Vec<_> = told
        .iter()
        .filter_map(|fact| match &fact.event {
            Event::SecretRead(read) => Some((read.by.as_str(), read.name.as_str(), read.fingerprint.clone())),
            _ => None,
        })
        .collect();
    // Once for the plan, once for the use, and both times the same value.
    assert_eq!(reads.iter().map(|read| (read.0, read.1)).collect::<Vec<_>>(), [("plan", "token"), ("echo", "token")]);
    assert!(reads[0].2.is_some() && reads[0].2 == reads[1].2);
    assert!(trial.kinds().contains(&Kind::SecretRead));
}

#[tokio::test]
async fn a_plan_shows_names_and_its_digest_knows_the_version() {
    let trial = trial(ECHO);
    let first = trial.plan(&json!({})).await.unwrap().view;
    assert_eq!(first.steps[0].with["env"], json!({ "T": { "$secret": "token" } }));
    assert!(!serde_json::to_string(&first).unwrap().contains(VALUE));
    assert!(first.resolved["secrets"]["token"]["fingerprint"].as_str().unwrap().starts_with("hmac:"));
    assert_eq!(trial.plan(&json!({})).await.unwrap().view.digest, first.digest);
    set(&trial, "another-value");
    assert_ne!(trial.plan(&json!({})).await.unwrap().view.digest, first.digest);
}

#[tokio::test]
async fn an_unbound_secret_is_refused_by_name() {
    let trial = Trial::with_workspace(&ECHO.replace("token", "absent"), STORES);
    let Err(error) = trial.plan(&json!({})).await else { panic!("it was planned") };
    assert!(matches!(&error, Error::NoSecret { name, .. } if name.as_str() == "absent"), "{error}");
}

#[tokio::test]
async fn what_is_not_in_the_store_is_undecided_in_a_plan_and_an_error_at_use() {
    let trial = trial(&ECHO.replace("token", "later"));
    let plan = trial.plan(&json!({})).await.unwrap();
    assert!(plan.view.undecided.iter().any(|what| what.starts_with("secrets.later: ")), "{:?}", plan.view.undecided);
    let ended = trial.run().await;
    assert_eq!(failure_code(&ended), "missing_secret");
    assert_eq!(state(&ended, "echo"), "failed");
}

#[tokio::test]
async fn a_value_that_is_too_short_refuses_the_run() {
    let trial = trial(ECHO);
    set(&trial, "short");
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "secret_too_short"));
}

#[tokio::test]
async fn a_value_given_as_a_parameter_is_refused_rather_than_recorded() {
    let trial = trial(&format!("parameters: {{ note: {{ type: string, description: N }} }}\n{ECHO}"));
    let Err(error) = trial.plan(&json!({ "note": format!("it is {VALUE}") })).await else { panic!("it was planned") };
    assert!(matches!(&error, Error::ShownOpenly { what } if what == "parameter `note`"), "{error}");
    assert!(!error.to_string().contains(VALUE));
}

#[tokio::test]
async fn a_step_may_put_a_secret_that_a_later_one_uses() {
    let body = "targets: { box: { kind: secret_store } }\n\
        secrets: { token: { description: T }, later: { description: L } }\n\
        steps:\n\
        - { id: put, action: secrets.put, with: { target: box, key: LATER, value: '{{ secrets.token }}' } }\n\
        - id: echo\n  action: command.run\n  with: { argv: [sh, -c, 'echo \"got $T\"'], env: { T: '{{ secrets.later }}' } }\n";
    let trial = trial(body);
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    let file = std::fs::read_to_string(trial.path("box.env")).unwrap();
    assert_eq!(file, format!("TOKEN={VALUE}\nLATER={VALUE}\n"));
    assert!(!entries(&trial).contains(VALUE));
}

#[tokio::test]
async fn a_secret_that_changed_since_the_plan_stops_the_first_effect() {
    let trial = trial(ECHO);
    let ended = trial.run_after(&json!({}), || set(&trial, "other-value")).await.unwrap();
    assert_eq!(failure_code(&ended), "not_as_planned", "{:?}", ended.failure);
    assert!(!entries(&trial).contains("other-value"));
}

#[tokio::test]
async fn a_plan_that_looked_at_nothing_masks_all_the_same() {
    let body = format!(
        "{}- id: other\n  action: file.read\n  with: {{ path: box.env }}\n",
        ECHO.split("- id").next().unwrap()
    );
    let mut trial = trial(&body);
    trial.offline = true;
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    let entries = entries(&trial);
    assert!(entries.contains("TOKEN=***") && !entries.contains(VALUE), "{entries}");
}

#[tokio::test]
async fn a_called_procedure_has_the_secrets_that_it_is_given() {
    let body = "targets: { box: { kind: secret_store } }\nsecrets: { token: { description: T } }\n\
        steps: [{ id: outer, call: inner, with: { mine: '{{ secrets.token }}' } }]\n\
        outputs: { said: '{{ steps.outer.said }}' }\n";
    let trial = Trial::calling_with(STORES, "inner", &ECHO.replace("token", "mine"), body);
    set(&trial, VALUE);
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(ended.outputs["said"], Json::from("got ***\n"));
    assert!(!entries(&trial).contains(VALUE));
}

#[tokio::test]
async fn evidence_that_holds_a_secret_is_not_kept() {
    let body = format!("{ECHO}- id: look\n",).replace(
        "outputs: { said: '{{ steps.echo.stdout }}' }\n- id: look\n",
        "- { id: look, manual: { ask: Attach it, evidence: { min: 1, what: a file } } }\n",
    );
    let mut trial = trial(&body);
    std::fs::write(trial.path("proof.txt"), format!("see {VALUE}")).unwrap();
    let answer = super::Answer { evidence: vec!["proof.txt".into()], ..super::Answer::default() };
    trial.people.0.insert("look".to_owned(), answer);
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Suspended);
    assert!(ended.failure.unwrap().message.contains("holds a secret"));
}

#[tokio::test]
async fn a_run_that_is_taken_up_again_reads_its_secrets_anew_and_masks_them() {
    let body = ECHO.replace(
        "- id: echo",
        "- { id: wait, manual: { ask: Go on?, answer: { go: { type: boolean, description: Y } } } }\n- id: echo",
    );
    let mut trial = trial(&body);
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Suspended);
    let answers = [("go".to_owned(), json!(true))].into_iter().collect();
    trial.people.0.insert("wait".to_owned(), super::Answer { answers, ..super::Answer::default() });
    set(&trial, "rotated-value-2");
    let ended = trial.resume(&ended.run.id, crate::execute::resume::Purpose::Resume, &[]).await.unwrap();
    // A person answered in between, and may well have put the new value there.
    assert_eq!(failure_code(&ended), "", "{:?}", ended.failure);
    assert_eq!(ended.outputs["said"], "got ***\n");
    assert!(!entries(&trial).contains("rotated-value-2"));
}

#[tokio::test]
async fn a_run_that_has_failed_is_taken_back_with_the_secrets_of_its_undo() {
    let body = "targets: { box: { kind: secret_store } }\nsecrets: { token: { description: T } }\nsteps:\n\
        - id: put\n  action: secrets.put\n  with: { target: box, key: COPY, value: '{{ secrets.token }}' }\n  \
        verify: [{ id: never, expect: steps.put.state == 'failed' }]\n  \
        undo: { action: secrets.put, with: { target: box, key: BACK, value: '{{ secrets.token }}' } }\n";
    let trial = trial(body);
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Failed, "{:?}", ended.failure);
    let ended = trial.resume(&ended.run.id, crate::execute::resume::Purpose::Undo, &[]).await.unwrap();
    assert_eq!(ended.status, RunStatus::Undone, "{:?}", ended.failure);
    assert!(std::fs::read_to_string(trial.path("box.env")).unwrap().contains("BACK="));
    assert!(!entries(&trial).contains(VALUE));
}
