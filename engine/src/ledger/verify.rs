//! Judging a whole ledger: every byte of it, every checkpoint beside it, and the anchors that were given.
//!
//! One walk over the rows, shared by as many threads as there are cores; memory grows with runs and checkpoints, not with
//! entries. The result is a report. Without an anchor from elsewhere a sound ledger is `self_consistent_only`: whoever can
//! rewrite the log can rewrite what stands beside it.
//!
//! A run whose intent has no result is `unknown_outcome`, also when it has ended, until an `outcome.resolved` says
//! which; so is one that is between the two at this moment. That is the run's status alone: the ledger that says so is
//! as sound as any.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::path::Path;

use super::chain::Problems;
use super::error::Error;
use super::key_chain::{KeyChain, Lookup};
use super::reader::Reader;
use super::report::{AnchorReport, Problem, Report, Status};
use super::signed::{self, Given, Refusal, Signer};
use super::{start, store};
use crate::id::Digest;
use crate::merkle::Hash;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::{Note, VerifierKey};
use crate::time::{Duration, Timestamp};

mod claims;
mod index;
pub(super) mod parts;
mod pass;
mod runs;
mod trust;

use claims::Claims;
use index::Listed;
use parts::Cut;
use pass::Pass;
use trust::{Signed, Trust};

/// What this driver is called in reports.
const DRIVER: &str = "runwarden";

/// Anchors from elsewhere, and what is asked of them.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// Signed checkpoints, and tlog-proofs.
    pub given: Vec<Given>,
    /// What was asked for and is not there.
    pub missing: Vec<String>,
    /// What is there and is not what it should be, with what was found.
    pub altered: Vec<(String, String)>,
    /// How old the newest may be, and what time it is. An anchor is as old as the last entry it covers.
    pub max_age: Option<(Duration, Timestamp)>,
}

/// Verifies a ledger against anchors; see [`verify_anchored`].
#[must_use]
pub fn verify(reader: &Reader, keys: &[VerifierKey], checkpoints: &[Given], anchors: &[Given]) -> Report {
    verify_anchored(reader, keys, checkpoints, &Anchors { given: anchors.to_vec(), ..Anchors::default() })
}

/// Verifies a ledger.
///
/// `keys` are those that may sign for it; where there are none, the ledger's own genesis names the key, and an anchor is
/// believed for where it was kept alone. `checkpoints` are those beside it ([`Reader::checkpoints`]); `anchors` come from
/// elsewhere, and only a fitting one makes it `ok`.
#[must_use]
pub fn verify_anchored(reader: &Reader, keys: &[VerifierKey], checkpoints: &[Given], anchors: &Anchors) -> Report {
    verify_in_parts(reader, keys, checkpoints, anchors, Cut::of_this_machine())
}

/// The same, with the rows cut into parts like this. How they are cut makes no difference to the report.
pub(super) fn verify_in_parts(
    reader: &Reader,
    keys: &[VerifierKey],
    checkpoints: &[Given],
    anchors: &Anchors,
    cut: Cut,
) -> Report {
    let mut problems = Problems::default();
    match store::check_schema(&reader.conn, &mut problems) {
        Ok(true) => {}
        Ok(false) => return unreadable_report(problems.into_vec()),
        Err(error) => return unreadable(&Error::reading(&reader.path, &error)),
    }
    let judged = |by| judge(reader, keys, (checkpoints, anchors), cut, by, problems.clone());
    // An index that does not list what there is may have hidden a key.
    if problems.is_empty()
        && let (report, true) = judged(Lookup::Index)
    {
        return report;
    }
    judged(Lookup::Table).0
}

/// The report, with the ledger's keys found in one way or the other, and whether the index would have found the same.
fn judge(
    reader: &Reader,
    keys: &[VerifierKey],
    (checkpoints, anchors): (&[Given], &Anchors),
    cut: Cut,
    by: Lookup,
    mut problems: Problems,
) -> (Report, bool) {
    let schema_is_ours = problems.is_empty();
    let trust = Trust::new(own_keys(reader, by, &mut problems), keys, &mut problems);
    let pass = Pass::new(Claims::new(checkpoints, &anchors.given), trust.roots(), problems, cut);
    let (pass, signed, lists_all) = go_through(reader, &trust.signers, schema_is_ours, pass);
    let (entries, reached, root) = (pass.entries(), pass.chain.reached(), pass.root());
    let Pass { mut problems, claims, runs, .. } = pass;
    let (refusals, proven) = trust.settle(signed, &claims.standing(), &mut problems);
    let mut found = claims.finish(reached, &refusals, &mut problems);
    anchors.judge(&mut found, &mut problems);
    let anchors = found;
    let anchored = anchors.iter().filter(|anchor| anchor.status == Status::Ok).map(|anchor| anchor.size).max();
    let worst = problems.kept.iter().map(|problem| status_of(&problem.code)).min_by_key(|status| rank(*status));
    let status = worst.unwrap_or(if anchored.is_some() { Status::Ok } else { Status::SelfConsistentOnly });
    if !(status.is_sound() || matches!(status, Status::Empty | Status::Unreadable)) {
        problems.add("damage_window", None, None, claims.window(entries));
    }
    let dropped_from = problems.dropped_from;
    let problems = problems.into_vec();
    let runs = runs.finish(anchored.unwrap_or(0).min(proven), &problems, dropped_from);
    let subject = Some(subject(entries, &root, &problems, &anchors));
    let report = Report { status, driver: DRIVER.to_owned(), dialect: None, entries, runs, anchors, problems, subject };
    (report, lists_all)
}

impl Anchors {
    /// Whether all are there, and one is new enough.
    fn judge(&self, found: &mut Vec<AnchorReport>, problems: &mut Problems) {
        let lost = |source: &String, detail: &str| {
            let (source, detail) = (source.clone(), detail.to_owned());
            AnchorReport { source, size: 0, at: None, status: Status::AnchorMissing, detail }
        };
        let missing = self.missing.iter().map(|source| lost(source, "it was asked for, and is not there"));
        let altered = self.altered.iter().map(|(source, detail)| lost(source, detail));
        for report in missing.chain(altered) {
            problems.add("anchor_missing", None, None, format!("`{}`: {}", report.source, report.detail));
            found.push(report);
        }
        let Some((most, now)) = self.max_age else { return };
        let times = found.iter().filter(|anchor| anchor.status == Status::Ok).filter_map(|anchor| anchor.at.as_deref());
        match times.filter_map(|at| Timestamp::parse(at).ok()).max() {
            Some(newest) if now.since(newest).microseconds() > most.microseconds() => {
                let detail = format!("the newest anchor is of {newest}, which is more than {most} ago");
                problems.add("anchor_stale", None, None, detail);
            }
            Some(_) => {}
            None => {
                let detail = format!("there is no anchor that fits, and one not older than {most} was asked for");
                problems.add("anchor_missing", None, None, detail);
            }
        }
    }
}

/// Everything there is, read side by side: rows, signatures, indexes. Gives what was gathered, who made the signatures by
/// the claim's place in the list, and whether the index of the kinds is as the rows are.
fn go_through(
    reader: &Reader,
    signers: &[Signer],
    schema_is_ours: bool,
    mut pass: Pass,
) -> (Pass, BTreeMap<usize, Signed>, bool) {
    let notes = pass.claims.notes();
    let questions = pass.questions();
    let (copy, path) = (reader.copy.as_path(), reader.path.as_path());
    let (read, signed, listed) = std::thread::scope(|scope| {
        let listing = schema_is_ours.then(|| scope.spawn(|| list_indexes(copy, path, &questions.keys)));
        let signatures = scope.spawn(|| who_signed(notes, signers));
        let read = pass.rows(scope, reader, &questions);
        (read, finished(signatures.join()), listing.map(|listing| finished(listing.join())))
    });
    let entries = pass.entries();
    let problems = &mut pass.problems;
    let mut lists_all = false;
    match (read, listed) {
        // What cannot be read to its end has no sums to compare with.
        (Err(error), _) => {
            problems.add("unreadable", Some(pass.chain.next), None, format!("reading stops here: {error}"));
        }
        (Ok(()), _) if entries == 0 => problems.add("empty", None, None, "there are no entries".to_owned()),
        (Ok(()), Some(Ok(listed))) => {
            lists_all = pass.indexes.kinds_are_those_of(listed);
            pass.indexes.compare(listed, problems);
        }
        (Ok(()), Some(Err(error))) => problems.add("unreadable", None, None, error.to_string()),
        (Ok(()), None) => {}
    }
    (pass, signed, lists_all)
}

fn list_indexes(copy: &Path, path: &Path, keys: &RandomState) -> Result<Listed, Error> {
    let conn = store::open_walker(copy, path)?;
    index::listed(&conn, keys).map_err(|error| Error::reading(path, &error))
}

/// What a thread of ours gave; a panic in it, which is a bug, is one here.
fn finished<T>(joined: std::thread::Result<T>) -> T {
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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

/// The keys that the ledger says are its own.
fn own_keys(reader: &Reader, by: Lookup, problems: &mut Problems) -> Option<KeyChain> {
    let read = start::genesis(&reader.path, &reader.conn).and_then(|genesis| {
        let read = KeyChain::read(&reader.conn, by, genesis.named, problems);
        read.map_err(|error| Error::reading(&reader.path, &error))
    });
    match read {
        Ok(chain) => Some(chain),
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

/// Who made the signatures, by the claim's place in the list.
fn who_signed(notes: Vec<(usize, Note, Checkpoint)>, signers: &[Signer]) -> BTreeMap<usize, Signed> {
    let judged = |(claim, note, checkpoint)| (claim, signed::check_ranges(&note, &checkpoint, signers));
    notes.into_iter().map(judged).collect()
}

/// What a problem of that code makes of the whole.
fn status_of(code: &str) -> Status {
    match code {
        "unreadable" => Status::Unreadable,
        "empty" => Status::Empty,
        "non_canonical" => Status::NonCanonical,
        "fork" => Status::Fork,
        "truncated" => Status::Truncated,
        "bad_anchor" | "anchor_missing" => Status::AnchorMissing,
        "anchor_stale" => Status::AnchorStale,
        "key_out_of_range" => Status::KeyOutOfRange,
        "unproven" => Status::SelfConsistentOnly,
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
        Status::KeyOutOfRange => 6,
        Status::AnchorMissing => 7,
        Status::AnchorStale => 8,
        _ => 9,
    }
}

/// The digest of all that the answer depends on.
fn subject(entries: u64, root: &Hash, problems: &[Problem], anchors: &[AnchorReport]) -> Digest {
    let rest = serde_json::to_vec(&(entries, hex::encode(root), problems, anchors));
    Digest::of(&rest.expect("a report has text keys and plain values"))
}
