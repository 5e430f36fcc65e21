//! A case that ends its run from outside.

use super::memory::{Memory, Notebook};
use super::nowhere::Nowhere;
use super::{Ending, Found, Stage, folded};
use crate::event::state::RunStatus;
use crate::execute::Observer as _;
use crate::execute::cancel::{By, Cancelling, cancel};
use crate::host::Probe as _;
use crate::run::Run;

impl Stage<'_> {
    /// `cancel` of a run that nobody moves any more.
    pub(super) fn cancelled(
        &self,
        begun: Run,
        host: &Nowhere,
        notebook: &Notebook,
        memory: &mut Memory,
    ) -> Result<Found, String> {
        let run = begun.id.clone();
        let by = By { actor: &self.situation.actor, reason: "the case says so", request: None };
        match cancel(memory, begun, &by, host.now()).map_err(|error| error.to_string())? {
            Cancelling::Done(facts) => facts.iter().for_each(|fact| notebook.saw(fact)),
            Cancelling::Unknown(_) => return Ok(self.crashed(&run, host, notebook)),
            Cancelling::Over(status) => {
                return Err(format!("`then: cancel`: the run is over, it {}", status.as_str()));
            }
        }
        let run = folded(&run, host, notebook);
        let failure = run.error.clone();
        Ok(Found {
            status: RunStatus::Cancelled,
            exit: (self.rehearsal.exit)(Ending::Run(RunStatus::Cancelled, failure.as_ref())),
            failure,
            advice: None,
            outputs: serde_json::Map::new(),
            run: Some(run),
            facts: notebook.facts(),
        })
    }
}
