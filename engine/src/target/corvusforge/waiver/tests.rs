//! Waivers that Corvusforge 0.4.0 made and judged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::Waiver;
use crate::id::Digest;
use crate::sign::service_key::read_public;
use crate::time::Timestamp;

const KEY: &str = "995371c55cbd5407447e813273a65ffda114b3b77d0227d999e7bc1167031bd1";
const SIGNED: &str = r#"{"approving_identity":"carol@example.org","created_at":"2026-02-26T10:00:00.000001Z","expiration":"2099-12-31T23:59:59Z","justification":"false positive in scanner, ticket SEC-7","risk_classification":"high","scope":"s575_security","signature":"fd8d163ca04931ab981d1f72d5e74b9b4c247a25931a8771a2547933aa798f758df17ffc6f9554d9a988eec0c42b323ca29289b5254b3a2c2b1077acb4cd7b03","waiver_id":"00000000-0000-4000-9000-000000000001"}"#;

fn waiver(text: &str) -> Waiver {
    Waiver::parse(text.as_bytes()).unwrap().unwrap()
}

fn key() -> [u8; 32] {
    read_public(KEY).unwrap()
}

#[test]
fn a_waiver_of_corvusforge_verifies_and_keeps_its_address() {
    let found = waiver(SIGNED);
    assert!(found.is_signed_by(&key()));
    assert_eq!(found.stored(), SIGNED);
    assert_eq!(
        Digest::of(found.stored().as_bytes()).as_str(),
        "sha256:f3f30871dfd993ac95fa0b26f406ed5b3d90cf3202535f60c25560cea79b3473"
    );
    assert!(found.signed().contains(r#""expiration":"2099-12-31T23:59:59+00:00""#));
    assert!(!found.signed().contains("created_at"));
}

#[test]
fn what_was_edited_after_it_was_signed_does_not_verify() {
    for (from, to) in
        [("s575_security", "s55_accessibility"), ("2099-12-31", "2206-12-31"), ("SEC-7", "SEC-8"), ("fd8d", "fd8e")]
    {
        assert!(!waiver(&SIGNED.replace(from, to)).is_signed_by(&key()), "{from}");
    }
    let signature = waiver(SIGNED).signature;
    assert!(!waiver(&SIGNED.replace(&signature, "")).is_signed_by(&key()));
    // Nobody signed the time it was made.
    assert!(waiver(&SIGNED.replace("10:00:00.000001Z", "11:00:00Z")).is_signed_by(&key()));
}

#[test]
fn it_expires_after_its_last_moment() {
    let found = waiver(SIGNED);
    assert!(!found.is_expired(Timestamp::parse("2099-12-31T23:59:59Z").unwrap()));
    assert!(found.is_expired(Timestamp::parse("2099-12-31T23:59:59.000001Z").unwrap()));
}

#[test]
fn what_looks_like_a_waiver_and_is_none_is_an_error() {
    assert_eq!(Waiver::parse(b"{\"run\":\"a\"}"), None);
    assert_eq!(Waiver::parse(b"\xff"), None);
    for (from, to) in [
        ("\"high\"", "\"huge\""),
        ("2099-12-31T23:59:59Z", "2099-12-31T23:59:59"),
        ("\"signature\"", "\"signed\""),
        ("\"scope\":", "\"scope\":\"x\",\"scope\":"),
        ("\"s575_security\"", "7"),
    ] {
        assert!(Waiver::parse(SIGNED.replacen(from, to, 1).as_bytes()).unwrap().is_err(), "{to}");
    }
}
