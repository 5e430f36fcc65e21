//! Events without secrets: every text in one that came from outside goes through the masker before it is kept or shown.
//!
//! Names, digests and states are the engine's own words and stay; whoever adds an event says here which it has.

use serde_json::{Map, Value};

use super::fact::Event;
use super::state::{Checked, Failure};
use crate::secret::masker::Masker;

impl Event {
    /// Takes the secrets out.
    pub fn mask(&mut self, masker: &Masker) {
        if masker.is_empty() {
            return;
        }
        match self {
            Self::RunBegin(begin) => begin.parameters.values_mut().for_each(|value| masker.clean_json(value)),
            Self::PlanRecorded(plan) => {
                let given = plan.call.iter_mut().flat_map(|call| call.parameters.values_mut());
                given.for_each(|value| masker.clean_json(value));
            }
            // A lock whose name held a secret would not have been taken: its name must stay what it is.
            Self::SecretRead(_) | Self::LockTaken(_) | Self::LockReleased(_) => {}
            Self::LockBroken(broken) => masker.clean(&mut broken.reason),
            // A signed document is kept to the byte, or its signature is worth nothing. Whoever makes one with a secret in
            // its reason has shown it already.
            Self::ApprovalGranted(_) | Self::ApprovalRejected(_) | Self::ApprovalConsumed(_) | Self::WaiverUsed(_) => {}
            Self::PreconditionResult(checked) | Self::VerifyResult(checked) => checked.mask(masker),
            Self::GuardVerdict(verdict) => optional(masker, &mut verdict.detail),
            Self::StepIntent(intent) => masker.clean_json(&mut intent.with),
            Self::StepResult(result) => {
                result.output.iter_mut().for_each(|output| masker.clean_json(output));
                result.error.iter_mut().for_each(|error| error.mask(masker));
            }
            Self::StepSkipped(skipped) => {
                masker.clean(&mut skipped.because);
                skipped.output.iter_mut().for_each(|output| masker.clean_json(output));
            }
            Self::UndoIntent(intent) => masker.clean_json(&mut intent.with),
            Self::UndoResult(result) => {
                result.output.iter_mut().for_each(|output| masker.clean_json(output));
                result.error.iter_mut().for_each(|error| error.mask(masker));
            }
            Self::ManualAsked(asked) => masker.clean(&mut asked.ask),
            Self::ManualAnswered(answered) => map(masker, &mut answered.answer),
            Self::OutcomeUnknown(unknown) => masker.clean(&mut unknown.detail),
            Self::RunSuspended(suspended) => masker.clean(&mut suspended.detail),
            Self::RunResumed(_) => {}
            Self::OutcomeResolved(resolved) => {
                optional(masker, &mut resolved.reason);
                resolved.output.iter_mut().for_each(|output| masker.clean_json(output));
            }
            Self::RunCancelled(cancelled) => masker.clean(&mut cancelled.reason),
            Self::AnchorIntent(_) => {}
            Self::AnchorReceipt(receipt) => {
                masker.clean(&mut receipt.place);
                map(masker, &mut receipt.details);
            }
            Self::AnchorFailed(failed) => masker.clean(&mut failed.detail),
            Self::GateResult(result) => result.mask(masker),
            Self::RunEnd(end) => {
                map(masker, &mut end.outputs);
                end.error.iter_mut().for_each(|error| error.mask(masker));
            }
        }
    }
}

impl Failure {
    /// Takes the secrets out.
    pub fn mask(&mut self, masker: &Masker) {
        masker.clean(&mut self.message);
    }
}

impl Checked {
    /// Takes the secrets out.
    pub fn mask(&mut self, masker: &Masker) {
        optional(masker, &mut self.title);
        optional(masker, &mut self.detail);
    }
}

fn optional(masker: &Masker, text: &mut Option<String>) {
    text.iter_mut().for_each(|text| masker.clean(text));
}

fn map(masker: &Masker, members: &mut Map<String, Value>) {
    let mut whole = Value::Object(std::mem::take(members));
    masker.clean_json(&mut whole);
    if let Value::Object(cleaned) = whole {
        *members = cleaned;
    }
}
