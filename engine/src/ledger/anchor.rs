//! The anchor of a run: a tlog-proof of its `run.end` entry, beside that entry's exact bytes.
//!
//! Judged line by line, offline, from these two and the keys that count. Where they are kept, and whether whoever writes
//! the ledger can reach that place, is not known here.

use super::entry::{self, Entry};
use super::report::Finding;
use super::signed;
use crate::event::Kind;
use crate::id::RunId;
use crate::merkle::note::VerifierKey;
use crate::merkle::tlog_proof::TlogProof;
use crate::time::{Duration, Timestamp};

/// What is kept of a run outside its ledger.
#[derive(Debug, Clone, Copy)]
pub struct Anchor<'a> {
    /// The bytes of `RUN.tlog-proof`.
    pub proof: &'a [u8],
    /// The bytes of `RUN.json`: the entry.
    pub entry: &'a [u8],
}

/// What is asked of it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The keys that may sign.
    pub keys: &'a [VerifierKey],
    /// The run it must be of.
    pub run: Option<&'a RunId>,
    /// How long ago the run may have ended, and what time it is.
    pub max_age: Option<(Duration, Timestamp)>,
}

impl Anchor<'_> {
    /// Judges it: `format`, `signature`, `inclusion`, `entry`, and `run` and `age` where they are asked for.
    #[must_use]
    pub fn judge(&self, asked: &Asked<'_>) -> Vec<Finding> {
        let proof = match TlogProof::parse(self.proof) {
            Ok(proof) => proof,
            Err(error) => return vec![Finding::new("format", false, error.to_string())],
        };
        let size = proof.checkpoint().size;
        let origin = &proof.checkpoint().origin;
        let read = entry::read(self.entry).map_err(|why| format!("the entry cannot be read: {why}"));
        let mut findings = vec![
            Finding::new("format", true, format!("a tlog-proof of entry {} of {origin}", proof.index())),
            signature(&proof, asked.keys),
            match proof.check(self.entry) {
                Ok(()) => Finding::new("inclusion", true, format!("its bytes are entry {} of {size}", proof.index())),
                Err(error) => Finding::new("inclusion", false, error.to_string()),
            },
            of_entry(read.as_ref(), proof.index()),
        ];
        if let Some(run) = asked.run {
            findings.push(of_run(read.as_ref(), run));
        }
        if let Some((most, now)) = asked.max_age {
            findings.push(age(read.as_ref(), most, now));
        }
        findings
    }
}

fn signature(proof: &TlogProof, keys: &[VerifierKey]) -> Finding {
    let by = keys.iter().find(|key| signed::check(proof.note(), proof.checkpoint(), std::slice::from_ref(key)).is_ok());
    if let Some(key) = by {
        let size = proof.checkpoint().size;
        return Finding::new("signature", true, format!("the checkpoint of {size} entries is signed by {key}"));
    }
    let why = signed::check(proof.note(), proof.checkpoint(), keys).err();
    Finding::new("signature", false, why.map_or_else(String::new, |why| format!("the checkpoint: {why}")))
}

fn of_entry(read: Result<&Entry, &String>, index: u64) -> Finding {
    let entry = match read {
        Ok(entry) => entry,
        Err(why) => return Finding::new("entry", false, why),
    };
    if entry.kind != Kind::RunEnd {
        let detail = format!("it is a `{}`, expected `run.end`", entry.kind.as_str());
        return Finding::new("entry", false, detail);
    }
    if entry.seq != index {
        return Finding::new("entry", false, format!("it says that it is entry {}, its place is {index}", entry.seq));
    }
    let status = entry.data.get("status").and_then(serde_json::Value::as_str).unwrap_or("without a status");
    let run = entry.run.as_ref().map_or("of no run", RunId::as_str);
    Finding::new("entry", true, format!("run {run} ended {status} at {}", entry.ts))
}

fn of_run(read: Result<&Entry, &String>, run: &RunId) -> Finding {
    let (ok, detail) = match read.map(|entry| entry.run.as_ref()) {
        Ok(Some(found)) if found == run => (true, format!("it is of run {run}")),
        Ok(Some(found)) => (false, format!("it is of run {found}, expected {run}")),
        Ok(None) => (false, format!("it is of no run, expected {run}")),
        Err(why) => (false, why.clone()),
    };
    Finding::new("run", ok, detail)
}

fn age(read: Result<&Entry, &String>, most: Duration, now: Timestamp) -> Finding {
    let at = match read {
        Ok(entry) => entry.ts,
        Err(why) => return Finding::new("age", false, why),
    };
    let is_old = now.since(at).microseconds() > most.microseconds();
    let detail = match is_old {
        true => format!("the run ended at {at}, which is more than {most} ago"),
        false => format!("the run ended at {at}, not more than {most} ago"),
    };
    Finding::new("age", !is_old, detail)
}
