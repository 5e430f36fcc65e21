//! Calls: the procedure exists, is given what it needs and nothing else, and does not come back to the caller.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::Value;

use super::Checker;
use super::at::At;
use super::check::given;
use super::guard::is_template;
use super::input::{Secrets, word};
use super::scope::Scope;
use crate::id::{Id, Name};
use crate::parse::problems::Problems;
use crate::parse::problems::draft::call_of_draft;
use crate::parse::problems::input as problem;
use crate::parse::raw::procedure::Procedure;
use crate::parse::raw::step::Step;
use crate::parse::raw::words::Template;
use crate::parse::{Library, Raw};
use crate::procedure::step::Body;

impl<'a> Checker<'a, '_> {
    pub(super) fn call(
        &mut self,
        name: &'a Name,
        with: Option<&'a IndexMap<String, Template>>,
        at: At<'_>,
        scope: &Scope<'a>,
    ) -> Option<Body> {
        let value = given(with);
        let inputs = if with.is_some() { at.get("with") } else { at.get("call") };
        let Some(callee) = self.callee(name, at.get("call")) else {
            self.data(&value, inputs, scope, &Secrets::Unknown);
            return None;
        };
        self.call_inputs(name, callee, &value, inputs);
        let names = callee.secrets.iter().flat_map(|all| all.keys()).map(Id::as_str).collect();
        let with = self.data(&value, inputs, scope, &Secrets::Named { procedure: name.as_str(), names })?;
        Some(Body::Call { procedure: name.clone(), with })
    }

    fn callee(&mut self, name: &Name, at: At<'_>) -> Option<&'a Procedure> {
        let library = self.library;
        let Some(opened) = library.find(name) else {
            let names = library.names();
            let known: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            let place = self.place(at.span());
            self.problems.push(problem::unknown_procedure(place, name.as_str(), &known));
            return None;
        };
        let Some(raw) = &opened.raw else {
            let place = self.place(at.span());
            self.problems.push(problem::invalid_document(place, name.as_str()));
            return None;
        };
        match raw {
            Raw::Procedure(procedure) => {
                if super::draft::is_draft(raw) {
                    let place = self.place(at.span());
                    self.problems.push(call_of_draft(place, name.as_str()));
                }
                Some(procedure)
            }
            Raw::Checklist(_) | Raw::Test(_) | Raw::Workspace(_) => {
                let place = self.place(at.span());
                let found = opened.kind.as_str();
                self.problems.push(problem::wrong_document(
                    place,
                    name.as_str(),
                    found,
                    "a procedure that can be called",
                ));
                None
            }
        }
    }

    fn call_inputs(&mut self, name: &Name, callee: &Procedure, value: &Value, at: At<'_>) {
        let of = format!("`{name}`");
        let Value::Object(members) = value else { return };
        let parameters = callee.parameters.iter().flatten();
        let targets = callee.targets.iter().flatten();
        let secrets = callee.secrets.iter().flat_map(|all| all.keys());
        let known: Vec<&str> = parameters
            .clone()
            .map(|(name, _)| name.as_str())
            .chain(targets.clone().map(|(name, _)| name.as_str()))
            .chain(secrets.clone().map(Id::as_str))
            .collect();
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            let place = self.place(at.get(name).key());
            self.problems.push(problem::unknown_input(place, &of, name, &known));
        }
        let mut missing: Vec<(&str, Option<&str>)> = Vec::new();
        for (name, parameter) in parameters {
            let given = members.get(name.as_str());
            match given {
                Some(value) if is_templated(value) => {}
                Some(value) => self.call_parameter(&of, name, callee, value, at.get(name.as_str())),
                None if parameter.default.is_none() => {
                    missing.push((name.as_str(), parameter.description.as_ref().map(|text| text.0.as_str())));
                }
                None => {}
            }
        }
        for (name, target) in targets {
            match members.get(name.as_str()) {
                Some(value) => self.call_target(&of, value, word(target.kind), at.get(name.as_str())),
                None => missing.push((name.as_str(), target.description.as_ref().map(|text| text.0.as_str()))),
            }
        }
        for name in secrets {
            match members.get(name.as_str()) {
                Some(value) if is_template(value) => {}
                Some(_) => {
                    let place = self.place(at.get(name.as_str()).span());
                    let expected = "a secret alone, as `'{{ secrets.NAME }}'`,";
                    self.problems.push(problem::wrong_input(place, &of, "something else", expected));
                }
                None => missing.push((name.as_str(), None)),
            }
        }
        for (name, what) in missing {
            let place = self.place(at.key());
            self.problems.push(problem::missing_input(place, &of, name, what));
        }
    }

    /// A literal value must be accepted by the callee's parameter.
    fn call_parameter(&mut self, of: &str, name: &Id, callee: &Procedure, value: &Value, at: At<'_>) {
        // What is wrong with the callee itself is reported where it is checked.
        let Some(parameter) = self.accepted_parameter(name, callee) else { return };
        if let Err(why) = parameter.accept(value) {
            let place = self.place(at.span());
            self.problems.push(problem::refused_value(place, of, name.as_str(), &why));
        }
    }

    fn accepted_parameter(&self, name: &Id, callee: &Procedure) -> Option<crate::procedure::parameter::Parameter> {
        let mut aside = Problems::new(std::sync::Arc::clone(self.problems.source()));
        let nowhere = crate::parse::node::Node { data: crate::parse::node::Data::Null, span: 0..0 };
        let mut checker = Checker {
            problems: &mut aside,
            registry: self.registry,
            library: self.library,
            names: super::names::Names::default(),
            draft: false,
        };
        let parameters = callee.parameters.as_ref()?;
        let only = parameters.get_key_value(name).map(|(name, raw)| (name.clone(), raw.clone()))?;
        checker.parameters(Some(&IndexMap::from([only])), At::root(&nowhere))?.shift_remove(name)
    }

    fn call_target(&mut self, of: &str, value: &Value, expected: &str, at: At<'_>) {
        let place = self.place(at.span());
        let Some(name) = value.as_str().filter(|_| !is_template(value)) else {
            self.problems.push(problem::target_by_template(place));
            return;
        };
        match self.names.targets.get(name) {
            Some(kind) if word(*kind) == expected => {}
            Some(kind) => {
                self.problems.push(problem::wrong_target_kind(place, of, name, word(*kind), &[expected]));
            }
            None => {
                let known: Vec<&str> = self.names.targets.keys().copied().collect();
                self.problems.push(problem::unknown_target(place, name, &known));
            }
        }
    }

    /// Reports the calls by which a procedure comes back to itself.
    pub(super) fn cycles(&mut self, name: &Name, raw: &'a Procedure, at: At<'_>) {
        for (call, place) in calls_of(raw, at) {
            let mut chain = vec![name.as_str().to_owned()];
            if comes_back(self.library, name, call, &mut chain, &mut HashSet::new()) {
                let place = self.place(place.span());
                self.problems.push(problem::call_cycle(place, &format!("`{}`", chain.join("` → `"))));
            }
        }
    }
}

/// Whether a called procedure leads back to a name; `chain` is the way.
fn comes_back<'a>(
    library: &'a dyn Library,
    name: &Name,
    call: &'a Name,
    chain: &mut Vec<String>,
    seen: &mut HashSet<&'a Name>,
) -> bool {
    chain.push(call.as_str().to_owned());
    if call == name {
        return true;
    }
    // Each is looked at once. A cycle further on that does not lead back here is the affair of those in it.
    if seen.insert(call)
        && let Some(Raw::Procedure(raw)) = library.find(call).and_then(|opened| opened.raw.as_ref())
    {
        for next in names_called(raw) {
            if comes_back(library, name, next, chain, seen) {
                return true;
            }
        }
    }
    chain.pop();
    false
}

fn names_called(raw: &Procedure) -> Vec<&Name> {
    fn walk<'r>(step: &'r Step, found: &mut Vec<&'r Name>) {
        found.extend(&step.call);
        found.extend(step.undo.iter().flat_map(|undo| undo.0.iter().filter_map(|body| body.call.as_ref())));
        step.parallel.iter().flatten().for_each(|step| walk(step, found));
    }
    let mut found = Vec::new();
    raw.steps.iter().chain(raw.finally.iter().flatten()).for_each(|step| walk(step, &mut found));
    found
}

/// The calls of a procedure with their places.
fn calls_of<'r, 't>(raw: &'r Procedure, at: At<'t>) -> Vec<(&'r Name, At<'t>)> {
    fn walk<'r, 't>(step: &'r Step, at: At<'t>, found: &mut Vec<(&'r Name, At<'t>)>) {
        found.extend(step.call.as_ref().map(|call| (call, at.get("call"))));
        for (index, body) in step.undo.iter().flat_map(|undo| undo.0.iter()).enumerate() {
            found.extend(body.call.as_ref().map(|call| (call, at.get("undo").item(index).get("call"))));
        }
        for (index, step) in step.parallel.iter().flatten().enumerate() {
            walk(step, at.get("parallel").item(index), found);
        }
    }
    let mut found = Vec::new();
    for (key, steps) in [("steps", Some(&raw.steps)), ("finally", raw.finally.as_ref())] {
        for (index, step) in steps.into_iter().flatten().enumerate() {
            walk(step, at.get(key).item(index), &mut found);
        }
    }
    found
}

/// Whether any text in a value is a template.
fn is_templated(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(is_templated),
        Value::Object(members) => members.values().any(is_templated),
        other => is_template(other),
    }
}
