//! Guards: what they forbid exists, and what they name is known at every moment at which they are asked.

use serde_json::Value;

use super::Checker;
use super::at::At;
use super::check::Stands;
use super::scope::{Scope, Shape, Steps};
use crate::diagnostic::did_you_mean;
use crate::parse::problems::{input as problem, meaning};
use crate::parse::raw::guard as raw;
use crate::parse::raw::words::{Acts, Reaction};
use crate::parse::vocabulary::TARGET;
use crate::procedure::guard::{Form, Guard, Moment, Waivable};
use crate::procedure::pattern::{ActKind, Pattern};
use crate::procedure::step::OnFailure;

impl<'a> Checker<'a, '_> {
    /// A list of guards; `scope` is what is known outside of any step.
    pub(super) fn guards(
        &mut self,
        raw: Option<&'a Vec<raw::Guard>>,
        at: At<'_>,
        scope: &Scope<'a>,
    ) -> Option<Vec<Guard>> {
        let raw = raw.map(Vec::as_slice).unwrap_or_default();
        self.unique(
            "do_not",
            raw.iter().enumerate().map(|(index, guard)| (guard.id.as_str(), at.item(index).get("id"))),
        );
        // One that only says what is to be decided stands in a draft, which is not run, and forbids nothing yet.
        let open = |guard: &raw::Guard| guard.todo.is_some();
        for (index, guard) in raw.iter().enumerate().filter(|(_, guard)| open(guard)) {
            self.text(&guard.rule, at.item(index).get("rule"), scope);
            self.open_points(guard.todo.as_deref(), at.item(index));
        }
        let decided = raw.iter().enumerate().filter(|(_, guard)| !open(guard));
        let valid: Vec<Option<Guard>> =
            decided.map(|(index, guard)| self.guard(guard, at.item(index), scope)).collect();
        valid.into_iter().collect()
    }

    fn guard(&mut self, raw: &'a raw::Guard, at: At<'_>, scope: &Scope<'a>) -> Option<Guard> {
        let rule = self.text(&raw.rule, at.get("rule"), scope);
        let (state, found) = match &raw.state {
            Some(state) => {
                let at = at.get("state");
                let (act, found) = self.act(&state.action, state.with.as_ref(), at, scope, Stands::In("`state`"));
                (Some(act), found)
            }
            None => (None, Shape::Absent),
        };
        let form = self.form(raw, at, &Scope { state: found, ..scope.clone() });
        let every = self.optional_duration(raw.every.as_ref(), at.get("every"), scope);
        let enforce: Vec<Moment> = match &raw.enforce {
            Some(moments) => moments.iter().map(|moment| moment_of(*moment)).collect(),
            None => Moment::DEFAULT.to_vec(),
        };
        self.moments(raw, &enforce, at);
        let waivable = self.waivable(raw.waivable.as_ref(), at.get("waivable"), scope);
        let state = match state {
            Some(state) => Some(state?),
            None => None,
        };
        Some(Guard {
            id: raw.id.clone(),
            rule: rule?,
            form: form?,
            state,
            enforce,
            every: every?,
            on_violation: reaction(raw.on_violation),
            waivable: waivable?,
        })
    }

    /// Who may lift a guard, or an item of a checklist.
    pub(super) fn waivable(
        &mut self,
        raw: Option<&raw::Waivable>,
        at: At<'_>,
        scope: &Scope<'a>,
    ) -> Option<Option<Waivable>> {
        match raw {
            Some(raw::Waivable::By(terms)) => {
                let max_for = self.optional_duration(terms.max_for.as_ref(), at.get("max_for"), scope);
                max_for.map(|max_for| Some(Waivable { by: terms.by.clone(), max_for, max_uses: terms.max_uses }))
            }
            Some(raw::Waivable::No) | None => Some(None),
        }
    }

    fn form(&mut self, raw: &'a raw::Guard, at: At<'_>, scope: &Scope<'a>) -> Option<Form> {
        if let Some(never) = &raw.never {
            let scope = Scope { steps: if scope.workspace { Steps::None } else { Steps::States }, ..scope.clone() };
            return self.condition(never, at.get("never"), &scope).map(Form::Never);
        }
        if let Some(acts) = &raw.forbid {
            let pattern = self.pattern(acts, at.get("forbid"));
            let steps = if scope.workspace { Steps::None } else { Steps::All };
            let act_targets = pattern.as_ref().map(|pattern| self.targets_of(pattern)).unwrap_or_default();
            let scope = Scope { act: true, act_targets, steps, ..scope.clone() };
            let condition = self.optional_condition(raw.condition.as_ref(), at.get("where"), &scope);
            return pattern.zip(condition).map(|(pattern, condition)| Form::Forbid { pattern, condition });
        }
        let acts = raw.once_failed.as_ref()?;
        self.pattern(acts, at.get("once_failed")).map(Form::OnceFailed)
    }

    /// When a guard is asked must be a time at which it can be.
    fn moments(&mut self, raw: &raw::Guard, enforce: &[Moment], at: At<'_>) {
        let during = enforce.contains(&Moment::During);
        if during && raw.every.is_none() {
            let place = self.place(at.get("enforce").span());
            self.problems.push(meaning::during_without_every(place));
        }
        if raw.every.is_some() && !during {
            let place = self.place(at.get("every").key());
            self.problems.push(meaning::every_without_during(place));
        }
        for (index, moment) in raw.enforce.iter().flatten().enumerate() {
            let moment = moment_of(*moment);
            if raw.never.is_none() && matches!(moment, Moment::During | Moment::After) {
                let place = self.place(at.get("enforce").item(index).span());
                self.problems.push(meaning::moment_of_never(place));
            }
        }
    }

    /// The inputs that are targets of some act that a pattern is about.
    fn targets_of(&self, pattern: &Pattern) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for action in self.registry.iter() {
            let kind = ActKind::Action { name: action.name, is_read: action.is_read() };
            let properties = action.params().get("properties").and_then(Value::as_object);
            let targets = properties.into_iter().flatten().filter(|(_, schema)| schema.get(TARGET).is_some());
            if pattern.matches(kind) {
                found.extend(targets.map(|(name, _)| name.clone()));
            }
        }
        let called = match pattern {
            Pattern::Call(name) => self.library.find(name).and_then(super::targets),
            _ => None,
        };
        found.extend(called.into_iter().flat_map(|all| all.keys()).map(ToString::to_string));
        found
    }

    /// A pattern of acts that means something.
    pub(super) fn pattern(&mut self, acts: &Acts, at: At<'_>) -> Option<Pattern> {
        let text = acts.0.as_str();
        // Its form was seen to with the structure.
        let pattern = Pattern::parse(text).ok()?;
        let actions = || self.registry.iter().map(|action| action.name);
        let nearest = match &pattern {
            Pattern::Any | Pattern::Manual | Pattern::AnyCall => return Some(pattern),
            Pattern::Action(name) if self.registry.get(name.as_str()).is_some() => return Some(pattern),
            Pattern::Action(name) => self.registry.nearest(name.as_str()).map(str::to_owned),
            Pattern::Family(family) => {
                let families: Vec<&str> = actions().filter_map(|name| name.split('.').next()).collect();
                if families.contains(&family.as_str()) {
                    return Some(pattern);
                }
                did_you_mean(family.as_str(), families).map(|family| format!("{family}.*"))
            }
            Pattern::Call(name) if self.library.find(name).is_some() => return Some(pattern),
            // Who gives no library asks about the file alone.
            Pattern::Call(_) if self.library.names().is_empty() => return Some(pattern),
            Pattern::Call(name) => {
                let names = self.library.names();
                did_you_mean(name.as_str(), names.iter().map(|name| name.as_str())).map(|name| format!("call.{name}"))
            }
        };
        let place = self.place(at.span());
        self.problems.push(problem::matches_nothing(place, text, nearest.as_deref()));
        None
    }
}

fn moment_of(raw: raw::Moment) -> Moment {
    match raw {
        raw::Moment::Plan => Moment::Plan,
        raw::Moment::Before => Moment::Before,
        raw::Moment::During => Moment::During,
        raw::Moment::After => Moment::After,
        raw::Moment::Resume => Moment::Resume,
    }
}

pub(super) fn reaction(raw: Option<Reaction>) -> OnFailure {
    match raw {
        Some(Reaction::Undo) => OnFailure::Undo,
        Some(Reaction::Stop) | None => OnFailure::Stop,
    }
}

/// Whether a value is a template in whole or in part.
pub(super) fn is_template(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("{{"))
}
