//! `docs`: a page in Markdown for each procedure, and which pages are no longer what their procedures say.

use std::path::Path;

use engine::action::Registry;
use engine::id::Name;
use engine::library::{Library, Origin};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, list};
use crate::args::Docs;
use crate::exit::Exit;
use crate::files::{self, shown};
use crate::refusal::Refusal;
use crate::setup;

mod page;

/// How every page begins, so that one whose procedure is gone is found.
const MARK: &str = "<!-- written by `runwarden docs` from ";

/// The longest page that is compared, in bytes: more than any procedure gives.
const MAX_PAGE: u64 = 64 << 20;

/// What `docs` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `written`, or with `--check` `fresh` or `stale`.
    status: &'static str,
    /// Every page, in order.
    pages: Vec<Row>,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// The procedure or checklist.
    procedure: String,
    /// The page's file; none on stdout.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// How it stands.
    state: State,
    /// The page, where it was asked for on stdout.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// How a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It was written.
    Written,
    /// It says what the procedure says.
    Fresh,
    /// It says something else.
    Stale,
    /// It is not there.
    Missing,
    /// Its procedure is not there.
    Orphaned,
}

pub fn run(context: &Context, args: &Docs) -> Result<Exit, Refusal> {
    let library = list::library(context)?;
    let mut pages = Vec::new();
    for name in names(&library, &args.names)? {
        pages.push((name.clone(), render(&library, &name)?));
    }
    let rows = match &args.output {
        None => pages.into_iter().map(|(name, text)| row(&name, None, State::Written, Some(text))).collect(),
        Some(folder) => in_folder(folder, &pages, args)?,
    };
    Ok(report(context, args, rows))
}

/// Those that were named; else all of the workspace.
fn names(library: &Library, said: &[String]) -> Result<Vec<Name>, Refusal> {
    if !said.is_empty() {
        return said.iter().map(|name| setup::procedure_name(name)).collect();
    }
    let own = |name: &&Name| library.origin(name).is_some_and(|origin| *origin != Origin::BuiltIn);
    Ok(library.list().filter(own).cloned().collect())
}

fn render(library: &Library, name: &Name) -> Result<String, Refusal> {
    let loaded = library.load(name, &Registry::builtin())?;
    match loaded.procedures.get(name) {
        Some(procedure) => Ok(format!("{MARK}{} {} -->\n\n{}", name, procedure.version, page::render(procedure))),
        None => Err(Refusal::invalid("invalid-document", format!("procedure `{name}` ({}) has errors", loaded.origin))
            .diagnostics(loaded.diagnostics)),
    }
}

fn row(name: &Name, path: Option<&Path>, state: State, text: Option<String>) -> Row {
    Row { procedure: name.to_string(), path: path.map(shown), state, text }
}

fn in_folder(folder: &Path, pages: &[(Name, String)], args: &Docs) -> Result<Vec<Row>, Refusal> {
    if !args.check {
        files::make_folder(folder)?;
    }
    let mut rows = Vec::new();
    for (name, text) in pages {
        let path = folder.join(format!("{name}.md"));
        let there = files::read_text(&path, MAX_PAGE).ok();
        let state = match there {
            Some(there) if there == *text => State::Fresh,
            Some(_) if args.check => State::Stale,
            None if args.check => State::Missing,
            _ => {
                files::replace(&path, text.as_bytes())?;
                State::Written
            }
        };
        rows.push(row(name, Some(&path), state, None));
    }
    if args.names.is_empty() {
        rows.extend(orphans(folder, pages)?);
    }
    Ok(rows)
}

/// Pages of ours whose procedures are gone. They are named and never removed.
fn orphans(folder: &Path, pages: &[(Name, String)]) -> Result<Vec<Row>, Refusal> {
    let Ok(listing) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in listing {
        let path = entry.map_err(|error| Refusal::io("list", folder, &error))?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        let known = pages.iter().any(|(name, _)| name.as_str() == stem);
        if is_page && !known && files::read_text(&path, MAX_PAGE).is_ok_and(|text| text.starts_with(MARK)) {
            found.push(Row { procedure: stem, path: Some(shown(&path)), state: State::Orphaned, text: None });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn report(context: &Context, args: &Docs, rows: Vec<Row>) -> Exit {
    let ui = &context.ui;
    let bad = |row: &&Row| matches!(row.state, State::Stale | State::Missing | State::Orphaned);
    let is_stale = args.check && rows.iter().any(|row| bad(&row));
    if !ui.is_human() {
        let status = match (args.check, is_stale) {
            (false, _) => "written",
            (true, true) => "stale",
            (true, false) => "fresh",
        };
        ui.json(&View { status, pages: rows });
    } else if args.output.is_none() {
        let texts: Vec<&str> = rows.iter().filter_map(|row| row.text.as_deref()).map(str::trim_end).collect();
        if !texts.is_empty() {
            ui.data(&texts.join("\n\n"));
        }
    } else {
        let told = rows.iter().filter(|row| row.state != State::Fresh);
        for row in told {
            let word = match row.state {
                State::Written => "wrote",
                State::Fresh => "fresh",
                State::Stale => "stale",
                State::Missing => "missing",
                State::Orphaned => "orphaned",
            };
            ui.data(&format!("{word}  {}", row.path.as_deref().unwrap_or_default()));
        }
    }
    if is_stale {
        ui.note("run `runwarden docs` with the same folder to write them; remove what is orphaned");
    }
    if is_stale { Exit::Failed } else { Exit::Done }
}
