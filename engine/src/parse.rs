//! Text to procedure: YAML to a tree with places, the tree to raw forms, raw forms to valid ones.
//!
//! All problems of a document are collected; a syntax error alone ends the reading. Nothing here opens a file.

mod kind;
pub mod node;
pub mod problems;
pub mod raw;
pub mod schema;
pub mod shape;
pub mod yaml;

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

/// A document whose structure has been looked at: its tree for places, and its raw form if it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// Its parts and their places.
    pub tree: Node,
    /// The document with its mistyped keys put right, as a value; extension keys are gone.
    pub value: serde_json::Value,
    /// The raw form, where the structure allows one.
    pub raw: Option<Raw>,
}

/// Reads a document and checks its structure; what is wrong goes to `problems`.
///
/// `kind` is what the document must be (the workspace file has no `kind:` of its own); otherwise the document says.
pub fn read(problems: &mut Problems, kind: Option<Kind>) -> Option<Document> {
    let tree = yaml::read(problems)?;
    let kind = kind::of(&tree, kind, problems)?;
    let value = shape::check(kind, &tree, problems);
    let raw = raw_form(kind, &tree, &value, problems);
    Some(Document { kind, tree, value, raw })
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
    serde_path_to_error::deserialize(value).map(Box::new)
}

#[cfg(test)]
mod tests;
