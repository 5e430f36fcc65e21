//! Holds the tree of a document against its JSON Schema, and says all that is wrong with places.
//!
//! Only the keywords are known that the generated schemas use; a test sees to it that there are no others. What comes
//! out is the document as a JSON value from which extension keys are gone and in which mistyped keys have their right
//! names, so that what refers to them is not reported as well.

mod expected;
mod rule;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::Kind;
use super::node::{Data, Entry, Node};
use super::problems::{Problems, structure as problem};
use super::schema::{holds, schema};
use crate::diagnostic::{did_you_mean, is_slip};
use expected::{found, name_of};
use rule::{Additional, Rule, Rules};

/// Checks the structure of a document, and gives it as a value for the raw form.
///
/// The tree's mistyped keys get their right names too.
pub fn check(kind: Kind, root: &mut Node, problems: &mut Problems) -> Value {
    let rules = match kind {
        Kind::Procedure => &*PROCEDURE,
        Kind::Checklist => &*CHECKLIST,
        Kind::Test => &*TEST,
        Kind::Workspace => &*WORKSPACE,
    };
    let whole = Part { node: root, key_span: None, owner: Owner::Whole(kind) };
    let mut walk = Walk { rules, problems, renamed: HashMap::new() };
    let value = walk.value(&rules.root, &whole).unwrap_or(Value::Null);
    let renamed = walk.renamed;
    if !renamed.is_empty() {
        rename(root, &renamed);
    }
    value
}

static PROCEDURE: LazyLock<Rules> = LazyLock::new(|| Rules::of(&schema(Kind::Procedure)));
static CHECKLIST: LazyLock<Rules> = LazyLock::new(|| Rules::of(&schema(Kind::Checklist)));
static TEST: LazyLock<Rules> = LazyLock::new(|| Rules::of(&schema(Kind::Test)));
static WORKSPACE: LazyLock<Rules> = LazyLock::new(|| Rules::of(&schema(Kind::Workspace)));

/// A part of the document, and what to call it.
struct Part<'a> {
    node: &'a Node,
    key_span: Option<&'a Range<usize>>,
    owner: Owner<'a>,
}

/// What to call a part; it is put into words only where something is wrong.
enum Owner<'a> {
    Whole(Kind),
    Key(&'a str),
    /// A key of a map that has any.
    KeyOf(&'a Owner<'a>, &'a str),
    EntryOf(&'a Owner<'a>),
}

impl Owner<'_> {
    /// Like "a procedure", "`retry`" or "an entry of `steps`".
    fn words(&self) -> String {
        match self {
            Self::Whole(kind) => format!("a {}", kind.as_str()),
            Self::Key(name) => format!("`{name}`"),
            Self::KeyOf(owner, name) => format!("`{}.{name}`", owner.words().trim_matches('`')),
            Self::EntryOf(owner) => format!("an entry of {}", owner.words()),
        }
    }
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
    rules: &'static Rules,
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
    fn value(&mut self, rule: &'static Rule, part: &Part<'_>) -> Option<Value> {
        if part.node.data == Data::Refused {
            return None;
        }
        if rule.takes_anything {
            return Some(part.node.to_json());
        }
        if let Some(target) = self.rules.followed(rule) {
            return self.value(target, part);
        }
        if let Some(branches) = &rule.any_of {
            return match branches.iter().find(|branch| self.rules.takes(branch, part.node)) {
                Some(branch) => self.value(branch, part),
                None => self.refuse_type(rule, part),
            };
        }
        if !self.rules.takes(rule, part.node) {
            return self.refuse_type(rule, part);
        }
        if let Some((_, choice)) = rule.choices.iter().find(|(condition, _)| holds(condition, part.node)) {
            return self.value(choice, part);
        }
        match &part.node.data {
            Data::Mapping(entries) => Some(self.map(rule, part, entries)),
            Data::Sequence(items) => self.list(rule, part, items),
            Data::String(text, _) if !rule.words.is_empty() => self.word(rule, part, text),
            Data::String(text, _) => self.text(rule, part, text),
            Data::Number(number) => self.number(rule, part, number),
            _ => Some(part.node.to_json()),
        }
    }

    fn map(&mut self, rule: &'static Rule, part: &Part<'_>, entries: &[Entry]) -> Value {
        let mut out = Map::with_capacity(entries.len());
        let mut places: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in entries {
            let (name, below) = match self.key(rule, part, entries, entry) {
                Taken::As(name, below) => (name, below),
                Taken::Extension | Taken::Unknown => continue,
            };
            if places.contains_key(name) {
                continue;
            }
            places.insert(name, entry);
            let owner = if rule.properties.is_some() || part.key_span.is_none() {
                Owner::Key(name)
            } else {
                Owner::KeyOf(&part.owner, name)
            };
            let value = Part { node: &entry.value, key_span: Some(&entry.key_span), owner };
            if let Some(value) = self.value(below, &value) {
                out.insert(name.to_owned(), value);
            }
        }
        for key in rule.required.iter().filter(|key| !places.contains_key(key.as_str())) {
            let what = rule.property(key).and_then(|(_, below)| self.rules.description(below));
            let place = self.problems.place(part.outside());
            self.problems.push(problem::missing_key(place, key, &part.owner.words(), what));
        }
        self.together(rule, part, &places);
        Value::Object(out)
    }

    /// What a key of a map stands for.
    fn key<'s>(&mut self, rule: &'static Rule, part: &Part<'_>, entries: &[Entry], entry: &'s Entry) -> Taken<'s> {
        let key = entry.key.as_str();
        if let Some((name, below)) = rule.property(key) {
            return Taken::As(name, below);
        }
        for (pattern, below) in &rule.patterns {
            match (pattern.matches(key), rule.properties.is_some()) {
                (true, true) => return Taken::Extension,
                (true, false) => return Taken::As(key, below),
                (false, true) => {}
                (false, false) => {
                    let place = self.problems.place(entry.key_span.clone());
                    self.problems.push(problem::malformed(place, key, name_of(&pattern.written), None));
                    return Taken::As(key, below);
                }
            }
        }
        match &rule.additional {
            Additional::Any => return Taken::As(key, &self.rules.anything),
            Additional::Each(below) => return Taken::As(key, below),
            Additional::None => {}
        }
        let known: Vec<&str> = rule.properties.iter().flatten().map(|(name, _)| name.as_str()).collect();
        let absent = |name: &&str| !entries.iter().any(|entry| entry.key == **name);
        let wanted = rule.required.iter().map(String::as_str).filter(|name| absent(name));
        let meant = did_you_mean(key, wanted)
            .or_else(|| did_you_mean(key, known.iter().copied().filter(|name| absent(name))))
            .or_else(|| did_you_mean(key, known.iter().copied()));
        let place = self.problems.place(entry.key_span.clone());
        self.problems.push(problem::unknown_key(place, key, &part.owner.words(), meant, &known));
        let slip = meant.filter(|meant| is_slip(key, meant));
        match slip.and_then(|meant| rule.property(meant)) {
            Some((name, below)) => {
                self.renamed.insert(entry.key_span.start, name.to_owned());
                Taken::As(name, below)
            }
            None => Taken::Unknown,
        }
    }

    /// Which keys must stand together, and which must not.
    fn together(&mut self, rule: &Rule, part: &Part<'_>, places: &BTreeMap<&str, &Entry>) {
        let keys: Vec<&str> = rule.one_of.iter().map(String::as_str).collect();
        let mut there: Vec<(&str, &Entry)> =
            keys.iter().filter_map(|key| places.get_key_value(key).map(|(key, entry)| (*key, *entry))).collect();
        there.sort_by_key(|(_, entry)| entry.key_span.start);
        match there.as_slice() {
            [] if !keys.is_empty() => {
                let place = self.problems.place(part.outside());
                self.problems.push(problem::none_of(place, &part.owner.words(), &keys));
            }
            [(first, before), others @ ..] => {
                for (other, entry) in others {
                    let place = self.problems.place(entry.key_span.clone());
                    let before = self.problems.place(before.key_span.clone());
                    self.problems.push(problem::several_of(place, before, &part.owner.words(), other, first));
                }
            }
            [] => {}
        }
        for (key, others) in &rule.needs {
            let Some(entry) = places.get(key.as_str()) else { continue };
            let said = |other: &str| there.is_empty() && keys.contains(&other);
            let others = others.iter().map(String::as_str);
            for other in others.filter(|other| !places.contains_key(other) && !said(other)) {
                let place = self.problems.place(entry.key_span.clone());
                self.problems.push(problem::missing_beside(place, key, other, &part.owner.words()));
            }
        }
    }

    fn list(&mut self, rule: &'static Rule, part: &Part<'_>, items: &[Node]) -> Option<Value> {
        if (items.len() as u64) < rule.least_items {
            let place = self.problems.place(part.span());
            self.problems.push(problem::empty(place, &part.owner.words()));
            return None;
        }
        let below = rule.items.as_deref().unwrap_or(&self.rules.anything);
        let values = items.iter().map(|item| {
            let item = Part { node: item, key_span: None, owner: Owner::EntryOf(&part.owner) };
            self.value(below, &item).unwrap_or(Value::Null)
        });
        Some(Value::Array(values.collect()))
    }

    fn word(&mut self, rule: &Rule, part: &Part<'_>, text: &str) -> Option<Value> {
        if rule.words.iter().any(|word| word == text) {
            return Some(Value::from(text));
        }
        let words: Vec<&str> = rule.words.iter().map(String::as_str).collect();
        let place = self.problems.place(part.span());
        self.problems.push(match part.owner.words().as_str() {
            "`runwarden`" => problem::unknown_version(place, text),
            owner => problem::unknown_word(place, owner, text, &words),
        });
        None
    }

    fn text(&mut self, rule: &Rule, part: &Part<'_>, text: &str) -> Option<Value> {
        let is_blank = || text.trim().is_empty() && rule.pattern.as_ref().is_some_and(|it| it.written == "\\S");
        if text.is_empty() && rule.has_least_length || is_blank() {
            let place = self.problems.place(part.span());
            self.problems.push(problem::empty(place, &part.owner.words()));
            return None;
        }
        if rule.pattern.as_ref().is_some_and(|pattern| !pattern.matches(text)) {
            let expected = rule.in_words.as_deref().unwrap_or("written as it should be");
            let seconds = (expected.starts_with("a duration") && text.parse::<u64>().is_ok())
                .then(|| format!("did you mean `{text}s`?"));
            let place = self.problems.place(part.span());
            self.problems.push(problem::malformed(place, text, expected, seconds));
            return None;
        }
        Some(Value::from(text))
    }

    fn number(&mut self, rule: &Rule, part: &Part<'_>, number: &serde_json::Number) -> Option<Value> {
        let value = number.as_f64().unwrap_or_default();
        let broken = match (rule.minimum, rule.maximum) {
            (Some(least), _) if value < least => Some(format!("{least} or more")),
            (_, Some(most)) if value > most => Some(format!("{most} or less")),
            _ => None,
        };
        if let Some(broken) = broken {
            let place = self.problems.place(part.span());
            self.problems.push(problem::out_of_range(place, &part.owner.words(), &number.to_string(), &broken));
            return None;
        }
        Some(Value::Number(number.clone()))
    }

    fn refuse_type(&mut self, rule: &Rule, part: &Part<'_>) -> Option<Value> {
        let expected = self.rules.expected(rule);
        let help = self.rules.remedy(rule, part.node, &expected);
        let place = self.problems.place(part.span());
        self.problems.push(problem::wrong_type(place, &part.owner.words(), &found(part.node), &expected, help));
        None
    }
}

/// What a key of a map is taken for.
enum Taken<'s> {
    /// A key of the language, maybe mistyped, or a name.
    As(&'s str, &'static Rule),
    Extension,
    Unknown,
}
