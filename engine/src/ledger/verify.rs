//! Judging a whole ledger: every byte of it, every checkpoint beside it, and the anchors that were given.
//!
//! One pass over the rows, read on one thread and judged on another, hashed by whichever has less to do; memory grows
//! with runs and checkpoints, not with entries. The result is a report. Without an anchor from elsewhere a sound ledger is `self_consistent_only`:
//! whoever can rewrite the log can rewrite what stands beside it.
//!
//! A run whose intent has no result is `unknown_outcome`, also when it has ended, until an `outcome.resolved` says
//! which; so is one that is between the two at this moment. That is the run's status alone: the ledger that says so is
//! as sound as any.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use rusqlite::Connection;

use super::chain::{Chain, Problems, Row};
use super::error::Error;
use super::key_chain::KeyChain;
use super::reader::Reader;
use super::report::{AnchorReport, Problem, Report, Status};
use super::signed::{self, Given, Refusal, Signer};
use super::{start, store};
use crate::id::Digest;
use crate::merkle::Hash;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::{Note, VerifierKey};
use crate::time::{Duration, Timestamp};

mod batch;
mod claims;
mod index;
mod runs;
mod trust;

use batch::Batch;
use claims::Claims;
use index::{Indexes, Listed};
use runs::Runs;
use trust::{Signed, Trust};

/// What this driver is called in reports.
const DRIVER: &str = "runwarden";

/// How many batches of rows wait at most for being judged.
const BATCHES: usize = 4;

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
    let mut problems = Problems::default();
    match store::check_schema(&reader.conn, &mut problems) {
        Ok(true) => {}
        Ok(false) => return unreadable_report(problems.into_vec()),
        Err(error) => return unreadable(&Error::reading(&reader.path, &error)),
    }
    let schema_is_ours = problems.is_empty();
    let trust = Trust::new(own_keys(reader, &mut problems), keys, &mut problems);

    let pass = Pass::new(Claims::new(checkpoints, &anchors.given), trust.roots(), problems);
    let Seen { entries, signed, pass } = go_through(reader, &trust.signers, schema_is_ours, pass);
    let Pass { chain, mut problems, claims, runs, .. } = pass;
    let (refusals, proven) = trust.settle(signed, &claims.standing(), &mut problems);
    let mut found = claims.finish(chain.reached(), &refusals, &mut problems);
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
    let subject = Some(subject(entries, &chain.range.root(), &problems, &anchors));
    Report { status, driver: DRIVER.to_owned(), dialect: None, entries, runs, anchors, problems, subject }
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

/// What going over the ledger once gave.
struct Seen {
    entries: u64,
    /// Who made the signatures, by the claim's place in the list.
    signed: BTreeMap<usize, Signed>,
    pass: Pass,
}

/// Reads everything there is, side by side: rows, signatures, indexes.
fn go_through(reader: &Reader, signers: &[Signer], schema_is_ours: bool, pass: Pass) -> Seen {
    let notes = pass.claims.notes();
    let keys_of_sums = pass.indexes.keys();
    let path = reader.path.as_path();
    let second = schema_is_ours.then(|| store::open_reader(&reader.copy, path));
    let (read, signed, mut pass, listed) = std::thread::scope(|scope| {
        let listing = second.map(|conn| scope.spawn(|| list_indexes(conn?, path, &keys_of_sums)));
        let signatures = scope.spawn(|| who_signed(notes, signers));
        let (full, to_judge) = sync_channel(BATCHES);
        let (empty, to_fill) = channel();
        let judging = scope.spawn(|| pass.judge(to_judge, empty));
        let read = read(reader, full, &to_fill);
        (read, finished(signatures.join()), finished(judging.join()), listing.map(|listing| finished(listing.join())))
    });
    let entries = pass.chain.range.size();
    let problems = &mut pass.problems;
    match (read, listed) {
        // What cannot be read to its end has no sums to compare with.
        (Err(error), _) => {
            problems.add("unreadable", Some(pass.chain.next), None, format!("reading stops here: {error}"));
        }
        (Ok(()), _) if entries == 0 => problems.add("empty", None, None, "there are no entries".to_owned()),
        (Ok(()), Some(Ok(listed))) => pass.indexes.compare(listed, problems),
        (Ok(()), Some(Err(error))) => problems.add("unreadable", None, None, error.to_string()),
        (Ok(()), None) => {}
    }
    Seen { entries, signed, pass }
}

/// Reads every row, and hashes as long as the other end, where what is found is judged, has enough to do.
fn read(reader: &Reader, judge: SyncSender<Batch>, empty: &Receiver<Batch>) -> rusqlite::Result<()> {
    let (mut batch, mut waiting) = (Batch::default(), 0_usize);
    let mut spare = Vec::new();
    let read = store::each_row(&reader.conn, i64::MIN, |row| {
        batch.push(row);
        if batch.is_full() {
            let judged = spare.len();
            spare.extend(empty.try_iter());
            waiting = waiting.saturating_sub(spare.len() - judged) + 1;
            let mut next = spare.pop().unwrap_or_default();
            next.is_hashed_later = waiting < BATCHES / 2;
            // The other end is gone only by a bug, which shows when it is joined.
            let _ = judge.send(std::mem::replace(&mut batch, next));
        }
    });
    let _ = judge.send(batch);
    read
}

fn list_indexes(conn: Connection, path: &Path, keys: &RandomState) -> Result<Listed, Error> {
    index::listed(&conn, keys).map_err(|error| Error::reading(path, &error))
}

/// What a thread of ours gave; a panic in it, which is a bug, is one here.
fn finished<T>(joined: std::thread::Result<T>) -> T {
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// All that is gathered in going over the rows once.
struct Pass {
    chain: Chain,
    problems: Problems,
    /// How many problems there were before the first row.
    before: usize,
    claims: Claims,
    runs: Runs,
    indexes: Indexes,
    /// The roots that rotations of the key were signed at, by their entries.
    rotations: BTreeMap<i64, Hash>,
}

impl Pass {
    fn new(claims: Claims, rotations: BTreeMap<i64, Hash>, problems: Problems) -> Self {
        let before = problems.kept.len();
        let (runs, indexes) = (Runs::default(), Indexes::default());
        Self { chain: Chain::start(), problems, before, claims, runs, indexes, rotations }
    }

    fn judge(mut self, batches: Receiver<Batch>, empty: Sender<Batch>) -> Self {
        for mut batch in batches {
            batch.each(|row, leaf| self.row(row, leaf));
            batch.clear();
            // Nobody waits for it once everything is read.
            let _ = empty.send(batch);
        }
        self
    }

    fn row(&mut self, row: &Row<'_>, leaf: Hash) {
        if self.rotations.get(&row.seq).is_some_and(|root| *root != self.chain.range.root()) {
            let detail = "the keys signed for another history than the one before this entry".to_owned();
            self.problems.add("bad_key_entry", Some(row.seq), None, detail);
        }
        let fields = self.chain.follow_hashed(row, leaf, &mut self.problems);
        self.indexes.row(row);
        if let Some(fields) = fields {
            self.runs.entry(row.seq, &fields);
        }
        let sound = self.problems.kept.len() == self.before;
        // By number, not by count: rows that are missing in between are a gap, not a cut tail.
        self.claims.leaf(row.seq, &leaf);
        self.claims.reached(self.chain.reached(), &self.chain.ts, || self.chain.range.root(), sound);
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

/// The keys that the ledger says are its own.
fn own_keys(reader: &Reader, problems: &mut Problems) -> Option<KeyChain> {
    let read = start::genesis(&reader.path, &reader.conn).and_then(|genesis| {
        let read = KeyChain::read(&reader.conn, genesis.named, problems);
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
