//! `test --watch`: again whenever a document changes. Folders are looked at; nothing is asked of the system that some
//! file systems cannot answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::args::Test;
use crate::commands::{Context, check, refuse};
use crate::exit::Exit;
use crate::files::shown;
use crate::refusal::Refusal;
use crate::workspace;

/// Time between two looks.
const EVERY: Duration = Duration::from_millis(250);

/// When each document changed last, and how long it is.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Tests now and after each change; ends with the process alone.
pub fn watch(context: &Context, args: &Test) -> Result<Exit, Refusal> {
    let found = workspace::find(context.global.workspace.as_deref())?;
    let mut seen = look(found.as_deref(), args);
    loop {
        // What is wrong now may be right after the next change.
        if let Err(refusal) = super::once(context, args) {
            refuse(&context.ui, &refusal);
        }
        context.ui.note(&format!("watching {} documents; Ctrl-C ends it", seen.len()));
        let changed = loop {
            std::thread::sleep(EVERY);
            let now = look(found.as_deref(), args);
            if now != seen {
                break now;
            }
        };
        let differs = |path: &&PathBuf| seen.get(*path) != changed.get(*path);
        let paths = changed.keys().chain(seen.keys()).find(differs).map(|path| shown(path));
        context.ui.note(&format!("\nchanged: {}", paths.unwrap_or_default()));
        seen = changed;
    }
}

/// The documents as they are; those that cannot be looked at are as good as not there.
fn look(found: Option<&Path>, args: &Test) -> Seen {
    let mut files = check::files_of_workspace(found).unwrap_or_default();
    files.extend(check::files_of(&args.paths).unwrap_or_default());
    // Of a procedure that is named the test beside it is run, which may not be there yet.
    files.extend(args.paths.iter().map(|path| crate::files::absolute(path).with_extension("test.yaml")));
    let state = |path: PathBuf| {
        let metadata = path.metadata().ok()?;
        Some((path, (metadata.modified().ok(), metadata.len())))
    };
    files.into_iter().filter_map(state).collect()
}
