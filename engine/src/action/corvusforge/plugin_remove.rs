//! `corvusforge.plugin_remove`: a plugin's entry, and the files of its package. Its empty folders stay.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{files_below, read_registry, registry_file, write_registry};
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::{EntryKind, Probe};
use crate::id::Id;
use crate::target::corvusforge::places::RegistryFile;
use crate::target::corvusforge::plugins::Error as RegistryError;

/// Removes a plugin.
pub struct PluginRemove;

/// What `corvusforge.plugin_remove` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registry.
    #[schemars(extend("x-runwarden-target" = ["plugin_registry"]))]
    target: Id,
    /// The plugin.
    name: String,
    /// The version that is removed; another is refused.
    version: String,
    /// Whether the files of its package go too: Corvusforge leaves them.
    #[serde(default = "yes")]
    delete_files: bool,
}

fn yes() -> bool {
    true
}

/// What `corvusforge.plugin_remove` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether the registry had it.
    existed: bool,
    /// The files that were removed, by their path in the package.
    files: Vec<String>,
}

impl Params {
    /// Whether the registry has it, and the files that would go.
    fn look(&self, facts: &Facts, probe: &dyn Probe) -> Result<(RegistryFile, bool, Vec<String>), Error> {
        let settings = registry_file(facts, &self.target)?;
        let folder = settings.package(&self.name, &self.version).map_err(|why| Error::new("bad_name", why))?;
        let exists = match read_registry(probe, &settings.path)?.1.plugin(&self.name) {
            Ok(plugin) if plugin.version == self.version => true,
            Ok(plugin) => {
                let message = format!("`{}` is of version {}, not {}", self.name, plugin.version, self.version);
                return Err(Error::new("other_version", message));
            }
            Err(RegistryError::NoPlugin(_)) => false,
            Err(error) => return Err(error.into()),
        };
        let mut files = Vec::new();
        if self.delete_files && probe.stat(&folder)?.is_some() {
            for (name, stat) in files_below(probe, &folder)? {
                if !matches!(stat.kind, EntryKind::File | EntryKind::Link) {
                    return Err(Error::new("bad_package", format!("`{name}` in its package is no regular file")));
                }
                files.push(name);
            }
        }
        Ok((settings, exists, files))
    }
}

#[async_trait]
impl Effect for PluginRemove {
    const NAME: &'static str = "corvusforge.plugin_remove";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Irreversible,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        looking.facts.written(&params.target)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let (_, exists, files) = params.look(looking.facts, looking.probe)?;
        Ok(Preview {
            fidelity: Fidelity::Exact,
            no_change: !exists && files.is_empty(),
            before: Some(json!({ "registered": exists, "files": files })),
            after: Some(json!({ "registered": false, "files": [] })),
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let (settings, existed, files) = params.look(doing.facts, doing.host)?;
        if existed {
            let (_, mut registry) = read_registry(doing.host, &settings.path)?;
            registry.remove(&params.name)?;
            // First: what is not registered is not loaded, whatever is left of its files.
            write_registry(doing.host, &settings.path, &registry)?;
        }
        let folder = settings.package(&params.name, &params.version).map_err(|why| Error::new("bad_name", why))?;
        for name in &files {
            doing.host.remove(&folder.join(name))?;
        }
        Ok(Output { existed, files })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let (_, exists, files) = params.look(looking.facts, looking.probe)?;
        Ok(match !exists && files.is_empty() {
            true => Reconciled::Happened(Output { existed: true, files: Vec::new() }),
            false => Reconciled::NotHappened,
        })
    }
}
