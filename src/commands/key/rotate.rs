//! `key rotate`: a new key in the place of the ledger's.
//!
//! The new key is written beside the old one first, as `KEY.next`. Then the ledger records it, and only then does it get
//! the old one's name. Wherever that is cut short, the ledger opens with one of the two files, and the same command
//! finishes.

use std::path::{Path, PathBuf};

use engine::host::Probe as _;
use engine::host::machine::Machine;
use engine::ledger::Ledger;
use engine::ledger::error::Error as LedgerError;
use engine::ledger::rotate::{Decision, Rotated};
use engine::merkle::note::VerifierKey;
use engine::sign::ledger_key::LedgerKey;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::args::KeyRotate;
use crate::exit::Exit;
use crate::files::shown;
use crate::refusal::Refusal;
use crate::setup::{self, own_ledger, roles};
use crate::workspace::{self, Workspace};

/// What `key rotate` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `rotated`, or `finished` where an earlier rotation had been cut short.
    status: &'static str,
    /// The key that went; none where an earlier rotation was only finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The ledger's key now.
    to: String,
    /// The entry that records it.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// The checkpoint that both signed and that covers the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<PathBuf>,
    /// The file of the ledger's key.
    file: PathBuf,
    /// The file of the key that went.
    retired: PathBuf,
}

pub fn run(context: &Context, args: &KeyRotate) -> Result<Exit, Refusal> {
    if args.reason.trim().is_empty() {
        return Err(Refusal::invalid("usage", "the reason is empty").help("say why the key gives way"));
    }
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let machine = setup::reading_machine();
    let missing = || Refusal::new(Exit::Ledger, "ledger-missing", "there is no ledger");
    let old = own_ledger::key(&workspace)?.ok_or_else(missing)?;
    let old_public = old.public();
    let next = next(&workspace, args, &machine)?;
    let now = machine.now();
    let (ledger, rotated) = match Ledger::open(&workspace.ledger(), old, now) {
        Ok(mut ledger) => {
            let actor = setup::actor();
            let rotated = ledger.rotate(now, next, Decision { actor: &actor, reason: &args.reason })?;
            (ledger, Some(rotated))
        }
        // It was recorded before, and cut short after that.
        Err(LedgerError::WrongKey { .. }) => (Ledger::open(&workspace.ledger(), next, now)?, None),
        Err(error) => return Err(error.into()),
    };
    // The ledger is held meanwhile, so that nobody meets it between two names.
    let retired = take_over(&workspace, &VerifierKey::new(ledger.origin(), old_public).map_err(Refusal::internal)?)?;
    let to = ledger.vkey().clone();
    ledger.close(now)?;
    say(context, rotated, &to, &workspace.key(), &retired);
    Ok(Exit::Done)
}

fn say(context: &Context, rotated: Option<Rotated>, to: &VerifierKey, file: &Path, retired: &Path) {
    let ui = &context.ui;
    let status = if rotated.is_some() { "rotated" } else { "finished" };
    if !ui.is_human() {
        ui.json(&View {
            status,
            from: rotated.as_ref().map(|rotated| rotated.from.to_string()),
            to: to.to_string(),
            seq: rotated.as_ref().map(|rotated| rotated.seq),
            checkpoint: rotated.map(|rotated| rotated.checkpoint),
            file: file.to_owned(),
            retired: retired.to_owned(),
        });
        return;
    }
    ui.data(&to.to_string());
    match rotated {
        Some(rotated) => ui.note(&format!("entry {} puts it in the place of {}", rotated.seq, rotated.from)),
        None => ui.note("the ledger had recorded it already; its file has its place now"),
    }
    ui.note(&format!("the old key is in {}: move it away, it signs nothing any more", shown(retired)));
}

/// The new key, in its file beside the old one: as given, as an earlier try left it, or made now.
fn next(workspace: &Workspace, args: &KeyRotate, machine: &Machine) -> Result<LedgerKey, Refusal> {
    let place = next_path(workspace);
    let given = args.to.as_deref().map(LedgerKey::load).transpose()?;
    let is_there = !matches!(place.try_exists(), Ok(false));
    let key = match (given, is_there) {
        (None, true) => LedgerKey::load(&place)?,
        (Some(given), true) if LedgerKey::load(&place)?.public() == given.public() => given,
        (Some(_), true) => {
            let message =
                format!("`{}` is left of a rotation that was cut short, and holds another key", place.display());
            return Err(Refusal::new(Exit::Ledger, "key", message).help("finish that one first, without `--to`"));
        }
        (given, false) => {
            let key = match given {
                Some(key) => key,
                None => LedgerKey::from_seed(&own_ledger::new_seed(machine)?),
            };
            roles::check(workspace, &key.public())?;
            key.write_new(&place)?;
            key
        }
    };
    roles::check(workspace, &key.public())?;
    Ok(key)
}

/// Gives the new key the name of the old one, which is kept under its id.
fn take_over(workspace: &Workspace, old: &VerifierKey) -> Result<PathBuf, Refusal> {
    let place = workspace.key();
    let id: String = old.id().iter().map(|byte| format!("{byte:02x}")).collect();
    let retired = beside(&place, &format!(".{id}.retired"));
    let failed = |error: std::io::Error| {
        let message = format!("the new key did not get the place of `{}`: {error}", place.display());
        Refusal::new(Exit::Ledger, "key", message)
            .help("the ledger has the new key; `runwarden key rotate` finishes this")
    };
    if matches!(retired.try_exists(), Ok(false)) {
        LedgerKey::load(&place)?.write_new(&retired)?;
    }
    std::fs::rename(next_path(workspace), &place).map_err(failed)?;
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(retired)
}

fn next_path(workspace: &Workspace) -> PathBuf {
    beside(&workspace.key(), ".next")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
