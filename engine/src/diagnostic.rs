//! What is wrong with a file: a code, a message, a place and a remedy.
//!
//! A diagnostic is data. How it looks on a terminal is the command line's affair; that the world failed is an error
//! of the module it failed in, never a diagnostic.

use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document is refused.
    Error,
    /// The document is taken; someone should look.
    Warning,
}

/// A file and its text, shared by all that point into it.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the user wrote it, or `<name>` for what is built in.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A place in a file: bytes `span` of `source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// Byte offsets into its text.
    pub span: Range<usize>,
}

impl Place {
    /// Line and column, both from 1; the column counts characters.
    #[must_use]
    pub fn line_column(&self) -> (usize, usize) {
        let start = self.span.start.min(self.source.text.len());
        let before = &self.source.text.as_bytes()[..start];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        (line, column)
    }
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code, a page of docs/diagnostics (`explain CODE`).
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, with the name of the thing, in one line.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What stands under the caret: what was found and what was expected.
    pub label: String,
    /// A remedy that one can follow.
    pub help: Option<String>,
    /// A second place that matters, with what it is (a first definition, say).
    pub related: Option<(Place, String)>,
    /// A word at the place that was mistyped, where it is known what was meant.
    pub slip: Option<Slip>,
}

/// A mistyped word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// The word as it stands, or a part of a chain like `steps.found.output`.
    pub found: String,
    /// What is to stand there instead.
    pub meant: String,
}

impl Diagnostic {
    /// An error at a place.
    #[must_use]
    pub fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            place,
            label: String::new(),
            help: None,
            related: None,
            slip: None,
        }
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    /// The same with words under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with the word that was meant in place of a mistyped one, as its remedy.
    #[must_use]
    pub fn meant(mut self, found: impl Into<String>, meant: impl Into<String>) -> Self {
        let slip = Slip { found: found.into(), meant: meant.into() };
        self.help = Some(format!("did you mean `{}`?", slip.meant));
        self.slip = Some(slip);
        self
    }

    /// The same with a second place.
    #[must_use]
    pub fn related(mut self, place: Place, what: impl Into<String>) -> Self {
        self.related = Some((place, what.into()));
        self
    }
}

/// Puts diagnostics in the order in which a reader meets them: by file, place and code.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        (&a.place.source.name, a.place.span.start, a.code, &a.message).cmp(&(
            &b.place.source.name,
            b.place.span.start,
            b.code,
            &b.message,
        ))
    });
}

/// The known name nearest to a mistyped one, if any is near enough to be meant.
#[must_use]
pub fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), name))
        .filter(|(distance, name)| {
            let longest = name.len().max(found.len());
            *distance <= 1 + longest / 5 && *distance < longest
        })
        .min_by_key(|(distance, name)| (*distance, (*name).to_owned()))
        .map(|(_, name)| name)
}

/// Whether two names differ by one slip of a finger: a letter too many, too few, wrong, or swapped with its neighbour.
#[must_use]
pub fn is_slip(found: &str, meant: &str) -> bool {
    strsim::damerau_levenshtein(found, meant) == 1
}
