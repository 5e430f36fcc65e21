//! `secrets.expiry`: when a secret expires, as `secrets.set_expiry` wrote it down, and which alerts are due.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::store;
use crate::action::{Error, Facts, Looking, Read};
use crate::host::Probe;
use crate::id::Id;
use crate::target::secret_store;
use crate::time::Timestamp;

/// The most that is read of a file of expiry dates, in bytes.
const AT_MOST: u64 = 1024 * 1024;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// When a secret expires.
pub struct Expiry;

/// What `secrets.expiry` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    target: Id,
    /// The key.
    key: String,
    /// How many days before it expires somebody is to be told.
    #[serde(default)]
    alert_days: Vec<i64>,
}

/// What `secrets.expiry` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// When it expires; none if nobody has said.
    expires_at: Option<Timestamp>,
    /// How many whole days are left, less than 0 once it has expired; none if nobody has said.
    days_left: Option<i64>,
    /// Those of `alert_days` that have come, the latest first.
    due: Vec<i64>,
}

/// The expiry dates of a store: a file of JSON, times by key.
pub(super) struct Dates {
    pub path: PathBuf,
    pub by_key: BTreeMap<String, Timestamp>,
}

impl Dates {
    pub fn read(facts: &Facts, probe: &dyn Probe, target: &Id) -> Result<Self, Error> {
        let path = secret_store::expiries(store(facts, target)?).ok_or_else(|| {
            let message = format!("store `{target}` does not say where its expiry dates are kept; set `expiries`");
            Error::new("no_expiries", message)
        })?;
        if probe.stat(&path)?.is_none() {
            return Ok(Self { path, by_key: BTreeMap::new() });
        }
        let bytes = probe.read(&path, AT_MOST)?;
        let by_key = serde_json::from_slice(&bytes).map_err(|error| {
            Error::new("bad_expiries", format!("`{}` is no map of times by key: {error}", path.display()))
        })?;
        Ok(Self { path, by_key })
    }
}

#[async_trait]
impl Read for Expiry {
    const NAME: &'static str = "secrets.expiry";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let dates = Dates::read(looking.facts, looking.probe, &params.target)?;
        let expires_at = dates.by_key.get(&params.key).copied();
        let now = looking.probe.now();
        let days_left = expires_at.map(|at| (at.microseconds() - now.microseconds()).div_euclid(DAY));
        let mut due: Vec<i64> = match days_left {
            Some(left) => params.alert_days.into_iter().filter(|day| left <= *day).collect(),
            None => Vec::new(),
        };
        due.sort_unstable();
        due.dedup();
        Ok(Output { expires_at, days_left, due })
    }
}
