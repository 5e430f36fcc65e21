//! What signed checkpoints claim of the log, compared with what the log is.

use std::collections::BTreeSet;

use super::trust::Standing;
use super::{BTreeMap, Checkpoint, Given, Note, Problems, Refusal, Status, signed};
use crate::ledger::report::AnchorReport;
use crate::merkle::Hash;
use crate::merkle::proof::check_inclusion;
use crate::merkle::tlog_proof::TlogProof;

/// One signed checkpoint, from beside the ledger or from elsewhere.
#[derive(Debug)]
pub(super) struct Claim {
    source: String,
    is_anchor: bool,
    read: Result<(Note, Checkpoint), Refusal>,
    fits: Fit,
    /// The entry that it proves, where it is a tlog-proof.
    proven: Option<Proven>,
    /// The time of the last entry it covers, as soon as that is known to be the one that was signed.
    at: Option<String>,
}

/// What a tlog-proof says of one entry.
#[derive(Debug)]
struct Proven {
    index: u64,
    hashes: Vec<Hash>,
    /// The leaf hash of that entry, once it was seen.
    leaf: Option<Hash>,
}

/// What the comparison of roots came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// The log does not reach that far.
    NotReached,
    Same,
    /// Another root, over entries that agree with each other.
    Fork,
    /// Another root, and the entries before it are damaged.
    Damaged,
}

/// All of them, by ascending size.
#[derive(Debug)]
pub(super) struct Claims {
    list: Vec<Claim>,
    next: usize,
    /// Which entries are proven, and by which claims.
    proven: BTreeMap<u64, Vec<usize>>,
}

impl Claims {
    pub fn new(checkpoints: &[Given], anchors: &[Given]) -> Self {
        let claim = |given: &Given, is_anchor| {
            let (read, proven) = match is_anchor && TlogProof::is_one(&given.bytes) {
                true => read_proof(&given.bytes),
                false => (signed::read(&given.bytes), None),
            };
            Claim { source: given.source.clone(), is_anchor, read, fits: Fit::NotReached, proven, at: None }
        };
        let beside = checkpoints.iter().map(|given| claim(given, false));
        let mut list: Vec<Claim> = beside.chain(anchors.iter().map(|given| claim(given, true))).collect();
        list.sort_by_key(|claim| claim.read.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size));
        let next = list.partition_point(|claim| claim.size() == 0);
        let mut proven: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (place, claim) in list.iter().enumerate() {
            if let Some(entry) = &claim.proven {
                proven.entry(entry.index).or_default().push(place);
            }
        }
        Self { list, next, proven }
    }

    /// The sizes that there are roots for, ascending.
    pub fn sizes(&self) -> Vec<u64> {
        self.list[self.next..].iter().map(Claim::size).collect()
    }

    /// The entries that are proven.
    pub fn proven(&self) -> BTreeSet<i64> {
        self.proven.keys().filter_map(|index| i64::try_from(*index).ok()).collect()
    }

    /// An entry was seen: what proves it is told its hash.
    pub fn leaf(&mut self, seq: i64, leaf: &Hash) {
        let Ok(index) = u64::try_from(seq) else { return };
        for place in self.proven.get(&index).into_iter().flatten() {
            if let Some(proven) = &mut self.list[*place].proven {
                proven.leaf = Some(*leaf);
            }
        }
    }

    /// Those whose signatures are to be judged, with their place in the list.
    pub fn notes(&self) -> Vec<(usize, Note, Checkpoint)> {
        let readable = |(place, claim): (usize, &Claim)| {
            let (note, checkpoint) = claim.read.as_ref().ok()?;
            Some((place, note.clone(), checkpoint.clone()))
        };
        self.list.iter().enumerate().filter_map(readable).collect()
    }

    /// The log has so many entries now, the last of that time, and this root; compares what claims to be of that size.
    pub fn reached(&mut self, size: u64, ts: &str, root: &Hash, sound: bool) {
        while let Some(claim) = self.list.get_mut(self.next).filter(|claim| claim.size() <= size) {
            self.next += 1;
            let same = claim.read.as_ref().is_ok_and(|(_, checkpoint)| checkpoint.root == *root);
            claim.fits = match (same, sound) {
                (true, _) => Fit::Same,
                (false, true) => Fit::Fork,
                (false, false) => Fit::Damaged,
            };
            claim.at = same.then(|| ts.to_owned());
        }
    }

    /// Judges each claim; gives what is worth showing: every anchor, every checkpoint that does not fit, and the newest
    /// that does.
    pub fn finish(
        &self,
        entries: u64,
        refusals: &BTreeMap<usize, Option<Refusal>>,
        problems: &mut Problems,
    ) -> Vec<AnchorReport> {
        let mut shown = Vec::new();
        let mut newest = None;
        for (place, claim) in self.list.iter().enumerate() {
            let (status, code, detail) = claim.judged(entries, refusals.get(&place));
            if let Some(code) = code {
                problems.add(code, None, None, format!("`{}`: {detail}", claim.source));
            }
            let at = claim.at.clone().filter(|_| claim.is_anchor && status == Status::Ok);
            let report = AnchorReport { source: claim.source.clone(), size: claim.size(), at, status, detail };
            match status {
                Status::SelfConsistentOnly if !claim.is_anchor => newest = Some(report),
                _ => shown.push(report),
            }
        }
        shown.extend(newest);
        shown
    }

    /// How each stands, in the order of the list.
    pub fn standing(&self) -> Vec<Standing> {
        let standing = |claim: &Claim| {
            let fits = claim.fits == Fit::Same && claim.proven.as_ref().is_none_or(|proven| claim.shows(proven));
            Standing { size: claim.size(), is_anchor: claim.is_anchor, fits }
        };
        self.list.iter().map(standing).collect()
    }

    /// Between which sizes something was changed, as far as what is signed can tell.
    pub fn window(&self, entries: u64) -> String {
        let fits = |claim: &&Claim| claim.fits == Fit::Same;
        let good = self.list.iter().filter(fits).map(Claim::size).max().unwrap_or(0);
        let bad = self.list.iter().filter(|claim| !fits(claim) && claim.size() > good).map(Claim::size).min();
        let sound = match good {
            0 => "nothing that was signed fits".to_owned(),
            1 => "the first entry is as it was signed".to_owned(),
            _ => format!("the first {good} entries are as they were signed"),
        };
        match bad {
            None if good == entries && good > 0 => {
                format!("all {entries} entries are as they were signed; what is wrong is not in their bytes")
            }
            Some(bad) => {
                format!("{sound}; the checkpoint of size {bad} does not fit, so the damage begins before that")
            }
            None => format!("{sound}; nothing that was signed tells of the rest of the {entries} entries"),
        }
    }
}

/// Reads a tlog-proof.
fn read_proof(bytes: &[u8]) -> (Result<(Note, Checkpoint), Refusal>, Option<Proven>) {
    match TlogProof::parse(bytes) {
        Ok(proof) => {
            let proven = Proven { index: proof.index(), hashes: proof.hashes().to_vec(), leaf: None };
            (Ok((proof.note().clone(), proof.checkpoint().clone())), Some(proven))
        }
        Err(error) => (Err(Refusal::Unreadable(error.to_string())), None),
    }
}

impl Claim {
    /// Whether the proof is of the entry that the log has there.
    fn shows(&self, proven: &Proven) -> bool {
        let (Ok((_, checkpoint)), Some(leaf)) = (&self.read, &proven.leaf) else { return false };
        check_inclusion(proven.index, checkpoint.size, leaf, &proven.hashes, &checkpoint.root).is_ok()
    }

    fn size(&self) -> u64 {
        self.read.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size)
    }

    /// What it came to, the code of its problem if it is one, and in words.
    fn judged(&self, entries: u64, signature: Option<&Option<Refusal>>) -> (Status, Option<&'static str>, String) {
        let bad = if self.is_anchor { "bad_anchor" } else { "bad_checkpoint" };
        let unjudged = Refusal::Unreadable("its signature was not judged".to_owned());
        let refusal = match (&self.read, signature) {
            (Err(refusal), _) => Some(refusal),
            (Ok(_), Some(refusal)) => refusal.as_ref(),
            (Ok(_), None) => Some(&unjudged),
        };
        if let Some(refusal) = refusal {
            let code = refusal.code(bad);
            let status = match refusal {
                Refusal::Unreadable(_) => Status::Unreadable,
                Refusal::UnknownKey | Refusal::BadSignature(_) => Status::Broken,
                Refusal::OutOfRange { .. } => Status::KeyOutOfRange,
                Refusal::Unproven(_) => Status::SelfConsistentOnly,
            };
            // Of the many beside the ledger, one word for all was said already.
            let is_said = status == Status::SelfConsistentOnly && !self.is_anchor;
            return (status, (!is_said).then_some(code), refusal.to_string());
        }
        let size = self.size();
        match self.fits {
            Fit::Same if self.is_anchor => match self.proven.as_ref().filter(|proven| !self.shows(proven)) {
                None => (Status::Ok, None, format!("the first {size} entries are as they were signed")),
                Some(proven) => (Status::Broken, Some(bad), format!("its proof is not that of entry {}", proven.index)),
            },
            Fit::Same => (
                Status::SelfConsistentOnly,
                None,
                format!(
                    "the first {size} entries are as they were signed; it stands beside the ledger, so it is no anchor"
                ),
            ),
            Fit::Fork => (Status::Fork, Some("fork"), format!("it was signed for another history of {size} entries")),
            Fit::Damaged => (
                Status::Broken,
                Some("root_mismatch"),
                format!("the first {size} entries are not those that were signed"),
            ),
            Fit::NotReached if size > entries => {
                (Status::Truncated, Some("truncated"), format!("there are {entries} entries, it was signed for {size}"))
            }
            Fit::NotReached => (Status::Unreadable, Some(bad), "it covers no entries".to_owned()),
        }
    }
}
