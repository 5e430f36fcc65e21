//! Finds documents by name: those in the workspace's folders first, then those that are built in.
//!
//! A name is a path: `kora.dr_epoch_bump` is `kora/dr_epoch_bump.yaml` in one of the folders, and the first folder that
//! has it wins. A document is opened when it is first asked for. What a document means is for `parse` to say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::action::Registry;
use crate::diagnostic::{Diagnostic, Severity, Source, did_you_mean, sort};
use crate::id::Name;
use crate::parse::{self, Document, Opened};
use crate::procedure::step::{Body, Step, Undo};
use crate::procedure::{Procedure, Work};

pub mod frozen;
pub mod head;
mod unsaved;

/// How deep folders are looked into: deeper than any name, and an end to links that lead in circles.
const DEEPEST: usize = 16;

/// A folder with documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in messages.
    pub shown: String,
}

/// Where a document came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file, by the path that messages call it.
    File(String),
    /// The program itself.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// Why a document could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none of that name.
    #[error("procedure `{name}` does not exist{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: Name,
        /// What may have been meant.
        near: Option<Name>,
    },
    /// A file or folder cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// Which.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is a document of that name, and it is no procedure or checklist.
    #[error("`{name}` ({origin}) is a {kind}, not a procedure")]
    NotAProcedure {
        /// What was asked for.
        name: Name,
        /// Where it is.
        origin: Origin,
        /// What it is.
        kind: &'static str,
    },
}

/// The documents that can be named.
#[derive(Debug, Default)]
pub struct Library {
    entries: BTreeMap<Name, Entry>,
    unnamed: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    origin: Origin,
    place: Place,
    shadows: bool,
    read: OnceLock<Read>,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    BuiltIn(&'static [u8]),
}

/// What reading a document came to.
#[derive(Debug)]
enum Read {
    Text { source: Arc<Source>, opened: Option<Box<Opened>> },
    Refused(Box<Diagnostic>),
    Failed(io::ErrorKind, String),
}

/// A procedure with everything that it calls.
#[derive(Debug)]
pub struct Loaded {
    /// Where the procedure itself came from.
    pub origin: Origin,
    /// It and all that it calls; without those that have errors.
    pub procedures: BTreeMap<Name, Arc<Procedure>>,
    /// What is wrong with them, sorted.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// Whether any of them is refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl Library {
    /// The documents of these folders and those that are built in (path below their folder, and text). Nothing is
    /// opened yet. A folder that does not exist has no documents.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn new(folders: &[Folder], built_in: &[(&'static str, &'static [u8])]) -> Result<Self, Error> {
        let mut library = Self::default();
        for folder in folders {
            library.take_folder(&folder.path, &folder.shown, &mut Vec::new())?;
        }
        for (path, text) in built_in.iter().filter(|(path, _)| !path.ends_with(".test.yaml")) {
            let parts: Vec<&str> = path.split('/').collect();
            let Some(name) = name_of(&parts) else { continue };
            match library.entries.get_mut(&name) {
                Some(entry) => entry.shadows = true,
                None => library.put(name, Origin::BuiltIn, Place::BuiltIn(text)),
            }
        }
        Ok(library)
    }

    fn put(&mut self, name: Name, origin: Origin, place: Place) {
        let entry = Entry { origin, place, shadows: false, read: OnceLock::new() };
        self.entries.insert(name, entry);
    }

    fn take_folder(&mut self, path: &Path, shown: &str, above: &mut Vec<String>) -> Result<(), Error> {
        let failed = |source| Error::Io { path: shown.to_owned(), source };
        let listing = match fs::read_dir(path) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound && above.is_empty() => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let mut found = Vec::new();
        for entry in listing {
            let entry = entry.map_err(failed)?;
            found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
        found.sort();
        for (file, path) in found.into_iter().filter(|(file, _)| !file.starts_with('.')) {
            let shown = join(shown, &file);
            if path.is_dir() {
                if above.len() < DEEPEST {
                    above.push(file);
                    self.take_folder(&path, &shown, above)?;
                    above.pop();
                }
            } else if file.ends_with(".yaml") && !file.ends_with(".test.yaml") {
                let parts: Vec<&str> = above.iter().map(String::as_str).chain([file.as_str()]).collect();
                match name_of(&parts) {
                    Some(name) if self.entries.contains_key(&name) => self.unnamed.push(shown),
                    Some(name) => self.put(name, Origin::File(shown), Place::File(path)),
                    None => self.unnamed.push(shown),
                }
            }
        }
        Ok(())
    }

    /// Every name, sorted.
    pub fn list(&self) -> impl Iterator<Item = &Name> {
        self.entries.keys()
    }

    /// Files that no name leads to: their path is no name, or an earlier folder has it.
    #[must_use]
    pub fn unnamed(&self) -> &[String] {
        &self.unnamed
    }

    /// Where the document of that name came from.
    #[must_use]
    pub fn origin(&self, name: &Name) -> Option<&Origin> {
        self.entries.get(name).map(|entry| &entry.origin)
    }

    /// The file of the document of that name; none of what is built in.
    #[must_use]
    pub fn file(&self, name: &Name) -> Option<&Path> {
        match &self.entries.get(name)?.place {
            Place::File(path) => Some(path),
            Place::BuiltIn(_) => None,
        }
    }

    /// Whether a file of the workspace stands in front of what is built in under that name.
    #[must_use]
    pub fn shadows_built_in(&self, name: &Name) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.shadows)
    }

    /// The text of a document.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn source(&self, name: &Name) -> Result<Arc<Source>, Error> {
        let entry = self.entry(name)?;
        match self.read(name, entry) {
            Read::Text { source, .. } => Ok(Arc::clone(source)),
            Read::Refused(problem) => Ok(Arc::clone(&problem.place.source)),
            Read::Failed(kind, message) => Err(io_error(entry, *kind, message)),
        }
    }

    /// What is wrong with a document, and the document where nothing is.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn check(&self, name: &Name, registry: &Registry) -> Result<(Option<Document>, Vec<Diagnostic>), Error> {
        let entry = self.entry(name)?;
        match self.read(name, entry) {
            Read::Text { source, .. } => Ok(parse::check(source, None, registry, self)),
            Read::Refused(problem) => Ok((None, vec![(**problem).clone()])),
            Read::Failed(kind, message) => Err(io_error(entry, *kind, message)),
        }
    }

    /// A procedure or checklist, and everything that it calls.
    ///
    /// # Errors
    /// When there is none of that name, it is neither, or a file cannot be read. What is wrong with the documents is in
    /// what comes back.
    pub fn load(&self, name: &Name, registry: &Registry) -> Result<Loaded, Error> {
        let origin = self.entry(name)?.origin.clone();
        let mut loaded = Loaded { origin, procedures: BTreeMap::new(), diagnostics: Vec::new() };
        let mut seen: BTreeSet<Name> = BTreeSet::new();
        let mut wanted = vec![name.clone()];
        while let Some(next) = wanted.pop() {
            if !seen.insert(next.clone()) {
                continue;
            }
            // A call that leads nowhere has been reported where it stands.
            let Some(entry) = self.entries.get(&next) else { continue };
            let (document, diagnostics) = self.check(&next, registry)?;
            loaded.diagnostics.extend(diagnostics);
            match document {
                Some(Document::Procedure(procedure)) => {
                    wanted.extend(calls(&procedure));
                    loaded.procedures.insert(next, Arc::from(procedure));
                }
                Some(Document::Test(_)) => return Err(not_a_procedure(next, entry, "test")),
                Some(Document::Workspace(_)) => return Err(not_a_procedure(next, entry, "workspace file")),
                None => {}
            }
        }
        sort(&mut loaded.diagnostics);
        Ok(loaded)
    }

    fn entry(&self, name: &Name) -> Result<&Entry, Error> {
        self.entries.get(name).ok_or_else(|| {
            let known = self.entries.keys().map(Name::as_str);
            let near = did_you_mean(name.as_str(), known).and_then(|near| Name::parse(near).ok());
            Error::Unknown { name: name.clone(), near }
        })
    }

    fn read<'a>(&self, name: &Name, entry: &'a Entry) -> &'a Read {
        entry.read.get_or_init(|| {
            let bytes = match &entry.place {
                Place::BuiltIn(text) => Ok(text.to_vec()),
                Place::File(path) => read_file(path),
            };
            let shown = match &entry.origin {
                Origin::File(path) => path.clone(),
                Origin::BuiltIn => format!("<{name}>"),
            };
            match bytes.map(|bytes| parse::yaml::source(&shown, bytes)) {
                Ok(Ok(source)) => {
                    let opened = parse::open(&source, None).0.map(Box::new);
                    Read::Text { source, opened }
                }
                Ok(Err(problem)) => Read::Refused(problem),
                Err(error) => Read::Failed(error.kind(), error.to_string()),
            }
        })
    }
}

impl parse::Library for Library {
    fn find(&self, name: &Name) -> Option<&Opened> {
        match self.read(name, self.entries.get(name)?) {
            Read::Text { opened, .. } => opened.as_deref(),
            Read::Refused(_) | Read::Failed(..) => None,
        }
    }

    fn names(&self) -> Vec<&Name> {
        self.entries.keys().collect()
    }
}

/// The bytes of a document; one byte more than is allowed is enough to refuse it.
///
/// # Errors
/// When it cannot be read, or is no regular file.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    // Asked before it is opened: opening a pipe waits for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(parse::yaml::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The name that a path below a folder stands for.
fn name_of(parts: &[&str]) -> Option<Name> {
    let name = parts.join(".");
    let name = name.strip_suffix(".yaml").filter(|name| !name.ends_with(".test"))?;
    let ids = parts.iter().enumerate().all(|(at, part)| {
        let part = if at + 1 == parts.len() { part.strip_suffix(".yaml").unwrap_or(part) } else { part };
        !part.contains('.')
    });
    if ids { Name::parse(name).ok() } else { None }
}

fn join(folder: &str, file: &str) -> String {
    match folder {
        "" | "." => file.to_owned(),
        _ => format!("{}/{file}", folder.trim_end_matches('/')),
    }
}

fn io_error(entry: &Entry, kind: io::ErrorKind, message: &str) -> Error {
    Error::Io { path: entry.origin.to_string(), source: io::Error::new(kind, message.to_owned()) }
}

fn not_a_procedure(name: Name, entry: &Entry, kind: &'static str) -> Error {
    Error::NotAProcedure { name, origin: entry.origin.clone(), kind }
}

/// The procedures that a procedure calls, in undo too.
fn calls(procedure: &Procedure) -> Vec<Name> {
    let mut found = Vec::new();
    if let Work::Steps(work) = &procedure.work {
        work.steps.iter().chain(&work.finally).for_each(|step| calls_of_step(step, &mut found));
    }
    found
}

fn calls_of_step(step: &Step, found: &mut Vec<Name>) {
    calls_of_body(&step.body, found);
    if let Undo::Bodies(bodies) = &step.undo {
        bodies.iter().for_each(|body| calls_of_body(body, found));
    }
}

fn calls_of_body(body: &Body, found: &mut Vec<Name>) {
    match body {
        Body::Call { procedure, .. } => found.push(procedure.clone()),
        Body::Parallel(steps) => steps.iter().for_each(|step| calls_of_step(step, found)),
        Body::Action(_) | Body::Manual(_) | Body::Wait(_) => {}
    }
}

#[cfg(test)]
mod tests;
