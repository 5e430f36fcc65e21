//! `cancel`: a run ends now, and says so only when it has.

use engine::event::state::RunStatus;
use engine::execute::cancel::{By, Cancelling, cancel};
use engine::execute::resume::{Recorded, recorded};
use engine::host::Probe as _;
use engine::id::RunId;
use engine::ledger::inbox::{Request, Wish};
use engine::ledger::reader::Reader;
use schemars::JsonSchema;
use serde::Serialize;

use super::asking::{self, Asking};
use super::run::wait_for;
use super::{Context, runs};
use crate::args::Cancel;
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup::{self, own_ledger};
use crate::workspace;

/// What `cancel` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The run.
    run: RunId,
    /// `cancelled`.
    status: RunStatus,
    /// Whether there is something that `undo` could take back.
    undo: bool,
}

/// How a run stands once it was asked to end.
enum Stands {
    Cancelled { had_effect: bool },
    Unknown(String),
    Over(RunStatus),
}

pub fn run(context: &Context, args: &Cancel) -> Result<Exit, Refusal> {
    let reason = asking::reason(&args.reason)?;
    let patience = wait_for("--wait", &args.wait)?.as_std();
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let machine = setup::reading_machine();
    let records = own_ledger::records(&workspace, &machine)?.ok_or_else(|| unknown_run(&args.run))?;
    let id = runs::find(&records.reader, &args.run)?.ok_or_else(|| unknown_run(&args.run))?;
    match stands(&read(&records.reader, &id)?) {
        Some(Stands::Cancelled { had_effect }) => return Ok(say(context, &id, had_effect)),
        Some(Stands::Unknown(step)) => return Err(stays_unknown(&id, &step)),
        Some(Stands::Over(status)) => {
            let message = format!("run {id} has ended: it is {}", status.as_str());
            return Err(Refusal::invalid("run-over", message).help(next(&id, status)));
        }
        None => {}
    }
    drop(records);
    let actor = setup::actor();
    let wish = Wish::Cancel { reason: reason.clone() };
    let request = Request { run: id.clone(), actor: actor.clone(), at: machine.now(), wish };
    let look = || -> Result<Recorded, Refusal> {
        let records = own_ledger::copy(&workspace.ledger(), &machine)?;
        read(&records.reader, &id)
    };
    let asking = Asking { workspace: &workspace, machine: &machine, request: &request, patience };
    let stands = asking.settle(
        |ledger, request| {
            let by = By { actor: &actor, reason: &reason, request: request.map(str::to_owned) };
            let found = look()?;
            let had_effect = found.run.had_effect();
            Ok(match cancel(ledger, found.run, &by, machine.now())? {
                Cancelling::Done(_) | Cancelling::Over(RunStatus::Cancelled) => Stands::Cancelled { had_effect },
                Cancelling::Unknown(step) => Stands::Unknown(step),
                Cancelling::Over(status) => Stands::Over(status),
            })
        },
        || Ok(stands(&look()?)),
    )?;
    match stands {
        Stands::Cancelled { had_effect } => Ok(say(context, &id, had_effect)),
        Stands::Unknown(step) => Err(stays_unknown(&id, &step)),
        Stands::Over(status) => {
            let message = format!("run {id} had ended before it could be cancelled: it is {}", status.as_str());
            Err(Refusal::new(Exit::Failed, "not-cancelled", message).help(next(&id, status)))
        }
    }
}

/// Nothing while it may still be moved.
fn stands(found: &Recorded) -> Option<Stands> {
    let run = &found.run;
    match run.status {
        Some(RunStatus::Cancelled) => Some(Stands::Cancelled { had_effect: run.had_effect() }),
        Some(RunStatus::Unknown) => {
            let open = run.steps().find(|(_, step)| step.is_open && !step.is_call());
            open.map(|(path, _)| Stands::Unknown(path.to_owned()))
        }
        None | Some(RunStatus::Suspended) => None,
        Some(status) => Some(Stands::Over(status)),
    }
}

fn read(reader: &Reader, id: &RunId) -> Result<Recorded, Refusal> {
    recorded(reader, id)?.ok_or_else(|| unknown_run(id.as_str()))
}

fn unknown_run(asked: &str) -> Refusal {
    Refusal::new(Exit::Failed, "unknown-run", format!("the ledger has no run `{asked}`"))
        .help("`runwarden runs` shows what there is; `last` is the newest")
}

fn stays_unknown(id: &RunId, step: &str) -> Refusal {
    let message = format!("run {id} stays unknown: nobody can tell whether step `{step}` happened");
    Refusal::new(Exit::Unknown, "unknown-outcome", message).help(format!(
        "it keeps its locks; find out, then `runwarden undo {id} --resolve {step}=happened --reason …` (or `=not_happened`)"
    ))
}

fn next(id: &RunId, status: RunStatus) -> String {
    match status {
        RunStatus::Failed | RunStatus::Stuck => format!("`runwarden undo {id}` takes back what it did"),
        _ => format!("`runwarden runs show {id}` says what it did"),
    }
}

fn say(context: &Context, id: &RunId, had_effect: bool) -> Exit {
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(&View { run: id.clone(), status: RunStatus::Cancelled, undo: had_effect });
        return Exit::Done;
    }
    let next = match had_effect {
        true => format!("what it did stays done; `runwarden undo {id}` takes it back"),
        false => "it had done nothing".to_owned(),
    };
    ui.data(&format!("run {id} cancelled\n{next}"));
    Exit::Done
}
