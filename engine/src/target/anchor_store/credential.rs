//! Credentials of anchor stores: where they are, never what they are.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Error;
use crate::host::Probe;
use crate::secret::Secret;
use crate::secret::custody::Custody;

/// The most that is read of a file with a credential, in bytes.
const AT_MOST: u64 = 16 * 1024;

/// Where a credential is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Credential {
    /// In this variable of the environment.
    Env(String),
    /// In this file, which nobody but its owner may read; a relative path starts at the workspace.
    File(PathBuf),
}

impl Credential {
    /// Reads it, without the white space around it, and masks it from now on.
    pub(super) fn read(&self, store: &str, probe: &dyn Probe, custody: &Custody) -> Result<Secret, Error> {
        let missing = |why: String| Error::new("no_credential", format!("store `{store}`: {why}"));
        let bytes = match self {
            Self::Env(name) => probe.variable(name).ok_or_else(|| missing(format!("`{name}` is not set")))?,
            Self::File(path) => {
                let path = super::absolute(probe, path);
                let stat = probe.stat(&probe.resolve(&path)?)?;
                let stat = stat.ok_or_else(|| missing(format!("there is no file `{}`", path.display())))?;
                if stat.mode & 0o077 != 0 {
                    let why = format!(
                        "`{}` has mode {:04o}, so others than its owner can use it; make it 0600",
                        path.display(),
                        stat.mode
                    );
                    return Err(missing(why));
                }
                probe.read(&path, AT_MOST)?
            }
        };
        let text = Secret::new(bytes.trim_ascii().to_vec());
        drop(Secret::new(bytes));
        if text.expose_text().is_none_or(|text| text.contains(char::is_control)) {
            return Err(missing("a credential is no text of one line".to_owned()));
        }
        text.fit().map_err(|short| missing(short.to_string()))?;
        custody.learn(&text);
        Ok(text)
    }
}

/// The text of a credential, for the one place that needs it.
pub(super) fn text(secret: &Secret) -> &str {
    secret.expose_text().unwrap_or_default()
}
