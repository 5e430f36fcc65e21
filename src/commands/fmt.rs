//! `fmt`: documents are laid out as they should look. What they say, and their comments, stay.

use std::path::Path;

use engine::diagnostic::Diagnostic;
use engine::library;
use engine::parse::format::{Refused, format};
use engine::parse::yaml;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, check};
use crate::args::Fmt;
use crate::exit::Exit;
use crate::files::{self, shown};
use crate::refusal::Refusal;
use crate::ui::count;
use crate::workspace;

/// What `fmt` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `formatted`: all look as they should; `unformatted`: with `--check`, some do not.
    status: &'static str,
    /// Every document, in order.
    files: Vec<Row>,
}

/// One document.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// Its path.
    path: String,
    /// Whether it looked otherwise.
    changed: bool,
}

pub fn run(context: &Context, args: &Fmt) -> Result<Exit, Refusal> {
    let found = workspace::find(context.global.workspace.as_deref())?;
    let paths = if args.paths.is_empty() {
        check::files_of_workspace(found.as_deref())?
    } else {
        check::files_of(&args.paths)?
    };
    // All are laid out before one is written: a document that cannot be read leaves the others alone.
    let (mut laid, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        match lay_out(&path)? {
            Ok(text) => laid.push((path, text)),
            Err(diagnostics) => wrong.extend(diagnostics),
        }
    }
    if !wrong.is_empty() {
        return Err(Refusal::invalid("invalid-document", "there are documents that cannot be read; none was written")
            .diagnostics(wrong));
    }
    let mut rows = Vec::new();
    for (path, text) in &laid {
        if let (Some(text), false) = (text, args.check) {
            write(path, text)?;
        }
        rows.push(Row { path: shown(path), changed: text.is_some() });
    }
    let changed = rows.iter().filter(|row| row.changed).count();
    let is_formatted = changed == 0 || !args.check;
    report(context, &View { status: if is_formatted { "formatted" } else { "unformatted" }, files: rows }, args.check);
    Ok(if is_formatted { Exit::Done } else { Exit::Failed })
}

/// The text that a file should have; none where it has it.
fn lay_out(path: &Path) -> Result<Result<Option<String>, Vec<Diagnostic>>, Refusal> {
    let bytes = library::read_file(path).map_err(|error| Refusal::io("read", path, &error))?;
    let source = match yaml::source(&shown(path), bytes) {
        Ok(source) => source,
        Err(problem) => return Ok(Err(vec![*problem])),
    };
    match format(&source) {
        Ok(text) => Ok(Ok((text != source.text).then_some(text))),
        Err(Refused::Unread(diagnostics)) => Ok(Err(diagnostics)),
        Err(Refused::Changed) => {
            let message = format!("`{}` would be another document if it were laid out; it was left alone", shown(path));
            Err(Refusal::internal(message))
        }
    }
}

/// Writes a text in place of a file's own; what a link leads to is written, and who may read it stays.
fn write(path: &Path, text: &str) -> Result<(), Refusal> {
    let failed = |error: std::io::Error| Refusal::io("write", path, &error);
    let real = path.canonicalize().map_err(failed)?;
    let permissions = std::fs::metadata(&real).map_err(failed)?.permissions();
    files::replace(&real, text.as_bytes())?;
    std::fs::set_permissions(&real, permissions).map_err(failed)
}

fn report(context: &Context, view: &View, only_checked: bool) {
    let ui = &context.ui;
    if !ui.is_human() {
        return ui.json(view);
    }
    let changed: Vec<&str> = view.files.iter().filter(|row| row.changed).map(|row| row.path.as_str()).collect();
    if !changed.is_empty() {
        ui.data(&changed.join("\n"));
    }
    let all = count(view.files.len(), "document");
    let what = if only_checked { "would change" } else { "changed" };
    ui.note(&format!("{all}: {} {what}", changed.len()));
}
