//! The latch: what verification found wrong at start, and that nothing runs until somebody has closed it by name.
//!
//! A file beside the ledger, for the ledger is what is in doubt. Closing it is not here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::files;
use super::report::Problem;
use crate::time::Timestamp;

/// What was found, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// When it was found.
    pub opened_at: Timestamp,
    /// What was wrong.
    pub problems: Vec<Problem>,
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

/// Sets the latch; one that is set already stays as it is.
pub(super) fn open(ledger: &Path, incident: &Incident) -> Result<(), Error> {
    if is_open(ledger) {
        return Ok(());
    }
    let path = path_of(ledger);
    let text = serde_json::to_vec_pretty(incident).expect("an incident is plain data");
    files::write(&path, &text).map_err(|source| Error::not_writable_io(&path, &source))
}
