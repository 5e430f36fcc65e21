//! What an action is given, held against the schema of its params: what is written is checked, what a template will
//! say is left to the plan.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::Regex;
use serde_json::{Map, Value};

use super::Checker;
use super::at::At;
use super::names::resolved;
use crate::parse::problems::input as problem;
use crate::parse::raw::words::TargetKind;
use crate::parse::vocabulary::{SECRET, TARGET};
use crate::time::{Duration, Timestamp};

/// Where in an input a secret may stand.
pub(super) enum Secrets<'s> {
    /// Nowhere in this.
    Nowhere(&'s str),
    /// Nothing is known of the input, so nothing is said.
    Unknown,
    /// Where the schema of an action's params says so.
    Marked { action: &'s str, schema: &'s Value },
    /// Under these names of a called procedure.
    Named { procedure: &'s str, names: Vec<&'s str> },
}

impl Secrets<'_> {
    /// What a secret at a place is refused for, if it is.
    pub(super) fn refuse(&self, pointer: &str) -> Option<String> {
        match self {
            Self::Nowhere(of) => Some((*of).to_owned()),
            Self::Unknown => None,
            Self::Marked { action, schema } => {
                let mut here = Some(*schema);
                for token in pointer.split('/').skip(1) {
                    let token = token.replace("~1", "/").replace("~0", "~");
                    here = here.and_then(|here| below(schema, here, &token));
                    if here.is_some_and(|here| here.get(SECRET) == Some(&Value::Bool(true))) {
                        return None;
                    }
                }
                let input = pointer.split('/').nth(1).unwrap_or_default();
                Some(format!("`{input}` of `{action}`"))
            }
            Self::Named { procedure, names } => {
                let name = pointer.split('/').nth(1).unwrap_or_default();
                let fits = names.contains(&name) && pointer.matches('/').count() == 1;
                (!fits).then(|| format!("`{name}` of `{procedure}`, which is no secret of it"))
            }
        }
    }
}

/// The schema of a member or item. Of several branches the first that has one counts.
fn below<'s>(root: &'s Value, schema: &'s Value, token: &str) -> Option<&'s Value> {
    let schema = resolved(root, schema);
    let direct = schema.get("properties").and_then(|properties| properties.get(token));
    let other = || schema.get("additionalProperties").filter(|schema| schema.is_object());
    let item = || schema.get("items").filter(|_| token.parse::<usize>().is_ok());
    direct.or_else(item).or_else(other).or_else(|| {
        let branches = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
        branches.filter_map(|branch| below(root, branch, token)).next()
    })
}

/// A value held against a schema.
struct Held<'s> {
    root: &'s Value,
    /// What is judged, like "`file.copy`".
    of: &'s str,
    /// Whether strings are templates.
    templates: bool,
    /// Whether what is not there is missing.
    whole: bool,
}

/// What is wrong, and how deep it is: of several branches the deepest problem is the one that was meant.
type Found = Vec<(usize, crate::diagnostic::Diagnostic)>;

impl Checker<'_, '_> {
    /// Holds what an action is given against the schema of its params.
    pub(super) fn input(&mut self, action: &str, schema: &Value, value: &Value, at: At<'_>) {
        let held = Held { root: schema, of: &format!("`{action}`"), templates: true, whole: true };
        let found = self.hold(&held, schema, value, at, 0);
        found.into_iter().for_each(|(_, problem)| self.problems.push(problem));
    }

    /// Holds a scripted result against the schema of an action's output; a test may leave out what it does not need.
    pub(super) fn scripted(&mut self, action: &str, schema: &Value, value: &Value, at: At<'_>) {
        let held = Held { root: schema, of: &format!("the output of `{action}`"), templates: false, whole: false };
        let found = self.hold(&held, schema, value, at, 0);
        found.into_iter().for_each(|(_, problem)| self.problems.push(problem));
    }

    fn hold(&self, held: &Held<'_>, schema: &Value, value: &Value, at: At<'_>, depth: usize) -> Found {
        let given = schema;
        let schema = resolved(held.root, schema);
        let Value::Object(keywords) = schema else { return Found::new() };
        let target = given.get(TARGET).or_else(|| schema.get(TARGET));
        if let Some(kinds) = target {
            return self.hold_target(held, kinds, value, at, depth);
        }
        if held.templates && value.as_str().is_some_and(|text| text.contains("{{")) {
            return Found::new();
        }
        let branches: Vec<&Value> = ["anyOf", "oneOf"]
            .iter()
            .filter_map(|key| keywords.get(*key)?.as_array())
            .flatten()
            .filter(|branch| value.is_null() || branch.get("type").and_then(Value::as_str) != Some("null"))
            .collect();
        if !branches.is_empty() {
            if let Some(words) = branches.iter().map(|branch| branch.get("const")).collect::<Option<Vec<_>>>() {
                let fits = words.contains(&value);
                let words: Vec<Value> = words.into_iter().cloned().collect();
                let wrong = || problem::wrong_input(self.place(at.span()), held.of, &shown(value), &either(&words));
                return if fits { Found::new() } else { vec![(depth, wrong())] };
            }
            let tried: Vec<Found> =
                branches.iter().map(|branch| self.hold(held, branch, value, at, depth + 1)).collect();
            let depth_of = |found: &Found| found.iter().map(|(depth, _)| *depth).max().unwrap_or(usize::MAX);
            return tried.into_iter().max_by_key(depth_of).unwrap_or_default();
        }
        let all = keywords.get("allOf").and_then(Value::as_array).into_iter().flatten();
        let mut found: Found = all.flat_map(|part| self.hold(held, part, value, at, depth)).collect();
        if let Some(expected) = unfit(keywords, value) {
            found.push((depth, problem::wrong_input(self.place(at.span()), held.of, &shown(value), &expected)));
            return found;
        }
        match value {
            Value::Object(members) => found.extend(self.hold_map(held, keywords, members, at, depth)),
            Value::Array(items) => {
                if let Some(item) = keywords.get("items") {
                    let each = items.iter().enumerate();
                    found.extend(
                        each.flat_map(|(index, value)| self.hold(held, item, value, at.item(index), depth + 1)),
                    );
                }
            }
            _ => {}
        }
        found
    }

    fn hold_map(
        &self,
        held: &Held<'_>,
        keywords: &Map<String, Value>,
        members: &Map<String, Value>,
        at: At<'_>,
        depth: usize,
    ) -> Found {
        let empty = Map::new();
        let properties = keywords.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let additional = keywords.get("additionalProperties");
        // What an action gives is what its schema lists, though the schema does not close it.
        let closed = additional == Some(&Value::Bool(false)) || !held.whole && !properties.is_empty();
        let mut found = Found::new();
        for (name, member) in members {
            let place = at.get(name);
            match (properties.get(name), additional) {
                (Some(schema), _) => found.extend(self.hold(held, schema, member, place, depth + 1)),
                (None, Some(schema @ Value::Object(_))) => {
                    found.extend(self.hold(held, schema, member, place, depth + 1));
                }
                (None, _) if closed => {
                    let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                    found.push((depth + 1, problem::unknown_input(self.place(place.key()), held.of, name, &known)));
                }
                (None, _) => {}
            }
        }
        if held.whole {
            let required = keywords.get("required").and_then(Value::as_array).into_iter().flatten();
            for name in required.filter_map(Value::as_str).filter(|name| !members.contains_key(*name)) {
                let what = properties.get(name).and_then(|schema| {
                    schema.get("description").or_else(|| resolved(held.root, schema).get("description"))?.as_str()
                });
                found.push((depth + 1, problem::missing_input(self.place(at.key()), held.of, name, what)));
            }
        }
        found
    }

    /// A target is named by its literal name, and is of a kind that the action takes.
    fn hold_target(&self, held: &Held<'_>, kinds: &Value, value: &Value, at: At<'_>, depth: usize) -> Found {
        let kinds: Vec<&str> = kinds.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if let Value::Array(names) = value {
            let each = names.iter().enumerate();
            return each
                .flat_map(|(index, name)| {
                    self.hold_target(held, &Value::from(kinds.clone()), name, at.item(index), depth)
                })
                .collect();
        }
        let place = self.place(at.span());
        let Some(name) = value.as_str().filter(|name| !name.contains("{{")) else {
            return if value.is_null() { Found::new() } else { vec![(depth, problem::target_by_template(place))] };
        };
        match self.names.targets.get(name) {
            None => {
                let known: Vec<&str> = self.names.targets.keys().copied().collect();
                vec![(depth, problem::unknown_target(place, name, &known))]
            }
            Some(kind) if !kinds.is_empty() && !kinds.contains(&word(*kind)) => {
                vec![(depth, problem::wrong_target_kind(place, held.of, name, word(*kind), &kinds))]
            }
            Some(_) => Found::new(),
        }
    }
}

pub(super) fn word(kind: TargetKind) -> &'static str {
    super::document::target_kind(kind).as_str()
}

/// What would fit, where a value does not.
fn unfit(keywords: &Map<String, Value>, value: &Value) -> Option<String> {
    if let Some(words) = keywords.get("enum").and_then(Value::as_array)
        && !words.contains(value)
    {
        return Some(either(words));
    }
    if let Some(word) = keywords.get("const")
        && word != value
    {
        return Some(format!("`{}`", plain(word)));
    }
    let names: Vec<&str> = match keywords.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !names.is_empty() && !names.iter().any(|name| is_of(name, value)) {
        let words = names.iter().filter(|name| **name != "null").map(|name| type_in_words(name));
        return Some(words.collect::<Vec<_>>().join(" or "));
    }
    match value {
        Value::Number(number) => beyond(keywords, number.as_f64()?),
        Value::String(text) => ill_written(keywords, text),
        Value::Array(items) => {
            let least = keywords.get("minItems").and_then(Value::as_u64).unwrap_or(0);
            ((items.len() as u64) < least).then(|| format!("a list of {least} or more"))
        }
        _ => None,
    }
}

fn beyond(keywords: &Map<String, Value>, number: f64) -> Option<String> {
    let bound = |name: &str| keywords.get(name).and_then(Value::as_f64);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), _) if number < least => Some(format!("{least} or more")),
        (_, Some(most)) if number > most => Some(format!("{most} or less")),
        _ => None,
    }
}

fn ill_written(keywords: &Map<String, Value>, text: &str) -> Option<String> {
    let words = |name: &str| keywords.get(name).and_then(Value::as_str);
    match words("format") {
        Some("runwarden-duration") if Duration::parse(text).is_err() => {
            return Some("a duration with its unit (like `90s`)".to_owned());
        }
        Some("date-time") if Timestamp::parse(text).is_err() => {
            return Some("an instant with its offset (like `2026-11-20T09:35:12Z`)".to_owned());
        }
        _ => {}
    }
    let least = keywords.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    if (text.chars().count() as u64) < least {
        return Some(format!("text of {least} or more characters"));
    }
    let pattern = words("pattern")?;
    (!matches(pattern, text))
        .then(|| words("x-runwarden").map_or_else(|| format!("text like `{pattern}`"), str::to_owned))
}

/// The regular expressions of schemas, each built once; there are as many as actions have patterns.
static PATTERNS: Mutex<BTreeMap<String, Option<Arc<Regex>>>> = Mutex::new(BTreeMap::new());

/// Whether a text is like a pattern; one that is no regular expression takes everything.
fn matches(pattern: &str, text: &str) -> bool {
    let regex = {
        let mut known = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(pattern) {
            Some(regex) => regex.clone(),
            None => {
                let built = Regex::new(pattern).ok().map(Arc::new);
                known.insert(pattern.to_owned(), built.clone());
                built
            }
        }
    };
    regex.is_none_or(|regex| regex.is_match(text))
}

fn is_of(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("number", Value::Number(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        ("integer", Value::Number(number)) => number.is_i64() || number.is_u64(),
        _ => false,
    }
}

fn type_in_words(name: &str) -> &'static str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a map",
        _ => "nothing",
    }
}

fn either(words: &[Value]) -> String {
    let words: Vec<String> = words.iter().filter(|word| !word.is_null()).map(plain).collect();
    crate::parse::problems::structure::either(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        other => format!("`{}`", plain(other)),
    }
}
