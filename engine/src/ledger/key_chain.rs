//! The keys of a ledger: the one that its genesis names, those that came after, and which of them were revoked.
//!
//! Each key is good for a range of sizes. Where one gives way to the next, both sign that, and the checkpoints before and
//! after the entry are good with either. Read from the entries `key.rotated` and `key.revoked`; which of the keys is to
//! be believed in the first place is known by whoever was given one from elsewhere.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::chain::Problems;
use super::entry::{self, Entry};
use super::error::Error;
use super::signed::Signer;
use super::store;
use crate::event::Kind;
use crate::merkle::note::{Note, VerifierKey};
use crate::merkle::rotation::Rotation;
use crate::sign;
use crate::time::Timestamp;

/// One key, and the sizes it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpan {
    /// The key. Its name is the ledger's origin.
    pub key: VerifierKey,
    /// The smallest size that it may sign.
    pub from: u64,
    /// The largest; none while it is the ledger's key.
    pub to: Option<u64>,
    /// The entry that revoked it.
    pub revoked_at: Option<u64>,
    /// The size from which on it may have been in other hands, where the revocation says so: what it signed of larger ones
    /// shows nothing.
    pub since: Option<u64>,
}

impl KeySpan {
    /// The largest size of an anchor that still shows something of what the key signed; none while it is not revoked.
    #[must_use]
    pub fn trusted_to(&self) -> Option<u64> {
        self.revoked_at.map(|revoked| self.since.map_or(revoked, |since| since.min(revoked)))
    }
}

/// How the entries about keys are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// By the index of the kinds, which a thorough reader compares with the table.
    Index,
    /// By looking at every row.
    Table,
}

/// All keys of a ledger, the oldest first. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChain {
    spans: Vec<KeySpan>,
    /// By which statement each came but the first.
    rotations: Vec<Rotation>,
}

impl KeyChain {
    /// That of a ledger whose genesis names this key.
    #[must_use]
    pub fn new(genesis: VerifierKey) -> Self {
        Self {
            spans: vec![KeySpan { key: genesis, from: 1, to: None, revoked_at: None, since: None }],
            rotations: Vec::new(),
        }
    }

    /// All keys, the oldest first.
    #[must_use]
    pub fn spans(&self) -> &[KeySpan] {
        &self.spans
    }

    /// The statements by which the later keys came, in order.
    #[must_use]
    pub fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// The key that signs now; none once that was revoked, which ends the ledger.
    #[must_use]
    pub fn current(&self) -> Option<&VerifierKey> {
        self.spans.last().filter(|span| span.revoked_at.is_none()).map(|span| &span.key)
    }

    /// The keys as those who may sign checkpoints, each within its range.
    #[must_use]
    pub fn signers(&self) -> Vec<Signer> {
        let signer = |span: &KeySpan| Signer { key: span.key.clone(), from: span.from, to: span.to };
        self.spans.iter().map(signer).collect()
    }

    /// Takes in an entry about keys; others change nothing.
    ///
    /// # Errors
    /// In words, when it is not in order: then the chain stays as it was.
    pub fn take(&mut self, entry: &Entry) -> Result<(), String> {
        match entry.kind {
            Kind::KeyRotated => self.rotated(entry),
            Kind::KeyRevoked => self.revoked(entry),
            _ => Ok(()),
        }
    }

    fn rotated(&mut self, entry: &Entry) -> Result<(), String> {
        let note = Note::parse(text(&entry.data, "note")?.as_bytes()).map_err(|error| error.to_string())?;
        let rotation = Rotation::parse(note.text()).map_err(|error| error.to_string())?;
        for (name, key) in [("from", &rotation.from), ("to", &rotation.to)] {
            if text(&entry.data, name)? != key.to_string() {
                return Err(format!("`{name}` is not the key that was signed for"));
            }
        }
        if rotation.size != entry.seq {
            return Err(format!("it was signed for entry {}, and is entry {}", rotation.size, entry.seq));
        }
        match self.current() {
            None => return Err("the key that gives way was revoked, and a revoked key names no other".to_owned()),
            Some(current) if *current != rotation.from => {
                return Err(format!("`{}` gives way, and the ledger's key is `{current}`", rotation.from));
            }
            Some(_) => {}
        }
        if self.knows(rotation.to.public()) {
            return Err(format!("`{}` was a key of this ledger before", rotation.to));
        }
        for key in [&rotation.from, &rotation.to] {
            let mut signatures = note.claimed_by(key);
            if !signatures.any(|signature| sign::verify(key.public(), note.text().as_bytes(), &signature)) {
                return Err(format!("`{key}` has not signed it"));
            }
        }
        if let Some(last) = self.spans.last_mut() {
            last.to = Some(entry.seq + 1);
        }
        self.spans.push(KeySpan { key: rotation.to.clone(), from: entry.seq, to: None, revoked_at: None, since: None });
        self.rotations.push(rotation);
        Ok(())
    }

    fn revoked(&mut self, entry: &Entry) -> Result<(), String> {
        let named = text(&entry.data, "key")?;
        let since = match entry.data.get("since") {
            None => None,
            Some(since) => {
                let size = since.as_u64().filter(|size| *size <= entry.seq);
                Some(size.ok_or_else(|| format!("it says since {since}, and there were {} entries", entry.seq))?)
            }
        };
        let span = self.spans.iter_mut().find(|span| span.key.to_string() == named);
        let span = span.ok_or_else(|| format!("`{named}` is no key of this ledger"))?;
        if let Some(before) = span.revoked_at {
            return Err(format!("`{named}` was revoked by entry {before} already"));
        }
        span.revoked_at = Some(entry.seq);
        span.since = since;
        span.to = span.to.or(Some(entry.seq + 1));
        Ok(())
    }

    /// Whether it is or was a key of this ledger.
    #[must_use]
    pub fn knows(&self, public: &[u8; 32]) -> bool {
        self.spans.iter().any(|span| span.key.public() == public)
    }

    /// Reads the chain from the entries about keys. Whether the roots that were signed are those of the log is judged by who
    /// goes through the whole. What is not in order is a problem.
    pub(super) fn read(
        conn: &Connection,
        by: Lookup,
        genesis: VerifierKey,
        problems: &mut Problems,
    ) -> rusqlite::Result<Self> {
        if by == Lookup::Index {
            let mut found = Problems::default();
            // Where the index is gone or leads nowhere, which is found elsewhere, all rows are read.
            if let Ok(chain) = Self::select(conn, &select("INDEXED BY entries_of_kind"), genesis.clone(), &mut found) {
                problems.join(found);
                return Ok(chain);
            }
        }
        Self::select(conn, &select("NOT INDEXED"), genesis, problems)
    }

    fn select(conn: &Connection, sql: &str, genesis: VerifierKey, problems: &mut Problems) -> rusqlite::Result<Self> {
        let mut chain = Self::new(genesis);
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (seq, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let read = entry::read(&body).map_err(|error| error.to_string());
            if let Err(why) = read.and_then(|entry| chain.take(&entry)) {
                problems.add("bad_key_entry", Some(seq), None, why);
            }
        }
        Ok(chain)
    }

    /// The same through the index, where what is not in order is an error.
    pub(super) fn of(path: &Path, conn: &Connection, genesis: VerifierKey) -> Result<Self, Error> {
        let mut problems = Problems::default();
        let read = Self::read(conn, Lookup::Index, genesis, &mut problems);
        let chain = read.map_err(|error| Error::reading(path, &error))?;
        if problems.is_empty() {
            return Ok(chain);
        }
        Err(Error::NotGenuine { path: path.to_owned(), problems: problems.into_vec() })
    }
}

/// The entries about keys. SQLite takes the index only for a query that says the index's own condition as well.
pub(super) fn select(index: &str) -> String {
    format!(
        "SELECT seq, body FROM entries {index} WHERE {} AND kind IN ('key.rotated', 'key.revoked') ORDER BY seq",
        store::IS_LISTED_KIND
    )
}

/// What `key.rotated` says.
pub(super) fn rotated(rotation: &Rotation, note: &Note, reason: &str) -> Map<String, Value> {
    let facts = [
        ("from", rotation.from.to_string()),
        ("to", rotation.to.to_string()),
        ("reason", reason.to_owned()),
        ("note", note.to_string()),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// What `key.revoked` says: since which size, and the time that this was told by.
pub(super) fn revoked(key: &VerifierKey, reason: &str, since: Option<(u64, Option<Timestamp>)>) -> Map<String, Value> {
    let facts = [
        ("key", Some(Value::from(key.to_string()))),
        ("reason", Some(reason.into())),
        ("since", since.map(|(size, _)| size.into())),
        ("since_at", since.and_then(|(_, at)| at).map(|at| at.to_string().into())),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn text<'a>(data: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    data.get(name).and_then(Value::as_str).ok_or_else(|| format!("it has no text `{name}`"))
}
