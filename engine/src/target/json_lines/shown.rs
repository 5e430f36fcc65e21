//! Lines of a log as they are shown: what they say, and what stands against reading them. None of them is judged.

use serde_json::{Map, Number, Value as Json, json};

use super::{Content, Line, examine, fault::Fault};
use crate::target::python_json::Value;
use crate::time::Timestamp;

/// A line as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its number, from 1.
    pub line: u64,
    /// What it says; of a line that is no JSON its text.
    pub entry: Json,
    /// Why it cannot be read as it should be.
    pub problems: Vec<String>,
}

impl Shown {
    /// The line, unless it is blank.
    #[must_use]
    pub fn of(line: &Line<'_>) -> Option<Self> {
        let (content, faults) = examine(line);
        let entry = match content {
            Content::Blank => return None,
            Content::Value(parsed) => to_json(&parsed.value),
            Content::Text(text) => Json::String(text),
            Content::Dark => Json::Null,
        };
        let told = |(fault, detail): (Fault, String)| (fault != Fault::UnterminatedLine).then_some(detail);
        Some(Self { line: line.number, entry, problems: faults.into_iter().filter_map(told).collect() })
    }

    /// As an object: `line`, `entry`, and `problems` where there are any.
    #[must_use]
    pub fn to_object(&self) -> Map<String, Json> {
        let mut object = Map::new();
        object.insert("line".to_owned(), json!(self.line));
        object.insert("entry".to_owned(), self.entry.clone());
        if !self.problems.is_empty() {
            object.insert("problems".to_owned(), json!(self.problems));
        }
        object
    }
}

/// A time as these systems write it: RFC 3339, seconds since 1970, or with an offset and a `Z` after it, which no
/// standard knows.
#[must_use]
pub fn time_of(written: &Json) -> Option<Timestamp> {
    match written {
        Json::String(text) => {
            let doubled = text.strip_suffix('Z').and_then(|text| Timestamp::parse(text).ok());
            Timestamp::parse(text).ok().or(doubled)
        }
        Json::Number(number) => {
            if let Some(seconds) = number.as_i64() {
                return Timestamp::from_microseconds(seconds.checked_mul(1_000_000)?).ok();
            }
            let microseconds = (number.as_f64()? * 1e6).round();
            // Beyond this an f64 skips whole numbers, and the year 9999 is far below.
            if microseconds.abs() > 9_007_199_254_740_992.0 * 64.0 {
                return None;
            }
            #[expect(clippy::cast_possible_truncation, reason = "it is whole, and its size was looked at")]
            Timestamp::from_microseconds(microseconds as i64).ok()
        }
        _ => None,
    }
}

/// The value as JSON; a number that does not fit is `{"$number": "as written"}`.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(yes) => Json::Bool(*yes),
        Value::Integer(digits) => match (digits.parse::<i64>(), digits.parse::<u64>()) {
            (Ok(number), _) => Json::from(number),
            (_, Ok(number)) => Json::from(number),
            _ => json!({ "$number": digits }),
        },
        Value::Float(number) => match Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None => json!({ "$number": number.to_string() }),
        },
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Object(members) => {
            Json::Object(members.iter().map(|(key, member)| (key.clone(), to_json(member))).collect())
        }
    }
}
