//! What happened before a case: its rows of history, and what in them counts as tried and failed.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::situation::{Situation, instant};
use crate::action::Registry;
use crate::event::fact::{Event, Fact};
use crate::event::held::LockHeld;
use crate::frame::{Frame, Given, Place};
use crate::host::Probe;
use crate::id::{Id, RunId};
use crate::ledger::history::RunRow;
use crate::ledger::locks::Locks;
use crate::parse::raw::test::{PastError, PastRun, RunStatus};
use crate::past::{Failed, Past, TriedBefore};
use crate::plan::{Setting, base_scope, bound_secrets};
use crate::procedure::check::{Act, Check, Question};
use crate::procedure::parameter::accept_all;
use crate::procedure::step::Body;
use crate::procedure::{Procedure, Work};
use crate::question::Asking;
use crate::target;
use crate::time::{Duration, Timestamp};

/// How long ago a run began of which nothing is said.
const AN_HOUR: Duration = Duration::from_seconds(60 * 60);

/// The rows of a case, the newest first.
pub(super) fn rows(situation: &Situation) -> Vec<RunRow> {
    let row = |(at, past): (usize, &PastRun)| {
        let began = instant(past.started_at.as_ref()).unwrap_or_else(|| before(situation.now, AN_HOUR));
        let is_open = matches!(past.status, RunStatus::Suspended | RunStatus::Unknown);
        let ended = instant(past.ended_at.as_ref()).or_else(|| (!is_open).then_some(began));
        let map = |map: &Option<IndexMap<Id, Json>>| json!(map.clone().unwrap_or_default());
        RunRow {
            run: run_id(at),
            procedure: past.procedure.to_string(),
            status: word(past.status),
            started_at: began,
            ended_at: ended,
            parameters: map(&past.parameters),
            outputs: if ended.is_some() { map(&past.outputs) } else { Json::Null },
            error: past.error.as_ref().map_or(Json::Null, error_of),
            // Of the others a case does not say how far they came.
            did_nothing: matches!(past.status, RunStatus::Refused | RunStatus::Rejected),
        }
    };
    situation.history.iter().enumerate().map(row).collect()
}

/// Everything that a case says happened before.
pub(super) fn past(run: RunId, situation: &Situation, failed: Vec<TriedBefore>) -> Past {
    Past::told(run, situation.now, rows(situation), failed, locks(situation))
}

/// The locks that earlier runs hold still.
pub(super) fn locks(situation: &Situation) -> Locks {
    let mut locks = Locks::default();
    let rows = rows(situation);
    // The oldest first, as a ledger has them.
    for (past, row) in situation.history.iter().zip(&rows).rev() {
        for lock in past.locks.iter().flatten() {
            let taken = LockHeld { lock: lock.clone(), fence: locks.next_fence() };
            let draft =
                Fact { run: row.run.clone(), step: None, attempt: None, actor: None, event: Event::LockTaken(taken) };
            let draft = draft.draft();
            locks.apply(draft.kind, Some(&row.run), &draft.data, row.started_at);
        }
    }
    locks
}

/// The acts and checks that failed in earlier runs of the procedure: what `error` names, on the input that it would have
/// with the parameters of that run. A run after it that succeeded with the same parameters takes that back.
pub(super) fn failed(
    setting: &Setting,
    registry: &Registry,
    procedure: &Arc<Procedure>,
    situation: &Situation,
    probe: &dyn Probe,
) -> Vec<TriedBefore> {
    let rows = rows(situation);
    let mut found = Vec::new();
    for (at, past) in situation.history.iter().enumerate() {
        let (Some(error), true) = (&past.error, past.procedure == procedure.name) else { continue };
        let made_good = situation.history[..at].iter().any(|later| {
            later.procedure == past.procedure
                && later.status == RunStatus::Succeeded
                && later.parameters == past.parameters
        });
        let tried = act_of(procedure, error).filter(|_| !made_good);
        found.extend(tried.and_then(|act| tried_before(setting, registry, procedure, act, &rows[at], probe)));
    }
    found
}

fn tried_before(
    setting: &Setting,
    registry: &Registry,
    procedure: &Arc<Procedure>,
    act: &Act,
    row: &RunRow,
    probe: &dyn Probe,
) -> Option<TriedBefore> {
    let given = row.parameters.as_object()?.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let parameters = accept_all(&procedure.parameters, &given).ok()?;
    let known = parameters.into_iter().map(|(name, value)| (name, Given::Known(value))).collect();
    let entries = setting.workspace.targets.iter();
    let bound =
        entries.filter_map(|(name, entry)| Some((name.clone(), target::bind(name.as_str(), entry, probe).ok()?)));
    let targets: BTreeMap<Id, _> = bound.collect();
    let base = base_scope(setting, &row.run, row.started_at, probe);
    let place = Place::Root(Arc::from([]));
    let frame = Frame::new(Arc::clone(procedure), known, targets, &setting.env, &base, place);
    let frame = frame.with_secrets(bound_secrets(setting, procedure, &IndexMap::new(), probe).ok()?);
    let (custody, started_at) = (&setting.custody, row.started_at);
    let asking = Asking { registry, probe, run: row.run.clone(), started_at, custody };
    // An input that needs what earlier steps gave cannot be told from here.
    let input = asking.input(&frame, act, &frame.scope()).ok()?;
    input.with.as_ref()?;
    let failed = Failed { run: row.run.to_string(), at: row.ended_at.unwrap_or(row.started_at) };
    Some(TriedBefore { action: act.action.to_string(), with_digest: input.digest, failed })
}

/// What an error is about: the read of its check, else the action of its step.
fn act_of<'a>(procedure: &'a Procedure, error: &PastError) -> Option<&'a Act> {
    let step = error.step.as_ref().and_then(|id| procedure.find_step(id));
    let Some(check) = &error.check else {
        return match &step?.body {
            Body::Action(act) => Some(act),
            _ => None,
        };
    };
    let of_procedure: &[Check] = match &procedure.work {
        Work::Steps(work) => &work.verify,
        Work::Items(items) => items,
    };
    let checks: Vec<&Check> = match step {
        Some(step) => step.preconditions.iter().chain(&step.verify).collect(),
        None => procedure.preconditions.iter().chain(of_procedure).collect(),
    };
    match &checks.into_iter().find(|known| known.id == *check)?.question {
        Question::Expect { read, .. } => read.as_ref(),
        Question::Manual { .. } => None,
    }
}

fn before(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_microseconds(now.microseconds() - by.microseconds()).unwrap_or(now)
}

fn run_id(at: usize) -> RunId {
    RunId::from_parts(0, &[u8::try_from(at % 250).unwrap_or_default() + 1; 10])
}

fn word(status: RunStatus) -> String {
    super::compare::status_of(status).as_str().to_owned()
}

fn error_of(error: &PastError) -> Json {
    json!({
        "code": error.code, "message": error.message, "step": error.step, "check": error.check, "guard": error.guard,
        "attempt": error.attempt,
    })
}
