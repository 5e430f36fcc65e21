//! The latch: what verification found wrong, and that nothing runs until somebody has closed it by name.
//!
//! A file beside the ledger, for the ledger is what is in doubt. Closing it copies it into the ledger, with the reason;
//! that asks for a ledger that a writer can start on, so damage after the last checkpoint has to be repaired first, from
//! a backup. What is older can only be lived with, and the record says who decided so.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::Error;
use super::report::Problem;
use super::{Ledger, files};
use crate::event::{Draft, Kind};
use crate::id::Digest;
use crate::sign::ledger_key::LedgerKey;
use crate::time::Timestamp;

/// How much of the latch's digest is its name, in hex digits.
const NAME: usize = 12;

/// The longest latch that is read, in bytes.
pub(super) const MAX_FILE: usize = 16 << 20;

/// What was found, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// When it was found.
    pub opened_at: Timestamp,
    /// What was wrong.
    pub problems: Vec<Problem>,
}

/// A latch that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latch {
    /// By which it is closed: the beginning of the SHA-256 of the file, so that one who closes it has seen this one.
    pub name: String,
    /// What it says; none where the file was damaged or made by hand, which keeps it set all the same.
    pub incident: Option<Incident>,
    bytes: Vec<u8>,
}

/// Who closes an incident, and why.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// The incident's name.
    pub name: &'a str,
    /// Why it is in order to go on.
    pub reason: &'a str,
    /// Who decided so.
    pub actor: &'a str,
}

/// Where the latch of a ledger is, set or not.
#[must_use]
pub fn path_of(ledger: &Path) -> PathBuf {
    files::beside(ledger, ".incident")
}

/// Whether the latch is set. What cannot be looked at counts as set.
#[must_use]
pub fn is_open(ledger: &Path) -> bool {
    !matches!(path_of(ledger).try_exists(), Ok(false))
}

/// The latch, if it is set.
///
/// # Errors
/// When it cannot be read.
pub fn read(ledger: &Path) -> Result<Option<Latch>, Error> {
    let path = path_of(ledger);
    let bytes = files::read(&path, MAX_FILE).map_err(|source| Error::File { path, source })?;
    Ok(bytes.map(|bytes| Latch {
        name: Digest::of(&bytes).hex()[..NAME].to_owned(),
        incident: serde_json::from_slice(&bytes).ok(),
        bytes,
    }))
}

/// Closes the incident of that name: copies it into the ledger with the reason, signs that, and takes the latch away.
/// Gives the sequence number of the `incident.closed` entry.
///
/// # Errors
/// When no incident is open, or another one is; when a writer could not start on the ledger as it is, see
/// [`Ledger::open`]. The latch then stays.
pub fn close(path: &Path, key: LedgerKey, now: Timestamp, closing: Closing<'_>) -> Result<u64, Error> {
    let Some(latch) = read(path)? else { return Err(Error::NoIncident { path: path.to_owned() }) };
    if latch.name != closing.name {
        return Err(Error::OtherIncident { asked: closing.name.to_owned(), open: latch.name });
    }
    let mut ledger = Ledger::open_latched(path, key, now)?;
    let mut opened = Map::from_iter([("name".to_owned(), latch.name.as_str().into())]);
    match &latch.incident {
        Some(incident) => {
            opened.insert("opened_at".to_owned(), incident.opened_at.to_string().into());
            opened.insert("problems".to_owned(), json!(incident.problems));
        }
        None => {
            opened.insert("unreadable".to_owned(), String::from_utf8_lossy(&latch.bytes).into());
        }
    }
    let closed = [
        ("name", Value::from(latch.name.as_str())),
        ("reason", closing.reason.into()),
        ("latch", Digest::of(&latch.bytes).to_string().into()),
    ];
    let closed = closed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut drafts = Vec::new();
    for (kind, data) in [(Kind::IncidentOpened, opened), (Kind::IncidentClosed, closed)] {
        let data = ledger.content().fit(&data)?;
        drafts.push(Draft { actor: Some(closing.actor.to_owned()), ..Draft::new(kind, data) });
    }
    let appended = ledger.append(now, &drafts)?;
    ledger.close(now)?;
    let place = path_of(path);
    std::fs::remove_file(&place)
        .and_then(|()| files::sync_folder(files::folder_of(&place)))
        .map_err(|source| Error::not_writable_io(&place, &source))?;
    Ok(appended.last().map_or(0, |entry| entry.seq))
}

/// Sets the latch for what a verification found; one that is set already stays as it is.
///
/// # Errors
/// When it cannot be written.
pub fn set(ledger: &Path, problems: &[Problem], now: Timestamp) -> Result<(), Error> {
    open(ledger, &Incident { opened_at: now, problems: problems.to_vec() })
}

/// Sets the latch; one that is set already stays as it is.
pub(super) fn open(ledger: &Path, incident: &Incident) -> Result<(), Error> {
    if is_open(ledger) {
        return Ok(());
    }
    let path = path_of(ledger);
    let text = serde_json::to_vec_pretty(incident).expect("an incident is plain data");
    files::write(&path, &text).map_err(|source| Error::not_writable_io(&path, &source))
}
