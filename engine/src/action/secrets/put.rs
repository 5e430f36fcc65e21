//! `secrets.put`: puts the values of secrets into a store, in one step where the store can.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{fingerprints, store};
use crate::action::sealed::{self, SecretName};
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::Probe;
use crate::id::Id;
use crate::secret::Secret;
use crate::secret::fingerprint::Fingerprint;
use crate::target::secret_store;

/// Puts values into a store.
pub struct Put;

/// What `secrets.put` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    target: Id,
    /// The key; with `value`, not beside `values`.
    #[serde(default)]
    key: Option<String>,
    /// The secret whose value is put there.
    #[serde(default)]
    value: Option<SecretName>,
    /// Several at once: secrets by key.
    #[serde(default)]
    values: BTreeMap<String, SecretName>,
}

/// What `secrets.put` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The fingerprints of what is there now, by key.
    fingerprints: BTreeMap<String, Fingerprint>,
    /// The version that was written, where the store counts them.
    version: Option<u64>,
}

impl Params {
    async fn values(&self, facts: &Facts, probe: &dyn Probe) -> Result<BTreeMap<String, Secret>, Error> {
        let given: Vec<(&String, &SecretName)> = match (&self.key, &self.value, self.values.is_empty()) {
            (Some(key), Some(value), true) => vec![(key, value)],
            (None, None, false) => self.values.iter().collect(),
            _ => return Err(Error::new("bad_input", "give either `key` and `value`, or `values`")),
        };
        let mut values = BTreeMap::new();
        for (key, SecretName(name)) in given {
            values.insert(key.clone(), facts.secrets.reveal(name, probe).await?);
        }
        Ok(values)
    }
}

/// The fingerprints of values about to be put.
fn tags(facts: &Facts, values: &BTreeMap<String, Secret>) -> Result<BTreeMap<String, Fingerprint>, Error> {
    let tag = |(key, value): (&String, &Secret)| Ok((key.clone(), sealed::fingerprint(&facts.secrets, value)?));
    values.iter().map(tag).collect()
}

/// What is there now, where the store gives it back.
async fn current(
    facts: &Facts,
    probe: &dyn Probe,
    target: &Id,
    values: &BTreeMap<String, Secret>,
) -> Result<Option<BTreeMap<String, Option<Fingerprint>>>, Error> {
    if !secret_store::open(store(facts, target)?)?.is_readable() {
        return Ok(None);
    }
    fingerprints(facts, probe, target, values.keys().map(String::as_str)).await.map(Some)
}

fn is_all(found: &BTreeMap<String, Option<Fingerprint>>, wanted: &BTreeMap<String, Fingerprint>) -> bool {
    wanted.iter().all(|(key, tag)| found.get(key).is_some_and(|found| found.as_ref() == Some(tag)))
}

#[async_trait]
impl Effect for Put {
    const NAME: &'static str = "secrets.put";
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
        super::written(looking.facts, &params.target, params.key.iter().chain(params.values.keys()).map(String::as_str))
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let Looking { facts, probe } = *looking;
        let values = params.values(facts, probe).await?;
        let after = tags(facts, &values)?;
        Ok(match current(facts, probe, &params.target, &values).await? {
            None => Preview { after: Some(json!({ "fingerprints": after })), ..Preview::UNKNOWN },
            Some(before) => {
                let no_change = is_all(&before, &after);
                Preview {
                    fidelity: Fidelity::Exact,
                    before: Some(json!({ "fingerprints": before })),
                    after: Some(json!({ "fingerprints": after })),
                    no_change,
                }
            }
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let Doing { facts, host } = *doing;
        let values = params.values(facts, host).await?;
        let fingerprints = tags(facts, &values)?;
        let version = secret_store::open(store(facts, &params.target)?)?.put(host, &values).await?;
        Ok(Output { fingerprints, version })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let Looking { facts, probe } = *looking;
        let values = params.values(facts, probe).await?;
        let wanted = tags(facts, &values)?;
        Ok(match current(facts, probe, &params.target, &values).await? {
            None => Reconciled::CannotTell,
            Some(found) if is_all(&found, &wanted) => {
                Reconciled::Happened(Output { fingerprints: wanted, version: None })
            }
            Some(_) => Reconciled::NotHappened,
        })
    }
}
