//! The cookbook: each recipe is taken from the page, checked, laid out, and tested until nothing of it is unreached.

use std::fs;
use std::path::Path;

use super::bench::Bench;

/// The documents of the page, by the paths that their names lead to.
fn recipes() -> Vec<(String, String)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cookbook.md")).unwrap();
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let path = |text: &str| {
        let name = text.lines().find_map(|line| line.strip_prefix("name: ")).unwrap();
        match name.strip_suffix(".test") {
            Some(of) => format!("procedures/{}.test.yaml", of.replace('.', "/")),
            None => format!("procedures/{}.yaml", name.replace('.', "/")),
        }
    };
    blocks.map(|text| (path(&text), text)).collect()
}

#[test]
fn every_recipe_is_checked_and_tested_as_it_stands() {
    let recipes = recipes();
    assert!(recipes.len() >= 24, "only {}", recipes.len());
    let bench = recipes.iter().fold(Bench::workspace(), |bench, (path, text)| bench.file(path, text));
    let count = recipes.len() + 1;
    bench.run("check").exits(0).says(&format!("checked {count} files: no problems"));
    bench.run("fmt --check").exits(0);
    let tested = bench.run("test --coverage").exits(0).stdout;
    assert!(!tested.contains("missed"), "{tested}");
    for (path, _) in recipes.iter().filter(|(path, _)| !path.ends_with(".test.yaml")) {
        let test = path.replace(".yaml", ".test.yaml");
        assert!(recipes.iter().any(|(other, _)| *other == test), "{path} has no test");
    }
}
