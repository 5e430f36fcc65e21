//! Text to procedure: YAML to a tree with places, the tree to raw forms, raw forms to valid ones.
//!
//! All problems of a document are collected; a syntax error alone ends the reading. Nothing here opens a file.

pub mod format;
mod kind;
mod meaning;
pub mod node;
pub mod problems;
pub mod raw;
pub mod schema;
pub mod shape;
pub mod vocabulary;
pub mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::Registry;
use crate::diagnostic::{Diagnostic, Source};
use crate::id::Name;
use crate::procedure::Procedure;
use crate::procedure::workspace::Workspace;
use node::Node;
use problems::{Problems, structure};

/// The kinds of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A runbook.
    Procedure,
    /// Points that must all hold.
    Checklist,
    /// Cases that a procedure must pass.
    Test,
    /// The workspace file, `runwarden.yaml`.
    Workspace,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Procedure, Kind::Checklist, Kind::Test, Kind::Workspace];

    /// The kinds that a document may say it is; the workspace file is known by its name.
    pub const IN_DOCUMENTS: [Kind; 3] = [Kind::Procedure, Kind::Checklist, Kind::Test];

    /// The word for it, as in `kind:` and in the name of its schema.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Procedure => "procedure",
            Kind::Checklist => "checklist",
            Kind::Test => "test",
            Kind::Workspace => "workspace",
        }
    }
}

/// A document in its raw form.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// A procedure.
    Procedure(Box<raw::procedure::Procedure>),
    /// A checklist.
    Checklist(Box<raw::procedure::Checklist>),
    /// A test.
    Test(Box<raw::test::Test>),
    /// The workspace file.
    Workspace(Box<raw::workspace::Workspace>),
}

/// A document that was read: its tree for places, and its raw form if its structure allows one.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// What it is.
    pub kind: Kind,
    /// Its parts and their places.
    pub tree: Node,
    /// The raw form, where the structure allows one.
    pub raw: Option<Raw>,
}

impl Opened {
    /// The name it gives itself; the workspace file has none.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        match self.raw.as_ref()? {
            Raw::Procedure(raw) => Some(&raw.name),
            Raw::Checklist(raw) => Some(&raw.name),
            Raw::Test(raw) => Some(&raw.name),
            Raw::Workspace(_) => None,
        }
    }
}

/// A valid document.
#[derive(Debug, Clone)]
pub enum Document {
    /// A procedure or checklist.
    Procedure(Box<Procedure>),
    /// A test; what it names is there in the procedure it tests.
    Test(Box<raw::test::Test>),
    /// The workspace file.
    Workspace(Box<Workspace>),
}

/// The documents that others may name: those of the workspace, then those that are built in.
///
/// To read the workspace file before there is a library, give an empty one: then nothing is said of the procedures
/// that it names.
pub trait Library {
    /// The document of that name.
    fn find(&self, name: &Name) -> Option<&Opened>;

    /// Every name, for suggestions.
    fn names(&self) -> Vec<&Name>;
}

/// A library in memory; what was put in first wins.
#[derive(Debug, Default)]
pub struct Shelf {
    documents: BTreeMap<Name, Opened>,
}

impl Shelf {
    /// Puts a document in, if it has a name that is not taken. One that is wrong is put in too: who names it is told
    /// that it is, and not that there is none.
    pub fn put(&mut self, opened: Opened) {
        let written = || Name::parse(opened.tree.get("name")?.as_str()?).ok();
        if let Some(name) = opened.name().cloned().or_else(written) {
            self.documents.entry(name).or_insert(opened);
        }
    }
}

impl Library for Shelf {
    fn find(&self, name: &Name) -> Option<&Opened> {
        self.documents.get(name)
    }

    fn names(&self) -> Vec<&Name> {
        self.documents.keys().collect()
    }
}

/// Reads a document, checks its structure, and then what it means. The diagnostics are sorted; there is a document
/// only when none of them is an error.
///
/// `kind` is what the document must be (the workspace file has no `kind:` of its own); otherwise the document says.
#[must_use]
pub fn check(
    source: &Arc<Source>,
    kind: Option<Kind>,
    registry: &Registry,
    library: &dyn Library,
) -> (Option<Document>, Vec<Diagnostic>) {
    let mut problems = Problems::new(Arc::clone(source));
    let opened = read(&mut problems, kind);
    let document = opened.and_then(|opened| meaning::check(&opened, registry, library, &mut problems));
    (document, problems.into_sorted())
}

/// Reads a document and checks its structure only: what a [`Library`] is made of.
#[must_use]
pub fn open(source: &Arc<Source>, kind: Option<Kind>) -> (Option<Opened>, Vec<Diagnostic>) {
    let mut problems = Problems::new(Arc::clone(source));
    let opened = read(&mut problems, kind);
    (opened, problems.into_sorted())
}

/// The tree of a document and what it is, whatever else is wrong with it: for those who help to write one. Nothing
/// where the text is no YAML.
#[must_use]
pub fn look(text: &str, kind: Option<Kind>) -> Option<(Node, Option<Kind>)> {
    let source = Arc::new(Source { name: String::new(), text: text.to_owned() });
    let mut problems = Problems::new(source);
    let tree = yaml::read(&mut problems)?;
    let kind = kind::of(&tree, kind, &mut problems);
    Some((tree, kind))
}

/// As [`open`], into a list that is there already.
fn read(problems: &mut Problems, kind: Option<Kind>) -> Option<Opened> {
    let mut tree = yaml::read(problems)?;
    let kind = kind::of(&tree, kind, problems)?;
    let value = shape::check(kind, &mut tree, problems);
    let raw = raw_form(kind, &tree, &value, problems);
    Some(Opened { kind, tree, raw })
}

fn raw_form(kind: Kind, tree: &Node, value: &serde_json::Value, problems: &mut Problems) -> Option<Raw> {
    let filled = match kind {
        Kind::Procedure => fill(value).map(Raw::Procedure),
        Kind::Checklist => fill(value).map(Raw::Checklist),
        Kind::Test => fill(value).map(Raw::Test),
        Kind::Workspace => fill(value).map(Raw::Workspace),
    };
    match filled {
        Ok(raw) => Some(raw),
        // Where something was reported already, this is the same thing seen from elsewhere.
        Err(_) if problems.refused() => None,
        Err(error) => {
            let (span, owner) = tree.nearest(error.path().iter().filter_map(|segment| match segment {
                serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
                serde_path_to_error::Segment::Map { key } => Some(key.clone()),
                serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => None,
            }));
            let problem = structure::unfit(problems.place(span), &owner, &error.inner().to_string());
            problems.push(problem);
            None
        }
    }
}

fn fill<T: serde::de::DeserializeOwned>(
    value: &serde_json::Value,
) -> Result<Box<T>, serde_path_to_error::Error<serde_json::Error>> {
    // Where in the value something is wrong is followed only where something is.
    T::deserialize(value).or_else(|_| serde_path_to_error::deserialize(value)).map(Box::new)
}

#[cfg(test)]
mod tests;
