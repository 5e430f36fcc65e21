//! The key that signs attestations of runs for readers of in-toto, and nothing else.
//!
//! Ed25519 in PKCS#8 and PEM, as the ledger's key is kept, but a type of its own: a ledger's key signs no attestation.

use std::path::Path;

use super::key_file::Error;
use super::ledger_key::LedgerKey;

/// A private key for attestations. Its bytes are zeroed when it is dropped, and it cannot be printed.
pub struct AttestationKey(LedgerKey);

impl std::fmt::Debug for AttestationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AttestationKey(***)")
    }
}

impl AttestationKey {
    /// The key that has these 32 random bytes as its seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(LedgerKey::from_seed(seed))
    }

    /// Reads a key file: PKCS#8 in PEM, or OpenSSH's form, not encrypted.
    ///
    /// # Errors
    /// When it cannot be read, is open to others than its owner, or holds no such key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        LedgerKey::load(path).map(Self)
    }

    /// Writes the key to a file that must not be there yet: PKCS#8 in PEM, mode 0600, synced.
    ///
    /// # Errors
    /// When there is such a file, or it cannot be written; then there is none.
    pub fn write_new(&self, path: &Path) -> Result<(), Error> {
        self.0.write_new(path)
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.public()
    }

    /// How readers of DSSE name it: as securesystemslib does, SHA-256 in hex over the key in its JSON form.
    #[must_use]
    pub fn id(&self) -> String {
        let public = hex::encode(self.public());
        let key = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}"#);
        crate::id::Digest::of(key.as_bytes()).hex().to_owned()
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}
