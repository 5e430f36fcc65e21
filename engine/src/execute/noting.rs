//! Approvals of a run that waits, from the inbox or from `approve`: judged, and taken note of by whoever has the ledger.

use super::consents::{event_of, rejection};
use super::{Error, Keeper, resume};
use crate::consent::document::{self, Purpose};
use crate::consent::{self, Rules, approval};
use crate::event::fact::{Event, Fact, RunEnd};
use crate::event::held::LockHeld;
use crate::event::people::Signed;
use crate::event::state::RunStatus;
use crate::event::{Draft, Kind};
use crate::id::RunId;
use crate::ledger::inbox::{self, Request, Wish};
use crate::ledger::reader::Reader;
use crate::procedure::Environment;
use crate::procedure::workspace::Workspace;
use crate::time::Timestamp;

/// Where approvals are judged: as the workspace is, at this moment.
#[derive(Clone, Copy)]
pub struct Court<'a> {
    /// Who may consent.
    pub workspace: &'a Workspace,
    /// The environment.
    pub environment: Environment,
    /// What time it is.
    pub now: Timestamp,
}

/// What lay in the inbox for a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Whether the ledger says more now than it did.
    pub is_more: bool,
    /// What is wrong with those that do not count.
    pub wrong: Vec<String>,
}

/// Takes note of the approvals of a run that lie in the inbox, before it goes on. Those that do not count are taken out
/// too: whoever sent one was told so then, or the run has gone on since.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn receive(keeper: &mut dyn Keeper, reader: &Reader, court: Court<'_>, run: &RunId) -> Result<Received, Error> {
    let Some(place) = keeper.place().map(std::path::Path::to_owned) else { return Ok(Received::default()) };
    let (mut received, mut seen) = (Received::default(), Vec::new());
    for waiting in inbox::waiting(&place)? {
        let Ok(request) = &waiting.request else { continue };
        let Some(signed) = approval_of(request).filter(|_| request.run == *run) else { continue };
        if !seen.contains(&signed) {
            match note(keeper, reader, court, run, &signed)? {
                Some(why) => received.wrong.push(why),
                None => received.is_more = true,
            }
            seen.push(signed);
        }
        inbox::take_out(&waiting)?;
    }
    Ok(received)
}

/// What a request says about consent.
pub(super) fn approval_of(request: &Request) -> Option<Signed> {
    match &request.wish {
        Wish::Approval { document, signature } => {
            Some(Signed { document: document.clone(), signature: signature.clone() })
        }
        Wish::Cancel { .. } | Wish::BreakLock { .. } => None,
    }
}

/// Takes note of one; says what is wrong with it where it does not count.
pub(super) fn note(
    keeper: &mut dyn Keeper,
    reader: &Reader,
    court: Court<'_>,
    run: &RunId,
    signed: &Signed,
) -> Result<Option<String>, Error> {
    let Court { workspace, environment, now } = court;
    match noted(reader, workspace, environment, run, signed, now) {
        Ok(drafts) if drafts.is_empty() => Ok(None),
        Ok(drafts) => keeper.append(now, drafts).map(|()| None).map_err(Error::from),
        Err(error @ (Error::Ledger(_) | Error::Entry { .. } | Error::Illegal(_))) => Err(error),
        Err(error) => Ok(Some(error.to_string())),
    }
}

/// The entries that take note of an approval of a run that waits for one: what the holder of the ledger writes for a
/// request in the inbox, and what `approve RUN` writes where nobody holds it. None where it was noted before. A run that
/// did nothing yet ends with a refusal; another ends when somebody resumes it.
///
/// # Errors
/// When the run waits for no approval, or this one does not count; nothing is to be written then.
pub fn noted(
    reader: &Reader,
    workspace: &Workspace,
    environment: Environment,
    run: &RunId,
    signed: &Signed,
    now: Timestamp,
) -> Result<Vec<Draft>, Error> {
    let not_waiting = || Error::NotWaiting { run: run.clone() };
    let mut known = resume::recorded(reader, run)?.ok_or_else(not_waiting)?.run;
    let approval: document::Approval = document::read(&signed.document)?;
    if known.consents.has(&approval.id) {
        return Ok(Vec::new());
    }
    let waits = known.status == Some(RunStatus::Suspended);
    let sought = known.consents.sought.clone().filter(|_| waits).ok_or_else(not_waiting)?;
    let rules = Rules::of(workspace, environment, now);
    let given = approval::judge(&rules, &sought, run, signed)?;
    if let (1.., spent) = reader.history().uses(Kind::ApprovalConsumed, &approval.id, Some(run))? {
        let why = spent.map_or_else(|| "elsewhere".to_owned(), |other| format!("in run {other}"));
        return Err(Error::Consent(consent::Error::Spent { what: approval::named(&given.approval), why }));
    }
    let mut facts = Vec::new();
    let fact = |step: Option<String>, event| Fact {
        run: run.clone(),
        step,
        attempt: None,
        actor: Some(approval.approver.to_string()),
        event,
    };
    let first = fact(sought.step.clone(), event_of(&given));
    known.apply(&first, now)?;
    facts.push(first);
    if given.approval.purpose == Purpose::Reject && !known.had_effect() {
        for (lock, fence) in known.locks.clone() {
            let released = fact(None, Event::LockReleased(LockHeld { lock, fence }));
            known.apply(&released, now)?;
            facts.push(released);
        }
        let end = RunEnd {
            status: RunStatus::Rejected,
            outputs: serde_json::Map::new(),
            error: Some(rejection(&given, sought.step.as_deref())),
            steps: known.steps().map(|(path, step)| (path.to_owned(), step.state)).collect(),
            entries: known.facts,
        };
        facts.push(fact(None, Event::RunEnd(end)));
    }
    Ok(facts.iter().map(Fact::draft).collect())
}
