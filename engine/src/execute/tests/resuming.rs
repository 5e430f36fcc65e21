//! Going on after a crash, a failure, a wait for somebody: what was done is not done again, and nothing is lost.

use std::time::Duration;

use indexmap::IndexMap;
use serde_json::json;

use super::{Failing, Purpose, Trial, failure_code, state};
use crate::event::Kind;
use crate::event::state::RunStatus;
use crate::execute::people::Answer;

/// Runs until the time is over, and then is gone like a killed process.
async fn crash_after(trial: &Trial, seconds: u64) {
    let died = tokio::time::timeout(Duration::from_secs(seconds), trial.run()).await;
    assert!(died.is_err(), "the run ended before it could be killed");
}

fn three(middle: &str) -> String {
    format!(
        "steps:\n  - {{ id: a, action: test.note, with: {{ name: a }} }}\n  - {{ id: b, action: {middle}, with: {{ name: b, takes: 60 }} }}\n  - {{ id: c, action: test.note, with: {{ name: '{{{{ steps.a.name }}}}c' }} }}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_an_idempotent_effect_repeats_it_and_nothing_before_it() {
    let trial = Trial::of(&three("test.note"));
    crash_after(&trial, 10).await;
    let ended = trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap();
    assert_eq!(ended.status, RunStatus::Succeeded);
    assert_eq!(trial.effects(), ["test.note a", "test.note b", "test.note ac"]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_a_once_effect_stays_unknown_until_a_person_says() {
    let trial = Trial::of(&three("test.once"));
    crash_after(&trial, 10).await;
    let run = trial.last_run();
    let ended = trial.resume(&run, Purpose::Resume, &[]).await.unwrap();
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Unknown, "unknown_outcome"));
    assert_eq!(trial.effects(), ["test.note a"], "nothing is done while an outcome is unknown");

    let ended = trial.resume(&run, Purpose::Resume, &[("b", true)]).await.unwrap();
    assert_eq!((ended.status, state(&ended, "b")), (RunStatus::Succeeded, "succeeded"));
    assert_eq!(trial.effects(), ["test.note a", "test.note ac"], "what happened is not done again");
    assert!(trial.kinds().contains(&Kind::OutcomeResolved));
}

#[tokio::test(start_paused = true)]
async fn what_a_person_says_did_not_happen_is_done() {
    let trial = Trial::of(&three("test.once"));
    crash_after(&trial, 10).await;
    let ended = trial.resume(&trial.last_run(), Purpose::Resume, &[("b", false)]).await.unwrap();
    assert_eq!(ended.status, RunStatus::Succeeded);
    assert_eq!(trial.effects(), ["test.note a", "test.once b", "test.note ac"]);
}

#[tokio::test]
async fn a_failed_run_is_tried_again_from_where_it_failed() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("b", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    let ended = trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap();
    assert_eq!((ended.status, ended.run.step("b").unwrap().attempts), (RunStatus::Succeeded, 2));
    assert_eq!(trial.effects(), ["test.note a", "test.note b"]);
}

#[tokio::test]
async fn a_run_that_waited_for_an_answer_goes_on_with_it() {
    let body = "steps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: m, manual: { ask: When?, answer: { at: { type: timestamp } } } }\n  - { id: b, when: steps.m.at < run.started_at, action: test.note, with: { name: b } }\n";
    let mut trial = Trial::of(body);
    assert_eq!(trial.run().await.status, RunStatus::Suspended);
    let run = trial.last_run();
    assert_eq!(trial.resume(&run, Purpose::Resume, &[]).await.unwrap().status, RunStatus::Suspended);
    let answers = IndexMap::from([("at".to_owned(), json!("2020-01-01T00:00:00Z"))]);
    trial.people.0.insert("m".to_owned(), Answer { answers, ..Answer::default() });
    assert_eq!(trial.resume(&run, Purpose::Resume, &[]).await.unwrap().status, RunStatus::Succeeded);
    assert_eq!(trial.effects(), ["test.note a", "test.note b"]);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_that_was_cut_short_goes_on_counting() {
    let trial = Trial::of(
        "steps:\n  - id: up\n    action: test.raise\n    repeat: { until: result.level >= 3, max: 5 }\n    verify: [{ id: three, action: test.level, with: {}, expect: result.level == 3 }]\n    undo: { none: it only rises }\n",
    );
    trial.interrupts.send_replace(1);
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Suspended);
    trial.interrupts.send_replace(0);
    let ended = trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap();
    assert_eq!((ended.status, trial.effects().len()), (RunStatus::Succeeded, 3));
}

#[tokio::test(start_paused = true)]
async fn items_that_were_done_are_not_done_again() {
    let trial = Trial::of(
        "steps:\n  - id: each\n    for_each: { items: \"{{ ['x', 'y', 'z'] }}\", as: who, key: who }\n    action: test.note\n    with: { name: '{{ who }}' }\n  - { id: tell, action: test.note, with: { name: \"{{ steps.each.items['x'].name }}{{ steps.each.items['z'].name }}\" } }\n",
    );
    trial.fail("y", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    let ended = trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap();
    assert_eq!(ended.status, RunStatus::Succeeded);
    assert_eq!(trial.effects(), ["test.note x", "test.note y", "test.note z", "test.note xz"]);
}

#[tokio::test]
async fn only_items_that_failed_are_done_again_and_their_step_has_succeeded_then() {
    let trial = Trial::of(
        "steps:\n  - id: each\n    for_each: { items: \"{{ ['x', 'y', 'z'] }}\", as: who, key: who }\n    action: test.note\n    with: { name: '{{ who }}' }\n    on_error: continue\n",
    );
    trial.fail("x", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    let ended = trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap();
    assert_eq!(
        (ended.status, state(&ended, "each"), state(&ended, "each[x]")),
        (RunStatus::Succeeded, "succeeded", "succeeded")
    );
    assert_eq!(trial.effects(), ["test.note y", "test.note z", "test.note x"]);
}

#[tokio::test]
async fn a_verify_that_had_not_passed_is_asked_again() {
    let trial = Trial::of(
        "steps: [{ id: a, action: test.note, with: { name: a }, verify: [{ id: v, action: test.level, with: {}, expect: result.level == 1 }] }]\n",
    );
    assert_eq!(failure_code(&trial.run().await), "verify");
    trial.world.lock().unwrap().level = 1;
    let ended = trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap();
    assert_eq!(ended.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_guard_holds_when_a_run_goes_on() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: Never above zero., never: state.level > 0, state: { action: test.level, with: {} } }]\nsteps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("b", 1, Failing::ForGood);
    trial.run().await;
    trial.world.lock().unwrap().level = 1;
    let ended = trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap();
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Failed, "guard"));
    assert_eq!(trial.effects(), ["test.note a"]);
}

#[tokio::test]
async fn only_preconditions_that_must_hold_on_are_asked_after_the_first_effect() {
    let body = |hold: bool| {
        format!(
            "preconditions: [{{ id: low, hold: {hold}, action: test.level, with: {{}}, expect: result.level == 0 }}]\nsteps:\n  - {{ id: a, action: test.note, with: {{ name: a }} }}\n  - {{ id: b, action: test.note, with: {{ name: b }} }}\n"
        )
    };
    for (hold, status) in [(false, RunStatus::Succeeded), (true, RunStatus::Failed)] {
        let trial = Trial::of(&body(hold));
        trial.fail("b", 1, Failing::ForGood);
        trial.run().await;
        trial.world.lock().unwrap().level = 1;
        let ended = trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap();
        assert_eq!(ended.status, status, "hold: {hold}");
    }
}

#[tokio::test]
async fn a_failed_run_can_be_taken_back_later() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.note, with: { name: a }, undo: { action: test.unnote, with: { name: '{{ steps.a.name }}' } } }\n  - { id: b, action: test.note, with: { name: b }, undo: { action: test.unnote, with: { name: b } } }\n",
    );
    trial.fail("b", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    let ended = trial.resume(&trial.last_run(), Purpose::Undo, &[]).await.unwrap();
    assert_eq!((ended.status, state(&ended, "a")), (RunStatus::Undone, "undone"));
    assert_eq!(trial.effects(), ["test.note a", "test.unnote b", "test.unnote a"]);
}

#[tokio::test]
async fn a_call_is_gone_on_with_inside_and_undone_inside() {
    let callee = "parameters: { who: { type: string } }\nsteps:\n  - { id: x, action: test.note, with: { name: '{{ parameters.who }}1' }, undo: { action: test.unnote, with: { name: '{{ parameters.who }}1' } } }\n  - { id: y, action: test.note, with: { name: '{{ parameters.who }}2' }, undo: { action: test.unnote, with: { name: '{{ parameters.who }}2' } } }\noutputs: { name: '{{ steps.y.name }}' }\n";
    let body = "steps:\n  - { id: sub, call: callee, with: { who: eve } }\n  - { id: b, action: test.note, with: { name: '{{ steps.sub.name }}b' } }\n";
    let trial = Trial::calling("callee", callee, body);
    trial.fail("eve2", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    let run = trial.last_run();
    let ended = trial.resume(&run, Purpose::Resume, &[]).await.unwrap();
    assert_eq!(ended.status, RunStatus::Succeeded);
    assert_eq!(trial.effects(), ["test.note eve1", "test.note eve2", "test.note eve2b"]);

    let trial = Trial::calling("callee", callee, body);
    trial.fail("eve2", 1, Failing::ForGood);
    trial.run().await;
    let ended = trial.resume(&trial.last_run(), Purpose::Undo, &[]).await.unwrap();
    assert_eq!(ended.status, RunStatus::Undone);
    assert_eq!(trial.effects(), ["test.note eve1", "test.unnote eve2", "test.unnote eve1"]);
}

#[tokio::test]
async fn a_run_that_is_over_does_not_go_on() {
    let trial = Trial::of("steps: [{ id: a, action: test.note, with: { name: a } }]\n");
    trial.run().await;
    assert!(trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.is_err());
    assert_eq!(trial.effects(), ["test.note a"]);
}
