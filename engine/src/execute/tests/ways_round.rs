//! Ways round a guard, each closed. Through `call`, `finally`, `for_each`, `undo`, `resume` and an expression that errs:
//! `guards`, `undo` and `resuming` beside this file; a path by another name: `tests/cli/locks.rs` and the host's own tests.

use std::time::Duration;

use serde_json::json;

use super::{Failing, Purpose, Trial, failure_code, state};
use crate::event::Kind;
use crate::event::state::RunStatus;
use crate::plan::Outcome;

const NO_EVE: &str = "do_not: [{ id: g, rule: Not eve., forbid: test.note, where: with.name == 'eve' }]\n";

#[tokio::test]
async fn lanes_of_a_parallel_step_are_under_guards_when_planned_and_before_their_effect() {
    let lanes = |name: &str| {
        format!(
            "{NO_EVE}steps:\n  - {{ id: a, action: test.note, with: {{ name: e }} }}\n  - id: p\n    parallel:\n      - {{ id: b, action: test.note, with: {{ name: b }} }}\n      - {{ id: c, action: test.note, with: {{ name: '{name}' }} }}\n"
        )
    };
    let trial = Trial::of(&lanes("eve"));
    assert_eq!((failure_code(&trial.run().await), trial.effects().len()), ("guard", 0));
    // Known only once the first step has run.
    let trial = Trial::of(&lanes("{{ steps.a.name }}ve"));
    let ended = trial.run().await;
    assert_eq!((failure_code(&ended), state(&ended, "c")), ("guard", "refused"));
    assert!(!trial.effects().contains(&"test.note eve".to_owned()));
}

#[tokio::test]
async fn the_finally_of_a_called_procedure_is_under_its_callers_guards() {
    let trial = Trial::calling(
        "callee",
        "parameters: { who: { type: string } }\nsteps: [{ id: a, action: test.note, with: { name: a } }]\nfinally: [{ id: z, action: test.note, with: { name: '{{ parameters.who }}' } }]\n",
        &format!("{NO_EVE}steps: [{{ id: sub, call: callee, with: {{ who: eve }} }}]\n"),
    );
    assert_eq!((failure_code(&trial.run().await), trial.effects().len()), ("guard", 0));
}

#[tokio::test]
async fn an_undo_by_a_person_is_an_act_that_can_be_forbidden() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: No people., forbid: manual }]\non_failure: undo\nsteps:\n  - { id: a, action: test.note, with: { name: a }, undo: { manual: { ask: Take it back. } } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("b", 1, Failing::ForGood);
    let ended = trial.run().await;
    assert_eq!((ended.status, state(&ended, "a")), (RunStatus::Stuck, "undo_failed"));
    assert!(!trial.kinds().contains(&Kind::ManualAsked));
}

#[tokio::test]
async fn the_verify_of_a_refused_step_is_not_asked() {
    let trial = Trial::of(&format!(
        "{NO_EVE}steps: [{{ id: a, action: test.note, with: {{ name: eve }}, verify: [{{ id: v, action: test.level, with: {{}}, expect: result.level == 1 }}] }}]\n"
    ));
    let plan = trial.plan(&json!({})).await.unwrap().view;
    assert_eq!((plan.steps[0].outcome, trial.world.lock().unwrap().looks), (Outcome::Refused, 0));
}

#[tokio::test]
async fn a_steps_verify_that_failed_while_planning_is_not_tried_again() {
    let trial = Trial::of(
        "do_not: [{ id: hope, rule: Do not look again hoping., once_failed: test.level }]\nsteps: [{ id: a, action: data.value, with: { value: 1 }, verify: [{ id: v, action: test.level, with: {}, expect: result.level == 1 }] }]\n",
    );
    assert_eq!(failure_code(&trial.run().await), "verify");
    assert_eq!(failure_code(&trial.run().await), "guard");
    assert_eq!(trial.world.lock().unwrap().looks, 1);
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_was_cut_short_is_not_done_twice() {
    let trial = Trial::of(
        "on_failure: undo\nsteps:\n  - id: a\n    action: test.note\n    with: { name: a }\n    undo: [{ action: test.once, with: { name: x } }, { action: test.once, with: { name: y, takes: 60 } }]\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("b", 1, Failing::ForGood);
    assert!(tokio::time::timeout(Duration::from_secs(10), trial.run()).await.is_err());
    let run = trial.last_run();
    let asked = trial.resume(&run, Purpose::Resume, &[]).await.unwrap();
    assert_eq!((asked.status, failure_code(&asked)), (RunStatus::Unknown, "unknown_outcome"));
    assert!(asked.failure.unwrap().message.contains("the undo of step `a`"));
    let ended = trial.resume(&run, Purpose::Resume, &[("a", true)]).await.unwrap();
    assert_eq!(
        (ended.status, trial.effects()),
        (RunStatus::Stuck, vec!["test.note a".to_owned(), "test.once x".to_owned()])
    );
    assert_eq!(state(&ended, "a"), "undone", "`b` failed and does not say how it is undone");
}

/// Two stores, of which the live one may not be written, and what a step writes into the other.
fn two_stores(spare: &str) -> Trial {
    let stores = format!(
        "targets:\n  live: {{ kind: secret_store, driver: dotenv, path: live.env }}\n  spare: {{ kind: secret_store, driver: dotenv, path: {spare} }}\n"
    );
    let body = "targets: { live: { kind: secret_store }, spare: { kind: secret_store } }\n\
        do_not:\n- { id: g, rule: Leave the live store., forbid: secrets.*, where: with.target.identity == targets.live.identity }\n\
        steps: [{ id: a, action: secrets.generate, with: { target: spare, key: KEY, kind: hex32 }, undo: { none: It stays. } }]\n";
    let trial = Trial::with_workspace(body, &stores);
    std::fs::write(trial.path("live.env"), "").unwrap();
    std::os::unix::fs::symlink(trial.path("live.env"), trial.path("link.env")).unwrap();
    std::fs::hard_link(trial.path("live.env"), trial.path("second.env")).unwrap();
    std::fs::write(trial.path("other.env"), "").unwrap();
    trial
}

#[tokio::test]
async fn a_target_of_another_name_for_the_same_file_is_the_same_target() {
    for spare in ["live.env", "./sub/../live.env", "link.env", "second.env"] {
        let trial = two_stores(spare);
        std::fs::create_dir(trial.path("sub")).unwrap();
        let ended = trial.run().await;
        assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "guard"), "{spare}");
        assert_eq!(std::fs::read_to_string(trial.path("live.env")).unwrap(), "", "{spare}");
    }
    assert_eq!(two_stores("other.env").run().await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_target_that_is_given_to_a_call_is_seen_as_what_it_is() {
    let stores = "targets:\n  live: { kind: secret_store, driver: dotenv, path: live.env }\n";
    let inner = "targets: { mine: { kind: secret_store } }\n\
        steps: [{ id: a, action: secrets.generate, with: { target: mine, key: KEY, kind: hex32 }, undo: { none: It stays. } }]\n";
    for guard in [
        "forbid: secrets.generate, where: with.target.identity == targets.live.identity",
        "forbid: secrets.generate, where: with.target.name == 'live' and with.target.kind == 'secret_store'",
        "forbid: call.inner, where: with.mine.identity == targets.live.identity",
    ] {
        let body = format!(
            "targets: {{ live: {{ kind: secret_store }} }}\ndo_not: [{{ id: g, rule: Leave it., {guard} }}]\n\
             steps: [{{ id: outer, call: inner, with: {{ mine: live }} }}]\n"
        );
        let trial = Trial::calling_with(stores, "inner", inner, &body);
        let ended = trial.run().await;
        assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "guard"), "{guard}");
        assert!(!trial.path("live.env").exists(), "{guard}");
    }
}

#[tokio::test]
async fn a_target_that_is_compared_with_a_text_all_the_same_is_refused_and_never_passed() {
    // No file says so past `check`; an expression that does is undecidable, not false.
    let trial = two_stores("other.env");
    let plan = trial.plan(&json!({})).await.unwrap();
    let described = crate::plan::judging::Described {
        kind: crate::procedure::pattern::ActKind::Action { name: "secrets.generate", is_read: false },
        acts_as: &[],
        with: &json!({ "target": "spare", "key": "KEY", "kind": "hex32" }),
        with_digest: None,
        subject: None,
        step: "a",
        certain: true,
    };
    let setting = trial.setting(trial.past(&trial.last_run(), &trial.machine()));
    let scope = crate::plan::judging::act_scope(&plan.root, &plan.root, &described, &setting);
    for text in ["with.target == 'spare'", "with.target != 'live'", "with.target in ['live', 'spare']"] {
        let expression = crate::template::expression::Expression::parse(text).unwrap();
        assert!(expression.decide(&scope).is_err(), "{text}");
    }
}
