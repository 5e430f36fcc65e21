//! `anchor.verify` over our own ledger: each anchor by itself, then with the ledger, then with the receipts in it.

use std::collections::{BTreeMap, BTreeSet};

use super::fetch::Shelf;
use super::own::{Own, ended_at};
use super::verify::{Item, Output, Params, Runs, broken};
use crate::action::Error;
use crate::id::{Digest, RunId};
use crate::ledger::anchor::{Anchor, Asked};
use crate::ledger::history::Query;
use crate::ledger::report::{AnchorReport, Finding, Status};
use crate::ledger::signed::Given;
use crate::ledger::verify::verify;
use crate::merkle::tlog_proof::TlogProof;
use crate::target::anchor_store::own::Found;
use crate::target::anchor_store::receipts::{Recorded, receipts};
use crate::target::ledger_copy::LedgerCopy;
use crate::time::{Duration, Timestamp};

/// What all of a store's anchors are held against.
struct Held {
    own: Own,
    entries: u64,
    /// Whether the ledger agrees with itself, and what is wrong if not.
    tail: Finding,
    anchors: BTreeMap<String, AnchorReport>,
}

impl Held {
    fn new(own: Own, found: &[Found]) -> Result<Self, Error> {
        let checkpoints = own.reader.checkpoints()?;
        let bare = verify(&own.reader, &own.given, &checkpoints, &[]);
        let given =
            |found: &Found| Some(Given { source: found.place.clone(), bytes: found.proof.as_ref().ok()?.clone() });
        let given: Vec<Given> = found.iter().filter_map(given).collect();
        let anchored = verify(&own.reader, &own.given, &checkpoints, &given);
        let detail =
            bare.problems.first().map_or_else(|| "the ledger agrees with itself".to_owned(), |p| p.detail.clone());
        Ok(Self {
            entries: bare.entries,
            tail: Finding::new("tail", bare.status.is_sound(), detail),
            anchors: anchored.anchors.into_iter().map(|anchor| (anchor.source.clone(), anchor)).collect(),
            own,
        })
    }

    fn prefix(&self, found: &Found) -> Finding {
        match self.anchors.get(&found.place) {
            Some(anchor) => Finding::new("prefix", anchor.status == Status::Ok, anchor.detail.clone()),
            None => Finding::new("prefix", false, "it was not held against the ledger"),
        }
    }

    fn item(&self, run: &RunId, found: &Found, newest: bool, max_age: Option<(Duration, Timestamp)>) -> Item {
        let asked = Asked { keys: &self.own.keys, run: Some(run), max_age: max_age.filter(|_| newest) };
        let (findings, size, at) = match (&found.proof, &found.entry) {
            (Ok(proof), Some(entry)) => {
                let mut findings = Anchor { proof, entry }.judge(&asked);
                findings.push(self.prefix(found));
                findings.push(self.tail.clone());
                let size = TlogProof::parse(proof).map_or(0, |proof| proof.checkpoint().size);
                (findings, size, ended_at(entry))
            }
            (Ok(_), None) => (vec![broken("anchor", "its entry is missing beside it".to_owned())], 0, String::new()),
            (Err(damage), _) => {
                (vec![broken("anchor", format!("{}: {}", damage.code, damage.detail))], 0, String::new())
            }
        };
        let is_ok = |code: &str| findings.iter().any(|finding| finding.code == code && finding.ok);
        Item {
            run: run.to_string(),
            source: found.place.clone(),
            newest,
            ok: findings.iter().all(|finding| finding.ok),
            entry_count: size,
            entries: self.entries,
            at,
            self_hash: is_ok("inclusion"),
            run_id: is_ok("run"),
            prefix: is_ok("prefix"),
            tail: is_ok("tail"),
            rows_after: self.entries.saturating_sub(size),
            findings,
        }
    }
}

pub(super) fn judge(
    params: &Params,
    copy: &LedgerCopy,
    store: Option<&str>,
    shelf: Shelf,
    (subject, now): (Digest, Timestamp),
) -> Result<Output, Error> {
    if params.covers_stage.is_some() {
        return Err(Error::new("bad_input", "`covers_stage` is of Corvusforge; a run's own end covers all of it"));
    }
    let own = Own::open(copy)?;
    // Receipts speak of a store; one file is judged without them.
    let recorded = match store {
        Some(store) => receipts(&own.reader, None)?.into_iter().filter(|one| one.receipt.store == store).collect(),
        None => Vec::new(),
    };
    let runs = runs_of(params, &own, &shelf)?;
    let held = Held::new(own, &shelf.own)?;
    let mut output = Output::new(Status::Ok, subject);
    output.problems = shelf.inventory.misfits;
    for run in runs {
        let items = items_of(params, &run, &held, (&shelf.own, &recorded), now);
        output.take(run.to_string(), items);
    }
    Ok(output)
}

/// The runs to judge, each once. One that has not ended can have no anchor yet.
fn runs_of(params: &Params, own: &Own, shelf: &Shelf) -> Result<BTreeSet<RunId>, Error> {
    let parse = |run: &String| {
        RunId::parse(run).map_err(|error| Error::new("bad_input", format!("`{run}` is no run of our own: {error}")))
    };
    if let Runs::Listed(runs) = &params.runs {
        return runs.iter().map(parse).collect();
    }
    let anchored = shelf.own.iter().filter_map(|found| RunId::parse(found.run.as_deref()?).ok());
    // One anchor speaks of its own run alone: what else is in the ledger is not missing from it.
    let rows = if params.path.is_some() { Vec::new() } else { own.reader.history().runs(&Query::default())? };
    let ended = rows.into_iter().filter(|row| row.has_ended()).map(|row| row.run);
    Ok(anchored.chain(ended).collect())
}

/// The run's anchors, those that cover most first, and the receipts whose anchors are gone.
fn items_of(
    params: &Params,
    run: &RunId,
    held: &Held,
    (found, recorded): (&[Found], &[Recorded]),
    now: Timestamp,
) -> Vec<Item> {
    let is_its = |found: &&Found| params.path.is_some() || found.run.as_deref() == Some(run.as_str());
    let max_age = params.max_age.map(|most| (most, now));
    let size = |found: &Found| {
        let proof = found.proof.as_ref().ok().and_then(|proof| TlogProof::parse(proof).ok());
        proof.map_or(0, |proof| proof.checkpoint().size)
    };
    let mut its: Vec<&Found> = found.iter().filter(is_its).collect();
    its.sort_by_key(|found| std::cmp::Reverse(size(found)));
    let mut items: Vec<Item> =
        its.iter().enumerate().map(|(place, found)| held.item(run, found, place == 0, max_age)).collect();
    for recorded in recorded.iter().filter(|recorded| recorded.receipt.of == run.as_str()) {
        let receipt = &recorded.receipt;
        let Some(name) = &receipt.name else { continue };
        match its.iter().position(|found| found.name == *name) {
            None => items.push(gone(run, recorded, held.entries)),
            Some(place) => {
                let bytes = its.get(place).and_then(|found| found.proof.as_ref().ok());
                let differs = bytes.is_some_and(|bytes| Digest::of(bytes).hex() != receipt.sha256);
                if let Some(item) = items.get_mut(place).filter(|_| differs) {
                    let detail =
                        format!("it was overwritten: it is not what the receipt in entry {} says", recorded.seq);
                    item.findings.push(broken("receipt", detail));
                    item.ok = false;
                }
            }
        }
    }
    items
}

fn gone(run: &RunId, recorded: &Recorded, entries: u64) -> Item {
    let detail = format!("it is not there: the receipt in entry {} says that it was stored", recorded.seq);
    Item {
        run: run.to_string(),
        source: recorded.receipt.place.clone(),
        newest: false,
        ok: false,
        entry_count: 0,
        entries,
        at: String::new(),
        self_hash: false,
        run_id: false,
        prefix: false,
        tail: false,
        rows_after: 0,
        findings: vec![broken("receipt", detail)],
    }
}
