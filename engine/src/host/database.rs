//! Statements to databases: what a driver asks, where, and what came back. The statements are drivers' own, not authors'.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroize as _;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Server),
}

/// A PostgreSQL server, and who asks it.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name or address, or the folder of its socket.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The role that logs in.
    pub user: String,
    /// Its password.
    pub password: Option<String>,
    /// A PEM file of the authorities that its certificate may be of; without one there is no TLS, and then a server that
    /// is not on this machine is refused.
    pub ca_file: Option<PathBuf>,
}

/// One statement in a transaction of its own; each row it gives has one column, a text.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Where.
    pub database: Database,
    /// Settings of PostgreSQL that hold within the transaction.
    pub local: Vec<(String, String)>,
    /// The statement.
    pub sql: String,
    /// Its values, for `$1`, `$2`, … (`?1`, `?2`, … in SQLite), each a text.
    pub values: Vec<Option<String>>,
    /// How long connecting, asking and answering may take together.
    pub timeout: Duration,
}

/// The first column of each row.
pub type Rows = Vec<Option<String>>;

impl Database {
    /// What messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(server) => format!("{}:{}/{}", server.host, server.port, server.database),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@{}:{}/{}", self.user, self.host, self.port, self.database)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}
