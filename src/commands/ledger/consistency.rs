//! `ledger consistency`: that the ledger only grew.

use engine::merkle::spelled;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, copy, keys, only_own, place};
use crate::args::Consistency;
use crate::exit::Exit;
use crate::refusal::Refusal;

/// What `ledger consistency` says in JSON. Hashes are in base64, as in the checkpoint.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The smaller size.
    from: u64,
    /// The size of the signed checkpoint.
    to: u64,
    /// The root of the smaller.
    from_root: String,
    /// The root of the signed checkpoint.
    to_root: String,
    /// The proof, lowest hash first; empty where both sizes are the same, or the smaller is 0.
    proof: Vec<String>,
    /// The signed checkpoint.
    checkpoint: String,
}

pub fn run(context: &Context, args: &Consistency) -> Result<Exit, Refusal> {
    only_own(&args.whose, "`ledger consistency`")?;
    let place = place(context, &args.whose)?;
    let keys = keys(context, &args.keys, place.own.as_ref())?;
    let copied = copy(&place.path)?;
    let grown = copied.reader.prove_growth(args.from, args.to, &keys)?;
    let ui = &context.ui;
    if ui.is_human() {
        ui.raw(&grown.request.to_string());
    } else {
        ui.json(&View {
            from: grown.from,
            to: grown.checkpoint.size,
            from_root: spelled(&grown.from_root),
            to_root: spelled(&grown.checkpoint.root),
            proof: grown.request.proof.iter().map(spelled).collect(),
            checkpoint: grown.request.note.to_string(),
        });
    }
    Ok(Exit::Done)
}
