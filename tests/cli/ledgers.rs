//! `ledger` over our own ledger, and what `run` does where it cannot be written or is not genuine.

use std::fs;

use rusqlite::Connection;

use super::bench::Bench;

const WRITE: &str = "steps:\n  - id: note\n    action: file.write\n    with: { path: note, content: x, replace: true }\n    undo: { action: file.remove, with: { path: note } }\n";

fn after_a_run() -> Bench {
    let bench = Bench::workspace().procedure("note", WRITE);
    bench.run("run note").exits(0);
    fs::remove_file(bench.path("note")).unwrap();
    bench
}

#[test]
fn a_ledger_without_an_anchor_is_never_called_whole() {
    let bench = after_a_run();
    bench.run("ledger verify").exits(1).prints(
        ".runwarden/ledger.db: self_consistent_only: runwarden ledger, 8 entries in 1 run\n  \
         it agrees with itself, and nothing outside it says that it is whole; give an anchor with `--anchor FILE`\n  \
         anchor FOLDER/.runwarden/ledger.db.checkpoints/8: self_consistent_only, 8 entries: the first 8 entries are as they \
         were signed; it stands beside the ledger, so it is no anchor",
    );
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn an_anchor_from_elsewhere_makes_it_ok() {
    let bench = after_a_run();
    fs::copy(bench.path(".runwarden/ledger.db.checkpoints/8"), bench.path("anchor")).unwrap();
    let report =
        bench.run("ledger verify --anchor anchor --format json").exits(0).fits(&bench, "output/ledger_verify").json();
    assert_eq!(report["status"], "ok");
    let keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["status", "driver", "entries", "runs", "anchors", "problems"]);
    let bench = bench.file("other", "no anchor");
    let report = bench.run("ledger verify --anchor other --format json").exits(1).json();
    assert_eq!(report["status"], "anchor_missing");
    let missing = bench.run("ledger verify --anchor none --format json").exits(1).json();
    assert_eq!(missing["status"], "anchor_missing");
}

#[test]
fn a_ledger_elsewhere_is_verified_outside_of_a_workspace() {
    let bench = after_a_run();
    let vkey = bench.run("ledger head --format json").exits(0).fits(&bench, "output/ledger_head").json()["vkey"]
        .as_str()
        .unwrap()
        .to_owned();
    let elsewhere = Bench::empty();
    fs::copy(bench.path(".runwarden/ledger.db"), elsewhere.path("copy.db")).unwrap();
    elsewhere.run("ledger verify --ledger copy.db --allow-unanchored").exits(0);
    elsewhere.run_with(&["ledger", "verify", "--ledger", "copy.db", "--allow-unanchored", "--vkey", &vkey]).exits(0);
    let other = "test/ops+00000000+AAAA";
    elsewhere.run_with(&["ledger", "verify", "--ledger", "copy.db", "--vkey", other]).exits(2);
    elsewhere.run("ledger verify --ledger none.db").exits(11);
    elsewhere.run("ledger verify").exits(2);
}

#[test]
fn a_run_can_be_asked_for_and_must_be_there() {
    let bench = after_a_run();
    let id = bench.run("runs --format json").json()["runs"][0]["run"].as_str().unwrap().to_owned();
    let report =
        bench.run_with(&["ledger", "verify", "--run", &id, "--allow-unanchored", "--format", "json"]).exits(0).json();
    assert_eq!(report["runs"].as_array().unwrap().len(), 1);
    let none = bench.run("ledger verify --run nobody --allow-unanchored").exits(1).stdout;
    assert!(none.contains("unknown_run of run nobody: the ledger has no run `nobody`"), "{none}");
}

#[test]
fn entries_are_shown_as_they_are_stored() {
    let bench = after_a_run();
    let all = bench.run("ledger show --format ndjson").exits(0).raw;
    assert_eq!(all.lines().count(), 8);
    let db = Connection::open(bench.path(".runwarden/ledger.db")).unwrap();
    let body: Vec<u8> = db.query_row("SELECT body FROM entries WHERE seq = 2", [], |row| row.get(0)).unwrap();
    assert_eq!(all.lines().nth(2).unwrap().as_bytes(), body);
    let tail = bench.run("ledger tail -n 2 --format json").exits(0).fits(&bench, "output/ledger_entries").json();
    let kinds: Vec<&str> =
        tail["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["run.end", "writer.close"]);
    assert_eq!(bench.run("ledger show --kind step.intent --run last").exits(0).stdout.lines().count(), 1);
    bench
        .run("ledger show --kind step.intnet")
        .exits(2)
        .says("error[usage]: there is no kind of entry `step.intnet`\n  = help: did you mean `step.intent`?");
    bench.run("ledger show --run nobody").exits(1);
}

#[test]
fn a_changed_entry_is_found_named_and_stops_every_run_until_somebody_looks() {
    let bench = after_a_run();
    let db = Connection::open(bench.path(".runwarden/ledger.db")).unwrap();
    db.execute_batch("DROP TRIGGER IF EXISTS entries_no_update; PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE type = 'trigger'; PRAGMA writable_schema = RESET;").unwrap();
    db.execute("UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'note', 'nope') AS BLOB) WHERE seq = 4", [])
        .unwrap();
    drop(db);
    let report = bench.run("ledger verify --allow-unanchored --format json").exits(1).json();
    assert_eq!(report["status"], "broken");
    let human = bench.run("ledger verify").exits(1).stdout;
    assert!(human.contains("hash_mismatch at entry 4"), "{human}");
    for line in ["run note", "plan note", "runs"] {
        let refused = bench.run(line).exits(11).prints("").stderr;
        assert!(refused.starts_with("error[incident]: "), "{line}: {refused}");
    }
    assert!(!bench.exists("note"));
}

#[test]
fn a_ledger_or_key_that_is_gone_is_an_alarm() {
    let ledger = after_a_run();
    fs::remove_file(ledger.path(".runwarden/ledger.db")).unwrap();
    ledger.run("run note").exits(11).prints("").says(
        "error[ledger-missing]: ledger `FOLDER/.runwarden/ledger.db` is missing, and `FOLDER/.runwarden/ledger.key` is there\n  \
         = help: a ledger does not go by itself: find out who removed it, and restore it from a backup",
    );
    fs::remove_file(ledger.path(".runwarden/ledger.key")).unwrap();
    let both = ledger.run("run note").exits(11).stderr;
    assert!(both.contains("is missing, and `FOLDER/.runwarden/ledger.db.checkpoints` is there"), "{both}");
    let key = after_a_run();
    fs::remove_file(key.path(".runwarden/ledger.key")).unwrap();
    let refused = key.run("run note").exits(11).stderr;
    assert!(refused.starts_with("error[ledger-missing]: key `FOLDER/.runwarden/ledger.key` is missing"), "{refused}");
    assert!(!key.exists("note") && !ledger.exists("note"));
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = after_a_run();
    fs::set_permissions(bench.path(".runwarden/ledger.key"), fs::Permissions::from_mode(0o644)).unwrap();
    bench.run("run note").exits(11).says(
        "error[key]: key file `FOLDER/.runwarden/ledger.key` has mode 0644, so others than its owner can use it; run \
         `chmod 600 FOLDER/.runwarden/ledger.key`",
    );
    let doctor = bench.run("doctor").exits(1).stdout;
    assert!(doctor.contains("error    key          key file"), "{doctor}");
}

#[test]
fn a_full_disk_stops_before_the_effect() {
    let bench = after_a_run();
    for blocks in [0, 8, 24] {
        let full = bench.shell(&format!("ulimit -f {blocks}; exec runwarden run note")).exits(11);
        assert!(full.stderr.starts_with("error[ledger]: ledger `FOLDER/.runwarden/ledger.db` "), "{}", full.stderr);
        assert!(!bench.exists("note"), "{blocks}");
    }
    bench.run("run note").exits(0);
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_ledger_that_cannot_be_written_stops_before_the_effect() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = after_a_run();
    let folder = bench.path(".runwarden");
    fs::remove_file(folder.join("ledger.db.lock")).unwrap();
    // Permissions bind nobody who is root, so what stands in the way is a folder.
    fs::create_dir(folder.join("ledger.db.lock")).unwrap();
    bench.run("run note").exits(11);
    fs::remove_dir(folder.join("ledger.db.lock")).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    let is_bound = fs::File::create(folder.join("probe")).is_err();
    if is_bound {
        let refused = bench.run("run note").exits(11).stderr;
        assert!(refused.contains("is not writable: it can only be read"), "{refused}");
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(!bench.exists("note"));
}

#[test]
fn what_is_no_ledger_is_refused() {
    let bench = after_a_run();
    for bytes in [&b""[..], b"no database", b"SQLite format 3\0 and no more"] {
        fs::write(bench.path(".runwarden/ledger.db"), bytes).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(bench.path(&format!(".runwarden/ledger.db{suffix}")));
        }
        bench.run("run note").exits(11);
        bench.run("ledger verify").exits(11);
        assert!(!bench.exists("note"));
    }
}

#[test]
fn a_pipe_or_device_in_place_of_a_ledger_is_not_read() {
    let bench = after_a_run();
    assert!(std::process::Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
    for path in ["pipe", "/dev/zero", "."] {
        let refused = bench.run(&format!("ledger verify --ledger {path}")).exits(11).stdout;
        assert!(refused.contains("is no regular file, and so no ledger"), "{refused}");
        bench.run(&format!("ledger show --ledger {path}")).exits(11);
        bench.run(&format!("ledger verify --driver corvusforge --ledger {path}")).exits(11);
    }
    fs::rename(bench.path("pipe"), bench.path(".runwarden/ledger.db")).unwrap();
    bench.run("run note").exits(11);
    bench.run("runs").exits(11);
    assert!(!bench.exists("note"));
}
