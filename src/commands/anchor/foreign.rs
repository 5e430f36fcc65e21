//! Anchors of Corvusforge runs in the workspace's anchor stores; what is handed over has its receipt in our own ledger.

use engine::execute::anchoring::Courier;
use engine::host::Probe as _;
use engine::ledger::Ledger;
use engine::ledger::fingerprint_key;
use engine::secret::custody::Custody;
use engine::target::anchor_store::inventory::{inventory, is_run_id, item, name_of};
use engine::target::anchor_store::place::Guarded;
use engine::target::ledger_copy::project_around;

use super::stores::{FetchView, FoundView, Row, View, bind, id, objects, shown, shown_found};
use super::{Context, own};
use crate::args::{AnchorFetch, AnchorStore};
use crate::commands::ledger::{copy_corvus, place};
use crate::commands::runtime;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup;
use crate::setup::own_ledger;
use crate::workspace;

/// Hands the anchor of a run to stores; a statement that a store has already, whenever it was made, stays as it is.
pub fn store(context: &Context, args: &AnchorStore) -> Result<Exit, Refusal> {
    let run = args.run.said();
    checked(run)?;
    if args.to.is_empty() {
        return Err(Refusal::invalid("usage", "policy asks for nothing of another system's runs")
            .help("name the store with `--to TARGET`"));
    }
    let from = place(context, &args.whose)?;
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let machine = setup::machine(&workspace, workspace.environment()?);
    let names = args.to.iter().map(|name| id(name)).collect::<Result<Vec<_>, _>>()?;
    let stores = bind(&workspace, &machine, &names)?;
    let anchor = copy_corvus(&from.path)?.ledger?.anchor(run, machine.now())?;
    let item = item(&anchor, machine.now());
    let key = own_ledger::key(&workspace)?
        .ok_or_else(|| Refusal::new(Exit::Ledger, "ledger-missing", "there is no ledger for the receipts yet"))?;
    let mut ledger = Ledger::open(&workspace.ledger(), key, machine.now())?;
    let custody = Custody::new(fingerprint_key::load(&workspace.ledger())?);
    let guarded = Guarded { project: Some(project_around(&from.path)), ledger: from.path };
    let courier = Courier { host: &machine, custody: &custody, guarded, actor: setup::actor() };
    let handed = runtime()?.block_on(courier.hand_over_foreign(&mut ledger, &anchor, &item, &stores))?;
    ledger.close(machine.now())?;
    let view = View { run: run.to_owned(), anchored: None, stores: handed.into_iter().map(Row::from).collect() };
    Ok(shown(context, &view))
}

/// Finds what a store has of a run; the run's ledger is not asked, for it may be gone.
pub fn fetch(context: &Context, args: &AnchorFetch) -> Result<Exit, Refusal> {
    let run = args.run.said();
    checked(run)?;
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let found = inventory(objects(&workspace, &args.from, Some(run))?);
    let (mut anchors, mut written) = (Vec::new(), Vec::new());
    for stored in found.anchors.into_iter().filter(|stored| stored.anchor.run_id == run) {
        let name = name_of(&stored.anchor);
        if let Some(folder) = &args.output {
            files::make_folder(folder)?;
            let path = folder.join(format!("{name}.json"));
            own::keep(&path, stored.anchor.to_json_pretty().as_bytes())?;
            written.push(path.display().to_string());
        }
        let (place, anchor) = (stored.place, Some(stored.anchor));
        anchors.push(FoundView { place, name, tlog_proof: None, entry: None, anchor, error: None });
    }
    for misfit in found.misfits.into_iter().filter(|misfit| misfit.run.as_deref() == Some(run)) {
        let error = Some(format!("{}: {}", misfit.code, misfit.detail));
        let name = run.to_owned();
        anchors.push(FoundView { place: misfit.path, name, tlog_proof: None, entry: None, anchor: None, error });
    }
    let view = FetchView { run: run.to_owned(), anchors, files: written };
    Ok(shown_found(context, &view, &args.from))
}

/// The name of a run that can be that of a file.
fn checked(run: &str) -> Result<(), Refusal> {
    match is_run_id(run) {
        true => Ok(()),
        false => Err(Refusal::invalid("usage", format!("run `{run}` cannot be the name of a file"))),
    }
}
