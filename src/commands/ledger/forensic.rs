//! `ledger export --forensic`: a ledger as evidence, sound or broken.

use std::path::Path;

use engine::host::Probe as _;
use engine::ledger::evidence::{Evidence, Manifest, SUMS, anchor_name};
use engine::ledger::reader::Reader;
use engine::ledger::report::Report;
use engine::ledger::signed::Given;
use engine::ledger::verify::{self, Anchors};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Place, keys, pinned};
use crate::args::Export;
use crate::exit::Exit;
use crate::files::{absolute, shown};
use crate::refusal::Refusal;
use crate::setup;
use crate::ui::count;

/// What `ledger export --forensic` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The folder.
    folder: String,
    /// What verification said of the copy.
    status: engine::ledger::report::Status,
    /// What was collected.
    manifest: Manifest,
}

/// Who has a file of the ledger open.
#[derive(Debug, Serialize)]
struct HolderRow {
    pid: u32,
    name: String,
    uid: u32,
    path: String,
}

pub fn run(context: &Context, args: &Export, place: &Place, folder: &Path) -> Result<Exit, Refusal> {
    let machine = setup::reading_machine();
    let beside = |suffix: &str| {
        let mut name = place.path.as_os_str().to_owned();
        name.push(suffix);
        std::path::PathBuf::from(name)
    };
    // Before anything of ours opens a file of it.
    let holders = machine.holders(&[place.path.clone(), beside("-wal"), beside("-shm")]);
    let mut evidence = Evidence::begin(&place.path, &absolute(folder), machine.now())?;
    match holders {
        Ok(found) => {
            let rows: Vec<HolderRow> = found
                .holders
                .into_iter()
                .map(|holder| HolderRow {
                    pid: holder.pid,
                    name: holder.name,
                    uid: holder.user,
                    path: holder.path.display().to_string(),
                })
                .collect();
            let text = serde_json::json!({ "holders": rows, "unreadable": found.unreadable });
            evidence.put("holders.json", format!("{text:#}\n").as_bytes())?;
        }
        Err(error) => evidence.miss(format!("who holds the ledger: {error}")),
    }
    let anchors = anchors(args, &mut evidence)?;
    // What is wrong with our own key must not keep anybody from the evidence.
    let keys = keys(context, &args.keys, place.own.as_ref()).unwrap_or_else(|refusal| {
        evidence.miss(format!("the keys that count: {}", refusal.message));
        Vec::new()
    });
    let report = judged(context, &mut evidence, keys, place, &anchors)?;
    let text = serde_json::to_string_pretty(&report).map_err(Refusal::internal)?;
    evidence.put("report.json", format!("{text}\n").as_bytes())?;
    let manifest = evidence.finish()?;
    say(context, folder, View { folder: absolute(folder).display().to_string(), status: report.status, manifest });
    Ok(Exit::Done)
}

/// Reads entries out of the evidence's own copy, which is copied for that once more: opening it would change it.
fn judged(
    context: &Context,
    evidence: &mut Evidence,
    mut keys: Vec<engine::merkle::note::VerifierKey>,
    place: &Place,
    anchors: &[Given],
) -> Result<Report, Refusal> {
    let scratch = setup::reading_machine().scratch(&[])?;
    let reader = match Reader::copy(&evidence.database(), &scratch.folder) {
        Ok(reader) => reader,
        Err(error) => {
            evidence.miss(error.to_string());
            return Ok(verify::unreadable(&error));
        }
    };
    evidence.read_out(&reader)?;
    if keys.is_empty() && place.own.is_none() {
        keys = pinned(context, &reader).unwrap_or_default();
    }
    let checkpoints = match engine::ledger::signed::beside(&place.path) {
        Ok(checkpoints) => checkpoints,
        Err(error) => {
            evidence.miss(error.to_string());
            Vec::new()
        }
    };
    let anchors = Anchors { given: anchors.to_vec(), ..Anchors::default() };
    Ok(verify::verify_anchored(&reader, &keys, &checkpoints, &anchors))
}

/// Takes the anchors in, and gives them as verification wants them.
fn anchors(args: &Export, evidence: &mut Evidence) -> Result<Vec<Given>, Refusal> {
    let mut paths: Vec<std::path::PathBuf> = args.anchors.clone();
    for folder in &args.anchor_folders {
        match std::fs::read_dir(folder) {
            Ok(listing) => {
                let mut found: Vec<_> = listing.filter_map(|file| file.ok().map(|file| file.path())).collect();
                found.retain(|path| path.is_file());
                found.sort();
                paths.extend(found);
            }
            Err(error) => evidence.miss(format!("the anchors in `{}`: {error}", folder.display())),
        }
    }
    let mut given = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        if !path.exists() {
            evidence.miss(format!("the anchor `{}` is not there", path.display()));
            continue;
        }
        evidence.take(path, &anchor_name(number, path))?;
        // The entry beside a proof is evidence, and no anchor by itself.
        let is_entry = path.extension().is_some_and(|extension| extension == "json");
        let bytes = crate::files::read(path, engine::merkle::tlog_proof::MAX_PROOF as u64).ok();
        given.extend(bytes.filter(|_| !is_entry).map(|bytes| Given { source: shown(path), bytes }));
    }
    Ok(given)
}

fn say(context: &Context, folder: &Path, view: View) {
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(&view);
        return;
    }
    let Manifest { entries, files, problems, .. } = &view.manifest;
    ui.data(&format!(
        "{}: {}, {entries} entries; the copy verifies as {}",
        shown(folder),
        count(files.len(), "file"),
        view.status.as_str()
    ));
    problems.iter().for_each(|problem| ui.note(&format!("not had: {problem}")));
    ui.note(&format!("`cd {} && sha256sum -c {SUMS}` checks it; it holds no private key", shown(folder)));
}
