//! After a run: its anchor handed to the stores that policy names. How the run ended is not changed by it.

use engine::event::state::RunStatus;
use engine::execute::Ended;
use engine::execute::anchoring::Courier;
use engine::ledger::Ledger;
use engine::plan::Setting;

use super::Doing;
use crate::commands::anchor::stores::{bind, demand, guarded};
use crate::refusal::Refusal;
use crate::setup;

impl Doing<'_> {
    /// Whether the run is anchored as policy asks; none where it asks for nothing, or the run has not ended.
    pub(in crate::commands) async fn anchor(
        &self,
        ledger: &mut Ledger,
        setting: &Setting,
        ended: &Ended,
    ) -> Option<bool> {
        if matches!(ended.status, RunStatus::Suspended | RunStatus::Unknown) {
            return None;
        }
        match self.hand_over(ledger, setting, ended).await {
            Ok(anchored) => anchored,
            Err(refusal) => {
                self.warn(&refusal.message);
                Some(false)
            }
        }
    }

    async fn hand_over(&self, ledger: &mut Ledger, setting: &Setting, ended: &Ended) -> Result<Option<bool>, Refusal> {
        let (workspace, machine) = (&self.session.workspace, &self.session.machine);
        let Some(demand) = demand(workspace)? else { return Ok(None) };
        let stores = bind(workspace, machine, &demand.stores())?;
        let custody = &*setting.custody;
        let courier = Courier { host: machine, custody, guarded: guarded(workspace), actor: setup::actor() };
        for handed in courier.hand_over(ledger, &ended.run.id, &stores).await? {
            if let Err(why) = &handed.outcome {
                self.warn(&format!("store `{}` has no anchor of this run: {why}", handed.store));
            }
        }
        Ok(Some(courier.is_met(ledger, &ended.run.id, &demand)?))
    }

    fn warn(&self, what: &str) {
        let ui = &self.context.ui;
        ui.error(&format!("{}: {what}", ui.err.yellow("warning")));
    }
}
