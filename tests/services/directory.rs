//! The anchor store `directory`.

use std::fs;

use super::parts::{AFTER_RUN, independence, is_kept_and_found, run, says, verified, workspace, wrong};

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
