//! An expression as a tree of our own: what minijinja parses, less what we refuse.
//!
//! Owner of minijinja's syntax tree, which has no place after this file; its evaluator is not used, because it says that
//! `'7' > 3`. What is refused here: truthy odds and ends (`if` without `else`, `a == b == c`), splats, slices with a
//! step, calls of unknown names, and whatever is nested deeper than a stack should be asked to go.

use std::ops::Range;
use std::sync::Arc;

use minijinja::machinery::ast::{BinOp, BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};

use super::error::SyntaxError;
use super::filters::{self, Filter};
use super::functions;
use super::limits;
use super::operators::{Arithmetic, Comparison};
use super::predicates::{self, Predicate};
use super::value::{Repr, Value};
use crate::diagnostic::did_you_mean;

/// A part of an expression and where it stands: bytes of the whole source.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub kind: NodeKind,
    pub span: Range<usize>,
}

/// The parts of expressions.
#[derive(Debug, Clone)]
pub(super) enum NodeKind {
    Constant(Value),
    Name(Arc<str>),
    Member { of: Box<Node>, name: Arc<str> },
    Item { of: Box<Node>, key: Box<Node> },
    Slice { of: Box<Node>, start: Option<Box<Node>>, stop: Option<Box<Node>> },
    Not(Box<Node>),
    Negate(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
    Arithmetic { operator: Arithmetic, left: Box<Node>, right: Box<Node> },
    Compare { first: Box<Node>, rest: Vec<(Comparison, Node)> },
    Choose { test: Box<Node>, then: Box<Node>, otherwise: Box<Node> },
    Filter { of: Box<Node>, filter: &'static Filter, arguments: Arguments },
    Test { of: Box<Node>, predicate: &'static Predicate, arguments: Arguments },
    Function { name: &'static str, arguments: Arguments },
    Method { of: Box<Node>, name: Arc<str>, arguments: Arguments },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// What stands in parentheses after a filter, test, function or method.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments {
    pub positional: Vec<Node>,
    pub named: Vec<(Arc<str>, Node)>,
}

impl Arguments {
    /// All of them, in the order written.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.positional.iter().chain(self.named.iter().map(|(_, node)| node))
    }
}

/// Words that stand for something else than a name.
const KEYWORDS: [&str; 7] = ["if", "else", "and", "or", "not", "in", "is"];

/// Reads the expression that stands at some bytes of a source.
pub(super) fn parse(source: &str, at: Range<usize>) -> Result<Node, SyntaxError> {
    let text = &source[at.clone()];
    limits::check(text, at.start)?;
    let tree = minijinja::machinery::parse_expr(text).map_err(|error| limits::refused(&error, at.start, text))?;
    Reader { text, offset: at.start }.node(&tree, 0)
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

impl Reader<'_> {
    fn node(&self, expr: &Expr<'_>, depth: usize) -> Result<Node, SyntaxError> {
        let mut span = limits::bytes(expr.span(), self.offset);
        if depth > limits::DEPTH {
            return Err(SyntaxError::new(span, "the expression is nested too deeply"));
        }
        let kind = self.kind(expr, &span, depth + 1)?;
        if let Some(first) = kind.first() {
            span.start = first.span.start;
        }
        if let NodeKind::Not(of) = &kind
            && !self.text.get(span.start - self.offset..).is_some_and(|text| text.starts_with("not"))
        {
            // `a not in b` and `a is not b` begin with their first operand.
            span.start = of.span.start;
        }
        Ok(Node { kind, span })
    }

    fn boxed(&self, expr: &Expr<'_>, depth: usize) -> Result<Box<Node>, SyntaxError> {
        self.node(expr, depth).map(Box::new)
    }

    fn optional(&self, expr: Option<&Expr<'_>>, depth: usize) -> Result<Option<Box<Node>>, SyntaxError> {
        expr.map(|expr| self.boxed(expr, depth)).transpose()
    }

    fn nodes(&self, exprs: &[Expr<'_>], depth: usize) -> Result<Vec<Node>, SyntaxError> {
        exprs.iter().map(|expr| self.node(expr, depth)).collect()
    }

    fn kind(&self, expr: &Expr<'_>, span: &Range<usize>, depth: usize) -> Result<NodeKind, SyntaxError> {
        let refuse = |message: &str, help: &str| Err(SyntaxError::new(span.clone(), message).help(help));
        Ok(match expr {
            Expr::Var(var) if KEYWORDS.contains(&var.id) => {
                return refuse(
                    &format!("`{}` stands where a value is expected", var.id),
                    "put a test like `x is string` in parentheses before `if`, `not` or `in`",
                );
            }
            Expr::Var(var) => NodeKind::Name(var.id.into()),
            Expr::Const(constant) => NodeKind::Constant(constant_value(&constant.value, span)?),
            Expr::Slice(slice) if slice.step.is_some() => {
                return refuse("a slice has no step", "use the filter `reverse`, or `batch`");
            }
            Expr::Slice(slice) => NodeKind::Slice {
                of: self.boxed(&slice.expr, depth)?,
                start: self.optional(slice.start.as_ref(), depth)?,
                stop: self.optional(slice.stop.as_ref(), depth)?,
            },
            Expr::UnaryOp(unary) => {
                let of = self.boxed(&unary.expr, depth)?;
                match (&unary.op, &of.kind) {
                    (UnaryOpKind::Not, _) => NodeKind::Not(of),
                    (UnaryOpKind::Neg, NodeKind::Constant(Value(Repr::Integer(number)))) => {
                        match number.checked_neg().and_then(Value::integer) {
                            Some(negative) => NodeKind::Constant(negative),
                            None => return refuse("the integer is too small", "integers have 64 bits"),
                        }
                    }
                    (UnaryOpKind::Neg, _) => NodeKind::Negate(of),
                }
            }
            Expr::BinOp(binary) => self.binary(binary, depth)?,
            Expr::Compare(compare) => {
                let mut rest = Vec::with_capacity(compare.ops.len());
                for operation in &compare.ops {
                    let Some(operator) = chained(operation.op) else {
                        return refuse(
                            "only `<`, `<=`, `>` and `>=` can be chained",
                            "join two comparisons with `and`",
                        );
                    };
                    rest.push((operator, self.node(&operation.expr, depth)?));
                }
                NodeKind::Compare { first: self.boxed(&compare.expr, depth)?, rest }
            }
            Expr::IfExpr(choice) => match &choice.false_expr {
                None => return refuse("`if` without `else`", "write `a if condition else b`"),
                Some(otherwise) => NodeKind::Choose {
                    test: self.boxed(&choice.test_expr, depth)?,
                    then: self.boxed(&choice.true_expr, depth)?,
                    otherwise: self.boxed(otherwise, depth)?,
                },
            },
            Expr::Filter(filter) => {
                let Some(of) = &filter.expr else {
                    return refuse("a filter without a value", "write `value | filter`");
                };
                let of = self.boxed(of, depth)?;
                let arguments = self.arguments(&filter.args, span, depth)?;
                let found = filters::named(filter.name).map_err(|help| unknown("filter", filter.name, span, help))?;
                check_inner_names(found.name, &arguments)?;
                NodeKind::Filter { of, filter: found, arguments }
            }
            Expr::Test(test) => {
                let of = self.boxed(&test.expr, depth)?;
                let arguments = self.arguments(&test.args, span, depth)?;
                let predicate = predicates::named(test.name).map_err(|help| unknown("test", test.name, span, help))?;
                if !arguments.named.is_empty() || arguments.positional.len() != predicate.arguments {
                    return refuse(&predicate.takes(), "put the test in parentheses where more follows");
                }
                NodeKind::Test { of, predicate, arguments }
            }
            Expr::GetAttr(member) => {
                NodeKind::Member { of: self.boxed(&member.expr, depth)?, name: member.name.into() }
            }
            Expr::GetItem(item) => {
                NodeKind::Item { of: self.boxed(&item.expr, depth)?, key: self.boxed(&item.subscript_expr, depth)? }
            }
            Expr::Call(call) => self.call(&call.expr, &call.args, span, depth)?,
            Expr::List(list) => NodeKind::List(self.nodes(&list.items, depth)?),
            Expr::Tuple(tuple) => NodeKind::List(self.nodes(&tuple.items, depth)?),
            Expr::Map(map) => NodeKind::Map(
                map.keys
                    .iter()
                    .zip(&map.values)
                    .map(|(key, value)| Ok((self.node(key, depth)?, self.node(value, depth)?)))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    /// A binary operator; a chain of `and` or of `or` becomes one node.
    fn binary(&self, binary: &BinOp<'_>, depth: usize) -> Result<NodeKind, SyntaxError> {
        let operator = match binary.op {
            BinOpKind::ScAnd => return self.chain(binary, depth).map(NodeKind::All),
            BinOpKind::ScOr => return self.chain(binary, depth).map(NodeKind::Any),
            BinOpKind::Eq => return self.compare(Comparison::Equal, binary, depth),
            BinOpKind::Ne => return self.compare(Comparison::NotEqual, binary, depth),
            BinOpKind::Lt => return self.compare(Comparison::Less, binary, depth),
            BinOpKind::Lte => return self.compare(Comparison::LessOrEqual, binary, depth),
            BinOpKind::Gt => return self.compare(Comparison::Greater, binary, depth),
            BinOpKind::Gte => return self.compare(Comparison::GreaterOrEqual, binary, depth),
            BinOpKind::In => return self.compare(Comparison::In, binary, depth),
            BinOpKind::Add => Arithmetic::Add,
            BinOpKind::Sub => Arithmetic::Subtract,
            BinOpKind::Mul => Arithmetic::Multiply,
            BinOpKind::Div => Arithmetic::Divide,
            BinOpKind::FloorDiv => Arithmetic::FloorDivide,
            BinOpKind::Rem => Arithmetic::Remainder,
            BinOpKind::Pow => Arithmetic::Power,
            BinOpKind::Concat => Arithmetic::Concatenate,
        };
        let (left, right) = (self.boxed(&binary.left, depth)?, self.boxed(&binary.right, depth)?);
        Ok(NodeKind::Arithmetic { operator, left, right })
    }

    fn compare(&self, operator: Comparison, binary: &BinOp<'_>, depth: usize) -> Result<NodeKind, SyntaxError> {
        let first = self.boxed(&binary.left, depth)?;
        Ok(NodeKind::Compare { first, rest: vec![(operator, self.node(&binary.right, depth)?)] })
    }

    /// The operands of a chain of one operator, which is read from the left.
    fn chain(&self, binary: &BinOp<'_>, depth: usize) -> Result<Vec<Node>, SyntaxError> {
        let mut operands = vec![self.node(&binary.right, depth)?];
        let mut left = &binary.left;
        while let Expr::BinOp(inner) = left
            && std::mem::discriminant(&inner.op) == std::mem::discriminant(&binary.op)
        {
            operands.push(self.node(&inner.right, depth)?);
            left = &inner.left;
        }
        operands.push(self.node(left, depth)?);
        operands.reverse();
        Ok(operands)
    }

    fn call(
        &self,
        callee: &Expr<'_>,
        args: &[CallArg<'_>],
        span: &Range<usize>,
        depth: usize,
    ) -> Result<NodeKind, SyntaxError> {
        let arguments = self.arguments(args, span, depth)?;
        match callee {
            Expr::Var(function) => {
                let name =
                    functions::named(function.id).map_err(|help| unknown("function", function.id, span, help))?;
                if let Some((_, first)) = arguments.named.first() {
                    return Err(SyntaxError::new(first.span.clone(), format!("`{name}` takes no named arguments")));
                }
                Ok(NodeKind::Function { name, arguments })
            }
            Expr::GetAttr(method) => {
                Ok(NodeKind::Method { of: self.boxed(&method.expr, depth)?, name: method.name.into(), arguments })
            }
            _ => Err(SyntaxError::new(span.clone(), "only functions and methods can be called")),
        }
    }

    fn arguments(&self, args: &[CallArg<'_>], span: &Range<usize>, depth: usize) -> Result<Arguments, SyntaxError> {
        let mut arguments = Arguments::default();
        for arg in args {
            match arg {
                CallArg::Pos(expr) => arguments.positional.push(self.node(expr, depth)?),
                CallArg::Kwarg(name, expr) => {
                    if arguments.named.iter().any(|(known, _)| &**known == *name) {
                        return Err(SyntaxError::new(span.clone(), format!("`{name}` is given twice")));
                    }
                    arguments.named.push(((*name).into(), self.node(expr, depth)?));
                }
                CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
                    return Err(SyntaxError::new(span.clone(), "arguments are written out, not spread with `*`"));
                }
            }
        }
        Ok(arguments)
    }
}

impl NodeKind {
    /// The part that comes first in the source, where the node begins with one.
    fn first(&self) -> Option<&Node> {
        match self {
            Self::Member { of, .. }
            | Self::Item { of, .. }
            | Self::Slice { of, .. }
            | Self::Filter { of, .. }
            | Self::Test { of, .. }
            | Self::Method { of, .. } => Some(of),
            Self::Arithmetic { left, .. } => Some(left),
            Self::Compare { first, .. } => Some(first),
            Self::Choose { then, .. } => Some(then),
            Self::All(operands) | Self::Any(operands) => operands.first(),
            // `a not in b` is read as `not (a in b)`; a leading `not` or `-` begins before its operand.
            Self::Not(_) | Self::Negate(_) => None,
            Self::Constant(_) | Self::Name(_) | Self::Function { .. } | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// The comparisons of which `a < b < c` may be written.
fn chained(operator: CompareOpKind) -> Option<Comparison> {
    match operator {
        CompareOpKind::Lt => Some(Comparison::Less),
        CompareOpKind::Lte => Some(Comparison::LessOrEqual),
        CompareOpKind::Gt => Some(Comparison::Greater),
        CompareOpKind::Gte => Some(Comparison::GreaterOrEqual),
        CompareOpKind::Eq | CompareOpKind::Ne | CompareOpKind::In | CompareOpKind::NotIn => None,
    }
}

/// A literal: none, a boolean, a number or a string.
fn constant_value(literal: &minijinja::Value, span: &Range<usize>) -> Result<Value, SyntaxError> {
    if literal.is_none() {
        return Ok(Value::NONE);
    }
    if let Some(text) = literal.as_str() {
        return Ok(text.into());
    }
    if literal.kind() == minijinja::value::ValueKind::Bool {
        return Ok(literal.is_true().into());
    }
    let number = if literal.is_integer() {
        i128::try_from(literal.clone()).ok().and_then(Value::integer)
    } else {
        f64::try_from(literal.clone()).ok().and_then(Value::float)
    };
    number.ok_or_else(|| SyntaxError::new(span.clone(), "the number is too large"))
}

/// Filters that take the name of a filter or test: where it is literal, it must be one.
fn check_inner_names(filter: &str, arguments: &Arguments) -> Result<(), SyntaxError> {
    let at = match filter {
        "map" | "select" | "reject" => 0,
        "selectattr" | "rejectattr" => 1,
        _ => return Ok(()),
    };
    let Some(node) = arguments.positional.get(at) else { return Ok(()) };
    let NodeKind::Constant(Value(Repr::String(name))) = &node.kind else { return Ok(()) };
    let known = if filter == "map" { filters::named(name).map(|_| ()) } else { predicates::named(name).map(|_| ()) };
    known.map_err(|help| unknown(if filter == "map" { "filter" } else { "test" }, name, &node.span, help))
}

fn unknown(what: &str, name: &str, span: &Range<usize>, help: Option<String>) -> SyntaxError {
    SyntaxError { message: format!("{what} `{name}` does not exist"), span: span.clone(), help }
}

/// A remedy for a name that is not among the known ones.
pub(super) fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    did_you_mean(name, known).map(|near| format!("did you mean `{near}`?"))
}
