//! A PostgreSQL server as targets name it: where, as whom, and where the password is. The statements are the drivers'.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::host::database::{Database, Rows, Server, Statement};
use crate::host::{self, Host, Probe};
use crate::time::Duration;

/// Where a server is, and who asks it. There are no secrets here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The server's name or address, or the folder of its socket.
    pub host: String,
    /// Its port.
    #[serde(default = "usual_port")]
    pub port: u16,
    /// The database.
    pub database: String,
    /// The role that logs in.
    pub user: String,
    /// The variable of the environment that has its password; where neither it nor `password_file` is there, none is
    /// given.
    #[serde(default = "usual_variable")]
    pub password_env: String,
    /// A file that has the password, for when the variable is not set.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// A PEM file of the authorities that its certificate may be of. Without it only a server on this machine is asked.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long one statement may take, connecting included. What was sent and not answered by then may have been done.
    #[serde(default = "ten_seconds")]
    pub timeout: Duration,
}

fn usual_port() -> u16 {
    5432
}

fn usual_variable() -> String {
    "PGPASSWORD".to_owned()
}

fn ten_seconds() -> Duration {
    Duration::from_seconds(10)
}

impl Connection {
    /// What this server really is: another name of the same host is another server, as far as can be told here.
    #[must_use]
    pub fn identity(&self) -> String {
        let host = self.host.to_ascii_lowercase();
        format!("postgres://{host}:{}/{}", self.port, self.database)
    }

    /// A statement for it.
    ///
    /// # Errors
    /// When the password cannot be read, or is no text.
    pub fn statement(
        &self,
        probe: &dyn Probe,
        local: &[(&str, &str)],
        sql: &str,
        values: Vec<Option<String>>,
    ) -> Result<Statement, host::Error> {
        let bytes = match (probe.variable(&self.password_env), &self.password_file) {
            (Some(bytes), _) => Some(bytes),
            (None, Some(path)) => Some(probe.read(path, 64 * 1024)?),
            (None, None) => None,
        };
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
            text.map_err(|_| host::Error::Refused(format!("the password for `{}` is no text", self.identity())))
        };
        let server = Server {
            host: self.host.clone(),
            port: self.port,
            database: self.database.clone(),
            user: self.user.clone(),
            password: bytes.map(text).transpose()?,
            ca_file: self.ca_file.clone(),
        };
        Ok(Statement {
            database: Database::Postgres(server),
            local: local.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            sql: sql.to_owned(),
            values,
            timeout: self.timeout.as_std(),
        })
    }

    /// Asks, in a read-only transaction.
    ///
    /// # Errors
    /// When the server is not reached, or says no.
    pub async fn query(
        &self,
        probe: &dyn Probe,
        local: &[(&str, &str)],
        sql: &str,
        values: Vec<Option<String>>,
    ) -> Result<Rows, host::Error> {
        probe.query(self.statement(probe, local, sql, values)?).await
    }

    /// Has something done.
    ///
    /// # Errors
    /// When the server is not reached, or says no.
    pub async fn change(
        &self,
        host: &dyn Host,
        local: &[(&str, &str)],
        sql: &str,
        values: Vec<Option<String>>,
    ) -> Result<Rows, host::Error> {
        host.change(self.statement(host, local, sql, values)?).await
    }
}
