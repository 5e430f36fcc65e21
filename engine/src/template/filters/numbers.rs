//! Filters of numbers.

use super::Call;
use crate::template::error::Problem;
use crate::template::operators::{self, Refusal};
use crate::template::value::{Repr, Value};
use crate::time::Duration;

pub(super) fn abs(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let negative = match &value.0 {
        Repr::Integer(number) => *number < 0,
        Repr::Float(number) => *number < 0.0,
        Repr::Duration(duration) => *duration < Duration::default(),
        _ => return Err(call.takes("a number or duration", value)),
    };
    if !negative {
        return Ok(value.clone());
    }
    operators::negate(value).map_err(|refusal| match refusal {
        Refusal::Problem(problem) => problem,
        Refusal::Kinds => call.takes("a number or duration", value),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "a float beyond i128 saturates, and is refused as an integer")]
pub(super) fn int(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    match &value.0 {
        Repr::Integer(_) => Ok(value.clone()),
        Repr::Float(number) => Value::integer(number.trunc() as i128).ok_or(Problem::Overflow),
        Repr::String(text) => {
            let number = text.trim().parse().ok().and_then(Value::integer);
            number.ok_or_else(|| call.wrong("takes a number, or a string of decimal digits"))
        }
        _ => Err(call.takes("a number or string", value)),
    }
}

pub(super) fn float(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    match &value.0 {
        Repr::Integer(_) | Repr::Float(_) => operators::as_float(value).and_then(Value::float).ok_or(Problem::Overflow),
        Repr::String(text) => {
            let number = text.trim().parse().ok().and_then(Value::float);
            number.ok_or_else(|| call.wrong("takes a number, or a string that says one"))
        }
        _ => Err(call.takes("a number or string", value)),
    }
}

pub(super) fn round(value: &Value, call: &mut Call<'_>) -> Result<Value, Problem> {
    let decimals = call.take_count("precision")?.unwrap_or(0);
    match &value.0 {
        Repr::Integer(_) => Ok(value.clone()),
        Repr::Float(number) => {
            // Beyond 17 decimals a float has nothing left to round.
            let factor = 10_f64.powi(i32::try_from(decimals.min(17)).unwrap_or(17));
            let rounded = (number * factor).round() / factor;
            Ok(Value::float(rounded).unwrap_or_else(|| value.clone()))
        }
        _ => Err(call.takes("a number", value)),
    }
}
