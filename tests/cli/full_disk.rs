//! A disk that becomes full at any moment of a run: exit 11, the reason in words, and no effect without its record.

#![expect(clippy::print_stdout, reason = "a test says why it is skipped, and with which seed it ran")]

use std::fs;
use std::process::Command;

use super::bench::Bench;

const WRITE: &str = "steps:\n  - id: note\n    action: file.write\n    with: { path: note, content: x, replace: true }\n    undo: { action: file.remove, with: { path: note } }\n";

fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    assert!(found || std::env::var_os("CI").is_none(), "strace is missing, and CI is set");
    if !found {
        println!("skipped: strace is not installed");
    }
    found
}

fn intents(bench: &Bench) -> usize {
    bench.run("ledger show --format ndjson").exits(0).raw.matches("\"step.intent\"").count()
}

#[test]
fn wherever_the_disk_becomes_full_the_run_says_so_with_exit_11() {
    if !has_strace() {
        return;
    }
    let bench = Bench::workspace().procedure("note", WRITE);
    bench.run("run note").exits(0);
    let trace = bench.path("trace");
    let mut hit = 0;
    for number in 1..100 {
        let _ = fs::remove_file(bench.path("note"));
        let before = intents(&bench);
        let fault = format!("--inject=pwrite64,fsync:error=ENOSPC:when={number}+");
        let line =
            format!("exec strace -f -qq -o {} --trace=pwrite64,fsync {fault} runwarden run note", trace.display());
        let outcome = bench.shell(&line);
        // What fails after the end of the run is on record makes no difference to it, and then all was tried.
        if outcome.stdout.starts_with("run ID succeeded") {
            outcome.exits(0);
            break;
        }
        assert!(fs::read_to_string(&trace).unwrap().contains("(INJECTED)"), "from call {number} on");
        hit += 1;
        let full = outcome.exits(11).stderr;
        assert!(full.contains("is not writable: the disk is full: "), "from call {number} on: {full}");
        assert!(!bench.exists("note") || intents(&bench) > before, "an effect without a record, from call {number} on");
        bench.run("ledger verify --allow-unanchored").exits(0);
    }
    assert!(hit > 5 && hit < 99, "{hit}");
}
