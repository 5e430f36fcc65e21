//! docs/reference: the language key by key, rendered from the types that read it. What a key means is its doc comment.
//!
//! `UPDATE_PAGES=1 cargo test -p runwarden-engine --lib pages` writes the pages. The examples on them pass `check`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::*;
use crate::template::{filters::FILTERS, functions::FUNCTIONS, predicates::TESTS};

mod expressions;
mod words;

use words::{PAGES, Page, Part};

static SCHEMAS: LazyLock<BTreeMap<&str, Value>> =
    LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind.as_str(), schema::schema(kind))).collect());

fn schema(kind: Kind) -> &'static Value {
    &SCHEMAS[kind.as_str()]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference")
}

/// As Markdown makes it of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// What a part shows.
fn definition<'s>(root: &'s Value, part: &Part) -> &'s Value {
    if part.name.is_empty() { root } else { &root["$defs"][part.name] }
}

struct Writer<'a> {
    page: &'a Page,
    root: &'static Value,
}

impl Writer<'_> {
    /// A link to where a definition stands; of two with one name, that of the page's own document.
    fn link(&self, name: &str) -> Option<String> {
        let here = PAGES.iter().filter(|page| page.kind == self.page.kind);
        let pages: Vec<&Page> = here.chain(PAGES.iter()).collect();
        let wanted = alike(&self.root["$defs"][name]);
        let found = pages.into_iter().find_map(|page| {
            let theirs = schema(page.kind);
            let part =
                page.parts.iter().find(|part| !part.name.is_empty() && alike(&theirs["$defs"][part.name]) == wanted)?;
            Some((page, part))
        });
        let (page, part) = found?;
        let file = if page.file == self.page.file { String::new() } else { format!("{}.md", page.file) };
        Some(format!("{file}#{}", anchor(part.heading)))
    }

    /// What a value is, in words.
    fn value(&self, schema: &Value) -> String {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
            return self.named(name);
        }
        if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
            return branches.iter().map(|branch| self.value(branch)).collect::<Vec<_>>().join(", or ");
        }
        if let Some(words) = schema.get("x-runwarden").and_then(Value::as_str) {
            return short(words);
        }
        if let Some(only) = schema.get("const") {
            return format!("`{only}`");
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("array") => {
                let least = schema.get("minItems").and_then(Value::as_u64);
                let items = schema.get("items").map_or("any value".to_owned(), |items| self.value(items));
                let least = least.map_or(String::new(), |least| format!(" of {least} or more"));
                format!("list{least}: {items}")
            }
            Some("object") => self.map(schema),
            Some("string") => "text".to_owned(),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some(number @ ("integer" | "number")) => {
                let what = if number == "integer" { "whole number" } else { "number" };
                let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
                match (bound("minimum"), bound("maximum")) {
                    (Some(least), Some(most)) => format!("{what} from {least} to {most}"),
                    (Some(least), None) => format!("{what}, {least} or more"),
                    (None, Some(most)) => format!("{what} up to {most}"),
                    (None, None) => what.to_owned(),
                }
            }
            _ => "any value".to_owned(),
        }
    }

    fn map(&self, schema: &Value) -> String {
        let patterned = schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
        let by_pattern = patterned.map(|(_, value)| value).find(|value| !value.is_boolean());
        let values = by_pattern.or_else(|| schema.get("additionalProperties").filter(|values| values.is_object()));
        format!("map of names to {}", values.map_or("any value".to_owned(), |values| self.value(values)))
    }

    fn named(&self, name: &str) -> String {
        let definition = &self.root["$defs"][name];
        if let Some(link) = self.link(name) {
            let what = match choices(definition) {
                Some(words) if words.len() <= 4 => {
                    words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ")
                }
                Some(_) => "one word".to_owned(),
                None => "map".to_owned(),
            };
            return format!("[{what}]({link})");
        }
        if let Some(words) = choices(definition) {
            return words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        }
        match definition.get("x-runwarden").and_then(Value::as_str) {
            Some(words) => short(words),
            None if definition.get("type").is_none() => "any value, with templates".to_owned(),
            None => self.value(definition),
        }
    }

    fn part(&self, part: &Part) -> String {
        let definition = definition(self.root, part);
        let mut out = format!("## {}\n\n", part.heading);
        let description = definition.get("description").and_then(Value::as_str).unwrap_or_default();
        writeln!(out, "{description}\n").unwrap();
        if let Some(words) = choices(definition) {
            out.push_str("| Word | Meaning |\n|---|---|\n");
            for (word, meaning) in words {
                writeln!(out, "| `{word}` | {} |", cell(&meaning)).unwrap();
            }
        } else if let Some(keys) = definition.get("properties").and_then(Value::as_object) {
            out.push_str(&self.keys(definition, keys));
        } else {
            writeln!(out, "Its value: {}.", self.value(definition)).unwrap();
        }
        for rule in rules(definition) {
            writeln!(out, "\n{rule}").unwrap();
        }
        if !part.note.is_empty() {
            writeln!(out, "\n{}", part.note).unwrap();
        }
        for example in part.examples {
            writeln!(out, "\n```yaml\n{}\n```", example.trim()).unwrap();
        }
        out
    }

    fn keys(&self, definition: &Value, keys: &Map<String, Value>) -> String {
        let required: Vec<&str> = definition
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut out = "| Key | Value | Meaning |\n|---|---|---|\n".to_owned();
        // What every target has stands once, and not with each driver.
        let of_all = |key: &str| self.page.file == "targets" && ["kind", "driver", "environment"].contains(&key);
        for (key, value) in keys.iter().filter(|(key, _)| !of_all(key)) {
            let needed = if required.contains(&key.as_str()) { " *" } else { "" };
            let meaning = value.get("description").and_then(Value::as_str).unwrap_or_default();
            let meaning = if meaning.is_empty() { self.described(value) } else { meaning.to_owned() };
            writeln!(out, "| `{key}`{needed} | {} | {} |", cell(&self.value(value)), cell(&meaning)).unwrap();
        }
        out
    }

    fn described(&self, value: &Value) -> String {
        let name = value.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
        let description = name.and_then(|name| self.root["$defs"][name].get("description")?.as_str());
        description.unwrap_or_default().to_owned()
    }
}

/// A definition as it is in every schema: where two have one name, the second is numbered.
fn alike(definition: &Value) -> String {
    definition.to_string().replace("Approval2\"", "Approval\"")
}

/// What an id is stands once, on the first page.
fn short(words: &str) -> String {
    ["id", "name"]
        .iter()
        .find(|word| words.starts_with(&format!("an {word}:")) || words.starts_with(&format!("a {word}:")))
        .map_or_else(|| words.to_owned(), |word| (*word).to_owned())
}

/// The words that a definition allows, each with what it means.
fn choices(definition: &Value) -> Option<Vec<(String, String)>> {
    if let Some(words) = definition.get("enum").and_then(Value::as_array) {
        let word = |word: &Value| Some((word.as_str()?.to_owned(), String::new()));
        return words.iter().map(word).collect();
    }
    let branches = definition.get("oneOf")?.as_array()?;
    let word = |branch: &Value| {
        let meaning = branch.get("description").and_then(Value::as_str).unwrap_or_default();
        Some((branch.get("const")?.as_str()?.to_owned(), meaning.to_owned()))
    };
    branches.iter().map(word).collect()
}

/// What a map needs beside single keys.
fn rules(definition: &Value) -> Vec<String> {
    let mut rules = Vec::new();
    let required = |branch: &Value| Some(format!("`{}`", branch["required"][0].as_str()?));
    if let Some(keys) = definition.get("oneOf").and_then(Value::as_array)
        && let Some(keys) = keys.iter().map(required).collect::<Option<Vec<_>>>()
    {
        rules.push(format!("Exactly one of {}.", keys.join(", ")));
    }
    let mut beside: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, others) in definition.get("dependentRequired").and_then(Value::as_object).into_iter().flatten() {
        let other = others[0].as_str().unwrap_or_default().to_owned();
        beside.entry(other).or_default().push(format!("`{key}`"));
    }
    rules.extend(beside.iter().map(|(other, keys)| {
        let need = if keys.len() == 1 { "needs" } else { "need" };
        format!("{} {need} `{other}` beside it.", keys.join(", "))
    }));
    rules
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|").trim().to_owned()
}

fn page(page: &Page) -> String {
    let writer = Writer { page, root: schema(page.kind) };
    let mut out = format!("# {}\n\n{}\n\n{}\n\n", page.title, words::GENERATED, page.intro);
    out.push_str(&page.parts.iter().map(|part| writer.part(part)).collect::<Vec<_>>().join("\n"));
    out
}

/// Every page by its file.
fn pages() -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> =
        PAGES.iter().map(|written| (format!("{}.md", written.file), page(written))).collect();
    pages.insert("expressions.md".to_owned(), expressions::page());
    pages.insert("README.md".to_owned(), words::index());
    pages
}

#[test]
fn the_pages_of_the_reference_are_those_of_the_types() {
    let mut stale = Vec::new();
    let pages = pages();
    for (name, text) in &pages {
        let path = folder().join(name);
        if fs::read_to_string(&path).is_ok_and(|found| found == *text) {
            continue;
        }
        if std::env::var_os("UPDATE_PAGES").is_some() {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, text).unwrap();
        } else {
            stale.push(name.clone());
        }
    }
    let there = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    stale.extend(there.filter(|name| !pages.contains_key(name)));
    assert!(stale.is_empty(), "stale: {stale:?}; run `UPDATE_PAGES=1 cargo test -p runwarden-engine --lib pages`");
}

#[test]
fn every_map_and_every_choice_of_the_language_stands_on_one_of_the_pages() {
    let mut missing = BTreeSet::new();
    for kind in Kind::ALL {
        let root = schema(kind);
        for (name, definition) in root["$defs"].as_object().unwrap() {
            let matters =
                definition.get("properties").is_some() || choices(definition).is_some_and(|all| all.len() > 1);
            let stands = PAGES.iter().any(|page| {
                let theirs = schema(page.kind);
                page.parts
                    .iter()
                    .any(|part| !part.name.is_empty() && alike(&theirs["$defs"][part.name]) == alike(definition))
            });
            if matters && !stands {
                missing.insert(format!("{} of {}", name, kind.as_str()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    for page in PAGES {
        let root = schema(page.kind);
        for part in page.parts {
            assert!(!definition(root, part).is_null(), "{}: there is no {}", page.file, part.name);
        }
    }
}

#[test]
fn the_examples_on_the_pages_of_the_reference_pass_check() {
    for (name, page) in pages() {
        for example in page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let (text, kind) = pages::whole(example);
            let source = Arc::new(Source { name: "<example>".to_owned(), text });
            let mut library = library();
            if let (Some(opened), _) = open(&source, kind) {
                library.put(opened);
            }
            let (_, problems) = check(&source, kind, &Registry::builtin(), &library);
            let problems: Vec<Diagnostic> =
                problems.into_iter().filter(|it| it.severity == crate::diagnostic::Severity::Error).collect();
            assert_eq!(in_words(&problems), Vec::<String>::new(), "{name}:\n{}", source.text);
        }
    }
}

#[test]
fn every_link_between_the_pages_of_the_reference_leads_to_a_heading() {
    let pages = pages();
    for (name, page) in &pages {
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("..") && !link.contains("://")) {
            let (file, anchored) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { name } else { file };
            let target = pages.get(file).unwrap_or_else(|| panic!("{name}: {link}"));
            let mut headings = target.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor);
            assert!(anchored.is_empty() || headings.any(|heading| heading == anchored), "{name}: {link}");
        }
        for link in page.split("](../").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            assert!(folder().join("..").join(link).exists(), "{name}: ../{link}");
        }
    }
}
