//! Files in place of a ledger: any bytes, and changes of a sound one. Something is said of each, and a ledger is called
//! whole only when its entries are those that were written.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use engine::event::{Draft, Kind};
use engine::id::RunId;
use engine::ledger::Ledger;
use engine::ledger::history::Query;
use engine::ledger::reader::{Filter, Reader, Stored};
use engine::ledger::report::Status;
use engine::ledger::signed::Given;
use engine::ledger::verify::verify;
use engine::merkle::note::VerifierKey;
use engine::sign::ledger_key::LedgerKey;
use engine::time::Timestamp;
use serde_json::json;
use tempfile::TempDir;

/// A sound ledger: its file, the checkpoints beside it, and what it says.
pub struct Sound {
    /// The bytes of the database.
    pub bytes: Vec<u8>,
    checkpoints: Vec<(PathBuf, Vec<u8>)>,
    entries: Vec<Stored>,
    key: VerifierKey,
    /// The newest checkpoint, kept elsewhere.
    anchor: Given,
}

/// The one that is changed.
pub static SOUND: LazyLock<Sound> = LazyLock::new(Sound::new);

impl Sound {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("ledger.db");
        let key = LedgerKey::from_seed(&[7; 32]);
        let named = VerifierKey::new("example.org/ops", key.public()).expect("a key");
        let id = "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11";
        Ledger::create(&path, "example.org/ops", &key, at(0), id).expect("a ledger");
        let mut ledger = Ledger::open(&path, key, at(1)).expect("it can be opened");
        let run = RunId::from_parts(1_795_167_312_000, &[1; 10]);
        for (seconds, kind, data) in [
            (2, Kind::RunBegin, json!({ "procedure": "demo.first", "parameters": { "org": "a" } })),
            (3, Kind::StepIntent, json!({ "action": "epoch.bump" })),
            (4, Kind::StepResult, json!({ "state": "succeeded" })),
            (5, Kind::RunEnd, json!({ "status": "succeeded", "outputs": { "note": "größer \u{1f512}\n" } })),
        ] {
            let step = matches!(kind, Kind::StepIntent | Kind::StepResult).then(|| "bump".to_owned());
            let data = data.as_object().cloned().unwrap_or_default();
            let attempt = step.is_some().then_some(1);
            let draft = Draft { run: Some(run.clone()), step, attempt, ..Draft::new(kind, data) };
            ledger.append(at(seconds), &[draft]).expect("it can be written");
        }
        ledger.close(at(6)).expect("it can be closed");
        let scratch = TempDir::new().expect("a folder");
        let reader = Reader::copy(&path, scratch.path()).expect("it can be read");
        let mut checkpoints = Vec::new();
        for file in std::fs::read_dir(beside(&path)).expect("checkpoints") {
            let file = file.expect("a file").path();
            checkpoints.push((file.file_name().expect("a name").into(), std::fs::read(&file).expect("a checkpoint")));
        }
        let newest = reader.checkpoints().expect("checkpoints").pop().expect("a checkpoint");
        let anchor = Given { source: "elsewhere".to_owned(), bytes: newest.bytes };
        let bytes = std::fs::read(&path).expect("a file");
        Self { bytes, checkpoints, entries: all(&reader), key: named, anchor }
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds(1_795_167_312_000_000 + seconds * 1_000_000).expect("an instant")
}

fn beside(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".checkpoints");
    name.into()
}

fn all(reader: &Reader) -> Vec<Stored> {
    reader.entries(&Filter { any_seq: true, ..Filter::default() }).unwrap_or_default()
}

/// Holds for every file. One that does not begin as a database does is taken for changes of a sound one: `W` begins a
/// write-ahead log beside it, `C` a checkpoint in place of the newest, `A` an anchor; else four bytes are one change.
pub fn hold(bytes: &[u8]) {
    let sound = &*SOUND;
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("ledger.db");
    let (mut file, mut log, mut checkpoint, mut anchor) = (sound.bytes.clone(), None, None, sound.anchor.clone());
    match bytes {
        [b'S', b'Q', b'L', b'i', ..] => file = bytes.to_vec(),
        [b'W', rest @ ..] => log = Some(rest),
        [b'C', rest @ ..] => checkpoint = Some(rest),
        [b'A', rest @ ..] => anchor.bytes = rest.to_vec(),
        edits => edits.chunks_exact(4).for_each(|edit| change(&mut file, edit)),
    }
    std::fs::write(&path, &file).expect("a file");
    if let Some(log) = log {
        std::fs::write(folder.path().join("ledger.db-wal"), log).expect("a file");
    }
    std::fs::create_dir(beside(&path)).expect("a folder");
    for (place, (name, bytes)) in sound.checkpoints.iter().enumerate() {
        let bytes = checkpoint.filter(|_| place == 0).unwrap_or(bytes);
        std::fs::write(beside(&path).join(name), bytes).expect("a file");
    }
    judged(&path, &anchor, file == sound.bytes && log.is_none() && checkpoint.is_none());
}

fn judged(path: &Path, anchor: &Given, untouched: bool) {
    let sound = &*SOUND;
    let scratch = TempDir::new().expect("a folder");
    let reader = match Reader::copy(path, scratch.path()) {
        Ok(reader) => reader,
        Err(error) => return assert!(!untouched && !error.to_string().is_empty(), "{error}"),
    };
    let checkpoints = reader.checkpoints().unwrap_or_default();
    let alone = verify(&reader, std::slice::from_ref(&sound.key), &checkpoints, &[]);
    let anchored = verify(&reader, std::slice::from_ref(&sound.key), &checkpoints, std::slice::from_ref(anchor));
    assert_ne!(alone.status, Status::Ok, "without an anchor");
    for report in [&alone, &anchored] {
        let is_whole = matches!(report.status, Status::Ok | Status::SelfConsistentOnly);
        assert!(is_whole || !report.problems.is_empty(), "nothing is said: {:?}", report.status);
        if is_whole {
            assert_eq!(all(&reader), sound.entries, "{:?}, and the entries are others", report.status);
        }
    }
    if untouched && *anchor == sound.anchor {
        assert_eq!(anchored.status, Status::Ok, "{:#?}", anchored.problems);
    }
    let _ = (reader.check(sound.key.public()).is_ok(), reader.keys().is_ok(), reader.head().is_ok());
    let _ = (reader.tail(3).is_ok(), reader.prove(1, None, std::slice::from_ref(&sound.key)).is_ok());
    let history = reader.history();
    let _ = (history.runs(&Query::default()).is_ok(), history.locks().is_ok());
}

/// Where it is, what is done, and with what.
fn change(file: &mut Vec<u8>, edit: &[u8]) {
    let length = file.len();
    if length < 32 {
        return;
    }
    // The first pages hold the schema and the entries; all of them can be reached.
    let at = (usize::from(edit[0]) << 8 | usize::from(edit[1])) % length;
    match edit[2] % 6 {
        0 => file[at] = edit[3],
        1 => file[at] ^= edit[3].max(1),
        2 => file.truncate(length - length / 256 * usize::from(edit[3])),
        3 => {
            let end = length.min(at + usize::from(edit[3]));
            file.copy_within(at..end, (length / 2).min(length - (end - at)));
        }
        4 => file[at..length.min(at + usize::from(edit[3]))].fill(0),
        _ => file.splice(at..at, std::iter::repeat_n(edit[3], 16)).for_each(drop),
    }
}
