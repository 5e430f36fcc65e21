//! Named locks, limits and the end of a run on request, between processes.

use std::path::Path;
use std::process::Child;
use std::time::Duration;

use super::bench::Bench;
use super::processes::{begin, runs, send, until};

const PATIENCE: Duration = Duration::from_secs(60);

const ASKS: &str = "requires: { locks: [prod/db] }\nsteps:\n  - id: look\n    manual: { ask: Look at the lamp., answer: { on: { type: boolean } } }\n  - id: note\n    action: file.write\n    with: { path: note, content: x }\n    undo: { action: file.remove, with: { path: note } }\n";
const NEEDS: &str = "requires: { locks: [prod/db] }\nsteps:\n  - id: other\n    action: file.write\n    with: { path: other, content: x }\n    undo: { action: file.remove, with: { path: other } }\n";

/// A program that takes its time, under a lock; its sleeper is told from others by how long it sleeps.
fn slow(seconds: &str) -> String {
    format!(
        "requires: {{ locks: [prod/db] }}\nsteps:\n  - id: slow\n    action: command.run\n    with: {{ argv: [sh, -c, 'touch begun; sleep {seconds}'] }}\n    undo: {{ none: Time is gone. }}\n\
         \x20 - id: after\n    action: file.write\n    with: {{ path: after, content: x }}\n    undo: {{ action: file.remove, with: {{ path: after }} }}\n"
    )
}

#[test]
fn a_lock_of_a_suspended_run_is_busy_for_others_and_says_what_goes_on() {
    let bench = Bench::workspace().procedure("asks", ASKS).procedure("needs", NEEDS);
    bench.run("run asks").exits(5);
    let listed = bench.run("locks list --format json").exits(0).fits(&bench, "output/locks").json();
    assert_eq!((&listed["locks"][0]["lock"], &listed["locks"][0]["status"]), (&"prod/db".into(), &"suspended".into()));
    bench.run("run needs").exits(10).prints("").says(
        "error[lock-busy]: lock `prod/db` is held by run ID of `asks`, which is suspended, since TIME\n  \
         = help: nothing was done; `runwarden resume ID` goes on with it, `runwarden cancel ID --reason …` ends it; `--wait-lock 5m` waits",
    );
    let plan = bench.run("plan needs --format json").exits(10).json();
    assert_eq!((&plan["status"], &plan["locks"][0]), (&"busy".into(), &"prod/db".into()));
    assert!(!bench.exists("other"));
    let refused = bench.run("run needs --format json").exits(10).json();
    assert_eq!(refused["error"]["code"], "lock-busy");
    bench.run("resume last --answer look.on=true").exits(0);
    bench.run("run needs").exits(0);
    bench.run("locks list").exits(0).prints("");
}

#[test]
fn whoever_waits_for_a_lock_lets_its_holder_have_the_ledger() {
    let bench = Bench::workspace().procedure("asks", ASKS).procedure("needs", NEEDS);
    bench.run("run asks").exits(5);
    let waiting = begin(&bench, &["run", "needs", "--wait-lock", "60s"]);
    bench.run("run needs --wait-lock 300ms").exits(10);
    bench.run("resume last --wait-lock 30s --answer look.on=true").exits(0);
    bench.outcome(&waiting.wait_with_output().unwrap()).exits(0);
    assert!(bench.exists("note") && bench.exists("other"));
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_lock_can_be_broken_with_a_reason_and_its_run_takes_it_again() {
    let bench = Bench::workspace().procedure("asks", ASKS).procedure("needs", NEEDS);
    bench.run("locks break prod/db --reason x").exits(1);
    bench.run("run asks").exits(5);
    bench.run_with(&["locks", "break", "prod/db", "--reason", " "]).exits(2);
    let broken = bench.run_with(&["locks", "break", "prod/db", "--reason", "db-3 is gone", "--format", "json"]);
    assert_eq!(broken.exits(0).fits(&bench, "output/locks_break").json()["fence"], 1);
    bench.run("run needs").exits(0);
    let shown = bench.run("runs show last --format json").exits(0).json();
    assert_eq!(shown["procedure"], "needs");
    let first = bench.run("runs --procedure asks --format json").json()["runs"][0]["run"].as_str().unwrap().to_owned();
    let story = bench.run_with(&["runs", "show", &first]).exits(0).stdout;
    assert!(story.contains("lock `prod/db` was taken away: db-3 is gone"), "{story}");
    bench.run_with(&["resume", &first, "--answer", "look.on=true"]).exits(0);
}

#[test]
fn a_running_program_is_cancelled_with_all_it_started() {
    let bench = Bench::workspace().procedure("slow", &slow("296.75")).procedure("needs", NEEDS);
    let runner = begin(&bench, &["run", "slow"]);
    until("the sleeper runs", PATIENCE, || bench.exists("begun") && runs("296.75"));
    let said = bench.run_with(&["cancel", "last", "--reason", "wrong region", "--format", "json"]);
    let said = said.exits(0).fits(&bench, "output/cancel").json();
    assert_eq!((&said["status"], &said["undo"]), (&"cancelled".into(), &true.into()));
    assert!(!runs("296.75"), "it is said when it is so");
    let outcome = bench.outcome(&runner.wait_with_output().unwrap()).exits(130);
    assert!(outcome.stdout.contains("it was cancelled: wrong region"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("runwarden undo ID"), "{}", outcome.stdout);
    assert!(!bench.exists("after"));
    assert_eq!(bench.run("runs --format json").json()["runs"][0]["status"], "cancelled");
    bench.run("run needs").exits(0);
    bench.run("cancel last --reason late").exits(2);
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_suspended_run_is_cancelled_without_its_program() {
    let bench = Bench::workspace().procedure("asks", ASKS);
    bench.run("run asks").exits(5);
    bench.run("cancel last --reason superseded").exits(0).prints("run ID cancelled\nit had done nothing");
    bench.run("cancel last --reason again").exits(0);
    bench.run("resume last --answer look.on=true").exits(2);
    assert!(!bench.exists("note"));
    let story = bench.run("runs show last").exits(0).stdout;
    assert!(story.contains("asked to end: superseded") && story.contains("what next"), "{story}");
}

#[test]
fn a_killed_run_stays_unknown_and_keeps_its_lock() {
    let bench = Bench::workspace().procedure("slow", &slow("1")).procedure("needs", NEEDS);
    let mut runner = begin(&bench, &["run", "slow"]);
    until("the step has begun", PATIENCE, || bench.exists("begun"));
    runner.kill().unwrap();
    runner.wait().unwrap();
    let said = bench.run("cancel last --reason stop").exits(9).stderr;
    assert!(said.contains("stays unknown: nobody can tell whether step `slow` happened"), "{said}");
    bench.run("run needs").exits(10);
    bench.run_with(&["undo", "last", "--resolve", "slow=not_happened", "--reason", "no such process"]).exits(7);
    bench.run("run needs").exits(0);
}

#[test]
fn a_process_that_does_not_answer_is_not_taken_for_one_that_did() {
    let bench = Bench::workspace().procedure("slow", &slow("295.5"));
    let mut runner = begin(&bench, &["run", "slow"]);
    until("the sleeper runs", PATIENCE, || bench.exists("begun") && runs("295.5"));
    send(&runner, "-STOP");
    let said = bench.run("cancel last --reason stop --wait 300ms").exits(1).stderr;
    assert!(said.starts_with("error[not-confirmed]: it is not confirmed: process PID, run ID"), "{said}");
    assert!(Path::new(&bench.path(".runwarden/ledger.db.inbox")).exists());
    send(&runner, "-CONT");
    assert_eq!(runner.wait().unwrap().code(), Some(130), "the request was left for it");
}

#[test]
fn two_runners_at_once_cannot_both_pass_a_limit() {
    let limited = "requires: { limits: [{ at_most: 1, per: 1h }] }\nsteps:\n  - id: once\n    action: command.run\n    with: { argv: [sh, -c, 'echo x >> count'] }\n    undo: { none: No. }\n";
    let bench = Bench::workspace().procedure("limited", limited).procedure("first", "steps: [{ id: w, wait: 1ms }]\n");
    bench.run("run first").exits(0);
    let children: Vec<Child> = (0..4).map(|_| begin(&bench, &["run", "limited", "--wait-lock", "60s"])).collect();
    let outcomes = children.into_iter().map(|child| bench.outcome(&child.wait_with_output().unwrap()));
    let mut codes: Vec<i32> = outcomes.map(|outcome| outcome.exit.unwrap()).collect();
    codes.sort_unstable();
    assert_eq!((codes, bench.read("count").as_str()), (vec![0, 3, 3, 3], "x\n"));
}

#[test]
fn what_no_action_may_change_is_refused_in_the_plan_under_whatever_name() {
    let bench = Bench::workspace().procedure("first", "steps: [{ id: w, wait: 1ms }]\n");
    bench.run("run first").exits(0);
    std::os::unix::fs::symlink(".runwarden", bench.path("elsewhere")).unwrap();
    std::fs::create_dir(bench.path("sub")).unwrap();
    let paths =
        [".runwarden/ledger.db", "sub/../.runwarden/ledger.db.checkpoints/x", "elsewhere/ledger.key", "runwarden.yaml"];
    for path in paths {
        let write = format!(
            "steps:\n  - {{ id: other, action: file.write, with: {{ path: before, content: x }}, undo: {{ action: file.remove, with: {{ path: before }} }} }}\n  - {{ id: w, action: file.write, with: {{ path: {path}, content: x, replace: true }}, undo: {{ none: No. }} }}\n"
        );
        let bench = &bench;
        std::fs::write(
            bench.path("procedures/w.yaml"),
            format!("runwarden: v1\nkind: procedure\nname: w\ntitle: T\nversion: 1.0.0\nsummary: S.\nowner: ops\nrisk: low\n{write}"),
        )
        .unwrap();
        let plan = bench.run("plan w --format json").exits(3).json();
        assert_eq!(
            (&plan["error"]["code"], &plan["steps"][1]["outcome"]),
            (&"protected".into(), &"refused".into()),
            "{path}"
        );
        bench.run("run w").exits(3);
        assert!(!bench.exists("before"), "{path}: nothing is done before what will be refused");
    }
}
