//! What an expression says in a scope: a value, undecided and why, or an error.
//!
//! A part that touches something undecided is undecided; no stand-in ever takes its place. `and`, `or` and chains of
//! comparisons are three-valued: what is false whatever comes is false. How parts are named is the scope's affair.

mod names;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use self::names::{Found, Stop};
use super::Outcome;
use super::error::{EvaluationError, Problem};
use super::filters::{Call, Filter};
use super::fuel::Fuel;
use super::functions;
use super::operators::{self, Comparison, Refusal};
use super::predicates::Predicate;
use super::scope::{Scope, Slot};
use super::syntax::{Arguments, Node, NodeKind};
use super::value::{Repr, Value};

type Evaluated<T = Value> = Result<Outcome<T>, EvaluationError>;

/// One evaluation of an expression, or of all the parts of one string.
pub(super) struct Evaluation<'a> {
    source: &'a str,
    scope: &'a Scope,
    /// The variables of loops, the innermost last.
    locals: Vec<(Arc<str>, Value)>,
    fuel: Fuel,
    /// Whether anything was touched that a plan shows as written.
    as_written: bool,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(source: &'a str, scope: &'a Scope) -> Self {
        Self { source, scope, locals: Vec::new(), fuel: Fuel::full(), as_written: false }
    }

    /// Whether anything was touched that a plan shows as written, since this was last asked.
    pub(super) fn take_as_written(&mut self) -> bool {
        std::mem::take(&mut self.as_written)
    }

    pub(super) fn fuel(&mut self) -> &mut Fuel {
        &mut self.fuel
    }

    /// Binds a loop's variable; [`Self::unbind`] takes it away.
    pub(super) fn bind(&mut self, name: &Arc<str>, value: Value) {
        self.locals.push((Arc::clone(name), value));
    }

    pub(super) fn unbind(&mut self, count: usize) {
        self.locals.truncate(self.locals.len().saturating_sub(count));
    }

    pub(super) fn error(&self, problem: Problem, span: &Range<usize>) -> EvaluationError {
        EvaluationError::new(problem, self.source, span)
    }

    fn fail<T>(&self, problem: Problem, node: &Node) -> Result<T, EvaluationError> {
        Err(self.error(problem, &node.span))
    }

    /// The value of a node.
    pub(super) fn value(&mut self, node: &Node) -> Evaluated {
        self.fuel.spend(1).map_err(|problem| self.error(problem, &node.span))?;
        match &node.kind {
            NodeKind::Constant(value) => Ok(Outcome::Known(value.clone())),
            NodeKind::Name(_) | NodeKind::Member { .. } | NodeKind::Item { .. } => {
                let found = self.look(node).map_err(Stop::into_error)?;
                self.settle(found, node)
            }
            NodeKind::Slice { of, start, stop } => self.slice(node, of, start.as_deref(), stop.as_deref()),
            NodeKind::Not(of) => Ok(self.condition(of)?.map(|is| (!is).into())),
            NodeKind::Negate(of) => self.negate(node, of),
            NodeKind::All(operands) => Ok(self.logic(operands, false)?.map(Value::from)),
            NodeKind::Any(operands) => Ok(self.logic(operands, true)?.map(Value::from)),
            NodeKind::Arithmetic { operator, left, right } => match self.both(left, right)? {
                Outcome::Undecided(because) => Ok(Outcome::Undecided(because)),
                Outcome::Known((left_value, right_value)) => {
                    operators::arithmetic(*operator, &left_value, &right_value, &mut self.fuel)
                        .map(Outcome::Known)
                        .map_err(|refusal| {
                            self.between(node, refusal, operator.as_str(), (left, &left_value), (right, &right_value))
                        })
                }
            },
            NodeKind::Compare { first, rest } => Ok(self.compare(node, first, rest)?.map(Value::from)),
            NodeKind::Choose { test, then, otherwise } => match self.condition(test)? {
                Outcome::Known(true) => self.value(then),
                Outcome::Known(false) => self.value(otherwise),
                Outcome::Undecided(because) => Ok(Outcome::Undecided(because)),
            },
            NodeKind::Filter { of, filter, arguments } => self.filter(node, of, filter, arguments),
            NodeKind::Test { of, predicate, arguments } => {
                Ok(self.test(node, of, predicate, arguments)?.map(Value::from))
            }
            NodeKind::Function { name, arguments } => self.function(node, name, arguments),
            NodeKind::Method { of, name, arguments } => self.method(node, of, name, arguments),
            NodeKind::List(items) => self.list(node, items),
            NodeKind::Map(members) => self.map(node, members),
        }
    }

    /// A node that must be a boolean.
    pub(super) fn condition(&mut self, node: &Node) -> Evaluated<bool> {
        match self.value(node)? {
            Outcome::Undecided(because) => Ok(Outcome::Undecided(because)),
            Outcome::Known(value) => match value.as_bool() {
                Some(is) => Ok(Outcome::Known(is)),
                None => self.fail(Problem::NotBoolean { found: value.kind() }, node),
            },
        }
    }

    /// A node as it stands inside a longer string.
    pub(super) fn text(&mut self, node: &Node) -> Evaluated<Arc<str>> {
        match self.value(node)? {
            Outcome::Undecided(because) => Ok(Outcome::Undecided(because)),
            Outcome::Known(value) => match value.to_text() {
                Some(text) => Ok(Outcome::Known(text)),
                None => self.fail(Problem::NotAScalar { found: value.kind() }, node),
            },
        }
    }

    /// `and` (where false decides) and `or` (where true does).
    fn logic(&mut self, operands: &[Node], decisive: bool) -> Evaluated<bool> {
        let mut because = Vec::new();
        for operand in operands {
            match self.condition(operand) {
                Ok(Outcome::Known(is)) if is == decisive => return Ok(Outcome::Known(decisive)),
                Ok(Outcome::Known(_)) => {}
                Ok(Outcome::Undecided(more)) => merge(&mut because, more),
                Err(error) if because.is_empty() || error.problem == Problem::OutOfFuel => return Err(error),
                // It may never be asked: an operand before it, once decided, can make that so.
                Err(_) => break,
            }
        }
        Ok(if because.is_empty() { Outcome::Known(!decisive) } else { Outcome::Undecided(because) })
    }

    fn compare(&mut self, node: &Node, first: &Node, rest: &[(Comparison, Node)]) -> Evaluated<bool> {
        let mut because = Vec::new();
        let mut left_node = first;
        let mut left = self.value(first)?;
        for (comparison, right_node) in rest {
            let right = match self.value(right_node) {
                Ok(right) => right,
                Err(error) if because.is_empty() || error.problem == Problem::OutOfFuel => return Err(error),
                Err(_) => break,
            };
            match (&left, &right) {
                (Outcome::Known(left), Outcome::Known(right)) => {
                    let holds = operators::compare(*comparison, left, right, &mut self.fuel).map_err(|refusal| {
                        self.between(node, refusal, comparison.as_str(), (left_node, left), (right_node, right))
                    })?;
                    if !holds {
                        return Ok(Outcome::Known(false));
                    }
                }
                (left, right) => {
                    merge(&mut because, left.because().to_vec());
                    merge(&mut because, right.because().to_vec());
                }
            }
            (left_node, left) = (right_node, right);
        }
        Ok(if because.is_empty() { Outcome::Known(true) } else { Outcome::Undecided(because) })
    }

    fn filter(&mut self, node: &Node, of: &Node, filter: &'static Filter, arguments: &Arguments) -> Evaluated {
        let (of, positional, named) = match self.with_arguments(Some(of), arguments)? {
            Outcome::Known(all) => all,
            Outcome::Undecided(because) => return Ok(Outcome::Undecided(because)),
        };
        let call = Call { name: filter.name, positional: positional.into_iter(), named, fuel: &mut self.fuel };
        match call.run(filter, &of) {
            Ok(value) => Ok(Outcome::Known(value)),
            Err(problem) => self.fail(problem, node),
        }
    }

    fn test(&mut self, node: &Node, of: &Node, predicate: &Predicate, arguments: &Arguments) -> Evaluated<bool> {
        if matches!(predicate.name, "defined" | "undefined") {
            let there = match self.look(of) {
                Ok(Found::Undecided(because)) => return Ok(Outcome::Undecided(because)),
                Ok(Found::Slot(Slot::Undecided(because))) => return Ok(Outcome::Undecided(vec![because.to_string()])),
                Ok(_) => true,
                Err(Stop::Missing(_)) => false,
                Err(Stop::Failed(error)) => return Err(error),
            };
            return Ok(Outcome::Known(there == (predicate.name == "defined")));
        }
        let (value, args, _) = match self.with_arguments(Some(of), arguments)? {
            Outcome::Known(all) => all,
            Outcome::Undecided(because) => return Ok(Outcome::Undecided(because)),
        };
        let answer = (predicate.ask)(&value, &args, &mut self.fuel);
        answer.map(Outcome::Known).map_err(|refusal| match (arguments.positional.first(), args.first()) {
            (Some(arg_node), Some(arg)) => self.between(node, refusal, predicate.name, (of, &value), (arg_node, arg)),
            _ => self.before(node, refusal, predicate.name, &value),
        })
    }

    fn function(&mut self, node: &Node, name: &'static str, arguments: &Arguments) -> Evaluated {
        let args = match self.gather(&arguments.positional)? {
            Outcome::Known(args) => args,
            Outcome::Undecided(because) => return Ok(Outcome::Undecided(because)),
        };
        let unavailable = |message: &str| Problem::Argument { name: name.to_owned(), message: message.to_owned() };
        let answer = if name == "days_until" {
            match self.scope.at(&["run", "started_at"]) {
                Some(Slot::Undecided(because)) => return Ok(Outcome::Undecided(vec![because.to_string()])),
                Some(Slot::Known(started_at)) => started_at.as_timestamp(),
                Some(Slot::AsWritten(started_at)) => {
                    self.as_written = true;
                    started_at.as_timestamp()
                }
                _ => None,
            }
            .ok_or_else(|| unavailable("no run has started here"))
            .and_then(|started_at| functions::days_until(started_at, &args))
        } else if let Some(answer) = functions::call(name, &args, &mut self.fuel) {
            answer
        } else if let Some(function) = self.scope.function(name) {
            function(&args).map_err(|message| Problem::Host { name: name.to_owned(), message })
        } else {
            Err(unavailable("it cannot be answered here"))
        };
        answer.map(Outcome::Known).map_err(|problem| self.error(problem, &node.span))
    }

    fn method(&mut self, node: &Node, of: &Node, name: &str, arguments: &Arguments) -> Evaluated {
        let object = match self.look(of).map_err(Stop::into_error)? {
            Found::Slot(Slot::Object(object)) => object,
            Found::Slot(Slot::Undecided(because)) => return Ok(Outcome::Undecided(vec![because.to_string()])),
            Found::Undecided(because) => return Ok(Outcome::Undecided(because)),
            _ => return self.fail(Problem::NoMethod { method: name.to_owned() }, node),
        };
        let (_, args, named) = match self.with_arguments(None, arguments)? {
            Outcome::Known(all) => all,
            Outcome::Undecided(because) => return Ok(Outcome::Undecided(because)),
        };
        let named: BTreeMap<String, Value> =
            named.into_iter().map(|(name, value)| (name.as_ref().to_owned(), value)).collect();
        match object.call(name, &args, &named) {
            Ok(value) => Ok(Outcome::Known(value)),
            Err(message) => self.fail(Problem::Host { name: name.to_owned(), message }, node),
        }
    }

    fn negate(&mut self, node: &Node, of: &Node) -> Evaluated {
        match self.value(of)? {
            Outcome::Undecided(because) => Ok(Outcome::Undecided(because)),
            Outcome::Known(value) => {
                operators::negate(&value).map(Outcome::Known).map_err(|refusal| self.before(node, refusal, "-", &value))
            }
        }
    }

    fn slice(&mut self, node: &Node, of: &Node, start: Option<&Node>, stop: Option<&Node>) -> Evaluated {
        let mut values = match self.gather([of].into_iter().chain(start).chain(stop))? {
            Outcome::Known(values) => values.into_iter(),
            Outcome::Undecided(because) => return Ok(Outcome::Undecided(because)),
        };
        let value = values.next().unwrap_or(Value::NONE);
        let start = start.and_then(|_| values.next()).unwrap_or(Value::NONE);
        let stop = stop.and_then(|_| values.next()).unwrap_or(Value::NONE);
        let cut = cut(&value, &start, &stop, &mut self.fuel);
        cut.map(Outcome::Known).map_err(|refusal| self.before(node, refusal, "[:]", &value))
    }

    fn list(&mut self, node: &Node, items: &[Node]) -> Evaluated {
        match self.gather(items)? {
            Outcome::Undecided(because) => Ok(Outcome::Undecided(because)),
            Outcome::Known(items) => match self.fuel.list(items) {
                Ok(list) => Ok(Outcome::Known(list)),
                Err(problem) => self.fail(problem, node),
            },
        }
    }

    fn map(&mut self, node: &Node, members: &[(Node, Node)]) -> Evaluated {
        let all = match self.gather(members.iter().flat_map(|(key, value)| [key, value]))? {
            Outcome::Known(all) => all,
            Outcome::Undecided(because) => return Ok(Outcome::Undecided(because)),
        };
        let mut map = Vec::with_capacity(members.len());
        for pair in all.chunks_exact(2) {
            let [key, value] = pair else { continue };
            let Repr::String(name) = &key.0 else {
                return self.fail(Problem::Operand { operator: "{ key: … }", found: key.kind() }, node);
            };
            map.push((Arc::clone(name), value.clone()));
        }
        Ok(Outcome::Known(Value::map(map)))
    }

    fn both(&mut self, left: &Node, right: &Node) -> Evaluated<(Value, Value)> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        Ok(match (left, right) {
            (Outcome::Known(left), Outcome::Known(right)) => Outcome::Known((left, right)),
            (left, right) => {
                let mut because = left.because().to_vec();
                merge(&mut because, right.because().to_vec());
                Outcome::Undecided(because)
            }
        })
    }

    /// The values of all nodes, or everything that some of them wait for.
    fn gather<'n>(&mut self, nodes: impl IntoIterator<Item = &'n Node>) -> Evaluated<Vec<Value>> {
        let (mut values, mut because) = (Vec::new(), Vec::new());
        for node in nodes {
            match self.value(node)? {
                Outcome::Known(value) => values.push(value),
                Outcome::Undecided(more) => merge(&mut because, more),
            }
        }
        Ok(if because.is_empty() { Outcome::Known(values) } else { Outcome::Undecided(because) })
    }

    /// What something is applied to, with its arguments by place and by name.
    #[expect(clippy::type_complexity, reason = "a triple that is taken apart at once")]
    fn with_arguments(
        &mut self,
        of: Option<&Node>,
        arguments: &Arguments,
    ) -> Evaluated<(Value, Vec<Value>, Vec<(Arc<str>, Value)>)> {
        Ok(self.gather(of.into_iter().chain(arguments.nodes()))?.map(|values| {
            let mut values = values.into_iter();
            let of = of.and_then(|_| values.next()).unwrap_or(Value::NONE);
            let positional = values.by_ref().take(arguments.positional.len()).collect();
            let named = arguments.named.iter().map(|(name, _)| Arc::clone(name)).zip(values).collect();
            (of, positional, named)
        }))
    }

    fn between(
        &self,
        node: &Node,
        refusal: Refusal,
        operator: &'static str,
        left: (&Node, &Value),
        right: (&Node, &Value),
    ) -> EvaluationError {
        let part = |node: &Node| &self.source[node.span.clone()];
        let problem =
            operators::problem(refusal, operator, (left.1.kind(), part(left.0)), (right.1.kind(), part(right.0)));
        self.error(problem, &node.span)
    }

    fn before(&self, node: &Node, refusal: Refusal, operator: &'static str, value: &Value) -> EvaluationError {
        let problem = match refusal {
            Refusal::Problem(problem) => problem,
            Refusal::Kinds => Problem::Operand { operator, found: value.kind() },
        };
        self.error(problem, &node.span)
    }
}

/// Adds reasons that are not there yet.
pub(super) fn merge(because: &mut Vec<String>, more: Vec<String>) {
    for reason in more {
        if !because.contains(&reason) {
            because.push(reason);
        }
    }
}

/// A part of a string or list; bounds beyond its ends are its ends, negative ones count from the end.
fn cut(value: &Value, start: &Value, stop: &Value, fuel: &mut Fuel) -> Result<Value, Refusal> {
    let bound = |bound: &Value, length: usize, open: usize| match &bound.0 {
        Repr::None => Ok(open),
        Repr::Integer(at) => {
            let length_wide = length as i128;
            let at = if *at < 0 { at + length_wide } else { *at };
            Ok(usize::try_from(at.clamp(0, length_wide)).unwrap_or(length))
        }
        _ => Err(Refusal::Kinds),
    };
    match &value.0 {
        Repr::String(text) => {
            fuel.spend_text(text.len())?;
            let length = text.chars().count();
            let (start, stop) = (bound(start, length, 0)?, bound(stop, length, length)?);
            Ok(fuel.string(text.chars().skip(start).take(stop.saturating_sub(start)).collect())?)
        }
        Repr::List(items) => {
            let (start, stop) = (bound(start, items.len(), 0)?, bound(stop, items.len(), items.len())?);
            Ok(fuel.list(items.get(start..stop).unwrap_or_default().to_vec())?)
        }
        _ => Err(Refusal::Kinds),
    }
}
