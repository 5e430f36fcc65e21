//! `file.write`: a small file, whole or not at all.

use std::path::PathBuf;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Found, Mode, existing, find, is_as_wanted, make_folder_for, mode_for, refuse_existing, require_folder};
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::id::Digest;

/// Writes a file.
pub struct Write;

/// What `file.write` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The file; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    path: PathBuf,
    /// What it shall hold.
    content: String,
    /// How `content` is written.
    #[serde(default)]
    encoding: Encoding,
    /// Its permission bits, like `0640`; without it as they were, for a new file `0600`.
    #[serde(default)]
    mode: Option<Mode>,
    /// Whether a file with other content or mode may be replaced.
    #[serde(default)]
    replace: bool,
    /// Whether the folders above it are made, for their owner alone.
    #[serde(default)]
    parents: bool,
}

/// How content is written in a procedure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// As it is, in UTF-8.
    #[default]
    Text,
    /// In base64, with padding.
    Base64,
}

/// What `file.write` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether it was written; false if it was as wanted already.
    changed: bool,
    /// SHA-256 of the content, 64 hex digits.
    sha256: String,
    /// Bytes.
    size: u64,
}

impl Params {
    fn bytes(&self) -> Result<Vec<u8>, Error> {
        match self.encoding {
            Encoding::Text => Ok(self.content.clone().into_bytes()),
            Encoding::Base64 => STANDARD
                .decode(&self.content)
                .map_err(|error| Error::new("bad_input", format!("`content` is no base64: {error}"))),
        }
    }
}

fn output(bytes: &[u8], changed: bool) -> Output {
    Output { changed, sha256: Digest::of(bytes).hex().to_owned(), size: bytes.len() as u64 }
}

#[async_trait]
impl Effect for Write {
    const NAME: &'static str = "file.write";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, _looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(vec![params.path.clone()])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let bytes = params.bytes()?;
        let digest = Digest::of(&bytes);
        let before = find(looking.probe, &params.path).await?;
        let before = before.as_ref();
        let no_change = before.is_some_and(|found| is_as_wanted(found, &digest, params.mode));
        if !no_change {
            refuse_existing(before, params.replace, &params.path)?;
            require_folder(looking.probe, &params.path, params.parents)?;
        }
        let after = Found { digest, size: bytes.len() as u64, mode: mode_for(params.mode, before) };
        Ok(Preview {
            fidelity: Fidelity::Exact,
            before: Some(Found::shown(before)),
            after: Some(Found::shown(Some(&after))),
            no_change,
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let bytes = params.bytes()?;
        let before = find(doing.host, &params.path).await?;
        let before = before.as_ref();
        if before.is_some_and(|found| is_as_wanted(found, &Digest::of(&bytes), params.mode)) {
            return Ok(output(&bytes, false));
        }
        refuse_existing(before, params.replace, &params.path)?;
        make_folder_for(doing.host, &params.path, params.parents)?;
        doing.host.write(&params.path, &bytes, mode_for(params.mode, before), existing(params.replace))?;
        Ok(output(&bytes, true))
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let bytes = params.bytes()?;
        let found = find(looking.probe, &params.path).await?;
        Ok(match found {
            Some(found) if is_as_wanted(&found, &Digest::of(&bytes), params.mode) => {
                Reconciled::Happened(output(&bytes, true))
            }
            _ => Reconciled::NotHappened,
        })
    }
}
