//! The store `env`: variables of the environment that the engine was started with. Read only.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Error, Found, SecretStore, check_key};
use crate::host::{Host, Probe};
use crate::secret::Secret;

/// Settings of the store `env`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What stands before each key in the names of the variables.
    #[serde(default)]
    pub prefix: String,
    /// The file in which expiry dates are kept.
    #[serde(default)]
    pub expiries: Option<std::path::PathBuf>,
}

/// Variables of the environment.
pub(super) struct Env {
    pub name: String,
    pub settings: Settings,
}

impl Env {
    fn read_only(&self) -> Error {
        Error::new("read_only", format!("store `{}` is the environment, which is only read", self.name))
    }
}

#[async_trait]
impl SecretStore for Env {
    async fn names(&self, _: &dyn Probe) -> Result<Vec<String>, Error> {
        let message = format!("store `{}` is the environment, which is not listed; name the keys", self.name);
        Err(Error::new("not_listable", message))
    }

    async fn get(&self, probe: &dyn Probe, key: &str) -> Result<Option<Found>, Error> {
        check_key(&self.name, key)?;
        let value = probe.variable(&format!("{}{key}", self.settings.prefix));
        Ok(value.map(|value| Found { value: Secret::new(value), version: None }))
    }

    async fn put(&self, _: &dyn Host, _: &BTreeMap<String, Secret>) -> Result<Option<u64>, Error> {
        Err(self.read_only())
    }

    async fn delete(&self, _: &dyn Host, _: &str) -> Result<(), Error> {
        Err(self.read_only())
    }
}
