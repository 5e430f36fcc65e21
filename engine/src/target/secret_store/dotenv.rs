//! The store `dotenv`: a file of `NAME=value` lines, as compose, python-dotenv and their like read it.
//!
//! There is no standard for such files, and their readers differ. So a value that they would read differently is an
//! error here, never a guess, and what is written is quoted in the one way that all of them read alike.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AT_MOST, Error, Found, SecretStore, text};
use crate::host::{Existing, Host, Probe};
use crate::secret::Secret;

mod lines;

use lines::Lines;

/// Settings of the store `dotenv`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The file; a relative path starts at the workspace.
    pub path: PathBuf,
    /// Whether whoever reads the file undoes `\\`, `\"` and `\n` in double quotes (compose and python-dotenv do); only
    /// then can a value be written that has quotes of both sorts, or a backslash.
    #[serde(default)]
    pub escapes: bool,
    /// The file in which expiry dates are kept; the path with `.expiries` where nothing is said.
    #[serde(default)]
    pub expiries: Option<PathBuf>,
}

/// A file of `NAME=value` lines.
pub(super) struct Dotenv {
    pub name: String,
    pub settings: Settings,
}

impl Dotenv {
    /// The file's lines; none if there is no file.
    fn lines(&self, probe: &dyn Probe) -> Result<Option<Lines>, Error> {
        let path = &self.settings.path;
        if probe.stat(path)?.is_none() {
            return Ok(None);
        }
        let bytes = probe.read(path, AT_MOST)?;
        let wrong = |why: String| Error::new("bad_dotenv", format!("`{}`: {why}", path.display()));
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is no UTF-8".to_owned()))?;
        Lines::parse(text).map(Some).map_err(wrong)
    }

    fn check_key(&self, key: &str) -> Result<(), Error> {
        if lines::is_name(key) {
            return Ok(());
        }
        let message = format!(
            "`{}` is no key of store `{}`: letters, digits and `_`, not beginning with a digit",
            key.escape_debug(),
            self.name
        );
        Err(Error::new("bad_key", message))
    }

    fn write(&self, host: &dyn Host, lines: &Lines) -> Result<(), Error> {
        Ok(host.write(&self.settings.path, lines.text().as_bytes(), 0o600, Existing::Replace)?)
    }

    fn ambiguous(&self, why: String) -> Error {
        Error::new("ambiguous", format!("`{}`: {why}", self.settings.path.display()))
    }
}

#[async_trait]
impl SecretStore for Dotenv {
    async fn names(&self, probe: &dyn Probe) -> Result<Vec<String>, Error> {
        Ok(self.lines(probe)?.map(|lines| lines.names()).unwrap_or_default())
    }

    async fn get(&self, probe: &dyn Probe, key: &str) -> Result<Option<Found>, Error> {
        self.check_key(key)?;
        let Some(lines) = self.lines(probe)? else { return Ok(None) };
        let value = lines.value(key).map_err(|why| self.ambiguous(why))?;
        Ok(value.map(|value| Found { value: Secret::new(value.as_bytes().to_vec()), version: None }))
    }

    async fn put(&self, host: &dyn Host, values: &BTreeMap<String, Secret>) -> Result<Option<u64>, Error> {
        let mut lines = self.lines(host)?.unwrap_or_default();
        for (key, value) in values {
            self.check_key(key)?;
            let value = text(&self.name, key, value)?;
            let quoted = lines::quote(value, self.settings.escapes)
                .map_err(|why| Error::new("unwritable", format!("the value for `{key}` {why}")))?;
            lines.set(key, &quoted).map_err(|why| self.ambiguous(why))?;
        }
        self.write(host, &lines)?;
        Ok(None)
    }

    async fn delete(&self, host: &dyn Host, key: &str) -> Result<(), Error> {
        self.check_key(key)?;
        let Some(mut lines) = self.lines(host)? else { return Ok(()) };
        lines.remove(key).map_err(|why| self.ambiguous(why))?;
        self.write(host, &lines)
    }

    fn is_open_to_others(&self, probe: &dyn Probe, _: &str) -> Result<Option<bool>, Error> {
        Ok(probe.stat(&self.settings.path)?.map(|stat| stat.mode & 0o077 != 0))
    }
}
