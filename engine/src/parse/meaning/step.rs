//! Steps: what each is, what it asks before and after, and what takes it back.

use super::Checker;
use super::at::At;
use super::check::Stands;
use super::names::{self, Member};
use super::scope::{Scope, Shape, Steps, is_fixed};
use crate::action::{Action, EffectClass, Repeat as Again};
use crate::id::Id;
use crate::parse::problems::{meaning as problem, reference, structure};
use crate::parse::raw::step as raw;
use crate::parse::raw::words::TargetKind;
use crate::parse::vocabulary::OF_EVERY_STEP;
use crate::procedure::step::{
    Body, CheckpointWhen, Evidence, ForEach, Manual, OnError, Repeat, Retry, SecretOutput, Step, Undo, Wait,
};
use crate::template::references::Reference;

impl<'a> Checker<'a, '_> {
    pub(super) fn steps(&mut self, raw: &'a [raw::Step], at: At<'_>, scope: &Scope<'a>) -> Option<Vec<Step>> {
        let valid: Vec<Option<Step>> =
            raw.iter().enumerate().map(|(index, step)| self.step(step, at.item(index), scope)).collect();
        valid.into_iter().collect()
    }

    fn step(&mut self, raw: &'a raw::Step, at: At<'_>, around: &Scope<'a>) -> Option<Step> {
        let number = self.names.steps.get_index_of(raw.id.as_str()).unwrap_or_default();
        let outside = Scope { steps: Steps::Before { step: number, own: false }, ..around.clone() };
        let for_each = match &raw.for_each {
            Some(for_each) => self.for_each(for_each, at.get("for_each"), &outside).map(Some),
            None => Some(None),
        };
        let mut scope = outside;
        if let Some(for_each) = &raw.for_each {
            scope.item = Some(for_each.name.as_ref().map_or("item", Id::as_str));
        }
        let when = self.optional_condition(raw.when.as_ref(), at.get("when"), &scope);
        let scope = self.behind(raw.when.as_ref(), &scope);
        let after = Scope { steps: Steps::Before { step: number, own: true }, ..scope.clone() };

        let why = self.optional_text(raw.why.as_ref(), at.get("why"), &scope);
        let (body, result) = self.body(raw, at, &scope);
        let preconditions =
            self.checks("preconditions", raw.preconditions.iter().flatten(), at.get("preconditions"), &scope);
        let satisfied_when = match &raw.satisfied_when {
            Some(check) => self.check(&check.0, "satisfied_when", at.get("satisfied_when"), &scope).map(Some),
            None => Some(None),
        };
        let repeat = match &raw.repeat {
            Some(repeat) => {
                let at = at.get("repeat");
                let until = self.condition(
                    &repeat.until,
                    at.get("until"),
                    &Scope { result, kept: names::kept(raw), ..scope.clone() },
                );
                let max = self.count(&repeat.max, at.get("max"), &scope);
                until.zip(max).map(|(until, max)| Some(Repeat { until, max }))
            }
            None => Some(None),
        };
        let retry = match &raw.retry {
            Some(retry) => self.retry(retry, at.get("retry"), &scope).map(Some),
            None => Some(None),
        };
        let timeout = self.optional_duration(raw.timeout.as_ref(), at.get("timeout"), &scope);
        let approval = match &raw.approval {
            Some(approval) => self.approvals(approval, at.get("approval"), &scope).map(Some),
            None => Some(None),
        };
        let verify = self.checks("verify", raw.verify.iter().flatten(), at.get("verify"), &after);
        let undo = self.undo(raw.undo.as_ref().map(|undo| undo.0.as_slice()), at.get("undo"), &after);
        let acts_as: Vec<_> = raw
            .acts_as
            .iter()
            .flatten()
            .enumerate()
            .map(|(index, acts)| self.pattern(acts, at.get("acts_as").item(index)))
            .collect();
        let secret_outputs: Vec<_> = raw
            .secret_outputs
            .iter()
            .flatten()
            .map(|(name, output)| {
                self.secret_output(raw, name, output, at.get("secret_outputs").get(name.as_str()), &scope)
            })
            .collect();
        self.contract(raw, at);
        self.open_points(raw.todo.as_deref(), at);
        Some(Step {
            id: raw.id.clone(),
            title: raw.title.as_ref().map(|title| title.0.clone()),
            why: why?,
            body: body?,
            preconditions: preconditions?,
            when: when?,
            satisfied_when: satisfied_when?,
            for_each: for_each?,
            repeat: repeat?,
            retry: retry?,
            timeout: timeout?,
            approval: approval?,
            verify: verify?,
            undo: undo?,
            on_error: match raw.on_error {
                Some(raw::OnError::Continue) => OnError::Continue,
                Some(raw::OnError::Stop) | None => OnError::Stop,
            },
            checkpoint: raw.checkpoint.map(|raw::Checkpoint::Before| CheckpointWhen::Before),
            acts_as: acts_as.into_iter().collect::<Option<_>>()?,
            secret_outputs: secret_outputs.into_iter().collect::<Option<_>>()?,
        })
    }

    /// What a step is, and what is known of its output.
    fn body(&mut self, raw: &'a raw::Step, at: At<'_>, scope: &Scope<'a>) -> (Option<Body>, Shape<'a>) {
        if raw.with.is_some() && raw.action.is_none() && raw.call.is_none() {
            let place = self.place(at.get("with").key());
            self.problems.push(structure::missing_beside(place, "with", "action", "a step"));
        }
        if let Some(action) = &raw.action {
            let (act, result) = self.act(action, raw.with.as_ref(), at, scope, Stands::InStep);
            return (act.map(Body::Action), result);
        }
        let body = if let Some(name) = &raw.call {
            self.call(name, raw.with.as_ref(), at, scope)
        } else if let Some(manual) = &raw.manual {
            self.manual(manual, at.get("manual"), scope).map(Box::new).map(Body::Manual)
        } else if let Some(steps) = &raw.parallel {
            self.steps(steps, at.get("parallel"), scope).map(Body::Parallel)
        } else {
            self.wait(raw, at, scope).map(Box::new).map(Body::Wait)
        };
        (body, Shape::Any)
    }

    fn manual(&mut self, raw: &'a raw::Manual, at: At<'_>, scope: &Scope<'a>) -> Option<Manual> {
        let ask = self.text(&raw.ask, at.get("ask"), scope);
        let answer = self.parameters(raw.answer.as_ref(), at.get("answer"));
        self.refuse_reserved(raw.answer.iter().flat_map(|answer| answer.keys()), at.get("answer"));
        let read_back = match &raw.read_back {
            Some(text) => self.template(&text.0, at.get("read_back"), scope).map(Some),
            None => Some(None),
        };
        Some(Manual {
            ask: ask?,
            answer: answer?,
            read_back: read_back?,
            evidence: raw.evidence.as_ref().map(|it| Evidence { min: it.min, what: it.what.clone() }),
            by: raw.by.clone().unwrap_or_default(),
        })
    }

    /// An answer cannot have the name of what every step has.
    fn refuse_reserved<'i>(&mut self, ids: impl Iterator<Item = &'i Id>, at: At<'_>) {
        for name in ids.filter(|name| OF_EVERY_STEP.contains(&name.as_str())) {
            let place = self.place(at.get(name.as_str()).key());
            self.problems.push(problem::reserved_name(place, name.as_str()));
        }
    }

    fn wait(&mut self, raw: &'a raw::Step, at: At<'_>, scope: &Scope<'a>) -> Option<Wait> {
        let duration = self.duration(raw.wait.as_ref()?, at.get("wait"), scope);
        let until = match &raw.until {
            Some(check) => self.check(&check.0, "until", at.get("until"), scope).map(Some),
            None => Some(None),
        };
        let abort_when = match &raw.abort_when {
            Some(check) => self.check(&check.0, "abort_when", at.get("abort_when"), scope).map(Some),
            None => Some(None),
        };
        let every = self.optional_duration(raw.every.as_ref(), at.get("every"), scope);
        Some(Wait { duration: duration?, until: until?, abort_when: abort_when?, every: every? })
    }

    fn for_each(&mut self, raw: &'a raw::ForEach, at: At<'_>, scope: &Scope<'a>) -> Option<ForEach> {
        let written = match &raw.items.0 {
            serde_json::Value::String(text) => text.clone(),
            list => format!("{{{{ {list} }}}}"),
        };
        let items = self.template(&written, at.get("items"), scope);
        let variable = raw.name.clone().or_else(|| Id::parse("item").ok())?;
        let inner = Scope { item: Some(raw.name.as_ref().map_or("item", Id::as_str)), ..scope.clone() };
        let key = match &raw.key {
            Some(key) => self.expression(key, at.get("key"), &inner).map(Some),
            None => Some(None),
        };
        Some(ForEach { items: items?, variable, key: key?, max_items: raw.max_items })
    }

    fn retry(&mut self, raw: &'a raw::Retry, at: At<'_>, scope: &Scope<'a>) -> Option<Retry> {
        let attempts = self.count(&raw.attempts, at.get("attempts"), scope);
        let backoff = self.optional_duration(raw.backoff.as_ref(), at.get("backoff"), scope);
        let max = self.optional_duration(raw.max.as_ref(), at.get("max"), scope);
        Some(Retry { attempts: attempts?, backoff: backoff?, factor: raw.factor.unwrap_or(1.0), max: max? })
    }

    fn undo(&mut self, raw: Option<&'a [raw::Undo]>, at: At<'_>, scope: &Scope<'a>) -> Option<Undo> {
        let Some(raw) = raw else { return Some(Undo::Unsaid) };
        if let [raw::Undo { none: Some(why), .. }] = raw {
            return self.text(why, at.item(0).get("none"), scope).map(Undo::None);
        }
        let bodies: Vec<Option<Body>> =
            raw.iter().enumerate().map(|(index, body)| self.undo_body(body, at.item(index), scope)).collect();
        bodies.into_iter().collect::<Option<_>>().map(Undo::Bodies)
    }

    fn undo_body(&mut self, raw: &'a raw::Undo, at: At<'_>, scope: &Scope<'a>) -> Option<Body> {
        if raw.none.is_some() {
            let place = self.place(at.get("none").key());
            self.problems.push(problem::none_among_undo(place));
            return None;
        }
        if let Some(action) = &raw.action {
            return self.act(action, raw.with.as_ref(), at, scope, Stands::InStep).0.map(Body::Action);
        }
        if let Some(name) = &raw.call {
            return self.call(name, raw.with.as_ref(), at, scope);
        }
        if let Some(manual) = &raw.manual {
            return self.manual(manual, at.get("manual"), scope).map(Box::new).map(Body::Manual);
        }
        let duration = self.duration(raw.wait.as_ref()?, at.get("wait"), scope)?;
        Some(Body::Wait(Box::new(Wait { duration, until: None, abort_when: None, every: None })))
    }

    fn secret_output(
        &mut self,
        step: &raw::Step,
        name: &Id,
        raw: &'a raw::SecretOutput,
        at: At<'_>,
        scope: &Scope<'a>,
    ) -> Option<(Id, SecretOutput)> {
        if self.names.secrets.contains(&name.as_str()) {
            let place = self.place(at.key());
            self.problems.push(problem::secret_declared_twice(place, name.as_str()));
        }
        let place = self.place(at.get("store").span());
        match self.names.targets.get(raw.store.as_str()) {
            Some(TargetKind::SecretStore) => {}
            Some(kind) => {
                let found = super::input::word(*kind);
                let kinds = &["secret_store"];
                self.problems.push(crate::parse::problems::input::wrong_target_kind(
                    place,
                    "`secret_outputs`",
                    raw.store.as_str(),
                    found,
                    kinds,
                ));
            }
            None => {
                let known: Vec<&str> = self.names.targets.keys().copied().collect();
                self.problems.push(crate::parse::problems::input::unknown_target(place, raw.store.as_str(), &known));
            }
        }
        let registry = self.registry;
        let action = step.action.as_ref().and_then(|name| registry.get(&name.0));
        if let Some(action) = action {
            if action.is_read() {
                let place = self.place(at.key());
                self.problems.push(reference::secret_of_read(place, action.name));
            }
            let mut schema = action.output();
            for part in raw.from.0.split('.') {
                match names::member(action.output(), schema, part) {
                    Member::Known(below) => schema = below,
                    Member::Open => break,
                    Member::None(known) => {
                        let place = self.place(at.get("from").span());
                        self.problems.push(reference::unknown_output(place, action.name, part, &known));
                        break;
                    }
                }
            }
        }
        let key = self.template(&raw.key.0, at.get("key"), scope)?;
        let names_item = |path: &Reference| scope.item.is_some() && path.names().next() == scope.item;
        for reference in key.references().iter().filter(|reference| !names_item(reference)) {
            if !is_fixed(std::slice::from_ref(&reference.path)) {
                let place = self.place(at.get("key").span());
                self.problems.push(reference::unsettled_key(place, &reference.names().collect::<Vec<_>>().join(".")));
            }
        }
        let from = raw.from.0.split('.').map(str::to_owned).collect();
        Some((name.clone(), SecretOutput { from, store: raw.store.clone(), key }))
    }

    /// What the contract of an action asks of the step that does it.
    fn contract(&mut self, raw: &raw::Step, at: At<'_>) {
        let registry = self.registry;
        let Some(action) = raw.action.as_ref().and_then(|name| registry.get(&name.0)) else { return };
        let contract = action.contract;
        if contract.effect == EffectClass::Irreversible {
            self.irreversible(raw, action, at);
        }
        if contract.repeat == Again::Once && raw.retry.is_some() {
            let place = self.place(at.get("retry").key());
            self.problems.push(problem::retry_of_once(place, action.name));
        }
    }

    fn irreversible(&mut self, raw: &raw::Step, action: &Action, at: At<'_>) {
        let verified = raw.verify.as_ref().is_some_and(|checks| !checks.is_empty());
        for (key, there) in [("verify", verified), ("undo", raw.undo.is_some())] {
            if !there {
                let place = self.place(at.get("action").span());
                self.problems.push(problem::irreversible(place, action.name, key));
            }
        }
    }
}
