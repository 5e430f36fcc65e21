//! Long waits between processes: while one run waits, another has the ledger.

use std::process::Child;
use std::time::Duration;

use super::bench::Bench;
use super::processes::{self, send, until};

const OTHER: &str = "steps:\n  - id: other\n    action: file.write\n    with: { path: other, content: x }\n    undo: { action: file.remove, with: { path: other } }\n";

/// A wait that is longer than the ledger is kept for, and an effect after it.
fn waits(until: &str) -> String {
    format!(
        "requires: {{ locks: [prod/db] }}\nsteps:\n  - {{ id: w, wait: 2h{until} }}\n  - id: after\n    action: file.write\n    with: {{ path: after, content: x }}\n    undo: {{ action: file.remove, with: {{ path: after }} }}\n"
    )
}

fn begin(bench: &Bench, line: &[&str]) -> Child {
    let suspended = || bench.run("ledger export").stdout.matches("\"kind\":\"run.suspended\"").count();
    let before = suspended();
    let child = processes::begin(bench, line);
    until("the run waits", Duration::from_secs(60), || suspended() > before);
    child
}

#[test]
fn another_run_moves_while_one_waits_and_then_the_first_goes_on() {
    let until = ", every: 50ms, until: { action: file.stat, with: { path: go }, expect: result.exists }";
    let bench = Bench::workspace()
        .procedure("waits", &waits(until))
        .procedure("other", OTHER)
        .procedure("locked", &format!("requires: {{ locks: [prod/db] }}\n{OTHER}"));
    let waiting = begin(&bench, &["run", "waits"]);
    // That it waits is on record a moment before the ledger is given up.
    bench.run("run other --wait-lock 1m").exits(0);
    assert!(bench.exists("other") && !bench.exists("after"));
    bench.run("run locked").exits(10);
    std::fs::write(bench.path("go"), "").unwrap();
    bench.outcome(&waiting.wait_with_output().unwrap()).exits(0);
    assert!(bench.exists("after"));
    let runs = bench.run("runs --procedure waits --format json").json();
    assert_eq!(runs["runs"][0]["status"], "succeeded");
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_run_that_waits_can_be_stopped_and_gone_on_with_elsewhere() {
    let bench = Bench::workspace().procedure("waits", &waits(""));
    let waiting = begin(&bench, &["run", "waits"]);
    send(&waiting, "-INT");
    let outcome = bench.outcome(&waiting.wait_with_output().unwrap()).exits(5);
    assert!(outcome.stdout.contains("runwarden resume ID"), "{}", outcome.stdout);
    let again = begin(&bench, &["resume", "last"]);
    send(&again, "-INT");
    bench.outcome(&again.wait_with_output().unwrap()).exits(5);
    assert!(!bench.exists("after"));
}

#[test]
fn a_run_that_was_cancelled_while_it_waits_does_nothing_more() {
    let until = ", every: 50ms, until: { action: file.stat, with: { path: go }, expect: result.exists }";
    let bench = Bench::workspace().procedure("waits", &waits(until));
    let waiting = begin(&bench, &["run", "waits"]);
    bench.run("cancel last --reason superseded").exits(0);
    std::fs::write(bench.path("go"), "").unwrap();
    let outcome = bench.outcome(&waiting.wait_with_output().unwrap()).exits(130);
    assert!(outcome.stderr.contains("was cancelled by another process while it waited here"), "{}", outcome.stderr);
    assert!(!bench.exists("after"));
    bench.run("ledger verify --allow-unanchored").exits(0);
}
