//! Every procedure that ships, its test beside it, and every example workspace: read without a single complaint.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::action::Registry;
use engine::diagnostic::Source;
use engine::parse::{Kind, Shelf, check, open};

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
