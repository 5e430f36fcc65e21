//! Git repositories: what state one is in, a branch or a tag made in it. The work tree is never touched.
//!
//! The git program is asked, without its hooks, its prompts and its lock for looking. What a repository's own
//! configuration says (filters, signing programs) is trusted as the repository is.

use std::path::{Path, PathBuf};

use super::Error;
use crate::host::{Command, EntryKind, Finished, Host, Probe};
use crate::time::Timestamp;

pub mod branch;
pub mod status;
pub mod tag;

/// The most that is read of what git says, in bytes.
const AT_MOST: u64 = 4 * 1024 * 1024;

/// A git command in a repository.
fn command(repository: &Path, arguments: &[&str], more_env: &[(&str, String)]) -> Command {
    let own = [
        "git",
        "--no-pager",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.quotePath=false",
    ];
    let mut env = vec![
        // Looking must not refresh the index on disk.
        ("GIT_OPTIONAL_LOCKS".to_owned(), "0".to_owned()),
        ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()),
        ("LC_ALL".to_owned(), "C".to_owned()),
    ];
    env.extend(more_env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Command {
        argv: own.iter().chain(arguments).map(|part| (*part).to_owned()).collect(),
        folder: Some(PathBuf::from(repository)),
        env,
        stdin: None,
        timeout: std::time::Duration::from_secs(60),
        at_most: AT_MOST,
    }
}

/// What git wrote, if it exited with one of these codes.
fn said(finished: &Finished, what: &str, exits: &[i32]) -> Result<(i32, String), Error> {
    if finished.timed_out {
        return Err(Error::new("timed_out", format!("`git {what}` was not done within a minute"))
            .transient()
            .uncertain());
    }
    let failed = |how: String| {
        let why = String::from_utf8_lossy(&finished.stderr);
        let why = why.lines().next().unwrap_or_default().to_owned();
        Error::new("git_failed", format!("`git {what}` {how}: {why}"))
    };
    let code = finished.code.ok_or_else(|| failed("was ended by a signal".to_owned()).uncertain())?;
    if !exits.contains(&code) {
        return Err(failed(format!("exited with {code}")));
    }
    if finished.cut {
        return Err(failed(format!("wrote more than {AT_MOST} bytes")));
    }
    let text = String::from_utf8(finished.stdout.clone()).map_err(|_| failed("wrote no UTF-8".to_owned()))?;
    Ok((code, text))
}

async fn ask(probe: &dyn Probe, repository: &Path, arguments: &[&str], exits: &[i32]) -> Result<(i32, String), Error> {
    let what = arguments.first().copied().unwrap_or_default();
    said(&probe.ask(command(repository, arguments, &[])).await?, what, exits)
}

async fn run(host: &dyn Host, repository: &Path, arguments: &[&str], env: &[(&str, String)]) -> Result<(), Error> {
    let what = arguments.first().copied().unwrap_or_default();
    said(&host.run(command(repository, arguments, env)).await?, what, &[0]).map(drop)
}

/// The commit that a name stands for; none if there is no such name.
async fn commit_of(probe: &dyn Probe, repository: &Path, name: &str) -> Result<Option<String>, Error> {
    let peeled = format!("{name}^{{commit}}");
    let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled];
    let (code, text) = ask(probe, repository, &arguments, &[0, 1]).await?;
    Ok((code == 0).then(|| text.trim().to_owned()))
}

/// The commit that a branch or tag is made from.
async fn start(probe: &dyn Probe, repository: &Path, from: &str) -> Result<String, Error> {
    if from.is_empty() || from.starts_with('-') {
        return Err(Error::new("bad_input", format!("`{}` names no commit", from.escape_debug())));
    }
    let found = commit_of(probe, repository, from).await?;
    found.ok_or_else(|| Error::new("not_found", format!("`{}` has no commit `{from}`", repository.display())))
}

/// Refuses a name that git would not take for a branch or tag.
async fn check_name(probe: &dyn Probe, repository: &Path, kind: &str, name: &str) -> Result<String, Error> {
    let full = format!("refs/{kind}/{name}");
    let (code, _) = ask(probe, repository, &["check-ref-format", &full], &[0, 1]).await?;
    if code != 0 || name.starts_with('-') {
        return Err(Error::new("bad_input", format!("`{}` is no name that git takes", name.escape_debug())));
    }
    Ok(full)
}

/// A time as git takes it for the date of a tag.
fn seconds(at: Timestamp) -> String {
    format!("@{} +0000", at.microseconds().div_euclid(1_000_000))
}

/// What a branch or tag is written into: the repository, and its folder of git's own.
fn written(probe: &dyn Probe, repository: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = vec![repository.to_owned()];
    if probe.stat(repository)?.is_some_and(|stat| stat.kind == EntryKind::Folder) {
        paths.push(repository.join(".git"));
    }
    Ok(paths)
}

#[cfg(test)]
mod tests;
