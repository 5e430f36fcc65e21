//! Prose for people: `{{ expressions }}`, `{% if %}` and `{% for %}`.
//!
//! Conditions are as strict as anywhere. No other statement exists: prose assigns nothing and includes nothing.

mod blocks;

use std::ops::Range;
use std::sync::Arc;

use self::blocks::Block;
use super::Outcome;
use super::error::{EvaluationError, Problem, SyntaxError};
use super::evaluate::{Evaluation, merge};
use super::expression::refuse_secrets;
use super::references::{Collector, Reference};
use super::scope::Scope;
use super::syntax::Node;
use super::value::{Kind, Value};

/// A text field, like `ask` or `advice`.
#[derive(Debug, Clone)]
pub struct Text {
    source: String,
    blocks: Vec<Block>,
    references: Vec<Reference>,
}

impl Text {
    /// Reads a text.
    ///
    /// # Errors
    /// When an expression or statement in it is not written like one, or names a secret.
    pub fn parse(source: &str) -> Result<Self, SyntaxError> {
        let blocks = blocks::parse(source)?;
        let mut collector = Collector::default();
        collect(&blocks, &mut collector);
        let references = collector.finish();
        refuse_secrets(&references)?;
        Ok(Self { source: source.to_owned(), blocks, references })
    }

    /// The text as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it names; the variables of its loops are not among it.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The text in a scope; undecided if any part of it that is shown is.
    ///
    /// # Errors
    /// When an expression has no value, or none that can be shown.
    pub fn render(&self, scope: &Scope) -> Result<Outcome<String>, EvaluationError> {
        let mut writing = Writing::new(&self.source, scope, false);
        writing.blocks(&self.blocks)?;
        Ok(if writing.because.is_empty() {
            Outcome::Known(writing.written)
        } else {
            Outcome::Undecided(writing.because)
        })
    }

    /// The text as a plan shows it, and everything it waits for: what is undecided or differs from run to run stands as
    /// written.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_for_plan(&self, scope: &Scope) -> Result<(String, Vec<String>), EvaluationError> {
        let mut writing = Writing::new(&self.source, scope, true);
        writing.blocks(&self.blocks)?;
        Ok((writing.written, writing.because))
    }
}

fn collect(blocks: &[Block], collector: &mut Collector) {
    for block in blocks {
        match block {
            Block::Literal(_) => {}
            Block::Output { node, .. } => collector.node(node),
            Block::If { arms, otherwise, .. } => {
                let before = collector.asked();
                for (condition, body) in arms {
                    collector.condition(condition);
                    collect(body, collector);
                }
                collect(otherwise, collector);
                collector.forget(before);
            }
            Block::For { names, over, body, otherwise, .. } => {
                collector.node(over);
                let bound = names.iter().map(Arc::clone).chain([Arc::from("loop")]);
                collector.binding(bound, |collector| collect(body, collector));
                collect(otherwise, collector);
            }
        }
    }
}

/// One rendering of a text.
struct Writing<'a> {
    source: &'a str,
    evaluation: Evaluation<'a>,
    for_plan: bool,
    written: String,
    because: Vec<String>,
}

impl<'a> Writing<'a> {
    fn new(source: &'a str, scope: &'a Scope, for_plan: bool) -> Self {
        Self {
            source,
            evaluation: Evaluation::new(source, scope),
            for_plan,
            written: String::new(),
            because: Vec::new(),
        }
    }

    fn blocks(&mut self, blocks: &[Block]) -> Result<(), EvaluationError> {
        blocks.iter().try_for_each(|block| self.block(block))
    }

    fn block(&mut self, block: &Block) -> Result<(), EvaluationError> {
        self.evaluation.take_as_written();
        match block {
            Block::Literal(at) => self.write(&self.source[at.clone()], at),
            Block::Output { node, marker } => match self.evaluation.text(node)? {
                Outcome::Undecided(more) => self.put_off(more, marker),
                Outcome::Known(_) if self.stands_as_written() => self.as_written(marker),
                Outcome::Known(text) => self.write(&text, &node.span),
            },
            Block::If { arms, otherwise, span } => {
                for (condition, body) in arms {
                    match self.evaluation.condition(condition)? {
                        Outcome::Known(_) if self.stands_as_written() => return self.as_written(span),
                        Outcome::Known(true) => return self.blocks(body),
                        Outcome::Known(false) => {}
                        Outcome::Undecided(more) => return self.put_off(more, span),
                    }
                }
                self.blocks(otherwise)
            }
            Block::For { names, over, body, otherwise, span } => match self.evaluation.value(over)? {
                Outcome::Undecided(more) => self.put_off(more, span),
                Outcome::Known(_) if self.stands_as_written() => self.as_written(span),
                Outcome::Known(value) => {
                    let rounds = self.rounds(&value, names, over)?;
                    if rounds.is_empty() { self.blocks(otherwise) } else { self.rounds_of(names, rounds, body, span) }
                }
            },
        }
    }

    /// What each round of a loop binds.
    fn rounds(&self, value: &Value, names: &[Arc<str>], over: &Node) -> Result<Vec<Vec<Value>>, EvaluationError> {
        let wrong = |found: Kind, message: &str| {
            let message = format!("{message}, not over a {found}");
            self.evaluation.error(Problem::Argument { name: "for".to_owned(), message }, &over.span)
        };
        if names.len() == 1 {
            return match (value.as_list(), value.members()) {
                (Some(items), _) => Ok(items.iter().map(|item| vec![item.clone()]).collect()),
                (None, Some(members)) => Ok(members.map(|(name, _)| vec![name.into()]).collect()),
                (None, None) => Err(wrong(value.kind(), "goes over a list, or the names of a map")),
            };
        }
        let expected = "with two names goes over `map | items`, or a list of pairs";
        let items = value.as_list().ok_or_else(|| wrong(value.kind(), expected))?;
        items
            .iter()
            .map(|item| match item.as_list() {
                Some(parts) if parts.len() == names.len() => Ok(parts.to_vec()),
                _ => Err(wrong(item.kind(), expected)),
            })
            .collect()
    }

    fn rounds_of(
        &mut self,
        names: &[Arc<str>],
        rounds: Vec<Vec<Value>>,
        body: &[Block],
        span: &Range<usize>,
    ) -> Result<(), EvaluationError> {
        let length = rounds.len();
        let counter: Arc<str> = "loop".into();
        for (at, values) in rounds.into_iter().enumerate() {
            let spent = self.evaluation.fuel().spend(1);
            spent.map_err(|problem| self.evaluation.error(problem, span))?;
            self.evaluation.bind(&counter, counted(at, length));
            for (name, value) in names.iter().zip(values) {
                self.evaluation.bind(name, value);
            }
            let written = self.blocks(body);
            self.evaluation.unbind(names.len() + 1);
            written?;
        }
        Ok(())
    }

    /// A part that is not decided: a plan shows its source.
    fn put_off(&mut self, more: Vec<String>, span: &Range<usize>) -> Result<(), EvaluationError> {
        merge(&mut self.because, more);
        if self.for_plan { self.as_written(span) } else { Ok(()) }
    }

    /// Whether this is for a plan, and something was touched that differs from run to run.
    fn stands_as_written(&mut self) -> bool {
        self.evaluation.take_as_written() && self.for_plan
    }

    fn as_written(&mut self, span: &Range<usize>) -> Result<(), EvaluationError> {
        self.write(&self.source[span.clone()], span)
    }

    fn write(&mut self, text: &str, span: &Range<usize>) -> Result<(), EvaluationError> {
        let allowed = self.evaluation.fuel().allow_string(self.written.len() + text.len());
        allowed.map_err(|problem| self.evaluation.error(problem, span))?;
        self.written.push_str(text);
        Ok(())
    }
}

/// What `loop` says in a round.
fn counted(at: usize, length: usize) -> Value {
    let number = |number: usize| Value::from(number as u64);
    Value::map([
        ("index", number(at + 1)),
        ("index0", number(at)),
        ("first", (at == 0).into()),
        ("last", (at + 1 == length).into()),
        ("length", number(length)),
    ])
}
