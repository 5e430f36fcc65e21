//! A place in the tree of a document, followed alongside its raw form.

use std::ops::Range;

use crate::parse::node::{Data, Node};

/// A part of the tree and where its key is. Where a key is not there (it was misspelt, say), the part stays its parent,
/// so that there is always a place to point at.
#[derive(Debug, Clone, Copy)]
pub(in crate::parse) struct At<'a> {
    node: &'a Node,
    key: Option<&'a Range<usize>>,
}

impl<'a> At<'a> {
    pub(in crate::parse) fn root(node: &'a Node) -> Self {
        Self { node, key: None }
    }

    /// The value under a key.
    pub(in crate::parse) fn get(self, key: &str) -> Self {
        self.node.entry(key).map_or(self, |entry| Self { node: &entry.value, key: Some(&entry.key_span) })
    }

    /// An item of a list; of a map written in place of a list of one, the map.
    pub(in crate::parse) fn item(self, index: usize) -> Self {
        match &self.node.data {
            Data::Sequence(items) => items.get(index).map_or(self, |node| Self { node, key: None }),
            _ => self,
        }
    }

    /// The part at a JSON pointer below this one.
    pub(in crate::parse) fn pointer(self, pointer: &str) -> Self {
        pointer.split('/').skip(1).fold(self, |at, token| {
            let token = token.replace("~1", "/").replace("~0", "~");
            match &at.node.data {
                Data::Sequence(_) => token.parse().map_or(at, |index| at.item(index)),
                _ => at.get(&token),
            }
        })
    }

    /// The bytes to point at: the value, or its key where nothing was written.
    pub(in crate::parse) fn span(self) -> Range<usize> {
        match self.key {
            Some(key) if self.node.span.is_empty() => key.clone(),
            _ => self.node.head(),
        }
    }

    /// The bytes of its key, or of the first key in it.
    pub(in crate::parse) fn key(self) -> Range<usize> {
        self.key.cloned().unwrap_or_else(|| self.node.head())
    }

    /// The bytes of a part of its text.
    pub(in crate::parse) fn within(self, file: &str, part: Range<usize>) -> Range<usize> {
        self.node.within(file, part)
    }
}
