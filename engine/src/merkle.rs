//! The tree over a ledger's entries, and what is signed about it.
//!
//! RFC 6962 hashing (RFC 9162 section 2.1) with SHA-256. Pure: it hashes what it is given, and never reads, signs or
//! asks for the time. Whose signature counts is decided in the ledger.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

pub mod add_checkpoint;
pub mod checkpoint;
pub mod cosignature;
pub mod note;
pub mod proof;
pub mod rotation;
pub mod tiles;
pub mod tlog_proof;

#[cfg(test)]
mod tests;

/// A leaf, a node or a root.
pub type Hash = [u8; 32];

/// A hash as checkpoints and proofs spell it: base64.
#[must_use]
pub fn spelled(hash: &Hash) -> String {
    STANDARD.encode(hash)
}

/// The hash that is spelled like this, if it is one.
#[must_use]
pub fn read_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// The hash of an entry: SHA-256(0x00 ‖ body).
#[must_use]
pub fn leaf_hash(body: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(body).finalize().into()
}

/// The hash of two neighbours: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 1 + 2 * size_of::<Hash>()];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    // In one piece: its first block is hashed where it stands.
    Sha256::digest(bytes).into()
}

/// A tree that grows leaf by leaf, kept as its complete subtrees: O(log n) memory, whatever the size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactRange {
    /// How many leaves there are; its set bits are the heights of `peaks`.
    size: u64,
    /// Roots of the complete subtrees, the largest first.
    peaks: Vec<Hash>,
    /// What the newest leaf was joined with on its left, lowest first: with `last`, the lower part of its proof.
    joined: Vec<Hash>,
    /// The newest leaf.
    last: Option<Hash>,
}

impl CompactRange {
    /// The tree with no leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf at the right.
    pub fn push(&mut self, leaf: Hash) {
        self.joined.clear();
        let mut node = leaf;
        let mut rest = self.size;
        while rest & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(&left, &node);
            self.joined.push(left);
            rest >>= 1;
        }
        self.peaks.push(node);
        self.last = Some(leaf);
        self.size += 1;
    }

    /// The root; of no leaves, the hash of nothing (RFC 9162 section 2.1.1).
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Sha256::digest([]).into(),
            Some(first) => peaks.fold(*first, |right, left| node_hash(left, &right)),
        }
    }

    /// The root where these are the roots of subtrees of one size, and a smaller one follows on their right.
    #[must_use]
    pub fn root_before(&self, right: Hash) -> Hash {
        self.peaks.iter().rev().fold(right, |right, left| node_hash(left, &right))
    }

    /// The newest leaf and its inclusion proof: all that is needed to go on from here, see [`Self::from_edge`].
    #[must_use]
    pub fn edge(&self) -> Option<Edge> {
        let proof = self.joined.iter().chain(self.peaks.iter().rev().skip(1)).copied().collect();
        self.last.map(|leaf| Edge { size: self.size, leaf, proof })
    }

    /// The range that has this right edge, or none if the proof has not the length that the size asks for.
    ///
    /// The result is worth what its root is worth: compare [`Self::root`] with a signed one.
    #[must_use]
    pub fn from_edge(edge: &Edge) -> Option<Self> {
        if edge.size == 0 {
            return None;
        }
        let height = edge.size.trailing_zeros() as usize;
        let peak_count = edge.size.count_ones() as usize;
        if edge.proof.len() != height + peak_count - 1 {
            return None;
        }
        let (joined, others) = edge.proof.split_at(height);
        let last_peak = joined.iter().fold(edge.leaf, |right, left| node_hash(left, &right));
        let mut peaks: Vec<Hash> = others.iter().rev().copied().collect();
        peaks.push(last_peak);
        Some(Self { size: edge.size, peaks, joined: joined.to_vec(), last: Some(edge.leaf) })
    }
}

/// The right edge of a tree: its newest leaf and that leaf's inclusion proof, lowest hash first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// How many leaves the tree has.
    pub size: u64,
    /// The newest leaf.
    pub leaf: Hash,
    /// Its inclusion proof (RFC 9162 section 2.1.3).
    pub proof: Vec<Hash>,
}
