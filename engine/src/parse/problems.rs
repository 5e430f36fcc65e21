//! Everything that can be wrong with a document: one constructor per code, and the list of the codes.
//!
//! Each code has a page of the same name in docs/diagnostics. A constructor says what was found and what was expected;
//! where to look is the caller's to know.

pub mod structure;
pub mod text;

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Place, Severity, Source, sort};

/// Every code with one line on what it means, in the order of the stages that find them.
pub const CODES: &[(&str, &str)] = &[
    // the text
    ("too-large", "the file is over 4 MiB"),
    ("not-utf8", "the file is not UTF-8 text"),
    ("nul-character", "there is a NUL character in the file"),
    ("hidden-character", "there is a character that is not shown, or shown elsewhere than it stands"),
    ("syntax", "the file is not valid YAML"),
    ("empty-document", "there is nothing in the file"),
    ("second-document", "there is more than one YAML document in the file"),
    ("directive", "there is a `%` directive before the document"),
    ("too-deep", "lists and maps are nested more than 64 deep"),
    ("too-many-nodes", "the document has more than 250,000 parts"),
    ("anchor", "a value is given an anchor (`&name`)"),
    ("alias", "a value is taken from elsewhere (`*name`)"),
    ("tag", "a value is given a YAML tag (`!name`)"),
    ("merge-key", "a map is merged into another (`<<`)"),
    ("duplicate-key", "a key stands twice in one map"),
    ("non-string-key", "a key is not text"),
    ("ambiguous-scalar", "an unquoted value means different things to different readers"),
    ("unquoted-template", "a template stands without quotes, so that YAML takes its braces for a map"),
    ("readers-disagree", "two YAML readers understand the file differently"),
    ("too-many-problems", "there are more problems than are shown"),
    // the structure
    ("unknown-kind", "the document is of no known kind"),
    ("unknown-version", "the document is written in another version of the language"),
    ("unknown-key", "a map has a key that the language does not have there"),
    ("missing-key", "a map lacks a key that it needs"),
    ("conflicting-keys", "a map must have exactly one of some keys, and has none or several"),
    ("wrong-type", "a value is of another type than its key takes"),
    ("unknown-word", "a value is none of the words that its key takes"),
    ("malformed", "a name, duration or pattern is not written as it should be"),
    ("empty", "a text or list has nothing in it"),
    ("out-of-range", "a number is too small or too large"),
    ("unfit", "a value does not fit its key"),
];

/// The problems of one document, as they are found.
#[derive(Debug)]
pub struct Problems {
    source: Arc<Source>,
    found: Vec<Diagnostic>,
}

/// How many problems are kept; a file with more is not being read by a person.
const MOST: usize = 1000;

impl Problems {
    /// None yet.
    #[must_use]
    pub fn new(source: Arc<Source>) -> Self {
        Self { source, found: Vec::new() }
    }

    /// A place in the document.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        Place { source: Arc::clone(&self.source), span }
    }

    /// The document's file.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// One more.
    pub fn push(&mut self, problem: Diagnostic) {
        if self.found.len() < MOST {
            self.found.push(problem);
        } else if self.found.len() == MOST {
            self.found.push(text::too_many_problems(problem.place, MOST));
        }
    }

    /// Whether something was found for which the document is refused.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// All of them, in the order in which a reader meets them, none twice.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        sort(&mut self.found);
        self.found.dedup();
        self.found
    }
}
