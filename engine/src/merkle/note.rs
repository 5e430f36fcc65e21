//! Signed notes (C2SP signed-note): a text, and lines that say who signed it.
//!
//! Reads and writes them, and names keys. Whether a signature is right is asked of `sign`, by whoever has the keys.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The most that is read as a note, in bytes.
pub const MAX_NOTE: usize = 1 << 20;

/// The most signatures that are read.
const MAX_SIGNATURES: usize = 100;

/// The signature type of Ed25519 in a key and its id.
const ED25519: u8 = 1;

/// Why a text is no signed note, or no verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Note(&'static str),
    /// Not a verifier key.
    #[error("not a verifier key: {0}; expected `name+keyid+base64`")]
    Key(&'static str),
}

/// The public half of a signer, as it is handed out: `name+<8 hex>+base64(0x01 ‖ 32 bytes)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    /// Not empty, without white space and `+`.
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// A key of that name.
    ///
    /// # Errors
    /// When the name cannot stand in a note.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, Error> {
        if !is_name(name) {
            return Err(Error::Key("the name is empty or has white space or `+`"));
        }
        Ok(Self { name: name.to_owned(), public })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When it is malformed, of another algorithm, or its key id is not that of name and key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_as(ED25519, "the algorithm is not Ed25519", text)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The key id: the first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id_as(ED25519)
    }

    /// Reads the text form of a key of this signature type.
    pub(super) fn parse_as(kind: u8, other_kind: &'static str, text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Key("two `+` are missing"));
        };
        let data = STANDARD.decode(data).map_err(|_| Error::Key("the last part is not base64"))?;
        let public = match data.split_first() {
            Some((found, public)) if *found == kind => public,
            _ => return Err(Error::Key(other_kind)),
        };
        let public = public.try_into().map_err(|_| Error::Key("the key has not 32 bytes"))?;
        let key = Self::new(name, public)?;
        if hex::encode(key.id_as(kind)) != id {
            return Err(Error::Key("the key id does not fit name and key"));
        }
        Ok(key)
    }

    /// The key id as a key of this signature type.
    pub(super) fn id_as(&self, kind: u8) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', kind])
            .chain_update(self.public)
            .finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// The text form as a key of this signature type.
    pub(super) fn fmt_as(&self, kind: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = STANDARD.encode([&[kind], self.public.as_slice()].concat());
        write!(f, "{}+{}+{data}", self.name, hex::encode(self.id_as(kind)))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as(ED25519, f)
    }
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who signed.
    pub name: String,
    /// Which key: the first four bytes, see [`VerifierKey::id`].
    pub key_id: [u8; 4],
    /// What follows the key id; 64 bytes for Ed25519.
    pub bytes: Vec<u8>,
}

/// A text with signatures. Signatures of unknown keys are kept: they are somebody else's to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed; ends with a newline and has no other control characters.
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// A note that nobody has signed yet.
    ///
    /// # Errors
    /// When the text does not end with a newline, or has control characters.
    pub fn new(text: String) -> Result<Self, Error> {
        if !text.ends_with('\n') {
            return Err(Error::Note("the text does not end with a newline"));
        }
        if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(Error::Note("the text has control characters"));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note with at least one signature line.
    ///
    /// # Errors
    /// When it is too long, not UTF-8, or not in the form of a signed note.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_NOTE {
            return Err(Error::Note("it is longer than 1 MiB"));
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| Error::Note("it is not UTF-8"))?;
        let split = whole.rfind("\n\n").ok_or(Error::Note("no blank line before the signatures"))?;
        let mut note = Self::new(whole[..=split].to_owned())?;
        let lines = whole[split + 2..].strip_suffix('\n').ok_or(Error::Note("the last line is cut"))?;
        for line in lines.split('\n') {
            if note.signatures.len() == MAX_SIGNATURES {
                return Err(Error::Note("it has more than 100 signatures"));
            }
            note.signatures.push(signature_line(line)?);
        }
        Ok(note)
    }

    /// What is signed, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds the signature that a key made over [`Self::text`].
    pub fn add(&mut self, by: &VerifierKey, signature: [u8; 64]) {
        self.signatures.push(Signature { name: by.name.clone(), key_id: by.id(), bytes: signature.to_vec() });
    }

    /// Adds a line that somebody else made over [`Self::text`]; one that is here already is not added again.
    pub fn add_line(&mut self, line: Signature) {
        if !self.signatures.contains(&line) {
            self.signatures.push(line);
        }
    }

    /// Adds the signatures of another note over the same text, but for those that are here already. Over another text
    /// they would be nobody's, and are not added.
    pub fn add_all(&mut self, other: &Self) {
        if other.text == self.text {
            other.signatures.iter().cloned().for_each(|line| self.add_line(line));
        }
    }

    /// Drops the lines that are not wanted.
    pub fn retain(&mut self, wanted: impl FnMut(&Signature) -> bool) {
        self.signatures.retain(wanted);
    }

    /// The signatures that claim to be of this key, in the length of Ed25519; `sign::verify` says whether they are.
    pub fn claimed_by(&self, key: &VerifierKey) -> impl Iterator<Item = [u8; 64]> {
        let id = key.id();
        self.signatures
            .iter()
            .filter(move |line| line.key_id == id && line.name == key.name)
            .filter_map(|line| line.bytes.as_slice().try_into().ok())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            let data = STANDARD.encode([line.key_id.as_slice(), &line.bytes].concat());
            writeln!(f, "— {} {data}", line.name)?;
        }
        Ok(())
    }
}

/// Reads signature lines that stand alone, as a witness sends them.
///
/// # Errors
/// When there is none, one is malformed, or there are too many.
pub fn signature_lines(bytes: &[u8]) -> Result<Vec<Signature>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::Note("it is not UTF-8"))?;
    let lines = text.strip_suffix('\n').ok_or(Error::Note("the last line is cut"))?;
    if lines.split('\n').count() > MAX_SIGNATURES {
        return Err(Error::Note("it has more than 100 signatures"));
    }
    lines.split('\n').map(signature_line).collect()
}

fn signature_line(line: &str) -> Result<Signature, Error> {
    let wrong = || Error::Note("a signature line is not `— name base64`");
    let (name, data) = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or_else(wrong)?;
    let data = STANDARD.decode(data).map_err(|_| wrong())?;
    match data.split_first_chunk::<4>() {
        Some((key_id, bytes)) if is_name(name) && !bytes.is_empty() => {
            Ok(Signature { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
        }
        _ => Err(wrong()),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}
