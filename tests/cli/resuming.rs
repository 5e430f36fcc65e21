//! A run that was killed, failed or waits: going on with it, and taking it back. Real processes, really killed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::bench::Bench;

/// Writes a file, takes long in a program, writes another.
const SLOW: &str = "steps:\n  - { id: one, action: file.write, with: { path: one, content: '1' }, undo: { action: file.remove, with: { path: one } } }\n  - { id: nap, action: command.run, with: { argv: [sh, -c, 'echo x >> napped; sleep 30'] }, undo: { none: Time is gone. } }\n  - { id: two, action: file.write, with: { path: two, content: '2' }, undo: { action: file.remove, with: { path: two } } }\n";

/// Begins `slow` and kills it in the middle of its program.
fn killed(bench: &Bench) {
    let mut child = bench.command(&["run", "slow"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !bench.exists("napped") {
        assert!(begun.elapsed() < Duration::from_secs(30), "the program was never begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_run_goes_on_once_a_person_says_what_happened() {
    let bench = Bench::workspace().procedure("slow", SLOW);
    killed(&bench);
    let shown = bench.run("resume last --plan").exits(0).stdout;
    assert!(shown.contains("one   kept") && shown.contains("nap   asked"), "{shown}");
    let unknown = bench.run("resume last").exits(9).stdout;
    assert!(unknown.contains("nobody can tell whether step `nap` happened"), "{unknown}");
    assert!(!bench.exists("two"), "nothing is done while an outcome is unknown");
    bench.run("resume last --resolve nap=happened").exits(2);
    let resumed = bench.run_with(&["resume", "last", "--resolve", "nap=happened", "--reason", "I saw it"]);
    assert!(resumed.exits(0).stdout.starts_with("run ID succeeded"));
    assert_eq!((bench.read("napped").as_str(), bench.read("two").as_str()), ("x\n", "2"));
    let over = bench.run("resume last").exits(2).stderr;
    assert!(over.contains("is over: it succeeded"), "{over}");
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_killed_run_can_be_taken_back() {
    let bench = Bench::workspace().procedure("slow", SLOW);
    killed(&bench);
    // The nap cannot be taken back, whether or not it happened; the file can.
    let undone =
        bench.run_with(&["undo", "last", "--resolve", "nap=not_happened", "--reason", "nothing slept"]).exits(7);
    assert!(undone.stdout.starts_with("run ID undone"), "{}", undone.stdout);
    assert!(!bench.exists("one"));
    bench.run("undo last").exits(2);
}

#[test]
fn a_changed_procedure_does_not_change_a_run_that_goes_on() {
    let failing = "steps:\n  - { id: look, action: file.write, with: { path: seen, content: old }, undo: { none: it stays } }\n  - { id: copy, action: file.copy, with: { from: missing, to: copied }, undo: { none: it stays } }\n  - { id: last, action: file.write, with: { path: last, content: old }, undo: { none: it stays } }\n";
    let bench = Bench::workspace().procedure("work", failing);
    let failed = bench.run("run work").exits(1).stdout;
    assert!(failed.contains("runwarden resume ID, or runwarden undo ID"), "{failed}");
    let bench = bench.procedure("work", &failing.replace("old", "new")).file("missing", "here now");
    bench.run("resume last").exits(0);
    assert_eq!((bench.read("copied").as_str(), bench.read("last").as_str()), ("here now", "old"));
}

#[test]
fn a_run_that_waits_goes_on_with_the_answer() {
    let bench = Bench::workspace().procedure(
        "asks",
        "steps:\n  - { id: m, manual: { ask: Which?, answer: { ticket: { type: string } } } }\n  - { id: w, action: file.write, with: { path: ticket, content: '{{ steps.m.ticket }}' }, undo: { none: it stays } }\n",
    );
    bench.run("run asks").exits(5);
    bench.run("resume last").exits(5);
    bench.run("resume last --answer m.ticket=OPS-7").exits(0);
    assert_eq!(bench.read("ticket"), "OPS-7");
    let unknown = bench.run("resume no-such-run").exits(1).stderr;
    assert!(unknown.contains("the ledger has no run `no-such-run`"), "{unknown}");
}

#[test]
fn a_run_that_cannot_go_on_leaves_the_ledger_in_good_order() {
    let asks = "targets: { api: { kind: service } }\nsteps:\n  - { id: m, manual: { ask: Which?, answer: { ticket: { type: string } } } }\n";
    let bench = Bench::workspace().procedure("asks", asks);
    let workspace = bench.read("runwarden.yaml");
    let at =
        |port: u32| format!("{workspace}\ntargets: {{ api: {{ kind: service, url: 'http://localhost:{port}' }} }}\n");
    let bench = bench.file("runwarden.yaml", &at(1));
    bench.run("run asks").exits(5);
    let bench = bench.file("runwarden.yaml", &at(2));
    let moved = bench.run("resume last --answer m.ticket=OPS-7").exits(2).stderr;
    assert!(moved.contains("when the run began"), "{moved}");
    let tail = bench.run("ledger tail -n 2 --format json").exits(0).json();
    let kinds: Vec<&str> =
        tail["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["writer.open", "writer.close"]);
    let bench = bench.file("runwarden.yaml", &at(1));
    bench.run("resume last --answer m.ticket=OPS-7").exits(0);
}
