//! Rows on their way from the thread that reads and hashes them to the one that judges them.

use crate::ledger::chain::Row;
use crate::merkle::{Hash, leaf_hash};

/// How much is handed over at once, in bytes: few hand-overs, little memory.
const FULL: usize = 128 * 1024;

/// Rows, one after the other in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    rows: Vec<Place>,
    /// Whether the bodies are hashed when they are judged: whoever has less to do hashes.
    pub is_hashed_later: bool,
}

#[derive(Debug)]
struct Place {
    seq: i64,
    leaf: Option<Hash>,
    has_run: bool,
    /// Where body, hash, prev, run, kind and ts end; each begins where the one before ends.
    ends: [usize; 6],
}

impl Batch {
    /// Takes a row in.
    pub fn push(&mut self, row: &Row<'_>) {
        let leaf = (!self.is_hashed_later).then(|| leaf_hash(row.body));
        let parts = [row.body, row.hash, row.prev, row.run.unwrap_or_default(), row.kind, row.ts];
        let ends = parts.map(|part| {
            self.bytes.extend_from_slice(part);
            self.bytes.len()
        });
        self.rows.push(Place { seq: row.seq, leaf, has_run: row.run.is_some(), ends });
    }

    /// Empties it; its memory is used again.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }

    /// Whether it is time to hand it over.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// Shows each row, in order, with the leaf hash of its body.
    pub fn each(&self, mut see: impl FnMut(&Row<'_>, Hash)) {
        let mut start = 0;
        for place in &self.rows {
            let [body, hash, prev, run, kind, ts] = place.ends.map(|end| {
                let part = &self.bytes[start..end];
                start = end;
                part
            });
            let run = place.has_run.then_some(run);
            let leaf = place.leaf.unwrap_or_else(|| leaf_hash(body));
            see(&Row { seq: place.seq, body, hash, prev, run, kind, ts }, leaf);
        }
    }
}
