//! Inner nodes of the tree beside a ledger, so that a proof reads as many hashes as it needs and not every leaf.
//!
//! `<ledger>.nodes/8`, `/16` and `/24` are the roots of each 2^8, 2^16 and 2^24 entries, 32 bytes each: what C2SP tiles
//! have as their first hash a level. They are derived: written at checkpoints without a sync, made again when they are
//! missing or wrong, part of no backup and no evidence. Nothing is believed of them: a proof made by them counts when it
//! leads to a signed root.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{files, store};
use crate::merkle::proof::halves;
use crate::merkle::{CompactRange, Hash, node_hash};

/// The levels that are kept.
const LEVELS: [u32; 3] = [8, 16, 24];

/// Bytes of a hash.
const WIDTH: u64 = size_of::<Hash>() as u64;

/// A node is not to be had, whatever the reason: the leaves are gone over in its place.
#[derive(Debug)]
pub(super) struct Missing;

impl From<rusqlite::Error> for Missing {
    fn from(_: rusqlite::Error) -> Self {
        Self
    }
}

impl From<io::Error> for Missing {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// The nodes beside a ledger.
pub(super) struct Nodes<'a> {
    conn: &'a Connection,
    folder: PathBuf,
}

impl<'a> Nodes<'a> {
    pub fn beside(ledger: &Path, conn: &'a Connection) -> Self {
        Self { conn, folder: files::beside(ledger, ".nodes") }
    }

    fn file(&self, level: u32) -> PathBuf {
        self.folder.join(level.to_string())
    }

    /// The root of the subtree of some leaves, as RFC 9162 splits a tree.
    pub fn root(&self, leaves: &Range<u64>) -> Result<Hash, Missing> {
        let size = leaves.end.checked_sub(leaves.start).filter(|size| *size > 0).ok_or(Missing)?;
        if size.is_power_of_two() && leaves.start.is_multiple_of(size) {
            return self.whole(leaves);
        }
        let (left, right) = halves(leaves);
        Ok(node_hash(&self.root(&left)?, &self.root(&right)?))
    }

    /// That of a whole subtree: from the highest level that is kept below it.
    fn whole(&self, leaves: &Range<u64>) -> Result<Hash, Missing> {
        let height = (leaves.end - leaves.start).trailing_zeros();
        let mut range = CompactRange::new();
        match LEVELS.into_iter().rev().find(|level| *level <= height) {
            None => store::each_hash_of(self.conn, leaves, |hash| range.push(hash))?,
            Some(level) => self.read(level, &(leaves.start >> level..leaves.end >> level), &mut range)?,
        }
        // Rows may be missing where a file has a hash for them.
        if range.size().is_power_of_two() { Ok(range.root()) } else { Err(Missing) }
    }

    /// At most 256 nodes of a level, or as many as the highest level has.
    fn read(&self, level: u32, nodes: &Range<u64>, into: &mut CompactRange) -> Result<(), Missing> {
        let width = usize::try_from((nodes.end - nodes.start) * WIDTH).map_err(|_| Missing)?;
        let mut bytes = vec![0; width];
        files::open(&self.file(level))?.read_exact_at(&mut bytes, nodes.start * WIDTH)?;
        bytes.as_chunks().0.iter().for_each(|hash: &Hash| into.push(*hash));
        Ok(())
    }

    /// Adds the nodes that `size` leaves have, and makes all of them anew where they do not lead to the root.
    ///
    /// What cannot be written is made later: nobody's word depends on it.
    pub fn extend(&self, size: u64, root: &Hash) {
        match self.grow(size) {
            Ok(false) => {}
            Ok(true) if self.root(&(0..size)).is_ok_and(|found| found == *root) => {}
            Ok(true) | Err(_) => {
                let _ = std::fs::remove_dir_all(&self.folder);
                let _ = self.grow(size);
            }
        }
    }

    /// Whether anything was added, or is there that should not be.
    fn grow(&self, size: u64) -> Result<bool, Missing> {
        let mut grown = false;
        for level in LEVELS {
            let path = self.file(level);
            let (has, whole) = (std::fs::metadata(&path).map_or(0, |found| found.len()), size >> level);
            let from = has / WIDTH;
            if from > whole || (from == whole && has.is_multiple_of(WIDTH)) {
                grown |= from > whole;
                continue;
            }
            let mut bytes = Vec::new();
            for node in from..whole {
                let below = level - 8;
                let mut range = CompactRange::new();
                let children = node << 8..(node + 1) << 8;
                match below {
                    0 => store::each_hash_of(self.conn, &children, |hash| range.push(hash))?,
                    below => self.read(below, &children, &mut range)?,
                }
                bytes.extend_from_slice(&range.root());
            }
            std::fs::create_dir_all(&self.folder)?;
            let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
            // A half-written node is no node.
            file.set_len(from * WIDTH)?;
            file.write_all(&bytes)?;
            grown = true;
        }
        Ok(grown)
    }
}
