//! Why a step, and with it the run, does not go on.

use super::Error;
use crate::event::people::Sought;
use crate::event::state::{Failure, StepState};

/// Why a step does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// Something went wrong; the step's state says how.
    Failed { failure: Box<Failure>, state: StepState, undo: bool },
    /// It waits for somebody, or was asked to stop between two steps.
    Suspended { because: &'static str, detail: String, step: Option<String>, sought: Option<Box<Sought>> },
    /// An effect may or may not have happened.
    Unknown(Box<Failure>),
    /// Somebody asked for the run to end, for this reason.
    Cancelled(String),
    /// The record cannot be kept.
    Record(Box<Error>),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Record(Box::new(error))
    }
}

impl Halt {
    pub(super) fn failed(code: &str, message: impl Into<String>, step: Option<&str>) -> Self {
        let failure = Failure {
            code: code.to_owned(),
            message: message.into(),
            step: step.map(str::to_owned),
            check: None,
            guard: None,
            attempt: None,
        };
        Self::of(failure, StepState::Failed)
    }

    pub(super) fn of(failure: Failure, state: StepState) -> Self {
        Self::Failed { failure: Box::new(failure), state, undo: false }
    }
}
