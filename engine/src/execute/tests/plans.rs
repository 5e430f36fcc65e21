//! Plans: a prediction that changes nothing, says what it could not know, and has one digest for one situation.

use serde_json::json;

use super::{Failing, Trial, failure_code};
use crate::event::fact::Event;
use crate::event::state::RunStatus;
use crate::plan::{Error, Outcome, Status};

const LADDER: &str = "parameters: { name: { type: string, default: x } }\nsteps:\n  - { id: look, action: test.level, with: {} }\n  - { id: up, action: test.settle, with: { level: '{{ steps.look.level + 1 }}' } }\n  - { id: again, action: test.level, with: {} }\n  - { id: tell, action: test.note, with: { name: '{{ parameters.name }}{{ steps.again.level }}' } }\n";

#[tokio::test]
async fn a_plan_previews_each_step_and_changes_nothing() {
    let trial = Trial::of(LADDER);
    let plan = trial.plan(&json!({})).await.unwrap();
    assert!(trial.effects().is_empty());
    assert_eq!(plan.view.status, Status::Ready);
    let steps: Vec<(&str, Outcome)> = plan.view.steps.iter().map(|step| (step.id.as_str(), step.outcome)).collect();
    let expected = [
        ("look", Outcome::WouldRun),
        ("up", Outcome::WouldRun),
        ("again", Outcome::WouldRun),
        ("tell", Outcome::WouldRun),
    ];
    assert_eq!(steps, expected);
    let up = &plan.view.steps[1];
    assert_eq!((&up.with, &up.before, &up.after), (&json!({ "level": 1 }), &Some(json!(0)), &Some(json!(1))));
    assert_eq!(plan.view.summary_line(), "4 steps: 2 exact, 0 estimated, 2 none");
}

#[tokio::test]
async fn what_depends_on_an_effect_is_undecided_and_says_on_which() {
    let trial = Trial::of(LADDER);
    let plan = trial.plan(&json!({})).await.unwrap();
    let tell = plan.view.steps[3].with["name"]["$undecided"].as_str().unwrap().to_owned();
    assert!(tell.contains("step `up`"), "{tell}");
    assert!(plan.view.undecided.iter().any(|line| line.contains("tell.with")), "{:?}", plan.view.undecided);
}

#[tokio::test]
async fn a_when_that_is_undecided_shows_both_ways() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.note, with: { name: a } }\n  - { id: b, when: steps.a.calls > 1, action: test.note, with: { name: b } }\n",
    );
    let plan = trial.plan(&json!({})).await.unwrap();
    assert_eq!(plan.view.steps[1].outcome, Outcome::Undecided);
    let ended = trial.run().await;
    assert_eq!((ended.status, trial.effects().len()), (RunStatus::Succeeded, 1));
}

#[tokio::test]
async fn the_same_situation_has_the_same_digest_and_any_change_another() {
    let trial = Trial::of(LADDER);
    let digest = trial.plan(&json!({})).await.unwrap().view.digest;
    assert_eq!(trial.plan(&json!({})).await.unwrap().view.digest, digest);
    assert_ne!(trial.plan(&json!({ "name": "y" })).await.unwrap().view.digest, digest, "a parameter");
    trial.world.lock().unwrap().level = 5;
    assert_ne!(trial.plan(&json!({})).await.unwrap().view.digest, digest, "a rendered input");
    let other = Trial::of(&LADDER.replace("id: tell", "id: told"));
    assert_ne!(other.plan(&json!({})).await.unwrap().view.digest, digest, "the procedure");
}

#[tokio::test]
async fn what_differs_from_run_to_run_does_not_change_the_digest() {
    let trial = Trial::of("steps: [{ id: a, action: test.note, with: { name: 'of {{ run.id }}' } }]\n");
    let first = trial.plan(&json!({})).await.unwrap();
    let second = trial.plan(&json!({})).await.unwrap();
    assert_eq!(first.view.digest, second.view.digest);
    assert_eq!(first.view.steps[0].with, json!({ "name": "of {{ run.id }}" }));
    let ended = trial.run().await;
    assert_eq!(trial.effects(), [format!("test.note of {}", ended.run.id)]);
}

#[tokio::test]
async fn an_effect_that_is_done_already_would_be_no_change() {
    let trial = Trial::of("steps: [{ id: a, action: test.settle, with: { level: 0 } }]\n");
    let plan = trial.plan(&json!({})).await.unwrap();
    assert_eq!(plan.view.steps[0].outcome, Outcome::WouldBeNoChange);
    assert!(!plan.view.has_changes());
}

#[tokio::test]
async fn after_another_effect_a_preview_is_an_estimate() {
    let trial = Trial::of(
        "steps:\n  - { id: a, action: test.settle, with: { level: 1 } }\n  - { id: b, action: test.settle, with: { level: 1 } }\n",
    );
    let plan = trial.plan(&json!({})).await.unwrap();
    assert_eq!(plan.view.summary_line(), "2 steps: 1 exact, 1 estimated, 0 none");
}

#[tokio::test]
async fn missing_unknown_and_wrong_parameters_are_all_named() {
    let trial = Trial::of(
        "parameters: { count: { type: integer, max: 3 }, name: { type: string } }\nsteps: [{ id: a, action: test.note, with: { name: a } }]\n",
    );
    let Err(Error::Parameters(refusals)) = trial.plan(&json!({ "count": 9, "nane": "x" })).await else {
        panic!("the parameters do not fit");
    };
    let names: Vec<&str> = refusals.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["nane", "count", "name"]);
}

#[tokio::test]
async fn a_guard_over_the_read_that_it_asks_itself_is_judged_once() {
    let trial = Trial::of(
        "do_not: [{ id: g, rule: Never look above zero., forbid: test.level, where: state.level > 0, state: { action: test.level, with: {} } }]\nsteps: [{ id: look, action: test.level, with: {} }]\n",
    );
    assert_eq!(trial.run().await.status, RunStatus::Succeeded);
    trial.world.lock().unwrap().level = 1;
    assert_eq!(failure_code(&trial.run().await), "guard");
}

#[tokio::test]
async fn history_answers_from_earlier_runs_and_not_from_this_one() {
    let trial = Trial::of(
        "preconditions: [{ id: twice, expect: \"history.count('trial', status='succeeded') < 2\" }]\nsteps: [{ id: a, action: test.note, with: { name: a } }]\noutputs: { seen: \"{{ history.count('trial') }}\" }\n",
    );
    assert_eq!(trial.run().await.outputs["seen"], json!(0));
    assert_eq!(trial.run().await.outputs["seen"], json!(1));
    assert_eq!(failure_code(&trial.run().await), "precondition");
}

#[tokio::test]
async fn a_read_that_fails_already_now_stops_the_run_before_its_first_effect() {
    let trial = Trial::of(
        "steps:\n  - { id: look, action: test.level, with: {} }\n  - { id: a, action: test.note, with: { name: a } }\n",
    );
    trial.fail("level", 1, Failing::ForGood);
    assert_eq!(trial.plan(&json!({})).await.unwrap().view.status, Status::Failed);
    let ended = trial.run().await;
    assert_eq!((ended.status, failure_code(&ended)), (RunStatus::Failed, "unreadable"));
    assert!(trial.effects().is_empty());
}

#[tokio::test]
async fn environment_variables_are_read_only_where_declared() {
    let trial = Trial::of("env: [TEAM]\nsteps: [{ id: a, action: test.note, with: { name: '{{ env.TEAM }}' } }]\n");
    assert_eq!(trial.plan(&json!({})).await.unwrap().view.steps[0].with, json!({ "name": "blue" }));
    let trial = Trial::of("env: [ABSENT]\nsteps: [{ id: a, action: test.note, with: { name: '{{ env.ABSENT }}' } }]\n");
    assert!(matches!(trial.plan(&json!({})).await, Err(Error::NoVariable { .. })));
}

#[tokio::test]
async fn a_read_that_fails_while_planned_is_the_result_of_its_step() {
    let trial = Trial::of("steps: [{ id: look, action: file.read, with: { path: missing } }]\n");
    let ended = trial.run().await;
    assert_eq!((ended.status, super::state(&ended, "look")), (RunStatus::Failed, "failed"));
    let told = trial.told.0.lock().unwrap();
    let result = told.iter().find_map(|fact| match &fact.event {
        Event::StepResult(result) => Some((fact.step.clone(), fact.attempt, result.clone())),
        _ => None,
    });
    let (step, attempt, result) = result.unwrap();
    assert_eq!((step.as_deref(), attempt, result.action.as_deref()), (Some("look"), Some(1), Some("file.read")));
    assert_eq!(result.error.unwrap().code, "not_found");
    assert!(result.with_digest.is_some());
    assert!(!told.iter().any(|fact| matches!(fact.event, Event::VerifyResult(_))), "a step is no check");
}
