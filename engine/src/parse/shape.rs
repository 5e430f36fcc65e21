//! Holds the tree of a document against its JSON Schema, and says all that is wrong with places.
//!
//! Only the keywords are known that the generated schemas use; a test sees to it that there are no others. What comes
//! out is the document as a JSON value from which extension keys are gone and in which mistyped keys have their right
//! names, so that what refers to them is not reported as well.

mod expected;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::Kind;
use super::node::{Data, Entry, Node};
use super::problems::{Problems, structure as problem};
use super::schema::chosen;
use crate::diagnostic::{did_you_mean, is_slip};
use expected::{Shape, found, name_of, strings, words};

/// Checks the structure of a document, and gives it as a value for the raw form.
///
/// The tree's mistyped keys get their right names too.
pub fn check(kind: Kind, root: &mut Node, problems: &mut Problems) -> Value {
    let shape = match kind {
        Kind::Procedure => &*PROCEDURE,
        Kind::Checklist => &*CHECKLIST,
        Kind::Test => &*TEST,
        Kind::Workspace => &*WORKSPACE,
    };
    let whole = Part { node: root, key_span: None, owner: format!("a {}", kind.as_str()) };
    let mut walk = Walk { shape, problems, renamed: HashMap::new() };
    let value = walk.value(&shape.schema, &whole).unwrap_or(Value::Null);
    let renamed = walk.renamed;
    if !renamed.is_empty() {
        rename(root, &renamed);
    }
    value
}

static PROCEDURE: LazyLock<Shape> = LazyLock::new(|| Shape::of(Kind::Procedure));
static CHECKLIST: LazyLock<Shape> = LazyLock::new(|| Shape::of(Kind::Checklist));
static TEST: LazyLock<Shape> = LazyLock::new(|| Shape::of(Kind::Test));
static WORKSPACE: LazyLock<Shape> = LazyLock::new(|| Shape::of(Kind::Workspace));

/// A part of the document, and what to call it.
struct Part<'a> {
    node: &'a Node,
    key_span: Option<&'a Range<usize>>,
    /// Like "a procedure", "`retry`" or "an entry of `steps`".
    owner: String,
}

impl Part<'_> {
    /// Where to point at: the value, or its key where nothing was written.
    fn span(&self) -> Range<usize> {
        match self.key_span {
            Some(key) if self.node.span.is_empty() => key.clone(),
            _ => self.node.head(),
        }
    }

    /// Where to point at when something is not there: the key of the map, or its first key.
    fn outside(&self) -> Range<usize> {
        self.key_span.cloned().unwrap_or_else(|| self.node.head())
    }
}

struct Walk<'a> {
    shape: &'static Shape,
    problems: &'a mut Problems,
    /// The right names of mistyped keys, by where they begin.
    renamed: HashMap<usize, String>,
}

fn rename(node: &mut Node, renamed: &HashMap<usize, String>) {
    match &mut node.data {
        Data::Mapping(entries) => {
            for entry in entries {
                if let Some(name) = renamed.get(&entry.key_span.start) {
                    entry.key.clone_from(name);
                }
                rename(&mut entry.value, renamed);
            }
        }
        Data::Sequence(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        _ => {}
    }
}

impl Walk<'_> {
    /// The value, or nothing when it is of a wrong type.
    fn value(&mut self, schema: &Value, part: &Part<'_>) -> Option<Value> {
        if part.node.data == Data::Refused {
            return None;
        }
        let Value::Object(keywords) = schema else { return Some(part.node.to_json()) };
        if let Some(target) = keywords.get("$ref").and_then(Value::as_str).and_then(|name| self.shape.definition(name))
        {
            return self.value(target, part);
        }
        if let Some(Value::Array(branches)) = keywords.get("anyOf") {
            return match branches.iter().find(|branch| self.shape.takes(branch, part.node)) {
                Some(branch) => self.value(branch, part),
                None => self.refuse_type(schema, part),
            };
        }
        if !self.shape.takes(schema, part.node) {
            return self.refuse_type(schema, part);
        }
        if let Some(choice) = chosen(keywords, part.node) {
            return self.value(choice, part);
        }
        let words = words(keywords);
        match &part.node.data {
            Data::Mapping(entries) => Some(self.map(keywords, part, entries)),
            Data::Sequence(items) => self.list(keywords, part, items),
            Data::String(text, _) if !words.is_empty() => self.word(part, text, &words),
            Data::String(text, _) => self.text(keywords, part, text),
            Data::Number(number) => self.number(keywords, part, number),
            _ => Some(part.node.to_json()),
        }
    }

    fn map(&mut self, keywords: &Map<String, Value>, part: &Part<'_>, entries: &[Entry]) -> Value {
        let properties = keywords.get("properties").and_then(Value::as_object);
        let required: Vec<&str> = strings(keywords.get("required")).collect();
        let mut out = Map::new();
        let mut places: HashMap<&str, &Entry> = HashMap::new();
        for entry in entries {
            let (name, schema) = match self.key(keywords, properties, &required, part, entries, entry) {
                Taken::As(name, schema) => (name, schema),
                Taken::Extension | Taken::Unknown => continue,
            };
            if places.contains_key(name) {
                continue;
            }
            places.insert(name, entry);
            let owner = if properties.is_some() || part.key_span.is_none() {
                format!("`{name}`")
            } else {
                format!("`{}.{name}`", part.owner.trim_matches('`'))
            };
            let value = Part { node: &entry.value, key_span: Some(&entry.key_span), owner };
            if let Some(value) = self.value(schema, &value) {
                out.insert(name.to_owned(), value);
            }
        }
        for key in required.into_iter().filter(|key| !places.contains_key(key)) {
            let what = properties
                .and_then(|properties| properties.get(key))
                .and_then(|schema| schema.get("description").or_else(|| self.shape.keyword(schema, "description")));
            let place = self.problems.place(part.outside());
            self.problems.push(problem::missing_key(place, key, &part.owner, what.and_then(Value::as_str)));
        }
        self.together(keywords, part, &places);
        Value::Object(out)
    }

    /// What a key of a map stands for.
    fn key<'s>(
        &mut self,
        keywords: &'s Map<String, Value>,
        properties: Option<&'s Map<String, Value>>,
        required: &[&str],
        part: &Part<'_>,
        entries: &[Entry],
        entry: &'s Entry,
    ) -> Taken<'s> {
        let key = entry.key.as_str();
        if let Some((name, schema)) = properties.and_then(|properties| properties.get_key_value(key)) {
            return Taken::As(name, schema);
        }
        let patterns = keywords.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
        for (pattern, schema) in patterns {
            match (self.shape.matches(pattern, key), properties.is_some()) {
                (true, true) => return Taken::Extension,
                (true, false) => return Taken::As(key, schema),
                (false, true) => {}
                (false, false) => {
                    let place = self.problems.place(entry.key_span.clone());
                    self.problems.push(problem::malformed(place, key, name_of(pattern), None));
                    return Taken::As(key, schema);
                }
            }
        }
        match keywords.get("additionalProperties") {
            None | Some(Value::Bool(true)) => return Taken::As(key, &Value::Bool(true)),
            Some(schema @ Value::Object(_)) => return Taken::As(key, schema),
            _ => {}
        }
        let known: Vec<&str> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
        let absent = |name: &&str| !entries.iter().any(|entry| entry.key == **name);
        let wanted = required.iter().copied().filter(|name| absent(name));
        let meant = did_you_mean(key, wanted)
            .or_else(|| did_you_mean(key, known.iter().copied().filter(|name| absent(name))))
            .or_else(|| did_you_mean(key, known.iter().copied()));
        let place = self.problems.place(entry.key_span.clone());
        self.problems.push(problem::unknown_key(place, key, &part.owner, meant, &known));
        let slip = meant.filter(|meant| is_slip(key, meant));
        let renamed = slip.and_then(|meant| properties?.get_key_value(meant));
        match renamed {
            Some((name, schema)) => {
                self.renamed.insert(entry.key_span.start, name.clone());
                Taken::As(name, schema)
            }
            None => Taken::Unknown,
        }
    }

    /// Which keys must stand together, and which must not.
    fn together(&mut self, keywords: &Map<String, Value>, part: &Part<'_>, places: &HashMap<&str, &Entry>) {
        let branches = keywords.get("oneOf").and_then(Value::as_array);
        let keys: Vec<&str> =
            branches.into_iter().flatten().flat_map(|branch| strings(branch.get("required"))).collect();
        let mut there: Vec<(&str, &Entry)> =
            keys.iter().filter_map(|key| places.get_key_value(key).map(|(key, entry)| (*key, *entry))).collect();
        there.sort_by_key(|(_, entry)| entry.key_span.start);
        match there.as_slice() {
            [] if !keys.is_empty() => {
                let place = self.problems.place(part.outside());
                self.problems.push(problem::none_of(place, &part.owner, &keys));
            }
            [(first, before), others @ ..] => {
                for (other, entry) in others {
                    let place = self.problems.place(entry.key_span.clone());
                    let before = self.problems.place(before.key_span.clone());
                    self.problems.push(problem::several_of(place, before, &part.owner, other, first));
                }
            }
            [] => {}
        }
        let needs = keywords.get("dependentRequired").and_then(Value::as_object).into_iter().flatten();
        for (key, others) in needs {
            let Some(entry) = places.get(key.as_str()) else { continue };
            let said = |other: &str| there.is_empty() && keys.contains(&other);
            for other in strings(Some(others)).filter(|other| !places.contains_key(other) && !said(other)) {
                let place = self.problems.place(entry.key_span.clone());
                self.problems.push(problem::missing_beside(place, key, other, &part.owner));
            }
        }
    }

    fn list(&mut self, keywords: &Map<String, Value>, part: &Part<'_>, items: &[Node]) -> Option<Value> {
        let least = keywords.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        if (items.len() as u64) < least {
            let place = self.problems.place(part.span());
            self.problems.push(problem::empty(place, &part.owner));
            return None;
        }
        let any = Value::Bool(true);
        let schema = keywords.get("items").unwrap_or(&any);
        let values = items.iter().map(|item| {
            let item = Part { node: item, key_span: None, owner: format!("an entry of {}", part.owner) };
            self.value(schema, &item).unwrap_or(Value::Null)
        });
        Some(Value::Array(values.collect()))
    }

    fn word(&mut self, part: &Part<'_>, text: &str, words: &[&str]) -> Option<Value> {
        if words.contains(&text) {
            return Some(Value::from(text));
        }
        let place = self.problems.place(part.span());
        self.problems.push(match part.owner.as_str() {
            "`runwarden`" => problem::unknown_version(place, text),
            owner => problem::unknown_word(place, owner, text, words),
        });
        None
    }

    fn text(&mut self, keywords: &Map<String, Value>, part: &Part<'_>, text: &str) -> Option<Value> {
        let pattern = keywords.get("pattern").and_then(Value::as_str);
        let blank = text.trim().is_empty() && pattern == Some("\\S");
        if blank || text.is_empty() && keywords.contains_key("minLength") {
            let place = self.problems.place(part.span());
            self.problems.push(problem::empty(place, &part.owner));
            return None;
        }
        if let Some(pattern) = pattern
            && !self.shape.matches(pattern, text)
        {
            let expected = expectation(keywords).unwrap_or("written as it should be");
            let seconds = (expected.starts_with("a duration") && text.parse::<u64>().is_ok())
                .then(|| format!("did you mean `{text}s`?"));
            let place = self.problems.place(part.span());
            self.problems.push(problem::malformed(place, text, expected, seconds));
            return None;
        }
        Some(Value::from(text))
    }

    fn number(&mut self, keywords: &Map<String, Value>, part: &Part<'_>, number: &serde_json::Number) -> Option<Value> {
        let value = number.as_f64().unwrap_or_default();
        let bound = |keyword: &str| keywords.get(keyword).and_then(Value::as_f64);
        let broken = match (bound("minimum"), bound("maximum")) {
            (Some(least), _) if value < least => Some(format!("{least} or more")),
            (_, Some(most)) if value > most => Some(format!("{most} or less")),
            _ => None,
        };
        if let Some(broken) = broken {
            let place = self.problems.place(part.span());
            self.problems.push(problem::out_of_range(place, &part.owner, &number.to_string(), &broken));
            return None;
        }
        Some(Value::Number(number.clone()))
    }

    fn refuse_type(&mut self, schema: &Value, part: &Part<'_>) -> Option<Value> {
        let expected = self.shape.expected(schema);
        let help = self.shape.remedy(schema, part.node, &expected);
        let place = self.problems.place(part.span());
        self.problems.push(problem::wrong_type(place, &part.owner, &found(part.node), &expected, help));
        None
    }
}

/// What a key of a map is taken for.
enum Taken<'s> {
    /// A key of the language, maybe mistyped, or a name.
    As(&'s str, &'s Value),
    Extension,
    Unknown,
}

fn expectation(keywords: &Map<String, Value>) -> Option<&str> {
    keywords.get("x-runwarden").and_then(Value::as_str)
}
