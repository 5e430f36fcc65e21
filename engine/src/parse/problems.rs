//! Everything that can be wrong with a document: one constructor per code, and the list of the codes.
//!
//! Each code has a page of the same name in docs/diagnostics. A constructor says what was found and what was expected;
//! where to look is the caller's to know.

pub mod draft;
pub mod expression;
pub mod input;
pub mod meaning;
pub mod reference;
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
    // the words
    ("bad-expression", "an expression, template or text is not written like one"),
    ("not-a-condition", "a condition is neither true nor false"),
    ("constant-condition", "a condition is always the same"),
    ("bad-duration", "a duration is not written like one"),
    ("bad-parameter", "the limits or the default of a parameter do not fit it"),
    // what they name
    ("unknown-name", "an expression uses a name that is not known where it stands"),
    ("unknown-reference", "an expression names a parameter, target, secret, variable or fact that there is none of"),
    ("unknown-step", "an expression names a step that there is none of"),
    ("later-step", "an expression names a step that has not ended when it is evaluated"),
    ("unknown-output", "an expression names an output that an action, call or person does not give"),
    ("maybe-skipped", "an output of a step is used that is not there when the step was not done"),
    ("maybe-without-output", "an output of a step is used that is not there when the step fails or does nothing"),
    ("target-as-text", "a guard takes the target of an act for a text"),
    ("secret-output", "an output that is a secret is used or put where it cannot be"),
    ("misplaced-secret", "a secret would be seen or recorded"),
    // what is asked and done
    ("unknown-action", "there is no such action"),
    ("unknown-procedure", "there is no such procedure, or it is of another kind"),
    ("call-cycle", "procedures call each other without end"),
    ("unknown-input", "an action or procedure is given something that it does not take"),
    ("missing-input", "an action or procedure is not given something that it needs"),
    ("wrong-input", "an action or procedure is given something of a wrong type or value"),
    ("unknown-target", "a target is not declared, or not named by its literal name"),
    ("wrong-target-kind", "a target is of a kind that is not taken"),
    ("effect-in-check", "an action with an effect stands where only reads may"),
    ("matches-nothing", "a guard is about acts that there are none of"),
    ("irreversible-step", "a step that cannot be taken back has no `verify` or no `undo`"),
    ("retry-once", "an action that must not be done twice is tried again"),
    ("guard-moment", "a guard is asked at a moment at which it cannot be"),
    // the whole
    ("wrong-path", "the name of a document is not where its file is"),
    ("duplicate-id", "an id stands twice"),
    ("too-many-steps", "a procedure has more than 10,000 steps"),
    ("draft", "a document, or one that it calls, has not been reviewed and is not run"),
    ("to-do", "something in a draft is still to be decided"),
    ("to-do-left", "something is still to be decided in a document that is no draft"),
    ("secret-variable", "a variable of the environment looks like a secret"),
    // the workspace file and tests
    ("unknown-driver", "there is no such driver for a kind of target"),
    ("shared-key", "one key stands for two"),
    ("unbound", "a name in the workspace file stands for nothing"),
    ("unknown-in-test", "a test names something that its procedure does not have or take"),
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
