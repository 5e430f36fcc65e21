//! The ledger beside the least that could be called one, in the same run.
//!
//! | Ours | Beside | Aim |
//! |---|---|---|
//! | 2,000 durable appends of one fact | a bare commit loop of 2,000 rows of that size (WAL, FULL) | at most 1.25 of its time |
//! | verification of 100,000 entries | a loop that reads the rows and hashes each body | at most 1.25 of its time, under 64 MiB |
//! | the proof of one entry in 1,000 to 1,000,000 | – | 20 hashes; checked in less than a millisecond |
//!
//! `cargo bench --bench ledger`, or with a number of entries to verify: `cargo bench --bench ledger -- 1000000`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark fails by panicking and shows what it found")]

#[path = "beside/measure.rs"]
mod measure;
#[path = "beside/rows.rs"]
mod rows;

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use engine::event::{Draft, Kind};
use engine::id::RunId;
use engine::ledger::Ledger;
use engine::ledger::reader::Reader;
use engine::ledger::report::Status;
use engine::ledger::verify::verify;
use engine::merkle::proof::{ProofMaker, check_inclusion};
use engine::merkle::{CompactRange, Hash, leaf_hash};
use engine::sign::ledger_key::LedgerKey;
use engine::time::Timestamp;
use rusqlite::Connection;
use serde_json::{Map, json};
use sha2::{Digest as _, Sha256};

use measure::{in_turn, measured, show};

const APPENDS: usize = 2_000;
const ENTRIES: usize = 100_000;
/// How many facts of the ledger that is verified go into one commit.
const AT_ONCE: usize = 200;
/// What an entry and its columns have around the values of its data, in bytes.
const AROUND: usize = 500;

fn main() {
    // Cargo hands `--bench` over as well.
    let entries = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(ENTRIES);
    let folder = || tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    println!("\n{APPENDS} durable appends\n");
    let size = draft(0).data.values().map(|value| value.to_string().len()).sum::<usize>() + AROUND;
    let bare = || {
        let folder = folder();
        measured(|| rows::commit_one_by_one(folder.path(), APPENDS, size))
    };
    let ours = || {
        let folder = folder();
        let mut ledger = opened(folder.path());
        measured(|| (0..APPENDS).for_each(|number| drop(ledger.append(at(number), &[draft(number)]).unwrap())))
    };
    show("Ledger::append", "bare commit loop", in_turn(ours, bare));

    println!("verification of {entries} entries\n");
    let filled = folder();
    fill(filled.path(), entries);
    let path = filled.path().join("ledger.db");
    let scratch = folder();
    let copied = measured(|| drop(Reader::copy(&path, scratch.path()).unwrap()));
    println!("  (the private copy that both read took {:.3} s)", copied.time.as_secs_f64());
    let reader = {
        let again = scratch.path().join("again");
        std::fs::create_dir(&again).unwrap();
        Reader::copy(&path, &again).unwrap()
    };
    let ours = || {
        measured(|| {
            let report = verify(&reader, &[], &reader.checkpoints().unwrap(), &[]);
            assert_eq!(report.status, Status::SelfConsistentOnly, "{:?}", report.problems);
        })
    };
    let bare = || measured(|| read_and_hash(&scratch.path().join("ledger.db")));
    show("ledger::verify", "read the rows, hash the bodies", in_turn(ours, bare));

    println!("the proof of one entry (in the middle)\n");
    for size in [1_000, 10_000, 100_000, 1_000_000] {
        prove(size);
    }
    proofs_of(&reader, &path);
}

/// How long proofs out of the file take, with the nodes beside it and without. Opening it is not in that: it is done once
/// for any number of proofs.
fn proofs_of(reader: &Reader, path: &Path) {
    let vkey = [reader.vkey().unwrap()];
    let size = reader.newest_sealed(&vkey).unwrap().unwrap().checkpoint.size;
    let middle = size / 2;
    let best = |work: &dyn Fn()| {
        let times = (0..5).map(|_| {
            let began = Instant::now();
            work();
            began.elapsed().as_secs_f64() * 1_000.0
        });
        times.fold(f64::INFINITY, f64::min)
    };
    let prove = || reader.prove(middle, None, &vkey).unwrap().unwrap();
    let prove_by_all = || reader.prove(middle, Some(size), &vkey).unwrap().unwrap();
    let grow = || reader.prove_growth(middle, None, &vkey).unwrap();
    let made = (prove(), prove_by_all(), grow());
    let nodes = path.with_file_name("ledger.db.nodes");
    for (way, is_there) in [("with nodes", true), ("without", false)] {
        if !is_there {
            std::fs::remove_dir_all(&nodes).unwrap();
        }
        let took = [best(&|| drop(prove())), best(&|| drop(prove_by_all())), best(&|| drop(grow()))];
        println!("  from the file, {size} entries, {way}:");
        println!("    Reader::prove, by the first checkpoint  {:>9.3} ms", took[0]);
        println!("    Reader::prove, by the newest            {:>9.3} ms", took[1]);
        println!("    Reader::prove_growth                    {:>9.3} ms", took[2]);
        assert_eq!((prove(), prove_by_all(), grow()), made);
    }
    println!();
}

/// How long a proof is made over leaves in memory, how large it is, and how long it is checked.
fn prove(size: u64) {
    let leaves: Vec<Hash> = (0..size).map(|number| leaf_hash(&number.to_be_bytes())).collect();
    let mut range = CompactRange::new();
    leaves.iter().for_each(|leaf| range.push(*leaf));
    let (index, root) = (size / 2, range.root());
    let began = Instant::now();
    let mut maker = ProofMaker::inclusion(index, size).unwrap();
    leaves.iter().for_each(|leaf| maker.push(*leaf));
    let proof = maker.finish().unwrap();
    let made = began.elapsed().as_secs_f64() * 1_000.0;
    let began = Instant::now();
    let leaf = leaves[usize::try_from(index).unwrap()];
    check_inclusion(index, size, &leaf, black_box(&proof), &root).unwrap();
    let checked = began.elapsed().as_secs_f64() * 1_000_000.0;
    let bytes = proof.len() * size_of::<Hash>();
    println!(
        "  {size:>9} entries: {:>2} hashes, {bytes} bytes, made in {made:.2} ms, checked in {checked:.1} µs",
        proof.len()
    );
}

fn at(number: usize) -> Timestamp {
    Timestamp::from_microseconds(1_700_000_000_000_000 + i64::try_from(number).unwrap() * 1_000).unwrap()
}

/// A fact as long as those of a step.
fn draft(number: usize) -> Draft {
    let data = json!({
        "guard": format!("guard_{number}"), "moment": "before", "verdict": "passed", "act": "restore/copy",
        "detail": "x".repeat(300),
    });
    let data: Map<_, _> = data.as_object().unwrap().clone();
    Draft { run: Some(RunId::from_parts(1, &[1; 10])), ..Draft::new(Kind::GuardVerdict, data) }
}

fn opened(folder: &Path) -> Ledger {
    let path = folder.join("ledger.db");
    let key = || LedgerKey::from_seed(&[7; 32]);
    Ledger::create(&path, "bench/ledger", &key(), at(0), "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11").unwrap();
    Ledger::open(&path, key(), at(0)).unwrap()
}

fn fill(folder: &Path, entries: usize) {
    let mut ledger = opened(folder);
    for first in (0..entries).step_by(AT_ONCE) {
        let drafts: Vec<Draft> = (first..(first + AT_ONCE).min(entries)).map(draft).collect();
        ledger.append(at(first), &drafts).unwrap();
    }
    ledger.close(at(entries)).unwrap();
}

/// The least a verification has to do: every body read, and its leaf hash made.
fn read_and_hash(path: &Path) {
    let conn = Connection::open(path).unwrap();
    let mut statement = conn.prepare("SELECT body FROM entries ORDER BY seq").unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let hash = Sha256::new().chain_update([0]).chain_update(row.get_ref(0).unwrap().as_blob().unwrap());
        black_box(hash.finalize());
    }
}
