//! The actions of the family `file`: whole or not at all, and nothing outside what was asked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tree::matches;
use crate::action::trial::Trial;
use crate::action::{Fidelity, Reconciled};
use crate::id::Digest;

const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[track_caller]
fn fails<T: std::fmt::Debug>(result: Result<T, crate::action::Error>, code: &str) {
    let error = result.unwrap_err();
    assert_eq!((&*error.code, error.may_have_happened), (code, false), "{error}");
}

/// The preview says what is then done, it is done once, and a lost outcome is found out.
async fn previewed_done_and_found(trial: &Trial, action: &str, with: Value, changed: &str) -> Value {
    let preview = trial.preview(action, with.clone()).await.unwrap();
    assert_eq!((preview.fidelity, preview.no_change), (Fidelity::Exact, false));
    assert_eq!(trial.reconcile(action, with.clone()).await.unwrap(), Reconciled::NotHappened);
    let output = trial.apply(action, with.clone()).await.unwrap();
    assert_eq!(output[changed], true);
    let Reconciled::Happened(found) = trial.reconcile(action, with).await.unwrap() else {
        unreachable!("it happened");
    };
    assert_eq!(found[changed], true);
    preview.after.unwrap()
}

#[tokio::test]
async fn stat_says_what_there_is_and_that_there_is_nothing() {
    let trial = Trial::new();
    let path = trial.file("a", "abc");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("a", trial.path("link")).unwrap();
    let found = trial.read("file.stat", json!({ "path": "a" })).await.unwrap();
    assert_eq!(found["exists"], true);
    assert_eq!((&found["kind"], &found["size"], &found["mode"]), (&json!("file"), &json!(3), &json!("0640")));
    assert!(crate::time::Timestamp::parse(found["modified"].as_str().unwrap()).is_ok());
    assert_eq!(trial.read("file.stat", json!({ "path": "link" })).await.unwrap()["kind"], "link");
    let nothing = json!({ "exists": false, "kind": null, "size": null, "mode": null, "owner": null, "modified": null });
    assert_eq!(trial.read("file.stat", json!({ "path": "none" })).await.unwrap(), nothing);
    assert_eq!(trial.read("file.stat", json!({ "path": "a/below" })).await.unwrap(), nothing);
}

#[tokio::test]
async fn a_hash_is_the_one_of_fips_180() {
    let trial = Trial::new();
    trial.file("a", "abc");
    let found = trial.read("file.hash", json!({ "path": "a" })).await.unwrap();
    assert_eq!(found, json!({ "sha256": OF_ABC, "size": 3, "subject": format!("sha256:{OF_ABC}") }));
    let large = vec![7; 1_000_001];
    trial.file("large", &large);
    let found = trial.read("file.hash", json!({ "path": "large" })).await.unwrap();
    assert_eq!(found["subject"], Digest::of(&large).as_str());
    fails(trial.read("file.hash", json!({ "path": "none" })).await, "not_found");
    fails(trial.read("file.hash", json!({ "path": "/dev/zero" })).await, "refused");
    fails(trial.read("file.hash", json!({ "path": "" })).await, "refused");
    fails(trial.read("file.hash", json!({ "path": "a\u{0}b" })).await, "file");
    fails(trial.read("file.hash", json!({ "path": "a", "pth": 1 })).await, "bad_input");
}

#[tokio::test]
async fn what_is_read_is_text_or_else_base64() {
    let trial = Trial::new();
    trial.file("text", "häß\n");
    trial.file("bytes", [0xff, 0x00]);
    let text = trial.read("file.read", json!({ "path": "text" })).await.unwrap();
    assert_eq!((&text["text"], &text["base64"], &text["size"]), (&json!("häß\n"), &Value::Null, &json!(6)));
    let bytes = trial.read("file.read", json!({ "path": "bytes" })).await.unwrap();
    assert_eq!((&bytes["text"], &bytes["base64"]), (&Value::Null, &json!("/wA=")));
    fails(trial.read("file.read", json!({ "path": "text", "max_bytes": 5 })).await, "too_large");
}

#[tokio::test]
async fn a_tree_lists_by_name_and_path_and_follows_no_link() {
    let trial = Trial::new();
    for name in ["t/ledger.db", "t/ledger.db-wal", "t/other", "t/sub/deep/ledger.db", "outside/ledger.db"] {
        trial.file(name, "abc");
    }
    std::os::unix::fs::symlink("../outside", trial.path("t/door")).unwrap();
    std::os::unix::fs::symlink("..", trial.path("t/sub/up")).unwrap();
    let names = async |with: Value| {
        let found = trial.read("file.tree", with).await.unwrap();
        let files = found["files"].as_array().unwrap().clone();
        assert_eq!(found["count"], files.len());
        files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = ["t/door", "t/ledger.db", "t/ledger.db-wal", "t/other", "t/sub/deep/ledger.db", "t/sub/up"];
    assert_eq!(names(json!({ "path": "t" })).await, all);
    let ledgers = ["t/ledger.db", "t/ledger.db-wal", "t/sub/deep/ledger.db"];
    assert_eq!(names(json!({ "path": "t", "match": "ledger.db*" })).await, ledgers);
    assert_eq!(names(json!({ "path": "t", "match": "ledger.db*", "max_depth": 1 })).await, ledgers[..2]);
    assert_eq!(names(json!({ "path": "t", "match": "?????" })).await, ["t/other"]);
    assert_eq!(names(json!({ "path": "t", "match": "[a-z]*" })).await, [""; 0]);
}

#[tokio::test]
async fn a_tree_has_hashes_on_demand_and_a_digest_of_its_own() {
    let trial = Trial::new();
    trial.file("t/a", "abc");
    let with = json!({ "path": "t", "hash": true });
    let before = trial.read("file.tree", with.clone()).await.unwrap();
    assert_eq!(before["files"][0]["sha256"], OF_ABC);
    assert_eq!(before["files"][0]["name"], "a");
    assert_eq!(trial.read("file.tree", with.clone()).await.unwrap()["subject"], before["subject"]);
    assert_eq!(trial.read("file.tree", json!({ "path": "t" })).await.unwrap()["files"][0]["sha256"], Value::Null);
    trial.file("t/a", "abd");
    assert_ne!(trial.read("file.tree", with).await.unwrap()["subject"], before["subject"]);
}

#[tokio::test]
async fn a_tree_that_is_too_large_is_an_error_and_not_a_shorter_list() {
    let trial = Trial::new();
    trial.file("t/a", "");
    trial.file("t/b", "");
    fails(trial.read("file.tree", json!({ "path": "t", "max_files": 1 })).await, "too_many");
    assert_eq!(trial.read("file.tree", json!({ "path": "t", "max_files": 2 })).await.unwrap()["count"], 2);
    let deep: String = "d/".repeat(65);
    trial.file(&format!("deep/{deep}x"), "");
    fails(trial.read("file.tree", json!({ "path": "deep" })).await, "too_deep");
    fails(trial.read("file.tree", json!({ "path": "none" })).await, "not_found");
    fails(trial.read("file.tree", json!({ "path": "t/a" })).await, "file");
}

#[tokio::test]
async fn writing_is_what_the_preview_said() {
    let trial = Trial::new();
    let with = json!({ "path": "a", "content": "abc", "mode": "640" });
    let after = previewed_done_and_found(&trial, "file.write", with, "changed").await;
    assert_eq!(after, json!({ "exists": true, "size": 3, "mode": "0640", "sha256": OF_ABC }));
    assert_eq!((trial.content("a"), mode(&trial.path("a"))), (b"abc".to_vec(), 0o640));
    assert_eq!(trial.names(), ["a"]);
}

#[tokio::test]
async fn what_is_as_wanted_is_not_written_again() {
    let trial = Trial::new();
    let with = json!({ "path": "a", "content": "abc" });
    assert_eq!(trial.apply("file.write", with.clone()).await.unwrap()["changed"], true);
    assert_eq!(mode(&trial.path("a")), 0o600);
    let inode = trial.read("file.stat", json!({ "path": "a" })).await.unwrap();
    assert!(trial.preview("file.write", with.clone()).await.unwrap().no_change);
    assert_eq!(
        trial.apply("file.write", with.clone()).await.unwrap(),
        json!({ "changed": false, "sha256": OF_ABC, "size": 3 })
    );
    assert_eq!(trial.read("file.stat", json!({ "path": "a" })).await.unwrap(), inode);
    let other_mode = json!({ "path": "a", "content": "abc", "mode": "0644", "replace": true });
    assert_eq!(trial.apply("file.write", other_mode).await.unwrap()["changed"], true);
    assert_eq!(mode(&trial.path("a")), 0o644);
}

#[tokio::test]
async fn other_content_is_kept_unless_it_may_be_replaced_and_then_keeps_its_mode() {
    let trial = Trial::new();
    let path = trial.file("a", "old");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).unwrap();
    let with = |replace: bool| json!({ "path": "a", "content": "abc", "replace": replace });
    fails(trial.preview("file.write", with(false)).await, "exists");
    fails(trial.apply("file.write", with(false)).await, "exists");
    assert_eq!(trial.content("a"), b"old");
    previewed_done_and_found(&trial, "file.write", with(true), "changed").await;
    assert_eq!((trial.content("a"), mode(&path)), (b"abc".to_vec(), 0o664));
}

#[tokio::test]
async fn folders_are_made_on_demand_only() {
    let trial = Trial::new();
    trial.file("from", "abc");
    for (action, mut with) in [
        ("file.write", json!({ "path": "w/x/a", "content": "abc" })),
        ("file.copy", json!({ "from": "from", "to": "c/x/a" })),
    ] {
        fails(trial.preview(action, with.clone()).await, "not_found");
        fails(trial.apply(action, with.clone()).await, "not_found");
        with["parents"] = json!(true);
        previewed_done_and_found(&trial, action, with, "changed").await;
    }
    assert_eq!(mode(&trial.path("w/x")), 0o700);
    assert_eq!(trial.content("c/x/a"), b"abc");
}

#[tokio::test]
async fn bytes_are_written_from_base64() {
    let trial = Trial::new();
    let with = json!({ "path": "a", "content": "/wA=", "encoding": "base64" });
    trial.apply("file.write", with).await.unwrap();
    assert_eq!(trial.content("a"), [0xff, 0x00]);
    for content in ["/wA", "/w A=", "nonsense!"] {
        let with = json!({ "path": "b", "content": content, "encoding": "base64" });
        fails(trial.apply("file.write", with).await, "bad_input");
    }
}

#[tokio::test]
async fn a_mode_is_three_octal_digits() {
    let trial = Trial::new();
    for mode in [json!("888"), json!("4755"), json!("0o644"), json!("64"), json!(""), json!("rw-"), json!(644)] {
        let with = json!({ "path": "a", "content": "", "mode": mode });
        fails(trial.apply("file.write", with).await, "bad_input");
    }
    assert!(trial.names().is_empty());
}

#[tokio::test]
async fn copying_is_what_the_preview_said_and_keeps_the_source() {
    let trial = Trial::new();
    let from = trial.file("from", "abc");
    std::fs::set_permissions(&from, std::fs::Permissions::from_mode(0o777)).unwrap();
    let with = json!({ "from": "from", "to": "to", "sha256": OF_ABC });
    let after = previewed_done_and_found(&trial, "file.copy", with.clone(), "changed").await;
    assert_eq!(after, json!({ "exists": true, "size": 3, "mode": "0600", "sha256": OF_ABC }));
    assert_eq!((trial.content("to"), mode(&trial.path("to"))), (b"abc".to_vec(), 0o600));
    assert!(trial.preview("file.copy", with.clone()).await.unwrap().no_change);
    assert_eq!(trial.apply("file.copy", with).await.unwrap()["changed"], false);
    assert_eq!(trial.names(), ["from", "to"]);
}

#[tokio::test]
async fn a_copy_of_other_content_than_expected_is_not_made() {
    let trial = Trial::new();
    trial.file("from", "abd");
    trial.file("taken", "old");
    for expected in [OF_ABC.to_owned(), format!("sha256:{OF_ABC}")] {
        let with = json!({ "from": "from", "to": "to", "sha256": expected });
        fails(trial.preview("file.copy", with.clone()).await, "digest_mismatch");
        fails(trial.apply("file.copy", with).await, "digest_mismatch");
    }
    fails(trial.apply("file.copy", json!({ "from": "from", "to": "to", "sha256": "abc" })).await, "bad_input");
    fails(trial.apply("file.copy", json!({ "from": "from", "to": "taken" })).await, "exists");
    fails(trial.apply("file.copy", json!({ "from": "none", "to": "to" })).await, "not_found");
    assert_eq!(trial.names(), ["from", "taken"]);
    assert_eq!(trial.content("taken"), b"old");
}

#[tokio::test]
async fn removing_is_what_the_preview_said() {
    let trial = Trial::new();
    trial.file("a", "abc");
    let with = json!({ "path": "a", "sha256": OF_ABC });
    let preview = trial.preview("file.remove", with.clone()).await.unwrap();
    assert_eq!(preview.before.unwrap()["sha256"], OF_ABC);
    let after = previewed_done_and_found(&trial, "file.remove", with.clone(), "removed").await;
    assert_eq!(after, json!({ "exists": false }));
    assert!(trial.names().is_empty());
    fails(trial.apply("file.remove", with).await, "not_found");
    let lenient = json!({ "path": "a", "missing_ok": true });
    assert!(trial.preview("file.remove", lenient.clone()).await.unwrap().no_change);
    let nothing = json!({ "removed": false, "sha256": null, "size": null });
    assert_eq!(trial.apply("file.remove", lenient).await.unwrap(), nothing);
}

#[tokio::test]
async fn other_content_than_expected_is_not_removed_nor_is_a_link_or_folder() {
    let trial = Trial::new();
    trial.file("a", "abd");
    std::os::unix::fs::symlink("a", trial.path("link")).unwrap();
    std::fs::create_dir(trial.path("folder")).unwrap();
    fails(trial.apply("file.remove", json!({ "path": "a", "sha256": OF_ABC })).await, "digest_mismatch");
    for path in ["link", "folder", "folder/..", "."] {
        for missing_ok in [false, true] {
            let with = json!({ "path": path, "missing_ok": missing_ok });
            fails(trial.preview("file.remove", with.clone()).await, "refused");
            fails(trial.apply("file.remove", with).await, "refused");
        }
    }
    assert_eq!(trial.names(), ["a", "folder", "link"]);
}

#[tokio::test]
async fn what_is_protected_is_refused_by_every_action_that_changes_files() {
    let mut trial = Trial::new();
    trial.file("ledger.db", "abc");
    trial.file("from", "new");
    std::os::unix::fs::symlink(trial.path("."), trial.path("again")).unwrap();
    trial.settings.protected = vec!["ledger.db".into()];
    for path in ["ledger.db", "again/ledger.db"] {
        let write = json!({ "path": path, "content": "new", "replace": true });
        fails(trial.apply("file.write", write).await, "protected");
        fails(trial.apply("file.copy", json!({ "from": "from", "to": path, "replace": true })).await, "protected");
        fails(trial.apply("file.remove", json!({ "path": path })).await, "protected");
    }
    assert_eq!(trial.content("ledger.db"), b"abc");
}

#[test]
fn a_pattern_of_many_stars_is_matched_in_no_time() {
    let name = "a".repeat(255);
    assert!(!matches(&format!("{}b", "a*".repeat(100)), &name));
    assert!(matches(&"a*".repeat(100), &name));
}

proptest! {
    #[test]
    fn matching_agrees_with_a_regular_expression(pattern in "[ab*?]{0,8}", name in "[ab.]{0,8}") {
        let regex: String = pattern
            .chars()
            .map(|c| match c { '*' => ".*".to_owned(), '?' => ".".to_owned(), c => c.to_string() })
            .collect();
        let regex = regex::Regex::new(&format!("^(?s:{regex})$")).unwrap();
        prop_assert_eq!(matches(&pattern, &name), regex.is_match(&name));
    }
}
