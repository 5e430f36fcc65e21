//! `anchor`: what a run came to, exported to be kept elsewhere, and compared with the run later.

use std::path::Path;

use engine::host::Probe as _;
use engine::ledger::report::Finding;
use engine::target::corvusforge::anchor::{Anchor, MAX_ANCHOR};
use engine::time::Duration;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use super::ledger::{copy_corvus, lines, place};
use crate::args::{AnchorCommand, AnchorExport, AnchorVerify, Driver, Whose};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup;

pub mod foreign;
pub mod own;
pub mod stores;

/// What `anchor verify` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `ok` when every line is; else `failed`.
    status: &'static str,
    /// Every line, in a fixed order.
    findings: Vec<Finding>,
}

pub fn run(context: &Context, command: AnchorCommand) -> Result<Exit, Refusal> {
    match command {
        AnchorCommand::Export(args) => export(context, &args),
        AnchorCommand::Store(args) => match only_file(&args.whose)? {
            Driver::Corvusforge => foreign::store(context, &args),
            _ => stores::store(context, &args),
        },
        AnchorCommand::Fetch(args) => match only_file(&args.whose)? {
            Driver::Corvusforge => foreign::fetch(context, &args),
            _ => stores::fetch(context, &args),
        },
        AnchorCommand::Verify(args) => verify(context, &args),
    }
}

/// The driver, of those that stores know; a run of our own is one of the workspace's ledger.
fn only_file(whose: &Whose) -> Result<Driver, Refusal> {
    match whose.driver {
        Driver::Runwarden if whose.ledger.is_some() => {
            Err(Refusal::invalid("usage", "receipts are written to the workspace's own ledger")
                .help("leave out `--ledger`, or name another system's with `--driver`"))
        }
        driver @ (Driver::Runwarden | Driver::Corvusforge) => Ok(driver),
        driver => Err(no_anchors(driver)),
    }
}

fn export(context: &Context, args: &AnchorExport) -> Result<Exit, Refusal> {
    match args.whose.driver {
        Driver::Runwarden => own::export(context, args),
        Driver::Corvusforge => export_corvus(context, args),
        Driver::HashChain | Driver::DigestLog => export_head(context, args),
    }
}

fn no_anchors(driver: Driver) -> Refusal {
    let message = format!("`--driver {}` has no anchors of runs", driver.as_str());
    Refusal::invalid("unsupported", message)
        .help("`anchor export -o FILE` records the head of the log, `ledger verify --anchor FILE` judges by it")
}

/// Records the head of a log of lines; `-o` names the file, for it is of no run.
fn export_head(context: &Context, args: &AnchorExport) -> Result<Exit, Refusal> {
    if !args.run.said().is_empty() {
        return Err(Refusal::invalid("usage", "the head of a log is of no run").help("leave out the run"));
    }
    let place = place(context, &args.whose)?;
    let text = lines::head(&place.path, &args.whose)?.to_json();
    if let Some(path) = &args.output {
        files::write_new(path, text.as_bytes())?;
        context.ui.note(&format!("wrote {}", files::shown(path)));
    }
    if args.output.is_none() || !context.ui.is_human() {
        context.ui.raw(&text);
    }
    Ok(Exit::Done)
}

/// The run that is meant; a run's anchor cannot do without one.
fn said_run(args: &AnchorExport) -> Result<&str, Refusal> {
    match args.run.said() {
        "" => Err(Refusal::invalid("usage", "which run is not said").help("name it, or `last` of our own")),
        run => Ok(run),
    }
}

fn export_corvus(context: &Context, args: &AnchorExport) -> Result<Exit, Refusal> {
    let run = said_run(args)?;
    let place = place(context, &args.whose)?;
    let copied = copy_corvus(&place.path)?;
    let anchor = copied.ledger?.anchor(run, setup::reading_machine().now())?;
    let text = format!("{}\n", anchor.to_json_pretty());
    if let Some(folder) = &args.output {
        let path = folder.join(file_name(run)?);
        files::make_folder(folder)?;
        files::write_new(&path, text.as_bytes())?;
        context.ui.note(&format!("wrote {}", files::shown(&path)));
    }
    if context.ui.is_human() && args.output.is_some() {
        return Ok(Exit::Done);
    }
    context.ui.raw(&text);
    Ok(Exit::Done)
}

/// The file of a run's anchor; a run's id that is no plain name must not choose another folder.
fn file_name(run: &str) -> Result<String, Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if run.is_empty() || run.starts_with('.') || !run.chars().all(plain) {
        return Err(Refusal::invalid("usage", format!("run `{run}` cannot be the name of a file"))
            .help("without `-o` the anchor is printed"));
    }
    Ok(format!("{run}.json"))
}

fn verify(context: &Context, args: &AnchorVerify) -> Result<Exit, Refusal> {
    let max_age = args.max_age.as_deref().map(Duration::parse).transpose();
    let max_age = max_age.map_err(|error| Refusal::invalid("usage", format!("--max-age: {error}")))?;
    let (of, findings) = match args.whose.driver {
        Driver::Runwarden if args.from.is_some() => stores::verify(context, args, max_age)?,
        Driver::Runwarden => own::verify(context, args, max_age)?,
        Driver::Corvusforge => verify_corvus(context, args, max_age)?,
        driver @ (Driver::HashChain | Driver::DigestLog) => return Err(no_anchors(driver)),
    };
    let is_ok = !findings.is_empty() && findings.iter().all(|finding| finding.ok);
    let view = View { status: if is_ok { "ok" } else { "failed" }, findings };
    let ui = &context.ui;
    if ui.is_human() {
        let mut lines = Vec::new();
        for finding in &view.findings {
            let word = if finding.ok { ui.out.green("ok   ") } else { ui.out.red("wrong") };
            lines.push(format!("{word}  {:<10}  {}", finding.code, finding.detail));
        }
        let word = if is_ok { ui.out.green(view.status) } else { ui.out.red(view.status) };
        lines.push(format!("anchor {of}: {word}"));
        ui.data(&lines.join("\n"));
    } else {
        ui.json(&view);
    }
    Ok(if is_ok { Exit::Done } else { Exit::Failed })
}

/// Whose anchor it is, and every line.
type Judged = (String, Vec<Finding>);

/// The file that was named.
fn file(args: &AnchorVerify) -> Result<&Path, Refusal> {
    args.file.as_deref().ok_or_else(|| Refusal::invalid("usage", "which anchor is not said"))
}

fn verify_corvus(context: &Context, args: &AnchorVerify, max_age: Option<Duration>) -> Result<Judged, Refusal> {
    if args.from.is_some() || args.log_entry.is_some() {
        let message = "`--from` and `--log-entry` are of Runwarden's own ledgers";
        return Err(Refusal::invalid("unsupported", message)
            .help("the action `anchor.verify` holds a Corvusforge ledger against a store"));
    }
    let run = args.run.as_deref().ok_or_else(|| {
        Refusal::invalid("usage", "`--driver corvusforge` needs the run").help("name it with `--run ID`")
    })?;
    let place = place(context, &args.whose)?;
    let bytes = read(file(args)?, MAX_ANCHOR as u64)?;
    let copied = copy_corvus(&place.path)?;
    let ledger = copied.ledger?;
    let findings = match Anchor::parse(&bytes) {
        Ok(anchor) => {
            let now = setup::reading_machine().now();
            ledger.check_anchor(&anchor, run, args.covers_stage.as_deref(), max_age, now)?.findings
        }
        Err(error) => vec![Finding::new("format", false, error.to_string())],
    };
    Ok((format!("of run {run}"), findings))
}

fn read(path: &Path, at_most: u64) -> Result<Vec<u8>, Refusal> {
    files::read(path, at_most).map_err(|error| {
        Refusal::new(Exit::Ledger, "io", format!("the anchor `{}` cannot be read: {error}", path.display()))
    })
}
