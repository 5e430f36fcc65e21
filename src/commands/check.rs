//! `check`: what is wrong with documents. It looks at no machine and asks no ledger.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::action::Registry;
use engine::diagnostic::{Diagnostic, Severity, sort};
use engine::library::{self, Folder, Library};
use engine::parse;
use engine::procedure::workspace::{FILE, Workspace as File};
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::args::Check;
use crate::exit::Exit;
use crate::files::{absolute, shown};
use crate::refusal::Refusal;
use crate::ui::{count, diagnostics};
use crate::{many, shipped, workspace};

/// What `check` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// How many files were checked.
    files: usize,
    /// What is wrong with them, by file and place.
    diagnostics: Vec<diagnostics::View>,
}

pub fn run(context: &Context, args: &Check) -> Result<Exit, Refusal> {
    let found = workspace::find(context.global.workspace.as_deref())?;
    let files = match args.paths.as_slice() {
        [] => files_of_workspace(found.as_deref())?,
        paths => files_of(paths)?,
    };
    if files.is_empty() {
        return Err(Refusal::invalid("nothing-checked", "there is no document to check")
            .help("documents end in `.yaml`; name files or folders that have some"));
    }
    let library = library_for(found.as_deref(), &args.paths)?;
    let registry = Registry::builtin();
    let mut all = Vec::new();
    for found in many::each(&files, |file| check_file(file, &registry, &library)) {
        all.extend(found?);
    }
    sort(&mut all);
    report(context, files.len(), &all);
    let refused = all.iter().any(|found| found.severity == Severity::Error);
    Ok(if refused { Exit::Invalid } else { Exit::Done })
}

fn report(context: &Context, files: usize, all: &[Diagnostic]) {
    let ui = &context.ui;
    if !ui.is_human() {
        return ui.json(&View { files, diagnostics: all.iter().map(diagnostics::View::from).collect() });
    }
    if !all.is_empty() {
        ui.error(&format!("{}\n", diagnostics::render_all(all, ui.err)));
    }
    let checked = format!("checked {}", count(files, "file"));
    match diagnostics::totals(all) {
        Some(totals) => ui.error(&format!("{checked}: {totals}")),
        None => ui.note(&format!("{checked}: no problems")),
    }
}

fn check_file(path: &Path, registry: &Registry, library: &Library) -> Result<Vec<Diagnostic>, Refusal> {
    if path.file_name().is_some_and(|name| name == FILE) {
        return Ok(workspace::check(path)?.1);
    }
    let bytes = library::read_file(path).map_err(|error| Refusal::io("read", path, &error))?;
    Ok(match parse::yaml::source(&shown(path), bytes) {
        Ok(source) => parse::check(&source, None, registry, library).1,
        Err(problem) => vec![*problem],
    })
}

/// The procedures that documents may call: the workspace's, what lies in the folders that are checked, what is built
/// in.
pub(super) fn library_for(found: Option<&Path>, paths: &[PathBuf]) -> Result<Library, Refusal> {
    let file = match found {
        Some(path) => workspace::check(path)?.0,
        None => None,
    };
    Ok(Library::new(&folders(found, file, paths), &shipped::procedures())?)
}

/// The folders of those procedures: what the workspace file says, if it is there and valid, and where the paths are.
pub(super) fn folders(found: Option<&Path>, file: Option<File>, paths: &[PathBuf]) -> Vec<Folder> {
    let mut folders = Vec::new();
    if let (Some(path), Some(file)) = (found, file) {
        let root = path.parent().unwrap_or(Path::new("/")).to_owned();
        folders = workspace::Workspace { path: path.to_owned(), root, file: Arc::new(file) }.folders();
    }
    folders.extend(paths.iter().filter_map(|path| root_of(path)));
    folders
}

/// The folder that the names of what lies here begin at: the nearest `procedures` upwards, else the folder itself.
fn root_of(path: &Path) -> Option<Folder> {
    let path = absolute(path);
    let folder = if path.is_dir() { path.as_path() } else { path.parent()? };
    let root = folder.ancestors().find(|above| above.file_name().is_some_and(|name| name == "procedures"));
    let root = root.unwrap_or(folder).to_owned();
    Some(Folder { shown: shown(&root), path: root })
}

pub(super) fn files_of_workspace(found: Option<&Path>) -> Result<Vec<PathBuf>, Refusal> {
    let Some(path) = found else {
        return Err(Refusal::invalid("no-workspace", format!("there is no {FILE} here or in a folder above"))
            .help("name files or folders to check, or make a workspace with `runwarden init`"));
    };
    let mut files = BTreeSet::from([path.to_owned()]);
    if let (Some(file), _) = workspace::check(path)? {
        let root = path.parent().unwrap_or(Path::new("/"));
        for folder in file.procedures.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir()) {
            collect(&folder, &mut files, 0)?;
        }
    }
    Ok(files.into_iter().collect())
}

pub(super) fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    let mut files = BTreeSet::new();
    for path in paths {
        let path = absolute(path);
        let metadata = std::fs::metadata(&path).map_err(|error| Refusal::io("read", &path, &error))?;
        if metadata.is_dir() {
            collect(&path, &mut files, 0)?;
        } else {
            files.insert(path);
        }
    }
    Ok(files.into_iter().collect())
}

/// How deep folders are looked into.
const DEEPEST: usize = 16;

/// The documents in a folder and below it; hidden ones are nobody's.
fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>, depth: usize) -> Result<(), Refusal> {
    let listing = std::fs::read_dir(folder).map_err(|error| Refusal::io("list", folder, &error))?;
    for entry in listing {
        let path = entry.map_err(|error| Refusal::io("list", folder, &error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if depth < DEEPEST {
                collect(&path, files, depth + 1)?;
            }
        } else if name.ends_with(".yaml") || name.ends_with(".yml") {
            files.insert(path);
        }
    }
    Ok(())
}
