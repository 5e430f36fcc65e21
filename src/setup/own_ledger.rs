//! The workspace's own ledger and its key: both there, or neither, or an alarm.

use std::fs::File;
use std::path::{Path, PathBuf};

use engine::host::machine::Machine;
use engine::host::{Host as _, Probe as _, Scratch};
use engine::ledger::Ledger;
use engine::ledger::reader::Reader;
use engine::sign::ledger_key::LedgerKey;

use super::{new_run_id, roles};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::workspace::Workspace;

/// What stands beside a ledger only once there was one.
const TRACES: [&str; 4] = ["-wal", ".checkpoints", ".incident", ".content"];

/// A private copy of one of our own ledgers; the folder it is in goes with it.
pub struct Records {
    pub reader: Reader,
    pub scratch: Scratch,
}

/// Copies and verifies the workspace's ledger; none where neither ledger nor key was ever made.
pub fn records(workspace: &Workspace, machine: &Machine) -> Result<Option<Records>, Refusal> {
    let Some(key) = key(workspace)? else { return Ok(None) };
    let records = copy(&workspace.ledger(), machine)?;
    records.reader.check(&key.public())?;
    Ok(Some(records))
}

/// Copies one of our own ledgers; nothing is judged.
pub fn copy(path: &Path, machine: &Machine) -> Result<Records, Refusal> {
    refuse_irregular(path)?;
    let scratch = machine.scratch(&[])?;
    let reader = Reader::copy(path, &scratch.folder)?;
    Ok(Records { reader, scratch })
}

/// A pipe or device in place of a ledger would be read without end.
fn refuse_irregular(ledger: &Path) -> Result<(), Refusal> {
    let is_irregular = |path: &PathBuf| path.metadata().is_ok_and(|found| !found.is_file());
    match [ledger.to_owned(), beside(ledger, "-wal")].into_iter().find(is_irregular) {
        Some(path) => {
            let message = format!("`{}` is no regular file, and so no ledger", path.display());
            Err(Refusal::new(Exit::Ledger, "ledger", message))
        }
        None => Ok(()),
    }
}

/// The key of the workspace's ledger; none where there is neither key nor ledger. One without the other is an alarm,
/// unless another process is about to make both; so is one that is an actor's or a witness's too.
pub fn key(workspace: &Workspace) -> Result<Option<LedgerKey>, Refusal> {
    let key = unchecked_key(workspace)?;
    if let Some(key) = &key {
        roles::check(workspace, &key.public())?;
    }
    Ok(key)
}

/// The same, whatever other roles it has.
pub fn unchecked_key(workspace: &Workspace) -> Result<Option<LedgerKey>, Refusal> {
    let found = look(workspace);
    match (&found, files::open(&making(workspace))) {
        (Err(_), Ok(file)) => {
            // Held while both are made; where it cannot be waited for, what was seen stands.
            let _ = file.lock();
            look(workspace)
        }
        _ => found,
    }
}

fn look(workspace: &Workspace) -> Result<Option<LedgerKey>, Refusal> {
    let (ledger, key) = (workspace.ledger(), workspace.key());
    let is_there = |path: &Path| !matches!(path.try_exists(), Ok(false));
    let alarm = |what: &str, missing: &Path, there: &Path, help: &str| {
        let message = format!("{what} `{}` is missing, and `{}` is there", missing.display(), there.display());
        Err(Refusal::new(Exit::Ledger, "ledger-missing", message).help(help))
    };
    let removed = "a ledger does not go by itself: find out who removed it, and restore it from a backup";
    refuse_irregular(&ledger)?;
    match (is_there(&ledger), is_there(&key)) {
        (true, true) => Ok(Some(LedgerKey::load(&key)?)),
        (true, false) => alarm("key", &key, &ledger, "restore the ledger's key from a backup; another key will not do"),
        (false, true) => alarm("ledger", &ledger, &key, removed),
        (false, false) => match TRACES.iter().map(|suffix| beside(&ledger, suffix)).find(|path| path.exists()) {
            Some(trace) => alarm("ledger", &ledger, &trace, removed),
            None => Ok(None),
        },
    }
}

/// Makes ledger and key, unless another process was first.
pub fn make(workspace: &Workspace, machine: &Machine) -> Result<(), Refusal> {
    for path in [workspace.ledger(), workspace.key()] {
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            make_private_folder(folder)?;
        }
    }
    let path = making(workspace);
    let not_writable = |error: std::io::Error| {
        let message = format!("ledger `{}` cannot be made: {error}", workspace.ledger().display());
        Refusal::new(Exit::Ledger, "ledger", message)
    };
    let file = File::create(&path).map_err(not_writable)?;
    file.lock().map_err(not_writable)?;
    let made = match look(workspace) {
        Ok(None) => make_both(workspace, machine),
        other => other.map(drop),
    };
    // Whoever waits for it has opened it already, and looks again.
    let _ = std::fs::remove_file(&path);
    made
}

fn make_both(workspace: &Workspace, machine: &Machine) -> Result<(), Refusal> {
    let key = new_key(machine)?;
    let id = new_run_id(machine)?;
    key.write_new(&workspace.key())?;
    Ledger::create(&workspace.ledger(), &workspace.file.ledger.origin, &key, machine.now(), id.as_str()).map_err(
        |error| {
            // Without its ledger the key would raise a false alarm; nothing was signed with it that anybody has.
            if !workspace.ledger().exists() {
                let _ = std::fs::remove_file(workspace.key());
            }
            Refusal::from(error)
        },
    )
}

/// Makes a folder that nobody but its owner can look into.
pub fn make_private_folder(path: &Path) -> Result<(), Refusal> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Refusal::new(Exit::Ledger, "ledger", format!("cannot make `{}` for the ledger: {error}", path.display()))
    })
}

/// The file that is locked while ledger and key are made.
fn making(workspace: &Workspace) -> PathBuf {
    beside(&workspace.ledger(), ".making")
}

/// A file beside a ledger.
pub fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn new_key(machine: &Machine) -> Result<LedgerKey, Refusal> {
    Ok(LedgerKey::from_seed(&new_seed(machine)?))
}

/// Random bytes for a new key.
pub fn new_seed(machine: &Machine) -> Result<[u8; 32], Refusal> {
    let mut seed = [0; 32];
    machine.random(&mut seed)?;
    Ok(seed)
}

/// A history in which nothing happened, for a workspace that has no ledger yet.
pub fn empty_history(machine: &Machine, scratch: &Path) -> Result<Reader, String> {
    let (made, copy) = (scratch.join("empty"), scratch.join("copy"));
    std::fs::create_dir(&copy).map_err(|error| error.to_string())?;
    let key = new_key(machine).map_err(|refusal| refusal.message)?;
    let id = new_run_id(machine).map_err(|refusal| refusal.message)?;
    Ledger::create(&made, "empty", &key, machine.now(), id.as_str()).map_err(|error| error.to_string())?;
    Reader::copy(&made, &copy).map_err(|error| error.to_string())
}
