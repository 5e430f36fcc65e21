//! `anchor`: exported over what verifies, and judged line by line.

use std::fs;

use super::bench::Bench;
use super::corvus::writer::runs::MAIN_RUN;
use super::corvus::writer::{Plan, Tamper};
use super::corvus::{VERIFY, book};

fn export(bench: &Bench, rest: &str) -> super::bench::Outcome {
    bench.run(&format!("anchor export --driver corvusforge --ledger book.db --run {MAIN_RUN} {rest}"))
}

fn verify(bench: &Bench, rest: &str) -> super::bench::Outcome {
    bench.run(&format!("anchor verify --driver corvusforge --ledger book.db --run {MAIN_RUN} {rest}"))
}

fn anchored() -> Bench {
    let bench = book(&Plan::default());
    export(&bench, "-o anchors").exits(0).prints("").says(&format!("wrote anchors/{MAIN_RUN}.json"));
    fs::copy(bench.path(&format!("anchors/{MAIN_RUN}.json")), bench.path("anchor.json")).unwrap();
    bench
}

#[test]
fn an_anchor_is_printed_or_written_once() {
    let bench = anchored();
    let printed = export(&bench, "").exits(0).json();
    assert_eq!(printed["run_id"], MAIN_RUN);
    let keys: Vec<&str> = printed.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["run_id", "entry_count", "root_hash", "first_entry_hash", "timestamp_utc", "anchor_hash"]);
    let again = export(&bench, "-o anchors").exits(2).stderr;
    assert!(again.starts_with("error[exists]: "), "{again}");
}

#[test]
fn an_anchor_that_fits_is_ok() {
    let bench = anchored();
    let findings = verify(&bench, "anchor.json --format json").exits(0).fits(&bench, "output/anchor_verify").json();
    assert_eq!(findings["status"], "ok");
    let human = verify(&bench, "anchor.json").exits(0).stdout;
    assert!(human.ends_with(&format!("anchor of run {MAIN_RUN}: ok\n")), "{human}");
    let report = bench.run(&format!("{VERIFY} --run {MAIN_RUN} --anchor anchor.json --format json")).exits(0).json();
    assert_eq!(report["status"], "ok");
    assert_eq!(report["anchors"][0]["status"], "ok");
    let others = bench.run(&format!("{VERIFY} --anchor anchor.json --format json")).exits(1).json();
    assert_eq!(others["status"], "self_consistent_only");
}

#[test]
fn what_does_not_fit_is_named() {
    let bench = anchored();
    let text = bench.read("anchor.json");
    let mut anchor: serde_json::Value = serde_json::from_str(&text).unwrap();
    anchor["entry_count"] = 1.into();
    let bench = bench.file("edited.json", &anchor.to_string()).file("none.json", "{}");
    let edited = verify(&bench, "edited.json").exits(1).stdout;
    assert!(edited.contains("wrong  self_hash"), "{edited}");
    let none = verify(&bench, "none.json --format json").exits(1).json();
    assert_eq!(none["findings"][0]["code"], "format");
    verify(&bench, "missing.json").exits(11);
    let old = verify(&bench, "anchor.json --max-age 0s").exits(1).stdout;
    assert!(old.contains("wrong  age"), "{old}");
    verify(&bench, "anchor.json --max-age soon").exits(2);
    verify(&bench, "anchor.json --covers-stage s99_nothing").exits(1);
}

#[test]
fn history_that_was_rewritten_is_found_by_its_anchor_alone() {
    let bench = anchored();
    fs::remove_file(bench.path("book.db")).unwrap();
    super::corvus::writer::write(&bench.path("book.db"), &Plan { tamper: Some(Tamper::Rehashed), ..Plan::default() })
        .unwrap();
    bench.run(&format!("{VERIFY} --allow-unanchored")).exits(0);
    verify(&bench, "anchor.json").exits(1);
    let report = bench.run(&format!("{VERIFY} --run {MAIN_RUN} --anchor anchor.json --format json")).exits(1).json();
    assert_eq!(report["status"], "fork");
}

#[test]
fn a_run_that_does_not_verify_is_not_anchored() {
    let bench = book(&Plan { tamper: Some(Tamper::Edited), ..Plan::default() });
    let refused = export(&bench, "-o anchors").exits(1).stderr;
    assert!(refused.contains("is not anchored"), "{refused}");
    assert!(!bench.exists("anchors"));
    let nobody = bench.run("anchor export --driver corvusforge --ledger book.db --run cf-nobody").exits(1).stderr;
    assert!(nobody.starts_with("error[unknown-run]: "), "{nobody}");
}

#[test]
fn a_run_whose_name_is_a_path_is_not_written() {
    let bench = book(&Plan::default());
    bench.run("anchor export --driver corvusforge --ledger book.db --run ../x -o anchors").exits(1);
    assert!(!bench.exists("x.json"));
}

#[test]
fn a_run_of_our_own_that_never_was_has_no_anchor() {
    let bench = Bench::workspace();
    let refused = bench.run("anchor export last").exits(11).stderr;
    assert!(refused.contains("error[ledger]: there is no ledger"), "{refused}");
}
