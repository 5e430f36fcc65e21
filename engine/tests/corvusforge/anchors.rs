//! `corvusforge.export_anchor` and `corvusforge.verify_anchor`.

use std::fs;

use engine::event::state::RunStatus;
use serde_json::json;

use crate::site::{Site, advice, failure};
use crate::writer::Tamper;
use crate::writer::runs::{MAIN_RUN, OPEN_RUN};

#[tokio::test]
async fn an_anchor_is_exported_and_the_run_fits_it() {
    let site = Site::example();
    let before = site.project();
    let exported = site.run("export_anchor", json!({ "covers_stage": "s7_release" })).await;
    assert_eq!(exported.status, RunStatus::Succeeded, "{:?}", exported.failure);
    let names = site.names("anchors");
    assert_eq!(names.len(), 1);
    assert!(names[0].starts_with(&format!("{MAIN_RUN}.20.")), "{names:?}");
    assert_eq!((&exported.outputs["entry_count"], &exported.outputs["existed"]), (&json!(20), &json!(false)));
    assert_eq!(exported.outputs["path"], site.path("anchors").join(&names[0]).display().to_string());

    let verified = site.run("verify_anchor", json!({ "covers_stage": "s7_release", "max_age": "1h" })).await;
    assert_eq!(verified.status, RunStatus::Succeeded, "{:?}", verified.failure);
    assert_eq!((&verified.outputs["rows_after"], &verified.outputs["anchors"]), (&json!(0), &json!(1)));

    let again = site.run("export_anchor", json!({})).await;
    assert_eq!((again.status, &again.outputs["existed"]), (RunStatus::Succeeded, &json!(true)));
    assert_eq!(site.names("anchors"), names);
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn the_same_situation_has_the_same_plan() {
    let site = Site::example();
    let first = site.plan("export_anchor", json!({})).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let second = site.plan("export_anchor", json!({})).await;
    assert_ne!(first.view.created_at, second.view.created_at);
    assert_eq!(first.view.digest, second.view.digest, "{}", first.view.differences(&second.view));
    assert!(site.names("anchors").is_empty(), "planning stored an anchor");
    assert!(first.view.has_changes());
    site.run("export_anchor", json!({})).await;
    assert!(!site.plan("export_anchor", json!({})).await.view.has_changes());
}

#[tokio::test]
async fn a_broken_chain_is_not_anchored() {
    for tamper in [Tamper::Edited, Tamper::Cut, Tamper::Reordered, Tamper::Deleted] {
        let site = Site::example();
        site.tamper(Some(tamper));
        let before = site.project();
        let ended = site.run("export_anchor", json!({})).await;
        assert_eq!(ended.status, RunStatus::Refused, "{tamper:?}");
        assert_eq!(failure(&ended), ("precondition", "chain_is_sound"), "{tamper:?}");
        assert_eq!(advice(&ended), "There is no such run, or its chain does not verify");
        assert!(site.names("anchors").is_empty());
        assert_eq!(site.project(), before);
    }
}

#[tokio::test]
async fn a_mistyped_run_and_a_stage_that_was_not_reached_are_refused() {
    let site = Site::example();
    let mistyped = site.run("export_anchor", json!({ "run": "cf-20260226-143000-a1c" })).await;
    assert_eq!((mistyped.status, failure(&mistyped).1), (RunStatus::Refused, "chain_is_sound"));
    let early = site.run("export_anchor", json!({ "run": OPEN_RUN, "covers_stage": "s7_release" })).await;
    assert_eq!((early.status, failure(&early).1), (RunStatus::Refused, "stage_was_reached"));
    assert!(site.names("anchors").is_empty());
}

#[tokio::test]
async fn anchors_inside_the_project_are_stopped_by_the_guard() {
    for path in ["project/.corvusforge/anchors", "project/anchors"] {
        let site = Site::with_anchors(path);
        let before = site.project();
        let ended = site.run("export_anchor", json!({})).await;
        assert_eq!(failure(&ended), ("guard", "no_anchor_in_the_project"), "{path}");
        assert_eq!((ended.status, advice(&ended)), (RunStatus::Refused, "The anchor store lies inside the project"));
        assert_eq!(site.project(), before);
        let verified = site.run("verify_anchor", json!({})).await;
        assert_eq!(failure(&verified), ("precondition", "store_is_outside"), "{path}");
    }
}

#[tokio::test]
async fn without_an_anchor_nothing_is_verified() {
    let site = Site::example();
    let ended = site.run("verify_anchor", json!({})).await;
    assert_eq!((ended.status, failure(&ended)), (RunStatus::Failed, ("verify", "fits")));
    assert_eq!(advice(&ended), "The store has no anchor of this run");
}

#[tokio::test]
async fn what_failed_is_not_tried_again_on_the_same_bytes() {
    let site = Site::example();
    site.run("export_anchor", json!({})).await;
    site.tamper(Some(Tamper::Rehashed));
    let before = site.project();
    let first = site.run("verify_anchor", json!({})).await;
    assert_eq!((first.status, failure(&first)), (RunStatus::Failed, ("verify", "fits")));
    assert_eq!(advice(&first), "What was anchored has changed");
    let words = &first.advice.as_ref().unwrap().1;
    assert!(words.contains("the hash of entry 20 is"), "{words}");
    let second = site.run("verify_anchor", json!({})).await;
    assert_eq!((second.status, failure(&second)), (RunStatus::Refused, ("guard", "not_again_in_hope")));
    assert_eq!(advice(&second), "These very bytes failed before");
    assert_eq!(site.project(), before);
    // Other bytes are another question.
    site.tamper(None);
    assert_eq!(site.run("verify_anchor", json!({})).await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn each_way_to_differ_has_its_own_words() {
    let with_anchor = async |run: &str| {
        let site = Site::example();
        assert_eq!(site.run("export_anchor", json!({ "run": run })).await.status, RunStatus::Succeeded);
        site
    };
    let told = async |site: &Site, parameters: serde_json::Value| {
        let ended = site.run("verify_anchor", parameters).await;
        assert_eq!(ended.status, RunStatus::Failed);
        advice(&ended).to_owned()
    };

    let site = with_anchor(MAIN_RUN).await;
    site.tamper(Some(Tamper::Cut));
    assert_eq!(told(&site, json!({})).await, "The run was cut short");

    let site = with_anchor(OPEN_RUN).await;
    site.edit(&format!(
        "INSERT INTO run_ledger SELECT NULL, 'later', run_id, stage_id, state_transition, timestamp_utc, input_hash, \
         output_hash, artifact_refs_json, pipeline_version, schema_version, toolchain_version, ruleset_versions_json, \
         waiver_refs_json, trust_context_json, trust_context_version, payload_hash, entry_hash, 'made up' \
         FROM run_ledger WHERE run_id = '{OPEN_RUN}' ORDER BY id DESC LIMIT 1;"
    ));
    let open = json!({ "run": OPEN_RUN });
    assert_eq!(told(&site, open).await, "The anchor matches, so the damage came after it");

    let site = with_anchor(MAIN_RUN).await;
    fs::write(site.corvus(), b"").unwrap();
    assert_eq!(told(&site, json!({})).await, "The ledger cannot be read");

    let site = with_anchor(MAIN_RUN).await;
    let old = json!({ "max_age": "0s" });
    assert_eq!(told(&site, old).await, "The newest anchor is too old, or of the future");
    let uncovered = json!({ "covers_stage": "s9_party" });
    assert_eq!(told(&site, uncovered).await, "The newest anchor does not cover the stage");
    site.edit("DELETE FROM run_ledger WHERE id = 44;");
    assert_eq!(told(&site, json!({})).await, "Rows are missing elsewhere in the ledger");

    let site = with_anchor(MAIN_RUN).await;
    let path = site.path("anchors").join(&site.names("anchors")[0]);
    let edited = fs::read_to_string(&path).unwrap().replace("\"entry_count\": 20", "\"entry_count\": 19");
    fs::remove_file(&path).unwrap();
    fs::write(&path, edited).unwrap();
    assert_eq!(told(&site, json!({})).await, "An anchor was edited or damaged");
}
