//! Envelopes of DSSE (Dead Simple Signing Envelope, version 1.0.0): bytes, what they are, and a signature over both.
//!
//! What is signed begins with `DSSEv1 `, which no signed note, no SSHSIG and no entry does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attestation_key::AttestationKey;

/// Bytes, what they are, and who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// The bytes, in base64.
    pub payload: String,
    /// What they are.
    pub payload_type: String,
    /// Who signed; at least one.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Which key; a hint, see [`AttestationKey::id`].
    pub keyid: String,
    /// The signature over [`pae`], in base64.
    pub sig: String,
}

impl Envelope {
    /// Signs bytes.
    #[must_use]
    pub fn sign(payload_type: &str, payload: &[u8], key: &AttestationKey) -> Self {
        let sig = STANDARD.encode(key.sign(&pae(payload_type, payload)));
        Self {
            payload: STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![Signature { keyid: key.id(), sig }],
        }
    }
}

/// What is signed: `DSSEv1`, then each of the two after its length in bytes.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
