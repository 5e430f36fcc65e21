//! Bundles, and the attestations made of them: what is read is written back byte for byte, and with the ledger's key
//! nothing is sound but the bundle that was made.

use std::sync::LazyLock;

use engine::action::Registry;
use engine::bundle::Bundle;
use engine::bundle::attestation::Statement;
use engine::bundle::verify::{Asked, Verdict, verify};
use engine::id::Digest;
use engine::ledger::report::Status;
use engine::merkle::note::VerifierKey;
use serde_json::Value;

use super::json_edits::edited;

/// A bundle of a real run.
pub const HELLO: &str = include_str!("seeds/bundle/hello.json");

/// The key of its ledger.
const KEY: &str = "example.org/ops+2b88d47b+Aer7cnftkgGeFIqdyAFWE2eM6StTnZT1KDjVR3VuDY+q";

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::builtin);
static MADE: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(HELLO).expect("a bundle is JSON"));

/// Holds for every file; what is none is taken for changes of the one that is.
pub fn hold(bytes: &[u8]) {
    if bytes.starts_with(b"{") {
        holds(bytes);
        if let Ok(value @ Value::Object(_)) = serde_json::from_slice(bytes) {
            sealed(value).iter().for_each(|bytes| holds(bytes));
        }
    } else {
        sealed(edited(&MADE, bytes)).iter().for_each(|bytes| holds(bytes));
    }
}

fn holds(bytes: &[u8]) {
    let (known, unknown) = (judged(bytes, true), judged(bytes, false));
    assert!(!known.is_sound() || bytes == HELLO.as_bytes(), "sound, and not what was made: {:#?}", known.findings);
    assert!(bytes != HELLO.as_bytes() || known.is_sound(), "{:#?}", known.findings);
    assert_ne!(unknown.status, Status::Ok, "whole, and nobody knows the key");
    if let Ok(bundle) = Bundle::read(bytes) {
        assert_eq!(bundle.write().as_deref(), Ok(bytes), "it is written otherwise");
        if let Some(attestation) = Statement::of(&bundle) {
            let _ = attestation.write().expect("an attestation can be written");
        }
    }
}

fn judged(bytes: &[u8], known: bool) -> Verdict {
    let keys = [VerifierKey::parse(KEY).expect("a key")];
    let keys = if known { &keys[..] } else { &[] };
    verify(bytes, &Asked { keys, witnesses: &[], logs: &[], actors: None, run: None, registry: &REGISTRY })
}

/// With a digest that fits, in the one spelling: what a forger would write. None where there is no such spelling.
fn sealed(mut value: Value) -> Option<Vec<u8>> {
    value.as_object_mut()?.remove("digest");
    let digest = Digest::of(&serde_json_canonicalizer::to_vec(&value).ok()?);
    value["digest"] = digest.to_string().into();
    let mut bytes = serde_json_canonicalizer::to_vec(&value).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}
