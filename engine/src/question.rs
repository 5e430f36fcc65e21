//! Asking: a read is made, a check is decided. Plan and run ask in the same words.
//!
//! What may be read, and who answers for people, is the caller's to say; what a verdict leads to as well.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::action::sealed::{MISSING_SECRET, Secrets};
use crate::action::{self, Action, Facts, Looking, Registry};
use crate::event::state::{Checked, Verdict};
use crate::event::{recall, record};
use crate::frame::Frame;
use crate::host::Probe;
use crate::id::{Digest, Id, RunId};
use crate::procedure::check::{Act, Check, Question, Severity};
use crate::secret::custody::Custody;
use crate::target::secret_store::SecretPlace;
use crate::template::Outcome;
use crate::template::data::AtLeaf;
use crate::template::error::EvaluationError;
use crate::template::expression::Expression;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;
use crate::time::Timestamp;

mod facts;

/// What every question of one plan or run has in common.
pub struct Asking<'a> {
    /// The actions there are.
    pub registry: &'a Registry,
    /// The machine, for looking.
    pub probe: &'a dyn Probe,
    /// The run, or in a plan an id that no run has.
    pub run: RunId,
    /// When it began.
    pub started_at: Timestamp,
    /// What this process knows of secrets.
    pub custody: &'a Arc<Custody>,
}

/// A read and what came of it.
#[derive(Debug, Clone)]
pub struct Look {
    /// The action.
    pub action: String,
    /// Its input, as rendered; with markers where it is undecided.
    pub with: Json,
    /// Digest of the input, with the identities of the targets it names.
    pub with_digest: Digest,
    /// What was found.
    pub found: Found,
}

/// What a read found.
#[derive(Debug, Clone)]
pub enum Found {
    /// Its output, as it is recorded.
    Output(Json),
    /// Its input is not known yet, or this plan may not make it.
    Undecided(String),
    /// It failed.
    Failed(action::Error),
}

impl Look {
    /// Digest of what was read, if the action says.
    #[must_use]
    pub fn subject(&self) -> Option<Digest> {
        match &self.found {
            Found::Output(output) => output.get("subject")?.as_str().and_then(|text| Digest::parse(text).ok()),
            Found::Undecided(_) | Found::Failed(_) => None,
        }
    }
}

/// An input that was rendered.
#[derive(Debug, Clone)]
pub struct Input {
    /// As rendered, with markers where it is undecided, and references that differ from run to run as written.
    pub shown: Json,
    /// As it is handed over; none while something in it is undecided.
    pub with: Option<Json>,
    /// What it depends on.
    pub undecided: Vec<String>,
    /// Digest of `with` (or of `shown`), with the identities of the targets it names.
    pub digest: Digest,
}

impl Asking<'_> {
    /// What an action is told besides its input; `by` is who asks.
    #[must_use]
    pub fn facts(&self, frame: &Frame, act: &Act, by: &str, idempotency_key: String) -> Facts {
        Facts {
            run: self.run.clone(),
            started_at: self.started_at,
            targets: frame.targets.clone(),
            time_limit: None,
            idempotency_key,
            secrets: Secrets {
                bound: secrets_of(frame, act),
                custody: Arc::clone(self.custody),
                by: by.to_owned(),
                kept: Vec::new(),
            },
            by: by.to_owned(),
        }
    }

    /// Renders the input of an act.
    ///
    /// # Errors
    /// When an expression in it fails, or nobody knows the action.
    pub fn input(&self, frame: &Frame, act: &Act, scope: &Scope) -> Result<Input, action::Error> {
        let undecidable = |error: AtLeaf<EvaluationError>| action::Error::new("undecidable", error.to_string());
        let (shown, undecided) = act.with.render_partial(scope).map_err(undecidable)?;
        let with = match act.with.render(scope).map_err(undecidable)? {
            Outcome::Known(with) => Some(with),
            Outcome::Undecided(_) => None,
        };
        let (mut with, mut undecided) = (with, undecided);
        for name in act.with.leaves().iter().filter_map(|(_, leaf)| leaf.secret()) {
            let found = frame.secret(name, scope);
            if let Outcome::Undecided(because) = found.map_err(|why| action::Error::new(MISSING_SECRET, why))? {
                with = None;
                undecided.extend(because);
            }
        }
        let action = self.action(act)?;
        let digest = with_digest(action, with.as_ref().unwrap_or(&shown), frame, &secrets_of(frame, act));
        Ok(Input { shown, with, undecided, digest })
    }

    /// The action of an act.
    ///
    /// # Errors
    /// When there is none of that name (which `check` refuses before).
    pub fn action(&self, act: &Act) -> Result<&Action, action::Error> {
        let unknown = || action::Error::new("unknown_action", format!("action `{}` does not exist", act.action));
        self.registry.get(act.action.as_str()).ok_or_else(unknown)
    }

    /// Makes a read.
    pub async fn look(&self, frame: &Frame, act: &Act, scope: &Scope, by: &str) -> Look {
        let input = match self.input(frame, act, scope) {
            Ok(input) => input,
            Err(error) => return failed_look(act, error),
        };
        let found = match &input.with {
            None => Found::Undecided(input.undecided.join("; ")),
            Some(with) => self.read(frame, act, with, by).await,
        };
        let with = input.with.unwrap_or(input.shown);
        Look { action: act.action.to_string(), with, with_digest: input.digest, found }
    }

    /// Makes a read whose input is rendered already.
    pub async fn read(&self, frame: &Frame, act: &Act, with: &Json, by: &str) -> Found {
        let facts = self.facts(frame, act, by, String::new());
        let read = match self.action(act) {
            Ok(action) => action.read(with, &Looking { facts: &facts, probe: self.probe }).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(output) => Found::Output(recall(&record(&output))),
            Err(error) if error.code == action::NOT_PROBED => Found::Undecided(error.message),
            Err(error) => Found::Failed(error),
        }
    }

    /// Digest of what a read would be over, if that can be told without making it.
    pub async fn subject(&self, frame: &Frame, act: &Act, with: &Json, by: &str) -> Option<Digest> {
        let facts = self.facts(frame, act, by, String::new());
        let action = self.action(act).ok()?;
        // A subject that cannot be found out is as good as none: action and input are compared then.
        action.subject(with, &Looking { facts: &facts, probe: self.probe }).await.ok().flatten()
    }

    /// Asks a check once. Questions to people are undecided here.
    pub async fn ask(&self, frame: &Frame, check: &Check, scope: &Scope, by: &str) -> Checked {
        match self.is_skipped(check, scope) {
            Ok(false) => {}
            Ok(true) => return answer(check, Verdict::Skipped, Some("its `when` is false".to_owned())),
            Err(checked) => return *checked,
        }
        let Question::Expect { read, expect } = &check.question else {
            return answer(check, Verdict::Undecided, Some("a person answers".to_owned()));
        };
        let Some(act) = read else {
            return decide(check, expect, scope);
        };
        let look = self.look(frame, act, scope, by).await;
        let mut checked = match &look.found {
            Found::Output(output) => {
                decide(check, expect, &scope.clone().with("result", Slot::Known(Value::from_json(output))))
            }
            Found::Undecided(because) => answer(check, Verdict::Undecided, Some(because.clone())),
            Found::Failed(error) => answer(check, Verdict::Undecidable, Some(error.message.clone())),
        };
        checked.subject = look.subject();
        checked.action = Some(look.action);
        checked.with_digest = Some(look.with_digest);
        checked
    }

    fn is_skipped(&self, check: &Check, scope: &Scope) -> Result<bool, Box<Checked>> {
        let Some(when) = &check.when else { return Ok(false) };
        match when.decide(scope) {
            Ok(Outcome::Known(wanted)) => Ok(!wanted),
            Ok(Outcome::Undecided(because)) => {
                Err(Box::new(answer(check, Verdict::Undecided, Some(because.join("; ")))))
            }
            Err(error) => Err(Box::new(answer(check, Verdict::Undecidable, Some(error.to_string())))),
        }
    }
}

/// The secrets that stand in an act's input. Its template says where they stand; how a value looks says nothing.
fn secrets_of(frame: &Frame, act: &Act) -> BTreeMap<Id, SecretPlace> {
    if frame.secrets.is_empty() && frame.made.is_empty() {
        return BTreeMap::new();
    }
    let place = |name: &Id| frame.secrets.get(name).or_else(|| frame.made.get(name).map(|made| &made.place)).cloned();
    let leaves = act.with.leaves();
    let named = leaves.iter().filter_map(|(_, leaf)| leaf.secret());
    named.filter_map(|name| Some((name.clone(), place(name)?))).collect()
}

/// What a check is called where it asks: with its step, or with the call that it stands in.
#[must_use]
pub fn asker(frame: &Frame, step: Option<&str>, check: &Check) -> String {
    match step {
        Some(step) => format!("{step}.{}", check.id),
        None => format!("{}{}", frame.prefix, check.id),
    }
}

/// Decides a check by its expression, over a scope that has `result` or `answer` where it needs them.
#[must_use]
pub fn decide(check: &Check, expect: &Expression, scope: &Scope) -> Checked {
    match expect.decide(scope) {
        Ok(Outcome::Known(true)) => answer(check, Verdict::Passed, None),
        Ok(Outcome::Known(false)) => {
            let detail = format!("`{}` is false{}", expect.source(), facts::found(expect, scope));
            answer(check, Verdict::NotMet, Some(detail))
        }
        Ok(Outcome::Undecided(because)) => answer(check, Verdict::Undecided, Some(because.join("; "))),
        Err(error) => answer(check, Verdict::Undecidable, Some(error.to_string())),
    }
}

/// A verdict on a check, without a read.
#[must_use]
pub fn answer(check: &Check, verdict: Verdict, detail: Option<String>) -> Checked {
    Checked {
        check: check.id.to_string(),
        title: check.title.clone(),
        verdict,
        required: check.severity == Severity::Required,
        detail,
        action: None,
        with_digest: None,
        subject: None,
    }
}

/// Digest of an input with the identities of the targets that it names: another name for the same thing is no change,
/// and another thing by the same name is one.
#[must_use]
pub fn with_digest(action: &Action, with: &Json, frame: &Frame, secrets: &BTreeMap<Id, SecretPlace>) -> Digest {
    let identities: BTreeMap<&str, &str> = target_names(action, with)
        .into_iter()
        .filter_map(|name| frame.targets.get(name).map(|target| (name, target.identity.as_str())))
        .collect();
    let mut input = json!({ "action": action.name, "with": with, "targets": identities });
    if !secrets.is_empty() {
        let places = secrets.iter().map(|(name, place)| (name.to_string(), Json::String(place.identity())));
        input["secrets"] = Json::Object(places.collect());
    }
    canonical_digest(&input)
}

/// The names of targets in an input: the values that stand where the schema says that a target does.
fn target_names<'a>(action: &Action, with: &'a Json) -> Vec<&'a str> {
    let mut names = Vec::new();
    collect_targets(action.params(), action.params(), with, &mut names);
    names
}

fn collect_targets<'a>(root: &Json, schema: &Json, value: &'a Json, names: &mut Vec<&'a str>) {
    let referred = schema.get("$ref").and_then(Json::as_str).and_then(|at| root.pointer(at.strip_prefix('#')?));
    let schema = referred.unwrap_or(schema);
    let is_target = schema.get("x-runwarden-target").is_some();
    match value {
        Json::String(name) if is_target => names.push(name),
        Json::Array(items) if is_target => names.extend(items.iter().filter_map(Json::as_str)),
        Json::Array(items) => {
            let of_item = schema.get("items").unwrap_or(&Json::Null);
            items.iter().for_each(|item| collect_targets(root, of_item, item, names));
        }
        Json::Object(members) => {
            for (name, member) in members {
                if let Some(of_member) = schema.get("properties").and_then(|properties| properties.get(name)) {
                    collect_targets(root, of_member, member, names);
                }
            }
        }
        _ => {}
    }
}

/// An input in which what `see` says stands where the schema of its action has a target.
#[must_use]
pub fn with_targets(action: &Action, with: &Json, see: &dyn Fn(&str) -> Json) -> Json {
    replace_targets(action.params(), action.params(), with, see)
}

fn replace_targets(root: &Json, schema: &Json, value: &Json, see: &dyn Fn(&str) -> Json) -> Json {
    let is_target = schema.get("x-runwarden-target").is_some();
    let referred = schema.get("$ref").and_then(Json::as_str).and_then(|at| root.pointer(at.strip_prefix('#')?));
    let schema = referred.unwrap_or(schema);
    let is_target = is_target || schema.get("x-runwarden-target").is_some();
    match value {
        Json::String(name) if is_target => see(name),
        Json::Array(items) => {
            let of_item = if is_target { schema } else { schema.get("items").unwrap_or(&Json::Null) };
            let of_item = |item: &Json| match item {
                Json::String(name) if is_target => see(name),
                item => replace_targets(root, of_item, item, see),
            };
            Json::Array(items.iter().map(of_item).collect())
        }
        Json::Object(members) => {
            let additional = schema.get("additionalProperties").unwrap_or(&Json::Null);
            let replaced = members.iter().map(|(name, member)| {
                let of_member = schema.get("properties").and_then(|properties| properties.get(name));
                (name.clone(), replace_targets(root, of_member.unwrap_or(additional), member, see))
            });
            Json::Object(replaced.collect())
        }
        other => other.clone(),
    }
}

/// SHA-256 over the RFC 8785 form of a value as it is recorded.
#[must_use]
pub fn canonical_digest(value: &Json) -> Digest {
    let recorded = record(value);
    // A recorded value has only integers within ±(2^53−1) and text: it always has a canonical form.
    let bytes = serde_json_canonicalizer::to_vec(&recorded).unwrap_or_else(|_| recorded.to_string().into_bytes());
    Digest::of(&bytes)
}

fn failed_look(act: &Act, error: action::Error) -> Look {
    Look {
        action: act.action.to_string(),
        with: Json::Null,
        with_digest: canonical_digest(&json!({ "action": act.action.as_str() })),
        found: Found::Failed(error),
    }
}
