//! `ledger head`: what an anchor of now would say.

use engine::target::corvusforge::listing::RunSummary;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, copy, copy_corvus, place};
use crate::args::{Driver, Head};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::ui::table::{pairs, table};

/// What `ledger head` says in JSON of a ledger of our own.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The name that its checkpoints carry.
    origin: String,
    /// How many entries there are.
    size: u64,
    /// The root over all of them, 64 hex digits.
    root: String,
    /// The key it says is its own.
    vkey: String,
}

/// What `ledger head` says in JSON of a Corvusforge ledger.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CorvusView {
    /// In the order of their first entries.
    runs: Vec<RunSummary>,
}

pub fn run(context: &Context, args: &Head) -> Result<Exit, Refusal> {
    let place = place(context, &args.whose)?;
    let ui = &context.ui;
    if matches!(args.whose.driver, Driver::HashChain | Driver::DigestLog) {
        let message = format!("`ledger head` knows nothing of `--driver {}`", args.whose.driver.as_str());
        return Err(Refusal::invalid("unsupported", message).help("`ledger verify` judges it, `ledger show` shows it"));
    }
    if args.whose.driver == Driver::Corvusforge {
        let copied = copy_corvus(&place.path)?;
        let runs = copied.ledger?.runs()?;
        if !ui.is_human() {
            ui.json(&CorvusView { runs });
            return Ok(Exit::Done);
        }
        let cells = |run: &RunSummary| {
            let last = run.last_at.map(|at| at.to_string()).unwrap_or_default();
            vec![run.run.clone(), run.entries.to_string(), run.status.as_str().to_owned(), last]
        };
        let rows: Vec<Vec<String>> = runs.iter().map(cells).collect();
        ui.data(&table(ui.out, &["RUN", "ENTRIES", "STATUS", "LAST"], &rows));
        return Ok(Exit::Done);
    }
    let copied = copy(&place.path)?;
    let head = copied.reader.head()?;
    let vkey = copied.reader.vkey()?.to_string();
    let root: String = head.root.iter().map(|byte| format!("{byte:02x}")).collect();
    let view = View { origin: head.origin, size: head.size, root, vkey };
    if ui.is_human() {
        let rows = [("origin", view.origin), ("size", view.size.to_string()), ("root", view.root), ("vkey", view.vkey)];
        let rows: Vec<_> = rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        ui.data(&pairs("", &rows));
    } else {
        ui.json(&view);
    }
    Ok(Exit::Done)
}
