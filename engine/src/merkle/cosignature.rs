//! Cosignatures (C2SP tlog-cosignature, `cosignature/v1`): a witness says that at a time this was the newest checkpoint
//! it had seen of a log, and that it followed from all it had seen before.
//!
//! Names their keys, reads and spells their lines, and says what is signed. Whether a signature is right is asked
//! elsewhere.

use std::fmt;

use super::note::{Error, Note, Signature, VerifierKey};

/// The signature type of a timestamped Ed25519 cosignature in a key and its id.
const COSIGNATURE: u8 = 4;

/// The public half of a witness, as it is handed out: `name+<8 hex>+base64(0x04 ‖ 32 bytes)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WitnessKey {
    /// The rules of its name are those of a verifier key.
    named: VerifierKey,
}

impl WitnessKey {
    /// A key of that name.
    ///
    /// # Errors
    /// When the name cannot stand in a note.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, Error> {
        VerifierKey::new(name, public).map(|named| Self { named })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When it is malformed, of another algorithm, or its key id is not that of name and key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let other = "the algorithm is not that of a witness (type 4)";
        VerifierKey::parse_as(COSIGNATURE, other, text).map(|named| Self { named })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.named.name()
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        self.named.public()
    }

    /// The key id: the first four bytes of SHA-256(name ‖ 0x0A ‖ 0x04 ‖ key).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.named.id_as(COSIGNATURE)
    }

    /// The cosignatures of a note that claim to be of this witness.
    pub fn claimed_in(&self, note: &Note) -> impl Iterator<Item = Cosignature> {
        note.signatures().iter().filter_map(|line| self.claimed(line))
    }

    /// The cosignature that a line claims to be, if it claims to be of this witness.
    #[must_use]
    pub fn claimed(&self, line: &Signature) -> Option<Cosignature> {
        if line.key_id != self.id() || line.name != self.name() {
            return None;
        }
        let (time, signature) = line.bytes.split_first_chunk::<8>()?;
        Some(Cosignature { time: u64::from_be_bytes(*time), signature: signature.try_into().ok()? })
    }

    /// The line that a cosignature of this witness stands in.
    #[must_use]
    pub fn line(&self, cosignature: &Cosignature) -> Signature {
        let bytes = [cosignature.time.to_be_bytes().as_slice(), &cosignature.signature].concat();
        Signature { name: self.name().to_owned(), key_id: self.id(), bytes }
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.named.fmt_as(COSIGNATURE, f)
    }
}

/// What a witness adds to a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// When it was made, in seconds since 1970.
    pub time: u64,
    /// Ed25519, over [`message`].
    pub signature: [u8; 64],
}

/// What a witness signs: its time, and the checkpoint's text.
#[must_use]
pub fn message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}
