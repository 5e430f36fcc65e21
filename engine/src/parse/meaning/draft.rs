//! Drafts: what they still leave open, and what is not finished by taking their mark away.

use super::Checker;
use super::at::At;
use crate::parse::Raw;
use crate::parse::problems::draft as problem;
use crate::parse::raw::words::Text;

/// Whether a document says that nobody has reviewed it yet.
pub(in crate::parse) fn is_draft(raw: &Raw) -> bool {
    match raw {
        Raw::Procedure(raw) => raw.draft == Some(true),
        Raw::Checklist(raw) => raw.draft == Some(true),
        Raw::Test(_) | Raw::Workspace(_) => false,
    }
}

impl Checker<'_, '_> {
    /// The mark of a draft, and what of the whole is still to be decided.
    pub(super) fn draft(&mut self, draft: Option<bool>, todo: Option<&[Text]>, at: At<'_>) {
        if draft == Some(true) {
            let place = self.place(at.get("draft").key());
            self.problems.push(problem::draft(place));
        }
        self.open_points(todo, at);
    }

    /// What is still to be decided of a part of the document.
    pub(super) fn open_points(&mut self, todo: Option<&[Text]>, at: At<'_>) {
        for (index, open) in todo.into_iter().flatten().enumerate() {
            let place = self.place(at.get("todo").item(index).span());
            let problem =
                if self.draft { problem::to_do(place, &open.0) } else { problem::to_do_outside_of_a_draft(place) };
            self.problems.push(problem);
        }
    }
}
