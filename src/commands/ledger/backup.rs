//! `ledger backup`: a copy that can be gone on with.

use engine::ledger::backup::back_up;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, copy, only_own, place};
use crate::args::Backup;
use crate::exit::Exit;
use crate::files::{absolute, shown};
use crate::refusal::Refusal;

/// What `ledger backup` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The copy.
    file: String,
    /// How many entries it has.
    entries: u64,
    /// How many checkpoints are beside it.
    checkpoints: u64,
    /// How many files of content are beside it.
    contents: u64,
}

pub fn run(context: &Context, args: &Backup) -> Result<Exit, Refusal> {
    only_own(&args.whose, "`ledger backup`")?;
    let place = place(context, &args.whose)?;
    let copied = copy(&place.path)?;
    let to = absolute(&args.file);
    let made = back_up(&copied.reader, &to)?;
    let view = View {
        file: to.display().to_string(),
        entries: made.entries,
        checkpoints: made.checkpoints,
        contents: made.contents,
    };
    let ui = &context.ui;
    if ui.is_human() {
        let counts =
            format!("{} entries, {} checkpoints, {} files of content", view.entries, view.checkpoints, view.contents);
        ui.data(&format!("wrote {}: {counts}", shown(&to)));
        ui.note("the ledger's key is not in it: keep a copy of that in another place");
    } else {
        ui.json(&view);
    }
    Ok(Exit::Done)
}
