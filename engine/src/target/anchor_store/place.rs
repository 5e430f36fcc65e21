//! Where a store may be: not in what its anchors protect, and no nearer to it than its settings admit.

use std::path::{Path, PathBuf};

use super::super::{LedgerFile, Target, Trust, driver};
use crate::host::{self, EntryKind, Probe, Stat};

/// The ledger that anchors are of: where it is, and what else goes with it when it falls.
#[derive(Debug, Clone)]
pub struct Guarded {
    /// Its file.
    pub ledger: PathBuf,
    /// The project around it.
    pub project: Option<PathBuf>,
}

impl Guarded {
    /// That of a ledger target.
    ///
    /// # Errors
    /// When its settings are wrong.
    pub fn of(ledger: &Target) -> Result<Self, super::super::Error> {
        let file: LedgerFile = ledger.settings()?;
        Ok(Self { ledger: file.path, project: file.project })
    }
}

/// Why a folder cannot be the store of a ledger's anchors.
#[derive(Debug, thiserror::Error)]
pub enum Misplaced {
    /// It lies in what the anchors are to protect.
    #[error(
        "anchor store `{}` lies inside `{}`: whoever can rewrite the ledger there rewrites the anchors with it",
        store.display(), within.display()
    )]
    InsideProject {
        /// The store.
        store: PathBuf,
        /// The project, or the ledger's folder.
        within: PathBuf,
    },
    /// It is no further from the ledger than a folder can be, and nobody wrote that this is meant.
    #[error(
        "anchor store `{}` is on the device and of the owner of the ledger, so whoever can write one can write both; \
         write `trust: low` at the target if that is meant",
        .0.display()
    )]
    SameDomain(PathBuf),
    /// It is no folder.
    #[error("anchor store `{}` is no folder", .0.display())]
    NotAFolder(PathBuf),
    /// It could not be looked at.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// A target says something wrong.
    #[error(transparent)]
    Settings(#[from] super::super::Error),
}

impl From<Misplaced> for driver::Error {
    fn from(error: Misplaced) -> Self {
        let code = match error {
            Misplaced::InsideProject { .. } => "inside_project",
            Misplaced::SameDomain(_) => "same_domain",
            Misplaced::NotAFolder(_) => "not_a_folder",
            Misplaced::Host(error) => return error.into(),
            Misplaced::Settings(error) => return error.into(),
        };
        Self::new(code, error.to_string())
    }
}

/// Refuses a store that a thief of the ledger has already, and says what it is worth.
///
/// A folder that is not there yet will be its maker's, so on the ledger's device it counts as the ledger's owner's.
///
/// # Errors
/// Where it lies wrong, and why.
pub(super) fn judge_place(
    probe: &dyn Probe,
    store: &Path,
    stated: Option<Trust>,
    guarded: &Guarded,
) -> Result<Trust, Misplaced> {
    let real = probe.resolve(&guarded.ledger)?;
    let around = [guarded.ledger.parent(), real.parent(), guarded.project.as_deref()];
    for within in around.into_iter().flatten() {
        if probe.inside(store, within)? {
            return Err(Misplaced::InsideProject { store: store.to_owned(), within: within.to_owned() });
        }
    }
    let folder = probe.resolve(store)?;
    let (here, exists) = match probe.stat(&folder)? {
        Some(stat) if stat.kind == EntryKind::Folder => (Some(stat), true),
        Some(_) => return Err(Misplaced::NotAFolder(store.to_owned())),
        None => (nearest(probe, &folder)?, false),
    };
    let (Some(here), Some(theirs)) = (here, probe.stat(&real)?) else {
        // Without a ledger there is nothing to be near to; whoever stores an anchor has read the ledger before.
        return Ok(stated.unwrap_or(Trust::Low).min(Trust::Medium));
    };
    let same_device = here.device_inode.0 == theirs.device_inode.0;
    let same_owner = !exists || here.owner == theirs.owner;
    match stated {
        Some(Trust::Low) => Ok(Trust::Low),
        _ if same_device && same_owner => Err(Misplaced::SameDomain(store.to_owned())),
        Some(stated) => Ok(stated.min(Trust::Medium)),
        None if same_owner => Ok(Trust::Low),
        None => Ok(Trust::Medium),
    }
}

/// The deepest folder above a path that is there.
fn nearest(probe: &dyn Probe, path: &Path) -> Result<Option<Stat>, host::Error> {
    for folder in path.ancestors().skip(1) {
        if let Some(stat) = probe.stat(folder)? {
            return Ok(Some(stat));
        }
    }
    Ok(None)
}
