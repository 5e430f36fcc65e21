//! `secrets.compare`: whether values are the same in several places. Nothing is shown but that.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{subject, value};
use crate::action::sealed::KeyPlace;
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::secret::Secret;

/// Whether values are the same in several places.
pub struct Compare;

/// What `secrets.compare` takes: keys and targets, or places.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Keys, each of which is compared over all `targets`; not beside `places`.
    #[serde(default)]
    keys: Vec<String>,
    /// The stores, at least two; not beside `places`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    targets: Vec<Id>,
    /// Places that are compared with one another, at least two; not beside `keys` and `targets`.
    #[serde(default)]
    places: Vec<KeyPlace>,
}

/// What `secrets.compare` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether all values are there and the same.
    equal: bool,
    /// How many values were compared.
    compared: u64,
    /// The keys whose values are all there and the same; of places the key of the first.
    equal_keys: Vec<String>,
    /// The keys whose values differ, or are missing somewhere.
    different_keys: Vec<String>,
    /// The places where nothing is, as `target/key`.
    missing: Vec<String>,
    /// The digest of what was read; none while there is no key for fingerprints.
    subject: Option<Digest>,
}

impl Params {
    /// What is compared with one another, by key.
    fn groups(self) -> Result<BTreeMap<String, Vec<KeyPlace>>, Error> {
        let wrong = |message: &str| Err(Error::new("bad_input", message));
        match (self.keys.is_empty(), self.targets.is_empty(), self.places.as_slice()) {
            (true, true, [first, _, ..]) => Ok(BTreeMap::from([(first.key.clone(), self.places)])),
            (false, false, []) if self.targets.len() > 1 => {
                let of_key = |key: &String| {
                    let place = |target: &Id| KeyPlace { target: target.clone(), key: key.clone() };
                    (key.clone(), self.targets.iter().map(place).collect())
                };
                Ok(self.keys.iter().map(of_key).collect())
            }
            (true, true, _) | (false, false, []) => wrong("at least two places are compared"),
            _ => wrong("give either `keys` and `targets`, or `places`"),
        }
    }
}

#[async_trait]
impl Read for Compare {
    const NAME: &'static str = "secrets.compare";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let Looking { facts, probe } = *looking;
        let (mut equal_keys, mut different_keys, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let mut all: Vec<(KeyPlace, Option<Secret>)> = Vec::new();
        for (key, places) in params.groups()? {
            let begin = all.len();
            for place in places {
                let found = value(facts, probe, &place.target, &place.key).await?;
                if found.is_none() {
                    missing.push(format!("{}/{}", place.target, place.key));
                }
                all.push((place, found));
            }
            let values = &all[begin..];
            let first = values[0].1.as_ref();
            let same = first.is_some() && values.iter().all(|(_, value)| value.as_ref() == first);
            if same { equal_keys.push(key) } else { different_keys.push(key) }
        }
        Ok(Output {
            equal: different_keys.is_empty(),
            compared: (all.len() - missing.len()) as u64,
            equal_keys,
            different_keys,
            missing,
            subject: subject(facts, all.iter().map(|(place, value)| (place.clone(), value.as_ref()))),
        })
    }
}
