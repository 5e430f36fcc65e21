//! Anchors of our own ledger among what a store holds: `RUN.SIZE.ROOT.tlog-proof` beside `RUN.SIZE.ROOT.json`.
//!
//! Put together and found again. What they prove is [`crate::ledger::anchor`]'s affair.

use std::collections::BTreeMap;
use std::path::Path;

use super::inventory::file;
use super::{CANARY, Damage, File, Item, MAX_OBJECT, Object};
use crate::host::Probe;
use crate::id::RunId;
use crate::ledger::prove::Proven;
use crate::merkle::tlog_proof::TlogProof;
use crate::time::Timestamp;

/// The extension of the entry's bytes.
pub const ENTRY: &str = "json";

/// The extension of the proof.
pub const PROOF: &str = "tlog-proof";

/// What is kept of a run of our own.
#[must_use]
pub fn item(run: &RunId, proven: &Proven, at: Timestamp) -> Item {
    let checkpoint = proven.proof.checkpoint();
    let root = hex::encode(checkpoint.root);
    Item {
        name: format!("{run}.{}.{:.16}", checkpoint.size, root),
        run: run.to_string(),
        size: checkpoint.size,
        root,
        // The proof last: without its entry it would be the anchor of nothing.
        files: vec![
            File { extension: ENTRY, bytes: proven.body.clone() },
            File { extension: PROOF, bytes: proven.proof.to_string().into_bytes() },
        ],
        at,
    }
}

/// An anchor of ours in a store, not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where its proof is.
    pub place: String,
    /// `RUN.SIZE.ROOT`, as the store has it.
    pub name: String,
    /// The run that its name says.
    pub run: Option<String>,
    /// The proof's bytes.
    pub proof: Result<Vec<u8>, Damage>,
    /// The entry's bytes; none where the store has no such file.
    pub entry: Option<Vec<u8>>,
}

/// The anchors among objects, by name. A proof that is missing beside its entry counts as one that cannot be read.
#[must_use]
pub fn found(objects: Vec<Object>) -> Vec<Found> {
    let mut proofs: BTreeMap<String, Object> = BTreeMap::new();
    let mut entries: BTreeMap<String, Object> = BTreeMap::new();
    for object in objects.into_iter().filter(|object| !object.name.starts_with(CANARY)) {
        match (object.name.strip_suffix(".tlog-proof"), object.name.strip_suffix(".json")) {
            (Some(stem), _) => drop(proofs.insert(stem.to_owned(), object)),
            (None, Some(stem)) if run_of(stem).is_some() => drop(entries.insert(stem.to_owned(), object)),
            // A whole tag that is damaged has the name without an extension.
            (None, None) if run_of(&object.name).is_some() => drop(proofs.insert(object.name.clone(), object)),
            _ => {}
        }
    }
    for (stem, entry) in &entries {
        proofs.entry(stem.clone()).or_insert_with(|| Object {
            place: entry.place.clone(),
            name: stem.clone(),
            bytes: Err(Damage { code: "unreadable", detail: "its proof is missing beside it".to_owned() }),
        });
    }
    let found = |(name, proof): (String, Object)| Found {
        place: proof.place,
        run: run_of(&name),
        proof: proof.bytes,
        entry: entries.remove(&name).and_then(|entry| entry.bytes.ok()),
        name,
    };
    proofs.into_iter().map(found).collect()
}

/// Reads a proof and the entry beside it; a link is none, for what it leads to may lie anywhere.
///
/// # Errors
/// What is wrong with the proof; an entry that cannot be read is none.
pub fn read(probe: &dyn Probe, path: &Path) -> Result<Found, Damage> {
    let proof = file(probe, path, MAX_OBJECT).bytes?;
    let entry = file(probe, &path.with_extension(ENTRY), MAX_OBJECT).bytes.ok();
    TlogProof::parse(&proof).map_err(|error| Damage { code: "not_an_anchor", detail: error.to_string() })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let run = RunId::parse(name.split('.').next().unwrap_or_default()).ok().map(|run| run.to_string());
    Ok(Found { place: path.display().to_string(), name, run, proof: Ok(proof), entry })
}

/// The run of our own that a name says: a UUID, a size and the root.
fn run_of(stem: &str) -> Option<String> {
    let mut parts = stem.rsplitn(3, '.');
    let (root, size, run) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = root.len() == 16 && root.bytes().all(|byte| byte.is_ascii_hexdigit()) && size.parse::<u64>().is_ok();
    (fits && RunId::parse(run).is_ok()).then(|| run.to_owned())
}
