//! The files beside a ledger: their names, and how they are written so that a crash leaves the old or the new.
//!
//! Never the ledger's own file: closing any descriptor of it would drop the locks that SQLite holds.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The path of what stands beside a ledger, like `ledger.db.checkpoints`.
pub(super) fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder a path is in; `.` for a bare name.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder and its parents durable names.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(path)?;
    sync_folder(folder_of(path))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes a file whole: a temporary one beside it, synced, renamed, the folder synced. Replaces what was there.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let folder = folder_of(path);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".new-{}-{number}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // The write has failed already, and a temporary file that stays harms nobody.
        let _ = std::fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_folder(folder))
}

/// Asks the disk itself why a write failed, by writing a little beside a ledger, as far into a file as its own reach.
///
/// SQLite says `disk I/O error` of a full disk too, where a sync, a truncation or a limit on the size of files is what
/// said so.
pub(super) fn try_to_write_beside(ledger: &Path) -> io::Result<()> {
    let length = |suffix| std::fs::metadata(beside(ledger, suffix)).map_or(0, |metadata| metadata.len());
    let path = folder_of(ledger).join(format!(".try-{}", std::process::id()));
    let tried = (|| {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        file.write_all_at(&[b'x'; 64 * 1024], length("").max(length("-wal")))?;
        file.sync_all()
    })();
    // Where it cannot be removed, it could not be made either, or is in nobody's way.
    let _ = std::fs::remove_file(&path);
    tried
}

/// So that opening a pipe which nobody writes to does not wait for ever.
pub(super) const O_NONBLOCK: i32 = 0o4000;

/// Opens a regular file to read it. A pipe or device that somebody put beside a ledger would be read without end.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
}

/// Reads a file up to a size; none where there is no such file.
///
/// A longer one is an error, so that nobody is made to read without end.
pub(super) fn read(path: &Path, at_most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Most files are small, and there may be thousands: one of that size is read in one go.
    let mut bytes = Vec::with_capacity(512.min(at_most + 1));
    file.take(at_most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > at_most {
        return Err(io::Error::other(format!("longer than {at_most} bytes")));
    }
    Ok(Some(bytes))
}
