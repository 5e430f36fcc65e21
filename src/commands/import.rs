//! `import`: a runbook in Markdown as drafts. What became of each heading is said on stderr, so that nothing is lost
//! unseen; what was made stands in files, or on stdout where it is one.

use std::path::{Path, PathBuf};

use engine::id::Name;
use engine::import::{Draft, Error, Fate, Imported, MAX_TEXT, Request, import, name_of};
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::args::Import;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup;
use crate::ui::table::table;

/// What `import` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// What was made.
    drafts: Vec<DraftView>,
    /// What became of each heading of the source.
    headings: Vec<HeadingView>,
    /// How many characters that are not shown were written out as `[U+200B]`.
    hidden: usize,
}

/// One draft.
#[derive(Debug, Serialize, JsonSchema)]
struct DraftView {
    /// Its name.
    name: Name,
    /// `procedure` or `checklist`.
    kind: &'static str,
    /// Its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The document, where it was written to no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Its steps, or the items of a checklist.
    steps: usize,
    /// Of the steps, those that run a program.
    commands: usize,
    /// Its checks.
    checks: usize,
    /// Its prohibitions.
    guards: usize,
    /// Its parameters.
    parameters: usize,
    /// Its failure modes.
    failure_modes: usize,
    /// What was kept as comments.
    notes: usize,
    /// What is still to be decided.
    to_dos: usize,
}

/// What became of one heading.
#[derive(Debug, Serialize, JsonSchema)]
struct HeadingView {
    /// Its line in the source.
    line: u32,
    /// Its words.
    heading: String,
    /// `imported`, `kept` (as comments), `left out`, or `empty` (nothing stands under it).
    fate: &'static str,
    /// The draft that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    draft: Option<Name>,
}

pub fn run(context: &Context, args: &Import) -> Result<Exit, Refusal> {
    let bytes = files::read(&args.file, MAX_TEXT as u64).map_err(|error| Refusal::io("read", &args.file, &error))?;
    let document = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = match &args.name {
        Some(name) => setup::procedure_name(name)?,
        None => named_by(args),
    };
    let request = Request { document: &document, name, section: args.section.as_deref() };
    let imported = import(&bytes, &request).map_err(|error| refused(&args.file, error))?;
    let paths = paths(args, &imported)?;
    if let Some(taken) = paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        let message = format!("`{}` is there already, and is not overwritten", taken.display());
        return Err(Refusal::invalid("exists", message));
    }
    for (path, draft) in paths.iter().zip(&imported.drafts) {
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            files::make_folder(above)?;
        }
        files::write_new(path, draft.text.as_bytes())?;
    }
    show(context, args, &imported, &paths);
    Ok(Exit::Done)
}

/// What a draft is called where nobody says: as its file, or as the document.
fn named_by(args: &Import) -> Name {
    let from = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let Some(output) = args.output.as_deref().filter(|path| is_document(path)) else {
        return name_of(&[&from(&args.file)]);
    };
    let mut parts: Vec<String> =
        output.parent().into_iter().flatten().map(|part| part.to_string_lossy().into_owned()).collect();
    match parts.iter().rposition(|part| part == "procedures") {
        Some(root) => drop(parts.drain(..=root)),
        None => parts.clear(),
    }
    parts.push(from(output));
    name_of(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Where the drafts are written; nowhere without `-o`.
fn paths(args: &Import, imported: &Imported) -> Result<Vec<PathBuf>, Refusal> {
    let names: Vec<&Name> = imported.drafts.iter().map(|draft| &draft.name).collect();
    match &args.output {
        Some(file) if is_document(file) && names.len() == 1 => Ok(vec![file.clone()]),
        Some(folder) if !is_document(folder) => {
            let path = |name: &&Name| folder.join(format!("{}.yaml", name.as_str().replace('.', "/")));
            Ok(names.iter().map(path).collect())
        }
        None if names.len() == 1 => Ok(Vec::new()),
        Some(_) | None => {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let message = format!("the document has {} procedures: {}", names.len(), names.join(", "));
            Err(Refusal::invalid("several-drafts", message)
                .help("`-o DIR` writes them all, `--section HEADING` imports one"))
        }
    }
}

fn refused(path: &Path, error: Error) -> Refusal {
    let shown = files::shown(path);
    let message = format!("`{shown}`: {error}");
    match &error {
        Error::TooLarge { .. } | Error::NotText { .. } | Error::Nul { .. } => Refusal::invalid("not-markdown", message),
        Error::Nothing => Refusal::invalid("nothing-to-import", message)
            .help("`--section HEADING` makes steps of what stands under it, prose too"),
        Error::NoSection { near: Some(near), .. } => {
            Refusal::invalid("usage", message).help(format!("did you mean `{near}`?"))
        }
        Error::NoSection { .. } => Refusal::invalid("usage", message),
        Error::SeveralSections { .. } => {
            Refusal::invalid("usage", message).help("import them all, or give one of them another heading")
        }
        Error::TooMany { .. } | Error::TooManyDrafts { .. } => {
            Refusal::invalid("usage", message).help("import a part of it with `--section HEADING`")
        }
        Error::Unwritten { .. } => Refusal::internal(message),
    }
}

fn show(context: &Context, args: &Import, imported: &Imported, paths: &[PathBuf]) {
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(&view(imported, paths));
        return;
    }
    if imported.hidden > 0 {
        let message = format!("{} characters that are not shown were written out, as [U+200B]", imported.hidden);
        ui.error(&format!("{}: {message}", ui.err.yellow("warning")));
    }
    let rows: Vec<Vec<String>> = imported.headings.iter().map(row).collect();
    ui.note(&table(ui.err, &["LINE", "BECAME", "HEADING", "DRAFT"], &rows));
    for draft in &imported.drafts {
        ui.note(&summary(draft));
    }
    match paths {
        [] => imported.drafts.iter().for_each(|draft| ui.data(draft.text.trim_end())),
        paths => paths.iter().for_each(|path| ui.data(&files::shown(path))),
    }
    let left = imported.headings.iter().filter(|heading| heading.fate == Fate::LeftOut).count();
    if left > 0 {
        ui.note(&format!("{left} headings were left out: no steps stand under them, or they were not asked for"));
    }
    let many = if imported.drafts.len() > 1 { "they are drafts and are" } else { "it is a draft and is" };
    ui.note(&format!(
        "next: read what was made beside {}; `runwarden check` lists what is to be decided; {many} not run until \
         `draft: true` is gone",
        files::shown(&args.file)
    ));
}

fn row(heading: &engine::import::Heading) -> Vec<String> {
    let (fate, draft) = fate(&heading.fate);
    let words = if heading.text.is_empty() { "(before any heading)" } else { &heading.text };
    vec![
        heading.line.to_string(),
        fate.to_owned(),
        words.to_owned(),
        draft.map(ToString::to_string).unwrap_or_default(),
    ]
}

fn fate(fate: &Fate) -> (&'static str, Option<&Name>) {
    match fate {
        Fate::Imported(name) => ("imported", Some(name)),
        Fate::Kept(name) => ("kept", Some(name)),
        Fate::LeftOut => ("left out", None),
        Fate::Empty => ("empty", None),
    }
}

fn summary(draft: &Draft) -> String {
    let count = |number: usize, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    };
    let steps = if draft.kind == "checklist" {
        count(draft.steps, "item", "items")
    } else {
        format!("{} ({} run a program)", count(draft.steps, "step", "steps"), draft.commands)
    };
    [
        format!("{}: {steps}", draft.name),
        count(draft.checks, "check", "checks"),
        count(draft.guards, "prohibition", "prohibitions"),
        count(draft.parameters, "parameter", "parameters"),
        count(draft.failure_modes, "failure mode", "failure modes"),
        count(draft.notes, "note kept as a comment", "notes kept as comments"),
        format!("{} to be decided", draft.to_dos),
    ]
    .join(", ")
}

fn view(imported: &Imported, paths: &[PathBuf]) -> View {
    let draft = |(at, draft): (usize, &Draft)| DraftView {
        name: draft.name.clone(),
        kind: draft.kind,
        path: paths.get(at).map(|path| files::shown(path)),
        text: paths.is_empty().then(|| draft.text.clone()),
        steps: draft.steps,
        commands: draft.commands,
        checks: draft.checks,
        guards: draft.guards,
        parameters: draft.parameters,
        failure_modes: draft.failure_modes,
        notes: draft.notes,
        to_dos: draft.to_dos,
    };
    let heading = |heading: &engine::import::Heading| {
        let (fate, draft) = fate(&heading.fate);
        HeadingView { line: heading.line, heading: heading.text.clone(), fate, draft: draft.cloned() }
    };
    View {
        drafts: imported.drafts.iter().enumerate().map(draft).collect(),
        headings: imported.headings.iter().map(heading).collect(),
        hidden: imported.hidden,
    }
}
