#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use crate::action::trial::Trial;

#[tokio::test]
async fn the_holder_of_a_file_is_named() {
    let trial = Trial::new();
    let path = trial.file("held", "");
    trial.file("free", "");
    let stdin = std::fs::File::open(&path).unwrap();
    let mut child = std::process::Command::new("sleep").arg("60").stdin(stdin).spawn().unwrap();
    let with = json!({ "paths": ["free", "held", "none"], "missing_ok": true });
    let found = trial.read("process.holders", with).await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let holder = &found["holders"][0];
    assert_eq!((&holder["pid"], &holder["name"]), (&json!(child.id()), &json!("sleep")));
    assert_eq!((&holder["path"], &found["count"]), (&json!("held"), &json!(1)));
    assert!(!holder["user"].as_str().unwrap().is_empty());
    assert_eq!(found["missing"], json!(["none"]));
    let free = trial.read("process.holders", json!({ "paths": ["free"] })).await.unwrap();
    assert_eq!((&free["holders"], &free["count"], &free["missing"]), (&json!([]), &json!(0), &json!([])));
}

#[tokio::test]
async fn a_mistyped_path_is_not_a_file_that_nobody_holds() {
    let trial = Trial::new();
    let error = trial.read("process.holders", json!({ "paths": ["none"] })).await.unwrap_err();
    assert_eq!(error.code, "not_found");
    let error = trial.read("process.holders", json!({ "paths": [] })).await.unwrap_err();
    assert_eq!(error.code, "bad_input");
}
