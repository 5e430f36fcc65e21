//! `data.count`: how many there are, of a list or in a file. What to count is for the procedure's expressions to filter.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::format::Format;
use super::read::{length, load, sixteen_mebibytes};
use crate::action::{Error, Looking, Read};
use crate::id::Digest;

/// How many there are.
pub struct Count;

/// What `data.count` takes: either `items` or `path`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The list to count.
    #[serde(default)]
    items: Option<Vec<Value>>,
    /// The data file to count in; a relative path starts in the workspace.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// How the file is written; without it, by its extension.
    #[serde(default)]
    format: Option<Format>,
    /// Where in the file the list or map is, as a JSON pointer (RFC 6901) like `/runs/0/steps`; without it, the whole.
    #[serde(default)]
    member: Option<String>,
    /// The most that is read, in bytes; a larger file is an error.
    #[serde(default = "sixteen_mebibytes")]
    max_bytes: u64,
}

/// What `data.count` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// How many items or members there are.
    count: u64,
    /// The digest of the file that was read; none for `items`.
    subject: Option<Digest>,
}

#[async_trait]
impl Read for Count {
    const NAME: &'static str = "data.count";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        match (params.items, params.path) {
            (Some(items), None) if params.format.is_none() && params.member.is_none() => {
                Ok(Output { count: items.len() as u64, subject: None })
            }
            (None, Some(path)) => {
                let (value, subject) = load(looking.probe, &path, params.format, params.max_bytes)?;
                let pointer = params.member.unwrap_or_default();
                let counted = value.pointer(&pointer).ok_or_else(|| {
                    Error::new("no_such_member", format!("`{}` has nothing at `{pointer}`", path.display()))
                })?;
                let count = length(counted).ok_or_else(|| {
                    let message = format!("what `{}` has at `{pointer}` is neither list nor map", path.display());
                    Error::new("not_countable", message)
                })?;
                Ok(Output { count, subject: Some(subject) })
            }
            _ => {
                Err(Error::new("bad_input", "`data.count` takes either `items`, or `path` with `format` and `member`"))
            }
        }
    }
}
