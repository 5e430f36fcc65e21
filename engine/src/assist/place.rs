//! A place in the tree of a document, with the way that leads there.

use crate::parse::node::{Data, Entry, Node};

/// One step of the way: under a key, or to an item of a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Link<'t> {
    Key(&'t Entry),
    Item(&'t Node),
}

impl<'t> Link<'t> {
    fn node(self) -> &'t Node {
        match self {
            Link::Key(entry) => &entry.value,
            Link::Item(node) => node,
        }
    }
}

/// Whether a key itself is meant, or what stands under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Key,
    Value,
}

/// The way from the whole document to a part.
#[derive(Debug, Clone)]
pub(super) struct Trail<'t> {
    pub(super) root: &'t Node,
    pub(super) links: Vec<Link<'t>>,
    pub(super) on: On,
}

impl<'t> Trail<'t> {
    /// The way to the innermost part at a byte of the text.
    pub(super) fn at(root: &'t Node, byte: usize) -> Self {
        let mut trail = Self { root, links: Vec::new(), on: On::Value };
        let mut node = root;
        loop {
            let next = match &node.data {
                Data::Mapping(entries) => entries.iter().find_map(|entry| {
                    let on_key = (entry.key_span.start..=entry.key_span.end).contains(&byte);
                    (on_key || holds(&entry.value, byte)).then_some((Link::Key(entry), on_key))
                }),
                Data::Sequence(items) => {
                    items.iter().find(|item| holds(item, byte)).map(|item| (Link::Item(item), false))
                }
                _ => None,
            };
            let Some((link, on_key)) = next else { return trail };
            trail.links.push(link);
            if on_key {
                trail.on = On::Key;
                return trail;
            }
            node = link.node();
        }
    }

    /// The way to the key or text in which a mark stands.
    pub(super) fn to_mark(root: &'t Node, mark: &str) -> Option<Self> {
        let mut trail = Self { root, links: Vec::new(), on: On::Value };
        trail.search(root, mark).then_some(trail)
    }

    fn search(&mut self, node: &'t Node, mark: &str) -> bool {
        match &node.data {
            Data::String(text, _) => text.contains(mark),
            Data::Mapping(entries) => entries.iter().any(|entry| {
                self.links.push(Link::Key(entry));
                if entry.key.contains(mark) {
                    self.on = On::Key;
                    return true;
                }
                let found = self.search(&entry.value, mark);
                if !found {
                    self.links.pop();
                }
                found
            }),
            Data::Sequence(items) => items.iter().any(|item| {
                self.links.push(Link::Item(item));
                let found = self.search(item, mark);
                if !found {
                    self.links.pop();
                }
                found
            }),
            _ => false,
        }
    }

    /// The part that so many links lead to.
    pub(super) fn node_after(&self, links: usize) -> &'t Node {
        match links.checked_sub(1).and_then(|last| self.links.get(last)) {
            Some(link) => link.node(),
            None => self.root,
        }
    }

    /// The part it leads to: the text, or the value under the key.
    pub(super) fn node(&self) -> &'t Node {
        self.node_after(self.links.len())
    }

    /// The map or list that the part is in; of the whole document, the document.
    pub(super) fn parent(&self) -> &'t Node {
        self.node_after(self.links.len().saturating_sub(1))
    }

    /// The keys on the way, and `*` for an item of a list.
    pub(super) fn names(&self) -> Vec<&'t str> {
        let name = |link: &Link<'t>| match link {
            Link::Key(entry) => entry.key.as_str(),
            Link::Item(_) => "*",
        };
        self.links.iter().map(name).collect()
    }
}

fn holds(node: &Node, byte: usize) -> bool {
    (node.span.start..=node.span.end).contains(&byte) && !node.span.is_empty()
}
