//! AGIJobs' rotation, parameters and slashing: bundles that people send, over a real chain, from programs that do what
//! AGIJobs' own do: a line of dotenv before the JSON, files of all networks taken without a word, and exit code 0 for all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use engine::id::Digest;
use serde_json::{Value, json};

use super::anvil::{Anvil, word};
use super::bench::{Bench, Outcome};

const HASH: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";
const VALIDATOR: &str = "0x00000000000000000000000000000000000000a1";
const TREASURY: &str = "0x00000000000000000000000000000000000000b2";

/// What a script of AGIJobs does here: prints the report of its name; as `bundle` it writes what stands in `next`, unless
/// it is told otherwise, and ends with 0 either way.
const SCRIPT: &str = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho '[dotenv@17.2.1] injecting env (3) from .env'\n\
    case $1 in\nbundle) [ -e lies ] || cp next.json safe.json; echo bundle >> calls ;;\n*) cat \"$1.json\" ;;\nesac\n";

fn site(anvil: &Anvil) -> Bench {
    let command = |name: &str, report: &str| format!("  {name}: {{ kind: command, argv: [./script, {report}] }}\n");
    let commands: String = [
        ("doctor", "doctor"),
        ("plan_rotation", "rotate"),
        ("surface", "surface"),
        ("mission", "mission"),
        ("write_bundle", "bundle"),
        ("verify_control", "control"),
    ]
    .map(|(name, report)| command(name, report))
    .concat();
    let text = format!(
        "runwarden: v1\nenvironment: development\n\
         ledger: {{ path: .runwarden/ledger.db, key: .runwarden/ledger.key, origin: test/agijobs }}\n\
         targets:\n  pause: {{ kind: pause, driver: evm, url: '{}', chain_id: 31337, address: '{}', signer: '{}' }}\n{commands}\
         actors:\n  ops: {{ class: operator, roles: [owner_council] }}\n  other: {{ class: operator }}\n",
        anvil.url, anvil.pause, anvil.governance
    );
    let check = |path: &str| json!({ "checks": [{ "id": "owner-control", "status": "pass", "path": path }] });
    let bench = Bench::empty().file("runwarden.yaml", &text).file("script", SCRIPT);
    fs::set_permissions(bench.path("script"), fs::Permissions::from_mode(0o755)).unwrap();
    report(&bench, "doctor", &check("config/owner-control.mainnet.json"));
    bench
}

fn report(bench: &Bench, name: &str, report: &Value) {
    fs::write(bench.path(&format!("{name}.json")), report.to_string()).unwrap();
}

/// The name of an input, its type and its value.
type Input<'a> = (&'a str, &'a str, &'a str);
/// A contract, a method, its selector, and the inputs.
type Call<'a> = (&'a str, &'a str, &'a str, &'a [Input<'a>]);

/// A bundle as AGIJobs writes them: transactions of one method each.
fn bundle(chain: u64, transactions: &[Call<'_>]) -> Value {
    let transaction = |&(to, method, selector, inputs): &Call<'_>| {
        let named: Vec<Value> = inputs.iter().map(|(name, kind, _)| json!({ "name": name, "type": kind })).collect();
        let values: serde_json::Map<String, Value> =
            inputs.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))).collect();
        let data: String = inputs.iter().map(|(_, kind, value)| encoded(kind, value)).collect();
        json!({ "to": to, "value": "0", "data": format!("0x{selector}{data}"),
            "contractMethod": { "name": method, "payable": false, "stateMutability": "nonpayable", "inputs": named },
            "contractInputsValues": values })
    };
    let transactions: Vec<Value> = transactions.iter().map(transaction).collect();
    json!({ "version": "1.0", "chainId": chain, "createdAt": "2026-11-20T00:00:00.000Z",
        "meta": { "name": "rotation", "txBuilderVersion": "1.16.6" }, "transactions": transactions })
}

fn encoded(kind: &str, value: &str) -> String {
    match kind {
        "address" => word(value),
        "bool" => format!("{:0>64}", u8::from(value == "true")),
        _ => format!("{:064x}", value.parse::<u64>().unwrap()),
    }
}

fn hand_over(anvil: &Anvil, chain: u64, holder: &str) -> Value {
    bundle(chain, &[(&anvil.pause, "setGovernance", "ab033ea9", &[("newGovernance", "address", holder)])])
}

/// The Safe's owners send what the bundle says, and say so.
fn send(anvil: &Anvil, bench: &Bench) -> Vec<String> {
    let bytes = fs::read(bench.path("safe.json")).unwrap();
    let bundle: Value = serde_json::from_slice(&bytes).unwrap();
    for transaction in bundle["transactions"].as_array().unwrap() {
        let [to, data] = ["to", "data"].map(|key| transaction[key].as_str().unwrap());
        anvil.send(&anvil.governance, to, data);
    }
    vec![format!("sign.transaction={HASH}"), format!("sign.read_back={}", Digest::of(&bytes).hex())]
}

fn governance(anvil: &Anvil) -> String {
    let call = json!([{ "to": anvil.pause, "data": "0x5aa6e675" }, "latest"]);
    format!("0x{}", &anvil.ask("eth_call", &call).as_str().unwrap()[26..])
}

fn run(bench: &Bench, name: &str, parameters: &[&str], answers: &[String]) -> Outcome {
    let mut arguments = vec!["run", name, "-q", "--as", "ops", "--confirm", name, "-p", "chain_id=31337"];
    arguments.extend(["-p", "network=mainnet", "-p", "bundle=safe.json"]);
    arguments.extend(parameters.iter().flat_map(|parameter| ["-p", parameter]));
    arguments.extend(answers.iter().flat_map(|answer| ["--answer", answer.as_str()]));
    bench.run_with(&arguments)
}

fn resume(bench: &Bench, answers: &[String]) -> Outcome {
    let mut arguments = vec!["resume", "last", "-q", "--as", "ops"];
    arguments.extend(answers.iter().flat_map(|answer| ["--answer", answer.as_str()]));
    bench.run_with(&arguments)
}

/// What `owner:verify-control` says, from the chain.
fn control(anvil: &Anvil, bench: &Bench, expected: &str) {
    let status = if governance(anvil) == expected { "ok" } else { "mismatch" };
    let found = json!({ "network": { "chainId": 31337, "name": "mainnet" }, "configPath": "config/owner-control.mainnet.json",
        "results": [{ "key": "systemPause", "status": status }] });
    report(bench, "control", &found);
}

fn planned(bench: &Bench, holder: &str, missing: &[&str]) {
    let action = json!({ "moduleKey": "systemPause", "desiredOwner": holder });
    let plan = json!({ "network": "mainnet", "chainId": 31337, "actions": [action], "missingTargets": missing,
        "missingAddresses": [] });
    report(bench, "rotate", &plan);
}

/// A site where governance is about to go to `stranger`.
fn rotating(anvil: &Anvil) -> (Bench, Vec<String>) {
    let bench = site(anvil);
    let holder = anvil.stranger.to_lowercase();
    planned(&bench, &holder, &[]);
    report(&bench, "next", &hand_over(anvil, 31_337, &holder));
    let contracts = format!("contracts={}", json!([anvil.pause]));
    (bench, vec![contracts, format!("new_holder={holder}"), "reason=a key was lost in a taxi".to_owned()])
}

fn rotate(bench: &Bench, parameters: &[String], answers: &[String]) -> Outcome {
    let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
    run(bench, "agijobs.rotate_governance", &parameters, answers)
}

const ACCEPTED: &str = "accepted.test_call=0x2222222222222222222222222222222222222222222222222222222222222222";

#[test]
fn governance_goes_over_by_a_bundle_that_was_checked_and_the_chain_says_so() {
    let Some(anvil) = Anvil::start() else { return };
    let (bench, parameters) = rotating(&anvil);
    let waits = rotate(&bench, &parameters, &[]).exits(5).stdout;
    assert!(waits.contains("sign") && governance(&anvil) == anvil.governance.to_lowercase(), "{waits}");
    let mut answers = send(&anvil, &bench);
    answers.push(ACCEPTED.to_owned());
    // As long as the chain has another owner than it should, nothing is called done.
    report(
        &bench,
        "control",
        &json!({ "network": { "chainId": 31337, "name": "mainnet" },
        "configPath": "config/owner-control.mainnet.json", "results": [{ "key": "systemPause", "status": "mismatch" }] }),
    );
    let failed = resume(&bench, &answers).exits(1).stdout;
    assert!(failed.contains("The chain has other owners than it should"), "{failed}");
    control(&anvil, &bench, &anvil.stranger.to_lowercase());
    resume(&bench, &[]).exits(0);
    assert_eq!((governance(&anvil), bench.read("calls").as_str()), (anvil.stranger.to_lowercase(), "bundle\n"));
}

#[test]
fn a_plan_that_fell_through_or_leaves_modules_out_writes_no_bundle() {
    let Some(anvil) = Anvil::start() else { return };
    let (bench, parameters) = rotating(&anvil);
    let fallen =
        json!({ "checks": [{ "id": "owner-control", "status": "pass", "path": "config/owner-control.json" }] });
    let good = fs::read(bench.path("doctor.json")).unwrap();
    report(&bench, "doctor", &fallen);
    let failed = rotate(&bench, &parameters, &[]).exits(1).stdout;
    assert!(failed.contains("The plan is not one to go on with"), "{failed}");
    fs::write(bench.path("doctor.json"), good).unwrap();
    for (holder, missing) in [(anvil.stranger.as_str(), &["feePool"][..]), (TREASURY, &[])] {
        planned(&bench, &holder.to_lowercase(), missing);
        let failed = rotate(&bench, &parameters, &[]).exits(1).stdout;
        assert!(failed.contains("The plan is not one to go on with"), "{failed}");
    }
    assert!(!bench.exists("calls"));
}

#[test]
fn a_bundle_of_another_chain_of_before_or_changed_after_it_was_checked_is_not_signed() {
    let Some(anvil) = Anvil::start() else { return };
    let (bench, parameters) = rotating(&anvil);
    let good = fs::read(bench.path("next.json")).unwrap();
    report(&bench, "next", &hand_over(&anvil, 1, &anvil.stranger.to_lowercase()));
    let failed = rotate(&bench, &parameters, &[]).exits(1).stdout;
    assert!(failed.contains("The bundle is not what it says"), "{failed}");
    // It ends with 0, and what lies there is of another day.
    report(&bench, "safe", &hand_over(&anvil, 31_337, TREASURY));
    fs::write(bench.path("lies"), "").unwrap();
    let failed = rotate(&bench, &parameters, &[]).exits(1).stdout;
    assert!(failed.contains("The bundle hands it to somebody else"), "{failed}");
    fs::remove_file(bench.path("safe.json")).unwrap();
    let failed = rotate(&bench, &parameters, &[]).exits(1).stdout;
    assert!(failed.contains("The script wrote no bundle"), "{failed}");
    fs::remove_file(bench.path("lies")).unwrap();
    fs::write(bench.path("next.json"), good).unwrap();
    rotate(&bench, &parameters, &[]).exits(5);
    report(&bench, "safe", &hand_over(&anvil, 31_337, TREASURY));
    let answers = [format!("sign.transaction={HASH}"), format!("sign.read_back={}", "0".repeat(64))];
    let failed = resume(&bench, &answers).stdout;
    assert!(failed.contains("The bundle was changed after it was checked"), "{failed}");
    assert_eq!(governance(&anvil), anvil.governance.to_lowercase());
}

#[test]
fn modules_of_the_lever_nobody_a_script_that_executes_and_another_node_stop_a_rotation() {
    let Some(anvil) = Anvil::start() else { return };
    let (bench, mut parameters) = rotating(&anvil);
    let contracts = std::mem::replace(&mut parameters[0], format!("contracts={}", json!([anvil.modules[3]])));
    let stopped = rotate(&bench, &parameters, &[]).exits(4);
    assert!(stopped.stdout.contains("not_out_of_the_lever"), "{}", stopped.stdout);
    parameters[0] = contracts;
    let holder = std::mem::replace(&mut parameters[1], format!("new_holder=0x{}", "0".repeat(40)));
    assert!(rotate(&bench, &parameters, &[]).exits(4).stdout.contains("to_somebody"));
    parameters[1] = holder;
    let workspace = bench.read("runwarden.yaml");
    let executes = workspace
        .replace("argv: [./script, bundle]", "argv: [./script, bundle], env: { OWNER_UPDATE_ALL_EXECUTE: '1' }");
    fs::write(bench.path("runwarden.yaml"), executes).unwrap();
    assert!(rotate(&bench, &parameters, &[]).exits(4).stdout.contains("no_execute"));
    fs::write(bench.path("runwarden.yaml"), workspace.replace("chain_id: 31337", "chain_id: 1")).unwrap();
    rotate(&bench, &parameters, &[]).exits(3);
    fs::write(bench.path("runwarden.yaml"), workspace).unwrap();
    // Whoever is not of the council signs nothing.
    rotate(&bench, &parameters, &[]).exits(5);
    let answers = send(&anvil, &bench);
    let mut arguments = vec!["resume", "last", "-q", "--as", "other"];
    arguments.extend(answers.iter().flat_map(|answer| ["--answer", answer.as_str()]));
    assert_ne!(bench.run_with(&arguments).exit, Some(0));
}

fn deaf(anvil: &Anvil) -> bool {
    // A module that is deaf takes a pause and does nothing; asked as its owner, and not sent.
    let before = anvil.paused();
    anvil.pause_one(5);
    before == anvil.paused()
}

/// A site where a parameter of a module is to change.
fn adjusting(anvil: &Anvil) -> (Bench, [String; 3]) {
    let bench = site(anvil);
    let surface = |path: &str| json!({ "network": "mainnet", "reports": [{ "key": "feePool", "status": "ok", "configPath": path }] });
    report(&bench, "surface", &surface("config/fee-pool.mainnet.json"));
    report(&bench, "mission", &json!({ "network": "mainnet", "steps": [{ "key": "plan", "status": "warning" }] }));
    let call = bundle(31_337, &[(&anvil.modules[5], "setDeaf", "b3bad8f8", &[("deaf", "bool", "true")])]);
    report(&bench, "next", &call);
    let contracts = format!("contracts={}", json!([anvil.modules[5]]));
    (bench, [contracts, "methods=[\"setDeaf(bool)\"]".to_owned(), "reason=fees were set too high".to_owned()])
}

fn adjust(bench: &Bench, parameters: &[String; 3]) -> Outcome {
    let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
    run(bench, "agijobs.adjust_parameters", &parameters, &[])
}

#[test]
fn a_parameter_is_changed_by_a_bundle_and_nothing_is_left_to_do() {
    let Some(anvil) = Anvil::start() else { return };
    let (bench, parameters) = adjusting(&anvil);
    adjust(&bench, &parameters).exits(5);
    let answers = send(&anvil, &bench);
    // Some of it did not arrive: it is read again, and nothing is signed twice.
    let failed = resume(&bench, &answers).exits(1).stdout;
    assert!(failed.contains("Some of it did not arrive"), "{failed}");
    report(&bench, "mission", &json!({ "network": "mainnet", "steps": [{ "key": "plan", "status": "success" }] }));
    resume(&bench, &[]).exits(0);
    assert_eq!(bench.read("calls"), "bundle\n");
    assert!(deaf(&anvil));
}

#[test]
fn an_empty_bundle_another_method_another_contract_and_a_shared_configuration_are_not_signed() {
    let Some(anvil) = Anvil::start() else { return };
    let (bench, parameters) = adjusting(&anvil);
    let module = anvil.modules[5].as_str();
    for wrong in [
        bundle(31_337, &[]),
        bundle(31_337, &[(module, "setGovernance", "ab033ea9", &[("newGovernance", "address", TREASURY)])]),
        bundle(31_337, &[(&anvil.modules[0], "setDeaf", "b3bad8f8", &[("deaf", "bool", "true")])]),
    ] {
        report(&bench, "next", &wrong);
        let failed = adjust(&bench, &parameters).exits(1).stdout;
        assert!(failed.contains("The bundle is not what it says"), "{failed}");
    }
    // What people read says one thing and the data another.
    let mut wrong = bundle(31_337, &[(module, "setDeaf", "b3bad8f8", &[("deaf", "bool", "true")])]);
    wrong["transactions"][0]["contractInputsValues"]["deaf"] = json!("false");
    report(&bench, "next", &wrong);
    adjust(&bench, &parameters).exits(1);
    let calls = bench.read("calls");
    let fallen = json!({ "network": "mainnet", "reports": [{ "key": "feePool", "status": "ok", "configPath": "config/fee-pool.json" }] });
    report(&bench, "surface", &fallen);
    let failed = adjust(&bench, &parameters).exits(1).stdout;
    assert!(failed.contains("The configuration is not the network's own"), "{failed}");
    assert_eq!(bench.read("calls"), calls);
}

#[test]
fn a_script_that_would_execute_writes_no_bundle_of_parameters() {
    let Some(anvil) = Anvil::start() else { return };
    let (bench, parameters) = adjusting(&anvil);
    let executes = bench
        .read("runwarden.yaml")
        .replace("argv: [./script, bundle]", "argv: [./script, bundle], env: { OWNER_PLAN_EXECUTE: '1' }");
    fs::write(bench.path("runwarden.yaml"), executes).unwrap();
    let stopped = adjust(&bench, &parameters).exits(4).stdout;
    assert!(stopped.contains("guard `no_execute`"), "{stopped}");
    assert!(!bench.exists("calls"));
}

const SLASH: &str = "agijobs.manual_slashing";

fn slashing(anvil: &Anvil, values: [&str; 4]) -> (Bench, Vec<String>) {
    let bench = site(anvil);
    let inputs = [
        ("user", "address", values[0]),
        ("role", "uint8", values[1]),
        ("pctBps", "uint256", values[2]),
        ("beneficiary", "address", values[3]),
    ];
    report(&bench, "safe", &bundle(31_337, &[(&anvil.modules[1], "governanceSlash", "080f4f0c", &inputs)]));
    fs::write(bench.path("shown.txt"), "three transactions").unwrap();
    let contracts = format!("contracts={}", json!([anvil.modules[1]]));
    let given = [("validator", VALIDATOR), ("role", "0"), ("basis_points", "500"), ("beneficiary", TREASURY)];
    let mut parameters = vec![contracts, "case=SLASH-12".to_owned()];
    parameters.extend(given.map(|(name, value)| format!("{name}={value}")));
    (bench, parameters)
}

fn slash(bench: &Bench, parameters: &[String]) -> Outcome {
    let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let sha256 = Digest::of(&fs::read(bench.path("safe.json")).unwrap()).hex().to_owned();
    let answers = [
        "evidence.shown=It signed two heads of one round".to_owned(),
        "evidence.evidence=shown.txt".to_owned(),
        format!("sign.transaction={HASH}"),
        format!("sign.read_back={sha256}"),
    ];
    run(bench, SLASH, &parameters, &answers)
}

#[test]
fn a_validator_is_slashed_once_by_exactly_this_call() {
    let Some(anvil) = Anvil::start() else { return };
    let (bench, parameters) = slashing(&anvil, [VALIDATOR, "0", "500", TREASURY]);
    let good = fs::read(bench.path("doctor.json")).unwrap();
    report(&bench, "doctor", &json!({ "checks": [] }));
    let failed = slash(&bench, &parameters).exits(1).stdout;
    assert!(failed.contains("The slash is done, the matrices are not whole"), "{failed}");
    fs::write(bench.path("doctor.json"), good).unwrap();
    resume(&bench, &[]).exits(0);
    // Not the same validator again within the hour.
    let again = slash(&bench, &parameters).exits(3);
    assert!(again.stdout.contains("1 times in 1h") || again.stderr.contains("1 times in 1h"), "{}", again.stdout);
}

#[test]
fn another_slash_two_of_them_and_one_in_favour_of_nobody_are_not_signed() {
    let Some(anvil) = Anvil::start() else { return };
    for wrong in [
        [TREASURY, "0", "500", TREASURY],
        [VALIDATOR, "1", "500", TREASURY],
        [VALIDATOR, "0", "5000", TREASURY],
        [VALIDATOR, "0", "500", VALIDATOR],
    ] {
        let (bench, parameters) = slashing(&anvil, wrong);
        assert!(slash(&bench, &parameters).exits(1).stdout.contains("The bundle is another slash"), "{wrong:?}");
    }
    let (bench, parameters) = slashing(&anvil, [VALIDATOR, "0", "500", TREASURY]);
    let mut twice: Value = serde_json::from_str(&bench.read("safe.json")).unwrap();
    let one = twice["transactions"][0].clone();
    twice["transactions"].as_array_mut().unwrap().push(one);
    report(&bench, "safe", &twice);
    slash(&bench, &parameters).exits(1);
    let (bench, mut parameters) = slashing(&anvil, [VALIDATOR, "0", "500", TREASURY]);
    for (nobody, guard) in [(format!("0x{}", "0".repeat(40)), "not_to_nobody"), (VALIDATOR.to_owned(), "not_to_itself")]
    {
        *parameters.last_mut().unwrap() = format!("beneficiary={nobody}");
        assert!(slash(&bench, &parameters).exits(4).stdout.contains(guard));
    }
}
