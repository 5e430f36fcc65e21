//! Which checklists are asked, and with what: of several, each is given what it declares.

use std::path::PathBuf;

use engine::consent::document::MAX_DOCUMENT;
use engine::id::Name;
use engine::parse::{self, Library as _, Opened, Raw, raw};

use serde_json::Value as Json;

use crate::args::{Asked, Gate};
use crate::commands::{Context, list};
use crate::files;
use crate::refusal::Refusal;
use crate::setup::who::Signing;
use crate::setup::{self, Session};

/// The checklists, each checked and ready to be asked.
pub fn sessions(context: &Context, args: &Gate) -> Result<Vec<Session>, Refusal> {
    let mut sessions = Vec::new();
    let inputs = Inputs::read(context, args)?;
    for name in &args.names {
        let signing = if args.no_record { Signing::No } else { Signing::IfGiven };
        let session = Session::prepare(&context.global, &inputs.of(name), None, signing)?;
        session.refuse_drafts()?;
        let procedure = &session.request.procedure;
        let is_checklist = session.loaded.procedures.get(procedure).is_some_and(|found| found.kind() == "checklist");
        if !is_checklist {
            let message = format!("`{procedure}` is a procedure, which is run and not asked");
            return Err(
                Refusal::invalid("not-a-checklist", message).help(format!("`runwarden run {procedure}` runs it"))
            );
        }
        if sessions.iter().any(|known: &Session| known.request.procedure == *procedure) {
            return Err(Refusal::invalid("usage", format!("`{procedure}` is named twice")));
        }
        sessions.push(session);
    }
    Ok(sessions)
}

/// The text of a checklist with the places of its items, for formats that point at lines.
pub fn source(context: &Context, name: &Name) -> Option<(std::sync::Arc<engine::diagnostic::Source>, Opened)> {
    let source = list::library(context).ok()?.source(name).ok()?;
    let (opened, _) = parse::open(&source, None);
    Some((source, opened?))
}

/// What was given, and who declares it.
struct Inputs<'a> {
    args: &'a Gate,
    // Empty where there is only one checklist: it is given everything, and refuses what it does not know.
    declared: Vec<(&'a str, Declared)>,
}

#[derive(Default)]
struct Declared {
    parameters: Vec<String>,
    targets: Vec<String>,
    secrets: Vec<String>,
}

impl<'a> Inputs<'a> {
    fn read(context: &Context, args: &'a Gate) -> Result<Self, Refusal> {
        if args.names.len() < 2 {
            return Ok(Self { args, declared: Vec::new() });
        }
        if args.file.is_some() {
            let message = "`--parameters FILE` is for one checklist; give several theirs with `-p NAME=VALUE`";
            return Err(Refusal::invalid("usage", message));
        }
        let library = list::library(context)?;
        let mut declared = Vec::new();
        for name in &args.names {
            let parsed = setup::procedure_name(name)?;
            // What cannot be read is refused with its reasons when it is prepared.
            declared.push((name.as_str(), library.find(&parsed).map(Declared::of).unwrap_or_default()));
        }
        let inputs = Self { args, declared };
        inputs.refuse_undeclared("parameter", &args.parameters, |declared| &declared.parameters)?;
        inputs.refuse_undeclared("target", &args.targets, |declared| &declared.targets)?;
        inputs.refuse_undeclared("secret", &args.secrets, |declared| &declared.secrets)?;
        Ok(inputs)
    }

    fn refuse_undeclared(
        &self,
        what: &str,
        given: &[String],
        pick: impl Fn(&Declared) -> &Vec<String>,
    ) -> Result<(), Refusal> {
        let is_known = |text: &&String| {
            let name = name_of(text);
            self.declared.iter().any(|(_, declared)| pick(declared).iter().any(|known| known == name))
        };
        match given.iter().find(|text| !is_known(text)) {
            Some(text) => {
                let message = format!("no checklist that is asked has a {what} `{}`", name_of(text));
                Err(Refusal::invalid("parameters", message))
            }
            None => Ok(()),
        }
    }

    /// Of several checklists each is given the waivers that name it, and those that name none of them, to be refused.
    fn waivers_of(&self, name: &str) -> Vec<PathBuf> {
        let named = |path: &&PathBuf| {
            let document = files::read_text(path, MAX_DOCUMENT as u64).ok();
            let document: Option<Json> = document.and_then(|text| serde_json::from_str(&text).ok());
            document.and_then(|document| Some(document.get("procedure")?.as_str()?.to_owned()))
        };
        let is_of = |path: &&PathBuf| {
            named(path).is_none_or(|of| of == name || !self.declared.iter().any(|(known, _)| *known == of))
        };
        self.args.waivers.iter().filter(is_of).cloned().collect()
    }

    /// What one of them is asked with.
    fn of(&self, name: &str) -> Asked {
        let declared = self.declared.iter().find(|(known, _)| *known == name).map(|(_, declared)| declared);
        let only = |given: &[String], known: Option<&Vec<String>>| -> Vec<String> {
            let wanted = |text: &&String| known.is_none_or(|known| known.iter().any(|name| name == name_of(text)));
            given.iter().filter(wanted).cloned().collect()
        };
        Asked {
            name: name.to_owned(),
            parameters: only(&self.args.parameters, declared.map(|it| &it.parameters)),
            file: self.args.file.clone(),
            targets: only(&self.args.targets, declared.map(|it| &it.targets)),
            secrets: only(&self.args.secrets, declared.map(|it| &it.secrets)),
            offline: false,
            probe_commands: false,
            waivers: self.waivers_of(name),
            who: self.args.who.clone(),
        }
    }
}

fn name_of(text: &str) -> &str {
    text.split('=').next().unwrap_or(text)
}

impl Declared {
    fn of(opened: &Opened) -> Self {
        let names = |ids: Option<Vec<&engine::id::Id>>| ids.into_iter().flatten().map(ToString::to_string).collect();
        match &opened.raw {
            Some(Raw::Checklist(raw)) => {
                let raw: &raw::procedure::Checklist = raw;
                Self {
                    parameters: names(raw.parameters.as_ref().map(|all| all.keys().collect())),
                    targets: names(raw.targets.as_ref().map(|all| all.keys().collect())),
                    secrets: names(raw.secrets.as_ref().map(|all| all.keys().collect())),
                }
            }
            _ => Self::default(),
        }
    }
}
