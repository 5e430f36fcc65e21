//! `corvusforge.plugin_disable`: a plugin stays installed and is not loaded. All else in the registry stays as it is.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{read_registry, registry_file};
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::id::Id;

/// Disables a plugin.
pub struct PluginDisable;

/// What `corvusforge.plugin_disable` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registry.
    #[schemars(extend("x-runwarden-target" = ["plugin_registry"]))]
    target: Id,
    /// The plugin.
    name: String,
}

/// What `corvusforge.plugin_disable` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether it was enabled before; none where that is not known after a crash.
    was_enabled: Option<bool>,
    /// Its version.
    version: String,
}

#[async_trait]
impl Effect for PluginDisable {
    const NAME: &'static str = "corvusforge.plugin_disable";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(vec![registry_file(looking.facts, &params.target)?.path])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let settings = registry_file(looking.facts, &params.target)?;
        let plugin = read_registry(looking.probe, &settings.path)?.1.plugin(&params.name)?;
        Ok(Preview {
            fidelity: Fidelity::Exact,
            before: Some(json!({ "enabled": plugin.enabled, "version": plugin.version })),
            after: Some(json!({ "enabled": false, "version": plugin.version })),
            no_change: !plugin.enabled,
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let settings = registry_file(doing.facts, &params.target)?;
        let (_, mut registry) = read_registry(doing.host, &settings.path)?;
        let plugin = registry.plugin(&params.name)?;
        if plugin.enabled {
            registry.disable(&params.name)?;
            super::write_registry(doing.host, &settings.path, &registry)?;
        }
        Ok(Output { was_enabled: Some(plugin.enabled), version: plugin.version })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let settings = registry_file(looking.facts, &params.target)?;
        let plugin = read_registry(looking.probe, &settings.path)?.1.plugin(&params.name)?;
        Ok(match plugin.enabled {
            true => Reconciled::NotHappened,
            false => Reconciled::Happened(Output { was_enabled: None, version: plugin.version }),
        })
    }
}
