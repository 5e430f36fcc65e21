//! `doctor`: is the workspace ready to run? Each thing a line, with a remedy.

use std::path::Path;

use engine::action::Registry;
use engine::diagnostic::Severity;
use engine::host::Probe as _;
use engine::host::machine::Machine;
use engine::library::Library;
use engine::target;
use engine::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::exit::Exit;
use crate::files::shown;
use crate::refusal::Refusal;
use crate::setup::{self, own_ledger};
use crate::ui::{Paint, count};
use crate::workspace::{self, Workspace};

/// What `doctor` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The worst of the lines.
    status: Health,
    /// What was looked at, in order.
    checks: Vec<Line>,
}

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warning,
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    /// What.
    id: &'static str,
    /// How it is.
    status: Health,
    /// What was found.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Line {
    fn ok(id: &'static str, detail: impl Into<String>) -> Self {
        Self { id, status: Health::Ok, detail: detail.into(), help: None }
    }

    fn warning(id: &'static str, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Self { id, status: Health::Warning, detail: detail.into(), help: Some(help.into()) }
    }

    fn error(id: &'static str, refusal: Refusal) -> Self {
        Self { id, status: Health::Error, detail: refusal.message, help: refusal.help }
    }
}

pub fn run(context: &Context) -> Result<Exit, Refusal> {
    let checks = look(context);
    let status = checks.iter().map(|line| line.status).max().unwrap_or(Health::Error);
    let ui = &context.ui;
    if ui.is_human() {
        let lines: Vec<String> = checks.iter().map(|line| render(line, ui.out)).collect();
        ui.data(&lines.join("\n"));
    } else {
        ui.json(&View { status, checks });
    }
    Ok(if status == Health::Error { Exit::Failed } else { Exit::Done })
}

fn render(line: &Line, paint: Paint) -> String {
    let word = match line.status {
        Health::Ok => paint.green("ok     "),
        Health::Warning => paint.yellow("warning"),
        Health::Error => paint.red("error  "),
    };
    let help = line.help.as_ref().map(|help| format!("\n{:22}help: {help}", "")).unwrap_or_default();
    format!("{word}  {:<11}  {}{help}", line.id, line.detail)
}

fn look(context: &Context) -> Vec<Line> {
    let mut lines = Vec::new();
    let workspace = match workspace::open(context.global.workspace.as_deref()) {
        Ok(workspace) => workspace,
        Err(refusal) => return vec![Line::error("workspace", refusal), clock(setup::reading_machine().now(), None)],
    };
    lines.push(Line::ok("workspace", shown(&workspace.path)));
    let environment = workspace.environment();
    lines.push(match &environment {
        Ok(environment) => Line::ok("environment", environment.as_str()),
        Err(_) => match workspace.environment() {
            Err(refusal) => Line::error("environment", refusal),
            Ok(environment) => Line::ok("environment", environment.as_str()),
        },
    });
    let machine = match environment {
        Ok(environment) => setup::machine(&workspace, environment),
        Err(_) => setup::reading_machine(),
    };
    let (ledger, last) = ledger(&workspace, &machine);
    lines.extend(ledger);
    lines.extend(procedures(&workspace));
    lines.extend(targets(&workspace, &machine));
    lines.push(clock(machine.now(), last));
    lines
}

/// Ledger and key, and the time of the last entry.
fn ledger(workspace: &Workspace, machine: &Machine) -> (Vec<Line>, Option<Timestamp>) {
    let place = workspace.ledger();
    match own_ledger::records(workspace, machine) {
        Err(refusal) if refusal.code == "key" => (vec![Line::error("key", refusal)], None),
        Err(refusal) => (vec![Line::error("ledger", refusal)], None),
        Ok(None) => {
            let detail = format!("`{}` is not there yet", shown(&place));
            (vec![Line::warning("ledger", detail, "the first `runwarden run` makes it, with its key")], None)
        }
        Ok(Some(records)) => {
            let tail = records.reader.tail(1).ok().and_then(|tail| tail.into_iter().next());
            let size = tail.as_ref().map_or(0, |stored| stored.seq + 1);
            let last = tail.and_then(|stored| stored.entry(&place).ok()).map(|entry| entry.ts);
            let entries = count(usize::try_from(size).unwrap_or_default(), "entry").replace("entrys", "entries");
            let lines = vec![
                Line::ok("key", format!("{}, for its owner alone", shown(&workspace.key()))),
                Line::ok("ledger", format!("{}, genuine since its last checkpoint, {entries}", shown(&place))),
                writable(&place),
            ];
            (lines, last)
        }
    }
}

/// Whether the ledger's folder takes new files; the ledger itself is only touched by runs.
fn writable(ledger: &Path) -> Line {
    let folder = ledger.parent().unwrap_or(Path::new("."));
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let tried = std::fs::File::create_new(&probe).and_then(|file| file.sync_all());
    // Whatever came of it, nothing is left behind.
    let _ = std::fs::remove_file(&probe);
    match tried {
        Ok(()) => Line::ok("writable", format!("{} takes new entries", shown(folder))),
        Err(error) => Line::error(
            "writable",
            Refusal::new(Exit::Ledger, "ledger", format!("`{}` cannot be written: {error}", shown(folder)))
                .help("no run begins until the ledger can be written"),
        ),
    }
}

fn procedures(workspace: &Workspace) -> Vec<Line> {
    let library = match workspace.library() {
        Ok(library) => library,
        Err(refusal) => return vec![Line::error("procedures", refusal)],
    };
    let registry = Registry::builtin();
    let mut lines = Vec::new();
    let (mut clean, mut refused) = (0, 0);
    for name in library.list() {
        match has_errors(&library, name, &registry) {
            Ok(0) => clean += 1,
            Ok(errors) => {
                refused += 1;
                let origin = library.origin(name).map(ToString::to_string).unwrap_or_default();
                let refusal = Refusal::invalid("invalid-document", format!("`{name}` has {}", count(errors, "error")))
                    .help(format!("`runwarden check {origin}` shows them"));
                lines.push(Line::error("procedures", refusal));
            }
            Err(refusal) => {
                refused += 1;
                lines.push(Line::error("procedures", refusal));
            }
        }
    }
    for file in library.unnamed() {
        let detail = format!("`{file}` has no name of its own");
        lines.push(Line::warning("procedures", detail, "its path below the folder is its name; rename or remove it"));
    }
    if refused == 0 {
        lines.insert(0, Line::ok("procedures", format!("{} without errors", count(clean, "procedure"))));
    }
    lines
}

fn has_errors(library: &Library, name: &engine::id::Name, registry: &Registry) -> Result<usize, Refusal> {
    let (_, diagnostics) = library.check(name, registry)?;
    Ok(diagnostics.iter().filter(|found| found.severity == Severity::Error).count())
}

fn targets(workspace: &Workspace, machine: &Machine) -> Vec<Line> {
    let bound = |(name, entry): (&engine::id::Id, _)| match target::bind_within(&workspace.file, name, entry, machine) {
        Ok(target) => Line::ok("target", format!("{name}: {}", target.identity)),
        Err(error) => Line::error("target", Refusal::invalid("target", error.to_string())),
    };
    workspace.file.targets.iter().map(bound).collect()
}

fn clock(now: Timestamp, last: Option<Timestamp>) -> Line {
    match last {
        Some(last) if now < last => Line::warning(
            "clock",
            format!("it is {now}, and the ledger's last entry is of {last}"),
            "set the clock: it stands before what was written down already",
        ),
        _ => Line::ok("clock", now.to_string()),
    }
}
