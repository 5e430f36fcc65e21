//! Anchors of our own runs: `RUN.tlog-proof` beside `RUN.json`, the exact bytes of the run's end.

use std::io::ErrorKind;
use std::path::Path;

use engine::host::Probe as _;
use engine::id::RunId;
use engine::ledger::anchor::{Anchor, Asked};
use engine::ledger::report::{Finding, Status};
use engine::ledger::signed::Given;
use engine::ledger::verify::verify as judge;
use engine::merkle::note::VerifierKey;
use engine::merkle::tlog_proof::MAX_PROOF;
use engine::target::anchor_store::rekor;
use engine::time::Duration;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Judged, file, read};
use crate::args::{AnchorExport, AnchorVerify};
use crate::commands::ledger::{copy, keys, place, prove};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup;
use crate::workspace;

/// What `anchor export` of a run of our own says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The run.
    run: RunId,
    /// The entry with which it ended.
    seq: u64,
    /// How many entries the checkpoint covers.
    size: u64,
    /// The exact bytes of that entry, as text.
    entry: String,
    /// The C2SP tlog-proof.
    tlog_proof: String,
    /// The files that hold the two.
    files: Vec<String>,
}

/// Writes the two files; what is there already must be the same.
pub fn export(context: &Context, args: &AnchorExport) -> Result<Exit, Refusal> {
    let said = super::said_run(args)?;
    let place = place(context, &args.whose)?;
    let keys = keys(context, &args.keys, place.own.as_ref())?;
    let copied = copy(&place.path)?;
    let (run, seq) = prove::end_of_run(&copied.reader, said)?;
    let proven = copied.reader.prove(seq, None, &keys)?.ok_or_else(|| Refusal::internal("the run's end is gone"))?;
    let text = proven.proof.to_string();
    let mut written = Vec::new();
    if let Some(folder) = &args.output {
        files::make_folder(folder)?;
        // The proof last: without its entry it would be the anchor of nothing.
        for (extension, bytes) in [("json", proven.body.as_slice()), ("tlog-proof", text.as_bytes())] {
            let path = folder.join(format!("{run}.{extension}"));
            keep(&path, bytes)?;
            written.push(path.display().to_string());
        }
    }
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(&View {
            seq,
            size: proven.proof.checkpoint().size,
            entry: String::from_utf8_lossy(&proven.body).into_owned(),
            tlog_proof: text,
            files: written,
            run,
        });
    } else if written.is_empty() {
        ui.raw(&text);
    } else {
        written.iter().for_each(|path| ui.note(&format!("wrote {}", files::shown(Path::new(path)))));
    }
    Ok(Exit::Done)
}

/// Writes a file once; writing the same again is nothing new.
pub(super) fn keep(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    match files::read(path, MAX_PROOF as u64) {
        Ok(kept) if kept == bytes => Ok(()),
        Ok(_) => {
            Err(Refusal::invalid("exists", format!("`{}` is there already, and says something else", path.display()))
                .help("an anchor is never written over: find out which of the two is right"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => files::write_new(path, bytes),
        Err(error) => Err(Refusal::io("read", path, &error)),
    }
}

/// Every line of the judgement; with a ledger that was named, also against that.
pub fn verify(context: &Context, args: &AnchorVerify, max_age: Option<Duration>) -> Result<Judged, Refusal> {
    if args.covers_stage.is_some() {
        return Err(Refusal::invalid("usage", "`--covers-stage` is of Corvusforge; a run's own end covers all of it"));
    }
    let (keys, file) = (which_keys(context, args)?, file(args)?);
    let run = match &args.run {
        Some(text) => Some(RunId::parse(text).map_err(|error| Refusal::invalid("usage", format!("--run: {error}")))?),
        None => file.file_stem().and_then(std::ffi::OsStr::to_str).and_then(run_in_name),
    };
    let proof = read(file, MAX_PROOF as u64)?;
    let beside = file.with_extension("json");
    let entry = read(args.entry.as_deref().unwrap_or(&beside), MAX_PROOF as u64)?;
    let max_age = max_age.map(|most| (most, setup::reading_machine().now()));
    let asked = Asked { keys: &keys, run: run.as_ref(), max_age };
    let mut findings = Anchor { proof: &proof, entry: &entry }.judge(&asked);
    if let Some(path) = &args.whose.ledger {
        findings.push(in_ledger(
            &files::absolute(path),
            &keys,
            Given { source: files::shown(file), bytes: proof.clone() },
        )?);
    }
    if let (Some(path), Some(key)) = (&args.log_entry, &args.log_key) {
        findings.push(in_log(path, key, &proof)?);
    }
    let of = run.map_or_else(|| files::shown(file), |run| format!("of run {run}"));
    Ok((of, findings))
}

/// The run that a file is named after: `RUN`, or `RUN.SIZE.ROOT` as stores have it.
fn run_in_name(stem: &str) -> Option<RunId> {
    RunId::parse(stem.split('.').next().unwrap_or_default()).ok()
}

/// Whether a log was told of the anchor.
fn in_log(path: &Path, key: &str, proof: &[u8]) -> Result<Finding, Refusal> {
    let key = VerifierKey::parse(key).map_err(|error| Refusal::invalid("usage", format!("--log-key: {error}")))?;
    let bytes = read(path, MAX_PROOF as u64)?;
    let judged = serde_json::from_slice(&bytes)
        .map_err(|_| "it is no JSON".to_owned())
        .and_then(|entry| rekor::judge(&entry, proof, &key));
    Ok(match judged {
        Ok(logged) => Finding::new("log", true, format!("it is entry {} of {}", logged.index, key.name())),
        Err(why) => Finding::new("log", false, format!("the entry of {}: {why}", key.name())),
    })
}

/// The keys that count; the ledger's own word is not among them, for who forges one forges the other.
pub(super) fn which_keys(context: &Context, args: &AnchorVerify) -> Result<Vec<VerifierKey>, Refusal> {
    let own = match args.keys.keys.is_empty() {
        true => workspace::find(context.global.workspace.as_deref())?
            .map(|_| workspace::open(context.global.workspace.as_deref()))
            .transpose()?,
        false => None,
    };
    let keys = keys(context, &args.keys, own.as_ref())?;
    if keys.is_empty() {
        return Err(Refusal::invalid("usage", "nothing says which key may sign the anchor")
            .help("give the ledger's key with `--key VKEY` or `--key FILE`, as `runwarden ledger head` shows it"));
    }
    Ok(keys)
}

fn in_ledger(path: &Path, keys: &[VerifierKey], anchor: Given) -> Result<Finding, Refusal> {
    let copied = copy(path)?;
    let report = judge(&copied.reader, keys, &copied.reader.checkpoints()?, &[anchor]);
    let detail = match (report.status, report.problems.first()) {
        (Status::Ok, _) => format!("the ledger has {} entries, and begins as the anchor says", report.entries),
        (status, Some(problem)) => format!("the ledger is {}: {}", status.as_str(), problem.detail),
        (status, None) => format!("the ledger is {}", status.as_str()),
    };
    Ok(Finding::new("ledger", report.status == Status::Ok, detail))
}
