//! AGIJobs' daily handshake and the end of an incident: over a real chain, and GitHub's answers on loopback.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::agijobs::wall;
use super::answers::Answers;
use super::anvil::Anvil;
use super::bench::{Bench, Outcome};

fn site(anvil: &Anvil, signer: &str, github: &Answers) -> Bench {
    let text = format!(
        "runwarden: v1\nenvironment: development\n\
         ledger: {{ path: .runwarden/ledger.db, key: .runwarden/ledger.key, origin: test/agijobs }}\n\
         targets:\n  pause: {{ kind: pause, driver: evm, url: '{}', chain_id: 31337, address: '{}', signer: '{signer}' }}\n  \
         github: {{ kind: service, url: '{}' }}\n  store: {{ kind: secret_store, driver: dotenv, path: token.env }}\n\
         secrets: {{ github_token: {{ from: store, key: TOKEN }} }}\n\
         actors: {{ ops: {{ class: operator, roles: [owner_council] }} }}\n",
        anvil.url, anvil.pause, github.url
    );
    let bench = Bench::empty()
        .file("runwarden.yaml", &text)
        .file("token.env", "TOKEN=\"Bearer ghp_0123456789abcdef\"\n")
        .file("reports/ci/status.json", "{}")
        .file("reports/owner-control/mission.md", "# Mission");
    fs::set_permissions(bench.path("token.env"), fs::Permissions::from_mode(0o600)).unwrap();
    bench
}

const JOBS: &str = "required_jobs={\"ci.yml\":[\"Tests\"]}";
const FILED: &str = "retrospective.reference=RETRO-4";

fn close(bench: &Bench, more: &[&str]) -> Outcome {
    let fixed = ["run", "agijobs.post_incident", "-q", "--as", "ops", "-p", "incident=inc-7", "-p", JOBS];
    bench.run_with(&[&fixed[..], more].concat())
}

#[test]
fn an_incident_is_closed_once_all_is_live_and_green_and_its_reports_are_kept() {
    let Some(anvil) = Anvil::start() else { return };
    let github = Answers::start();
    let bench = site(&anvil, &anvil.governance, &github);
    let archive = ["-p", "archive=incidents"];
    wall(&github, "c0ffee", "skipped");
    let refused = close(&bench, &archive).exits(3).stdout;
    assert!(refused.contains("CI is not green for the head commit"), "{refused}");
    wall(&github, "c0ffee", "success");
    anvil.pause_one(4);
    let refused = close(&bench, &archive).exits(3).stdout;
    assert!(refused.contains("The market does not go on"), "{refused}");
    let unpause =
        format!("0xa64cfe10{}{:0>64}{:0>64}{:0<64}", super::anvil::word(&anvil.modules[4]), "40", "4", "3f4ba83a");
    anvil.send(&anvil.governance, &anvil.pause, &unpause);
    close(&bench, &archive).exits(5);
    bench.run_with(&["resume", "last", "-q", "--as", "ops", "--answer", FILED]).exits(0);
    for name in ["ci/status.json", "owner-control/mission.md"] {
        let kept = bench.read(&format!("incidents/inc-7/reports/{name}"));
        assert_eq!(kept, bench.read(&format!("reports/{name}")));
    }
    let shown = bench.run("ledger export").exits(0).raw;
    assert!(!shown.contains("ghp_0123456789abcdef"));
}

#[test]
fn an_archive_that_is_half_there_is_not_written_over_and_the_rest_follows() {
    let Some(anvil) = Anvil::start() else { return };
    let github = Answers::start();
    let bench =
        site(&anvil, &anvil.governance, &github).file("incidents/inc-7/reports/owner-control/mission.md", "# Another");
    wall(&github, "c0ffee", "success");
    close(&bench, &["-p", "archive=incidents", "--answer", FILED]).exits(1);
    assert_eq!(bench.read("incidents/inc-7/reports/owner-control/mission.md"), "# Another");
    fs::remove_file(bench.path("incidents/inc-7/reports/owner-control/mission.md")).unwrap();
    bench.run_with(&["resume", "last", "-q", "--as", "ops", "--answer", FILED]).exits(0);
    assert_eq!(bench.read("incidents/inc-7/reports/owner-control/mission.md"), "# Mission");
    // Where the next script would write over it, nothing is kept.
    let stopped = close(&bench, &["-p", "archive=reports/kept"]).exits(4).stdout;
    assert!(stopped.contains("no_reports_by_hand"), "{stopped}");
    assert!(!bench.exists("reports/kept"));
    fs::remove_dir_all(bench.path("reports")).unwrap();
    fs::create_dir(bench.path("reports")).unwrap();
    let failed = close(&bench, &["-p", "archive=incidents"]).exits(1).stdout;
    assert!(failed.contains("There is nothing to archive"), "{failed}");
}

const SAID: [&str; 6] =
    ["--answer", "hgm.passed=true", "--answer", "briefing.critical_findings=false", "--answer", "day_one.green=true"];

fn gate(bench: &Bench, chain: &str, said: &[&str]) -> Outcome {
    let fixed = ["gate", "agijobs.readiness_handshake", "--as", "ops", "-p", JOBS, "-p", chain];
    bench.run_with(&[&fixed[..], said].concat())
}

#[test]
fn the_handshake_opens_on_a_lever_that_would_work_today_and_on_nothing_less() {
    let Some(anvil) = Anvil::start() else { return };
    let github = Answers::start();
    let bench = site(&anvil, &anvil.governance, &github);
    wall(&github, "c0ffee", "success");
    gate(&bench, "chain_id=31337", &SAID).exits(0);
    // Nobody answered; another chain; a run of an older commit.
    gate(&bench, "chain_id=31337", &[]).exits(1);
    gate(&bench, "chain_id=1", &SAID).exits(1);
    wall(&github, "0bso1ete", "success");
    gate(&bench, "chain_id=31337", &SAID).exits(1);
    wall(&github, "c0ffee", "success");
    // A signer that does not govern is told, and shuts nothing; a module without code does.
    let other = site(&anvil, &anvil.stranger, &github);
    let told = gate(&other, "chain_id=31337", &SAID).exits(0).stdout;
    assert!(told.contains("The signer governs, and is an account"), "{told}");
    let mut modules = anvil.modules.clone();
    "0x00000000000000000000000000000000000000aa".clone_into(&mut modules[2]);
    let words: String = modules.iter().map(|module| super::anvil::word(module)).collect();
    anvil.send(&anvil.governance, &anvil.pause, &format!("0x037760e6{words}"));
    gate(&bench, "chain_id=31337", &SAID).exits(1);
    // The node does not answer.
    let gone = bench.read("runwarden.yaml").replace(&anvil.url, "http://127.0.0.1:9");
    fs::write(bench.path("runwarden.yaml"), gone).unwrap();
    let shut = gate(&bench, "chain_id=31337", &SAID).exits(1);
    assert!(!shut.stdout.contains(&json!("ghp_0123456789abcdef").to_string()));
}
