//! Parameters and targets as they are given on the command line and in files.

use std::path::Path;

use engine::id::Id;
use engine::parse::node::Data;
use engine::parse::problems::Problems;
use engine::parse::yaml;
use engine::procedure::Procedure;
use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::args::Asked;
use crate::files::{read, shown};
use crate::refusal::Refusal;

/// The parameters that were given; the command line stands before the file.
pub fn parameters(procedure: &Procedure, asked: &Asked) -> Result<IndexMap<String, Json>, Refusal> {
    let mut given = match &asked.file {
        Some(path) => map_file(path, "parameters")?,
        None => IndexMap::new(),
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut unread = Vec::new();
    for text in &asked.parameters {
        let (name, value) = pair(text, "--parameter")?;
        if seen.contains(&name) {
            return Err(Refusal::invalid("usage", format!("parameter `{name}` is given twice")));
        }
        seen.push(name);
        let read = match procedure.parameters.get(name) {
            Some(parameter) => parameter.read(value),
            // It is refused by name with all others that do not fit.
            None => Ok(Json::String(value.to_owned())),
        };
        match read {
            Ok(value) => {
                given.insert(name.to_owned(), value);
            }
            Err(why) => unread.push((name.to_owned(), why)),
        }
    }
    if unread.is_empty() { Ok(given) } else { Err(super::all_refusals(procedure, &given, unread)) }
}

/// The targets that are bound on the command line.
pub fn targets(given: &[String]) -> Result<IndexMap<Id, Id>, Refusal> {
    bound(given, "target")
}

/// The secrets that are bound on the command line, by name: a value never stands there.
pub fn secrets(given: &[String]) -> Result<IndexMap<Id, Id>, Refusal> {
    bound(given, "secret")
}

fn bound(given: &[String], what: &str) -> Result<IndexMap<Id, Id>, Refusal> {
    let mut all = IndexMap::new();
    for text in given {
        let wrong = |why: String| Refusal::invalid("usage", format!("--{what}: {why}"));
        // What stands after the `=` may be a value, given by mistake: it is not shown.
        let (name, aim) = text.split_once('=').ok_or_else(|| wrong("it is not of the form NAME=NAME".to_owned()))?;
        let name = Id::parse(name).map_err(|error| wrong(error.to_string()))?;
        let aim = Id::parse(aim).map_err(|error| match what {
            "secret" => wrong(format!("what stands after `{name}=` is no name of a secret in runwarden.yaml")),
            _ => wrong(error.to_string()),
        })?;
        if all.insert(name.clone(), aim).is_some() {
            return Err(Refusal::invalid("usage", format!("{what} `{name}` is given twice")));
        }
    }
    Ok(all)
}

/// `NAME=VALUE`, cut at the first `=`.
pub fn pair<'a>(text: &'a str, option: &str) -> Result<(&'a str, &'a str), Refusal> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Refusal::invalid("usage", format!("`{option} {text}` is not of the form NAME=VALUE")))
}

/// A file that holds a map of `what`.
pub fn map_file(path: &Path, what: &str) -> Result<IndexMap<String, Json>, Refusal> {
    let bytes = read(path, yaml::MAX_BYTES as u64).map_err(|error| Refusal::io("read", path, &error))?;
    let wrong = |diagnostics| {
        Refusal::invalid("invalid-document", format!("`{}` has errors", shown(path))).diagnostics(diagnostics)
    };
    let source = yaml::source(&shown(path), bytes).map_err(|problem| wrong(vec![*problem]))?;
    let mut problems = Problems::new(source);
    let tree = yaml::read(&mut problems);
    if problems.refused() {
        return Err(wrong(problems.into_sorted()));
    }
    match tree.as_ref().map(|tree| (&tree.data, tree.to_json())) {
        Some((Data::Mapping(_), Json::Object(members))) => Ok(members.into_iter().collect()),
        _ => Err(Refusal::invalid("parameters", format!("`{}` is not a map of {what}", shown(path)))
            .help(format!("write one {} a line: `name: value`", what.trim_end_matches('s')))),
    }
}
