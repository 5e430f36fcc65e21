//! What authors use: `new` with templates, `fmt`, `docs`, `show --graph`, and the other sides of `test`.

use std::io::BufRead as _;
use std::process::{Command, Stdio};

use serde_json::json;

use super::bench::Bench;

const TEMPLATES: [&str; 5] = ["blank", "rotation", "restore", "pause", "checklist"];

#[test]
fn every_template_passes_check_and_test_at_once() {
    for template in TEMPLATES {
        let bench = Bench::workspace();
        let made = bench.run(&format!("new ops.made --from {template}")).exits(0);
        assert_eq!(made.stdout, "procedures/ops/made.yaml\n", "{template}");
        assert!(bench.exists("procedures/ops/made.test.yaml"), "{template}");
        bench.run("check").exits(0).says("checked 3 files: no problems");
        let tested = bench.run("test --coverage").exits(0).stdout;
        assert!(!tested.contains("missed guard"), "{template}: {tested}");
        bench.run("fmt --check").exits(0);
        bench.run("docs ops.made").exits(0);
        bench.run("new ops.made").exits(2);
    }
}

#[test]
fn without_a_template_it_is_blank_and_one_that_there_is_none_of_is_said() {
    let bench = Bench::workspace();
    let made = bench.run("new ops.made --format json").exits(0).fits(&bench, "output/new").json();
    assert_eq!(
        made,
        json!({ "name": "ops.made", "path": "procedures/ops/made.yaml", "test": "procedures/ops/made.test.yaml" })
    );
    bench.run("new ops.other --from rotatoin").exits(2).says(
        "error[unknown-procedure]: procedure `rotatoin` does not exist\n  = help: `runwarden list` shows the procedures; \
         the templates are blank, rotation, restore, pause, checklist",
    );
}

#[test]
fn a_copy_has_the_tests_of_what_it_was_copied_from() {
    let bench = Bench::workspace();
    let listed = bench.run("list --format json").exits(0).json();
    for row in listed["procedures"].as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        bench.run(&format!("new copies.{} --from {name} -q", name.replace('.', "_"))).exits(0);
    }
    bench.run("check -q").exits(0);
    let tested = bench.run("test --format json").exits(0).json();
    let ids: Vec<&str> = tested["items"].as_array().unwrap().iter().filter_map(|item| item["id"].as_str()).collect();
    assert!(ids.iter().any(|id| id.starts_with("copies.kora_dr_epoch_bump/")), "{ids:?}");
    bench.run("new copies.again --from copies.kora_dr_epoch_bump").exits(0);
    assert!(bench.exists("procedures/copies/again.test.yaml"));
    bench.run("test procedures/copies/again.yaml").exits(0);
    let bench = bench.procedure("alone", "steps: [{ id: wait, wait: 1s }]\n");
    let made = bench.run("new copies.alone --from alone --format json").exits(0).json();
    assert_eq!(made["test"], json!(null));
}

#[test]
fn a_procedure_of_ones_own_stands_before_a_template_of_its_name() {
    let bench = Bench::workspace().procedure("pause", "steps: [{ id: wait, wait: 1s }]\n");
    bench.run("new ops.made --from pause").exits(0);
    assert!(bench.read("procedures/ops/made.yaml").contains("wait: 1s"));
}

const UNTIDY: &str = "# About it\n\n\nsteps:\n- id: wait   # why\n  # how long\n  wait:   1s\n  why:  |\n        Because.\n          Of it.\n\n\nverify:\n    - {id: done,   expect: run.id != ''}\n";

const TIDY: &str = "# About it\n\nsteps:\n  - id: wait   # why\n    # how long\n    wait:   1s\n    why:  |\n      Because.\n        Of it.\n\nverify:\n  - { id: done,   expect: run.id != '' }\n";

#[test]
fn fmt_lays_out_and_leaves_what_is_said() {
    let bench = Bench::workspace().procedure("ops.go", UNTIDY);
    let before = bench.run("show ops.go --format json").exits(0).json();
    bench.run("fmt --check").exits(1).prints("procedures/ops/go.yaml").says("2 documents: 1 would change");
    assert!(bench.read("procedures/ops/go.yaml").ends_with(UNTIDY));
    let json = bench.run("fmt procedures --check --format json").exits(1).fits(&bench, "output/fmt").json();
    assert_eq!(
        json,
        json!({ "status": "unformatted", "files": [{ "path": "procedures/ops/go.yaml", "changed": true }] })
    );
    bench.run("fmt").exits(0).prints("procedures/ops/go.yaml").says("2 documents: 1 changed");
    assert!(bench.read("procedures/ops/go.yaml").ends_with(TIDY), "{}", bench.read("procedures/ops/go.yaml"));
    bench.run("fmt").exits(0).prints("").says("2 documents: 0 changed");
    assert_eq!(bench.run("show ops.go --format json").exits(0).json(), before);
}

#[test]
fn fmt_writes_nothing_where_a_document_cannot_be_read() {
    let bench = Bench::workspace().procedure("ops.go", UNTIDY).file("procedures/ops/bad.yaml", "a: [1\n");
    let said = bench.run("fmt").exits(2).stderr;
    assert!(said.contains("error[syntax]") && said.contains("none was written"), "{said}");
    assert!(bench.read("procedures/ops/go.yaml").ends_with(UNTIDY));
    bench.run("fmt nowhere").exits(2);
}

#[test]
fn what_ships_is_laid_out_without_a_loss() {
    let bench = Bench::workspace();
    let listed = bench.run("list --format json").exits(0).json();
    for row in listed["procedures"].as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        let copy = format!("copies.{}", name.replace('.', "_"));
        bench.run(&format!("new {copy} --from {name} -q")).exits(0);
        let before = bench.run(&format!("show {copy} --format json")).exits(0).json();
        bench.run("fmt -q").exits(0);
        assert_eq!(bench.run(&format!("show {copy} --format json")).exits(0).json(), before, "{name}");
    }
    bench.run("fmt --check").exits(0);
}

const DEPLOY: &str = "requires: { locks: ['deploy'] }
parameters: { to: { type: path, description: 'Where | it goes' } }
preconditions:
  - { id: free, title: Nothing is there, action: file.stat, with: { path: /to }, expect: not result.exists, help: Take it away. }
do_not:
  - { id: never_root, rule: 'Do not write <b>there</b>.', forbid: file.write, where: \"with.path == '/'\" }
steps:
  - id: write
    title: Write \"it\"
    why: '# not a heading'
    action: file.write
    with: { path: '{{ parameters.to }}', content: x }
    verify:
      - { id: there, action: file.stat, with: { path: /to }, expect: result.exists }
    undo: { action: file.remove, with: { path: '{{ parameters.to }}' } }
  - { id: tell, when: parameters.to != '/x', manual: { ask: Tell them. }, undo: { none: It was said. } }
verify:
  - { id: last, expect: run.id != '' }
failure_modes:
  - { when: error.check == 'there', title: It is not there, advice: '- Look.' }
outputs: { to: '{{ parameters.to }}' }
";

#[test]
fn docs_render_a_procedure() {
    let bench = Bench::workspace().procedure("ops.deploy", DEPLOY);
    let page = bench.run("docs ops.deploy").exits(0).stdout;
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(
        headings,
        ["When", "Parameters", "Preconditions", "Steps", "Verify", "Do not", "Failure modes", "Outputs", "Flow"]
    );
    for part in [
        "# Title of ops.deploy",
        "- It holds the lock `deploy`.",
        "- It begins with `runwarden run ops.deploy -p to=…`.",
        "| `to` | path, required: Where \\| it goes |",
        "- `free` Nothing is there: `file.stat` gives `not result.exists`  \n  Else: Take it away.",
        "- `never_root` Do not write &lt;b&gt;there&lt;/b&gt;.",
        "1. `write`: Write \"it\"",
        "   \\# not a heading",
        "   Taken back by `file.remove`.",
        "`manual`, when `parameters.to != '/x'`",
        "  \\- Look.",
        "```mermaid\nflowchart TD\n",
    ] {
        assert!(page.contains(part), "{part}\n---\n{page}");
    }
}

#[test]
fn docs_check_finds_pages_that_are_stale_missing_or_orphaned() {
    let bench =
        Bench::workspace().procedure("ops.deploy", DEPLOY).procedure("ops.wait", "steps: [{ id: wait, wait: 1s }]\n");
    bench.run("docs -o pages --check").exits(1).prints("missing  pages/ops.deploy.md\nmissing  pages/ops.wait.md");
    bench.run("docs -o pages").exits(0).prints("wrote  pages/ops.deploy.md\nwrote  pages/ops.wait.md");
    bench.run("docs -o pages --check").exits(0).prints("");
    bench.run("docs -o pages").exits(0).prints("");
    let bench = bench.procedure("ops.wait", "steps: [{ id: wait, wait: 2s }]\n").file("pages/own.md", "# mine\n");
    std::fs::remove_file(bench.path("procedures/ops/deploy.yaml")).unwrap();
    let said = bench.run("docs -o pages --check --format json").exits(1).fits(&bench, "output/docs").json();
    assert_eq!(
        said,
        json!({ "status": "stale", "pages": [
            { "procedure": "ops.wait", "path": "pages/ops.wait.md", "state": "fresh" },
            { "procedure": "ops.deploy", "path": "pages/ops.deploy.md", "state": "orphaned" },
        ]})
    );
    let bench = bench.procedure("ops.wait", "steps: [{ id: wait, title: Wait, wait: 2s }]\n");
    let said = bench.run("docs -o pages --check").exits(1).stdout;
    assert_eq!(said, "stale  pages/ops.wait.md\norphaned  pages/ops.deploy.md\n");
    assert!(bench.exists("pages/ops.deploy.md"), "what is orphaned is named and not removed");
    bench.run("docs --check").exits(2);
    bench.run("docs ops.gone").exits(2);
}

#[test]
fn the_flow_is_drawn() {
    let bench = Bench::workspace().procedure("ops.deploy", DEPLOY);
    bench.run("show ops.deploy --graph").exits(0).prints(
        "flowchart TD
  n0([\"ops.deploy\"])
  n1{{\"Nothing is there\"}}
  n2[\"Write #34;it#34;<br/>file.write\"]
  n3>\"undo: file.remove\"]
  n4{{\"there\"}}
  n5{\"parameters.to != '/x'?\"}
  n6[/\"tell<br/>manual\"/]
  n7{{\"last\"}}
  n8([\"done\"])
  n0 --> n1
  n1 --> n2
  n2 -.-> n3
  n2 --> n4
  n4 --> n5
  n5 -- yes --> n6
  n6 --> n7
  n5 -- no --> n7
  n7 --> n8",
    );
    let dot = bench.run("show ops.deploy --graph dot").exits(0).stdout;
    assert!(dot.starts_with("digraph procedure {\n") && dot.contains("n5 -> n6 [label=\"yes\"]"), "{dot}");
    let renderer = Command::new("dot").arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut renderer) = renderer else {
        assert!(std::env::var_os("CI").is_none(), "`dot` is missing");
        return super::gate_formats::skipped("`dot`");
    };
    std::io::Write::write_all(&mut renderer.stdin.take().unwrap(), dot.as_bytes()).unwrap();
    let drawn = renderer.wait_with_output().unwrap();
    assert!(drawn.status.success() && String::from_utf8_lossy(&drawn.stdout).contains("Write &quot;it&quot;"));
}

const COPY: &str = "do_not:
  - { id: not_over, rule: Do not., forbid: file.copy, where: state.exists, state: { action: file.stat, with: { path: /to } } }
steps:
  - id: copy
    action: file.copy
    with: { from: /a, to: /to }
";

const CASES: &str = "runwarden: v1\nkind: test\nname: ops.copy.test\ntitle: Cases\nversion: 1.0.0\nsummary: For a test.\nowner: ops\n\
    procedure: ops.copy\ncases:\n  - { id: copied, results: { not_over: { exists: false }, copy: { size: 1 } }, expect: { status: succeeded } }\n";

#[test]
fn coverage_is_written_as_lcov_reads_it() {
    let bench = Bench::workspace().procedure("ops.copy", COPY).file("procedures/ops/copy.test.yaml", CASES);
    bench.run("test --lcov coverage.info").exits(0);
    assert_eq!(
        bench.read("coverage.info"),
        "TN:\nSF:procedures/ops/copy.yaml\nBRDA:10,0,0,1\nBRDA:10,0,1,0\nBRDA:12,0,0,1\nBRF:3\nBRH:2\nDA:10,1\nDA:12,1\n\
         LF:2\nLH:2\nend_of_record\n"
    );
    let Ok(read) = Command::new("lcov")
        .args(["--summary", "coverage.info", "--rc", "branch_coverage=1"])
        .current_dir(bench.path("."))
        .output()
    else {
        assert!(std::env::var_os("CI").is_none(), "`lcov` is missing");
        return super::gate_formats::skipped("`lcov`");
    };
    let said = String::from_utf8_lossy(&read.stdout).into_owned() + &String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success() && said.contains("2 of 2 lines"), "{said}");
}

#[test]
fn watching_tests_again_after_a_change() {
    let bench = Bench::workspace().procedure("ops.copy", COPY).file("procedures/ops/copy.test.yaml", CASES);
    let mut child = bench.command(&["test", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |wanted: &str| loop {
        let line = lines.next().expect("it goes on until it is ended").unwrap();
        if line.contains(wanted) {
            break;
        }
    };
    until("1 case: 1 passed");
    let bench = bench.file("procedures/ops/copy.test.yaml", &CASES.replace("succeeded", "failed"));
    until("1 case: 0 passed, 1 failed");
    let bench = bench.file("procedures/ops/copy.test.yaml", "no: [");
    let _bench = bench.file("procedures/ops/copy.test.yaml", CASES);
    until("1 case: 1 passed");
    child.kill().unwrap();
    child.wait().unwrap();
}
