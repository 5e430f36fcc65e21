//! Consent with real signatures: what was approved is what runs, and every way round it is refused.

use std::process::{Command, Stdio};

use super::bench::{Bench, Outcome};

/// Consent of a commander in every environment, by somebody else, for four hours at most.
const ASKS: &str = "requires:\n  actor: operator\n  approvals: { quorum: QUORUM, from: [commander], expires: 4h }\n";
const PUT: &str = "parameters: { version: { type: string, default: '1' } }\nenv: [TEAM]\ntargets: { api: { kind: service } }\n\
    steps:\n  - id: put\n    action: file.write\n    with: { path: out.txt, content: '{{ parameters.version }} of {{ env.TEAM }}' }\n\
    \x20   undo: { action: file.remove, with: { path: out.txt } }\n";

/// The public line of a new key in `NAME.key`.
fn new_key(bench: &Bench, name: &str) -> String {
    let line = bench.run_with(&["key", "generate", &format!("{name}.key"), "--name", name]).exits(0).raw;
    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// A workspace of this environment in which ada and ben command, olga operates, and dana has ada's key.
pub fn people(environment: &str) -> Bench {
    let bench = Bench::empty().env("TEAM", "blue");
    let keys = ["ada", "ben", "olga"].map(|name| new_key(&bench, name));
    let workspace = workspace(environment, &keys, "");
    bench.file("runwarden.yaml", &workspace).file("keys", &keys.join("\n"))
}

fn workspace(environment: &str, keys: &[String; 3], of_ada: &str) -> String {
    let [ada, ben, olga] = keys;
    format!(
        "runwarden: v1\nenvironment: {environment}\n\
         ledger: {{ path: .runwarden/ledger.db, key: .runwarden/ledger.key, origin: test/ops }}\nprocedures: [procedures]\n\
         targets:\n  api: {{ kind: service, driver: http, url: 'http://localhost:1' }}\n  other: {{ kind: service, driver: http, url: 'http://localhost:2' }}\n\
         actors:\n  ada: {{ class: operator, roles: [commander], key: '{ada}'{of_ada} }}\n\
         \x20 ben: {{ class: operator, roles: [commander, owner], key: '{ben}' }}\n\
         \x20 dana: {{ class: operator, roles: [commander], key: '{ada}' }}\n\
         \x20 olga: {{ class: operator, roles: [clerk], key: '{olga}' }}\n\
         \x20 robot: {{ class: automation }}\n"
    )
}

/// The workspace file once more, with something said of ada's key.
fn with_key_of_ada(bench: Bench, said: &str) -> Bench {
    let keys: Vec<String> = bench.read("keys").lines().map(str::to_owned).collect();
    let text = workspace("production", &keys.try_into().unwrap(), said);
    bench.file("runwarden.yaml", &text)
}

fn asking(quorum: &str) -> Bench {
    people("production").procedure("deploy", &format!("{}{PUT}", ASKS.replace("QUORUM", quorum)))
}

/// Planned by olga, who runs it too.
fn planned(bench: &Bench) {
    bench.run("plan deploy --as olga -o plan.json -q").exits(0);
}

fn approve(bench: &Bench, by: &str, to: &str) {
    bench.run_with(&["approve", "plan.json", "--as", by, "--key", &key_of(by), "-o", to, "-q"]).exits(0);
}

fn key_of(name: &str) -> String {
    format!("{}.key", if name == "dana" { "ada" } else { name })
}

fn run(bench: &Bench, more: &[&str]) -> Outcome {
    let mut arguments = vec!["run", "deploy", "--plan", "plan.json", "--as", "olga", "--key", "olga.key", "-q"];
    arguments.extend(more);
    bench.run_with(&arguments)
}

#[track_caller]
fn refused(bench: &Bench, outcome: Outcome, why: &str) {
    let outcome = outcome.exits(6);
    assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
    assert!(!bench.exists("out.txt"), "nothing was done");
}

#[test]
fn what_was_approved_runs_once() {
    let bench = asking("1");
    planned(&bench);
    approve(&bench, "ada", "a.json");
    run(&bench, &["--approval", "a.json"]).exits(0);
    assert_eq!(bench.read("out.txt"), "1 of blue");
    let shown = bench.run("runs show last").exits(0).stdout;
    assert!(shown.contains("approved by ada as commander"), "{shown}");
    assert!(shown.contains("the approval of ada is spent"), "{shown}");
    let begun = bench.run("ledger show --kind run.begin --format ndjson").exits(0).json();
    let document = begun["data"]["signed"]["document"].as_str().unwrap();
    assert!(document.contains("\"actor\":\"olga\"") && document.contains("\"type\":\"run\""), "{document}");
    std::fs::remove_file(bench.path("out.txt")).unwrap();
    refused(&bench, run(&bench, &["--approval", "a.json"]), "error[plan-spent]");
    planned(&bench);
    refused(&bench, run(&bench, &["--approval", "a.json"]), "was spent before: in run ID");
}

#[test]
fn an_approval_outlives_a_plan_that_is_made_anew_and_is_the_same() {
    let bench = asking("1");
    planned(&bench);
    let first = bench.read("plan.json");
    approve(&bench, "ada", "a.json");
    planned(&bench);
    assert_ne!(first, bench.read("plan.json"), "it is another file");
    run(&bench, &["--approval", "a.json"]).exits(0);
}

#[test]
fn any_change_voids_an_approval() {
    type Change = (&'static str, fn(Bench) -> Bench);
    let changes: [Change; 4] = [
        ("procedure", |bench| {
            let text = bench.read("procedures/deploy.yaml").replace("out.txt", "./out.txt");
            bench.file("procedures/deploy.yaml", &text)
        }),
        ("env value", |bench| bench.env("TEAM", "red")),
        ("policy", |bench| {
            let text = bench.read("runwarden.yaml") + "policy: { allow_hosts: [example.org] }\n";
            bench.file("runwarden.yaml", &text)
        }),
        ("what a target is", |bench| {
            let text = bench.read("runwarden.yaml").replace("localhost:1'", "localhost:3'");
            bench.file("runwarden.yaml", &text)
        }),
    ];
    for (what, change) in changes {
        let bench = asking("1");
        planned(&bench);
        approve(&bench, "ada", "a.json");
        let bench = change(bench);
        let outcome = run(&bench, &["--approval", "a.json"]);
        assert!(outcome.stderr.contains("error[not-the-plan]"), "{what}: {}", outcome.stderr);
        refused(&bench, outcome, "what would be done now is not what was planned");
    }
}

#[test]
fn an_approval_of_another_plan_is_none() {
    for other in ["-p version=2", "--target api=other", "--offline"] {
        let bench = asking("1");
        planned(&bench);
        approve(&bench, "ada", "a.json");
        bench.run(&format!("plan deploy --as olga -o plan.json -q {other}")).exits(0);
        refused(&bench, run(&bench, &["--approval", "a.json"]), "is for another plan");
    }
}

#[test]
fn an_edited_include_voids_an_approval() {
    let inner = "parameters: { to: { type: string } }\nsteps:\n  - { id: write, action: file.write, with: { path: out.txt, content: '{{ parameters.to }}' }, undo: { none: Written. } }\n";
    let outer =
        "requires: { approvals: { from: [commander] } }\nsteps:\n  - { id: inner, call: inner, with: { to: x } }\n";
    let bench = people("production").procedure("inner", inner).procedure("deploy", outer);
    planned(&bench);
    approve(&bench, "ada", "a.json");
    let bench = bench.procedure("inner", &inner.replace("Written.", "Written it is."));
    refused(&bench, run(&bench, &["--approval", "a.json"]), "error[not-the-plan]");
}

#[test]
fn another_version_of_the_engine_voids_a_plan() {
    let bench = asking("1");
    planned(&bench);
    let mut plan: serde_json::Value = serde_json::from_str(&bench.read("plan.json")).unwrap();
    plan["resolved"]["engine"] = "0.0".into();
    let digest = engine::question::canonical_digest(&plan["resolved"]);
    plan["digest"] = digest.as_str().into();
    let bench = bench.file("plan.json", &plan.to_string());
    approve(&bench, "ada", "a.json");
    refused(&bench, run(&bench, &["--approval", "a.json"]), "error[not-the-plan]");
}

#[test]
fn a_plan_file_shows_what_its_digest_is_over_or_is_refused() {
    let bench = asking("1");
    planned(&bench);
    let text = bench.read("plan.json");
    let edit = |change: fn(&mut serde_json::Value)| {
        let mut plan: serde_json::Value = serde_json::from_str(&text).unwrap();
        change(&mut plan);
        plan.to_string()
    };
    let edits = [
        (edit(|plan| plan["steps"][0]["with"]["content"] = "harmless".into()), "its `steps` are not those"),
        (edit(|plan| plan["parameters"]["version"] = "0".into()), "its `parameters` are not those"),
        (edit(|plan| plan["targets"]["api"] = "other".into()), "its `targets` are not those"),
        (edit(|plan| plan["approvals"][0]["quorum"] = 0.into()), "its `approvals` are not those"),
        (edit(|plan| plan["resolved"]["parameters"]["version"] = "0".into()), "its digest is not that of its content"),
    ];
    for (text, why) in edits {
        let bench = asking("1").file("plan.json", &text);
        let approved = bench.run("approve plan.json --as ada --key ada.key -o a.json").exits(6).stderr;
        assert!(approved.contains(why), "{approved}");
        assert!(!bench.exists("a.json"));
        refused(&bench, run(&bench, &[]), why);
    }
}

#[test]
fn an_edited_approval_is_forged() {
    let bench = asking("1");
    planned(&bench);
    approve(&bench, "ada", "a.json");
    let text = bench.read("a.json");
    let cases = [
        (text.replace("\"reason\":\"\"", "\"reason\":\"x\""), "it is not over this document"),
        (text.replace("\"approver\":\"ada\"", "\"approver\":\"ben\""), "it was made by the key"),
        (text.replace(',', ", "), "it is not RFC 8785 JSON"),
        (text.replace("\"v\":1", "\"v\":1,\"w\":1"), "unknown field `w`"),
        ("none".to_owned(), "is malformed"),
    ];
    let mut bench = bench;
    for (edited, why) in cases {
        bench = bench.file("a.json", &edited);
        refused(&bench, run(&bench, &["--approval", "a.json"]), why);
    }
    bench = bench.file("a.json", &text);
    std::fs::remove_file(bench.path("a.json.sig")).unwrap();
    refused(
        &bench,
        run(&bench, &["--approval", "a.json", "--yes", "--confirm", "deploy"]),
        "is not signed, and must be here",
    );
}

#[test]
fn an_approval_ends_with_its_time_and_is_not_made_longer() {
    let bench = asking("1");
    planned(&bench);
    bench.run("approve plan.json --as ada --key ada.key -o short.json --for 1ms -q").exits(0);
    refused(&bench, run(&bench, &["--approval", "short.json"]), "expired at TIME");
    let warned = bench.run("approve plan.json --as ada --key ada.key -o long.json --for 5h -q").exits(0).stderr;
    assert!(warned.contains("warning: a run would not count it") && warned.contains("is good for 5h"), "{warned}");
    refused(&bench, run(&bench, &["--approval", "long.json"]), "is good for 5h, and `deploy` allows 4h");
}

#[test]
fn whoever_planned_or_runs_it_does_not_count() {
    let bench = asking("1");
    bench.run("plan deploy --as ada -o plan.json -q").exits(0);
    // By whom it was planned stands in the plan file; who approves it while planning it has signed for nobody else.
    approve(&bench, "ada", "a.json");
    refused(&bench, run(&bench, &["--approval", "a.json"]), "planned or runs this, and does not count");
    approve(&bench, "dana", "d.json");
    refused(&bench, run(&bench, &["--approval", "d.json"]), "planned or runs this, and does not count");
    approve(&bench, "ben", "b.json");
    let by_ben = ["run", "deploy", "--plan", "plan.json", "--key", "ben.key", "-q", "--approval", "b.json"];
    refused(&bench, bench.run_with(&by_ben), "planned or runs this, and does not count");
    run(&bench, &["--approval", "b.json"]).exits(0);
}

#[test]
fn another_role_or_a_revoked_key_does_not_count() {
    let bench = asking("1");
    planned(&bench);
    let as_owner = ["approve", "plan.json", "--as", "ben", "--key", "ben.key", "--role", "owner", "-o", "b.json", "-q"];
    bench.run_with(&as_owner).exits(0);
    refused(&bench, run(&bench, &["--approval", "b.json"]), "gave it as `owner`, and `deploy` asks for `commander`");
    let claims = ["approve", "plan.json", "--key", "olga.key", "--role", "commander", "-o", "o.json", "-q"];
    bench.run_with(&claims).exits(0);
    refused(&bench, run(&bench, &["--approval", "o.json"]), "has not the role `commander`");
    approve(&bench, "ada", "a.json");
    let bench = with_key_of_ada(bench, ", revoked_at: '2026-01-01T00:00:00Z'");
    bench.run("plan deploy --as olga -o plan.json -q").exits(0);
    let signs = bench.run("approve plan.json --as ada --key ada.key -o a.json").exits(3).stderr;
    assert!(signs.contains("whose key was revoked at TIME"), "{signs}");
    refused(&bench, run(&bench, &["--approval", "a.json"]), "error[approval]");
}

#[test]
fn a_key_that_is_revoked_while_a_run_waits_counts_no_longer() {
    // The policy on actors stands in the digest, so an approval of the run, whose plan is frozen, is tried.
    let bench = asking("1");
    bench.run("run deploy --key olga.key -q").exits(5);
    bench.run("approve last --as ada --key ada.key -q").exits(0);
    let bench = with_key_of_ada(bench, ", not_after: '2026-01-01T00:00:00Z'");
    let waits = bench.run("resume last --key olga.key -q").exits(5).stdout;
    assert!(waits.contains("whose key expired at TIME"), "{waits}");
    assert!(!bench.exists("out.txt"));
}

#[test]
fn a_quorum_is_of_different_people_with_different_keys() {
    let bench = asking("2");
    planned(&bench);
    for (by, to) in [("ada", "1.json"), ("ada", "2.json"), ("dana", "3.json"), ("ben", "4.json")] {
        approve(&bench, by, to);
    }
    for pair in [["1.json", "2.json"], ["1.json", "3.json"], ["1.json", "1.json"]] {
        planned(&bench);
        let waits = run(&bench, &["--approval", pair[0], "--approval", pair[1]]).exits(5).stdout;
        assert!(waits.contains("asks for 2 approvals by `commander`, and has 1"), "{waits}");
        assert!(!bench.exists("out.txt"));
    }
    planned(&bench);
    run(&bench, &["--approval", "1.json", "--approval", "4.json"]).exits(0);
}

#[test]
fn a_run_without_consent_waits_and_no_time_or_flag_gives_it() {
    let bench = asking("1");
    let waits = bench.run("run deploy --key olga.key -q --yes --confirm deploy").exits(5).stdout;
    assert!(waits.contains("suspended: `deploy` asks for 1 approval by `commander`, and has 0"), "{waits}");
    assert!(waits.contains("next        runwarden approve ID --key FILE"), "{waits}");
    let shown = bench.run("runs show last").exits(0).stdout;
    assert!(shown.contains("it waits for consent: `runwarden approve ID --key FILE`"), "{shown}");
    let resumed = bench.run("resume last --key olga.key -q --format json").exits(5).fits(&bench, "output/run").json();
    assert_eq!(resumed["waits_for"]["wanted"][0]["from"][0], "commander");
    let own = bench.run("approve last --key olga.key").exits(6).stderr;
    assert!(own.contains("asks for `commander`"), "{own}");
    bench.run("approve last --as ada --key ada.key --format json").exits(0).fits(&bench, "output/approve");
    bench.run("resume last --key olga.key -q").exits(0);
    assert_eq!(bench.read("out.txt"), "1 of blue");
    bench.run("approve last --as ben --key ben.key").exits(2);
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn an_approval_file_can_be_brought_when_the_run_goes_on() {
    let bench = asking("1");
    bench.run("run deploy --key olga.key -q").exits(5);
    bench.run("plan deploy --as olga -o plan.json -q").exits(0);
    approve(&bench, "ada", "a.json");
    bench.run("plan deploy --as olga -p version=2 -o plan.json -q").exits(0);
    approve(&bench, "ada", "other.json");
    let other = bench.run("resume last --key olga.key -q --approval other.json").exits(6).stderr;
    assert!(other.contains("is for another plan"), "{other}");
    bench.run("resume last --key olga.key -q --approval a.json").exits(0);
}

#[test]
fn a_refusal_ends_the_run() {
    let bench = asking("1");
    bench.run("run deploy --key olga.key -q").exits(5);
    let said = bench.run_with(&["reject", "last", "--key", "ben.key", "--reason", "not today", "--format", "json"]);
    assert_eq!(said.exits(0).fits(&bench, "output/approve").json()["status"], "rejected");
    let over = bench.run("resume last --key olga.key").exits(6).stderr;
    assert!(over.contains("was rejected: `ben` refused it as `commander`: not today"), "{over}");
    assert_eq!(bench.run("runs --format json").json()["runs"][0]["status"], "rejected");
    planned(&bench);
    bench.run("reject plan.json --key ben.key -o no.json -q").exits(0);
    approve(&bench, "ada", "yes.json");
    let outcome = run(&bench, &["--approval", "yes.json", "--approval", "no.json"]);
    assert!(outcome.stdout.contains("run ID rejected: `ben` refused it"), "{}", outcome.stdout);
    refused(&bench, outcome, "");
    bench.run("ledger verify --allow-unanchored").exits(0);
}

const BY_STEP: &str = "steps:\n  - id: first\n    action: file.write\n    with: { path: first.txt, content: x }\n    undo: { action: file.remove, with: { path: first.txt } }\n\
    \x20 - id: put\n    action: file.write\n    with: { path: out.txt, content: x }\n    approval: { from: [commander] }\n    undo: { action: file.remove, with: { path: out.txt } }\n";

#[test]
fn a_step_waits_for_its_own_consent_before_the_effect() {
    let bench = people("production").procedure("deploy", BY_STEP);
    let plan = bench.run("plan deploy --as olga").exits(0).stdout;
    assert!(plan.contains("1 approval by commander (put), other than who plans or runs it"), "{plan}");
    let waits = bench.run("run deploy --key olga.key -q").exits(5).stdout;
    assert!(waits.contains("suspended (step `put`): `put` asks for 1 approval"), "{waits}");
    assert!(bench.exists("first.txt") && !bench.exists("out.txt"));
    // A consent to the plan as a whole is none to the step.
    planned(&bench);
    approve(&bench, "ada", "plan_only.json");
    let other = bench.run("resume last --key olga.key -q --approval plan_only.json").exits(6).stderr;
    assert!(other.contains("is for another step: the plan as a whole") || other.contains("another plan"), "{other}");
    bench.run("approve last --as ada --key ada.key -o step.json -q").exits(0);
    let document: serde_json::Value = serde_json::from_str(&bench.read("step.json")).unwrap();
    assert_eq!(document["step"], "put");
    assert!(document["inputs"].as_str().unwrap().starts_with("sha256:") && document["run"].is_string());
    bench.run("resume last --key olga.key -q").exits(0);
    assert!(bench.exists("out.txt"));
}

#[test]
fn a_refused_step_leaves_the_run_rejected_and_what_was_done_can_be_taken_back() {
    let bench = people("production").procedure("deploy", BY_STEP);
    bench.run("run deploy --key olga.key -q").exits(5);
    bench.run("reject last --key ben.key -q").exits(0);
    let ended = bench.run("resume last --key olga.key -q").exits(6).stdout;
    assert!(ended.contains("rejected (step `put`)") && ended.contains("runwarden undo"), "{ended}");
    assert!(!bench.exists("out.txt") && bench.exists("first.txt"));
    bench.run("undo last --key olga.key -q").exits(7);
    assert!(!bench.exists("first.txt"));
}

#[test]
fn only_whom_the_procedure_asks_for_runs_it() {
    let bench =
        people("development").procedure("deploy", &format!("requires: {{ actor: operator, roles: [clerk] }}\n{PUT}"));
    let unnamed = bench.run("run deploy -q").exits(3).stdout;
    assert!(unnamed.contains("is run by an actor of class `operator`"), "{unnamed}");
    let plan = bench.run("plan deploy").exits(3).stdout;
    assert!(plan.contains("running it would exit 3 (refused)"), "{plan}");
    bench.run("run deploy -q --as robot").exits(3);
    let ada = bench.run("run deploy -q --as ada").exits(3).stdout;
    assert!(ada.contains("is run by `clerk`, and `ada` has no such role"), "{ada}");
    let nobody = bench.run("run deploy -q --as nobody").exits(3).stderr;
    assert!(nobody.contains("error[unknown-actor]"), "{nobody}");
    let other = bench.run("run deploy -q --as olga --key ada.key").exits(3).stderr;
    assert!(other.contains("error[wrong-key]"), "{other}");
    bench.run("run deploy -q --as olga").exits(0);
    let bench = bench.env("RUNWARDEN_ACTOR", "olga");
    bench.run("run deploy -q").exits(0);
}

#[test]
fn a_callee_binds_as_if_it_were_run_by_name() {
    let bench = people("development")
        .procedure(
            "inner",
            &format!("requires: {{ actor: operator, approvals: {{ from: [commander], in: [development] }} }}\n{PUT}"),
        )
        .procedure(
            "deploy",
            "targets: { api: { kind: service } }\nsteps:\n  - { id: inner, call: inner, with: { api: api } }\n",
        );
    bench.run("run deploy -q").exits(3);
    let waits = bench.run("run deploy -q --as olga").exits(5).stdout;
    assert!(waits.contains("`inner` asks for 1 approval"), "{waits}");
}

#[test]
fn a_policy_asks_for_consent_and_signatures() {
    let bench = people("staging").procedure("deploy", PUT);
    let policy = "policy: { require: { staging: { signed_actor: true, approvals: { from: [commander] } } } }\n";
    let text = bench.read("runwarden.yaml") + policy;
    let bench = bench.file("runwarden.yaml", &text);
    let unsigned = bench.run("run deploy -q --as olga").exits(3).stderr;
    assert!(unsigned.contains("error[unsigned]: in staging the run's actor must be signed for"), "{unsigned}");
    let waits = bench.run("run deploy -q --key olga.key").exits(5).stdout;
    assert!(waits.contains("`policy` asks for 1 approval by `commander`"), "{waits}");
}

#[test]
fn in_production_nobody_goes_on_or_takes_back_unsigned() {
    let bench = people("production").procedure("deploy", BY_STEP);
    bench.run("run deploy --key olga.key -q").exits(5);
    for line in ["resume last -q", "resume last -q --as olga", "undo last -q --as olga"] {
        let refused = bench.run(line).exits(3).stderr;
        assert!(refused.contains("error[unsigned]"), "{line}: {refused}");
    }
    assert_eq!(bench.run("runs --format json").json()["runs"][0]["status"], "suspended");
    bench.run("undo last -q --key ben.key").exits(7);
}

#[test]
fn elsewhere_an_unsigned_approval_is_taken_and_a_forged_one_is_not() {
    let bench = people("development").procedure("deploy", &format!("{}{PUT}", ASKS.replace("QUORUM", "1")));
    planned(&bench);
    bench.run("approve plan.json --as ada --unsigned -o a.json -q").exits(0);
    bench.run("run deploy --plan plan.json --as olga -q --approval a.json").exits(0);
    planned(&bench);
    bench.run("approve plan.json --as ada --unsigned -o a.json -q").exits(0);
    let bench = bench.file("a.json.sig", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n");
    let forged = bench.run("run deploy --plan plan.json --as olga -q --approval a.json").exits(6).stderr;
    assert!(forged.contains("the signature of approval"), "{forged}");
}

#[test]
fn a_question_to_a_role_waits_for_somebody_who_has_it() {
    let bench = people("development").procedure(
        "ask",
        "steps:\n  - { id: look, manual: { ask: Look at it., by: [commander] }, undo: { none: Seen is seen. } }\n",
    );
    let waits = bench.run("run ask -q --as olga --answer look.done=yes").exits(5).stdout;
    assert!(waits.contains("`look` is for `commander`, and `olga` has no such role"), "{waits}");
    bench.run("resume last -q --as ada --answer look.done=yes").exits(0);
}

/// Whether stock OpenSSH is there; where tests must be whole, it is.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn has_ssh_keygen() -> bool {
    let there = Command::new("ssh-keygen").arg("-?").output().is_ok();
    assert!(there || std::env::var("CI").is_err(), "ssh-keygen is not installed");
    if !there {
        eprintln!("skipped: ssh-keygen is not installed");
    }
    there
}

#[test]
fn stock_ssh_keygen_makes_and_checks_what_we_check_and_make() {
    if !has_ssh_keygen() {
        return;
    }
    let bench = asking("1");
    planned(&bench);
    bench.run("approve plan.json --as ada --unsigned -o a.json -q").exits(0);
    refused(&bench, run(&bench, &["--approval", "a.json"]), "is not signed");
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "runwarden-approval@v1", "-f", "ada.key", "a.json"])
        .current_dir(bench.path(""))
        .status()
        .unwrap();
    assert!(signed.success());
    run(&bench, &["--approval", "a.json"]).exits(0);
    planned(&bench);
    approve(&bench, "ben", "b.json");
    let key = bench.read("keys").lines().nth(1).unwrap().to_owned();
    let bench = bench.file("allowed", &format!("ben {key}\n"));
    let checked = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "allowed", "-I", "ben", "-n", "runwarden-approval@v1", "-s", "b.json.sig"])
        .current_dir(bench.path(""))
        .stdin(Stdio::from(std::fs::File::open(bench.path("b.json")).unwrap()))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn an_agent_signs_where_no_key_is_given() {
    if !has_ssh_keygen() {
        return;
    }
    let bench = asking("1");
    let socket = bench.path("agent").to_string_lossy().into_owned();
    let mut agent = Command::new("ssh-agent").args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().unwrap();
    for _ in 0..500 {
        if bench.exists("agent") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut add = Command::new("ssh-add");
    add.args(["-q", "olga.key", "ada.key"]).env("SSH_AUTH_SOCK", &socket).current_dir(bench.path(""));
    assert!(add.status().unwrap().success());
    let bench = bench.env("SSH_AUTH_SOCK", &socket);
    planned(&bench);
    bench.run("approve plan.json --as ada -o a.json -q").exits(0);
    bench.run("run deploy --plan plan.json --as olga --approval a.json -q").exits(0);
    let unknown = bench.run("run deploy --as ben -q").exits(3).stderr;
    assert!(unknown.contains("the SSH agent has not the key of `ben`"), "{unknown}");
    agent.kill().unwrap();
    agent.wait().unwrap();
}

#[test]
fn an_approval_goes_to_the_inbox_while_another_process_has_the_ledger() {
    let slow = "steps:\n  - id: slow\n    action: command.run\n    with: { argv: [sh, -c, 'touch begun; sleep 3'] }\n    undo: { none: Time is gone. }\n";
    let bench = people("development")
        .procedure("deploy", &format!("{}{PUT}", ASKS.replace("QUORUM", "1")))
        .procedure("slow", slow);
    bench.run("run deploy -q --as olga").exits(5);
    let mut child = bench.command(&["run", "slow", "-q"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !bench.exists("begun") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let runs = bench.run("runs --procedure deploy --format json").json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    let left = bench.run(&format!("approve {run} --as ada --key ada.key --format json")).exits(0).json();
    assert_eq!(left["recorded"], "inbox");
    assert_eq!(std::fs::read_dir(bench.path(".runwarden/ledger.db.inbox")).unwrap().count(), 1);
    let own = bench.run(&format!("approve {run} --key olga.key")).exits(6).stderr;
    assert!(own.contains("error[approval]"), "what does not count is refused at once: {own}");
    child.wait().unwrap();
}

#[test]
fn what_waits_for_consent_says_how_it_goes_on() {
    let bench = asking("1");
    let planned = bench.run("plan deploy --as olga -o plan.json").exits(0);
    assert!(planned.stderr.contains("`runwarden approve plan.json --key FILE -o approval.json`"), "{}", planned.stderr);
    assert!(planned.stdout.contains("ready once approved: 1 approval is missing"), "{}", planned.stdout);
    bench.run("run deploy --plan plan.json --as olga --key olga.key").exits(5);
    approve(&bench, "ada", "ada.json");
    let again = bench.run("run deploy --plan plan.json --approval ada.json --as olga --key olga.key").exits(6).stderr;
    assert!(again.contains("that run waits: `runwarden resume ID --approval FILE` goes on with it"), "{again}");
    bench.run("resume last --approval ada.json --as olga --key olga.key").exits(0);
    bench.run("run deploy --plan plan.json --approval ada.json --as olga --key olga.key").exits(6);
    bench.run("run deploy --as olga --key olga.key").exits(5);
    bench.run_with(&["cancel", "last", "--reason", "changed my mind"]).exits(0);
    let over = bench.run("resume last --as olga --key olga.key").exits(2).stderr;
    assert!(over.contains("it was cancelled, and had done nothing") && over.contains("begins another"), "{over}");
    let refused = bench.run("plan deploy -o refused.json").exits(3).stderr;
    assert!(refused.contains("wrote refused.json") && !refused.contains("runs it"), "{refused}");
}
