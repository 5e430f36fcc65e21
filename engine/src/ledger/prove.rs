//! Proofs out of a ledger: that an entry is in it, and that it only grew.
//!
//! Made from the nodes beside the ledger, or from the column of leaf hashes in one pass, and checked against a signed root
//! before they are given out, so a damaged column gives no proof, and never a wrong one. Nothing is signed here.

use std::path::Path;

use rusqlite::Connection;

use super::error::Error;
use super::nodes::Nodes;
use super::reader::Reader;
use super::report::Problem;
use super::signed::{self, Signer};
use super::store;
use crate::id::RunId;
use crate::merkle::add_checkpoint::AddCheckpoint;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::{Note, VerifierKey};
use crate::merkle::proof::{ProofMaker, check_consistency};
use crate::merkle::tlog_proof::TlogProof;
use crate::merkle::{CompactRange, Hash};

/// An entry, and the proof that it is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Its exact bytes.
    pub body: Vec<u8>,
    /// Its way to a signed checkpoint.
    pub proof: TlogProof,
}

/// A signed checkpoint, and the proof that an earlier state is its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// The earlier size.
    pub from: u64,
    /// Its root.
    pub from_root: Hash,
    /// What the later checkpoint says.
    pub checkpoint: Checkpoint,
    /// The request that a witness would be sent: proof and signed checkpoint.
    pub request: AddCheckpoint,
}

/// A signed checkpoint beside the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// With its signatures.
    pub note: Note,
}

impl Reader {
    /// Proves an entry by the first signed checkpoint that covers it, or by that of size `by`: the same question has the
    /// same answer, however long the ledger grows. None where there is no such entry.
    ///
    /// # Errors
    /// When nothing signed covers it, or the entries are not those that were signed.
    pub fn prove(&self, seq: u64, by: Option<u64>, keys: &[VerifierKey]) -> Result<Option<Proven>, Error> {
        let Some(stored) = self.entry(seq)? else { return Ok(None) };
        let covering = |size: &u64| by.map_or(*size > seq, |by| *size == by && by > seq);
        let sealed = self.first_sealed(keys, covering)?;
        let sealed = sealed.ok_or_else(|| Error::NotSealed { path: self.path.clone(), what: sealed_for(seq, by) })?;
        let size = sealed.checkpoint.size;
        let mut maker = ProofMaker::inclusion(seq, size).ok_or_else(|| not_signed(&self.path, size))?;
        let nodes = Nodes::beside(&self.path, &self.conn);
        // Nodes that are missing or wrong give no proof, and the leaves are gone over in their place.
        if let Ok(hashes) = maker.clone().from_roots(|leaves| nodes.root(leaves))
            && let Ok(proof) = TlogProof::new(seq, hashes, sealed.note.clone())
            && proof.check(&stored.body).is_ok()
        {
            return Ok(Some(Proven { body: stored.body, proof }));
        }
        self.leaves(size, |leaf| maker.push(leaf))?;
        let hashes = maker.finish().ok_or_else(|| cut(&self.path, size))?;
        let proof = TlogProof::new(seq, hashes, sealed.note).map_err(|_| not_signed(&self.path, size))?;
        proof.check(&stored.body).map_err(|_| not_signed(&self.path, size))?;
        Ok(Some(Proven { body: stored.body, proof }))
    }

    /// The number of the entry with which a run ended, if it has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn end_of(&self, run: &RunId) -> Result<Option<u64>, Error> {
        let filter = super::reader::Filter {
            run: Some(run),
            kind: Some(crate::event::Kind::RunEnd),
            limit: Some(1),
            newest_first: true,
            ..super::reader::Filter::default()
        };
        let found = self.entries(&filter)?;
        Ok(found.first().and_then(|stored| u64::try_from(stored.seq).ok()))
    }

    /// Proves that the first `from` entries are the beginning of a signed checkpoint: that of size `to`, or the newest.
    ///
    /// # Errors
    /// When there is no such checkpoint, it is smaller, or the entries are not those that were signed at either size.
    pub fn prove_growth(&self, from: u64, to: Option<u64>, keys: &[VerifierKey]) -> Result<Grown, Error> {
        let sealed = match to {
            Some(to) => self.first_sealed(keys, |size| *size == to)?,
            None => self.newest_sealed(keys)?,
        };
        let missing = || match to {
            Some(to) => format!("no signed checkpoint of size {to}"),
            None => "no signed checkpoint".to_owned(),
        };
        let sealed = sealed.ok_or_else(|| Error::NotSealed { path: self.path.clone(), what: missing() })?;
        let grown = growth(&self.conn, &self.path, from, sealed)?;
        let earlier = self.first_sealed(keys, |size| *size == from)?;
        if earlier.is_some_and(|earlier| earlier.checkpoint.root != grown.from_root) {
            return Err(not_signed(&self.path, from));
        }
        Ok(grown)
    }

    /// The newest checkpoint beside the ledger that one of the keys signed.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn newest_sealed(&self, keys: &[VerifierKey]) -> Result<Option<Sealed>, Error> {
        let signers = self.signers(keys)?;
        for size in self.signed_sizes().iter().rev() {
            if let Some(sealed) = self.sealed(*size, &signers)? {
                return Ok(Some(sealed));
            }
        }
        Ok(None)
    }

    /// The first checkpoint, by size, of those wanted that one of the keys signed.
    fn first_sealed(&self, keys: &[VerifierKey], wanted: impl Fn(&u64) -> bool) -> Result<Option<Sealed>, Error> {
        let signers = self.signers(keys)?;
        for size in self.signed_sizes().iter().filter(|size| wanted(size)) {
            if let Some(sealed) = self.sealed(*size, &signers)? {
                return Ok(Some(sealed));
            }
        }
        Ok(None)
    }

    /// The keys that may sign: those of the ledger, where none is given or one of the given is among them.
    fn signers(&self, given: &[VerifierKey]) -> Result<Vec<Signer>, Error> {
        if let Ok(chain) = self.keys()
            && (given.is_empty() || given.iter().any(|key| chain.spans().iter().any(|span| span.key == *key)))
        {
            return Ok(chain.signers());
        }
        match given {
            [] => self.keys().map(|chain| chain.signers()),
            given => Ok(given.iter().cloned().map(Signer::of_any_size).collect()),
        }
    }

    /// The checkpoint of a size, if one of the keys signed it. One that is damaged is passed over: `verify` names it.
    fn sealed(&self, size: u64, signers: &[Signer]) -> Result<Option<Sealed>, Error> {
        let Some(given) = signed::at(&self.path, size)? else { return Ok(None) };
        let Ok((note, checkpoint)) = signed::read(&given.bytes) else { return Ok(None) };
        let is_signed = checkpoint.size == size && signed::check_ranges(&note, &checkpoint, signers).is_ok();
        Ok(is_signed.then_some(Sealed { checkpoint, note }))
    }

    /// Shows the first `size` leaf hashes, as the column has them.
    fn leaves(&self, size: u64, see: impl FnMut(Hash)) -> Result<(), Error> {
        store::each_hash(&self.conn, size, see).map_err(|error| Error::reading(&self.path, &error))
    }
}

/// The proof that the first `from` entries are the beginning of what was signed.
pub(super) fn growth(conn: &Connection, path: &Path, from: u64, sealed: Sealed) -> Result<Grown, Error> {
    let size = sealed.checkpoint.size;
    if from > size {
        let what = format!("no signed checkpoint of {from} entries or more; the newest that was asked for has {size}");
        return Err(Error::NotSealed { path: path.to_owned(), what });
    }
    // Nodes that are missing or wrong give no proof, and the leaves are gone over in their place.
    let (from_root, proof) = match growth_by_nodes(&Nodes::beside(path, conn), from, &sealed.checkpoint) {
        Some(found) => found,
        None => growth_by_leaves(conn, path, from, &sealed.checkpoint)?,
    };
    let request = AddCheckpoint { old: from, proof, note: sealed.note };
    Ok(Grown { from, from_root, checkpoint: sealed.checkpoint, request })
}

/// The earlier root and the proof, from the roots of a few subtrees; none where those do not lead to what was signed.
pub(super) fn growth_by_nodes(nodes: &Nodes<'_>, from: u64, signed: &Checkpoint) -> Option<(Hash, Vec<Hash>)> {
    let Some(maker) = ProofMaker::consistency(from, signed.size) else {
        // Everything begins with nothing: there only the end is to be shown.
        let is_signed = from == 0 && nodes.root(&(0..signed.size)).is_ok_and(|root| root == signed.root);
        return is_signed.then(|| (CompactRange::new().root(), Vec::new()));
    };
    let from_root = nodes.root(&(0..from)).ok()?;
    let proof = maker.from_roots(|leaves| nodes.root(leaves)).ok()?;
    let is_shown = check_consistency(from, signed.size, &from_root, &signed.root, &proof).is_ok();
    is_shown.then_some((from_root, proof))
}

/// The same from every leaf.
fn growth_by_leaves(
    conn: &Connection,
    path: &Path,
    from: u64,
    signed: &Checkpoint,
) -> Result<(Hash, Vec<Hash>), Error> {
    let size = signed.size;
    let mut maker = ProofMaker::consistency(from, size);
    let mut range = CompactRange::new();
    let mut from_root = range.root();
    store::each_hash(conn, size, |leaf| {
        range.push(leaf);
        if range.size() == from {
            from_root = range.root();
        }
        if let Some(maker) = &mut maker {
            maker.push(leaf);
        }
    })
    .map_err(|error| Error::reading(path, &error))?;
    if range.size() < size {
        return Err(cut(path, size));
    }
    if range.root() != signed.root {
        return Err(not_signed(path, size));
    }
    let proof = match maker {
        Some(maker) => maker.finish().ok_or_else(|| cut(path, size))?,
        None => Vec::new(),
    };
    if from > 0 {
        check_consistency(from, size, &from_root, &signed.root, &proof).map_err(|_| not_signed(path, size))?;
    }
    Ok((from_root, proof))
}

fn not_signed(path: &Path, size: u64) -> Error {
    not_genuine(path, "root_mismatch", format!("the first {size} entries are not those that were signed"))
}

fn cut(path: &Path, size: u64) -> Error {
    not_genuine(path, "truncated", format!("there are fewer than the {size} entries that were signed"))
}

fn not_genuine(path: &Path, code: &str, detail: String) -> Error {
    let problem = Problem { code: code.to_owned(), seq: None, run: None, detail };
    Error::NotGenuine { path: path.to_owned(), problems: vec![problem] }
}

fn sealed_for(seq: u64, by: Option<u64>) -> String {
    match by {
        Some(by) => format!("no signed checkpoint of size {by} that covers entry {seq}"),
        None => format!("no signed checkpoint that covers entry {seq}"),
    }
}
