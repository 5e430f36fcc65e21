//! A tree of YAML whose strings are templates, like everything under `with`.
//!
//! Keys are literal. A secret is a leaf of its own; who renders finds it by its place ([`Data::leaves`]), never by how a
//! rendered tree looks, since a value from outside could look the same; such a value is refused.

use indexmap::IndexMap;
use serde_json::json;

use super::error::{EvaluationError, Problem, SyntaxError};
use super::evaluate::merge;
use super::scope::Scope;
use super::value::{Repr, Value};
use super::{Outcome, Template};

/// The key under which a plan says why a leaf is undecided.
pub const UNDECIDED: &str = "$undecided";
/// The key under which a secret's name stands in a rendered tree.
pub const SECRET: &str = "$secret";

/// A tree of templates.
#[derive(Debug, Clone)]
pub struct Data(Tree);

#[derive(Debug, Clone)]
enum Tree {
    Literal(serde_json::Value),
    Leaf(Box<Template>),
    List(Vec<Tree>),
    Map(IndexMap<String, Tree>),
}

/// What is wrong with one leaf of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at `{pointer}`: {error}")]
pub struct AtLeaf<E: std::error::Error + 'static> {
    /// The leaf as a JSON pointer (RFC 6901); the whole tree is the empty one.
    pub pointer: String,
    /// What is wrong with it; spans count from the beginning of the leaf's string.
    #[source]
    pub error: E,
}

impl Data {
    /// Reads every string of a tree as a template.
    ///
    /// # Errors
    /// With every leaf that is none, and every key that only the engine writes.
    pub fn parse(tree: &serde_json::Value) -> Result<Self, Vec<AtLeaf<SyntaxError>>> {
        let mut errors = Vec::new();
        let tree = read(tree, &mut String::new(), &mut errors);
        if errors.is_empty() { Ok(Self(tree)) } else { Err(errors) }
    }

    /// The leaves that are not literal, each with its JSON pointer, in the order written.
    #[must_use]
    pub fn leaves(&self) -> Vec<(String, &Template)> {
        let mut leaves = Vec::new();
        collect(&self.0, &mut String::new(), &mut leaves);
        leaves
    }

    /// The tree in a scope, with `{"$secret": "NAME"}` where a secret stands; undecided if any leaf is.
    ///
    /// # Errors
    /// With the first leaf that has no value, or that has a key which only the engine writes.
    pub fn render(&self, scope: &Scope) -> Result<Outcome<serde_json::Value>, AtLeaf<EvaluationError>> {
        let mut filling = Filling { scope, for_plan: false, because: Vec::new() };
        let rendered = filling.tree(&self.0, &mut String::new())?;
        Ok(if filling.because.is_empty() { Outcome::Known(rendered) } else { Outcome::Undecided(filling.because) })
    }

    /// The tree as a plan shows it, and everything it waits for: an undecided leaf is `{"$undecided": "why"}`, a secret
    /// `{"$secret": "NAME"}`, and what differs from run to run stands as written.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_partial(&self, scope: &Scope) -> Result<(serde_json::Value, Vec<String>), AtLeaf<EvaluationError>> {
        let mut filling = Filling { scope, for_plan: true, because: Vec::new() };
        let rendered = filling.tree(&self.0, &mut String::new())?;
        Ok((rendered, filling.because))
    }
}

/// Calls `visit` with a child's JSON pointer in place of its parent's.
fn under<T>(pointer: &mut String, child: &str, visit: impl FnOnce(&mut String) -> T) -> T {
    let before = pointer.len();
    pointer.push('/');
    pointer.push_str(&child.replace('~', "~0").replace('/', "~1"));
    let result = visit(pointer);
    pointer.truncate(before);
    result
}

fn read(tree: &serde_json::Value, pointer: &mut String, errors: &mut Vec<AtLeaf<SyntaxError>>) -> Tree {
    match tree {
        serde_json::Value::String(text) => match Template::parse(text) {
            Ok(leaf) if leaf.is_literal() => Tree::Literal(tree.clone()),
            Ok(leaf) => Tree::Leaf(Box::new(leaf)),
            Err(error) => {
                errors.push(AtLeaf { pointer: pointer.clone(), error });
                Tree::Literal(serde_json::Value::Null)
            }
        },
        serde_json::Value::Array(items) => Tree::List(
            items
                .iter()
                .enumerate()
                .map(|(at, item)| under(pointer, &at.to_string(), |pointer| read(item, pointer, errors)))
                .collect(),
        ),
        serde_json::Value::Object(members) => Tree::Map(
            members
                .iter()
                .map(|(key, member)| {
                    let member = under(pointer, key, |pointer| {
                        if key == UNDECIDED || key == SECRET {
                            let message = format!("the key `{key}` is written by the engine only");
                            errors.push(AtLeaf { pointer: pointer.clone(), error: SyntaxError::new(0..0, message) });
                        }
                        read(member, pointer, errors)
                    });
                    (key.clone(), member)
                })
                .collect(),
        ),
        _ => Tree::Literal(tree.clone()),
    }
}

fn collect<'a>(tree: &'a Tree, pointer: &mut String, leaves: &mut Vec<(String, &'a Template)>) {
    match tree {
        Tree::Literal(_) => {}
        Tree::Leaf(leaf) => leaves.push((pointer.clone(), leaf)),
        Tree::List(items) => {
            for (at, item) in items.iter().enumerate() {
                under(pointer, &at.to_string(), |pointer| collect(item, pointer, leaves));
            }
        }
        Tree::Map(members) => {
            for (key, member) in members {
                under(pointer, key, |pointer| collect(member, pointer, leaves));
            }
        }
    }
}

/// One rendering of a tree.
struct Filling<'a> {
    scope: &'a Scope,
    for_plan: bool,
    because: Vec<String>,
}

impl Filling<'_> {
    fn tree(&mut self, tree: &Tree, pointer: &mut String) -> Result<serde_json::Value, AtLeaf<EvaluationError>> {
        Ok(match tree {
            Tree::Literal(literal) => literal.clone(),
            Tree::Leaf(leaf) => self.leaf(leaf).map_err(|error| AtLeaf { pointer: pointer.clone(), error })?,
            Tree::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    list.push(under(pointer, &at.to_string(), |pointer| self.tree(item, pointer))?);
                }
                list.into()
            }
            Tree::Map(members) => {
                let mut map = serde_json::Map::with_capacity(members.len());
                for (key, member) in members {
                    map.insert(key.clone(), under(pointer, key, |pointer| self.tree(member, pointer))?);
                }
                map.into()
            }
        })
    }

    fn leaf(&mut self, leaf: &Template) -> Result<serde_json::Value, EvaluationError> {
        if let Some(name) = leaf.secret() {
            return Ok(json!({ SECRET: name.as_str() }));
        }
        match if self.for_plan { leaf.render_for_plan(self.scope)? } else { leaf.render(self.scope)? } {
            Outcome::Known(value) => match reserved_key(&value) {
                None => Ok(value.to_json()),
                Some(key) => {
                    Err(EvaluationError::new(Problem::ReservedKey { key }, leaf.source(), &(0..leaf.source().len())))
                }
            },
            Outcome::Undecided(more) => {
                let why = more.join("; ");
                merge(&mut self.because, more);
                Ok(json!({ UNDECIDED: why }))
            }
        }
    }
}

/// A key in a value that only the engine writes.
fn reserved_key(value: &Value) -> Option<&'static str> {
    match &value.0 {
        Repr::List(items) => items.iter().find_map(reserved_key),
        Repr::Map(members) => [UNDECIDED, SECRET]
            .into_iter()
            .find(|key| members.contains_key(*key))
            .or_else(|| members.values().find_map(reserved_key)),
        _ => None,
    }
}
