//! `ledger`: reading, judging and proving ledgers, ours and foreign ones. But for closing an incident, none of this opens
//! a ledger for writing.

use std::path::{Path, PathBuf};

use engine::host::machine::Machine;
use engine::host::{Probe as _, Scratch};
use engine::ledger::reader::Reader;
use engine::merkle::note::VerifierKey;
use engine::sign::ledger_key::LedgerKey;
use engine::target::corvusforge::{CorvusLedger, Error as CorvusError};

use super::Context;
use crate::args::{Driver, Keys, LedgerCommand, Whose};
use crate::exit::Exit;
use crate::files::{self, absolute};
use crate::refusal::Refusal;
use crate::setup;
use crate::setup::own_ledger::{self, Records};
use crate::setup::pins;
use crate::workspace::{self, Workspace};

pub mod backup;
pub mod checkpoint;
pub mod consistency;
pub mod entries;
pub mod export;
pub mod forensic;
pub mod head;
pub mod incident;
pub mod lines;
pub mod prove;
pub mod verify;

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
        LedgerCommand::Checkpoint(args) => checkpoint::run(context, &args),
    }
}

/// Which ledger is meant, and the workspace where it is the workspace's own.
pub struct Place {
    pub path: PathBuf,
    pub own: Option<Workspace>,
}

/// The ledger that was named; without a name the workspace's own.
pub fn place(context: &Context, whose: &Whose) -> Result<Place, Refusal> {
    if whose.recipe.is_some() && whose.driver != Driver::HashChain {
        return Err(Refusal::invalid("usage", "`--recipe` is for `--driver hash_chain`"));
    }
    if whose.seal.is_some() && whose.driver != Driver::DigestLog {
        return Err(Refusal::invalid("usage", "`--seal` is for `--driver digest_log`"));
    }
    match (&whose.ledger, whose.driver) {
        (Some(path), _) => Ok(Place { path: absolute(path), own: None }),
        (None, Driver::Runwarden) => {
            let workspace = workspace::open(context.global.workspace.as_deref())?;
            Ok(Place { path: workspace.ledger(), own: Some(workspace) })
        }
        (None, driver) => {
            Err(Refusal::invalid("usage", format!("`--driver {}` needs the ledger's file", driver.as_str()))
                .help("name it with `--ledger PATH`"))
        }
    }
}

/// The keys that may sign: as said, else the workspace's own; none leaves it to what the ledger says of itself.
pub fn keys(context: &Context, said: &Keys, own: Option<&Workspace>) -> Result<Vec<VerifierKey>, Refusal> {
    if !said.keys.is_empty() {
        let mut keys = Vec::new();
        for text in &said.keys {
            keys.extend(read_keys(text)?);
        }
        return Ok(keys);
    }
    let Some(workspace) = own else { return Ok(Vec::new()) };
    let origin = &workspace.file.ledger.origin;
    let named = LedgerKey::load(&workspace.key())
        .map_err(|error| error.to_string())
        .and_then(|key| VerifierKey::new(origin, key.public()).map_err(|error| error.to_string()));
    let why = match named {
        Ok(key) => return Ok(vec![key]),
        Err(why) => why,
    };
    let pinned = pins::of_origin(workspace, origin)?;
    if pinned.is_empty() {
        let ui = &context.ui;
        ui.error(&format!("{}: the key that the ledger names itself is taken: {why}", ui.err.yellow("warning")));
    }
    Ok(pinned)
}

/// The keys that are pinned for a ledger that is not the workspace's own, by the origin it names; none where there is no
/// workspace, or none is pinned.
pub fn pinned(context: &Context, reader: &Reader) -> Result<Vec<VerifierKey>, Refusal> {
    let Ok(workspace) = workspace::open(context.global.workspace.as_deref()) else { return Ok(Vec::new()) };
    match reader.keys() {
        Ok(chain) => match chain.spans() {
            [first, ..] => pins::of_origin(&workspace, first.key.name()),
            [] => Ok(Vec::new()),
        },
        // What is wrong with it is said by who reads on.
        Err(_) => Ok(Vec::new()),
    }
}

/// A key as text, or those of a file, a line each.
pub fn read_keys(text: &str) -> Result<Vec<VerifierKey>, Refusal> {
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
        driver => {
            let message =
                format!("{what} is of Runwarden's own ledgers; `{}` has no tree to prove by", driver.as_str());
            Err(Refusal::invalid("unsupported", message))
        }
    }
}

/// Copies one of our own ledgers; nothing is judged.
pub fn copy(path: &Path) -> Result<Records, Refusal> {
    own_ledger::copy(path, &setup::reading_machine())
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
