//! Texts of nodes and the encoding of calls; the node itself is in tests/services.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::system_pause::{moved, one_module};
use super::{Address, Receipt, answered, bytes, number, revert};
use crate::host::Answer;

const MODULE: &str = "0x5FbDB2315678afecb367f032d93F642f64180aa3";

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

#[test]
fn an_address_is_the_same_in_upper_and_lower_case() {
    let address = Address::parse(MODULE).unwrap();
    assert_eq!(Address::parse(&MODULE.to_lowercase()), Some(address));
    assert_eq!(address.to_string(), MODULE.to_lowercase());
    for wrong in ["", "0x", "5FbDB2315678afecb367f032d93F642f64180aa3", "0x5FbDB2", &format!("{MODULE}00"), "0xzz"] {
        assert_eq!(Address::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn one_module_is_moved_by_a_call_of_the_governance() {
    let call = one_module(&Address::parse(MODULE).unwrap(), true);
    let expected = concat!(
        "0xa64cfe10",
        "0000000000000000000000005fbdb2315678afecb367f032d93f642f64180aa3",
        "0000000000000000000000000000000000000000000000000000000000000040",
        "0000000000000000000000000000000000000000000000000000000000000004",
        "8456cb5900000000000000000000000000000000000000000000000000000000",
    );
    assert_eq!(call, expected);
}

#[test]
fn a_revert_is_found_wherever_a_node_puts_its_data() {
    for error in [
        json!({ "code": 3, "message": "execution reverted", "data": "0xd93c0665" }),
        json!({ "code": -32603, "message": "reverted with custom error", "data": { "data": "0xd93c0665" } }),
        json!({ "code": -32603, "message": "x", "data": { "result": "0xD93C0665" } }),
    ] {
        assert_eq!(revert(&error).unwrap().0, "enforced_pause", "{error}");
    }
    let unknown = json!({ "code": 3, "message": "execution reverted: no", "data": "0x08c379a0" });
    assert_eq!(revert(&unknown).unwrap().0, "reverted");
    assert_eq!(revert(&json!({ "code": -32601, "message": "method not found" })), None);
}

#[test]
fn what_is_no_answer_is_an_error_and_never_false() {
    for (status, body) in [(200, "{}"), (502, "<html>"), (200, "[]"), (500, r#"{"result":"0x1"}"#)] {
        assert!(answered(&answer(status, body)).is_err(), "{body}");
    }
    assert!(answered(&answer(200, r#"{"result":null}"#)).unwrap().unwrap().is_null());
    assert!(answered(&answer(500, r#"{"error":{"code":1}}"#)).unwrap().is_err());
    assert!(bytes(&json!("0x")).unwrap().is_empty());
    assert!(bytes(&json!(null)).is_err() && bytes(&json!("0x1")).is_err());
    assert_eq!(number(&json!("0x7a69")).unwrap(), 31_337);
    assert!(number(&json!(31_337)).is_err() && number(&json!("0x")).is_err());
}

#[test]
fn a_module_has_moved_when_it_says_so_itself_and_by_whom() {
    let (module, pause) = (Address::parse(MODULE).unwrap(), Address([7; 20]));
    let topic = "0x62e78cea01bee320cd4e420270b5ea74000d11b0c9f74754ebdbfc544b05a258".to_owned();
    let by = |who: Address| [vec![0; 12], who.0.to_vec()].concat();
    let log = |topic: &str, data| (module, vec![topic.to_owned()], data);
    let receipt = |log| Receipt { succeeded: true, block: 1, logs: vec![log] };
    assert_eq!(moved(&receipt(log(&topic, by(pause))), &pause, true), [module]);
    assert!(moved(&receipt(log(&topic, by(pause))), &pause, false).is_empty());
    assert!(moved(&receipt(log(&topic, by(module))), &pause, true).is_empty());
    assert!(moved(&receipt(log("0x00", by(pause))), &pause, true).is_empty());
}
