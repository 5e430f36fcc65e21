//! A bare expression, like `result.epoch > 3`.

use super::Outcome;
use super::error::{EvaluationError, SyntaxError};
use super::evaluate::Evaluation;
use super::references::{Collector, Reference};
use super::scope::Scope;
use super::syntax::{self, Node, NodeKind};
use super::value::Value;

/// An expression, read once and evaluated as often as needed.
#[derive(Debug, Clone)]
pub struct Expression {
    source: String,
    root: Node,
    references: Vec<Reference>,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it is not written like one, or names a secret.
    pub fn parse(source: &str) -> Result<Self, SyntaxError> {
        let root = syntax::parse(source, 0..source.len())?;
        let references = Collector::of(&root);
        refuse_secrets(&references)?;
        Ok(Self { source: source.to_owned(), root, references })
    }

    /// The expression as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it names.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Its value in a scope.
    ///
    /// # Errors
    /// When it has none: a name is missing, kinds do not fit, or a bound is reached.
    pub fn evaluate(&self, scope: &Scope) -> Result<Outcome<Value>, EvaluationError> {
        Evaluation::new(&self.source, scope).value(&self.root)
    }

    /// Its answer as a condition.
    ///
    /// # Errors
    /// As [`Self::evaluate`], and when the value is no boolean.
    pub fn decide(&self, scope: &Scope) -> Result<Outcome<bool>, EvaluationError> {
        Evaluation::new(&self.source, scope).condition(&self.root)
    }

    /// What it is, where it can be seen without a scope that it is no boolean: "a string", "a number", …
    #[must_use]
    pub fn is_surely_not_boolean(&self) -> Option<&'static str> {
        surely_not_boolean(&self.root)
    }

    /// The answer of a condition that names nothing, and so is always the same.
    #[must_use]
    pub fn constant(&self) -> Option<bool> {
        if !self.references.is_empty() {
            return None;
        }
        match self.decide(&Scope::new()) {
            Ok(Outcome::Known(answer)) => Some(answer),
            _ => None,
        }
    }
}

/// Refuses names of secrets, which stand alone in a template or nowhere.
pub(super) fn refuse_secrets(references: &[Reference]) -> Result<(), SyntaxError> {
    match references.iter().find(|reference| reference.root() == "secrets") {
        None => Ok(()),
        Some(reference) => Err(SyntaxError::new(reference.span.clone(), "a secret cannot be part of an expression")
            .help("give it alone, as `'{{ secrets.NAME }}'`, to an input that takes a secret")),
    }
}

/// What a node is, where it can be no boolean.
fn surely_not_boolean(node: &Node) -> Option<&'static str> {
    match &node.kind {
        NodeKind::Constant(value) => value.as_bool().is_none().then(|| named(value.kind())),
        NodeKind::Arithmetic { .. } | NodeKind::Negate(_) => Some("the result of arithmetic"),
        NodeKind::List(_) => Some("a list"),
        NodeKind::Map(_) => Some("a map"),
        NodeKind::Slice { .. } => Some("a part of a string or list"),
        NodeKind::Filter { filter, .. } => filter.gives.map(named),
        NodeKind::Function { name, .. } => match *name {
            "duration" => Some("a duration"),
            "timestamp" => Some("a timestamp"),
            "version" => Some("a version"),
            "sha256" => Some("a string"),
            "days_until" => Some("a number"),
            _ => None,
        },
        NodeKind::Choose { then, otherwise, .. } => {
            surely_not_boolean(then).filter(|_| surely_not_boolean(otherwise).is_some())
        }
        NodeKind::Name(_)
        | NodeKind::Member { .. }
        | NodeKind::Item { .. }
        | NodeKind::Method { .. }
        | NodeKind::Not(_)
        | NodeKind::All(_)
        | NodeKind::Any(_)
        | NodeKind::Compare { .. }
        | NodeKind::Test { .. } => None,
    }
}

/// A kind with its article.
fn named(kind: super::value::Kind) -> &'static str {
    use super::value::Kind;
    match kind {
        Kind::None => "none",
        Kind::Boolean => "a boolean",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::List => "a list",
        Kind::Map => "a map",
        Kind::Duration => "a duration",
        Kind::Timestamp => "a timestamp",
        Kind::Version => "a version",
    }
}
