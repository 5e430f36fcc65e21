//! How a ledger begins, and what is verified when its writer starts: from the last signed checkpoint to the head.
//!
//! What is older than that checkpoint is judged by `ledger verify` only. So that a start does not read all of a long
//! log, the right edge of its tree is kept in `<ledger>.edge`: it is checked against the signed root, and where it is
//! missing or wrong the whole log is read instead.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chain::{Chain, Problems};
use super::entry::{self, Entry};
use super::error::Error;
use super::key_chain::KeyChain;
use super::report::Problem;
use super::signed::Signer;
use super::{files, signed, store};
use crate::event::Kind;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::VerifierKey;
use crate::merkle::{CompactRange, Edge, Hash, leaf_hash};
use crate::sign::ledger_key::LedgerKey;
use crate::time::Timestamp;

/// How entries are hashed, as the genesis names it.
pub(super) const HASH: &str = "rfc6962-sha256";

/// The longest edge file that is read: 64 hashes would be 5 KiB.
const MAX_EDGE: usize = 16 * 1024;

/// What the genesis says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Genesis {
    pub id: String,
    pub named: VerifierKey,
}

impl Genesis {
    /// Reads it from the first entry; what is wrong is said in words.
    pub fn read(entry: &Entry) -> Result<Self, String> {
        if entry.kind != Kind::LedgerGenesis {
            return Err(format!("the first entry is a `{}`, expected `ledger.genesis`", entry.kind.as_str()));
        }
        let text = |name: &str| {
            let value = entry.data.get(name).and_then(Value::as_str);
            value.ok_or_else(|| format!("the genesis has no text `{name}`"))
        };
        if text("hash")? != HASH {
            return Err(format!("the genesis says entries are hashed by `{}`, expected `{HASH}`", text("hash")?));
        }
        let named = VerifierKey::parse(text("vkey")?).map_err(|error| format!("the genesis: {error}"))?;
        if named.name() != text("origin")? {
            return Err("the genesis names one origin and a key of another".to_owned());
        }
        Ok(Self { id: text("ledger")?.to_owned(), named })
    }
}

/// What a verified start knows.
#[derive(Debug)]
pub(super) struct Start {
    /// The key that signs now.
    pub named: VerifierKey,
    pub keys: KeyChain,
    pub id: String,
    pub range: CompactRange,
    pub head: Hash,
    pub head_ts: Timestamp,
    pub covered: u64,
}

/// Makes the file under another name and gives it its own when it is whole.
pub(super) fn create_file(path: &Path, fill: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<(), Error> {
    let unfinished = files::beside(path, ".creating");
    for suffix in ["", "-wal", "-shm"] {
        // What a killed process left; where it cannot be removed, making the new one fails and says why.
        let _ = std::fs::remove_file(files::beside(&unfinished, suffix));
    }
    store::create(&unfinished, fill).map_err(|error| Error::not_writable(path, &error))?;
    std::fs::rename(&unfinished, path)
        .and_then(|()| files::sync_folder(files::folder_of(path)))
        .map_err(|source| Error::not_writable_io(path, &source))
}

/// Verifies from the last signed checkpoint to the head.
///
/// `signed_sizes` are those of the checkpoints beside it, read before the connection's view of the log was taken.
pub(super) fn verified(
    path: &Path,
    conn: &Connection,
    public: &[u8; 32],
    signed_sizes: &[u64],
) -> Result<Start, Error> {
    let failed = |error| Error::reading(path, &error);
    let not_a_ledger = |why: String| Error::NotALedger { path: path.to_owned(), why };
    let mut problems = Problems::default();
    if !store::check_schema(conn, &mut problems).map_err(failed)? {
        return Err(not_a_ledger("its table `entries` is not that of a ledger".to_owned()));
    }
    let genesis = genesis(path, conn)?;
    let keys = KeyChain::of(path, conn, genesis.named.clone())?;
    let Some(named) = keys.current().cloned() else {
        return Err(Error::Ended { path: path.to_owned() });
    };
    if named.public() != public {
        let found =
            VerifierKey::new(named.name(), *public).map_or_else(|error| error.to_string(), |key| key.to_string());
        return Err(Error::WrongKey { path: path.to_owned(), expected: named.to_string(), found });
    }
    let (head, _) = store::head(conn).map_err(failed)?.ok_or_else(|| not_a_ledger("it has no entries".to_owned()))?;
    let checkpoint = last_checkpoint(path, head, signed_sizes, &keys.signers(), &mut problems)?;
    let mut chain = Chain::start();
    if let Some(checkpoint) = &checkpoint {
        match resumed(path, conn, checkpoint, &mut problems).map_err(failed)? {
            Some(resumed) => chain = resumed,
            None => up_to(conn, checkpoint, &mut chain, &mut problems).map_err(failed)?,
        }
    }
    store::follow(conn, &mut chain, &mut problems).map_err(failed)?;
    if !problems.is_empty() {
        return Err(Error::NotGenuine { path: path.to_owned(), problems: problems.into_vec() });
    }
    let head_ts = Timestamp::parse(&chain.ts).map_err(|error| not_a_ledger(error.to_string()))?;
    let covered = checkpoint.map_or(0, |checkpoint| checkpoint.size);
    Ok(Start { named, keys, id: genesis.id, head: chain.prev, range: chain.range, head_ts, covered })
}

/// The genesis of a ledger.
pub(super) fn genesis(path: &Path, conn: &Connection) -> Result<Genesis, Error> {
    let failed = |error| Error::reading(path, &error);
    let mut statement = conn.prepare_cached("SELECT body FROM entries WHERE seq = 0").map_err(failed)?;
    let body: Option<Vec<u8>> = statement.query_row([], |row| row.get(0)).optional().map_err(failed)?;
    let read = body.ok_or_else(|| "there is no first entry".to_owned()).and_then(|body| {
        let entry = entry::read(&body).map_err(|error| format!("the first entry: {error}"))?;
        Genesis::read(&entry)
    });
    read.map_err(|detail| {
        let problem = Problem { code: "bad_genesis".to_owned(), seq: Some(0), run: None, detail };
        Error::NotGenuine { path: path.to_owned(), problems: vec![problem] }
    })
}

/// The newest checkpoint beside the ledger, if it is one that this ledger can have.
fn last_checkpoint(
    path: &Path,
    head: i64,
    signed_sizes: &[u64],
    signers: &[Signer],
    problems: &mut Problems,
) -> Result<Option<Checkpoint>, Error> {
    let entries = u64::try_from(head).map_or(0, |head| head + 1);
    let Some(&size) = signed_sizes.last() else {
        if entries > 1 {
            let detail = format!("`{}` has no checkpoint of {entries} entries", signed::folder_of(path).display());
            problems.add("checkpoint_missing", None, None, detail);
        }
        return Ok(None);
    };
    let Some(given) = signed::at(path, size)? else { return Ok(None) };
    let read = signed::read(&given.bytes).and_then(|(note, checkpoint)| {
        signed::check_ranges(&note, &checkpoint, signers)?;
        Ok(checkpoint)
    });
    match read {
        Err(refusal) => {
            problems.add(refusal.code("bad_checkpoint"), None, None, format!("`{}`: {refusal}", given.source))
        }
        Ok(checkpoint) if checkpoint.size != size => {
            let detail = format!("`{}` is of size {}", given.source, checkpoint.size);
            problems.add("bad_checkpoint", None, None, detail);
        }
        Ok(checkpoint) if checkpoint.size > entries => {
            let detail = format!("there are {entries} entries, `{}` was signed for {}", given.source, checkpoint.size);
            problems.add("truncated", None, None, detail);
        }
        Ok(checkpoint) => return Ok(Some(checkpoint)),
    }
    Ok(None)
}

/// The chain as it was when the checkpoint was signed, by the kept edge; none where that does not lead to its root.
fn resumed(
    path: &Path,
    conn: &Connection,
    checkpoint: &Checkpoint,
    problems: &mut Problems,
) -> rusqlite::Result<Option<Chain>> {
    let Some(edge) = read_edge(path).filter(|edge| edge.size == checkpoint.size) else { return Ok(None) };
    let Some(range) = CompactRange::from_edge(&edge).filter(|range| range.root() == checkpoint.root) else {
        return Ok(None);
    };
    let Ok(next) = i64::try_from(checkpoint.size) else { return Ok(None) };
    let mut statement = conn.prepare_cached("SELECT body FROM entries WHERE seq = ?")?;
    let body: Option<Vec<u8>> = statement.query_row([next - 1], |row| row.get(0)).optional()?;
    let Some(body) = body else { return Ok(None) };
    if leaf_hash(&body) != edge.leaf {
        problems.add("hash_mismatch", Some(next - 1), None, "the entry is not the one that was signed".to_owned());
    }
    let ts = entry::read(&body).map_or_else(|_| String::new(), |entry| entry.ts.to_string());
    Ok(Some(Chain { range, next, prev: edge.leaf, ts }))
}

/// Follows the rows from the first to those the checkpoint covers, and compares its root.
fn up_to(
    conn: &Connection,
    checkpoint: &Checkpoint,
    chain: &mut Chain,
    problems: &mut Problems,
) -> rusqlite::Result<()> {
    store::each_row(conn, i64::MIN, |row| {
        if chain.range.size() < checkpoint.size {
            chain.follow(row, problems);
        }
    })?;
    if chain.range.root() != checkpoint.root {
        let detail = format!("the first {} entries are not those that were signed", checkpoint.size);
        problems.add("root_mismatch", None, None, detail);
    }
    Ok(())
}

/// What is said about a log of this size and root.
pub(super) fn statement(range: &CompactRange, named: &VerifierKey) -> Checkpoint {
    Checkpoint { origin: named.name().to_owned(), size: range.size(), root: range.root() }
}

/// Signs the size and root, keeps the checkpoint durably, and the edge for the next start.
pub(super) fn sign(
    path: &Path,
    range: &CompactRange,
    key: &LedgerKey,
    named: &VerifierKey,
    keys: &KeyChain,
) -> Result<PathBuf, Error> {
    let checkpoint = statement(range, named);
    let note = signed::sign(&checkpoint, &[(key, named)]);
    let kept = signed::keep(path, &checkpoint, &note, &keys.signers())?;
    write_edge(path, range);
    Ok(kept)
}

/// Somebody else has written within our watch.
pub(super) fn overtaken(path: &Path, size: u64, found: String) -> Error {
    let detail = format!("after {size} entries of this writer {found}: somebody else has changed the ledger");
    let problem = Problem { code: "overtaken".to_owned(), seq: None, run: None, detail };
    Error::NotGenuine { path: path.to_owned(), problems: vec![problem] }
}

/// Whether the log is still the one that this tree is of: all of it is read.
pub(super) fn still_the_same(path: &Path, conn: &Connection, range: &CompactRange) -> Result<(), Error> {
    let mut chain = Chain::start();
    let mut problems = Problems::default();
    store::follow(conn, &mut chain, &mut problems).map_err(|error| Error::not_writable(path, &error))?;
    if problems.is_empty() && chain.range == *range {
        return Ok(());
    }
    Err(overtaken(path, range.size(), "older entries are others".to_owned()))
}

/// The edge as a file; hashes in hex.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeFile {
    size: u64,
    leaf: String,
    proof: Vec<String>,
}

fn edge_path(ledger: &Path) -> PathBuf {
    files::beside(ledger, ".edge")
}

fn read_edge(ledger: &Path) -> Option<Edge> {
    let bytes = files::read(&edge_path(ledger), MAX_EDGE).ok()??;
    let file: EdgeFile = serde_json::from_slice(&bytes).ok()?;
    let hash = |text: &String| -> Option<Hash> { hex::decode(text).ok()?.try_into().ok() };
    let proof = file.proof.iter().map(hash).collect::<Option<Vec<Hash>>>()?;
    Some(Edge { size: file.size, leaf: hash(&file.leaf)?, proof })
}

/// Not synced: where it is lost or torn, the next start reads the whole log.
fn write_edge(ledger: &Path, range: &CompactRange) {
    let Some(edge) = range.edge() else { return };
    let file =
        EdgeFile { size: edge.size, leaf: hex::encode(edge.leaf), proof: edge.proof.iter().map(hex::encode).collect() };
    let Ok(text) = serde_json::to_vec(&file) else { return };
    let temporary = files::beside(ledger, ".edge.new");
    let _ = std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, edge_path(ledger)));
}
