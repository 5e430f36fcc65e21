//! The store `directory`: a folder with a file for each key, mode 0600, its bytes the value and nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AT_MOST, Error, Found, SecretStore, check_key};
use crate::host::{EntryKind, Existing, Host, Probe, Stat};
use crate::secret::Secret;

/// Settings of the store `directory`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder; a relative path starts at the workspace.
    pub path: PathBuf,
    /// The file in which expiry dates are kept; `.expiries` in the folder where nothing is said.
    #[serde(default)]
    pub expiries: Option<PathBuf>,
}

/// A folder with a file for each key.
pub(super) struct Directory {
    pub name: String,
    pub settings: Settings,
}

impl Directory {
    fn file(&self, key: &str) -> Result<PathBuf, Error> {
        check_key(&self.name, key)?;
        Ok(self.settings.path.join(key))
    }

    fn stat(&self, probe: &dyn Probe, key: &str) -> Result<Option<(PathBuf, Stat)>, Error> {
        let path = self.file(key)?;
        match probe.stat(&path)? {
            None => Ok(None),
            Some(stat) if stat.kind == EntryKind::File => Ok(Some((path, stat))),
            Some(_) => Err(Error::new("not_a_file", format!("`{}` is no regular file", path.display()))),
        }
    }
}

#[async_trait]
impl SecretStore for Directory {
    async fn names(&self, probe: &dyn Probe) -> Result<Vec<String>, Error> {
        if probe.stat(&self.settings.path)?.is_none() {
            return Ok(Vec::new());
        }
        let mut names = probe.list(&self.settings.path)?;
        names.retain(|name| check_key(&self.name, name).is_ok());
        Ok(names)
    }

    async fn get(&self, probe: &dyn Probe, key: &str) -> Result<Option<Found>, Error> {
        let Some((path, stat)) = self.stat(probe, key)? else { return Ok(None) };
        if stat.mode & 0o077 != 0 {
            let message = format!(
                "`{}` has mode {:04o}, so others than its owner can read it; run `chmod 600` on it, and think of the value as known",
                path.display(),
                stat.mode
            );
            return Err(Error::new("open_to_others", message));
        }
        Ok(Some(Found { value: Secret::new(probe.read(&path, AT_MOST)?), version: None }))
    }

    async fn put(&self, host: &dyn Host, values: &BTreeMap<String, Secret>) -> Result<Option<u64>, Error> {
        let places: Vec<(PathBuf, &Secret)> =
            values.iter().map(|(key, value)| Ok((self.file(key)?, value))).collect::<Result<_, Error>>()?;
        host.make_folder(&self.settings.path, 0o700)?;
        for (path, value) in places {
            host.write(&path, value.expose(), 0o600, Existing::Replace)?;
        }
        Ok(None)
    }

    async fn delete(&self, host: &dyn Host, key: &str) -> Result<(), Error> {
        Ok(host.remove(&self.file(key)?)?)
    }

    fn is_open_to_others(&self, probe: &dyn Probe, key: &str) -> Result<Option<bool>, Error> {
        Ok(self.stat(probe, key)?.map(|(_, stat)| stat.mode & 0o077 != 0))
    }
}
