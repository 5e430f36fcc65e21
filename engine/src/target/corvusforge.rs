//! The run ledger of Corvusforge: a foreign SQLite table of hash-chained entries, read and judged.
//!
//! Everything here reads a private copy; who copies, and the digest of what was copied, is the caller's affair.
//! Only `append` writes to a ledger; nothing repairs or migrates one. The facts are those of Corvusforge 0.3 to 0.4
//! (`run_ledger`, three dialects).

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use crate::ledger::report::{Problem, Report, Status};

pub mod anchor;
mod anchored;
pub mod append;
mod chain;
pub mod entry;
pub mod fault;
pub mod listing;
pub mod places;
pub mod plugins;
pub mod production;
pub mod stage;
pub mod timestamp;
pub mod verify;
pub mod waiver;

/// The name of this driver in reports.
pub const DRIVER: &str = "corvusforge";

/// Which columns a ledger has, and so which fields its hashes cover. The file itself names no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// 17 columns, no trust context: Corvusforge 0.3.0.
    L1,
    /// 18 columns, `trust_context_json` without a version.
    L2,
    /// 19 columns: everything since.
    L3,
}

impl Dialect {
    /// As it is written in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
        }
    }

    /// The columns of this dialect in the order of [`COLUMNS`], `id` aside.
    fn columns(self) -> impl Iterator<Item = &'static str> {
        COLUMNS.into_iter().filter(move |column| self.has(column))
    }

    fn has(self, column: &str) -> bool {
        match column {
            "trust_context_json" => self != Self::L1,
            "trust_context_version" => self == Self::L3,
            _ => true,
        }
    }

    fn of(columns: &[String]) -> Option<Self> {
        [Self::L1, Self::L2, Self::L3].into_iter().find(|dialect| {
            columns.len() == dialect.columns().count() + 1
                && columns.iter().all(|column| column == "id" || dialect.columns().any(|known| known == column))
        })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The columns of an entry in the newest dialect, `id` aside, in the order of the table.
const COLUMNS: [&str; 18] = [
    "entry_id",
    "run_id",
    "stage_id",
    "state_transition",
    "timestamp_utc",
    "input_hash",
    "output_hash",
    "artifact_refs_json",
    "pipeline_version",
    "schema_version",
    "toolchain_version",
    "ruleset_versions_json",
    "waiver_refs_json",
    "trust_context_json",
    "trust_context_version",
    "payload_hash",
    "previous_entry_hash",
    "entry_hash",
];

/// Why a ledger could not be read, or an anchor not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("`{name}` cannot be read: {source}")]
    Io {
        /// The ledger, as the caller calls it.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file has no bytes. Corvusforge would make a valid ledger of it.
    #[error("`{name}` is an empty file (0 bytes), which is no ledger")]
    EmptyFile {
        /// The ledger, as the caller calls it.
        name: String,
    },
    /// The file does not begin as SQLite files do.
    #[error("`{name}` is not an SQLite database")]
    NotSqlite {
        /// The ledger, as the caller calls it.
        name: String,
    },
    /// There is no ordinary table `run_ledger`.
    #[error("`{name}` has no table `run_ledger`: it is no Corvusforge ledger")]
    NoTable {
        /// The ledger, as the caller calls it.
        name: String,
    },
    /// The table is of none of the dialects we know.
    #[error("`{name}`: table `run_ledger` is of no known dialect, its columns are {}", columns.join(", "))]
    UnknownDialect {
        /// The ledger, as the caller calls it.
        name: String,
        /// The columns it has, in its order.
        columns: Vec<String>,
    },
    /// SQLite could not read on.
    #[error("`{name}` is damaged or cannot be read by SQLite: {source}")]
    Unreadable {
        /// The ledger, as the caller calls it.
        name: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// An anchor was asked of a run that has no entries.
    #[error("`{name}` has no entries of run `{run}`: there is nothing to anchor")]
    EmptyRun {
        /// The ledger, as the caller calls it.
        name: String,
        /// The run.
        run: String,
    },
    /// An anchor was asked of a run that does not verify, or from whose end entries may be missing.
    #[error("run `{run}` of `{name}` does not verify ({} found, first: {}): it is not anchored",
        problems.len(), problems.first().map_or("none", |problem| problem.detail.as_str()))]
    Unsound {
        /// The ledger, as the caller calls it.
        name: String,
        /// The run.
        run: String,
        /// What is wrong, at most 100 of it.
        problems: Vec<Problem>,
    },
    /// A text is not an anchor.
    #[error("not a Corvusforge anchor: {detail}")]
    NotAnAnchor {
        /// What was found.
        detail: String,
    },
}

impl Error {
    /// The report of a ledger that could not be opened: `empty` for an empty file, else `unreadable`.
    #[must_use]
    pub fn report(&self) -> Report {
        let (status, code) = match self {
            Self::EmptyFile { .. } => (Status::Empty, "empty_file"),
            Self::NotSqlite { .. } => (Status::Unreadable, "not_sqlite"),
            Self::NoTable { .. } => (Status::Unreadable, "no_table"),
            Self::UnknownDialect { .. } => (Status::Unreadable, "unknown_dialect"),
            _ => (Status::Unreadable, "unreadable"),
        };
        Report {
            status,
            driver: DRIVER.to_owned(),
            dialect: None,
            entries: 0,
            runs: Vec::new(),
            anchors: Vec::new(),
            problems: vec![Problem { code: code.to_owned(), seq: None, run: None, detail: self.to_string() }],
            subject: None,
        }
    }
}

/// A private copy of a ledger, open for reading.
#[derive(Debug)]
pub struct CorvusLedger {
    name: String,
    connection: Connection,
    dialect: Dialect,
}

/// The longest row, statement or schema text that is read, in bytes: memory stays bounded whatever the file says.
const MAX_LENGTH: i32 = 16 * 1024 * 1024;

impl CorvusLedger {
    /// Opens a private copy; its `-wal`, if there is one beside it, is read as part of it. `name` is what messages
    /// call the ledger: the path of the original.
    ///
    /// Never give an original: opening may write a `-shm` beside the file and recover its `-wal`.
    ///
    /// # Errors
    /// When it is missing, empty, not SQLite, without the table, or of no known dialect.
    pub fn open(copy: &Path, name: &str) -> Result<Self, Error> {
        let name = name.to_owned();
        match starts_like_sqlite(copy) {
            Ok(Some(true)) => {}
            Ok(Some(false)) => return Err(Error::NotSqlite { name }),
            Ok(None) => return Err(Error::EmptyFile { name }),
            Err(source) => return Err(Error::Io { name, source }),
        }
        let connection = match connect(copy) {
            Ok(connection) => connection,
            Err(source) if source.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
                return Err(Error::NotSqlite { name });
            }
            Err(source) => return Err(Error::Unreadable { name, source }),
        };
        match columns(&connection) {
            Err(source) => Err(Error::Unreadable { name, source }),
            Ok(columns) if columns.is_empty() => Err(Error::NoTable { name }),
            Ok(columns) => match Dialect::of(&columns) {
                Some(dialect) => Ok(Self { name, connection, dialect }),
                None => Err(Error::UnknownDialect { name, columns }),
            },
        }
    }

    /// Which dialect it is in.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn unreadable(&self, source: rusqlite::Error) -> Error {
        Error::Unreadable { name: self.name.clone(), source }
    }

    /// Every row in order of its id, column by column; what the dialect lacks reads as upstream's default or nothing.
    ///
    /// The table alone is read: an index that was made to disagree with it cannot hide a row.
    fn select(&self) -> String {
        let columns = COLUMNS.map(|column| match column {
            _ if self.dialect.has(column) => column,
            "trust_context_json" => "'{}'",
            _ => "''",
        });
        format!("SELECT id, {} FROM main.run_ledger NOT INDEXED ORDER BY id", columns.join(", "))
    }
}

/// Whether the file begins with SQLite's magic; nothing when it is empty.
fn starts_like_sqlite(path: &Path) -> io::Result<Option<bool>> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut start = Vec::with_capacity(MAGIC.len());
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok((!start.is_empty()).then(|| start == MAGIC))
}

fn connect(copy: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(copy, flags)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cell_size_check = ON;")?;
    Ok(connection)
}

/// The columns of the table `run_ledger`; none where it is missing, or is no table with rows of its own.
fn columns(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let tables: i64 = connection.query_row(
        "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name = 'run_ledger' AND rootpage > 0",
        [],
        |row| row.get(0),
    )?;
    if tables != 1 {
        return Ok(Vec::new());
    }
    // A computed column is listed with its kind, so that it fits no dialect.
    let mut statement = connection.prepare(
        "SELECT iif(hidden = 0, name, name || ' (computed)') FROM pragma_table_xinfo('run_ledger', 'main') ORDER BY cid",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
pub(crate) mod tests;
