//! How often something may run: counted from the ledger, under its own name, whatever the clock says.

use serde_json::json;

use super::{Failing, Purpose, Trial, failure_code};
use crate::event::fact::{Event, Fact, RunBegin};
use crate::event::state::RunStatus;
use crate::id::{Digest, Name, RunId};
use crate::ledger::Ledger;
use crate::plan::Status;
use crate::sign::ledger_key::LedgerKey;
use crate::time::Timestamp;

const HOURLY: &str = "requires: { limits: [{ at_most: 1, per: 1h, by: [parameters.org] }] }\nparameters: { org: { type: string, default: x } }\n";
const NOTE: &str = "steps: [{ id: n, action: test.note, with: { name: '{{ parameters.org }}' } }]\n";

#[tokio::test]
async fn one_run_too_many_is_refused_when_planned_and_counted_by_its_values() {
    let trial = Trial::of(&format!("{HOURLY}{NOTE}"));
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    let plan = trial.plan(&json!({})).await.unwrap().view;
    assert_eq!((plan.status, plan.limits[0].used), (Status::Refused, 1));
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Refused, "limit"));
    assert_eq!(trial.run_with(&json!({ "org": "y" })).await.unwrap().status, RunStatus::Succeeded);
    assert_eq!(trial.effects(), ["test.note x", "test.note y"]);
}

#[tokio::test]
async fn what_was_refused_does_not_count_and_what_failed_does() {
    let trial = Trial::of(&format!(
        "{HOURLY}preconditions: [{{ id: p, action: test.level, with: {{}}, expect: result.level == 0 }}]\n{NOTE}"
    ));
    trial.world.lock().unwrap().level = 1;
    assert_eq!(failure_code(&trial.run().await), "precondition");
    trial.world.lock().unwrap().level = 0;
    trial.fail("x", 1, Failing::ForGood);
    assert_eq!(failure_code(&trial.run().await), "broken");
    assert_eq!(failure_code(&trial.run().await), "limit");
    // Going on is no run of its own.
    let failed = RunId::from_parts(1_795_000_000_002, &[2; 10]);
    assert_eq!(trial.resume(&failed, Purpose::Resume, &[]).await.unwrap().status, RunStatus::Succeeded);
}

const LOOK: &str = "  - { id: look, action: test.level, with: {}, verify: [{ id: low, expect: steps.look.level == 0 }] }\n  - { id: n, action: test.note, with: { name: '{{ parameters.org }}' } }\n";

#[tokio::test]
async fn what_failed_before_anything_was_done_does_not_count_and_does_not_go_on_beside_what_ran_since() {
    let trial = Trial::of(&format!("{HOURLY}steps:\n{LOOK}"));
    trial.world.lock().unwrap().level = 1;
    for _ in 0..2 {
        let failed = trial.run().await;
        assert_eq!((failed.status, failure_code(&failed)), (RunStatus::Failed, "verify"));
    }
    let failed = trial.last_run();
    trial.world.lock().unwrap().level = 0;
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    let refused = trial.resume(&failed, Purpose::Resume, &[]).await.unwrap();
    assert_eq!((refused.status, failure_code(&refused)), (RunStatus::Refused, "limit"));
    assert_eq!(trial.effects(), ["test.note x"]);
}

#[tokio::test]
async fn what_failed_before_anything_was_done_goes_on_where_nothing_ran_since() {
    let trial = Trial::of(&format!("{HOURLY}steps:\n{LOOK}"));
    trial.world.lock().unwrap().level = 1;
    assert_eq!(trial.run().await.status, RunStatus::Failed);
    trial.world.lock().unwrap().level = 0;
    assert_eq!(trial.resume(&trial.last_run(), Purpose::Resume, &[]).await.unwrap().status, RunStatus::Succeeded);
    assert_eq!(failure_code(&trial.run().await), "limit", "it counts once it did something");
}

#[tokio::test]
async fn what_may_have_happened_counts() {
    let trial = Trial::of(&format!("{HOURLY}{}", NOTE.replace("test.note", "test.once")));
    trial.fail("x", 1, Failing::Uncertain);
    assert_eq!(trial.run().await.status, RunStatus::Unknown);
    assert_eq!(failure_code(&trial.run().await), "limit");
}

#[tokio::test]
async fn a_call_that_did_nothing_does_not_count_and_is_counted_anew_when_its_run_goes_on() {
    let caller = "steps:\n  - { id: before, action: test.note, with: { name: a } }\n  - { id: sub, call: callee, with: { org: x } }\n";
    let trial = Trial::calling("callee", &format!("{HOURLY}steps:\n{LOOK}"), caller);
    trial.world.lock().unwrap().level = 1;
    assert_eq!(failure_code(&trial.run().await), "verify");
    let first = trial.last_run();
    trial.world.lock().unwrap().level = 0;
    assert_eq!(trial.run().await.status, RunStatus::Succeeded, "the first one called, and nothing came of it");
    let refused = trial.resume(&first, Purpose::Resume, &[]).await.unwrap();
    assert_eq!((refused.status, failure_code(&refused)), (RunStatus::Failed, "limit"));
    assert_eq!(trial.effects(), ["test.note a", "test.note a", "test.note x"]);
}

#[tokio::test]
async fn a_limit_says_when_the_next_may_begin() {
    let trial = Trial::of(&format!("{HOURLY}{NOTE}"));
    trial.run().await;
    let detail = trial.plan(&json!({})).await.unwrap().view.limits[0].detail.clone().unwrap();
    let (why, after) = detail.split_once("; the next may begin after ").unwrap();
    assert_eq!(why, "`trial` may run 1 times in 1h, and 1 run counts already");
    let began = trial.reader().1.history().run(&RunId::from_parts(1_795_000_000_001, &[1; 10])).unwrap().unwrap();
    let hour = crate::time::Duration::parse("1h").unwrap();
    assert_eq!(Timestamp::parse(after).unwrap(), began.started_at.plus(hour).unwrap());
}

#[tokio::test]
async fn a_run_that_has_not_ended_counts() {
    let trial = Trial::of(&format!(
        "{HOURLY}steps: [{{ id: m, manual: {{ ask: Now?, answer: {{ ok: {{ type: boolean }} }} }} }}]\n"
    ));
    assert_eq!(trial.run().await.status, RunStatus::Suspended);
    assert_eq!(failure_code(&trial.run().await), "limit");
}

#[tokio::test]
async fn a_call_counts_under_the_callees_name_and_in_history() {
    let limited = format!("{HOURLY}{NOTE}");
    let twice =
        "steps:\n  - { id: one, call: callee, with: { org: x } }\n  - { id: two, call: callee, with: { org: x } }\n";
    let trial = Trial::calling("callee", &limited, twice);
    let plan = trial.plan(&json!({})).await.unwrap().view;
    assert_eq!(plan.limits.iter().map(|limit| limit.used).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(failure_code(&trial.run().await), "limit");

    let counting = "preconditions: [{ id: p, expect: \"history.count('callee', within=duration('24h')) == 0\" }]\n";
    let trial = Trial::calling(
        "callee",
        &limited,
        &format!("{counting}steps: [{{ id: one, call: callee, with: {{ org: x }} }}]\n"),
    );
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    let refused = trial.run().await;
    assert_eq!((refused.status, failure_code(&refused)), (RunStatus::Refused, "precondition"));
}

#[tokio::test]
async fn a_limit_that_depends_on_a_step_is_asked_when_its_procedure_is_called() {
    let limited = format!("{HOURLY}{NOTE}");
    let caller = "steps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: sub, call: callee, with: { org: 'o{{ steps.a.calls }}' } }\n  - { id: again, call: callee, with: { org: 'o{{ steps.a.calls }}' } }\n";
    let trial = Trial::calling("callee", &limited, caller);
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Failed, "limit"));
    assert_eq!(trial.effects(), ["test.note a", "test.note o1"]);
}

/// A run that began, by the ledger's own time, years from now: the clock was set back since.
fn begun_in_the_future(trial: &Trial) {
    let later = Timestamp::parse("2039-01-01T00:00:00Z").unwrap();
    let mut ledger = Ledger::open(&trial.path("ledger.db"), LedgerKey::from_seed(&[7; 32]), later).unwrap();
    let begin = RunBegin {
        procedure: Name::parse("trial").unwrap(),
        version: "1.0.0".to_owned(),
        document: Digest::of(b"d"),
        environment: "development".to_owned(),
        parameters: [(crate::id::Id::parse("org").unwrap(), json!("x"))].into_iter().collect(),
        plan: Digest::of(b"p"),
        plan_id: None,
        planned_by: None,
        signed: None,
    };
    let run = RunId::from_parts(1, &[9; 10]);
    let fact = Fact { run, step: None, attempt: None, actor: None, event: Event::RunBegin(begin) };
    ledger.append(later, &[fact.draft()]).unwrap();
    ledger.close(later).unwrap();
}

#[tokio::test]
async fn a_clock_that_is_set_back_hides_no_run_from_limits_and_guards() {
    let trial = Trial::of(&format!("{HOURLY}{NOTE}"));
    begun_in_the_future(&trial);
    assert_eq!(failure_code(&trial.run().await), "limit");

    let rule = "do_not: [{ id: both, rule: Not both within a day., never: \"history.count('trial', within=duration('24h')) > 0\" }]\nparameters: { org: { type: string, default: x } }\n";
    let trial = Trial::of(&format!("{rule}{NOTE}"));
    begun_in_the_future(&trial);
    assert_eq!(failure_code(&trial.run().await), "guard", "that run is open as well, and counts");
    assert!(trial.effects().is_empty());
}
