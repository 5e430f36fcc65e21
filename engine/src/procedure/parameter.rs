//! What callers and people give: typed values with their limits.

use std::cmp::Ordering;

use indexmap::IndexMap;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::MAX_INTEGER;
use crate::id::Id;
use crate::template::value;
use crate::time::{Duration, Timestamp};

/// The type of a parameter or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// Text.
    String,
    /// A whole number within ±(2^53−1).
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A length of time, like `90s`.
    Duration,
    /// An instant with offset, RFC 3339.
    Timestamp,
    /// A path; a relative one starts at the workspace.
    Path,
    /// An http or https address.
    Url,
    /// One of a list of words.
    Enum,
    /// A list.
    List,
    /// A mapping with text keys.
    Map,
}

impl Type {
    /// As it is written in a file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::Path => "path",
            Self::Url => "url",
            Self::Enum => "enum",
            Self::List => "list",
            Self::Map => "map",
        }
    }
}

/// A parameter or an answer: its type and limits.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its type.
    pub kind: Type,
    /// What it is, for people.
    pub description: Option<String>,
    /// Taken where nothing is given; without one it is required. Already accepted by the parameter itself.
    pub default: Option<Value>,
    /// The whole value must match.
    pub pattern: Option<Regex>,
    /// The least value: a number, duration or timestamp.
    pub min: Option<Value>,
    /// The greatest value.
    pub max: Option<Value>,
    /// The fewest characters, items or members.
    pub min_length: Option<u64>,
    /// The most characters, items or members.
    pub max_length: Option<u64>,
    /// Of an enum: the words.
    pub values: Vec<String>,
    /// Of a list or map: what each of its items is.
    pub items: Option<Box<Parameter>>,
}

impl Parameter {
    /// A parameter of a type, without limits.
    #[must_use]
    pub fn of(kind: Type) -> Self {
        Self {
            kind,
            description: None,
            default: None,
            pattern: None,
            min: None,
            max: None,
            min_length: None,
            max_length: None,
            values: Vec::new(),
            items: None,
        }
    }

    /// Reads what was typed on a command line: text as it is, lists and maps as JSON.
    ///
    /// # Errors
    /// What was found and what was expected.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        let value = match self.kind {
            Type::Integer => {
                text.parse::<i64>().map(Value::from).map_err(|_| format!("`{text}` is not a whole number"))?
            }
            Type::Boolean => match text {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => return Err(format!("`{text}` is neither `true` nor `false`")),
            },
            Type::List | Type::Map => serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?,
            _ => Value::String(text.to_owned()),
        };
        self.accept(&value)
    }

    /// Checks a value against type and limits; gives it back as it is recorded.
    ///
    /// # Errors
    /// What was found and what was expected.
    pub fn accept(&self, value: &Value) -> Result<Value, String> {
        match (self.kind, value) {
            (
                Type::String | Type::Path | Type::Url | Type::Enum | Type::Duration | Type::Timestamp,
                Value::String(text),
            ) => self.accept_text(text),
            (Type::Integer, Value::Number(number)) => self.accept_integer(number),
            (Type::Boolean, Value::Bool(_)) => Ok(value.clone()),
            (Type::List, Value::Array(items)) => {
                self.check_length(items.len(), "items")?;
                let accepted: Result<Vec<Value>, String> =
                    items.iter().enumerate().map(|(at, item)| self.accept_item(&at.to_string(), item)).collect();
                accepted.map(Value::Array)
            }
            (Type::Map, Value::Object(members)) => {
                self.check_length(members.len(), "members")?;
                let accepted: Result<Map<String, Value>, String> =
                    members.iter().map(|(key, member)| Ok((key.clone(), self.accept_item(key, member)?))).collect();
                accepted.map(Value::Object)
            }
            (expected, found) => Err(format!("expected {}, found {}", expected.as_str(), kind_of(found))),
        }
    }

    fn accept_item(&self, place: &str, item: &Value) -> Result<Value, String> {
        match &self.items {
            Some(rule) => rule.accept(item).map_err(|why| format!("item `{place}`: {why}")),
            None => Ok(item.clone()),
        }
    }

    fn accept_integer(&self, number: &serde_json::Number) -> Result<Value, String> {
        let integer = number
            .as_i64()
            .filter(|integer| (-MAX_INTEGER..=MAX_INTEGER).contains(integer))
            .ok_or_else(|| format!("expected a whole number within ±{MAX_INTEGER}, found `{number}`"))?;
        let limit = |limit: &Option<Value>| limit.as_ref().and_then(Value::as_i64);
        self.check_limits(integer, limit(&self.min), limit(&self.max))?;
        Ok(Value::from(integer))
    }

    fn accept_text(&self, text: &str) -> Result<Value, String> {
        if text.contains('\0') {
            return Err("it contains a NUL character".to_owned());
        }
        let limit = |limit: &Option<Value>| limit.as_ref().and_then(Value::as_str).map(str::to_owned);
        let (min, max) = (limit(&self.min), limit(&self.max));
        match self.kind {
            Type::Duration => {
                let read = |text: &str| Duration::parse(text).map_err(|error| error.to_string());
                let bound = |text: Option<String>| text.map(|text| read(&text)).transpose();
                self.check_limits(read(text)?, bound(min)?, bound(max)?)?;
            }
            Type::Timestamp => {
                let read = |text: &str| Timestamp::parse(text).map_err(|error| error.to_string());
                let bound = |text: Option<String>| text.map(|text| read(&text)).transpose();
                self.check_limits(read(text)?, bound(min)?, bound(max)?)?;
            }
            Type::Enum if !self.values.iter().any(|word| word == text) => {
                let mut why = format!("`{text}` is none of `{}`", self.values.join("`, `"));
                if let Some(near) = crate::diagnostic::did_you_mean(text, self.values.iter().map(String::as_str)) {
                    why.push_str(&format!("; did you mean `{near}`?"));
                }
                return Err(why);
            }
            Type::Url if !is_http_url(text) => {
                return Err(format!("`{text}` is not an http or https address without user or password"));
            }
            Type::Path if text.is_empty() => return Err("a path cannot be empty".to_owned()),
            _ => {}
        }
        self.check_length(text.chars().count(), "characters")?;
        match &self.pattern {
            // The whole value, not the whole line: `parse` anchors the pattern with \A and \z.
            Some(pattern) if !pattern.is_match(text) => {
                Err(format!("`{text}` does not match `{}`", self.pattern_as_written()))
            }
            _ => Ok(Value::String(text.to_owned())),
        }
    }

    /// A pattern that matches whole values only.
    ///
    /// # Errors
    /// When it is no regular expression, or too large a one.
    pub fn whole_pattern(written: &str) -> Result<Regex, regex::Error> {
        regex::RegexBuilder::new(&format!("{WHOLE_START}{written}{WHOLE_END}")).size_limit(1 << 20).build()
    }

    /// The pattern as its author wrote it.
    #[must_use]
    pub fn pattern_as_written(&self) -> &str {
        self.pattern.as_ref().map_or("", |pattern| {
            let text = pattern.as_str();
            text.strip_prefix(WHOLE_START).and_then(|text| text.strip_suffix(WHOLE_END)).unwrap_or(text)
        })
    }

    fn check_limits<T: PartialOrd + std::fmt::Display>(
        &self,
        value: T,
        min: Option<T>,
        max: Option<T>,
    ) -> Result<(), String> {
        match (min, max) {
            (Some(min), _) if value.partial_cmp(&min) == Some(Ordering::Less) => {
                Err(format!("`{value}` is less than `{min}`"))
            }
            (_, Some(max)) if value.partial_cmp(&max) == Some(Ordering::Greater) => {
                Err(format!("`{value}` is more than `{max}`"))
            }
            _ => Ok(()),
        }
    }

    fn check_length(&self, length: usize, of: &str) -> Result<(), String> {
        let length = length as u64;
        match (self.min_length, self.max_length) {
            (Some(min), _) if length < min => Err(format!("it has {length} {of}, at least {min} are needed")),
            (_, Some(max)) if length > max => Err(format!("it has {length} {of}, at most {max} are allowed")),
            _ => Ok(()),
        }
    }

    /// The value as expressions see it: durations and timestamps are such, not text.
    #[must_use]
    pub fn typed(&self, value: &Value) -> value::Value {
        match (self.kind, value.as_str()) {
            (Type::Duration, Some(text)) => {
                Duration::parse(text).map_or_else(|_| value::Value::from_json(value), value::Value::from)
            }
            (Type::Timestamp, Some(text)) => {
                Timestamp::parse(text).map_or_else(|_| value::Value::from_json(value), value::Value::from)
            }
            _ => value::Value::from_json(value),
        }
    }
}

const WHOLE_START: &str = r"\A(?:";
const WHOLE_END: &str = r")\z";

/// What one finds wrong with given values: the name, and why.
pub type Refusals = Vec<(String, String)>;

/// Checks what was given against what is declared: required ones there, unknown ones named, defaults filled in.
///
/// # Errors
/// Everything that is wrong, by name.
pub fn accept_all(
    declared: &IndexMap<Id, Parameter>,
    given: &IndexMap<String, Value>,
) -> Result<IndexMap<Id, Value>, Refusals> {
    let mut refusals = Refusals::new();
    for name in given.keys().filter(|name| !declared.contains_key(name.as_str())) {
        let why = match crate::diagnostic::did_you_mean(name, declared.keys().map(Id::as_str)) {
            Some(near) => format!("there is no such parameter; did you mean `{near}`?"),
            None if declared.is_empty() => "there is no such parameter; there are none".to_owned(),
            None => {
                let known: Vec<String> = declared.keys().map(|name| format!("`{name}`")).collect();
                format!("there is no such parameter; there is {}", known.join(", "))
            }
        };
        refusals.push((name.clone(), why));
    }
    let mut accepted = IndexMap::new();
    for (name, parameter) in declared {
        match given
            .get(name.as_str())
            .map(|value| parameter.accept(value))
            .or_else(|| parameter.default.clone().map(Ok))
        {
            Some(Ok(value)) => {
                accepted.insert(name.clone(), value);
            }
            Some(Err(why)) => refusals.push((name.to_string(), why)),
            None => refusals.push((name.to_string(), "it is required and was not given".to_owned())),
        }
    }
    if refusals.is_empty() { Ok(accepted) } else { Err(refusals) }
}

fn is_http_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !authority.is_empty() && !authority.contains('@') && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

/// What sort of JSON value it is, in the words of messages.
#[must_use]
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "an integer",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
