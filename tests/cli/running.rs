//! `run`, and what `runs` tells of it afterwards.

use super::bench::Bench;

const WRITE: &str = "parameters:\n  text: { type: string, default: hi }\nsteps:\n  - id: note\n    title: Write it down\n    \
    action: file.write\n    with: { path: note, content: '{{ parameters.text }}', replace: true }\n    undo: { action: file.remove, with: { path: note } }\n";

const FAIL: &str = "steps:\n  - id: note\n    action: file.write\n    with: { path: note, content: x }\n    undo: { action: file.remove, with: { path: note } }\n\
    \x20 - id: ask\n    action: command.run\n    with: { argv: [sh, -c, exit 3] }\n    undo: { none: It did nothing. }\n\
    \x20 - id: after\n    action: file.write\n    with: { path: after, content: x }\n    undo: { action: file.remove, with: { path: after } }\n\
    failure_modes:\n  - when: error.step == 'ask'\n    title: The program said no\n    advice: Ask it why.\n";

#[test]
fn a_failed_run_says_what_was_done_what_was_not_and_what_to_do() {
    let bench = Bench::workspace().procedure("deploy", FAIL);
    let failed = bench.run("run deploy -q").exits(1).says("");
    let (head, rest) = failed.stdout.split_once('\n').unwrap();
    assert!(head.starts_with("run ID failed (step `ask`): ") && head.ends_with("exited with 3"), "{head}");
    assert_eq!(
        rest,
        "was done: note\nwas not done: ask, after\nThe program said no\n  Ask it why.\n\
         checkpoint  .runwarden/ledger.db.checkpoints/9 (9 entries)\nnext        runwarden resume ID, or runwarden undo ID\nrecord      runwarden runs show ID\n"
    );
    assert!(bench.exists("note") && !bench.exists("after"));
}

#[test]
fn a_run_that_takes_back_what_it_did_exits_7() {
    let bench = Bench::workspace().procedure(
        "deploy",
        &FAIL
            .replace("undo: { none: It did nothing. }", "undo: { action: data.value, with: { a: 1 } }")
            .replace("failure_modes", "on_failure: undo\nfailure_modes"),
    );
    let undone = bench.run("run deploy").exits(7).stdout;
    assert!(undone.contains("was taken back: "), "{undone}");
    assert!(!bench.exists("note"));
}

#[test]
fn json_says_how_every_step_ended() {
    let bench = Bench::workspace().procedure("deploy", FAIL);
    let run = bench.run("run deploy --format json -q").exits(1).says("").fits(&bench, "output/run").json();
    assert_eq!((&run["status"], &run["procedure"]), (&"failed".into(), &"deploy".into()));
    let states: Vec<(&str, &str)> = run["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["id"].as_str().unwrap(), step["status"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("note", "succeeded"), ("ask", "failed")]);
    assert_eq!(run["advice"]["title"], "The program said no");
    assert_eq!(run["checkpoint"]["size"], 9);
}

#[test]
fn events_are_lines_and_the_result_is_the_last() {
    let bench = Bench::workspace().procedure("note", WRITE);
    let raw = bench.run("run note --format ndjson").exits(0).raw;
    let lines: Vec<serde_json::Value> = raw.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["event"]["kind"].as_str()).collect();
    assert_eq!(kinds.first(), Some(&"run.begin"));
    assert!(kinds.ends_with(&["step.intent", "step.result", "run.end"]), "{kinds:?}");
    let schema = bench.run("schema events").exits(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in &lines[..lines.len() - 1] {
        assert!(validator.is_valid(line), "{line:#}");
    }
    assert_eq!(lines.last().unwrap()["status"], "succeeded");
}

#[test]
fn a_run_goes_on_when_nobody_reads_it_any_more() {
    let bench = Bench::workspace().procedure("note", WRITE);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = bench
        .command(&["run", "note", "--format", "ndjson"])
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(bench.read("note"), "hi");
}

#[test]
fn parameters_are_handed_over_as_they_are() {
    let bench = Bench::workspace().procedure(
        "say",
        "parameters:\n  text: { type: string }\nsteps:\n  - id: say\n    action: command.run\n    \
         with: { argv: [sh, -c, 'printf %s \"$1\" > said', sh, '{{ parameters.text }}'] }\n    undo: { none: Said is said. }\n",
    );
    for text in
        ["; rm -rf .", "$(touch bad)", "`touch bad`", "two\nlines", "-rf", "--help", "' \" \\", "{{ 1 + 1 }}", "=", ""]
    {
        bench.run_with(&["run", "say", "-p", &format!("text={text}")]).exits(0);
        assert_eq!(bench.read("said"), text);
    }
    assert!(!bench.exists("bad") && bench.exists("procedures/say.yaml"));
}

#[test]
fn parameters_are_typed_and_come_from_files_too() {
    let bench = Bench::workspace()
        .procedure(
            "typed",
            "parameters:\n  n: { type: integer, min: 1, max: 9 }\n  list: { type: list }\n  for: { type: duration, default: 5m }\n\
             steps:\n  - { id: v, action: data.value, with: { n: '{{ parameters.n }}', list: '{{ parameters.list }}' } }\n\
             outputs: { n: '{{ steps.v.n }}', list: '{{ steps.v.list }}' }\n",
        )
        .file("p.yaml", "n: 3\nlist: [a, b]\n")
        .file("p.json", "{\"n\": 3, \"list\": [\"a\"]}")
        .file("twice.yaml", "n: 3\nn: 4\n")
        .file("list.yaml", "- 1\n");
    let run = bench.run("run typed --parameters p.yaml -p n=4 --format json").exits(0).json();
    assert_eq!(run["outputs"], serde_json::json!({ "n": 4, "list": ["a", "b"] }));
    let run = bench
        .run_with(&["run", "typed", "--parameters", "p.json", "-p", "list=[1, 2]", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(run["outputs"]["list"], serde_json::json!([1, 2]));
    let refused = bench.run("plan typed --parameters twice.yaml").exits(2).stderr;
    assert!(refused.contains("error[duplicate-key]"), "{refused}");
    bench.run("plan typed --parameters list.yaml").exits(2).says(
        "error[parameters]: `list.yaml` is not a map of parameters\n  = help: write one parameter a line: `name: value`",
    );
}

#[test]
fn everything_wrong_with_parameters_is_said_at_once() {
    let bench = Bench::workspace().procedure(
        "typed",
        "parameters:\n  count: { type: integer, max: 9 }\n  reason: { type: string, pattern: '[a-z]+' }\nsteps:\n  - { id: p, wait: 1ms }\n",
    );
    bench.run("run typed -p count=x -p reson=y").exits(2).prints("").says(
        "error[parameters]: parameter `count`: `x` is not a whole number; parameter `reson`: there is no such parameter; \
         did you mean `reason`?; parameter `reason`: it is required and was not given\n  \
         = help: give them with `-p NAME=VALUE` or `--parameters FILE`",
    );
    let refused = bench.run("run typed -p count=12 -p reason=Why").exits(2).stderr;
    assert!(
        refused.contains("`12` is more than `9`") && refused.contains("`Why` does not match `[a-z]+`"),
        "{refused}"
    );
    let refused = bench.run("run typed -p count=1 -p reason=why -p colour=red").exits(2).stderr;
    assert!(refused.contains("`colour`: there is no such parameter; there is `count`, `reason`"), "{refused}");
    bench.run("run typed -p count").exits(2).says("error[usage]: `--parameter count` is not of the form NAME=VALUE");
    bench.run("run typed -p count=1 -p count=2").exits(2).says("error[usage]: parameter `count` is given twice");
    assert!(!bench.exists(".runwarden"));
}

#[test]
fn runs_are_listed_newest_first() {
    let bench = Bench::workspace().procedure("note", WRITE).procedure("fail", FAIL);
    bench.run("runs").exits(0).prints("").says("there are no such runs");
    bench.run("run note").exits(0);
    bench.run("run fail").exits(1);
    let listed = bench.run("runs --format json").exits(0).fits(&bench, "output/runs").json();
    let names: Vec<&str> =
        listed["runs"].as_array().unwrap().iter().map(|run| run["procedure"].as_str().unwrap()).collect();
    assert_eq!(names, ["fail", "note"]);
    let table = bench.run("runs --limit 1").exits(0).stdout;
    assert!(table.lines().nth(1).unwrap().starts_with("ID  failed"), "{table}");
    assert_eq!(table.lines().count(), 2);
    assert_eq!(bench.run("runs --status succeeded").exits(0).stdout.lines().count(), 2);
}

#[test]
fn a_run_is_shown_by_a_beginning_of_its_id_or_as_the_last() {
    let bench = Bench::workspace().procedure("note", WRITE);
    let id = bench.run("run note --format json").exits(0).json()["run"].as_str().unwrap().to_owned();
    for asked in ["last", &id, &id[..20]] {
        let shown =
            bench.run_with(&["runs", "show", asked, "--format", "json"]).exits(0).fits(&bench, "output/run_record");
        assert_eq!(shown.json()["run"], id);
    }
    bench.run("runs show last").exits(0).prints(
        "run ID\n  procedure  note\n  status     succeeded\n  started    TIME\n  ended      TIME\n  by         USER\n\n\
         parameters\n  text  hi\n\nwhat happened\n  TIME  began, version 1.0.0 in development\n  TIME  follows plan DIGEST\n  \
         TIME  note: file.write is about to be done: {\"content\":\"hi\",\"path\":\"note\",\"replace\":true}\n  \
         TIME  note: succeeded: {\"changed\":true,\"sha256\":\"HEX\",\"size\":2}\n  TIME  ended succeeded",
    );
}

#[test]
fn an_unknown_run_is_said_to_be_unknown() {
    let bench = Bench::workspace().procedure("note", WRITE);
    let unknown = "error[unknown-run]: the ledger has no run `0199`\n  \
        = help: `runwarden runs` shows what there is; `last` is the newest";
    bench.run("runs show 0199").exits(1).prints("").says(unknown);
    bench.run("run note").exits(0);
    bench.run("runs show 0199").exits(1).prints("").says(unknown);
    bench.run("run note").exits(0);
    let refused = bench.run("runs show 0").exits(1).stderr;
    assert!(refused.starts_with("error[ambiguous-run]: `0` begins several runs"), "{refused}");
}

#[test]
fn no_action_writes_what_a_run_depends_on() {
    for path in [
        ".runwarden/ledger.db",
        ".runwarden/ledger.db-wal",
        ".runwarden/ledger.key",
        "runwarden.yaml",
        "procedures/x.yaml",
        ".runwarden/ledger.db.checkpoints/1",
    ] {
        let bench = Bench::workspace().procedure(
            "x",
            &format!("steps:\n  - id: w\n    action: file.write\n    with: {{ path: {path}, content: x, replace: true }}\n    undo: {{ none: never }}\n"),
        );
        let refused = bench.run("run x").stdout;
        assert!(refused.contains("is protected"), "{path}: {refused}");
    }
}
