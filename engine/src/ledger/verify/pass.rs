//! Parts of the rows, judged side by side and joined in order to what one walk from end to end finds.
//!
//! A part counts where it was judged by what the rows before it came to. Where that is not so, as behind an entry that
//! cannot be read, or where a thread could not read its rows, all that is left is judged here from there on.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::ops::Range;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{Scope, ScopedJoinHandle};

use rusqlite::Connection;

use super::claims::Claims;
use super::finished;
use super::index::Indexes;
use super::parts::{self, Cut, Note, Noted, Part, Questions};
use super::runs::Runs;
use crate::ledger::chain::{Chain, Problems};
use crate::ledger::reader::Reader;
use crate::ledger::store;
use crate::merkle::{CompactRange, Hash};

/// All that is gathered in going over the rows once.
pub(super) struct Pass {
    /// What the next row is judged by, with the tree of those that are no whole part yet.
    pub chain: Chain,
    /// Over the roots of the whole parts.
    tree: CompactRange,
    cut: Cut,
    pub problems: Problems,
    /// How many problems there were before the first row.
    before: usize,
    pub claims: Claims,
    pub runs: Runs,
    pub indexes: Indexes,
    /// The roots that rotations of the key were signed at, by their entries.
    rotations: BTreeMap<i64, Hash>,
}

impl Pass {
    pub fn new(claims: Claims, rotations: BTreeMap<i64, Hash>, problems: Problems, cut: Cut) -> Self {
        Self {
            chain: Chain::start(),
            tree: CompactRange::new(),
            cut,
            before: problems.kept.len(),
            problems,
            claims,
            runs: Runs::default(),
            indexes: Indexes::new(RandomState::new()),
            rotations,
        }
    }

    /// What has to be noted on the way.
    pub fn questions(&self) -> Questions {
        Questions {
            cut: self.cut,
            sizes: self.claims.sizes(),
            proven: self.claims.proven(),
            rotations: self.rotations.keys().copied().collect(),
            keys: self.indexes.keys(),
            known: self.before,
        }
    }

    /// How many rows were joined.
    pub fn entries(&self) -> u64 {
        self.tree.size() * self.cut.rows() + self.chain.range.size()
    }

    /// The root over all of them.
    pub fn root(&self) -> Hash {
        let range = &self.chain.range;
        self.root_with((range.size() > 0).then(|| range.root()))
    }

    fn root_with(&self, last: Option<Hash>) -> Hash {
        last.map_or_else(|| self.tree.root(), |last| self.tree.root_before(last))
    }

    /// Goes over all rows.
    ///
    /// # Errors
    /// Where they cannot be read any further.
    pub fn rows<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        reader: &'scope Reader,
        questions: &'scope Questions,
    ) -> rusqlite::Result<()> {
        let head = store::head(&reader.conn).ok().flatten();
        let rows = head.and_then(|(seq, _)| u64::try_from(seq).ok()).unwrap_or_default();
        let walking: Vec<_> =
            self.cut.ranges(rows).into_iter().map(|range| walker(scope, reader, questions, range)).collect();
        let is_shared = !walking.is_empty();
        let is_all = walking.into_iter().all(|(parts, walker)| {
            let fits = parts.into_iter().all(|part| self.join(part));
            fits && finished(walker.join())
        });
        if is_shared && is_all { Ok(()) } else { self.rest(&reader.conn, questions) }
    }

    /// Goes over the rows that were not joined yet.
    fn rest(&mut self, conn: &Connection, questions: &Questions) -> rusqlite::Result<()> {
        let from = self.entries();
        let start = Part::new(from, self.chain.clone(), self.problems.kept.len(), questions);
        let (part, read) = parts::judge(conn, &(from..u64::MAX), Some(start), questions, |part| {
            self.take(part);
            true
        });
        part.into_iter().for_each(|part| self.take(part));
        read
    }

    /// Takes the next part in, if it was judged by what the rows before it came to.
    fn join(&mut self, part: Part) -> bool {
        let fits = part.first == self.entries() && part.before.is_where(&self.chain);
        if fits {
            self.take(part);
        }
        fits
    }

    fn take(&mut self, part: Part) {
        let Problems { kept, more, dropped_from, .. } = part.problems;
        let (mut kept, mut joined) = (kept.into_iter(), 0);
        for Note { what, root, kept: by_then, dropped_from } in part.notes {
            let earlier = kept.by_ref().take(by_then - joined).collect();
            joined = by_then;
            self.problems.join(Problems { kept: earlier, dropped_from, ..Problems::default() });
            self.answer(what, root);
        }
        self.problems.join(Problems { kept: kept.collect(), more, dropped_from, ..Problems::default() });
        self.runs.join(&part.told);
        self.indexes.join(&part.indexes);
        self.chain = part.after;
        if self.chain.range.size() == self.cut.rows() {
            self.tree.push(self.chain.range.root());
            self.chain = self.chain.anew();
        }
    }

    fn answer(&mut self, what: Noted, root: Option<Hash>) {
        match what {
            Noted::Rotation(seq) => {
                let root = self.root_with(root);
                if self.rotations.get(&seq).is_some_and(|signed| *signed != root) {
                    let detail = "the keys signed for another history than the one before this entry".to_owned();
                    self.problems.add("bad_key_entry", Some(seq), None, detail);
                }
            }
            Noted::Leaf(seq, leaf) => self.claims.leaf(seq, &leaf),
            Noted::Reached(size, ts) => {
                let sound = self.problems.kept.len() == self.before;
                let root = self.root_with(root);
                // By number, not by count: rows that are missing in between are a gap, not a cut tail.
                self.claims.reached(size, &ts, &root, sound);
            }
        }
    }
}

/// Judges a range of rows on a thread of its own.
fn walker<'scope>(
    scope: &'scope Scope<'scope, '_>,
    reader: &'scope Reader,
    questions: &'scope Questions,
    range: Range<u64>,
) -> (Receiver<Part>, ScopedJoinHandle<'scope, bool>) {
    let (give, parts) = channel();
    let (copy, path) = (reader.copy.as_path(), reader.path.as_path());
    let walk = move || {
        let conn = store::open_walker(copy, path);
        conn.is_ok_and(|conn| parts::walk(&conn, &range, questions, |part| give.send(part).is_ok()))
    };
    (parts, scope.spawn(walk))
}
