//! `anchor.verify`: runs held against their anchors, line by line. What does not fit is the answer, not a failure.

use std::collections::BTreeSet;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::fetch::{Shelf, everything};
use super::{check_run, digest_over, ledger, own, own_verify};
use crate::action::ledger::aside;
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::ledger::report::{Finding, Report, Status};
use crate::target::anchor_store::inventory::{self, Inventory, Misfit, Stored};
use crate::target::anchor_store::own as own_store;
use crate::target::ledger_copy::LedgerCopy;
use crate::target::open_ledger::OpenLedger;
use crate::time::{Duration, Timestamp};

/// Holds runs against their anchors.
pub struct Verify;

/// What `anchor.verify` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The anchor store; not beside `path`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["anchor_store"]))]
    target: Option<Id>,
    /// The file of one anchor; not beside `target`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    pub(super) path: Option<PathBuf>,
    /// The ledger, of driver `corvusforge` or `runwarden`.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    ledger: Id,
    /// Another file (a backup, a snapshot) held against the anchors in place of the ledger's.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    ledger_path: Option<PathBuf>,
    /// The runs; `all` are those of the ledger and those that have an anchor.
    pub(super) runs: Runs,
    /// Every entry of this stage must lie within the newest anchor; of Corvusforge.
    #[serde(default)]
    pub(super) covers_stage: Option<String>,
    /// The newest anchor must not be older.
    #[serde(default)]
    pub(super) max_age: Option<Duration>,
}

/// Which runs.
#[derive(Debug)]
pub enum Runs {
    /// Every run there is or was.
    All,
    /// These.
    Listed(Vec<String>),
}

/// What `anchor.verify` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many runs were held against an anchor.
    pub(super) checked: u64,
    /// How many of them do not fit: their newest anchor in any line, or an older one in what it says.
    pub(super) failed: u64,
    /// How many runs have no anchor.
    pub(super) missing: u64,
    /// The runs that have no anchor.
    pub(super) missing_runs: Vec<String>,
    /// Each anchor of these runs: run by run, those that cover most first.
    pub(super) items: Vec<Item>,
    /// Every line that is not as it should be, in words, with the anchor's file before it.
    pub(super) wrong: Vec<String>,
    /// Whether the ledger could be read: `ok`, or `empty` or `unreadable`; `ok` says no more than that.
    pub(super) ledger_status: Status,
    /// Everything in the store that is no anchor, cannot be read, or is named for another run than it says.
    pub(super) problems: Vec<Misfit>,
    /// The digest of what was read: ledger and anchors.
    pub(super) subject: Digest,
}

impl Output {
    /// With no run yet.
    pub(super) fn new(ledger_status: Status, subject: Digest) -> Self {
        Self {
            checked: 0,
            failed: 0,
            missing: 0,
            missing_runs: Vec::new(),
            items: Vec::new(),
            wrong: Vec::new(),
            ledger_status,
            problems: Vec::new(),
            subject,
        }
    }

    /// Takes in a run, with what came of each of its anchors.
    pub(super) fn take(&mut self, run: String, items: Vec<Item>) {
        if items.is_empty() {
            self.missing += 1;
            self.missing_runs.push(run);
            return;
        }
        self.checked += 1;
        self.failed += u64::from(items.iter().any(|item| !item.ok));
        self.wrong.extend(items.iter().flat_map(in_words));
        self.items.extend(items);
    }
}

/// A run held against one anchor.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Item {
    /// The run.
    pub(super) run: String,
    /// The anchor's file.
    pub(super) source: String,
    /// Whether this is the one that decides about coverage and age: the one that covers most.
    pub(super) newest: bool,
    /// Whether every line is as it should be.
    pub(super) ok: bool,
    /// How many entries the anchor covers.
    pub(super) entry_count: u64,
    /// How many entries the run has, or our own ledger.
    pub(super) entries: u64,
    /// The time that the anchor says.
    pub(super) at: String,
    /// Whether the anchor's own hash fits it; of our own, whether its proof fits its entry.
    pub(super) self_hash: bool,
    /// Whether it says this run.
    pub(super) run_id: bool,
    /// Whether what was anchored is there and unchanged.
    pub(super) prefix: bool,
    /// Whether what came after the anchor agrees with itself.
    pub(super) tail: bool,
    /// How many entries came after the anchor.
    pub(super) rows_after: u64,
    /// Every line.
    pub(super) findings: Vec<Finding>,
}

/// Everything that is looked at.
struct Evidence {
    copy: LedgerCopy,
    shelf: Shelf,
    subject: Digest,
}

impl Params {
    async fn gather(&self, looking: &Looking<'_>) -> Result<Evidence, Error> {
        let copy = ledger(looking.facts, looking.probe, &self.ledger, self.ledger_path.as_deref())?;
        let shelf = match (&self.target, &self.path) {
            (Some(target), None) => everything(looking, target).await?,
            (None, Some(path)) if copy.driver() == own::DRIVER => {
                let found = own_store::read(looking.probe, path).map_err(|damage| match damage.code {
                    "unreadable" => Error::new("not_found", damage.detail),
                    _ => Error::new("not_an_anchor", format!("`{}`: {}", path.display(), damage.detail)),
                })?;
                Shelf { own: vec![found], ..Shelf::default() }
            }
            (None, Some(path)) => match inventory::read(looking.probe, path) {
                Ok(stored) => {
                    let inventory = Inventory { anchors: vec![stored], misfits: Vec::new() };
                    Shelf { inventory, ..Shelf::default() }
                }
                Err(misfit) if misfit.code == "unreadable" => return Err(Error::new("not_found", misfit.detail)),
                Err(misfit) => {
                    return Err(Error::new("not_an_anchor", format!("`{}`: {}", misfit.path, misfit.detail)));
                }
            },
            _ => return Err(Error::new("bad_input", "it takes one of `target` and `path`")),
        };
        let subject = digest_over(&(copy.subject(), shelf.subject()));
        Ok(Evidence { copy, shelf, subject })
    }

    fn check(&self) -> Result<(), Error> {
        let Runs::Listed(runs) = &self.runs else { return Ok(()) };
        if runs.is_empty() {
            return Err(Error::new("bad_input", "`runs` names no run; write `all` for all of them"));
        }
        if self.path.is_some() && runs.len() > 1 {
            return Err(Error::new("bad_input", "one anchor is of one run, and `runs` names more"));
        }
        runs.iter().try_for_each(|run| check_run(run))
    }
}

#[async_trait]
impl Read for Verify {
    const NAME: &'static str = "anchor.verify";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        params.check()?;
        let Evidence { copy, shelf, subject } = params.gather(looking).await?;
        let now = looking.probe.now();
        if copy.driver() == own::DRIVER {
            let store = params.target.as_ref().map(|name| looking.facts.target(name)).transpose()?;
            let store = store.map(|target| target.name.clone());
            return aside(move || own_verify::judge(&params, &copy, store.as_deref(), shelf, (subject, now))).await?;
        }
        aside(move || judge(&params, &copy, shelf.inventory, subject, now)).await
    }

    async fn subject(&self, params: Params, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        params.check()?;
        Ok(Some(params.gather(looking).await?.subject))
    }
}

fn judge(params: &Params, copy: &LedgerCopy, inventory: Inventory, subject: Digest, now: Timestamp) -> Output {
    let opened = copy.open();
    let held = match &opened {
        Ok(ledger) => ledger.runs().map(|runs| runs.into_iter().map(|line| line.run).collect()),
        Err(_) => Ok(Vec::new()),
    };
    let ledger_status = match (&opened, &held) {
        (Err(report), _) => report.status,
        (_, Err(_)) => Status::Unreadable,
        (Ok(_), Ok(_)) => Status::Ok,
    };
    let runs = runs_of(params, held.unwrap_or_default(), &inventory);
    let mut output = Output::new(ledger_status, subject);
    for run in runs {
        let items = items_of(params, &run, &opened, &inventory, now);
        output.take(run, items);
    }
    output.problems = inventory.misfits;
    output
}

/// The runs to judge, each once: those asked for, or all of the ledger and of the store.
fn runs_of(params: &Params, held: Vec<String>, inventory: &Inventory) -> BTreeSet<String> {
    if let Runs::Listed(runs) = &params.runs {
        return runs.iter().cloned().collect();
    }
    let anchored = inventory.anchors.iter().map(|stored| stored.anchor.run_id.clone());
    let named = inventory.anchors.iter().filter_map(|stored| stored.named_for.clone());
    let misfits = inventory.misfits.iter().filter_map(|misfit| misfit.run.clone());
    // One anchor speaks of its own run alone: what else is in the ledger is not missing from it.
    let held = if params.path.is_some() { Vec::new() } else { held };
    anchored.chain(named).chain(misfits).chain(held).collect()
}

/// Everything in the store that is of a run by what it says or by its name, held against the run.
fn items_of(
    params: &Params,
    run: &str,
    opened: &Result<OpenLedger, Box<Report>>,
    inventory: &Inventory,
    now: Timestamp,
) -> Vec<Item> {
    let is_its = |stored: &&Stored| {
        params.path.is_some() || stored.anchor.run_id == run || stored.named_for.as_deref() == Some(run)
    };
    let mut items = Vec::new();
    for stored in inventory.anchors.iter().filter(is_its) {
        let newest = items.is_empty();
        // An older anchor covers less and is older: only what it says must still hold.
        let (stage, age) = if newest { (params.covers_stage.as_deref(), params.max_age) } else { (None, None) };
        let check = match opened {
            Err(report) => Err(first_problem(report)),
            Ok(OpenLedger::Corvusforge(ledger)) => {
                ledger.check_anchor(&stored.anchor, run, stage, age, now).map_err(|error| error.to_string())
            }
            Ok(_) => Err("it is no Corvusforge ledger".to_owned()),
        };
        items.push(match check {
            Ok(check) => item(run, stored, newest, check.findings, (check.entries, check.rows_after)),
            Err(detail) => item(run, stored, newest, vec![broken("ledger", detail)], (0, 0)),
        });
    }
    // A damaged file that by its name was an anchor of this run may have been the one that told.
    let damaged =
        inventory.misfits.iter().filter(|misfit| misfit.code != "misnamed" && misfit.run.as_deref() == Some(run));
    items.extend(damaged.map(|misfit| Item {
        run: run.to_owned(),
        source: misfit.path.clone(),
        newest: false,
        ok: false,
        entry_count: 0,
        entries: 0,
        at: String::new(),
        self_hash: false,
        run_id: false,
        prefix: false,
        tail: false,
        rows_after: 0,
        findings: vec![broken("anchor", format!("{}: {}", misfit.code, misfit.detail))],
    }));
    items
}

fn item(run: &str, stored: &Stored, newest: bool, findings: Vec<Finding>, (entries, rows_after): (u64, u64)) -> Item {
    let is_ok = |code: &str| findings.iter().any(|finding| finding.code == code && finding.ok);
    Item {
        run: run.to_owned(),
        source: stored.place.clone(),
        newest,
        ok: findings.iter().all(|finding| finding.ok),
        entry_count: stored.anchor.entry_count,
        entries,
        at: stored.anchor.timestamp_utc.clone(),
        self_hash: is_ok("self_hash"),
        run_id: is_ok("run_id"),
        prefix: is_ok("prefix"),
        tail: is_ok("tail"),
        rows_after,
        findings,
    }
}

pub(super) fn in_words(item: &Item) -> impl Iterator<Item = String> {
    let wrong = item.findings.iter().filter(|finding| !finding.ok);
    wrong.map(|finding| format!("{}: {}: {}", item.source, finding.code, finding.detail))
}

pub(super) fn broken(code: &str, detail: String) -> Finding {
    Finding { code: code.to_owned(), ok: false, detail }
}

fn first_problem(report: &Report) -> String {
    report.problems.first().map_or_else(|| "it cannot be read".to_owned(), |problem| problem.detail.clone())
}

impl<'de> Deserialize<'de> for Runs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Runs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`all`, or a list of run ids")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Runs, E> {
                match text {
                    "all" => Ok(Runs::All),
                    _ => Err(E::custom(format!("`{text}` is neither `all` nor a list; write `[{text}]`"))),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Runs, A::Error> {
                let mut runs = Vec::new();
                while let Some(run) = items.next_element::<String>()? {
                    if runs.contains(&run) {
                        return Err(A::Error::custom(format!("run `{run}` is named twice")));
                    }
                    runs.push(run);
                }
                Ok(Runs::Listed(runs))
            }
        }
        from.deserialize_any(Either)
    }
}

impl JsonSchema for Runs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Runs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "oneOf": [{ "const": "all" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }]
        })
    }
}
