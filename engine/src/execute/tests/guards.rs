//! Guards hold at every moment: planned, before and after, during, within calls, on undo.

use serde_json::json;

use super::{Failing, Trial, failure_code, state};
use crate::event::Kind;
use crate::event::state::RunStatus;

#[tokio::test]
async fn a_forbidden_act_is_refused_when_planned() {
    let trial = Trial::of(
        "do_not: [{ id: no_b, rule: Do not note b., forbid: test.note, where: with.name == 'b' }]\nsteps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "guard"));
    assert!(trial.effects().is_empty(), "what the plan can prove stops the run before its first effect");
}

#[tokio::test]
async fn an_act_that_is_known_only_later_is_refused_before_the_effect() {
    let trial = Trial::of(
        "do_not: [{ id: no_second, rule: Do not call twice., forbid: test.note, where: with.name == 'a1' }]\nsteps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: b, action: test.note, with: { name: 'a{{ steps.a.calls }}' } }\n",
    );
    let plan = trial.plan(&json!({})).await.unwrap();
    let guard = &plan.view.guards[0];
    assert_eq!((guard.verdict.as_str(), guard.when.as_str()), ("undecided", "before the effect"));
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended), state(&ended, "b")), (RunStatus::Failed, "guard", "refused"));
    assert_eq!(trial.effects(), ["test.note a"]);
}

#[tokio::test]
async fn a_guard_without_where_forbids_the_act_altogether() {
    for pattern in ["test.note", "test.*", "'*'"] {
        let trial = Trial::of(&format!(
            "do_not: [{{ id: g, rule: No., forbid: {pattern} }}]\nsteps: [{{ id: a, action: test.note, with: {{ name: a }} }}]\n"
        ));
        assert_eq!(failure_code(&trial.run().await), "guard", "{pattern}");
    }
}

#[tokio::test]
async fn a_star_does_not_mean_reads() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: No effects., forbid: '*' }]\nsteps: [{ id: a, action: test.level, with: {} }]\n",
    );
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_state_that_must_not_be_is_seen_before_and_after_each_effect() {
    let before = "do_not: [{ id: g, rule: Never above zero., never: state.level > 0, state: { action: test.level, with: {} } }]\nsteps:\n  - { id: a, action: test.raise, verify: [{ id: v, expect: steps.a.level > 0 }], undo: { none: it only rises } }\n  - { id: b, action: test.note, with: { name: b } }\n";
    let trial = Trial::of(before);
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Failed, "guard"));
    assert_eq!(trial.effects(), ["test.raise"], "seen after the first effect");
    trial.world.lock().unwrap().effects.clear();
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "guard"));
    assert!(trial.effects().is_empty(), "seen when planned");
}

#[tokio::test]
async fn a_guard_whose_state_cannot_be_read_counts_as_violated() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: Never., never: state.level > 0, state: { action: test.level, with: {} } }]\nsteps: [{ id: a, action: test.note, with: { name: a } }]\n",
    );
    trial.fail("level", 1, Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "guard"));
}

#[tokio::test]
async fn a_guard_whose_expression_errs_counts_as_violated() {
    let trial = Trial::of(
        "parameters: { n: { type: integer } }\ndo_not: [{ id: g, rule: Never., never: 1 / parameters.n > 1 }]\nsteps: [{ id: a, action: test.note, with: { name: a } }]\n",
    );
    assert_eq!(failure_code(&trial.run_with(&json!({ "n": 0 })).await.unwrap()), "guard");
    assert_eq!(trial.run_with(&json!({ "n": 1 })).await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_callers_guard_holds_inside_the_callee() {
    let trial = Trial::calling(
        "callee",
        "parameters: { who: { type: string } }\nsteps: [{ id: a, action: test.note, with: { name: '{{ parameters.who }}' } }]\n",
        "do_not: [{ id: g, rule: Not eve., forbid: test.note, where: with.name == 'eve' }]\nsteps: [{ id: sub, call: callee, with: { who: eve } }]\n",
    );
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "guard"));
}

#[tokio::test]
async fn a_callees_guard_holds_too_and_says_where_it_stands() {
    let trial = Trial::calling(
        "callee",
        "do_not: [{ id: g, rule: Not a., forbid: test.note }]\nsteps: [{ id: a, action: test.note, with: { name: a } }]\n",
        "steps: [{ id: sub, call: callee }]\n",
    );
    let ended = trial.run().await;
    assert_eq!(ended.failure.unwrap().guard.as_deref(), Some("sub/g"));
}

#[tokio::test]
async fn a_call_and_a_manual_step_are_acts_that_can_be_forbidden() {
    let trial = Trial::calling(
        "callee",
        "steps: [{ id: a, action: test.note, with: { name: a } }]\n",
        "do_not: [{ id: g, rule: No calls., forbid: call.callee }]\nsteps: [{ id: sub, call: callee }]\n",
    );
    assert_eq!(failure_code(&trial.run().await), "guard");
    let trial = Trial::of(
        "do_not: [{ id: g, rule: No people., forbid: manual }]\nsteps: [{ id: m, manual: { ask: Do it., answer: { done: { type: boolean } } } }]\n",
    );
    assert_eq!(failure_code(&trial.run().await), "guard");
}

#[tokio::test]
async fn a_step_that_acts_as_something_forbidden_is_refused() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: Remove nothing., forbid: file.remove }]\nsteps: [{ id: a, action: test.note, with: { name: a }, acts_as: [file.remove] }]\n",
    );
    assert_eq!(failure_code(&trial.run().await), "guard");
}

#[tokio::test]
async fn a_guard_of_the_workspace_holds_for_every_procedure() {
    let trial = Trial::with_workspace(
        "steps: [{ id: a, action: test.note, with: { name: a } }]\n",
        "policy: { do_not: [{ id: g, rule: Nothing., forbid: '*' }] }\n",
    );
    let ended = trial.run().await;
    assert_eq!(ended.failure.unwrap().guard.as_deref(), Some("policy:g"));
}

#[tokio::test]
async fn guards_hold_in_finally_and_for_each() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: Not z., forbid: test.note, where: with.name == 'z' }]\nsteps: [{ id: a, action: test.note, with: { name: a } }]\nfinally: [{ id: z, action: test.note, with: { name: z } }]\n",
    );
    assert_eq!(failure_code(&trial.run().await), "guard");
    let trial = Trial::of(
        "do_not: [{ id: g, rule: Not y., forbid: test.note, where: with.name == 'y' }]\nparameters: { names: { type: list, items: { type: string } } }\nsteps: [{ id: e, for_each: { items: '{{ parameters.names }}' }, action: test.note, with: { name: '{{ item }}' } }]\n",
    );
    let ended = trial.run_with(&json!({ "names": ["x", "y"] })).await.unwrap();
    assert_eq!((failure_code(&ended), trial.effects().len()), ("guard", 0));
}

#[tokio::test]
async fn what_failed_is_not_tried_again_on_unchanged_inputs() {
    let body = "do_not: [{ id: hope, rule: Do not try again what failed., once_failed: test.note }]\nparameters: { name: { type: string } }\nsteps: [{ id: a, action: test.note, with: { name: '{{ parameters.name }}' } }]\n";
    let trial = Trial::of(body);
    trial.fail("a", 1, Failing::ForGood);
    assert_eq!(failure_code(&trial.run_with(&json!({ "name": "a" })).await.unwrap()), "broken");
    let again = trial.run_with(&json!({ "name": "a" })).await.unwrap();
    assert_eq!((again.status, failure_code(&again)), (RunStatus::Refused, "guard"));
    assert_eq!(trial.run_with(&json!({ "name": "b" })).await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn once_failed_stops_a_retry_within_the_run() {
    let trial = Trial::of(
        "do_not: [{ id: hope, rule: Do not try again., once_failed: test.note }]\nsteps: [{ id: a, action: test.note, with: { name: a }, retry: { attempts: 3, on: [transient] } }]\n",
    );
    trial.fail("a", 1, Failing::Transient);
    let ended = trial.run().await;
    assert_eq!((failure_code(&ended), trial.effects().len()), ("guard", 0));
}

#[tokio::test]
async fn a_check_that_failed_is_not_asked_again_on_unchanged_inputs() {
    let trial = Trial::of(
        "do_not: [{ id: hope, rule: Do not look again hoping., once_failed: test.level }]\nsteps: [{ id: a, action: test.note, with: { name: a }, verify: [{ id: v, action: test.level, with: {}, expect: result.level == 1 }] }]\n",
    );
    assert_eq!(failure_code(&trial.run().await), "verify");
    assert_eq!(failure_code(&trial.run().await), "guard");
    assert_eq!(trial.world.lock().unwrap().looks, 1);
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_watches_ends_a_wait() {
    let trial = Trial::of(
        "do_not:\n  - id: g\n    rule: Never above zero.\n    never: state.level > 0\n    state: { action: test.level, with: {} }\n    enforce: [during]\n    every: 10s\nsteps: [{ id: w, wait: 1h }]\n",
    );
    let world = std::sync::Arc::clone(&trial.world);
    let rise = async move {
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        world.lock().unwrap().level = 1;
    };
    let begun = tokio::time::Instant::now();
    let (ended, ()) = tokio::join!(trial.run(), rise);
    assert_eq!((failure_code(&ended), ended.failure.as_ref().unwrap().guard.as_deref()), ("guard", Some("g")));
    assert!(begun.elapsed() < std::time::Duration::from_secs(120), "long before the hour is over");
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_watches_lets_an_effect_under_way_finish_and_then_stops() {
    let trial = Trial::of(
        "do_not:\n  - id: g\n    rule: Never above zero.\n    never: state.level > 0\n    state: { action: test.level, with: {} }\n    enforce: [during]\n    every: 10s\nsteps:\n  - { id: a, action: test.note, with: { name: a, takes: 600 } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    let world = std::sync::Arc::clone(&trial.world);
    let rise = async move {
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        world.lock().unwrap().level = 1;
    };
    let (ended, ()) = tokio::join!(trial.run(), rise);
    assert_eq!((failure_code(&ended), trial.effects()), ("guard", vec!["test.note a".to_owned()]));
}

#[tokio::test]
async fn a_violated_guard_can_ask_for_undo() {
    let trial = Trial::of(
        "do_not:\n  - id: g\n    rule: Never above zero.\n    never: state.level > 0\n    state: { action: test.level, with: {} }\n    on_violation: undo\nsteps:\n  - id: a\n    action: test.settle\n    with: { level: 4 }\n    undo: { action: test.settle, with: { level: 0 } }\n",
    );
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Undone, "guard"));
    assert_eq!(trial.effects(), ["test.settle 4", "test.settle 0"]);
}

#[tokio::test]
async fn on_error_continue_does_not_pass_a_guard() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: Not a1., forbid: test.note, where: with.name == 'a1' }]\nsteps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: b, action: test.note, with: { name: 'a{{ steps.a.calls }}' }, on_error: continue }\n  - { id: c, action: test.note, with: { name: c } }\n",
    );
    let ended = trial.run().await;
    assert_eq!((failure_code(&ended), trial.effects()), ("guard", vec!["test.note a".to_owned()]));
}

#[tokio::test]
async fn verdicts_are_on_record() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: Not z., forbid: test.note, where: with.name == 'z' }]\nsteps: [{ id: a, action: test.note, with: { name: a } }]\n",
    );
    trial.run().await;
    let verdicts = trial.kinds().into_iter().filter(|kind| *kind == Kind::GuardVerdict).count();
    assert_eq!(verdicts, 2, "one when planned, one before the effect");
}
