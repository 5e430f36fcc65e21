//! Credentials of anchor stores: where they are, never what they are.

use std::borrow::Cow;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Error;
use crate::host::Probe;
use crate::id::Id;
use crate::secret::Secret;
use crate::secret::custody::{Custody, SecretUse};
use crate::target::{Target, secret_store};

/// The most that is read of a file with a credential, in bytes.
const AT_MOST: u64 = 16 * 1024;

/// Where a credential is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Credential {
    /// In this variable of the environment.
    Env(String),
    /// In this file, which nobody but its owner may read; a relative path starts at the workspace.
    File(PathBuf),
    /// This secret of the workspace, read from its store.
    Secret(Id),
}

impl JsonSchema for Credential {
    fn schema_name() -> Cow<'static, str> {
        "Credential".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let key = |about: &str| json_schema!({ "type": "string", "minLength": 1, "description": about });
        json_schema!({
            "description": "Where a credential is.",
            "type": "object",
            "properties": {
                "env": key("The variable of the environment that it is in."),
                "file": key("The file that it is in, which nobody but its owner may read; a relative path starts at the workspace."),
                "secret": key("The secret of the workspace that it is, read from its store."),
            },
            "additionalProperties": false,
            "oneOf": [{ "required": ["env"] }, { "required": ["file"] }, { "required": ["secret"] }],
        })
    }
}

/// The secrets of the workspace that the settings of an anchor store name.
#[must_use]
pub fn named_in(settings: &Map<String, Value>) -> Vec<Id> {
    let credentials = settings.values().filter_map(Value::as_object).filter_map(|setting| setting.get("secret"));
    credentials.filter_map(Value::as_str).filter_map(|name| Id::parse(name).ok()).collect()
}

/// Whoever opens a store, and what that needs.
pub(super) struct Opening<'a> {
    /// The store.
    pub target: &'a Target,
    /// The machine, for looking.
    pub probe: &'a dyn Probe,
    /// What this process knows of secrets.
    pub custody: &'a Custody,
    /// Who asks: the path of a step, or `anchor`.
    pub by: &'a str,
}

impl Opening<'_> {
    /// Reads a credential, without the white space around it, and masks it from now on.
    pub async fn read(&self, credential: &Credential) -> Result<Secret, Error> {
        let bytes = match credential {
            Credential::Env(name) => {
                self.probe.variable(name).ok_or_else(|| self.missing(&format!("`{name}` is not set")))?
            }
            Credential::File(path) => {
                let path = super::absolute(self.probe, path);
                let stat = self.probe.stat(&self.probe.resolve(&path)?)?;
                let stat = stat.ok_or_else(|| self.missing(&format!("there is no file `{}`", path.display())))?;
                if stat.mode & 0o077 != 0 {
                    let why = format!(
                        "`{}` has mode {:04o}, so others than its owner can use it; make it 0600",
                        path.display(),
                        stat.mode
                    );
                    return Err(self.missing(&why));
                }
                self.probe.read(&path, AT_MOST)?
            }
            Credential::Secret(name) => self.fetch(name).await?.expose().to_vec(),
        };
        let text = Secret::new(bytes.trim_ascii().to_vec());
        drop(Secret::new(bytes));
        if text.expose_text().is_none_or(|text| text.contains(char::is_control)) {
            return Err(self.missing("a credential is no text of one line"));
        }
        text.fit().map_err(|short| self.missing(&short.to_string()))?;
        self.custody.learn(&text);
        Ok(text)
    }

    /// The same of one that there may not be.
    pub async fn read_any(&self, credential: Option<&Credential>) -> Result<Option<Secret>, Error> {
        match credential {
            Some(credential) => self.read(credential).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads a secret of the workspace and notes that it was read.
    async fn fetch(&self, name: &Id) -> Result<Secret, Error> {
        let unknown = || self.missing(&format!("it is not known here where the secret `{name}` is"));
        let place = self.target.secrets.get(name).ok_or_else(unknown)?;
        let store = secret_store::open(&place.store)?;
        let found = store.get(self.probe, &place.key).await?;
        let absent = || {
            let why = format!("secret `{name}`: store `{}` has no `{}`", place.store.name, place.key);
            self.refused("missing_secret", &why)
        };
        let value = found.ok_or_else(absent)?.value;
        self.custody.learn(&value);
        self.custody.note(SecretUse {
            name: place.name.to_string(),
            store: place.store.name.clone(),
            key: place.key.clone(),
            fingerprint: self.custody.fingerprint(&value),
            by: self.by.to_owned(),
        });
        Ok(value)
    }

    fn missing(&self, why: &str) -> Error {
        self.refused("no_credential", why)
    }

    fn refused(&self, code: &'static str, why: &str) -> Error {
        Error::new(code, format!("store `{}`: {why}", self.target.name))
    }
}

/// The text of a credential, for the one place that needs it.
pub(super) fn text(secret: &Secret) -> &str {
    secret.expose_text().unwrap_or_default()
}
