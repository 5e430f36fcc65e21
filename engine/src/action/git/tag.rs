//! `git.tag`: an annotated tag at a commit, signed if asked for; never moved.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::branch::head;
use super::{ask, check_name, commit_of, run, seconds, start};
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::host::Probe;

/// Makes a tag.
pub struct Tag;

/// What `git.tag` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// A folder of the repository; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    repository: PathBuf,
    /// The tag.
    name: String,
    /// The commit, branch or tag that it is at.
    #[serde(default = "head")]
    from: String,
    /// What it says.
    message: String,
    /// Whether git signs it, with the key of the repository's or the user's configuration.
    #[serde(default)]
    sign: bool,
}

/// What `git.tag` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Its full name, `refs/tags/…`.
    r#ref: String,
    /// The commit that it is at.
    commit: String,
    /// Whether it was there already, at that commit and with that message.
    existed: bool,
}

impl Params {
    async fn wanted(&self, probe: &dyn Probe) -> Result<Output, Error> {
        let full = check_name(probe, &self.repository, "tags", &self.name).await?;
        if self.message.trim().is_empty() {
            return Err(Error::new("bad_input", "an annotated tag says something: `message` is empty"));
        }
        let commit = start(probe, &self.repository, &self.from).await?;
        let Some(found) = commit_of(probe, &self.repository, &full).await? else {
            return Ok(Output { r#ref: full, commit, existed: false });
        };
        if found != commit {
            let message = format!("tag `{}` is at {found}, not at {commit}; it is not moved", self.name);
            return Err(Error::new("exists", message));
        }
        // Headers, a blank line, the message, and the signature of a signed one after it.
        let (_, object) = ask(probe, &self.repository, &["cat-file", "-p", &full], &[0]).await?;
        let said = object.split_once("\n\n").map_or("", |(_, said)| said);
        let said = said.find("-----BEGIN ").map_or(said, |at| &said[..at]);
        if said.trim() != self.message.trim() {
            return Err(Error::new("exists", format!("tag `{}` is there and says something else", self.name)));
        }
        Ok(Output { r#ref: full, commit, existed: true })
    }
}

#[async_trait]
impl Effect for Tag {
    const NAME: &'static str = "git.tag";
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
        let after = json!({ "ref": wanted.r#ref, "commit": wanted.commit, "signed": params.sign });
        let before = wanted.existed.then(|| after.clone());
        Ok(Preview { fidelity: Fidelity::Exact, no_change: wanted.existed, before, after: Some(after) })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let wanted = params.wanted(doing.host).await?;
        if !wanted.existed {
            let kind = if params.sign { "--sign" } else { "--annotate" };
            let message = format!("--message={}", params.message);
            let arguments =
                ["tag", kind, "--cleanup=verbatim", &message, "--end-of-options", &params.name, &wanted.commit];
            let date = seconds(doing.facts.started_at);
            run(doing.host, &params.repository, &arguments, &[("GIT_COMMITTER_DATE", date)]).await?;
        }
        Ok(wanted)
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let wanted = params.wanted(looking.probe).await?;
        Ok(if wanted.existed { Reconciled::Happened(wanted) } else { Reconciled::NotHappened })
    }
}
