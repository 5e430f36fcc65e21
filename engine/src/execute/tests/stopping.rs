//! Asked to stop, once and twice; and a ledger that cannot be written.

use super::{Trial, failure_code, state};
use crate::event::Kind;
use crate::event::state::RunStatus;

const TWO: &str = "steps:\n  - { id: a, action: test.note, with: { name: a, takes: 60 } }\n  - { id: b, action: test.note, with: { name: b } }\n";

async fn interrupt(trial: &Trial, times: u8) {
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    trial.interrupts.send_replace(times);
}

#[tokio::test(start_paused = true)]
async fn one_interrupt_stops_after_the_current_step() {
    let trial = Trial::of(TWO);
    let (ended, ()) = tokio::join!(trial.run(), interrupt(&trial, 1));
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Suspended, "interrupted"));
    assert_eq!((state(&ended, "a"), trial.effects()), ("succeeded", vec!["test.note a".to_owned()]));
    assert!(trial.kinds().contains(&Kind::RunSuspended));
}

#[tokio::test(start_paused = true)]
async fn two_interrupts_end_the_step_and_leave_it_unknown() {
    let trial = Trial::of(TWO);
    let (ended, ()) = tokio::join!(trial.run(), interrupt(&trial, 2));
    assert_eq!((ended.status, state(&ended, "a")), (RunStatus::Unknown, "unknown"));
    assert!(trial.effects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_a_wait_at_once() {
    let trial = Trial::of("steps: [{ id: w, wait: 24h }]\n");
    let begun = tokio::time::Instant::now();
    let (ended, ()) = tokio::join!(trial.run(), interrupt(&trial, 1));
    assert_eq!(ended.status, RunStatus::Suspended);
    assert!(begun.elapsed() < std::time::Duration::from_secs(60));
}

#[tokio::test]
async fn a_ledger_that_takes_nothing_more_stops_the_run_before_the_effect() {
    let trial = Trial::of("steps: [{ id: a, action: test.note, with: { name: a } }]\n");
    // A folder where the content store should be: what a run must keep cannot be kept.
    std::fs::write(trial.path("ledger.db.content"), b"in the way").unwrap();
    assert!(trial.run_with(&serde_json::json!({})).await.is_err());
    assert!(trial.effects().is_empty());
}

#[tokio::test]
async fn observers_are_told_what_is_durable_in_order() {
    let trial = Trial::of("steps: [{ id: a, action: test.note, with: { name: a } }]\n");
    trial.run().await;
    let told: Vec<Kind> = trial.told.0.lock().unwrap().iter().map(|fact| fact.event.kind()).collect();
    assert_eq!(told, trial.kinds());
}

#[tokio::test]
async fn replaying_the_entries_of_a_run_gives_the_run() {
    let trial = Trial::of(
        "on_failure: undo\nsteps:\n  - { id: a, action: test.note, with: { name: a }, undo: { action: test.unnote, with: { name: a } } }\n  - { id: b, action: test.note, with: { name: b } }\n",
    );
    trial.fail("b", 1, super::Failing::ForGood);
    let live = trial.run().await.run;
    let facts = trial.told.0.lock().unwrap().clone();
    let mut replayed = crate::run::Run::new(live.id.clone());
    for fact in &facts {
        // What the ledger keeps is read back: the same facts.
        let draft = fact.draft();
        let event = crate::event::fact::Event::from_entry(draft.kind, &draft.data).unwrap();
        assert_eq!(event, fact.event);
        replayed.apply(fact, crate::time::Timestamp::from_microseconds(0).unwrap()).unwrap();
    }
    assert_eq!((replayed.status, replayed.facts), (live.status, live.facts));
    let states = |run: &crate::run::Run| -> Vec<(String, &'static str)> {
        run.steps().map(|(path, step)| (path.to_owned(), step.state.as_str())).collect()
    };
    assert_eq!(states(&replayed), states(&live));
}
