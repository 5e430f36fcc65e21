//! What a schema takes, and how to say it.

use std::collections::HashMap;

use regex::Regex;
use serde_json::{Map, Value};

use crate::parse::Kind;
use crate::parse::node::{Data, Node, Style};
use crate::parse::problems::structure as problem;
use crate::parse::schema::schema;

/// A schema with its regular expressions.
pub(super) struct Shape {
    pub(super) schema: Value,
    patterns: HashMap<String, Regex>,
}

impl Shape {
    pub(super) fn of(kind: Kind) -> Self {
        let schema = schema(kind);
        let mut patterns = HashMap::new();
        collect_patterns(&schema, &mut patterns);
        Self { schema, patterns }
    }

    pub(super) fn matches(&self, pattern: &str, text: &str) -> bool {
        self.patterns.get(pattern).is_none_or(|regex| regex.is_match(text))
    }

    /// The schema that a reference names.
    pub(super) fn definition(&self, reference: &str) -> Option<&Value> {
        self.schema.pointer(reference.strip_prefix('#')?)
    }

    /// A keyword of a schema, or of the one it refers to.
    pub(super) fn keyword<'a>(&'a self, schema: &'a Value, keyword: &str) -> Option<&'a Value> {
        schema.get(keyword).or_else(|| {
            let reference = schema.get("$ref")?.as_str()?;
            self.keyword(self.definition(reference)?, keyword)
        })
    }

    /// Whether a schema takes values of this type at all.
    pub(super) fn takes(&self, schema: &Value, node: &Node) -> bool {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|name| self.definition(name)) {
            return self.takes(target, node);
        }
        let named = |name: &str| match (&node.data, name) {
            (Data::Null, "null")
            | (Data::Bool(_), "boolean")
            | (Data::Number(_), "number")
            | (Data::String(..), "string")
            | (Data::Sequence(_), "array")
            | (Data::Mapping(_), "object")
            | (Data::Refused, _) => true,
            (Data::Number(number), "integer") => number.is_i64(),
            _ => false,
        };
        if let Some(Value::Array(branches)) = schema.get("anyOf") {
            return branches.iter().any(|branch| self.takes(branch, node));
        }
        if schema.as_object().is_some_and(|keywords| !words(keywords).is_empty()) {
            return named("string");
        }
        if schema.get("const").is_some_and(|constant| constant != &node.to_json()) {
            return false;
        }
        match schema.get("type") {
            Some(Value::String(name)) => named(name),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(named),
            _ => true,
        }
    }

    /// What a schema takes, in words.
    pub(super) fn expected(&self, schema: &Value) -> String {
        if let Some(words) = schema.get("x-runwarden").and_then(Value::as_str) {
            return words.to_owned();
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|name| self.definition(name)) {
            return self.expected(target);
        }
        if let Some(Value::Array(branches)) = schema.get("anyOf") {
            return branches.iter().map(|branch| self.expected(branch)).collect::<Vec<_>>().join(" or ");
        }
        let words = schema.as_object().map(words).unwrap_or_default();
        if !words.is_empty() {
            return problem::either(&words);
        }
        let type_name = |name: &str| match name {
            "string" => "text",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "`true` or `false`",
            "array" => "a list",
            "object" => "a map",
            _ => "another type",
        };
        match schema.get("type") {
            Some(Value::String(name)) => type_name(name).to_owned(),
            Some(names) => strings(Some(names)).map(type_name).collect::<Vec<_>>().join(" or "),
            None => "a value".to_owned(),
        }
    }

    pub(super) fn remedy(&self, schema: &Value, node: &Node, expected: &str) -> Option<String> {
        let takes = |data: Data| self.takes(schema, &Node { data, span: 0..0 });
        let text = Data::String(String::new(), Style::Plain);
        match &node.data {
            Data::Number(number) if expected.starts_with("a duration") => Some(format!("did you mean `{number}s`?")),
            Data::Number(number) if takes(text.clone()) => Some(format!("put it in quotes: `'{number}'`")),
            Data::Bool(truth) if expected == "an expression" => Some(format!(
                "a condition that is always {truth} decides nothing; write what it depends on, or remove it"
            )),
            Data::Bool(truth) if takes(text.clone()) => Some(format!("put it in quotes: `'{truth}'`")),
            Data::Null if takes(Data::Sequence(Vec::new())) || takes(Data::Mapping(Vec::new())) => {
                Some("put something under it, or remove the key".to_owned())
            }
            Data::Null => Some("give it a value, or remove the key".to_owned()),
            Data::String(..) | Data::Mapping(_)
                if takes(Data::Sequence(Vec::new())) && !takes(Data::Mapping(Vec::new())) =>
            {
                Some("write a list: each entry on a line that begins with `- `".to_owned())
            }
            Data::Sequence(_) if takes(Data::Mapping(Vec::new())) => {
                Some("write a map: `key: value`, without `- `".to_owned())
            }
            _ => None,
        }
    }
}

fn collect_patterns(schema: &Value, patterns: &mut HashMap<String, Regex>) {
    match schema {
        Value::Object(members) => {
            let written = members.get("pattern").and_then(Value::as_str);
            let named = members.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
            for pattern in written.into_iter().chain(named.map(String::as_str)) {
                if let Ok(regex) = Regex::new(pattern) {
                    patterns.insert(pattern.to_owned(), regex);
                }
            }
            members.values().for_each(|member| collect_patterns(member, patterns));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_patterns(item, patterns)),
        _ => {}
    }
}

/// The words of an enumeration, however the schema spells it.
pub(super) fn words(keywords: &Map<String, Value>) -> Vec<&str> {
    let listed = strings(keywords.get("enum"));
    let described = keywords.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let constants = described.filter_map(|branch| branch.get("const")?.as_str());
    let constant = keywords.get("const").and_then(Value::as_str);
    listed.chain(constants).chain(constant).collect()
}

pub(super) fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// What a key of a map of names must be.
pub(super) fn name_of(pattern: &str) -> &'static str {
    match pattern {
        "^[a-z][a-z0-9_]*$" => "an id: a lowercase letter, then lowercase letters, digits and `_` (like `bump_epoch`)",
        "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$" => "a name: ids joined by dots (like `kora.dr_epoch_bump`)",
        _ => "a name as it should be",
    }
}

/// What was found, in words.
pub(super) fn found(node: &Node) -> String {
    match &node.data {
        Data::Null => "nothing".to_owned(),
        Data::Bool(truth) => format!("`{truth}`"),
        Data::Number(number) => format!("the number {number}"),
        Data::String(..) => "text".to_owned(),
        Data::Sequence(_) => "a list".to_owned(),
        Data::Mapping(_) => "a map".to_owned(),
        Data::Refused => "a value".to_owned(),
    }
}
