//! `ledger export`: all entries, as lines or as the files of C2SP tlog-tiles.

use std::io::ErrorKind;
use std::path::Path;

use engine::ledger::prove::Sealed;
use engine::ledger::reader::{Filter, Reader};
use engine::merkle::checkpoint::Checkpoint;
use engine::merkle::note::{MAX_NOTE, Note};
use engine::merkle::tiles::{TileFile, TileMaker};
use engine::merkle::{CompactRange, leaf_hash};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, copy, keys, only_own, place};
use crate::args::Export;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;

/// The largest file of the layout: 256 entries of 65,535 bytes.
const MAX_TILE: u64 = 17 << 20;

/// What `ledger export --tiles` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The folder.
    folder: String,
    /// How many entries its checkpoint covers.
    size: u64,
    /// How many files were written.
    written: u64,
    /// How many were there already, and the same.
    kept: u64,
}

pub fn run(context: &Context, args: &Export) -> Result<Exit, Refusal> {
    only_own(&args.whose, "`ledger export`")?;
    let place = place(context, &args.whose)?;
    if let Some(folder) = &args.output {
        return super::forensic::run(context, args, &place, folder);
    }
    let keys = keys(context, &args.keys, place.own.as_ref())?;
    let copied = copy(&place.path)?;
    let Some(folder) = &args.tiles else { return lines(context, &copied.reader) };
    let sealed = copied.reader.newest_sealed(&keys)?.ok_or_else(|| {
        Refusal::new(
            Exit::Failed,
            "not-sealed",
            format!("beside `{}` there is no signed checkpoint", place.path.display()),
        )
    })?;
    let view = tiles(&copied.reader, &sealed, folder)?;
    let ui = &context.ui;
    if ui.is_human() {
        let View { size, written, kept, .. } = view;
        ui.data(&format!("{}: {size} entries, {written} files written, {kept} were there", files::shown(folder)));
    } else {
        ui.json(&view);
    }
    Ok(Exit::Done)
}

/// Every entry byte for byte, a line each; one that would not be a line is damaged.
fn lines(context: &Context, reader: &Reader) -> Result<Exit, Refusal> {
    reader.each(&Filter::default(), |stored| {
        match str::from_utf8(&stored.body).ok().filter(|text| !text.contains('\n')) {
            Some(text) => {
                context.ui.raw(&format!("{text}\n"));
                Ok(())
            }
            None => Err(not_genuine(format!("entry {} is no line of text", stored.seq))),
        }
    })?;
    Ok(Exit::Done)
}

fn tiles(reader: &Reader, sealed: &Sealed, folder: &Path) -> Result<View, Refusal> {
    let size = sealed.checkpoint.size;
    let before = checkpoint_of(folder)?;
    let mut site = Site { folder, written: 0, kept: 0 };
    let (mut maker, mut range) = (TileMaker::new(), CompactRange::new());
    let mut root_before = before.as_ref().is_some_and(|before| before.size == 0).then(|| range.root());
    reader.each(&Filter { limit: Some(size), ..Filter::default() }, |stored| {
        range.push(leaf_hash(&stored.body));
        if before.as_ref().is_some_and(|before| before.size == range.size()) {
            root_before = Some(range.root());
        }
        let full = maker.push(&stored.body).map_err(|error| not_genuine(error.to_string()))?;
        full.iter().try_for_each(|file| site.keep(file))
    })?;
    if range.size() != size || range.root() != sealed.checkpoint.root {
        return Err(not_genuine(format!("the first {size} entries are not those that were signed")));
    }
    if let Some(before) = before
        && (before.origin != sealed.checkpoint.origin || root_before != Some(before.root))
    {
        return Err(other_log(folder, "checkpoint"));
    }
    maker.partial().iter().try_for_each(|file| site.keep(file))?;
    // The checkpoint last: whoever reads it finds everything it speaks of.
    files::replace(&folder.join("checkpoint"), sealed.note.to_string().as_bytes())?;
    Ok(View { folder: folder.display().to_string(), size, written: site.written + 1, kept: site.kept })
}

/// A folder that grows, and is never made to say something else.
struct Site<'a> {
    folder: &'a Path,
    written: u64,
    kept: u64,
}

impl Site<'_> {
    fn keep(&mut self, file: &TileFile) -> Result<(), Refusal> {
        let path = self.folder.join(&file.path);
        match files::read(&path, MAX_TILE) {
            Ok(bytes) if bytes == file.bytes => {
                self.kept += 1;
                return Ok(());
            }
            Ok(_) => return Err(other_log(self.folder, &file.path)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Refusal::io("read", &path, &error)),
        }
        if let Some(above) = path.parent() {
            files::make_folder(above)?;
        }
        self.written += 1;
        files::replace(&path, &file.bytes)
    }
}

/// The checkpoint that is in the folder already.
fn checkpoint_of(folder: &Path) -> Result<Option<Checkpoint>, Refusal> {
    let path = folder.join("checkpoint");
    let bytes = match files::read(&path, MAX_NOTE as u64) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Refusal::io("read", &path, &error)),
    };
    let read = Note::parse(&bytes).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
    read.map(Some).ok_or_else(|| other_log(folder, "checkpoint"))
}

fn other_log(folder: &Path, file: &str) -> Refusal {
    let message = format!("`{}` is not of this ledger as it is now: `{file}` says something else", folder.display());
    Refusal::new(Exit::Failed, "other-log", message)
        .help("what was published is never changed; find out which is right, or export into another folder")
}

fn not_genuine(detail: String) -> Refusal {
    Refusal::new(Exit::Ledger, "ledger", detail).help("`runwarden ledger verify` says what is wrong")
}
