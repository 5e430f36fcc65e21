//! `file.hash`: the SHA-256 of a file of any length.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest_of;
use crate::action::{Error, Looking, Read};
use crate::id::Digest;

/// The digest of a file.
pub struct Hash;

/// What `file.hash` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The file; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    path: PathBuf,
}

/// What `file.hash` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// SHA-256 of the content, 64 hex digits.
    sha256: String,
    /// Bytes.
    size: u64,
    /// The digest of what was read.
    subject: Digest,
}

#[async_trait]
impl Read for Hash {
    const NAME: &'static str = "file.hash";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let (digest, size) = digest_of(looking.probe, &params.path).await?;
        Ok(Output { sha256: digest.hex().to_owned(), size, subject: digest })
    }
}
