//! What the entries of a bundle tell: the run as their fold, and what stands around it. Order and kind are judged here;
//! whether they are the ledger's is not.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::event::Kind;
use crate::event::anchoring::AnchorReceipt;
use crate::event::recall;
use crate::id::{Digest, RunId};
use crate::ledger::content;
use crate::ledger::entry::Entry;
use crate::ledger::key_chain::KeyChain;
use crate::ledger::told::Told;
use crate::merkle::note::VerifierKey;
use crate::run::Run;
use crate::time::Timestamp;

/// What the entries tell.
#[derive(Debug, Clone)]
pub struct Story {
    /// The run as their fold.
    pub run: Run,
    /// Its facts, in order.
    pub told: Vec<Told>,
    /// The receipts of its anchors.
    pub receipts: Vec<Received>,
    /// The versions of the engine that wrote it.
    pub engine: Vec<String>,
    /// The ledger's keys.
    pub keys: KeyChain,
}

/// One receipt.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its entry.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub receipt: AnchorReceipt,
}

impl Story {
    /// Reads entries in their order.
    ///
    /// # Errors
    /// In words, at the first that has no place in the story of this run, or cannot follow what came before.
    pub fn of(run: &RunId, entries: &[Entry], content: &BTreeMap<Digest, String>) -> Result<Self, String> {
        let genesis = entries.first().filter(|entry| entry.kind == Kind::LedgerGenesis && entry.seq == 0);
        let genesis = genesis.ok_or("the first entry of the ledger is not there")?;
        let vkey = genesis.data.get("vkey").and_then(Json::as_str).ok_or("the first entry names no key")?;
        let vkey = VerifierKey::parse(vkey).map_err(|error| format!("the first entry: {error}"))?;
        let mut story = Self {
            run: Run::new(run.clone()),
            told: Vec::new(),
            receipts: Vec::new(),
            engine: Vec::new(),
            keys: KeyChain::new(vkey),
        };
        for entry in &entries[1..] {
            story.take(run, entry, content).map_err(|why| format!("entry {}: {why}", entry.seq))?;
        }
        Ok(story)
    }

    fn take(&mut self, run: &RunId, entry: &Entry, content: &BTreeMap<Digest, String>) -> Result<(), String> {
        if entry.run.as_ref() == Some(run) {
            let told = Told::of(entry, &unfit(entry, content)?)?;
            self.run.apply(&told.fact, told.at).map_err(|error| error.to_string())?;
            self.told.push(told);
            return Ok(());
        }
        match (&entry.run, entry.kind) {
            (None, Kind::KeyRotated | Kind::KeyRevoked) => self.keys.take(entry),
            (None, Kind::WriterOpen) => {
                let engine = entry.data.get("engine").and_then(Json::as_str).ok_or("it names no engine")?;
                if self.engine.last().map(String::as_str) != Some(engine) {
                    self.engine.push(engine.to_owned());
                }
                Ok(())
            }
            (None, Kind::AnchorReceipt) => {
                let receipt = serde_json::from_value::<AnchorReceipt>(recall(&unfit(entry, content)?));
                let receipt = receipt.map_err(|error| error.to_string())?;
                if receipt.of != run.as_str() || receipt.name.is_none() {
                    return Err("it is a receipt of another run".to_owned());
                }
                self.receipts.push(Received { seq: entry.seq, at: entry.ts, receipt });
                Ok(())
            }
            (of, kind) => {
                let of = of.as_ref().map_or("no run", RunId::as_str);
                Err(format!("a `{}` of {of} is no part of run {run}", kind.as_str()))
            }
        }
    }
}

/// The data of an entry with what was too large for it.
fn unfit(entry: &Entry, kept: &BTreeMap<Digest, String>) -> Result<Json, String> {
    content::unfit_by(&Json::Object(entry.data.clone()), &mut |digest| {
        let text = kept.get(digest).ok_or_else(|| format!("what it keeps as {digest} is not here"))?;
        serde_json::from_str(text).map_err(|error| format!("{digest}: {error}"))
    })
}

/// The digests of what an entry keeps elsewhere.
#[must_use]
pub fn referred(entry: &Entry) -> Vec<Digest> {
    let mut found = Vec::new();
    let _ = content::unfit_by(&Json::Object(entry.data.clone()), &mut |digest| {
        found.push(digest.clone());
        Ok::<_, std::convert::Infallible>(Json::Null)
    });
    let frozen = entry.data.get("content").filter(|_| entry.kind == Kind::PlanRecorded);
    found.extend(frozen.and_then(Json::as_str).and_then(|text| Digest::parse(text).ok()));
    found
}
