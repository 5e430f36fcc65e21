//! `ledger export --forensic`: sound and broken ledgers, collected whole; `sha256sum` is the judge.

use std::fs;

use rusqlite::Connection;

use super::bench::Bench;

const STEPS: &str = "steps:\n  - id: look\n    action: file.stat\n    with: { path: runwarden.yaml }\n";

fn after_a_run() -> Bench {
    let bench = Bench::workspace().procedure("look", STEPS);
    bench.run("run look").exits(0);
    bench
}

fn sums_are_right(bench: &Bench) {
    bench.shell("cd evidence && sha256sum --quiet --strict -c SHA256SUMS").exits(0);
    // Every file but the sums is in them.
    bench
        .shell("cd evidence && find . -type f ! -name SHA256SUMS | wc -l | tr -d ' ' > ../found; wc -l < SHA256SUMS > ../summed")
        .exits(0);
    assert_eq!(bench.read("found").trim(), bench.read("summed").trim());
}

#[test]
fn evidence_is_whole_and_holds_no_private_key() {
    let bench = after_a_run();
    fs::create_dir(bench.path("anchors")).unwrap();
    fs::copy(bench.path(".runwarden/ledger.db.checkpoints/1"), bench.path("anchors/a b")).unwrap();
    let before = fs::read(bench.path(".runwarden/ledger.db")).unwrap();
    let view = bench
        .run("ledger export --forensic -o evidence --anchors anchors --format json")
        .exits(0)
        .fits(&bench, "output/ledger_forensic")
        .json();
    assert_eq!(view["status"], "ok");
    assert_eq!(view["manifest"]["problems"], serde_json::json!([]));
    sums_are_right(&bench);
    assert_eq!(fs::read(bench.path("evidence/ledger.db")).unwrap(), before);
    assert_eq!(fs::read(bench.path(".runwarden/ledger.db")).unwrap(), before);
    let entries = bench.read("evidence/entries.jsonl");
    assert_eq!(entries, bench.run("ledger export").exits(0).raw);
    // The hashes are those of the lines, by tools that are not ours.
    bench
        .shell(
            "cd evidence && n=0 && while IFS= read -r line; do h=$({ printf '\\000'; printf %s \"$line\"; } | sha256sum | cut -d' ' -f1); \
             echo \"$n $h\"; n=$((n+1)); done < entries.jsonl | cmp - leaf_hashes.txt",
        )
        .exits(0);
    for name in ["holders.json", "report.json", "receipts.jsonl", "checkpoints/1", "anchors/000-a_b", "manifest.json"] {
        assert!(bench.exists(&format!("evidence/{name}")), "{name}");
    }
    let key = bench.read(".runwarden/ledger.key");
    let secret = key.lines().nth(1).unwrap();
    bench.shell(&format!("! grep -rqF '{secret}' evidence")).exits(0);
    // It is never made over what is there.
    bench.run("ledger export --forensic -o evidence").exits(11);
    bench.run("ledger export --forensic").exits(2);
    bench.run("ledger export -o evidence").exits(2);
}

#[test]
fn evidence_of_a_broken_ledger_says_what_is_wrong_and_has_the_rest() {
    let bench = after_a_run();
    let conn = Connection::open(bench.path(".runwarden/ledger.db")).unwrap();
    conn.execute_batch(
        "DROP TRIGGER entries_are_not_changed; UPDATE entries SET body = x'0a00ff' WHERE seq = 2;
         UPDATE entries SET seq = -3 WHERE seq = 3",
    )
    .unwrap();
    drop(conn);
    let view = bench.run("ledger export --forensic -o evidence --format json").exits(0).json();
    assert_eq!(view["status"], "broken");
    sums_are_right(&bench);
    assert_eq!(bench.read("evidence/entries.hex"), "2 0a00ff\n");
    assert!(bench.read("evidence/leaf_hashes.txt").starts_with("-3 "));
    assert!(bench.read("evidence/report.json").contains("hash_mismatch"));
    // Taking evidence is no verification: it sets no latch.
    assert!(!bench.exists(".runwarden/ledger.db.incident"));
}

#[test]
fn evidence_is_also_taken_of_what_is_no_ledger_any_more() {
    for (content, says) in [
        (Some(&b"SQLite format 3\0 and then nothing"[..]), "is not a ledger"),
        (Some(&b""[..]), "is not a ledger"),
        (None, "there is no ledger"),
    ] {
        let bench = after_a_run();
        match content {
            Some(content) => fs::write(bench.path(".runwarden/ledger.db"), content).unwrap(),
            None => fs::remove_file(bench.path(".runwarden/ledger.db")).unwrap(),
        }
        let view = bench.run("ledger export --forensic -o evidence --format json").exits(0).json();
        assert_eq!(view["status"], "unreadable");
        let problems = view["manifest"]["problems"].to_string();
        assert!(problems.contains(says), "{problems}");
        assert!(bench.exists("evidence/checkpoints/1"));
        sums_are_right(&bench);
    }
}
