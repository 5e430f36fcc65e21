//! The Corvusforge anchors among what a store holds, and what is there besides.
//!
//! What an anchor proves is [`crate::target::corvusforge::anchor`]'s affair; where the files come from, the drivers'.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::{CANARY, Damage, File, Item, Object};
use crate::host::{EntryKind, Probe, Stat};
use crate::id::Digest;
use crate::target::corvusforge::anchor::{Anchor, MAX_ANCHOR};
use crate::time::Timestamp;

/// An anchor in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it is: a path, or the store's own name for it.
    pub place: String,
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
    /// `not_an_anchor`, `not_a_file`, `unreadable`, `misnamed`, `no_folder`, `unsigned`, or `not_readable` of a store
    /// that gives nothing back.
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

/// The name that an anchor is kept under, without `.json`: what it says stands in it, so that another history takes no
/// other's place.
#[must_use]
pub fn name_of(anchor: &Anchor) -> String {
    let root: String = anchor.root_hash.chars().take(16).collect();
    format!("{}.{}.{root}", anchor.run_id, anchor.entry_count)
}

/// What a store keeps of an anchor.
#[must_use]
pub fn item(anchor: &Anchor, at: Timestamp) -> Item {
    Item {
        name: name_of(anchor),
        run: anchor.run_id.clone(),
        size: anchor.entry_count,
        root: anchor.root_hash.clone(),
        files: vec![File { extension: "json", bytes: anchor.to_json_pretty().into_bytes() }],
        at,
    }
}

/// Whether a run's id can stand in a file's name: letters, digits and `. _ -`, not a dot or dash first, at most 128.
#[must_use]
pub fn is_run_id(run: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    run.len() <= 128 && run.bytes().all(fits) && run.bytes().next().is_some_and(|first| !matches!(first, b'.' | b'-'))
}

/// Sorts what a store holds. Anchors of our own ledger are none of Corvusforge's, and no misfits either.
#[must_use]
pub fn inventory(objects: Vec<Object>) -> Inventory {
    let mut found = Inventory::default();
    let names: std::collections::BTreeSet<String> = objects.iter().map(|object| object.name.clone()).collect();
    let is_ours = |name: &str| {
        let stem = name.strip_suffix(".json").or(name.strip_suffix(".tlog-proof"));
        stem.is_some_and(|stem| names.contains(&format!("{stem}.tlog-proof")))
    };
    for object in objects.into_iter().filter(|object| !is_ours(&object.name) && !object.name.starts_with(CANARY)) {
        match stored(object) {
            Ok(stored) => {
                if let Some(run) = &stored.named_for {
                    let detail = format!("it is named for run `{run}` and says `{}`", stored.anchor.run_id);
                    let (path, run) = (stored.place.clone(), Some(run.clone()));
                    found.misfits.push(Misfit { path, code: "misnamed".to_owned(), detail, run });
                }
                found.anchors.push(stored);
            }
            Err(misfit) => found.misfits.push(misfit),
        }
    }
    found.anchors.sort_by(|one, other| {
        let covers = |stored: &Stored| (stored.anchor.entry_count, stored.anchor.timestamp_utc.clone());
        covers(other).cmp(&covers(one)).then_with(|| one.place.cmp(&other.place))
    });
    found
}

/// One object as an anchor.
///
/// # Errors
/// What it is instead.
pub fn stored(object: Object) -> Result<Stored, Misfit> {
    let Object { place, name, bytes } = object;
    let run = run_in_name(&name);
    let misfit =
        |code: &str, detail: String| Misfit { path: place.clone(), code: code.to_owned(), detail, run: run.clone() };
    let bytes = bytes.map_err(|Damage { code, detail }| misfit(code, detail))?;
    if bytes.len() > MAX_ANCHOR {
        return Err(misfit("not_an_anchor", format!("it is larger than {MAX_ANCHOR} bytes")));
    }
    let anchor = Anchor::parse(&bytes).map_err(|error| misfit("not_an_anchor", error.to_string()))?;
    Ok(Stored {
        named_for: run.filter(|run| *run != anchor.run_id),
        digest: Digest::of(&bytes),
        size: bytes.len() as u64,
        place,
        anchor,
    })
}

/// Reads one file as an anchor; a link is none, for what it leads to may lie anywhere.
///
/// # Errors
/// What it is instead.
pub fn read(probe: &dyn Probe, path: &Path) -> Result<Stored, Misfit> {
    stored(file(probe, path, MAX_ANCHOR as u64))
}

/// A file as something that a store holds.
pub(super) fn file(probe: &dyn Probe, path: &Path, at_most: u64) -> Object {
    let damage = |code, detail: &dyn ToString| Err(Damage { code, detail: detail.to_string() });
    let bytes = match probe.stat(path) {
        Ok(Some(Stat { kind: EntryKind::File, .. })) => {
            probe.read(path, at_most).or_else(|error| damage("unreadable", &error))
        }
        Ok(Some(_)) => damage("not_a_file", &"a folder, link or other thing"),
        Ok(None) => damage("unreadable", &"there is no such file"),
        Err(error) => damage("unreadable", &error),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Object { place: path.display().to_string(), name, bytes }
}

/// The run that a file's name says: `RUN.COUNT.ROOT.json` as stored here, or `cf-….json` as the runbook has it.
fn run_in_name(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".json")?;
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
