//! Tests of recorded heads: over logs of both drivers, whole, longer, cut and made anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::*;
use crate::target::digest_log::DigestLog;
use crate::target::hash_chain::HashChain;

/// A billing log of lines that say a number each.
fn chain(numbers: &[u32]) -> String {
    let (mut text, mut previous) = (String::new(), String::new());
    for number in numbers {
        let data = format!("{{\"n\":{number}}}");
        let hash = hex::encode(Sha256::digest(format!("{previous}{data}")));
        text += &format!("{{\"data\":{data},\"hash\":\"{hash}\",\"prev_hash\":\"{previous}\"}}\n");
        previous = hash;
    }
    text
}

struct Log {
    _folder: TempDir,
    path: PathBuf,
}

fn log(text: &str) -> Log {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log.jsonl");
    std::fs::write(&path, text).unwrap();
    Log { _folder: folder, path }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds(seconds * 1_000_000).unwrap()
}

fn kept(head: &RecordedHead) -> Recorded {
    let given = vec![Given { source: "kept.json".to_owned(), bytes: head.to_json().into_bytes() }];
    Recorded { given, ..Recorded::default() }
}

fn open(log: &Log) -> HashChain {
    HashChain::new(&log.path, "log.jsonl", Recipe::Billing)
}

fn head_of(log: &Log) -> RecordedHead {
    open(log).head(at(100)).unwrap()
}

fn judged(log: &Log, recorded: Recorded) -> Report {
    let chain = open(log);
    let mut report = chain.verify();
    let of = ("hash_chain", Some(Recipe::Billing));
    recorded.hold(&mut report, of, at(200), |sizes| chain.heads(sizes)).unwrap();
    report
}

#[test]
fn a_head_makes_the_log_it_is_of_ok_and_so_one_that_went_on() {
    let head = head_of(&log(&chain(&[1, 2, 3])));
    assert_eq!(head.entries, 3);
    assert_eq!(RecordedHead::parse(head.to_json().as_bytes()), Ok(head.clone()));
    for numbers in [&[1, 2, 3][..], &[1, 2, 3, 4, 5]] {
        let report = judged(&log(&chain(numbers)), kept(&head));
        assert_eq!((report.status, report.problems.len()), (Status::Ok, 0), "{numbers:?}");
    }
    assert_eq!(judged(&log(&chain(&[1, 2, 3])), Recorded::default()).status, Status::SelfConsistentOnly);
}

#[test]
fn lines_cut_from_the_end_and_a_history_made_anew_are_found() {
    let head = head_of(&log(&chain(&[1, 2, 3])));
    let cut = judged(&log(&chain(&[1, 2])), kept(&head));
    assert_eq!((cut.status, cut.problems[0].code.as_str()), (Status::Truncated, "truncated"));
    for numbers in [&[1, 2, 4][..], &[9, 2, 3], &[9, 2, 3, 4]] {
        let forked = judged(&log(&chain(numbers)), kept(&head));
        assert_eq!((forked.status, forked.problems[0].code.as_str()), (Status::Fork, "fork"), "{numbers:?}");
    }
    // A log that is broken by itself stays so.
    let broken = judged(&log(&chain(&[1, 2, 3]).replace("\"n\":1", "\"n\":7")), kept(&head));
    assert_eq!(broken.status, Status::Broken);
}

#[test]
fn an_old_a_missing_and_a_damaged_head_are_told() {
    let whole = log(&chain(&[1, 2, 3]));
    let head = head_of(&whole);
    let aged = |most| judged(&whole, Recorded { max_age: Some(Duration::from_seconds(most)), ..kept(&head) }).status;
    assert_eq!((aged(100), aged(99)), (Status::Ok, Status::AnchorStale));
    let to_come = RecordedHead { at: at(1_000), ..head.clone() };
    let asked = Recorded { max_age: Some(Duration::from_seconds(100)), ..kept(&to_come) };
    assert_eq!(judged(&whole, asked).status, Status::AnchorStale);
    let none = Recorded { max_age: Some(Duration::from_seconds(100)), ..Recorded::default() };
    assert_eq!(judged(&whole, none).status, Status::AnchorStale);
    let gone = Recorded { missing: vec!["kept.json".to_owned()], ..kept(&head) };
    assert_eq!(judged(&whole, gone).status, Status::AnchorMissing);
    let of_another = RecordedHead { recipe: Some(Recipe::Audit), ..head.clone() };
    assert_eq!(judged(&whole, kept(&of_another)).status, Status::AnchorMissing);
    for text in [
        "",
        "{}",
        &head.to_json().replace("billing", "other"),
        &head.to_json().replace("\"entries\":3", "\"entries\":0"),
    ] {
        let given = vec![Given { source: "kept.json".to_owned(), bytes: text.as_bytes().to_vec() }];
        let report = judged(&whole, Recorded { given, ..Recorded::default() });
        assert_eq!(report.status, Status::AnchorMissing, "{text}");
    }
}

#[test]
fn nothing_that_is_wrong_with_itself_is_recorded() {
    let broken = log(&chain(&[1, 2, 3]).replace("\"n\":2", "\"n\":7"));
    assert_eq!(open(&broken).head(at(1)).unwrap_err().status, Status::Broken);
    assert_eq!(open(&log("")).head(at(1)).unwrap_err().status, Status::Empty);
}

/// A digest log and its seal, of these lines.
fn sealed(lines: &[&str]) -> (Log, PathBuf) {
    let whole = log(&lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    let seal = whole.path.with_file_name("seal.json");
    let digest = hex::encode(Sha256::digest(lines.concat()));
    std::fs::write(&seal, format!("{{\"chain_hash\":\"{digest}\",\"count\":{}}}", lines.len())).unwrap();
    (whole, seal)
}

#[test]
fn a_digest_log_whose_seal_was_made_anew_is_found_by_its_head() {
    let (whole, seal) = sealed(&["{\"a\":1}", "{\"a\":2}"]);
    let open = |log: &Log, seal: &PathBuf| DigestLog::new(&log.path, "log.jsonl", Some(seal), "seal.json");
    let head = open(&whole, &seal).head(at(100)).unwrap();
    assert_eq!((head.entries, head.driver.as_str()), (2, "digest_log"));
    let judged = |lines: &[&str]| {
        let (log, seal) = sealed(lines);
        let opened = open(&log, &seal);
        let mut report = opened.verify();
        kept(&head).hold(&mut report, ("digest_log", None), at(200), |sizes| opened.heads(sizes)).unwrap();
        report.status
    };
    assert_eq!(judged(&["{\"a\":1}", "{\"a\":2}"]), Status::Ok);
    assert_eq!(judged(&["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]), Status::Ok);
    assert_eq!(judged(&["{\"a\":1}", "{\"a\":3}"]), Status::Fork);
    assert_eq!(judged(&["{\"a\":1}"]), Status::Truncated);
}
