//! The epoch in a SQLite file: a table of one row with `epoch`, `known_epoch` and `contract_version`.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bumped, Epoch, Error, State, bumped, state};
use crate::host::database::{Database, Statement};
use crate::host::{Host, Probe};

/// Settings of an epoch in a SQLite file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The file; a relative path starts at the workspace.
    pub path: PathBuf,
    /// The table.
    #[serde(default = "usual_table")]
    pub table: String,
}

fn usual_table() -> String {
    "epoch".to_owned()
}

/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// An epoch in a SQLite file.
pub(super) struct Sqlite {
    pub settings: Settings,
}

/// Refuses a table whose name would be more than a name.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    let is_name = settings.table.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let begins = settings.table.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if is_name && begins {
        Ok(())
    } else {
        Err(format!("`table`: {:?} is no name of letters, digits and `_`", settings.table))
    }
}

impl Sqlite {
    fn statement(&self, sql: String) -> Statement {
        let database = Database::Sqlite(self.settings.path.clone());
        Statement { database, local: Vec::new(), sql, values: Vec::new(), timeout: PATIENCE }
    }

    fn table(&self) -> Result<&str, Error> {
        check(&self.settings).map_err(|message| Error::new("no_epoch", message))?;
        Ok(&self.settings.table)
    }

    fn is_there(&self, probe: &dyn Probe) -> Result<(), Error> {
        match probe.stat(&self.settings.path)? {
            Some(_) => Ok(()),
            None => {
                let message = format!("there is no `{}`", self.settings.path.display());
                Err(Error::new("not_found", message))
            }
        }
    }
}

#[async_trait]
impl Epoch for Sqlite {
    async fn read(&self, probe: &dyn Probe) -> Result<State, Error> {
        self.is_there(probe)?;
        let sql = format!(
            "SELECT json_object('epoch', epoch, 'known_epoch', known_epoch, 'contract_version', contract_version, \
             'actor', NULL) FROM {}",
            self.table()?
        );
        state(&probe.query(self.statement(sql)).await?, &format!("table `{}`", self.settings.table))
    }

    async fn bump(&self, host: &dyn Host) -> Result<Bumped, Error> {
        self.is_there(host)?;
        let table = self.table()?;
        // More than one row is no epoch, and then none of them is moved.
        let sql = format!(
            "UPDATE {table} SET epoch = epoch + 1 WHERE (SELECT count(*) FROM {table}) = 1 RETURNING \
             json_object('epoch', epoch, 'known_epoch', known_epoch, 'contract_version', contract_version, 'actor', NULL)"
        );
        let after = state(&host.change(self.statement(sql)).await?, &format!("table `{table}`"))?;
        bumped(after.epoch - 1, after.epoch, after.known_epoch)
    }
}
