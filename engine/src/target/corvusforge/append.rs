//! One entry at the end of a run, in Corvusforge's own format and the file's own dialect, so that its next verification
//! takes it.
//!
//! Tip and insert are one transaction: Corvusforge itself reads and writes in two, and two of its writers fork the chain.
//! This is the one place that opens a ledger that is not a copy.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params_from_iter};

use super::entry::{Fields, entry_hash};
use super::timestamp::isoformat;
use super::{COLUMNS, Dialect, MAX_LENGTH, columns};
use crate::host::Host;
use crate::id::Digest;
use crate::time::Timestamp;

/// What every entry of Corvusforge says, whatever its release.
const PIPELINE: &str = "0.1.0";
const SCHEMA: &str = "2026-02";
const TOOLCHAIN: &str = "pydantic-v2.10+typer+rich+hatchling";
const RULESETS: &str = r#"{"accessibility": "wcag-2.1-aa", "security": "1.0.0"}"#;
const PATIENCE: Duration = Duration::from_secs(10);

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run's last entry is another than the one that was looked at.
    #[error("run `{run}` ends in {found:?}, expected {expected:?}: somebody wrote to it meanwhile")]
    Moved {
        /// The run.
        run: String,
        /// The hash it ends in.
        found: String,
        /// The hash that was expected.
        expected: String,
    },
    /// It is no ledger that can be written, or a value does not fit.
    #[error("{0}")]
    Unfit(String),
    /// SQLite did not do it; it is as it was.
    #[error("nothing was appended: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Nobody knows whether it was committed.
    #[error("the commit was not confirmed: {0}")]
    Uncertain(rusqlite::Error),
}

impl Error {
    /// Whether somebody else was writing for all the time that was waited.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy))
    }
}

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The run.
    pub run: String,
    /// The stage; any word.
    pub stage: String,
    /// `from->to`.
    pub transition: String,
    /// SHA-256 of the payload, 64 hex digits; empty without one.
    pub payload_hash: String,
    /// Addresses of artifacts.
    pub artifacts: Vec<String>,
    /// Its id, a UUID of version 4.
    pub entry_id: String,
    /// When.
    pub at: Timestamp,
}

/// What was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The row id.
    pub id: i64,
    /// The hash that seals it.
    pub entry_hash: String,
    /// The hash of the entry before it in its run; empty for the first.
    pub previous: String,
}

/// A UUID of version 4 made of a text: the same for each attempt at the same thing.
#[must_use]
pub fn entry_id(of: &str) -> String {
    let digest = Digest::of(of.as_bytes());
    let hex = digest.hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// Appends an entry to a run that ends in `tip`, or that has none where `tip` is empty.
///
/// # Errors
/// When the run ends otherwise, the file is no ledger, or SQLite does not do it.
pub fn append(_host: &dyn Host, path: &Path, draft: &Draft, tip: &str) -> Result<Appended, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    let dialect = Dialect::of(&columns(&connection)?)
        .ok_or_else(|| Error::Unfit(format!("`{}` has no table `run_ledger` of a known dialect", path.display())))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let newest = "SELECT entry_hash FROM main.run_ledger NOT INDEXED WHERE run_id = ? ORDER BY id DESC LIMIT 1";
    let found: Option<String> = transaction.query_row(newest, [&draft.run], |row| row.get(0)).optional()?;
    let previous = found.unwrap_or_default();
    if previous != tip {
        return Err(Error::Moved { run: draft.run.clone(), found: previous, expected: tip.to_owned() });
    }
    let (values, hash) = sealed(draft, &previous, dialect)?;
    let names: Vec<&str> = dialect.columns().collect();
    let marks = vec!["?"; names.len()].join(", ");
    let insert = format!("INSERT INTO main.run_ledger ({}) VALUES ({marks})", names.join(", "));
    transaction.execute(&insert, params_from_iter(values))?;
    let id = transaction.last_insert_rowid();
    transaction.commit().map_err(Error::Uncertain)?;
    Ok(Appended { id, entry_hash: hash, previous })
}

/// The values of the row in the order of the dialect's columns, and its hash.
fn sealed(draft: &Draft, previous: &str, dialect: Dialect) -> Result<(Vec<String>, String), Error> {
    let artifacts = serde_json::to_string(&draft.artifacts).unwrap_or_default().replace("\",\"", "\", \"");
    let at = isoformat(draft.at);
    let fields = Fields {
        entry_id: &draft.entry_id,
        run_id: &draft.run,
        stage_id: &draft.stage,
        state_transition: &draft.transition,
        timestamp_utc: &at,
        input_hash: "",
        output_hash: "",
        artifact_refs_json: &artifacts,
        pipeline_version: PIPELINE,
        schema_version: SCHEMA,
        toolchain_version: TOOLCHAIN,
        ruleset_versions_json: RULESETS,
        waiver_refs_json: "[]",
        payload_hash: &draft.payload_hash,
        previous_entry_hash: previous,
        trust_context_json: "{}",
        trust_context_version: "1",
    };
    let hash = entry_hash(&fields, dialect).map_err(|malformed| Error::Unfit(malformed.to_string()))?;
    let value = |column: &str| match column {
        "entry_id" => fields.entry_id,
        "run_id" => fields.run_id,
        "stage_id" => fields.stage_id,
        "state_transition" => fields.state_transition,
        "timestamp_utc" => fields.timestamp_utc,
        "artifact_refs_json" => fields.artifact_refs_json,
        "pipeline_version" => PIPELINE,
        "schema_version" => SCHEMA,
        "toolchain_version" => TOOLCHAIN,
        "ruleset_versions_json" => RULESETS,
        "waiver_refs_json" => "[]",
        "trust_context_json" => "{}",
        "trust_context_version" => "1",
        "payload_hash" => fields.payload_hash,
        "previous_entry_hash" => previous,
        "entry_hash" => &hash,
        _ => "",
    };
    let kept = COLUMNS.iter().filter(|column| dialect.has(column));
    Ok((kept.map(|column| value(column).to_owned()).collect(), hash))
}

#[cfg(test)]
mod tests;
