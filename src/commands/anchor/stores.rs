//! Anchors of our own runs in anchor stores: handed over, fetched, and held against ledger and receipts.

use std::path::Path;

use engine::event::anchoring::AnchorReceipt;
use engine::execute::anchoring::{Courier, Demand, Handed};
use engine::host::Probe as _;
use engine::host::machine::Machine;
use engine::id::{Id, RunId};
use engine::ledger::anchor::{Anchor, Asked};
use engine::ledger::fingerprint_key;
use engine::ledger::reader::Reader;
use engine::ledger::report::{Finding, Status};
use engine::ledger::verify::{Anchors, verify_anchored};
use engine::procedure::{Environment, TargetKind};
use engine::secret::custody::Custody;
use engine::target::anchor_store::own::{self, Found};
use engine::target::anchor_store::place::Guarded;
use engine::target::anchor_store::receipts::{Recorded, hold, receipts};
use engine::target::anchor_store::{self, Object};
use engine::target::corvusforge::anchor::Anchor as CorvusAnchor;
use engine::target::{self, Target, driver};
use engine::time::Duration;
use schemars::JsonSchema;
use serde::Serialize;

use super::own::which_keys;
use super::{Context, Judged};
use crate::args::{AnchorFetch, AnchorStore, AnchorVerify};
use crate::commands::ledger::{copy, prove};
use crate::commands::runtime;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup;
use crate::setup::own_ledger;
use crate::workspace::{self, Workspace};

/// What `anchor store` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The run.
    pub(super) run: String,
    /// Whether it is anchored as policy asks; left out where policy asks for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) anchored: Option<bool>,
    /// Each store that was asked.
    pub(super) stores: Vec<Row>,
}

/// What came of one store.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// The store.
    store: String,
    /// Whether it has the anchor.
    stored: bool,
    /// Its receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<AnchorReceipt>,
    /// Why it has it not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What `anchor fetch` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FetchView {
    /// The run.
    pub(super) run: String,
    /// Its anchors in the store.
    pub(super) anchors: Vec<FoundView>,
    /// The files that were written.
    pub(super) files: Vec<String>,
}

/// An anchor that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FoundView {
    /// Where it is.
    pub(super) place: String,
    /// What it is kept under.
    pub(super) name: String,
    /// The proof, as text; none where it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tlog_proof: Option<String>,
    /// The exact bytes of the run's end, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entry: Option<String>,
    /// What an anchor of Corvusforge says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) anchor: Option<CorvusAnchor>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl From<Handed> for Row {
    fn from(handed: Handed) -> Self {
        let (receipt, error) = match handed.outcome {
            Ok(receipt) => (Some(receipt), None),
            Err(error) => (None, Some(error)),
        };
        Self { store: handed.store, stored: receipt.is_some(), receipt, error }
    }
}

/// The anchor stores of these names.
pub fn bind(workspace: &Workspace, machine: &Machine, names: &[Id]) -> Result<Vec<Target>, Refusal> {
    let bind = |name: &Id| {
        let entry = workspace.file.targets.get(name).filter(|entry| entry.kind == TargetKind::AnchorStore);
        let entry = entry.ok_or_else(|| {
            Refusal::invalid("unbound-target", format!("`{name}` is no anchor store of the workspace"))
                .help("name one under `targets` with `kind: anchor_store`")
        })?;
        let environment = workspace.environment()?;
        let elsewhere = |name: &str, belongs: Option<Environment>| match belongs {
            Some(belongs) if belongs != environment => {
                let message = format!("target `{name}` belongs to another environment than {}", environment.as_str());
                Err(Refusal::new(Exit::Refused, "other-environment", message))
            }
            _ => Ok(()),
        };
        elsewhere(name.as_str(), entry.environment)?;
        let target = target::bind_within(&workspace.file, name, entry, machine)
            .map_err(|error| Refusal::invalid("target", error.to_string()))?;
        for place in target.secrets.values() {
            elsewhere(&place.store.name, place.store.environment)?;
        }
        Ok(target)
    };
    names.iter().map(bind).collect()
}

/// What the policy of this workspace asks for.
pub fn demand(workspace: &Workspace) -> Result<Option<Demand>, Refusal> {
    let environment = workspace.environment()?;
    Demand::of(&workspace.file.policy, environment).map_err(|why| Refusal::invalid("invalid-document", why))
}

/// The ledger's place, which no store may be in.
pub fn guarded(workspace: &Workspace) -> Guarded {
    Guarded { ledger: workspace.ledger(), project: Some(workspace.root.clone()) }
}

pub(super) fn id(text: &str) -> Result<Id, Refusal> {
    Id::parse(text).map_err(|error| Refusal::invalid("usage", format!("`{text}` names no target: {error}")))
}

pub fn store(context: &Context, args: &AnchorStore) -> Result<Exit, Refusal> {
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let machine = setup::machine(&workspace, workspace.environment()?);
    let demand = demand(&workspace)?;
    let names = match args.to.is_empty() {
        true => demand.as_ref().map(Demand::stores).unwrap_or_default(),
        false => args.to.iter().map(|name| id(name)).collect::<Result<_, _>>()?,
    };
    if names.is_empty() {
        return Err(Refusal::invalid("usage", "neither `--to` nor the policy of the workspace names a store"));
    }
    let stores = bind(&workspace, &machine, &names)?;
    let (run, _) = prove::end_of_run(&copy(&workspace.ledger())?.reader, args.run.said())?;
    let key = own_ledger::key(&workspace)?
        .ok_or_else(|| Refusal::new(Exit::Ledger, "ledger-missing", "there is no ledger yet"))?;
    let mut ledger = engine::ledger::Ledger::open(&workspace.ledger(), key, machine.now())?;
    let custody = Custody::new(fingerprint_key::load(&workspace.ledger())?);
    let courier = Courier { host: &machine, custody: &custody, guarded: guarded(&workspace), actor: setup::actor() };
    let handed = runtime()?.block_on(courier.hand_over(&mut ledger, &run, &stores))?;
    let anchored = demand.map(|demand| courier.is_met(&ledger, &run, &demand)).transpose()?;
    ledger.close(machine.now())?;
    let view = View { run: run.to_string(), anchored, stores: handed.into_iter().map(Row::from).collect() };
    Ok(shown(context, &view))
}

/// Shows what came of it; anything but every store having it is a failure.
pub(super) fn shown(context: &Context, view: &View) -> Exit {
    let (run, anchored) = (&view.run, view.anchored);
    let all = view.stores.iter().all(|row| row.stored) && anchored != Some(false);
    let ui = &context.ui;
    if ui.is_human() {
        let mut lines: Vec<String> = view.stores.iter().map(|row| line(row, ui.out)).collect();
        if anchored == Some(false) {
            lines.push(format!("run {run} is {} as policy asks", ui.out.red("not anchored")));
        }
        ui.data(&lines.join("\n"));
    } else {
        ui.json(view);
    }
    if all { Exit::Done } else { Exit::Failed }
}

fn line(row: &Row, paint: crate::ui::Paint) -> String {
    match (&row.receipt, &row.error) {
        (Some(receipt), _) => {
            let word = if receipt.existed { "had it" } else { "stored" };
            format!("{}  {}  {} (trust {})", paint.green(word), row.store, receipt.place, receipt.trust)
        }
        (None, error) => {
            format!("{}  {}  {}", paint.red("failed"), row.store, error.as_deref().unwrap_or_default())
        }
    }
}

/// Everything in a store that is an anchor of ours: of all runs, or of one.
pub fn found(workspace: &Workspace, name: &str, run: Option<&str>) -> Result<Vec<Found>, Refusal> {
    Ok(own::found(objects(workspace, name, run)?))
}

/// Everything in a store, or what is called after a run.
pub(super) fn objects(workspace: &Workspace, name: &str, run: Option<&str>) -> Result<Vec<Object>, Refusal> {
    let machine = setup::machine(workspace, workspace.environment()?);
    let [target] = &bind(workspace, &machine, &[id(name)?])?[..] else {
        return Err(Refusal::internal("one name is one target"));
    };
    let custody = Custody::default();
    // What a store says in its answer may be what it was told.
    let unreadable = |error: driver::Error| {
        let mut message = error.to_string();
        custody.masker().clean(&mut message);
        Refusal::new(Exit::Ledger, "io", message)
    };
    let found = async {
        let store = anchor_store::open(target, &machine, &custody, "anchor").await?;
        store.objects(&machine, run).await
    };
    runtime()?.block_on(found).map_err(unreadable)
}

pub fn fetch(context: &Context, args: &AnchorFetch) -> Result<Exit, Refusal> {
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let said = args.run.said();
    // A run that the ledger has lost is fetched as well: that is what anchors are for.
    let run = match RunId::parse(said) {
        Ok(run) => run,
        Err(_) => prove::end_of_run(&copy(&workspace.ledger())?.reader, said)?.0,
    };
    let found = found(&workspace, &args.from, Some(run.as_str()))?;
    let mut written = Vec::new();
    if let Some(folder) = &args.output {
        files::make_folder(folder)?;
        for found in &found {
            let (proof, entry) = (found.proof.as_ref().ok(), found.entry.as_ref());
            for (extension, bytes) in [(own::ENTRY, entry), (own::PROOF, proof)] {
                let path = folder.join(format!("{}.{extension}", found.name));
                if let Some(bytes) = bytes {
                    super::own::keep(&path, bytes)?;
                    written.push(path.display().to_string());
                }
            }
        }
    }
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let anchors: Vec<FoundView> = found
        .iter()
        .map(|found| FoundView {
            place: found.place.clone(),
            name: found.name.clone(),
            tlog_proof: found.proof.as_ref().ok().map(text),
            entry: found.entry.as_ref().map(text),
            anchor: None,
            error: found.proof.as_ref().err().map(|damage| damage.detail.clone()),
        })
        .collect();
    let view = FetchView { run: run.to_string(), anchors, files: written };
    Ok(shown_found(context, &view, &args.from))
}

/// Shows what a store has; nothing that can be read is a failure.
pub(super) fn shown_found(context: &Context, view: &FetchView, store: &str) -> Exit {
    let ui = &context.ui;
    if ui.is_human() {
        let lines: Vec<String> = view
            .anchors
            .iter()
            .map(|found| match &found.error {
                Some(error) => format!("{}  {}: {error}", ui.out.red("damaged"), found.place),
                None => format!("{}  {}", ui.out.green("found"), found.place),
            })
            .collect();
        let nothing = format!("store `{store}` has no anchor of run {}", view.run);
        ui.data(&if lines.is_empty() { nothing } else { lines.join("\n") });
        view.files.iter().for_each(|path| ui.note(&format!("wrote {}", files::shown(Path::new(path)))));
    } else {
        ui.json(view);
    }
    let is_there = view.anchors.iter().any(|found| found.error.is_none());
    if is_there { Exit::Done } else { Exit::Failed }
}

/// Every anchor of a store by itself, then all of them with the ledger and the receipts in it.
pub fn verify(context: &Context, args: &AnchorVerify, max_age: Option<Duration>) -> Result<Judged, Refusal> {
    let name = args.from.as_deref().unwrap_or_default();
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let keys = which_keys(context, args)?;
    let path = args.whose.ledger.as_deref().map_or_else(|| workspace.ledger(), files::absolute);
    let copied = copy(&path)?;
    let run = args.run.as_deref().map(RunId::parse).transpose();
    let run = run.map_err(|error| Refusal::invalid("usage", format!("--run: {error}")))?;
    let found = found(&workspace, name, run.as_ref().map(RunId::as_str))?;
    let recorded = receipts(&copied.reader, run.as_ref().map(RunId::as_str))?;
    let mut findings = Vec::new();
    for found in &found {
        let of = found.run.as_deref().and_then(|run| RunId::parse(run).ok());
        let asked = Asked { keys: &keys, run: of.as_ref(), max_age: None };
        match (&found.proof, &found.entry) {
            (Ok(proof), Some(entry)) => {
                let judged = Anchor { proof, entry }.judge(&asked);
                let shown =
                    |finding: Finding| Finding { detail: format!("{}: {}", found.name, finding.detail), ..finding };
                findings.extend(judged.into_iter().map(shown));
            }
            (Ok(_), None) => {
                let detail = format!("{}: its entry is missing beside it", found.name);
                findings.push(Finding::new("format", false, detail));
            }
            (Err(damage), _) => {
                findings.push(Finding::new("format", false, format!("{}: {}", found.name, damage.detail)));
            }
        }
    }
    let max_age = max_age.map(|most| (most, setup::reading_machine().now()));
    findings.extend(held(&copied.reader, &keys, name, (found, &recorded), max_age)?);
    Ok((format!("store `{name}`"), findings))
}

/// What the store has, the receipts, and the ledger together.
fn held(
    reader: &Reader,
    keys: &[engine::merkle::note::VerifierKey],
    store: &str,
    (found, recorded): (Vec<Found>, &[Recorded]),
    max_age: Option<(Duration, engine::time::Timestamp)>,
) -> Result<Vec<Finding>, Refusal> {
    let mut anchors = Anchors { max_age, ..Anchors::default() };
    hold(&mut anchors, store, found, recorded);
    let gone = |place: &String| Finding::new("receipt", false, format!("{place} is not there: it was deleted"));
    let altered = |(place, detail): &(String, String)| Finding::new("receipt", false, format!("{place}: {detail}"));
    let mut findings: Vec<Finding> = anchors.missing.iter().map(gone).collect();
    findings.extend(anchors.altered.iter().map(altered));
    if findings.is_empty() {
        let count = recorded.iter().filter(|recorded| recorded.receipt.store == store).count();
        findings.push(Finding::new("receipt", true, format!("all of {count} receipts have their anchors")));
    }
    let report = verify_anchored(reader, keys, &reader.checkpoints()?, &anchors);
    let detail = match (report.status, report.problems.first()) {
        (Status::Ok, _) => format!("the ledger has {} entries, and begins as the anchors say", report.entries),
        (status, Some(problem)) => format!("the ledger is {}: {}", status.as_str(), problem.detail),
        (status, None) => format!("the ledger is {}", status.as_str()),
    };
    findings.push(Finding::new("ledger", report.status == Status::Ok, detail));
    Ok(findings)
}
