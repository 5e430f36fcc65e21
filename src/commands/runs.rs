//! `runs`: what the ledger says of earlier runs.

use engine::event::Kind;
use engine::id::RunId;
use engine::ledger::history::{Query, RunRow};
use engine::ledger::reader::{Filter, Reader};
use engine::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::Context;
use crate::args::{Runs, RunsCommand};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup;
use crate::setup::own_ledger::{self, Records};
use crate::ui::table::{pairs, table};
use crate::ui::{Paint, inline};
use crate::workspace;

pub mod bundle;
pub mod report;
mod story;

/// What `runs` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The newest first.
    runs: Vec<Row>,
}

/// One run.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// Its id.
    run: RunId,
    /// What was run.
    procedure: String,
    /// How it ended; while it has not: `running`, `suspended` or `unknown`.
    status: String,
    /// When it began.
    started_at: Timestamp,
    /// When it ended; none while it has not.
    ended_at: Option<Timestamp>,
}

/// What `runs show` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordView {
    /// Its id.
    run: RunId,
    /// What was run.
    procedure: String,
    /// How it ended; while it has not: `running`, `suspended` or `unknown`.
    status: String,
    /// When it began.
    started_at: Timestamp,
    /// When it ended; none while it has not.
    ended_at: Option<Timestamp>,
    /// What it was given.
    parameters: Json,
    /// What it gave; none before its end.
    outputs: Json,
    /// What went wrong; none where nothing did.
    error: Json,
    /// Everything that was written down, in order.
    entries: Vec<EntryView>,
}

/// One entry of a run.
#[derive(Debug, Serialize, JsonSchema)]
struct EntryView {
    /// Its place in the ledger.
    seq: u64,
    /// When.
    ts: Timestamp,
    /// What kind of fact.
    kind: Kind,
    /// The step it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    /// The attempt, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// The facts.
    data: Json,
}

pub fn run(context: &Context, args: &Runs) -> Result<Exit, Refusal> {
    match &args.command {
        Some(RunsCommand::Report(args)) => return report::run(context, args),
        Some(RunsCommand::Bundle(args)) => return bundle::run(context, args),
        None | Some(RunsCommand::Show { .. }) => {}
    }
    let records = records(context)?;
    match &args.command {
        Some(RunsCommand::Show { run }) => show(context, run, records.as_ref()),
        _ => list(context, args, records.as_ref()),
    }
}

/// The workspace's ledger, copied and verified from its last checkpoint on.
fn records(context: &Context) -> Result<Option<Records>, Refusal> {
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    own_ledger::records(&workspace, &setup::reading_machine())
}

fn list(context: &Context, args: &Runs, records: Option<&Records>) -> Result<Exit, Refusal> {
    let ui = &context.ui;
    let query = Query { pattern: args.procedure.as_deref(), status: args.status.as_deref(), ..Query::default() };
    let mut rows = match records {
        Some(records) => records.reader.history().runs(&query)?,
        None => Vec::new(),
    };
    rows.truncate(args.limit.unwrap_or(usize::MAX));
    if !ui.is_human() {
        let row = |row: RunRow| Row {
            run: row.run,
            procedure: row.procedure,
            status: row.status,
            started_at: row.started_at,
            ended_at: row.ended_at,
        };
        ui.json(&View { runs: rows.into_iter().map(row).collect() });
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        ui.note("there are no such runs");
        return Ok(Exit::Done);
    }
    let cells = |row: &RunRow| {
        let took = row.ended_at.map(|ended| rounded(ended.since(row.started_at))).unwrap_or_default();
        vec![row.run.to_string(), status(&row.status, ui.out), row.started_at.to_string(), took, row.procedure.clone()]
    };
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    ui.data(&table(ui.out, &["RUN", "STATUS", "STARTED", "TOOK", "PROCEDURE"], &cells));
    Ok(Exit::Done)
}

/// How long something took, for people.
fn rounded(took: engine::time::Duration) -> String {
    let millis = took.microseconds() / 1000;
    match millis {
        ..10_000 => engine::time::Duration::from_millis(millis).to_string(),
        _ => engine::time::Duration::from_seconds(millis / 1000).to_string(),
    }
}

fn status(word: &str, paint: Paint) -> String {
    match word {
        "succeeded" => paint.green(word),
        "running" | "suspended" => paint.yellow(word),
        _ => paint.red(word),
    }
}

fn show(context: &Context, asked: &str, records: Option<&Records>) -> Result<Exit, Refusal> {
    let unknown = || no_run(asked);
    let reader = &records.ok_or_else(unknown)?.reader;
    let run = find(reader, asked)?.ok_or_else(unknown)?;
    let row = reader.history().run(&run)?.ok_or_else(unknown)?;
    let entries = entries(reader, &run)?;
    let ui = &context.ui;
    if ui.is_human() {
        ui.data(&render(&row, &entries, ui.out));
        return Ok(Exit::Done);
    }
    ui.json(&RecordView {
        run: row.run,
        procedure: row.procedure,
        status: row.status,
        started_at: row.started_at,
        ended_at: row.ended_at,
        parameters: row.parameters,
        outputs: row.outputs,
        error: row.error,
        entries,
    });
    Ok(Exit::Done)
}

fn no_run(asked: &str) -> Refusal {
    Refusal::new(Exit::Failed, "unknown-run", format!("the ledger has no run `{asked}`"))
        .help("`runwarden runs` shows what there is; `last` is the newest")
}

/// The run that is meant: its whole id, a beginning that no other has, or `last`.
pub fn find(reader: &Reader, asked: &str) -> Result<Option<RunId>, Refusal> {
    let runs: Vec<RunId> = reader.history().runs(&Query::default())?.into_iter().map(|row| row.run).collect();
    if asked == "last" {
        return Ok(runs.into_iter().next());
    }
    let mut fitting = runs.into_iter().filter(|run| !asked.is_empty() && run.as_str().starts_with(asked));
    match (fitting.next(), fitting.next()) {
        (Some(one), Some(other)) => {
            let message = format!("`{asked}` begins several runs, {one} and {other} among them");
            Err(Refusal::new(Exit::Failed, "ambiguous-run", message).help("give more of the id"))
        }
        (found, _) => Ok(found),
    }
}

fn entries(reader: &Reader, run: &RunId) -> Result<Vec<EntryView>, Refusal> {
    let content = reader.content();
    let mut found = Vec::new();
    reader.each(&Filter { run: Some(run), ..Filter::default() }, |stored| {
        let entry = stored.entry(reader.path())?;
        found.push(EntryView {
            seq: entry.seq,
            ts: entry.ts,
            kind: entry.kind,
            step: entry.step,
            attempt: entry.attempt,
            actor: entry.actor,
            data: engine::event::recall(&content.unfit(&Json::Object(entry.data))?),
        });
        Ok::<(), Refusal>(())
    })?;
    Ok(found)
}

fn render(row: &RunRow, entries: &[EntryView], paint: Paint) -> String {
    let mut rows = vec![
        ("procedure".to_owned(), row.procedure.clone()),
        ("status".to_owned(), status(&row.status, paint)),
        ("started".to_owned(), row.started_at.to_string()),
    ];
    rows.extend(row.ended_at.map(|ended| ("ended".to_owned(), ended.to_string())));
    rows.extend(entries.first().and_then(|entry| Some(("by".to_owned(), entry.actor.clone()?))));
    let mut sections = vec![format!("run {}\n{}", paint.bold(row.run.as_str()), pairs("  ", &rows))];
    for (heading, value) in [("parameters", &row.parameters), ("outputs", &row.outputs)] {
        let members: Vec<(String, String)> =
            value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), inline(value))).collect();
        if !members.is_empty() {
            sections.push(format!("{}\n{}", paint.bold(heading), pairs("  ", &members)));
        }
    }
    let told: Vec<String> = entries.iter().map(|entry| story::line(entry, paint)).collect();
    sections.push(format!("{}\n{}", paint.bold("what happened"), told.join("\n")));
    if let Some(message) = row.error.get("message").and_then(Json::as_str) {
        sections.push(format!("{}\n  {message}", paint.bold("what went wrong")));
    }
    let is_gate = entries.iter().any(|entry| entry.kind == Kind::GateResult);
    let next = story::next(row, entries).filter(|_| !is_gate);
    sections.extend(next.map(|next| format!("{}\n  {next}", paint.bold("what next"))));
    sections.join("\n\n")
}
