//! The key that signs a ledger's checkpoints, and the file it is kept in.
//!
//! PKCS#8 version 1 in PEM, which every OpenSSL reads. The key is used for nothing else; rotation is not here.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

/// PKCS#8 version 1 of an Ed25519 key, up to the seed (RFC 8410 section 7).
const PKCS8_V1: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// A key file is some hundred bytes; more is not read.
const MAX_FILE: u64 = 16 * 1024;

/// Why a key file could not be written or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Others than its owner can read or write it.
    #[error("key file `{path}` has mode {mode:04o}, so others than its owner can use it; run `chmod 600 {path}`")]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is a file already; a key is never overwritten.
    #[error("key file `{path}` exists already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It is there and is no such key.
    #[error("key file `{path}` is no Ed25519 private key in PKCS#8 PEM")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// It could not be read or written.
    #[error("key file `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

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

    /// Reads a key file.
    ///
    /// # Errors
    /// When it cannot be read, is open to others than its owner, or holds no such key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(Error::NotAKey { path: path.to_owned() });
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(Error::OpenToOthers { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::with_capacity(metadata.len().min(MAX_FILE) as usize + 1));
        match file.take(MAX_FILE).read_to_string(&mut text) {
            Ok(_) => {}
            Err(found) if found.kind() == ErrorKind::InvalidData => {
                return Err(Error::NotAKey { path: path.to_owned() });
            }
            Err(source) => return Err(io(source)),
        }
        let key = SigningKey::from_pkcs8_pem(&text).map_err(|_| Error::NotAKey { path: path.to_owned() })?;
        Ok(Self(key))
    }

    /// Writes the key to a file that must not be there yet: mode 0600, synced.
    ///
    /// # Errors
    /// When there is such a file, or it cannot be written; then there is none.
    pub fn write_new(&self, path: &Path) -> Result<(), Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => file,
            Err(found) if found.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::Exists { path: path.to_owned() });
            }
            Err(source) => return Err(io(source)),
        };
        let written = file.write_all(self.to_pem().as_bytes()).and_then(|()| file.sync_all());
        let synced = written.and_then(|()| File::open(folder_of(path))?.sync_all());
        synced.map_err(|source| {
            // The write has failed already; a key cut short is worth less than no file.
            let _ = std::fs::remove_file(path);
            io(source)
        })
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

/// The folder a path is in; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
