//! `import`: drafts of a runbook in prose, which are checked, shown and tested, and not run.

use serde_json::json;

use super::bench::Bench;

const RUNBOOK: &str = "# Cache\n\n## Clear it\n\n1. Stop the workers\n2. Clear:\n\n   ```sh\n   true --all\n   ```\n\nNever clear it \
                       twice.\n\n## Why\n\nBecause.\n";

const SEVERAL: &str = "# Ops\n\n## Stop\n\n1. Stop it\n2. Look\n\n## Start\n\n1. Start it\n2. Look\n";

fn bench() -> Bench {
    Bench::workspace().file("cache.md", RUNBOOK).file("ops.md", SEVERAL)
}

#[test]
fn a_runbook_becomes_a_draft_and_what_became_of_its_headings_is_said() {
    let bench = bench();
    let made = bench.run("import cache.md -o procedures/ops/clear.yaml").exits(0);
    assert_eq!(made.stdout, "procedures/ops/clear.yaml\n");
    for line in [
        "1     empty     Cache",
        "3     imported  Clear it  ops.clear",
        "14    left out  Why",
        "ops.clear: 2 steps (1 run a program), 0 checks, 1 prohibition, 0 parameters, 0 failure modes, 0 notes kept as comments, 4 to be decided",
    ] {
        assert!(made.stderr.lines().any(|said| said.trim_end() == line), "{line}\n{}", made.stderr);
    }
    let checked = bench.run("check").exits(0).stderr;
    assert!(checked.contains("warning[draft]: this is a draft, and is not run"), "{checked}");
    assert_eq!(checked.matches("warning[to-do]").count(), 4, "{checked}");
    bench.run("fmt --check").exits(0);
    // Nothing is overwritten.
    bench.run("import cache.md -o procedures/ops/clear.yaml").exits(2).prints("");
}

#[test]
fn a_draft_is_planned_and_shown_and_never_run() {
    let bench = bench();
    bench.run("import cache.md -o procedures/ops/clear.yaml -q").exits(0);
    let refused = "error[draft]: `ops.clear` is a draft, and is not run";
    for line in [
        "plan ops.clear",
        "run ops.clear --dry-run",
        "plan ops.clear -o plan.json",
        "run ops.clear --confirm ops.clear",
    ] {
        let said = bench.run(line).exits(2);
        assert!(said.stderr.contains(refused), "{line}\n{}", said.stderr);
        assert_eq!(
            said.stdout.contains("Stop the workers"),
            !line.contains("-o") && !line.contains("--confirm"),
            "{line}"
        );
    }
    assert!(!bench.exists("plan.json") && !bench.exists(".runwarden/ledger.db"));
    let plan = bench.run("plan ops.clear --format json").exits(2).fits(&bench, "plan").json();
    assert_eq!(plan["drafts"], json!(["ops.clear"]));
    assert!(bench.run("show ops.clear").exits(0).stdout.contains("nobody has reviewed it"));
    let listed = bench.run("list --format json").exits(0).fits(&bench, "output/list").json();
    let drafts = listed["procedures"].as_array().unwrap().iter().filter(|row| row["draft"] == json!(true)).count();
    assert_eq!(drafts, 1);
}

#[test]
fn a_mark_that_is_taken_away_too_early_is_an_error() {
    let bench = bench();
    bench.run("import cache.md -o procedures/ops/clear.yaml -q").exits(0);
    let text = bench.read("procedures/ops/clear.yaml").replace("draft: true\n", "");
    let bench = bench.file("procedures/ops/clear.yaml", &text);
    let said = bench.run("check").exits(2).stderr;
    assert_eq!(said.matches("error[to-do-left]").count(), 4, "{said}");
    assert!(bench.run("plan ops.clear").exits(2).stdout.is_empty());
}

#[test]
fn what_calls_a_draft_is_not_run_either() {
    let bench = bench().procedure("ops.outer", "steps: [{ id: go, call: ops.clear }]\n");
    bench.run("import cache.md -o procedures/ops/clear.yaml -q").exits(0);
    let said = bench.run("check procedures/ops/outer.yaml").exits(0).stderr;
    assert!(said.contains("`ops.clear` is a draft, so this is not run either"), "{said}");
    assert!(bench.run("run ops.outer").exits(2).stderr.contains("error[draft]: `ops.clear` is a draft"));
}

#[test]
fn a_draft_of_a_checklist_opens_no_gate() {
    let bench = bench().file("ready.md", "# Ready\n\n- [ ] Backups are on\n- [ ] Somebody is there\n");
    let made = bench.run("import ready.md --name ops.ready -o procedures --format json").exits(0);
    let view = made.fits(&bench, "output/import").json();
    assert_eq!((&view["drafts"][0]["kind"], &view["drafts"][0]["steps"]), (&json!("checklist"), &json!(2)));
    assert_eq!(view["drafts"][0]["path"], "procedures/ops/ready.yaml");
    assert!(bench.run("gate ops.ready --no-record").exits(2).stderr.contains("error[draft]"));
}

#[test]
fn several_drafts_are_written_to_a_folder_or_refused_by_name() {
    let bench = bench();
    for line in ["import ops.md", "import ops.md -o one.yaml"] {
        bench.run(line).exits(2).prints("").says(
            "error[several-drafts]: the document has 2 procedures: ops.stop, ops.start\n  = help: `-o DIR` writes them all, \
             `--section HEADING` imports one"
                .replace("ops.stop, ops.start", if line.ends_with("yaml") { "one.stop, one.start" } else { "ops.stop, ops.start" })
                .as_str(),
        );
    }
    bench.run("import ops.md -o procedures -q").exits(0).prints("procedures/ops/stop.yaml\nprocedures/ops/start.yaml");
    let one = bench.run("import ops.md --section stop --name ops.halt -q").exits(0).stdout;
    assert!(one.contains("name: ops.halt") && one.contains("line: 3"), "{one}");
    bench
        .run("import ops.md --section Stopp")
        .exits(2)
        .says("error[usage]: `ops.md`: no heading is `Stopp`\n  = help: did you mean `Stop`?");
}

#[test]
fn what_is_no_runbook_is_refused() {
    let bench = bench().file("words.md", "# A\n\nOnly words.\n").file("nul.md", "1. a\0\n");
    assert!(bench.run("import words.md").exits(2).stderr.contains("error[nothing-to-import]"));
    assert!(
        bench
            .run("import nul.md")
            .exits(2)
            .stderr
            .contains("error[not-markdown]: `nul.md`: line 1 has a NUL character")
    );
    bench.run("import gone.md").exits(2);
    std::fs::File::create(bench.path("large.md")).unwrap().set_len(100 << 20).unwrap();
    assert!(bench.run("import large.md").exits(2).stderr.contains("longer than 4194304 bytes"));
}
