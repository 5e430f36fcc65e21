//! `init`, `doctor`, and the first run.

use super::bench::Bench;

#[test]
fn a_new_workspace_runs_hello() {
    let bench = Bench::empty();
    bench.run("init ops --origin test/ops").exits(0).says("").prints(
        "made runwarden.yaml\nmade procedures/hello.yaml\nmade .runwarden/ledger.db\nmade .runwarden/ledger.key\n\
             made .gitignore\n\nnext: cd ops && runwarden run hello",
    );
    bench.run("-C ops check").exits(0).prints("").says("checked 2 files: no problems");
    bench
        .run("-C ops run hello -p who=Ada")
        .exits(0)
        .says("run ID of hello (development)\n  succeeded   greet: Write the greeting")
        .prints(
            "run ID succeeded\noutputs\n  size  11\ncheckpoint  .runwarden/ledger.db.checkpoints/10 (10 entries)\n\
             record      runwarden runs show ID",
        );
    assert_eq!(bench.read("ops/hello.txt"), "Hello, Ada!");
    bench.run("-C ops run hello").exits(0);
    assert_eq!(bench.read("ops/hello.txt"), "Hello, world!");
    assert_eq!(bench.read("ops/.gitignore"), "/.runwarden/\n");
}

#[test]
fn init_makes_nothing_where_something_is() {
    let bench = Bench::workspace();
    bench.run("init").exits(2).prints("").says(
        "error[exists]: `runwarden.yaml` is there already, and is not overwritten\n  \
         = help: nothing was made; choose another folder, or work with what is there",
    );
    assert!(!bench.exists(".runwarden") && !bench.exists("procedures"));
}

#[test]
fn init_says_in_json_what_it_made() {
    let bench = Bench::empty();
    let made = bench.run("init --format json").exits(0).fits(&bench, "output/init").json();
    assert_eq!(made["made"][0], "runwarden.yaml");
    assert!(bench.exists(".runwarden/ledger.db"));
}

#[test]
fn an_origin_that_cannot_be_one_is_refused_and_leaves_nothing() {
    let bench = Bench::empty();
    let refused = bench.run_with(&["init", "--origin", "two words"]).exits(2);
    assert!(refused.stderr.contains("two words"), "{}", refused.stderr);
    assert!(!bench.exists("runwarden.yaml") && !bench.exists("procedures/hello.yaml"));
}

#[test]
fn keys_and_folders_of_a_ledger_are_for_their_owner_alone() {
    use std::os::unix::fs::MetadataExt as _;
    let bench = Bench::empty();
    bench.run("init").exits(0);
    let mode = |path: &str| bench.path(path).metadata().unwrap().mode() & 0o777;
    assert_eq!((mode(".runwarden"), mode(".runwarden/ledger.key")), (0o700, 0o600));
}

#[test]
fn the_first_run_makes_the_ledger_and_says_so() {
    let bench = Bench::workspace().procedure("wait", "steps:\n  - { id: pause, wait: 1ms }\n");
    bench.run("run wait").exits(0).says(
        "made the ledger .runwarden/ledger.db and its key .runwarden/ledger.key\n\
         run ID of wait (development)\n  succeeded   pause",
    );
    bench.run("run wait").exits(0).says("run ID of wait (development)\n  succeeded   pause");
}

#[test]
fn doctor_is_content_with_a_new_workspace() {
    let bench = Bench::empty();
    bench.run("init").exits(0);
    let count = bench.run("list --format json").json()["procedures"].as_array().unwrap().len();
    bench.run("doctor").exits(0).says("").prints(&format!(
        "ok       workspace    runwarden.yaml\n\
         ok       environment  development\n\
         ok       key          .runwarden/ledger.key, for its owner alone\n\
         ok       ledger       .runwarden/ledger.db, genuine since its last checkpoint, 1 entry\n\
         ok       writable     .runwarden takes new entries\n\
         ok       procedures   {count} procedures without errors\n\
         ok       clock        TIME",
    ));
    bench.run("doctor --format json").exits(0).fits(&bench, "output/doctor");
}

#[test]
fn doctor_names_what_stands_against_running_with_a_remedy() {
    let bench = Bench::workspace()
        .file(
            "runwarden.yaml",
            "runwarden: v1\nledger: { path: l.db, key: l.key, origin: test/ops }\nprocedures: [procedures]\n\
             targets: { book: { kind: ledger, driver: corvusforge, path: book.db } }\n",
        )
        .file("l.key", "")
        .file("procedures/My Notes.yaml", "")
        .procedure("broken", "steps:\n  - { id: a, wiat: 1s }\n");
    bench.run("doctor").exits(1).prints(
        "ok       workspace    runwarden.yaml\n\
         error    environment  neither runwarden.yaml nor RUNWARDEN_ENVIRONMENT says which environment this is\n\
         \x20                     help: write `environment: development` into runwarden.yaml; it is `development`, `staging` or `production`\n\
         error    ledger       ledger `FOLDER/l.db` is missing, and `FOLDER/l.key` is there\n\
         \x20                     help: a ledger does not go by itself: find out who removed it, and restore it from a backup\n\
         error    procedures   `broken` has 1 error\n\
         \x20                     help: `runwarden check procedures/broken.yaml` shows them\n\
         warning  procedures   `procedures/My Notes.yaml` has no name of its own\n\
         \x20                     help: its path below the folder is its name; rename or remove it\n\
         ok       target       book: file:FOLDER/book.db\n\
         ok       clock        TIME",
    );
}

#[test]
fn doctor_outside_of_a_workspace_says_how_to_make_one() {
    Bench::empty().run("doctor").exits(1).prints(
        "error    workspace    there is no runwarden.yaml here or in a folder above\n\
         \x20                     help: `runwarden init` makes a workspace; `-C DIR` or `--workspace FILE` says where one is\n\
         ok       clock        TIME",
    );
}
