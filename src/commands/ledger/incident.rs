//! `ledger incident`: the latch, shown and closed.

use engine::host::Probe as _;
use engine::ledger::incident::{self as latch, Closing, Latch};
use engine::ledger::report::Problem;
use engine::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Place, only_own, place};
use crate::args::{Incident, IncidentCommand};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup::{self, own_ledger};
use crate::ui::count;

/// What `ledger incident` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `open`, `closed` by this command, or `none`.
    status: &'static str,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// When it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_at: Option<Timestamp>,
    /// What was wrong.
    problems: Vec<Problem>,
    /// The entry that closed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

pub fn run(context: &Context, args: &Incident) -> Result<Exit, Refusal> {
    only_own(&args.whose, "`ledger incident`")?;
    let place = place(context, &args.whose)?;
    let latch = latch::read(&place.path)?;
    match &args.command {
        None => show(context, latch),
        Some(IncidentCommand::Close { name, reason }) => close(context, &place, latch, name, reason),
    }
}

fn show(context: &Context, latch: Option<Latch>) -> Result<Exit, Refusal> {
    let exit = if latch.is_some() { Exit::Failed } else { Exit::Done };
    let view = view(latch, None);
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(&view);
        return Ok(exit);
    }
    let Some(name) = &view.name else {
        ui.data("no incident is open");
        return Ok(exit);
    };
    let when = view.opened_at.map_or("at a time it does not say".to_owned(), |at| format!("at {at}"));
    let mut lines =
        vec![format!("incident {}, opened {when}: {}", ui.out.red(name), count(view.problems.len(), "problem"))];
    for problem in &view.problems {
        let seq = problem.seq.map(|seq| format!(" at entry {seq}")).unwrap_or_default();
        lines.push(format!("  {}{seq}: {}", ui.out.red(&problem.code), problem.detail));
    }
    lines.push(format!("nothing runs until `runwarden ledger incident close {name} --reason TEXT`"));
    ui.data(&lines.join("\n"));
    Ok(exit)
}

fn close(context: &Context, place: &Place, open: Option<Latch>, name: &str, reason: &str) -> Result<Exit, Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::invalid("usage", "the reason is empty").help("say why it is in order to go on"));
    }
    let Some(workspace) = &place.own else {
        return Err(Refusal::invalid(
            "usage",
            "an incident is closed in the workspace of its ledger, which has its key",
        )
        .help("go there with `-C DIR`, and leave `--ledger` out"));
    };
    let key = own_ledger::key(workspace)?
        .ok_or_else(|| Refusal::new(Exit::Ledger, "ledger-missing", "there is no ledger"))?;
    let actor = setup::actor();
    let closing = Closing { name, reason, actor: &actor };
    let seq = latch::close(&place.path, key, setup::reading_machine().now(), closing)?;
    let ui = &context.ui;
    if ui.is_human() {
        ui.data(&format!("incident {name} closed by {actor}, entry {seq}"));
    } else {
        ui.json(&view(open, Some(seq)));
    }
    Ok(Exit::Done)
}

fn view(latch: Option<Latch>, seq: Option<u64>) -> View {
    let status = match (&latch, seq) {
        (_, Some(_)) => "closed",
        (Some(_), None) => "open",
        (None, None) => "none",
    };
    let (name, incident) = latch.map_or((None, None), |latch| (Some(latch.name), latch.incident));
    let (opened_at, problems) =
        incident.map_or((None, Vec::new()), |incident| (Some(incident.opened_at), incident.problems));
    View { status, name, opened_at, problems, seq }
}
