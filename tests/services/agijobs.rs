//! AGIJobs' lever over a real chain: anvil, with contracts of ours that have SystemPause's selectors, events and errors.

use std::process::Command;

use serde_json::json;

use super::answers::Answers;
use super::anvil::{Anvil, packages, sources, word};
use super::bench::{Bench, Outcome};
use super::parts::is_missing;

const CHAIN: u64 = 31_337;
const REPOSITORY: &str = "/repos/MontrealAI/AGIJobsv0";

fn workspace(anvil: &Anvil, chain: u64, signer: &str, url: &str, github: &str) -> String {
    format!(
        "runwarden: v1\nenvironment: development\n\
         ledger: {{ path: .runwarden/ledger.db, key: .runwarden/ledger.key, origin: test/agijobs }}\n\
         targets:\n  pause: {{ kind: pause, driver: evm, url: '{url}', chain_id: {chain}, address: '{}', signer: '{signer}', \
         timeout: 3s }}\n  github: {{ kind: service, url: '{github}' }}\n  \
         verify_control: {{ kind: command, argv: [cat, control.json] }}\n  \
         store: {{ kind: secret_store, driver: dotenv, path: token.env }}\n\
         secrets: {{ github_token: {{ from: store, key: TOKEN }} }}\n\
         actors: {{ ops: {{ class: operator, roles: [incident_commander] }} }}\n",
        anvil.pause
    )
}

fn site(anvil: &Anvil) -> Bench {
    let text = workspace(anvil, CHAIN, &anvil.governance, &anvil.url, "http://127.0.0.1:9");
    Bench::empty().file("runwarden.yaml", &text)
}

fn pause(bench: &Bench, answers: &[&str]) -> Outcome {
    let name = "agijobs.system_pause";
    let fixed = ["run", name, "-q", "--as", "ops", "--confirm", name, "-p", "chain_id=31337", "-p", "scope=production"];
    let more = ["-p", "reason=validators collude", "-p", "settle=1s"];
    bench.run_with(&[&fixed[..], &more, answers].concat())
}

const IDLE: [&str; 4] = ["--answer", "freeze.runners_idle=true", "--answer", "freeze.seen_in=mission control"];

#[test]
fn a_live_system_is_paused_by_one_transaction_and_the_chain_is_read() {
    let Some(anvil) = Anvil::start() else { return };
    let bench = site(&anvil);
    let sent = anvil.sent();
    let planned = bench
        .run("plan agijobs.system_pause --as ops -p chain_id=31337 -p scope=production -p reason=validators-collude");
    assert!(planned.exit == Some(0), "{}{}", planned.stdout, planned.stderr);
    assert_eq!((anvil.paused(), anvil.sent()), (0, sent), "a plan sends nothing");
    pause(&bench, &IDLE).exits(0);
    assert_eq!((anvil.paused(), anvil.sent()), (8, sent + 1));
    // Again: nothing is sent, where pauseAll would revert.
    assert!(pause(&bench, &IDLE).exits(3).stdout.contains("All of it is paused already"));
    assert_eq!(anvil.sent(), sent + 1);
}

#[test]
fn a_mixed_system_is_paused_module_by_module() {
    let Some(anvil) = Anvil::start() else { return };
    let bench = site(&anvil);
    [0, 3, 7].into_iter().for_each(|index| anvil.pause_one(index));
    let sent = anvil.sent();
    pause(&bench, &IDLE).exits(0);
    assert_eq!((anvil.paused(), anvil.sent()), (8, sent + 5));
}

#[test]
fn another_chain_signer_or_a_module_without_code_is_refused_before_anything_is_sent() {
    let Some(anvil) = Anvil::start() else { return };
    let sent = anvil.sent();
    let other = workspace(&anvil, 1, &anvil.governance, &anvil.url, "http://127.0.0.1:9");
    pause(&Bench::empty().file("runwarden.yaml", &other), &IDLE).exits(3);
    let stranger = workspace(&anvil, CHAIN, &anvil.stranger, &anvil.url, "http://127.0.0.1:9");
    let refused = pause(&Bench::empty().file("runwarden.yaml", &stranger), &IDLE).exits(3).stdout;
    assert!(refused.contains("This lever cannot be used as it is set"), "{refused}");
    let mut modules = anvil.modules.clone();
    "0x00000000000000000000000000000000000000aa".clone_into(&mut modules[2]);
    let words: String = modules.iter().map(|module| word(module)).collect();
    anvil.send(&anvil.governance, &anvil.pause, &format!("0x037760e6{words}"));
    let refused = pause(&site(&anvil), &IDLE).exits(3).stdout;
    assert!(refused.contains("`all_readable` is not met"), "{refused}");
    assert_eq!((anvil.paused(), anvil.sent()), (0, sent + 1));
}

#[test]
fn a_module_that_takes_the_call_and_does_nothing_is_found_out() {
    let Some(anvil) = Anvil::start() else { return };
    let bench = site(&anvil);
    anvil.send(&anvil.governance, &anvil.modules[5], &format!("0xb3bad8f8{:0>64}", "1"));
    let failed = pause(&bench, &IDLE).exits(1).stdout;
    assert!(failed.contains("does not say that it moved"), "{failed}");
    assert_eq!(anvil.paused(), 7);
    assert!(failed.contains("Not all of it is paused"), "{failed}");
}

#[test]
fn one_module_that_does_not_move_keeps_no_other_from_it() {
    let Some(anvil) = Anvil::start() else { return };
    let bench = site(&anvil);
    anvil.pause_one(0);
    anvil.send(&anvil.governance, &anvil.modules[1], &format!("0xb3bad8f8{:0>64}", "1"));
    // Some moved and one did not: what came of it is to be looked into, and nothing is called paused.
    pause(&bench, &IDLE).exits(9);
    assert_eq!(anvil.paused(), 7);
    anvil.send(&anvil.governance, &anvil.modules[1], &format!("0xb3bad8f8{:0>64}", "0"));
    let mut resume = vec!["resume", "last", "-q", "--as", "ops"];
    resume.extend(IDLE);
    bench.run_with(&resume).exits(0);
    assert_eq!(anvil.paused(), 8);
}

#[test]
fn a_transaction_that_is_in_no_block_is_waited_for_and_not_sent_again() {
    let Some(anvil) = Anvil::start() else { return };
    let bench = site(&anvil);
    anvil.ask("evm_setAutomine", &json!([false]));
    let unknown = pause(&bench, &IDLE).exits(9).stdout;
    assert!(unknown.contains("is in no block after"), "{unknown}");
    // While it is on its way nothing is decided.
    assert_ne!(bench.run("resume last -q --as ops").exit, Some(0));
    anvil.ask("evm_mine", &json!([]));
    anvil.ask("evm_setAutomine", &json!([true]));
    let sent = anvil.sent();
    assert_eq!(anvil.paused(), 8);
    let mut resume = vec!["resume", "last", "-q", "--as", "ops"];
    resume.extend(IDLE);
    bench.run_with(&resume).exits(0);
    assert_eq!((anvil.paused(), anvil.sent()), (8, sent));
}

#[test]
fn a_signer_that_dies_after_it_sent_leaves_what_is_found_on_the_chain() {
    let Some(anvil) = Anvil::start() else { return };
    let signer = Answers::start();
    let address = anvil.url.clone();
    let (governance, target) = (anvil.governance.clone(), anvil.pause.clone());
    signer.does("POST", "/", move |asked| {
        assert!(asked.body.contains("eth_sendTransaction"));
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendTransaction",
            "params": [{ "from": governance, "to": target, "data": "0x595c6a67" }] });
        super::anvil::post(&address, &body);
        (502, "<html>bad gateway</html>".to_owned())
    });
    let text = workspace(&anvil, CHAIN, &anvil.governance, &anvil.url, "http://127.0.0.1:9")
        .replace("timeout: 3s", &format!("timeout: 3s, signer_url: '{}'", signer.url));
    let bench = Bench::empty().file("runwarden.yaml", &text);
    pause(&bench, &IDLE).exits(9);
    assert_eq!(anvil.paused(), 8);
    let mut resume = vec!["resume", "last", "-q", "--as", "ops"];
    resume.extend(IDLE);
    bench.run_with(&resume).exits(0);
    assert_eq!(signer.count("POST", "/"), 1);
}

/// What GitHub says of the head commit: the one run there is, and its one job.
pub fn wall(github: &Answers, commit: &str, state: &str) {
    github.says("GET", &format!("{REPOSITORY}/commits/main"), 200, &json!({ "sha": "c0ffee" }));
    let run = json!({ "id": 7, "head_sha": commit, "status": "completed", "html_url": "https://github.com/x/7" });
    let runs = format!("{REPOSITORY}/actions/workflows/ci.yml/runs");
    github.says("GET", &runs, 200, &json!({ "workflow_runs": [run] }));
    let jobs = json!({ "total_count": 1, "jobs": [{ "name": "Tests", "status": "completed", "conclusion": state }] });
    github.says("GET", &format!("{REPOSITORY}/actions/runs/7/jobs"), 200, &jobs);
}

/// A paused system whose owners are as they should be, and what lets its market go on.
fn paused_system(anvil: &Anvil, github: &Answers) -> Bench {
    let text = workspace(anvil, CHAIN, &anvil.governance, &anvil.url, &github.url);
    let bench = Bench::empty()
        .file("runwarden.yaml", &text)
        .file("token.env", "TOKEN=\"Bearer ghp_0123456789abcdef\"\n")
        .file("control.json", &control("ok"));
    std::fs::set_permissions(bench.path("token.env"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    anvil.send(&anvil.governance, &anvil.pause, "0x595c6a67");
    bench
}

/// What the script that reads owners says.
fn control(status: &str) -> String {
    let result = json!({ "key": "feePool", "status": status });
    let report = json!({ "network": { "chainId": CHAIN, "name": "mainnet" },
        "configPath": "config/owner-control.mainnet.json", "results": [result] });
    format!("[dotenv@17.2.1] injecting env (3) from .env\n{report}\n")
}

fn unpause(bench: &Bench) -> Outcome {
    let name = "agijobs.system_unpause";
    let fixed = ["run", name, "-q", "--as", "ops", "--confirm", name, "-p", "chain_id=31337", "-p", "network=mainnet"];
    let more = ["-p", "reason=validators replaced", "-p", "required_jobs={\"ci.yml\":[\"Tests\"]}"];
    let answers = ["--answer", "over.remedied=The validators were replaced", "--answer", "over.read_back=mainnet"];
    bench.run_with(&[&fixed[..], &more, &["-p", "settle=1s"], &answers].concat())
}

#[test]
fn the_market_goes_on_only_when_ci_is_green_for_the_head_and_owners_are_as_expected() {
    let Some(anvil) = Anvil::start() else { return };
    let github = Answers::start();
    let bench = paused_system(&anvil, &github);
    for (commit, state) in [("c0ffee", "skipped"), ("c0ffee", "failure"), ("0bso1ete", "success")] {
        wall(&github, commit, state);
        let stopped = unpause(&bench).exits(4).stdout;
        assert!(stopped.contains("CI is not green for the head commit"), "{stopped}");
    }
    wall(&github, "c0ffee", "success");
    std::fs::write(bench.path("control.json"), control("mismatch")).unwrap();
    assert!(unpause(&bench).exits(1).stdout.contains("Owner-control on chain is not as expected"));
    assert_eq!(anvil.paused(), 8);
    std::fs::write(bench.path("control.json"), control("ok")).unwrap();
    unpause(&bench).exits(0);
    assert_eq!(anvil.paused(), 0);
}

#[test]
fn a_market_that_goes_on_in_a_later_block_is_waited_for_and_asked_of_nobody_again() {
    let Some(anvil) = Anvil::start() else { return };
    let github = Answers::start();
    let bench = paused_system(&anvil, &github);
    wall(&github, "c0ffee", "success");
    anvil.ask("evm_setAutomine", &json!([false]));
    let unknown = unpause(&bench).exits(9).stdout;
    assert!(unknown.contains("is in no block after") && unknown.contains("Do not send another one"), "{unknown}");
    anvil.ask("evm_mine", &json!([]));
    anvil.ask("evm_setAutomine", &json!([true]));
    let sent = anvil.sent();
    bench.run("resume last -q --as ops").exits(0);
    assert_eq!((anvil.paused(), anvil.sent()), (0, sent));
}

#[test]
fn a_wrong_chain_is_named_with_both_numbers_and_what_to_compare() {
    let Some(anvil) = Anvil::start() else { return };
    let sent = anvil.sent();
    let other = workspace(&anvil, 1, &anvil.governance, &anvil.url, "http://127.0.0.1:9");
    let refused = pause(&Bench::empty().file("runwarden.yaml", &other), &IDLE).exits(3).stdout;
    assert!(refused.contains("31337") && refused.contains("This lever cannot be used as it is set"), "{refused}");
    assert!(refused.contains("Compare chain, address and signer"), "{refused}");
    assert_eq!((anvil.paused(), anvil.sent()), (0, sent));
}

#[test]
fn the_compiled_contracts_are_those_of_the_source() {
    let solc = packages().filter(|folder| folder.join("node_modules/solc").is_dir());
    if is_missing("solc (a folder of npm packages named in RUNWARDEN_TEST_NPM)", solc.is_some()) {
        return;
    }
    let mut command = Command::new("node");
    let compiled = command.arg(sources().join("compile.js")).arg(solc.unwrap()).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let kept = std::fs::read(sources().join("SystemPause.json")).unwrap();
    assert!(compiled.stdout == kept, "SystemPause.json is not what SystemPause.sol compiles to");
}
