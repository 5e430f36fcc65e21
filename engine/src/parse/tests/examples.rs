//! The example on the page of each action passes `check`, as a step of a procedure that declares what it names.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::*;

/// The names after `ROOT.` in a text.
fn named(text: &str, root: &str) -> BTreeSet<String> {
    let root = format!("{root}.");
    let after = text.split(root.as_str()).skip(1);
    let name = |rest: &str| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().map(str::to_owned);
    after.filter_map(name).filter(|name| !name.is_empty()).collect()
}

/// The targets that an input names, each with its kind: where its schema says so.
fn targets_of(root: &Json, schema: &Json, value: &Json, found: &mut BTreeSet<(String, String)>) {
    if let Some(kind) = schema["x-runwarden-target"][0].as_str() {
        let names = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        found.extend(names.iter().filter_map(|name| Some((name.as_str()?.to_owned(), kind.to_owned()))));
    }
    if let Some(target) = schema["$ref"].as_str().and_then(|path| root.pointer(path.trim_start_matches('#'))) {
        targets_of(root, target, value, found);
    }
    for branch in schema["anyOf"].as_array().into_iter().flatten() {
        targets_of(root, branch, value, found);
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        targets_of(root, property, &value[key], found);
    }
    for item in value.as_array().into_iter().flatten() {
        targets_of(root, &schema["items"], item, found);
    }
}

/// All that a value does: maps with an `action`, in undo and checks too.
fn acts(value: &Json, found: &mut Vec<Json>) {
    match value {
        Json::Object(members) => {
            if members.contains_key("action") {
                found.push(value.clone());
            }
            members.values().for_each(|member| acts(member, found));
        }
        Json::Array(items) => items.iter().for_each(|item| acts(item, found)),
        _ => {}
    }
}

/// The example in a procedure that declares what it names.
fn procedure(registry: &Registry, example: &str) -> String {
    let steps: Json = serde_yaml::from_str(example).unwrap();
    let mut found = Vec::new();
    acts(&steps, &mut found);
    let mut targets = BTreeSet::new();
    for act in &found {
        if let Some(action) = act["action"].as_str().and_then(|name| registry.get(name)) {
            targets_of(action.params(), action.params(), &act["with"], &mut targets);
        }
    }
    let mut text = String::from(
        "runwarden: v1\nkind: procedure\nname: example\ntitle: An example\nversion: 1.0.0\nsummary: Of a page.\nowner: ops\nrisk: low\n",
    );
    let mut declare = |key: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text.push_str(&format!("{key}:\n{}\n", lines.join("\n")));
        }
    };
    declare("targets", targets.iter().map(|(name, kind)| format!("  {name}: {{ kind: {kind} }}")).collect());
    let parameters = named(example, "parameters");
    declare("parameters", parameters.iter().map(|name| format!("  {name}: {{ type: string }}")).collect());
    // `secrets.put` is an action, and no secret.
    let secrets =
        named(example, "secrets").into_iter().filter(|name| registry.get(&format!("secrets.{name}")).is_none());
    declare("secrets", secrets.map(|name| format!("  {name}: {{ description: A secret }}")).collect());
    format!("{text}steps:\n{}", example.lines().map(|line| format!("  {line}\n")).collect::<String>())
}

#[test]
fn the_examples_on_the_pages_of_the_actions_pass_check() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/actions");
    let registry = Registry::builtin();
    let mut wrong = Vec::new();
    for action in registry.iter() {
        let page = fs::read_to_string(folder.join(format!("{}.md", action.name))).unwrap();
        let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
        let text = procedure(&registry, example);
        let source = Arc::new(Source { name: "<example>".to_owned(), text });
        let (_, problems) = check(&source, None, &registry, &library());
        let errors = problems.iter().filter(|problem| problem.severity == crate::diagnostic::Severity::Error);
        let errors: Vec<String> = errors.map(|error| format!("{} {:?}", error.code, error.message)).collect();
        if !errors.is_empty() {
            wrong.push(format!("{}: {errors:?}\n{}", action.name, source.text));
        }
    }
    assert!(wrong.is_empty(), "{} examples:\n{}", wrong.len(), wrong.join("\n"));
}
