//! The tests after `is`, and those that `select` and its kin take by name.
//!
//! `defined` and `undefined` ask whether a name is there; the evaluation answers them before it looks for a value.

use super::error::Problem;
use super::fuel::Fuel;
use super::operators::{self, Comparison, Refusal};
use super::syntax::near;
use super::value::{Kind, Repr, Value};

/// A test: `value is name`, or `value is name(argument)`.
#[derive(Debug)]
pub struct Predicate {
    /// Its name.
    pub name: &'static str,
    /// What it asks, in one line.
    pub summary: &'static str,
    /// How many arguments it takes.
    pub(super) arguments: usize,
    pub(super) ask: fn(&Value, &[Value], &mut Fuel) -> Result<bool, Refusal>,
}

impl Predicate {
    /// What it takes, for a message.
    pub(super) fn takes(&self) -> String {
        match self.arguments {
            0 => format!("test `{}` takes no argument", self.name),
            _ => format!("test `{}` takes one argument", self.name),
        }
    }
}

const fn plain(
    name: &'static str,
    summary: &'static str,
    ask: fn(&Value, &[Value], &mut Fuel) -> Result<bool, Refusal>,
) -> Predicate {
    Predicate { name, summary, arguments: 0, ask }
}

const fn against(
    name: &'static str,
    summary: &'static str,
    ask: fn(&Value, &[Value], &mut Fuel) -> Result<bool, Refusal>,
) -> Predicate {
    Predicate { name, summary, arguments: 1, ask }
}

/// The tests there are.
pub static TESTS: &[Predicate] = &[
    plain("boolean", "a boolean", |value, _, _| Ok(value.kind() == Kind::Boolean)),
    against("containing", "a string, list or map that has the argument in it", |value, args, fuel| {
        operators::contains(value, first(args)?, fuel)
    }),
    plain("defined", "there: the name, member or item exists", |_, _, _| Ok(true)),
    against("divisibleby", "an integer that the argument divides", |value, args, _| {
        match (integer(value)?, integer(first(args)?)?) {
            (_, 0) => Err(Refusal::Problem(Problem::DivisionByZero)),
            (number, divisor) => Ok(number % divisor == 0),
        }
    }),
    plain("duration", "a duration", |value, _, _| Ok(value.kind() == Kind::Duration)),
    against("endingwith", "a string that ends with the argument", |value, args, _| {
        Ok(text(value)?.ends_with(text(first(args)?)?))
    }),
    against("eq", "equal to the argument, as `==`", |value, args, fuel| {
        operators::compare(Comparison::Equal, value, first(args)?, fuel)
    }),
    plain("even", "an even integer", |value, _, _| Ok(integer(value)? % 2 == 0)),
    plain("false", "the boolean false", |value, _, _| value.as_bool().map(|is| !is).ok_or(Refusal::Kinds)),
    plain("float", "a number with a fraction or exponent", |value, _, _| Ok(matches!(value.0, Repr::Float(_)))),
    against("ge", "greater or equal, as `>=`", |value, args, fuel| {
        operators::compare(Comparison::GreaterOrEqual, value, first(args)?, fuel)
    }),
    against("gt", "greater, as `>`", |value, args, fuel| {
        operators::compare(Comparison::Greater, value, first(args)?, fuel)
    }),
    against("in", "in the argument, as `in`", |value, args, fuel| {
        operators::compare(Comparison::In, value, first(args)?, fuel)
    }),
    plain("integer", "an integer", |value, _, _| Ok(matches!(value.0, Repr::Integer(_)))),
    against("le", "less or equal, as `<=`", |value, args, fuel| {
        operators::compare(Comparison::LessOrEqual, value, first(args)?, fuel)
    }),
    plain("list", "a list", |value, _, _| Ok(value.kind() == Kind::List)),
    against("lt", "less, as `<`", |value, args, fuel| operators::compare(Comparison::Less, value, first(args)?, fuel)),
    plain("mapping", "a map", |value, _, _| Ok(value.kind() == Kind::Map)),
    against("ne", "not equal to the argument, as `!=`", |value, args, fuel| {
        operators::compare(Comparison::NotEqual, value, first(args)?, fuel)
    }),
    plain("none", "none, JSON's null", |value, _, _| Ok(value.is_none())),
    plain("number", "a number", |value, _, _| Ok(value.kind() == Kind::Number)),
    plain("odd", "an odd integer", |value, _, _| Ok(integer(value)? % 2 != 0)),
    plain("sequence", "a list", |value, _, _| Ok(value.kind() == Kind::List)),
    against("startingwith", "a string that begins with the argument", |value, args, _| {
        Ok(text(value)?.starts_with(text(first(args)?)?))
    }),
    plain("string", "a string", |value, _, _| Ok(value.kind() == Kind::String)),
    plain("timestamp", "a timestamp", |value, _, _| Ok(value.kind() == Kind::Timestamp)),
    plain("true", "the boolean true", |value, _, _| value.as_bool().ok_or(Refusal::Kinds)),
    plain("undefined", "not there: the name, member or item does not exist", |_, _, _| Ok(false)),
    plain("version", "a version", |value, _, _| Ok(value.kind() == Kind::Version)),
];

/// A test by its name, or what may have been meant.
pub(super) fn named(name: &str) -> Result<&'static Predicate, Option<String>> {
    TESTS.iter().find(|known| known.name == name).ok_or_else(|| near(name, TESTS.iter().map(|known| known.name)))
}

fn first(args: &[Value]) -> Result<&Value, Refusal> {
    args.first().ok_or(Refusal::Kinds)
}

fn text(value: &Value) -> Result<&str, Refusal> {
    value.as_str().ok_or(Refusal::Kinds)
}

fn integer(value: &Value) -> Result<i128, Refusal> {
    if let Repr::Integer(number) = value.0 { Ok(number) } else { Err(Refusal::Kinds) }
}
