//! `corvusforge.respond_integrity_violation`.

use std::fs;

use engine::event::state::RunStatus;
use engine::execute::people::Answer;
use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::site::{Site, advice, failure};
use crate::writer::Tamper;
use crate::writer::runs::MAIN_RUN;

/// A site where the people there say what is needed.
fn answering(decision: &str, reason: &str) -> Site {
    let mut site = Site::example();
    let answers =
        |answers: Value| -> IndexMap<String, Value> { answers.as_object().unwrap().clone().into_iter().collect() };
    let stop = Answer {
        answers: answers(json!({ "stopped": true, "stage": "s7_release" })),
        read_back: Some(MAIN_RUN.to_owned()),
        ..Answer::default()
    };
    let told = json!({ "decision": decision, "reason": reason, "informed": "security lead" });
    let decide = Answer { answers: answers(told), ..Answer::default() };
    site.people.0.extend([("stop", stop), ("decide", decide)]);
    site
}

#[tokio::test]
async fn a_broken_ledger_is_kept_judged_and_left_alone() {
    let site = answering("investigate_wider", "row 5 was edited by hand");
    site.run("export_anchor", json!({})).await;
    site.tamper(Some(Tamper::Edited));
    let before = site.project();
    let ended = site.run("respond_integrity_violation", json!({})).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    let outputs = &ended.outputs;
    assert_eq!(
        (&outputs["status"], &outputs["damage"], &outputs["pipeline_may_continue"]),
        (&json!("broken"), &json!("perhaps older than the anchor"), &json!(false))
    );
    let kept = outputs["evidence"].as_str().unwrap();
    let copy = fs::read(site.path(kept).join("ledger.db")).unwrap();
    assert_eq!(copy, fs::read(site.corvus()).unwrap());
    assert!(site.path(kept).join("manifest.json").exists());
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn a_second_response_to_the_same_damage_has_evidence_of_its_own() {
    let site = answering("investigate_wider", "row 5 was edited by hand");
    site.tamper(Some(Tamper::Edited));
    for count in [1, 2] {
        let ended = site.run("respond_integrity_violation", json!({})).await;
        assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
        assert_eq!(ended.outputs["damage"], "unknown, there is no anchor");
        assert_eq!(site.names("evidence").len(), count);
    }
}

#[tokio::test]
async fn damage_is_no_false_alarm_whoever_says_so() {
    let site = answering("false_alarm", "it was only one row of many");
    site.run("export_anchor", json!({})).await;
    site.tamper(Some(Tamper::Rehashed));
    let ended = site.run("respond_integrity_violation", json!({})).await;
    assert_eq!((ended.status, failure(&ended)), (RunStatus::Failed, ("verify", "no_false_alarm_over_damage")));
    assert_eq!(advice(&ended), "Damage was called a false alarm");
    assert_eq!(site.names("evidence").len(), 1);
}

#[tokio::test]
async fn where_nothing_is_wrong_the_alert_can_be_explained() {
    let site = answering("false_alarm", "the monitor read a half-made copy");
    site.run("export_anchor", json!({})).await;
    let ended = site.run("respond_integrity_violation", json!({})).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(
        (&ended.outputs["damage"], &ended.outputs["pipeline_may_continue"]),
        (&json!("none found"), &json!(true))
    );
}

#[tokio::test]
async fn with_nobody_there_nothing_is_done() {
    let site = Site::example();
    site.tamper(Some(Tamper::Edited));
    let before = site.project();
    let ended = site.run("respond_integrity_violation", json!({})).await;
    assert_eq!(ended.status, RunStatus::Suspended);
    assert!(site.names("evidence").is_empty());
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn evidence_inside_the_project_is_stopped_by_the_guard() {
    let site = answering("investigate_wider", "row 5 was edited by hand");
    let before = site.project();
    let ended = site.run("respond_integrity_violation", json!({ "evidence": "project/evidence" })).await;
    assert_eq!(failure(&ended), ("guard", "evidence_stays_outside"));
    assert_eq!(advice(&ended), "The evidence would lie inside the project");
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn a_process_that_holds_the_ledger_stops_the_response_before_the_evidence() {
    let site = answering("investigate_wider", "row 5 was edited by hand");
    let _held = fs::File::open(site.corvus()).unwrap();
    let ended = site.run("respond_integrity_violation", json!({ "settle": "0s" })).await;
    assert_eq!((ended.status, failure(&ended)), (RunStatus::Failed, ("verify", "all_let_go")));
    assert_eq!(advice(&ended), "The pipeline has not stopped");
    assert!(site.names("evidence").is_empty());
}
