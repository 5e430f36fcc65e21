//! `corvusforge.artifacts_verify`: each file of the store hashed; damaged, missing, misplaced and extra told apart.
//!
//! Corvusforge's own check gives `False` for damaged and missing alike, and nothing where nobody looks at the answer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{files_below, hash, store_folder};
use crate::action::ledger::{aside, copy, no_ledger, target as ledger_target};
use crate::action::{Error, Looking, Read};
use crate::host::{EntryKind, Probe};
use crate::id::{Digest, Id, is_sha256_hex};
use crate::target::corvusforge;
use crate::target::corvusforge::listing::Filter;
use crate::target::corvusforge::places::artifact_path;
use crate::target::open_ledger::OpenLedger;

/// Verifies an artifact store.
pub struct ArtifactsVerify;

/// What `corvusforge.artifacts_verify` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["artifact_store"]))]
    target: Id,
    /// Another folder (a backup) looked at in its place.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// The ledger whose entries name artifacts; without one nothing can be missing.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    ledger: Option<Id>,
    /// Another file read in place of that ledger.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    ledger_path: Option<PathBuf>,
}

/// What `corvusforge.artifacts_verify` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether artifacts were looked at, none is damaged, misplaced or missing, and nothing else lies there.
    sound: bool,
    /// How many artifacts were hashed: with 0 nothing is verified.
    checked: u64,
    /// How many artifacts the ledger names.
    named: u64,
    /// Files whose bytes are not those of their name.
    damaged: Vec<Artifact>,
    /// Artifacts that the ledger names and that are nowhere in the store.
    missing: Vec<Artifact>,
    /// Artifacts whose bytes are right and whose place is another.
    misplaced: Vec<Misplaced>,
    /// What is no artifact: another name, a link, a device.
    extra: Vec<String>,
    /// How many good artifacts the ledger does not name; waivers are among them, so this is no fault.
    unnamed: u64,
    /// The digest of what was read.
    subject: Digest,
}

/// An artifact, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Artifact {
    /// SHA-256 by which it is named, 64 hex digits.
    sha256: String,
    /// Where it belongs, below the store.
    path: String,
}

/// An artifact in another place than its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Misplaced {
    /// SHA-256 of its bytes, 64 hex digits.
    sha256: String,
    /// Where it belongs, below the store.
    path: String,
    /// Where it lies, below the store.
    found: String,
}

fn artifact(sha256: &str) -> Artifact {
    Artifact { sha256: sha256.to_owned(), path: artifact_path(sha256).to_string_lossy().into_owned() }
}

#[async_trait]
impl Read for ArtifactsVerify {
    const NAME: &'static str = "corvusforge.artifacts_verify";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let configured = store_folder(looking.facts, &params.target)?;
        let folder = params.path.clone().unwrap_or(configured);
        let named = match &params.ledger {
            Some(ledger) => named(looking, ledger, params.ledger_path.clone()).await?,
            None => BTreeSet::new(),
        };
        folder_of(looking.probe, &folder)?;
        let mut output = Output {
            sound: false,
            checked: 0,
            named: named.len() as u64,
            damaged: Vec::new(),
            missing: Vec::new(),
            misplaced: Vec::new(),
            extra: Vec::new(),
            unnamed: 0,
            subject: Digest::of(b""),
        };
        let mut seen = BTreeMap::new();
        let mut subject = String::new();
        for (found, stat) in files_below(looking.probe, &folder)? {
            let name = found.rsplit('/').next().and_then(|name| name.strip_suffix(".dat"));
            let Some(expected) = name.filter(|name| stat.kind == EntryKind::File && is_sha256_hex(name)) else {
                subject += &format!("{found}\n");
                output.extra.push(found);
                continue;
            };
            let real = hash(looking.probe, &folder.join(&found)).await?;
            subject += &format!("{found} {real}\n");
            output.checked += 1;
            let artifact = artifact(expected);
            if real != expected {
                output.damaged.push(artifact);
            } else if artifact.path != found {
                output.misplaced.push(Misplaced { sha256: real, path: artifact.path, found });
            } else {
                output.unnamed += u64::from(!named.contains(&real));
                seen.insert(real, ());
            }
        }
        let is_there = |hash: &str| {
            seen.contains_key(hash)
                || output.damaged.iter().any(|damaged| damaged.sha256 == hash && damaged.path == artifact(hash).path)
                || output.misplaced.iter().any(|misplaced| misplaced.sha256 == hash)
        };
        output.missing = named.iter().filter(|hash| !is_there(hash)).map(|hash| artifact(hash)).collect();
        subject += &named.into_iter().collect::<Vec<_>>().join("\n");
        output.subject = Digest::of(subject.as_bytes());
        let faults = [output.damaged.len(), output.missing.len(), output.misplaced.len(), output.extra.len()];
        output.sound = output.checked > 0 && faults == [0; 4];
        Ok(output)
    }
}

/// A store that is not there is no empty store.
pub(super) fn folder_of(probe: &dyn Probe, folder: &std::path::Path) -> Result<(), Error> {
    match probe.stat(folder)? {
        Some(stat) if stat.kind == EntryKind::Folder => Ok(()),
        Some(_) => Err(Error::new("bad_store", format!("`{}` is no folder", folder.display()))),
        None => Err(Error::new("not_found", format!("there is no artifact store at `{}`", folder.display()))),
    }
}

/// The hashes of all artifacts that a ledger names.
async fn named(looking: &Looking<'_>, ledger: &Id, path: Option<PathBuf>) -> Result<BTreeSet<String>, Error> {
    let driver = &ledger_target(looking.facts, ledger)?.driver;
    if driver != corvusforge::DRIVER {
        let message = format!("a ledger of driver `{driver}` names no artifacts");
        return Err(Error::new("unsupported_driver", message));
    }
    let copy = copy(looking.facts, looking.probe, ledger, path.as_deref())?;
    aside(move || {
        let mut named = BTreeSet::new();
        let OpenLedger::Corvusforge(ledger) = copy.open().map_err(|report| no_ledger(&report))? else {
            return Ok(named);
        };
        let unreadable = |why: String| Error::new("unreadable", why);
        let mut wrong = None;
        let visited = ledger.visit_entries(&Filter::default(), |entry| {
            for address in entry.artifact_references {
                match address.strip_prefix("sha256:").unwrap_or(&address) {
                    hash if is_sha256_hex(hash) => drop(named.insert(hash.to_owned())),
                    _ => wrong = Some(format!("entry {} names {address:?}, which is no address", entry.id)),
                }
            }
        });
        visited.map_err(|error| unreadable(error.to_string()))?;
        wrong.map_or(Ok(named), |why| Err(unreadable(why)))
    })
    .await?
}
