//! `file.read`: the content of a small file.

use std::path::PathBuf;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{self, Error, Looking};
use crate::id::Digest;

/// The content of a file.
pub struct Read;

/// What `file.read` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The file; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    path: PathBuf,
    /// The most that is read, in bytes; a larger file is an error.
    #[serde(default = "one_mebibyte")]
    max_bytes: u64,
}

fn one_mebibyte() -> u64 {
    1024 * 1024
}

/// What `file.read` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The content, if it is UTF-8; else none.
    text: Option<String>,
    /// The content in base64, if it is not UTF-8; else none.
    base64: Option<String>,
    /// Bytes.
    size: u64,
    /// SHA-256 of the content, 64 hex digits.
    sha256: String,
    /// The digest of what was read.
    subject: Digest,
}

#[async_trait]
impl action::Read for Read {
    const NAME: &'static str = "file.read";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let bytes = looking.probe.read(&params.path, params.max_bytes)?;
        let subject = Digest::of(&bytes);
        let size = bytes.len() as u64;
        let (text, base64) = match String::from_utf8(bytes) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        Ok(Output { text, base64, size, sha256: subject.hex().to_owned(), subject })
    }
}
