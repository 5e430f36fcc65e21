//! The second reader: a document is refused where the two readers differ.

use std::ops::Range;

use crate::parse::node::{Data, Node};
use crate::parse::problems::{Problems, text as problem};

/// Reads the document a second time, and refuses it where the readers differ.
pub(super) fn compare(root: &Node, body: &str, base: usize, problems: &mut Problems) {
    let (span, detail) = match serde_yaml::from_str::<serde_yaml::Value>(body) {
        Ok(other) => match difference(root, &other) {
            Some(span) => (span, "read in two ways".to_owned()),
            None => return,
        },
        Err(error) => {
            let line = error.location().map_or(0, |location| location.line().saturating_sub(1));
            let start: usize = body.split_inclusive('\n').take(line).map(str::len).sum();
            let text = body[start..].lines().next().unwrap_or_default();
            let span = base + start..base + start + text.len();
            (span, "only one of them takes it".to_owned())
        }
    };
    problems.push(problem::readers_disagree(problems.place(span), &detail));
}

/// The first part that the other reader has otherwise.
fn difference(node: &Node, other: &serde_yaml::Value) -> Option<Range<usize>> {
    use serde_yaml::Value as Other;
    let same = match (&node.data, other) {
        (Data::Null, Other::Null) => true,
        (Data::Bool(a), Other::Bool(b)) => a == b,
        (Data::Number(a), Other::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => a.as_f64() == b.as_f64(),
            _ => false,
        },
        (Data::String(a, _), Other::String(b)) => a == b,
        (Data::Sequence(a), Other::Sequence(b)) if a.len() == b.len() => {
            return a.iter().zip(b).find_map(|(a, b)| difference(a, b));
        }
        (Data::Mapping(a), Other::Mapping(b)) if a.len() == b.len() => {
            return a.iter().zip(b).find_map(|(entry, (key, value))| {
                if key.as_str() == Some(&entry.key) {
                    difference(&entry.value, value)
                } else {
                    Some(entry.key_span.clone())
                }
            });
        }
        _ => false,
    };
    (!same).then(|| node.head())
}
