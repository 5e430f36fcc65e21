//! What stores refuse before they speak to anybody, and how what they hold is put together again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CANARY, Damage, Object, at_most, own};
use crate::host::machine::{Machine, Settings};
use crate::procedure::TargetKind;
use crate::procedure::workspace::TargetEntry;
use crate::secret::custody::Custody;
use crate::target::{self, Target, Trust};

fn machine(root: &Path) -> Machine {
    Machine::new(Settings { root: root.to_owned(), ..Settings::default() })
}

fn bound(root: &TempDir, driver: &str, settings: Value) -> Result<Target, String> {
    let entry = TargetEntry {
        kind: TargetKind::AnchorStore,
        driver: Some(driver.to_owned()),
        environment: None,
        settings: settings.as_object().cloned().unwrap(),
    };
    target::bind("vault", &entry, &machine(root.path())).map_err(|error| error.to_string())
}

/// Opens a store; nothing of that waits here.
fn open(target: &Target, root: &TempDir, custody: &Custody) -> Result<(), String> {
    let machine = machine(root.path());
    let opened = super::open(target, &machine, custody, "anchor").now_or_never().unwrap();
    opened.map(drop).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(driver: &str, settings: Value, words: &str) {
    let root = tempfile::tempdir().unwrap();
    let found = bound(&root, driver, settings)
        .and_then(|target| open(&target, &root, &Custody::default()).map_err(|error| error.to_string()));
    let found = found.unwrap_err();
    assert!(found.contains(words), "{words:?} in {found:?}");
}

fn s3(change: &str, value: Value) -> Value {
    let mut settings = json!({
        "bucket": "anchors", "access_key_id": { "file": "id" }, "secret_access_key": { "file": "secret" },
    });
    settings[change] = value;
    settings
}

fn smtp(change: &str, value: Value) -> Value {
    let mut settings = json!({ "server": "mail.example.org", "from": "a@example.org", "to": ["b@example.org"] });
    settings[change] = value;
    settings
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    refused("git_tag", json!({ "url": "ext::sh -c id" }), "no address");
    refused("git_tag", json!({ "url": "https://user:word@example.org/x.git" }), "carries credentials");
    refused("git_tag", json!({ "url": "ssh://example.org/x", "prefix": "-x" }), "`prefix`");
    refused("git_tag", json!({ "url": "ssh://example.org/x", "tagger": "nobody" }), "`tagger`");
    refused("git_tag", json!({ "url": "ssh://example.org/x", "shell": "sh" }), "unknown field `shell`");
    refused("s3", s3("bucket", "a/b".into()), "no name of a bucket");
    refused("s3", s3("prefix", "../x".into()), "`prefix`");
    refused("s3", s3("endpoint", "file:///tmp".into()), "not an http or https address");
    refused("rekor", json!({ "url": "https://log", "log_key": "none", "key": "key" }), "`log_key`");
    refused("smtp", smtp("to", json!([])), "names nobody");
    refused("smtp", smtp("to", json!(["a@example.org>\r\nRCPT TO:<c@d"])), "no mail address");
    refused("smtp", smtp("user", "ops".into()), "go together");
    let mut open = smtp("user", "ops".into());
    (open["password"], open["tls"]) = (json!({ "env": "MAIL" }), "none".into());
    refused("smtp", open, "needs `tls`");
}

#[test]
fn a_credential_comes_from_a_file_of_its_owner_alone() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        fs::write(root.path().join(name), text).unwrap();
        fs::set_permissions(root.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let (target, custody) = (bound(&root, "s3", s3("region", "eu".into())).unwrap(), Custody::default());
    let open = || open(&target, &root, &custody);
    assert!(open().unwrap_err().contains("there is no file"));
    write("id", "AN-ID-OF-A-KEY\n", 0o600);
    write("secret", "a secret that is long\n", 0o644);
    assert!(open().unwrap_err().contains("others than its owner"));
    write("secret", "short\n", 0o600);
    assert!(open().unwrap_err().contains("at least 8 bytes"));
    write("secret", "a secret that is long\n", 0o600);
    open().unwrap();
    let mut said = "it said: a secret that is long".to_owned();
    custody.masker().clean(&mut said);
    assert_eq!(said, "it said: ***");
}

#[test]
fn nobody_makes_a_store_better_by_writing_so() {
    assert_eq!(at_most(Trust::Medium, Some(Trust::High)), Trust::Medium);
    assert_eq!(at_most(Trust::Medium, Some(Trust::Low)), Trust::Low);
    assert_eq!(at_most(Trust::High, None), Trust::High);
}

#[test]
fn proofs_and_entries_find_each_other_and_canaries_are_nobodys() {
    let run = "0199c3f0-0000-7000-8000-000000000001";
    let object = |name: String, bytes: &[u8]| Object { place: name.clone(), name, bytes: Ok(bytes.to_vec()) };
    let stem = format!("{run}.7.0123456789abcdef");
    let lonely = format!("{run}.9.0123456789abcdef");
    let found = own::found(vec![
        object(format!("{stem}.json"), b"entry"),
        object(format!("{stem}.tlog-proof"), b"proof"),
        object(format!("{lonely}.json"), b"entry"),
        object(format!("{CANARY}{stem}.json"), b"canary"),
        object("cf-1.3.0123456789abcdef.json".to_owned(), b"of another system"),
        object("notes.txt".to_owned(), b""),
    ]);
    assert_eq!(found.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), [&stem, &lonely]);
    assert_eq!((&found[0].proof, &found[0].entry), (&Ok(b"proof".to_vec()), &Some(b"entry".to_vec())));
    let missing = Damage { code: "unreadable", detail: "its proof is missing beside it".to_owned() };
    assert_eq!(found[1].proof, Err(missing));
    assert_eq!(found[1].run.as_deref(), Some(run));
}
