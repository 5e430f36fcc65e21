//! The operators, checked: what has no meaning between two kinds is an error, never an answer.
//!
//! `and`, `or`, `not` and `if` are the evaluation's, because they may leave operands alone.

use std::cmp::Ordering;
use std::sync::Arc;

use super::error::Problem;
use super::fuel::Fuel;
use super::value::{Kind, Repr, Value};
use crate::time::Duration;

/// An operator that computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    Concatenate,
}

/// An operator that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Arithmetic {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
            Self::Power => "**",
            Self::Concatenate => "~",
        }
    }
}

impl Comparison {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }
}

/// Why an operator has no result.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It has no meaning between these kinds.
    Kinds,
    /// It failed on these operands.
    Problem(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

const OVERFLOW: Refusal = Refusal::Problem(Problem::Overflow);
const BY_ZERO: Refusal = Refusal::Problem(Problem::DivisionByZero);

/// Which of two values of like kinds comes first; none where they have no order.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    Some(match (&left.0, &right.0) {
        (Repr::Integer(left), Repr::Integer(right)) => left.cmp(right),
        (Repr::Float(left), Repr::Float(right)) => left.partial_cmp(right)?,
        (Repr::Integer(left), Repr::Float(right)) => order_mixed(*left, *right)?,
        (Repr::Float(left), Repr::Integer(right)) => order_mixed(*right, *left)?.reverse(),
        (Repr::String(left), Repr::String(right)) => left.cmp(right),
        (Repr::Duration(left), Repr::Duration(right)) => left.cmp(right),
        (Repr::Timestamp(left), Repr::Timestamp(right)) => left.cmp(right),
        (Repr::Version(left), Repr::Version(right)) => left.cmp(right),
        _ => return None,
    })
}

/// An integer against a float, exactly.
#[expect(clippy::cast_possible_truncation, reason = "a float beyond i128 saturates, and no integer here is near it")]
fn order_mixed(integer: i128, float: f64) -> Option<Ordering> {
    let whole = float.floor();
    integer.cmp(&(whole as i128)).then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal)).into()
}

/// Whether two values are equal; only like kinds and none can be asked.
pub(super) fn equal(left: &Value, right: &Value, fuel: &mut Fuel) -> Result<bool, Refusal> {
    if left.kind() != right.kind() && !left.is_none() && !right.is_none() {
        return Err(Refusal::Kinds);
    }
    Ok(same(left, right, fuel)?)
}

/// Equality all the way down; what is of other kinds inside is simply not equal.
pub(super) fn same(left: &Value, right: &Value, fuel: &mut Fuel) -> Result<bool, Problem> {
    fuel.spend(1)?;
    match (&left.0, &right.0) {
        (Repr::String(left), Repr::String(right)) => {
            fuel.spend_text(left.len().min(right.len()))?;
            Ok(left == right)
        }
        (Repr::List(left), Repr::List(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right.iter()) {
                if !same(left, right, fuel)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Repr::Map(left), Repr::Map(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (name, left) in left.iter() {
                match right.get(name) {
                    Some(right) if same(left, right, fuel)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        _ => Ok(left == right),
    }
}

/// Answers a comparison.
pub(super) fn compare(comparison: Comparison, left: &Value, right: &Value, fuel: &mut Fuel) -> Result<bool, Refusal> {
    let ordered = |fuel: &mut Fuel| {
        if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
            fuel.spend_text(left.len().min(right.len()))?;
        }
        order(left, right).ok_or(Refusal::Kinds)
    };
    match comparison {
        Comparison::Equal => equal(left, right, fuel),
        Comparison::NotEqual => equal(left, right, fuel).map(|equal| !equal),
        Comparison::Less => ordered(fuel).map(Ordering::is_lt),
        Comparison::LessOrEqual => ordered(fuel).map(Ordering::is_le),
        Comparison::Greater => ordered(fuel).map(Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered(fuel).map(Ordering::is_ge),
        Comparison::In => contains(right, left, fuel),
    }
}

/// Whether a list has an item, a map a name, or a string a part. Every item of a list must be one that can be asked.
pub(super) fn contains(container: &Value, wanted: &Value, fuel: &mut Fuel) -> Result<bool, Refusal> {
    match (&container.0, &wanted.0) {
        (Repr::List(items), _) => {
            let mut found = false;
            for item in items.iter() {
                found |= equal(item, wanted, fuel)?;
            }
            Ok(found)
        }
        (Repr::Map(members), Repr::String(name)) => Ok(members.contains_key(name)),
        (Repr::String(text), Repr::String(part)) => {
            fuel.spend_text(text.len())?;
            Ok(text.contains(&**part))
        }
        _ => Err(Refusal::Kinds),
    }
}

/// Computes.
pub(super) fn arithmetic(operator: Arithmetic, left: &Value, right: &Value, fuel: &mut Fuel) -> Result<Value, Refusal> {
    use Arithmetic::{Add, Concatenate, Divide, Multiply, Subtract};
    match (operator, &left.0, &right.0) {
        (Concatenate, ..) => {
            let (Some(left), Some(right)) = (left.to_text(), right.to_text()) else { return Err(Refusal::Kinds) };
            join(&left, &right, fuel)
        }
        (Add, Repr::String(left), Repr::String(right)) => join(left, right, fuel),
        (Add, Repr::List(left), Repr::List(right)) => {
            fuel.allow_list(left.len() + right.len())?;
            Ok(Value::list(left.iter().chain(right.iter()).cloned()))
        }
        (Add, Repr::Timestamp(at), Repr::Duration(by)) | (Add, Repr::Duration(by), Repr::Timestamp(at)) => {
            at.plus(*by).map(Value::from).ok_or(OVERFLOW)
        }
        (Subtract, Repr::Timestamp(at), Repr::Duration(by)) => {
            let back = by.microseconds().checked_neg().ok_or(OVERFLOW)?;
            at.plus(Duration::from_microseconds(back)).map(Value::from).ok_or(OVERFLOW)
        }
        (Subtract, Repr::Timestamp(later), Repr::Timestamp(earlier)) => Ok(later.since(*earlier).into()),
        (Add, Repr::Duration(left), Repr::Duration(right)) => {
            lasting(left.microseconds().checked_add(right.microseconds()))
        }
        (Subtract, Repr::Duration(left), Repr::Duration(right)) => {
            lasting(left.microseconds().checked_sub(right.microseconds()))
        }
        (Multiply, Repr::Duration(duration), Repr::Integer(factor))
        | (Multiply, Repr::Integer(factor), Repr::Duration(duration)) => {
            lasting(i64::try_from(*factor).ok().and_then(|factor| duration.microseconds().checked_mul(factor)))
        }
        (Multiply, Repr::Duration(duration), Repr::Float(factor))
        | (Multiply, Repr::Float(factor), Repr::Duration(duration)) => scaled(*duration, *factor),
        (Divide, Repr::Duration(duration), Repr::Integer(_) | Repr::Float(_)) => {
            let divisor = as_float(right).ok_or(Refusal::Kinds)?;
            if divisor == 0.0 { Err(BY_ZERO) } else { scaled(*duration, 1.0 / divisor) }
        }
        (_, Repr::Integer(left), Repr::Integer(right)) => integers(operator, *left, *right),
        (_, Repr::Integer(_) | Repr::Float(_), Repr::Integer(_) | Repr::Float(_)) => {
            let (Some(left), Some(right)) = (as_float(left), as_float(right)) else { return Err(Refusal::Kinds) };
            floats(operator, left, right)
        }
        _ => Err(Refusal::Kinds),
    }
}

/// Turns a number's or duration's sign.
pub(super) fn negate(value: &Value) -> Result<Value, Refusal> {
    match &value.0 {
        Repr::Integer(number) => integer(number.checked_neg()),
        Repr::Float(number) => float(-number),
        Repr::Duration(duration) => lasting(duration.microseconds().checked_neg()),
        _ => Err(Refusal::Kinds),
    }
}

/// A number as a float.
#[expect(clippy::cast_precision_loss, reason = "what floats do to large integers is what is asked for")]
pub(super) fn as_float(value: &Value) -> Option<f64> {
    match value.0 {
        Repr::Integer(number) => Some(number as f64),
        Repr::Float(number) => Some(number),
        _ => None,
    }
}

fn join(left: &Arc<str>, right: &str, fuel: &mut Fuel) -> Result<Value, Refusal> {
    fuel.allow_string(left.len() + right.len())?;
    Ok(format!("{left}{right}").into())
}

fn lasting(microseconds: Option<i64>) -> Result<Value, Refusal> {
    microseconds.map(|microseconds| Duration::from_microseconds(microseconds).into()).ok_or(OVERFLOW)
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "checked to be within i64")]
fn scaled(duration: Duration, factor: f64) -> Result<Value, Refusal> {
    let microseconds = duration.microseconds() as f64 * factor;
    lasting((microseconds.abs() < i64::MAX as f64).then_some(microseconds.round() as i64))
}

fn integer(number: Option<i128>) -> Result<Value, Refusal> {
    number.and_then(Value::integer).ok_or(OVERFLOW)
}

fn float(number: f64) -> Result<Value, Refusal> {
    Value::float(number).ok_or(OVERFLOW)
}

#[expect(clippy::cast_precision_loss, reason = "`/` and negative powers are floats by their meaning")]
fn integers(operator: Arithmetic, left: i128, right: i128) -> Result<Value, Refusal> {
    match operator {
        Arithmetic::Add => integer(left.checked_add(right)),
        Arithmetic::Subtract => integer(left.checked_sub(right)),
        Arithmetic::Multiply => integer(left.checked_mul(right)),
        Arithmetic::Power if right >= 0 => {
            integer(u32::try_from(right).ok().and_then(|exponent| left.checked_pow(exponent)))
        }
        Arithmetic::Divide | Arithmetic::Power => floats(operator, left as f64, right as f64),
        Arithmetic::FloorDivide | Arithmetic::Remainder if right == 0 => Err(BY_ZERO),
        Arithmetic::FloorDivide => {
            let uneven = left % right != 0 && (left < 0) != (right < 0);
            integer(Some(left / right - i128::from(uneven)))
        }
        Arithmetic::Remainder => {
            let remainder = left % right;
            let turn = remainder != 0 && (remainder < 0) != (right < 0);
            integer(Some(if turn { remainder + right } else { remainder }))
        }
        Arithmetic::Concatenate => Err(Refusal::Kinds),
    }
}

fn floats(operator: Arithmetic, left: f64, right: f64) -> Result<Value, Refusal> {
    match operator {
        Arithmetic::Add => float(left + right),
        Arithmetic::Subtract => float(left - right),
        Arithmetic::Multiply => float(left * right),
        Arithmetic::Power if left == 0.0 && right < 0.0 => Err(BY_ZERO),
        Arithmetic::Power => float(left.powf(right)),
        Arithmetic::Divide | Arithmetic::FloorDivide | Arithmetic::Remainder if right == 0.0 => Err(BY_ZERO),
        Arithmetic::Divide => float(left / right),
        Arithmetic::FloorDivide => float((left / right).floor()),
        Arithmetic::Remainder => {
            let remainder = left % right;
            float(if remainder != 0.0 && (remainder < 0.0) != (right < 0.0) { remainder + right } else { remainder })
        }
        Arithmetic::Concatenate => Err(Refusal::Kinds),
    }
}

/// The problem of an operator between two operands, or the one it already is.
pub(super) fn problem(refusal: Refusal, operator: &'static str, left: (Kind, &str), right: (Kind, &str)) -> Problem {
    match refusal {
        Refusal::Problem(problem) => problem,
        Refusal::Kinds => Problem::Operands {
            operator,
            left: left.0,
            right: right.0,
            left_text: super::error::excerpt(left.1).into(),
            right_text: super::error::excerpt(right.1).into(),
        },
    }
}
