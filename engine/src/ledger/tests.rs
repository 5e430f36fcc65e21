//! The ledger as its users meet it: written, closed, opened again, read, and verified.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::ledger::reader::{Filter, Reader};
use crate::ledger::report::{Report, Status};
use crate::ledger::signed::Given;
use crate::ledger::verify::verify;
use crate::merkle::leaf_hash;

mod damage;
mod documented;
mod entries;
mod histories;
mod keys;
mod killed;
mod matrix;
mod parts;
mod proving;
mod requests;
mod verdicts;
mod writing;

const ORIGIN: &str = "example.org/ledger/test";

/// A ledger in a folder of its own.
struct Place {
    folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger.db");
        Ledger::create(&path, ORIGIN, &key(), at(0), "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11").unwrap();
        Self { folder, path }
    }

    fn open(&self) -> Result<Ledger, Error> {
        Ledger::open(&self.path, key(), at(1))
    }

    fn reader(&self) -> (Reader, TempDir) {
        let scratch = TempDir::new().unwrap();
        (Reader::copy(&self.path, scratch.path()).unwrap(), scratch)
    }

    /// Verified with its key and the checkpoints beside it.
    fn verify(&self, anchors: &[Given]) -> Report {
        let scratch = TempDir::new().unwrap();
        match Reader::copy(&self.path, scratch.path()) {
            Ok(reader) => verify(&reader, &[vkey()], &reader.checkpoints().unwrap(), anchors),
            Err(error) => verify::unreadable(&error),
        }
    }

    /// Twelve entries: two runs, one of which left an intent without its result.
    fn filled() -> Self {
        let place = Self::new();
        let mut ledger = place.open().unwrap();
        for (number, name) in [(1, "demo.first"), (2, "demo.second")] {
            let run = run(number);
            let began = i64::from(number) * 10;
            ledger.append(at(began), &[begin(&run, name)]).unwrap();
            ledger.append(at(began + 1), &[of(&run, Kind::StepIntent, json!({ "action": "epoch.bump" }))]).unwrap();
            if number == 1 {
                ledger.append(at(began + 2), &[of(&run, Kind::StepResult, json!({ "state": "succeeded" }))]).unwrap();
            }
            ledger
                .append(at(began + 3), &[of(&run, Kind::GuardVerdict, json!({ "note": "größer \u{1f512}\n" }))])
                .unwrap();
            ledger.append(at(began + 4), &[end(&run, "succeeded")]).unwrap();
        }
        ledger.close(at(40)).unwrap();
        place
    }
}

fn key() -> LedgerKey {
    LedgerKey::from_seed(&[7; 32])
}

fn vkey() -> VerifierKey {
    VerifierKey::new(ORIGIN, key().public()).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds(1_795_167_312_000_000 + seconds * 1_000_000).unwrap()
}

fn run(number: u8) -> RunId {
    RunId::from_parts(1_795_167_312_000, &[number; 10])
}

fn draft(kind: Kind, data: Value) -> Draft {
    Draft::new(kind, data.as_object().unwrap().clone())
}

fn of(run: &RunId, kind: Kind, data: Value) -> Draft {
    let step = matches!(kind, Kind::StepIntent | Kind::StepResult).then(|| "bump".to_owned());
    let attempt = step.is_some().then_some(1);
    Draft { run: Some(run.clone()), step, attempt, ..draft(kind, data) }
}

fn begin(run: &RunId, procedure: &str) -> Draft {
    of(run, Kind::RunBegin, json!({ "procedure": procedure, "parameters": { "workspace_id": "org_a" } }))
}

fn end(run: &RunId, status: &str) -> Draft {
    of(run, Kind::RunEnd, json!({ "status": status, "outputs": { "epoch": 7 } }))
}

#[test]
fn a_ledger_closed_in_good_order_agrees_with_itself_and_an_anchor_makes_it_ok() {
    let place = Place::filled();
    let report = place.verify(&[]);
    assert_eq!(report.problems, []);
    assert_eq!((report.status, report.entries), (Status::SelfConsistentOnly, 12));
    let anchor = signed::at(&place.path, 12).unwrap().unwrap();
    let report = place.verify(&[anchor]);
    assert_eq!(report.status, Status::Ok);
    assert_eq!(report.problems, []);
}

#[test]
fn a_run_with_an_intent_and_no_result_is_unknown_until_it_is_resolved() {
    let place = Place::filled();
    let report = place.verify(&[]);
    let statuses: Vec<Status> = report.runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::SelfConsistentOnly, Status::UnknownOutcome]);
    assert_eq!(report.runs[1].problems[0].seq, Some(8));
    let mut ledger = Ledger::open(&place.path, key(), at(50)).unwrap();
    let resolved = Draft { step: Some("bump".to_owned()), ..of(&run(2), Kind::OutcomeResolved, json!({})) };
    ledger.append(at(50), &[resolved]).unwrap();
    drop(ledger);
    assert!(place.verify(&[]).runs.iter().all(|run| run.status == Status::SelfConsistentOnly));
}
