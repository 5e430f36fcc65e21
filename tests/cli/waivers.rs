//! Waivers: one guard, for a time, so often, and each use on record.

use super::approvals::people;
use super::bench::Bench;

const NO_TWO: &str = "    waivable: { by: [commander], max_for: 4h, max_uses: 2 }\n";

fn deploys(waivable: &str) -> String {
    format!(
        "parameters: {{ version: {{ type: string, default: '2' }} }}\ndo_not:\n  - id: no_two\n    rule: Do not deploy version 2.\n\
         \x20   forbid: file.write\n    where: parameters.version == '2'\n{waivable}steps:\n  - id: put\n    action: file.write\n\
         \x20   with: {{ path: out.txt, content: '{{{{ parameters.version }}}}' }}\n    undo: {{ action: file.remove, with: {{ path: out.txt }} }}\n"
    )
}

fn bench() -> Bench {
    people("production").procedure("deploy", &deploys(NO_TWO))
}

fn create(bench: &Bench, more: &[&str]) {
    let mut arguments = vec!["waiver", "create", "deploy", "no_two", "--reason", "hotfix", "--ticket", "OPS-7", "-q"];
    arguments.extend(["--as", "ada", "-o", "w.json"]);
    arguments.extend(more);
    bench.run_with(&arguments).exits(0);
}

fn run(bench: &Bench) -> super::bench::Outcome {
    bench.run("run deploy --key olga.key -q --waiver w.json")
}

#[track_caller]
fn refused(bench: &Bench, why: &str) {
    let outcome = run(bench).exits(6);
    assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
    assert!(!bench.exists("out.txt"), "nothing was done");
    let plan = bench.run("plan deploy --as olga --waiver w.json").exits(6).stderr;
    assert!(plan.contains(why), "{plan}");
}

#[test]
fn a_waiver_lets_one_guard_pass_and_each_use_is_on_record() {
    let bench = bench();
    bench.run("run deploy --key olga.key -q").exits(4);
    create(&bench, &["--key", "ada.key"]);
    let plan = bench.run("plan deploy --as olga --waiver w.json --format json").exits(0).json();
    assert_eq!(plan["guards"][0]["verdict"], "waived");
    assert_eq!(plan["waivers"].as_array().unwrap().len(), 1);
    let plan = bench.run("plan deploy --as olga --waiver w.json").exits(0).stdout;
    assert!(plan.contains("WAIVED       no_two: Do not deploy version 2."), "{plan}");
    run(&bench).exits(0);
    assert_eq!(bench.read("out.txt"), "2");
    let shown = bench.run("runs show last").exits(0).stdout;
    assert!(shown.contains("guard `no_two` is waived by ada (put): hotfix"), "{shown}");
    let listed = bench.run("waiver list --format json").exits(0).fits(&bench, "output/waiver_list").json();
    assert_eq!((&listed["waivers"][0]["uses"], &listed["waivers"][0]["max_uses"]), (&1.into(), &1.into()));
    std::fs::remove_file(bench.path("out.txt")).unwrap();
    refused(&bench, "was spent before: 1 of 1 uses, last in run ID");
    let checked = bench.run("waiver check w.json --format json").exits(6).fits(&bench, "output/waiver").json();
    assert_eq!(checked["waivers"][0]["ok"], false);
}

#[test]
fn a_waiver_that_does_not_count_is_refused_before_anything_runs() {
    let bench = bench();
    create(&bench, &["--unsigned"]);
    refused(&bench, "is not signed, and must be here");
    bench.run("waiver sign w.json --as ada --key ada.key").exits(0);
    run(&bench).exits(0);
    std::fs::remove_file(bench.path("out.txt")).unwrap();
    create(&bench, &["--unsigned"]);
    let mut old: serde_json::Value = serde_json::from_str(&bench.read("w.json")).unwrap();
    (old["not_before"], old["not_after"]) = ("2026-01-01T00:00:00Z".into(), "2026-01-01T03:00:00+01:00".into());
    let bench = bench.file("w.json", &old.to_string());
    bench.run("waiver sign w.json --as ada --key ada.key").exits(0);
    refused(&bench, "expired at TIME");
    create(&bench, &["--key", "ada.key", "--not-before", "2096-01-01T00:00:00Z"]);
    refused(&bench, "is not good before TIME");
    create(&bench, &["--key", "ada.key"]);
    let text = bench.read("w.json");
    let bench = bench.file("w.json", &text.replace("\"max_uses\":1", "\"max_uses\":2"));
    refused(&bench, "it is not over this document");
    let bench = bench.file("w.json", &text.replace(",\"ticket\":\"OPS-7\"", ""));
    refused(&bench, "waiver is malformed: missing field `ticket`");
}

#[test]
fn a_guard_that_no_waiver_lifts_stays() {
    let bench = people("production").procedure("deploy", &deploys(""));
    let none = [
        "waiver", "create", "deploy", "no_two", "--reason", "x", "--ticket", "x", "--key", "ada.key", "--as", "ada",
        "-o", "w.json",
    ];
    let refusal = bench.run_with(&none).exits(6).stderr;
    assert!(refusal.contains("does not lift guard `no_two`: no waiver can lift it"), "{refusal}");
    let lax = self::bench();
    create(&lax, &["--key", "ada.key"]);
    // The guard became one that nothing lifts; then one with other words.
    let strict = lax.procedure("deploy", &deploys("").replace("version 2.", "version two."));
    refused(&strict, "no waiver can lift it");
    let other = strict.procedure("deploy", &deploys(NO_TWO).replace("version 2.", "version two."));
    refused(&other, "it was changed since");
}

#[test]
fn a_waiver_keeps_to_what_its_guard_allows_and_its_scope_says() {
    let bench = bench();
    let long = [
        "waiver", "create", "deploy", "no_two", "--reason", "x", "--ticket", "x", "--key", "ada.key", "--as", "ada",
        "-o", "w.json",
    ];
    for (more, why) in [
        (vec!["--for", "5h"], "it lasts 5h, and the guard allows 4h"),
        (vec!["--max-uses", "3"], "it has 3 uses, and the guard allows 2"),
    ] {
        let refusal = bench.run_with(&[long.to_vec(), more].concat()).exits(6).stderr;
        assert!(refusal.contains(why), "{refusal}");
    }
    create(&bench, &["--key", "ada.key", "-p", "version=3"]);
    refused(&bench, "is for another scope: parameter `version` \"3\", and this is parameter `version` \"2\"");
    create(&bench, &["--key", "ada.key", "--run", "0199c3a0-5c1e-7a3b-9d27-3f1c8b6a2e11"]);
    refused(&bench, "is for another run");
    create(&bench, &["--key", "ada.key", "-p", "version=2"]);
    run(&bench).exits(0);
}

#[test]
fn nobody_waives_a_guard_of_their_own_run() {
    let bench = bench();
    create(&bench, &["--key", "ada.key"]);
    for who in [["--as", "ada"], ["--as", "dana"]] {
        let line = ["run", "deploy", "--key", "ada.key", "-q", "--waiver", "w.json", who[0], who[1]];
        let refusal = bench.run_with(&line).exits(6).stderr;
        assert!(refusal.contains("planned or runs this, and cannot lift a guard of it"), "{refusal}");
    }
    assert!(!bench.exists("out.txt"));
}

#[test]
fn a_waiver_is_part_of_the_plan() {
    let asks = "requires: { approvals: { from: [commander] } }\n";
    let bench = people("production").procedure("deploy", &format!("{asks}{}", deploys(NO_TWO)));
    create(&bench, &["--key", "ada.key"]);
    bench.run("plan deploy --as olga --waiver w.json -o plan.json -q").exits(0);
    bench.run("approve plan.json --key ben.key -o a.json -q").exits(0);
    // Another waiver, though for the same guard, is another plan.
    create(&bench, &["--key", "ada.key", "--for", "3h"]);
    let other = bench.run("run deploy --plan plan.json --approval a.json --waiver w.json --key olga.key -q").exits(6);
    assert!(other.stderr.contains("error[not-the-plan]"), "{}", other.stderr);
    bench.run("plan deploy --as olga --waiver w.json -o other.json -q").exits(0);
    let other = bench.run("run deploy --plan other.json --approval a.json --key olga.key -q").exits(6);
    assert!(other.stderr.contains("is for another plan"), "{}", other.stderr);
    bench.run("run deploy --plan plan.json --approval a.json --key olga.key -q").exits(0);
}

#[test]
fn a_waiver_holds_in_a_called_procedure_only_for_the_guard_it_names() {
    let outer = "do_not:\n  - { id: no_two, rule: Write nothing., forbid: file.write, waivable: { by: [commander] } }\n\
        steps:\n  - { id: inner, call: deploy, with: {} }\n";
    let call = "steps:\n  - { id: inner, call: deploy, with: {} }\n";
    let bench = bench().procedure("outer", outer).procedure("calls", call);
    create(&bench, &["--key", "ada.key"]);
    let outer = bench.run("run outer --key olga.key -q --waiver w.json").exits(4).stdout;
    assert!(outer.contains("guard `no_two`: Write nothing"), "{outer}");
    bench.run("run calls --key olga.key -q --waiver w.json").exits(0);
    let shown = bench.run("runs show last").exits(0).stdout;
    assert!(shown.contains("guard `inner/no_two` is waived by ada (inner/put)"), "{shown}");
    let alone = bench.procedure("alone", "steps:\n  - { id: pause, wait: 1ms }\n");
    let refusal = alone.run("run alone --key olga.key -q --waiver w.json").exits(6).stderr;
    assert!(refusal.contains("procedure `deploy` is no part of this plan"), "{refusal}");
}

#[test]
fn a_plan_that_needs_more_uses_than_there_are_is_refused_before_anything_runs() {
    let twice = deploys(NO_TWO)
        + "  - id: again\n    action: file.write\n    with: { path: again.txt, content: x }\n    undo: { action: file.remove, with: { path: again.txt } }\n";
    let bench = people("production").procedure("deploy", &twice);
    create(&bench, &["--key", "ada.key"]);
    let refusal = run(&bench).exits(4).stdout;
    assert!(refusal.contains("has 1 uses left, and guard `no_two` would be lifted 2 times"), "{refusal}");
    assert!(!bench.exists("out.txt"));
    create(&bench, &["--key", "ada.key", "--max-uses", "2"]);
    run(&bench).exits(0);
}

#[test]
fn a_guard_of_the_policy_is_waived_by_name_and_a_state_is_waived_for_a_run() {
    let bench = people("production").procedure(
        "deploy",
        "steps:\n  - id: put\n    action: file.write\n    with: { path: out.txt, content: x }\n    undo: { action: file.remove, with: { path: out.txt } }\n\
         \x20 - id: more\n    action: file.write\n    with: { path: more.txt, content: x }\n    undo: { action: file.remove, with: { path: more.txt } }\n",
    );
    let policy = "policy:\n  do_not:\n    - { id: frozen, rule: Do nothing while it is frozen., never: \"run.environment == 'production'\", waivable: { by: [commander] } }\n";
    let text = bench.read("runwarden.yaml") + policy;
    let bench = bench.file("runwarden.yaml", &text);
    bench.run("run deploy --key olga.key -q").exits(4);
    let line = [
        "waiver",
        "create",
        "deploy",
        "policy:frozen",
        "--reason",
        "x",
        "--ticket",
        "x",
        "--as",
        "ada",
        "--key",
        "ada.key",
        "-o",
        "w.json",
        "-q",
    ];
    bench.run_with(&line).exits(0);
    run(&bench).exits(0);
    let used = bench.run("waiver list --format json").exits(0).json();
    assert_eq!(used["waivers"][0]["uses"], 1, "one run under this state is one use");
    assert_eq!(used["waivers"][0]["guard"], "policy:frozen");
    run(&bench).exits(6);
}

#[test]
fn elsewhere_an_unsigned_waiver_is_taken() {
    let bench = people("development").procedure("deploy", &deploys(NO_TWO));
    create(&bench, &["--unsigned"]);
    bench.run("run deploy --as olga -q --waiver w.json").exits(0);
}

#[test]
fn a_run_that_a_guard_stopped_goes_on_with_a_waiver_of_that_run() {
    // The guard is violated only once the first step is done.
    let procedure = "steps:\n  - { id: put, action: file.write, with: { path: out.txt, content: x }, undo: { action: file.remove, with: { path: out.txt } } }\n\
        \x20 - { id: more, action: file.write, with: { path: more.txt, content: x }, undo: { action: file.remove, with: { path: more.txt } } }\n\
        do_not:\n  - id: no_out\n    rule: Write nothing more once there is out.txt.\n    forbid: file.write\n    where: state.exists\n\
        \x20   state: { action: file.stat, with: { path: out.txt } }\n    waivable: { by: [commander] }\n";
    let bench = people("production").procedure("deploy", procedure);
    bench.run("run deploy --key olga.key -q").exits(4);
    let run = bench.run("runs --format json").json()["runs"][0]["run"].as_str().unwrap().to_owned();
    let line = |name: &str| {
        let mut line = vec!["waiver", "create", "deploy", "no_out", "--reason", "x", "--ticket", "x", "--as", "ada"];
        line.extend(["--key", "ada.key", "-q", "-o"]);
        line.push(name);
        line.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let create = |arguments: &[String]| {
        bench.run_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
    };
    create(&line("any.json"));
    let any = bench.run("resume last --key olga.key -q --waiver any.json").exits(6).stderr;
    assert!(any.contains("is for another run: any run"), "{any}");
    create(&[line("this.json"), vec!["--run".to_owned(), run]].concat());
    bench.run("resume last --key olga.key -q --waiver this.json").exits(0);
    assert!(bench.exists("more.txt"));
}
