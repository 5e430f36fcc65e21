//! Witnesses on the command line: asked at each run's end and by `ledger checkpoint`, counted by policy.
//!
//! The witness is a thread of the test that speaks HTTP, keeps what it has seen, and signs.

use std::collections::HashMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use engine::merkle::checkpoint::Checkpoint;
use engine::merkle::cosignature::{Cosignature, WitnessKey, message};
use engine::merkle::note::Note;
use engine::sign::ledger_key::LedgerKey;

use super::bench::Bench;

const STEPS: &str = "steps:\n  - id: look\n    action: file.stat\n    with: { path: runwarden.yaml }\n";

fn key() -> (LedgerKey, WitnessKey) {
    let key = LedgerKey::from_seed(&[9; 32]);
    let public = WitnessKey::new("witness.test/w1", key.public()).unwrap();
    (key, public)
}

/// Starts one; it lives as long as the test. Gives its address.
fn witness() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut seen = HashMap::new();
        for stream in listener.incoming() {
            answer(stream.unwrap(), &mut seen);
        }
    });
    format!("http://{address}/")
}

fn answer(mut stream: TcpStream, seen: &mut HashMap<String, u64>) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let body = loop {
        let read = stream.read(&mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok())
            .unwrap();
        if body.len() >= length {
            break body.to_owned();
        }
    };
    let (head, note) = body.split_once("\n\n").unwrap();
    let old: u64 = head.lines().next().unwrap().strip_prefix("old ").unwrap().parse().unwrap();
    let note = Note::parse(note.as_bytes()).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    let known = seen.get(&checkpoint.origin).copied().unwrap_or(0);
    let (status, body) = if old == known {
        seen.insert(checkpoint.origin, checkpoint.size);
        let (key, public) = key();
        let signature = key.sign(&message(1_795_167_312, note.text()));
        let mut lines = Note::new(note.text().to_owned()).unwrap();
        lines.add_line(public.line(&Cosignature { time: 1_795_167_312, signature }));
        ("200 OK", lines.to_string().strip_prefix(&format!("{}\n", note.text())).unwrap().to_owned())
    } else {
        ("409 Conflict", format!("{known}\n"))
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
}

fn workspace(urls: &[&str], at_least: usize) -> Bench {
    let (_, one) = key();
    let other = WitnessKey::new("witness.test/w2", LedgerKey::from_seed(&[10; 32]).public()).unwrap();
    let witnesses: String = urls
        .iter()
        .zip([one, other])
        .zip(["north", "south"])
        .map(|((url, key), name)| format!("    {name}: {{ url: '{url}', key: {key} }}\n"))
        .collect();
    let file = format!(
        "runwarden: v1\nenvironment: development\nledger:\n  path: .runwarden/ledger.db\n  key: .runwarden/ledger.key\n  \
         origin: test/ops\n  witnesses:\n{witnesses}procedures: [procedures]\npolicy: {{ require: {{ development: {{ witnesses: {{ \
         at_least: {at_least} }} }} }} }}\n"
    );
    Bench::empty().file("runwarden.yaml", &file).procedure("look", STEPS)
}

#[test]
fn the_end_of_a_run_is_cosigned_and_verification_needs_no_other_anchor() {
    let url = witness();
    let bench = workspace(&[&url], 1);
    let run = bench.run("run look --format json").exits(0).fits(&bench, "output/run").json();
    assert_eq!((&run["witnessed"]["cosigned"], &run["witnessed"]["asked_for"]), (&1.into(), &1.into()));
    let size = run["checkpoint"]["size"].as_u64().unwrap();
    let file = bench.read(&format!(".runwarden/ledger.db.checkpoints/{size}"));
    assert!(file.contains("\n— witness.test/w1 "), "{file}");
    let report = bench.run("ledger verify --format json").exits(0).json();
    assert_eq!(report["status"], "ok");
    // An auditor who has the witness's key alone comes to the same.
    let (_, public) = key();
    fs::copy(bench.path("runwarden.yaml"), bench.path("hidden")).unwrap();
    let elsewhere = ["ledger", "verify", "--ledger", ".runwarden/ledger.db", "--witness", &public.to_string()];
    bench.run_with(&elsewhere).exits(0);
    bench.run_with(&[&elsewhere[..], &["--quorum", "2"]].concat()).exits(1);
    // The next run goes on from what the witness has seen.
    bench.run("run look").exits(0);
    let made = bench.run("ledger checkpoint --format json").exits(0).fits(&bench, "output/ledger_checkpoint").json();
    assert_eq!((&made["status"], &made["witnessed"]["witnesses"][0]["status"]), (&"made".into(), &"cosigned".into()));
}

#[test]
fn a_bundle_has_the_cosignatures_that_the_end_of_the_run_has() {
    let url = witness();
    let bench = workspace(&[&url], 1);
    bench.run("run look").exits(0);
    bench.run("runs bundle last -o run.json -q").exits(0);
    let vkey = bench.run("ledger head --format json").json()["vkey"].as_str().unwrap().to_owned();
    let (_, public) = key();
    let verify = |witness: &str| bench.run_with(&["verify-bundle", "run.json", "--key", &vkey, "--witness", witness]);
    let said = verify(&public.to_string()).exits(0).stdout;
    assert!(said.contains("ok     witnesses    cosigned by witness.test/w1"), "{said}");
    let other = WitnessKey::new("witness.test/w2", LedgerKey::from_seed(&[10; 32]).public()).unwrap();
    let said = verify(&other.to_string()).exits(1).stdout;
    assert!(said.contains("wrong  witnesses ") && said.contains("has not cosigned"), "{said}");
}

#[test]
fn too_few_cosignatures_leave_the_run_as_it_is_and_exit_1() {
    let url = witness();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bench = workspace(&[&url, &format!("http://{free}")], 2);
    let outcome = bench.run("run look --format json").exits(1);
    assert!(outcome.stderr.contains("warning: 1 cosigned, and policy asks for 2"), "{}", outcome.stderr);
    let run = outcome.json();
    assert_eq!((&run["status"], &run["witnessed"]["witnesses"][1]["status"]), (&"succeeded".into(), &"failed".into()));
    bench.run("ledger checkpoint").exits(1);
    // Nothing is wrong with the ledger.
    assert!(!bench.exists(".runwarden/ledger.db.incident"));
    assert_eq!(bench.run("check runwarden.yaml").exit, Some(0));
}

#[test]
fn a_witness_that_has_seen_more_sets_the_latch() {
    let url = witness();
    let bench = workspace(&[&url], 1);
    bench.run("run look").exits(0);
    bench.run("run look").exits(0);
    // The ledger as it was made, under the same name and key: what was restored is too old.
    let other = workspace(&[&url], 1);
    let outcome = other.run("run look --format json").exits(11);
    assert_eq!(outcome.json()["witnessed"]["witnesses"][0]["status"], "alarm");
    assert!(outcome.stderr.contains("of this ledger, and there are"), "{}", outcome.stderr);
    other.run("run look").exits(11);
    let incident = other.run("ledger incident --format json").exits(1).json();
    assert_eq!(incident["problems"][0]["code"], "witness_conflict");
}

#[test]
fn a_checkpoint_is_made_when_nothing_happened_and_not_twice_within_the_time() {
    let bench = Bench::workspace().procedure("look", STEPS);
    bench.run("ledger checkpoint").exits(11);
    bench.run("run look").exits(0);
    let before = bench.run("ledger head --format json").json()["size"].as_u64().unwrap();
    let young = bench.run("ledger checkpoint --if-older 24h --format json").exits(0).json();
    assert_eq!((&young["status"], &young["size"]), (&"young".into(), &before.into()));
    let made = bench.run("ledger checkpoint --if-older 0s --format json").exits(0).json();
    // A writer came, nothing happened, and that is signed.
    assert_eq!((&made["status"], &made["size"]), (&"made".into(), &(before + 2).into()));
    let kinds = bench.run("ledger tail -n 3 --format ndjson").exits(0).raw;
    assert!(kinds.contains("\"kind\":\"heartbeat\""), "{kinds}");
    bench.run("ledger checkpoint --if-older soon").exits(2);
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_step_that_asks_for_it_begins_with_what_is_before_it_signed() {
    let steps = "steps:\n  - id: one\n    action: file.write\n    with: { path: a, content: x }\n    undo: { none: test }\n  \
                 - id: two\n    checkpoint: before\n    action: file.write\n    with: { path: b, content: x }\n    \
                 undo: { none: test }\n";
    let count = |steps: &str| {
        let bench = Bench::workspace().procedure("write", steps);
        bench.run("run write").exits(0);
        fs::read_dir(bench.path(".runwarden/ledger.db.checkpoints")).unwrap().count()
    };
    assert_eq!(count(steps), count(&steps.replace("    checkpoint: before\n", "")) + 1);
    let bench = Bench::workspace().procedure("write", &steps.replace("before", "after"));
    bench.run("check").exits(2);
}
