//! Epochs: a counter that only moves forward, what was last known of it, and who may move it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::driver::Error;
use super::{Identity, Target, file_identity, read_settings};
use crate::host::{Host, Probe};

pub mod postgres;
pub mod sqlite;

/// An epoch as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(deny_unknown_fields)]
pub struct State {
    /// The epoch.
    pub epoch: i64,
    /// The epoch that its reader last knew; none before it knew one.
    pub known_epoch: Option<i64>,
    /// The version of the contract between the two; none where nothing says.
    pub contract_version: Option<i64>,
    /// Whom we would move it as; none where the driver knows no actors, or has no such actor.
    pub actor: Option<Actor>,
}

/// Who moves an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(deny_unknown_fields)]
pub struct Actor {
    /// Its id.
    pub id: String,
    /// Its kind, like `operator`.
    pub kind: String,
    /// Whether it was not deactivated.
    pub active: bool,
    /// The workspace it belongs to.
    pub workspace_id: String,
}

/// A bump that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bumped {
    /// The epoch before.
    pub previous: i64,
    /// The epoch after.
    pub epoch: i64,
    /// What is last known of it.
    pub known_epoch: Option<i64>,
}

/// An epoch that can be read, and bumped by one.
#[async_trait]
pub trait Epoch: Send + Sync {
    /// The epoch as it is.
    async fn read(&self, probe: &dyn Probe) -> Result<State, Error>;

    /// Moves it forward by one. What is last known of it is nobody's to write but its reader's.
    async fn bump(&self, host: &dyn Host) -> Result<Bumped, Error>;
}

/// The epoch that a target is.
///
/// # Errors
/// When its settings are wrong.
pub fn open(target: &Target) -> Result<Box<dyn Epoch>, Error> {
    Ok(match target.driver.as_str() {
        "postgres" => Box::new(postgres::Postgres { settings: target.settings()? }),
        _ => Box::new(sqlite::Sqlite { settings: target.settings()? }),
    })
}

/// Checks the settings of an epoch and finds out what it really is.
pub(super) fn bind(
    name: &str,
    driver: &str,
    settings: &mut Map<String, Value>,
    probe: &dyn Probe,
) -> Result<Identity, super::Error> {
    let wrong = |why: String| super::Error::Settings { target: name.to_owned(), driver: driver.to_owned(), why };
    if driver == "postgres" {
        let found: postgres::Settings = read_settings(name, driver, settings)?;
        return Ok((format!("{}#epoch", found.connection.identity()), None));
    }
    let found: sqlite::Settings = read_settings(name, driver, settings)?;
    sqlite::check(&found).map_err(wrong)?;
    file_identity(name, settings, &found.path, probe)
}

/// The state that one row of one JSON object says.
fn state(rows: &[Option<String>], what: &str) -> Result<State, Error> {
    let wrong = |message: String| Error::new("no_epoch", message);
    let [Some(text)] = rows else {
        return Err(wrong(format!("{what} has {} rows where there is one epoch", rows.len())));
    };
    let state: State = serde_json::from_str(text).map_err(|error| wrong(format!("{what} says no epoch: {error}")))?;
    match state.epoch > 0 && state.known_epoch.is_none_or(|known| known >= 0) {
        true => Ok(state),
        false => Err(wrong(format!("{what} says epoch {} and known epoch {:?}", state.epoch, state.known_epoch))),
    }
}

/// Judges a bump: the epoch must be one further than it was.
fn bumped(previous: i64, epoch: i64, known_epoch: Option<i64>) -> Result<Bumped, Error> {
    if previous.checked_add(1) == Some(epoch) {
        return Ok(Bumped { previous, epoch, known_epoch });
    }
    let message =
        format!("the bump moved the epoch from {previous} to {epoch}, not by one: somebody else moves it too");
    Err(Error::new("epoch_not_monotonic", message))
}
