//! MV-CRS: its challenge log, its lifecycle, its trust lock and its audit markers, read and written as its own code does.
//!
//! The log's digest is a ledger's affair (driver `digest_log`), and safe mode is a pause (driver `file`). What a finding
//! asks for stands in the procedures.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Error;
use super::data::format;
use crate::host::Probe;
use crate::target::json_lines::shown::time_of;
use crate::time::Timestamp;

pub mod classify;
pub mod events;
pub mod lifecycle;
pub mod marker;
pub mod summary;
pub mod trust_lock;

/// The largest state file that is read, in bytes.
const AT_MOST: u64 = 4 * 1024 * 1024;

/// The levels of the runbook, the lower before the higher.
pub const LEVELS: [&str; 3] = ["soft", "material", "critical"];

/// A JSON object in a file, or none where there is no file.
fn object(probe: &dyn Probe, path: &Path) -> Result<Option<Map<String, Value>>, Error> {
    if probe.stat(path)?.is_none() {
        return Ok(None);
    }
    let bytes = probe.read(path, AT_MOST)?;
    let wrong = |what: String| Error::new("malformed", format!("`{}`: {what}", path.display()));
    let text = String::from_utf8(bytes).map_err(|_| wrong("no UTF-8".to_owned()))?;
    match format::json(&text).map_err(|error| wrong(error.to_string()))? {
        Value::Object(members) => Ok(Some(members)),
        _ => Err(wrong("no JSON object".to_owned())),
    }
}

/// A member that is a text.
fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    members.get(name).and_then(Value::as_str)
}

/// A member that is a time in any of the four spellings that these files have.
fn time(members: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    time_of(members.get(name)?)
}

/// A file of the state folder.
fn state(directory: &Path, name: &str) -> PathBuf {
    directory.join(name)
}

/// What the verifier said last (`challenge_verifier_state.json`), as far as it was there.
struct Verifier {
    status: Option<String>,
    severities: [u64; 3],
    at: Option<Timestamp>,
}

impl Verifier {
    fn read(probe: &dyn Probe, directory: &Path) -> Result<Self, Error> {
        let path = state(directory, "challenge_verifier_state.json");
        let Some(members) = object(probe, &path)? else {
            return Ok(Self { status: None, severities: [0; 3], at: None });
        };
        let wrong = |what: &str| Error::new("malformed", format!("`{}`: {what}", path.display()));
        let status = text(&members, "status").ok_or_else(|| wrong("`status` is no text"))?;
        if !["ok", "warning", "failed"].contains(&status) {
            return Err(wrong("`status` is none of `ok`, `warning`, `failed`"));
        }
        let mut severities = [0; 3];
        let deviations = match members.get("deviations") {
            None => &[],
            Some(Value::Array(deviations)) => deviations.as_slice(),
            Some(_) => return Err(wrong("`deviations` is no list")),
        };
        for deviation in deviations {
            let severity = deviation.get("severity").and_then(Value::as_str);
            let index = ["low", "medium", "high"].iter().position(|word| Some(*word) == severity);
            severities[index.ok_or_else(|| wrong("a deviation has no severity that is known"))?] += 1;
        }
        Ok(Self { status: Some(status.to_owned()), severities, at: time(&members, "timestamp") })
    }
}

#[cfg(test)]
mod tests;
