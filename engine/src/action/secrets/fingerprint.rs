//! `secrets.fingerprint`: which keys a store has, and the keyed fingerprints of their values.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{fingerprints, store};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::secret::fingerprint::Fingerprint as Tag;
use crate::target::secret_store;

/// The keys of a store with their fingerprints.
pub struct Fingerprint;

/// What `secrets.fingerprint` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    target: Id,
    /// The keys; all that the store has where nothing is said.
    #[serde(default)]
    keys: Option<Vec<String>>,
}

/// What `secrets.fingerprint` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The keys that are there, sorted.
    names: Vec<String>,
    /// Their fingerprints, by key; empty where the store gives no values back.
    fingerprints: BTreeMap<String, Tag>,
    /// The keys that were asked for and are not there.
    missing: Vec<String>,
    /// The digest of names and fingerprints.
    subject: Digest,
}

#[async_trait]
impl Read for Fingerprint {
    const NAME: &'static str = "secrets.fingerprint";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let Looking { facts, probe } = *looking;
        let opened = secret_store::open(store(facts, &params.target)?)?;
        let (mut names, mut found, mut missing) = (Vec::new(), BTreeMap::new(), Vec::new());
        if opened.is_readable() {
            let keys = match params.keys {
                Some(keys) => keys,
                None => opened.names(probe).await?,
            };
            for (key, tag) in fingerprints(facts, probe, &params.target, keys.iter().map(String::as_str)).await? {
                match tag {
                    Some(tag) => {
                        names.push(key.clone());
                        found.insert(key, tag);
                    }
                    None => missing.push(key),
                }
            }
        } else {
            let there = opened.names(probe).await?;
            let asked = params.keys.unwrap_or_else(|| there.clone());
            (names, missing) = asked.into_iter().partition(|key| there.contains(key));
            names.sort_unstable();
        }
        let subject = Digest::of(format!("{names:?} {found:?}").as_bytes());
        Ok(Output { names, fingerprints: found, missing, subject })
    }
}
