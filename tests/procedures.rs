//! Every procedure that ships, its test beside it, and every example workspace: read without a single complaint. The
//! tests pass, reach every guard, and notice when a guard or check is taken away.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::action::Registry;
use engine::diagnostic::Source;
use engine::id::Name;
use engine::library::{Folder, Library};
use engine::parse::raw::test::Test;
use engine::parse::{Document, Kind, Shelf, check, open};
use engine::procedure::Procedure;
use engine::rehearse::coverage::{self, Point};
use engine::rehearse::{Ending, Outcome, Rehearsal, reread};
use serde_json::Value;

#[path = "../src/exit.rs"]
mod exit;
#[path = "procedures/slips.rs"]
mod slips;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every YAML file below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            // Hidden files are other programs'.
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn source(path: &Path) -> Arc<Source> {
    let name = path.strip_prefix(root()).unwrap().display().to_string();
    Arc::new(Source { name, text: fs::read_to_string(path).unwrap() })
}

fn is_workspace(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "runwarden.yaml")
}

#[test]
fn what_ships_is_read_without_a_complaint() {
    let registry = Registry::builtin();
    let paths: Vec<PathBuf> =
        ["procedures", "examples"].iter().flat_map(|folder| files(&root().join(folder))).collect();
    let mut shelf = Shelf::default();
    for path in paths.iter().filter(|path| !is_workspace(path)) {
        if let (Some(opened), _) = open(&source(path), None) {
            shelf.put(opened);
        }
    }
    let mut complaints = Vec::new();
    for path in &paths {
        let kind = is_workspace(path).then_some(Kind::Workspace);
        let (document, problems) = check(&source(path), kind, &registry, &shelf);
        complaints.extend(problems.iter().map(|problem| {
            let (line, column) = problem.place.line_column();
            format!("{}:{line}:{column}: {}: {}", path.display(), problem.code, problem.message)
        }));
        if document.is_none() && problems.is_empty() {
            complaints.push(format!("{}: nothing was read, and nobody said why", path.display()));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_procedure_has_a_test_beside_it_and_names_its_schema() {
    let mut missing = Vec::new();
    for path in files(&root().join("procedures")) {
        let text = fs::read_to_string(&path).unwrap();
        let is_test = path.to_str().unwrap().ends_with(".test.yaml");
        let kind = if is_test {
            "test"
        } else if text.contains("\nkind: checklist\n") {
            "checklist"
        } else {
            "procedure"
        };
        let schema = format!("# yaml-language-server: $schema=../../schemas/{kind}.schema.json\n");
        if !text.starts_with(&schema) {
            missing.push(format!("{}: does not begin with `{}`", path.display(), schema.trim_end()));
        }
        if !is_test && !path.with_extension("test.yaml").exists() {
            missing.push(format!("{}: has no test beside it", path.display()));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The shipped procedures as a library, and the tests beside them.
struct Shipped {
    registry: Registry,
    library: Library,
    tests: Vec<Test>,
}

impl Shipped {
    fn read() -> Self {
        let registry = Registry::builtin();
        let folder = Folder { path: root().join("procedures"), shown: "procedures".to_owned() };
        let library = Library::new(&[folder], &[]).unwrap();
        let is_test = |path: &PathBuf| path.to_str().unwrap().ends_with(".test.yaml");
        let test = |path: PathBuf| match check(&source(&path), None, &registry, &library).0 {
            Some(Document::Test(test)) => *test,
            _ => unreachable!("{} is no test", path.display()),
        };
        let tests = files(&root().join("procedures")).into_iter().filter(is_test).map(test).collect();
        Self { registry, library, tests }
    }

    fn procedures(&self, test: &Test) -> BTreeMap<Name, Arc<Procedure>> {
        self.library.load(&test.procedure, &self.registry).unwrap().procedures
    }

    /// What comes of the cases of a test, one after another.
    fn outcomes<'a>(
        &'a self,
        test: &'a Test,
        procedures: &'a BTreeMap<Name, Arc<Procedure>>,
    ) -> impl Iterator<Item = Outcome> + 'a {
        test.cases.iter().map(move |case| {
            let exit = |ending: Ending<'_>| match ending {
                Ending::Run(status, failure) => exit::Exit::of_run(status, failure).code(),
                Ending::NoPlan(error) => exit::Exit::of_no_plan(error).code(),
            };
            let (registry, library, procedure) = (&self.registry, &self.library, &test.procedure);
            Rehearsal { registry, library, procedures, procedure, exit: &exit }.run(test.defaults.as_ref(), case)
        })
    }
}

#[test]
fn the_tests_of_what_ships_pass() {
    let shipped = Shipped::read();
    let mut failed = Vec::new();
    for test in &shipped.tests {
        let procedures = shipped.procedures(test);
        for outcome in shipped.outcomes(test, &procedures).filter(|outcome| !outcome.has_passed()) {
            failed.push(format!("{}: {outcome:#?}", test.procedure));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_tests_of_what_ships_reach_everything() {
    let shipped = Shipped::read();
    let mut missed = Vec::new();
    for test in &shipped.tests {
        let procedures = shipped.procedures(test);
        let reached: BTreeSet<Point> =
            shipped.outcomes(test, &procedures).flat_map(|outcome| outcome.reached).collect();
        let points = coverage::points(&procedures[&test.procedure]);
        let missing = points.into_iter().filter(|point| !reached.contains(point));
        missed.extend(missing.map(|point| format!("{}: {point:?}", test.procedure)));
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Takes away each guard, precondition, check of a `verify` and item in turn; gives what was taken and what is left.
fn without_one(document: &Value, at: &str) -> Vec<(String, Value)> {
    let mut changed = Vec::new();
    match document {
        Value::Object(members) => {
            for (key, member) in members {
                let place = format!("{at}/{key}");
                let lists = ["do_not", "preconditions", "verify", "items"];
                if let (true, Value::Array(items)) = (lists.contains(&key.as_str()), member) {
                    for index in 0..items.len() {
                        let mut left = items.clone();
                        let taken = left.remove(index);
                        let mut members = members.clone();
                        match left.is_empty() {
                            true => drop(members.shift_remove(key)),
                            false => drop(members.insert(key.clone(), Value::Array(left))),
                        }
                        changed.push((format!("{place}/{}", taken["id"]), Value::Object(members)));
                    }
                    continue;
                }
                for (taken, left) in without_one(member, &place) {
                    let mut members = members.clone();
                    members.insert(key.clone(), left);
                    changed.push((taken, Value::Object(members)));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                for (taken, left) in without_one(item, &format!("{at}/{index}")) {
                    let mut items = items.clone();
                    items[index] = left;
                    changed.push((taken, Value::Array(items)));
                }
            }
        }
        _ => {}
    }
    changed
}

#[test]
fn a_guard_or_check_that_is_taken_away_is_missed() {
    let shipped = Shipped::read();
    let (mut unnoticed, mut count) = (Vec::new(), 0);
    for test in &shipped.tests {
        let mut procedures = shipped.procedures(test);
        let whole = Arc::clone(&procedures[&test.procedure]);
        for (taken, left) in without_one(&whole.document, "") {
            count += 1;
            // What is no valid procedure any more is refused before anything runs.
            let Ok(changed) = reread(&whole, &left, &shipped.registry, &shipped.library) else { continue };
            procedures.insert(test.procedure.clone(), Arc::new(changed));
            if shipped.outcomes(test, &procedures).all(|outcome| outcome.has_passed()) {
                unnoticed.push(format!("{}: {taken}", test.procedure));
            }
        }
    }
    assert!(count > 20, "only {count} were taken away");
    assert!(unnoticed.is_empty(), "no case notices that these are gone:\n{}", unnoticed.join("\n"));
}
