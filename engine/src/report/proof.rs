//! What the ledger has to show for a run: its verification, the proofs of the run's begin and end, its anchors.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::{Asked, Entry, Error};
use crate::event::Kind;
use crate::event::anchoring::{AnchorFailed, AnchorReceipt};
use crate::event::recall;
use crate::ledger::error::Error as LedgerError;
use crate::ledger::reader::{Filter, Reader};
use crate::ledger::report::{AnchorReport, Problem, Status};
use crate::ledger::verify::verify_anchored;
use crate::merkle::{leaf_hash, spelled};
use crate::target::anchor_store::receipts::receipts;
use crate::time::Timestamp;

/// What verifying the ledger came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Record {
    /// The whole ledger in one word.
    pub status: Status,
    /// How many entries it has.
    pub entries: u64,
    /// How many of them the anchors cover that fit.
    pub anchored: u64,
    /// When the newest entry was written that they cover, where an anchor says so.
    pub anchored_at: Option<String>,
    /// This run in one word.
    pub run: Status,
    /// How many entries this run has.
    pub run_entries: u64,
    /// What is wrong with this run, and with the ledger as a whole.
    pub problems: Vec<Problem>,
    /// Each anchor that it was compared with.
    pub anchors: Vec<AnchorReport>,
    /// The keys that the ledger names as its own, the oldest first.
    pub keys: Vec<LogKey>,
}

/// A key of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogKey {
    /// `name+id+base64`, as signed notes have it.
    pub vkey: String,
    /// The smallest size that it may sign.
    pub from: u64,
    /// The largest; none while it is the ledger's key.
    pub to: Option<u64>,
}

/// That an entry is in the ledger. Hashes are in base64, as in the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Proof {
    /// What the entry is: `run.begin`, `run.end`, or the kind of the last where the run has not ended.
    pub of: Kind,
    /// Its number, which is its leaf.
    pub seq: u64,
    /// Its exact bytes, as text.
    pub entry: String,
    /// SHA-256(0x00 ‖ entry).
    pub leaf_hash: String,
    /// How many entries the checkpoint covers.
    pub size: u64,
    /// Their root.
    pub root: String,
    /// The way from the leaf to the root, lowest hash first.
    pub proof: Vec<String>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// All of it as a C2SP tlog-proof.
    pub tlog_proof: String,
}

/// Whether a store has the anchor of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    /// It took it.
    Stored,
    /// It was tried and did not take it.
    Failed,
    /// It should have it, and nobody tried.
    Missing,
}

/// The anchor of the run in one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Anchored {
    /// The store, by its name in the workspace.
    pub store: String,
    /// Whether it is there, going by the receipts in the ledger.
    pub state: Stored,
    /// When that was recorded.
    pub at: Option<Timestamp>,
    /// The entry that records it.
    pub seq: Option<u64>,
    /// The store's driver.
    pub driver: Option<String>,
    /// Where it is: a path, a key, a tag, a log's entry, a mail.
    pub place: Option<String>,
    /// SHA-256 of the anchor, 64 hex digits.
    pub sha256: Option<String>,
    /// `low`, `medium` or `high`: how far the store is from the ledger's own trust domain.
    pub trust: Option<String>,
    /// Why it is not there.
    pub detail: Option<String>,
}

/// Verifies the whole ledger.
pub(super) fn record(reader: &Reader, asked: &Asked<'_>) -> Result<Record, Error> {
    let report = verify_anchored(reader, asked.keys, &reader.checkpoints()?, asked.anchors);
    let own = report.runs.into_iter().find(|run| run.run == asked.run.as_str());
    let fitting = report.anchors.iter().filter(|anchor| anchor.status == Status::Ok);
    let newest = fitting.max_by_key(|anchor| anchor.size);
    let concerns = |problem: &Problem| problem.run.as_deref().is_none_or(|run| run == asked.run.as_str());
    let (anchored, anchored_at) = newest.map_or((0, None), |anchor| (anchor.size, anchor.at.clone()));
    let key =
        |span: &crate::ledger::key_chain::KeySpan| LogKey { vkey: span.key.to_string(), from: span.from, to: span.to };
    Ok(Record {
        status: report.status,
        entries: report.entries,
        anchored,
        anchored_at,
        run: own.as_ref().map_or(Status::Empty, |run| run.status),
        run_entries: own.as_ref().map_or(0, |run| run.entries),
        problems: report.problems.into_iter().filter(concerns).collect(),
        anchors: report.anchors,
        keys: reader.keys()?.spans().iter().map(key).collect(),
    })
}

/// Proves the begin of the run, and its end or its last entry.
pub(super) fn proofs(
    reader: &Reader,
    asked: &Asked<'_>,
    entries: &[Entry],
    missing: &mut Vec<String>,
) -> Result<Vec<Proof>, Error> {
    let begin = entries.iter().find(|entry| entry.kind == Kind::RunBegin);
    // The end that counts is the last; a run that has not ended, or went on after it, is proven up to where it stands.
    let last = entries.iter().rev().find(|entry| matches!(entry.kind, Kind::RunEnd | Kind::RunResumed));
    let end = last.filter(|entry| entry.kind == Kind::RunEnd).or(entries.last());
    let mut proofs = Vec::new();
    for entry in begin.into_iter().chain(end) {
        match reader.prove(entry.seq, None, asked.keys) {
            Ok(Some(proven)) => proofs.push(Proof {
                of: entry.kind,
                seq: entry.seq,
                leaf_hash: spelled(&leaf_hash(&proven.body)),
                size: proven.proof.checkpoint().size,
                root: spelled(&proven.proof.checkpoint().root),
                proof: proven.proof.hashes().iter().map(spelled).collect(),
                checkpoint: proven.proof.note().to_string(),
                tlog_proof: proven.proof.to_string(),
                entry: String::from_utf8_lossy(&proven.body).into_owned(),
            }),
            Ok(None) => missing.push(format!("the proof of entry {}: it is not there", entry.seq)),
            // What is not signed yet, or does not fit what was signed, has no proof; the reason is told.
            Err(error @ (LedgerError::NotSealed { .. } | LedgerError::NotGenuine { .. })) => {
                missing.push(format!("the proof of entry {} (`{}`): {error}", entry.seq, entry.kind.as_str()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(proofs)
}

/// The last word of each store about the anchor of this run.
pub(super) fn anchors(reader: &Reader, asked: &Asked<'_>) -> Result<Vec<Anchored>, Error> {
    let mut found: Vec<Anchored> = Vec::new();
    for recorded in receipts(reader, Some(asked.run.as_str()))? {
        let AnchorReceipt { store, driver, place, sha256, trust, .. } = recorded.receipt;
        found.retain(|known| known.store != store);
        found.push(Anchored {
            store,
            state: Stored::Stored,
            at: Some(recorded.at),
            seq: u64::try_from(recorded.seq).ok(),
            driver: Some(driver),
            place: Some(place),
            sha256: Some(sha256),
            trust: Some(trust),
            detail: None,
        });
    }
    let content = reader.content();
    reader.each(&Filter { kind: Some(Kind::AnchorFailed), ..Filter::default() }, |stored| {
        let entry = stored.entry(reader.path())?;
        let data = recall(&content.unfit(&Json::Object(entry.data))?);
        let failed: Option<AnchorFailed> = serde_json::from_value(data).ok();
        // A store that has it, before or since, has it.
        if let Some(failed) = failed.filter(|failed| failed.of == asked.run.as_str())
            && !found.iter().any(|known| known.store == failed.store && known.state == Stored::Stored)
        {
            found.retain(|known| known.store != failed.store);
            found.push(Anchored {
                detail: Some(failed.detail),
                at: Some(entry.ts),
                seq: Some(entry.seq),
                ..nowhere(failed.store, Stored::Failed)
            });
        }
        Ok::<(), Error>(())
    })?;
    for store in asked.stores {
        if !found.iter().any(|known| known.store == store.as_str()) {
            found.push(nowhere(store.to_string(), Stored::Missing));
        }
    }
    Ok(found)
}

fn nowhere(store: String, state: Stored) -> Anchored {
    Anchored { store, state, at: None, seq: None, driver: None, place: None, sha256: None, trust: None, detail: None }
}
