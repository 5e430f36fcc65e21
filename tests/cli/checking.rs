//! `check`: everything that is wrong, where it is, and what to do about it.

use super::bench::Bench;

const WAIT: &str = "steps:\n  - { id: pause, wait: 1ms }\n";

#[test]
fn an_unknown_key_is_shown_with_the_one_that_was_meant() {
    let bench = Bench::workspace().procedure("deploy", "precondition: []\nsteps:\n  - { id: a, wait: 1s }\n");
    bench.run("check").exits(2).prints("").says(
        "error[unknown-key]: a procedure has no key `precondition`\n \
         --> procedures/deploy.yaml:9:1\n  |\n9 | precondition: []\n  | ^^^^^^^^^^^^ not known here\n  \
         = help: did you mean `preconditions`?\n\nchecked 2 files: 1 error",
    );
}

#[test]
fn an_unknown_action_is_shown_with_the_one_that_was_meant() {
    let bench = Bench::workspace().procedure("a", "steps:\n  - { id: x, action: file.wirte, with: { path: p } }\n");
    let refused = bench.run("check procedures").exits(2).stderr;
    assert!(
        refused.contains("error[unknown-action]: ") && refused.contains("help: did you mean `file.write`?"),
        "{refused}"
    );
}

#[test]
fn diagnostics_are_data_for_programs() {
    let bench = Bench::workspace().procedure("deploy", "stpes: []\n");
    let found =
        bench.run("check procedures/deploy.yaml --format json").exits(2).says("").fits(&bench, "output/check").json();
    assert_eq!(found["files"], 1);
    let first = &found["diagnostics"][0];
    assert_eq!((&first["severity"], &first["file"]), (&"error".into(), &"procedures/deploy.yaml".into()));
    let line = bench.run("check procedures/deploy.yaml --format ndjson").exits(2).raw;
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn zero_files_checked_is_a_failure() {
    let bench = Bench::empty().file("notes/readme.txt", "");
    bench.run("check notes").exits(2).says(
        "error[nothing-checked]: there is no document to check\n  \
         = help: documents end in `.yaml`; name files or folders that have some",
    );
    bench
        .run("check nothing.yaml")
        .exits(2)
        .says("error[io]: cannot read `FOLDER/nothing.yaml`: No such file or directory (os error 2)");
    bench.run("check").exits(2).says(
        "error[no-workspace]: there is no runwarden.yaml here or in a folder above\n  \
         = help: name files or folders to check, or make a workspace with `runwarden init`",
    );
}

#[test]
fn documents_are_checked_outside_of_a_workspace_too() {
    let bench = Bench::empty().procedure("top", "steps:\n  - { id: go, call: ops.wait }\n").procedure("ops.wait", WAIT);
    bench.run("check procedures").exits(0).says("checked 2 files: no problems");
    bench.run("check procedures/top.yaml").exits(0).says("checked 1 file: no problems");
    bench.run("check procedures/top.yaml -q").exits(0).says("");
}

#[test]
fn a_call_of_nothing_and_a_circle_are_found() {
    let bench = Bench::workspace()
        .procedure("a", "steps:\n  - { id: go, call: b }\n")
        .procedure("b", "steps:\n  - { id: go, call: a }\n  - { id: lost, call: nowhere }\n");
    let found = bench.run("check").exits(2).stderr;
    assert!(found.contains("error[call-cycle]") && found.contains("error[unknown-procedure]"), "{found}");
}

#[test]
fn the_workspace_file_is_checked_like_a_procedure() {
    let bench = Bench::workspace()
        .file("runwarden.yaml", "runwarden: v1\nenvironmnet: staging\nledger: { path: a, key: b, origin: c }\n");
    let found = bench.run("check").exits(2).stderr;
    assert!(found.contains("runwarden.yaml:2:1") && found.contains("did you mean `environment`?"), "{found}");
    let refused = bench.run("runs").exits(2).stderr;
    assert!(refused.contains("error[invalid-document]: `runwarden.yaml` has errors"), "{refused}");
}

#[test]
fn hostile_files_are_refused_with_a_name() {
    let deep = format!("a: {}1{}\n", "[".repeat(100), "]".repeat(100));
    for (text, code) in [
        ("", "empty-document"),
        ("a: 1\n---\nb: 2\n", "second-document"),
        ("a: &x 1\nb: *x\n", "alias"),
        ("a: !!python/object:x {}\n", "tag"),
        ("a: 1\na: 2\n", "duplicate-key"),
        ("a: \"\0\"\n", "nul-character"),
        (&deep, "too-deep"),
        ("kind: procedure\nrisk: no\n", "ambiguous-scalar"),
    ] {
        let found = Bench::empty().file("x.yaml", text).run("check x.yaml").exits(2).stderr;
        assert!(found.contains(&format!("error[{code}]")), "{code}: {found}");
    }
}

#[test]
fn a_broken_procedure_is_neither_planned_nor_run() {
    let bench = Bench::workspace().procedure("a", "steps:\n  - { id: x, wiat: 1s }\n");
    for line in ["plan a", "run a"] {
        let refused = bench.run(line).exits(2).prints("").stderr;
        assert!(refused.contains("error[invalid-document]: procedure `a` (procedures/a.yaml) has errors"), "{refused}");
    }
    let json = bench.run("plan a --format json").exits(2).fits(&bench, "output/refusal").json();
    assert_eq!(json["error"]["code"], "invalid-document");
    assert!(!json["diagnostics"].as_array().unwrap().is_empty());
    assert!(!bench.exists(".runwarden"));
}
