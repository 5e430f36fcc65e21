//! Repositories are made by the git program for each test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::{Value, json};

use crate::action::Reconciled;
use crate::action::trial::Trial;

fn git(trial: &Trial, arguments: &[&str]) -> String {
    let own = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    let mut command = Command::new("git");
    let output = command.args(own).args(arguments).current_dir(trial.path("repo")).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with one commit.
fn repository() -> Trial {
    let trial = Trial::new();
    trial.file("repo/state/a.json", "{}");
    git(&trial, &["init", "--quiet"]);
    git(&trial, &["add", "."]);
    git(&trial, &["commit", "--quiet", "-m", "first"]);
    git(&trial, &["config", "user.name", "Keeper"]);
    git(&trial, &["config", "user.email", "keeper@example.com"]);
    trial
}

fn with(more: Value) -> Value {
    let mut with = json!({ "repository": "repo" });
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    with
}

#[tokio::test]
async fn status_tells_what_differs_and_leaves_the_index_alone() {
    let trial = repository();
    let clean = trial.read("git.status", with(json!({ "names": ["main", "v1", "-x"] }))).await.unwrap();
    let head = git(&trial, &["rev-parse", "HEAD"]);
    assert_eq!((&clean["branch"], &clean["commit"], &clean["clean"]), (&json!("main"), &json!(head), &json!(true)));
    assert_eq!(clean["names"], json!({ "main": head, "v1": null, "-x": null }));
    trial.file("repo/state/a.json", "{ }");
    trial.file("repo/new with ü.txt", "");
    git(&trial, &["mv", "state/a.json", "state/b.json"]);
    let index = std::fs::read(trial.path("repo/.git/index")).unwrap();
    let dirty = trial.read("git.status", with(json!({}))).await.unwrap();
    assert_eq!((&dirty["clean"], &dirty["changed"]), (&json!(false), &json!(["state/b.json"])));
    assert_eq!(dirty["untracked"], json!(["new with ü.txt"]));
    assert_eq!(std::fs::read(trial.path("repo/.git/index")).unwrap(), index);
}

#[tokio::test]
async fn status_of_no_repository_and_of_an_empty_one() {
    let trial = Trial::new();
    trial.file("repo/a", "");
    assert_eq!(trial.read("git.status", with(json!({}))).await.unwrap_err().code, "git_failed");
    git(&trial, &["init", "--quiet"]);
    let empty = trial.read("git.status", with(json!({}))).await.unwrap();
    assert_eq!((&empty["commit"], &empty["branch"]), (&json!(null), &json!("main")));
    let none = trial.apply("git.branch", with(json!({ "name": "fix/a" }))).await.unwrap_err();
    assert_eq!(none.code, "not_found");
}

#[tokio::test]
async fn a_branch_is_made_once_and_never_moved_or_checked_out() {
    let trial = repository();
    let wanted = with(json!({ "name": "fix/mvcrs-incident-2026-11-20" }));
    let preview = trial.preview("git.branch", wanted.clone()).await.unwrap();
    assert!(!preview.no_change && preview.before.is_none());
    assert_eq!(trial.reconcile("git.branch", wanted.clone()).await.unwrap(), Reconciled::NotHappened);
    let made = trial.apply("git.branch", wanted.clone()).await.unwrap();
    assert_eq!(made["ref"], "refs/heads/fix/mvcrs-incident-2026-11-20");
    assert_eq!(made["existed"], false);
    assert_eq!(git(&trial, &["branch", "--show-current"]), "main");
    assert!(matches!(trial.reconcile("git.branch", wanted.clone()).await.unwrap(), Reconciled::Happened(_)));
    assert!(trial.preview("git.branch", wanted.clone()).await.unwrap().no_change);
    assert_eq!(trial.apply("git.branch", wanted.clone()).await.unwrap()["existed"], true);
    git(&trial, &["commit", "--quiet", "--allow-empty", "-m", "second"]);
    assert_eq!(trial.apply("git.branch", wanted).await.unwrap_err().code, "exists");
}

#[tokio::test]
async fn names_that_git_would_not_take_are_refused() {
    let trial = repository();
    for (action, name) in
        [("git.branch", "a..b"), ("git.branch", "a b"), ("git.branch", "-f"), ("git.tag", "x.lock"), ("git.tag", "")]
    {
        let wanted = with(json!({ "name": name, "message": "m" }));
        let wanted = if action == "git.tag" { wanted } else { with(json!({ "name": name })) };
        assert_eq!(trial.apply(action, wanted).await.unwrap_err().code, "bad_input", "{action} {name}");
    }
    let from = with(json!({ "name": "b", "from": "--all" }));
    assert_eq!(trial.apply("git.branch", from).await.unwrap_err().code, "bad_input");
}

#[tokio::test]
async fn a_tag_says_what_it_was_told_and_is_the_same_when_made_again() {
    let trial = repository();
    let wanted = with(json!({ "name": "incident-1", "message": "Taken as evidence.\n\nTwo\n\nparagraphs" }));
    trial.apply("git.tag", wanted.clone()).await.unwrap();
    assert_eq!(git(&trial, &["cat-file", "-t", "incident-1"]), "tag");
    assert!(trial.preview("git.tag", wanted.clone()).await.unwrap().no_change);
    let first = git(&trial, &["rev-parse", "incident-1"]);
    assert_eq!(trial.apply("git.tag", wanted.clone()).await.unwrap()["existed"], true);
    git(&trial, &["tag", "--delete", "incident-1"]);
    trial.apply("git.tag", wanted).await.unwrap();
    assert_eq!(git(&trial, &["rev-parse", "incident-1"]), first);
    let other = with(json!({ "name": "incident-1", "message": "Something else" }));
    assert_eq!(trial.apply("git.tag", other).await.unwrap_err().code, "exists");
    let mute = with(json!({ "name": "incident-2", "message": " " }));
    assert_eq!(trial.apply("git.tag", mute).await.unwrap_err().code, "bad_input");
}

#[tokio::test]
async fn hooks_of_the_repository_are_not_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let trial = repository();
    let hook = trial.file("repo/.git/hooks/reference-transaction", "#!/bin/sh\ntouch hooked\nexit 1\n");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    trial.apply("git.branch", with(json!({ "name": "quiet" }))).await.unwrap();
    assert!(!trial.path("repo/hooked").exists());
}
