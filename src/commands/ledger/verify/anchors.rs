//! The anchors that `ledger verify` is given: files, and folders of them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use engine::host::Probe as _;
use engine::ledger::signed::Given;
use engine::ledger::verify::Anchors;
use engine::merkle::tlog_proof::MAX_PROOF;
use engine::time::Duration;

use crate::args::Verify;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup;

/// Reads them. What is not there is no error of reading: somebody may have removed it.
pub fn read(args: &Verify) -> Result<Anchors, Refusal> {
    let max_age = args.max_age.as_deref().map(Duration::parse).transpose();
    let max_age = max_age.map_err(|error| Refusal::invalid("usage", format!("--max-age: {error}")))?;
    let max_age = max_age.map(|most| (most, setup::reading_machine().now()));
    let mut anchors = Anchors { max_age, ..Anchors::default() };
    for path in &args.anchors {
        add(&mut anchors, path)?;
    }
    for folder in &args.anchor_folders {
        add_folder(&mut anchors, folder)?;
    }
    Ok(anchors)
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
