//! A log of JSON Lines with one running digest over all of it in a file beside it, its seal: MV-CRS's
//! `challenge_events.jsonl` and `challenges_chain_meta.json`. Read and judged from a private copy, in one pass.
//!
//! The digest links no line to another, so a fault within the sealed lines has no place: it is told which lines are too
//! many or too few, and else only that something differs. Not found: another spelling or order of keys, lines split or
//! joined so that the same bytes are digested. A log whose seal was made anew, as whoever can write the log can do, is found
//! by a head that was recorded elsewhere ([`super::recorded_head`]).

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::id::{Digest, is_sha256_hex};
use crate::ledger::report::{Report, Status};
use crate::time::Timestamp;

use super::findings::Findings;
use super::json_lines::fault::Fault;
use super::json_lines::shown::{Shown, time_of};
use super::json_lines::{CarriageReturns, Content, Lines, examine, tell};
use super::python_json::{self, Value, canonical};
use super::recorded_head::{Heads, RecordedHead};

/// The name of this driver in reports.
pub const DRIVER: &str = "digest_log";

/// The seal's file, in the log's folder, where nothing else is said.
pub const SEAL: &str = "challenges_chain_meta.json";

/// The longest seal that is read, in bytes.
const MAX_SEAL: u64 = 64 * 1024;

/// What a log came to when it was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// How many lines it had that are not blank.
    pub count: u64,
    /// SHA-256 over all of them, 64 hex digits; nothing before the first seal.
    pub digest: Option<String>,
}

impl Seal {
    /// Reads a seal: `chain_hash`, and `count` or, as in the project's own test files, `event_count`.
    ///
    /// # Errors
    /// In words, when the text is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed = python_json::parse_as_python(text).map_err(|error| error.to_string())?;
        if let Some(key) = parsed.duplicate_keys.first() {
            return Err(format!("`{key}` stands in it more than once"));
        }
        let Value::Object(members) = parsed.value else { return Err("it is no object".to_owned()) };
        let counts: Vec<&Value> = ["count", "event_count"].iter().filter_map(|name| members.get(*name)).collect();
        let count = match counts[..] {
            [Value::Integer(digits)] => digits.parse().map_err(|_| format!("its count is {digits}"))?,
            [] => return Err("it has no `count`".to_owned()),
            [_] => return Err("its count is no whole number".to_owned()),
            _ => return Err("it has both `count` and `event_count`".to_owned()),
        };
        match members.get("chain_hash") {
            Some(Value::Text(text)) if text.is_empty() => Ok(Self { count, digest: None }),
            Some(Value::Text(text)) if is_sha256_hex(text) => Ok(Self { count, digest: Some(text.clone()) }),
            Some(Value::Text(text)) => Err(format!("its `chain_hash` is {text:?}, expected 64 hex digits")),
            Some(_) => Err("its `chain_hash` is no text".to_owned()),
            None => Err("it has no `chain_hash`".to_owned()),
        }
    }
}

/// A private copy of such a log and its seal.
#[derive(Debug, Clone)]
pub struct DigestLog {
    name: String,
    copy: PathBuf,
    seal: Option<PathBuf>,
    seal_name: String,
}

/// What the lines came to.
struct Walked {
    digest: String,
    /// The digest as it was after as many lines as were sealed, if there are more.
    sealed: Option<String>,
    /// Whether a line could not be digested.
    dark: bool,
}

impl DigestLog {
    /// Private copies of log and seal, the latter none where there is none; the names are what messages call them.
    #[must_use]
    pub fn new(copy: &Path, name: &str, seal: Option<&Path>, seal_name: &str) -> Self {
        let (name, seal_name) = (name.to_owned(), seal_name.to_owned());
        Self { name, copy: copy.to_owned(), seal: seal.map(ToOwned::to_owned), seal_name }
    }

    /// Reads every line and compares them with the seal. The seal lies beside the log, so the best it comes to is
    /// `self_consistent_only`; an empty log before its first seal is `never_sealed`. The caller fills `subject`.
    #[must_use]
    pub fn verify(&self) -> Report {
        let mut findings = Findings::default();
        let mut never_sealed = false;
        match self.judge(&mut findings) {
            Ok(virgin) => never_sealed = virgin,
            Err(error) => {
                tell(&mut findings, Fault::Unreadable, None, None, format!("`{}` cannot be read: {error}", self.name));
            }
        }
        let report = findings.report(DRIVER, None);
        if never_sealed { Report { status: Status::NeverSealed, ..report } } else { report }
    }

    /// What it comes to now, to be kept elsewhere.
    ///
    /// # Errors
    /// The report of a log that is not sound, or has no line: nothing is recorded of it.
    pub fn head(&self, at: Timestamp) -> Result<RecordedHead, Box<Report>> {
        let report = self.verify();
        let heads = self.heads(&[report.entries]).ok();
        let head = heads.and_then(|mut heads| heads.after.remove(&report.entries).flatten());
        match head {
            Some(head) if report.status.is_sound() => {
                Ok(RecordedHead { driver: DRIVER.to_owned(), recipe: None, entries: report.entries, head, at })
            }
            _ => Err(Box::new(report)),
        }
    }

    /// The digest over so many lines, for each of the sizes.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn heads(&self, sizes: &[u64]) -> io::Result<Heads> {
        let mut heads = Heads::default();
        let mut lines = Lines::open(&self.copy)?;
        let mut digest = Some(Sha256::new());
        while let Some(line) = lines.read_next()? {
            let (content, _) = examine(&line);
            match (&mut digest, content) {
                (_, Content::Blank) => continue,
                (Some(digest), Content::Value(parsed)) => digest.update(canonical(&parsed.value)),
                (Some(digest), Content::Text(text)) => {
                    digest.update(canonical(&Value::object([("raw", Value::Text(text))])));
                }
                (_, _) => digest = None,
            }
            heads.entries += 1;
            if sizes.contains(&heads.entries) {
                heads.after.insert(heads.entries, digest.as_ref().map(hex_of));
            }
        }
        Ok(heads)
    }

    /// Shows every line that is not blank, unjudged, in their order.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn each(&self, each: &mut dyn FnMut(Shown)) -> io::Result<()> {
        let mut lines = Lines::open(&self.copy)?;
        while let Some(line) = lines.read_next()? {
            if let Some(shown) = Shown::of(&line) {
                each(shown);
            }
        }
        Ok(())
    }

    /// When a line says that it happened: its `ts`, else its `timestamp`.
    #[must_use]
    pub fn time(entry: &Json) -> Option<Timestamp> {
        time_of(entry.get("ts").or_else(|| entry.get("timestamp"))?)
    }

    /// Whether the log is as it was before its first line and its first seal, with nothing wrong.
    fn judge(&self, findings: &mut Findings) -> io::Result<bool> {
        let seal = self.read_seal(findings)?;
        let walked = self.walk(findings, seal.as_ref())?;
        let Some(seal) = seal else { return Ok(false) };
        if findings.entries == 0 && seal.count == 0 && seal.digest.is_none() {
            return self.is_empty();
        }
        if !walked.dark {
            self.compare(findings, &seal, &walked);
        }
        if findings.entries == 0 {
            tell(findings, Fault::NoEntries, None, None, format!("`{}` has no entries", self.name));
        }
        Ok(false)
    }

    fn is_empty(&self) -> io::Result<bool> {
        Ok(std::fs::metadata(&self.copy)?.len() == 0)
    }

    fn read_seal(&self, findings: &mut Findings) -> io::Result<Option<Seal>> {
        let name = &self.seal_name;
        let Some(path) = &self.seal else {
            tell(
                findings,
                Fault::SealMissing,
                None,
                None,
                format!("there is no seal `{name}`: nothing to compare with"),
            );
            return Ok(None);
        };
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_SEAL + 1).read_to_end(&mut bytes)?;
        let read = match String::from_utf8(bytes) {
            Ok(text) if text.len() as u64 > MAX_SEAL => Err(format!("it has more than {MAX_SEAL} bytes")),
            Ok(text) => Seal::parse(&text),
            Err(_) => Err("it is not UTF-8".to_owned()),
        };
        match read {
            Ok(seal) => Ok(Some(seal)),
            Err(why) => {
                tell(findings, Fault::BadSeal, None, None, format!("`{name}` is no seal: {why}"));
                Ok(None)
            }
        }
    }

    fn walk(&self, findings: &mut Findings, seal: Option<&Seal>) -> io::Result<Walked> {
        let mut lines = Lines::open(&self.copy)?;
        let mut returns = CarriageReturns::default();
        let mut digest = Sha256::new();
        let mut sealed = None;
        let mut dark = false;
        while let Some(line) = lines.read_next()? {
            returns.see(&line);
            let (content, faults) = examine(&line);
            for (fault, detail) in faults {
                tell(findings, fault, Some(line.number), None, detail);
            }
            if content == Content::Blank {
                continue;
            }
            if seal.is_some_and(|seal| seal.count == findings.entries) {
                sealed = Some(hex_of(&digest));
            }
            findings.entries += 1;
            match content {
                Content::Value(parsed) => digest.update(canonical(&parsed.value)),
                Content::Text(text) => digest.update(canonical(&Value::object([("raw", Value::Text(text))]))),
                Content::Blank | Content::Dark => dark = true,
            }
        }
        returns.tell(findings);
        Ok(Walked { digest: hex_of(&digest), sealed, dark })
    }

    fn compare(&self, findings: &mut Findings, seal: &Seal, walked: &Walked) {
        let (found, count, name) = (findings.entries, seal.count, &self.seal_name);
        let said = seal.digest.as_deref().unwrap_or_default();
        if found < count {
            let detail = format!("`{name}` says {count} lines, {found} are there: {} are missing", count - found);
            tell(findings, Fault::MissingLines, None, None, detail);
        } else if let Some(sealed) = &walked.sealed {
            let more = found - count;
            let detail = if sealed == said || (count == 0 && said.is_empty()) {
                format!("the last {more} of {found} lines were never sealed; the {count} before them are as they were")
            } else {
                format!("`{name}` says {count} lines, {found} are there: {more} too many, and not at the end alone")
            };
            tell(findings, Fault::UnsealedLines, None, None, detail);
        } else if walked.digest != said {
            let detail = format!(
                "the {found} lines give digest {:?}, `{name}` says {said:?}: lines were changed or moved; which ones, \
                 the format does not tell",
                walked.digest
            );
            tell(findings, Fault::DigestMismatch, None, None, detail);
        }
    }
}

fn hex_of(digest: &Sha256) -> String {
    Digest::from_bytes(&digest.clone().finalize().into()).hex().to_owned()
}

#[cfg(test)]
mod tests;
