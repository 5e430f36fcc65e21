//! Signatures: the ledger's Ed25519 key, the keys of those who act, what these sign, and whether a signature is right.
//!
//! Owner of ed25519-dalek, p256 and ssh-key. One key, one role: they are types that do not become each other. Random bytes are arguments, so nothing here depends on chance.

use ed25519_dalek::{Signature, VerifyingKey};

pub mod actor_key;
pub mod agent;
pub mod anchor_key;
pub mod attestation_key;
pub mod dsse;
pub mod key_file;
pub mod ledger_key;
pub mod service_key;
pub mod sshsig;

#[cfg(test)]
mod tests;

/// Whether a signature is that key's over these bytes: RFC 8032, without its loopholes (small-order keys, several
/// signatures for one message).
#[must_use]
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}
