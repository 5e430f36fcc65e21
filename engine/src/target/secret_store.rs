//! Secret stores: where secrets are kept, and the one face they all have.
//!
//! A store hands values over as [`Secret`]s and takes them as such. What it says in words never holds one. Who may ask
//! for a value, and that it is masked from then on, is the caller's affair.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::driver::Error;
use super::{Identity, Target, file_identity, read_settings};
use crate::host::{Host, Probe};
use crate::id::Id;
use crate::secret::Secret;

pub mod command;
pub mod directory;
pub mod dotenv;
pub mod env;
pub mod vault;

/// The most that is read of one value or file of values, in bytes.
const AT_MOST: u64 = 1024 * 1024;

/// A value in a store.
#[derive(Debug)]
pub struct Found {
    /// The value.
    pub value: Secret,
    /// Its version, where the store counts them.
    pub version: Option<u64>,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretPlace {
    /// Its name in the workspace.
    pub name: Id,
    /// The store.
    pub store: Target,
    /// The key in the store.
    pub key: String,
}

impl SecretPlace {
    /// What the place really is, whatever the store is called.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{}#{}", self.store.identity, self.key)
    }
}

/// A place where secrets are kept.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// The keys it has, sorted.
    async fn names(&self, probe: &dyn Probe) -> Result<Vec<String>, Error>;

    /// The value of a key; none if it is not there.
    async fn get(&self, probe: &dyn Probe, key: &str) -> Result<Option<Found>, Error>;

    /// Puts values in place, all in one step where the store can; gives the new version, where it counts them.
    async fn put(&self, host: &dyn Host, values: &BTreeMap<String, Secret>) -> Result<Option<u64>, Error>;

    /// Removes a key that is there.
    async fn delete(&self, host: &dyn Host, key: &str) -> Result<(), Error>;

    /// Whether values can be read back: some stores only take them.
    fn is_readable(&self) -> bool {
        true
    }

    /// Whether others than the owner can read the file that a key is in; none where it is in no file.
    fn is_open_to_others(&self, _probe: &dyn Probe, _key: &str) -> Result<Option<bool>, Error> {
        Ok(None)
    }
}

/// The store that a target is.
///
/// # Errors
/// When the target is no secret store, or its settings are wrong.
pub fn open(target: &Target) -> Result<Box<dyn SecretStore>, Error> {
    let name = target.name.clone();
    Ok(match target.driver.as_str() {
        "dotenv" => Box::new(dotenv::Dotenv { name, settings: target.settings()? }),
        "env" => Box::new(env::Env { name, settings: target.settings()? }),
        "directory" => Box::new(directory::Directory { name, settings: target.settings()? }),
        "vault" => Box::new(vault::Vault { name, settings: target.settings()? }),
        "command" => Box::new(command::Command { name, settings: target.settings()? }),
        driver => {
            let message = format!("target `{name}` (driver `{driver}`) is no secret store");
            return Err(Error::new("bad_target", message));
        }
    })
}

/// A file of environment variables of which the caller reads only what is no secret.
#[must_use]
pub fn plain_variables(path: &Path) -> Box<dyn SecretStore> {
    let settings = dotenv::Settings { path: path.to_owned(), escapes: true, expiries: None };
    Box::new(dotenv::Dotenv { name: path.display().to_string(), settings })
}

/// The file in which a store's expiry dates are kept: as its settings say, else beside what it keeps on disk.
#[must_use]
pub fn expiries(target: &Target) -> Option<PathBuf> {
    let text = |name: &str| target.settings.get(name).and_then(Value::as_str);
    match (text("expiries"), target.driver.as_str()) {
        (Some(path), _) => Some(PathBuf::from(path)),
        (None, "dotenv") => text("path").map(|path| PathBuf::from(format!("{path}.expiries"))),
        (None, "directory") => text("path").map(|path| Path::new(path).join(".expiries")),
        (None, _) => None,
    }
}

/// Checks the settings of a store and finds out what it really is.
pub(super) fn bind(
    name: &str,
    driver: &str,
    settings: &mut Map<String, Value>,
    probe: &dyn Probe,
) -> Result<Identity, super::Error> {
    let wrong = |why: String| super::Error::Settings { target: name.to_owned(), driver: driver.to_owned(), why };
    match driver {
        "dotenv" => {
            let found: dotenv::Settings = read_settings(name, driver, settings)?;
            file_identity(name, settings, &found.path, probe)
        }
        "directory" => {
            let found: directory::Settings = read_settings(name, driver, settings)?;
            file_identity(name, settings, &found.path, probe)
        }
        "env" => {
            let found: env::Settings = read_settings(name, driver, settings)?;
            Ok((format!("env:{}", found.prefix), None))
        }
        "vault" => {
            let found: vault::Settings = read_settings(name, driver, settings)?;
            Ok((found.identity().map_err(wrong)?, None))
        }
        _ => {
            let found: command::Settings = read_settings(name, driver, settings)?;
            Ok((found.identity().map_err(wrong)?, None))
        }
    }
}

/// Refuses a key that would be something else than a name: an option, a path, two words.
fn check_key(store: &str, key: &str) -> Result<(), Error> {
    let fits = key.len() <= 200
        && key.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if fits {
        return Ok(());
    }
    let message = format!(
        "`{}` is no key of store `{store}`: letters, digits, `_`, `-` and `.`, beginning with none of the last two",
        key.escape_debug()
    );
    Err(Error::new("bad_key", message))
}

/// A value as text, for stores that keep text.
fn text<'s>(store: &str, key: &str, secret: &'s Secret) -> Result<&'s str, Error> {
    let text = secret.expose_text().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| {
        Error::new("unwritable", format!("the value for `{key}` is no text, and store `{store}` keeps nothing else"))
    })
}

#[cfg(test)]
mod tests;
