//! Waiting for what another run has: the ledger, and named locks. Nothing is held meanwhile.

use std::path::Path;
use std::time::{Duration as StdDuration, Instant, SystemTime};

use engine::execute::holding::Busy;
use engine::host::Probe as _;
use engine::id::RunId;
use engine::ledger::Ledger;
use engine::ledger::error::Error as LedgerError;
use engine::past::Holder;
use engine::time::Duration;

use super::Doing;
use crate::commands::locks::remedy;
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup::own_ledger;

/// How often it is looked again.
const BETWEEN_LOOKS: StdDuration = StdDuration::from_millis(200);

impl Doing<'_> {
    /// Opens the ledger; where somebody else has it, waits as long as was said.
    pub(in crate::commands) async fn open_ledger(&self) -> Result<Ledger, Refusal> {
        let (workspace, machine) = (&self.session.workspace, &self.session.machine);
        let patience = self.wait.map(Duration::as_std).unwrap_or_default();
        let begun = Instant::now();
        let mut told = false;
        loop {
            let Some(key) = own_ledger::key(workspace)? else {
                return Err(Refusal::new(Exit::Ledger, "ledger-missing", "the ledger was removed just now"));
            };
            match Ledger::open(&workspace.ledger(), key, machine.now()) {
                Err(LedgerError::Busy { holder, .. }) if begun.elapsed() < patience => {
                    if !told {
                        self.context.ui.note(&format!("waiting for the ledger: {holder}"));
                        told = true;
                    }
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
                opened => return Ok(opened?),
            }
        }
    }

    /// Waits until none of these locks is held by another run, or says who holds one once patience is over.
    pub(in crate::commands) async fn wait_for_locks(
        &self,
        wanted: &[String],
        run: Option<&RunId>,
        begun: Instant,
    ) -> Result<(), Refusal> {
        let place = self.session.workspace.ledger();
        let patience = self.wait.map(Duration::as_std).unwrap_or_default();
        let mut told = false;
        let mut seen = None;
        loop {
            let now = [signature(&place), signature(&own_ledger::beside(&place, "-wal"))];
            if seen.as_ref() != Some(&now) {
                let Some(holder) = self.holder(wanted, run)? else { return Ok(()) };
                if begun.elapsed() >= patience {
                    return Err(refused(&holder));
                }
                if !told {
                    self.context.ui.note(&format!("waiting: {holder}"));
                    told = true;
                }
                seen = Some(now);
            } else if begun.elapsed() >= patience {
                // Nothing was written since: it is held as it was.
                seen = None;
                continue;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    fn holder(&self, wanted: &[String], run: Option<&RunId>) -> Result<Option<Holder>, Refusal> {
        let session = self.session;
        let asks = match run {
            Some(run) => run.clone(),
            None => session.new_run()?,
        };
        let records = own_ledger::copy(&session.workspace.ledger(), &session.machine)?;
        let past = session.past(asks, Some(records));
        past.holder(wanted).map_err(|why| Refusal::new(Exit::Ledger, "ledger", why))
    }
}

/// Enough to see that a file was written.
fn signature(path: &Path) -> Option<(u64, SystemTime)> {
    let found = path.metadata().ok()?;
    Some((found.len(), found.modified().ok()?))
}

fn refused(holder: &Holder) -> Refusal {
    Refusal::new(Exit::Busy, "lock-busy", holder.to_string()).help(format!("nothing was done; {}", remedy(holder)))
}

/// Whether a run that is about to go on would have to wait.
pub fn is_busy(ledger: &mut Ledger, wanted: &[String], run: &RunId) -> Result<Option<Busy>, Refusal> {
    let busy = ledger.locks()?.busy(wanted, run);
    Ok(busy.map(|(lock, holding)| Busy { lock: lock.to_owned(), holding: holding.clone() }))
}
