//! `ledger`: reading and judging ledgers, ours and foreign ones. None of this opens a ledger for writing.

use std::path::{Path, PathBuf};

use engine::host::machine::Machine;
use engine::host::{Probe as _, Scratch};
use engine::target::corvusforge::{CorvusLedger, Error as CorvusError};

use super::Context;
use crate::args::{Driver, LedgerCommand, Whose};
use crate::exit::Exit;
use crate::files::absolute;
use crate::refusal::Refusal;
use crate::setup;
use crate::setup::own_ledger::{self, Records};
use crate::workspace::{self, Workspace};

pub mod entries;
pub mod head;
mod lines;
mod verify;

pub fn run(context: &Context, command: LedgerCommand) -> Result<Exit, Refusal> {
    match command {
        LedgerCommand::Verify(args) => verify::run(context, &args),
        LedgerCommand::Show(args) => entries::show(context, &args),
        LedgerCommand::Tail(args) => entries::tail(context, &args),
        LedgerCommand::Head(args) => head::run(context, &args),
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
