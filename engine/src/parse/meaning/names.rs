//! What the names of a document stand for, found before any expression is looked at.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Library;
use crate::action::Registry;
use crate::id::Id;
use crate::parse::raw;
use crate::parse::raw::parameter::Sort;
use crate::parse::raw::step::Step;
use crate::parse::raw::words::TargetKind;
use crate::parse::vocabulary::OUTPUT;

/// The names that a document declares.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub(super) parameters: IndexMap<&'a str, Sort>,
    pub(super) targets: IndexMap<&'a str, TargetKind>,
    pub(super) secrets: Vec<&'a str>,
    pub(super) env: Vec<&'a str>,
    pub(super) steps: IndexMap<&'a str, StepName<'a>>,
}

/// A step as others see it.
pub(super) struct StepName<'a> {
    /// Its number in document order.
    pub(super) order: usize,
    /// The parallel steps it is in, and in which branch, outermost first.
    pub(super) branches: Vec<(usize, usize)>,
    pub(super) outputs: Outputs<'a>,
    /// Done for each item of a list: it has `items` and `state` only.
    pub(super) for_each: bool,
    /// The conditions, its own and those around it, under which it is skipped.
    pub(super) skipped_by: Vec<&'a str>,
    /// Whether it may end without outputs in another way: it was done already, or failed and the run went on.
    pub(super) may_lack_outputs: bool,
    /// Whether it runs last, whatever happened.
    pub(super) last: bool,
    /// Secrets that it puts into a store.
    pub(super) secrets: Vec<&'a str>,
    /// Where those stand in its output, like `json.access_token`.
    pub(super) kept: Vec<&'a str>,
}

/// What `steps.X` has beside what every step has.
pub(super) enum Outputs<'a> {
    /// Not known: its action is not, or gives anything.
    Any,
    /// What the schema of its action says.
    Schema(&'a Value),
    /// These, of any type.
    Names(Vec<&'a str>),
}

impl<'a> Names<'a> {
    /// The names of a procedure or checklist.
    pub(super) fn of(document: &super::Common<'a>, registry: &'a Registry, library: &'a dyn Library) -> Self {
        let mut names = Self {
            parameters: document
                .parameters
                .iter()
                .flat_map(|all| all.iter())
                .map(|(id, it)| (id.as_str(), it.sort))
                .collect(),
            targets: document
                .targets
                .iter()
                .flat_map(|all| all.iter())
                .map(|(id, it)| (id.as_str(), it.kind))
                .collect(),
            secrets: document.secrets.iter().flat_map(|all| all.keys()).map(Id::as_str).collect(),
            env: document.env.iter().flat_map(|all| all.iter()).map(|name| name.0.as_str()).collect(),
            steps: IndexMap::new(),
        };
        let mut around = Around { registry, library, branches: Vec::new(), skipped_by: Vec::new(), last: false };
        document.steps.iter().for_each(|step| names.step(step, &mut around));
        around.last = true;
        document.finally.iter().for_each(|step| names.step(step, &mut around));
        names
    }

    fn step(&mut self, step: &'a Step, around: &mut Around<'a>) {
        let order = self.steps.len();
        let before = around.skipped_by.len();
        around.skipped_by.extend(step.when.as_ref().map(|when| when.0.as_str()));
        let name = StepName {
            order,
            branches: around.branches.clone(),
            outputs: around.outputs(step),
            for_each: step.for_each.is_some(),
            skipped_by: around.skipped_by.clone(),
            may_lack_outputs: step.satisfied_when.is_some() || step.on_error == Some(raw::step::OnError::Continue),
            last: around.last,
            secrets: step.secret_outputs.iter().flat_map(|all| all.keys()).map(Id::as_str).collect(),
            kept: kept(step),
        };
        // The first of two steps with one id counts; the second is reported elsewhere.
        self.steps.entry(step.id.as_str()).or_insert(name);
        for (branch, inner) in step.parallel.iter().flatten().enumerate() {
            around.branches.push((order, branch));
            self.step(inner, around);
            around.branches.pop();
        }
        around.skipped_by.truncate(before);
    }

    /// Whether a step has ended when another begins.
    pub(super) fn is_before(&self, earlier: &StepName<'_>, later: &StepName<'_>) -> bool {
        let side_by_side = earlier
            .branches
            .iter()
            .any(|(parallel, branch)| later.branches.iter().any(|(other, at)| other == parallel && at != branch));
        let around = later.branches.iter().any(|(parallel, _)| *parallel == earlier.order);
        earlier.order < later.order && !side_by_side && !around
    }
}

/// Where the secret outputs of a step stand in its output.
pub(super) fn kept(step: &Step) -> Vec<&str> {
    step.secret_outputs.iter().flat_map(|all| all.values()).map(|output| output.from.0.as_str()).collect()
}

struct Around<'a> {
    registry: &'a Registry,
    library: &'a dyn Library,
    branches: Vec<(usize, usize)>,
    skipped_by: Vec<&'a str>,
    last: bool,
}

impl<'a> Around<'a> {
    fn outputs(&self, step: &'a Step) -> Outputs<'a> {
        if let Some(action) = &step.action {
            let Some(action) = self.registry.get(&action.0) else { return Outputs::Any };
            let schema = action.output();
            return if schema.get(OUTPUT).and_then(Value::as_str) == Some("with") {
                Outputs::Names(step.with.iter().flat_map(|with| with.keys()).map(String::as_str).collect())
            } else {
                Outputs::Schema(schema)
            };
        }
        if let Some(name) = &step.call {
            return match self.library.find(name).and_then(super::outputs) {
                Some(names) => Outputs::Names(names),
                None => Outputs::Any,
            };
        }
        let answers = step.manual.iter().flat_map(|manual| manual.answer.iter().flat_map(|answer| answer.keys()));
        Outputs::Names(answers.map(Id::as_str).collect())
    }
}

/// What a schema says about one member of its values.
pub(super) enum Member<'s> {
    /// It is there, with this schema.
    Known(&'s Value),
    /// Nothing is said about it.
    Open,
    /// There is none; there are these.
    None(Vec<&'s str>),
}

/// Looks a member up in an output's schema.
pub(super) fn member<'s>(root: &'s Value, schema: &'s Value, name: &str) -> Member<'s> {
    let schema = resolved(root, schema);
    let branches = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    let mut known = Vec::new();
    let mut open = false;
    let mut seen = false;
    for branch in branches {
        match member(root, branch, name) {
            Member::Known(found) => return Member::Known(found),
            Member::Open => open |= !is_null(branch),
            Member::None(names) => known.extend(names),
        }
        seen = true;
    }
    let properties: Option<&Map<String, Value>> = schema.get("properties").and_then(Value::as_object);
    if let Some(found) = properties.and_then(|properties| properties.get(name)) {
        return Member::Known(found);
    }
    match schema.get("additionalProperties") {
        Some(Value::Bool(false)) | None if properties.is_some() => {}
        Some(schema @ Value::Object(_)) => return Member::Known(schema),
        _ if seen && !open => {}
        _ if is_scalar(schema) => {}
        _ => return Member::Open,
    }
    known.extend(properties.into_iter().flat_map(Map::keys).map(String::as_str));
    Member::None(known)
}

/// Whether its values are texts, numbers or booleans, which have no members.
fn is_scalar(schema: &Value) -> bool {
    let scalar = |name: &Value| matches!(name.as_str(), Some("string" | "integer" | "number" | "boolean" | "null"));
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().all(scalar),
        Some(name) => scalar(name),
        None => schema.get("enum").is_some() || schema.get("const").is_some(),
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// A schema, or the one it refers to.
pub(super) fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|name| root.pointer(name.strip_prefix('#')?));
    target.unwrap_or(schema)
}
