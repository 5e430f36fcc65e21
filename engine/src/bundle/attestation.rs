//! A run as an in-toto attestation: a statement about its procedure, its plan and the entry that ends it, with the proof
//! that this entry is in the ledger. docs/intoto.md has what each member means.
//!
//! Whoever signs it vouches for nothing that the proof does not show: it is for pipelines that read DSSE.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Bundle;
use super::facts::{ApprovalFacts, Facts, StepFacts, WaiverFacts};
use crate::event::Kind;
use crate::event::state::RunStatus;
use crate::id::{Digest, RunId};
use crate::ledger::entry;
use crate::merkle::note::Note;
use crate::merkle::read_hash;
use crate::merkle::tlog_proof::TlogProof;
use crate::time::Timestamp;

/// What an envelope says its payload is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The type of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The type of our predicate.
pub const PREDICATE_TYPE: &str = "https://github.com/runwarden/runwarden/blob/main/docs/intoto.md#run-v1";

/// A statement of in-toto, version 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What it is about: the procedure, the plan, and the entry that ends the run.
    pub subject: Vec<Subject>,
    /// [`PREDICATE_TYPE`].
    pub predicate_type: String,
    /// What it says.
    pub predicate: Predicate,
}

/// One thing that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// `procedure/NAME@VERSION`, `plan/NAME` or `run/ID`.
    pub name: String,
    /// Its digest.
    pub digest: Sha256,
}

/// A digest as in-toto writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sha256 {
    /// 64 lowercase hex digits.
    pub sha256: String,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Predicate {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub status: RunStatus,
    /// The environment.
    pub environment: String,
    /// Who began it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Each step that was touched, by its path.
    pub steps: BTreeMap<String, StepFacts>,
    /// Who consented and who refused.
    pub approvals: Vec<ApprovalFacts>,
    /// Each use of a waiver.
    pub waivers: Vec<WaiverFacts>,
    /// The versions of the engine that wrote it.
    pub engine: Vec<String>,
    /// The ledger that has it.
    pub ledger: Ledger,
}

/// The ledger, and the proof that the end of the run is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ledger {
    /// Its origin.
    pub origin: String,
    /// Its keys, `name+id+base64`, the oldest first. Compare them with one from elsewhere.
    pub keys: Vec<String>,
    /// The number of the entry that ends the run.
    pub seq: u64,
    /// The exact bytes of that entry; their SHA-256 is the subject `run/ID`.
    pub entry: String,
    /// The C2SP tlog-proof of that entry.
    pub tlog_proof: String,
}

impl Statement {
    /// The statement about the run of a bundle; none where that has no end.
    #[must_use]
    pub fn of(bundle: &Bundle) -> Option<Self> {
        let (seq, end) = bundle.entries.iter().rev().find_map(|proven| {
            let read = entry::read(proven.body.as_bytes()).ok()?;
            let is_end = read.kind == Kind::RunEnd && read.run.as_ref() == Some(&bundle.run);
            is_end.then_some((read.seq, proven))
        })?;
        let note = bundle.checkpoints.iter().find_map(|checkpoint| {
            let note = Note::parse(checkpoint.note.as_bytes()).ok()?;
            note.text().lines().nth(1).is_some_and(|size| size == end.size.to_string()).then_some(note)
        })?;
        let hashes = end.proof.iter().map(|text| read_hash(text)).collect::<Option<Vec<_>>>()?;
        let proof = TlogProof::new(seq, hashes, note).ok()?;
        let facts = &bundle.facts;
        let name = &facts.procedure;
        Some(Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![
                subject(format!("procedure/{name}@{}", facts.version), &facts.document),
                subject(format!("plan/{name}"), &facts.plan),
                subject(format!("run/{}", bundle.run), &Digest::of(end.body.as_bytes())),
            ],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: predicate(bundle, facts, seq, &end.body, &proof),
        })
    }

    /// Its bytes: RFC 8785, so that the same run has the same.
    ///
    /// # Errors
    /// When it has no such form.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json_canonicalizer::to_vec(self)
    }
}

fn predicate(bundle: &Bundle, facts: &Facts, seq: u64, body: &str, proof: &TlogProof) -> Predicate {
    Predicate {
        run: bundle.run.clone(),
        status: facts.status,
        environment: facts.environment.clone(),
        actor: facts.actor.clone(),
        started_at: facts.started_at,
        ended_at: facts.ended_at,
        steps: facts.steps.clone(),
        approvals: facts.approvals.clone(),
        waivers: facts.waivers.clone(),
        engine: facts.engine.clone(),
        ledger: Ledger {
            origin: bundle.ledger.clone(),
            keys: bundle.keys.iter().map(|key| key.vkey.clone()).collect(),
            seq,
            entry: body.to_owned(),
            tlog_proof: proof.to_string(),
        },
    }
}

fn subject(name: String, digest: &Digest) -> Subject {
    Subject { name, digest: Sha256 { sha256: digest.hex().to_owned() } }
}
