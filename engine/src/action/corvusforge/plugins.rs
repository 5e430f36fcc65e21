//! `corvusforge.plugins`: what the registry says, disabled plugins too. Corvusforge's own list hides those.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::package::{installed, is_signer};
use super::{public_key, read_registry, registry_file};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};

/// Lists plugins.
pub struct Plugins;

/// What `corvusforge.plugins` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registry.
    #[schemars(extend("x-runwarden-target" = ["plugin_registry"]))]
    target: Id,
    /// Another file (a backup) read in place of the registry.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// Only plugins that this public key signed, 64 hex digits.
    #[serde(default)]
    signed_by: Option<String>,
    /// Only the plugin of this name.
    #[serde(default)]
    name: Option<String>,
}

/// What `corvusforge.plugins` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The plugins, by name.
    plugins: Vec<Listed>,
    /// How many there are in that list.
    count: u64,
    /// How many of them are enabled.
    enabled: u64,
    /// The digest of the registry.
    subject: Digest,
}

/// A plugin as its entry says.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Listed {
    name: String,
    version: String,
    kind: String,
    author: String,
    entry_point: String,
    plugin_id: String,
    installed_at: String,
    enabled: bool,
    /// Whether there is a signature, good or not.
    signed: bool,
    /// SHA-256 over its files as they are; empty where no package is installed.
    manifest_hash: String,
    /// Where its package is, or would be.
    package: String,
    /// The files of its package, by their path in it.
    files: Vec<String>,
}

#[async_trait]
impl Read for Plugins {
    const NAME: &'static str = "corvusforge.plugins";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let settings = registry_file(looking.facts, &params.target)?;
        let key = params.signed_by.as_deref().map(public_key).transpose()?;
        let path = params.path.as_ref().unwrap_or(&settings.path);
        let (bytes, registry) = read_registry(looking.probe, path)?;
        let mut plugins = Vec::new();
        for plugin in registry.plugins()? {
            if params.name.as_ref().is_some_and(|name| *name != plugin.name) {
                continue;
            }
            let package = installed(looking.probe, &settings, &plugin).await?;
            if key.is_some_and(|key| !is_signer(&plugin, package.as_ref(), &key)) {
                continue;
            }
            let folder = settings.package(&plugin.name, &plugin.version).map_err(|why| Error::new("bad_name", why))?;
            plugins.push(Listed {
                manifest_hash: package.as_ref().map(|package| package.manifest_hash()).unwrap_or_default(),
                package: folder.display().to_string(),
                files: package.map(|package| package.files.into_keys().collect()).unwrap_or_default(),
                name: plugin.name,
                version: plugin.version,
                kind: plugin.kind,
                author: plugin.author,
                entry_point: plugin.entry_point,
                plugin_id: plugin.plugin_id,
                installed_at: plugin.installed_at,
                enabled: plugin.enabled,
                signed: !plugin.signature.is_empty(),
            });
        }
        let enabled = plugins.iter().filter(|plugin| plugin.enabled).count() as u64;
        Ok(Output { count: plugins.len() as u64, enabled, plugins, subject: Digest::of(&bytes) })
    }
}
