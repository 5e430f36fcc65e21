//! Text of a known format to a JSON value; a text that two readers might read differently is refused.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::action::Error;
use strict::Strict;

mod strict;
mod yaml;

/// What the names of columns may come to in all rows, for each byte of the text, and at least: they are in no row of
/// the text.
const NAMES_PER_BYTE: usize = 32;
const MOST_NAMES: usize = 1 << 20;

/// How a data file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON value.
    Json,
    /// One JSON value a line; a list.
    Jsonl,
    /// Rows under a header line: a list of maps of texts.
    Csv,
    /// One YAML document without tags.
    Yaml,
    /// One TOML document; its dates become texts.
    Toml,
}

impl Format {
    /// The format that a path's extension stands for.
    ///
    /// # Errors
    /// `unknown_format` for any other extension.
    pub fn of(path: &Path) -> Result<Self, Error> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(Self::Json),
            Some("jsonl" | "ndjson") => Ok(Self::Jsonl),
            Some("csv") => Ok(Self::Csv),
            Some("yaml" | "yml") => Ok(Self::Yaml),
            Some("toml") => Ok(Self::Toml),
            _ => Err(Error::new(
                "unknown_format",
                format!("`{}` has no extension that says its format; give `format`", path.display()),
            )),
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// `malformed`, with what is wrong and where.
    pub fn parse(self, text: &str) -> Result<Value, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match self {
            Self::Json => json(text).map_err(|error| malformed("JSON", error)),
            Self::Jsonl => json_lines(text),
            Self::Csv => csv_rows(text),
            Self::Yaml => yaml::read(text).map_err(|error| malformed("YAML", error)),
            Self::Toml => toml_document(text),
        }
    }
}

fn malformed(what: &str, why: impl fmt::Display) -> Error {
    Error::new("malformed", format!("no valid {what}: {why}"))
}

/// Reads JSON (RFC 8259) in which no object has a key twice.
///
/// # Errors
/// What is wrong, and where.
pub fn json(text: &str) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    // JSON has no aliases: it stands for no more than it is.
    let room = Cell::new(usize::MAX);
    let strict = Strict { what: "a JSON value", twice: "key `{}` is there twice", room: &room };
    let value = strict.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

fn json_lines(text: &str) -> Result<Value, Error> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            json(line).map_err(|error| malformed("JSON lines", format!("line {}: {error}", number + 1)))
        })
        .collect()
}

fn csv_rows(text: &str) -> Result<Value, Error> {
    let wrong = |error: csv::Error| malformed("CSV", error);
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(wrong)?.clone();
    let mut seen = HashSet::new();
    if let Some(twice) = header.iter().find(|name| !seen.insert(*name)) {
        return Err(malformed("CSV", format!("column `{}` is there twice", twice.escape_debug())));
    }
    let names: usize = header.iter().map(str::len).sum();
    let mut room = text.len().saturating_mul(NAMES_PER_BYTE).saturating_add(MOST_NAMES);
    let rows = reader.records().map(|row| {
        let row = row.map_err(wrong)?;
        let left = room.checked_sub(names);
        room = left.ok_or_else(|| malformed("CSV", "the names of its columns are too long for so many rows"))?;
        let cells = header.iter().zip(&row).map(|(name, cell)| (name.to_owned(), Value::from(cell)));
        Ok(Value::Object(cells.collect()))
    });
    rows.collect()
}

fn toml_document(text: &str) -> Result<Value, Error> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        // Its own words would show the whole line.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        malformed("TOML", format!("line {}: {}", before.matches('\n').count() + 1, error.message()))
    })?;
    from_toml(toml::Value::Table(table))
}

fn from_toml(value: toml::Value) -> Result<Value, Error> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => {
            let number = Number::from_f64(number).ok_or_else(|| malformed("TOML", "a number that is none"))?;
            Value::Number(number)
        }
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect::<Result<_, _>>()?,
        toml::Value::Table(members) => Value::Object(
            members.into_iter().map(|(key, member)| Ok((key, from_toml(member)?))).collect::<Result<_, Error>>()?,
        ),
    })
}
