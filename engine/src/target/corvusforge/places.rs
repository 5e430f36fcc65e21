//! Where the plugins and artifacts of a Corvusforge project are: settings of the two targets.

use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::DRIVER;
use crate::host::Probe;
use crate::target::{Error, Identity, file_identity, read_settings};

/// Settings of a plugin registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryFile {
    /// The file `registry.json`, and not its folder; a relative path starts at the workspace.
    pub path: PathBuf,
    /// The folder of the installed packages; `installed` beside the registry where nothing is said.
    #[serde(default)]
    pub installed: Option<PathBuf>,
    /// The file of environment variables that the deployment starts Corvusforge with; `.env` of the project where
    /// nothing is said.
    #[serde(default)]
    pub env_file: Option<PathBuf>,
}

/// Settings of an artifact store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreFolder {
    /// The folder; a relative path starts at the workspace.
    pub path: PathBuf,
}

impl RegistryFile {
    /// The folder of the installed packages.
    #[must_use]
    pub fn packages(&self) -> PathBuf {
        self.installed.clone().unwrap_or_else(|| self.path.with_file_name("installed"))
    }

    /// The file of environment variables.
    #[must_use]
    pub fn environment(&self) -> PathBuf {
        self.env_file.clone().unwrap_or_else(|| {
            let around =
                self.path.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == ".corvusforge"));
            around.and_then(Path::parent).or(self.path.parent()).unwrap_or(Path::new("")).join(".env")
        })
    }

    /// The folder of one package.
    ///
    /// # Errors
    /// In words, when name or version are more than names and so might lead elsewhere.
    pub fn package(&self, name: &str, version: &str) -> Result<PathBuf, String> {
        let folder = format!("{name}-{version}");
        let mut parts = Path::new(&folder).components();
        let is_name = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'))
        };
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(_)), None) if is_name(name) && is_name(version) => Ok(self.packages().join(folder)),
            _ => {
                Err(format!("{name:?} {version:?} is no name and version of a plugin: letters, digits, `.`, `_`, `-`"))
            }
        }
    }
}

/// Where an artifact belongs, below its store.
#[must_use]
pub fn artifact_path(hash: &str) -> PathBuf {
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    [part(0, 2), part(2, 4)].iter().collect::<PathBuf>().join(format!("{hash}.dat"))
}

pub(in crate::target) fn bind_registry(
    name: &str,
    settings: &mut Map<String, Value>,
    probe: &dyn Probe,
) -> Result<Identity, Error> {
    let file: RegistryFile = read_settings(name, DRIVER, settings)?;
    let (packages, environment) = (file.packages(), file.environment());
    let identity = file_identity(name, settings, &file.path, probe)?;
    for (setting, path) in [("installed", packages), ("env_file", environment)] {
        settings.insert(setting.to_owned(), Value::String(probe.root().join(path).to_string_lossy().into_owned()));
    }
    Ok(identity)
}

pub(in crate::target) fn bind_store(
    name: &str,
    settings: &mut Map<String, Value>,
    probe: &dyn Probe,
) -> Result<Identity, Error> {
    let folder: StoreFolder = read_settings(name, DRIVER, settings)?;
    file_identity(name, settings, &folder.path, probe)
}
