//! `key rotate`, `key trust` and `key revoke`: a ledger's key gives way, and who is believed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::bench::{Bench, WORKSPACE};

const STEPS: &str = "steps:\n  - id: look\n    action: file.stat\n    with: { path: runwarden.yaml }\n";

fn after_a_run() -> Bench {
    let bench = Bench::workspace().procedure("look", STEPS);
    bench.run("run look").exits(0);
    bench
}

fn ledger_keys(bench: &Bench) -> Vec<serde_json::Value> {
    let shown = bench.run("key show --format json").exits(0).fits(bench, "output/key_show").json();
    shown["keys"].as_array().unwrap().iter().filter(|key| key["role"] == "ledger").cloned().collect()
}

fn vkey(bench: &Bench) -> String {
    bench.run("ledger head --format json").exits(0).json()["vkey"].as_str().unwrap().to_owned()
}

fn id(vkey: &str) -> String {
    vkey.split('+').nth(1).unwrap().to_owned()
}

#[test]
fn a_rotated_key_signs_from_then_on_and_both_are_shown_with_their_sizes() {
    let bench = after_a_run();
    let old = vkey(&bench);
    let rotated = bench
        .run_with(&["key", "rotate", "--reason", "the year is over", "--format", "json"])
        .exits(0)
        .fits(&bench, "output/key_rotate")
        .json();
    let new = vkey(&bench);
    assert_eq!(
        (&rotated["status"], &rotated["from"], &rotated["to"]),
        (&"rotated".into(), &old.as_str().into(), &new.as_str().into())
    );
    let seq = rotated["seq"].as_u64().unwrap();
    let keys = ledger_keys(&bench);
    assert_eq!(keys.len(), 2);
    assert_eq!((&keys[0]["vkey"], &keys[0]["sizes"]["to"]), (&old.as_str().into(), &(seq + 1).into()));
    assert_eq!((&keys[1]["vkey"], &keys[1]["sizes"]["from"]), (&new.as_str().into(), &seq.into()));
    let mode = |path: &str| fs::metadata(bench.path(path)).unwrap().permissions().mode() & 0o7777;
    let retired = format!(".runwarden/ledger.key.{}.retired", id(&old));
    assert_eq!((mode(".runwarden/ledger.key"), mode(&retired)), (0o600, 0o600));
    assert!(!bench.exists(".runwarden/ledger.key.next"));
    bench.run("run look").exits(0);
    bench.run("ledger verify --allow-unanchored").exits(0);
    // A stranger who has the first key alone follows the rotation.
    bench.run_with(&["ledger", "verify", "--allow-unanchored", "--key", &old]).exits(0);
    bench.run_with(&["key", "rotate", "--reason", " "]).exits(2);
}

#[test]
fn a_rotation_cut_short_says_which_key_the_ledger_has_and_is_finished_by_the_same_command() {
    let bench = after_a_run();
    let old_file = bench.read(".runwarden/ledger.key");
    let old = vkey(&bench);
    bench.run_with(&["key", "rotate", "--reason", "first"]).exits(0);
    let new = vkey(&bench);
    // As it was after the entry, and before the files got their names.
    fs::rename(bench.path(".runwarden/ledger.key"), bench.path(".runwarden/ledger.key.next")).unwrap();
    fs::write(bench.path(".runwarden/ledger.key"), old_file).unwrap();
    fs::set_permissions(bench.path(".runwarden/ledger.key"), fs::Permissions::from_mode(0o600)).unwrap();
    bench.run("run look").exits(11).says(&format!(
        "error[key]: ledger `FOLDER/.runwarden/ledger.db` belongs to the key `{new}`, the given key is `{old}`\n  = help: \
         a rotation that was cut short is finished by `runwarden key rotate`; else restore that key from a backup"
    ));
    let finished = bench.run_with(&["key", "rotate", "--reason", "first", "--format", "json"]).exits(0).json();
    assert_eq!((&finished["status"], &finished["to"]), (&"finished".into(), &new.as_str().into()));
    assert_eq!(ledger_keys(&bench).len(), 2);
    bench.run("run look").exits(0);
    // As it was before the entry: the key that was made is used.
    bench.run("key generate .runwarden/ledger.key.next --role ledger --name test/ops").exits(0);
    let made = bench.run("key show .runwarden/ledger.key.next --format json").json()["keys"][0]["public"].clone();
    bench.run_with(&["key", "rotate", "--reason", "second"]).exits(0);
    assert_eq!(ledger_keys(&bench)[2]["public"], made);
}

#[test]
fn a_key_of_another_role_does_not_sign_a_ledger() {
    let bench = after_a_run();
    let public = ledger_keys(&bench)[0]["public"].as_str().unwrap().to_owned();
    let with_actor = format!("{WORKSPACE}actors:\n  ada: {{ class: operator, key: '{public}' }}\n");
    let bench = bench.file("runwarden.yaml", &with_actor);
    bench.run("run look").exits(11).says(
        "error[key]: the ledger's key is also that of actor `ada`; one key has one role\n  = help: make the other a key of \
         its own with `runwarden key generate`",
    );
    bench.run("key show").exits(1);
    // Nor does one take a ledger's place that is an actor's already.
    let bench = bench.file("runwarden.yaml", WORKSPACE);
    bench.run("key generate new.key --role ledger --name test/ops").exits(0);
    let public = bench.run("key show new.key --format json").json()["keys"][0]["public"].as_str().unwrap().to_owned();
    let bench =
        bench.file("runwarden.yaml", &format!("{WORKSPACE}actors:\n  ada: {{ class: operator, key: '{public}' }}\n"));
    bench.run_with(&["key", "rotate", "--to", "new.key", "--reason", "x"]).exits(11);
    assert!(!bench.exists(".runwarden/ledger.key.next"));
    fs::set_permissions(bench.path("new.key"), fs::Permissions::from_mode(0o640)).unwrap();
    bench.run_with(&["key", "rotate", "--to", "new.key", "--reason", "x"]).exits(11);
}

#[test]
fn a_revoked_key_leaves_unproven_what_no_older_anchor_covers() {
    let bench = after_a_run();
    let old = vkey(&bench);
    bench.run_with(&["key", "revoke", &id(&old), "--reason", "stolen"]).exits(1);
    bench.run_with(&["key", "rotate", "--reason", "stolen"]).exits(0);
    let size = bench.run("ledger head --format json").json()["size"].as_u64().unwrap();
    fs::create_dir(bench.path("anchors")).unwrap();
    let name = format!(".runwarden/ledger.db.checkpoints/{size}");
    fs::copy(bench.path(&name), bench.path("anchors/before")).unwrap();
    let revoked = bench
        .run_with(&["key", "revoke", &id(&old), "--reason", "stolen", "--format", "json"])
        .exits(0)
        .fits(&bench, "output/key_revoke")
        .json();
    assert_eq!((&revoked["key"], &revoked["unpinned"]), (&old.as_str().into(), &false.into()));
    bench.run_with(&["key", "revoke", &id(&old), "--reason", "stolen"]).exits(1);
    let report = bench.run("ledger verify --format json").exits(1).fits(&bench, "output/ledger_verify").json();
    assert_eq!(report["status"], "self_consistent_only");
    assert_eq!(report["problems"][0]["code"], "unproven");
    assert_eq!(bench.run("ledger verify --anchors anchors --format json").exits(0).json()["status"], "ok");
    // Nothing of this sets the latch.
    bench.run("run look").exits(0);
}

#[test]
fn a_revocation_says_since_when_and_later_anchors_show_nothing() {
    let bench = after_a_run();
    let old = vkey(&bench);
    let early = bench.run("ledger head --format json").json()["size"].as_u64().unwrap();
    bench.run_with(&["key", "rotate", "--reason", "stolen"]).exits(0);
    let late = bench.run("ledger head --format json").json()["size"].as_u64().unwrap();
    for (folder, size) in [("early", early), ("late", late)] {
        fs::create_dir(bench.path(folder)).unwrap();
        let name = format!(".runwarden/ledger.db.checkpoints/{size}");
        fs::copy(bench.path(&name), bench.path(&format!("{folder}/anchor"))).unwrap();
    }
    let revoke = |since: &str| bench.run_with(&["key", "revoke", &id(&old), "--since", since, "--reason", "stolen"]);
    revoke("yesterday").exits(2);
    revoke("99999").exits(1);
    revoke("2999-01-01T00:00:00Z").exits(1);
    let since = early.to_string();
    let revoked = ["key", "revoke", &id(&old), "--since", &since, "--reason", "stolen", "--format", "json"];
    let revoked = bench.run_with(&revoked).exits(0).fits(&bench, "output/key_revoke").json();
    assert_eq!(revoked["since"], early);
    let shown = bench.run("key show --format json").exits(0).fits(&bench, "output/key_show").json();
    assert_eq!(shown["keys"][0]["revoked_since"], early, "{shown:#}");
    // Without `--since` the later anchor would cover it.
    for (folder, first) in [("early", early), ("late", 0)] {
        let report = bench.run(&format!("ledger verify --anchors {folder} --format json")).exits(1).json();
        assert_eq!(report["status"], "self_consistent_only", "{folder}: {report:#}");
        let problem = &report["problems"][0];
        assert_eq!((&problem["code"], &problem["seq"]), (&"unproven".into(), &first.into()), "{folder}: {report:#}");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("since size {early}")), "{report:#}");
    }
    // Of a pin there are no sizes to speak of.
    let theirs = after_a_run();
    let pinned = vkey(&theirs);
    bench.run_with(&["key", "trust", &pinned]).exits(0);
    bench.run_with(&["key", "revoke", &pinned, "--since", "1", "--reason", "lost"]).exits(2);
}

#[test]
fn a_pinned_key_is_asked_for_where_a_ledger_of_that_origin_is_verified() {
    let theirs = after_a_run();
    let bench = Bench::workspace().file("runwarden.yaml", &WORKSPACE.replace("test/ops", "test/auditor"));
    fs::copy(theirs.path(".runwarden/ledger.db"), bench.path("theirs.db")).unwrap();
    let verify = "ledger verify --ledger theirs.db --allow-unanchored";
    bench.run(verify).exits(0);
    let key = vkey(&theirs);
    let trusted = bench
        .run_with(&["key", "trust", &key, "--reason", "read out by Ada", "--format", "json"])
        .exits(0)
        .fits(&bench, "output/key_trust")
        .json();
    assert_eq!(trusted["keys"][0], key.as_str());
    bench.run(verify).exits(0);
    // Another ledger under the same name is not theirs.
    let forged = after_a_run();
    fs::copy(forged.path(".runwarden/ledger.db"), bench.path("theirs.db")).unwrap();
    let report = bench.run(&format!("{verify} --format json")).exits(1).json();
    assert_eq!((&report["status"], &report["problems"][0]["code"]), (&"broken".into(), &"wrong_key".into()));
    // A key that was taken back is not believed, not replaced by what the ledger says, and not pinned again.
    bench.run_with(&["key", "revoke", &key, "--reason", "lost"]).exits(0);
    bench.run(verify).exits(11).says(
        "error[key]: the pinned key of `test/ops` was revoked, and no other is pinned\n  = help: pin another with `runwarden \
         key trust`, or give one with `--key`",
    );
    bench.run_with(&["key", "trust", &key]).exits(11);
    bench.run_with(&["key", "trust", "none"]).exits(2);
    bench.run_with(&["key", "revoke", "00000000", "--reason", "x"]).exits(1);
}

#[test]
fn who_has_no_private_key_verifies_by_the_pinned_one() {
    let bench = after_a_run();
    bench.run_with(&["key", "trust", &vkey(&bench)]).exits(0);
    fs::remove_file(bench.path(".runwarden/ledger.key")).unwrap();
    let said = bench.run("ledger verify --allow-unanchored").exits(0).stderr;
    assert!(!said.contains("names itself"), "{said}");
    fs::remove_file(bench.path(".runwarden/ledger.key.trusted")).unwrap();
    let said = bench.run("ledger verify --allow-unanchored").exits(0).stderr;
    assert!(said.contains("warning: the key that the ledger names itself is taken"), "{said}");
}
