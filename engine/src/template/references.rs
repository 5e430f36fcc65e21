//! What an expression names, where, and behind which conditions.
//!
//! Whether the names exist is the checker's affair; this only reads.

use std::ops::Range;
use std::sync::Arc;

use super::syntax::{Arguments, Node, NodeKind};
use super::value::{Repr, Value};

/// A chain of names from one of the scope's, like `steps.bump.epoch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The chain, the scope's name first. It ends at a slice, a call, or an item whose key is computed.
    pub path: Vec<Segment>,
    /// Where it is: bytes of the source.
    pub span: Range<usize>,
    /// What the conditions name that are asked before this is: left of it in `and` or `or`, the test of an `if`.
    pub behind: Vec<Vec<Segment>>,
    /// Whether the chain is called, so that its last name is a method's.
    pub called: bool,
    /// Whether `is defined` or `is undefined` asks for it, so that it need not be there.
    pub asked: bool,
}

impl Reference {
    /// The scope's name that the chain begins with.
    #[must_use]
    pub fn root(&self) -> &str {
        match self.path.first() {
            Some(Segment::Name(name)) => name,
            _ => "",
        }
    }

    /// The names from the first on, as far as they go.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map_while(|segment| match segment {
            Segment::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// One link of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// `.name` or `['name']`.
    Name(String),
    /// `[0]`; negative from the end.
    Index(i64),
    /// `[something]`; the chain ends with it.
    Unknown,
}

/// Reads the references of nodes, one after another.
#[derive(Default)]
pub(super) struct Collector {
    found: Vec<Reference>,
    behind: Vec<Vec<Segment>>,
    bound: Vec<Arc<str>>,
}

impl Collector {
    pub(super) fn of(node: &Node) -> Vec<Reference> {
        let mut collector = Self::default();
        collector.node(node);
        collector.found
    }

    pub(super) fn finish(self) -> Vec<Reference> {
        self.found
    }

    /// Names a loop binds, which are not the scope's while `body` is read.
    pub(super) fn binding(&mut self, names: impl IntoIterator<Item = Arc<str>>, body: impl FnOnce(&mut Self)) {
        let before = self.bound.len();
        self.bound.extend(names);
        body(self);
        self.bound.truncate(before);
    }

    /// Reads `after` as standing behind the condition, which is read already or now.
    pub(super) fn behind(&mut self, condition: &Node, after: impl FnOnce(&mut Self)) {
        let before = self.behind.len();
        self.condition(condition);
        after(self);
        self.behind.truncate(before);
    }

    /// Reads a condition, and keeps what it names as asked.
    pub(super) fn condition(&mut self, condition: &Node) {
        let before = self.found.len();
        self.node(condition);
        self.behind.extend(self.found[before..].iter().map(|reference| reference.path.clone()));
    }

    /// How many conditions are asked now; [`Self::forget`] goes back to it.
    pub(super) fn asked(&self) -> usize {
        self.behind.len()
    }

    pub(super) fn forget(&mut self, asked: usize) {
        self.behind.truncate(asked);
    }

    pub(super) fn node(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Constant(_) => {}
            NodeKind::Name(_) | NodeKind::Member { .. } | NodeKind::Item { .. } | NodeKind::Method { .. } => {
                self.chain(node);
            }
            NodeKind::Slice { of, start, stop } => {
                self.node(of);
                start.iter().chain(stop).for_each(|bound| self.node(bound));
            }
            NodeKind::Not(of) | NodeKind::Negate(of) => self.node(of),
            NodeKind::All(operands) | NodeKind::Any(operands) => {
                let before = self.asked();
                operands.iter().for_each(|operand| self.condition(operand));
                self.forget(before);
            }
            NodeKind::Arithmetic { left, right, .. } => {
                self.node(left);
                self.node(right);
            }
            NodeKind::Compare { first, rest } => {
                self.node(first);
                rest.iter().for_each(|(_, operand)| self.node(operand));
            }
            NodeKind::Choose { test, then, otherwise } => self.behind(test, |collector| {
                collector.node(then);
                collector.node(otherwise);
            }),
            NodeKind::Filter { of, arguments, .. } => {
                self.node(of);
                self.arguments(arguments);
            }
            NodeKind::Test { of, predicate, arguments } => {
                let before = self.found.len();
                self.node(of);
                if matches!(predicate.name, "defined" | "undefined")
                    && let Some(reference) = self.found[before..].iter_mut().find(|found| found.span == of.span)
                {
                    reference.asked = true;
                }
                self.arguments(arguments);
            }
            NodeKind::Function { arguments, .. } => self.arguments(arguments),
            NodeKind::List(items) => items.iter().for_each(|item| self.node(item)),
            NodeKind::Map(members) => members.iter().for_each(|(key, value)| {
                self.node(key);
                self.node(value);
            }),
        }
    }

    fn arguments(&mut self, arguments: &Arguments) {
        arguments.nodes().for_each(|argument| self.node(argument));
    }

    /// A chain of members and items, with a call in it or not.
    fn chain(&mut self, node: &Node) {
        let at = self.found.len();
        if let Some((path, end)) = self.path(node)
            && let Some(Segment::Name(root)) = path.first()
            && !self.bound.iter().any(|bound| **bound == **root)
        {
            let called = end == End::Called;
            let reference =
                Reference { path, span: node.span.clone(), behind: self.behind.clone(), called, asked: false };
            self.found.insert(at, reference);
        }
    }

    /// The path of a chain and how it ends; what stands in its subscripts and arguments is read on the way.
    fn path(&mut self, node: &Node) -> Option<(Vec<Segment>, End)> {
        match &node.kind {
            NodeKind::Name(name) => Some((vec![Segment::Name(name.as_ref().to_owned())], End::Open)),
            NodeKind::Member { of, name } => {
                let (mut path, end) = self.path(of)?;
                path.extend((end == End::Open).then(|| Segment::Name(name.as_ref().to_owned())));
                Some((path, end))
            }
            NodeKind::Item { of, key } => {
                let found = self.path(of);
                let segment = match &key.kind {
                    NodeKind::Constant(Value(Repr::String(name))) => Segment::Name(name.as_ref().to_owned()),
                    NodeKind::Constant(Value(Repr::Integer(at))) => {
                        i64::try_from(*at).map_or(Segment::Unknown, Segment::Index)
                    }
                    _ => {
                        self.node(key);
                        Segment::Unknown
                    }
                };
                let (mut path, end) = found?;
                if end != End::Open {
                    return Some((path, end));
                }
                let end = if segment == Segment::Unknown { End::Unknown } else { End::Open };
                path.push(segment);
                Some((path, end))
            }
            NodeKind::Method { of, name, arguments } => {
                let found = self.path(of);
                self.arguments(arguments);
                let (mut path, end) = found?;
                if end != End::Open {
                    return Some((path, end));
                }
                path.push(Segment::Name(name.as_ref().to_owned()));
                Some((path, End::Called))
            }
            _ => {
                self.node(node);
                None
            }
        }
    }
}

/// Whether a chain's path goes on with the next member.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// It ended at an item whose key is computed.
    Unknown,
    /// It ended at a call.
    Called,
}
