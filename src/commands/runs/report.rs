//! `runs report`: what is known of a run, for those who judge it: one model of the engine, shown in three forms.
//!
//! Unlike `runs show` it does not stop at a ledger in which something is wrong: the report says so, and so does the exit
//! code.

use std::path::Path;

use engine::event::Kind;
use engine::ledger::cosigned;
use engine::ledger::reader::Reader;
use engine::ledger::verify::Anchors;
use engine::report::{Asked, Error, Report, of};

use super::{EntryView, bundle, entries, find, no_run, story};
use crate::args::{Form, Format, Report as Args, ReportFormat};
use crate::commands::anchor::stores::demand;
use crate::commands::ledger::verify::anchors::gather;
use crate::commands::{Context, ledger};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup::witnesses::asked_for;
use crate::workspace::{self, Workspace};

mod cells;
mod consents;
mod html;
mod markdown;
mod page;
mod proofs;
mod steps;

pub fn run(context: &Context, args: &Args) -> Result<Exit, Refusal> {
    let format = form(context, args);
    if format == ReportFormat::Intoto {
        return bundle::attest(context, args);
    }
    if args.signing_key.is_some() {
        return Err(Refusal::invalid("usage", "`--signing-key` signs an attestation: `--format intoto`"));
    }
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    if !workspace.ledger().exists() {
        return Err(no_run(&args.run));
    }
    let keys = ledger::keys(context, &args.keys, Some(&workspace))?;
    let copied = ledger::copy(&workspace.ledger())?;
    let reader = &copied.reader;
    let run = find(reader, &args.run)?.ok_or_else(|| no_run(&args.run))?;
    let anchors = anchors(context, args, &workspace, reader)?;
    let stores = demand(&workspace)?.map(|demand| demand.stores()).unwrap_or_default();
    let root = Some(workspace.root.display().to_string());
    let asked = Asked { run: &run, keys: &keys, anchors: &anchors, stores: &stores, workspace: root };
    let mut report = of(reader, &asked)?.ok_or_else(|| no_run(&args.run))?;
    let told = entries(reader, &run)?;
    report.next = next(reader, &report, &told)?;
    let text = render(context, format, &report, &told)?;
    match &args.output {
        Some(path) => {
            files::replace(path, text.as_bytes())?;
            context.ui.note(&format!("wrote {}", files::shown(path)));
        }
        None => context.ui.raw(&text),
    }
    Ok(exit(context, &report))
}

/// What the ledger is held against: what is given, and its checkpoints that enough witnesses cosigned.
fn anchors(context: &Context, args: &Args, workspace: &Workspace, reader: &Reader) -> Result<Anchors, Refusal> {
    let mut anchors = gather(context, &args.anchors, &args.anchor_folders, reader)?;
    let witnesses: Vec<_> = workspace.file.ledger.witnesses.values().map(|witness| witness.key.clone()).collect();
    let at_least = asked_for(workspace, workspace.environment()?).max(1);
    anchors.given.extend(cosigned::as_anchors(&reader.checkpoints()?, &witnesses, at_least));
    Ok(anchors)
}

/// What an operator does about it; a gate is asked anew.
fn next(reader: &Reader, report: &Report, told: &[EntryView]) -> Result<Option<String>, Refusal> {
    let is_gate = told.iter().any(|entry| entry.kind == Kind::GateResult);
    let row = reader.history().run(&report.run)?.filter(|_| !is_gate);
    Ok(row.and_then(|row| story::next(&row, told)))
}

/// The form that was asked for, or that the file's name asks for.
fn form(context: &Context, args: &Args) -> ReportFormat {
    match (context.global.format, &args.output) {
        (Form::Report(format), _) => format,
        (Form::Data(Format::Json | Format::Ndjson), _) => ReportFormat::Json,
        (Form::Data(Format::Human), Some(path)) => of_name(path),
        (Form::Data(Format::Human), None) => ReportFormat::Markdown,
    }
}

fn render(context: &Context, format: ReportFormat, report: &Report, told: &[EntryView]) -> Result<String, Refusal> {
    let page = || page::of(report, told);
    match format {
        ReportFormat::Html => html::render(&page()),
        ReportFormat::Markdown => Ok(markdown::render(&page())),
        ReportFormat::Json | ReportFormat::Intoto => {
            let text = match context.global.format {
                Form::Data(Format::Ndjson) => serde_json::to_string(report),
                _ => serde_json::to_string_pretty(report),
            };
            text.map(|text| text + "\n").map_err(Refusal::internal)
        }
    }
}

/// The form that a file's name asks for.
fn of_name(path: &Path) -> ReportFormat {
    match path.extension().and_then(std::ffi::OsStr::to_str) {
        Some("html" | "htm") => ReportFormat::Html,
        Some("json") => ReportFormat::Json,
        _ => ReportFormat::Markdown,
    }
}

fn exit(context: &Context, report: &Report) -> Exit {
    let status = report.record.status;
    if status.is_sound() {
        return Exit::Done;
    }
    let ui = &context.ui;
    let why = report.record.problems.first().map(|problem| format!(": {}", problem.detail)).unwrap_or_default();
    ui.error(&format!("{}: the ledger is {}{why}", ui.err.red("error"), status.as_str()));
    ui.error("the report says so; `runwarden ledger verify` says all of it");
    Exit::Ledger
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Ledger(error) => error.into(),
            error => Self::new(Exit::Ledger, "bad-entry", error.to_string()),
        }
    }
}
