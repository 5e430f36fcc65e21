//! A copy of a ledger that can be gone on with: the database in one file, its checkpoints, its content, its latch.
//!
//! Taken from a private copy, which is a state the log was in. The key is not copied: it has a place of its own to be
//! kept in. Nothing is verified.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::reader::Reader;
use super::{files, incident, signed, store};

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// How many entries.
    pub entries: u64,
    /// How many checkpoints.
    pub checkpoints: u64,
    /// How many files of content.
    pub contents: u64,
}

/// Copies a ledger to a path where there is none. The database gets its name last, so a copy cut short is none.
///
/// # Errors
/// When there is something of that name or beside it, or it cannot be read or written.
pub fn back_up(reader: &Reader, to: &Path) -> Result<Backup, Error> {
    let (checkpoints, content) = (signed::folder_of(to), files::beside(to, ".content"));
    for taken in [to.to_owned(), checkpoints.clone(), content.clone(), incident::path_of(to)] {
        if !matches!(taken.try_exists(), Ok(false)) {
            return Err(Error::Exists { path: taken });
        }
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: std::io::Error| Error::not_writable_io(&path, &source)
    };
    let folder = files::folder_of(to);
    files::make_folder(folder).map_err(failed(folder))?;
    let unfinished = files::beside(to, ".creating");
    let entries = store::write_copy(&reader.conn, &unfinished).map_err(|error| {
        // The copy has failed already; what there is of it is of no use.
        let _ = std::fs::remove_file(&unfinished);
        Error::not_writable(to, &error)
    })?;
    let mut copied = Backup { entries, checkpoints: 0, contents: 0 };
    for size in reader.signed_sizes() {
        if let Some(given) = signed::at(reader.path(), *size)? {
            files::make_folder(&checkpoints).map_err(failed(&checkpoints))?;
            let path = checkpoints.join(size.to_string());
            files::write(&path, &given.bytes).map_err(failed(&path))?;
            copied.checkpoints += 1;
        }
    }
    for (digest, path) in reader.content().list()? {
        let place = content.join(&digest[..2]).join(&digest);
        let folder = files::folder_of(&place);
        files::make_folder(folder).map_err(failed(folder))?;
        let copy = std::fs::copy(&path, &place).and_then(|_| std::fs::File::open(&place)?.sync_all());
        copy.map_err(failed(&place))?;
        copied.contents += 1;
    }
    let latch = incident::path_of(reader.path());
    if let Some(bytes) =
        files::read(&latch, incident::MAX_FILE).map_err(|source| Error::File { path: latch, source })?
    {
        let path: PathBuf = incident::path_of(to);
        files::write(&path, &bytes).map_err(failed(&path))?;
    }
    let named = std::fs::File::open(&unfinished)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, to))
        .and_then(|()| files::sync_folder(files::folder_of(to)));
    named.map_err(failed(to))?;
    Ok(copied)
}
