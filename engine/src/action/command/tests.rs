#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::action::trial::Trial;
use crate::action::{Fidelity, Reconciled};
use crate::procedure::TargetKind as Kind;

const BOTH: [&str; 2] = ["command.read", "command.run"];

async fn done(trial: &Trial, action: &str, with: Value) -> Result<Value, crate::action::Error> {
    if action == "command.read" { trial.read(action, with).await } else { trial.apply(action, with).await }
}

#[track_caller]
fn fails<T: std::fmt::Debug>(result: Result<T, crate::action::Error>, code: &str, uncertain: bool) {
    let error = result.unwrap_err();
    assert_eq!((&*error.code, error.may_have_happened), (code, uncertain), "{error}");
}

#[tokio::test]
async fn arguments_reach_the_program_as_they_are() {
    let trial = Trial::new();
    for hostile in ["; rm -rf /", "$(touch pwned)", "`touch pwned`", "a\nb", "-n", "*", "'\"\\", "", "&& touch pwned"] {
        for action in BOTH {
            let with = json!({ "argv": ["sh", "-c", "printf '[%s]' \"$@\"", "sh", hostile, "next"] });
            let found = done(&trial, action, with).await.unwrap();
            assert_eq!(found["stdout"], format!("[{hostile}][next]"));
        }
    }
    assert!(trial.names().is_empty());
}

#[tokio::test]
async fn a_program_is_given_its_input_and_environment_and_is_named_by_its_bytes() {
    let trial = Trial::new();
    for action in BOTH {
        let with = json!({
            "argv": ["sh", "-c", "cat; printf %s \"$NAME\"; echo oops >&2; pwd >&2"],
            "stdin": "given ", "env": { "NAME": "x;y" },
        });
        let found = done(&trial, action, with).await.unwrap();
        assert_eq!((&found["exit"], &found["stdout"], &found["json"]), (&json!(0), &json!("given x;y"), &Value::Null));
        let here = trial.path("").canonicalize().unwrap();
        assert_eq!(found["stderr"], format!("oops\n{}\n", here.display()));
        let program = found["program"]["path"].as_str().unwrap();
        let hash = trial.read("file.hash", json!({ "path": program })).await.unwrap();
        assert_eq!(found["program"]["sha256"], hash["sha256"]);
    }
}

#[tokio::test]
async fn a_target_has_its_argv_folder_and_environment() {
    let trial = Trial::new()
        .target(
            "roll",
            Kind::Command,
            json!({ "argv": ["./tool", "first"], "cwd": "tools", "env": { "A": "target", "B": "target" } }),
        )
        .target("api", Kind::Service, json!({}));
    let tool = trial.file("tools/tool", "#!/bin/sh\necho \"$* $A $B ${PWD##*/}\"\n");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    for action in BOTH {
        let with = json!({ "target": "roll", "args": ["second"], "env": { "B": "step" } });
        assert_eq!(done(&trial, action, with).await.unwrap()["stdout"], "first second target step tools\n");
        fails(done(&trial, action, json!({ "target": "api" })).await, "bad_target", false);
        fails(done(&trial, action, json!({ "target": "none" })).await, "unbound_target", false);
        for with in [
            json!({}),
            json!({ "argv": [] }),
            json!({ "argv": [""] }),
            json!({ "argv": ["true"], "target": "roll" }),
            json!({ "argv": ["true"], "args": ["x"] }),
            json!({ "argv": "true" }),
        ] {
            fails(done(&trial, action, with).await, "bad_input", false);
        }
    }
    for settings in
        [json!({}), json!({ "argv": [1] }), json!({ "argv": ["a"], "env": [] }), json!({ "argv": ["a"], "cwd": 1 })]
    {
        let trial = Trial::new().target("roll", Kind::Command, settings);
        fails(trial.apply("command.run", json!({ "target": "roll" })).await, "bad_target", false);
    }
}

#[tokio::test]
async fn json_is_parsed_and_what_is_none_is_an_error() {
    let trial = Trial::new();
    let with = |text: &str| json!({ "argv": ["printf", "%s", text], "json": true });
    for action in BOTH {
        let found = done(&trial, action, with(r#"{"Machines":[1]}"#)).await.unwrap();
        assert_eq!(found["json"], json!({ "Machines": [1] }));
        // What ran has happened, even if its answer cannot be read.
        let uncertain = action == "command.run";
        for text in ["", "no", "{} {}", r#"{"a":1,"a":2}"#] {
            fails(done(&trial, action, with(text)).await, "bad_json", uncertain);
        }
        let cut = json!({ "argv": ["printf", "[1, 2, 3]"], "json": true, "max_bytes": 4 });
        fails(done(&trial, action, cut).await, "bad_json", uncertain);
    }
}

#[tokio::test]
async fn an_exit_code_is_an_answer_to_a_read_and_a_failure_of_a_run() {
    let trial = Trial::new();
    let with = json!({ "argv": ["sh", "-c", "echo why >&2; exit 3"], "json": true });
    let found = trial.read("command.read", with.clone()).await.unwrap();
    assert_eq!((&found["exit"], &found["json"]), (&json!(3), &Value::Null));
    let error = trial.apply("command.run", with).await.unwrap_err();
    assert_eq!((&*error.code, error.may_have_happened, error.transient), ("exit_code", false, false));
    assert!(error.message.ends_with("exited with 3: why"), "{error}");
    let with = json!({ "argv": ["sh", "-c", "exit 3"], "ok_exits": [0, 3] });
    assert_eq!(trial.apply("command.run", with).await.unwrap()["exit"], 3);
    let with = json!({ "argv": ["true"], "ok_exits": [3] });
    fails(trial.apply("command.run", with).await, "exit_code", false);
}

#[tokio::test]
async fn what_was_ended_may_have_happened() {
    let trial = Trial::new();
    let slow = json!({ "argv": ["sleep", "60"], "timeout": "100ms" });
    fails(trial.apply("command.run", slow.clone()).await, "timed_out", true);
    fails(trial.read("command.read", slow).await, "timed_out", false);
    let killed = json!({ "argv": ["sh", "-c", "kill -9 $$"] });
    fails(trial.apply("command.run", killed.clone()).await, "killed", true);
    fails(trial.read("command.read", killed).await, "killed", false);
    fails(trial.apply("command.run", json!({ "argv": ["no_such_program"] })).await, "program", false);
}

#[tokio::test]
async fn a_plan_runs_no_program_unless_it_is_told_to() {
    let mut trial = Trial::new();
    trial.settings.probe_commands = false;
    let touch = json!({ "argv": ["touch", "touched"] });
    fails(trial.read("command.read", touch).await, "not_probed", false);
    let with = json!({ "argv": ["touch", "touched"], "preview": ["touch", "previewed"] });
    fails(trial.preview("command.run", with).await, "not_probed", false);
    assert!(trial.names().is_empty());
}

#[tokio::test]
async fn a_preview_says_what_would_be_run_and_what_the_authors_program_says_of_it() {
    let trial = Trial::new();
    let plain = json!({ "argv": ["touch", "touched"] });
    let preview = trial.preview("command.run", plain.clone()).await.unwrap();
    assert_eq!(preview.fidelity, Fidelity::None);
    assert!(preview.after.unwrap()["program"]["path"].as_str().unwrap().ends_with("/touch"));
    assert_eq!(trial.reconcile("command.run", plain).await.unwrap(), Reconciled::CannotTell);

    let with = |preview: &[&str]| json!({ "argv": ["touch", "touched"], "preview": preview });
    let preview = trial.preview("command.run", with(&["echo", "would touch"])).await.unwrap();
    assert_eq!((preview.fidelity, preview.no_change), (Fidelity::Estimated, false));
    assert_eq!(preview.after.unwrap()["preview"], "would touch\n");
    fails(trial.preview("command.run", with(&["false"])).await, "preview_failed", false);
    fails(trial.preview("command.run", with(&[])).await, "bad_input", false);
    fails(trial.preview("command.run", json!({ "argv": ["no_such_program"] })).await, "program", false);
    assert!(trial.names().is_empty());
}

#[tokio::test]
async fn a_program_that_is_not_allowed_is_refused_when_planned_and_when_run() {
    let mut trial = Trial::new();
    trial.settings.allow_commands = Some(vec!["echo".to_owned()]);
    let with = json!({ "argv": ["touch", "touched"] });
    fails(trial.read("command.read", with.clone()).await, "refused", false);
    fails(trial.preview("command.run", with.clone()).await, "refused", false);
    fails(trial.apply("command.run", with).await, "refused", false);
    let preview = json!({ "argv": ["echo"], "preview": ["touch", "touched"] });
    fails(trial.preview("command.run", preview).await, "refused", false);
    assert_eq!(trial.read("command.read", json!({ "argv": ["echo", "x"] })).await.unwrap()["stdout"], "x\n");
    assert!(trial.names().is_empty());
}

#[tokio::test]
async fn a_long_complaint_is_cut_to_its_end() {
    let with = json!({ "argv": ["sh", "-c", "i=0; while [ $i -lt 500 ]; do printf ä >&2; i=$((i+1)); done; echo END >&2; exit 1"] });
    let error = Trial::new().apply("command.run", with).await.unwrap_err();
    assert!(error.message.ends_with("äEND"), "{error}");
    assert!(error.message.chars().count() < 500);
}
