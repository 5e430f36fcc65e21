//! The levers that need no server; Kora's control plane is tried against one, in tests/services.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::action::Reconciled;
use crate::action::trial::Trial;
use crate::procedure::TargetKind;

fn with(reason: &str) -> Value {
    json!({ "target": "lever", "reason": reason })
}

/// MV-CRS's safe mode.
fn safe_mode() -> Trial {
    let settings = json!({ "path": "safe_mode.lock", "flag": "safe_mode_enabled", "restrictions": ["no_adjustments"] });
    Trial::new().bound("lever", TargetKind::Pause, "file", settings)
}

async fn status(trial: &Trial) -> Value {
    trial.read("pause.status", json!({ "target": "lever" })).await.unwrap()
}

#[tokio::test]
async fn a_lock_file_says_who_paused_and_why_and_goes_when_it_is_lifted() {
    let trial = safe_mode();
    assert_eq!(status(&trial).await["summary"], "live");
    assert!(trial.preview("pause.resume", with("over")).await.unwrap().no_change);
    assert_eq!(trial.reconcile("pause.pause", with("chain broken")).await.unwrap(), Reconciled::NotHappened);
    let paused = trial.apply("pause.pause", with("chain broken")).await.unwrap();
    assert_eq!((&paused["summary"], &paused["id"]), (&json!("paused"), &json!("runwarden key-of-this-step")));
    let lock: Value = serde_json::from_slice(&trial.content("safe_mode.lock")).unwrap();
    assert_eq!((&lock["safe_mode_enabled"], &lock["reason"]), (&json!(true), &json!("chain broken")));
    assert_eq!((&lock["restrictions"], &lock["expected_unlock"]), (&json!(["no_adjustments"]), &json!(null)));
    let now = status(&trial).await;
    assert_eq!((&now["count"], &now["open"][0]["reason"]), (&json!(1), &json!("chain broken")));
    assert!(matches!(trial.reconcile("pause.pause", with("chain broken")).await.unwrap(), Reconciled::Happened(_)));
    let lifted = trial.apply("pause.resume", with("over")).await.unwrap();
    assert_eq!((&lifted["summary"], &lifted["lifted"]), (&json!("live"), &json!(["runwarden key-of-this-step"])));
    assert!(trial.names().is_empty());
}

#[tokio::test]
async fn a_pause_of_somebody_else_is_not_written_over() {
    let trial = safe_mode();
    let theirs = r#"{ "safe_mode_enabled": true, "reason": "theirs", "timestamp": "2026-11-20T00:00:00Z" }"#;
    trial.file("safe_mode.lock", theirs);
    assert!(trial.preview("pause.pause", with("ours")).await.unwrap().no_change);
    trial.apply("pause.pause", with("ours")).await.unwrap();
    assert_eq!(trial.content("safe_mode.lock"), theirs.as_bytes());
    let lifted = trial.apply("pause.resume", with("agreed with them")).await.unwrap();
    assert_eq!(lifted["lifted"], json!(["2026-11-20T00:00:00Z"]));
}

#[tokio::test]
async fn a_lock_that_cannot_be_understood_is_neither_held_nor_free() {
    for content in ["", "{}", r#"{"safe_mode_enabled":"true"}"#, "[true]"] {
        let trial = safe_mode();
        trial.file("safe_mode.lock", content);
        let error = trial.read("pause.status", json!({ "target": "lever" })).await.unwrap_err();
        assert_eq!(error.code, "malformed", "{content}");
        assert_eq!(trial.apply("pause.resume", with("over")).await.unwrap_err().code, "malformed", "{content}");
        assert_eq!(trial.content("safe_mode.lock"), content.as_bytes());
    }
    let released = safe_mode();
    released.file("safe_mode.lock", r#"{"safe_mode_enabled":false}"#);
    assert_eq!(status(&released).await["summary"], "live");
    assert_eq!(released.apply("pause.pause", with(" ")).await.unwrap_err().code, "bad_input");
}

/// A program that keeps its state in a file, and lies if it is told to.
fn program(script: &str) -> Trial {
    let trial = Trial::new();
    trial.file("lever.sh", script);
    let argv = |verb: &str| json!(["sh", "lever.sh", verb]);
    let settings = json!({ "status": argv("status"), "pause": ["sh", "lever.sh", "pause", "{level}"], "resume": argv("resume"),
        "level": 1 });
    trial.bound("lever", TargetKind::Pause, "command", settings)
}

const HONEST: &str = r#"case $1 in
status) if [ -e held ]; then echo "{\"summary\":\"paused\",\"open\":[$(cat held)]}"; else echo '{"summary":"live"}'; fi ;;
pause) printf '{"id":"%s","level":%s,"kind":"pause","reason":"%s","issuer":null,"state":null}' "$RUNWARDEN_MARK" "$2" "$RUNWARDEN_REASON" > held ;;
resume) rm held ;;
esac
"#;

#[tokio::test]
async fn a_program_pauses_and_is_asked_whether_it_did() {
    let trial = program(HONEST);
    let mut harder = with("an incident");
    harder["level"] = json!(3);
    let paused = trial.apply("pause.pause", harder.clone()).await.unwrap();
    assert_eq!(paused["summary"], "paused");
    assert_eq!(status(&trial).await["highest_level"], 3);
    let open = &status(&trial).await["open"][0];
    assert_eq!((&open["id"], &open["reason"]), (&json!("runwarden key-of-this-step"), &json!("an incident")));
    assert!(trial.preview("pause.pause", harder.clone()).await.unwrap().no_change);
    harder["level"] = json!(4);
    assert!(!trial.preview("pause.pause", harder).await.unwrap().no_change);
    let lifted = trial.apply("pause.resume", with("over")).await.unwrap();
    assert_eq!((&lifted["summary"], &lifted["lifted"][0]), (&json!("live"), &json!("runwarden key-of-this-step")));
}

#[tokio::test]
async fn a_program_that_exits_with_0_and_does_nothing_has_failed() {
    let trial = program("[ $1 != status ] || echo '{\"summary\":\"live\"}'\n");
    let error = trial.apply("pause.pause", with("an incident")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.may_have_happened), ("no_effect", false));
}

#[tokio::test]
async fn a_program_that_fails_may_have_paused_all_the_same() {
    let trial = program("[ $1 = status ] && echo '{\"summary\":\"live\"}' && exit 0\necho no >&2; exit 3\n");
    let error = trial.apply("pause.pause", with("an incident")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.may_have_happened), ("lever_failed", true));
    assert!(error.message.contains("exited with 3: no"), "{}", error.message);
}

#[tokio::test]
async fn a_status_that_is_none_is_an_error_and_never_live() {
    for (script, code) in [
        ("exit 1\n", "lever_failed"),
        ("echo live\n", "malformed"),
        ("echo '{\"summary\":\"fine\"}'\n", "malformed"),
        ("echo '{}'\n", "malformed"),
    ] {
        let error = program(script).read("pause.status", json!({ "target": "lever" })).await.unwrap_err();
        assert_eq!(error.code, code, "{script}");
    }
}
