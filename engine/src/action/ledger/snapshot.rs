//! `ledger.snapshot`: the files of a ledger copied as evidence, before anything opens them, with a manifest.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{aside, copy};
use crate::action::file::digest_of;
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::{EntryKind, Existing, Host, Probe};
use crate::id::{Id, RunId};
use crate::target::ledger_copy::LedgerCopy;
use crate::time::Timestamp;

/// Copies a ledger as evidence.
pub struct Snapshot;

/// What `ledger.snapshot` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The ledger.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    target: Id,
    /// The folder that takes the copies, made if it is not there; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    to: PathBuf,
}

/// What `ledger.snapshot` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The copies: the database, and of `-wal` and `-shm` what there was; or the log and its seal.
    files: Vec<CopiedFile>,
    /// How many entries the copy has; none where it cannot be read as a ledger.
    entries: Option<u64>,
    /// Whether database and write-ahead log, or log and seal, were still the same once they had been copied.
    identical: bool,
    /// The folder.
    folder: String,
    /// The copy of the database or log, to be judged in place of the original.
    database: String,
    /// The manifest.
    manifest: String,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopiedFile {
    /// Its name in the folder, the same as the original's.
    name: String,
    /// SHA-256, 64 hex digits.
    sha256: String,
    /// Bytes.
    size: u64,
    /// Where it was copied from.
    original: String,
}

/// What `manifest.json` says; it is written last, so that a snapshot without one is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    v: u32,
    driver: String,
    run: RunId,
    taken_at: Timestamp,
    entries: Option<u64>,
    identical: bool,
    files: Vec<CopiedFile>,
}

const MANIFEST: &str = "manifest.json";
const MANIFEST_AT_MOST: u64 = 1024 * 1024;

/// What stands in the folder, as far as this snapshot is concerned.
enum There {
    /// Nothing, or some of the very files that would be copied.
    Room { missing: Vec<CopiedFile> },
    /// All of it, with its manifest.
    Whole(Manifest),
}

impl Params {
    fn copy(&self, facts: &Facts, probe: &dyn Probe) -> Result<(LedgerCopy, Vec<CopiedFile>), Error> {
        let copy = copy(facts, probe, &self.target, None)?;
        if let Some(folder) = copy.path().parent()
            && probe.inside(&self.to, folder)?
        {
            let message = format!("`{}` lies in the folder of the ledger it is evidence of", self.to.display());
            return Err(Error::new("inside_ledger", message));
        }
        let mut files = Vec::new();
        for file in copy.files() {
            let name = file.original.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| Error::new("refused", "the ledger's name is no UTF-8"))?.to_owned();
            let original = file.original.display().to_string();
            files.push(CopiedFile { name, sha256: file.digest.hex().to_owned(), size: file.size, original });
        }
        Ok((copy, files))
    }

    async fn look(&self, probe: &dyn Probe, files: &[CopiedFile]) -> Result<There, Error> {
        match probe.stat(&self.to)? {
            None => return Ok(There::Room { missing: files.to_vec() }),
            Some(found) if found.kind == EntryKind::Folder => {}
            Some(_) => return Err(Error::new("exists", format!("`{}` is no folder", self.to.display()))),
        }
        let mut missing = files.to_vec();
        let mut manifest = None;
        for name in probe.list(&self.to)? {
            if name == MANIFEST {
                manifest = Some(self.manifest(probe)?);
            } else if let Some(at) = missing.iter().position(|file| file.name == name) {
                let file = missing.remove(at);
                self.must_be(probe, &file).await?;
            } else {
                return Err(self.other(&format!("holds `{name}`, which is no part of this snapshot")));
            }
        }
        match manifest {
            None => Ok(There::Room { missing }),
            Some(manifest) if missing.is_empty() && manifest.files == files => Ok(There::Whole(manifest)),
            Some(_) => Err(self.other("holds another snapshot")),
        }
    }

    async fn must_be(&self, probe: &dyn Probe, file: &CopiedFile) -> Result<(), Error> {
        let (digest, _) = digest_of(probe, &self.to.join(&file.name)).await?;
        if digest.hex() == file.sha256 {
            return Ok(());
        }
        Err(self.other(&format!("holds another `{}`", file.name)))
    }

    fn manifest(&self, probe: &dyn Probe) -> Result<Manifest, Error> {
        let bytes = probe.read(&self.to.join(MANIFEST), MANIFEST_AT_MOST)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.other(&format!("holds a `{MANIFEST}` that is no manifest ({error})")))
    }

    fn other(&self, what: &str) -> Error {
        let message = format!("`{}` {what}; name a new folder, evidence is never replaced", self.to.display());
        Error::new("exists", message)
    }

    fn output(&self, manifest: Manifest) -> Output {
        let database = manifest.files.first().map(|file| self.to.join(&file.name)).unwrap_or_default();
        Output {
            files: manifest.files,
            entries: manifest.entries,
            identical: manifest.identical,
            folder: self.to.display().to_string(),
            database: database.display().to_string(),
            manifest: self.to.join(MANIFEST).display().to_string(),
        }
    }

    /// The snapshot that this very run took, if it is whole: the ledger may have changed since.
    async fn taken_by(&self, facts: &Facts, probe: &dyn Probe) -> Result<Option<Manifest>, Error> {
        if probe.stat(&self.to.join(MANIFEST))?.is_none() {
            return Ok(None);
        }
        let manifest = self.manifest(probe)?;
        for file in &manifest.files {
            self.must_be(probe, file).await?;
        }
        Ok((manifest.run == facts.run).then_some(manifest))
    }
}

fn place(host: &dyn Host, from: &Path, to: &Path, file: &CopiedFile) -> Result<(), Error> {
    let copied = host.copy(from, to, 0o400, Existing::Refuse)?;
    if copied.hex() == file.sha256 {
        return Ok(());
    }
    let message = format!("`{}` has SHA-256 {}, expected {}", to.display(), copied.hex(), file.sha256);
    Err(Error::new("digest_mismatch", message).uncertain())
}

fn shown(files: &[CopiedFile]) -> Value {
    json!({ "exists": true, "files": files })
}

#[async_trait]
impl Effect for Snapshot {
    const NAME: &'static str = "ledger.snapshot";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, _looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(vec![params.to.clone()])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let (_copy, files) = params.copy(looking.facts, looking.probe)?;
        let there = params.look(looking.probe, &files).await?;
        let (no_change, before) = match &there {
            There::Whole(manifest) => (true, shown(&manifest.files)),
            There::Room { missing } => (false, json!({ "exists": missing.len() < files.len() })),
        };
        let after = Some(shown(&files));
        Ok(Preview { fidelity: Fidelity::Exact, before: Some(before), after, no_change })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let (before, files) = params.copy(doing.facts, doing.host)?;
        let missing = match params.look(doing.host, &files).await? {
            There::Whole(manifest) => return Ok(params.output(manifest)),
            There::Room { missing } => missing,
        };
        doing.host.make_folder(&params.to, 0o700)?;
        for (copied, file) in before.files().iter().zip(&files) {
            if missing.contains(file) {
                place(doing.host, &copied.copy, &params.to.join(&file.name), file)?;
            }
        }
        let after = copy(doing.facts, doing.host, &params.target, None)?;
        let identical = before.subject() == after.subject();
        let driver = super::target(doing.facts, &params.target)?.driver.clone();
        // Only now: opening the copy changes it.
        let entries = aside(move || before.open().ok().map(|ledger| ledger.report(None).entries)).await?;
        let (run, taken_at) = (doing.facts.run.clone(), doing.host.now());
        let manifest = Manifest { v: 1, driver, run, taken_at, entries, identical, files };
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|error| Error::new("bad_output", format!("the manifest is no JSON: {error}")))?;
        doing.host.write(&params.to.join(MANIFEST), text.as_bytes(), 0o400, Existing::Refuse)?;
        Ok(params.output(manifest))
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        if let Ok(Some(manifest)) = params.taken_by(looking.facts, looking.probe).await {
            return Ok(Reconciled::Happened(params.output(manifest)));
        }
        let (_copy, files) = params.copy(looking.facts, looking.probe)?;
        Ok(match params.look(looking.probe, &files).await {
            Ok(There::Whole(manifest)) => Reconciled::Happened(params.output(manifest)),
            _ => Reconciled::NotHappened,
        })
    }
}
