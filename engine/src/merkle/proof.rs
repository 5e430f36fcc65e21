//! Proofs that an entry is in a tree, and that a tree is the beginning of another (RFC 9162 sections 2.1.3 and 2.1.4).
//!
//! Made in one pass over the leaves in O(log n) memory, checked without any of them. Which root is to be believed is not
//! known here.

use std::ops::Range;

use super::{CompactRange, Hash, node_hash};

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// There is no such leaf.
    #[error("entry {index} is not among the first {size}")]
    OutOfRange {
        /// The leaf.
        index: u64,
        /// How many leaves there are.
        size: u64,
    },
    /// The sizes are in the wrong order, or the smaller is nothing, which is the beginning of everything.
    #[error("{from} entries are not the beginning of {to}")]
    Sizes {
        /// The smaller size.
        from: u64,
        /// The larger size.
        to: u64,
    },
    /// It has too few or too many hashes.
    #[error("the proof has not as many hashes as the sizes ask for")]
    Length,
    /// It leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Checks that a leaf is number `index` in the tree of `size` leaves that has this root.
///
/// # Errors
/// When it is not shown.
pub fn check_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), Unproven> {
    if index >= size {
        return Err(Unproven::OutOfRange { index, size });
    }
    let mut at = Climb { number: index, last: size - 1 };
    let mut node = *leaf;
    for hash in proof {
        node = match at.step()? {
            Side::Left => node_hash(hash, &node),
            Side::Right => node_hash(&node, hash),
        };
    }
    at.finish()?;
    if node == *root { Ok(()) } else { Err(Unproven::Root) }
}

/// Checks that the tree of `from` leaves is the beginning of that of `to` leaves.
///
/// # Errors
/// When it is not shown. Of no leaves nothing can be shown, so that is an error as well.
pub fn check_consistency(from: u64, to: u64, from_root: &Hash, to_root: &Hash, proof: &[Hash]) -> Result<(), Unproven> {
    if from == 0 || from > to {
        return Err(Unproven::Sizes { from, to });
    }
    if from == to {
        return match (proof.is_empty(), from_root == to_root) {
            (false, _) => Err(Unproven::Length),
            (true, false) => Err(Unproven::Root),
            (true, true) => Ok(()),
        };
    }
    // Where the smaller tree is one complete subtree, its root is where both climbs begin.
    let (first, rest) = match (from.is_power_of_two(), proof) {
        (true, rest) => (from_root, rest),
        (false, [first, rest @ ..]) => (first, rest),
        (false, []) => return Err(Unproven::Length),
    };
    let height = from.trailing_zeros();
    let mut at = Climb { number: (from - 1) >> height, last: (to - 1) >> height };
    let (mut smaller, mut larger) = (*first, *first);
    for hash in rest {
        match at.step()? {
            Side::Left => {
                smaller = node_hash(hash, &smaller);
                larger = node_hash(hash, &larger);
            }
            Side::Right => larger = node_hash(&larger, hash),
        }
    }
    at.finish()?;
    if smaller == *from_root && larger == *to_root { Ok(()) } else { Err(Unproven::Root) }
}

/// The way from a node to the root.
struct Climb {
    /// Which node of its level.
    number: u64,
    /// The last node of that level.
    last: u64,
}

/// Where a hash of a proof stands beside the node.
enum Side {
    Left,
    Right,
}

impl Climb {
    /// Goes up past the next hash of the proof.
    fn step(&mut self) -> Result<Side, Unproven> {
        if self.last == 0 {
            return Err(Unproven::Length);
        }
        let side = if self.number & 1 == 1 {
            Side::Left
        } else if self.number == self.last {
            // The last node has no neighbour on its right: it goes up unchanged until it has one on its left.
            let lone = self.number.trailing_zeros();
            self.number >>= lone;
            self.last >>= lone;
            Side::Left
        } else {
            Side::Right
        };
        self.number >>= 1;
        self.last >>= 1;
        Ok(side)
    }

    fn finish(&self) -> Result<(), Unproven> {
        if self.last == 0 { Ok(()) } else { Err(Unproven::Length) }
    }
}

/// Makes a proof from the leaves, which are shown to it one by one from the first.
#[derive(Debug, Clone)]
pub struct ProofMaker {
    /// The subtrees whose roots the proof is, by ascending leaves, with their places in the proof.
    parts: Vec<(Range<u64>, usize)>,
    /// The part that is being filled.
    at: usize,
    filling: CompactRange,
    proof: Vec<Hash>,
    seen: u64,
    size: u64,
}

impl ProofMaker {
    /// For leaf `index` of a tree of `size`; none where there is no such leaf.
    #[must_use]
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        if index >= size {
            return None;
        }
        let mut parts = Vec::new();
        let mut tree = 0..size;
        while tree.end - tree.start > 1 {
            let (left, right) = halves(&tree);
            let (way, part) = if index < right.start { (left, right) } else { (right, left) };
            parts.push(part);
            tree = way;
        }
        Some(Self::of(parts, size))
    }

    /// For the beginning of `from` leaves in a tree of `to`; none where nothing can be shown.
    #[must_use]
    pub fn consistency(from: u64, to: u64) -> Option<Self> {
        if from == 0 || from > to {
            return None;
        }
        let mut parts = Vec::new();
        let mut tree = 0..to;
        while tree.end > from {
            let (left, right) = halves(&tree);
            let (way, part) = if from <= right.start { (left, right) } else { (right, left) };
            parts.push(part);
            tree = way;
        }
        if tree.start > 0 {
            // What is left of the way is not a root that the other side knows.
            parts.push(tree);
        }
        Some(Self::of(parts, to))
    }

    /// `parts` come from the root down; a proof goes from the leaf up.
    fn of(parts: Vec<Range<u64>>, size: u64) -> Self {
        let proof = vec![Hash::default(); parts.len()];
        let mut parts: Vec<_> = parts.into_iter().rev().enumerate().map(|(place, part)| (part, place)).collect();
        parts.sort_by_key(|(part, _)| part.start);
        Self { parts, at: 0, filling: CompactRange::new(), proof, seen: 0, size }
    }

    /// How many leaves it has to be shown.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next leaf in. Leaves beyond the size do no harm.
    pub fn push(&mut self, leaf: Hash) {
        let number = self.seen;
        self.seen += 1;
        let Some((part, place)) = self.parts.get(self.at) else { return };
        if !part.contains(&number) {
            return;
        }
        self.filling.push(leaf);
        if self.seen == part.end {
            self.proof[*place] = std::mem::take(&mut self.filling).root();
            self.at += 1;
        }
    }

    /// The proof from the roots of subtrees, asked for by their leaves, in place of all leaves.
    ///
    /// # Errors
    /// What asking came to.
    pub fn from_roots<E>(mut self, mut root: impl FnMut(&Range<u64>) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
        for (part, place) in &self.parts {
            self.proof[*place] = root(part)?;
        }
        Ok(self.proof)
    }

    /// The proof, lowest hash first; none where leaves are missing.
    #[must_use]
    pub fn finish(self) -> Option<Vec<Hash>> {
        (self.seen >= self.size).then_some(self.proof)
    }
}

/// A tree of two leaves and more, split as RFC 9162 section 2.1.1 does.
pub(crate) fn halves(tree: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let size = tree.end - tree.start;
    let half = 1 << (u64::BITS - 1 - (size - 1).leading_zeros());
    let middle = tree.start + half;
    (tree.start..middle, middle..tree.end)
}
