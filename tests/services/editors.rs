//! The language server, asked by a client that is not ours: pygls' of PyPI. And the schemas, asked about by the YAML
//! language server of npm.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::bench::{Bench, program};
use super::parts::{has, is_missing, python};

/// What the editor was told.
#[track_caller]
fn told(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn editor(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/editor.py"));
    command
}

/// A procedure with a slip behind characters that UTF-16 counts otherwise than we do, and one that it calls.
fn workspace() -> Bench {
    Bench::workspace()
        .procedure(
            "ops.called",
            "parameters:\n  place: { type: string }\nsteps:\n  - { id: wait, wait: 1s }\n",
        )
        .procedure(
            "ops.here",
            "parameters:\n  name: { type: string, description: Who }\nsteps:\n  - id: greet\n    action: data.value\n    \
             with: { value: '😀 ä {{ parameters.nmae }}' }\n  - id: other\n    call: ops.called\n    with: { place: x }\n",
        )
}

#[test]
fn an_editor_is_told_what_check_says_and_is_helped() {
    let Some(python) = python("pygls.lsp.client") else { return };
    let bench = workspace();
    let folder = bench.path("").canonicalize().unwrap();
    let checked = bench.run("check procedures/ops/here.yaml --format json").exits(2).json();
    let told = told(editor(&python).arg("runwarden").arg(program()).arg(&folder));

    assert_eq!((&told["encoding"], &told["server"]), (&json!("utf-16"), &json!("runwarden")));
    // Where `check` counts characters, the editor counts units of UTF-16: one more for the first character.
    let first = &checked["diagnostics"][0];
    let column = first["column"].as_u64().unwrap();
    let expected = json!([{
        "code": "unknown-reference",
        "message": first["message"],
        "line": first["line"].as_u64().unwrap() - 1,
        "from": column,
        "to": column + "parameters.nmae".len() as u64,
        "related": ["help: did you mean `name`?"],
    }]);
    assert_eq!(checked["diagnostics"].as_array().unwrap().len(), 1);
    assert_eq!(told["first"], expected);
    assert_eq!(told["actions"], json!(["Change to `name`"]));
    assert_eq!(told["mended"], json!([]));

    assert_eq!(told["references"], json!(["name"]));
    assert_eq!(told["inputs"], json!(["place"]));
    assert!(told["actions_known"].as_array().unwrap().contains(&json!("data.value")));
    let hover = told["hover"].as_str().unwrap();
    assert!(hover.starts_with("**data.value** (read)"), "{hover}");
    let called = format!("file://{}/procedures/ops/called.yaml", folder.display());
    assert_eq!(told["definition"], json!({ "uri": called, "line": 2 }));
    assert_eq!(told["symbols"], json!({ "parameters": ["name"], "steps": ["greet", "other"] }));

    assert_eq!(told["called"], json!([]));
    let codes: Vec<&str> = told["renamed"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["missing-input", "unknown-input"]);
    assert_eq!(told["renamed_back"], json!([]));
    assert_eq!(told["watched"], json!(["workspace/didChangeWatchedFiles"]));
    assert_eq!(told["elsewhere"], json!(["unknown-procedure"]));
    assert_eq!(told["back"], json!([]));
    assert_eq!((&told["broken"], &told["closed"]), (&json!(["syntax"]), &json!([])));
    assert_eq!(told["exit"], 0);
}

/// The YAML language server, in the folder of packages from npm.
fn yaml_server() -> Option<PathBuf> {
    let folder = std::env::var_os("RUNWARDEN_TEST_NPM").map(PathBuf::from);
    let server = folder.map(|folder| folder.join("node_modules/yaml-language-server/bin/yaml-language-server"));
    let there = server.as_ref().is_some_and(|server| server.is_file()) && has("node", "--version");
    match is_missing("yaml-language-server (a folder of npm named in RUNWARDEN_TEST_NPM)", there) {
        true => None,
        false => server,
    }
}

#[test]
fn the_schema_tells_a_yaml_language_server_what_is_right_and_wrong() {
    let (Some(python), Some(server)) = (python("pygls.lsp.client"), yaml_server()) else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = std::fs::read_to_string(root.join("procedures/kora/dr_epoch_bump.yaml")).unwrap();
    let (_, body) = shipped.split_once('\n').unwrap();
    let schema = root.join("schemas/procedure.schema.json");
    let good = format!("# yaml-language-server: $schema=file://{}\n{body}", schema.display());
    let bad = good.replacen("\npreconditions:\n", "\nprecondition:\n", 1);
    assert_ne!(bad, good);
    let bench = Bench::empty().file("good.yaml", &good).file("bad.yaml", &bad);
    let told = told(
        editor(&python).args(["yaml", "node"]).arg(server).args([bench.path("good.yaml"), bench.path("bad.yaml")]),
    );
    assert_eq!(told["good.yaml"], json!([]));
    let wrong = told["bad.yaml"].as_array().unwrap();
    let lines = bad.lines().position(|line| line == "precondition:");
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert_eq!(wrong[0]["line"].as_u64().unwrap() as usize, lines.unwrap());
    assert!(wrong[0]["message"].as_str().unwrap().contains("precondition"), "{wrong:#?}");
}
