//! Each action has a page of docs/actions, and the page names all that the action takes and gives.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{Action, Contract, Registry};

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
        let contract = contract(&action.contract);
        if !page.contains(&contract) {
            problems.push(format!("{}: the contract is `{contract}`", action.name));
        }
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

fn contract(contract: &Contract) -> String {
    let word = |value: Value| value.as_str().unwrap().to_owned();
    let effect = word(serde_json::to_value(contract.effect).unwrap());
    let repeat = word(serde_json::to_value(contract.repeat).unwrap());
    let preview = word(serde_json::to_value(contract.preview).unwrap());
    let reconcile = if contract.reconcile { "yes" } else { "no" };
    format!(
        "Effect `{effect}` · repeat `{repeat}` · preview `{preview}` · reconcile {reconcile} · version {}",
        contract.version
    )
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
