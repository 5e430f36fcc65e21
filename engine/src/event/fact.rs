//! The facts of a run, typed: what the engine writes to the ledger, tells its observers and folds into a run.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::anchoring::{AnchorFailed, AnchorIntent, AnchorReceipt};
use super::held::{Called, LockBroken, LockHeld, RunCancelled};
use super::people::{ApprovalConsumed, ApprovalNoted, ManualAnswered, ManualAsked, Signed, Sought, WaiverUsed};
use super::state::{Checked, Failure, RunStatus, StepState, Verdict};
use crate::id::{Digest, Id, Name, RunId};
use crate::secret::fingerprint::Fingerprint;
use crate::time::Timestamp;

/// One fact, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "data")]
pub enum Event {
    /// A run began.
    #[serde(rename = "run.begin")]
    RunBegin(RunBegin),
    /// The plan that a run follows.
    #[serde(rename = "plan.recorded")]
    PlanRecorded(PlanRecorded),
    /// How a precondition was decided.
    #[serde(rename = "precondition.result")]
    PreconditionResult(Checked),
    /// How a check of a verify block, a `satisfied_when` or a read step's guard was decided.
    #[serde(rename = "verify.result")]
    VerifyResult(Checked),
    /// How a guard was decided.
    #[serde(rename = "guard.verdict")]
    GuardVerdict(GuardVerdict),
    /// A signed consent to a plan or step.
    #[serde(rename = "approval.granted")]
    ApprovalGranted(ApprovalNoted),
    /// A signed refusal of a plan or step.
    #[serde(rename = "approval.rejected")]
    ApprovalRejected(ApprovalNoted),
    /// A consent was spent.
    #[serde(rename = "approval.consumed")]
    ApprovalConsumed(ApprovalConsumed),
    /// A waiver let a violated guard pass.
    #[serde(rename = "waiver.used")]
    WaiverUsed(WaiverUsed),
    /// A secret was read for a use.
    #[serde(rename = "secret.read")]
    SecretRead(SecretRead),
    /// An effect is about to be tried.
    #[serde(rename = "step.intent")]
    StepIntent(StepIntent),
    /// What came of a step.
    #[serde(rename = "step.result")]
    StepResult(StepResult),
    /// A step was not needed.
    #[serde(rename = "step.skipped")]
    StepSkipped(StepSkipped),
    /// An undo is about to be tried.
    #[serde(rename = "undo.intent")]
    UndoIntent(UndoIntent),
    /// What came of an undo.
    #[serde(rename = "undo.result")]
    UndoResult(UndoResult),
    /// A person was asked.
    #[serde(rename = "manual.asked")]
    ManualAsked(ManualAsked),
    /// A person answered.
    #[serde(rename = "manual.answered")]
    ManualAnswered(ManualAnswered),
    /// An effect may or may not have happened.
    #[serde(rename = "outcome.unknown")]
    OutcomeUnknown(OutcomeUnknown),
    /// A run waits, or was stopped between two steps.
    #[serde(rename = "run.suspended")]
    RunSuspended(RunSuspended),
    /// A run that had stopped goes on, or is taken back.
    #[serde(rename = "run.resumed")]
    RunResumed(RunResumed),
    /// It was found out, or said, whether an effect happened.
    #[serde(rename = "outcome.resolved")]
    OutcomeResolved(OutcomeResolved),
    /// Somebody asked for a run to be cancelled.
    #[serde(rename = "run.cancelled")]
    RunCancelled(RunCancelled),
    /// A run holds a named lock from now on.
    #[serde(rename = "lock.taken")]
    LockTaken(LockHeld),
    /// A run gave a named lock back.
    #[serde(rename = "lock.released")]
    LockReleased(LockHeld),
    /// Somebody took a named lock from a run.
    #[serde(rename = "lock.broken")]
    LockBroken(LockBroken),
    /// A run ended.
    #[serde(rename = "run.end")]
    RunEnd(RunEnd),
    /// An anchor is about to be stored.
    #[serde(rename = "anchor.intent")]
    AnchorIntent(AnchorIntent),
    /// A store took an anchor.
    #[serde(rename = "anchor.receipt")]
    AnchorReceipt(AnchorReceipt),
    /// A store did not take an anchor.
    #[serde(rename = "anchor.failed")]
    AnchorFailed(AnchorFailed),
}

/// A run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunBegin {
    /// The procedure's name.
    pub procedure: Name,
    /// The author's version of it.
    pub version: String,
    /// Digest of its document.
    pub document: Digest,
    /// The environment.
    pub environment: String,
    /// The parameters, as accepted.
    pub parameters: IndexMap<Id, Value>,
    /// Digest of the plan it follows.
    pub plan: Digest,
    /// The id of that plan: a plan file runs once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plan_id: Option<String>,
    /// Who made the plan, where that was somebody else.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub planned_by: Option<String>,
    /// The signed document that says who runs this plan, where the actor signed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signed: Option<Signed>,
}

/// The plan that a run follows; at the step of a call, which procedure begins there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRecorded {
    /// Its digest.
    pub digest: Digest,
    /// Digest of the frozen plan, with procedure and includes, in the content store.
    pub content: Digest,
    /// Of a call: what is called, so that it counts under its own name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub call: Option<Called>,
}

/// How a guard was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardVerdict {
    /// The guard's id; of a called procedure or policy, with where it stands before a colon.
    pub guard: String,
    /// When it was asked: `plan`, `before`, `during`, `after`, `resume` or `undo`.
    pub moment: String,
    /// How it was decided.
    pub verdict: Verdict,
    /// The act it was asked about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub act: Option<String>,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// A secret was read for a use; never its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRead {
    /// Its name in the workspace, or store and key where it has none.
    pub name: String,
    /// The store, by its name in the workspace.
    pub store: String,
    /// The key in the store.
    pub key: String,
    /// Who asked: the path of a step, a check, a guard, or `plan`.
    pub by: String,
    /// `hmac:<key id>:<tag>`: equal for equal values.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fingerprint: Option<Fingerprint>,
}

/// An effect is about to be tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepIntent {
    /// The action, `manual` or `call.NAME`.
    pub action: String,
    /// `mutate` or `irreversible`.
    pub effect: String,
    /// `idempotent`, `keyed` or `once`.
    pub repeat: String,
    /// The input, as rendered.
    pub with: Value,
    /// Digest of the input.
    pub with_digest: Digest,
    /// The same for each attempt at the same thing.
    pub idempotency_key: String,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepResult {
    /// Where it stands now.
    pub state: StepState,
    /// The action it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<String>,
    /// Digest of the input.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub with_digest: Option<Digest>,
    /// Digest of what was read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Digest>,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output: Option<Value>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Failure>,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// A step was not needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepSkipped {
    /// `skipped` or `no_change`.
    pub state: StepState,
    /// Why.
    pub because: String,
    /// Of `no_change`: what is there already.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output: Option<Value>,
}

/// An undo is about to be tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoIntent {
    /// The action, `manual` or `call.NAME`.
    pub action: String,
    /// Which of several acts of an undo it is, from 0.
    #[serde(skip_serializing_if = "is_first", default)]
    pub part: u32,
    /// The input, as rendered.
    pub with: Value,
    /// Digest of the input.
    pub with_digest: Digest,
}

/// What came of an undo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoResult {
    /// `undone` or `undo_failed`, of the step that was taken back.
    pub state: StepState,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Failure>,
    /// What the undo gave.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output: Option<Value>,
}

/// An effect may or may not have happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeUnknown {
    /// Why nobody knows.
    pub detail: String,
}

/// A run waits, or was stopped between two steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSuspended {
    /// `answer`, `approval` or `interrupted`.
    pub because: String,
    /// What is needed to go on.
    pub detail: String,
    /// Of `approval`: to what, and by whom.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sought: Option<Box<Sought>>,
}

/// A run that had stopped goes on, or is taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunResumed {
    /// `resume`: the rest is done; `undo`: what was done is taken back.
    pub purpose: String,
    /// The signed document that says who does so, where the actor signed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signed: Option<Signed>,
}

/// It was found out, or said, whether an effect happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeResolved {
    /// Whether it did.
    pub happened: bool,
    /// `probe`: the action looked; `person`: somebody said so; `repeatable`: doing it again comes to the same.
    pub by: String,
    /// Why, where a person said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What it gave, where the action can tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output: Option<Value>,
}

/// A run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunEnd {
    /// How.
    pub status: RunStatus,
    /// What it gave.
    pub outputs: Map<String, Value>,
    /// What went wrong first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Failure>,
    /// Where each step stands.
    pub steps: IndexMap<String, StepState>,
    /// How many entries of this run stand before this one.
    pub entries: u64,
}

/// A fact with the run, step and attempt it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The run.
    pub run: RunId,
    /// The step's path: ids of calls and the step, joined by `/`; an item of a `for_each` as `step[key]`.
    pub step: Option<String>,
    /// The attempt, from 1.
    pub attempt: Option<u32>,
    /// Who did it.
    pub actor: Option<String>,
    /// What happened.
    pub event: Event,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_first(part: &u32) -> bool {
    *part == 0
}
