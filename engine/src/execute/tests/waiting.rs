//! Long waits: others write the ledger meanwhile, and the run goes on only as it was left.

use std::time::Duration;

use serde_json::json;

use super::{Trial, failure_code, state};
use crate::event::state::RunStatus;
use crate::event::{Kind, held};
use crate::execute::Error;
use crate::execute::cancel::{By, Cancelling, cancel};
use crate::execute::people::Answer;
use crate::execute::resume::{Purpose, recorded};
use crate::host::Probe as _;
use crate::ledger::Ledger;
use crate::ledger::error::Error as LedgerError;

const WAITS: &str = "requires: { locks: [gate] }\nsteps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: w, wait: 24h }\n  - { id: b, action: test.note, with: { name: b } }\n";

/// What another process does some seconds after the run began.
async fn later<T>(seconds: u64, act: impl FnOnce() -> T) -> T {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    act()
}

fn others(trial: &Trial) -> Ledger {
    trial.open().expect("the run that waits does not have it")
}

fn has(trial: &Trial, kind: Kind) -> bool {
    trial.kinds().contains(&kind)
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_leaves_the_ledger_to_others_and_goes_on() {
    let trial = Trial::of(WAITS);
    let (ended, locks) = tokio::join!(
        trial.run(),
        later(10, || {
            let mut ledger = others(&trial);
            let held: Vec<String> = ledger.locks().unwrap().held().map(|(lock, _)| lock.to_owned()).collect();
            ledger.close(trial.machine().now()).unwrap();
            held
        })
    );
    assert_eq!((ended.status, trial.effects().len()), (RunStatus::Succeeded, 2));
    assert_eq!(locks, ["gate"], "its named lock stays");
    let kinds = trial.kinds();
    let around: Vec<&Kind> =
        kinds.iter().filter(|kind| matches!(kind, Kind::RunSuspended | Kind::RunResumed)).collect();
    assert_eq!(around, [&Kind::RunSuspended, &Kind::RunResumed]);
    let (_folder, reader) = trial.reader();
    let again = recorded(&reader, &trial.last_run()).unwrap().unwrap().run;
    assert_eq!((again.status, again.facts), (ended.run.status, ended.run.facts));
}

#[tokio::test(start_paused = true)]
async fn a_short_wait_keeps_the_ledger_and_so_do_lanes() {
    for body in [
        "steps: [{ id: w, wait: 60s }]\n",
        "steps:\n  - id: both\n    parallel:\n      - { id: l, wait: 24h }\n      - { id: r, action: test.note, with: { name: r, takes: 60 } }\n",
    ] {
        let trial = Trial::of(body);
        let (ended, opened) = tokio::join!(trial.run(), later(10, || trial.open()));
        assert!(matches!(opened, Err(LedgerError::Busy { .. })), "{body}");
        assert_eq!(ended.status, RunStatus::Succeeded, "{body}");
        assert!(!has(&trial, Kind::RunSuspended), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_whoever_has_the_ledger_when_the_wait_is_over() {
    let trial = Trial::of(WAITS);
    let (ended, ()) = tokio::join!(trial.run(), async {
        let ledger = later(10, || others(&trial)).await;
        tokio::time::sleep(Duration::from_secs(30 * 3600)).await;
        assert_eq!(trial.effects().len(), 1);
        ledger.close(trial.machine().now()).unwrap();
    });
    assert_eq!((ended.status, trial.effects().len()), (RunStatus::Succeeded, 2));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cancelled_while_it_waited_does_nothing_more() {
    let (trial, nothing) = (Trial::of(WAITS), json!({}));
    let (ended, done) = tokio::join!(
        trial.run_with(&nothing),
        later(10, || {
            let mut ledger = others(&trial);
            let (_folder, reader) = trial.reader();
            let run = recorded(&reader, &trial.last_run()).unwrap().unwrap().run;
            let by = By { actor: "else", reason: "not today", request: None };
            let done = cancel(&mut ledger, run, &by, trial.machine().now()).unwrap();
            ledger.close(trial.machine().now()).unwrap();
            done
        })
    );
    assert!(matches!(done, Cancelling::Done(_)));
    let Err(Error::Overtaken { status, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!((status, trial.effects().len()), (Some(RunStatus::Cancelled), 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_another_process_went_on_with_is_left_to_it() {
    let (trial, nothing) = (Trial::of(WAITS), json!({}));
    let (ended, ()) = tokio::join!(trial.run_with(&nothing), async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        // The other waits as long from now: it is this one that comes back first.
        let other = trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap();
        assert_eq!(other.status, RunStatus::Succeeded);
    });
    assert!(matches!(ended, Err(Error::Overtaken { .. })), "{ended:?}");
    assert_eq!(trial.effects(), ["test.note a", "test.note b"], "each once");
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_broken_meanwhile_is_lost() {
    let trial = Trial::of(WAITS);
    let (ended, ()) = tokio::join!(
        trial.run(),
        later(10, || {
            let mut ledger = others(&trial);
            let broken = held::LockBroken { lock: "gate".to_owned(), fence: 1, reason: "x".to_owned(), request: None };
            let run = trial.last_run();
            let event = crate::event::fact::Event::LockBroken(broken);
            let fact = crate::event::fact::Fact { run, step: None, attempt: None, actor: None, event };
            crate::execute::Keeper::append(&mut ledger, trial.machine().now(), vec![fact.draft()]).unwrap();
            ledger.checkpoint().unwrap();
            ledger.close(trial.machine().now()).unwrap();
        })
    );
    assert_eq!((failure_code(&ended), trial.effects().len()), ("lock_lost", 1));
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_while_another_has_the_ledger_it_stays_suspended_and_can_go_on() {
    let trial = Trial::of(WAITS);
    let (ended, ()) = tokio::join!(trial.run(), async {
        let ledger = later(10, || others(&trial)).await;
        trial.interrupts.send_replace(1);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        ledger.close(trial.machine().now()).unwrap();
    });
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Suspended, "interrupted"));
    trial.interrupts.send_replace(0);
    let ended = trial.resume(&ended.run.id, Purpose::Resume, &[]).await.unwrap();
    assert_eq!((ended.status, trial.effects().len()), (RunStatus::Succeeded, 2));
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_while_the_ledger_is_free_it_says_so_there() {
    let trial = Trial::of(WAITS);
    let (ended, ()) = tokio::join!(trial.run(), later(10, || trial.interrupts.send_modify(|count| *count = 1)));
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Suspended, "interrupted"));
    let suspended = trial.kinds().into_iter().filter(|kind| *kind == Kind::RunSuspended).count();
    assert_eq!(suspended, 2, "to wait, and because of the wish");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_polls_for_long_looks_on_without_the_ledger() {
    let trial = Trial::of(
        "steps:\n  - id: a\n    action: test.note\n    with: { name: a }\n    verify: [{ id: up, action: test.level, expect: result.level > 3, wait: { every: 5s, timeout: 1h } }]\n",
    );
    let (ended, ()) = tokio::join!(
        trial.run(),
        later(600, || {
            others(&trial).close(trial.machine().now()).unwrap();
            trial.world.lock().unwrap().level = 4;
        })
    );
    assert_eq!(ended.status, RunStatus::Succeeded);
    assert!(trial.world.lock().unwrap().looks > 100);
    let kinds = trial.kinds();
    let at = |kind: Kind| kinds.iter().position(|found| *found == kind).unwrap();
    assert!(at(Kind::RunSuspended) < at(Kind::RunResumed) && at(Kind::RunResumed) < at(Kind::VerifyResult));
}

#[tokio::test(start_paused = true)]
async fn a_person_who_thinks_for_long_does_not_keep_the_ledger() {
    let mut trial = Trial::of(
        "steps:\n  - { id: p, manual: { ask: On?, answer: { on: { type: boolean } } } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    let answers = [("on".to_owned(), json!(true))].into_iter().collect();
    trial.people.0.insert("p".to_owned(), Answer { answers, ..Answer::default() });
    trial.people.1 = Duration::from_secs(100);
    let (ended, (early, late)) = tokio::join!(trial.run(), async {
        let early = later(30, || trial.open().is_ok()).await;
        (early, later(60, || trial.open().is_ok()).await)
    });
    assert_eq!((early, late), (false, true));
    assert_eq!((ended.status, trial.effects().len()), (RunStatus::Succeeded, 1));
}

#[tokio::test(start_paused = true)]
async fn what_came_true_meanwhile_is_seen_by_guards_before_the_run_goes_on() {
    let trial = Trial::of(&format!(
        "do_not:\n  - {{ id: high, rule: Not while the level is high., never: state.level > 3, state: {{ action: test.level }} }}\n{WAITS}"
    ));
    let (ended, ()) = tokio::join!(trial.run(), later(10, || trial.world.lock().unwrap().level = 4));
    assert_eq!((failure_code(&ended), state(&ended, "b")), ("guard", "pending"));
    assert_eq!(trial.effects().len(), 1);
}
