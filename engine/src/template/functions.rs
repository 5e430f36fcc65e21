//! The functions of the language, and `inside`, which only the machine can answer.

use super::error::Problem;
use super::fuel::Fuel;
use super::syntax::near;
use super::value::{Repr, Value};
use super::version::Version;
use crate::id::Digest;
use crate::time::{Duration, Timestamp};

/// The functions that an expression may call, each with what it gives.
pub const FUNCTIONS: &[(&str, &str)] = &[
    ("days_until", "`days_until(timestamp)`: whole days from the start of the run to a timestamp, rounded down"),
    ("duration", "`duration('4h')`: the duration a text says"),
    ("inside", "`inside(path, dir)`: whether a path, symlinks followed, is in a folder"),
    ("sha256", "`sha256(text)`: the SHA-256 of a string's UTF-8, as 64 hex digits"),
    ("timestamp", "`timestamp('2026-11-20T09:35:12Z')`: the instant a text says (RFC 3339 with an offset)"),
    ("version", "`version('1.10.2')`: a version, to be compared with others"),
];

/// A function's name as the table spells it, or what may have been meant.
pub(super) fn named(name: &str) -> Result<&'static str, Option<String>> {
    FUNCTIONS
        .iter()
        .map(|(known, _)| *known)
        .find(|known| *known == name)
        .ok_or_else(|| near(name, FUNCTIONS.iter().map(|(known, _)| *known)))
}

/// Answers the functions that need nothing but their argument; none for the others.
pub(super) fn call(name: &'static str, args: &[Value], fuel: &mut Fuel) -> Option<Result<Value, Problem>> {
    let answer: fn(&Value, &mut Fuel) -> Option<Value> = match name {
        "duration" => |value, _| match value.as_str() {
            Some(text) => Duration::parse(text).ok().map(Value::from),
            None => value.as_duration().map(Value::from),
        },
        "timestamp" => |value, _| match value.as_str() {
            Some(text) => Timestamp::parse(text).ok().map(Value::from),
            None => value.as_timestamp().map(Value::from),
        },
        "version" => |value, _| match &value.0 {
            Repr::String(text) => Version::parse(text).ok().map(Value::from),
            Repr::Version(_) => Some(value.clone()),
            _ => None,
        },
        "sha256" => |value, fuel| {
            let text = value.as_str()?;
            fuel.spend_text(text.len()).ok()?;
            Some(Digest::of(text.as_bytes()).hex().into())
        },
        _ => return None,
    };
    let [value] = args else {
        return Some(Err(wrong(name, format!("takes one argument, not {}", args.len()))));
    };
    Some(answer(value, fuel).ok_or_else(|| {
        let expected = match name {
            "duration" => "a duration or a string like `90s`, `5m`, `4h`, `2d`",
            "timestamp" => "a timestamp or a string in RFC 3339 with an offset",
            "version" => "a version or a string like `1.4.2`",
            _ => "a string",
        };
        wrong(name, format!("takes {expected}; this {} is none", value.kind()))
    }))
}

/// Whole days from one instant to another, rounded down.
pub(super) fn days_until(started_at: Timestamp, args: &[Value]) -> Result<Value, Problem> {
    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    match args {
        [value] => value
            .as_timestamp()
            .map(|until| until.since(started_at).microseconds().div_euclid(DAY).into())
            .ok_or_else(|| wrong("days_until", format!("takes a timestamp, not a {}", value.kind()))),
        _ => Err(wrong("days_until", format!("takes one argument, not {}", args.len()))),
    }
}

fn wrong(name: &str, message: String) -> Problem {
    Problem::Argument { name: name.to_owned(), message }
}
