//! The anchor store `directory`.

use std::fs;

use writer::Plan;
use writer::runs::MAIN_RUN;

use super::parts::{AFTER_RUN, entries, independence, is_kept_and_found, run, says, verified, workspace, wrong};

#[path = "../../examples/corvusforge/writer.rs"]
#[expect(dead_code, reason = "one whole ledger is enough here")]
mod writer;

#[test]
fn a_run_is_kept_in_a_folder_and_what_happens_to_it_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("{{ kind: anchor_store, driver: directory, path: '{}', trust: low }}", folder.path().display());
    let bench = workspace(&store, AFTER_RUN);
    let id = is_kept_and_found(&bench);
    let of = |extension: &str| {
        let paths = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        let name = |path: &std::path::PathBuf| path.display().to_string();
        paths.into_iter().find(|path| name(path).contains(&id) && name(path).ends_with(extension)).unwrap()
    };
    let (proof, entry) = (of(".tlog-proof"), of(".json"));
    let (was, entry_was) = (fs::read(&proof).unwrap(), fs::read(&entry).unwrap());

    fs::remove_file(&proof).unwrap();
    assert_eq!(verified(&bench, 1)["status"], "anchor_missing");
    fs::write(&proof, "nothing\n").unwrap();
    says(&wrong(&bench), &["receipt", "overwritten"]);
    fs::remove_file(&proof).unwrap();
    fs::write(&proof, &was).unwrap();
    verified(&bench, 0);

    fs::remove_file(&entry).unwrap();
    says(&wrong(&bench), &["receipt", "entry is missing"]);
    fs::write(&entry, "{}").unwrap();
    says(&wrong(&bench), &["inclusion"]);
    fs::remove_file(&entry).unwrap();
    fs::write(&entry, &entry_was).unwrap();
    verified(&bench, 0);

    fs::remove_dir_all(folder.path()).unwrap();
    assert_eq!(verified(&bench, 1)["status"], "anchor_missing");
}

#[test]
fn a_folder_in_the_project_takes_no_anchor() {
    let bench = workspace("{ kind: anchor_store, driver: directory, path: anchors, trust: low }", AFTER_RUN);
    assert_eq!(run(&bench, "demo.note", 1)["anchored"], false);
    assert!(!bench.exists("anchors"));
}

#[test]
fn a_folder_of_our_own_is_not_independent() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("{{ kind: anchor_store, driver: directory, path: '{}', trust: low }}", folder.path().display());
    let bench = workspace(&store, "");
    let found = independence(&bench);
    assert_eq!((&found["independent"], &found["trust"]), (&false.into(), &"low".into()), "{found:#}");
    assert_eq!((&found["overwrite"], &found["delete"]), (&"happened".into(), &"happened".into()), "{found:#}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_procedure_anchors_a_run_of_ours_and_its_receipt_counts() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("{{ kind: anchor_store, driver: directory, path: '{}', trust: low }}", folder.path().display());
    let bench = workspace(&store, "").procedure(
        "demo.anchor",
        "parameters:\n  run: { type: string }\ntargets:\n  vault: { kind: anchor_store }\n  book: { kind: ledger \
         }\nsteps:\n  - id: export\n    action: anchor.export\n    with: { target: book, run: '{{ parameters.run }}' }\n  - \
         id: store\n    action: anchor.store\n    with: { target: vault, ledger: book, run: '{{ parameters.run }}', anchor: \
         '{{ steps.export.claim }}' }\n    undo: { none: An anchor is meant to stay. }\n  - id: compare\n    action: \
         anchor.verify\n    with: { target: vault, ledger: book, runs: ['{{ parameters.run }}'] }\noutputs:\n  found: '{{ \
         steps.compare }}'\n",
    );
    let of = run(&bench, "demo.note", 0)["run"].as_str().unwrap().to_owned();
    let done = run(&bench, &format!("demo.anchor -p run={of}"), 0);
    let found = &done["outputs"]["found"];
    assert_eq!(
        (&found["checked"], &found["failed"], &found["missing"]),
        (&1.into(), &0.into(), &0.into()),
        "{found:#}"
    );
    let receipts = entries(&bench, "anchor.receipt");
    assert!(receipts[0]["data"]["name"].as_str().unwrap().starts_with(&of), "{receipts:#?}");
    assert_eq!(verified(&bench, 0)["status"], "ok");
    for file in fs::read_dir(folder.path()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert_eq!(verified(&bench, 1)["status"], "anchor_missing");
}

#[test]
fn a_foreign_run_is_handed_over_and_fetched_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("{{ kind: anchor_store, driver: directory, path: '{}', trust: low }}", folder.path().display());
    let bench = workspace(&store, "");
    run(&bench, "demo.note", 0);
    fs::create_dir(bench.path("cf")).unwrap();
    writer::write(&bench.path("cf/book.db"), &Plan::default()).unwrap();
    let whose = format!("--driver corvusforge --ledger cf/book.db --run {MAIN_RUN}");
    let stored = bench.run(&format!("anchor store {whose} --to vault --format json")).exits(0);
    let stored = stored.fits(&bench, "output/anchor_store").json();
    assert_eq!((&stored["run"], &stored["stores"][0]["receipt"]["existed"]), (&MAIN_RUN.into(), &false.into()));
    // Later the same statement has another time, and is not stored again.
    let again = bench.run(&format!("anchor store {whose} --to vault --format json")).exits(0).json();
    assert_eq!(again["stores"][0]["receipt"]["existed"], true);
    assert_eq!(again["stores"][0]["receipt"]["sha256"], stored["stores"][0]["receipt"]["sha256"]);
    assert_eq!(entries(&bench, "anchor.receipt").len(), 2);
    let fetched = bench.run(&format!("anchor fetch {whose} --from vault -o fetched --format json")).exits(0);
    let fetched = fetched.fits(&bench, "output/anchor_fetch").json();
    let file = fetched["files"][0].as_str().unwrap();
    bench.run(&format!("anchor verify {whose} {file}")).exits(0);
    bench.run("anchor fetch --driver corvusforge --run cf-nobody --from vault").exits(1);
    bench.run("anchor store --driver corvusforge --ledger cf/book.db --run cf-nobody --to vault").exits(1);
    bench.run(&format!("anchor store {whose}")).exits(2);
    // Receipts of another system's anchors say nothing of our own ledger's.
    assert_eq!(verified(&bench, 1)["status"], "anchor_missing");
}
