//! Ending a run on request: said only when it is so, and nothing is given back before.

use std::time::Duration;

use serde_json::json;

use super::{Purpose, Trial, failure_code, state};
use crate::event::Kind;
use crate::event::state::RunStatus;
use crate::execute::cancel::{By, Cancelling, cancel};
use crate::execute::resume::recorded;
use crate::id::RunId;
use crate::ledger::Ledger;
use crate::ledger::inbox::{self, Request, Wish};
use crate::sign::ledger_key::LedgerKey;
use crate::time::Timestamp;

const LOCK: &str = "requires: { locks: [a] }\n";

fn cancelled(trial: &Trial) -> Cancelling {
    let run = recorded(&trial.reader().1, &trial.last_run()).unwrap().unwrap().run;
    let now = Timestamp::from_microseconds(1_900_000_000_000_000).unwrap();
    let mut ledger = Ledger::open(&trial.path("ledger.db"), LedgerKey::from_seed(&[7; 32]), now).unwrap();
    let by = By { actor: "mira", reason: "wrong region", request: None };
    let done = cancel(&mut ledger, run, &by, now).unwrap();
    ledger.close(now).unwrap();
    done
}

/// Leaves a wish to end after a while, and knocks.
async fn ask_for_the_end(trial: &Trial) {
    tokio::time::sleep(Duration::from_secs(10)).await;
    let wish = Wish::Cancel { reason: "wrong region".to_owned() };
    let at = Timestamp::from_microseconds(0).unwrap();
    // The run that is about to begin.
    let run = RunId::from_parts(1_795_000_000_001, &[1; 10]);
    let request = Request { run, actor: "mira".to_owned(), at, wish };
    inbox::post(&trial.path("ledger.db"), &request).unwrap();
    trial.knocks.send_modify(|count| *count += 1);
}

#[tokio::test]
async fn a_suspended_run_is_cancelled_at_once_and_can_be_taken_back() {
    let trial = Trial::of(&format!(
        "{LOCK}steps:\n  - {{ id: a, action: test.note, with: {{ name: a }}, undo: {{ action: test.unnote, with: {{ name: a }} }} }}\n  - {{ id: m, manual: {{ ask: Now?, answer: {{ ok: {{ type: boolean }} }} }} }}\n"
    ));
    assert_eq!(trial.run().await.status, RunStatus::Suspended);
    assert!(matches!(cancelled(&trial), Cancelling::Done(_)));
    let kinds = trial.kinds();
    assert_eq!(kinds[kinds.len() - 3..], [Kind::RunCancelled, Kind::LockReleased, Kind::RunEnd]);
    assert_eq!(cancelled(&trial), Cancelling::Over(RunStatus::Cancelled));
    let run = trial.last_run();
    assert!(trial.resume(&run, Purpose::Resume, &[]).await.is_err(), "it does not go on");
    assert_eq!(trial.resume(&run, Purpose::Undo, &[]).await.unwrap().status, RunStatus::Undone);
    assert_eq!(trial.effects(), ["test.note a", "test.unnote a"]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_run_stays_unknown() {
    let trial = Trial::of(&format!("{LOCK}steps: [{{ id: b, action: test.once, with: {{ name: b, takes: 60 }} }}]\n"));
    assert!(tokio::time::timeout(Duration::from_secs(10), trial.run()).await.is_err());
    assert_eq!(cancelled(&trial), Cancelling::Unknown("b".to_owned()));
    assert!(!trial.kinds().contains(&Kind::LockReleased) && !trial.kinds().contains(&Kind::RunEnd));
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_end_stops_a_wait_and_a_question_at_once_and_what_always_runs_last_runs() {
    let mut trial = Trial::of(&format!(
        "{LOCK}steps: [{{ id: w, wait: 24h }}]\nfinally: [{{ id: z, action: test.note, with: {{ name: z }} }}]\n"
    ));
    // The ledger is kept: only whoever has it reads the inbox.
    trial.lends_after = Duration::MAX;
    let begun = tokio::time::Instant::now();
    let (ended, ()) = tokio::join!(trial.run(), ask_for_the_end(&trial));
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Cancelled, "cancelled"));
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(trial.effects(), ["test.note z"]);
    assert!(ended.failure.unwrap().message.contains("wrong region"));
    assert!(trial.kinds().contains(&Kind::LockReleased));
    assert!(inbox::waiting(&trial.path("ledger.db")).unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_is_torn_off_and_cannot_be_told_leaves_the_run_unknown_with_its_locks() {
    let trial = Trial::of(&format!(
        "{LOCK}steps:\n  - {{ id: b, action: test.note, with: {{ name: b, takes: 60 }} }}\n  - {{ id: c, action: test.note, with: {{ name: c }} }}\n"
    ));
    let (ended, ()) = tokio::join!(trial.run(), ask_for_the_end(&trial));
    assert_eq!((ended.status, state(&ended, "b")), (RunStatus::Unknown, "unknown"));
    let kinds = trial.kinds();
    assert!(kinds.contains(&Kind::RunCancelled) && !kinds.contains(&Kind::LockReleased));
    assert!(trial.effects().is_empty());
}

#[tokio::test]
async fn a_program_that_is_ended_is_gone_and_its_run_cancelled() {
    let trial = Trial::of(&format!(
        "{LOCK}steps:\n  - {{ id: p, action: command.run, with: {{ argv: [sh, -c, 'touch begun; sleep 300'] }}, undo: {{ none: No. }} }}\n  - {{ id: c, action: test.note, with: {{ name: c }} }}\n"
    ));
    let ask = async {
        while !trial.path("begun").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let wish = Wish::Cancel { reason: "wrong region".to_owned() };
        let at = Timestamp::from_microseconds(0).unwrap();
        // The run that is about to begin.
        let run = RunId::from_parts(1_795_000_000_001, &[1; 10]);
        let request = Request { run, actor: "mira".to_owned(), at, wish };
        inbox::post(&trial.path("ledger.db"), &request).unwrap();
        trial.knocks.send_modify(|count| *count += 1);
    };
    let (ended, ()) = tokio::join!(trial.run(), ask);
    assert_eq!((ended.status, state(&ended, "p")), (RunStatus::Cancelled, "cancelled"));
    assert!(trial.kinds().contains(&Kind::LockReleased) && trial.effects().is_empty());
    // What may have been done by then can be taken back, as far as the procedure says how.
    assert_eq!(trial.resume(&trial.last_run(), Purpose::Undo, &[]).await.unwrap().status, RunStatus::Stuck);
}

#[tokio::test]
async fn a_holder_ends_another_run_that_nobody_moves() {
    let trial = Trial::of(
        "parameters: { ask: { type: boolean } }\nsteps:\n  - { id: m, when: parameters.ask, manual: { ask: Now?, answer: { ok: { type: boolean } } } }\n  - { id: a, action: test.note, with: { name: a } }\n",
    );
    assert_eq!(trial.run_with(&json!({ "ask": true })).await.unwrap().status, RunStatus::Suspended);
    let waits = trial.last_run();
    let wish = Wish::Cancel { reason: "superseded".to_owned() };
    let at = Timestamp::from_microseconds(0).unwrap();
    inbox::post(&trial.path("ledger.db"), &Request { run: waits.clone(), actor: "mira".to_owned(), at, wish }).unwrap();
    assert_eq!(trial.run_with(&json!({ "ask": false })).await.unwrap().status, RunStatus::Succeeded);
    let found = recorded(&trial.reader().1, &waits).unwrap().unwrap().run;
    assert_eq!(found.status, Some(RunStatus::Cancelled));
    assert!(inbox::waiting(&trial.path("ledger.db")).unwrap().is_empty());
}

#[tokio::test]
async fn consents_are_left_for_whoever_judges_them() {
    let trial = Trial::of("steps: [{ id: a, action: test.note, with: { name: a } }]\n");
    let wish = Wish::Approval { document: "{}".to_owned(), signature: None };
    let at = Timestamp::from_microseconds(0).unwrap();
    // The run that is about to begin.
    let run = RunId::from_parts(1_795_000_000_001, &[1; 10]);
    let request = Request { run, actor: "mira".to_owned(), at, wish };
    inbox::post(&trial.path("ledger.db"), &request).unwrap();
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    assert_eq!(inbox::waiting(&trial.path("ledger.db")).unwrap().len(), 1);
}
