//! A JSON Schema as rules that are quick to ask: each keyword is looked up once, each expression built once.

use std::collections::HashMap;
use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Value};

/// The rules of a kind of document.
pub(super) struct Rules {
    /// The rule of the whole document.
    pub(super) root: Rule,
    /// A rule that takes all there is.
    pub(super) anything: Rule,
    definitions: Vec<Rule>,
}

/// What a schema says of a value.
#[derive(Default)]
pub(super) struct Rule {
    /// It takes all there is, and says nothing of what is in it.
    pub(super) takes_anything: bool,
    /// The definition that says everything else.
    reference: Option<usize>,
    /// What it takes, in words.
    pub(super) in_words: Option<String>,
    description: Option<String>,
    pub(super) any_of: Option<Vec<Rule>>,
    /// What a map is instead where it fulfils a condition (`if`, `then`).
    pub(super) choices: Vec<(Value, Rule)>,
    /// Of an enumeration, however the schema spells it.
    pub(super) words: Vec<String>,
    pub(super) constant: Option<Value>,
    pub(super) types: Option<Vec<String>>,
    pub(super) properties: Option<Vec<(String, Rule)>>,
    /// What names of keys look like, and the rules of what stands under them.
    pub(super) patterns: Vec<(Pattern, Rule)>,
    pub(super) additional: Additional,
    pub(super) required: Vec<String>,
    /// Exactly one of these keys must be there.
    pub(super) one_of: Vec<String>,
    /// Keys that need others beside them.
    pub(super) needs: Vec<(String, Vec<String>)>,
    pub(super) items: Option<Box<Rule>>,
    pub(super) least_items: u64,
    pub(super) pattern: Option<Pattern>,
    pub(super) has_least_length: bool,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
}

/// Keys of a map that are none of its properties.
#[derive(Default)]
pub(super) enum Additional {
    /// They may be there, with anything under them.
    #[default]
    Any,
    /// They may be there, with this under each.
    Each(Box<Rule>),
    /// There are none.
    None,
}

/// A regular expression.
pub(super) struct Pattern {
    /// As the schema has it.
    pub(super) written: String,
    /// None where it is no expression: then it takes everything.
    regex: Option<Arc<Regex>>,
}

impl Pattern {
    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

impl Rule {
    /// The property of that name: its name and its rule.
    pub(super) fn property(&self, name: &str) -> Option<(&str, &Rule)> {
        let (name, rule) = self.properties.iter().flatten().find(|(key, _)| key == name)?;
        Some((name, rule))
    }
}

impl Rules {
    pub(super) fn of(schema: &Value) -> Self {
        let definitions = || map(schema.get("$defs"));
        let names = definitions().map(|(name, _)| name.as_str()).collect();
        let mut reader = Reader { names, regexes: HashMap::new() };
        Self {
            root: reader.rule(schema),
            anything: Rule { takes_anything: true, ..Rule::default() },
            definitions: definitions().map(|(_, definition)| reader.rule(definition)).collect(),
        }
    }

    /// The rule that a rule refers to.
    pub(super) fn followed(&self, rule: &Rule) -> Option<&Rule> {
        self.definitions.get(rule.reference?)
    }

    /// What a value is for.
    pub(super) fn description<'r>(&'r self, rule: &'r Rule) -> Option<&'r str> {
        rule.description.as_deref().or_else(|| self.description(self.followed(rule)?))
    }
}

/// Reads rules from a schema.
struct Reader<'s> {
    /// The names of the definitions, in their order.
    names: Vec<&'s str>,
    regexes: HashMap<&'s str, Option<Arc<Regex>>>,
}

impl<'s> Reader<'s> {
    fn rule(&mut self, schema: &'s Value) -> Rule {
        let Value::Object(keywords) = schema else { return Rule { takes_anything: true, ..Rule::default() } };
        let text = |keyword: &str| keywords.get(keyword).and_then(Value::as_str);
        let reference = text("$ref").and_then(|reference| reference.strip_prefix("#/$defs/"));
        let branches = || list(keywords.get("oneOf"));
        let constants = branches().filter_map(|branch| branch.get("const")).chain(keywords.get("const"));
        Rule {
            takes_anything: false,
            reference: reference.and_then(|name| self.names.iter().position(|known| *known == name)),
            in_words: text("x-runwarden").map(str::to_owned),
            description: text("description").map(str::to_owned),
            any_of: keywords.get("anyOf").map(|all| list(Some(all)).map(|below| self.rule(below)).collect()),
            choices: list(keywords.get("allOf"))
                .filter_map(|choice| Some((choice.get("if")?.clone(), self.rule(choice.get("then")?))))
                .collect(),
            words: strings(list(keywords.get("enum")).chain(constants)),
            constant: keywords.get("const").cloned(),
            types: keywords.get("type").map(|types| match types {
                Value::Array(names) => strings(names),
                name => strings([name]),
            }),
            properties: keywords
                .get("properties")
                .map(|all| map(Some(all)).map(|(name, below)| (name.clone(), self.rule(below))).collect()),
            patterns: map(keywords.get("patternProperties"))
                .map(|(pattern, below)| (self.pattern(pattern), self.rule(below)))
                .collect(),
            additional: match keywords.get("additionalProperties") {
                None | Some(Value::Bool(true)) => Additional::Any,
                Some(below @ Value::Object(_)) => Additional::Each(Box::new(self.rule(below))),
                Some(_) => Additional::None,
            },
            required: strings(list(keywords.get("required"))),
            one_of: strings(branches().flat_map(|branch| list(branch.get("required")))),
            needs: map(keywords.get("dependentRequired"))
                .map(|(key, others)| (key.clone(), strings(list(Some(others)))))
                .collect(),
            items: keywords.get("items").map(|below| Box::new(self.rule(below))),
            least_items: keywords.get("minItems").and_then(Value::as_u64).unwrap_or(0),
            pattern: text("pattern").map(|written| self.pattern(written)),
            has_least_length: keywords.contains_key("minLength"),
            minimum: keywords.get("minimum").and_then(Value::as_f64),
            maximum: keywords.get("maximum").and_then(Value::as_f64),
        }
    }

    fn pattern(&mut self, written: &'s str) -> Pattern {
        let regex = self.regexes.entry(written).or_insert_with(|| Regex::new(written).ok().map(Arc::new));
        Pattern { written: written.to_owned(), regex: regex.clone() }
    }
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn map(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn strings<'v>(values: impl IntoIterator<Item = &'v Value>) -> Vec<String> {
    values.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
