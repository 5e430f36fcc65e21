//! Parameters, and the answers of people, which have the same types.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::procedure::Source;
use super::words::Text;
use crate::id::Id;

/// A value given to a run, or answered by a person. Without a default it must be given.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What sort of value it is.
    #[serde(rename = "type")]
    pub sort: Sort,
    /// What it is for.
    pub description: Option<Text>,
    /// The value where none is given.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Value")]
    pub default: Option<Value>,
    /// A regular expression that the whole of a `string`, `path` or `url` must match.
    pub pattern: Option<String>,
    /// The least `integer`, `duration` or `timestamp`.
    pub min: Option<Bound>,
    /// The greatest `integer`, `duration` or `timestamp`.
    pub max: Option<Bound>,
    /// The least number of characters of a text, of items of a list, or of entries of a map.
    pub min_length: Option<u64>,
    /// The greatest number of characters of a text, of items of a list, or of entries of a map.
    pub max_length: Option<u64>,
    /// The values an `enum` may have.
    #[schemars(length(min = 1))]
    pub values: Option<Vec<String>>,
    /// What each item of a `list`, or each value of a `map`, is.
    pub items: Option<Box<Parameter>>,
    /// Where it was written down first.
    pub source: Option<Source>,
}

/// `null` is a value like any other here, unlike no default at all.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// The type of a parameter or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A length of time with its unit, like `90s`.
    Duration,
    /// An instant with its offset, like `2026-11-20T09:35:12Z`.
    Timestamp,
    /// A path of a file or folder.
    Path,
    /// A URL.
    Url,
    /// One of `values`.
    Enum,
    /// A list; `items` says of what.
    List,
    /// A map from names to values; `items` says to what.
    Map,
}

/// A number, or a duration or timestamp as text.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("type" = ["integer", "string"], "x-runwarden" = "a whole number, a duration or a timestamp"))]
pub struct Bound(pub Value);

/// Parameters or answers by their names.
pub type Parameters = IndexMap<Id, Parameter>;
