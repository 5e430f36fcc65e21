//! The key that signs a ledger's checkpoints, and the file it is kept in.
//!
//! PKCS#8 version 1 in PEM, which every OpenSSL reads. The key is used for nothing else; rotation is not here.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use super::key_file::{self, Error};

/// PKCS#8 version 1 of an Ed25519 key, up to the seed (RFC 8410 section 7).
const PKCS8_V1: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// The private key of a ledger. Its bytes are zeroed when it is dropped, and it cannot be printed.
pub struct LedgerKey(SigningKey);

impl std::fmt::Debug for LedgerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LedgerKey(***)")
    }
}

impl LedgerKey {
    /// The key that has these 32 random bytes as its seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The same key once more, for whoever gives a ledger up and opens it again.
    #[must_use]
    pub(crate) fn again(&self) -> Self {
        Self(self.0.clone())
    }

    /// Reads a key file: PKCS#8 in PEM, or OpenSSH's form. It must not be encrypted, for a ledger is written unattended.
    ///
    /// # Errors
    /// When it cannot be read, is open to others than its owner, or holds no such key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        key_file::load(path, || None).map(Self)
    }

    /// Writes the key to a file that must not be there yet: PKCS#8 in PEM, mode 0600, synced.
    ///
    /// # Errors
    /// When there is such a file, or it cannot be written; then there is none.
    pub fn write_new(&self, path: &Path) -> Result<(), Error> {
        key_file::write_new(path, &self.to_pem())
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

    /// The key in PKCS#8 version 1, PEM.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let der = Zeroizing::new([PKCS8_V1.as_slice(), self.0.as_bytes()].concat());
        let mut body = Zeroizing::new([0; 64]);
        let length = STANDARD.encode_slice(&*der, &mut *body).expect("48 bytes are 64 digits of base64");
        let text = std::str::from_utf8(&body[..length]).expect("base64 is ASCII");
        Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
    }
}
