//! The keys of those who act: OpenSSH's Ed25519 keys, private ones in their files and public ones as lines.
//!
//! How they sign is `sshsig`; who may do what is not here.

use std::path::Path;

use ed25519_dalek::SigningKey;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, LineEnding};

use super::key_file::{self, Error};

/// Why a line is no such public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key as OpenSSH writes it: expected `ssh-ed25519 AAAA… comment`")]
pub struct NotAPublicKey;

/// The public key of somebody who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorPublic {
    public: [u8; 32],
}

impl ActorPublic {
    /// Reads a line like `ssh-ed25519 AAAA… comment`; the comment is passed over.
    ///
    /// # Errors
    /// When it is malformed, or of another algorithm.
    pub fn parse(line: &str) -> Result<Self, NotAPublicKey> {
        let key = ssh_key::PublicKey::from_openssh(line).map_err(|_| NotAPublicKey)?;
        let public = key.key_data().ed25519().ok_or(NotAPublicKey)?.0;
        Ok(Self { public })
    }

    /// That of these 32 bytes.
    #[must_use]
    pub fn new(public: [u8; 32]) -> Self {
        Self { public }
    }

    /// The 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.public
    }

    /// The line, without a comment.
    #[must_use]
    pub fn to_line(&self) -> String {
        self.key().to_openssh().expect("an Ed25519 key without a comment has a line")
    }

    /// As `ssh-keygen -l` shows it: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.key().fingerprint(HashAlg::Sha256).to_string()
    }

    fn key(&self) -> ssh_key::PublicKey {
        ssh_key::PublicKey::from(KeyData::Ed25519(ssh_key::public::Ed25519PublicKey(self.public)))
    }
}

/// The private key of somebody who acts. Its bytes are zeroed when it is dropped, and it cannot be printed.
pub struct ActorKey(SigningKey);

impl std::fmt::Debug for ActorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ActorKey(***)")
    }
}

impl ActorKey {
    /// The key that has these 32 random bytes as its seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads a key file; `passphrase` is asked only if it is encrypted.
    ///
    /// # Errors
    /// When it cannot be read or decrypted, is open to others than its owner, or holds no such key.
    pub fn load(path: &Path, passphrase: impl FnOnce() -> Option<String>) -> Result<Self, Error> {
        key_file::load(path, passphrase).map(Self)
    }

    /// Writes the key, not encrypted, to a file that must not be there yet, as OpenSSH does: mode 0600, synced.
    /// `ssh-keygen -p` encrypts it.
    ///
    /// # Errors
    /// When there is such a file, or it cannot be written; then there is none.
    pub fn write_new(&self, path: &Path, comment: &str) -> Result<(), Error> {
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(self.0.as_bytes()));
        let text = ssh_key::PrivateKey::new(pair, comment).and_then(|key| key.to_openssh(LineEnding::LF));
        key_file::write_new(path, &text.expect("an Ed25519 key that is not encrypted has a text"))
    }

    pub(super) fn signing(&self) -> &SigningKey {
        &self.0
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> ActorPublic {
        ActorPublic::new(self.0.verifying_key().to_bytes())
    }
}
