//! Databases: one statement, one transaction, one connection. A look reads a private copy or in a read-only transaction.

use super::Machine;
use crate::host::Error;
use crate::host::database::{Database, Rows, Statement};

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

impl Machine {
    pub(super) async fn look_up(&self, statement: Statement) -> Result<Rows, Error> {
        match &statement.database {
            Database::Sqlite(path) => {
                let copy = self.copy_to_scratch(&sqlite::trio(path))?;
                // The copy lasts until the answer is there.
                let Some(first) = copy.files.first() else {
                    let source = std::io::ErrorKind::NotFound.into();
                    return Err(Error::File { verb: "read", path: path.clone(), source });
                };
                let answer = sqlite::ask(first.copy.clone(), statement).await;
                drop(copy);
                answer
            }
            Database::Postgres(_) => self.postgres(statement, true).await,
        }
    }

    pub(super) async fn change_rows(&self, statement: Statement) -> Result<Rows, Error> {
        match &statement.database {
            Database::Sqlite(path) => {
                let place = self.place(path)?;
                if self.is_protected(&place)? {
                    let message = format!("`{}` is the workspace's own and is not written by actions", path.display());
                    return Err(Error::Refused(message));
                }
                sqlite::change(place.whole(), statement).await
            }
            Database::Postgres(_) => self.postgres(statement, false).await,
        }
    }

    #[cfg(feature = "postgres")]
    async fn postgres(&self, statement: Statement, read_only: bool) -> Result<Rows, Error> {
        let Database::Postgres(server) = &statement.database else { return Ok(Rows::new()) };
        if let Some(allow) = &self.settings.allow_hosts {
            let with_port = format!("{}:{}", server.host, server.port);
            let is_this =
                |entry: &String| entry.eq_ignore_ascii_case(&server.host) || entry.eq_ignore_ascii_case(&with_port);
            if !server.host.starts_with('/') && !allow.iter().any(is_this) {
                let message = format!("host `{}` is not among `allow_hosts` of the workspace file", server.host);
                return Err(Error::Refused(message));
            }
        }
        let ca = match &server.ca_file {
            Some(path) => Some(crate::host::Probe::read(self, path, 1024 * 1024)?),
            None => None,
        };
        postgres::ask(&statement, server, ca.as_deref(), read_only).await
    }

    #[cfg(not(feature = "postgres"))]
    async fn postgres(&self, _: Statement, _: bool) -> Result<Rows, Error> {
        Err(Error::Refused("this program was built without PostgreSQL".to_owned()))
    }
}
