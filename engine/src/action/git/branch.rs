//! `git.branch`: a branch at a commit. It is not checked out, so that whoever works in the repository is not disturbed.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{check_name, commit_of, run, start};
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::host::Probe;

/// Makes a branch.
pub struct Branch;

/// What `git.branch` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// A folder of the repository; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    repository: PathBuf,
    /// The branch, like `fix/a-thing`.
    name: String,
    /// The commit, branch or tag that it begins at.
    #[serde(default = "head")]
    from: String,
}

pub(super) fn head() -> String {
    "HEAD".to_owned()
}

/// What `git.branch` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Its full name, `refs/heads/…`.
    r#ref: String,
    /// The commit that it is at.
    commit: String,
    /// Whether it was there already, at that commit.
    existed: bool,
}

impl Params {
    /// The branch as it shall be; one that is there at another commit is refused.
    async fn wanted(&self, probe: &dyn Probe) -> Result<Output, Error> {
        let full = check_name(probe, &self.repository, "heads", &self.name).await?;
        let commit = start(probe, &self.repository, &self.from).await?;
        let found = commit_of(probe, &self.repository, &full).await?;
        match found {
            Some(found) if found != commit => Err(Error::new(
                "exists",
                format!("branch `{}` is at {found}, not at {commit}; it is not moved", self.name),
            )),
            found => Ok(Output { r#ref: full, commit, existed: found.is_some() }),
        }
    }
}

#[async_trait]
impl Effect for Branch {
    const NAME: &'static str = "git.branch";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        super::written(looking.probe, &params.repository)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let wanted = params.wanted(looking.probe).await?;
        let after = json!({ "ref": wanted.r#ref, "commit": wanted.commit });
        let before = wanted.existed.then(|| after.clone());
        Ok(Preview { fidelity: Fidelity::Exact, no_change: wanted.existed, before, after: Some(after) })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let wanted = params.wanted(doing.host).await?;
        if !wanted.existed {
            // The zeros say that there must be none yet.
            let arguments = ["update-ref", &wanted.r#ref, &wanted.commit, &"0".repeat(wanted.commit.len())];
            run(doing.host, &params.repository, &arguments, &[]).await?;
        }
        Ok(wanted)
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let wanted = params.wanted(looking.probe).await?;
        Ok(if wanted.existed { Reconciled::Happened(wanted) } else { Reconciled::NotHappened })
    }
}
