//! Secrets in their stores: whether they are there, alike, in shape and in time; and put, made and removed.
//!
//! No action here gives a value: outputs have keyed fingerprints, by which equality can be shown later.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::sealed::{self, KeyPlace};
use super::{Error, Facts};
use crate::host::Probe;
use crate::id::{Digest, Id};
use crate::procedure::TargetKind as Kind;
use crate::secret::Secret;
use crate::secret::fingerprint::Fingerprint;
use crate::target::Target;

pub mod compare;
pub mod expiry;
pub mod fingerprint;
pub mod generate;
pub mod put;
pub mod require;
pub mod revoke;
pub mod set_expiry;

/// The store that a target is.
pub(in crate::action) fn store<'f>(facts: &'f Facts, target: &Id) -> Result<&'f Target, Error> {
    let bound = facts.target(target)?;
    if bound.kind == Kind::SecretStore {
        return Ok(bound);
    }
    let message = format!("target `{target}` is a `{}`, not a `secret_store`", bound.kind.as_str());
    Err(Error::new("bad_target", message))
}

/// The files that putting or removing keys of a store writes, as far as its settings tell.
pub(in crate::action) fn written<'k>(
    facts: &Facts,
    target: &Id,
    keys: impl IntoIterator<Item = &'k str>,
) -> Result<Vec<PathBuf>, Error> {
    Ok(written_by(store(facts, target)?, keys))
}

/// The same of a store that is known.
pub(in crate::action) fn written_by<'k>(store: &Target, keys: impl IntoIterator<Item = &'k str>) -> Vec<PathBuf> {
    let mut paths = store.written();
    if let ("directory", Some(folder)) = (store.driver.as_str(), paths.first().cloned()) {
        paths.extend(keys.into_iter().map(|key| folder.join(key)));
    }
    paths
}

/// The value of a key; none if it is not there.
pub(in crate::action) async fn value(
    facts: &Facts,
    probe: &dyn Probe,
    target: &Id,
    key: &str,
) -> Result<Option<Secret>, Error> {
    let found = facts.secrets.fetch(None, store(facts, target)?, key, probe).await?;
    Ok(found.map(|found| found.value))
}

/// The fingerprints of keys of one store; none for a key that is not there.
async fn fingerprints(
    facts: &Facts,
    probe: &dyn Probe,
    target: &Id,
    keys: impl IntoIterator<Item = &str>,
) -> Result<BTreeMap<String, Option<Fingerprint>>, Error> {
    let mut found = BTreeMap::new();
    for key in keys {
        let value = value(facts, probe, target, key).await?;
        let fingerprint = value.map(|value| sealed::fingerprint(&facts.secrets, &value)).transpose()?;
        found.insert(key.to_owned(), fingerprint);
    }
    Ok(found)
}

/// The digest of what was read: by fingerprints, which change with the values.
fn subject<'a>(facts: &Facts, values: impl Iterator<Item = (KeyPlace, Option<&'a Secret>)>) -> Option<Digest> {
    if !facts.secrets.custody.takes_fingerprints() {
        return None;
    }
    let lines = values.map(|(place, value)| {
        let fingerprint = value.and_then(|value| facts.secrets.custody.fingerprint(value));
        let identity = facts.targets.get(&place.target).map(|target| target.identity.as_str()).unwrap_or_default();
        let tag = fingerprint.as_ref().map(Fingerprint::as_str).unwrap_or("none");
        format!("{identity}\0{}\0{tag}\n", place.key)
    });
    Some(Digest::of(lines.collect::<String>().as_bytes()))
}

#[cfg(test)]
mod tests;
