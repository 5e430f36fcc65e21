//! Whether SQLite's indexes list the rows that there are: readers find runs through them.
//!
//! Each listing is summed up in a keyed hash that does not depend on order, once from the rows and once from the index.

use std::hash::{BuildHasher as _, RandomState};

use rusqlite::Connection;

use super::Problems;
use crate::ledger::chain::Row;
use crate::ledger::store::IS_LISTED_KIND;

/// The kinds that the index `entries_of_kind` lists.
const LISTED: [&[u8]; 5] = [b"run.begin", b"run.end", b"clock.stepped", b"key.rotated", b"key.revoked"];

/// Sums over the rows.
#[derive(Debug)]
pub(super) struct Indexes {
    keys: RandomState,
    of_run: Summing,
    of_kind: Summing,
}

/// How many, and their hashes added up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sum {
    count: u64,
    sum: u64,
}

impl Sum {
    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// A sum that grows.
#[derive(Debug, Default)]
struct Summing {
    sum: Sum,
    /// The name that came last, which most often is the next one's too, and its hash.
    name: Vec<u8>,
    hash: u64,
}

impl Summing {
    fn add(&mut self, keys: &RandomState, name: &[u8], seq: i64) {
        if self.sum.count == 0 || self.name != name {
            self.name.clear();
            self.name.extend_from_slice(name);
            self.hash = keys.hash_one(name);
        }
        self.sum.join(Sum { count: 1, sum: keys.hash_one((self.hash, seq)) });
    }
}

impl Indexes {
    /// Sums of nothing, made with these keys.
    pub fn new(keys: RandomState) -> Self {
        Self { keys, of_run: Summing::default(), of_kind: Summing::default() }
    }

    /// Counts a row in.
    pub fn row(&mut self, row: &Row<'_>) {
        if let Some(run) = row.run {
            self.of_run.add(&self.keys, run, row.seq);
        }
        if LISTED.contains(&row.kind) {
            self.of_kind.add(&self.keys, row.kind, row.seq);
        }
    }

    /// Counts in what others of the same keys have counted.
    pub fn join(&mut self, other: &Self) {
        self.of_run.sum.join(other.of_run.sum);
        self.of_kind.sum.join(other.of_kind.sum);
    }

    /// What all that is compared is to be summed up with.
    pub fn keys(&self) -> RandomState {
        self.keys.clone()
    }

    /// Whether the index of the kinds lists the rows that there are.
    pub fn kinds_are_those_of(&self, listed: Listed) -> bool {
        self.of_kind.sum == listed.of_kind
    }

    /// Compares with what the indexes list.
    pub fn compare(&self, listed: Listed, problems: &mut Problems) {
        let pairs =
            [("entries_of_run", listed.of_run, self.of_run.sum), ("entries_of_kind", listed.of_kind, self.of_kind.sum)];
        for (name, listed, rows) in pairs {
            if listed != rows {
                let detail = format!(
                    "the index `{name}` lists {} rows, the table has {}, and they are not the same",
                    listed.count, rows.count
                );
                problems.add("index_mismatch", None, None, detail);
            }
        }
    }
}

/// Sums over what the indexes list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    of_run: Sum,
    of_kind: Sum,
}

/// Goes through the indexes. Works beside the pass over the rows, on a connection of its own.
pub(super) fn listed(conn: &Connection, keys: &RandomState) -> rusqlite::Result<Listed> {
    let sum = |sql: &str| -> rusqlite::Result<Sum> {
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut sum = Summing::default();
        while let Some(row) = rows.next()? {
            sum.add(keys, row.get_ref(0)?.as_bytes().unwrap_or_default(), row.get(1)?);
        }
        Ok(sum.sum)
    };
    Ok(Listed {
        of_run: sum("SELECT run, seq FROM entries INDEXED BY entries_of_run WHERE run IS NOT NULL")?,
        of_kind: sum(&format!("SELECT kind, seq FROM entries INDEXED BY entries_of_kind WHERE {IS_LISTED_KIND}"))?,
    })
}
