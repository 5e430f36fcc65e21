//! Every action and every diagnostic has a page, and every page its action or diagnostic.

use std::collections::BTreeSet;

use engine::action::Registry;

use super::source::all;
use super::{files, none};

const ACTION_HEADINGS: &[&str] =
    &["## What it does", "## Parameters", "## Output", "## Contract", "## Errors", "## Example"];

/// The names of the pages in a folder of docs, but for its `README.md`.
fn pages(folder: &str) -> BTreeSet<String> {
    let below = files().into_iter().filter(|path| path.parent() == Some(folder.as_ref()));
    below.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned)).filter(|name| name != "README").collect()
}

#[track_caller]
fn the_same(what: &str, folder: &str, known: &BTreeSet<String>) {
    let pages = pages(folder);
    let missing = known.difference(&pages).map(|name| format!("{what} `{name}` has no page {folder}/{name}.md"));
    let extra = pages.difference(known).map(|name| format!("{folder}/{name}.md: there is no {what} `{name}`"));
    none("a page for each, and each for a page:", &missing.chain(extra).collect::<Vec<_>>());
}

#[test]
fn every_action_has_a_page_and_every_page_an_action() {
    let known = Registry::builtin().iter().map(|action| action.name.to_owned()).collect();
    the_same("action", "docs/actions", &known);
}

#[test]
fn every_diagnostic_has_a_page_and_every_page_a_diagnostic() {
    let known: BTreeSet<String> =
        all().iter().filter(|source| !source.is_test).flat_map(|source| codes(&source.text)).collect();
    the_same("diagnostic", "docs/diagnostics", &known);
}

/// The codes that a file makes diagnostics of.
fn codes(text: &str) -> Vec<String> {
    let made = ["Diagnostic::error(", "Diagnostic::warning("].map(|call| text.split(call).skip(1));
    let code = |rest: &str| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned);
    made.into_iter().flatten().filter_map(code).collect()
}

#[test]
fn pages_of_one_sort_have_the_same_headings() {
    let mut broken = Vec::new();
    let mut of_diagnostics: Option<Vec<String>> = None;
    for path in files() {
        if path.ends_with("README.md") {
            continue;
        }
        let headings = |path: &std::path::Path| -> Vec<String> {
            super::text(path).lines().filter(|line| line.starts_with("## ")).map(str::to_owned).collect()
        };
        if path.starts_with("docs/actions") && headings(&path) != ACTION_HEADINGS {
            broken.push(format!("{}: {:?}", path.display(), headings(&path)));
        }
        if path.starts_with("docs/diagnostics") {
            let first = of_diagnostics.get_or_insert_with(|| headings(&path));
            if headings(&path) != *first {
                broken.push(format!("{}: {:?}, the first page has {first:?}", path.display(), headings(&path)));
            }
        }
    }
    none("pages of one sort have the same headings:", &broken);
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let page = super::text("docs/threat_model.md");
    let names = page.split('`').skip(1).step_by(2);
    let is_test = |name: &&str| {
        name.matches('_').count() > 4 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let sources: Vec<String> = all().into_iter().filter(|source| source.is_test).map(|source| source.text).collect();
    let is_missing = |name: &&str| !sources.iter().any(|text| text.contains(&format!("fn {name}(")));
    let named: BTreeSet<&str> = names.filter(is_test).collect();
    assert!(named.len() > 30, "{}", named.len());
    let missing: Vec<String> = named.into_iter().filter(is_missing).map(str::to_owned).collect();
    none("docs/threat_model.md names tests that are not there:", &missing);
}
