//! Ending a run that nobody moves, on request: only where its end is certain.

use serde_json::Map;

use super::{Error, Keeper};
use crate::event::fact::{Event, Fact, RunEnd};
use crate::event::held::{LockHeld, RunCancelled};
use crate::event::state::{Failure, RunStatus};
use crate::run::Run;
use crate::time::Timestamp;

/// Who wants a run to end, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By<'a> {
    /// Who says it asks.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The request in an inbox that says so.
    pub request: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancelling {
    /// It has ended: `cancelled`, by these facts.
    Done(Vec<Fact>),
    /// The effect of this step may have happened, so it stays `unknown` and keeps its locks.
    Unknown(String),
    /// It had ended before.
    Over(RunStatus),
}

/// Ends a run that no process moves. The caller has the ledger, and `run` is what it says.
///
/// # Errors
/// When the record cannot be kept.
pub fn cancel(ledger: &mut dyn Keeper, mut run: Run, by: &By<'_>, now: Timestamp) -> Result<Cancelling, Error> {
    match run.status {
        None | Some(RunStatus::Suspended | RunStatus::Unknown) => {}
        Some(over) => return Ok(Cancelling::Over(over)),
    }
    if let Some((path, _)) = run.steps().find(|(_, step)| step.is_open && !step.is_call()) {
        return Ok(Cancelling::Unknown(path.to_owned()));
    }
    if by.request.as_ref().is_some_and(|request| run.answered.contains(request)) {
        // Asked before, and gone on with since.
        return Ok(Cancelling::Over(run.status.unwrap_or(RunStatus::Suspended)));
    }
    let mut facts = Vec::new();
    let mut note = |run: &mut Run, event: Event| -> Result<(), Error> {
        let actor = Some(by.actor.to_owned());
        let fact = Fact { run: run.id.clone(), step: None, attempt: None, actor, event };
        run.apply(&fact, now)?;
        facts.push(fact);
        Ok(())
    };
    if run.cancelled.is_none() {
        let cancelled = RunCancelled { reason: by.reason.to_owned(), request: by.request.clone() };
        note(&mut run, Event::RunCancelled(cancelled))?;
    }
    for (lock, fence) in run.locks.clone() {
        note(&mut run, Event::LockReleased(LockHeld { lock, fence }))?;
    }
    let end = end_of(&run, by.reason);
    note(&mut run, Event::RunEnd(end))?;
    ledger.append(now, facts.iter().map(Fact::draft).collect())?;
    ledger.checkpoint()?;
    Ok(Cancelling::Done(facts))
}

fn end_of(run: &Run, reason: &str) -> RunEnd {
    RunEnd {
        status: RunStatus::Cancelled,
        outputs: Map::new(),
        error: Some(failure(reason)),
        steps: run.steps().map(|(path, step)| (path.to_owned(), step.state)).collect(),
        entries: run.facts,
    }
}

/// What a cancelled run failed with.
pub(super) fn failure(reason: &str) -> Failure {
    Failure {
        code: "cancelled".to_owned(),
        message: format!("it was cancelled: {reason}"),
        step: None,
        check: None,
        guard: None,
        attempt: None,
    }
}
