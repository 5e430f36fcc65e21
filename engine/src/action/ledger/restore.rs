//! `ledger.restore`: a backup in the place of a ledger, without a trace of what was there: what is in its write-ahead log
//! would be replayed over the backup.
//!
//! It overwrites nothing that is not kept: whatever lies there now must be in one of the places that are named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::target;
use crate::action::corvusforge::hash;
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::{EntryKind, Existing, Probe};
use crate::id::Id;
use crate::target::ledger_copy::{files_of, trio_of};

/// Restores a ledger.
pub struct Restore;

/// What `ledger.restore` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The ledger, of driver `corvusforge`.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    target: Id,
    /// The backup, with the `-wal` beside it if there is one; or a folder that `ledger.snapshot` made.
    #[schemars(extend("x-runwarden-path" = true))]
    from: PathBuf,
    /// Where what lies there now is kept: folders of `ledger.snapshot`, or files.
    kept: Vec<PathBuf>,
}

/// What `ledger.restore` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// SHA-256 of the database that is in place, 64 hex digits.
    sha256: String,
    /// What is in place: the database, and its `-wal` where the backup has one.
    files: Vec<String>,
    /// What was there and is not any more.
    removed: Vec<String>,
}

/// A ledger's database and log, as they are or shall be; SQLite makes the `-shm` by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    database: PathBuf,
    sha256: Option<String>,
    wal: PathBuf,
    wal_sha256: Option<String>,
}

impl Pair {
    async fn at(probe: &dyn Probe, database: &Path) -> Result<Self, Error> {
        let files = trio_of(database);
        let wal = files.get(1).cloned().unwrap_or_default();
        let (sha256, wal_sha256) = (digest(probe, database).await?, digest(probe, &wal).await?);
        Ok(Self { database: database.to_owned(), sha256, wal, wal_sha256 })
    }

    fn is_alike(&self, other: &Self) -> bool {
        self.sha256 == other.sha256 && self.wal_sha256 == other.wal_sha256
    }
}

async fn digest(probe: &dyn Probe, path: &Path) -> Result<Option<String>, Error> {
    match probe.stat(path)? {
        None => Ok(None),
        Some(stat) if stat.kind == EntryKind::File => Ok(Some(hash(probe, path).await?)),
        Some(_) => Err(Error::new("refused", format!("`{}` is no regular file", path.display()))),
    }
}

/// The database in a folder of `ledger.snapshot`, or the file itself.
fn database_in(probe: &dyn Probe, path: &Path, name: &std::ffi::OsStr) -> Result<PathBuf, Error> {
    match probe.stat(path)? {
        None => Err(Error::new("not_found", format!("there is no `{}`", path.display()))),
        Some(stat) if stat.kind == EntryKind::Folder => {
            // The manifest is written last: without one the snapshot is not whole.
            match probe.stat(&path.join("manifest.json"))? {
                Some(_) => Ok(path.join(name)),
                None => Err(Error::new("not_whole", format!("`{}` is no whole snapshot", path.display()))),
            }
        }
        Some(_) => Ok(path.to_owned()),
    }
}

/// What is there, what shall be, and the files that go.
struct Work {
    live: Pair,
    shm: PathBuf,
    backup: Pair,
}

impl Params {
    async fn look(&self, facts: &Facts, probe: &dyn Probe) -> Result<Work, Error> {
        let bound = target(facts, &self.target)?;
        if bound.driver != crate::target::corvusforge::DRIVER {
            let message = format!("a ledger of driver `{}` is not restored by this", bound.driver);
            return Err(Error::new("unsupported_driver", message));
        }
        let files = files_of(probe, bound)?;
        let [database, _, shm] = &files[..] else {
            return Err(Error::new("bad_target", "the ledger is no SQLite file"));
        };
        let name = database.file_name().unwrap_or_default();
        let source = database_in(probe, &self.from, name)?;
        let backup = Pair::at(probe, &probe.resolve(&source)?).await?;
        if backup.sha256.is_none() {
            return Err(Error::new("not_found", format!("there is no database at `{}`", source.display())));
        }
        if backup.database == *database {
            return Err(Error::new("bad_input", "the backup is the ledger itself"));
        }
        let live = Pair::at(probe, database).await?;
        let mut kept = BTreeSet::from([backup.sha256.clone(), backup.wal_sha256.clone(), None]);
        for place in &self.kept {
            let found = Pair::at(probe, &probe.resolve(&database_in(probe, place, name)?)?).await?;
            kept.extend([found.sha256, found.wal_sha256]);
        }
        for (path, sha256) in [(&live.database, &live.sha256), (&live.wal, &live.wal_sha256)] {
            if !kept.contains(sha256) {
                let message = format!("`{}` is kept nowhere: take a snapshot of it first", path.display());
                return Err(Error::new("not_kept", message));
            }
        }
        Ok(Work { live, shm: shm.clone(), backup })
    }
}

impl Work {
    fn output(&self, removed: Vec<String>) -> Output {
        let mut files = vec![self.live.database.display().to_string()];
        files.extend(self.backup.wal_sha256.as_ref().map(|_| self.live.wal.display().to_string()));
        Output { sha256: self.backup.sha256.clone().unwrap_or_default(), files, removed }
    }
}

#[async_trait]
impl Effect for Restore {
    const NAME: &'static str = "ledger.restore";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        looking.facts.written(&params.target)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let work = params.look(looking.facts, looking.probe).await?;
        let shown = |pair: &Pair| json!({ "database": pair.sha256, "wal": pair.wal_sha256 });
        Ok(Preview {
            fidelity: Fidelity::Exact,
            before: Some(shown(&work.live)),
            after: Some(shown(&work.backup)),
            no_change: work.live.is_alike(&work.backup),
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let host = doing.host;
        let work = params.look(doing.facts, host).await?;
        let held = host.holders(&[work.live.database.clone(), work.live.wal.clone(), work.shm.clone()])?;
        if let Some(holder) = held.holders.first() {
            let message = format!("process {} (`{}`) has `{}` open", holder.pid, holder.name, holder.path.display());
            return Err(Error::new("held", message));
        }
        let mode = host.stat(&work.live.database)?.map_or(0o644, |stat| stat.mode & 0o777);
        let mut removed = Vec::new();
        for path in [&work.live.wal, &work.shm] {
            if host.stat(path)?.is_some() {
                host.remove(path)?;
                removed.push(path.display().to_string());
            }
        }
        let place = |from: &Path, to: &Path, expected: &Option<String>| -> Result<(), Error> {
            let found = host.copy(from, to, mode, Existing::Replace)?;
            match expected.as_deref() == Some(found.hex()) {
                true => Ok(()),
                false => {
                    Err(Error::new("changed", format!("`{}` changed while it was copied", from.display())).uncertain())
                }
            }
        };
        place(&work.backup.database, &work.live.database, &work.backup.sha256)?;
        if work.backup.wal_sha256.is_some() {
            place(&work.backup.wal, &work.live.wal, &work.backup.wal_sha256)?;
        }
        Ok(work.output(removed))
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let work = params.look(looking.facts, looking.probe).await?;
        // Half of it is done again: all that it begins with is kept, or of the backup.
        Ok(match work.live.is_alike(&work.backup) && looking.probe.stat(&work.shm)?.is_none() {
            true => Reconciled::Happened(work.output(Vec::new())),
            false => Reconciled::NotHappened,
        })
    }
}
