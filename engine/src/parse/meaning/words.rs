//! Expressions, templates, texts, durations and counts: read, and what they name found.

use serde_json::Value;

use super::Checker;
use super::at::At;
use super::input::Secrets;
use super::scope::{Condition, Scope};
use crate::diagnostic::Diagnostic;
use crate::parse::problems::{expression as problem, reference};
use crate::parse::raw::words as raw;
use crate::template::Template;
use crate::template::data::Data;
use crate::template::error::SyntaxError;
use crate::template::expression::Expression;
use crate::template::references::Reference;
use crate::template::text::Text;
use crate::time::Duration;

impl<'a> Checker<'a, '_> {
    /// An expression of any type.
    pub(super) fn expression(&mut self, raw: &raw::Expression, at: At<'_>, scope: &Scope<'a>) -> Option<Expression> {
        match Expression::parse(&raw.0) {
            Ok(expression) => {
                self.refer(expression.references(), at, scope);
                Some(expression)
            }
            Err(error) => self.refuse_syntax(&error, at),
        }
    }

    /// An expression that is true or false, and not always the same.
    pub(super) fn condition(&mut self, raw: &raw::Expression, at: At<'_>, scope: &Scope<'a>) -> Option<Expression> {
        let expression = self.expression(raw, at, scope)?;
        let alone = match expression.references() {
            [only] if only.span == (0..raw.0.trim_end().len()) => scope.surely_not_boolean(&self.names, only),
            _ => None,
        };
        if let Some(found) = expression.is_surely_not_boolean().or(alone) {
            let place = self.place(at.span());
            self.problems.push(problem::not_a_condition(place, &raw.0, found));
        } else if let Some(answer) = expression.constant() {
            let place = self.place(at.span());
            self.problems.push(problem::constant_condition(place, answer));
        }
        Some(expression)
    }

    pub(super) fn optional_condition(
        &mut self,
        raw: Option<&raw::Expression>,
        at: At<'_>,
        scope: &Scope<'a>,
    ) -> Option<Option<Expression>> {
        match raw {
            Some(raw) => self.condition(raw, at, scope).map(Some),
            None => Some(None),
        }
    }

    /// A string in which expressions stand.
    pub(super) fn template(&mut self, text: &str, at: At<'_>, scope: &Scope<'a>) -> Option<Template> {
        let template = self.parse_template(text, at, scope)?;
        if let Some(name) = template.secret() {
            let place = self.place(at.span());
            self.problems.push(reference::misplaced_secret(place, name.as_str(), "this"));
        }
        Some(template)
    }

    fn parse_template(&mut self, text: &str, at: At<'_>, scope: &Scope<'a>) -> Option<Template> {
        match Template::parse(text) {
            Ok(template) => {
                self.refer(template.references(), at, scope);
                Some(template)
            }
            Err(error) => self.refuse_syntax(&error, at),
        }
    }

    /// A tree of templates; `secrets` says where in it a secret may stand.
    pub(super) fn data(&mut self, value: &Value, at: At<'_>, scope: &Scope<'a>, secrets: &Secrets<'_>) -> Option<Data> {
        let data = match Data::parse(value) {
            Ok(data) => data,
            Err(errors) => {
                for wrong in errors {
                    self.refuse_syntax::<()>(&wrong.error, at.pointer(&wrong.pointer));
                }
                return None;
            }
        };
        for (pointer, template) in data.leaves() {
            let leaf = at.pointer(&pointer);
            self.refer(template.references(), leaf, scope);
            if let Some(name) = template.secret() {
                self.secret(name.as_str(), leaf, scope, secrets.refuse(&pointer));
            }
        }
        Some(data)
    }

    /// A secret must be declared, or have been put into a store before, and stand where one may go.
    fn secret(&mut self, name: &str, at: At<'_>, scope: &Scope<'a>, refused: Option<String>) {
        let place = self.place(at.span());
        let made: Vec<(&str, &str)> =
            self.names.steps.iter().flat_map(|(id, step)| step.secrets.iter().map(|secret| (*secret, *id))).collect();
        if self.names.secrets.contains(&name) {
            // Declared: there from the beginning.
        } else if let Some((_, id)) = made.iter().find(|(secret, _)| *secret == name) {
            if self.names.steps.get(id).is_some_and(|step| step.for_each) {
                self.problems.push(reference::secret_of_each(place.clone(), name, id));
            } else if let Some(problem) = scope.not_yet(&self.names, id, &place) {
                self.problems.push(problem);
            }
        } else {
            let known: Vec<&str> =
                self.names.secrets.iter().copied().chain(made.iter().map(|(secret, _)| *secret)).collect();
            self.problems.push(reference::unknown_secret(place.clone(), name, &known));
        }
        if let Some(of) = refused {
            self.problems.push(reference::misplaced_secret(place, name, &of));
        }
    }

    /// A text that people read.
    pub(super) fn text(&mut self, raw: &raw::Text, at: At<'_>, scope: &Scope<'a>) -> Option<Text> {
        match Text::parse(&raw.0) {
            Ok(text) => {
                self.refer(text.references(), at, scope);
                Some(text)
            }
            Err(error) => self.refuse_syntax(&error, at),
        }
    }

    pub(super) fn optional_text(
        &mut self,
        raw: Option<&raw::Text>,
        at: At<'_>,
        scope: &Scope<'a>,
    ) -> Option<Option<Text>> {
        match raw {
            Some(raw) => self.text(raw, at, scope).map(Some),
            None => Some(None),
        }
    }

    /// A duration, or a template that gives one.
    pub(super) fn duration(&mut self, raw: &raw::Duration, at: At<'_>, scope: &Scope<'a>) -> Option<Template> {
        let template = self.template(&raw.0, at, scope)?;
        if template.is_literal() {
            match Duration::parse(&raw.0) {
                Ok(duration) if duration.microseconds() >= 0 => {}
                Ok(_) => {
                    let place = self.place(at.span());
                    self.problems.push(problem::bad_duration(place, &raw.0, "is before it begins"));
                }
                Err(_) => {
                    let place = self.place(at.span());
                    self.problems.push(problem::bad_duration(place, &raw.0, "is not a duration"));
                }
            }
        }
        Some(template)
    }

    pub(super) fn optional_duration(
        &mut self,
        raw: Option<&raw::Duration>,
        at: At<'_>,
        scope: &Scope<'a>,
    ) -> Option<Option<Template>> {
        match raw {
            Some(raw) => self.duration(raw, at, scope).map(Some),
            None => Some(None),
        }
    }

    /// A whole number, or a template that gives one; a number is kept as a template that gives it.
    pub(super) fn count(&mut self, raw: &raw::Count, at: At<'_>, scope: &Scope<'a>) -> Option<Template> {
        match &raw.0 {
            Value::String(text) => self.template(text, at, scope),
            number => Template::parse(&format!("{{{{ {number} }}}}")).ok(),
        }
    }

    /// What is evaluated only where a condition holds may name what the condition asked for.
    pub(super) fn behind(&self, raw: Option<&'a raw::Expression>, scope: &Scope<'a>) -> Scope<'a> {
        let mut scope = scope.clone();
        if let Some(raw) = raw
            && let Ok(expression) = Expression::parse(&raw.0)
        {
            let paths = expression.references().iter().map(|reference| reference.path.clone()).collect();
            scope.behind.push(Condition { text: &raw.0, paths });
        }
        scope
    }

    fn refer(&mut self, references: &[Reference], at: At<'_>, scope: &Scope<'a>) {
        if references.is_empty() {
            return;
        }
        let about = self.place(at.span());
        for reference in references {
            if let Some(mut problem) = scope.check(&self.names, reference, &about) {
                // Where exactly is looked for only when it matters: most references are right.
                problem.place.span = at.within(&about.source.text, reference.span.clone());
                self.problems.push(problem);
            }
        }
    }

    fn refuse_syntax<T>(&mut self, error: &SyntaxError, at: At<'_>) -> Option<T> {
        let place = self.place(at.within(&self.problems.source().text, error.span.clone()));
        let problem: Diagnostic = problem::bad_expression(place, &error.message, error.help.as_deref());
        self.problems.push(problem);
        None
    }
}
