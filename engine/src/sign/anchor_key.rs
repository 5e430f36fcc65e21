//! The key that signs what a transparency log is told: ECDSA over P-256, which every such log takes.
//!
//! Owner of p256. Used for nothing else.

use std::path::Path;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};

use super::key_file::{self, Error};

/// A private key. It cannot be printed.
pub struct AnchorKey(SigningKey);

impl std::fmt::Debug for AnchorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnchorKey(***)")
    }
}

impl AnchorKey {
    /// Reads a key file: PKCS#8 in PEM, as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` writes it.
    ///
    /// # Errors
    /// When it cannot be read, is open to others than its owner, or holds no such key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = key_file::read_private(path)?;
        SigningKey::from_pkcs8_pem(&text).map(Self).map_err(|_| Error::NotP256 { path: path.to_owned() })
    }

    /// The public key as X.509 has it, in DER.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        let der = self.0.verifying_key().to_public_key_der();
        der.map(|der| der.as_bytes().to_vec()).unwrap_or_default()
    }

    /// Signs bytes, over their SHA-256; in DER. Takes no chance (RFC 6979): the same bytes have the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: DerSignature = self.0.sign(message);
        signature.as_bytes().to_vec()
    }
}

/// Whether a signature in DER is that key's over the SHA-256 of these bytes; the key as X.509 has it, in DER.
#[must_use]
pub fn verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_public_key_der(public), DerSignature::try_from(signature))
    else {
        return false;
    };
    key.verify(message, &signature).is_ok()
}
