//! A ledger that is a file, taken whole: the database with its write-ahead log, copied, digested, and only the copy read.
//!
//! The original is never opened by SQLite: that alone would leave a `-shm` beside it, and may fold a crashed writer's
//! log into the database, which changes the evidence. What the copy says is [`super::open_ledger`]'s affair.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::open_ledger::OpenLedger;
use super::{LedgerFile, Target};
use crate::host::{self, Copied, Probe, Scratch};
use crate::id::Digest;
use crate::ledger::report::{Problem, Report, Status};
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

/// A private copy of a ledger, gone when this is dropped.
#[derive(Debug)]
pub struct LedgerCopy {
    name: String,
    path: PathBuf,
    driver: String,
    keys: Vec<VerifierKey>,
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
        let settings: LedgerFile = target.settings()?;
        let named = other.unwrap_or(&settings.path);
        let path = probe.resolve(named)?;
        let scratch = probe.scratch(&trio_of(&path))?;
        if !scratch.files.iter().any(|file| file.original == path) {
            return Err(Error::Missing(named.to_owned()));
        }
        let files = scratch.files.clone();
        Ok(Self {
            name: named.display().to_string(),
            driver: target.driver.clone(),
            keys: settings.vkeys.iter().filter_map(|key| VerifierKey::parse(key).ok()).collect(),
            subject: subject_of(&files),
            path,
            files,
            scratch,
        })
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

    /// The files that were copied: the database, and of `-wal` and `-shm` what there was.
    #[must_use]
    pub fn files(&self) -> &[Copied] {
        &self.files
    }

    /// Opens the copy, which may change it: what is to be kept of its files is copied from it before.
    ///
    /// # Errors
    /// The report of a file that is no ledger of its driver: `empty` or `unreadable`, and why.
    pub fn open(&self) -> Result<OpenLedger, Box<Report>> {
        let database = self.files.iter().find(|file| file.original == self.path);
        if database.is_none_or(|file| file.size == 0) {
            let detail = format!("`{}` is an empty file (0 bytes), which is no ledger", self.name);
            return Err(Box::new(self.of_these_bytes(nothing_read(&self.driver, detail))));
        }
        let copy = database.map_or(&self.path, |file| &file.copy);
        let opened = match self.driver.as_str() {
            super::corvusforge::DRIVER => OpenLedger::corvusforge(copy, &self.name),
            _ => OpenLedger::runwarden(&self.path, &self.scratch.folder, &self.keys),
        };
        opened.map_err(|report| Box::new(self.of_these_bytes(*report)))
    }

    fn of_these_bytes(&self, report: Report) -> Report {
        Report { subject: Some(self.subject.clone()), ..report }
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
        None if !keys.is_empty() && driver == super::corvusforge::DRIVER => {
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

fn nothing_read(driver: &str, detail: String) -> Report {
    Report {
        status: Status::Empty,
        driver: driver.to_owned(),
        dialect: None,
        entries: 0,
        runs: Vec::new(),
        anchors: Vec::new(),
        problems: vec![Problem { code: "empty_file".to_owned(), seq: None, run: None, detail }],
        subject: None,
    }
}
