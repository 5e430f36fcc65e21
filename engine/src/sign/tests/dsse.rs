//! Envelopes of DSSE, held to the example of its specification.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};

use crate::sign::attestation_key::AttestationKey;
use crate::sign::dsse::{Envelope, pae};
use crate::sign::verify;

/// The example of the specification: its key (ECDSA over P-256), type and payload, and the signature.
const POINT: &str = "0467cd390f77aa359cb08c2235f652270493a9ed832b0abcc01f70954c0390d2380c782bd54e269125a44f4433aff1432ce94e12bca73aa67ac80cea12608ddf74";
const TYPE: &str = "http://example.com/HelloWorld";
const SIGNATURE: &str = "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";

#[test]
fn what_is_signed_is_what_the_specification_says() {
    assert_eq!(pae(TYPE, b"hello world"), b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    let key = VerifyingKey::from_sec1_bytes(&hex::decode(POINT).unwrap()).unwrap();
    let signature = Signature::from_slice(&STANDARD.decode(SIGNATURE).unwrap()).unwrap();
    assert!(key.verify(&pae(TYPE, b"hello world"), &signature).is_ok());
    assert!(key.verify(&pae(TYPE, b"hello worle"), &signature).is_err());
}

#[test]
fn an_envelope_is_signed_over_type_and_payload() {
    let key = AttestationKey::from_seed(&[7; 32]);
    let envelope = Envelope::sign(TYPE, b"hello world", &key);
    assert_eq!(envelope.payload, "aGVsbG8gd29ybGQ=");
    assert_eq!(envelope.signatures.len(), 1);
    let signature = &envelope.signatures[0];
    // What securesystemslib 1.6 calls the key of this seed.
    assert_eq!(signature.keyid, "bfe1a83869e5bf574e3ff3acbb83f840de84a990d10059f3096f0bf4f2b90c10");
    let bytes: [u8; 64] = STANDARD.decode(&signature.sig).unwrap().try_into().unwrap();
    assert!(verify(&key.public(), &pae(TYPE, b"hello world"), &bytes));
    assert!(!verify(&key.public(), &pae("other", b"hello world"), &bytes));
    assert_eq!(format!("{key:?}"), "AttestationKey(***)");
}
