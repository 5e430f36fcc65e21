//! What `run` refuses before anything is done, and what it exits with.

use super::bench::{Bench, WORKSPACE};

const WRITE: &str = "steps:\n  - id: note\n    action: file.write\n    with: { path: note, content: x, replace: true }\n    undo: { action: file.remove, with: { path: note } }\n";

#[test]
fn high_risk_without_a_terminal_needs_the_procedures_name() {
    let bench = Bench::workspace().procedure("drop", &format!("risk: high\n{WRITE}"));
    for line in ["run drop", "run drop --yes"] {
        bench.run(line).exits(2).prints("").says(
            "error[confirmation]: `drop` is of high risk, and nobody is at a terminal to confirm it\n  \
             = help: nothing was done; with `--confirm drop` it runs",
        );
    }
    bench
        .run("run drop --confirm dorp")
        .exits(2)
        .says("error[confirmation]: `--confirm dorp` does not name the procedure `drop`");
    assert!(!bench.exists(".runwarden") && !bench.exists("note"));
    bench.run("run drop --confirm drop").exits(0);
    bench.run("plan drop").exits(0);
}

#[test]
fn what_is_called_binds_as_if_it_were_run_by_name() {
    let bench = Bench::workspace()
        .procedure("drop", &format!("risk: high\n{WRITE}"))
        .procedure("top", "steps:\n  - { id: go, call: drop }\n");
    bench.run("run top").exits(2);
    bench.run("run top --confirm top").exits(0);
}

#[test]
fn a_precondition_that_is_not_met_refuses_and_is_recorded() {
    let bench = Bench::workspace().procedure(
        "x",
        &format!("preconditions:\n  - {{ id: there, action: file.stat, with: {{ path: wanted }}, expect: result.exists }}\n{WRITE}"),
    );
    bench.run("run x -q").exits(3).prints(
        "run ID refused: precondition `there` is not met: `result.exists` is false\nwas not done: note\n\
         checkpoint  .runwarden/ledger.db.checkpoints/6 (6 entries)\nrecord      runwarden runs show ID",
    );
    assert!(!bench.exists("note"));
    assert_eq!(bench.run("runs --format json").exits(0).json()["runs"][0]["status"], "refused");
}

#[test]
fn a_guard_stops_what_it_forbids() {
    let bench = Bench::workspace().procedure(
        "x",
        &format!("do_not:\n  - {{ id: no_notes, rule: Do not leave notes., forbid: file.write, where: with.path == 'note' }}\n{WRITE}"),
    );
    let stopped = bench.run("run x -q").exits(4).stdout;
    assert!(stopped.starts_with("run ID refused (step `note`): guard `no_notes`: Do not leave notes"), "{stopped}");
    assert!(!bench.exists("note"));
}

#[test]
fn a_target_that_is_not_bound_exits_2_and_makes_no_ledger() {
    let ask = "targets: { api: { kind: service } }\nsteps:\n  - { id: ask, action: http.get, with: { target: api, path: / } }\n";
    let bench = Bench::workspace().procedure("ask", ask);
    bench.run("run ask").exits(2).says(
        "error[unbound-target]: target `api` of `ask` is not bound to anything of kind `service`; name one with \
         `--target api=NAME`, or under `bindings` in runwarden.yaml",
    );
    bench
        .run("run ask --target api=web")
        .exits(2)
        .says("error[unbound-target]: target `api` of `ask`: runwarden.yaml has no target `web`");
    bench.run("run ask --target api").exits(2);
    bench.run("run ask --target API=web").exits(2);
    assert!(!bench.exists(".runwarden"));
    let workspace =
        format!("{WORKSPACE}targets: {{ web: {{ kind: service, driver: http, url: 'http://127.0.0.1:9' }} }}\n");
    let bench = bench.file("runwarden.yaml", &workspace);
    bench.run("plan ask --target api=web --offline").exits(0);
}

#[test]
fn a_run_by_somebody_without_the_role_that_is_asked_for_is_refused_and_does_nothing() {
    let bench = Bench::workspace().procedure("x", &format!("requires: {{ roles: [lead] }}\n{WRITE}"));
    let refused = bench.run("run x").exits(3).stdout;
    assert!(refused.contains("refused: `x` is run by `lead`, and `"), "{refused}");
    assert!(refused.contains("was not done: note"), "{refused}");
}

#[test]
fn a_refusal_is_json_where_json_was_asked_for() {
    let bench = Bench::workspace().procedure("drop", &format!("risk: high\n{WRITE}"));
    let refused = bench.run("run drop --format json").exits(2).says("").fits(&bench, "output/refusal").json();
    assert_eq!(
        refused,
        serde_json::json!({ "status": "invalid", "error": {
            "code": "confirmation",
            "message": "`drop` is of high risk, and nobody is at a terminal to confirm it",
            "help": "nothing was done; with `--confirm drop` it runs",
        }})
    );
}

#[test]
fn a_checklist_is_not_run() {
    let bench = Bench::workspace().file(
        "procedures/ready.yaml",
        "runwarden: v1\nkind: checklist\nname: ready\ntitle: T\nversion: 1.0.0\nsummary: S\nowner: o\nitems:\n  - { id: a, action: data.value, with: { n: 1 }, expect: result.n == 1 }\n",
    );
    bench.run("run ready").exits(2).says("error[not-a-procedure]: `ready` is a checklist, which is asked and not run");
}
