//! `file.remove`: one regular file. Folders and links are refused.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Expected, Found, find};
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::host::Probe;

/// Removes a file.
pub struct Remove;

/// What `file.remove` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The file; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    path: PathBuf,
    /// The SHA-256 that the content must have to be removed.
    #[serde(default)]
    sha256: Option<Expected>,
    /// Whether it is well if there is nothing to remove.
    #[serde(default)]
    missing_ok: bool,
}

/// What `file.remove` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether there was something to remove.
    removed: bool,
    /// SHA-256 of what was removed, 64 hex digits; none if there was nothing or it was found removed after a crash.
    sha256: Option<String>,
    /// Bytes of what was removed; none likewise.
    size: Option<u64>,
}

impl Params {
    /// What is to be removed.
    async fn doomed(&self, probe: &dyn Probe) -> Result<Option<Found>, Error> {
        let found = find(probe, &self.path).await?;
        match (&found, &self.sha256) {
            (Some(found), Some(expected)) => expected.check(&found.digest, &self.path)?,
            (None, _) if !self.missing_ok => {
                return Err(Error::new("not_found", format!("`{}` does not exist", self.path.display())));
            }
            _ => {}
        }
        Ok(found)
    }
}

#[async_trait]
impl Effect for Remove {
    const NAME: &'static str = "file.remove";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Irreversible,
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
        let before = params.doomed(looking.probe).await?;
        Ok(Preview {
            fidelity: Fidelity::Exact,
            before: Some(Found::shown(before.as_ref())),
            after: Some(Found::shown(None)),
            no_change: before.is_none(),
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let Some(found) = params.doomed(doing.host).await? else {
            return Ok(Output { removed: false, sha256: None, size: None });
        };
        doing.host.remove(&params.path)?;
        Ok(Output { removed: true, sha256: Some(found.digest.hex().to_owned()), size: Some(found.size) })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        Ok(match looking.probe.stat(&params.path)? {
            None => Reconciled::Happened(Output { removed: true, sha256: None, size: None }),
            Some(_) => Reconciled::NotHappened,
        })
    }
}
