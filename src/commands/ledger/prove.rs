//! `ledger prove`: that an entry is in the ledger, by a signed checkpoint.

use engine::ledger::prove::Proven;
use engine::ledger::reader::Reader;
use engine::merkle::{leaf_hash, spelled};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, copy, keys, only_own, place};
use crate::args::Prove;
use crate::exit::Exit;
use crate::refusal::Refusal;

/// What `ledger prove` says in JSON. Hashes are in base64, as in the checkpoint.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The entry's number.
    seq: u64,
    /// Its exact bytes, as text.
    entry: String,
    /// SHA-256(0x00 ‖ entry).
    leaf_hash: String,
    /// How many entries the checkpoint covers.
    size: u64,
    /// Their root.
    root: String,
    /// The way from the leaf to the root, lowest hash first.
    proof: Vec<String>,
    /// The signed checkpoint.
    checkpoint: String,
    /// All of it as a C2SP tlog-proof.
    tlog_proof: String,
}

pub fn run(context: &Context, args: &Prove) -> Result<Exit, Refusal> {
    only_own(&args.whose, "`ledger prove`")?;
    let place = place(context, &args.whose)?;
    let keys = keys(context, &args.keys, place.own.as_ref())?;
    let copied = copy(&place.path)?;
    let seq = entry_meant(&copied.reader, &args.what)?;
    let proven = copied.reader.prove(seq, args.by, &keys)?.ok_or_else(|| {
        Refusal::new(Exit::Failed, "unknown-entry", format!("the ledger has no entry {seq}"))
            .help("`runwarden ledger head` shows how many there are")
    })?;
    let ui = &context.ui;
    if ui.is_human() {
        ui.raw(&proven.proof.to_string());
    } else {
        ui.json(&view(&proven));
    }
    Ok(Exit::Done)
}

/// The entry that is meant: its number, or the end of a run.
pub fn entry_meant(reader: &Reader, what: &str) -> Result<u64, Refusal> {
    // The ids of runs begin with a zero, which a number that is written plainly does not.
    if let Some(seq) = what.parse::<u64>().ok().filter(|seq| seq.to_string() == what) {
        return Ok(seq);
    }
    end_of_run(reader, what).map(|(_, seq)| seq)
}

/// The run that is meant, and the entry with which it ended.
pub fn end_of_run(reader: &Reader, asked: &str) -> Result<(engine::id::RunId, u64), Refusal> {
    let run = super::super::runs::find(reader, asked)?.ok_or_else(|| super::entries::no_run(asked))?;
    let seq = reader.end_of(&run)?.ok_or_else(|| {
        Refusal::new(Exit::Failed, "not-ended", format!("run {run} has not ended: there is nothing to prove yet"))
            .help(format!("`runwarden runs show {run}` shows where it stands"))
    })?;
    Ok((run, seq))
}

fn view(proven: &Proven) -> View {
    let Proven { body, proof } = proven;
    View {
        seq: proof.index(),
        entry: String::from_utf8_lossy(body).into_owned(),
        leaf_hash: spelled(&leaf_hash(body)),
        size: proof.checkpoint().size,
        root: spelled(&proof.checkpoint().root),
        proof: proof.hashes().iter().map(spelled).collect(),
        checkpoint: proof.note().to_string(),
        tlog_proof: proof.to_string(),
    }
}
