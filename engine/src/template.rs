//! The expression language: bare expressions, templates, and text with statements.
//!
//! Owner of minijinja, of which only the tokenizer and parser are used: its syntax is the language, but it says that
//! `'7' > 3`, so the tree is walked here, with strict operators and three-valued logic. Text is read once; an evaluation
//! builds no environment. What the names mean is the [`Scope`]'s to say; whether they exist is the checker's to ask.
//!
//! [`Expression`](expression::Expression) is a condition, [`Template`] one string of YAML, [`Data`](data::Data) a whole
//! tree of them, [`Text`](text::Text) prose with statements.

pub mod data;
pub mod error;
mod evaluate;
pub mod expression;
pub mod filters;
mod fuel;
pub mod functions;
mod limits;
mod operators;
pub mod predicates;
pub mod references;
mod scan;
pub mod scope;
mod syntax;
pub mod text;
pub mod value;
pub mod version;

use std::ops::Range;

use self::error::{EvaluationError, Problem, SyntaxError};
use self::evaluate::{Evaluation, merge};
use self::references::{Collector, Reference};
use self::scan::Piece;
use self::scope::Scope;
use self::syntax::{Node, NodeKind};
use self::value::Value;
use crate::id::Id;

/// An answer, or why there is none yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<T> {
    /// It is decided.
    Known(T),
    /// It depends on what has not happened yet: each reason once, in the order met.
    Undecided(Vec<String>),
}

impl<T> Outcome<T> {
    /// The answer changed, where there is one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Known(answer) => Outcome::Known(change(answer)),
            Self::Undecided(because) => Outcome::Undecided(because),
        }
    }

    /// The answer, where there is one.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(answer) => Some(answer),
            Self::Undecided(_) => None,
        }
    }

    /// The reasons; none where there is an answer.
    #[must_use]
    pub fn because(&self) -> &[String] {
        match self {
            Self::Known(_) => &[],
            Self::Undecided(because) => because,
        }
    }
}

/// A string of YAML: literal text and `{{ expressions }}`, or a lone `{{ secrets.NAME }}`.
#[derive(Debug, Clone)]
pub struct Template {
    source: String,
    content: Content,
    references: Vec<Reference>,
}

#[derive(Debug, Clone)]
enum Content {
    Literal,
    Secret(Id),
    /// One expression and nothing else, which keeps its type.
    Whole(Node),
    Mixed(Vec<Part>),
}

#[derive(Debug, Clone)]
enum Part {
    Literal(Range<usize>),
    Expression { node: Node, marker: Range<usize> },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When an expression in it is not written like one, when there is a statement or comment, or when a secret is
    /// part of anything.
    pub fn parse(source: &str) -> Result<Self, SyntaxError> {
        let mut parts = Vec::new();
        for piece in scan::scan(source)? {
            parts.push(match piece {
                Piece::Literal(at) => Part::Literal(at),
                Piece::Output { marker, inner } => Part::Expression { node: syntax::parse(source, inner)?, marker },
                Piece::Statement { marker, .. } => {
                    return Err(SyntaxError::new(marker, "a template has no statements")
                        .help("use `a if condition else b`; statements are for text fields"));
                }
            });
        }
        let mut collector = Collector::default();
        let content = match parts.as_slice() {
            [] | [Part::Literal(_)] => Content::Literal,
            [Part::Expression { node, .. }] => match secret(node) {
                Some(name) => Content::Secret(name),
                None => {
                    collector.node(node);
                    Content::Whole(node.clone())
                }
            },
            _ => {
                for part in &parts {
                    if let Part::Expression { node, .. } = part {
                        collector.node(node);
                    }
                }
                Content::Mixed(parts)
            }
        };
        let references = collector.finish();
        expression::refuse_secrets(&references)?;
        Ok(Self { source: source.to_owned(), content, references })
    }

    /// The template as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether there is no expression in it.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        matches!(self.content, Content::Literal)
    }

    /// The secret it stands for, where it is a lone `{{ secrets.NAME }}`.
    #[must_use]
    pub fn secret(&self) -> Option<&Id> {
        if let Content::Secret(name) = &self.content { Some(name) } else { None }
    }

    /// What it names; a secret is not among it.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Its value in a scope: of any kind where it is one expression alone, else a string.
    ///
    /// # Errors
    /// When an expression has no value, or is no scalar inside a longer string; for a secret always.
    pub fn render(&self, scope: &Scope) -> Result<Outcome<Value>, EvaluationError> {
        self.fill(scope, false)
    }

    /// As [`Self::render`], but what touches [`Slot::AsWritten`](scope::Slot::AsWritten) stands as written.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_for_plan(&self, scope: &Scope) -> Result<Outcome<Value>, EvaluationError> {
        self.fill(scope, true)
    }

    fn fill(&self, scope: &Scope, for_plan: bool) -> Result<Outcome<Value>, EvaluationError> {
        let mut evaluation = Evaluation::new(&self.source, scope);
        let parts = match &self.content {
            Content::Literal => return Ok(Outcome::Known(self.source.as_str().into())),
            Content::Secret(_) => return Err(evaluation.error(Problem::Secret, &(0..self.source.len()))),
            Content::Whole(node) => {
                let value = evaluation.value(node)?;
                let as_written = evaluation.take_as_written() && for_plan;
                return Ok(value.map(|value| if as_written { self.source.as_str().into() } else { value }));
            }
            Content::Mixed(parts) => parts,
        };
        let (mut filled, mut because) = (String::new(), Vec::new());
        for part in parts {
            match part {
                Part::Literal(at) => filled.push_str(&self.source[at.clone()]),
                Part::Expression { node, marker } => match evaluation.text(node)? {
                    Outcome::Undecided(more) => merge(&mut because, more),
                    Outcome::Known(_) if evaluation.take_as_written() && for_plan => {
                        filled.push_str(&self.source[marker.clone()]);
                    }
                    Outcome::Known(text) => {
                        let allowed = evaluation.fuel().allow_string(filled.len() + text.len());
                        allowed.map_err(|problem| evaluation.error(problem, &node.span))?;
                        filled.push_str(&text);
                    }
                },
            }
        }
        Ok(if because.is_empty() { Outcome::Known(filled.into()) } else { Outcome::Undecided(because) })
    }
}

/// The name of the secret that a node is, where it is `secrets.NAME`.
fn secret(node: &Node) -> Option<Id> {
    let NodeKind::Member { of, name } = &node.kind else { return None };
    match &of.kind {
        NodeKind::Name(root) if &**root == "secrets" => Id::parse(name).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
