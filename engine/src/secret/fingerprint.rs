//! Keyed fingerprints: whether two values are the same can be shown later, and the value cannot be guessed from one.
//!
//! HMAC-SHA-256 (RFC 2104), cut to 128 bits. Where the key is kept is the ledger's affair.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::Secret;

const BLOCK: usize = 64;
/// How many bytes of a tag are shown.
const SHOWN: usize = 16;
/// How many bytes of a key's id are shown.
const OF_ID: usize = 4;

/// `hmac:<key id>:<tag>`: equal for equal values, under one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of fingerprints. Its bytes are zeroed when it is dropped, and it cannot be printed.
pub struct FingerprintKey {
    key: Zeroizing<[u8; 32]>,
    id: String,
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FingerprintKey({})", self.id)
    }
}

impl FingerprintKey {
    /// The key that has these random bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        let key = Zeroizing::new(key);
        let id = hex::encode(&hmac(&*key, &[b"runwarden fingerprint key id"])[..OF_ID]);
        Self { key, id }
    }

    /// Its id: eight hex digits that say nothing of the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The fingerprint of a value.
    #[must_use]
    pub fn of(&self, secret: &Secret) -> Fingerprint {
        let tag = hmac(&*self.key, &[b"runwarden secret\0", secret.expose()]);
        Fingerprint(format!("hmac:{}:{}", self.id, hex::encode(&tag[..SHOWN])))
    }
}

/// HMAC-SHA-256 of the parts, one after the other.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = Zeroizing::new([0_u8; BLOCK]);
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| Zeroizing::new(block.map(|byte| byte ^ with));
    let mut inner = Sha256::new();
    inner.update(*pad(0x36));
    parts.iter().for_each(|part| inner.update(part));
    let mut inner: [u8; 32] = inner.finalize().into();
    let mut outer = Sha256::new();
    outer.update(*pad(0x5c));
    outer.update(inner);
    inner.zeroize();
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, FingerprintKey, hmac};
    use crate::secret::Secret;

    #[track_caller]
    fn rfc_4231(key: &[u8], data: &[u8], expected: &str) {
        assert_eq!(hex::encode(hmac(key, &[data])), expected);
    }

    #[test]
    fn it_is_the_hmac_of_rfc_4231() {
        rfc_4231(&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        rfc_4231(
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        rfc_4231(
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        );
        assert_eq!(hmac(&[0; BLOCK], &[b"a", b"b"]), hmac(&[0; BLOCK], &[b"ab"]));
    }

    #[test]
    fn equal_values_have_equal_fingerprints_under_one_key_alone() {
        let (key, other) = (FingerprintKey::new([1; 32]), FingerprintKey::new([2; 32]));
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let first = key.of(&secret("correct horse"));
        assert_eq!(first, key.of(&secret("correct horse")));
        assert_ne!(first, key.of(&secret("correct horsf")));
        assert_ne!(first, other.of(&secret("correct horse")));
        assert!(first.as_str().starts_with(&format!("hmac:{}:", key.id())), "{first}");
        assert_eq!(first.as_str().len(), "hmac:".len() + 8 + 1 + 32);
    }
}
