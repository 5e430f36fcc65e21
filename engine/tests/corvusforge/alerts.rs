//! `corvusforge.respond_blocked_stage` and `corvusforge.respond_drift`: over a ledger that others write meanwhile.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use engine::event::state::RunStatus;
use engine::execute::resume::Purpose;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::plugins;
use crate::site::{Site, advice, answer, failure, set_stages};
use crate::waivers::{stored, waiver_key};
use crate::writer::runs::{MAIN_RUN, OPEN_RUN};

const S1: &str = "s1_prerequisites";
const S2: &str = "s2_environment";
/// The prerequisite failed, and what waits for it is blocked.
const BLOCKED: [[&str; 3]; 2] = [[OPEN_RUN, S1, "running->failed"], [OPEN_RUN, S2, "not_started->blocked"]];

fn then(more: &[[&'static str; 3]]) -> Vec<[&'static str; 3]> {
    [&BLOCKED[..], more].concat()
}

fn fixed() -> Vec<[&'static str; 3]> {
    then(&[
        [OPEN_RUN, S1, "failed->not_started"],
        [OPEN_RUN, S1, "not_started->running"],
        [OPEN_RUN, S1, "running->passed"],
        [OPEN_RUN, S2, "blocked->not_started"],
    ])
}

/// As Corvusforge leaves it: what is waived unblocks nobody.
fn waived() -> Vec<[&'static str; 3]> {
    then(&[
        [OPEN_RUN, S1, "failed->not_started"],
        [OPEN_RUN, S1, "not_started->blocked"],
        [OPEN_RUN, S1, "blocked->waived"],
    ])
}

/// A site with a blocked stage, where a person decides so.
fn blocked(decision: &str, scope: &str) -> Site {
    let mut site = plugins::site();
    set_stages(&site.corvus(), &BLOCKED);
    let key = site.path("keys/WAIVER_SIGNING_KEY");
    fs::write(&key, hex::encode([4; 32])).unwrap();
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    let decided = json!({ "decision": decision, "scope": scope, "justification": "a scanner's mistake, SEC-7", "approver": "carol" });
    site.people.0.insert("decide", answer(&decided, None));
    site
}

/// Somebody sets the stages once that is asked for, and says so.
fn settles(site: &mut Site, transitions: Vec<[&'static str; 3]>) {
    site.people.0.insert("settle", answer(&json!({ "done": "seen in the monitor" }), None));
    let ledger = site.corvus();
    site.meanwhile = Some(Box::new(move |what, step| {
        if (what, step) == ("asked", "settle") {
            set_stages(&ledger, &transitions);
        }
    }));
}

fn given() -> Value {
    json!({ "run": OPEN_RUN, "stage": S2, "waiver_key": hex::encode(waiver_key().public()) })
}

#[tokio::test]
async fn a_prerequisite_that_was_run_again_unblocks_and_nothing_is_signed() {
    let mut site = blocked("fix", S1);
    settles(&mut site, fixed());
    let ended = site.run("respond_blocked_stage", given()).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!((&ended.outputs["decision"], stored(&site)), (&json!("fix"), 0));
}

#[tokio::test]
async fn a_waiver_is_signed_and_is_not_enough_by_itself() {
    let mut site = blocked("waive", S1);
    settles(&mut site, waived());
    let ended = site.run("respond_blocked_stage", given()).await;
    assert_eq!((ended.status, advice(&ended)), (RunStatus::Failed, "The stage is still blocked"));
    assert_eq!(stored(&site), 1);
    // Once the stage was set back as well the run goes on, and signs no second one.
    site.meanwhile = None;
    set_stages(&site.corvus(), &[&waived()[..], &[[OPEN_RUN, S2, "blocked->not_started"]]].concat());
    let ended = site.go_on("respond_blocked_stage", &ended.run.id, Purpose::Resume).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(stored(&site), 1);
    let strict = site.run("verify_strict_waivers", json!({})).await;
    assert_eq!((strict.status, &strict.outputs["waivers"]), (RunStatus::Succeeded, &json!(1)), "{:?}", strict.failure);
}

#[tokio::test]
async fn with_nobody_to_set_the_stages_it_waits_and_goes_on_from_there() {
    let mut site = blocked("waive", S1);
    let ended = site.run("respond_blocked_stage", given()).await;
    assert_eq!((ended.status, stored(&site)), (RunStatus::Suspended, 1));
    settles(&mut site, [&waived()[..], &[[OPEN_RUN, S2, "blocked->not_started"]]].concat());
    let ended = site.go_on("respond_blocked_stage", &ended.run.id, Purpose::Resume).await;
    assert_eq!((ended.status, stored(&site)), (RunStatus::Succeeded, 1), "{:?}", ended.failure);
}

#[tokio::test]
async fn nothing_else_is_waived_and_nothing_by_another_key() {
    let site = blocked("waive", "s5_implementation");
    let ended = site.run("respond_blocked_stage", given()).await;
    assert_eq!(failure(&ended), ("guard", "waive_what_is_waited_for"));
    assert_eq!((advice(&ended), stored(&site)), ("The stage does not wait for that", 0));
    let site = blocked("waive", S1);
    fs::write(site.path("keys/WAIVER_SIGNING_KEY"), hex::encode([9; 32])).unwrap();
    let ended = site.run("respond_blocked_stage", given()).await;
    assert_eq!((ended.status, failure(&ended).0, stored(&site)), (RunStatus::Failed, "other_key", 0));
}

#[tokio::test]
async fn a_stage_that_is_not_blocked_and_a_ledger_that_is_broken_are_refused() {
    let site = blocked("fix", S1);
    let mut other = given();
    other["stage"] = json!("s7_release");
    let ended = site.run("respond_blocked_stage", other).await;
    assert_eq!((ended.status, advice(&ended)), (RunStatus::Refused, "The stage is not blocked"));
    site.edit(&format!("UPDATE run_ledger SET stage_id = 's9' WHERE run_id = '{OPEN_RUN}' AND stage_id = '{S1}';"));
    let ended = site.run("respond_blocked_stage", given()).await;
    assert_eq!((ended.status, advice(&ended)), (RunStatus::Refused, "The chain does not verify"));
}

/// A site whose people stop what writes, and name who goes on.
fn drifting() -> Site {
    let mut site = Site::example();
    let one = json!({ "writer": "CI of main", "kept_out_by": "a lock of the runner" });
    let writers = answer(&json!({ "writers": "CI and a laptop" }), None);
    site.people.0.extend([("stop", writers), ("one_writer", answer(&one, None))]);
    site
}

fn quickly() -> Value {
    json!({ "settle": "0s", "watch": "1ms" })
}

fn write(ledger: &Path) {
    let connection = Connection::open(ledger).unwrap();
    // As a second process: it read the head before the other wrote, so its row follows the row before the last.
    connection
        .execute_batch(&format!(
            "INSERT INTO run_ledger SELECT NULL, 'second', run_id, stage_id, state_transition, timestamp_utc, input_hash, \
             output_hash, artifact_refs_json, pipeline_version, schema_version, toolchain_version, ruleset_versions_json, \
             waiver_refs_json, trust_context_json, trust_context_version, payload_hash, previous_entry_hash, 'another' \
             FROM run_ledger WHERE run_id = '{MAIN_RUN}' ORDER BY id DESC LIMIT 1; PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .unwrap();
}

#[tokio::test]
async fn a_ledger_that_stands_still_and_is_whole_gets_one_writer() {
    let site = drifting();
    let before = site.project();
    let ended = site.run("respond_drift", quickly()).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(ended.outputs["writer"], "CI of main");
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn a_process_that_has_it_open_is_named_and_stops_it() {
    let site = drifting();
    let _held = fs::File::open(site.corvus()).unwrap();
    let ended = site.run("respond_drift", quickly()).await;
    assert_eq!((ended.status, advice(&ended)), (RunStatus::Failed, "Somebody still has it open"));
    let holders = ended.run.step("who").unwrap().output.clone().unwrap();
    assert_eq!(holders["holders"][0]["pid"], std::process::id());
}

#[tokio::test]
async fn a_writer_that_comes_and_goes_is_found_by_standing_still() {
    let mut site = drifting();
    let ledger = site.corvus();
    site.meanwhile = Some(Box::new(move |what, step| {
        if (what, step) == ("busy", "pause") {
            write(&ledger);
        }
    }));
    let ended = site.run("respond_drift", quickly()).await;
    assert_eq!((ended.status, failure(&ended).1), (RunStatus::Failed, "still"));
    // Who it was is stopped; what it left is a fork, and is not looked at twice in hope.
    site.meanwhile = None;
    for (status, named) in [(RunStatus::Failed, "not_forked"), (RunStatus::Failed, "not_again_in_hope")] {
        let ended = site.run("respond_drift", quickly()).await;
        assert_eq!((ended.status, failure(&ended).1), (status, named), "{:?}", ended.failure);
        assert_eq!(advice(&ended), "Two writers have forked the chain");
    }
}

#[tokio::test]
async fn with_nobody_to_decide_it_waits_and_goes_on_from_there() {
    let mut site = drifting();
    let decided = site.people.0.remove("one_writer").unwrap();
    let ended = site.run("respond_drift", quickly()).await;
    assert_eq!(ended.status, RunStatus::Suspended);
    site.people.0.insert("one_writer", decided);
    let ended = site.go_on("respond_drift", &ended.run.id, Purpose::Resume).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
}
