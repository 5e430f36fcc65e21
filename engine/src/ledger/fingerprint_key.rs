//! The file of the key for fingerprints, beside the ledger whose records they stand in.
//!
//! It is a key of its own: the ledger's key signs checkpoints and is used for nothing else.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

use super::files;
use crate::secret::fingerprint::FingerprintKey;

/// What its name ends with, after the ledger's.
pub const SUFFIX: &str = ".fingerprint_key";
/// Sixty-four hex digits and a line's end; more is not read.
const AT_MOST: usize = 256;

/// Why the key of fingerprints cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Others than its owner can read or write it.
    #[error(
        "fingerprint key `{path}` has mode {mode:04o}, so others than its owner can use it; run `chmod 600 {path}`"
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is there and is no such key.
    #[error("fingerprint key `{path}` is not 64 hex digits")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// It could not be read or written.
    #[error("fingerprint key `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The key beside a ledger; none if there is none.
///
/// # Errors
/// When it cannot be read, is open to others than its owner, or is no key.
pub fn load(ledger: &Path) -> Result<Option<FingerprintKey>, Error> {
    let path = files::beside(ledger, SUFFIX);
    let failed = |source| Error::Io { path: path.clone(), source };
    let Some(bytes) = files::read(&path, AT_MOST).map_err(failed)?.map(Zeroizing::new) else { return Ok(None) };
    let mode = std::fs::metadata(&path).map_err(failed)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::OpenToOthers { path, mode });
    }
    let mut key = Zeroizing::new([0_u8; 32]);
    match hex::decode_to_slice(bytes.trim_ascii(), &mut *key) {
        Ok(()) => Ok(Some(FingerprintKey::new(*key))),
        Err(_) => Err(Error::NotAKey { path }),
    }
}

/// The key beside a ledger, made of these random bytes if there is none: mode 0600, synced.
///
/// # Errors
/// As [`load`], or when it cannot be written.
pub fn load_or_make(ledger: &Path, random: &[u8; 32]) -> Result<FingerprintKey, Error> {
    if let Some(key) = load(ledger)? {
        return Ok(key);
    }
    let path = files::beside(ledger, SUFFIX);
    let failed = |source| Error::Io { path: path.clone(), source };
    // Under a name of its own until it is whole: nobody reads half a key.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let unfinished = files::beside(ledger, &format!("{SUFFIX}.{}-{number}", std::process::id()));
    let made = write_new(&unfinished, random).and_then(|()| std::fs::hard_link(&unfinished, &path));
    // It has its name by now, or was not made; the second name is of no use.
    let _ = std::fs::remove_file(&unfinished);
    match made {
        Ok(()) => files::sync_folder(files::folder_of(&path)).map_err(failed)?,
        // Somebody else made it just now; it is as good.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    load(ledger)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}

fn write_new(path: &Path, key: &[u8; 32]) -> io::Result<()> {
    let text = Zeroizing::new(format!("{}\n", hex::encode(key)));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::{Error, load, load_or_make};

    #[test]
    fn it_is_made_once_and_is_nobodys_but_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.db");
        assert!(load(&ledger).unwrap().is_none());
        let made = load_or_make(&ledger, &[7; 32]).unwrap();
        assert_eq!(load_or_make(&ledger, &[8; 32]).unwrap().id(), made.id());
        assert_eq!(load(&ledger).unwrap().unwrap().id(), made.id());
        let path = folder.path().join("ledger.db.fingerprint_key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(load(&ledger), Err(Error::OpenToOthers { mode: 0o640, .. })));
    }

    #[test]
    fn several_at_one_moment_make_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.db");
        let ids: Vec<String> = std::thread::scope(|scope| {
            let one = |at: u8| load_or_make(&ledger, &[at; 32]).unwrap().id().to_owned();
            let threads: Vec<_> = (0..8_u8).map(|at| scope.spawn(move || one(at))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let kept = load(&ledger).unwrap().unwrap();
        assert!(ids.iter().all(|id| id == kept.id()), "{ids:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.db");
        load_or_make(&ledger, &[7; 32]).unwrap();
        let path = folder.path().join("ledger.db.fingerprint_key");
        for text in ["", "07", &"0".repeat(66), &"x".repeat(64)] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(load(&ledger), Err(Error::NotAKey { .. })), "{text}");
        }
        std::fs::write(&path, "0".repeat(1000)).unwrap();
        assert!(matches!(load(&ledger), Err(Error::Io { .. })));
    }
}
