//! `git.status`: where a repository is, what differs from its last commit, and what some of its names stand for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ask, commit_of};
use crate::action::{Error, Looking, Read};

/// Looks at a repository.
pub struct Status;

/// What `git.status` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// A folder of the repository; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    repository: PathBuf,
    /// Branches, tags or commits whose commits are wanted.
    #[serde(default)]
    names: Vec<String>,
}

/// What `git.status` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The branch that is checked out; none where no branch is.
    branch: Option<String>,
    /// The commit that is checked out; none before the first.
    commit: Option<String>,
    /// Whether nothing differs from it, and nothing is untracked.
    clean: bool,
    /// Files that differ, or that are in conflict.
    changed: Vec<String>,
    /// Files that are not tracked.
    untracked: Vec<String>,
    /// The commit of each name that was asked for; none where there is no such name.
    names: BTreeMap<String, Option<String>>,
    /// The folder of the work tree.
    root: String,
}

#[async_trait]
impl Read for Status {
    const NAME: &'static str = "git.status";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let (probe, repository) = (looking.probe, params.repository.as_path());
        let (_, root) = ask(probe, repository, &["rev-parse", "--show-toplevel"], &[0]).await?;
        let arguments = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all"];
        let (_, text) = ask(probe, repository, &arguments, &[0]).await?;
        let mut names = BTreeMap::new();
        for name in params.names {
            let commit = match name.starts_with('-') || name.is_empty() {
                true => None,
                false => commit_of(probe, repository, &name).await?,
            };
            names.insert(name, commit);
        }
        let Told { branch, commit, changed, untracked } = read(&text)?;
        let clean = changed.is_empty() && untracked.is_empty();
        Ok(Output { branch, commit, clean, changed, untracked, names, root: root.trim_end_matches('\n').to_owned() })
    }
}

#[derive(Default)]
struct Told {
    branch: Option<String>,
    commit: Option<String>,
    changed: Vec<String>,
    untracked: Vec<String>,
}

/// Reads `git status --porcelain=v2 --branch -z`.
fn read(text: &str) -> Result<Told, Error> {
    let mut told = Told::default();
    let mut parts = text.split('\0').filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        let wrong = || Error::new("git_failed", format!("`git status` wrote {:?}", part));
        let path = |fields: usize| part.splitn(fields, ' ').nth(fields - 1).map(str::to_owned).ok_or_else(wrong);
        match part.as_bytes()[0] {
            b'#' => {
                let (name, value) = part[1..].trim_start().split_once(' ').ok_or_else(wrong)?;
                match name {
                    "branch.oid" => told.commit = (value != "(initial)").then(|| value.to_owned()),
                    "branch.head" => told.branch = (value != "(detached)").then(|| value.to_owned()),
                    _ => {}
                }
            }
            b'1' => told.changed.push(path(9)?),
            b'2' => {
                told.changed.push(path(10)?);
                // The name that it had before is a part of its own.
                parts.next();
            }
            b'u' => told.changed.push(path(11)?),
            b'?' => told.untracked.push(path(2)?),
            b'!' => {}
            _ => return Err(wrong()),
        }
    }
    Ok(told)
}
