//! Raw forms to valid ones: every expression read, every name found, everything that can be known without the world
//! checked. All problems are reported; a valid form comes out only when there are none.
//!
//! What a document *does* is not decided here: that is the plan's.

pub(super) mod at;
mod call;
mod check;
mod document;
mod draft;
mod guard;
mod input;
mod names;
mod parameter;
mod scope;
mod step;
mod test;
mod words;
mod workspace;

use std::ops::Range;

use indexmap::IndexMap;

use super::problems::{Problems, meaning as problem};
use super::raw::parameter::Parameters;
use super::raw::procedure::{Secret, Target};
use super::raw::step::Step;
use super::raw::words::Variable;
use super::{Document, Library, Opened, Raw};
use crate::action::Registry;
use crate::diagnostic::Place;
use crate::id::Id;
use at::At;
use names::Names;

/// Checks what an opened document means.
pub(super) fn check(
    opened: &Opened,
    registry: &Registry,
    library: &dyn Library,
    problems: &mut Problems,
) -> Option<Document> {
    let raw = opened.raw.as_ref()?;
    let at = At::root(&opened.tree);
    let names = Names::of(&Common::of(raw), registry, library);
    let draft = draft::is_draft(raw);
    let mut checker = Checker { problems, registry, library, names, draft };
    let document = match raw {
        Raw::Procedure(raw) => checker.procedure(raw, opened, at).map(|valid| Document::Procedure(Box::new(valid))),
        Raw::Checklist(raw) => checker.checklist(raw, opened, at).map(|valid| Document::Procedure(Box::new(valid))),
        Raw::Test(raw) => checker.test(raw, at).map(|()| Document::Test(raw.clone())),
        Raw::Workspace(raw) => checker.workspace(raw, opened, at).map(|valid| Document::Workspace(Box::new(valid))),
    };
    document.filter(|_| !problems.refused())
}

/// What procedures and checklists have in common.
#[derive(Default)]
struct Common<'a> {
    parameters: Option<&'a Parameters>,
    targets: Option<&'a IndexMap<Id, Target>>,
    secrets: Option<&'a IndexMap<Id, Secret>>,
    env: Option<&'a Vec<Variable>>,
    steps: &'a [Step],
    finally: &'a [Step],
}

impl<'a> Common<'a> {
    fn of(raw: &'a Raw) -> Self {
        match raw {
            Raw::Procedure(raw) => Self {
                parameters: raw.parameters.as_ref(),
                targets: raw.targets.as_ref(),
                secrets: raw.secrets.as_ref(),
                env: raw.env.as_ref(),
                steps: &raw.steps,
                finally: raw.finally.as_deref().unwrap_or_default(),
            },
            Raw::Checklist(raw) => Self {
                parameters: raw.parameters.as_ref(),
                targets: raw.targets.as_ref(),
                secrets: raw.secrets.as_ref(),
                env: raw.env.as_ref(),
                ..Self::default()
            },
            Raw::Test(_) | Raw::Workspace(_) => Self::default(),
        }
    }
}

/// The names of a procedure's outputs, if it is one.
fn outputs(opened: &Opened) -> Option<Vec<&str>> {
    match opened.raw.as_ref()? {
        Raw::Procedure(raw) => Some(raw.outputs.iter().flat_map(|all| all.keys()).map(Id::as_str).collect()),
        _ => None,
    }
}

/// The targets of a procedure, if it is one.
fn targets(opened: &Opened) -> Option<&IndexMap<Id, Target>> {
    match opened.raw.as_ref()? {
        Raw::Procedure(raw) => raw.targets.as_ref(),
        _ => None,
    }
}

/// One check of one document.
struct Checker<'a, 'p> {
    problems: &'p mut Problems,
    registry: &'a Registry,
    library: &'a dyn Library,
    names: Names<'a>,
    /// Whether the document is one: then it may say what is still to be decided.
    draft: bool,
}

impl Checker<'_, '_> {
    fn place(&self, span: Range<usize>) -> Place {
        self.problems.place(span)
    }

    /// Reports the ids that stand twice in a list.
    fn unique<'i>(&mut self, list: &str, ids: impl Iterator<Item = (&'i str, At<'i>)>) {
        let mut first: IndexMap<&str, At<'_>> = IndexMap::new();
        for (id, at) in ids {
            match first.get(id) {
                Some(before) => {
                    let (again, before) = (self.place(at.span()), self.place(before.span()));
                    self.problems.push(problem::duplicate_id(again, before, id, list));
                }
                None => {
                    first.insert(id, at);
                }
            }
        }
    }
}
