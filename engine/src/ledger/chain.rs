//! Row after row: whether each is what it says it is, and follows the one before.
//!
//! Used at start for the tail, and by `verify` for the whole. Knows nothing of checkpoints and runs.

use super::entry::{Fields, Likely, NotAnEntry};
use super::report::Problem;
use crate::event::Kind;
use crate::merkle::{CompactRange, Hash, leaf_hash};

/// How many problems are kept; a ledger that is wrong from end to end is said to be so.
const MAX_PROBLEMS: usize = 1_000;

/// A row as it is stored; nothing is believed yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub seq: i64,
    pub body: &'a [u8],
    pub hash: &'a [u8],
    pub prev: &'a [u8],
    pub run: Option<&'a [u8]>,
    pub kind: &'a [u8],
    pub ts: &'a [u8],
}

/// What is wrong, in the order of entries, up to a limit.
#[derive(Debug, Clone, Default)]
pub(super) struct Problems {
    pub kept: Vec<Problem>,
    pub more: u64,
    /// From which row on there are problems that are not kept.
    pub dropped_from: Option<i64>,
    /// How many are kept elsewhere that come before these.
    pub before: usize,
}

impl Problems {
    /// How many come before what is found next, as far as they are kept.
    pub fn known(&self) -> usize {
        self.before + self.kept.len()
    }

    pub fn add(&mut self, code: &str, seq: Option<i64>, run: Option<&str>, detail: String) {
        if self.known() >= MAX_PROBLEMS {
            self.drop_one(seq);
            return;
        }
        self.kept.push(Problem { code: code.to_owned(), seq, run: run.map(str::to_owned), detail });
    }

    fn drop_one(&mut self, seq: Option<i64>) {
        self.more += 1;
        self.dropped_from = self.dropped_from.or(seq);
    }

    /// Adds what was found after all of these, as if it had been added here one by one.
    pub fn join(&mut self, later: Self) {
        for problem in later.kept {
            if self.known() >= MAX_PROBLEMS {
                self.drop_one(problem.seq);
            } else {
                self.kept.push(problem);
            }
        }
        self.more += later.more;
        self.dropped_from = self.dropped_from.or(later.dropped_from);
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// All of them, with a last one that says how many were not kept.
    pub fn into_vec(mut self) -> Vec<Problem> {
        if self.more > 0 {
            let detail = format!("{} more problems are not listed", self.more);
            self.kept.push(Problem { code: "more".to_owned(), seq: None, run: None, detail });
        }
        self.kept
    }
}

/// The chain as far as it was followed.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// Over the bodies as they were found.
    pub range: CompactRange,
    /// The sequence number that the next row must have.
    pub next: i64,
    /// The leaf hash of the row before.
    pub prev: Hash,
    /// The time of the row before; empty at the start.
    pub ts: String,
}

impl Chain {
    /// Before the first row.
    pub fn start() -> Self {
        Self { range: CompactRange::new(), next: 0, prev: Hash::default(), ts: String::new() }
    }

    /// Behind a row as it is if that and those before it are in order, with a tree that begins here.
    pub fn behind(row: &Row<'_>) -> Self {
        let ts = String::from_utf8_lossy(row.ts).into_owned();
        Self { range: CompactRange::new(), next: row.seq.saturating_add(1), prev: leaf_hash(row.body), ts }
    }

    /// The same place, with a tree that begins here.
    pub fn anew(&self) -> Self {
        Self { range: CompactRange::new(), next: self.next, prev: self.prev, ts: self.ts.clone() }
    }

    /// Whether the next row is judged by this as it would be by the other, and has the same place in its tree.
    pub fn is_where(&self, other: &Self) -> bool {
        (self.next, self.prev, &self.ts, self.range.size()) == (other.next, other.prev, &other.ts, other.range.size())
    }

    /// How many entries there should be by the number of the row before.
    pub fn reached(&self) -> u64 {
        u64::try_from(self.next).unwrap_or(0)
    }

    /// Follows one row. Gives what the entry says, if it is an entry at all.
    pub fn follow<'a>(&mut self, row: &Row<'a>, problems: &mut Problems) -> Option<Fields<'a>> {
        self.follow_hashed(row, leaf_hash(row.body), problems)
    }

    /// Follows one row whose body has been hashed already.
    pub fn follow_hashed<'a>(&mut self, row: &Row<'a>, leaf: Hash, problems: &mut Problems) -> Option<Fields<'a>> {
        let seq = Some(row.seq);
        // Whose entry it was, as far as the index column can still tell.
        let column_run = row.run.and_then(|run| std::str::from_utf8(run).ok());
        if row.seq != self.next {
            let (code, detail) = match row.seq.checked_sub(self.next) {
                Some(missing @ 1..) => {
                    ("gap", format!("{missing} rows are missing before this one, from {}", self.next))
                }
                _ => ("extra_row", format!("expected row {}", self.next)),
            };
            problems.add(code, seq, None, detail);
        }
        if row.hash != leaf {
            let detail =
                format!("the entry has the hash {}, the column says {}", hex::encode(leaf), hex::encode(row.hash));
            problems.add("hash_mismatch", seq, column_run, detail);
        }
        let before = std::mem::replace(&mut self.prev, leaf);
        self.range.push(leaf);
        self.next = row.seq.saturating_add(1);
        let link = in_hex(&before);
        let likely = Likely { seq: row.seq, prev: &link, ts: row.ts, kind: row.kind, run: row.run };
        // An entry that says what is likely fits its row and the one before, but for the column that was not compared.
        if row.prev == before
            && let Some(fields) = Fields::read_likely(row.body, &likely)
        {
            self.clock(row, &fields, problems);
            return Some(fields);
        }
        let fields = match Fields::read(row.body) {
            Ok(fields) => fields,
            Err(error) => {
                let code = if matches!(error, NotAnEntry::NonCanonical(_)) { "non_canonical" } else { "bad_entry" };
                problems.add(code, seq, column_run, error.to_string());
                return None;
            }
        };
        if u64::try_from(row.seq) != Ok(fields.seq) {
            let detail = format!("this row holds the entry of sequence number {}", fields.seq);
            problems.add("out_of_place", seq, fields.run, detail);
        }
        let prev_fits = if fields.prev.as_bytes() == link {
            row.prev == before
        } else {
            let detail = format!("`prev` is {}, the entry before has {}", fields.prev, hex::encode(before));
            problems.add("link_mismatch", seq, fields.run, detail);
            hex::encode(row.prev) == fields.prev
        };
        columns(row, &fields, prev_fits, problems);
        self.clock(row, &fields, problems);
        Some(fields)
    }

    /// Time goes backwards only where an entry says so.
    fn clock(&mut self, row: &Row<'_>, fields: &Fields<'_>, problems: &mut Problems) {
        if *fields.ts < *self.ts && fields.kind != Kind::ClockStepped {
            let detail = format!("{} is before {}, and no `clock.stepped` says why", fields.ts, self.ts);
            problems.add("clock_backwards", Some(row.seq), fields.run, detail);
        }
        self.ts.clear();
        self.ts.push_str(fields.ts);
    }
}

/// Compares the columns with what the entry says; `prev` was compared with the link.
fn columns(row: &Row<'_>, fields: &Fields<'_>, prev_fits: bool, problems: &mut Problems) {
    let columns = [
        ("prev", prev_fits),
        ("run", row.run == fields.run.map(str::as_bytes)),
        ("kind", row.kind == fields.kind.as_str().as_bytes()),
        ("ts", row.ts == fields.ts.as_bytes()),
    ];
    for (name, _) in columns.into_iter().filter(|(_, fits)| !fits) {
        let detail = format!("the column `{name}` is not what the entry says");
        problems.add("column_mismatch", Some(row.seq), fields.run, detail);
    }
}

/// Lowercase hex without an allocation, and without a table, so that the compiler spells many digits at once.
fn in_hex(hash: &Hash) -> [u8; 64] {
    let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(hash) {
        pair[0] = digit(byte >> 4);
        pair[1] = digit(byte & 15);
    }
    text
}
