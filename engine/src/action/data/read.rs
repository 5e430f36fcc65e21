//! `data.read`: what a data file says.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::format::Format;
use crate::action::{self, Error, Looking};
use crate::host::Probe;
use crate::id::Digest;

/// What a data file says.
pub struct Read;

/// What `data.read` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The file; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    path: PathBuf,
    /// How it is written; without it, by its extension.
    #[serde(default)]
    format: Option<Format>,
    /// The most that is read, in bytes; a larger file is an error.
    #[serde(default = "sixteen_mebibytes")]
    max_bytes: u64,
}

pub(super) fn sixteen_mebibytes() -> u64 {
    16 * 1024 * 1024
}

/// What `data.read` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// What the file says.
    value: Value,
    /// How many items or members it has; none if it is neither list nor map.
    count: Option<u64>,
    /// SHA-256 of the file, 64 hex digits.
    sha256: String,
    /// The digest of what was read.
    subject: Digest,
}

#[async_trait]
impl action::Read for Read {
    const NAME: &'static str = "data.read";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let (value, subject) = load(looking.probe, &params.path, params.format, params.max_bytes)?;
        Ok(Output { count: length(&value), value, sha256: subject.hex().to_owned(), subject })
    }
}

/// The value in a file, and the digest of its bytes.
pub(super) fn load(
    probe: &dyn Probe,
    path: &Path,
    format: Option<Format>,
    at_most: u64,
) -> Result<(Value, Digest), Error> {
    let format = format.map_or_else(|| Format::of(path), Ok)?;
    let bytes = probe.read(path, at_most)?;
    let subject = Digest::of(&bytes);
    let in_file = |message: &str| format!("`{}`: {message}", path.display());
    let text = String::from_utf8(bytes).map_err(|_| Error::new("malformed", in_file("no UTF-8")))?;
    let value = format.parse(&text).map_err(|error| Error { message: in_file(&error.message), ..error })?;
    Ok((value, subject))
}

/// How many items or members a value has, if it has any to count.
pub(super) fn length(value: &Value) -> Option<u64> {
    match value {
        Value::Array(items) => Some(items.len() as u64),
        Value::Object(members) => Some(members.len() as u64),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
