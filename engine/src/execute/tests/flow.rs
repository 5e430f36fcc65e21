//! What is done, how often, and in which order.

use serde_json::json;

use super::{Failing, Trial, failure_code, state};
use crate::event::Kind;
use crate::event::state::RunStatus;

#[tokio::test]
async fn steps_are_done_in_order_each_after_its_intent() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Succeeded);
    assert_eq!(trial.effects(), ["test.note a", "test.note b"]);
    let kinds = trial.kinds();
    let steps: Vec<Kind> =
        kinds.into_iter().filter(|kind| matches!(kind, Kind::StepIntent | Kind::StepResult)).collect();
    assert_eq!(steps, [Kind::StepIntent, Kind::StepResult, Kind::StepIntent, Kind::StepResult]);
}

#[tokio::test]
async fn later_steps_see_what_earlier_ones_gave() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.note, with: { name: first } }\n  - { id: b, action: test.note, with: { name: '{{ steps.a.name }}_again' } }\noutputs: { calls: '{{ steps.b.calls }}' }\n",
    );
    let ended = trial.run().await;
    assert_eq!(trial.effects(), ["test.note first", "test.note first_again"]);
    assert_eq!(ended.outputs["calls"], json!(1));
}

#[tokio::test]
async fn a_step_whose_when_is_false_is_skipped() {
    let trial = Trial::of(
        "parameters: { wanted: { type: boolean } }\nsteps:\n  - { id: a, when: parameters.wanted, action: test.note, with: { name: a } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    let ended = trial.run_with(&json!({ "wanted": false })).await.unwrap();
    assert_eq!((ended.status, state(&ended, "a")), (RunStatus::Succeeded, "skipped"));
    assert_eq!(trial.effects(), ["test.note b"]);
}

#[tokio::test]
async fn what_is_satisfied_is_no_change() {
    let trial = Trial::of(
        "steps:\n  - id: a\n    action: test.raise\n    satisfied_when: { action: test.level, with: {}, expect: result.level >= 1 }\n    verify: [{ id: up, action: test.level, with: {}, expect: result.level == 1 }]\n    undo: { none: it only rises }\n",
    );
    assert_eq!(state(&trial.run().await, "a"), "succeeded");
    assert_eq!(state(&trial.run().await, "a"), "no_change");
    assert_eq!(trial.effects(), ["test.raise"]);
}

#[tokio::test]
async fn an_effect_that_would_change_nothing_has_no_intent() {
    let trial = Trial::of(
        "steps: [{ id: a, action: test.settle, with: { level: 0 } }]\noutputs: { level: '{{ steps.a.level }}' }\n",
    );
    let ended = trial.run().await;
    assert_eq!((state(&ended, "a"), &ended.outputs["level"]), ("no_change", &json!(0)));
    assert!(!trial.kinds().contains(&Kind::StepIntent));
}

#[tokio::test]
async fn for_each_does_each_item_once_and_keeps_them_by_key() {
    let trial = Trial::of(
        "parameters: { names: { type: list, items: { type: string } } }\nsteps:\n  - id: each\n    for_each: { items: '{{ parameters.names }}', as: who, key: who }\n    action: test.note\n    with: { name: '{{ who }}' }\noutputs: { second: \"{{ steps.each.items['y'].name }}\" }\n",
    );
    let ended = trial.run_with(&json!({ "names": ["x", "y"] })).await.unwrap();
    assert_eq!(trial.effects(), ["test.note x", "test.note y"]);
    assert_eq!((state(&ended, "each[x]"), &ended.outputs["second"]), ("succeeded", &json!("y")));
}

#[tokio::test]
async fn for_each_over_nothing_is_skipped_and_too_many_refuse() {
    let body = "parameters: { names: { type: list, items: { type: string } } }\nsteps:\n  - id: each\n    for_each: { items: '{{ parameters.names }}', max_items: 1 }\n    action: test.note\n    with: { name: '{{ item }}' }\n";
    let trial = Trial::of(body);
    let ended = trial.run_with(&json!({ "names": [] })).await.unwrap();
    assert_eq!(state(&ended, "each"), "skipped");
    let ended = trial.run_with(&json!({ "names": ["a", "b"] })).await.unwrap();
    assert_eq!(ended.status, RunStatus::Failed);
    assert!(trial.effects().is_empty());
}

#[tokio::test]
async fn repeat_acts_then_asks_until_it_is_enough() {
    let body = "steps:\n  - id: up\n    action: test.raise\n    repeat: { until: result.level >= 3, max: 5 }\n    verify: [{ id: three, action: test.level, with: {}, expect: result.level == 3 }]\n    undo: { none: it only rises }\n";
    let trial = Trial::of(body);
    let ended = trial.run().await;
    assert_eq!((ended.status, trial.effects().len()), (RunStatus::Succeeded, 3));
    assert_eq!(ended.run.step("up").unwrap().attempts, 3);
}

#[tokio::test]
async fn repeat_that_is_never_enough_fails_after_its_rounds() {
    let trial = Trial::of(
        "steps:\n  - id: up\n    action: test.raise\n    repeat: { until: result.level > 9, max: 2 }\n    verify: [{ id: v, expect: steps.up.level > 9 }]\n    undo: { none: it only rises }\n",
    );
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended), trial.effects().len()), (RunStatus::Failed, "repeat_exhausted", 2));
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_tried_again_as_often_as_said() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.note, with: { name: a }, retry: { attempts: 3, backoff: 1s, on: [transient] } }\n",
    );
    trial.fail("a", 2, Failing::Transient);
    let ended = trial.run().await;
    assert_eq!((ended.status, ended.run.step("a").unwrap().attempts), (RunStatus::Succeeded, 3));
    assert_eq!(trial.effects(), ["test.note a"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_for_good_is_not_tried_again() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.note, with: { name: a }, retry: { attempts: 3, backoff: 1s, on: [transient] } }\n",
    );
    trial.fail("a", 1, Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!((ended.status, ended.run.step("a").unwrap().attempts), (RunStatus::Failed, 1));
}

#[tokio::test]
async fn an_uncertain_failure_of_a_once_action_leaves_the_run_unknown() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.once, with: { name: a }, undo: { none: it stays } }\n  - { id: b, action: test.note, with: { name: b } }\nfinally: [{ id: z, action: test.note, with: { name: z } }]\n",
    );
    trial.fail("a", 1, Failing::Uncertain);
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "a")), (RunStatus::Unknown, "unknown"));
    assert!(trial.effects().is_empty(), "nothing is done after an unknown outcome");
    assert!(!trial.kinds().contains(&Kind::RunEnd), "an unknown run has not ended");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_takes_too_long_is_timed_out() {
    let trial = Trial::of("steps: [{ id: a, action: test.note, with: { name: a, takes: 3600 }, timeout: 5s }]\n");
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "a")), (RunStatus::Failed, "timed_out"));
}

#[tokio::test(start_paused = true)]
async fn a_once_step_that_takes_too_long_is_unknown() {
    let trial = Trial::of("steps: [{ id: a, action: test.once, with: { name: a, takes: 3600 }, timeout: 5s }]\n");
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "a")), (RunStatus::Unknown, "unknown"));
}

#[tokio::test]
async fn on_error_continue_goes_on_and_the_run_still_fails() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.note, with: { name: a }, on_error: continue }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("a", 1, Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "b")), (RunStatus::Failed, "succeeded"));
}

#[tokio::test]
async fn on_error_continue_goes_on_with_the_next_item() {
    let trial = Trial::of(
        "steps:\n  - id: each\n    for_each: { items: \"{{ ['x', 'y', 'z'] }}\", as: who, key: who }\n    action: test.note\n    with: { name: '{{ who }}' }\n    on_error: continue\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("x", 1, Failing::ForGood);
    trial.fail("y", 1, Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!(trial.effects(), ["test.note z", "test.note b"]);
    let states = ["each[x]", "each[y]", "each[z]", "each", "b"].map(|path| state(&ended, path).to_owned());
    assert_eq!(states, ["failed", "failed", "succeeded", "failed", "succeeded"]);
    assert_eq!((ended.status, ended.failure.unwrap().step.as_deref()), (RunStatus::Failed, Some("each[x]")));
}

#[tokio::test]
async fn on_error_continue_passes_no_guard_and_no_unknown_outcome_of_an_item() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: Not y1., forbid: test.note, where: with.name == 'y1' }]\nsteps:\n  - { id: a, action: test.note, with: { name: a } }\n  - id: each\n    for_each: { items: \"{{ ['x', 'y', 'z'] }}\" }\n    action: test.note\n    with: { name: '{{ item }}{{ steps.a.calls }}' }\n    on_error: continue\n",
    );
    let ended = trial.run().await;
    assert_eq!(failure_code(&ended), "guard");
    assert_eq!(trial.effects(), ["test.note a", "test.note x1"]);
    let trial = Trial::of(
        "steps:\n  - id: each\n    for_each: { items: \"{{ ['x', 'y', 'z'] }}\", as: who, key: who }\n    action: test.once\n    with: { name: '{{ who }}' }\n    on_error: continue\n    undo: { none: it stays }\n",
    );
    trial.fail("y", 1, Failing::Uncertain);
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "each[y]")), (RunStatus::Unknown, "unknown"));
    assert_eq!(trial.effects(), ["test.once x"]);
}

#[tokio::test]
async fn what_is_not_met_is_said_in_its_own_words_where_no_failure_mode_fits() {
    let steps = "steps: [{ id: a, action: test.note, with: { name: a } }]\n";
    let check = |title: &str| {
        format!(
            "preconditions: [{{ id: high, {title}action: test.level, with: {{}}, expect: result.level > 0, help: 'raise it in {{{{ run.environment }}}}' }}]\n{steps}"
        )
    };
    let said = Trial::of(&check("title: The level is high, ")).run().await.advice;
    assert_eq!(said, Some(("Not met: The level is high".to_owned(), "raise it in development".to_owned())));
    assert_eq!(Trial::of(&check("")).run().await.advice, None);
    let mode = "failure_modes: [{ when: error.check == 'high', title: Low, advice: Wait. }]\n";
    let said = Trial::of(&format!("{}{mode}", check("title: The level is high, "))).run().await.advice;
    assert_eq!(said, Some(("Low".to_owned(), "Wait.".to_owned())));
}

#[tokio::test]
async fn finally_runs_last_after_success_and_after_failure() {
    let body = "steps: [{ id: a, action: test.note, with: { name: a } }]\nfinally: [{ id: z, action: test.note, with: { name: z } }]\n";
    let trial = Trial::of(body);
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    assert_eq!(trial.effects(), ["test.note a", "test.note z"]);
    let trial = Trial::of(body);
    trial.fail("a", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    assert_eq!(trial.effects(), ["test.note z"]);
}

#[tokio::test]
async fn a_verify_that_is_not_met_fails_the_step_and_stops_at_the_first() {
    let trial = Trial::of(
        "steps:\n  - id: a\n    action: test.note\n    with: { name: a }\n    verify:\n      - { id: one, expect: steps.a.calls == 2 }\n      - { id: two, action: test.level, with: {}, expect: result.level == 0 }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "a"), failure_code(&ended)), (RunStatus::Failed, "failed", "verify"));
    assert_eq!(ended.failure.unwrap().check.as_deref(), Some("one"));
    assert_eq!(trial.world.lock().unwrap().looks, 0, "the second check was not asked");
}

#[tokio::test]
async fn the_procedures_verify_decides_the_run() {
    let trial = Trial::of(
        "steps: [{ id: a, action: test.raise, verify: [{ id: v, expect: steps.a.level > 0 }], undo: { none: it only rises } }]\nverify:\n  - { id: wish, severity: advisory, expect: steps.a.level == 7 }\n  - { id: level, action: test.level, with: {}, expect: result.level == 2 }\n",
    );
    let ended = trial.run().await;
    assert_eq!((ended.status, ended.failure.unwrap().check.as_deref()), (RunStatus::Failed, Some("level")));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_waits_is_asked_until_its_time_is_over() {
    let trial = Trial::of(
        "steps:\n  - id: a\n    action: test.note\n    with: { name: a }\n    verify: [{ id: level, action: test.level, with: {}, expect: result.level == 1, wait: { every: 10s, timeout: 1m } }]\n",
    );
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Failed);
    assert_eq!(trial.world.lock().unwrap().looks, 7);
}

#[tokio::test]
async fn parallel_steps_are_all_done_and_the_gravest_end_counts() {
    let body = "steps:\n  - id: both\n    parallel:\n      - { id: a, action: test.note, with: { name: a } }\n      - { id: b, action: test.note, with: { name: b } }\n  - { id: c, action: test.note, with: { name: c } }\n";
    let trial = Trial::of(body);
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    assert_eq!(trial.effects().len(), 3);
    let trial = Trial::of(body);
    trial.fail("a", 1, Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "a"), state(&ended, "b")), (RunStatus::Failed, "failed", "succeeded"));
    assert_eq!(trial.effects(), ["test.note b"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_its_until_is_met_and_fails_when_its_time_is_over() {
    let met = "steps: [{ id: w, wait: 1h, until: { action: test.level, with: {}, expect: result.level == 0 } }]\n";
    assert_eq!(Trial::of(met).run().await.status, RunStatus::Succeeded);
    let unmet = "steps: [{ id: w, wait: 10s, until: { action: test.level, with: {}, expect: result.level == 1 } }]\n";
    let ended = Trial::of(unmet).run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Failed, "timed_out"));
    let aborted =
        "steps: [{ id: w, wait: 1h, abort_when: { action: test.level, with: {}, expect: result.level == 0 } }]\n";
    assert_eq!(failure_code(&Trial::of(aborted).run().await), "aborted");
}

#[tokio::test]
async fn a_call_sees_only_what_it_is_given_and_gives_back_its_outputs() {
    let callee = "parameters: { who: { type: string } }\nsteps: [{ id: a, action: test.note, with: { name: '{{ parameters.who }}' } }]\noutputs: { name: '{{ steps.a.name }}' }\n";
    let trial = Trial::calling(
        "callee",
        callee,
        "steps:\n  - { id: sub, call: callee, with: { who: eve } }\n  - { id: b, action: test.note, with: { name: '{{ steps.sub.name }}2' } }\n",
    );
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Succeeded);
    assert_eq!(trial.effects(), ["test.note eve", "test.note eve2"]);
    assert_eq!(state(&ended, "sub/a"), "succeeded");
}

#[tokio::test]
async fn a_precondition_that_is_not_met_refuses_before_anything_is_done() {
    let trial = Trial::of(
        "preconditions: [{ id: high, action: test.level, with: {}, expect: result.level > 0, help: raise it }]\nsteps: [{ id: a, action: test.note, with: { name: a } }]\nfinally: [{ id: z, action: test.note, with: { name: z } }]\n",
    );
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "precondition"));
    assert!(trial.effects().is_empty());
    assert!(trial.kinds().contains(&Kind::RunEnd), "a refusal is on record");
}

#[tokio::test]
async fn a_precondition_that_cannot_be_decided_is_not_met() {
    let trial = Trial::of(
        "preconditions: [{ id: high, action: test.level, with: {}, expect: result.level >= 0 }]\nsteps: [{ id: a, action: test.note, with: { name: a } }]\n",
    );
    trial.fail("level", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Refused);
}

#[tokio::test]
async fn the_first_failure_mode_that_fits_is_shown() {
    let trial = Trial::of(
        "steps: [{ id: a, action: test.note, with: { name: a } }]\nfailure_modes:\n  - { when: error.code == 'other', title: Other, advice: nothing }\n  - { when: error.step == 'a' and error.attempt == 1, title: Broken, advice: 'Mend {{ error.step }}.' }\n",
    );
    trial.fail("a", 1, Failing::ForGood);
    assert_eq!(trial.run().await.advice, Some(("Broken".to_owned(), "Mend a.".to_owned())));
}
