//! An effect that was ended because its run is to end: what is certain of it is said, and all else is unknown.

use super::act::{Attempt, Done};
use super::{Halt, Runner};
use crate::action::{self, Action, Facts, Looking, Reconciled};
use crate::event::state::{Failure, StepState};
use crate::event::{recall, record};
use crate::procedure::check::Act;
use crate::question::Input;
use crate::time::Timestamp;

/// The actions of this family do what they do in programs alone.
const PROGRAMS: &str = "command.";

impl Runner<'_> {
    /// A program has ended with all it had started. What was on its way elsewhere may still arrive, unless the action
    /// sees that it has.
    pub(super) async fn torn_off(
        &self,
        attempt: &Attempt<'_>,
        (act, action): (&Act, &Action),
        input: &Input,
        facts: &Facts,
        started_at: Timestamp,
        halt: Halt,
    ) -> Result<Done, Halt> {
        let looking = Looking { facts, probe: self.means.host };
        if let (true, Some(with)) = (action.contract.reconcile, &input.with)
            && let Ok(Reconciled::Happened(output)) = self.promptly(action.reconcile(with, &looking)).await?
        {
            let output = Some(recall(&record(&output)));
            self.result(attempt, act, input, started_at, StepState::Succeeded, output, None)?;
            return Err(halt);
        }
        if action.name.starts_with(PROGRAMS) && self.means.host.is_quiet() {
            let failure = Failure {
                code: "cancelled".to_owned(),
                message: "it was ended with all it had started; what it had done by then stays done".to_owned(),
                step: Some(attempt.path.to_owned()),
                check: None,
                guard: None,
                attempt: Some(attempt.number),
            };
            self.result(attempt, act, input, started_at, StepState::Cancelled, None, Some(failure))?;
            self.book().flush()?;
            return Err(halt);
        }
        let path = attempt.path;
        let error = action::Error::new("interrupted", format!("step `{path}` was ended because the run is to end"));
        Err(self.unknown(attempt, &error)?)
    }
}
