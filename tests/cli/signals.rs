//! Being asked to stop: once after the step, twice now. Real signals to a real process.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::bench::Bench;
use super::processes::{self, runs, send, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// A step that says that it has begun, then takes its time in a program whose arguments are told apart by `mark`.
fn slow(seconds: &str) -> String {
    format!(
        "steps:\n  - id: slow\n    action: command.run\n    with: {{ argv: [sh, -c, 'touch begun; sleep {seconds}; touch slept'], timeout: 5m }}\n    undo: {{ none: Time is gone. }}\n\
         \x20 - id: after\n    action: file.write\n    with: {{ path: after, content: x }}\n    undo: {{ action: file.remove, with: {{ path: after }} }}\n"
    )
}

fn begin(bench: &Bench) -> Child {
    let child = processes::begin(bench, &["run", "slow"]);
    until("the step has begun", PATIENCE, || bench.exists("begun"));
    child
}

#[test]
fn one_interrupt_stops_after_the_step_and_suspends() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let bench = Bench::workspace().procedure("slow", &slow("1"));
        let child = begin(&bench);
        send(&child, signal);
        let outcome = bench.outcome(&child.wait_with_output().unwrap()).exits(5);
        assert!(outcome.stderr.contains("stopping after this step"), "{}", outcome.stderr);
        assert!(outcome.stdout.starts_with("run ID suspended"), "{}", outcome.stdout);
        assert!(bench.exists("slept") && !bench.exists("after"), "{signal}");
        assert_eq!(bench.run("runs --format json").json()["runs"][0]["status"], "suspended");
    }
}

#[test]
fn two_interrupts_end_the_step_with_all_it_started() {
    // A duration that no other test asks for, so that the sleeper can be told from others.
    let bench = Bench::workspace().procedure("slow", &slow("297.25"));
    let child = begin(&bench);
    until("the sleeper runs", PATIENCE, || runs("297.25"));
    send(&child, "-INT");
    std::thread::sleep(Duration::from_millis(200));
    send(&child, "-INT");
    let outcome = bench.outcome(&child.wait_with_output().unwrap()).exits(9);
    assert!(outcome.stdout.contains("may or may not have happened: slow"), "{}", outcome.stdout);
    until("the sleeper is gone", PATIENCE, || !runs("297.25"));
    assert!(!bench.exists("after"));
    assert_eq!(bench.run("runs --format json").json()["runs"][0]["status"], "unknown");
}

#[test]
fn a_second_runner_finds_the_ledger_busy() {
    let bench =
        Bench::workspace().procedure("slow", &slow("3")).procedure("other", "steps:\n  - { id: p, wait: 1ms }\n");
    let child = begin(&bench);
    let busy = bench.run("run other").exits(10).prints("").stderr;
    assert!(
        busy.starts_with(
            "error[ledger-busy]: ledger `FOLDER/.runwarden/ledger.db` is busy: process PID, run ID, since TIME"
        ),
        "{busy}"
    );
    bench.run("run other --wait-lock 100ms").exits(10);
    bench.run("runs").exits(0);
    bench.run("plan other").exits(0);
    bench.run("run other --wait-lock 30s -q").exits(0);
    bench.outcome(&child.wait_with_output().unwrap()).exits(0);
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_killed_run_leaves_a_ledger_that_goes_on() {
    let bench =
        Bench::workspace().procedure("slow", &slow("1")).procedure("other", "steps:\n  - { id: p, wait: 1ms }\n");
    let mut child = begin(&bench);
    child.kill().unwrap();
    child.wait().unwrap();
    bench.run("run other").exits(0);
    let report = bench.run("ledger verify --format json").exits(1).json();
    assert_eq!(report["status"], "self_consistent_only");
    let unknown: Vec<&str> =
        report["runs"].as_array().unwrap().iter().filter_map(|run| run["status"].as_str()).collect();
    assert!(unknown.contains(&"unknown_outcome"), "{unknown:?}");
    assert!(Path::new(&bench.path(".runwarden/ledger.db")).exists());
}

#[test]
fn first_runs_at_one_moment_make_one_ledger_and_raise_no_alarm() {
    for _ in 0..5 {
        let bench = Bench::workspace().procedure("wait", "steps:\n  - { id: pause, wait: 1ms }\n");
        let begin = || {
            let mut command = bench.command(&["run", "wait"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<Child> = (0..4).map(|_| begin()).collect();
        let outcomes = children.into_iter().map(|child| bench.outcome(&child.wait_with_output().unwrap()));
        let codes: Vec<i32> = outcomes.map(|outcome| outcome.exit.unwrap()).collect();
        assert!(codes.contains(&0) && codes.iter().all(|code| [0, 10].contains(code)), "{codes:?}");
        bench.run("ledger verify --allow-unanchored").exits(0);
        assert!(!bench.exists(".runwarden/ledger.db.making"));
    }
}
