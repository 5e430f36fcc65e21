//! The store `vault`: one secret of a HashiCorp Vault KV v2 engine, its fields the keys, over the documented HTTP API.
//!
//! A change reads the secret, changes the fields, and writes it with check-and-set: what somebody else wrote meanwhile
//! is never lost. The token comes from the environment or a file of the engine's own user.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::origin;
use super::{AT_MOST, Error, Found, SecretStore, check_key, text};
use crate::host::{Answer, Get, Host, Probe, Send};
use crate::secret::Secret;
use crate::time::Duration;

/// Settings of the store `vault`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address of the server, without `/v1`.
    pub url: String,
    /// Where the KV v2 engine is mounted.
    #[serde(default = "secret")]
    pub mount: String,
    /// The path of the secret in it.
    pub path: String,
    /// Its namespace, where the server has them.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The variable of the environment that has the token.
    #[serde(default = "vault_token")]
    pub token_env: String,
    /// A file that has the token, for when the variable is not set.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// How long one exchange may take.
    #[serde(default = "thirty_seconds")]
    pub timeout: Duration,
    /// The file in which expiry dates are kept.
    #[serde(default)]
    pub expiries: Option<PathBuf>,
}

fn secret() -> String {
    "secret".to_owned()
}

fn vault_token() -> String {
    "VAULT_TOKEN".to_owned()
}

fn thirty_seconds() -> Duration {
    Duration::from_seconds(30)
}

impl Settings {
    /// What this store really is: server, engine and path.
    pub(super) fn identity(&self) -> Result<String, String> {
        let origin = origin(&self.url).ok_or_else(|| format!("`{}` is not an http or https address", self.url))?;
        if self.url.trim_end_matches('/').contains(['?', '#']) {
            return Err("`url` has a query or fragment".to_owned());
        }
        for (name, path) in [("mount", &self.mount), ("path", &self.path)] {
            let is_segment = |segment: &str| {
                let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
                !segment.is_empty() && segment.chars().all(fits) && !segment.chars().all(|c| c == '.')
            };
            if !path.split('/').all(is_segment) {
                return Err(format!("`{name}` is no path of letters, digits, `_`, `-` and `.`"));
            }
        }
        let namespace = self.namespace.as_deref().unwrap_or_default();
        Ok(format!("vault:{origin}/{namespace}/{}/{}", self.mount, self.path))
    }
}

/// One secret of a KV v2 engine.
pub(super) struct Vault {
    pub name: String,
    pub settings: Settings,
}

/// The secret as it is: its fields, and its version, 0 before the first.
struct Current {
    fields: Map<String, Value>,
    version: u64,
}

impl Vault {
    fn token(&self, probe: &dyn Probe) -> Result<String, Error> {
        let from_file = || {
            let path = self.settings.token_file.as_ref()?;
            Some(probe.read(path, 16 * 1024))
        };
        let bytes = match probe.variable(&self.settings.token_env) {
            Some(bytes) => bytes,
            None => from_file().transpose()?.ok_or_else(|| {
                let message = format!("store `{}`: `{}` is not set", self.name, self.settings.token_env);
                Error::new("no_token", message)
            })?,
        };
        let token = String::from_utf8(bytes).ok().map(|token| token.trim().to_owned()).filter(|it| !it.is_empty());
        token.ok_or_else(|| Error::new("no_token", format!("store `{}`: the token is no text", self.name)))
    }

    fn request(&self, probe: &dyn Probe) -> Result<Get, Error> {
        let Settings { url, mount, path, namespace, timeout, .. } = &self.settings;
        let mut headers =
            vec![("x-vault-request".to_owned(), "true".to_owned()), ("x-vault-token".to_owned(), self.token(probe)?)];
        headers.extend(namespace.iter().map(|namespace| ("x-vault-namespace".to_owned(), namespace.clone())));
        Ok(Get {
            url: format!("{}/v1/{mount}/data/{path}", url.trim_end_matches('/')),
            headers,
            timeout: timeout.as_std(),
            at_most: AT_MOST,
            head_only: false,
        })
    }

    fn failed(&self, what: &str) -> Error {
        Error::new("store_failed", format!("store `{}`: {what}", self.name))
    }

    fn body(&self, answer: &Answer) -> Result<Value, Error> {
        serde_json::from_slice(&answer.body).map_err(|_| self.failed("the answer is no JSON"))
    }

    async fn current(&self, probe: &dyn Probe) -> Result<Current, Error> {
        let answer = probe.get(self.request(probe)?).await?;
        match answer.status {
            200 => {
                let body = self.body(&answer)?;
                let fields = body["data"]["data"].as_object().cloned();
                let version = body["data"]["metadata"]["version"].as_u64();
                match (fields, version) {
                    (Some(fields), Some(version)) => Ok(Current { fields, version }),
                    _ => Err(self.failed("the answer is not one of a KV v2 engine")),
                }
            }
            // Of a secret whose last version was deleted the version is still told.
            404 => {
                let version = self.body(&answer).ok().and_then(|body| body["data"]["metadata"]["version"].as_u64());
                Ok(Current { fields: Map::new(), version: version.unwrap_or(0) })
            }
            403 => Err(Error::new("denied", format!("store `{}`: the token may not read this", self.name))),
            status => Err(self.failed(&format!("it answered with status {status}")).transient_if(status >= 500)),
        }
    }

    async fn write(&self, host: &dyn Host, fields: Map<String, Value>, version: u64) -> Result<u64, Error> {
        let body = json!({ "options": { "cas": version }, "data": fields }).to_string().into_bytes();
        let mut to = self.request(host)?;
        to.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        let answer = host.send(Send { method: "POST".to_owned(), to, body: Some(body) }).await?;
        match answer.status {
            200 => {
                let version = self.body(&answer)?["data"]["version"].as_u64();
                version.ok_or_else(|| self.failed("it does not say which version it wrote").uncertain_if(true))
            }
            400 if String::from_utf8_lossy(&answer.body).contains("check-and-set") => {
                let message = format!("store `{}`: somebody else changed it just now", self.name);
                Err(Error::new("changed", message).transient_if(true))
            }
            403 => Err(Error::new("denied", format!("store `{}`: the token may not write this", self.name))),
            status => {
                let error = self.failed(&format!("it answered with status {status}"));
                Err(error.uncertain_if(status >= 500).transient_if(status >= 500 || status == 429))
            }
        }
    }
}

#[async_trait]
impl SecretStore for Vault {
    async fn names(&self, probe: &dyn Probe) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = self.current(probe).await?.fields.into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        Ok(names)
    }

    async fn get(&self, probe: &dyn Probe, key: &str) -> Result<Option<Found>, Error> {
        check_key(&self.name, key)?;
        let mut current = self.current(probe).await?;
        match current.fields.remove(key) {
            None => Ok(None),
            Some(Value::String(value)) => {
                Ok(Some(Found { value: Secret::new(value.into_bytes()), version: Some(current.version) }))
            }
            Some(_) => Err(self.failed(&format!("field `{key}` is no text"))),
        }
    }

    async fn put(&self, host: &dyn Host, values: &BTreeMap<String, Secret>) -> Result<Option<u64>, Error> {
        let Current { mut fields, version } = self.current(host).await?;
        for (key, value) in values {
            check_key(&self.name, key)?;
            fields.insert(key.clone(), Value::String(text(&self.name, key, value)?.to_owned()));
        }
        self.write(host, fields, version).await.map(Some)
    }

    async fn delete(&self, host: &dyn Host, key: &str) -> Result<(), Error> {
        check_key(&self.name, key)?;
        let Current { mut fields, version } = self.current(host).await?;
        if fields.remove(key).is_some() {
            self.write(host, fields, version).await?;
        }
        Ok(())
    }
}
