//! The inbox: what others ask of the process that holds a ledger, one file a request, in `<ledger>.inbox/`.
//!
//! A request is durable before its sender is told so. It stays until the writer has made what it says durable in the
//! ledger, so a crash between the two leaves it to be taken again: whoever takes one must bear seeing it twice. What a
//! request may do is decided by who takes it; nothing here is believed.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::files;
use crate::id::RunId;
use crate::time::Timestamp;

/// The longest request that is read, in bytes.
pub const MAX_FILE: usize = 64 << 10;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The run it is about.
    pub run: RunId,
    /// Who says it asks; believed only where a signature shows it.
    pub actor: String,
    /// When it was written, by the sender's clock.
    pub at: Timestamp,
    /// What.
    pub wish: Wish,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wish {
    /// Takes note of a consent or a refusal: the signed document to the byte, and its armoured SSHSIG.
    Approval {
        /// The document, RFC 8785 JSON.
        document: String,
        /// Its signature; none where it is unsigned.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        signature: Option<String>,
    },
    /// Ends the run after what is under way.
    Cancel {
        /// Why.
        reason: String,
    },
    /// Takes a named lock from the run.
    BreakLock {
        /// The lock.
        lock: String,
        /// Why.
        reason: String,
    },
}

/// A request that lies in the inbox.
#[derive(Debug)]
pub struct Waiting {
    /// Its file.
    pub path: PathBuf,
    /// What it says, or what is wrong with the file.
    pub request: Result<Request, String>,
}

/// Where the inbox of a ledger is; there need not be one.
#[must_use]
pub fn path_of(ledger: &Path) -> PathBuf {
    files::beside(ledger, ".inbox")
}

/// Leaves a request, durably, under a name that is new and sorts by its time.
///
/// # Errors
/// When it could not be written; then it is not there.
pub fn post(ledger: &Path, request: &Request) -> Result<PathBuf, Error> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let folder = path_of(ledger);
    let (process, number) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = folder.join(format!("{:020}-{process}-{number:010}.json", request.at.microseconds()));
    let written = (|| -> io::Result<()> {
        if !folder.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            files::sync_folder(files::folder_of(&folder))?;
        }
        let bytes = serde_json::to_vec(request)?;
        if bytes.len() > MAX_FILE {
            return Err(io::Error::other(format!("the request is longer than {MAX_FILE} bytes")));
        }
        // Under its name only when it is whole: the holder reads at any moment.
        let draft = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        let whole = file.write_all(&bytes).and_then(|()| file.sync_all()).and_then(|()| {
            std::fs::hard_link(&draft, &path) // fails where the name is taken, as a rename would not
        });
        let removed = std::fs::remove_file(&draft);
        whole.and(removed)?;
        files::sync_folder(&folder)
    })();
    written.map_err(|source| Error::File { path: path.clone(), source })?;
    Ok(path)
}

/// What lies in the inbox, oldest first. A file that is no request is told, never dropped in silence.
///
/// # Errors
/// When the folder cannot be read.
pub fn waiting(ledger: &Path) -> Result<Vec<Waiting>, Error> {
    let folder = path_of(ledger);
    let listed = match std::fs::read_dir(&folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::File { path: folder, source }),
    };
    let mut paths = Vec::new();
    for entry in listed {
        let path = entry.map_err(|source| Error::File { path: folder.clone(), source })?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths.into_iter().map(|path| Waiting { request: read(&path), path }).collect())
}

fn read(path: &Path) -> Result<Request, String> {
    let bytes = files::read(path, MAX_FILE).map_err(|error| error.to_string())?.ok_or("it is gone")?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

/// Takes a request out of the inbox, once what it says is durable or was refused for good.
///
/// # Errors
/// When it could not be removed; it will be seen again.
pub fn take_out(waiting: &Waiting) -> Result<(), Error> {
    let removed = match std::fs::remove_file(&waiting.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    let synced = removed.and_then(|()| files::sync_folder(files::folder_of(&waiting.path)));
    synced.map_err(|source| Error::File { path: waiting.path.clone(), source })
}
