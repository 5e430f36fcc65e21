//! Files with private keys: who may read them, and the two forms in which they hold an Ed25519 key.
//!
//! PKCS#8 in PEM, as OpenSSL writes it, and OpenSSH's own. What a key is for is said by whoever loads it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use zeroize::Zeroizing;

/// A key file is some hundred bytes; more is not read.
const MAX_FILE: u64 = 16 * 1024;
/// Linux's number of the flag.
const O_NONBLOCK: i32 = 0o4000;

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
    #[error("key file `{path}` is no Ed25519 private key in PKCS#8 PEM or in OpenSSH's form")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// It is there and is no such key.
    #[error("key file `{path}` is no ECDSA private key over P-256 in PKCS#8 PEM")]
    NotP256 {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read without its passphrase.
    #[error("key file `{path}` is encrypted, and its passphrase was not given")]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is another.
    #[error("key file `{path}` cannot be decrypted with that passphrase")]
    WrongPassphrase {
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

/// Reads a private key. `passphrase` is asked only if the file is encrypted.
pub(super) fn load(path: &Path, passphrase: impl FnOnce() -> Option<String>) -> Result<SigningKey, Error> {
    let text = read_private(path)?;
    let not_a_key = || Error::NotAKey { path: path.to_owned() };
    if !text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
        return SigningKey::from_pkcs8_pem(&text).map_err(|_| not_a_key());
    }
    let mut key = ssh_key::PrivateKey::from_openssh(text.as_bytes()).map_err(|_| not_a_key())?;
    if key.is_encrypted() {
        let passphrase = passphrase().ok_or_else(|| Error::Encrypted { path: path.to_owned() })?;
        let passphrase = Zeroizing::new(passphrase);
        key = key.decrypt(passphrase.as_bytes()).map_err(|_| Error::WrongPassphrase { path: path.to_owned() })?;
    }
    let pair = key.key_data().ed25519().ok_or_else(not_a_key)?;
    let signing = SigningKey::from_bytes(&Zeroizing::new(pair.private.to_bytes()));
    // A file whose public half is another's would have us show one key and sign with the other.
    if signing.verifying_key().to_bytes() != pair.public.0 {
        return Err(not_a_key());
    }
    Ok(signing)
}

/// The text of a file that nobody but its owner can use.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<String>, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    // So that opening a pipe which nobody writes to does not wait for ever.
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path).map_err(io)?;
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
        Ok(_) => Ok(text),
        Err(found) if found.kind() == ErrorKind::InvalidData => Err(Error::NotAKey { path: path.to_owned() }),
        Err(source) => Err(io(source)),
    }
}

/// Writes a private key to a file that must not be there yet: mode 0600, synced.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(found) if found.kind() == ErrorKind::AlreadyExists => {
            return Err(Error::Exists { path: path.to_owned() });
        }
        Err(source) => return Err(io(source)),
    };
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let synced = written.and_then(|()| File::open(folder_of(path))?.sync_all());
    synced.map_err(|source| {
        // The write has failed already; a key cut short is worth less than no file.
        let _ = std::fs::remove_file(path);
        io(source)
    })
}

/// The folder a path is in; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
