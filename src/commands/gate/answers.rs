//! Answers to manual items: from the command line and from a file, each for one checklist.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use engine::id::Name;
use engine::procedure::check::{Check, Question};
use engine::procedure::{Procedure, Work};
use serde_json::Value as Json;

use crate::args::Gate;
use crate::refusal::Refusal;
use crate::setup::{Session, inputs};
use crate::ui::people::Answers;

/// The answers that were given, by checklist, in the form of the command line.
pub struct All {
    given: BTreeMap<Name, Vec<String>>,
    // Answers to questions that nobody has, and those that were not asked after all.
    unasked: Mutex<Vec<String>>,
}

/// Reads the answers; what could be meant for two checklists is refused.
pub fn read(args: &Gate, sessions: &[Session]) -> Result<All, Refusal> {
    let mut texts = match &args.answers_file {
        Some(path) => from_file(inputs::map_file(path, "answers")?)?,
        None => Vec::new(),
    };
    texts.extend(args.answers.iter().cloned());
    // What is no answer, or is given twice, is refused before anything is asked.
    Answers::parse(&texts)?;
    let mut given: BTreeMap<Name, Vec<String>> = BTreeMap::new();
    let mut unasked = Vec::new();
    for text in texts {
        let place = text.split('=').next().unwrap_or(&text).to_owned();
        let (item, _) = place.rsplit_once('.').unwrap_or((&place, ""));
        let (checklist, item) = item.rsplit_once('/').map_or((None, item), |(name, item)| (Some(name), item));
        let has = |session: &&Session| {
            let procedure = session.loaded.procedures.get(&session.request.procedure);
            procedure.is_some_and(|procedure| asks(procedure, item))
        };
        let named = |session: &&Session| checklist.is_none_or(|name| session.request.procedure.as_str() == name);
        let meant: Vec<&Session> = sessions.iter().filter(named).filter(has).collect();
        match meant.as_slice() {
            [] => unasked.push(place.rsplit_once('.').map_or(place.clone(), |(item, _)| item.to_owned())),
            [one] => {
                let own = checklist.and_then(|name| text.strip_prefix(name)?.strip_prefix('/')).unwrap_or(&text);
                given.entry(one.request.procedure.clone()).or_default().push(own.to_owned());
            }
            [first, ..] => {
                let message = format!("{} checklists ask `{item}`", meant.len());
                let help = format!("say which: `--answer {}/{place}=…`", first.request.procedure);
                return Err(Refusal::invalid("usage", message).help(help));
            }
        }
    }
    unasked.dedup();
    Ok(All { given, unasked: Mutex::new(unasked) })
}

impl All {
    /// Those for one checklist.
    pub fn of(&self, name: &Name) -> Answers {
        // They were read once without complaint.
        self.given.get(name).and_then(|texts| Answers::parse(texts).ok()).unwrap_or_default()
    }

    /// Notes what a checklist never asked.
    pub fn asked(&self, name: &Name, answers: &Answers) {
        let mut unasked = self.unasked.lock().unwrap_or_else(PoisonError::into_inner);
        unasked.extend(answers.unasked().into_iter().map(|item| format!("{name}/{item}")));
    }

    /// What was answered and never asked.
    pub fn unasked(&self) -> Vec<String> {
        self.unasked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn asks(procedure: &Procedure, item: &str) -> bool {
    let items: &[Check] = match &procedure.work {
        Work::Items(items) => items,
        Work::Steps(_) => &[],
    };
    let is_it = |check: &&Check| check.id.as_str() == item && matches!(check.question, Question::Manual { .. });
    procedure.preconditions.iter().chain(items).any(|check| is_it(&check))
}

/// `ITEM: { NAME: VALUE }` as the command line would say it.
fn from_file(members: indexmap::IndexMap<String, Json>) -> Result<Vec<String>, Refusal> {
    let mut texts = Vec::new();
    for (item, answers) in members {
        let Json::Object(answers) = answers else {
            let message = format!("the answers to `{item}` are no map of names and values");
            return Err(Refusal::invalid("parameters", message).help("write `ITEM: { NAME: VALUE }`"));
        };
        for (name, value) in answers {
            let value = match value {
                Json::String(text) => text,
                other => other.to_string(),
            };
            texts.push(format!("{item}.{name}={value}"));
        }
    }
    Ok(texts)
}
