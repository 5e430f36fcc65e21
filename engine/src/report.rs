//! What is known of a run, in one value: for whoever judges it afterwards.
//!
//! The record alone is asked: the ledger, what was frozen with the run, the signed checkpoints, and the anchors that are
//! given. No clock is: as long as the ledger stays the same, so does the report. A ledger in which something is wrong has
//! a report too, which says so. How it looks is not told here, and neither is what the command line offers next.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::event::Kind;
use crate::event::fact::Event;
use crate::event::gate::GateResult;
use crate::event::state::Failure;
use crate::id::{Digest, Id, Name, RunId};
use crate::ledger::error::Error as LedgerError;
use crate::ledger::reader::Reader;
use crate::ledger::verify::Anchors;
use crate::merkle::note::VerifierKey;
use crate::plan::Options;
use crate::procedure::{Origin, Risk};
use crate::run::IllegalEvent;
use crate::time::{Duration, Timestamp};

mod advice;
pub mod frozen;
pub mod inputs;
pub mod people;
pub mod proof;
pub mod steps;
mod story;
#[cfg(test)]
mod tests;

use frozen::Frozen;
use inputs::{Bound, Lock, SecretUse};
use people::{Consent, Signature, Waiver};
use proof::{Anchored, Proof, Record};
use steps::{Check, Guard, Step};
use story::Story;

/// The version of the form of a report.
pub const VERSION: u32 = 1;

/// What is known of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// The version of this form: 1.
    pub v: u32,
    /// The run.
    pub run: RunId,
    /// How it ended; while it has not: `running`, `suspended` or `unknown`.
    pub status: String,
    /// The same in words.
    pub meaning: String,
    /// What was run.
    pub procedure: About,
    /// The environment.
    pub environment: String,
    /// The origin of the ledger that it is in.
    pub ledger: String,
    /// The folder of the workspace; none where the ledger was read without one.
    pub workspace: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none while it has not.
    pub ended_at: Option<Timestamp>,
    /// How long that was, with all it waited.
    pub took: Option<Duration>,
    /// Who ran it.
    pub actor: Actor,
    /// The plan that it followed.
    pub plan: Planned,
    /// The version of the engine that began it.
    pub engine: Option<String>,
    /// What went wrong first; none where nothing did.
    pub error: Option<Failure>,
    /// The advice of the procedure for what went wrong.
    pub advice: Option<Advice>,
    /// What an operator does next, as the command line offers it.
    pub next: Option<String>,
    /// What it was given.
    pub parameters: IndexMap<Id, Json>,
    /// What it acted on.
    pub targets: Vec<Bound>,
    /// The secrets that were read, by name and fingerprint.
    pub secrets: Vec<SecretUse>,
    /// What had to be so before anything began.
    pub preconditions: Vec<Check>,
    /// What must not be, and each time that it was asked.
    pub guards: Vec<Guard>,
    /// The steps in the order of the plan, those that were not begun too.
    pub steps: Vec<Step>,
    /// The checks of the procedure as a whole; of a checklist its items.
    pub checks: Vec<Check>,
    /// What came of a checklist.
    pub gate: Option<GateResult>,
    /// What it gave.
    pub outputs: Map<String, Json>,
    /// Consents and refusals, in order.
    pub consents: Vec<Consent>,
    /// Each use of a waiver.
    pub waivers: Vec<Waiver>,
    /// The named locks that it had.
    pub locks: Vec<Lock>,
    /// Where its anchor is, and where it should be and is not.
    pub anchors: Vec<Anchored>,
    /// Everything that was written down about it, in order.
    pub entries: Vec<Entry>,
    /// What verifying the ledger came to.
    pub record: Record,
    /// That its begin and its end are in the ledger.
    pub proofs: Vec<Proof>,
    /// What could not be told, and why.
    pub missing: Vec<String>,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct About {
    /// Its name.
    pub name: Name,
    /// The author's version of it.
    pub version: String,
    /// Digest of its document.
    pub document: Digest,
    /// `procedure` or `checklist`.
    pub kind: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// What it is for.
    pub summary: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How much harm it can do.
    pub risk: Option<Risk>,
    /// The prose it was made from.
    pub source: Option<Origin>,
}

/// Who ran it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Actor {
    /// The name on record.
    pub name: Option<String>,
    /// Whether that is signed for.
    pub signature: Signature,
    /// The fingerprint of the key that signed.
    pub key: Option<String>,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
}

/// The plan that a run followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Planned {
    /// Its digest.
    pub digest: Digest,
    /// Its id.
    pub id: Option<String>,
    /// Who made it, where that was somebody else than who ran it.
    pub made_by: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// What it was made with.
    pub options: Option<Options>,
}

/// Advice for one way of failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Advice {
    /// What happened.
    pub title: String,
    /// What to do.
    pub text: String,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Entry {
    /// Its place, which is also its leaf.
    pub seq: u64,
    /// When it was written.
    pub ts: Timestamp,
    /// What kind of fact.
    pub kind: Kind,
    /// The step it is about.
    pub step: Option<String>,
    /// The attempt of the step, from 1.
    pub attempt: Option<u32>,
    /// Who did it.
    pub actor: Option<String>,
    /// The facts.
    pub data: Json,
    /// SHA-256(0x00 ‖ entry), in base64.
    pub leaf_hash: String,
}

/// What a report is asked for with.
pub struct Asked<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The keys that may sign for the ledger; none leaves it to what the ledger says of itself.
    pub keys: &'a [VerifierKey],
    /// Anchors from elsewhere.
    pub anchors: &'a Anchors,
    /// The stores that should have its anchor.
    pub stores: &'a [Id],
    /// The folder of the workspace.
    pub workspace: Option<String>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An entry of the run does not say what its kind says.
    #[error("entry {seq} cannot be understood: {why}")]
    Entry {
        /// Its number.
        seq: u64,
        /// Why.
        why: String,
    },
    /// The entries of the run do not follow each other.
    #[error("entry {seq} cannot stand where it is: {source}")]
    Illegal {
        /// Its number.
        seq: u64,
        /// Why.
        source: IllegalEvent,
    },
}

/// What is known of a run; none where the ledger has no such run.
///
/// # Errors
/// When its entries cannot be read, or do not make up a run.
pub fn of(reader: &Reader, asked: &Asked<'_>) -> Result<Option<Report>, Error> {
    let Some(row) = reader.history().run(asked.run)? else { return Ok(None) };
    let Story { run, facts, entries } = Story::read(reader, asked.run)?;
    let Some((begin, told)) = facts.iter().find_map(|told| match &told.fact.event {
        Event::RunBegin(begin) => Some((begin, told)),
        _ => None,
    }) else {
        return Ok(None);
    };
    let mut missing = Vec::new();
    let frozen = Frozen::read(reader, &run, &begin.procedure, &mut missing);
    let error = run.error.clone().or_else(|| story::waits_for(&run, &facts));
    let outputs = facts.iter().rev().find_map(|told| match &told.fact.event {
        Event::RunEnd(end) => Some(end.outputs.clone()),
        _ => None,
    });
    let gate = facts.iter().rev().find_map(|told| match &told.fact.event {
        Event::GateResult(result) => Some(result.clone()),
        _ => None,
    });
    let view = frozen.plan.as_ref();
    let report = Report {
        v: VERSION,
        run: asked.run.clone(),
        meaning: meaning(&row.status).to_owned(),
        status: row.status,
        procedure: frozen.about(begin),
        environment: begin.environment.clone(),
        ledger: reader.keys()?.spans().first().map(|span| span.key.name().to_owned()).unwrap_or_default(),
        workspace: asked.workspace.clone(),
        started_at: row.started_at,
        ended_at: row.ended_at,
        took: row.ended_at.map(|ended| ended.since(row.started_at)),
        actor: people::actor(told.fact.actor.clone(), begin.signed.as_ref()),
        plan: Planned {
            digest: begin.plan.clone(),
            id: begin.plan_id.clone(),
            made_by: begin.planned_by.clone(),
            created_at: view.map(|view| view.created_at),
            options: view.map(|view| view.options),
        },
        engine: story::writer(reader, told.seq)?,
        advice: error
            .as_ref()
            .and_then(|error| advice::of(&frozen, &run, (begin, facts.as_slice()), error, &mut missing)),
        error,
        next: None,
        parameters: begin.parameters.clone(),
        targets: inputs::targets(view),
        secrets: inputs::secrets(view, &facts),
        preconditions: steps::preconditions(&frozen, &run, &facts),
        guards: steps::guards(view, &facts),
        steps: steps::steps(&frozen, &run, &facts),
        checks: steps::checks(&frozen, &run, &facts),
        gate,
        outputs: outputs.unwrap_or_default(),
        consents: people::consents(&facts),
        waivers: people::waivers(&facts),
        locks: inputs::locks(&facts),
        anchors: proof::anchors(reader, asked)?,
        record: proof::record(reader, asked)?,
        proofs: proof::proofs(reader, asked, &entries, &mut missing)?,
        entries,
        missing,
    };
    Ok(Some(report))
}

/// How a run ended or stands, in words.
fn meaning(status: &str) -> &'static str {
    match status {
        "succeeded" => "Everything was done, and every required check passed.",
        "refused" => "A precondition, guard or limit said no before anything was done.",
        "rejected" => "Somebody who was asked for consent refused.",
        "failed" => "Something went wrong. What was done before stays done.",
        "undone" => "Something went wrong, and everything that was done was taken back.",
        "stuck" => "Something went wrong, and not all that was done could be taken back.",
        "cancelled" => "It was stopped on request. What was done before stays done.",
        "unknown" => "An effect may or may not have happened, and nobody has found out yet.",
        "suspended" => "It has not ended: it waits for a consent or an answer, or was stopped between two steps.",
        _ => "It has not ended, and the record does not say that it waits.",
    }
}
