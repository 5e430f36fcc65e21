//! What an expression computes with: JSON's kinds, and durations, timestamps and versions.
//!
//! A value is always decided and always has a JSON form: no undefined, no function, no infinite number.
//! Undecided is [`Outcome`](super::Outcome)'s affair, secrets are no values at all.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::version::Version;
use crate::time::{Duration, Timestamp};

/// A map's members, in the order written.
pub(super) type Members = IndexMap<Arc<str>, Value>;

/// A value; cheap to clone.
#[derive(Debug, Clone)]
pub struct Value(pub(super) Repr);

/// The kinds of values. Integers stay between `i64::MIN` and `u64::MAX`, floats are finite.
#[derive(Debug, Clone)]
pub(super) enum Repr {
    None,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    String(Arc<str>),
    List(Arc<Vec<Value>>),
    Map(Arc<Members>),
    Duration(Duration),
    Timestamp(Timestamp),
    Version(Arc<Version>),
}

/// What sort of thing a value is, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// JSON's null.
    None,
    /// `true` or `false`.
    Boolean,
    /// An integer or a float.
    Number,
    /// Text.
    String,
    /// Values in an order.
    List,
    /// Values by name.
    Map,
    /// A length of time.
    Duration,
    /// An instant.
    Timestamp,
    /// A version, ordered as semantic versions are.
    Version,
}

impl Kind {
    /// The kind's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::List => "list",
            Self::Map => "map",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::Version => "version",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Value {
    /// The absence of a value, JSON's null.
    pub const NONE: Self = Self(Repr::None);

    /// What sort of thing this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.0 {
            Repr::None => Kind::None,
            Repr::Boolean(_) => Kind::Boolean,
            Repr::Integer(_) | Repr::Float(_) => Kind::Number,
            Repr::String(_) => Kind::String,
            Repr::List(_) => Kind::List,
            Repr::Map(_) => Kind::Map,
            Repr::Duration(_) => Kind::Duration,
            Repr::Timestamp(_) => Kind::Timestamp,
            Repr::Version(_) => Kind::Version,
        }
    }

    /// A list.
    #[must_use]
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self(Repr::List(Arc::new(items.into_iter().collect())))
    }

    /// A map, in the order given; of two members of one name the last stands.
    #[must_use]
    pub fn map<K: AsRef<str>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self(Repr::Map(Arc::new(members.into_iter().map(|(name, value)| (name.as_ref().into(), value)).collect())))
    }

    /// A float, or none where it is not finite.
    #[must_use]
    pub fn float(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(Repr::Float(number)))
    }

    /// An integer, or none beyond `i64::MIN` to `u64::MAX`, which is as far as JSON is read and written.
    #[must_use]
    pub fn integer(number: i128) -> Option<Self> {
        (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number).then_some(Self(Repr::Integer(number)))
    }

    /// The value of a JSON value. A number that is neither an integer of 64 bits nor a finite float stays its text.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::NONE,
            serde_json::Value::Bool(boolean) => (*boolean).into(),
            serde_json::Value::Number(number) => number
                .as_i128()
                .and_then(Self::integer)
                .or_else(|| number.as_f64().and_then(Self::float))
                .unwrap_or_else(|| number.to_string().into()),
            serde_json::Value::String(text) => text.as_str().into(),
            serde_json::Value::Array(items) => Self::list(items.iter().map(Self::from_json)),
            serde_json::Value::Object(members) => {
                Self::map(members.iter().map(|(name, value)| (name, Self::from_json(value))))
            }
        }
    }

    /// The JSON form: durations, timestamps and versions become their text.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.0 {
            Repr::None => serde_json::Value::Null,
            Repr::Boolean(boolean) => (*boolean).into(),
            Repr::Integer(number) => serde_json::Number::from_i128(*number).into(),
            Repr::Float(number) => serde_json::Number::from_f64(*number).into(),
            Repr::String(text) => (&**text).into(),
            Repr::List(items) => items.iter().map(Self::to_json).collect(),
            Repr::Map(members) => members
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Repr::Duration(duration) => duration.to_string().into(),
            Repr::Timestamp(timestamp) => timestamp.to_string().into(),
            Repr::Version(version) => version.to_string().into(),
        }
    }

    /// How the value stands inside a longer string: strings as they are, numbers and booleans as in JSON, durations,
    /// timestamps and versions as their text. None, lists and maps do not stand there.
    #[must_use]
    pub fn to_text(&self) -> Option<Arc<str>> {
        match &self.0 {
            Repr::None | Repr::List(_) | Repr::Map(_) => None,
            Repr::String(text) => Some(Arc::clone(text)),
            Repr::Boolean(boolean) => Some(if *boolean { "true" } else { "false" }.into()),
            Repr::Integer(number) => Some(number.to_string().into()),
            Repr::Float(_) => Some(self.to_json().to_string().into()),
            Repr::Duration(duration) => Some(duration.to_string().into()),
            Repr::Timestamp(timestamp) => Some(timestamp.to_string().into()),
            Repr::Version(version) => Some(version.to_string().into()),
        }
    }

    /// Whether this is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self.0, Repr::None)
    }

    /// The boolean, where it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Repr::Boolean(boolean) = self.0 { Some(boolean) } else { None }
    }

    /// The integer, where it is one of 64 bits; a float never is.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Repr::Integer(number) = self.0 { i64::try_from(number).ok() } else { None }
    }

    /// The text, where it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Repr::String(text) = &self.0 { Some(text) } else { None }
    }

    /// The items, where it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Repr::List(items) = &self.0 { Some(items) } else { None }
    }

    /// The members in their order, where it is a map.
    pub fn members(&self) -> Option<impl Iterator<Item = (&str, &Self)>> {
        if let Repr::Map(members) = &self.0 { Some(members.iter().map(|(name, value)| (&**name, value))) } else { None }
    }

    /// A member by its name, where it is a map that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        if let Repr::Map(members) = &self.0 { members.get(name) } else { None }
    }

    /// The length of time, where it is one.
    #[must_use]
    pub fn as_duration(&self) -> Option<Duration> {
        if let Repr::Duration(duration) = self.0 { Some(duration) } else { None }
    }

    /// The instant, where it is one.
    #[must_use]
    pub fn as_timestamp(&self) -> Option<Timestamp> {
        if let Repr::Timestamp(timestamp) = self.0 { Some(timestamp) } else { None }
    }

    /// The version, where it is one.
    #[must_use]
    pub fn as_version(&self) -> Option<&Version> {
        if let Repr::Version(version) = &self.0 { Some(version) } else { None }
    }
}

/// Equal as JSON is: `1` and `1.0` are, and the order of members does not matter.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::None, Repr::None) => true,
            (Repr::Boolean(left), Repr::Boolean(right)) => left == right,
            (Repr::Integer(_) | Repr::Float(_), Repr::Integer(_) | Repr::Float(_)) => {
                super::operators::order(self, other).is_some_and(std::cmp::Ordering::is_eq)
            }
            (Repr::String(left), Repr::String(right)) => left == right,
            (Repr::List(left), Repr::List(right)) => left == right,
            (Repr::Map(left), Repr::Map(right)) => left == right,
            (Repr::Duration(left), Repr::Duration(right)) => left == right,
            (Repr::Timestamp(left), Repr::Timestamp(right)) => left == right,
            (Repr::Version(left), Repr::Version(right)) => left == right,
            _ => false,
        }
    }
}

impl From<bool> for Value {
    fn from(boolean: bool) -> Self {
        Self(Repr::Boolean(boolean))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(Repr::Integer(number.into()))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self(Repr::Integer(number.into()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(Repr::String(text.into()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(Repr::String(text.into()))
    }
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self(Repr::Duration(duration))
    }
}

impl From<Timestamp> for Value {
    fn from(timestamp: Timestamp) -> Self {
        Self(Repr::Timestamp(timestamp))
    }
}

impl From<Version> for Value {
    fn from(version: Version) -> Self {
        Self(Repr::Version(Arc::new(version)))
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        Self::from_json(&json)
    }
}
