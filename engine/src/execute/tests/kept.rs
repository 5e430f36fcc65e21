//! Secret outputs in a whole run: put before the outcome is recorded, used from the store, and in no record.

use serde_json::json;

use super::{Trial, failure_code, state};
use crate::event::state::RunStatus;
use crate::execute::people::Answer;
use crate::execute::resume::Purpose;
use crate::ledger::reader::Filter;
use crate::plan::Outcome;

const VALUE: &str = "made-by-a-program-1";
const STORES: &str = "targets: { box: { kind: secret_store, driver: dotenv, path: box.env } }\n";
const MAKE: &str = "targets: { box: { kind: secret_store } }\n\
    steps:\n\
    - id: make\n  action: command.run\n  with: { argv: [sh, -c, 'cat made; echo it is $(cat made) >&2'] }\n  \
    secret_outputs: { token: { from: stdout, store: box, key: TOKEN } }\n  undo: { action: secrets.revoke, with: { target: box, key: TOKEN } }\n";
const USE: &str = "- id: use\n  action: command.run\n  with: { argv: [sh, -c, 'echo \"got $T\"'], env: { T: '{{ secrets.token }}' } }\n  undo: { none: It is said. }\n";

fn trial(body: &str) -> Trial {
    let trial = Trial::with_workspace(body, STORES);
    made(&trial, VALUE);
    trial
}

/// What the program makes.
fn made(trial: &Trial, value: &str) {
    std::fs::write(trial.path("made"), format!("{value}\n")).unwrap();
}

fn stored(trial: &Trial) -> String {
    std::fs::read_to_string(trial.path("box.env")).unwrap_or_default()
}

/// All entries of the ledger, as text.
fn entries(trial: &Trial) -> String {
    let (_scratch, reader) = trial.reader();
    let stored = reader.entries(&Filter::default()).unwrap();
    stored.iter().map(|entry| String::from_utf8_lossy(&entry.body).into_owned() + "\n").collect()
}

#[tokio::test]
async fn a_secret_output_is_put_and_used_and_stands_in_no_record() {
    let trial = trial(&format!(
        "{MAKE}{USE}outputs: {{ said: '{{{{ steps.use.stdout }}}}', of: '{{{{ steps.make.stderr }}}}' }}\n"
    ));
    let plan = trial.plan(&json!({})).await.unwrap().view;
    assert!(
        plan.undecided.iter().any(|what| what.contains("step `make`, which makes secret `token`")),
        "{:?}",
        plan.undecided
    );
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(
        (ended.outputs["said"].clone(), ended.outputs["of"].clone()),
        (json!("got ***\n"), json!("it is ***\n"))
    );
    assert_eq!(stored(&trial), format!("TOKEN={VALUE}\n"));
    let shown = ended.run.step("make").unwrap().output.clone().unwrap();
    assert!(shown["stdout"].as_str().unwrap().starts_with("hmac:"), "{shown}");
    assert!(!entries(&trial).contains(VALUE), "{}", entries(&trial));
}

#[tokio::test]
async fn a_plan_does_not_take_what_is_in_the_store_for_what_will_be() {
    let put = "- id: copy\n  action: secrets.put\n  with: { target: box, key: COPY, value: '{{ secrets.token }}' }\n  undo: { none: It stays. }\n";
    let trial = trial(&format!("{MAKE}{put}"));
    std::fs::write(trial.path("box.env"), "TOKEN=the-old-value\n").unwrap();
    let plan = trial.plan(&json!({})).await.unwrap().view;
    let copy = plan.steps.iter().find(|step| step.id == "copy").unwrap();
    assert_eq!((copy.outcome, copy.after.clone()), (Outcome::WouldRun, None), "{copy:?}");
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    assert_eq!(stored(&trial), format!("TOKEN={VALUE}\nCOPY={VALUE}\n"));
}

#[tokio::test]
async fn what_was_done_and_could_not_be_kept_is_unknown() {
    let trial = trial(&format!("{MAKE}{USE}"));
    made(&trial, "short");
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Unknown, "secret_too_short"));
    assert_eq!(stored(&trial), "");
    assert!(!entries(&trial).contains("it is short"), "{}", entries(&trial));
}

#[tokio::test]
async fn nothing_is_done_whose_store_does_not_answer() {
    let trial = trial(&MAKE.replace("'cat made;", "'touch done; cat made;"));
    std::fs::create_dir(trial.path("box.env")).unwrap();
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "make")), (RunStatus::Failed, "failed"), "{:?}", ended.failure);
    assert!(!trial.path("done").exists());
}

#[tokio::test]
async fn a_guard_over_putting_sees_a_secret_output() {
    for place in ["forbid: secrets.put", "forbid: secrets.put\n  where: with.key == 'TOKEN'", "forbid: secrets.*"] {
        let trial = trial(&format!("do_not:\n- id: no_put\n  rule: Do not put secrets.\n  {place}\n{MAKE}"));
        let ended = trial.run().await;
        assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "guard"), "{place}");
        assert_eq!(stored(&trial), "");
    }
}

#[tokio::test]
async fn a_run_that_is_taken_up_again_has_its_secret_from_the_store_and_masks_it() {
    let wait = "- { id: wait, manual: { ask: Go on?, answer: { go: { type: boolean, description: Y } } } }\n";
    let mut trial = trial(&format!("{MAKE}{wait}{USE}outputs: {{ said: '{{{{ steps.use.stdout }}}}' }}\n"));
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Suspended);
    let answers = [("go".to_owned(), json!(true))].into_iter().collect();
    trial.people.0.insert("wait".to_owned(), Answer { answers, ..Answer::default() });
    let ended = trial.resume(&ended.run.id, Purpose::Resume, &[]).await.unwrap();
    assert_eq!((ended.status, ended.outputs["said"].clone()), (RunStatus::Succeeded, json!("got ***\n")));
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Succeeded, "the same value made again is kept again: {:?}", ended.failure);
}

#[tokio::test]
async fn a_secret_of_a_step_that_was_skipped_was_not_made() {
    let skipped = MAKE.replace("- id: make\n", "- id: make\n  when: parameters.anew\n");
    let trial =
        trial(&format!("parameters: {{ anew: {{ type: boolean, default: false, description: A }} }}\n{skipped}{USE}"));
    std::fs::write(trial.path("box.env"), "TOKEN=the-old-value\n").unwrap();
    let ended = trial.run().await;
    assert_eq!(failure_code(&ended), "missing_secret", "{:?}", ended.failure);
    assert!(ended.failure.unwrap().message.contains("step `make` was skipped"));
}

#[tokio::test]
async fn a_made_secret_is_given_to_a_called_procedure() {
    let inner = format!(
        "secrets: {{ token: {{ description: T }} }}\nsteps:\n{USE}outputs: {{ said: '{{{{ steps.use.stdout }}}}' }}\n"
    );
    let call = "- { id: outer, call: inner, with: { token: '{{ secrets.token }}' } }\noutputs: { said: '{{ steps.outer.said }}' }\n";
    let trial = Trial::calling_with(STORES, "inner", &inner, &format!("{MAKE}{call}"));
    made(&trial, VALUE);
    let ended = trial.run().await;
    assert_eq!(
        (ended.status, ended.outputs.get("said")),
        (RunStatus::Succeeded, Some(&json!("got ***\n"))),
        "{:?}",
        ended.failure
    );
}

#[tokio::test]
async fn each_item_of_a_list_has_a_secret_of_its_own() {
    let each = MAKE
        .replace("- id: make\n", "- id: make\n  for_each: { items: [a, b], key: item }\n")
        .replace("'cat made; ", "'echo made-for-{{ item }}-12; ")
        .replace("key: TOKEN } }\n  undo", "key: 'TOKEN_{{ item }}' } }\n  undo")
        .replace("with: { target: box, key: TOKEN }", "with: { target: box, key: 'TOKEN_{{ item }}' }");
    let trial = trial(&each);
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(stored(&trial), "TOKEN_a=made-for-a-12\nTOKEN_b=made-for-b-12\n");
}
