//! Judging a whole ledger: every byte of it, every checkpoint beside it, and the anchors that were given.
//!
//! One pass over the rows; memory grows with runs and checkpoints, not with entries. The result is a report. Without an
//! anchor from elsewhere a sound ledger is `self_consistent_only`: whoever can rewrite the log can rewrite what stands
//! beside it.
//!
//! A run whose intent has no result is `unknown_outcome`, also when it has ended, until an `outcome.resolved` says
//! which; so is one that is between the two at this moment. That is the run's status alone: the ledger that says so is
//! as sound as any.

use std::collections::BTreeMap;

use super::chain::{Chain, Problems};
use super::error::Error;
use super::reader::Reader;
use super::report::{Problem, Report, Status};
use super::signed::{self, Given, Refusal};
use super::{start, store};
use crate::id::Digest;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::{Note, VerifierKey};

mod claims;
mod index;
mod runs;

use claims::Claims;
use index::Indexes;
use runs::Runs;

/// What this driver is called in reports.
const DRIVER: &str = "runwarden";

/// Verifies a ledger.
///
/// `keys` are those that may sign for it; where there are none, the ledger's own genesis names the key, which shows that
/// it agrees with itself and nothing more. `checkpoints` are those beside it ([`Reader::checkpoints`]); `anchors` come
/// from elsewhere, and only a fitting one makes it `ok`.
#[must_use]
pub fn verify(reader: &Reader, keys: &[VerifierKey], checkpoints: &[Given], anchors: &[Given]) -> Report {
    let mut problems = Problems::default();
    match store::check_schema(&reader.conn, &mut problems) {
        Ok(true) => {}
        Ok(false) => return unreadable_report(problems.into_vec()),
        Err(error) => return unreadable(&Error::reading(&reader.path, &error)),
    }
    let schema_is_ours = problems.is_empty();
    let own_key = own_key(reader, keys, &mut problems);
    let keys: Vec<VerifierKey> = if keys.is_empty() { own_key.into_iter().collect() } else { keys.to_vec() };

    let mut claims = Claims::new(checkpoints, anchors);
    let mut runs = Runs::default();
    let mut indexes = Indexes::default();
    let mut chain = Chain::start();
    let before = problems.kept.len();
    let (read, refusals) = std::thread::scope(|scope| {
        let notes = claims.notes();
        let signatures = scope.spawn(|| refusals(notes, &keys));
        let read = store::each_row(&reader.conn, i64::MIN, |row| {
            let fields = chain.follow(row, &mut problems);
            indexes.row(row);
            if let Some(fields) = fields {
                runs.entry(row.seq, &fields);
            }
            // By number, not by count: rows that are missing in between are a gap, not a cut tail.
            claims.reached(chain.reached(), || chain.range.root(), problems.kept.len() == before);
        });
        // A thread of ours panics only by a bug; then no signature counts.
        (read, signatures.join().unwrap_or_default())
    });
    let entries = chain.range.size();
    let mut damaged = false;
    if let Err(error) = read {
        damaged = true;
        problems.add("unreadable", Some(chain.next), None, format!("reading stops here: {error}"));
    }
    if schema_is_ours
        && !damaged
        && let Err(error) = indexes.compare(&reader.conn, &mut problems)
    {
        problems.add("unreadable", None, None, format!("an index cannot be read: {error}"));
    }
    if entries == 0 && !damaged {
        problems.add("empty", None, None, "there are no entries".to_owned());
    }
    let anchors = claims.finish(chain.reached(), &refusals, &mut problems);
    let window = claims.window(entries);
    let anchored = anchors.iter().filter(|anchor| anchor.status == Status::Ok).map(|anchor| anchor.size).max();
    let status = problems.kept.iter().map(|problem| status_of(&problem.code)).min_by_key(|status| rank(*status));
    let status = status.unwrap_or(if anchored.is_some() { Status::Ok } else { Status::SelfConsistentOnly });
    if matches!(rank(status), 2..=5) {
        problems.add("damage_window", None, None, window);
    }
    let problems = problems.into_vec();
    let runs = runs.finish(anchored.unwrap_or(0), &problems);
    let subject = subject(entries, &chain.range.root(), &problems, &anchors);
    Report {
        status,
        driver: DRIVER.to_owned(),
        dialect: None,
        entries,
        runs,
        anchors,
        problems,
        subject: Some(subject),
    }
}

/// The report of a ledger that could not be read at all.
#[must_use]
pub fn unreadable(error: &Error) -> Report {
    let problem = Problem { code: "unreadable".to_owned(), seq: None, run: None, detail: error.to_string() };
    unreadable_report(vec![problem])
}

fn unreadable_report(problems: Vec<Problem>) -> Report {
    Report {
        status: Status::Unreadable,
        driver: DRIVER.to_owned(),
        dialect: None,
        entries: 0,
        runs: Vec::new(),
        anchors: Vec::new(),
        problems,
        subject: None,
    }
}

/// The key that the genesis names; it must be one of those given, where any are.
fn own_key(reader: &Reader, keys: &[VerifierKey], problems: &mut Problems) -> Option<VerifierKey> {
    match start::genesis(&reader.path, &reader.conn) {
        Ok(genesis) => {
            if !keys.is_empty() && !keys.contains(&genesis.named) {
                let detail = format!("the genesis names the key `{}`, which is none of those given", genesis.named);
                problems.add("wrong_key", Some(0), None, detail);
            }
            Some(genesis.named)
        }
        Err(Error::NotGenuine { problems: found, .. }) => {
            problems.kept.extend(found);
            None
        }
        Err(error) => {
            problems.add("unreadable", Some(0), None, error.to_string());
            None
        }
    }
}

/// What is wrong with the signatures, by the claim's place in the list.
fn refusals(notes: Vec<(usize, Note, Checkpoint)>, keys: &[VerifierKey]) -> BTreeMap<usize, Option<Refusal>> {
    notes.into_iter().map(|(claim, note, checkpoint)| (claim, signed::check(&note, &checkpoint, keys).err())).collect()
}

/// What a problem of that code makes of the whole.
fn status_of(code: &str) -> Status {
    match code {
        "unreadable" => Status::Unreadable,
        "empty" => Status::Empty,
        "non_canonical" => Status::NonCanonical,
        "fork" => Status::Fork,
        "truncated" => Status::Truncated,
        "bad_anchor" => Status::AnchorMissing,
        _ => Status::Broken,
    }
}

/// The worse the lower, so that the whole is said in the word that matters most.
fn rank(status: Status) -> u8 {
    match status {
        Status::Unreadable => 0,
        Status::Empty => 1,
        Status::Broken => 2,
        Status::NonCanonical => 3,
        Status::Fork => 4,
        Status::Truncated => 5,
        _ => 6,
    }
}

/// The digest of all that the answer depends on.
fn subject(
    entries: u64,
    root: &crate::merkle::Hash,
    problems: &[Problem],
    anchors: &[super::report::AnchorReport],
) -> Digest {
    let rest = serde_json::to_vec(&(entries, hex::encode(root), problems, anchors));
    Digest::of(&rest.expect("a report has text keys and plain values"))
}
