//! The names that a document declares, read from its tree, so that one that is not finished has some too.

use std::ops::Range;

use crate::parse::node::{Data, Node};

/// Something that has a name.
#[derive(Debug, Clone)]
pub(super) struct Item<'t> {
    pub(super) name: &'t str,
    /// The bytes of the name where it is declared.
    pub(super) span: Range<usize>,
    pub(super) node: &'t Node,
}

/// A step.
#[derive(Debug, Clone)]
pub(super) struct Step<'t> {
    pub(super) item: Item<'t>,
    /// The parallel steps it is in, and in which branch, outermost first.
    branches: Vec<(usize, usize)>,
}

/// What a document declares.
#[derive(Debug, Default)]
pub(super) struct Declared<'t> {
    pub(super) parameters: Vec<Item<'t>>,
    pub(super) targets: Vec<Item<'t>>,
    pub(super) secrets: Vec<Item<'t>>,
    pub(super) env: Vec<Item<'t>>,
    /// In the order of the document, `finally` and those in `parallel` too.
    pub(super) steps: Vec<Step<'t>>,
    pub(super) guards: Vec<Item<'t>>,
    /// Preconditions, checks of the procedure's `verify`, items of a checklist.
    pub(super) checks: Vec<Item<'t>>,
}

impl<'t> Declared<'t> {
    pub(super) fn of(tree: &'t Node) -> Self {
        let mut declared = Self {
            parameters: named(tree.get("parameters")),
            targets: named(tree.get("targets")),
            secrets: named(tree.get("secrets")),
            env: words(tree.get("env")),
            steps: Vec::new(),
            guards: with_ids(tree.get("do_not")),
            checks: ["preconditions", "verify", "items"].iter().flat_map(|key| with_ids(tree.get(key))).collect(),
        };
        for list in ["steps", "finally", "adds"] {
            declared.take_steps(tree.get(list), &mut Vec::new());
        }
        for step in &declared.steps.clone() {
            declared.secrets.extend(named(step.item.node.get("secret_outputs")));
        }
        declared
    }

    fn take_steps(&mut self, list: Option<&'t Node>, around: &mut Vec<(usize, usize)>) {
        for node in items(list) {
            let order = self.steps.len();
            // One without an id is counted by nobody, but what is in it is.
            if let Some(item) = with_id(node) {
                self.steps.push(Step { item, branches: around.clone() });
            }
            for (branch, inner) in items(node.get("parallel")).into_iter().enumerate() {
                around.push((order, branch));
                self.take_steps(Some(inner), around);
                around.pop();
            }
        }
    }

    pub(super) fn step(&self, id: &str) -> Option<&Step<'t>> {
        self.steps.iter().find(|step| step.item.name == id)
    }

    /// Whether a step has ended when another begins; both by their number.
    pub(super) fn is_before(&self, earlier: usize, later: usize) -> bool {
        let (Some(first), Some(second)) = (self.steps.get(earlier), self.steps.get(later)) else { return false };
        let side_by_side = first
            .branches
            .iter()
            .any(|(parallel, branch)| second.branches.iter().any(|(other, at)| other == parallel && at != branch));
        let around = second.branches.iter().any(|(parallel, _)| *parallel == earlier);
        earlier < later && !side_by_side && !around
    }
}

impl<'t> Item<'t> {
    /// What is said of it: its description, title or rule.
    pub(super) fn about(&self) -> Option<&'t str> {
        ["description", "title", "rule"].iter().find_map(|key| self.node.get(key)?.as_str())
    }
}

/// The keys of a map with their values.
pub(super) fn named(map: Option<&Node>) -> Vec<Item<'_>> {
    match map.map(|node| &node.data) {
        Some(Data::Mapping(entries)) => entries
            .iter()
            .map(|entry| Item { name: &entry.key, span: entry.key_span.clone(), node: &entry.value })
            .collect(),
        _ => Vec::new(),
    }
}

/// The items of a list; of one written in place of a list of one, that one.
pub(super) fn items(list: Option<&Node>) -> Vec<&Node> {
    match list.map(|node| (&node.data, node)) {
        Some((Data::Sequence(items), _)) => items.iter().collect(),
        Some((Data::Mapping(_), node)) => vec![node],
        _ => Vec::new(),
    }
}

/// The items of a list that have an `id`.
pub(super) fn with_ids(list: Option<&Node>) -> Vec<Item<'_>> {
    items(list).into_iter().filter_map(with_id).collect()
}

fn with_id(node: &Node) -> Option<Item<'_>> {
    let id = node.get("id")?;
    Some(Item { name: id.as_str()?, span: id.span.clone(), node })
}

fn words(list: Option<&Node>) -> Vec<Item<'_>> {
    items(list)
        .into_iter()
        .filter_map(|node| Some(Item { name: node.as_str()?, span: node.span.clone(), node }))
        .collect()
}
