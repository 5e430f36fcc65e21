//! What was meant, as a change of the text.

use std::ops::Range;

use super::is_of_name;
use crate::diagnostic::Diagnostic;

/// A change that does away with a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// The bytes that are replaced.
    pub span: Range<usize>,
    /// What stands there then.
    pub text: String,
}

/// The change that puts what was meant in place of a mistyped word; nothing where that is not known, or where the word
/// does not stand as it is at the place.
#[must_use]
pub fn remedy(problem: &Diagnostic) -> Option<Remedy> {
    let slip = problem.slip.as_ref()?;
    let place = &problem.place;
    let shown = place.source.text.get(place.span.clone())?;
    let is_name = slip.found.chars().all(is_of_name);
    let whole = |at: usize| {
        let before = shown[..at].chars().next_back();
        let after = shown[at + slip.found.len()..].chars().next();
        !is_name || [before, after].into_iter().flatten().all(|c| !is_of_name(c))
    };
    let mut there = shown.match_indices(&slip.found).map(|(at, _)| at).filter(|at| whole(*at));
    // An output stands behind the step it is of, and a step behind `steps`, whatever their names are.
    let at = match problem.code {
        "unknown-output" | "unknown-reference" => there.last()?,
        "unknown-step" => there.find(|at| shown[..*at].contains("steps"))?,
        _ => there.next()?,
    };
    let start = place.span.start + at;
    Some(Remedy { span: start..start + slip.found.len(), text: slip.meant.clone() })
}
