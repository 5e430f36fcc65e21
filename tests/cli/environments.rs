//! Which world this is: said, or an error, and never assumed.

use super::bench::{Bench, WORKSPACE};

const WAIT: &str = "steps:\n  - { id: pause, wait: 1ms }\n";

fn without_environment() -> Bench {
    Bench::workspace()
        .file("runwarden.yaml", &WORKSPACE.replace("environment: development\n", ""))
        .procedure("wait", WAIT)
}

#[test]
fn without_an_environment_nothing_is_planned() {
    without_environment().run("plan wait").exits(2).prints("").says(
        "error[no-environment]: neither runwarden.yaml nor RUNWARDEN_ENVIRONMENT says which environment this is\n  \
         = help: write `environment: development` into runwarden.yaml; it is `development`, `staging` or `production`",
    );
}

#[test]
fn the_variable_fills_in_where_the_file_says_nothing() {
    let bench = without_environment().env("RUNWARDEN_ENVIRONMENT", "staging");
    let plan = bench.run("plan wait --format json").exits(0).json();
    assert_eq!(plan["environment"], "staging");
}

#[test]
fn the_variable_cannot_say_another_than_the_file() {
    let bench = Bench::workspace().procedure("wait", WAIT).env("RUNWARDEN_ENVIRONMENT", "production");
    bench.run("run wait").exits(2).says(
        "error[environment]: RUNWARDEN_ENVIRONMENT is `production`, and runwarden.yaml says `development`\n  \
         = help: unset RUNWARDEN_ENVIRONMENT; the workspace file decides",
    );
    assert!(!bench.exists(".runwarden"));
}

#[test]
fn any_other_word_is_an_error() {
    for word in ["prod", "Production", "", "development "] {
        let refused = without_environment().env("RUNWARDEN_ENVIRONMENT", word).run("plan wait").exits(2);
        assert!(refused.stderr.starts_with("error[environment]:"), "{}", refused.stderr);
    }
    let refused = Bench::workspace()
        .file("runwarden.yaml", &WORKSPACE.replace("development", "prod"))
        .procedure("wait", WAIT)
        .run("plan wait")
        .exits(2);
    assert!(refused.stderr.contains("error[unknown-word]"), "{}", refused.stderr);
}

#[test]
fn a_target_of_another_environment_is_refused() {
    let workspace = format!(
        "{WORKSPACE}targets: {{ api: {{ kind: service, driver: http, url: 'http://localhost:1', environment: production }} }}\n"
    );
    let bench = Bench::workspace().file("runwarden.yaml", &workspace).procedure(
        "ask",
        "targets: { api: { kind: service } }\nsteps:\n  - { id: ask, action: http.get, with: { target: api, path: / } }\n",
    );
    bench
        .run("plan ask")
        .exits(3)
        .says("error[other-environment]: target `api` belongs to production, and this is development");
}

#[test]
fn outside_of_development_only_listed_programs_run() {
    let bench = Bench::workspace().file("runwarden.yaml", &WORKSPACE.replace("development", "staging")).procedure(
        "echo",
        "steps:\n  - { id: say, action: command.run, with: { argv: [echo, hi] }, undo: { none: Said is said. } }\n",
    );
    let failed = bench.run("run echo").exits(1);
    assert!(failed.stdout.contains("allow_commands"), "{}", failed.stdout);
}

#[test]
fn an_unsigned_run_in_production_is_refused_and_a_plan_is_not() {
    let bench = Bench::workspace()
        .file("runwarden.yaml", &WORKSPACE.replace("development", "production"))
        .procedure("wait", WAIT);
    bench.run("plan wait").exits(0);
    let refused = bench.run("run wait --yes --confirm wait").exits(3).stderr;
    assert!(refused.starts_with("error[unsigned]: in production the run's actor must be signed for"), "{refused}");
    assert!(!bench.exists(".runwarden"), "nothing was done, and no ledger made");
}

#[test]
fn a_run_whose_anchor_is_not_where_policy_asks_for_it_is_not_called_done() {
    let away = "targets: { away: { kind: anchor_store, driver: directory, path: away } }\n";
    let policy = "policy: { require: { development: { anchors: { of: [away] } } } }\n";
    let workspace = format!("{WORKSPACE}{away}{policy}");
    let bench = Bench::workspace().file("runwarden.yaml", &workspace).procedure("wait", WAIT);
    let done = bench.run("run wait --format json").exits(1);
    assert!(done.stderr.contains("store `away` has no anchor of this run"), "{}", done.stderr);
    assert!(
        done.stderr.contains("whoever can rewrite the ledger there rewrites the anchors with it"),
        "{}",
        done.stderr
    );
    let said = done.fits(&bench, "output/run").json();
    assert_eq!((&said["status"], &said["anchored"]), (&"succeeded".into(), &false.into()));
}
