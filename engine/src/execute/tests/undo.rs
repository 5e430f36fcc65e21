//! Taking back: last first, exactly what was done, and never called a success.

use serde_json::json;

use super::{Failing, Trial, failure_code, state};
use crate::event::state::RunStatus;

/// Five steps, each with an undo; `on_failure: undo`.
fn ladder() -> String {
    let steps: String = (1..=5)
        .map(|n| {
            format!(
                "  - {{ id: s{n}, action: test.note, with: {{ name: s{n} }}, undo: {{ action: test.unnote, with: {{ name: s{n} }} }} }}\n"
            )
        })
        .collect();
    format!("on_failure: undo\nsteps:\n{steps}")
}

#[tokio::test]
async fn a_failure_at_each_step_undoes_exactly_what_was_done_last_first() {
    for failing in 1..=5 {
        let trial = Trial::of(&ladder());
        trial.fail(&format!("s{failing}"), 1, Failing::ForGood);
        let ended = trial.run().await;
        let done = (1..failing).map(|n| format!("test.note s{n}"));
        // A failed effect may have left something behind, so what has an intent is undone too.
        let undone = (1..=failing).rev().map(|n| format!("test.unnote s{n}"));
        assert_eq!(trial.effects(), done.chain(undone).collect::<Vec<_>>());
        assert_eq!(ended.status, RunStatus::Undone, "failing at {failing}");
    }
}

#[tokio::test]
async fn what_cannot_be_undone_leaves_the_run_stuck() {
    let trial = Trial::of(
        "on_failure: undo\nsteps:\n  - { id: a, action: test.note, with: { name: a }, undo: { none: it stays } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("b", 1, Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "a")), (RunStatus::Stuck, "undo_failed"));
}

#[tokio::test]
async fn an_undo_that_fails_leaves_the_run_stuck_and_the_others_undone() {
    let trial = Trial::of(
        "on_failure: undo\nsteps:\n  - { id: a, action: test.note, with: { name: a }, undo: { action: test.unnote, with: { name: ua } } }\n  - { id: b, action: test.note, with: { name: b }, undo: { action: test.unnote, with: { name: ub } } }\n  - { id: c, action: test.note, with: { name: c }, undo: { action: test.unnote, with: { name: uc } } }\n",
    );
    trial.fail("c", 1, Failing::ForGood);
    trial.fail("ub", 1, Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Stuck);
    assert_eq!((state(&ended, "a"), state(&ended, "b")), ("undone", "undo_failed"));
}

#[tokio::test]
async fn a_refused_step_had_no_effect_and_is_not_undone() {
    let trial = Trial::of(
        "on_failure: undo\nsteps:\n  - { id: a, action: test.note, with: { name: a }, undo: { action: test.unnote, with: { name: a } } }\n  - id: b\n    preconditions: [{ id: never, expect: steps.a.calls > 5 }]\n    action: test.note\n    with: { name: b }\n    undo: { action: test.unnote, with: { name: b } }\n",
    );
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "b")), (RunStatus::Undone, "refused"));
    assert_eq!(trial.effects(), ["test.note a", "test.unnote a"]);
}

#[tokio::test]
async fn guards_hold_during_undo() {
    let trial = Trial::of(
        "on_failure: undo\ndo_not: [{ id: g, rule: Do not unnote a., forbid: test.unnote }]\nsteps:\n  - { id: a, action: test.note, with: { name: a }, undo: { action: test.unnote, with: { name: a } } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("b", 1, Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "a")), (RunStatus::Stuck, "undo_failed"));
    assert_eq!(trial.effects(), ["test.note a"]);
}

#[tokio::test]
async fn a_state_guard_that_was_violated_when_undo_began_does_not_stop_it() {
    let trial = Trial::of(
        "on_failure: undo\ndo_not: [{ id: g, rule: Never above zero., never: state.level > 0, state: { action: test.level, with: {} } }]\nsteps: [{ id: a, action: test.settle, with: { level: 3 }, undo: { action: test.settle, with: { level: 0 } } }]\n",
    );
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Undone, "guard"));
    assert_eq!(trial.world.lock().unwrap().level, 0);
}

#[tokio::test]
async fn items_of_a_for_each_are_undone_one_by_one_with_their_item() {
    let trial = Trial::of(
        "on_failure: undo\nparameters: { names: { type: list, items: { type: string } } }\nsteps:\n  - id: e\n    for_each: { items: '{{ parameters.names }}', as: who, key: who }\n    action: test.note\n    with: { name: '{{ who }}' }\n    undo: { action: test.unnote, with: { name: '{{ who }}' } }\n",
    );
    trial.fail("z", 1, Failing::ForGood);
    let ended = trial.run_with(&json!({ "names": ["x", "y", "z"] })).await.unwrap();
    assert_eq!(ended.status, RunStatus::Undone);
    assert_eq!(trial.effects()[2..], ["test.unnote z", "test.unnote y", "test.unnote x"]);
}

#[tokio::test]
async fn a_call_that_says_how_it_is_undone_is_undone_as_a_whole() {
    let callee = "steps:\n  - { id: a, action: test.note, with: { name: a }, undo: { action: test.unnote, with: { name: inner } } }\n";
    let body = "on_failure: undo\nsteps:\n  - { id: sub, call: callee, undo: { action: test.unnote, with: { name: whole } } }\n  - { id: b, action: test.note, with: { name: b }, undo: { action: test.unnote, with: { name: b } } }\n";
    let trial = Trial::calling("callee", callee, body);
    trial.fail("b", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Undone);
    assert_eq!(trial.effects(), ["test.note a", "test.unnote b", "test.unnote whole"]);
}

#[tokio::test]
async fn without_on_failure_undo_things_stay_as_they_are() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.note, with: { name: a }, undo: { action: test.unnote, with: { name: a } } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("b", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    assert_eq!(trial.effects(), ["test.note a"]);
}
