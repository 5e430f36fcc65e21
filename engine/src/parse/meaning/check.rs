//! Checks and the reads they ask: an action must exist, must only read where only reads may stand, and takes what it
//! is given.

use indexmap::IndexMap;
use serde_json::Value;

use super::Checker;
use super::at::At;
use super::input::Secrets;
use super::scope::{Scope, Shape};
use crate::id::{ActionName, Id};
use crate::parse::problems::input as problem;
use crate::parse::raw::check as raw;
use crate::parse::raw::words::{Action, Template};
use crate::procedure::check::{Act, Check, Poll, Question, Severity};

/// How often a check with `wait` is asked where nothing is said.
pub(super) const EVERY: &str = "5s";

/// Where an action stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands<'s> {
    /// Where it acts.
    InStep,
    /// Where it may only look.
    In(&'s str),
}

impl<'a> Checker<'a, '_> {
    /// A list of checks.
    pub(super) fn checks<C: AsRef<raw::Check> + 'a>(
        &mut self,
        list: &str,
        raw: impl IntoIterator<Item = &'a C>,
        at: At<'_>,
        scope: &Scope<'a>,
    ) -> Option<Vec<Check>> {
        let raw: Vec<&'a raw::Check> = raw.into_iter().map(AsRef::as_ref).collect();
        let ids = raw.iter().enumerate();
        let ids = ids.filter_map(|(index, check)| Some((check.id.as_ref()?.as_str(), at.item(index).get("id"))));
        self.unique(list, ids);
        let valid: Vec<Option<Check>> =
            raw.into_iter().enumerate().map(|(index, raw)| self.check(raw, list, at.item(index), scope)).collect();
        valid.into_iter().collect()
    }

    /// One check; one without an id is called by the key it stands under.
    pub(super) fn check(&mut self, raw: &'a raw::Check, key: &str, at: At<'_>, scope: &Scope<'a>) -> Option<Check> {
        let when = self.optional_condition(raw.when.as_ref(), at.get("when"), scope);
        let scope = self.behind(raw.when.as_ref(), scope);
        self.open_points(raw.todo.as_deref(), at);
        let owner = format!("`{key}`");
        let mut inner = scope.clone();
        let read = match &raw.action {
            Some(action) => {
                let (read, result) = self.act(action, raw.with.as_ref(), at, &scope, Stands::In(&owner));
                inner.result = result;
                Some(read)
            }
            None => None,
        };
        let help = self.optional_text(raw.help.as_ref(), at.get("help"), &inner);
        let wait = match &raw.wait {
            Some(wait) => self.poll(wait, at.get("wait"), &scope).map(Some),
            None => Some(None),
        };
        let question = match (&raw.manual, &raw.expect) {
            (Some(manual), _) => self.manual_question(manual, at.get("manual"), &scope),
            (None, Some(expect)) => {
                let expect = self.condition(expect, at.get("expect"), &inner);
                match read {
                    Some(read) => read.zip(expect).map(|(read, expect)| Question::Expect { read: Some(read), expect }),
                    None => expect.map(|expect| Question::Expect { read: None, expect }),
                }
            }
            // Refused with the structure.
            (None, None) => None,
        };
        let waivable = self.waivable(raw.waivable.as_ref(), at.get("waivable"), &scope);
        Some(Check {
            id: raw.id.clone().or_else(|| Id::parse(key).ok())?,
            title: raw.title.as_ref().map(|title| title.0.clone()),
            question: question?,
            help: help?,
            severity: match raw.severity {
                Some(raw::Severity::Advisory) => Severity::Advisory,
                Some(raw::Severity::Required) | None => Severity::Required,
            },
            when: when?,
            wait: wait?,
            hold: raw.hold.unwrap_or(false),
            group: raw.group.as_ref().map(|group| group.0.clone()),
            waivable: waivable?,
        })
    }

    fn manual_question(&mut self, raw: &'a raw::ManualCheck, at: At<'_>, scope: &Scope<'a>) -> Option<Question> {
        let ask = self.text(&raw.ask, at.get("ask"), scope);
        let answer = self.parameters(Some(&raw.answer), at.get("answer"));
        let scope = Scope { answers: Some(raw.answer.keys().map(Id::as_str).collect()), ..scope.clone() };
        let expect = self.condition(&raw.expect, at.get("expect"), &scope);
        Some(Question::Manual { ask: ask?, answer: answer?, expect: expect? })
    }

    fn poll(&mut self, raw: &raw::Wait, at: At<'_>, scope: &Scope<'a>) -> Option<Poll> {
        let every = match &raw.every {
            Some(every) => self.duration(every, at.get("every"), scope),
            None => crate::template::Template::parse(EVERY).ok(),
        };
        let timeout = self.duration(&raw.timeout, at.get("timeout"), scope);
        Some(Poll { every: every?, timeout: timeout? })
    }

    /// An action with what it is given, and what is known of its output.
    pub(super) fn act(
        &mut self,
        name: &'a Action,
        with: Option<&'a IndexMap<String, Template>>,
        at: At<'_>,
        scope: &Scope<'a>,
        stands: Stands<'_>,
    ) -> (Option<Act>, Shape<'a>) {
        let name = name.0.as_str();
        let value = given(with);
        let inputs = if with.is_some() { at.get("with") } else { at.get("action") };
        let registry = self.registry;
        let Some(action) = registry.get(name) else {
            let place = self.place(at.get("action").span());
            self.problems.push(problem::unknown_action(place, name, registry.nearest(name)));
            self.data(&value, inputs, scope, &Secrets::Unknown);
            return (None, Shape::Any);
        };
        if let Stands::In(owner) = stands
            && !action.is_read()
        {
            let place = self.place(at.get("action").span());
            self.problems.push(problem::effect_in_check(place, name, owner));
        }
        self.input(name, action.params(), &value, inputs);
        let secrets = Secrets::Marked { action: name, schema: action.params() };
        let data = self.data(&value, inputs, scope, &secrets);
        let output = if action.output().get("x-runwarden-output").is_some() {
            Shape::Any
        } else {
            Shape::Schema(action.output())
        };
        let act = ActionName::parse(name).ok().zip(data).map(|(action, with)| Act { action, with });
        (act, output)
    }
}

/// What stands under `with`, as one value.
pub(super) fn given(with: Option<&IndexMap<String, Template>>) -> Value {
    Value::Object(with.into_iter().flatten().map(|(name, value)| (name.clone(), value.0.clone())).collect())
}
