//! Where what stands at a place is declared.

use std::ops::Range;

use super::chain;
use super::declared::{self, Declared, Item};
use super::place::{On, Trail};
use super::references::Sight;
use super::{Spot, World, is_of_name, word_around};
use crate::id::Name;
use crate::parse::node::Node;
use crate::parse::{Kind, look};

/// A place at which something is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The document, where it is another one.
    pub document: Option<Name>,
    /// The bytes of the name in it.
    pub span: Range<usize>,
}

/// Where what stands at a place is declared, if it is a name and its document can be read.
#[must_use]
pub fn definition(spot: &Spot<'_>, world: &World<'_>) -> Option<Definition> {
    let (tree, kind) = look(spot.text, spot.kind)?;
    let trail = Trail::at(&tree, spot.byte());
    let finder = Finder { spot, trail: &trail, world, kind: kind.or(spot.kind).unwrap_or(Kind::Procedure) };
    match trail.on {
        On::Key => finder.of_key(),
        On::Value => finder.in_expression().or_else(|| finder.of_value()),
    }
}

/// The chain of names at a place: what stands before its last dot, and the name itself with its bytes.
pub(super) fn chain_at(spot: &Spot<'_>) -> Option<(Vec<String>, Range<usize>)> {
    let word = word_around(spot.text, spot.byte(), is_of_name);
    if word.is_empty() {
        return None;
    }
    chain::parents(&spot.text[..word.start]).map(|parents| (parents, word))
}

struct Finder<'a, 't> {
    spot: &'a Spot<'a>,
    trail: &'a Trail<'t>,
    world: &'a World<'a>,
    kind: Kind,
}

impl Finder<'_, '_> {
    /// A name in an expression.
    fn in_expression(&self) -> Option<Definition> {
        let (parents, word) = chain_at(self.spot)?;
        if parents.is_empty() {
            return None;
        }
        let meaning = Sight::of(self.trail, self.world).meaning(&parents, &self.spot.text[word])?;
        meaning.declared.map(|item| here(&item))
    }

    /// A whole text that is a name.
    fn of_value(&self) -> Option<Definition> {
        let text = self.trail.node().as_str()?;
        let path = self.trail.names();
        let declared = Declared::of(self.trail.root);
        match (self.kind, path.as_slice()) {
            (_, [.., "call"]) | (Kind::Test, ["procedure"]) => self.document(text),
            (_, [.., "forbid" | "once_failed"] | [.., "acts_as", "*"]) => self.document(text.strip_prefix("call.")?),
            (Kind::Test, [.., "expect", "guards", "*"] | [.., "waivers", "*", "guard"]) => {
                self.in_tested(|declared| find(&declared.guards, text))
            }
            (Kind::Test, [.., "approvals", "*", "step"]) => self.in_tested(|declared| step(declared, text)),
            (Kind::Test, [.., "expect", "checks", "*"]) => self.in_tested(|declared| scripted(declared, text)),
            (Kind::Workspace, ["bindings", _, "secrets", _]) => find(&declared.secrets, text).map(|item| here(&item)),
            // A target is named by its literal name wherever an action or a setting takes one.
            _ => find(&declared.targets, text).map(|item| here(&item)),
        }
    }

    /// A key that is a name.
    fn of_key(&self) -> Option<Definition> {
        let path = self.trail.names();
        let (key, above) = path.split_last()?;
        match (self.kind, above) {
            (_, [.., "with"]) => {
                let asker = self.trail.node_after(self.trail.links.len().saturating_sub(2));
                let callee = asker.get("call").and_then(Node::as_str)?;
                self.in_document(callee, |declared| {
                    let all = [&declared.parameters, &declared.targets, &declared.secrets];
                    all.into_iter().find_map(|list| find(list, key))
                })
            }
            (Kind::Workspace, ["bindings"]) => self.document(key),
            (Kind::Workspace, ["bindings", name, "targets"]) => {
                self.in_document(name, |declared| find(&declared.targets, key))
            }
            (Kind::Workspace, ["bindings", name, "secrets"]) => {
                self.in_document(name, |declared| find(&declared.secrets, key))
            }
            (Kind::Test, [.., "expect", "steps"] | [.., "results" | "answers"]) => {
                self.in_tested(|declared| scripted(declared, key))
            }
            (Kind::Test, [.., "parameters"]) => self.in_tested(|declared| find(&declared.parameters, key)),
            (Kind::Test, [.., "targets"]) => self.in_tested(|declared| find(&declared.targets, key)),
            _ => None,
        }
    }

    /// The name of another document.
    fn document(&self, name: &str) -> Option<Definition> {
        let name = Name::parse(name).ok()?;
        let tree = &self.world.library.find(&name)?.tree;
        let span = tree.get("name").map_or(0..0, |name| name.span.clone());
        Some(Definition { document: Some(name), span })
    }

    fn in_document(
        &self,
        name: &str,
        pick: impl for<'d> FnOnce(&Declared<'d>) -> Option<Item<'d>>,
    ) -> Option<Definition> {
        let name = Name::parse(name).ok()?;
        let declared = Declared::of(&self.world.library.find(&name)?.tree);
        let span = pick(&declared)?.span;
        Some(Definition { document: Some(name), span })
    }

    fn in_tested(&self, pick: impl for<'d> FnOnce(&Declared<'d>) -> Option<Item<'d>>) -> Option<Definition> {
        self.in_document(self.trail.root.get("procedure")?.as_str()?, pick)
    }
}

fn here(item: &Item<'_>) -> Definition {
    Definition { document: None, span: item.span.clone() }
}

fn find<'d>(list: &[Item<'d>], name: &str) -> Option<Item<'d>> {
    list.iter().find(|item| item.name == name).cloned()
}

fn step<'d>(declared: &Declared<'d>, id: &str) -> Option<Item<'d>> {
    declared.step(id).map(|step| step.item.clone())
}

/// A step, `step.check`, a guard, a precondition or a check.
fn scripted<'d>(declared: &Declared<'d>, name: &str) -> Option<Item<'d>> {
    if let Some((id, check)) = name.split_once('.') {
        let node = declared.step(id)?.item.node;
        let lists = ["preconditions", "verify"].iter().flat_map(|list| declared::with_ids(node.get(list)));
        return lists.into_iter().find(|item| item.name == check);
    }
    step(declared, name).or_else(|| find(&declared.guards, name)).or_else(|| find(&declared.checks, name))
}
