//! What a Corvusforge ledger lists: its runs and their entries.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::super::tests::writer::Tamper;
use super::super::tests::writer::runs::{MAIN_RUN, OPEN_RUN, WAIVED_RUN, WAIVER};
use super::super::tests::{Bench, example};
use super::*;

fn at(text: &str) -> Option<Timestamp> {
    Some(Timestamp::parse(text).unwrap())
}

fn ids(bench: &Bench, filter: &Filter) -> Vec<i64> {
    bench.open().entries(filter).unwrap().iter().map(|entry| entry.id).collect()
}

#[test]
fn runs_are_listed_in_the_order_they_began() {
    let runs = example().open().runs().unwrap();
    let told: Vec<_> = runs.iter().map(|run| (run.run.as_str(), run.entries, run.status)).collect();
    assert_eq!(told, [(MAIN_RUN, 20, SOUND), (WAIVED_RUN, 21, SOUND), (OPEN_RUN, 3, SOUND)]);
    assert_eq!(runs[0].first_at, at("2026-02-26T14:30:00Z"));
    assert_eq!(runs[0].last_at, at("2026-02-26T14:32:17.752603Z"));
}

#[test]
fn a_broken_run_is_listed_as_broken_and_others_are_not() {
    let runs = Bench::tampered(Tamper::Edited).open().runs().unwrap();
    assert_eq!(runs.iter().map(|run| run.status).collect::<Vec<_>>(), [Status::Broken, SOUND, SOUND]);
}

#[test]
fn entries_are_filtered_by_run_stage_and_both() {
    let bench = example();
    let run = Filter { run: Some(OPEN_RUN.to_owned()), ..Filter::default() };
    assert_eq!(ids(&bench, &run), [22, 24, 26]);
    let stage = Filter { stage: Some("s7_release".to_owned()), ..Filter::default() };
    assert_eq!(ids(&bench, &stage), [19, 20, 41]);
    assert_eq!(ids(&bench, &Filter { run: Some(MAIN_RUN.to_owned()), ..stage }), [19, 20]);
}

#[test]
fn since_is_within_and_until_is_not() {
    let filter = Filter {
        since: at("2026-02-26T14:30:07.250137Z"),
        until: at("2026-02-26T15:30:21.750411+01:00"),
        ..Filter::default()
    };
    assert_eq!(ids(&example(), &filter), [2, 3]);
}

#[test]
fn a_fingerprint_finds_what_was_written_while_its_key_was_trusted() {
    let filter = |fingerprint: &str| Filter { trust_fingerprint: Some(fingerprint.to_owned()), ..Filter::default() };
    let bench = example();
    // All of the first two runs, but for the five rows that were made by hand.
    assert_eq!(ids(&bench, &filter("93eb8a176a08a9ea")).len(), 36);
    assert_eq!(ids(&bench, &filter("93eb8a176a08a9e")), [0; 0]);
}

#[test]
fn an_entry_shows_every_column() {
    let entries = example().open().entries(&Filter::default()).unwrap();
    assert_eq!(entries.len(), 44);
    let waived = &entries[43];
    assert_eq!(waived.state_transition, "blocked->waived");
    assert_eq!(waived.waiver_references, [WAIVER]);
    assert!(waived.trust_context.is_empty() && waived.problems.is_empty());
    let passed = &entries[3];
    assert!(passed.artifact_references[0].starts_with("sha256:"));
    assert_eq!(passed.ruleset_versions["security"], "1.0.0");
    assert_eq!(passed.previous_entry_hash, entries[2].entry_hash);
}

#[test]
fn a_row_that_cannot_be_read_is_shown_and_never_hidden_by_time() {
    let bench = example().after("UPDATE run_ledger SET timestamp_utc = 'noon', waiver_refs_json = '{' WHERE id = 7");
    let filter = Filter { since: at("2030-01-01T00:00:00Z"), ..Filter::default() };
    let shown = bench.open().entries(&filter).unwrap();
    assert_eq!(shown.iter().map(|entry| entry.id).collect::<Vec<_>>(), [7]);
    assert_eq!(shown[0].problems.len(), 2, "{:?}", shown[0].problems);
    assert_eq!(shown[0].timestamp_utc, "noon");
}
