//! `corvusforge.plugin_verify`: plugins held against the trusted key, their code included.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::package::{Covers, Problem, installed, judge};
use super::{production, public_key, read_registry, registry_file};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};

/// Verifies plugins.
pub struct PluginVerify;

/// What `corvusforge.plugin_verify` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registry.
    #[schemars(extend("x-runwarden-target" = ["plugin_registry"]))]
    target: Id,
    /// The one to verify; without it all of them, disabled ones too.
    #[serde(default)]
    name: Option<String>,
    /// Another file (a backup) read in place of the registry.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// The key that must have signed, 64 hex digits; without it the plugin trust root of the deployment.
    #[serde(default)]
    public_key: Option<String>,
}

/// What `corvusforge.plugin_verify` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// How many were looked at: with 0 nothing is verified.
    checked: u64,
    /// How many of them are not as the key signed them.
    failed: u64,
    /// How many of those that passed have no code that is signed.
    uncovered: u64,
    /// Whether there was at least one, and none failed.
    verified: bool,
    /// Whether there was at least one, and of each the code is signed.
    code_covered: bool,
    /// The names of those that failed.
    wrong: Vec<String>,
    /// Each of them, by name.
    items: Vec<Item>,
    /// The key that they were held against.
    public_key: String,
    /// The digest of registry, packages and key.
    subject: Digest,
}

/// One plugin.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Item {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// Whether it is loaded.
    enabled: bool,
    /// Whether nothing is wrong.
    verified: bool,
    /// Whether its files are there and signed.
    code_covered: bool,
    /// What the key signed of it.
    covers: Covers,
    /// Everything that is wrong.
    problems: Vec<Problem>,
}

#[async_trait]
impl Read for PluginVerify {
    const NAME: &'static str = "corvusforge.plugin_verify";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let settings = registry_file(looking.facts, &params.target)?;
        let trusted = match params.public_key {
            Some(key) => key,
            None => production(looking.facts, looking.probe, &params.target).await?.plugin_trust_root,
        };
        if trusted.is_empty() {
            return Err(Error::new("no_trust_root", "no plugin trust root is configured: nothing can be verified"));
        }
        let key = public_key(&trusted)?;
        let (bytes, registry) = read_registry(looking.probe, params.path.as_ref().unwrap_or(&settings.path))?;
        let plugins = match &params.name {
            Some(name) => vec![registry.plugin(name)?],
            None => registry.plugins()?,
        };
        let mut subject = format!("{trusted}\n{}", Digest::of(&bytes));
        let mut items = Vec::new();
        for plugin in plugins {
            let package = installed(looking.probe, &settings, &plugin).await?;
            subject += &format!("\n{:?}", package.as_ref().map(|package| (&package.files, &package.strange)));
            let judged = judge(&plugin, package.as_ref(), &key);
            items.push(Item {
                name: plugin.name,
                version: plugin.version,
                enabled: plugin.enabled,
                verified: judged.problems.is_empty(),
                code_covered: judged.code_covered && judged.problems.is_empty(),
                covers: judged.covers,
                problems: judged.problems,
            });
        }
        let count = |test: fn(&Item) -> bool| items.iter().filter(|item| test(item)).count() as u64;
        let (checked, failed) = (items.len() as u64, count(|item| !item.verified));
        let uncovered = count(|item| item.verified && !item.code_covered);
        Ok(Output {
            checked,
            failed,
            uncovered,
            verified: checked > 0 && failed == 0,
            code_covered: checked > 0 && failed == 0 && uncovered == 0,
            wrong: items.iter().filter(|item| !item.verified).map(|item| item.name.clone()).collect(),
            items,
            public_key: trusted,
            subject: Digest::of(subject.as_bytes()),
        })
    }
}
