//! What can have happened: one closed set of kinds, and the facts each carries.
//!
//! Pure: an event is given its time and never asks for one. How events are kept is the ledger's affair.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::RunId;

pub mod anchoring;
pub mod fact;
pub mod held;
mod kept;
mod kinds;
pub mod masked;
pub mod people;
pub mod state;

macro_rules! kinds {
    ($($variant:ident = $text:literal: $doc:literal,)*) => {
        /// The kind of a ledger entry; the closed set of section 5 of the design.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Kind {
            $(#[doc = $doc] #[serde(rename = $text)] $variant,)*
        }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// As it is written in an entry.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$variant => $text,)*
                }
            }

            /// The kind of that spelling, if there is one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
            }
        }
    };
}

kinds! {
    LedgerGenesis = "ledger.genesis": "The first entry of a ledger: its id, origin and key.",
    WriterOpen = "writer.open": "A process became the writer.",
    WriterClose = "writer.close": "The writer left in good order.",
    RunBegin = "run.begin": "A run began: its procedure, plan digest and actor.",
    RunEnd = "run.end": "A run ended: its status, steps and outputs.",
    RunSuspended = "run.suspended": "A run waits for an approval or an answer, or was stopped between steps.",
    RunResumed = "run.resumed": "A suspended or unknown run goes on.",
    RunCancelled = "run.cancelled": "Somebody asked for a run to be cancelled.",
    PlanRecorded = "plan.recorded": "The plan that a run follows.",
    PreconditionResult = "precondition.result": "How a precondition was decided.",
    GuardVerdict = "guard.verdict": "How a guard was decided, and when.",
    ApprovalGranted = "approval.granted": "A signed consent to a plan or step.",
    ApprovalRejected = "approval.rejected": "A signed refusal of a plan or step.",
    ApprovalConsumed = "approval.consumed": "An approval was spent on this run.",
    WaiverUsed = "waiver.used": "A waiver let a violated guard pass.",
    SecretRead = "secret.read": "A secret was read for a use; its name and keyed fingerprint.",
    StepIntent = "step.intent": "An effect is about to be tried.",
    StepResult = "step.result": "What came of a step.",
    StepSkipped = "step.skipped": "A step was not needed, and why.",
    UndoIntent = "undo.intent": "An undo is about to be tried.",
    UndoResult = "undo.result": "What came of an undo.",
    VerifyResult = "verify.result": "How a check of a verify block was decided.",
    ManualAsked = "manual.asked": "A person was asked to do or answer something.",
    ManualAnswered = "manual.answered": "A person answered.",
    CheckpointMade = "checkpoint.made": "A checkpoint over the entries before this one was signed.",
    IncidentOpened = "incident.opened": "Verification failed; the engine refuses to run.",
    IncidentClosed = "incident.closed": "An incident was closed by name, with a reason.",
    GateResult = "gate.result": "A checklist was run.",
    OutcomeUnknown = "outcome.unknown": "An effect may or may not have happened.",
    OutcomeResolved = "outcome.resolved": "A probe or a person said which.",
    LockTaken = "lock.taken": "A run took named locks.",
    LockReleased = "lock.released": "A run gave its locks back.",
    LockBroken = "lock.broken": "A person took a lock from a run, with a reason.",
    AnchorIntent = "anchor.intent": "An anchor is about to be stored.",
    AnchorReceipt = "anchor.receipt": "A store took an anchor.",
    AnchorFailed = "anchor.failed": "A store did not take an anchor.",
    KeyRotated = "key.rotated": "A new ledger key, signed by the old and the new.",
    KeyRevoked = "key.revoked": "A ledger key is trusted no longer.",
    ClockStepped = "clock.stepped": "The wall clock went backwards.",
    Heartbeat = "heartbeat": "Nothing happened, on purpose.",
}

/// A fact before the ledger gave it a place: everything of an entry but `v`, `seq`, `prev` and `ts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What kind of fact.
    pub kind: Kind,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The step it is about; of a `for_each` step, `step[key]`.
    pub step: Option<String>,
    /// The attempt of the step, from 1.
    pub attempt: Option<u32>,
    /// Who did it.
    pub actor: Option<String>,
    /// The facts themselves, in the profile of [`record`].
    pub data: Map<String, Value>,
}

impl Draft {
    /// A fact of no run.
    #[must_use]
    pub fn new(kind: Kind, data: Map<String, Value>) -> Self {
        Self { kind, run: None, step: None, attempt: None, actor: None, data }
    }
}

/// The largest integer that RFC 8785 spells the same everywhere: 2^53 − 1.
pub const MAX_INTEGER: i64 = 9_007_199_254_740_991;

/// The form in which a value is recorded: a number that is no integer within ±(2^53−1) becomes `{"$number": "…"}`.
#[must_use]
pub fn record(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(integer) if (-MAX_INTEGER..=MAX_INTEGER).contains(&integer) => value.clone(),
            _ => Value::Object(Map::from_iter([(NUMBER.to_owned(), Value::String(number.to_string()))])),
        },
        Value::Array(items) => Value::Array(items.iter().map(record).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), record(member))).collect())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// The value that was recorded: the opposite of [`record`], so that expressions see numbers as numbers.
#[must_use]
pub fn recall(recorded: &Value) -> Value {
    match recorded {
        Value::Array(items) => Value::Array(items.iter().map(recall).collect()),
        Value::Object(members) => as_number(members).unwrap_or_else(|| {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), recall(member))).collect())
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => recorded.clone(),
    }
}

const NUMBER: &str = "$number";

fn as_number(members: &Map<String, Value>) -> Option<Value> {
    let text = members.get(NUMBER)?.as_str()?;
    let number = (members.len() == 1).then(|| text.parse::<serde_json::Number>().ok())?;
    number.map(Value::Number)
}
