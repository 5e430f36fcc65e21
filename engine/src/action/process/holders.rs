//! `process.holders`: which processes have files open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Error, Looking, Read};
use crate::host::Probe;

/// Which processes have files open.
pub struct Holders;

/// What `process.holders` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The files; relative paths start in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    paths: Vec<PathBuf>,
    /// Whether it is well if some of them do not exist.
    #[serde(default)]
    missing_ok: bool,
}

/// What `process.holders` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The processes, by process id and path.
    holders: Vec<Holder>,
    /// How many there are in that list.
    count: u64,
    /// How many processes could not be looked at: with any, an empty list proves nothing.
    unreadable: u32,
    /// Which of the paths do not exist.
    missing: Vec<String>,
}

/// A process that has a file open.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Holder {
    /// Process id.
    pid: u32,
    /// The program's name, as far as the system keeps it.
    name: String,
    /// The user it runs as: a name, or the id as text where there is none.
    user: String,
    /// User id.
    uid: u32,
    /// Which of the paths it has open, as it was given.
    path: String,
}

#[async_trait]
impl Read for Holders {
    const NAME: &'static str = "process.holders";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        if params.paths.is_empty() {
            return Err(Error::new("bad_input", "`paths` names no file"));
        }
        let mut missing = Vec::new();
        for path in &params.paths {
            if looking.probe.stat(path)?.is_none() {
                missing.push(path.display().to_string());
            }
        }
        if let Some(path) = missing.first().filter(|_| !params.missing_ok) {
            return Err(Error::new("not_found", format!("`{path}` does not exist")));
        }
        let (holders, unreadable) = holders_of(looking.probe, &params.paths)?;
        Ok(Output { count: holders.len() as u64, holders, unreadable, missing })
    }
}

/// Who has these files open, and how many processes could not be looked at.
pub(in crate::action) fn holders_of(probe: &dyn Probe, paths: &[PathBuf]) -> Result<(Vec<Holder>, u32), Error> {
    let found = probe.holders(paths)?;
    let users = if found.holders.is_empty() { HashMap::new() } else { user_names(probe) };
    let holders = found
        .holders
        .into_iter()
        .map(|holder| Holder {
            pid: holder.pid,
            name: holder.name,
            user: users.get(&holder.user).cloned().unwrap_or_else(|| holder.user.to_string()),
            uid: holder.user,
            path: holder.path.display().to_string(),
        })
        .collect();
    Ok((holders, found.unreadable))
}

/// The names of the local users; where they cannot be read, ids have to do.
fn user_names(probe: &dyn Probe) -> HashMap<u32, String> {
    let passwd = probe.read(Path::new("/etc/passwd"), 4 * 1024 * 1024).unwrap_or_default();
    String::from_utf8_lossy(&passwd)
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let (name, id) = (fields.next()?, fields.nth(1)?);
            Some((id.parse().ok()?, name.to_owned()))
        })
        .collect()
}
