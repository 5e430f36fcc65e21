//! SQLite files, off the async threads.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params_from_iter};

use crate::host::Error;
use crate::host::database::{Rows, Statement};

/// The file, and what may stand beside it and belongs to it.
pub(super) fn trio(path: &Path) -> Vec<PathBuf> {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    ["", "-wal", "-shm"].map(beside).to_vec()
}

/// Reads a private copy.
pub(super) async fn ask(copy: PathBuf, statement: Statement) -> Result<Rows, Error> {
    aside(statement, move |statement| {
        let connection = open(&copy, statement)?;
        connection.pragma_update(None, "query_only", true)?;
        rows(&connection, statement)
    })
    .await
}

/// Does it, in a transaction that holds others off from its begin.
pub(super) async fn change(path: PathBuf, statement: Statement) -> Result<Rows, Error> {
    aside(statement, move |statement| {
        let mut connection = open(&path, statement)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = rows(&transaction, statement)?;
        transaction.commit()?;
        Ok(found)
    })
    .await
}

fn open(path: &Path, statement: &Statement) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(statement.timeout)?;
    Ok(connection)
}

fn rows(connection: &Connection, statement: &Statement) -> rusqlite::Result<Rows> {
    let mut prepared = connection.prepare(&statement.sql)?;
    let found = prepared.query_map(params_from_iter(&statement.values), |row| row.get(0))?;
    found.collect()
}

async fn aside(
    statement: Statement,
    work: impl FnOnce(&Statement) -> rusqlite::Result<Rows> + Send + 'static,
) -> Result<Rows, Error> {
    let database = statement.database.shown();
    let shown = database.clone();
    let done = tokio::task::spawn_blocking(move || work(&statement)).await;
    let failed =
        |code: Option<String>, message: String, uncertain| Error::Database { database, code, message, uncertain };
    match done {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(error)) => {
            let code = error.sqlite_error_code().map(|code| format!("{code:?}"));
            Err(failed(code, error.to_string(), false))
        }
        Err(_) => Err(failed(None, format!("`{shown}` could not be asked to the end"), true)),
    }
}
