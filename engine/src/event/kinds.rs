//! Facts and the kinds of entries that keep them.

use serde_json::{Map, Value};

use super::fact::Event;
use super::{Kind, recall};

impl Event {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::RunBegin(_) => Kind::RunBegin,
            Self::PlanRecorded(_) => Kind::PlanRecorded,
            Self::PreconditionResult(_) => Kind::PreconditionResult,
            Self::VerifyResult(_) => Kind::VerifyResult,
            Self::GuardVerdict(_) => Kind::GuardVerdict,
            Self::SecretRead(_) => Kind::SecretRead,
            Self::StepIntent(_) => Kind::StepIntent,
            Self::StepResult(_) => Kind::StepResult,
            Self::StepSkipped(_) => Kind::StepSkipped,
            Self::UndoIntent(_) => Kind::UndoIntent,
            Self::UndoResult(_) => Kind::UndoResult,
            Self::ManualAsked(_) => Kind::ManualAsked,
            Self::ManualAnswered(_) => Kind::ManualAnswered,
            Self::OutcomeUnknown(_) => Kind::OutcomeUnknown,
            Self::RunSuspended(_) => Kind::RunSuspended,
            Self::RunResumed(_) => Kind::RunResumed,
            Self::OutcomeResolved(_) => Kind::OutcomeResolved,
            Self::RunCancelled(_) => Kind::RunCancelled,
            Self::LockTaken(_) => Kind::LockTaken,
            Self::LockReleased(_) => Kind::LockReleased,
            Self::LockBroken(_) => Kind::LockBroken,
            Self::RunEnd(_) => Kind::RunEnd,
        }
    }

    /// The fact that an entry of this kind and data keeps; none for kinds that no run writes.
    ///
    /// # Errors
    /// When the data is not of the kind.
    pub fn from_entry(kind: Kind, data: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        let data = recall(&Value::Object(data.clone()));
        serde_json::from_value(serde_json::json!({ "kind": kind.as_str(), "data": data }))
    }
}
