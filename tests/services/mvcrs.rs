//! MV-CRS: over state folders of our own making and a git repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::bench::{Bench, Outcome};
use super::mvcrs_writer::{State, write};

/// The example's workspace over a project in that state, which is a git repository with one commit.
pub fn site(state: State) -> Bench {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mvcrs/runwarden.yaml");
    let bench = Bench::empty().file("runwarden.yaml", &fs::read_to_string(workspace).unwrap());
    let home = bench.path("home").display().to_string();
    fs::create_dir(&home).unwrap();
    let bench = bench.env("HOME", &home);
    write(&bench.path("project"), state).unwrap();
    git(&bench, &["init", "--quiet", "--initial-branch=main"]);
    git(&bench, &["config", "user.name", "Keeper"]);
    git(&bench, &["config", "user.email", "keeper@example.com"]);
    git(&bench, &["add", "."]);
    git(&bench, &["commit", "--quiet", "-m", "as it was"]);
    bench
}

fn git(bench: &Bench, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(bench.path("project")).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub fn run(bench: &Bench, name: &str, parameters: &[&str], answers: &[&str]) -> Outcome {
    let mut arguments = vec!["run", name, "-q", "--as", "ops", "--confirm", name];
    arguments.extend(parameters.iter().flat_map(|parameter| ["-p", parameter]));
    arguments.extend(answers.iter().flat_map(|answer| ["--answer", answer]));
    bench.run_with(&arguments)
}

pub fn resume(bench: &Bench, answers: &[&str]) -> Outcome {
    let mut arguments = vec!["resume", "last", "-q", "--as", "ops"];
    arguments.extend(answers.iter().flat_map(|answer| ["--answer", answer]));
    bench.run_with(&arguments)
}

fn lock(bench: &Bench) -> Value {
    serde_json::from_str(&bench.read("project/state/trust_lock_state.json")).unwrap()
}

pub const STATE: &str = "state_dir=project/state";
const MARKERS: &str = "markers=project/docs/audit_summary.md";
const POLICY: &str = "policy=project/policy/trust_guard_policy.json";
pub const TELEMETRY: &str = "telemetry=project/observatory/metrics/mvcrs_challenges.csv";
pub const FACTS: [&str; 4] = [
    "summary=Three critical deviations in a row",
    "root_cause=The second verifier was a stub",
    "remediation=The stub was replaced by a verifier",
    "preventive_actions=Ana, 1 December: a test of each verifier",
];

#[test]
fn a_sealed_and_a_virgin_log_verify_and_a_changed_one_fails_once() {
    for (state, printed) in [(State::Clean, "sealed    true"), (State::Virgin, "sealed    false")] {
        let said = run(&site(state), "mvcrs.verify_chain", &[], &[]).exits(0).stdout;
        assert!(said.contains(printed), "{said}");
    }
    for state in [State::Edited, State::Unsealed] {
        let bench = site(state);
        let said = run(&bench, "mvcrs.verify_chain", &[], &[]).exits(1).stdout;
        assert!(said.contains("The log does not fit its seal"), "{said}");
        run(&bench, "mvcrs.verify_chain", &[], &[]).exits(4);
        assert_eq!(git(&bench, &["status", "--porcelain"]), "");
    }
}

#[test]
fn counts_that_agree_pass_and_a_row_that_is_missing_is_named() {
    let bench = site(State::Clean);
    run(&bench, "mvcrs.review_telemetry", &[STATE, TELEMETRY, "max_age=8760h"], &[]).exits(0);
    let rows = bench.read("project/observatory/metrics/mvcrs_challenges.csv");
    let fewer: Vec<&str> = rows.lines().filter(|line| !line.ends_with("0.061")).collect();
    fs::write(bench.path("project/observatory/metrics/mvcrs_challenges.csv"), fewer.join("\n")).unwrap();
    let said = run(&bench, "mvcrs.review_telemetry", &[STATE, TELEMETRY], &[]).exits(1).stdout;
    assert!(said.contains("rows of the telemetry") && said.contains("stated 5, found 6"), "{said}");
}

#[test]
fn an_ended_lifecycle_that_hides_a_failing_verifier_is_found() {
    let bench = site(State::Clean)
        .file("project/state/mvcrs_escalation_lifecycle.json", r#"{"current_state":"resolved"}"#)
        .file("project/state/challenge_verifier_state.json", r#"{"status":"failed","deviations":[]}"#);
    let said = run(&bench, "mvcrs.review_telemetry", &[STATE, TELEMETRY], &[]).exits(1).stdout;
    assert!(said.contains("The lifecycle hides a failure"), "{said}");
    let said = run(&bench, "mvcrs.triage_deviation", &[STATE, "since=2025-01-01T00:00:00Z"], &[]).exits(4).stdout;
    assert!(said.contains("The lifecycle has ended and hides a failure"), "{said}");
}

#[test]
fn trust_is_locked_and_frozen_and_released_by_a_decision_within_the_limit() {
    let bench = site(State::Clean);
    let why = "why=Three critical deviations in a row";
    let all = [why, STATE, MARKERS, POLICY];
    let answers = ["stop_jobs.stopped=true", "stop_jobs.jobs=nightly recompute", "escalate.reference=GOV-7"];
    run(&bench, "mvcrs.trust_lock", &all, &answers).exits(0);
    assert_eq!((&lock(&bench)["locked"], &lock(&bench)["reason"]), (&Value::Bool(true), &"manual".into()));
    assert!(bench.read("project/state/mvcrs_safe_mode.lock").contains("\"safe_mode_enabled\": true"));
    let markers = bench.read("project/docs/audit_summary.md");
    assert!(
        markers.contains("<!-- MVCRS_TRUST_LOCK: LOCKED ") && markers.contains("<!-- MVCRS_STATE: OK "),
        "{markers}"
    );

    let release = [why, STATE, MARKERS, POLICY, "release=true"];
    run(&bench, "mvcrs.trust_lock", &release, &[]).exits(5);
    assert_eq!(lock(&bench)["locked"], true);
    let decided = ["decision.reference=GOV-8", "decision.remedied=The verifier was mended"];
    resume(&bench, &decided).exits(0);
    assert_eq!((&lock(&bench)["locked"], &lock(&bench)["manual_unlocks_today"]), (&Value::Bool(false), &1.into()));
    assert!(!bench.exists("project/state/mvcrs_safe_mode.lock"));
    assert!(!bench.read("project/docs/audit_summary.md").contains("LOCKED"));

    for exits in [0, 1] {
        run(&bench, "mvcrs.trust_lock", &all, &answers).exits(0);
        let said = run(&bench, "mvcrs.trust_lock", &release, &decided).exits(exits).stdout;
        assert_eq!(said.contains("Trust was released too often today"), exits == 1, "{said}");
    }
    assert_eq!(lock(&bench)["locked"], true);
}

#[test]
fn trust_is_locked_on_paper_alone_until_the_jobs_are_stopped() {
    let bench = site(State::Clean);
    let all = ["why=Three critical deviations in a row", STATE, MARKERS, POLICY];
    let answers = ["stop_jobs.stopped=false", "stop_jobs.jobs=nightly recompute", "escalate.reference=GOV-7"];
    let failed = run(&bench, "mvcrs.trust_lock", &all, &answers).exits(1).stdout;
    assert!(failed.contains("The jobs still run"), "{failed}");
    let locked = bench.read("project/state/trust_lock_state.json");
    let stopped = ["stop_jobs.stopped=true", "stop_jobs.jobs=nightly recompute", "escalate.reference=GOV-7"];
    resume(&bench, &stopped).exits(0);
    assert_eq!(bench.read("project/state/trust_lock_state.json"), locked, "it was locked once");
}

#[test]
fn trust_is_not_released_over_a_broken_log() {
    let bench = site(State::Edited);
    let release = ["why=It is in the way of a deploy", STATE, MARKERS, POLICY, "release=true"];
    run(&bench, "mvcrs.trust_lock", &release, &["decision.reference=GOV-8", "decision.remedied=Nothing at all yet"])
        .exits(3);
    assert!(!bench.exists("project/state/trust_lock_state.json"));
}

#[test]
fn a_fix_branch_keeps_the_evidence_waits_for_the_fix_and_ends_with_a_postmortem() {
    let bench = site(State::Three);
    run(&bench, "mvcrs.verify_chain", &[], &[]).exits(0);
    let parameters = ["cause=consecutive_critical", "repository=project", STATE, TELEMETRY, "postmortems=postmortems"];
    run(&bench, "mvcrs.fix_branch", &parameters, &[]).exits(5);
    let branch = git(&bench, &["for-each-ref", "--format=%(refname:short)", "refs/heads/fix"]);
    assert!(
        branch.starts_with("fix/mvcrs-incident-20") && branch.len() == "fix/mvcrs-incident-2026-11-20".len(),
        "{branch}"
    );
    assert_eq!(git(&bench, &["branch", "--show-current"]), "main");
    assert!(git(&bench, &["for-each-ref", "refs/tags"]).contains("mvcrs-incident-"));

    git(&bench, &["checkout", "--quiet", &branch]);
    git(&bench, &["commit", "--quiet", "--allow-empty", "-m", "mend the verifier"]);
    let commit = git(&bench, &["rev-parse", "HEAD"]);
    git(&bench, &["checkout", "--quiet", "main"]);
    let mut answers = vec![format!("remediation.commit={commit}"), "remediation.reviewer=Ana".to_owned()];
    answers.extend(FACTS.map(|fact| format!("postmortem/facts.{fact}")));
    resume(&bench, &answers.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);

    let folder = fs::read_dir(bench.path("incidents")).unwrap().next().unwrap().unwrap().path();
    let kept = fs::read(folder.join("ledger/challenge_events.jsonl")).unwrap();
    assert_eq!(kept, fs::read(bench.path("project/state/challenge_events.jsonl")).unwrap());
    assert!(folder.join("state/mvcrs_config.json").exists() && folder.join("mvcrs_challenges.csv").exists());
    let written = fs::read_dir(bench.path("postmortems")).unwrap().next().unwrap().unwrap().path();
    let postmortem = fs::read_to_string(written).unwrap();
    let headings: Vec<&str> = postmortem.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(headings, ["Summary", "Timeline", "Root Cause", "Remediation", "Preventive Actions"]);
    assert!(postmortem.contains("mvcrs.verify_chain succeeded"), "{postmortem}");
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_fix_branch_without_its_cause_is_refused() {
    let bench = site(State::Clean);
    for cause in ["consecutive_critical", "chain_anomaly", "reproducible_critical"] {
        let cause = format!("cause={cause}");
        run(&bench, "mvcrs.fix_branch", &[&cause, "repository=project", STATE, TELEMETRY], &[]).exits(3);
    }
    assert_eq!(git(&bench, &["for-each-ref", "refs/heads/fix"]), "");
    assert!(!bench.exists("incidents"));
}

#[test]
fn a_fix_branch_of_today_is_not_moved() {
    let bench = site(State::Edited);
    let parameters = ["cause=chain_anomaly", "repository=project", STATE, TELEMETRY];
    run(&bench, "mvcrs.fix_branch", &parameters, &[]).exits(5);
    git(&bench, &["commit", "--quiet", "--allow-empty", "-m", "something else"]);
    // Two of them at once are one too many.
    run(&bench, "mvcrs.fix_branch", &parameters, &[]).exits(10);
    bench.run("cancel last --reason another-commit").exits(0);
    let said = run(&bench, "mvcrs.fix_branch", &parameters, &[]).exits(1).stdout;
    assert!(said.contains("There is a fix branch of today at another commit"), "{said}");
}

#[test]
fn a_triage_leads_a_material_deviation_to_a_person_and_three_critical_ones_further() {
    let bench = site(State::Clean);
    let parameters = ["since=2025-01-01T00:00:00Z", "repository=project", STATE, MARKERS, TELEMETRY];
    run(&bench, "mvcrs.triage_deviation", &parameters, &[]).exits(5);
    let review = [
        "review.policy_change=false",
        "review.reproducible=false",
        "review.note=A threshold was too low for night runs",
    ];
    run(&bench, "mvcrs.triage_deviation", &parameters, &review).exits(10);
    let said = resume(&bench, &review).exits(0).stdout;
    assert!(said.contains("highest               material"), "{said}");

    let bench = site(State::Three);
    let mut answers = review.to_vec();
    answers.extend(["consider_lock.lock=true", "consider_lock.why=Nobody understands it yet"]);
    answers.extend(["trust_lock/stop_jobs.stopped=true", "trust_lock/stop_jobs.jobs=nightly recompute"]);
    answers.push("trust_lock/escalate.reference=GOV-7");
    let waits = run(&bench, "mvcrs.triage_deviation", &parameters, &answers);
    let waits = waits.exits(5).stdout;
    assert!(waits.contains("fix_branch/remediation"), "{waits}");
    assert_eq!(lock(&bench)["locked"], true);
    assert!(git(&bench, &["for-each-ref", "refs/heads/fix"]).contains("fix/mvcrs-incident-"));
}

#[test]
fn evidence_is_not_kept_in_the_folder_that_it_is_evidence_of() {
    let bench = site(State::Edited);
    let parameters =
        ["cause=chain_anomaly", "repository=project", STATE, TELEMETRY, "incidents=project/state/incidents"];
    let stopped = run(&bench, "mvcrs.fix_branch", &parameters, &[]).exits(4).stdout;
    assert!(stopped.contains("guard `evidence_stays_outside`"), "{stopped}");
    assert!(!bench.exists("project/state/incidents"));
    assert_eq!(git(&bench, &["for-each-ref", "refs/heads/fix"]), "");
}

#[test]
fn a_release_that_was_left_half_way_is_taken_back_or_goes_on_without_a_second_decision() {
    let why = "why=Three critical deviations in a row";
    let locked = ["stop_jobs.stopped=true", "stop_jobs.jobs=nightly recompute", "escalate.reference=GOV-7"];
    let decided = ["decision.reference=GOV-8", "decision.remedied=The verifier was mended"];
    for goes_on in [true, false] {
        let bench = site(State::Clean);
        run(&bench, "mvcrs.trust_lock", &[why, STATE, MARKERS, POLICY], &locked).exits(0);
        fs::remove_file(bench.path("project/docs/audit_summary.md")).unwrap();
        fs::create_dir(bench.path("project/docs/audit_summary.md")).unwrap();
        let release = [why, STATE, MARKERS, POLICY, "release=true"];
        let failed = run(&bench, "mvcrs.trust_lock", &release, &decided).exits(1).stdout;
        assert!(failed.contains("step `mark_released`"), "{failed}");
        assert_eq!(
            (&lock(&bench)["locked"], bench.exists("project/state/mvcrs_safe_mode.lock")),
            (&false.into(), false)
        );
        fs::remove_dir(bench.path("project/docs/audit_summary.md")).unwrap();
        fs::write(bench.path("project/docs/audit_summary.md"), "# Audit summary\n").unwrap();
        if goes_on {
            resume(&bench, &[]).exits(0);
            assert!(bench.read("project/docs/audit_summary.md").contains("<!-- MVCRS_TRUST_LOCK: RELEASED "));
            assert_eq!(lock(&bench)["manual_unlocks_today"], 1);
        } else {
            let told = ["undo", "last", "-q", "--as", "ops", "--answer", "decision.told=the committee"];
            bench.run_with(&told).exits(7);
            assert_eq!(lock(&bench)["locked"], true);
            assert!(bench.read("project/state/mvcrs_safe_mode.lock").contains("\"safe_mode_enabled\": true"));
        }
    }
}
