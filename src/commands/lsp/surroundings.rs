//! What there is around a document: its workspace and the procedures it may name, with what the editor has not saved
//! yet in place of the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::action::Registry;
use engine::assist::World;
use engine::diagnostic::{Diagnostic, Source};
use engine::library::{Folder, Library};
use engine::parse::node::Node;
use engine::parse::{self, Kind, yaml};
use engine::procedure::workspace::FILE;

use super::documents::{Document, Documents};
use crate::commands::check;
use crate::files::shown;
use crate::shipped;
use crate::workspace;

/// What a document has around it.
pub struct Surroundings {
    library: Library,
    workspace: Option<Node>,
    /// The folders of procedures that the workspace file names.
    folders: Vec<Folder>,
}

impl Surroundings {
    /// Around a document. A folder that cannot be listed has no procedures here; `check` says so.
    pub fn of(document: &Document, documents: &Documents, said: Option<&Path>) -> Self {
        let found = document.path.as_deref().and_then(|path| workspace_of(path, documents, said));
        let source = found.as_deref().and_then(|path| source(path, documents));
        let file = source.as_ref().and_then(|source| workspace::check_source(source).0);
        let workspace = source.and_then(|source| parse::look(&source.text, Some(Kind::Workspace)));
        let own: Vec<PathBuf> = document.path.clone().filter(|_| !document.is_workspace()).into_iter().collect();
        let folders = check::folders(found.as_deref(), file, &[]);
        let all = [folders.as_slice(), &check::folders(None, None, &own)].concat();
        let mut library = Library::new(&all, &shipped::procedures())
            .or_else(|_| Library::new(&[], &shipped::procedures()))
            .unwrap_or_default();
        for open in documents.iter() {
            if let Some(path) = &open.path {
                library.lay_over(&all, path, &open.text);
            }
        }
        Self { library, workspace: workspace.map(|(tree, _)| tree), folders }
    }

    /// The procedures that can be named.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// What the engine needs to know to help.
    pub fn world<'a>(&'a self, registry: &'a Registry) -> World<'a> {
        World { registry, library: &self.library, workspace: self.workspace.as_ref(), page: shipped::action_page }
    }

    /// Whether a document is one of ours, and no YAML of somebody else: a workspace file, one that says it is ours, or
    /// one in a folder of procedures of a workspace.
    pub fn is_ours(&self, document: &Document) -> bool {
        let says = document.text.lines().any(|line| line.trim_start_matches('\u{feff}').starts_with("runwarden:"));
        let in_folder = |path: &PathBuf| self.folders.iter().any(|folder| path.starts_with(&folder.path));
        document.is_workspace() || says || document.path.as_ref().is_some_and(in_folder)
    }

    /// What is wrong with a document: the same as `check` says.
    pub fn check(&self, document: &Document, registry: &Registry) -> Vec<Diagnostic> {
        if !self.is_ours(document) {
            return Vec::new();
        }
        match source_of(document) {
            Ok(source) if document.is_workspace() => workspace::check_source(&source).1,
            Ok(source) => parse::check(&source, None, registry, &self.library).1,
            Err(problem) => vec![*problem],
        }
    }
}

/// The text of a document under the name that messages call it.
fn source_of(document: &Document) -> Result<Arc<Source>, Box<Diagnostic>> {
    let name = document.path.as_deref().map_or_else(|| "<unsaved>".to_owned(), shown);
    yaml::source(&name, document.text.clone().into_bytes())
}

/// The workspace file of a path: as said, or the first one upwards.
fn workspace_of(path: &Path, documents: &Documents, said: Option<&Path>) -> Option<PathBuf> {
    if let Some(said) = said {
        return Some(crate::files::absolute(said));
    }
    let is_there = |path: &PathBuf| path.is_file() || documents.at(path).is_some();
    path.ancestors().skip(1).map(|folder| folder.join(FILE)).find(is_there)
}

fn source(path: &Path, documents: &Documents) -> Option<Arc<Source>> {
    match documents.at(path) {
        Some(document) => source_of(document).ok(),
        None => yaml::source(&shown(path), engine::library::read_file(path).ok()?).ok(),
    }
}
