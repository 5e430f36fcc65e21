//! `new`: a procedure to begin with, blank or as a copy.

use engine::id::Name;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, list};
use crate::args::New;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::{setup, workspace};

/// A blank procedure; `NAME` and `OWNER` are filled in.
const BLANK: &str = include_str!("new/blank.yaml");

/// What `new` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Its name.
    name: Name,
    /// Its file.
    path: String,
}

pub fn run(context: &Context, args: &New) -> Result<Exit, Refusal> {
    let name = setup::procedure_name(&args.name)?;
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let text = match &args.from {
        None => BLANK.replace("NAME", name.as_str()),
        Some(from) => {
            let from = setup::procedure_name(from)?;
            renamed(&list::library(context)?.source(&from)?.text, &from, &name)
        }
    };
    let folder = workspace.file.procedures.first().ok_or_else(|| {
        Refusal::invalid("usage", "runwarden.yaml names no folder of procedures")
            .help("write `procedures: [procedures]` into it")
    })?;
    let path = workspace.root.join(folder).join(format!("{}.yaml", name.as_str().replace('.', "/")));
    if let Some(above) = path.parent() {
        files::make_folder(above)?;
    }
    files::write_new(&path, text.as_bytes())?;
    let shown = files::shown(&path);
    let ui = &context.ui;
    if ui.is_human() {
        ui.data(&shown);
        ui.note(&format!("next: edit it, then `runwarden check {shown}` and `runwarden plan {name}`"));
    } else {
        ui.json(&View { name, path: shown });
    }
    Ok(Exit::Done)
}

/// The text with its name changed, and nothing else: comments and layout stay.
fn renamed(text: &str, from: &Name, to: &Name) -> String {
    let mut done = false;
    let line = |line: &str| {
        let names = !done
            && line.strip_prefix("name:").is_some_and(|rest| {
                let value = rest.split(" #").next().unwrap_or_default().trim();
                value.trim_matches(['\'', '"']) == from.as_str()
            });
        if names {
            done = true;
            return line.replacen(from.as_str(), to.as_str(), 1);
        }
        line.to_owned()
    };
    let mut lines: Vec<String> = text.split('\n').map(line).collect();
    if let Some(last) = lines.last_mut()
        && !last.is_empty()
    {
        last.push('\n');
    }
    lines.join("\n")
}
