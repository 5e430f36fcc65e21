//! Anchors of our own ledger, for the actions of this family: the proof of a run's `run.end`, and that entry's bytes.
//!
//! What they prove is [`crate::ledger::anchor`]'s affair, and what the ledger's own handing over does
//! [`crate::execute::anchoring`]'s.

use super::Statement;
use super::store::Existing;
use crate::action::ledger::no_ledger;
use crate::action::{Error, Facts};
use crate::id::{Digest, RunId};
use crate::ledger::anchor::{Anchor, Asked};
use crate::ledger::error::Error as LedgerError;
use crate::ledger::prove::Proven;
use crate::ledger::reader::Reader;
use crate::merkle::note::VerifierKey;
use crate::merkle::tlog_proof::TlogProof;
use crate::target::anchor_store::own::{Found, PROOF, found, item};
use crate::target::anchor_store::{Item, Object};
use crate::target::ledger_copy::LedgerCopy;
use crate::target::open_ledger::OpenLedger;

/// The driver of our own ledgers.
pub(super) const DRIVER: &str = "runwarden";

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        let code = match &error {
            LedgerError::NotSealed { .. } => "not_sealed",
            LedgerError::NotGenuine { .. } => "unsound",
            _ => "unreadable",
        };
        Self::new(code, error.to_string())
    }
}

/// A ledger of our own, and the keys that may sign for it.
pub(super) struct Own {
    pub reader: Reader,
    /// Those of the target; where it names none, those that the ledger names itself.
    pub keys: Vec<VerifierKey>,
    /// Those of the target alone.
    pub given: Vec<VerifierKey>,
}

impl Own {
    pub fn open(copy: &LedgerCopy) -> Result<Self, Error> {
        match copy.open().map_err(|report| no_ledger(&report))? {
            OpenLedger::Runwarden(reader, given) => {
                let keys = keys(&reader, &given)?;
                Ok(Self { reader, keys, given })
            }
            _ => Err(super::cut_off("it is no ledger of Runwarden".to_owned())),
        }
    }

    /// The anchor of a run that has ended, by the first signed checkpoint that covers its end.
    pub fn export(&self, run: &str) -> Result<(Statement, String), Error> {
        let run = run_id(run)?;
        let missing = || Error::new("empty_run", format!("the ledger has no end of run `{run}`"));
        let seq = self.reader.end_of(&run)?.ok_or_else(missing)?;
        let proven = self.reader.prove(seq, None, &self.given)?.ok_or_else(missing)?;
        let first = self.reader.entry(0)?.ok_or_else(missing)?;
        Ok((said(&run, &proven.proof, &proven.body), hex::encode(first.hash)))
    }

    /// What a statement proves, if the ledger is as it says.
    pub fn fitting(&self, run: &str, said: &Statement) -> Result<Proven, Error> {
        let run = run_id(run)?;
        let refused =
            |why: String| Error::new("anchor_mismatch", format!("the anchor does not fit run `{run}`: {why}"));
        let (Some(text), Some(entry)) = (&said.tlog_proof, &said.entry) else {
            return Err(Error::new("bad_input", "an anchor of our own ledger has `tlog_proof` and `entry`"));
        };
        if let Some(finding) = self.wrong(&run, text.as_bytes(), entry.as_bytes()) {
            return Err(refused(finding));
        }
        let proof = TlogProof::parse(text.as_bytes()).map_err(|error| refused(error.to_string()))?;
        let says = (proof.checkpoint().size, hex::encode(proof.checkpoint().root), run.as_str());
        if says != (said.entry_count, said.root_hash.clone(), said.run_id.as_str()) || proof.to_string() != *text {
            return Err(refused("its proof says something else than it does".to_owned()));
        }
        let held = self.reader.prove(proof.index(), Some(proof.checkpoint().size), &self.given)?;
        let fits = held.is_some_and(|held| {
            held.body == entry.as_bytes() && held.proof.checkpoint().root == proof.checkpoint().root
        });
        if !fits {
            return Err(refused("the ledger has another history of that size".to_owned()));
        }
        Ok(Proven { body: entry.clone().into_bytes(), proof })
    }

    /// The first line that is wrong with an anchor by itself, in words.
    fn wrong(&self, run: &RunId, proof: &[u8], entry: &[u8]) -> Option<String> {
        let asked = Asked { keys: &self.keys, run: Some(run), max_age: None };
        let findings = Anchor { proof, entry }.judge(&asked);
        let wrong = findings.into_iter().find(|finding| !finding.ok);
        wrong.map(|finding| format!("{}: {}", finding.code, finding.detail))
    }

    /// The same statement under that name, with whatever signatures; anything else in its place is refused.
    pub fn existing(
        &self,
        run: &str,
        objects: Vec<Object>,
        item: &Item,
        proven: &Proven,
    ) -> Result<Option<Existing>, Error> {
        let run = run_id(run)?;
        let proof_name = format!("{}.{PROOF}", item.name);
        // Files that a store takes one by one may have been cut off before the proof: the rest is put there.
        if !objects.iter().any(|object| object.name == proof_name || object.name == item.name) {
            return Ok(None);
        }
        let Some(Found { place, proof, entry, .. }) = found(objects).into_iter().find(|found| found.name == item.name)
        else {
            return Ok(None);
        };
        let refused =
            |why: &str| Error::new("exists", format!("`{place}` is there and is {why}; an anchor is never replaced"));
        let bytes = proof.map_err(|damage| refused(&damage.detail))?;
        let Some(entry) = entry else { return Ok(None) };
        if let Some(why) = self.wrong(&run, &bytes, &entry) {
            return Err(refused(&why));
        }
        let parsed = TlogProof::parse(&bytes).map_err(|error| refused(&error.to_string()))?;
        if entry != proven.body || parsed.checkpoint() != proven.proof.checkpoint() {
            return Err(refused("another anchor"));
        }
        let at = ended_at(&entry);
        Ok(Some(Existing { place, sha256: Digest::of(&bytes), size: bytes.len() as u64, at }))
    }
}

/// What is put into a store.
pub(super) fn order(run: &str, proven: &Proven, facts: &Facts) -> Result<Item, Error> {
    Ok(item(&run_id(run)?, proven, facts.started_at))
}

/// When the run ended, as its end says.
pub(super) fn ended_at(entry: &[u8]) -> String {
    crate::ledger::entry::read(entry).map(|entry| entry.ts.to_string()).unwrap_or_default()
}

/// What an anchor that was found says; none where it is no proof.
pub(super) fn said_by(found: &Found) -> Option<Statement> {
    let (proof, entry) = (found.proof.as_ref().ok()?, found.entry.as_ref()?);
    let parsed = TlogProof::parse(proof).ok()?;
    let run = found.run.as_deref().and_then(|run| RunId::parse(run).ok())?;
    // Text that is no UTF-8 is no entry, and no proof.
    std::str::from_utf8(entry).ok()?;
    let mut said = said(&run, &parsed, entry);
    said.tlog_proof = Some(String::from_utf8(proof.clone()).ok()?);
    Some(said)
}

fn said(run: &RunId, proof: &TlogProof, entry: &[u8]) -> Statement {
    Statement {
        run_id: run.to_string(),
        entry_count: proof.checkpoint().size,
        root_hash: hex::encode(proof.checkpoint().root),
        first_entry_hash: None,
        timestamp_utc: None,
        anchor_hash: None,
        tlog_proof: Some(proof.to_string()),
        entry: Some(String::from_utf8_lossy(entry).into_owned()),
    }
}

fn run_id(run: &str) -> Result<RunId, Error> {
    RunId::parse(run).map_err(|error| Error::new("bad_input", format!("`{run}` is no run of our own: {error}")))
}

/// All keys of the ledger, where none is given or one of the given is among them; else the given.
fn keys(reader: &Reader, given: &[VerifierKey]) -> Result<Vec<VerifierKey>, Error> {
    match reader.keys() {
        Ok(chain) if given.is_empty() || given.iter().any(|key| chain.spans().iter().any(|span| span.key == *key)) => {
            Ok(chain.spans().iter().map(|span| span.key.clone()).collect())
        }
        Err(error) if given.is_empty() => Err(error.into()),
        _ => Ok(given.to_vec()),
    }
}
