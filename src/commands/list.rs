//! `list`: the procedures and checklists that can be named.

use engine::id::Name;
use engine::library::Library;
use engine::parse::{Library as _, Raw};
use engine::procedure::Risk;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::ui::table::table;
use crate::{shipped, workspace};

/// What `list` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// By name.
    procedures: Vec<Row>,
}

/// One procedure or checklist.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// Its name.
    name: Name,
    /// What it does, in one line; none where the document has errors.
    title: Option<String>,
    /// `procedure` or `checklist`; `invalid` where the document has errors.
    kind: &'static str,
    /// What a mistake would cost: `low`, `medium` or `high`; a checklist has none.
    risk: Option<&'static str>,
    /// Its version.
    version: Option<String>,
    /// Where it came from: a path, or `built in`.
    origin: String,
    /// There, and true, where nobody has reviewed it yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    draft: bool,
}

pub fn run(context: &Context) -> Result<Exit, Refusal> {
    let ui = &context.ui;
    let library = library(context)?;
    let rows: Vec<Row> = library.list().map(|name| row(&library, name)).collect();
    for file in library.unnamed() {
        ui.note(&format!("{}: `{file}` has no name of its own: rename it, or remove it", ui.err.yellow("warning")));
    }
    if !ui.is_human() {
        ui.json(&View { procedures: rows });
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        ui.note("there are no procedures; `runwarden new NAME` writes one");
        return Ok(Exit::Done);
    }
    let cells = |row: &Row| {
        let title = row.title.clone().unwrap_or_else(|| format!("has errors: `runwarden check {}`", row.origin));
        let risk = row.risk.unwrap_or("-").to_owned();
        let title = if row.draft { format!("(draft) {title}") } else { title };
        vec![row.name.to_string(), row.kind.to_owned(), risk, row.origin.clone(), title]
    };
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    ui.data(&table(ui.out, &["NAME", "KIND", "RISK", "FROM", "TITLE"], &cells));
    Ok(Exit::Done)
}

/// What can be named here: with a workspace its procedures too, without one what is built in.
pub fn library(context: &Context) -> Result<Library, Refusal> {
    match workspace::find(context.global.workspace.as_deref())? {
        Some(_) => workspace::open(context.global.workspace.as_deref())?.library(),
        None => Ok(Library::new(&[], &shipped::procedures())?),
    }
}

fn row(library: &Library, name: &Name) -> Row {
    let origin = library.origin(name).map(ToString::to_string).unwrap_or_default();
    let base = |kind| Row {
        name: name.clone(),
        title: None,
        kind,
        risk: None,
        version: None,
        origin: origin.clone(),
        draft: false,
    };
    if let Some(head) = library.head(name)
        && let Some(kind) = ["procedure", "checklist"].into_iter().find(|kind| *kind == head.kind)
    {
        let risk = head.risk.and_then(known_risk);
        return Row { title: Some(head.title.to_owned()), version: Some(head.version.to_owned()), risk, ..base(kind) };
    }
    match library.find(name).and_then(|opened| opened.raw.as_ref()) {
        Some(Raw::Procedure(raw)) => Row {
            title: Some(raw.title.0.clone()),
            risk: risk_of(library, name),
            version: Some(raw.version.0.clone()),
            draft: raw.draft == Some(true),
            ..base("procedure")
        },
        Some(Raw::Checklist(raw)) => Row {
            title: Some(raw.title.0.clone()),
            version: Some(raw.version.0.clone()),
            draft: raw.draft == Some(true),
            ..base("checklist")
        },
        Some(Raw::Test(_) | Raw::Workspace(_)) | None => base("invalid"),
    }
}

fn risk_of(library: &Library, name: &Name) -> Option<&'static str> {
    known_risk(library.find(name)?.tree.get("risk")?.as_str()?)
}

fn known_risk(risk: &str) -> Option<&'static str> {
    ["low", "medium", "high"].into_iter().find(|known| *known == risk)
}

/// A risk as it is written.
pub fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
}
