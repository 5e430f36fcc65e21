//! The anchor store `directory`: one file an anchor, written once, and where such a folder may not be.
//!
//! What an anchor proves is [`super::corvusforge::anchor`]'s affair. Stores in other places (git, S3, a log) are not here.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::corvusforge::anchor::{Anchor, MAX_ANCHOR};
use super::{Directory, LedgerFile, Target, Trust};
use crate::host::{self, EntryKind, Probe, Stat};
use crate::id::Digest;

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
    Settings(#[from] super::Error),
}

/// An anchor in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its file.
    pub path: PathBuf,
    /// The digest of the file.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// What it says.
    pub anchor: Anchor,
    /// The run that the file's name says, where that is another.
    pub named_for: Option<String>,
}

/// Something in a store that cannot be taken for what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Misfit {
    /// What it is.
    pub path: String,
    /// `not_an_anchor`, `not_a_file`, `unreadable`, `misnamed`, or `no_folder`.
    pub code: String,
    /// What was found.
    pub detail: String,
    /// The run that its name says, if it says one.
    pub run: Option<String>,
}

/// Everything in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The anchors: those that cover most first, of those the newest first.
    pub anchors: Vec<Stored>,
    /// Everything else, in order of its name.
    pub misfits: Vec<Misfit>,
}

/// The folder of a store.
///
/// # Errors
/// When its settings are wrong.
pub fn folder(store: &Target) -> Result<PathBuf, super::Error> {
    Ok(store.settings::<Directory>()?.path)
}

/// The file that an anchor is kept in: what it says stands in its name, so that another history takes no other's place.
#[must_use]
pub fn file_name(anchor: &Anchor) -> String {
    let root: String = anchor.root_hash.chars().take(16).collect();
    format!("{}.{}.{root}.json", anchor.run_id, anchor.entry_count)
}

/// Whether a run's id can stand in a file's name: letters, digits and `. _ -`, not a dot or dash first, at most 128.
#[must_use]
pub fn is_run_id(run: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    run.len() <= 128 && run.bytes().all(fits) && run.bytes().next().is_some_and(|first| !matches!(first, b'.' | b'-'))
}

/// Looks at everything in a store; a folder that is not there holds nothing, and that is said.
///
/// # Errors
/// When the folder cannot be listed.
pub fn inventory(probe: &dyn Probe, folder: &Path) -> Result<Inventory, host::Error> {
    let mut found = Inventory::default();
    if probe.stat(folder)?.is_none() {
        let detail = "there is no such folder, and so no anchor in it".to_owned();
        found.misfits.push(Misfit {
            path: folder.display().to_string(),
            code: "no_folder".to_owned(),
            detail,
            run: None,
        });
        return Ok(found);
    }
    for name in probe.list(folder)? {
        match read(probe, &folder.join(&name)) {
            Ok(stored) => {
                if let Some(run) = &stored.named_for {
                    let detail = format!("it is named for run `{run}` and says `{}`", stored.anchor.run_id);
                    found.misfits.push(misfit(&stored.path, "misnamed", detail));
                }
                found.anchors.push(stored);
            }
            Err(misfit) => found.misfits.push(misfit),
        }
    }
    found.anchors.sort_by(|one, other| {
        let covers = |stored: &Stored| (stored.anchor.entry_count, stored.anchor.timestamp_utc.clone());
        covers(other).cmp(&covers(one)).then_with(|| one.path.cmp(&other.path))
    });
    Ok(found)
}

/// Reads one file as an anchor; a link is none, for what it leads to may lie anywhere.
///
/// # Errors
/// What it is instead.
pub fn read(probe: &dyn Probe, path: &Path) -> Result<Stored, Misfit> {
    match probe.stat(path) {
        Ok(Some(Stat { kind: EntryKind::File, .. })) => {}
        Ok(Some(_)) => return Err(misfit(path, "not_a_file", "a folder, link or other thing".to_owned())),
        Ok(None) => return Err(misfit(path, "unreadable", "there is no such file".to_owned())),
        Err(error) => return Err(misfit(path, "unreadable", error.to_string())),
    }
    let bytes = probe.read(path, MAX_ANCHOR as u64).map_err(|error| misfit(path, "unreadable", error.to_string()))?;
    let anchor = Anchor::parse(&bytes).map_err(|error| misfit(path, "not_an_anchor", error.to_string()))?;
    Ok(Stored {
        named_for: run_in_name(path).filter(|run| *run != anchor.run_id),
        path: path.to_owned(),
        digest: Digest::of(&bytes),
        size: bytes.len() as u64,
        anchor,
    })
}

/// Refuses a store that a thief of the ledger has already, and says what it is worth.
///
/// A folder that is not there yet will be its maker's, so on the ledger's device it counts as the ledger's owner's.
///
/// # Errors
/// Where it lies wrong, and why.
pub fn judge_place(probe: &dyn Probe, store: &Target, ledger: &Target) -> Result<Trust, Misplaced> {
    let settings: Directory = store.settings()?;
    let file: LedgerFile = ledger.settings()?;
    let real = probe.resolve(&file.path)?;
    let around = [file.path.parent(), real.parent(), file.project.as_deref()];
    for within in around.into_iter().flatten() {
        if probe.inside(&settings.path, within)? {
            return Err(Misplaced::InsideProject { store: settings.path, within: within.to_owned() });
        }
    }
    let folder = probe.resolve(&settings.path)?;
    let (here, exists) = match probe.stat(&folder)? {
        Some(stat) if stat.kind == EntryKind::Folder => (Some(stat), true),
        Some(_) => return Err(Misplaced::NotAFolder(settings.path)),
        None => (nearest(probe, &folder)?, false),
    };
    let (Some(here), Some(theirs)) = (here, probe.stat(&real)?) else {
        // Without a ledger there is nothing to be near to; whoever stores an anchor has read the ledger before.
        return Ok(settings.trust.unwrap_or(Trust::Low));
    };
    let same_device = here.device_inode.0 == theirs.device_inode.0;
    let same_owner = !exists || here.owner == theirs.owner;
    match settings.trust {
        Some(Trust::Low) => Ok(Trust::Low),
        _ if same_device && same_owner => Err(Misplaced::SameDomain(settings.path)),
        Some(stated) => Ok(stated),
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

fn misfit(path: &Path, code: &str, detail: String) -> Misfit {
    Misfit { path: path.display().to_string(), code: code.to_owned(), detail, run: run_in_name(path) }
}

/// The run that a file's name says: `RUN.COUNT.ROOT.json` as stored here, or `cf-….json` as the runbook has it.
fn run_in_name(path: &Path) -> Option<String> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let mut parts = stem.rsplitn(3, '.');
    let ours = match (parts.next(), parts.next(), parts.next()) {
        (Some(root), Some(count), Some(run))
            if root.len() == 16
                && root.bytes().all(|byte| byte.is_ascii_hexdigit())
                && count.parse::<u64>().is_ok() =>
        {
            Some(run)
        }
        _ => None,
    };
    ours.or(stem.starts_with("cf-").then_some(stem)).filter(|run| is_run_id(run)).map(ToOwned::to_owned)
}
