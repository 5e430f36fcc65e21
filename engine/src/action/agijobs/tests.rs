//! Bundles and reports; the chain and GitHub are in tests/services.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::action::trial::Trial;

const PAUSE: &str = "0x2279B7A0a67DB372996a5FaB50D91eAA73d2eBe6";
const SAFE: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/// A transaction as AGIJobs writes it: `setGovernance(address)`.
fn transaction() -> Value {
    json!({
        "to": PAUSE,
        "value": "0",
        "data": format!("0xab033ea9{:0>64}", SAFE.trim_start_matches("0x").to_lowercase()),
        "contractMethod": { "name": "setGovernance", "payable": false, "inputs": [{ "name": "next", "type": "address" }] },
        "contractInputsValues": { "next": SAFE },
    })
}

async fn judged(chain: &Value, transactions: Value) -> (bool, Vec<String>) {
    let trial = Trial::new();
    let bundle = json!({ "version": "1.0", "chainId": chain, "createdAt": "2026-11-20T00:00:00.000Z",
        "meta": { "name": "rotate" }, "transactions": transactions });
    trial.file("bundle.json", bundle.to_string());
    let with = json!({ "path": "bundle.json", "chain_id": 1, "contracts": [PAUSE.to_lowercase()],
        "methods": ["setGovernance(address)", "governanceSlash(address,uint8,uint256,address)", "note(string,bytes,bool)"] });
    let found = trial.read("agijobs.safe_bundle_check", with).await.unwrap();
    let problems = found["problems"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned());
    (found["ok"].as_bool().unwrap(), problems.collect())
}

#[tokio::test]
async fn a_bundle_that_is_what_it_says_has_no_problems() {
    for chain in [json!(1), json!("1")] {
        assert_eq!(judged(&chain, json!([transaction()])).await, (true, Vec::new()));
    }
}

#[tokio::test]
async fn each_thing_that_is_not_what_it_says_is_named() {
    let changed = |pointer: &str, value: Value| {
        let mut changed = transaction();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    for (transaction, problem) in [
        (changed("/to", json!(SAFE)), "none of the contracts"),
        (changed("/value", json!("1")), "it sends \"1\" along"),
        (changed("/data", json!("0x")), "calls no method"),
        (
            changed("/data", json!(transaction()["data"].as_str().unwrap().replace("ab033ea9", "f2fde38b"))),
            "does not call",
        ),
        (
            changed("/data", json!(format!("{}00", transaction()["data"].as_str().unwrap()))),
            "more than the method takes",
        ),
        (changed("/contractInputsValues/next", json!(PAUSE)), "is said to be"),
        (changed("/contractMethod", json!(null)), "names no method"),
        (changed("/contractMethod/inputs/0/type", json!("address[]")), "does not call"),
    ] {
        let (ok, problems) = judged(&json!(1), json!([transaction])).await;
        assert!(!ok && problems.iter().any(|found| found.contains(problem)), "{problem}: {problems:?}");
    }
    assert!(judged(&json!(5), json!([transaction()])).await.1[0].contains("it is for chain 5, not for 1"));
    assert_eq!(judged(&json!(1), json!([])).await.1, ["it has no transactions"]);
}

#[tokio::test]
async fn numbers_texts_and_bytes_are_read_from_the_data() {
    // Made with cast: governanceSlash(SAFE, 1, 2500, PAUSE).
    let address = |text: &str| format!("{:0>64}", text.trim_start_matches("0x").to_lowercase());
    let data = format!("{}{:0>64}{:0>64x}{}", address(SAFE), "1", 2500, address(PAUSE));
    let input = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    let inputs =
        json!([input("who", "address"), input("role", "uint8"), input("bps", "uint256"), input("to", "address")]);
    let selector = |signature: &str| {
        use sha3::{Digest as _, Keccak256};
        hex::encode(&Keccak256::digest(signature.as_bytes())[..4])
    };
    let mut slash = json!({ "to": PAUSE, "value": "0",
        "data": format!("0x{}{data}", selector("governanceSlash(address,uint8,uint256,address)")),
        "contractMethod": { "name": "governanceSlash", "inputs": inputs },
        "contractInputsValues": { "who": SAFE, "role": "1", "bps": "2500", "to": PAUSE } });
    assert_eq!(judged(&json!(1), json!([slash])).await, (true, Vec::new()));
    slash["contractInputsValues"]["bps"] = json!("250");
    assert!(judged(&json!(1), json!([slash])).await.1[0].contains("`bps` is said to be \"250\", and is 2500"));
    assert_eq!(selector("pauseAll()"), "595c6a67");
}

async fn reported(report: &str, text: &str) -> Result<Value, String> {
    let with = json!({ "report": report, "text": text, "network": "mainnet", "chain_id": 1 });
    Trial::new().read("agijobs.reports", with).await.map_err(|error| error.code)
}

#[tokio::test]
async fn a_report_is_judged_by_what_stands_in_it() {
    let doctor = |status: &str, path: &str| {
        format!(
            "[dotenv@17.2.1] injecting env (3)\n{}\n",
            json!({ "checks": [{ "id": "fee-pool", "status": status, "path": path }] })
        )
    };
    let ok = |found: &Value| found["ok"].as_bool().unwrap();
    assert!(ok(&reported("doctor", &doctor("pass", "config/fee-pool.mainnet.json")).await.unwrap()));
    assert!(!ok(&reported("doctor", &doctor("warn", "config/fee-pool.mainnet.json")).await.unwrap()));
    let fallen = reported("doctor", &doctor("pass", "config/fee-pool.json")).await.unwrap();
    assert!(fallen["problems"][0].as_str().unwrap().contains("not that of `mainnet`"), "{fallen}");
    assert!(!ok(&reported("doctor", r#"{"checks":[]}"#).await.unwrap()));
    let control = |network: &str, chain: u64| {
        json!({ "network": { "name": network, "chainId": chain }, "results": [{ "key": "feePool", "status": "ok" }] })
            .to_string()
    };
    assert!(ok(&reported("verify_control", &control("mainnet", 1)).await.unwrap()));
    assert!(!ok(&reported("verify_control", &control("sepolia", 1)).await.unwrap()));
    assert!(!ok(&reported("verify_control", &control("mainnet", 5)).await.unwrap()));
    let rotate = json!({ "network": "mainnet", "chainId": 1, "actions": [], "missingAddresses": ["feePool"] });
    assert!(!ok(&reported("rotate", &rotate.to_string()).await.unwrap()));
}

#[tokio::test]
async fn what_is_no_report_is_an_error() {
    for text in ["", "Error HH305: Unrecognized param --action", "{\"checks\":", "{\"checks\":[]} trailing", "[]", "{}"]
    {
        assert_eq!(reported("doctor", text).await.unwrap_err(), "malformed", "{text}");
    }
}
