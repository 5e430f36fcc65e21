//! `ledger`: reading, judging and proving ledgers, ours and foreign ones. But for closing an incident, none of this opens
//! a ledger for writing.

use std::path::{Path, PathBuf};

use engine::host::machine::Machine;
use engine::host::{Probe as _, Scratch};
use engine::ledger::reader::Reader;
use engine::merkle::note::VerifierKey;
use engine::target::corvusforge::{CorvusLedger, Error as CorvusError};

use super::Context;
use crate::args::{Driver, Keys, LedgerCommand, Whose};
use crate::exit::Exit;
use crate::files::{self, absolute};
use crate::refusal::Refusal;
use crate::setup;
use crate::workspace::{self, Workspace};

pub mod backup;
pub mod consistency;
pub mod entries;
pub mod export;
pub mod head;
pub mod incident;
pub mod prove;
mod verify;

/// The longest file of keys that is read, in bytes.
const MAX_KEYS: u64 = 64 * 1024;

pub fn run(context: &Context, command: LedgerCommand) -> Result<Exit, Refusal> {
    match command {
        LedgerCommand::Verify(args) => verify::run(context, &args),
        LedgerCommand::Show(args) => entries::show(context, &args),
        LedgerCommand::Tail(args) => entries::tail(context, &args),
        LedgerCommand::Head(args) => head::run(context, &args),
        LedgerCommand::Prove(args) => prove::run(context, &args),
        LedgerCommand::Consistency(args) => consistency::run(context, &args),
        LedgerCommand::Export(args) => export::run(context, &args),
        LedgerCommand::Backup(args) => backup::run(context, &args),
        LedgerCommand::Incident(args) => incident::run(context, &args),
    }
}

/// Which ledger is meant, and the workspace where it is the workspace's own.
pub struct Place {
    pub path: PathBuf,
    pub own: Option<Workspace>,
}

/// The ledger that was named; without a name the workspace's own.
pub fn place(context: &Context, whose: &Whose) -> Result<Place, Refusal> {
    match (&whose.ledger, whose.driver) {
        (Some(path), _) => Ok(Place { path: absolute(path), own: None }),
        (None, Driver::Runwarden) => {
            let workspace = workspace::open(context.global.workspace.as_deref())?;
            Ok(Place { path: workspace.ledger(), own: Some(workspace) })
        }
        (None, Driver::Corvusforge) => Err(Refusal::invalid("usage", "`--driver corvusforge` needs the ledger's file")
            .help("name it with `--ledger PATH`")),
    }
}

/// The keys that may sign: as said, else the workspace's own; none leaves it to what the ledger says of itself.
pub fn keys(said: &Keys, own: Option<&Workspace>) -> Result<Vec<VerifierKey>, Refusal> {
    if !said.keys.is_empty() {
        let mut keys = Vec::new();
        for text in &said.keys {
            keys.extend(read_keys(text)?);
        }
        return Ok(keys);
    }
    let Some(workspace) = own else { return Ok(Vec::new()) };
    match setup::key_of_ledger(workspace)? {
        Some(key) => VerifierKey::new(&workspace.file.ledger.origin, key.public())
            .map(|key| vec![key])
            .map_err(|error| Refusal::invalid("key", error.to_string())),
        None => Ok(Vec::new()),
    }
}

/// A key as text, or those of a file, a line each.
fn read_keys(text: &str) -> Result<Vec<VerifierKey>, Refusal> {
    let wrong = |text: &str, error| Refusal::invalid("usage", format!("--key `{text}`: {error}"));
    let error = match VerifierKey::parse(text) {
        Ok(key) => return Ok(vec![key]),
        Err(error) => error,
    };
    let Ok(bytes) = files::read(Path::new(text), MAX_KEYS) else {
        return Err(wrong(text, error).help("give a key like `name+id+base64`, or a file with one a line"));
    };
    let lines = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return Err(Refusal::invalid("usage", format!("--key: the file `{text}` has no key")));
    }
    lines.into_iter().map(|line| VerifierKey::parse(line).map_err(|error| wrong(line, error))).collect()
}

/// Refuses what only ledgers of our own can give.
fn only_own(whose: &Whose, what: &str) -> Result<(), Refusal> {
    match whose.driver {
        Driver::Runwarden => Ok(()),
        Driver::Corvusforge => Err(Refusal::invalid(
            "unsupported",
            format!("{what} is of Runwarden's own ledgers; those of Corvusforge have no tree and no signature"),
        )),
    }
}

/// A private copy of one of our own ledgers. The folder is gone with the copy.
pub struct Copy {
    pub reader: Reader,
    _folder: Scratch,
}

/// Copies one of our own ledgers; nothing is judged.
pub fn copy(path: &Path) -> Result<Copy, Refusal> {
    let folder = setup::reading_machine().scratch(&[])?;
    let reader = Reader::copy(path, &folder.folder)?;
    Ok(Copy { reader, _folder: folder })
}

/// A private copy of a Corvusforge ledger, with what it says about why there is none.
pub struct CorvusCopy {
    pub ledger: Result<CorvusLedger, CorvusError>,
    _folder: Scratch,
}

/// Copies a Corvusforge ledger with its write-ahead log.
pub fn copy_corvus(path: &Path) -> Result<CorvusCopy, Refusal> {
    let machine: Machine = setup::reading_machine();
    let name = path.display().to_string();
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let files = [path.to_owned(), beside("-wal"), beside("-shm")];
    let unreadable = |why: String| Refusal::new(Exit::Ledger, "ledger", why);
    let folder = machine.scratch(&files).map_err(|error| unreadable(error.to_string()))?;
    let copied = folder.files.iter().find(|copied| copied.original == path);
    let copied = copied.ok_or_else(|| unreadable(format!("there is no ledger `{name}`")))?;
    Ok(CorvusCopy { ledger: CorvusLedger::open(&copied.copy, &name), _folder: folder })
}

impl From<CorvusError> for Refusal {
    fn from(error: CorvusError) -> Self {
        let message = error.to_string();
        match error {
            CorvusError::EmptyRun { .. } => Self::new(Exit::Failed, "unknown-run", message),
            CorvusError::Unsound { .. } | CorvusError::NotAnAnchor { .. } => Self::new(Exit::Failed, "ledger", message),
            _ => Self::new(Exit::Ledger, "ledger", message),
        }
    }
}
