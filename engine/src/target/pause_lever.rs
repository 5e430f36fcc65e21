//! Pause levers: what stops a system and lets it go on, and how it stands.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::driver::Error;
use super::{Identity, Target, file_identity, read_settings};
use crate::host::{Host, Probe};
use crate::time::Timestamp;

pub mod command;
pub mod evm;
pub mod file;
pub mod postgres;

/// How a system stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Summary {
    /// Nothing holds it.
    Live,
    /// All of it is held.
    Paused,
    /// Some of it is held.
    Mixed,
    /// It cannot be told.
    Unknown,
}

/// Something that holds a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(deny_unknown_fields)]
pub struct Open {
    /// Its id.
    pub id: String,
    /// How hard it holds, where the lever has levels.
    pub level: Option<u8>,
    /// What it is, like `pause`.
    pub kind: String,
    /// Why.
    pub reason: Option<String>,
    /// Who gave it, where the lever says so.
    pub issuer: Option<String>,
    /// How far it has come, where the lever says so.
    pub state: Option<String>,
}

/// How a lever stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// In one word.
    pub summary: Summary,
    /// What holds the system, the hardest first.
    pub open: Vec<Open>,
}

/// What is to be done, and on whose word.
#[derive(Debug, Clone)]
pub struct Order {
    /// Why.
    pub reason: String,
    /// How hard; the lever's own where nothing is said.
    pub level: Option<u8>,
    /// What names this very act in the lever's records: the same for each attempt.
    pub mark: String,
    /// When the run began.
    pub at: Timestamp,
    /// How the system is to stand then.
    pub wanted: Summary,
    /// The parts that it is about, where the lever has parts; all of them where none is named.
    pub only: Vec<String>,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// What the lever calls it, where it does.
    pub id: Option<String>,
    /// What was lifted by it.
    pub lifted: Vec<String>,
}

/// A lever.
#[async_trait]
pub trait Lever: Send + Sync {
    /// How it stands.
    async fn status(&self, probe: &dyn Probe) -> Result<State, Error>;

    /// Stops the system.
    async fn pause(&self, host: &dyn Host, order: &Order) -> Result<Done, Error>;

    /// Lets it go on.
    async fn resume(&self, host: &dyn Host, order: &Order) -> Result<Done, Error>;

    /// Whether letting go on does something even where nothing is seen to hold.
    fn always_resumes(&self) -> bool {
        false
    }

    /// Whether parts can be moved by themselves.
    fn takes_parts(&self) -> bool {
        false
    }

    /// What an order would come to, asked without giving it, where the lever can be asked.
    ///
    /// # Errors
    /// What the lever would say.
    async fn rehearse(&self, _probe: &dyn Probe, _order: &Order) -> Result<(), Error> {
        Ok(())
    }

    /// What an order came to, by its mark; none where there is no trace of it.
    ///
    /// # Errors
    /// `cannot_tell` for a lever that keeps no record of orders.
    async fn find(&self, _probe: &dyn Probe, _order: &Order) -> Result<Option<Done>, Error> {
        Err(Error::new("cannot_tell", "this lever keeps no record of what it was told"))
    }
}

/// The lever that a target is.
///
/// # Errors
/// When its settings are wrong.
pub fn open(target: &Target) -> Result<Box<dyn Lever>, Error> {
    let name = target.name.clone();
    Ok(match target.driver.as_str() {
        "postgres" => Box::new(postgres::Postgres { settings: target.settings()? }),
        "evm" => Box::new(evm::Evm { settings: target.settings()? }),
        "command" => Box::new(command::Command { name, settings: target.settings()? }),
        _ => Box::new(file::File { settings: target.settings()? }),
    })
}

/// Checks the settings of a lever and finds out what it really is.
pub(super) fn bind(
    name: &str,
    driver: &str,
    settings: &mut Map<String, Value>,
    probe: &dyn Probe,
) -> Result<Identity, super::Error> {
    let wrong = |why: String| super::Error::Settings { target: name.to_owned(), driver: driver.to_owned(), why };
    match driver {
        "postgres" => {
            let found: postgres::Settings = read_settings(name, driver, settings)?;
            Ok((format!("{}#{}", found.connection.identity(), found.workspace_id), None))
        }
        "evm" => {
            let found: evm::Settings = read_settings(name, driver, settings)?;
            Ok((found.identity().map_err(wrong)?, None))
        }
        "command" => {
            let found: command::Settings = read_settings(name, driver, settings)?;
            Ok((found.identity().map_err(wrong)?, None))
        }
        _ => {
            let found: file::Settings = read_settings(name, driver, settings)?;
            let path: PathBuf = found.path;
            file_identity(name, settings, &path, probe)
        }
    }
}
