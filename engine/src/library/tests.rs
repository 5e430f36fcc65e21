//! Documents by name: folders in order, what is built in last, and everything that a procedure calls.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Error, Folder, Library, Origin};
use crate::action::Registry;
use crate::id::Name;

const LEAF: &str = "runwarden: v1\nkind: procedure\nname: NAME\ntitle: A leaf\nversion: 1.0.0\nsummary: Waits.\n\
    owner: ops\nrisk: low\nsteps:\n  - id: pause\n    wait: 1s\n";

fn leaf(name: &str) -> String {
    LEAF.replace("NAME", name)
}

fn caller(name: &str, callee: &str) -> String {
    leaf(name).replace("wait: 1s", &format!("call: {callee}"))
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn of(path: &Path) -> Folder {
    Folder { path: path.to_owned(), shown: "procedures".to_owned() }
}

#[test]
fn a_name_is_a_path_below_the_folder() {
    let folder = folder(&[("kora/clear.yaml", &leaf("kora.clear")), ("kora/clear.test.yaml", ""), ("notes.txt", "")]);
    let library = Library::new(&[of(folder.path())], &[]).unwrap();
    assert_eq!(library.list().collect::<Vec<_>>(), [&name("kora.clear")]);
    assert_eq!(library.origin(&name("kora.clear")), Some(&Origin::File("procedures/kora/clear.yaml".to_owned())));
}

#[test]
fn files_that_no_name_leads_to_are_told() {
    let folder = folder(&[("Deploy-Now.yaml", ""), ("a.b.yaml", ""), (".hidden.yaml", ""), ("ok.yaml", &leaf("ok"))]);
    let library = Library::new(&[of(folder.path())], &[]).unwrap();
    assert_eq!(library.unnamed(), ["procedures/Deploy-Now.yaml", "procedures/a.b.yaml"]);
}

#[test]
fn the_first_folder_wins_and_what_is_built_in_comes_last() {
    let (first, second) = (folder(&[("a.yaml", &leaf("a"))]), folder(&[("a.yaml", ""), ("b.yaml", &leaf("b"))]));
    let folders = [of(first.path()), of(second.path())];
    let library =
        Library::new(&folders, &[("b.yaml", "other".as_bytes()), ("c.yaml", "runwarden: v1".as_bytes())]).unwrap();
    assert_eq!(library.source(&name("a")).unwrap().text, leaf("a"));
    assert!(library.shadows_built_in(&name("b")) && !library.shadows_built_in(&name("c")));
    assert_eq!(library.origin(&name("c")), Some(&Origin::BuiltIn));
    assert_eq!(library.origin(&name("c")).unwrap().to_string(), "built in");
}

#[test]
fn a_procedure_comes_with_all_that_it_calls() {
    let folder = folder(&[("top.yaml", &caller("top", "middle")), ("middle.yaml", &caller("middle", "leaf"))]);
    let text: &'static str = Box::leak(leaf("leaf").into_boxed_str());
    let library = Library::new(&[of(folder.path())], &[("leaf.yaml", text.as_bytes())]).unwrap();
    let loaded = library.load(&name("top"), &Registry::builtin()).unwrap();
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.procedures.keys().map(Name::as_str).collect::<Vec<_>>(), ["leaf", "middle", "top"]);
}

#[test]
fn errors_in_what_is_called_refuse_the_caller() {
    let broken = leaf("leaf").replace("wait: 1s", "wiat: 1s");
    let folder = folder(&[("top.yaml", &caller("top", "leaf")), ("leaf.yaml", &broken)]);
    let library = Library::new(&[of(folder.path())], &[]).unwrap();
    let loaded = library.load(&name("top"), &Registry::builtin()).unwrap();
    assert!(loaded.is_refused());
    assert!(
        loaded
            .diagnostics
            .iter()
            .any(|found| found.code == "unknown-key" && found.place.source.name == "procedures/leaf.yaml")
    );
}

#[test]
fn procedures_that_call_in_a_circle_are_refused_and_end() {
    let folder = folder(&[("a.yaml", &caller("a", "b")), ("b.yaml", &caller("b", "a"))]);
    let library = Library::new(&[of(folder.path())], &[]).unwrap();
    assert!(library.load(&name("a"), &Registry::builtin()).unwrap().is_refused());
}

#[test]
fn what_is_not_there_is_named_with_what_may_be_meant() {
    let folder = folder(&[("kora/clear_pause.yaml", &leaf("kora.clear_pause"))]);
    let library = Library::new(&[of(folder.path())], &[]).unwrap();
    let error = library.load(&name("kora.clear_puase"), &Registry::builtin()).unwrap_err();
    assert_eq!(error.to_string(), "procedure `kora.clear_puase` does not exist; did you mean `kora.clear_pause`?");
}

#[test]
fn a_pipe_in_place_of_a_document_is_refused_without_waiting() {
    let folder = folder(&[]);
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("p.yaml")).status().unwrap();
    assert!(made.success());
    let library = Library::new(&[of(folder.path())], &[]).unwrap();
    let error = library.load(&name("p"), &Registry::builtin()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn folders_that_lead_in_circles_come_to_an_end() {
    let folder = folder(&[("a/b.yaml", &leaf("a.b"))]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/again")).unwrap();
    let library = Library::new(&[of(folder.path())], &[]).unwrap();
    assert!(library.origin(&name("a.b")).is_some());
}

#[test]
fn a_folder_that_is_not_there_has_no_documents() {
    let folder = folder(&[]);
    assert_eq!(Library::new(&[of(&folder.path().join("none"))], &[]).unwrap().list().count(), 0);
}

/// The name in a document's text.
fn title(library: &Library, of: &str) -> Option<String> {
    let source = library.source(&name(of)).ok()?;
    source.text.lines().find_map(|line| line.strip_prefix("title: ")).map(str::to_owned)
}

#[test]
fn an_unsaved_text_stands_before_its_file() {
    let folder = folder(&[("a.yaml", &leaf("a")), ("b.yaml", &caller("b", "a"))]);
    let folders = [of(folder.path())];
    let mut library = Library::new(&folders, &[]).unwrap();
    library.lay_over(&folders, &folder.path().join("a.yaml"), &leaf("a").replace("A leaf", "Unsaved"));
    assert_eq!(title(&library, "a").as_deref(), Some("Unsaved"));
    assert_eq!(title(&library, "b").as_deref(), Some("A leaf"));
    // What is read is read once.
    library.lay_over(&folders, &folder.path().join("b.yaml"), "");
    assert_eq!(title(&library, "b").as_deref(), Some("A leaf"));
}

#[test]
fn an_unsaved_text_needs_no_file_but_a_name() {
    let (first, second) = (folder(&[("a.yaml", &leaf("a"))]), folder(&[]));
    let folders = [of(first.path()), of(second.path())];
    let mut library = Library::new(&folders, &[("b.yaml", "title: Built in\n".as_bytes())]).unwrap();
    library.lay_over(&folders, &second.path().join("ops/new.yaml"), &leaf("ops.new"));
    library.lay_over(&folders, &second.path().join("a.yaml"), "title: Second\n");
    library.lay_over(&folders, &second.path().join("b.yaml"), "title: Mine\n");
    library.lay_over(&folders, &second.path().join("ops/new.test.yaml"), "");
    library.lay_over(&folders, Path::new("/elsewhere/c.yaml"), "");
    assert_eq!(library.list().collect::<Vec<_>>(), [&name("a"), &name("b"), &name("ops.new")]);
    assert_eq!(library.origin(&name("ops.new")), Some(&Origin::File("procedures/ops/new.yaml".to_owned())));
    assert_eq!(title(&library, "a").as_deref(), Some("A leaf"));
    assert_eq!(title(&library, "b").as_deref(), Some("Mine"));
    assert!(library.check(&name("ops.new"), &Registry::builtin()).unwrap().0.is_some());
}
