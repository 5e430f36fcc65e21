//! What people are asked, what is taken for an answer, and what happens when nobody is there.

use indexmap::IndexMap;
use serde_json::json;

use super::{Trial, failure_code, state};
use crate::event::Kind;
use crate::event::state::RunStatus;
use crate::execute::people::Answer;

fn answers(given: &[(&str, serde_json::Value)]) -> Answer {
    let answers: IndexMap<String, serde_json::Value> =
        given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Answer { answers, ..Answer::default() }
}

const ASK: &str = "steps:\n  - id: m\n    manual: { ask: 'Which?', answer: { ticket: { type: string, pattern: '[A-Z]+-[0-9]+' } } }\n    verify: [{ id: v, expect: steps.m.ticket != 'X-0' }]\n  - { id: a, action: test.note, with: { name: '{{ steps.m.ticket }}' } }\n";

#[tokio::test]
async fn an_answer_is_used_after() {
    let mut trial = Trial::of(ASK);
    trial.people.0.insert("m".to_owned(), answers(&[("ticket", json!("OPS-7"))]));
    let ended = trial.run().await;
    assert_eq!((ended.status, trial.effects()), (RunStatus::Succeeded, vec!["test.note OPS-7".to_owned()]));
    let kinds = trial.kinds();
    assert!(kinds.contains(&Kind::ManualAsked) && kinds.contains(&Kind::ManualAnswered));
}

#[tokio::test]
async fn with_nobody_to_answer_the_run_is_suspended_and_not_failed() {
    let trial = Trial::of(ASK);
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Suspended, "answer"));
    assert!(trial.effects().is_empty());
    let kinds = trial.kinds();
    assert!(kinds.contains(&Kind::RunSuspended) && !kinds.contains(&Kind::RunEnd));
}

#[tokio::test]
async fn an_answer_of_the_wrong_type_is_none() {
    for wrong in [json!("seven"), json!(7), json!("OPS-7; rm -rf /"), json!("$(x)"), json!("-rf")] {
        let mut trial = Trial::of(ASK);
        trial.people.0.insert("m".to_owned(), answers(&[("ticket", wrong.clone())]));
        assert_eq!(trial.run().await.status, RunStatus::Suspended, "{wrong}");
    }
}

#[tokio::test]
async fn a_value_must_be_read_back_exactly() {
    let body = "parameters: { name: { type: string } }\nsteps: [{ id: m, manual: { ask: Type it., read_back: '{{ parameters.name }}' } }]\n";
    for (typed, status) in
        [(Some("org_a"), RunStatus::Succeeded), (Some("org_A"), RunStatus::Suspended), (None, RunStatus::Suspended)]
    {
        let mut trial = Trial::of(body);
        let answer = Answer { read_back: typed.map(str::to_owned), ..Answer::default() };
        trial.people.0.insert("m".to_owned(), answer);
        assert_eq!(trial.run_with(&json!({ "name": "org_a" })).await.unwrap().status, status, "{typed:?}");
    }
}

#[tokio::test]
async fn evidence_is_kept_by_its_digest() {
    let body = "steps: [{ id: m, manual: { ask: Attach it., evidence: { min: 1, what: a screenshot } } }]\n";
    let mut trial = Trial::of(body);
    assert_eq!(trial.run().await.status, RunStatus::Suspended);
    let file = trial.path("proof.txt");
    std::fs::write(&file, b"seen").unwrap();
    trial.people.0.insert("m".to_owned(), Answer { evidence: vec![file], ..Answer::default() });
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    let digest = crate::id::Digest::of(b"seen");
    let kept = trial.path("ledger.db.content").join(&digest.hex()[..2]).join(digest.hex());
    assert_eq!(std::fs::read(kept).unwrap(), b"seen");
}

#[tokio::test]
async fn a_check_can_be_a_question_to_a_person() {
    let body = "preconditions:\n  - id: sure\n    manual: { ask: 'When?', answer: { at: { type: timestamp } }, expect: answer.at < run.started_at }\nsteps: [{ id: a, action: test.note, with: { name: a } }]\n";
    for (at, status) in [("2020-01-01T00:00:00Z", RunStatus::Succeeded), ("2999-01-01T00:00:00Z", RunStatus::Refused)] {
        let mut trial = Trial::of(body);
        trial.people.0.insert("sure".to_owned(), answers(&[("at", json!(at))]));
        assert_eq!(trial.run().await.status, status, "{at}");
    }
}

#[tokio::test]
async fn a_manual_step_is_undone_by_its_undo() {
    let mut trial = Trial::of(
        "on_failure: undo\nsteps:\n  - { id: m, manual: { ask: Open it. }, undo: { action: test.note, with: { name: closed } } }\n  - { id: a, action: test.note, with: { name: a } }\n",
    );
    trial.people.0.insert("m".to_owned(), Answer::default());
    trial.fail("a", 1, super::Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!(state(&ended, "m"), "undone");
    assert_eq!(trial.effects(), ["test.note closed"]);
}
