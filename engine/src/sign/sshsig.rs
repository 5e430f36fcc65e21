//! Signatures of documents: SSHSIG as `ssh-keygen -Y sign` makes it and `ssh-keygen -Y verify` checks it (PROTOCOL.sshsig
//! of OpenSSH). A namespace keeps a signature from being taken for one of another purpose.
//!
//! Ed25519 alone. Whose key it is, and whether that key counts, is not decided here.

use ed25519_dalek::Signer as _;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, LineEnding, Signature, SshSig};

use super::actor_key::{ActorKey, ActorPublic};
use super::verify as verify_raw;

/// What a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// Consents to plans and steps, and refusals of them.
    Approval,
    /// Waivers of guards.
    Waiver,
    /// Documents that say who runs.
    Run,
}

impl Namespace {
    /// As `ssh-keygen -n` takes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "runwarden-approval@v1",
            Self::Waiver => "runwarden-waiver@v1",
            Self::Run => "runwarden-run@v1",
        }
    }
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no such signature.
    #[error("it is no armoured SSH signature of an Ed25519 key")]
    Malformed,
    /// Another key made it.
    #[error("it was made by the key {found}, and not by {expected}")]
    OtherKey {
        /// The fingerprint of the key that made it.
        found: String,
        /// The fingerprint of the key that should have.
        expected: String,
    },
    /// It was made for something else.
    #[error("it was made for `{found}`, and not for `{expected}`")]
    OtherNamespace {
        /// What it was made for.
        found: String,
        /// What it should have been made for.
        expected: &'static str,
    },
    /// It is not over these bytes.
    #[error("it is not over this document, which was changed or never signed")]
    NotOverThis,
}

/// Whether an armoured signature is that key's, for that purpose, over these bytes.
///
/// # Errors
/// When it is not, and why.
pub fn verify(public: &ActorPublic, namespace: Namespace, message: &[u8], armoured: &str) -> Result<(), Error> {
    let parsed = SshSig::from_pem(armoured.trim_end_matches('\n').to_owned() + "\n").map_err(|_| Error::Malformed)?;
    let made_by = parsed.public_key().ed25519().ok_or(Error::Malformed)?.0;
    if made_by != *public.bytes() {
        let (found, expected) = (ActorPublic::new(made_by).fingerprint(), public.fingerprint());
        return Err(Error::OtherKey { found, expected });
    }
    if parsed.namespace() != namespace.as_str() {
        let found = parsed.namespace().chars().filter(|character| !character.is_control()).take(100).collect();
        return Err(Error::OtherNamespace { found, expected: namespace.as_str() });
    }
    let signature: &[u8; 64] = parsed.signature_bytes().try_into().map_err(|_| Error::Malformed)?;
    if parsed.version() != SshSig::VERSION || parsed.algorithm() != Algorithm::Ed25519 || !parsed.reserved().is_empty()
    {
        return Err(Error::Malformed);
    }
    let over = SshSig::signed_data(namespace.as_str(), parsed.hash_alg(), message).map_err(|_| Error::Malformed)?;
    if verify_raw(public.bytes(), &over, signature) { Ok(()) } else { Err(Error::NotOverThis) }
}

/// The key that an armoured signature says it is by, unchecked; none where it is no signature of an Ed25519 key.
#[must_use]
pub fn signer(armoured: &str) -> Option<ActorPublic> {
    let parsed = SshSig::from_pem(armoured.trim_end_matches('\n').to_owned() + "\n").ok()?;
    parsed.public_key().ed25519().map(|key| ActorPublic::new(key.0))
}

/// The bytes that a key signs for a message.
pub(super) fn to_sign(namespace: Namespace, message: &[u8]) -> Vec<u8> {
    SshSig::signed_data(namespace.as_str(), HashAlg::Sha512, message).expect("the namespaces are not empty")
}

/// The armour of a raw signature over [`to_sign`].
pub(super) fn armour(public: &ActorPublic, namespace: Namespace, signature: &[u8; 64]) -> String {
    let key = KeyData::Ed25519(ssh_key::public::Ed25519PublicKey(*public.bytes()));
    let armoured = Signature::new(Algorithm::Ed25519, signature.as_slice())
        .and_then(|signature| SshSig::new(key, namespace.as_str(), HashAlg::Sha512, signature))
        .and_then(|signature| signature.to_pem(LineEnding::LF));
    armoured.expect("64 bytes are an Ed25519 signature, and the namespaces are not empty")
}

impl ActorKey {
    /// Signs a document. Ed25519 takes no chance: the same document has the same signature.
    #[must_use]
    pub fn sign(&self, namespace: Namespace, message: &[u8]) -> String {
        armour(&self.public(), namespace, &self.signing().sign(&to_sign(namespace, message)).to_bytes())
    }
}
