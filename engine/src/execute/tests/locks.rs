//! Named locks: all or none, kept as long as the end is not certain, lost at once when they are broken.

use std::time::Duration;

use indexmap::IndexMap;
use serde_json::json;

use super::{Failing, Purpose, Trial, failure_code};
use crate::event::Kind;
use crate::event::state::RunStatus;
use crate::execute::people::Answer;
use crate::ledger::inbox::{self, Request, Wish};
use crate::ledger::locks::Locks;
use crate::plan::Status;

const TWO: &str =
    "requires: { locks: ['z/{{ parameters.org }}', a] }\nparameters: { org: { type: string, default: x } }\n";
const ASKS: &str = "steps:\n  - { id: m, manual: { ask: Now?, answer: { ok: { type: boolean } } } }\n  - { id: n, action: test.note, with: { name: n } }\n";

fn held(trial: &Trial) -> Vec<String> {
    locks(trial).held().map(|(lock, holding)| format!("{lock} {}", holding.fence)).collect()
}

fn locks(trial: &Trial) -> Locks {
    trial.reader().1.history().locks().unwrap()
}

fn yes() -> Answer {
    Answer { answers: IndexMap::from([("ok".to_owned(), json!(true))]), ..Answer::default() }
}

#[tokio::test]
async fn locks_are_taken_by_name_with_the_begin_and_given_back_with_the_end() {
    let trial = Trial::of(&format!("{TWO}steps: [{{ id: n, action: test.note, with: {{ name: n }} }}]\n"));
    let plan = trial.plan(&json!({})).await.unwrap();
    assert_eq!(plan.view.locks, ["a", "z/x"]);
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    let kinds = trial.kinds();
    assert_eq!(kinds[..4], [Kind::RunBegin, Kind::PlanRecorded, Kind::LockTaken, Kind::LockTaken]);
    assert_eq!(kinds[kinds.len() - 3..], [Kind::LockReleased, Kind::LockReleased, Kind::RunEnd]);
    assert!(held(&trial).is_empty());
}

#[tokio::test]
async fn a_suspended_run_keeps_its_locks_and_another_finds_them_busy() {
    let mut trial = Trial::of(&format!("{TWO}{ASKS}"));
    assert_eq!(trial.run().await.status, RunStatus::Suspended);
    let first = trial.last_run();
    assert_eq!(held(&trial), ["a 1", "z/x 2"]);

    let plan = trial.plan(&json!({})).await.unwrap();
    let said = plan.view.error.clone().unwrap();
    assert_eq!((plan.view.status, said.code.as_str()), (Status::Busy, "lock_busy"));
    let wanted = format!("lock `a` is held by run {first} of `trial`, which is suspended, since ");
    assert!(said.message.starts_with(&wanted), "{}", said.message);
    // Whoever runs such a plan all the same is refused, and takes none of them.
    let ended = trial.run_with(&json!({ "org": "y" })).await.unwrap();
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "lock_busy"));
    assert_eq!(held(&trial), ["a 1", "z/x 2"], "all or none");

    trial.people.0.insert("m".to_owned(), yes());
    assert_eq!(trial.resume(&first, Purpose::Resume, &[]).await.unwrap().status, RunStatus::Succeeded);
    assert!(held(&trial).is_empty());
}

#[tokio::test]
async fn the_digest_names_locks_and_not_who_holds_them() {
    let trial = Trial::of(&format!("{TWO}{ASKS}"));
    let free = trial.plan(&json!({})).await.unwrap().view;
    trial.run().await;
    let busy = trial.plan(&json!({})).await.unwrap().view;
    assert_eq!((free.digest.clone(), busy.status), (busy.digest, Status::Busy));
    assert_ne!(free.digest, trial.plan(&json!({ "org": "y" })).await.unwrap().view.digest);
}

#[tokio::test]
async fn the_locks_of_a_called_procedure_are_taken_with_the_callers() {
    let callee =
        "requires: { locks: ['c/{{ parameters.org }}'] }\nparameters: { org: { type: string } }\n".to_owned() + ASKS;
    let trial = Trial::calling(
        "callee",
        &callee,
        "requires: { locks: [mine] }\nsteps:\n  - { id: sub, call: callee, with: { org: x } }\n",
    );
    assert_eq!(trial.run().await.status, RunStatus::Suspended);
    assert_eq!(held(&trial), ["c/x 1", "mine 2"]);
}

#[tokio::test]
async fn a_lock_that_depends_on_a_step_is_taken_when_its_procedure_is_called() {
    let callee =
        "requires: { locks: ['n/{{ parameters.n }}'] }\nparameters: { n: { type: integer } }\n".to_owned() + ASKS;
    let trial = Trial::calling(
        "callee",
        &callee,
        "steps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: sub, call: callee, with: { n: '{{ steps.a.calls }}' } }\n",
    );
    let plan = trial.plan(&json!({})).await.unwrap();
    assert!(plan.view.locks.is_empty() && plan.view.undecided.iter().any(|it| it.contains("requires.locks")));
    let ended = trial.run().await;
    assert_eq!(ended.status, RunStatus::Suspended, "{:?}", ended.failure);
    assert_eq!(held(&trial), ["n/1 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_run_keeps_its_locks_until_it_was_looked_into() {
    let trial = Trial::of(&format!("{TWO}steps: [{{ id: b, action: test.once, with: {{ name: b, takes: 60 }} }}]\n"));
    let died = tokio::time::timeout(Duration::from_secs(10), trial.run()).await;
    assert!(died.is_err());
    let run = trial.last_run();
    assert_eq!(held(&trial), ["a 1", "z/x 2"]);
    assert_eq!(trial.resume(&run, Purpose::Resume, &[]).await.unwrap().status, RunStatus::Unknown);
    assert_eq!(held(&trial), ["a 1", "z/x 2"]);
    assert_eq!(trial.resume(&run, Purpose::Resume, &[("b", true)]).await.unwrap().status, RunStatus::Succeeded);
    assert!(held(&trial).is_empty());
}

#[tokio::test]
async fn a_stuck_run_keeps_its_locks_and_a_failed_one_takes_them_anew() {
    let steps = "steps:\n  - { id: a, action: test.note, with: { name: a }, undo: { none: It stays. } }\n  - { id: b, action: test.note, with: { name: b } }\n";
    let trial = Trial::of(&format!("on_failure: undo\n{TWO}{steps}"));
    trial.fail("b", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Stuck);
    assert_eq!(held(&trial), ["a 1", "z/x 2"]);

    let trial = Trial::of(&format!("{TWO}{steps}"));
    trial.fail("b", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    assert!(held(&trial).is_empty());
    assert_eq!(trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap().status, RunStatus::Succeeded);
    let taken = trial.kinds().into_iter().filter(|kind| *kind == Kind::LockTaken).count();
    assert_eq!(taken, 4);
}

#[tokio::test]
async fn a_run_that_goes_on_finds_its_locks_taken_and_does_nothing() {
    let trial = Trial::of(&format!("{TWO}parameters_: 0\n").replace("parameters_: 0\n", "steps:\n  - { id: a, action: test.note, with: { name: '{{ parameters.org }}' } }\n  - { id: m, when: parameters.org == 'waits', manual: { ask: Now?, answer: { ok: { type: boolean } } } }\n").replace("'z/{{ parameters.org }}', a", "a"));
    trial.fail("x", 1, Failing::ForGood);
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    let failed = trial.last_run();
    assert_eq!(trial.run_with(&json!({ "org": "waits" })).await.unwrap().status, RunStatus::Suspended);
    let error = trial.resume(&failed, Purpose::Resume, &[]).await.unwrap_err();
    assert!(error.to_string().starts_with("lock `a` is held by run "), "{error}");
    assert_eq!(trial.effects(), ["test.note waits"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_lost_a_lock_stops_before_its_next_effect() {
    let trial = Trial::of(&format!(
        "{TWO}steps:\n  - {{ id: b, action: test.note, with: {{ name: b, takes: 60 }} }}\n  - {{ id: c, action: test.note, with: {{ name: c }}, on_error: continue }}\n  - {{ id: d, action: test.note, with: {{ name: d }} }}\n"
    ));
    let breaks = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let wish = Wish::BreakLock { lock: "a".to_owned(), reason: "db-3 is gone".to_owned() };
        let at = crate::time::Timestamp::from_microseconds(0).unwrap();
        let request = Request { run: trial.last_run(), actor: "mira".to_owned(), at, wish };
        inbox::post(&trial.path("ledger.db"), &request).unwrap();
    };
    let (ended, ()) = tokio::join!(trial.run(), breaks);
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Failed, "lock_lost"));
    assert_eq!(trial.effects(), ["test.note b"], "no step is passed by after that");
    assert!(ended.failure.unwrap().message.contains("db-3 is gone"));
    assert!(inbox::waiting(&trial.path("ledger.db")).unwrap().is_empty());
    assert!(trial.kinds().contains(&Kind::LockBroken) && held(&trial).is_empty());
}

#[tokio::test]
async fn a_lock_that_is_another_in_each_run_keeps_nobody_out_and_is_refused() {
    for lock in ["'{{ run.id }}'", "' a'", "\"a\\nb\""] {
        let trial = Trial::of(&format!(
            "requires: {{ locks: [{lock}] }}\nsteps: [{{ id: n, action: test.note, with: {{ name: n }} }}]\n"
        ));
        let ended = trial.run().await;
        assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Failed, "undecidable"), "{lock}");
        assert!(trial.effects().is_empty());
    }
}
