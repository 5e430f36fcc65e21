//! `gate`: what opens one, what shuts it, who answers, and what stands in the record.

use serde_json::{Value, json};

use super::bench::{Bench, Outcome};

const HEAD: &str = "title: Ready to go\nversion: 1.0.0\nsummary: For a test.\nowner: ops\n";

/// A workspace with a checklist of this name, and what comes after the keys that every one has.
fn with(bench: Bench, name: &str, rest: &str) -> Bench {
    let text = format!("runwarden: v1\nkind: checklist\nname: {name}\n{HEAD}{rest}");
    bench.file(&format!("procedures/{}.yaml", name.replace('.', "/")), &text)
}

fn bench(rest: &str) -> Bench {
    with(Bench::workspace(), "ops.ready", rest)
}

/// An item that passes when a file is there.
fn there(id: &str, path: &str) -> String {
    format!("  - {{ id: {id}, action: file.stat, with: {{ path: {path} }}, expect: result.exists }}\n")
}

fn items(of: &[(&str, &str)]) -> String {
    format!("items:\n{}", of.iter().map(|(id, path)| there(id, path)).collect::<String>())
}

#[track_caller]
fn statuses(outcome: &Outcome) -> Vec<(String, String)> {
    let said = outcome.json();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    said["items"].as_array().unwrap().iter().map(|item| (text(item, "id"), text(item, "status"))).collect()
}

#[track_caller]
fn came_to(outcome: &Outcome, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(id, status)| ((*id).to_owned(), (*status).to_owned())).collect();
    assert_eq!(statuses(outcome), expected);
}

#[test]
fn a_gate_opens_when_every_required_item_passes() {
    let bench = bench(&items(&[("one", "a"), ("two", "b")])).file("a", "").file("b", "");
    bench.run("gate ops.ready").exits(0).prints(
        "ops.ready: Ready to go
    passed       one
    passed       two
gate open: 2 items: 2 passed
record  runwarden runs show ID
signed  .runwarden/ledger.db.checkpoints/8 (8 entries)",
    );
}

#[test]
fn one_that_is_not_met_shuts_it_and_the_rest_is_asked_all_the_same() {
    let bench = bench(
        "items:
  - { id: gone, title: The file is there, group: Files, action: file.stat, with: { path: gone }, expect: result.exists, help: Make it. }
  - { id: wrong, group: Files, action: file.hash, with: { path: gone }, expect: result.size == 0 }
  - { id: tip, group: Advice, severity: advisory, expect: parameters.tip }
  - { id: last, group: Advice, expect: not parameters.tip }
parameters: { tip: { type: boolean, default: false } }
",
    );
    bench.run("gate ops.ready").exits(1).prints(
        "ops.ready: Ready to go
  Files
    failed       gone: The file is there
                 `result.exists` is false
                 help: Make it.
    undecidable  wrong
                 cannot read `gone`: no such file or folder
  Advice
    failed       tip (advisory)
                 `parameters.tip` is false
    passed       last
gate shut: 2 of 3 required items did not pass: `gone`, `wrong`
4 items: 1 passed, 2 failed, 1 undecidable
record  runwarden runs show ID
signed  .runwarden/ledger.db.checkpoints/10 (10 entries)",
    );
}

#[test]
fn json_is_status_items_and_counts() {
    let bench = bench(&items(&[("one", "a"), ("two", "b")])).file("a", "");
    let said = bench.run("gate ops.ready --no-record --format json").exits(1).fits(&bench, "output/gate").json();
    assert_eq!(said["status"], "failed");
    assert_eq!(
        said["items"],
        json!([
            { "id": "one", "status": "passed" },
            { "id": "two", "status": "failed", "detail": "`result.exists` is false" },
        ])
    );
    assert_eq!(said["counts"], json!({ "passed": 1, "failed": 1, "undecidable": 0, "skipped": 0, "waived": 0 }));
}

#[test]
fn what_checks_nothing_does_not_pass() {
    let skipped = "parameters: { wanted: { type: boolean, default: false } }
items:
  - { id: one, when: parameters.wanted, expect: parameters.wanted }
  - { id: two, when: parameters.wanted, expect: parameters.wanted }
";
    let advisory =
        "items:\n  - { id: tip, severity: advisory, action: file.stat, with: { path: a }, expect: result.exists }\n";
    for (rest, found) in [
        ("items: []\n", vec![]),
        (skipped, vec![("one", "skipped"), ("two", "skipped")]),
        (advisory, vec![("tip", "passed")]),
    ] {
        let bench = bench(rest).file("a", "");
        let said = bench.run("gate ops.ready --format json").exits(12).fits(&bench, "output/gate");
        came_to(&said, &found);
        assert_eq!(said.json()["status"], "nothing_checked");
        assert_eq!(bench.run("runs --format json").json()["runs"][0]["status"], "failed");
    }
    // One that was asked is enough, and those that were skipped stay skipped.
    let bench = bench(&format!("{skipped}{}", there("three", "a"))).file("a", "");
    came_to(
        &bench.run("gate ops.ready --format json").exits(0),
        &[("one", "skipped"), ("two", "skipped"), ("three", "passed")],
    );
}

#[test]
fn a_precondition_refuses_and_a_guard_stops() {
    let rest = format!(
        "preconditions:\n{}do_not:\n  - {{ id: not_while_down, rule: Do not go while it is down., never: state.exists, \
         state: {{ action: file.stat, with: {{ path: down }} }} }}\n{}",
        there("begun", "begun"),
        items(&[("one", "begun")])
    );
    let bench = bench(&rest);
    let said = bench.run("gate ops.ready --format json").exits(3).fits(&bench, "output/gate");
    came_to(&said, &[("one", "skipped")]);
    assert_eq!(said.json()["status"], "refused");
    assert_eq!(said.json()["checklists"][0]["error"]["code"], "precondition");
    let bench = bench.file("begun", "");
    bench.run("gate ops.ready").exits(0);
    let bench = bench.file("down", "");
    let said = bench.run("gate ops.ready --format json").exits(4).fits(&bench, "output/gate").json();
    assert_eq!((&said["status"], &said["checklists"][0]["error"]["code"]), (&json!("guarded"), &json!("guard")));
}

#[test]
fn a_guard_that_the_plan_cannot_decide_is_decided_before_the_items() {
    // A plan runs no program; the gate does, and what it says counts.
    let guard = |answer: &str| {
        format!(
            "do_not:\n  - {{ id: not_now, rule: Do not., never: state.stdout != '0', \
             state: {{ action: command.read, with: {{ argv: [printf, '{answer}'] }} }} }}\n{}",
            items(&[("one", "a")])
        )
    };
    bench(&guard("0")).file("a", "").run("gate ops.ready").exits(0);
    bench(&guard("1")).file("a", "").run("gate ops.ready").exits(4);
}

const SIGNED: &str = "items:
  - { id: signed, manual: { ask: Is it signed off?, answer: { ticket: { type: string }, sure: { type: boolean } }, expect: answer.ticket == 'CAB-7' and answer.sure } }
";

#[test]
fn nobody_there_is_not_met_and_answers_are_judged() {
    let bench = bench(SIGNED).file("answers.yaml", "signed: { ticket: CAB-7, sure: true }\n");
    let nobody = bench.run("gate ops.ready --format json").exits(1);
    came_to(&nobody, &[("signed", "failed")]);
    assert_eq!(nobody.json()["items"][0]["detail"], "nobody is there to answer `signed`");
    bench.run("gate ops.ready --answer signed.ticket=CAB-7 --answer signed.sure=yes").exits(1);
    bench.run("gate ops.ready --answer signed.ticket=CAB-8 --answer signed.sure=true").exits(1);
    bench.run("gate ops.ready --answer signed.ticket=CAB-7 --answer signed.sure=true").exits(0);
    bench.run("gate ops.ready --answers answers.yaml").exits(0);
    let told = bench.run("ledger show --kind manual.answered --format ndjson").exits(0).raw;
    assert_eq!(told.lines().count(), 3, "{told}");
    let typo = bench.run("gate ops.ready --answer singed.ticket=CAB-7").exits(1).stderr;
    assert!(typo.contains("`singed` was answered and never asked"), "{typo}");
}

#[test]
fn a_manual_precondition_that_nobody_answers_refuses() {
    let rest = format!("preconditions:{}{}", SIGNED.trim_start_matches("items:"), items(&[("one", "a")]));
    let bench = bench(&rest).file("a", "");
    let said = bench.run("gate ops.ready --format json").exits(3).json();
    assert_eq!(said["checklists"][0]["error"]["code"], "precondition");
    bench.run("gate ops.ready --answer signed.ticket=CAB-7 --answer signed.sure=true").exits(0);
}

#[test]
fn of_several_the_highest_exit_code_counts() {
    let bench = with(bench(&items(&[("same", "a")])), "ops.none", "items: []\n");
    let bench = with(bench, "ops.shut", &items(&[("same", "gone")])).file("a", "");
    bench.run("gate ops.ready ops.shut").exits(1);
    bench.run("gate ops.shut ops.none").exits(12);
    let said = bench.run("gate ops.ready ops.shut --format json").exits(1).fits(&bench, "output/gate").json();
    let named =
        |item: &Value| (item["checklist"].as_str().unwrap().to_owned(), item["id"].as_str().unwrap().to_owned());
    let items: Vec<_> = said["items"].as_array().unwrap().iter().map(named).collect();
    assert_eq!(items, [("ops.ready".to_owned(), "same".to_owned()), ("ops.shut".to_owned(), "same".to_owned())]);
    bench.run("gate ops.ready ops.ready").exits(2).says("error[usage]: `ops.ready` is named twice");
}

#[test]
fn of_several_each_is_given_what_it_declares() {
    let of = |name: &str| {
        format!(
            "parameters: {{ {name}: {{ type: string }} }}\nitems: [{{ id: same, expect: parameters.{name} == 'x' }}]\n"
        )
    };
    let bench = with(with(Bench::workspace(), "one", &of("left")), "two", &of("right"));
    bench.run("gate one two -p left=x -p right=x").exits(0);
    bench.run("gate one two -p left=x").exits(2);
    bench
        .run("gate one two -p left=x -p right=x -p lft=x")
        .exits(2)
        .says("error[parameters]: no checklist that is asked has a parameter `lft`");
    assert!(!bench.run("runs --format json").exits(0).json()["runs"].as_array().unwrap().is_empty());
}

#[test]
fn an_answer_that_two_could_mean_is_refused() {
    let bench = with(with(Bench::workspace(), "one", SIGNED), "two", SIGNED);
    bench
        .run("gate one two --answer signed.ticket=CAB-7")
        .exits(2)
        .says("error[usage]: 2 checklists ask `signed`\n  = help: say which: `--answer one/signed.ticket=…`");
    let all = ["one/signed.ticket=CAB-7", "one/signed.sure=true", "two/signed.ticket=CAB-7", "two/signed.sure=true"];
    let mut arguments = vec!["gate", "one", "two"];
    arguments.extend(all.iter().flat_map(|answer| ["--answer", answer]));
    bench.run_with(&arguments).exits(0);
}

#[test]
fn an_item_that_waits_is_asked_until_it_is_met() {
    let rest = "items:\n  - { id: comes, action: file.stat, with: { path: comes }, expect: result.exists, wait: { every: 20ms, timeout: 60s } }\n";
    let bench = bench(rest);
    let child = bench.command(&["gate", "ops.ready"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    // The ledger is there once the gate has begun.
    while !bench.exists(".runwarden/ledger.db") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let bench = bench.file("comes", "");
    bench.outcome(&child.wait_with_output().unwrap()).exits(0);
}

#[test]
fn one_interrupt_ends_it_unanswered() {
    let rest = "items:\n  - { id: comes, action: file.stat, with: { path: comes }, expect: result.exists, wait: { every: 20ms, timeout: 10m } }\n";
    let bench = bench(rest);
    let mut command = bench.command(&["gate", "ops.ready", "-v", "--format", "json"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // It says that it waits once it listens for signals.
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("comes") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut said, &mut line).unwrap() > 0, "it ended by itself");
    }
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let stopped = bench.outcome(&child.wait_with_output().unwrap()).exits(130).json();
    assert_eq!((&stopped["status"], &stopped["items"][0]["status"]), (&json!("cancelled"), &json!("skipped")));
    assert_eq!(bench.run("runs --format json").json()["runs"][0]["status"], "cancelled");
}

#[test]
fn a_gate_is_on_record_and_signed() {
    let bench = bench(&items(&[("one", "a"), ("two", "gone")])).file("a", "");
    bench.run("gate ops.ready").exits(1);
    let told = bench.run("ledger show --kind gate.result --format ndjson").exits(0).raw;
    let entry: Value = serde_json::from_str(told.trim()).unwrap();
    assert_eq!(
        entry["data"],
        json!({
            "status": "failed",
            "items": [
                { "id": "one", "status": "passed", "required": true },
                { "id": "two", "status": "failed", "required": true, "detail": "`result.exists` is false" },
            ],
            "counts": { "passed": 1, "failed": 1, "undecidable": 0, "skipped": 0, "waived": 0 },
        })
    );
    let run = &bench.run("runs --format json").json()["runs"][0];
    assert_eq!((&run["procedure"], &run["status"]), (&json!("ops.ready"), &json!("failed")));
    bench.run("ledger verify --allow-unanchored").exits(0);
    let shown = bench.run("runs show last").exits(0).stdout;
    assert!(shown.contains("gate failed"), "{shown}");
    bench.run("resume last").exits(2);
}

#[test]
fn its_events_come_as_lines_that_fit_their_schema() {
    let bench = bench(&items(&[("one", "a"), ("two", "gone")])).file("a", "");
    let schema = bench.run("schema events").exits(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let said = bench.run("gate ops.ready --format ndjson").exits(1).raw;
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, events) = lines.split_last().unwrap();
    assert_eq!(last["status"], "failed");
    assert!(events.iter().all(|event| validator.is_valid(event)), "{said}");
    let kinds: Vec<&str> = events.iter().map(|event| event["event"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["run.begin", "plan.recorded", "verify.result", "verify.result", "gate.result", "run.end"]);
}

#[test]
fn guards_of_the_workspace_hold_for_gates_too() {
    let policy = "policy:\n  do_not:\n    - { id: frozen, rule: Nothing is asked in a freeze., never: state.exists, \
        state: { action: file.stat, with: { path: freeze } } }\n";
    let workspace = format!("{}{policy}", super::bench::WORKSPACE);
    let bench = bench(&items(&[("one", "a")])).file("runwarden.yaml", &workspace).file("a", "");
    bench.run("gate ops.ready").exits(0);
    let bench = bench.file("freeze", "");
    let said = bench.run("gate ops.ready").exits(4).stdout;
    assert!(said.contains("`policy:frozen`: Nothing is asked in a freeze"), "{said}");
}

#[test]
fn a_secret_is_in_nothing_that_a_gate_writes() {
    let canary = "canary-5f0c2e9b7d";
    let workspace = format!(
        "{}targets: {{ vault: {{ kind: secret_store, driver: dotenv, path: .env }} }}\nsecrets: {{ token: {{ from: vault, key: TOKEN }} }}\n",
        super::bench::WORKSPACE
    );
    let rest = "secrets: { token: {} }
items:
  - { id: same, action: command.read, with: { argv: [cat], stdin: '{{ secrets.token }}' }, expect: result.stdout == 'another' }
  - { id: fails, action: command.read, with: { argv: [sh, -c, 'cat >&2; exit 3'], stdin: '{{ secrets.token }}' }, expect: result.exit == 0 }
";
    let bench = bench(rest).file("runwarden.yaml", &workspace).file(".env", &format!("TOKEN={canary}\n"));
    let formats = ["human", "json", "junit", "sarif", "tap", "github", "markdown"];
    let mut arguments = vec!["gate".to_owned(), "ops.ready".to_owned(), "-v".to_owned()];
    arguments.extend(formats.iter().flat_map(|format| ["--output".to_owned(), format!("{format}=out.{format}")]));
    let said = bench.run_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).exits(1);
    let record = bench.run("ledger show --format ndjson").exits(0).raw;
    let written: String = formats.iter().map(|format| bench.read(&format!("out.{format}"))).collect();
    assert!(record.contains("secret.read"), "{record}");
    for text in [&said.raw, &said.stderr, &record, &written] {
        assert!(!text.contains(canary), "{text}");
    }
}

#[test]
fn without_a_record_nothing_is_written() {
    let bench = bench(&items(&[("one", "a")])).file("a", "");
    let said = bench.run("gate ops.ready --no-record --format json").exits(0).fits(&bench, "output/gate").json();
    assert!(said["checklists"][0].get("run").is_none() && !bench.exists(".runwarden"), "{said}");
}

#[test]
fn a_procedure_is_not_asked_and_a_checklist_is_not_run() {
    let bench = bench(&items(&[("one", "a")])).procedure("ops.go", "steps: [{ id: wait, wait: 1s }]\n");
    bench.run("gate ops.go").exits(2).says(
        "error[not-a-checklist]: `ops.go` is a procedure, which is run and not asked\n  = help: `runwarden run ops.go` runs it",
    );
    bench.run("run ops.ready").exits(2);
    bench.run("gate").exits(2);
    bench.run("gate ops.raedy").exits(2);
}

#[test]
fn a_ledger_that_is_not_genuine_shuts_every_gate() {
    let bench = bench(&items(&[("one", "a")])).file("a", "");
    bench.run("gate ops.ready").exits(0);
    std::fs::remove_file(bench.path(".runwarden/ledger.key")).unwrap();
    bench.run("gate ops.ready").exits(11);
    bench.run("gate ops.ready --no-record").exits(11);
}

#[test]
fn checklists_are_tested_item_by_item() {
    let rest = "parameters: { strict: { type: boolean, default: true } }
preconditions:
  - { id: begun, action: file.stat, with: { path: begun }, expect: result.exists }
items:
  - { id: one, action: file.stat, with: { path: a }, expect: result.exists }
  - { id: two, when: parameters.strict, action: file.hash, with: { path: a }, expect: result.size == 1 }
  - { id: signed, manual: { ask: Signed?, answer: { by: { type: string } }, expect: answer.by == 'ada' } }
";
    let cases = "runwarden: v1\nkind: test\nname: ops.ready.test\ntitle: Cases\nversion: 1.0.0\nsummary: For a test.\n\
        owner: ops\nprocedure: ops.ready\ndefaults:\n  results: { begun: { exists: true }, one: { exists: true }, two: { size: 1 } }\n  \
        answers: { signed: { by: ada } }\ncases:
  - { id: open, expect: { status: succeeded, exit: 0, items: { one: passed, two: passed, signed: passed }, checks: [], effects: 0, events: [run.begin, gate.result, run.end] } }
  - { id: not_met, results: { one: { exists: false }, two: { error: gone } }, expect: { status: failed, exit: 1, items: { one: failed, two: undecidable, signed: passed }, checks: [one, two] } }
  - { id: nobody, answers: {}, parameters: { strict: false }, expect: { status: failed, exit: 1, items: { two: skipped, signed: failed } } }
  - { id: not_begun, results: { begun: { exists: false } }, expect: { status: refused, exit: 3 } }
";
    let bench = bench(rest).file("procedures/ops/ready.test.yaml", cases);
    bench.run("test --coverage").exits(0).prints(
        "ops.ready
  passed  open
  passed  not_met
  passed  nobody
  passed  not_begun

ops.ready: 9 of 9 reached

4 cases: 4 passed",
    );
    let wrong = cases.replace("two: skipped", "two: passed");
    let bench = bench.file("procedures/ops/ready.test.yaml", &wrong);
    let said = bench.run("test").exits(1).stdout;
    assert!(said.contains("items.two  passed    skipped"), "{said}");
    let typo = cases.replace("two: skipped", "tow: skipped");
    let said = bench.file("procedures/ops/ready.test.yaml", &typo).run("test").exits(2).stderr;
    assert!(said.contains("unknown-in-test") && said.contains("did you mean `two`?"), "{said}");
}
