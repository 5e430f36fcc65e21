//! The SQLite file: its schema, how connections to it are opened, and its rows.
//!
//! Triggers, the authorizer and defensive mode stop accidents. They stop nobody who can write the file: that is found
//! by verification, and only as far as an anchor reaches.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::chain::{Chain, Problems, Row};
use super::error::{Cause, Error};
use crate::event::Kind;
use crate::merkle::Hash;

// Before 3.51.3 a WAL reset could lose a commit.
const _: () = assert!(rusqlite::ffi::SQLITE_VERSION_NUMBER >= 3_051_003);

/// `RWLG`, so that `file` and we know it for ours.
const APPLICATION_ID: i32 = 0x5257_4c47;

/// How the tables are laid out; each step of [`MIGRATIONS`] makes the next version.
const USER_VERSION: i32 = MIGRATIONS.len() as i32;

/// Added to, never edited: the layout of old ledgers is in here for ever.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE entries (
        seq  INTEGER PRIMARY KEY,
        body BLOB NOT NULL,
        hash BLOB NOT NULL,
        prev BLOB NOT NULL,
        run  TEXT,
        kind TEXT NOT NULL,
        ts   TEXT NOT NULL
    ) STRICT;
    CREATE INDEX entries_of_run ON entries (run, seq) WHERE run IS NOT NULL;
    CREATE INDEX entries_of_kind ON entries (kind, seq)
        WHERE kind IN ('run.begin', 'run.end', 'clock.stepped');
    CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries BEGIN
        SELECT RAISE(ABORT, 'entries of a ledger are never changed');
    END;
    CREATE TRIGGER entries_are_not_removed BEFORE DELETE ON entries BEGIN
        SELECT RAISE(ABORT, 'entries of a ledger are never removed');
    END;
    CREATE TRIGGER entries_are_appended BEFORE INSERT ON entries
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM entries)
        OR NEW.prev IS NOT coalesce((SELECT hash FROM entries ORDER BY seq DESC LIMIT 1), zeroblob(32))
    BEGIN
        SELECT RAISE(ABORT, 'entries of a ledger are added at its head only');
    END;
",
    "
    DROP INDEX IF EXISTS entries_of_kind;
    CREATE INDEX entries_of_kind ON entries (kind, seq)
        WHERE kind IN ('run.begin', 'run.end', 'clock.stepped', 'key.rotated', 'key.revoked');
",
];

/// The condition of the index `entries_of_kind`. A query is answered by that index if it says this word for word.
pub(super) const IS_LISTED_KIND: &str =
    "kind IN ('run.begin', 'run.end', 'clock.stepped', 'key.rotated', 'key.revoked')";

/// The entries of a kind that the index lists, in their order.
pub(super) fn of_listed(kind: Kind) -> String {
    format!("SELECT seq, body FROM entries WHERE {IS_LISTED_KIND} AND kind = '{}' ORDER BY seq", kind.as_str())
}

/// The longest value that is read from a ledger file, in bytes: an entry and its page of columns.
const MAX_VALUE: i32 = 1 << 20;

/// How many pages a walk over the rows keeps.
const WALKED_PAGES: i32 = 64;

const COLUMNS: &str = "seq, body, hash, prev, run, kind, ts";

pub(super) const APPEND: &str =
    "INSERT INTO entries (seq, body, hash, prev, run, kind, ts) VALUES (?, ?, ?, ?, ?, ?, ?)";

/// Names, and the statements they were made with.
type Schema = Vec<(String, String)>;

/// The newest row: its number and its hash column.
pub(super) type Head = (i64, Hash);

/// Makes a new file with the tables and lets `fill` write into it, all in one transaction.
pub(super) fn create(path: &Path, fill: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    settle(&conn)?;
    let transaction = conn.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate(&transaction, 0)?;
    fill(&transaction)?;
    transaction.commit()?;
    conn.close().map_err(|(_, error)| error)
}

/// Opens the file for the one writer. The caller holds its lock.
pub(super) fn open_writer(path: &Path) -> Result<Connection, Error> {
    check_name(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = open(path, flags, path)?;
    let failed = |error| Error::reading(path, &error);
    if conn.is_readonly("main").map_err(failed)? {
        let detail = "the file can only be read".to_owned();
        return Err(Error::NotWritable { path: path.to_owned(), cause: Cause::ReadOnly, detail });
    }
    // It is in the file's header since it was made; asking again costs nothing and repairs nothing.
    let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        let why = format!("its journal mode is `{mode}`, expected `wal`");
        return Err(Error::NotALedger { path: path.to_owned(), why });
    }
    conn.authorizer(Some(|context: AuthContext<'_>| allow(&context.action))).map_err(failed)?;
    Ok(conn)
}

/// Opens a private copy for reading; errors name the original.
pub(super) fn open_reader(copy: &Path, original: &Path) -> Result<Connection, Error> {
    // Read-write, so that the log beside the copy is taken in; nothing is written but by that.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = open(copy, flags, original)?;
    conn.pragma_update(None, "query_only", true).map_err(|error| Error::reading(original, &error))?;
    Ok(conn)
}

/// The same for one walk over the rows: pages that come once need no place to stay, and few are in the processor's cache.
pub(super) fn open_walker(copy: &Path, original: &Path) -> Result<Connection, Error> {
    let conn = open_reader(copy, original)?;
    conn.pragma_update(None, "cache_size", WALKED_PAGES).map_err(|error| Error::reading(original, &error))?;
    Ok(conn)
}

/// Copies the ledger of this process' own writer, through SQLite, which knows of the locks it must keep.
pub(super) fn back_up(path: &Path, copy: &Path) -> Result<(), Error> {
    let failed = |error| Error::reading(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Connection::open_with_flags(path, flags).map_err(failed)?;
    from.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    from.backup("main", copy, None::<fn(rusqlite::backup::Progress)>).map_err(failed)
}

/// Writes what a connection sees into a new file, through SQLite; gives how many rows there are.
pub(super) fn write_copy(conn: &Connection, to: &Path) -> rusqlite::Result<u64> {
    conn.backup("main", to, None::<fn(rusqlite::backup::Progress)>)?;
    let count: i64 = conn.query_row("SELECT count(*) FROM entries", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Refuses what is not there, and another name for a ledger: its lock and its write-ahead log have the file's own name.
pub(super) fn check_name(path: &Path) -> Result<(), Error> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => {
            let why = "it is a symbolic link; name the file itself".to_owned();
            Err(Error::NotALedger { path: path.to_owned(), why })
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::Absent { path: path.to_owned() }),
        Err(source) => Err(Error::File { path: path.to_owned(), source }),
    }
}

fn open(file: &Path, flags: OpenFlags, path: &Path) -> Result<Connection, Error> {
    let failed = |error| Error::reading(path, &error);
    let conn = Connection::open_with_flags(file, flags).map_err(failed)?;
    settle(&conn).map_err(failed)?;
    conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE).map_err(failed)?;
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed);
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    if application != APPLICATION_ID {
        let why = format!("its application id is {application:#x}, expected {APPLICATION_ID:#x}");
        return Err(Error::NotALedger { path: path.to_owned(), why });
    }
    if version > USER_VERSION {
        return Err(Error::Newer { path: path.to_owned(), found: version, known: USER_VERSION });
    }
    if version < 1 {
        return Err(Error::NotALedger { path: path.to_owned(), why: format!("its version is {version}") });
    }
    if version < USER_VERSION {
        let transaction = conn.unchecked_transaction().map_err(failed)?;
        migrate(&transaction, version).and_then(|()| transaction.commit()).map_err(failed)?;
    }
    Ok(conn)
}

/// Brings the tables from a version to the newest; the caller commits.
fn migrate(conn: &Connection, from: i32) -> rusqlite::Result<()> {
    for step in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or_default()) {
        conn.execute_batch(step)?;
    }
    conn.pragma_update(None, "user_version", USER_VERSION)
}

/// What every connection of ours has.
fn settle(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.pragma_update(None, "recursive_triggers", true)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "synchronous", "FULL")
}

/// What the writer's connection may do: add entries, and read.
fn allow(action: &AuthAction<'_>) -> Authorization {
    let allowed = match action {
        AuthAction::Select | AuthAction::Transaction { .. } => true,
        AuthAction::Insert { table_name } => *table_name == "entries",
        AuthAction::Read { table_name, .. } => {
            matches!(*table_name, "entries" | "sqlite_master" | "sqlite_schema" | "")
        }
        AuthAction::Pragma { pragma_name, .. } => *pragma_name == "data_version",
        AuthAction::Function { function_name } => matches!(*function_name, "coalesce" | "max" | "zeroblob" | "instr"),
        _ => false,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

/// The newest row, if there is one. Its hash is believed only after it was followed.
pub(super) fn head(conn: &Connection) -> rusqlite::Result<Option<Head>> {
    let mut statement = conn.prepare_cached("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1")?;
    statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// The first row whose time is at or after this one, as the column has it.
pub(super) fn first_since(conn: &Connection, ts: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = conn.prepare_cached("SELECT seq FROM entries WHERE ts >= ? ORDER BY seq LIMIT 1")?;
    statement.query_row([ts], |row| row.get(0)).optional()
}

/// Changes when another connection has written.
pub(super) fn data_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

/// Whether tables, indexes and triggers are those that the version was made with; what differs is a problem.
pub(super) fn check_schema(conn: &Connection, problems: &mut Problems) -> rusqlite::Result<bool> {
    let (expected, found) = (made()?, listed(conn)?);
    for (name, sql) in &found {
        if !expected.iter().any(|known| known.0 == *name) {
            problems.add("schema_changed", None, None, format!("`{name}` is not of a ledger: {sql}"));
        }
    }
    for (name, sql) in expected {
        match found.iter().find(|(found, _)| found == name) {
            None => problems.add("schema_changed", None, None, format!("`{name}` is missing")),
            Some((_, other)) if other != sql => {
                problems.add("schema_changed", None, None, format!("`{name}` is not what it was made as: {other}"));
            }
            Some(_) => {}
        }
    }
    Ok(expected.iter().find(|(name, _)| name == "entries") == found.iter().find(|(name, _)| name == "entries"))
}

/// What [`listed`] gives of a file as it is made; made once in the life of the process.
fn made() -> rusqlite::Result<&'static Schema> {
    static MADE: OnceLock<Schema> = OnceLock::new();
    if let Some(known) = MADE.get() {
        return Ok(known);
    }
    let conn = Connection::open_in_memory()?;
    migrate(&conn, 0)?;
    let listed = listed(&conn)?;
    Ok(MADE.get_or_init(|| listed))
}

/// Tables, indexes and triggers, by name.
fn listed(conn: &Connection) -> rusqlite::Result<Schema> {
    let mut statement = conn.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Shows every row from a number on to `see`, in order.
pub(super) fn each_row(conn: &Connection, from: i64, mut see: impl FnMut(&Row<'_>)) -> rusqlite::Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM entries WHERE seq >= ? ORDER BY seq");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([from])?;
    while let Some(row) = rows.next()? {
        see(&stored(row)?);
    }
    Ok(())
}

/// Shows the rows at these places to `see`, in order, until it has enough. Rows are counted from the first; those before
/// are walked over one by one, and no number is looked up.
pub(super) fn each_row_at(
    conn: &Connection,
    places: &Range<u64>,
    mut see: impl FnMut(&Row<'_>) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM entries ORDER BY seq LIMIT ? OFFSET ?");
    let mut statement = conn.prepare_cached(&sql)?;
    let [count, skipped] =
        [places.end - places.start, places.start].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let mut rows = statement.query([count, skipped])?;
    while let Some(row) = rows.next()? {
        if see(&stored(row)?).is_break() {
            break;
        }
    }
    Ok(())
}

fn stored<'a>(row: &'a rusqlite::Row<'_>) -> rusqlite::Result<Row<'a>> {
    Ok(Row {
        seq: row.get(0)?,
        body: bytes(row.get_ref(1)?),
        hash: bytes(row.get_ref(2)?),
        prev: bytes(row.get_ref(3)?),
        run: match row.get_ref(4)? {
            ValueRef::Null => None,
            other => Some(bytes(other)),
        },
        kind: bytes(row.get_ref(5)?),
        ts: bytes(row.get_ref(6)?),
    })
}

/// Shows the hash columns of the first `count` rows, in order; one that is no hash is shown as zeros.
pub(super) fn each_hash(conn: &Connection, count: u64, mut see: impl FnMut(Hash)) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached("SELECT hash FROM entries ORDER BY seq LIMIT ?")?;
    let mut rows = statement.query([i64::try_from(count).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        see(bytes(row.get_ref(0)?).try_into().unwrap_or_default());
    }
    Ok(())
}

/// The same of the rows of a range of numbers.
pub(super) fn each_hash_of(conn: &Connection, seqs: &Range<u64>, mut see: impl FnMut(Hash)) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached("SELECT hash FROM entries WHERE seq >= ? AND seq < ? ORDER BY seq")?;
    let [from, to] = [seqs.start, seqs.end].map(|seq| i64::try_from(seq).unwrap_or(i64::MAX));
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        see(bytes(row.get_ref(0)?).try_into().unwrap_or_default());
    }
    Ok(())
}

/// Follows the chain through every row from its next on.
pub(super) fn follow(conn: &Connection, chain: &mut Chain, problems: &mut Problems) -> rusqlite::Result<()> {
    each_row(conn, chain.next, |row| {
        chain.follow(row, problems);
    })
}

/// Text or blob as bytes; anything else was put there by a tool that ignores the table's types, and is nothing.
fn bytes(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => &[],
    }
}
