//! `file.stat`: what is at a path. Links are not followed.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::word;
use crate::action::{Error, Looking, Read};
use crate::time::Timestamp;

/// What is at a path.
pub struct Stat;

/// What `file.stat` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The path; a relative one starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    path: PathBuf,
}

/// What `file.stat` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether there is anything; if not, all else is none.
    exists: bool,
    /// `file`, `folder`, `link` (not followed) or `other`.
    kind: Option<String>,
    /// Bytes.
    size: Option<u64>,
    /// Permission bits as octal text, like `0640`.
    mode: Option<String>,
    /// User id of the owner.
    owner: Option<u32>,
    /// When the content last changed.
    modified: Option<Timestamp>,
}

#[async_trait]
impl Read for Stat {
    const NAME: &'static str = "file.stat";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let found = looking.probe.stat(&params.path)?;
        let found = found.as_ref();
        Ok(Output {
            exists: found.is_some(),
            kind: found.map(|stat| word(stat.kind).to_owned()),
            size: found.map(|stat| stat.size),
            mode: found.map(|stat| format!("{:04o}", stat.mode)),
            owner: found.map(|stat| stat.owner),
            modified: found.map(|stat| stat.modified),
        })
    }
}
