//! Corvusforge projects: plugins, artifacts, waivers, stages and production settings.
//!
//! What its own commands report as success, here is looked at. What several of the actions need stands here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::digest_of;
use super::{Error, Facts};
use crate::host::{EntryKind, Existing, Host, Probe, Stat};
use crate::id::Id;
use crate::procedure::TargetKind;
use crate::target::Target;
use crate::target::corvusforge::places::{RegistryFile, StoreFolder};
use crate::target::corvusforge::plugins::{Error as RegistryError, Registry};
use crate::target::corvusforge::production::{JUDGED, Production, judge};
use crate::target::secret_store;

pub mod artifacts_verify;
pub mod package;
pub mod plugin_disable;
pub mod plugin_remove;
pub mod plugin_verify;
pub mod plugins;
pub mod production_guard;
pub mod stages;
pub mod waiver_sign;
pub mod waiver_verify;
pub mod waivers;

#[cfg(test)]
pub(in crate::action) mod tests;

const REGISTRY_AT_MOST: u64 = 16 * 1024 * 1024;
const DEEPEST: usize = 32;
const MOST_FILES: usize = 1_000_000;

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Malformed(_) => Self::new("bad_registry", error.to_string()),
            RegistryError::NoPlugin(_) => Self::new("no_plugin", error.to_string()),
        }
    }
}

fn bound<'f>(facts: &'f Facts, name: &Id, kind: TargetKind) -> Result<&'f Target, Error> {
    let target = facts.target(name)?;
    if target.kind == kind {
        return Ok(target);
    }
    let message = format!("target `{name}` is a `{}`, not a `{}`", target.kind.as_str(), kind.as_str());
    Err(Error::new("bad_target", message))
}

/// The settings of a plugin registry.
pub(in crate::action) fn registry_file(facts: &Facts, name: &Id) -> Result<RegistryFile, Error> {
    Ok(bound(facts, name, TargetKind::PluginRegistry)?.settings()?)
}

/// The folder of an artifact store.
pub(in crate::action) fn store_folder(facts: &Facts, name: &Id) -> Result<PathBuf, Error> {
    Ok(bound(facts, name, TargetKind::ArtifactStore)?.settings::<StoreFolder>()?.path)
}

/// The bytes of a registry, and what they say. A folder in its place is what Corvusforge takes for an empty one.
pub(in crate::action) fn read_registry(probe: &dyn Probe, path: &Path) -> Result<(Vec<u8>, Registry), Error> {
    match probe.stat(path)? {
        None => return Err(Error::new("not_found", format!("there is no registry at `{}`", path.display()))),
        Some(Stat { kind: EntryKind::Folder, .. }) => {
            let message = format!("`{}` is a folder; the registry is the file `registry.json` in it", path.display());
            return Err(Error::new("bad_registry", message));
        }
        Some(_) => {}
    }
    let bytes = probe.read(path, REGISTRY_AT_MOST)?;
    let registry = Registry::parse(&bytes)?;
    Ok((bytes, registry))
}

/// Puts a registry in place, with the permissions it had.
pub(in crate::action) fn write_registry(host: &dyn Host, path: &Path, registry: &Registry) -> Result<(), Error> {
    let mode = host.stat(path)?.map_or(0o600, |stat| stat.mode & 0o777);
    Ok(host.write(path, registry.to_text().as_bytes(), mode, Existing::Replace)?)
}

/// The settings that the deployment starts Corvusforge with.
pub(in crate::action) async fn production(facts: &Facts, probe: &dyn Probe, name: &Id) -> Result<Production, Error> {
    let path = registry_file(facts, name)?.environment();
    if probe.stat(&path)?.is_none() {
        let message = format!("there is no file of environment variables at `{}`", path.display());
        return Err(Error::new("not_found", message));
    }
    let store = secret_store::plain_variables(&path);
    let names = store.names(probe).await?;
    let mut values = BTreeMap::new();
    for judged in JUDGED.iter().filter(|judged| names.iter().any(|name| name == *judged)) {
        if let Some(found) = store.get(probe, judged).await? {
            let text = found.value.expose_text().unwrap_or_default().to_owned();
            values.insert((*judged).to_owned(), text);
        }
    }
    Ok(judge(&values, &names))
}

/// All that is below a folder and is no folder, by its path from there, links not followed.
fn files_below(probe: &dyn Probe, folder: &Path) -> Result<BTreeMap<String, Stat>, Error> {
    let mut found = BTreeMap::new();
    let mut open = vec![(PathBuf::new(), 0)];
    while let Some((below, depth)) = open.pop() {
        for name in probe.list(&folder.join(&below))? {
            let path = below.join(name);
            match probe.stat(&folder.join(&path))? {
                Some(Stat { kind: EntryKind::Folder, .. }) if depth < DEEPEST => open.push((path, depth + 1)),
                Some(stat) => drop(found.insert(path.to_string_lossy().into_owned(), stat)),
                None => {}
            }
            if found.len() > MOST_FILES {
                return Err(Error::new(
                    "too_large",
                    format!("`{}` has more than {MOST_FILES} files", folder.display()),
                ));
            }
        }
    }
    Ok(found)
}

/// SHA-256 of a file, 64 hex digits.
pub(in crate::action) async fn hash(probe: &dyn Probe, path: &Path) -> Result<String, Error> {
    Ok(digest_of(probe, path).await?.0.hex().to_owned())
}

/// A public key as it is given: 64 hex digits.
pub(in crate::action) fn public_key(text: &str) -> Result<[u8; 32], Error> {
    crate::sign::service_key::read_public(text)
        .ok_or_else(|| Error::new("bad_input", format!("{text:?} is no Ed25519 public key of 64 lowercase hex digits")))
}
