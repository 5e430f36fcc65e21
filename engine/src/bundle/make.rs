//! Fills a bundle from a copy of the ledger. Every entry is proven by a signed checkpoint before it is put in, so a ledger
//! that was changed gives no bundle.
//!
//! The run is proven by the first checkpoint that covers all of it, which is the one that witnesses and anchors have; what
//! was written later, receipts and entries about keys, by the first that covers that too, with the proof that the log
//! only grew between the two. So the same run gives the same bytes until something is added to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::facts::Facts;
use super::story::{Received, Story, referred};
use super::{Bundle, LedgerKey, NotABundle, ProvenEntry, SignedCheckpoint, Statement, TYPE, VERSION};
use crate::event::{Kind, record};
use crate::id::{Digest, RunId};
use crate::ledger::cosigned;
use crate::ledger::entry::{self, Entry};
use crate::ledger::error::Error as LedgerError;
use crate::ledger::key_chain::{KeyChain, KeySpan};
use crate::ledger::prove::Proven;
use crate::ledger::reader::{Filter, Reader};
use crate::merkle::cosignature::WitnessKey;
use crate::merkle::note::{Note, VerifierKey};
use crate::merkle::spelled;
use crate::merkle::tlog_proof::TlogProof;
use crate::procedure::workspace::Workspace;
use crate::question::canonical_digest;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger cannot be read, or is not what was signed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It has not ended.
    #[error("run {run} has not ended: there is nothing to prove yet")]
    NotEnded {
        /// The run.
        run: RunId,
    },
    /// Its entries do not make a run.
    #[error("the entries of run {run} tell no run: {why}")]
    NoStory {
        /// The run.
        run: RunId,
        /// Why not.
        why: String,
    },
    /// It does not fit a file.
    #[error("run {run} does not fit a bundle: {source}")]
    Unfit {
        /// The run.
        run: RunId,
        /// Why not.
        source: NotABundle,
    },
}

/// What a bundle is made from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// A copy of the ledger.
    pub reader: &'a Reader,
    /// The keys that may sign; none leaves it to what the ledger says.
    pub keys: &'a [VerifierKey],
    /// The workspace file, for actors, policy and witnesses.
    pub workspace: &'a Workspace,
}

impl Sources<'_> {
    /// The bundle of a run that has ended.
    ///
    /// # Errors
    /// When it has not, nothing signed covers it, or the ledger is not what was signed.
    pub fn bundle(&self, run: &RunId) -> Result<Bundle, Error> {
        let gone = || Error::NotEnded { run: run.clone() };
        let own = self.seqs(&Filter { run: Some(run), ..Filter::default() })?;
        let last = *own.last().ok_or_else(gone)?;
        self.reader.end_of(run)?.ok_or_else(gone)?;
        let around = self.around(run, &own)?;
        let size = |seq: u64| -> Result<u64, Error> { Ok(self.proven(run, seq, None)?.proof.checkpoint().size) };
        let first = size(last)?;
        let mut sizes = vec![first];
        if let Some(later) = around.last().filter(|seq| **seq >= first) {
            sizes.push(size(*later)?);
        }
        let mut notes: BTreeMap<u64, Note> = BTreeMap::new();
        let (mut entries, mut read) = (Vec::new(), Vec::new());
        for seq in own.into_iter().chain(around).collect::<BTreeSet<u64>>() {
            let by = sizes.iter().copied().find(|size| *size > seq);
            let Proven { body, proof } = self.proven(run, seq, by)?;
            notes.entry(proof.checkpoint().size).or_insert_with(|| proof.note().clone());
            read.push(self.read(run, &body)?);
            entries.push(ProvenEntry {
                body: String::from_utf8(body).map_err(|_| no_story(run, format!("entry {seq} is no text")))?,
                size: proof.checkpoint().size,
                proof: proof.hashes().iter().map(spelled).collect(),
            });
        }
        let content = self.content(run, &read)?;
        let story = Story::of(run, &read, &content).map_err(|why| no_story(run, why))?;
        let facts = Facts::of(&story).ok_or_else(gone)?;
        let witnesses: Vec<&WitnessKey> =
            self.workspace.ledger.witnesses.values().map(|witness| &witness.key).collect();
        let cosigned = |key: &&WitnessKey| notes.values().any(|note| cosigned::at(note, key).is_some());
        let witnesses: Vec<&WitnessKey> = witnesses.into_iter().filter(cosigned).collect();
        let frozen = story.run.frozen.as_ref().and_then(|digest| content.get(digest));
        let frozen = frozen.and_then(|text| serde_json::from_str::<Json>(text).ok()).unwrap_or_default();
        Ok(Bundle {
            v: VERSION,
            kind: TYPE.to_owned(),
            ledger: self.workspace.ledger.origin.clone(),
            run: run.clone(),
            facts,
            keys: story.keys.spans().iter().map(LedgerKey::of).collect(),
            checkpoints: self.checkpoints(&notes, &story.keys, &witnesses)?,
            witnesses: witnesses.iter().map(ToString::to_string).collect(),
            entries,
            actors: self.as_planned(&frozen, "actors"),
            policy: self.as_planned(&frozen, "policy"),
            anchors: self.statements(run, &read, &story.receipts)?,
            content,
        })
    }

    fn proven(&self, run: &RunId, seq: u64, by: Option<u64>) -> Result<Proven, Error> {
        let proven = self.reader.prove(seq, by, self.keys)?;
        proven.ok_or_else(|| no_story(run, format!("entry {seq} is gone")))
    }

    fn read(&self, run: &RunId, body: &[u8]) -> Result<Entry, Error> {
        entry::read(body).map_err(|why| no_story(run, why.to_string()))
    }

    fn seqs(&self, filter: &Filter<'_>) -> Result<Vec<u64>, Error> {
        let mut seqs = Vec::new();
        self.reader.each(filter, |stored| {
            seqs.extend(u64::try_from(stored.seq));
            Ok::<(), LedgerError>(())
        })?;
        Ok(seqs)
    }

    /// What stands around the run: the ledger's first entry and those about keys, who wrote, and the receipts.
    fn around(&self, run: &RunId, own: &[u64]) -> Result<BTreeSet<u64>, Error> {
        let of_kind = |kind| self.seqs(&Filter { kind: Some(kind), ..Filter::default() });
        let mut around = BTreeSet::from([0]);
        around.extend(of_kind(Kind::KeyRotated)?);
        around.extend(of_kind(Kind::KeyRevoked)?);
        let writers = of_kind(Kind::WriterOpen)?;
        let before = |seq: &u64| writers[..writers.partition_point(|writer| writer < seq)].last().copied();
        around.extend(own.iter().filter_map(before));
        self.reader.each(&Filter { kind: Some(Kind::AnchorReceipt), ..Filter::default() }, |stored| {
            let entry = stored.entry(self.reader.path())?;
            let is_of = entry.data.get("of").and_then(Json::as_str) == Some(run.as_str());
            if is_of && entry.run.is_none() && entry.data.contains_key("name") {
                around.insert(entry.seq);
            }
            Ok::<(), LedgerError>(())
        })?;
        Ok(around)
    }

    /// Everything that the entries keep elsewhere.
    fn content(&self, run: &RunId, entries: &[Entry]) -> Result<BTreeMap<Digest, String>, Error> {
        let mut content = BTreeMap::new();
        for digest in entries.iter().flat_map(referred) {
            let text = String::from_utf8(self.reader.content().get(&digest)?);
            let text = text.map_err(|_| no_story(run, format!("{digest} is no text")))?;
            content.insert(digest, text);
        }
        Ok(content)
    }

    /// The checkpoints with the signatures that can be judged by the keys of the bundle, and no others.
    fn checkpoints(
        &self,
        notes: &BTreeMap<u64, Note>,
        keys: &KeyChain,
        witnesses: &[&WitnessKey],
    ) -> Result<Vec<SignedCheckpoint>, Error> {
        let (mut checkpoints, mut before) = (Vec::new(), None);
        for (size, note) in notes {
            let by_ledger = |line: &crate::merkle::note::Signature| {
                keys.spans().iter().any(|span| line.name == span.key.name() && line.key_id == span.key.id())
            };
            let mut kept = note.clone();
            kept.retain(|line| {
                by_ledger(line) || witnesses.iter().any(|key| cosigned::is_by(note, line, key).is_some())
            });
            let growth = match before {
                Some(before) => self.reader.prove_growth(before, Some(*size), self.keys)?.request.proof,
                None => Vec::new(),
            };
            checkpoints.push(SignedCheckpoint { note: kept.to_string(), growth: growth.iter().map(spelled).collect() });
            before = Some(*size);
        }
        Ok(checkpoints)
    }

    /// A part of the workspace file, if it is the one that the plan was made with.
    fn as_planned(&self, frozen: &Json, part: &str) -> Json {
        let now = record(self.workspace.document.get(part).unwrap_or(&Json::Null));
        let then = frozen.pointer(&format!("/plan/resolved/{part}")).and_then(Json::as_str);
        if then == Some(canonical_digest(&now).as_str()) { now } else { Json::Null }
    }

    /// The anchors as they were handed to stores: what the receipts have the digests of.
    fn statements(&self, run: &RunId, entries: &[Entry], receipts: &[Received]) -> Result<Vec<Statement>, Error> {
        let of_run = |entry: &&Entry| entry.kind == Kind::RunEnd && entry.run.as_ref() == Some(run);
        let ends: Vec<u64> = entries.iter().filter(of_run).map(|entry| entry.seq).collect();
        let mut statements = Vec::new();
        for received in receipts {
            let size = received.receipt.name.as_deref().and_then(|name| name.split('.').nth(1)?.parse::<u64>().ok());
            for end in &ends {
                let Some(size) = size.filter(|size| size > end) else { continue };
                let Ok(Some(proven)) = self.reader.prove(*end, Some(size), self.keys) else { continue };
                if let Some(tlog_proof) = as_handed_over(&proven.proof, &received.receipt.sha256) {
                    statements.push(Statement { receipt: received.seq, tlog_proof });
                    break;
                }
            }
        }
        Ok(statements)
    }
}

/// The proof with as many of its signatures as it had when it was handed over: later ones were added below.
fn as_handed_over(proof: &TlogProof, sha256: &str) -> Option<String> {
    let lines = proof.note().signatures();
    (1..=lines.len()).rev().find_map(|count| {
        let mut note = proof.note().clone();
        note.retain(|line| lines[..count].contains(line));
        let text = TlogProof::new(proof.index(), proof.hashes().to_vec(), note).ok()?.to_string();
        (Digest::of(text.as_bytes()).hex() == sha256).then_some(text)
    })
}

impl LedgerKey {
    /// A key of the ledger as its entries tell.
    #[must_use]
    pub fn of(span: &KeySpan) -> Self {
        Self { vkey: span.key.to_string(), from: span.from, to: span.to, revoked_at: span.revoked_at }
    }
}

fn no_story(run: &RunId, why: String) -> Error {
    Error::NoStory { run: run.clone(), why }
}
