//! A log as files that any web server can serve (C2SP tlog-tiles): hashes in tiles, entries in bundles.
//!
//! Says which files there are and what is in them, one entry after the other, in memory for one tile a level. Where they
//! are written is the caller's.

use super::{CompactRange, Hash, leaf_hash};

/// How many hashes a full tile has, and entries a full bundle.
const WIDTH: usize = 256;

/// Why an entry does not fit a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {0} bytes does not fit a bundle, whose lengths have two bytes")]
pub struct TooLong(pub usize);

/// One file of the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileFile {
    /// Its path below the log's address, like `tile/0/x001/067`.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whether it is full: then it never changes.
    pub is_full: bool,
}

/// Makes the files from the entries, which are shown to it one by one from the first.
#[derive(Debug, Default)]
pub struct TileMaker {
    /// The tile of each level that is being filled, the leaves' first.
    levels: Vec<Level>,
    bundle: Vec<u8>,
    size: u64,
}

#[derive(Debug, Default)]
struct Level {
    /// How many full tiles there are.
    full: u64,
    hashes: Vec<u8>,
    range: CompactRange,
}

impl TileMaker {
    /// Before the first entry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an entry in; gives the files that are full now.
    ///
    /// # Errors
    /// When it is longer than 65,535 bytes.
    pub fn push(&mut self, body: &[u8]) -> Result<Vec<TileFile>, TooLong> {
        let length = u16::try_from(body.len()).map_err(|_| TooLong(body.len()))?;
        self.bundle.extend(length.to_be_bytes());
        self.bundle.extend(body);
        let bundle = self.size / WIDTH as u64;
        self.size += 1;
        let mut files = Vec::new();
        if self.size.is_multiple_of(WIDTH as u64) {
            let bytes = std::mem::take(&mut self.bundle);
            files.push(TileFile { path: path("entries", bundle, 0), bytes, is_full: true });
        }
        self.add(leaf_hash(body), &mut files);
        Ok(files)
    }

    /// The files that are not full, as they stand.
    #[must_use]
    pub fn partial(&self) -> Vec<TileFile> {
        let mut files = Vec::new();
        let in_bundle = (self.size % WIDTH as u64) as usize;
        if in_bundle > 0 {
            let path = path("entries", self.size / WIDTH as u64, in_bundle);
            files.push(TileFile { path, bytes: self.bundle.clone(), is_full: false });
        }
        for (height, level) in self.levels.iter().enumerate().filter(|(_, level)| !level.hashes.is_empty()) {
            let width = level.hashes.len() / size_of::<Hash>();
            let path = path(&height.to_string(), level.full, width);
            files.push(TileFile { path, bytes: level.hashes.clone(), is_full: false });
        }
        files
    }

    /// Adds a hash at the lowest level, and what that completes at the levels above.
    fn add(&mut self, leaf: Hash, files: &mut Vec<TileFile>) {
        let mut hash = leaf;
        for height in 0.. {
            if self.levels.len() == height {
                self.levels.push(Level::default());
            }
            let level = &mut self.levels[height];
            level.hashes.extend(hash);
            level.range.push(hash);
            if level.hashes.len() < WIDTH * size_of::<Hash>() {
                return;
            }
            let bytes = std::mem::take(&mut level.hashes);
            files.push(TileFile { path: path(&height.to_string(), level.full, 0), bytes, is_full: true });
            hash = std::mem::take(&mut level.range).root();
            level.full += 1;
        }
    }
}

/// The path of a tile: its number in groups of three digits, all but the last marked, and its width if it is not full.
fn path(level: &str, number: u64, width: usize) -> String {
    let mut groups = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        groups = format!("x{:03}/{groups}", rest % 1000);
        rest /= 1000;
    }
    match width {
        0 => format!("tile/{level}/{groups}"),
        _ => format!("tile/{level}/{groups}.p/{width}"),
    }
}
