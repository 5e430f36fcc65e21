//! The kind of entry that keeps a fact.

use super::Kind;
use super::fact::Event;

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
            Self::ApprovalGranted(_) => Kind::ApprovalGranted,
            Self::ApprovalRejected(_) => Kind::ApprovalRejected,
            Self::ApprovalConsumed(_) => Kind::ApprovalConsumed,
            Self::WaiverUsed(_) => Kind::WaiverUsed,
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
            Self::AnchorIntent(_) => Kind::AnchorIntent,
            Self::AnchorReceipt(_) => Kind::AnchorReceipt,
            Self::AnchorFailed(_) => Kind::AnchorFailed,
            Self::RunEnd(_) => Kind::RunEnd,
        }
    }
}
