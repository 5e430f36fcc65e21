//! What a document is made of, as an editor lists it.

use std::ops::Range;

use super::declared::{items, named};
use crate::parse::node::{Data, Node};
use crate::parse::{Kind, look};

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name, or the key it stands under.
    pub name: String,
    /// A few words beside the name.
    pub detail: Option<String>,
    /// What sort of thing it is.
    pub sort: Sort,
    /// All its bytes, from its name on.
    pub span: Range<usize>,
    /// The bytes of its name.
    pub head: Range<usize>,
    /// What is in it.
    pub parts: Vec<Part>,
}

/// What sort of thing a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A list or map of parts.
    Section,
    /// A step.
    Step,
    /// A check, an item of a checklist, a guard.
    Check,
    /// A parameter, target, secret or output.
    Name,
    /// A case of a test.
    Case,
}

/// The parts of a document, in the order in which they stand; none where it cannot be read.
#[must_use]
pub fn parts(text: &str, kind: Option<Kind>) -> Vec<Part> {
    let Some((tree, _)) = look(text, kind) else { return Vec::new() };
    let Data::Mapping(entries) = &tree.data else { return Vec::new() };
    let section = |entry: &crate::parse::node::Entry| {
        let parts = match entry.key.as_str() {
            "parameters" | "targets" | "secrets" | "outputs" | "actors" | "bindings" => of_names(&entry.value),
            "steps" | "finally" => steps(&entry.value),
            "preconditions" | "verify" | "items" | "do_not" => list(&entry.value, Sort::Check),
            "cases" => list(&entry.value, Sort::Case),
            _ => return None,
        };
        Some(Part {
            name: entry.key.clone(),
            detail: None,
            sort: Sort::Section,
            span: entry.key_span.start..entry.value.span.end.max(entry.key_span.end),
            head: entry.key_span.clone(),
            parts,
        })
    };
    entries.iter().filter_map(section).collect()
}

fn of_names(map: &Node) -> Vec<Part> {
    let part = |item: super::declared::Item<'_>| {
        let detail = ["type", "kind", "class", "from"].iter().find_map(|key| item.node.get(key)?.as_str());
        Part {
            name: item.name.to_owned(),
            detail: detail.map(str::to_owned),
            sort: Sort::Name,
            span: item.span.start..item.node.span.end.max(item.span.end),
            head: item.span,
            parts: Vec::new(),
        }
    };
    named(Some(map)).into_iter().map(part).collect()
}

fn list(node: &Node, sort: Sort) -> Vec<Part> {
    items(Some(node)).into_iter().filter_map(|item| part(item, sort)).collect()
}

fn steps(node: &Node) -> Vec<Part> {
    let step = |item: &Node| {
        let mut step = part(item, Sort::Step)?;
        step.parts.extend(item.get("preconditions").map(|checks| list(checks, Sort::Check)).unwrap_or_default());
        step.parts.extend(item.get("parallel").map(steps).unwrap_or_default());
        step.parts.extend(item.get("verify").map(|checks| list(checks, Sort::Check)).unwrap_or_default());
        Some(step)
    };
    items(Some(node)).into_iter().filter_map(step).collect()
}

/// A part that has an `id`.
fn part(node: &Node, sort: Sort) -> Option<Part> {
    let id = node.get("id")?;
    let detail = ["title", "rule", "action", "call"].iter().find_map(|key| node.get(key)?.as_str());
    Some(Part {
        name: id.as_str().filter(|name| !name.is_empty())?.to_owned(),
        detail: detail.map(str::to_owned),
        sort,
        span: node.span.clone(),
        head: id.span.clone(),
        parts: Vec::new(),
    })
}
