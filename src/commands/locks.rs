//! `locks`: who holds which named lock, and taking one away.

use engine::event::fact::{Event, Fact};
use engine::event::held::LockBroken;
use engine::execute::Keeper;
use engine::host::Probe as _;
use engine::host::machine::Machine;
use engine::id::RunId;
use engine::ledger::inbox::{Request, Wish};
use engine::ledger::locks::Holding;
use engine::past::Holder;
use engine::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use super::asking::{self, Asking};
use super::run::wait_for;
use crate::args::LocksCommand;
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup;
use crate::setup::own_ledger::{self, Records};
use crate::ui::table::table;
use crate::workspace::{self, Workspace};

/// What `locks list` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// By name.
    locks: Vec<Row>,
}

/// A lock that a run holds.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// Its name.
    lock: String,
    /// The run that holds it.
    run: RunId,
    /// What that runs.
    procedure: String,
    /// What it is doing.
    status: String,
    /// Its fencing number.
    fence: u64,
    /// Since when.
    since: Timestamp,
}

/// What `locks break` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BrokenView {
    /// The lock.
    lock: String,
    /// The run that held it.
    run: RunId,
    /// The fencing number that is no longer good.
    fence: u64,
}

pub fn run(context: &Context, command: &LocksCommand) -> Result<Exit, Refusal> {
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let machine = setup::reading_machine();
    let records = own_ledger::records(&workspace, &machine)?;
    match command {
        LocksCommand::List => list(context, records.as_ref()),
        LocksCommand::Break { lock, reason, wait } => {
            let reason = asking::reason(reason)?;
            let patience = wait_for("--wait", wait)?.as_std();
            let none = || {
                Refusal::new(Exit::Failed, "no-lock", format!("no run holds a lock `{lock}`"))
                    .help("`runwarden locks list` shows those that are held")
            };
            let held = records.as_ref().map(|records| records.reader.history().locks()).transpose()?;
            let holding = held.as_ref().and_then(|locks| locks.holding(lock)).cloned().ok_or_else(none)?;
            drop(records);
            let breaking = Breaking { lock, reason: &reason, holding: &holding };
            breaking.settle(&workspace, &machine, patience)?;
            Ok(breaking.say(context))
        }
    }
}

fn list(context: &Context, records: Option<&Records>) -> Result<Exit, Refusal> {
    let ui = &context.ui;
    let mut rows = Vec::new();
    if let Some(records) = records {
        let history = records.reader.history();
        for (lock, holding) in history.locks()?.held() {
            let of_run = history.run(&holding.run)?;
            let (procedure, status) = of_run.map(|row| (row.procedure, row.status)).unwrap_or_default();
            let Holding { run, fence, since } = holding.clone();
            rows.push(Row { lock: lock.to_owned(), run, procedure, status, fence, since });
        }
    }
    if !ui.is_human() {
        ui.json(&View { locks: rows });
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        ui.note("no run holds a lock");
        return Ok(Exit::Done);
    }
    let cells = |row: &Row| {
        vec![row.lock.clone(), row.run.to_string(), row.status.clone(), row.since.to_string(), row.procedure.clone()]
    };
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    ui.data(&table(ui.out, &["LOCK", "RUN", "STATUS", "SINCE", "PROCEDURE"], &cells));
    Ok(Exit::Done)
}

/// A lock about to be taken from a run.
struct Breaking<'a> {
    lock: &'a str,
    reason: &'a str,
    holding: &'a Holding,
}

impl Breaking<'_> {
    fn settle(&self, workspace: &Workspace, machine: &Machine, patience: std::time::Duration) -> Result<(), Refusal> {
        let (run, actor) = (self.holding.run.clone(), setup::actor());
        let wish = Wish::BreakLock { lock: self.lock.to_owned(), reason: self.reason.to_owned() };
        let request = Request { run: run.clone(), actor: actor.clone(), at: machine.now(), wish };
        let asking = Asking { workspace, machine, request: &request, patience };
        asking.settle(
            |ledger, request| {
                if ledger.locks()?.holding(self.lock) != Some(self.holding) {
                    return Ok(());
                }
                let broken = LockBroken {
                    lock: self.lock.to_owned(),
                    fence: self.holding.fence,
                    reason: self.reason.to_owned(),
                    request: request.map(str::to_owned),
                };
                let event = Event::LockBroken(broken);
                let fact = Fact { run: run.clone(), step: None, attempt: None, actor: Some(actor.clone()), event };
                Ok(Keeper::append(ledger, machine.now(), vec![fact.draft()])?)
            },
            || {
                let records = own_ledger::copy(&workspace.ledger(), machine)?;
                let is_gone = records.reader.history().locks()?.holding(self.lock) != Some(self.holding);
                Ok(is_gone.then_some(()))
            },
        )
    }

    fn say(&self, context: &Context) -> Exit {
        let (ui, run) = (&context.ui, &self.holding.run);
        if ui.is_human() {
            ui.data(&format!(
                "lock `{}` was taken from run {run}, which does nothing more before it has it again",
                self.lock
            ));
        } else {
            let (lock, fence) = (self.lock.to_owned(), self.holding.fence);
            ui.json(&BrokenView { lock, run: run.clone(), fence });
        }
        Exit::Done
    }
}

/// What somebody does who finds a lock held. The ledger is ours, so no process moves the run that holds it.
pub fn remedy(holder: &Holder) -> String {
    let run = &holder.holding.run;
    let status = holder.row.as_ref().map(|row| row.status.as_str()).unwrap_or_default();
    match status {
        "suspended" => format!(
            "`runwarden resume {run}` goes on with it, `runwarden cancel {run} --reason …` ends it; `--wait-lock 5m` waits"
        ),
        "unknown" => format!("`runwarden resume {run} --plan` says what is to be found out first"),
        "stuck" => format!(
            "`runwarden undo {run}` tries again; `runwarden locks break {} --reason …` takes the lock from it",
            holder.lock
        ),
        _ => format!("`runwarden resume {run}` goes on with it: its program is gone; `--wait-lock 5m` waits"),
    }
}
