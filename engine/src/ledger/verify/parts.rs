//! Rows judged in parts, each by itself: what takes the rows before to judge is noted, and answered when it is joined.
//!
//! A part has a power of two of rows, so its root is a node of the ledger's tree. Which rows it has is counted from the
//! first and never looked up by number: all parts together are one walk over the table, whatever the numbers and the
//! inner pages of the file say. How parts become one verdict is known in `pass`.

use std::collections::BTreeSet;
use std::hash::RandomState;
use std::ops::{ControlFlow, Range};

use rusqlite::Connection;

use super::index::Indexes;
use super::runs::Told;
use crate::ledger::chain::{Chain, Problems, Row};
use crate::ledger::store;
use crate::merkle::{Hash, leaf_hash};

/// How parts are cut.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger) struct Cut {
    /// The logarithm of how many rows a part has.
    pub height: u32,
    /// How many walk over the rows at most.
    pub walkers: u32,
}

impl Cut {
    /// How a large ledger is verified on this machine.
    pub fn of_this_machine() -> Self {
        // A walker more is a page cache more, and each goes over what the others read.
        let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
        Self { height: 12, walkers: u32::try_from(cores.min(4)).unwrap_or(1) }
    }

    /// How many rows a part has.
    pub fn rows(self) -> u64 {
        1 << self.height
    }

    /// Which rows each of those who walk has, where the ledger has about so many; the last has all that are left. None
    /// where there are too few to share.
    pub fn ranges(self, rows: u64) -> Vec<Range<u64>> {
        if self.walkers < 2 || rows < 2 * self.rows() {
            return Vec::new();
        }
        // Going over a row takes about an eighth of judging it, so each range is shorter by an eighth than the one before:
        // then all end at the same time.
        let power = |base: u128, by: u32| (0..by).fold(1, |power, _| power * base);
        let most = power(8, self.walkers);
        let part = |walker: u32| most - power(7, walker) * power(8, self.walkers - walker);
        let start = |walker: u32| {
            let at = u128::from(rows) * part(walker) / part(self.walkers);
            u64::try_from(at).unwrap_or(u64::MAX) >> self.height << self.height
        };
        let end = |walker: u32| if walker + 1 == self.walkers { u64::MAX } else { start(walker + 1) };
        (0..self.walkers).map(|walker| start(walker)..end(walker)).collect()
    }
}

/// What is to be noted of rows.
#[derive(Debug)]
pub(super) struct Questions {
    pub cut: Cut,
    /// The sizes that somebody claims a root for, ascending.
    pub sizes: Vec<u64>,
    /// The entries that somebody has a proof of.
    pub proven: BTreeSet<i64>,
    /// The entries before which the root is asked for.
    pub rotations: BTreeSet<i64>,
    /// What the indexes are summed up with.
    pub keys: RandomState,
    /// How many problems there are without those of the rows.
    pub known: usize,
}

/// What was noted of a row.
#[derive(Debug)]
pub(super) struct Note {
    pub what: Noted,
    /// The root of what the part has of rows by then; none where it has none.
    pub root: Option<Hash>,
    /// How many of the part's problems were kept by then.
    pub kept: usize,
    /// From where on problems were not kept by then.
    pub dropped_from: Option<i64>,
}

/// What it was noted for.
#[derive(Debug)]
pub(super) enum Noted {
    /// This entry is next, and it says that keys signed the root before it.
    Rotation(i64),
    /// This entry is proven, and this is its leaf hash.
    Leaf(i64, Hash),
    /// So many entries there are by number, the last of this time.
    Reached(u64, String),
}

/// Some rows, judged.
#[derive(Debug)]
pub(super) struct Part {
    /// Which row is its first, counted from 0.
    pub first: u64,
    /// What it was judged by.
    pub before: Chain,
    /// What comes after it is judged by, and the tree of its rows.
    pub after: Chain,
    pub problems: Problems,
    pub told: Told,
    pub indexes: Indexes,
    pub notes: Vec<Note>,
}

impl Part {
    /// Without rows yet. A tree that `before` has begun is gone on with.
    pub fn new(first: u64, before: Chain, known: usize, questions: &Questions) -> Self {
        Self {
            first,
            after: before.clone(),
            before,
            problems: Problems { before: known, ..Problems::default() },
            told: Told::default(),
            indexes: Indexes::new(questions.keys.clone()),
            notes: Vec::new(),
        }
    }

    /// The part that follows a whole one.
    fn next(&self, questions: &Questions) -> Self {
        let first = self.first + (self.after.range.size() - self.before.range.size());
        Self::new(first, self.after.anew(), self.problems.known(), questions)
    }

    /// Whether no row was judged.
    fn is_empty(&self) -> bool {
        self.after.range.size() == self.before.range.size()
    }

    fn note(&mut self, what: Noted) {
        let range = &self.after.range;
        let root = (range.size() > 0).then(|| range.root());
        let (kept, dropped_from) = (self.problems.kept.len(), self.problems.dropped_from);
        self.notes.push(Note { what, root, kept, dropped_from });
    }

    fn row(&mut self, row: &Row<'_>, questions: &Questions) {
        let leaf = leaf_hash(row.body);
        if questions.rotations.contains(&row.seq) {
            self.note(Noted::Rotation(row.seq));
        }
        let fields = self.after.follow_hashed(row, leaf, &mut self.problems);
        self.indexes.row(row);
        if let Some(fields) = fields {
            self.told.entry(row.seq, &fields);
        }
        if questions.proven.contains(&row.seq) {
            self.note(Noted::Leaf(row.seq, leaf));
        }
    }
}

/// Judges the rows at these places and gives each whole part away, until that is refused. Without a part to begin with
/// the first row is not judged, and what follows is judged by it. What is left over at the end comes back, with what
/// stopped the reading.
pub(super) fn judge(
    conn: &Connection,
    places: &Range<u64>,
    start: Option<Part>,
    questions: &Questions,
    mut give: impl FnMut(Part) -> bool,
) -> (Option<Part>, rusqlite::Result<()>) {
    let mut begun = start;
    let mut sizes = questions.sizes.as_slice();
    let read = store::each_row_at(conn, places, |row| {
        let Some(part) = &mut begun else {
            begun = Some(Part::new(places.start + 1, Chain::behind(row), questions.known, questions));
            return ControlFlow::Continue(());
        };
        part.row(row, questions);
        let reached = part.after.reached();
        if sizes.first().is_some_and(|size| *size <= reached) {
            sizes = &sizes[sizes.partition_point(|size| *size <= reached)..];
            let ts = part.after.ts.clone();
            part.note(Noted::Reached(reached, ts));
        }
        if part.after.range.size() < questions.cut.rows() {
            return ControlFlow::Continue(());
        }
        let next = part.next(questions);
        if give(std::mem::replace(part, next)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    (begun, read)
}

/// Judges a range of rows as one of several, by the row before it, which is judged elsewhere. Whether all of it was read.
pub(super) fn walk(
    conn: &Connection,
    range: &Range<u64>,
    questions: &Questions,
    mut give: impl FnMut(Part) -> bool,
) -> bool {
    let (places, start) = match range.start.checked_sub(1) {
        None => (range.clone(), Some(Part::new(0, Chain::start(), questions.known, questions))),
        Some(before) => (before..range.end, None),
    };
    let (rest, read) = judge(conn, &places, start, questions, &mut give);
    read.is_ok() && rest.is_none_or(|rest| rest.is_empty() || give(rest))
}
