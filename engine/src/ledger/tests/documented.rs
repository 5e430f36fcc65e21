//! The worked example of docs/ledger.md is what the engine writes, and what its commands print.

use std::process::{Command, Stdio};

use super::*;
use crate::merkle::note::Note;
use crate::merkle::proof::ProofMaker;
use crate::merkle::tlog_proof::TlogProof;

const PAGE: &str = include_str!("../../../../docs/ledger.md");

/// The blocks of the page that begin with a fence of this language, without the fences.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("\n```{language}\n");
    PAGE.split(&fence).skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block)).collect()
}

/// The three entries of the example, by the way that every entry is written.
fn entries() -> Vec<Pending> {
    let named = VerifierKey::new("example.org/ops", key().public()).unwrap();
    let run = run(1);
    let genesis = json!({
        "hash": start::HASH, "ledger": "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11", "origin": named.name(),
        "vkey": named.to_string(),
    });
    let begin = json!({ "procedure": "hello", "parameters": {} });
    let end = json!({ "status": "succeeded", "outputs": { "size": 13 }, "steps": { "greet": "succeeded" } });
    let drafts = [
        draft(Kind::LedgerGenesis, genesis),
        Draft { actor: Some("ada".to_owned()), ..of(&run, Kind::RunBegin, begin) },
        Draft { actor: Some("ada".to_owned()), ..of(&run, Kind::RunEnd, end) },
    ];
    let mut rows: Vec<Pending> = Vec::new();
    for (seq, draft) in (0..).zip(&drafts) {
        let prev = rows.last().map_or_else(Hash::default, |row| row.hash);
        rows.push(Pending::new(draft, seq, prev, at(i64::try_from(seq).unwrap())).unwrap());
    }
    rows
}

fn checkpoint(rows: &[Pending]) -> String {
    let named = VerifierKey::new("example.org/ops", key().public()).unwrap();
    let mut range = CompactRange::new();
    rows.iter().for_each(|row| range.push(row.hash));
    signed::sign(&start::statement(&range, &named), &[(&key(), &named)]).to_string()
}

#[test]
fn the_example_is_what_the_engine_writes() {
    let rows = entries();
    let lines: String = rows.iter().map(|row| format!("{}\n", String::from_utf8(row.body.clone()).unwrap())).collect();
    let note = checkpoint(&rows);
    let mut maker = ProofMaker::inclusion(2, 3).unwrap();
    rows.iter().for_each(|row| maker.push(row.hash));
    let proof = TlogProof::new(2, maker.finish().unwrap(), Note::parse(note.as_bytes()).unwrap()).unwrap();
    assert_eq!(blocks("json"), [lines]);
    assert_eq!(blocks("checkpoint"), [note]);
    assert_eq!(blocks("tlog-proof"), [proof.to_string()]);
}

#[test]
fn the_commands_of_the_example_print_what_stands_below_them() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("entries.jsonl"), blocks("json")[0]).unwrap();
    std::fs::write(folder.path().join("checkpoint"), blocks("checkpoint")[0]).unwrap();
    let is_there = |program: &str| {
        Command::new(program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    let (commands, outputs) = (blocks("sh"), blocks("text"));
    assert_eq!(commands.len(), outputs.len());
    for (commands, output) in commands.iter().zip(outputs) {
        if commands.contains("openssl") && !is_there("openssl") {
            assert!(std::env::var_os("CI").is_none(), "openssl is missing");
            continue;
        }
        let ran =
            Command::new("bash").args(["-euo", "pipefail", "-c", commands]).current_dir(&folder).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), output, "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn every_kind_of_entry_stands_on_the_page() {
    for kind in Kind::ALL {
        assert!(PAGE.contains(&format!("`{}`", kind.as_str())), "{}", kind.as_str());
    }
}
