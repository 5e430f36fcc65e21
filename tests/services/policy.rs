//! What policy asks: `k` of `n` stores, each within a time, or the run is not called done.

use super::bench::Bench;
use super::parts::{entries, run};

/// A workspace with three folders as stores; the last lies in the project and never takes anything.
fn stores(policy: &str) -> (tempfile::TempDir, Bench) {
    let outside = tempfile::tempdir().unwrap();
    let store = |name: &str| {
        format!("  {name}: {{ kind: anchor_store, path: '{}/{name}', trust: low }}\n", outside.path().display())
    };
    let file = format!(
        "runwarden: v1\nenvironment: development\nledger: {{ path: .runwarden/ledger.db, key: .runwarden/ledger.key, \
         origin: test/ops }}\nprocedures: [procedures]\ntargets:\n{}{}  broken: {{ kind: anchor_store, path: here, trust: \
         low }}\npolicy:\n  require:\n    development:\n      anchors: {policy}\n",
        store("one"),
        store("two"),
    );
    let bench = Bench::empty()
        .file("runwarden.yaml", &file)
        .procedure("demo.note", "steps:\n  - id: note\n    action: data.value\n    with: { value: 1 }\n")
        .procedure(
            "demo.refused",
            "parameters:\n  wanted: { type: string, default: another }\npreconditions:\n  - { id: never, expect: run.id == parameters.wanted }\nsteps:\n  - id: note\n    action: data.value\n    with: { value: \
             1 }\n",
        )
        .procedure("demo.fails", "steps:\n  - id: note\n    action: file.read\n    with: { path: nowhere }\n");
    (outside, bench)
}

#[test]
fn enough_stores_are_enough() {
    let (_outside, bench) = stores("{ of: [one, broken, two], at_least: 2, within: 1h }");
    assert_eq!(run(&bench, "demo.note", 0)["anchored"], true);
    assert_eq!(entries(&bench, "anchor.receipt").len(), 2);
    assert_eq!(entries(&bench, "anchor.failed").len(), 1);
}

#[test]
fn too_few_stores_leave_a_run_that_succeeded_not_done() {
    let (_outside, bench) = stores("{ of: [one, broken], at_least: 2, within: 1h }");
    let done = run(&bench, "demo.note", 1);
    assert_eq!((&done["status"], &done["anchored"]), (&"succeeded".into(), &false.into()));
    let shown = bench.run("run demo.note").exits(1);
    assert!(shown.stdout.contains("anchored") && shown.stdout.contains("runwarden anchor store"), "{}", shown.stdout);
    assert!(shown.stderr.contains("store `broken` has no anchor of this run"), "{}", shown.stderr);
    bench.run("anchor store last").exits(1);
    bench.run("anchor store last --to two").exits(1);
    bench.run("anchor store last --to elsewhere").exits(2);
}

#[test]
fn an_anchor_that_comes_too_late_does_not_count() {
    let (_outside, bench) = stores("{ of: [one], at_least: 1, within: 0s }");
    assert_eq!(run(&bench, "demo.note", 1)["anchored"], false);
    assert_eq!(entries(&bench, "anchor.receipt").len(), 1);
}

#[test]
fn a_run_that_failed_is_anchored_as_well_and_keeps_its_exit() {
    let (_outside, bench) = stores("{ of: [one], at_least: 1 }");
    let done = run(&bench, "demo.fails", 1);
    assert_eq!((&done["status"], &done["anchored"]), (&"failed".into(), &true.into()));
    let done = run(&bench, "demo.refused", 3);
    assert_eq!((&done["status"], &done["anchored"]), (&"refused".into(), &true.into()));
}
