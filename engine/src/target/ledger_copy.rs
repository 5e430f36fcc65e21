//! A ledger that is a file, taken whole: the database with its write-ahead log, or the log with its seal, copied,
//! digested, and only the copy read.
//!
//! The original is never opened by SQLite: that alone would leave a `-shm` beside it, and may fold a crashed writer's
//! log into the database, which changes the evidence. What the copy says is [`super::open_ledger`]'s affair.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::digest_log::{self, DigestLog};
use super::findings::empty_file;
use super::hash_chain::{self, HashChain, Recipe};
use super::open_ledger::OpenLedger;
use super::{DigestLogFile, HashChainFile, LedgerFile, Target, corvusforge};
use crate::host::{self, Copied, Probe, Scratch};
use crate::id::Digest;
use crate::ledger::report::Report;
use crate::merkle::note::VerifierKey;

/// What may stand beside a SQLite file and belongs to it; the first is the file itself.
const TRIO: [&str; 3] = ["", "-wal", "-shm"];

/// Why there is no copy of a ledger.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file. A mistyped path must not become an empty ledger.
    #[error("there is no ledger at `{}`", .0.display())]
    Missing(PathBuf),
    /// It could not be copied.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// The target says something wrong.
    #[error(transparent)]
    Settings(#[from] super::Error),
}

/// What its driver must know of a ledger to read it, besides its bytes.
#[derive(Debug)]
enum Format {
    Runwarden(Vec<VerifierKey>),
    Corvusforge,
    HashChain(Recipe),
    /// And where its seal really is.
    DigestLog(PathBuf),
}

/// A private copy of a ledger, gone when this is dropped.
#[derive(Debug)]
pub struct LedgerCopy {
    name: String,
    path: PathBuf,
    format: Format,
    files: Vec<Copied>,
    subject: Digest,
    // Last, so that the folder outlives what is open in it.
    scratch: Scratch,
}

impl LedgerCopy {
    /// Copies the ledger of a target, or another file in its place (a backup, say); links are followed, for the log lies
    /// beside the file that they lead to.
    ///
    /// # Errors
    /// When there is none, it may not be read, or it does not hold still.
    pub fn take(probe: &dyn Probe, target: &Target, other: Option<&Path>) -> Result<Self, Error> {
        let (configured, format) = of_settings(target)?;
        let named = other.unwrap_or(&configured);
        let path = probe.resolve(named)?;
        let format = match format {
            Format::DigestLog(seal) => Format::DigestLog(probe.resolve(&seal_of(&seal, other))?),
            format => format,
        };
        let scratch = probe.scratch(&match &format {
            Format::Runwarden(_) | Format::Corvusforge => trio_of(&path),
            Format::HashChain(_) => vec![path.clone()],
            Format::DigestLog(seal) => vec![path.clone(), seal.clone()],
        })?;
        if !scratch.files.iter().any(|file| file.original == path) {
            return Err(Error::Missing(named.to_owned()));
        }
        let files = scratch.files.clone();
        let (name, subject) = (named.display().to_string(), subject_of(&files));
        Ok(Self { name, path, format, files, subject, scratch })
    }

    /// The digest of the database and its write-ahead log, as they were copied: unchanged bytes, unchanged answer.
    #[must_use]
    pub fn subject(&self) -> &Digest {
        &self.subject
    }

    /// Where the original really is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that were copied: the database, and of `-wal` and `-shm` what there was; or the log, and its seal.
    #[must_use]
    pub fn files(&self) -> &[Copied] {
        &self.files
    }

    /// Opens the copy, which may change it: what is to be kept of its files is copied from it before.
    ///
    /// # Errors
    /// The report of a file that is no ledger of its driver: `empty` or `unreadable`, and why.
    pub fn open(&self) -> Result<OpenLedger, Box<Report>> {
        let file = self.files.iter().find(|file| file.original == self.path);
        let copy = file.map_or(&self.path, |file| &file.copy);
        if let Format::DigestLog(seal) = &self.format {
            // Empty before its first seal, it is what it should be.
            let copied = self.files.iter().find(|file| file.original == *seal).map(|file| file.copy.as_path());
            let log = DigestLog::new(copy, &self.name, copied, &seal.display().to_string());
            return Ok(OpenLedger::DigestLog(log));
        }
        if file.is_none_or(|file| file.size == 0) {
            return Err(Box::new(self.of_these_bytes(empty_file(self.driver(), &self.name))));
        }
        let opened = match &self.format {
            Format::Corvusforge => OpenLedger::corvusforge(copy, &self.name),
            Format::Runwarden(keys) => OpenLedger::runwarden(&self.path, &self.scratch.folder, keys),
            Format::HashChain(recipe) => Ok(OpenLedger::HashChain(HashChain::new(copy, &self.name, *recipe))),
            Format::DigestLog(_) => Err(Box::new(empty_file(self.driver(), &self.name))),
        };
        opened.map_err(|report| Box::new(self.of_these_bytes(*report)))
    }

    /// The driver that reads it.
    #[must_use]
    pub fn driver(&self) -> &'static str {
        match self.format {
            Format::Runwarden(_) => "runwarden",
            Format::Corvusforge => corvusforge::DRIVER,
            Format::HashChain(_) => hash_chain::DRIVER,
            Format::DigestLog(_) => digest_log::DRIVER,
        }
    }

    /// Why it has no runs, where its entries are of none.
    ///
    /// # Errors
    /// In words.
    pub fn has_runs(&self) -> Result<(), String> {
        match self.format {
            Format::HashChain(recipe) if !recipe.has_runs() => {
                Err(format!("entries of recipe `{}` of driver `hash_chain` are of no run", recipe.as_str()))
            }
            Format::DigestLog(_) => Err("entries of driver `digest_log` are of no run".to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether its entries are of stages or steps.
    #[must_use]
    pub fn has_stages(&self) -> bool {
        matches!(self.format, Format::Runwarden(_) | Format::Corvusforge)
    }

    fn of_these_bytes(&self, report: Report) -> Report {
        Report { subject: Some(self.subject.clone()), ..report }
    }
}

/// What a process that writes the ledger of a target has open: the file itself first.
///
/// # Errors
/// When a setting is wrong, or leads nowhere.
pub fn files_of(probe: &dyn Probe, target: &Target) -> Result<Vec<PathBuf>, Error> {
    let (path, format) = of_settings(target)?;
    let path = probe.resolve(&path)?;
    Ok(match format {
        Format::Runwarden(_) | Format::Corvusforge => trio_of(&path),
        Format::HashChain(_) => vec![path],
        Format::DigestLog(seal) => vec![path, probe.resolve(&seal)?],
    })
}

/// Where the ledger of a target is, as it is written, and what its driver must know.
fn of_settings(target: &Target) -> Result<(PathBuf, Format), super::Error> {
    match target.driver.as_str() {
        hash_chain::DRIVER => {
            let file: HashChainFile = target.settings()?;
            Ok((file.path, Format::HashChain(file.recipe)))
        }
        digest_log::DRIVER => {
            let file: DigestLogFile = target.settings()?;
            let seal = file.seal.unwrap_or_else(|| file.path.with_file_name(digest_log::SEAL));
            Ok((file.path, Format::DigestLog(seal)))
        }
        driver => {
            let file: LedgerFile = target.settings()?;
            if driver == corvusforge::DRIVER {
                return Ok((file.path, Format::Corvusforge));
            }
            let keys = file.vkeys.iter().filter_map(|key| VerifierKey::parse(key).ok()).collect();
            Ok((file.path, Format::Runwarden(keys)))
        }
    }
}

/// The seal of the log that is read: beside another file in the log's place lies another seal, of the same name.
fn seal_of(configured: &Path, other: Option<&Path>) -> PathBuf {
    match (other, configured.file_name()) {
        (Some(other), Some(name)) => other.with_file_name(name),
        _ => configured.to_owned(),
    }
}

/// The database at a path, and what belongs to it if it is there.
#[must_use]
pub fn trio_of(path: &Path) -> Vec<PathBuf> {
    let beside = |suffix: &&str| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    };
    TRIO.iter().map(beside).collect()
}

/// The project that a ledger belongs to where nothing is said.
#[must_use]
pub fn project_around(ledger: &Path) -> PathBuf {
    let folder = ledger.parent().unwrap_or(Path::new(""));
    match folder.file_name() {
        Some(name) if name == ".corvusforge" => folder.parent().unwrap_or(Path::new("")).to_owned(),
        _ => folder.to_owned(),
    }
}

/// Whether keys are written as keys, and the driver has a use for them.
pub(super) fn check_keys(keys: &[String], driver: &str) -> Result<(), String> {
    match keys.iter().find(|key| VerifierKey::parse(key).is_err()) {
        Some(key) => Err(format!("`{key}` in `vkeys` is no verifier key, like `NAME+HASH+BASE64`")),
        None if !keys.is_empty() && driver == corvusforge::DRIVER => {
            Err("`vkeys`: Corvusforge signs nothing, so there is no key to check".to_owned())
        }
        None => Ok(()),
    }
}

/// Over names and digests of database and log; the `-shm` is SQLite's own memory and says nothing.
fn subject_of(files: &[Copied]) -> Digest {
    let name = |file: &Copied| file.original.file_name().map(|name| name.to_string_lossy().into_owned());
    let parts: Vec<(String, &str)> = files
        .iter()
        .filter_map(|file| Some((name(file)?, file.digest.as_str())))
        .filter(|(name, _)| !name.ends_with("-shm"))
        .collect();
    Digest::of(serde_json::json!(parts).to_string().as_bytes())
}
