//! The anchors that `ledger verify` is given: files, folders of them, and anchor stores of the workspace.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use engine::host::Probe as _;
use engine::id::Id;
use engine::ledger::reader::Reader;
use engine::ledger::signed::Given;
use engine::ledger::verify::Anchors;
use engine::merkle::tlog_proof::MAX_PROOF;
use engine::procedure::TargetKind;
use engine::target::anchor_store::receipts::{hold, receipts};
use engine::target::recorded_head::{MAX_HEAD, Recorded};
use engine::time::Duration;

use crate::args::Verify;
use crate::commands::Context;
use crate::commands::anchor::stores;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup;
use crate::workspace::{self, Workspace};

/// Reads them. What is not there is no error of reading: somebody may have removed it.
pub fn read(context: &Context, args: &Verify, reader: &Reader) -> Result<Anchors, Refusal> {
    let max_age = args.max_age.as_deref().map(Duration::parse).transpose();
    let max_age = max_age.map_err(|error| Refusal::invalid("usage", format!("--max-age: {error}")))?;
    let max_age = max_age.map(|most| (most, setup::reading_machine().now()));
    Ok(Anchors { max_age, ..gather(context, &args.anchors, &args.anchor_folders, reader)? })
}

/// Reads these files, and all that is in these folders and stores.
pub fn gather(context: &Context, paths: &[PathBuf], folders: &[PathBuf], reader: &Reader) -> Result<Anchors, Refusal> {
    let mut anchors = Anchors::default();
    for path in paths {
        add(&mut anchors, path)?;
    }
    for folder in folders {
        match store_of(context, folder)? {
            Some((workspace, name)) => add_store(&mut anchors, &workspace, name, reader)?,
            None => add_folder(&mut anchors, folder)?,
        }
    }
    Ok(anchors)
}

/// The recorded heads of a log of lines: files, and folders of which every file is one.
pub fn recorded(args: &Verify) -> Result<Recorded, Refusal> {
    let max_age = args.max_age.as_deref().map(Duration::parse).transpose();
    let max_age = max_age.map_err(|error| Refusal::invalid("usage", format!("--max-age: {error}")))?;
    let mut paths = args.anchors.clone();
    let mut recorded = Recorded { max_age, ..Recorded::default() };
    for folder in &args.anchor_folders {
        let before = paths.len();
        match std::fs::read_dir(folder) {
            Ok(listing) => {
                let listed: Result<Vec<PathBuf>, std::io::Error> = listing.map(|file| Ok(file?.path())).collect();
                let mut listed = listed.map_err(|error| unreadable(folder, &error))?;
                listed.retain(|path| path.is_file() && !files::is_hidden(path));
                listed.sort();
                paths.extend(listed);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(folder, &error)),
        }
        if paths.len() == before {
            recorded.missing.push(format!("{}/*", files::shown(folder)));
        }
    }
    for path in &paths {
        match files::read(path, MAX_HEAD as u64) {
            Ok(bytes) => recorded.given.push(Given { source: files::shown(path), bytes }),
            Err(error) if error.kind() == ErrorKind::NotFound => recorded.missing.push(files::shown(path)),
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    Ok(recorded)
}

/// The workspace's anchor store of that name; a path with a slash is always a folder.
fn store_of<'a>(context: &Context, said: &'a Path) -> Result<Option<(Workspace, &'a str)>, Refusal> {
    let Some(name) = said.to_str() else { return Ok(None) };
    let Ok(id) = Id::parse(name) else { return Ok(None) };
    if workspace::find(context.global.workspace.as_deref())?.is_none() {
        return Ok(None);
    }
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let is_store = workspace.file.targets.get(&id).is_some_and(|target| target.kind == TargetKind::AnchorStore);
    Ok(is_store.then_some((workspace, name)))
}

/// Everything a store has, and what the receipts in the ledger say that it should have.
fn add_store(anchors: &mut Anchors, workspace: &Workspace, name: &str, reader: &Reader) -> Result<(), Refusal> {
    let found = stores::found(workspace, name, None)?;
    hold(anchors, name, found, &receipts(reader, None)?);
    Ok(())
}

fn add(anchors: &mut Anchors, path: &Path) -> Result<(), Refusal> {
    match files::read(path, MAX_PROOF as u64) {
        Ok(bytes) => anchors.given.push(Given { source: files::shown(path), bytes }),
        Err(error) if error.kind() == ErrorKind::NotFound => anchors.missing.push(files::shown(path)),
        Err(error) => return Err(unreadable(path, &error)),
    }
    Ok(())
}

/// Every file of a folder is an anchor, but for the entries beside proofs; an entry without its proof misses it.
fn add_folder(anchors: &mut Anchors, folder: &Path) -> Result<(), Refusal> {
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            anchors.missing.push(files::shown(folder));
            return Ok(());
        }
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let paths: Result<Vec<PathBuf>, std::io::Error> = listing.map(|file| Ok(file?.path())).collect();
    let mut paths = paths.map_err(|error| unreadable(folder, &error))?;
    paths.retain(|path| path.is_file() && !files::is_hidden(path));
    paths.sort();
    if paths.is_empty() {
        anchors.missing.push(format!("{}/*", files::shown(folder)));
    }
    for path in &paths {
        let proof = path.with_extension("tlog-proof");
        match path.extension().is_some_and(|extension| extension == "json") {
            false => add(anchors, path)?,
            true if paths.contains(&proof) => {}
            true => anchors.missing.push(files::shown(&proof)),
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new(Exit::Ledger, "io", format!("the anchor `{}` cannot be read: {error}", path.display()))
}
