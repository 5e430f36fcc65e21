//! `file.copy`: a file of any length, whole or not at all. Only content is copied; owner and times are the copy's own.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Expected, Found, Mode, digest_of, existing, find, is_as_wanted, make_folder_for, mode_for, refuse_existing,
    require_folder,
};
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::host::Probe;
use crate::id::Digest;

/// Copies a file.
pub struct Copy;

/// What `file.copy` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The file to copy; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    from: PathBuf,
    /// The copy, a file and not a folder; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    to: PathBuf,
    /// The SHA-256 that the content must have.
    #[serde(default)]
    sha256: Option<Expected>,
    /// The copy's permission bits, like `0640`; without it as they were, for a new file `0600`.
    #[serde(default)]
    mode: Option<Mode>,
    /// Whether a file with other content or mode may be replaced.
    #[serde(default)]
    replace: bool,
    /// Whether the folders above the copy are made, for their owner alone.
    #[serde(default)]
    parents: bool,
}

/// What `file.copy` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether it was copied; false if the copy was as wanted already.
    changed: bool,
    /// SHA-256 of the content, 64 hex digits.
    sha256: String,
    /// Bytes.
    size: u64,
}

impl Params {
    async fn source(&self, probe: &dyn Probe) -> Result<(Digest, u64), Error> {
        let (digest, size) = digest_of(probe, &self.from).await?;
        if let Some(expected) = &self.sha256 {
            expected.check(&digest, &self.from)?;
        }
        Ok((digest, size))
    }
}

#[async_trait]
impl Effect for Copy {
    const NAME: &'static str = "file.copy";
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
        Ok(vec![params.to.clone()])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let (digest, size) = params.source(looking.probe).await?;
        let before = find(looking.probe, &params.to).await?;
        let before = before.as_ref();
        let no_change = before.is_some_and(|found| is_as_wanted(found, &digest, params.mode));
        if !no_change {
            refuse_existing(before, params.replace, &params.to)?;
            require_folder(looking.probe, &params.to, params.parents)?;
        }
        let after = Found { digest, size, mode: mode_for(params.mode, before) };
        Ok(Preview {
            fidelity: Fidelity::Exact,
            before: Some(Found::shown(before)),
            after: Some(Found::shown(Some(&after))),
            no_change,
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let (digest, size) = params.source(doing.host).await?;
        let before = find(doing.host, &params.to).await?;
        let before = before.as_ref();
        if before.is_some_and(|found| is_as_wanted(found, &digest, params.mode)) {
            return Ok(Output { changed: false, sha256: digest.hex().to_owned(), size });
        }
        refuse_existing(before, params.replace, &params.to)?;
        make_folder_for(doing.host, &params.to, params.parents)?;
        let mode = mode_for(params.mode, before);
        let copied = doing.host.copy(&params.from, &params.to, mode, existing(params.replace))?;
        if copied != digest {
            let message = format!("`{}` changed while it was copied", params.from.display());
            return Err(Error::new("digest_mismatch", message).uncertain());
        }
        Ok(Output { changed: true, sha256: digest.hex().to_owned(), size })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let (digest, size) = params.source(looking.probe).await?;
        Ok(match find(looking.probe, &params.to).await? {
            Some(found) if is_as_wanted(&found, &digest, params.mode) => {
                Reconciled::Happened(Output { changed: true, sha256: digest.hex().to_owned(), size })
            }
            _ => Reconciled::NotHappened,
        })
    }
}
