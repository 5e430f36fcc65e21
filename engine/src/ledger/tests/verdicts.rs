//! Every verdict that verification has of our own ledger, each reached, and each fault with where it must lie.
//!
//! `never_sealed` is a foreign log's, see `digest_log`; `unknown_outcome` is a run's.

use super::*;
use crate::ledger::signed::Given;
use crate::ledger::verify::{Anchors, verify_anchored};
use crate::merkle::checkpoint::Checkpoint;
use crate::time::Duration;

fn judged(place: &Place, anchors: &Anchors) -> Report {
    let (reader, _scratch) = place.reader();
    verify_anchored(&reader, &[vkey()], &reader.checkpoints().unwrap(), anchors)
}

#[track_caller]
fn check(place: &Place, anchors: &Anchors, status: Status, window: Option<&str>) {
    let report = judged(place, anchors);
    assert_eq!(report.status, status, "{:#?}", report.problems);
    let found = report.problems.iter().find(|problem| problem.code == "damage_window");
    assert_eq!(found.map(|problem| problem.detail.as_str()), window);
}

fn anchored(place: &Place, size: u64) -> Anchors {
    Anchors { given: vec![signed::at(&place.path, size).unwrap().unwrap()], ..Anchors::default() }
}

fn signed_for(size: u64, root: Hash, seed: u8) -> Given {
    let key = LedgerKey::from_seed(&[seed; 32]);
    let named = VerifierKey::new(ORIGIN, key.public()).unwrap();
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root };
    Given { source: "anchor".to_owned(), bytes: signed::sign(&checkpoint, &[(&key, &named)]).to_string().into_bytes() }
}

#[test]
fn ok_is_said_with_an_anchor_alone_and_without_one_it_is_self_consistent_only() {
    let place = Place::filled();
    check(&place, &anchored(&place, 12), Status::Ok, None);
    check(&place, &Anchors::default(), Status::SelfConsistentOnly, None);
}

#[test]
fn broken_and_non_canonical_are_said_with_the_sizes_in_between() {
    let place = Place::filled();
    place.change("UPDATE entries SET body = x'7b7d' WHERE seq = 4");
    let window = "the first entry is as it was signed; the checkpoint of size 12 does not fit, so the damage begins before \
                  that";
    check(&place, &Anchors::default(), Status::Broken, Some(window));
    let place = Place::filled();
    std::fs::remove_file(signed::folder_of(&place.path).join("12")).unwrap();
    place.forge(4, |body| body.replace("\"attempt\":1", "\"attempt\": 1"));
    let window = "the first entry is as it was signed; nothing that was signed tells of the rest of the 12 entries";
    check(&place, &Anchors::default(), Status::NonCanonical, Some(window));
}

#[test]
fn truncated_and_fork_are_said_by_the_anchor_that_can_tell() {
    let place = Place::filled();
    let whole = anchored(&place, 12);
    std::fs::remove_file(signed::folder_of(&place.path).join("12")).unwrap();
    place.change("DELETE FROM entries WHERE seq >= 9");
    let window = "the first entry is as it was signed; the checkpoint of size 12 does not fit, so the damage begins before \
                  that";
    check(&place, &whole, Status::Truncated, Some(window));
    let place = Place::filled();
    let other = Anchors { given: vec![signed_for(7, [1; 32], 7)], ..Anchors::default() };
    let window = "all 12 entries are as they were signed; what is wrong is not in their bytes";
    check(&place, &other, Status::Fork, Some(window));
}

#[test]
fn anchor_missing_and_anchor_stale_are_said_of_what_was_asked_for() {
    let place = Place::filled();
    let window = "all 12 entries are as they were signed; what is wrong is not in their bytes";
    let missing = Anchors { missing: vec!["anchors/12".to_owned()], ..anchored(&place, 12) };
    check(&place, &missing, Status::AnchorMissing, Some(window));
    let old = Anchors { max_age: Some((Duration::parse("1h").unwrap(), at(40 + 3_601))), ..anchored(&place, 12) };
    check(&place, &old, Status::AnchorStale, Some(window));
    let young = Anchors { max_age: Some((Duration::parse("1h").unwrap(), at(40 + 3_600))), ..anchored(&place, 12) };
    check(&place, &young, Status::Ok, None);
}

#[test]
fn key_out_of_range_is_said_of_a_key_that_signs_what_is_not_its_own() {
    let place = Place::filled();
    let mut ledger = place.open().unwrap();
    let decision = rotate::Decision { actor: "ada", reason: "it is time" };
    ledger.rotate(at(50), LedgerKey::from_seed(&[8; 32]), decision).unwrap();
    ledger.close(at(51)).unwrap();
    let (reader, _scratch) = place.reader();
    let head = reader.head().unwrap();
    let late = Anchors { given: vec![signed_for(head.size, head.root, 7)], ..Anchors::default() };
    let window = format!("all {} entries are as they were signed; what is wrong is not in their bytes", head.size);
    check(&place, &late, Status::KeyOutOfRange, Some(&window));
}

#[test]
fn unknown_outcome_is_said_of_the_run_and_names_the_intent() {
    let report = judged(&Place::filled(), &Anchors::default());
    let run = report.runs.iter().find(|run| run.status == Status::UnknownOutcome).unwrap();
    assert_eq!((run.problems[0].code.as_str(), run.problems[0].seq), ("unknown_outcome", Some(8)));
}
