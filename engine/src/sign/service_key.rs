//! Keys with which a system that is looked after signs: plugins, waivers. Read from a store as text, in the forms that
//! such systems keep them in, and never from a file by this module.

use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use ssh_key::LineEnding;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use zeroize::Zeroizing;

use super::ledger_key::LedgerKey;

/// Why bytes are no such key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no Ed25519 private key: PKCS#8 in PEM, OpenSSH's form without a passphrase, or 64 hex digits")]
pub struct NotAServiceKey;

/// How a private key is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// PKCS#8 version 1 in PEM.
    Pem,
    /// OpenSSH's own, without a passphrase.
    Openssh,
    /// The seed as 64 hex digits.
    Hex,
}

/// A private key of a system. Its bytes are zeroed when it is dropped, and it cannot be printed.
pub struct ServiceKey(SigningKey);

impl std::fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceKey(***)")
    }
}

impl ServiceKey {
    /// The key that has these 32 random bytes as its seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads a key in any of its forms; 32 bytes are its seed.
    ///
    /// # Errors
    /// When it is none of them, encrypted, or its public half is another's.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAServiceKey> {
        if let Ok(seed) = <[u8; 32]>::try_from(bytes) {
            return Ok(Self::from_seed(&Zeroizing::new(seed)));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| NotAServiceKey)?.trim();
        if text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
            let key = ssh_key::PrivateKey::from_openssh(text.as_bytes()).map_err(|_| NotAServiceKey)?;
            let pair = key.key_data().ed25519().ok_or(NotAServiceKey)?;
            let signing = SigningKey::from_bytes(&Zeroizing::new(pair.private.to_bytes()));
            return (signing.verifying_key().to_bytes() == pair.public.0)
                .then_some(Self(signing))
                .ok_or(NotAServiceKey);
        }
        if text.starts_with("-----") {
            return SigningKey::from_pkcs8_pem(text).map(Self).map_err(|_| NotAServiceKey);
        }
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, &mut *seed).map_err(|_| NotAServiceKey)?;
        Ok(Self::from_seed(&seed))
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs bytes. Ed25519 takes no chance: the same bytes have the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// The key, written down.
    #[must_use]
    pub fn to_text(&self, form: Form) -> Zeroizing<String> {
        match form {
            Form::Pem => LedgerKey::from_seed(self.0.as_bytes()).to_pem(),
            Form::Openssh => {
                let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(self.0.as_bytes()));
                let text = ssh_key::PrivateKey::new(pair, "").and_then(|key| key.to_openssh(LineEnding::LF));
                text.expect("an Ed25519 key that is not encrypted has a text")
            }
            Form::Hex => Zeroizing::new(hex::encode(self.0.as_bytes())),
        }
    }
}

/// Reads a public key: 64 hex digits that are a point of the curve, none of the few that fit every signature.
#[must_use]
pub fn read_public(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let is_lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
    hex::decode_to_slice(text, &mut bytes).ok().filter(|()| is_lower)?;
    ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak())?;
    Some(bytes)
}
