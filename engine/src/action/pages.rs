//! Each action has a page of docs/actions, and the page names all that the action takes and gives.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::{Action, Contract, EffectClass, Fidelity, Registry, Repeat};

const HEADINGS: [&str; 6] = ["## What it does", "## Parameters", "## Output", "## Contract", "## Errors", "## Example"];

#[test]
fn every_action_has_a_page_that_is_true_to_its_schemas() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/actions");
    let mut problems = Vec::new();
    for action in Registry::builtin().iter() {
        let Ok(page) = std::fs::read_to_string(folder.join(format!("{}.md", action.name))) else {
            problems.push(format!("{}: no page", action.name));
            continue;
        };
        if page.lines().next() != Some(&format!("# {}", action.name)) {
            problems.push(format!("{}: the title is another", action.name));
        }
        let found: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        if found != HEADINGS {
            problems.push(format!("{}: headings {found:?}", action.name));
            continue;
        }
        for (section, schema) in [("## Parameters", action.params()), ("## Output", action.output())] {
            let (described, real) = (described(&page, section), properties(schema));
            if described != real {
                problems.push(format!("{} {section}: says {described:?}, is {real:?}", action.name));
            }
        }
        problems.extend(table(&page, action.params()).into_iter().map(|problem| format!("{}: {problem}", action.name)));
        if let Err(problem) = example(&page, action) {
            problems.push(format!("{} ## Example: {problem}", action.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The names in the first column of a section's table.
fn described(page: &str, section: &str) -> BTreeSet<String> {
    let section = page.split(section).nth(1).unwrap().split("\n## ").next().unwrap();
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect()
}

/// Whether the table of the parameters says which must be given, what else there is, and which words there are.
fn table(page: &str, schema: &Value) -> Vec<String> {
    let section = page.split("## Parameters").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut problems = Vec::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [name, kind, default, ..] = cells.as_slice() else { continue };
        let name = name.trim_matches(['|', ' ', '`']);
        let property = &schema["properties"][name];
        let required = schema["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name));
        if required != (*default == "required") {
            problems.push(format!("`{name}` is required: {required}, and the page says `{default}`"));
        }
        if let Some(given @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) = property.get("default") {
            let given = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
            let is_said = default.contains(&format!("`{given}`")) || given.is_empty() && *default == "empty";
            if !is_said {
                problems.push(format!("`{name}` is `{given}` where nothing is given, and the page says {default}"));
            }
        }
        for word in words(schema, property) {
            if !kind.contains(&format!("`{word}`")) {
                problems.push(format!("`{name}` may be `{word}`, and the page says {kind}"));
            }
        }
    }
    problems
}

/// The words that a parameter may be.
fn words(schema: &Value, property: &Value) -> Vec<String> {
    if let Some(path) = property["$ref"].as_str() {
        return words(schema, schema.pointer(path.trim_start_matches('#')).unwrap());
    }
    let branches = ["oneOf", "anyOf"].iter().filter_map(|key| property[*key].as_array()).flatten();
    let listed = property["enum"].as_array().into_iter().flatten().chain(property.get("const"));
    let own = listed.filter_map(|word| word.as_str().map(str::to_owned));
    own.chain(branches.flat_map(|branch| words(schema, branch))).collect()
}

/// What the contract says, and what that means to whoever plans, tries again and resumes.
fn contract(contract: &Contract) -> String {
    let word = |value: Value| value.as_str().unwrap().to_owned();
    let effect = word(serde_json::to_value(contract.effect).unwrap());
    let repeat = word(serde_json::to_value(contract.repeat).unwrap());
    let preview = word(serde_json::to_value(contract.preview).unwrap());
    let reconcile = if contract.reconcile { "yes" } else { "no" };
    format!(
        "Effect `{effect}` · repeat `{repeat}` · preview `{preview}` · reconcile {reconcile} · version {}.\n\n{}\n",
        contract.version,
        meaning(contract)
    )
}

fn meaning(contract: &Contract) -> String {
    if contract.effect == EffectClass::Read {
        return "It changes nothing: it may stand in checks, guards and `state`, and a plan makes it too where its input is \
                known and no step before it may have an effect."
            .to_owned();
    }
    let effect = match contract.effect {
        EffectClass::Irreversible => "What it does cannot be taken back: its step needs a `verify` and an `undo`.",
        EffectClass::Read | EffectClass::Mutate => "What it does can be taken back.",
    };
    let preview = match contract.preview {
        Fidelity::Exact => "A plan shows what is there and what would be there.",
        Fidelity::Estimated => "A plan shows what is there and what should be there.",
        Fidelity::None => "A plan shows its input alone.",
    };
    let repeat = match contract.repeat {
        Repeat::Idempotent => "Done twice it is as done once.",
        Repeat::Keyed => "Done twice with one key it is as done once.",
        Repeat::Once => "Done twice it is something else: it takes no `retry`.",
    };
    let reconcile = match contract.reconcile {
        true => "After a crash it finds out by itself whether it happened.",
        false => "After a crash a person says whether it happened.",
    };
    [effect, preview, repeat, reconcile].join(" ")
}

/// `UPDATE_PAGES=1 cargo test -p runwarden-engine --lib pages` writes what a contract means.
#[test]
fn the_pages_say_what_each_contract_means() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/actions");
    let mut stale = Vec::new();
    for action in Registry::builtin().iter() {
        let path = folder.join(format!("{}.md", action.name));
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once("## Contract\n\n").unwrap();
        let (section, after) = rest.split_once("\n## ").unwrap();
        let contract = contract(&action.contract);
        if section.starts_with(&contract) {
            continue;
        }
        if std::env::var_os("UPDATE_PAGES").is_none() {
            stale.push(action.name);
            continue;
        }
        let kept = |paragraph: &&str| {
            !["Effect `", "It changes nothing: ", "What it does can"].iter().any(|own| paragraph.starts_with(own))
        };
        let prose: Vec<&str> = section.trim().split("\n\n").filter(kept).collect();
        let prose = if prose.is_empty() { String::new() } else { format!("\n{}\n", prose.join("\n\n")) };
        std::fs::write(&path, format!("{before}## Contract\n\n{contract}{prose}\n## {after}")).unwrap();
    }
    assert!(stale.is_empty(), "{stale:?}; run `UPDATE_PAGES=1 cargo test -p runwarden-engine --lib pages`");
}

/// The example is a step of this action that the action would take.
fn example(page: &str, action: &Action) -> Result<(), String> {
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).ok_or("no YAML")?;
    let steps: Value = serde_yaml::from_str(block).map_err(|error| error.to_string())?;
    let step = &steps[0];
    if step["action"] != action.name {
        return Err("it is of another action".to_owned());
    }
    let validator = jsonschema::validator_for(action.params()).map_err(|error| error.to_string())?;
    validator.validate(&step["with"]).map_err(|error| error.to_string())
}

fn properties(schema: &Value) -> BTreeSet<String> {
    schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// All actions on one page: what each does in a sentence, and its contract.
fn index(folder: &Path) -> String {
    let word = |value: Value| value.as_str().unwrap().to_owned();
    let mut out =
        "# Actions\n\nWhat a step can do, and what checks, guards and `state` can ask. `runwarden actions` lists \
                   them, and `runwarden actions NAME` shows a page.\n\n\
                   | Action | Effect | Repeat | Preview | Reconcile | What it does |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for action in Registry::builtin().iter() {
        let (name, contract) = (action.name, &action.contract);
        let page = std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap();
        let does = page.split("## What it does\n\n").nth(1).unwrap().lines().next().unwrap();
        let first = does.split_inclusive(". ").next().unwrap().trim().replace('|', "\\|");
        let effect = word(serde_json::to_value(contract.effect).unwrap());
        let repeat = word(serde_json::to_value(contract.repeat).unwrap());
        let preview = word(serde_json::to_value(contract.preview).unwrap());
        let reconcile = if contract.reconcile { "yes" } else { "no" };
        writeln!(out, "| [`{name}`]({name}.md) | {effect} | {repeat} | {preview} | {reconcile} | {first} |").unwrap();
    }
    out
}

#[test]
fn the_index_of_the_pages_is_that_of_the_actions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/actions");
    let (path, index) = (folder.join("README.md"), index(&folder));
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &index).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), index, "UPDATE_PAGES=1 writes it");
}
