//! The formats of `gate`, read by programs that are not ours: xmllint, a SARIF schema, a TAP parser, pre-commit.
//!
//! What is needed besides xmllint is installed by `.ci/run` into `tools` beside the build; elsewhere a test that finds
//! nothing there says so and is done.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::bench::{Bench, Outcome, program};

/// Text that no format takes as it is.
const HOSTILE: &str = "a <b> & \"c\" | d # e % f\\ g]]>::error";

fn bench() -> Bench {
    let items = format!(
        "runwarden: v1\nkind: checklist\nname: ops.ready\ntitle: '{HOSTILE}'\nversion: 1.0.0\nsummary: For a test.\nowner: ops
parameters: {{ wanted: {{ type: boolean, default: false }} }}
items:
  - {{ id: good, title: '{HOSTILE}', group: 'A: b, c', action: file.stat, with: {{ path: good }}, expect: result.exists }}
  - id: bad
    title: '{HOSTILE}'
    action: file.stat
    with: {{ path: bad }}
    expect: result.exists
    help: |
      {HOSTILE}
      Second line.
  - {{ id: unknown, action: file.hash, with: {{ path: bad }}, expect: result.size == 0 }}
  - {{ id: tip, severity: advisory, expect: parameters.wanted }}
  - {{ id: skipped, when: parameters.wanted, expect: parameters.wanted }}
"
    );
    let none = "runwarden: v1\nkind: checklist\nname: ops.none\ntitle: Nothing\nversion: 1.0.0\nsummary: For a test.\nowner: ops\nitems: []\n";
    Bench::workspace().file("procedures/ops/ready.yaml", &items).file("procedures/ops/none.yaml", none).file("good", "")
}

/// Where `.ci/run` put what comes from registries.
fn tools() -> PathBuf {
    let target = program().ancestors().nth(2).unwrap().to_owned();
    target.join("tools")
}

/// Says why a test is skipped.
pub fn skipped(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: {what} is not there; .ci/run installs it");
}

/// Whether something is there; where it is not, why the test is skipped, and a failure in CI.
fn is_there(what: &str, path: &std::path::Path) -> bool {
    if path.exists() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{what} is missing: {}", path.display());
    skipped(&format!("{what} ({})", path.display()));
    false
}

pub fn has(name: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap().status.success();
    assert!(found || std::env::var_os("CI").is_none(), "`{name}` is missing");
    if !found {
        skipped(&format!("`{name}`"));
    }
    found
}

/// A gate that is shut, in a format on stdout.
fn shut(bench: &Bench, format: &str) -> Outcome {
    bench.run(&format!("gate ops.ready --no-record --output {format}=-")).exits(1)
}

#[test]
fn junit_fits_the_schema_that_jenkins_reads_by() {
    let bench = bench();
    bench.run("gate ops.ready ops.none --no-record --output junit=gate.xml").exits(12);
    let xml = bench.read("gate.xml");
    assert!(xml.contains(r#"tests="6" failures="1" errors="2""#), "{xml}");
    if !has("xmllint") {
        return;
    }
    let schema = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/gate/junit-10.xsd");
    let lint = |arguments: &[&str]| {
        let mut command = Command::new("xmllint");
        let said = command.args(arguments).arg(bench.path("gate.xml")).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    };
    lint(&["--noout", "--schema", schema.to_str().unwrap()]);
    // What was written comes back whole.
    let title = lint(&["--xpath", "string(//property[@name='title']/@value)"]);
    assert_eq!(title.trim_end(), HOSTILE);
}

#[test]
fn sarif_fits_its_schema() {
    let said = shut(&bench(), "sarif").json();
    let results = said["runs"][0]["results"].as_array().unwrap();
    let shown: Vec<_> =
        results.iter().map(|it| (it["ruleId"].as_str().unwrap(), it["level"].as_str().unwrap())).collect();
    assert_eq!(shown, [("ops.ready/bad", "error"), ("ops.ready/unknown", "error"), ("ops.ready/tip", "warning")]);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "procedures/ops/ready.yaml");
    assert_eq!(place["region"]["startLine"], 11);
    let schema = tools().join("node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
    if !is_there("the SARIF schema", &schema) {
        return;
    }
    let mut schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    // Its own pattern for languages has a bracket that nothing opens; we name no language.
    for part in ["run", "toolComponent"] {
        schema["definitions"][part]["properties"]["language"].as_object_mut().unwrap().remove("pattern");
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(&said).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn tap_is_read_by_a_stock_parser() {
    let bench = bench();
    let said = shut(&bench, "tap");
    assert!(said.raw.starts_with("TAP version 14\n1..5\nok 1 - good: a <b> & \"c\" | d \\# e"), "{}", said.raw);
    let parser = tools().join("node_modules/.bin/tap-parser");
    if !is_there("tap-parser", &parser) {
        return;
    }
    let bench = bench.file("gate.tap", &said.raw);
    let parsed = Command::new(&parser)
        .args(["-j", "0"])
        .stdin(std::fs::File::open(bench.path("gate.tap")).unwrap())
        .output()
        .unwrap();
    let events: Vec<Value> = serde_json::from_slice(&parsed.stdout).unwrap();
    let of =
        |kind: &str| events.iter().filter(|event| event[0] == kind).map(|event| event[1].clone()).collect::<Vec<_>>();
    let complete = &of("complete")[0];
    let number = |name: &str| complete[name].as_u64().unwrap();
    assert_eq!((number("count"), number("pass"), number("todo"), number("skip")), (5, 2, 1, 1), "{complete}");
    assert_eq!(complete["failures"].as_array().unwrap().len(), 2, "{complete}");
    assert_eq!(complete["failures"][0]["name"], format!("bad: {HOSTILE}").as_str());
    assert!(of("extra").is_empty(), "{events:?}");
    assert!(!parsed.status.success());
}

#[test]
fn github_gets_annotations_on_lines_and_a_summary() {
    let bench = bench().env("GITHUB_STEP_SUMMARY", "summary.md").file("summary.md", "before\n");
    let said = shut(&bench, "github").raw;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 4, "{said}");
    assert!(lines[0].starts_with("::error file=procedures/ops/ready.yaml,line=11,title=ops.ready/bad failed::a <b>"));
    assert!(lines[0].contains("%25 f") && lines[0].contains("%0Ahelp: "), "{}", lines[0]);
    assert!(lines[2].starts_with("::warning file=procedures/ops/ready.yaml,line=20,title=ops.ready/tip failed::"));
    assert!(lines[3].starts_with("::error file=procedures/ops/ready.yaml,line=1,title=ops.ready%3A gate shut::"));
    let summary = bench.read("summary.md");
    assert!(summary.starts_with("before\n## ops.ready: gate shut\n"), "{summary}");
    assert!(summary.contains("| **failed** | `bad`: a &lt;b&gt; &amp; \"c\" \\| d \\# e"), "{summary}");
}

#[test]
fn markdown_says_it_in_tables() {
    let said = shut(&bench(), "markdown").stdout;
    assert!(said.contains("| passed | `good`"), "{said}");
    assert!(said.contains("| failed (advisory) | `tip` | \\`parameters.wanted\\` is false |"), "{said}");
    assert!(said.contains("\n5 items: 1 passed, 2 failed, 1 undecidable, 1 skipped\n"), "{said}");
}

#[test]
fn every_format_is_written_in_one_call() {
    let bench = bench();
    let all = ["human", "json", "junit", "sarif", "tap", "github", "markdown"];
    let mut arguments = vec!["gate".to_owned(), "ops.ready".to_owned(), "--no-record".to_owned()];
    arguments.extend(all.iter().flat_map(|format| ["--output".to_owned(), format!("{format}=out.{format}")]));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let said = bench.run_with(&arguments).exits(1);
    assert_eq!(bench.read("out.human").trim_end(), said.raw.trim_end());
    let json: Value = serde_json::from_str(&bench.read("out.json")).unwrap();
    assert_eq!(json["counts"]["failed"], json!(2));
    assert!(all.iter().all(|format| !bench.read(&format!("out.{format}")).is_empty()));
    bench
        .run("gate ops.ready --output json=- --output tap=-")
        .exits(2)
        .says("error[usage]: two results on stdout: give all but one a file");
    bench.run("gate ops.ready --output xml=-").exits(2);
    bench.run("gate ops.ready --output json").exits(2);
    bench.run("gate ops.ready --no-record --output json=no/such/folder").exits(2);
}

/// The example as people copy it.
fn example() -> Bench {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/gate");
    let files = [
        "runwarden.yaml",
        "CHANGELOG.md",
        "procedures/release/ready.yaml",
        "procedures/release/ready.test.yaml",
        ".pre-commit-config.yaml",
        ".github/workflows/gate.yml",
    ];
    files
        .iter()
        .fold(Bench::empty(), |bench, file| bench.file(file, &std::fs::read_to_string(root.join(file)).unwrap()))
}

#[test]
fn the_workflow_of_the_example_does_what_it_says() {
    let bench = example().env("GITHUB_STEP_SUMMARY", "summary.md");
    let workflow = bench.read(".github/workflows/gate.yml");
    let runs: Vec<&str> = workflow.lines().filter_map(|line| line.trim().strip_prefix("- run: ")).collect();
    let own: Vec<&&str> = runs.iter().filter(|line| line.starts_with("runwarden ")).collect();
    assert_eq!(own.len(), 3, "{workflow}");
    for line in &own {
        bench.shell(line).exits(0);
    }
    assert!(bench.read("summary.md").contains("gate open") && bench.exists("gate.xml") && bench.exists("gate.sarif"));
    // The pages show the same text.
    let page = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/gates.md")).unwrap();
    assert!(page.contains(workflow.trim()), "docs/gates.md shows another workflow");
    assert!(page.contains(bench.read(".pre-commit-config.yaml").trim()), "docs/gates.md shows another hook");
}

#[test]
fn pre_commit_runs_the_hook_of_the_example() {
    let hook = tools().join("venv/bin/pre-commit");
    if !is_there("pre-commit", &hook) || !has("git") {
        return;
    }
    let bench = example();
    let path = format!("{}:{}", program().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let run = |line: &str| {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(bench.path("."))
            .env_clear()
            .env("PATH", &path)
            .env("HOME", bench.path("."));
        bench.finish(&mut command)
    };
    run("git init -q . && git config user.email a@b.invalid && git config user.name a && git add .").exits(0);
    let good = run(&format!("{} run --all-files", hook.display())).exits(0);
    assert!(good.stdout.matches("Passed").count() == 3, "{}", good.stdout);
    std::fs::remove_file(bench.path("CHANGELOG.md")).unwrap();
    let bad = run(&format!("git add -A . && {} run --all-files", hook.display())).exits(1);
    assert!(bad.stdout.contains("Failed") && bad.stdout.contains("changelog"), "{}", bad.stdout);
}
