//! `ledger checkpoint`: what there is gets signed, also when nothing happened.

use std::path::PathBuf;

use engine::event::{Draft, Kind};
use engine::host::Probe as _;
use engine::ledger::Ledger;
use engine::time::{Duration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;

use super::Context;
use crate::args::Checkpoint;
use crate::exit::Exit;
use crate::files::shown;
use crate::refusal::Refusal;
use crate::setup::own_ledger;
use crate::setup::witnesses::{self, Witnessed};
use crate::setup::{self};
use crate::workspace::{self, Workspace};

/// What `ledger checkpoint` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `made`, or `young` where `--if-older` left it as it is.
    status: &'static str,
    /// How many entries the newest checkpoint covers.
    size: u64,
    /// Its file.
    path: PathBuf,
    /// What the witnesses said; none where there are none, or none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnessed: Option<Witnessed>,
}

pub fn run(context: &Context, args: &Checkpoint) -> Result<Exit, Refusal> {
    let if_older = args.if_older.as_deref().map(Duration::parse).transpose();
    let if_older = if_older.map_err(|error| Refusal::invalid("usage", format!("--if-older: {error}")))?;
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let environment = workspace.environment()?;
    let machine = setup::machine(&workspace, environment);
    let Some(key) = own_ledger::key(&workspace)? else {
        return Err(Refusal::new(Exit::Ledger, "ledger-missing", "there is no ledger; the first run makes one"));
    };
    if let Some(most) = if_older
        && let Some((size, at)) = newest(&workspace)?
        && machine.now().since(at).microseconds() <= most.microseconds()
    {
        let path = engine::ledger::signed::folder_of(&workspace.ledger()).join(size.to_string());
        say(context, &View { status: "young", size, path, witnessed: None });
        return Ok(Exit::Done);
    }
    let mut ledger = Ledger::open(&workspace.ledger(), key, machine.now())?;
    ledger.append(machine.now(), &[Draft::new(Kind::Heartbeat, Map::new())])?;
    let path = ledger.checkpoint()?;
    let size = ledger.size();
    let asking = witnesses::cosign(&workspace, environment, &machine, &mut ledger);
    let witnessed = crate::commands::runtime()?.block_on(asking);
    ledger.close(machine.now())?;
    let exit = match &witnessed {
        Some(witnessed) if witnessed.is_alarm() => Exit::Ledger,
        Some(witnessed) if !witnessed.is_enough() => Exit::Failed,
        _ => Exit::Done,
    };
    say(context, &View { status: "made", size, path, witnessed });
    Ok(exit)
}

fn say(context: &Context, view: &View) {
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(view);
        return;
    }
    let cosigned = view
        .witnessed
        .as_ref()
        .map(|witnessed| format!(", cosigned by {} of {}", witnessed.cosigned, witnessed.witnesses.len()));
    let word = if view.status == "young" { " (young enough, nothing was made)" } else { "" };
    let (file, size) = (shown(&view.path), view.size);
    ui.data(&format!("{file}: {size} entries{}{word}", cosigned.unwrap_or_default()));
    for line in view.witnessed.iter().flat_map(Witnessed::complaints) {
        ui.error(&format!("{}: {line}", ui.err.yellow("warning")));
    }
}

/// The newest checkpoint's size, and the time of the last entry it covers.
fn newest(workspace: &Workspace) -> Result<Option<(u64, Timestamp)>, Refusal> {
    let copied = own_ledger::copy(&workspace.ledger(), &setup::reading_machine())?;
    let Some(sealed) = copied.reader.newest_sealed(&[])? else { return Ok(None) };
    let size = sealed.checkpoint.size;
    let Some(stored) = size.checked_sub(1).map(|last| copied.reader.entry(last)).transpose()?.flatten() else {
        return Ok(None);
    };
    Ok(Some((size, stored.entry(copied.reader.path())?.ts)))
}
