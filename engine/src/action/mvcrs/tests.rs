//! State folders are written here, in the shapes that MV-CRS's own code writes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::action::Reconciled;
use crate::action::trial::Trial;

const CONFIG: &str = r#"{ "deviation_threshold_soft": 0.05, "deviation_threshold_material": 0.15, "deviation_threshold_critical": 0.30 }"#;

fn state(events: &[&str]) -> Trial {
    let trial = Trial::new();
    trial.file("state/mvcrs_config.json", CONFIG);
    trial.file("state/challenge_events.jsonl", events.iter().map(|line| format!("{line}\n")).collect::<String>());
    trial
}

async fn classified(trial: &Trial, more: Value) -> Value {
    let mut with = json!({ "directory": "state" });
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    trial.read("mvcrs.classify", with).await.unwrap()
}

#[tokio::test]
async fn a_level_is_the_highest_threshold_reached_and_the_higher_of_two_counts() {
    let trial = state(&[
        r#"{"deviation":0.049999,"ts":1764550000}"#,
        r#"{"deviation":0.05,"ts":1764550000}"#,
        r#"{"deviation":0.15,"ts":1764550000,"resolution":"resolved"}"#,
        r#"{"deviation":0.30,"timestamp":"2025-12-05T00:00:00Z"}"#,
        r#"{"deviation":1e-05,"level":"critical","ts":1764550100}"#,
        r#"{"deviation":0.4,"level":"soft","ts":"2025-11-15T12:08:39.485262+00:00Z"}"#,
        r#"{"note":"nothing of use"}"#,
        "oops",
    ]);
    let found = classified(&trial, json!({})).await;
    let counts =
        ["below", "soft", "material", "critical", "unclassified", "unreadable", "untimed", "disagreeing", "open"]
            .map(|name| found[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1, 3, 1, 1, 1, 2, 3]);
    assert_eq!((&found["highest"], &found["max_deviation"]), (&json!("critical"), &json!("0.4")));
    assert_eq!(found["review_due"], "2025-11-16T12:08:39.485262Z");
    assert_eq!(found["findings"].as_array().unwrap().len(), 4);
    assert_eq!(found["thresholds"], json!({ "soft": "0.05", "material": "0.15", "critical": "0.3" }));
}

#[tokio::test]
async fn critical_entries_are_in_a_row_in_the_order_of_the_file() {
    let (critical, soft, dark) = (r#"{"level":"critical"}"#, r#"{"level":"soft"}"#, r#"{"other":1}"#);
    for (events, longest) in [
        (vec![critical, critical, soft, critical], 2),
        (vec![critical, dark, critical, "oops", critical], 3),
        (vec![], 0),
    ] {
        assert_eq!(classified(&state(&events), json!({})).await["longest_critical_run"], longest, "{events:?}");
    }
}

#[tokio::test]
async fn what_does_not_say_when_it_happened_is_never_too_old() {
    let trial =
        state(&[r#"{"level":"material","ts":1}"#, r#"{"level":"soft"}"#, r#"{"level":"critical","ts":"soon"}"#]);
    let found = classified(&trial, json!({ "since": "2026-01-01T00:00:00Z" })).await;
    assert_eq!(
        (&found["events"], &found["highest"], &found["review_due"]),
        (&json!(2), &json!("critical"), &json!(null))
    );
}

#[tokio::test]
async fn an_empty_log_is_no_good_news_while_the_verifier_fails() {
    let trial = state(&[]);
    assert_eq!(classified(&trial, json!({})).await["highest"], "none");
    let deviations = json!([{ "type": "TYPE_A_STRUCTURE", "severity": "high" }, { "severity": "low" }]);
    let verifier = json!({ "status": "failed", "deviations": deviations, "timestamp": "2026-11-20T00:00:00+00:00" });
    trial.file("state/challenge_verifier_state.json", verifier.to_string());
    let found = classified(&trial, json!({})).await;
    assert_eq!((&found["highest"], &found["verifier"]["high"]), (&json!("critical"), &json!(1)));
    let strange = json!({ "status": "fine" });
    trial.file("state/challenge_verifier_state.json", strange.to_string());
    let error = trial.read("mvcrs.classify", json!({ "directory": "state" })).await.unwrap_err();
    assert_eq!(error.code, "malformed");
}

#[tokio::test]
async fn thresholds_that_do_not_rise_are_refused() {
    let trial = state(&[]);
    for (config, code) in [
        (CONFIG.replace("0.30", "0.15"), "bad_config"),
        (CONFIG.replace("0.30", "\"0.3\""), "bad_config"),
        (CONFIG.replace("0.05", "-1"), "bad_config"),
        ("[]".to_owned(), "malformed"),
        (CONFIG.replace("_soft", "_material"), "malformed"),
    ] {
        trial.file("state/mvcrs_config.json", &config);
        let error = trial.read("mvcrs.classify", json!({ "directory": "state" })).await.unwrap_err();
        assert_eq!(error.code, code, "{config}");
    }
    let error = trial.read("mvcrs.classify", json!({ "directory": "none" })).await.unwrap_err();
    assert_eq!(error.code, "not_found");
}

#[tokio::test]
async fn a_lifecycle_that_has_ended_hides_what_came_later() {
    let trial = Trial::new();
    let ask = async || trial.read("mvcrs.lifecycle", json!({ "directory": "state" })).await;
    let found = ask().await.unwrap();
    assert_eq!((&found["current_state"], &found["terminal_masks_failure"]), (&json!(null), &json!(false)));
    let ended = json!({ "current_state": "resolved", "entered_current_state_at": "2026-11-19T00:00:00Z" });
    trial.file("state/mvcrs_escalation_lifecycle.json", ended.to_string());
    let found = ask().await.unwrap();
    assert_eq!((&found["terminal"], &found["terminal_masks_failure"]), (&json!(true), &json!(false)));
    for (raised, masks) in
        [(json!("2026-11-18T00:00:00Z"), false), (json!("2026-11-20T00:00:00Z"), true), (json!("some day"), true)]
    {
        trial.file("state/mvcrs_escalation.json", json!({ "timestamp": raised }).to_string());
        assert_eq!(ask().await.unwrap()["terminal_masks_failure"], masks, "{raised}");
    }
    std::fs::remove_file(trial.path("state/mvcrs_escalation.json")).unwrap();
    trial.file("state/challenge_verifier_state.json", json!({ "status": "failed" }).to_string());
    assert_eq!(ask().await.unwrap()["terminal_masks_failure"], true);
    trial.file("state/mvcrs_escalation_lifecycle.json", json!({ "current_state": "in_progress" }).to_string());
    assert_eq!(ask().await.unwrap()["terminal_masks_failure"], false);
    trial.file("state/mvcrs_escalation_lifecycle.json", json!({ "current_state": "done" }).to_string());
    assert_eq!(ask().await.unwrap_err().code, "malformed");
}

const HEADER: &str =
    "timestamp,level,resolution,primary_confidence,secondary_confidence,tertiary_confidence,deviation\n";

async fn summed(trial: &Trial) -> Value {
    let with = json!({ "directory": "state", "telemetry": "metrics.csv" });
    trial.read("mvcrs.summary", with).await.unwrap()
}

fn told(found: &Value) -> Vec<String> {
    let differences = found["differences"].as_array().unwrap();
    differences.iter().map(|difference| difference["what"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_summary_of_challenges_is_held_against_log_and_telemetry() {
    let trial = state(&[r#"{"level":"soft","deviation":0.1}"#, r#"{"level":"critical","deviation":0.4}"#]);
    let summary = json!({ "last_updated": 1_795_168_016, "daily_challenge_count": 2, "open_material": 0,
        "open_critical": 1, "last_level": null, "avg_deviation": 0.25 });
    trial.file("state/challenge_summary.json", summary.to_string());
    trial.file("metrics.csv", format!("{HEADER}1,soft,auto,1,1,1,0.1\n2,critical,open,1,1,1,0.4\n\n"));
    let found = summed(&trial).await;
    assert_eq!((&found["shape"], &found["aligned"]), (&json!("utils"), &json!(true)), "{found}");
    assert_eq!(found["last_updated"], "2026-11-20T09:46:56.000000Z");
    trial.file("metrics.csv", format!("{HEADER}1,soft,auto,1,1,1,0.1\n"));
    let mut wrong = summary;
    wrong["avg_deviation"] = json!(0.3);
    wrong.as_object_mut().unwrap().shift_remove("open_critical");
    trial.file("state/challenge_summary.json", wrong.to_string());
    let found = summed(&trial).await;
    let rows = "rows of the telemetry, against entries of the log";
    let levels = "critical rows of the telemetry, against the log";
    assert_eq!(told(&found), [rows, levels, "open_critical", "avg_deviation"]);
}

#[tokio::test]
async fn a_summary_of_the_verifier_is_held_against_itself_and_the_verifier() {
    let trial = state(&[]);
    trial.file("metrics.csv", HEADER);
    let summary = json!({ "total_events": 0, "deviation_counts": { "TYPE_A_STRUCTURE": { "low": 1, "medium": 0, "high": 0 } },
        "severity_totals": { "low": 1, "medium": 0, "high": 0 }, "verifier_status": "warning", "escalation_triggered": false });
    trial.file("state/challenge_summary.json", summary.to_string());
    trial.file("state/challenge_verifier_state.json", json!({ "status": "warning" }).to_string());
    let found = summed(&trial).await;
    assert_eq!((&found["shape"], &found["aligned"]), (&json!("verifier"), &json!(true)), "{found}");
    trial.file("state/mvcrs_escalation.json", "{}");
    trial.file("state/challenge_verifier_state.json", json!({ "status": "failed" }).to_string());
    let mut wrong = summary;
    wrong["severity_totals"]["low"] = json!(2);
    wrong["total_events"] = json!("0");
    trial.file("state/challenge_summary.json", wrong.to_string());
    let found = summed(&trial).await;
    assert_eq!(
        told(&found),
        [
            "total_events",
            "severity_totals.low, against deviation_counts",
            "verifier_status",
            "escalation_triggered, against mvcrs_escalation.json"
        ]
    );
}

#[tokio::test]
async fn nothing_to_compare_is_not_aligned() {
    let trial = state(&[]);
    trial.file("metrics.csv", HEADER);
    trial.file("state/challenge_summary.json", "{}");
    let found = summed(&trial).await;
    assert_eq!((&found["shape"], &found["aligned"]), (&json!("unknown"), &json!(false)));
    trial.file("metrics.csv", "a,b\n");
    let with = json!({ "directory": "state", "telemetry": "metrics.csv" });
    assert_eq!(trial.read("mvcrs.summary", with).await.unwrap_err().code, "malformed");
}

#[tokio::test]
async fn a_marker_replaces_its_own_and_no_neighbour() {
    let trial = Trial::new();
    let before = "# Audit\n<!-- MVCRS_TRUST_LOCK: A --> <!-- OTHER: B -->\n<!-- MVCRS_TRUST_LOCK: C -->\ntext\n<!-- MVCRS_TRUST_LOCKS: D";
    trial.file("docs/audit_summary.md", before);
    let with =
        json!({ "path": "docs/audit_summary.md", "name": "MVCRS_TRUST_LOCK", "word": "LOCKED", "note": "by hand" });
    assert_eq!(trial.reconcile("mvcrs.marker", with.clone()).await.unwrap(), Reconciled::NotHappened);
    trial.preview("mvcrs.marker", with.clone()).await.unwrap();
    let written = trial.apply("mvcrs.marker", with.clone()).await.unwrap();
    assert_eq!(written["replaced"], json!(["<!-- MVCRS_TRUST_LOCK: A -->", "<!-- MVCRS_TRUST_LOCK: C -->"]));
    let after = String::from_utf8(trial.content("docs/audit_summary.md")).unwrap();
    let line = "<!-- MVCRS_TRUST_LOCK: LOCKED 1970-01-01T00:00:00.000000Z run: 00000000-0000-7000-8000-000000000000 note: by hand -->";
    assert_eq!(after, format!("# Audit\n <!-- OTHER: B -->\ntext\n<!-- MVCRS_TRUST_LOCKS: D\n{line}\n"));
    assert!(matches!(trial.reconcile("mvcrs.marker", with.clone()).await.unwrap(), Reconciled::Happened(_)));
    trial.apply("mvcrs.marker", with).await.unwrap();
    assert_eq!(String::from_utf8(trial.content("docs/audit_summary.md")).unwrap(), after);
}

#[tokio::test]
async fn a_marker_may_be_a_file_of_its_own_and_is_never_overwritten() {
    let trial = Trial::new();
    let with = json!({ "directory": "markers", "name": "MVCRS_TRUST_LOCK" });
    trial.apply("mvcrs.marker", with.clone()).await.unwrap();
    let text = trial.content("markers/audit_MVCRS_TRUST_LOCK_0.marker");
    assert_eq!(text, br#"{"marker":"MVCRS_TRUST_LOCK","ts":0}"#);
    trial.apply("mvcrs.marker", with.clone()).await.unwrap();
    trial.file("markers/audit_MVCRS_TRUST_LOCK_0.marker", "another");
    assert_eq!(trial.apply("mvcrs.marker", with).await.unwrap_err().code, "exists");
}

#[tokio::test]
async fn markers_that_could_not_be_read_back_are_refused() {
    let trial = Trial::new();
    for with in [
        json!({ "name": "MVCRS_X", "path": "a.md" }),
        json!({ "name": "MVCRS_X", "word": "A" }),
        json!({ "name": "MVCRS_X", "word": "A", "path": "a.md", "note": "a --> b" }),
        json!({ "name": "MVCRS_X", "word": "A", "path": "a.md", "note": "a\nb" }),
        json!({ "name": "mvcrs", "word": "A", "path": "a.md" }),
        json!({ "name": "MVCRS_X", "word": "A", "path": "a.md", "directory": "b" }),
        json!({ "name": "MVCRS_X", "directory": "b", "note": "n" }),
    ] {
        assert_eq!(trial.apply("mvcrs.marker", with.clone()).await.unwrap_err().code, "bad_input", "{with}");
    }
    assert!(trial.names().is_empty());
}

fn lock(locked: bool) -> Value {
    let reason = if locked { "manual" } else { "none" };
    json!({ "directory": "state", "locked": locked, "reason": reason, "note": "for a test", "policy": "policy.json" })
}

#[tokio::test]
async fn trust_is_locked_once_and_what_others_wrote_stays() {
    let trial = Trial::new();
    trial.file(
        "state/trust_lock_state.json",
        r#"{ "locked": false, "metrics": { "integrity": 97.5 }, "bypass": true }"#,
    );
    trial.file("state/trust_lock_log.jsonl", r#"{"event":"state_update"}"#);
    trial.file("policy.json", r#"{ "max_manual_unlocks_per_day": 1 }"#);
    assert_eq!(trial.reconcile("mvcrs.trust_lock", lock(true)).await.unwrap(), Reconciled::NotHappened);
    assert!(!trial.preview("mvcrs.trust_lock", lock(true)).await.unwrap().no_change);
    let done = trial.apply("mvcrs.trust_lock", lock(true)).await.unwrap();
    assert_eq!((&done["locked"], &done["was_locked"]), (&json!(true), &json!(false)));
    let state: Value = serde_json::from_slice(&trial.content("state/trust_lock_state.json")).unwrap();
    assert_eq!(
        (&state["locked"], &state["reason"], &state["metrics"]["integrity"], &state["bypass"]),
        (&json!(true), &json!("manual"), &json!(97.5), &json!(false))
    );
    assert!(matches!(trial.reconcile("mvcrs.trust_lock", lock(true)).await.unwrap(), Reconciled::Happened(_)));
    let log = trial.content("state/trust_lock_log.jsonl");
    assert_eq!(log.iter().filter(|byte| **byte == b'\n').count(), 2);
    assert!(trial.preview("mvcrs.trust_lock", lock(true)).await.unwrap().no_change);
    trial.apply("mvcrs.trust_lock", lock(true)).await.unwrap();
    assert_eq!(trial.content("state/trust_lock_log.jsonl"), log);
}

#[tokio::test]
async fn a_release_counts_and_stops_at_the_policys_limit() {
    let trial = state(&[]);
    trial.file("policy.json", r#"{ "max_manual_unlocks_per_day": 1 }"#);
    trial.apply("mvcrs.trust_lock", lock(true)).await.unwrap();
    let mut without = lock(false);
    without.as_object_mut().unwrap().shift_remove("policy");
    assert_eq!(trial.apply("mvcrs.trust_lock", without).await.unwrap_err().code, "bad_input");
    let released = trial.apply("mvcrs.trust_lock", lock(false)).await.unwrap();
    assert_eq!((&released["locked"], &released["manual_unlocks_today"]), (&json!(false), &json!(1)));
    trial.apply("mvcrs.trust_lock", lock(true)).await.unwrap();
    assert_eq!(trial.apply("mvcrs.trust_lock", lock(false)).await.unwrap_err().code, "unlock_limit");
    let state: Value = serde_json::from_slice(&trial.content("state/trust_lock_state.json")).unwrap();
    let mut yesterday = state;
    yesterday["manual_unlocks_last_reset"] = json!("1969-12-31");
    trial.file("state/trust_lock_state.json", yesterday.to_string());
    assert_eq!(trial.apply("mvcrs.trust_lock", lock(false)).await.unwrap()["manual_unlocks_today"], 1);
}

#[tokio::test]
async fn a_lock_without_a_reason_and_a_state_without_a_word_are_refused() {
    let trial = Trial::new();
    let mut with = lock(true);
    with["reason"] = json!("none");
    assert_eq!(trial.apply("mvcrs.trust_lock", with).await.unwrap_err().code, "bad_input");
    for state in [r#"{"locked":"yes"}"#, r#"{"reason":"none"}"#, "[]", "{"] {
        trial.file("state/trust_lock_state.json", state);
        assert_eq!(trial.apply("mvcrs.trust_lock", lock(true)).await.unwrap_err().code, "malformed", "{state}");
    }
}
