//! `new`: a procedure to begin with: from a template, with its tests, or as a copy.

use engine::id::Name;
use engine::library::{self, Library};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, list};
use crate::args::New;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::{setup, shipped, workspace};

/// A template with its tests; `NAME` is filled in.
struct Template {
    name: &'static str,
    text: &'static str,
    test: &'static str,
}

macro_rules! template {
    ($name:literal) => {
        Template {
            name: $name,
            text: include_str!(concat!("new/", $name, ".yaml")),
            test: include_str!(concat!("new/", $name, ".test.yaml")),
        }
    };
}

/// What there is to begin with; the first where nothing is said.
const TEMPLATES: [Template; 5] =
    [template!("blank"), template!("rotation"), template!("restore"), template!("pause"), template!("checklist")];

/// What `new` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Its name.
    name: Name,
    /// Its file.
    path: String,
    /// The file of its tests; none of a copy of what has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<String>,
}

pub fn run(context: &Context, args: &New) -> Result<Exit, Refusal> {
    let name = setup::procedure_name(&args.name)?;
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let (text, test) = match args.from.as_deref() {
        None => filled(&TEMPLATES[0], &name),
        Some(from) => begin(context, from, &name)?,
    };
    let folder = workspace.file.procedures.first().ok_or_else(|| {
        Refusal::invalid("usage", "runwarden.yaml names no folder of procedures")
            .help("write `procedures: [procedures]` into it")
    })?;
    let path = workspace.root.join(folder).join(format!("{}.yaml", name.as_str().replace('.', "/")));
    let beside = path.with_extension("test.yaml");
    // The procedure itself is refused when it is written.
    if test.is_some() && !path.exists() && beside.symlink_metadata().is_ok() {
        let message = format!("`{}` is there already, and is not overwritten", beside.display());
        return Err(Refusal::invalid("exists", message));
    }
    if let Some(above) = path.parent() {
        files::make_folder(above)?;
    }
    files::write_new(&path, text.as_bytes())?;
    if let Some(test) = &test {
        files::write_new(&beside, test.as_bytes())?;
    }
    let (shown, test) = (files::shown(&path), test.map(|_| files::shown(&beside)));
    let ui = &context.ui;
    if ui.is_human() {
        ui.data(&shown);
        let then = if text.contains("\nkind: checklist") { "gate" } else { "plan" };
        let tried = test.map(|test| format!(" and its cases in {test}, then")).unwrap_or_else(|| ", then".to_owned());
        ui.note(&format!("next: edit it{tried} `runwarden check`, `runwarden test` and `runwarden {then} {name}`"));
    } else {
        ui.json(&View { name, path: shown, test });
    }
    Ok(Exit::Done)
}

/// What to begin with: a procedure of that name, else the template.
fn begin(context: &Context, from: &str, name: &Name) -> Result<(String, Option<String>), Refusal> {
    let of = setup::procedure_name(from)?;
    let template = TEMPLATES.iter().find(|template| template.name == from);
    let library = list::library(context)?;
    match (library.source(&of), template) {
        (Ok(source), _) => {
            let text = renamed(&source.text, "name", of.as_str(), name.as_str());
            let text = asking_its_own_past(&text, &of, name);
            Ok((text, cases_of(&library, &of)?.map(|cases| renamed_cases(&cases, &of, name))))
        }
        (Err(_), Some(template)) => Ok(filled(template, name)),
        (Err(error), None) => {
            let known: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
            let help = format!("`runwarden list` shows the procedures; the templates are {}", known.join(", "));
            Err(Refusal::from(error).help(help))
        }
    }
}

fn filled(template: &Template, name: &Name) -> (String, Option<String>) {
    let fill = |text: &str| text.replace("NAME", name.as_str());
    (fill(template.text), Some(fill(template.test)))
}

/// The tests that stand beside a procedure, or are built in with it.
fn cases_of(library: &Library, of: &Name) -> Result<Option<String>, Refusal> {
    let Some(path) = library.file(of) else {
        let beside = format!("{}.test.yaml", of.as_str().replace('.', "/"));
        let built_in = shipped::procedures().into_iter().find(|(path, _)| *path == beside);
        return Ok(built_in.map(|(_, text)| String::from_utf8_lossy(text).into_owned()));
    };
    let beside = path.with_extension("test.yaml");
    match library::read_file(&beside) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refusal::io("read", &beside, &error)),
    }
}

/// A procedure that asks for earlier runs of its own asks for those of its new name.
fn asking_its_own_past(text: &str, from: &Name, to: &Name) -> String {
    ["runs", "last", "count", "active"].iter().fold(text.to_owned(), |text, verb| {
        ['\'', '"'].iter().fold(text, |text, quote| {
            let call = |name: &Name| format!("history.{verb}({quote}{name}{quote}");
            text.replace(&call(from), &call(to))
        })
    })
}

/// The tests of the one as tests of the other, in what they say of earlier runs too.
fn renamed_cases(text: &str, from: &Name, to: &Name) -> String {
    let text = renamed(text, "name", &format!("{from}.test"), &format!("{to}.test"));
    let named = format!("procedure: {from}");
    let mut parts = text.split(named.as_str());
    let mut cases = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let is_longer = rest.starts_with(|next: char| next.is_ascii_alphanumeric() || ['_', '.'].contains(&next));
        let name = if is_longer { from } else { to };
        cases.push_str(&format!("procedure: {name}{rest}"));
    }
    renamed(&cases, "procedure", from.as_str(), to.as_str())
}

/// The text with its name under a key changed, and nothing else: comments and layout stay.
fn renamed(text: &str, key: &str, from: &str, to: &str) -> String {
    let mut done = false;
    let line = |line: &str| {
        let names = !done
            && line.strip_prefix(key).and_then(|rest| rest.strip_prefix(':')).is_some_and(|rest| {
                let value = rest.split(" #").next().unwrap_or_default().trim();
                value.trim_matches(['\'', '"']) == from
            });
        if names {
            done = true;
            let (before, after) = line.split_at(key.len() + 1);
            return format!("{before}{}", after.replacen(from, to, 1));
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
