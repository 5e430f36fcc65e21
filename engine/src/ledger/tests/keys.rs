//! Keys that come and go: rotation, ranges of sizes, revocation, and what is left unproven.

use super::*;
use crate::ledger::key_chain::{KeyChain, Lookup};
use crate::ledger::rotate::{Decision, Rotated, Since};
use crate::ledger::signed::Refusal;
use crate::merkle::note::Note;
use crate::merkle::rotation::Rotation;

const DECISION: Decision<'_> = Decision { actor: "ada", reason: "the year is over" };

fn new_key(seed: u8) -> LedgerKey {
    LedgerKey::from_seed(&[seed; 32])
}

fn named(seed: u8) -> VerifierKey {
    VerifierKey::new(ORIGIN, new_key(seed).public()).unwrap()
}

impl Place {
    fn rotate(&self, from: u8, to: u8, when: i64) -> Rotated {
        let mut ledger = Ledger::open(&self.path, new_key(from), at(when)).unwrap();
        let rotated = ledger.rotate(at(when), new_key(to), DECISION).unwrap();
        ledger.close(at(when)).unwrap();
        rotated
    }

    fn revoke(&self, with: u8, which: u8, when: i64) -> u64 {
        let mut ledger = Ledger::open(&self.path, new_key(with), at(when)).unwrap();
        let (seq, _) = ledger.revoke(at(when), &named(which), None, DECISION).unwrap();
        ledger.close(at(when)).unwrap();
        seq
    }

    fn revoke_since(&self, since: Since, when: i64) -> Option<u64> {
        let mut ledger = Ledger::open(&self.path, new_key(8), at(when)).unwrap();
        let (_, since) = ledger.revoke(at(when), &named(7), Some(since), DECISION).unwrap();
        ledger.close(at(when)).unwrap();
        since
    }

    fn verify_with(&self, keys: &[VerifierKey], anchors: &[Given]) -> Report {
        let (reader, _scratch) = self.reader();
        verify(&reader, keys, &reader.checkpoints().unwrap(), anchors)
    }

    fn checkpoint(&self, size: u64) -> Given {
        signed::at(&self.path, size).unwrap().unwrap()
    }

    fn write_checkpoint(&self, size: u64, note: &Note) {
        std::fs::write(signed::folder_of(&self.path).join(size.to_string()), note.to_string()).unwrap();
    }

    /// The checkpoint of a size, signed with another key.
    fn signed_by(&self, size: u64, seed: u8) -> Note {
        let (_, checkpoint) = signed::read(&self.checkpoint(size).bytes).unwrap();
        signed::sign(&checkpoint, &[(&new_key(seed), &named(seed))])
    }

    fn chain(&self) -> KeyChain {
        self.reader().0.keys().unwrap()
    }
}

#[track_caller]
fn codes(report: &Report) -> Vec<(&str, Option<i64>)> {
    report.problems.iter().map(|problem| (problem.code.as_str(), problem.seq)).collect()
}

/// Which of these keys signed a checkpoint, as its lines have it.
fn signers(given: &Given, seeds: &[u8]) -> Vec<u8> {
    let note = Note::parse(&given.bytes).unwrap();
    let signed = |seed: &u8| {
        let key = named(*seed);
        note.claimed_by(&key).any(|signature| crate::sign::verify(key.public(), note.text().as_bytes(), &signature))
    };
    seeds.iter().copied().filter(signed).collect()
}

#[test]
fn a_rotation_is_signed_by_both_and_so_are_the_checkpoints_around_it() {
    let place = Place::filled();
    let rotated = place.rotate(7, 8, 50);
    assert_eq!((rotated.seq, &rotated.from, &rotated.to), (13, &named(7), &named(8)));
    let (reader, _scratch) = place.reader();
    let entry = reader.entry(13).unwrap().unwrap().entry(&place.path).unwrap();
    assert_eq!((entry.kind, entry.actor.as_deref()), (Kind::KeyRotated, Some("ada")));
    assert_eq!(entry.data["from"], named(7).to_string());
    assert_eq!(entry.data["to"], named(8).to_string());
    assert_eq!(entry.data["reason"], "the year is over");
    let note = Note::parse(entry.data["note"].as_str().unwrap().as_bytes()).unwrap();
    let given = Given { source: String::new(), bytes: note.to_string().into_bytes() };
    assert_eq!(signers(&given, &[7, 8]), [7, 8]);
    // What both signed is the checkpoint before, and the two keys.
    let rotation = Rotation::parse(note.text()).unwrap();
    let before = signed::judge(&place.checkpoint(13).bytes, &[named(7)]).unwrap();
    assert_eq!((rotation.size, rotation.root), (before.size, before.root));
    assert_eq!(signers(&place.checkpoint(12), &[7, 8]), [7]);
    assert_eq!(signers(&place.checkpoint(13), &[7, 8]), [7, 8]);
    assert_eq!(signers(&place.checkpoint(14), &[7, 8]), [7, 8]);
    assert_eq!(signers(&place.checkpoint(15), &[7, 8]), [8]);
    let ranges: Vec<_> = place.chain().spans().iter().map(|span| (span.from, span.to)).collect();
    assert_eq!(ranges, [(1, Some(14)), (13, None)]);
}

#[test]
fn trust_goes_along_rotations_from_whichever_key_was_given() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    place.rotate(8, 9, 60);
    for given in [vec![], vec![named(7)], vec![named(8)], vec![named(9)]] {
        let report = place.verify_with(&given, &[]);
        assert_eq!((report.status, codes(&report)), (Status::SelfConsistentOnly, vec![]), "{given:?}");
        let last = place.checkpoint(report.entries);
        assert_eq!(place.verify_with(&given, &[last, place.checkpoint(12)]).status, Status::Ok);
    }
    let report = place.verify_with(&[named(1)], &[]);
    assert_eq!((report.status, report.problems[0].code.as_str()), (Status::Broken, "wrong_key"));
}

#[test]
fn after_a_rotation_the_old_key_opens_nothing_and_the_error_names_the_new_one() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    let refused = Ledger::open(&place.path, new_key(7), at(60)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("ledger `{}` belongs to the key `{}`, the given key is `{}`", place.path.display(), named(8), named(7))
    );
    // No latch: it is the key that is wrong.
    let ledger = Ledger::open(&place.path, new_key(8), at(60)).unwrap();
    assert_eq!(ledger.vkey(), &named(8));
    assert_eq!(ledger.keys().spans().len(), 2);
}

#[test]
fn a_rotation_cut_short_before_its_entry_leaves_the_old_key_and_one_after_it_the_new() {
    // Before: a checkpoint, and nothing else.
    let place = Place::filled();
    let mut ledger = place.open().unwrap();
    ledger.checkpoint().unwrap();
    drop(ledger);
    assert!(matches!(Ledger::open(&place.path, new_key(8), at(50)), Err(Error::WrongKey { .. })));
    assert_eq!(place.open().unwrap().vkey(), &named(7));
    // After: the entry, and none of the signatures that come then.
    let place = Place::filled();
    place.rotate(7, 8, 50);
    place.write_checkpoint(13, &place.signed_by(13, 7));
    for size in [14, 15] {
        std::fs::remove_file(signed::folder_of(&place.path).join(size.to_string())).unwrap();
    }
    assert!(matches!(Ledger::open(&place.path, new_key(7), at(50)), Err(Error::WrongKey { .. })));
    let ledger = Ledger::open(&place.path, new_key(8), at(60)).unwrap();
    ledger.close(at(61)).unwrap();
    assert_eq!(codes(&place.verify_with(&[named(7)], &[])), []);
}

#[test]
fn a_new_key_that_was_never_rotated_in_leaves_nothing_behind() {
    let place = Place::filled();
    let mut ledger = place.open().unwrap();
    let refused = ledger.rotate(at(50), new_key(7), DECISION).unwrap_err();
    assert_eq!(refused.to_string(), "the new key is or was a key of this ledger");
    ledger.close(at(50)).unwrap();
    assert_eq!(place.chain().spans().len(), 1);
    place.rotate(7, 8, 60);
    let mut ledger = Ledger::open(&place.path, new_key(8), at(70)).unwrap();
    assert!(matches!(ledger.rotate(at(70), new_key(7), DECISION), Err(Error::Key(_))), "keys do not come back");
}

#[test]
fn a_clock_that_went_back_does_not_come_between_a_rotation_and_its_place() {
    let place = Place::filled();
    let mut ledger = Ledger::open(&place.path, new_key(7), at(50)).unwrap();
    ledger.rotate(at(45), new_key(8), DECISION).unwrap();
    ledger.close(at(46)).unwrap();
    assert_eq!(codes(&place.verify_with(&[named(8)], &[])), []);
}

#[test]
fn an_old_key_that_signs_after_its_range_is_key_out_of_range() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    place.write_checkpoint(15, &place.signed_by(15, 7));
    let report = place.verify_with(&[named(7)], &[]);
    assert_eq!(report.status, Status::KeyOutOfRange);
    assert_eq!(codes(&report), [("key_out_of_range", None), ("damage_window", None)]);
    let detail = &report.problems[0].detail;
    assert!(
        detail.contains(&format!("it is of size 15, and signed by `{}`, which is good for sizes 1 to 14", named(7)))
    );
    // The writer does not start on it either.
    let refused = Ledger::open(&place.path, new_key(8), at(60)).unwrap_err();
    let is_so = matches!(&refused, Error::NotGenuine { problems, .. } if problems[0].code == "key_out_of_range");
    assert!(is_so, "{refused}");
}

#[test]
fn a_new_key_that_signs_before_its_range_is_key_out_of_range_even_beside_the_old_one() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    let mut both = Note::parse(&place.checkpoint(12).bytes).unwrap();
    both.add_all(&place.signed_by(12, 8));
    place.write_checkpoint(12, &both);
    let report = place.verify_with(&[named(8)], &[]);
    assert_eq!((report.status, codes(&report)[0].0), (Status::KeyOutOfRange, "key_out_of_range"));
    // As an anchor it is none either.
    let anchor = Given { source: "anchor".to_owned(), bytes: place.signed_by(15, 7).to_string().into_bytes() };
    let report = place.verify_with(&[named(7)], &[anchor]);
    assert_eq!(report.status, Status::KeyOutOfRange);
    assert_eq!(report.anchors.iter().find(|found| found.source == "anchor").unwrap().status, Status::KeyOutOfRange);
}

#[test]
fn each_own_signature_on_a_checkpoint_is_checked() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    let good = Note::parse(&place.checkpoint(14).bytes).unwrap();
    for wrong in [7, 8] {
        let mut note = Note::new(good.text().to_owned()).unwrap();
        for seed in [7, 8] {
            let mut signature = new_key(seed).sign(good.text().as_bytes());
            signature[0] ^= u8::from(seed == wrong);
            note.add(&named(seed), signature);
        }
        place.write_checkpoint(14, &note);
        let report = place.verify_with(&[named(8)], &[]);
        assert_eq!((report.status, codes(&report)[0].0), (Status::Broken, "bad_checkpoint"));
        let refusal = signed::judge(note.to_string().as_bytes(), &[named(7), named(8)]).unwrap_err();
        assert_eq!(refusal, Refusal::BadSignature(named(wrong).to_string()));
    }
}

#[test]
fn what_a_revoked_key_signed_is_unproven_until_an_older_anchor_covers_it() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    let revoked = place.revoke(8, 7, 60);
    assert_eq!(revoked, 16);
    assert_eq!(place.chain().spans()[0].revoked_at, Some(16));
    let newest = place.checkpoint(18);
    // The present key is given, so the rotation is not in doubt; what came before it is.
    let report = place.verify_with(&[named(8)], std::slice::from_ref(&newest));
    assert_eq!((report.status, codes(&report)), (Status::SelfConsistentOnly, vec![("unproven", Some(0))]));
    assert!(report.problems[0].detail.starts_with("entries 0 to 13 stand on"), "{}", report.problems[0].detail);
    assert!(report.runs.iter().all(|run| run.status != Status::Ok));
    // An anchor of size 5 proves the first five, one of 12 the first twelve; a younger one than the revocation nothing.
    place.write_checkpoint(5, &{
        let (reader, _scratch) = place.reader();
        let mut range = CompactRange::new();
        reader
            .each(&Filter { limit: Some(5), ..Filter::default() }, |stored| {
                range.push(stored.hash);
                Ok::<(), Error>(())
            })
            .unwrap();
        signed::sign(&start::statement(&range, &named(7)), &[(&new_key(7), &named(7))])
    });
    for (size, left) in [(5, Some(5)), (12, Some(12)), (14, None), (15, None)] {
        let anchors = [place.checkpoint(size), newest.clone()];
        let report = place.verify_with(&[named(8)], &anchors);
        match left {
            Some(left) => {
                assert_eq!(
                    (report.status, codes(&report)),
                    (Status::SelfConsistentOnly, vec![("unproven", Some(left))])
                );
            }
            None => assert_eq!((report.status, codes(&report)), (Status::Ok, vec![]), "{size}"),
        }
    }
}

#[test]
fn a_key_named_by_a_revoked_one_is_believed_only_with_an_older_anchor_or_if_it_was_given() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    place.revoke(8, 7, 60);
    let newest = place.checkpoint(18);
    let old_only = [named(7)];
    let report = place.verify_with(&old_only, std::slice::from_ref(&newest));
    assert_eq!(report.status, Status::SelfConsistentOnly);
    assert_eq!(codes(&report), [("unproven", Some(0)), ("unproven", Some(13)), ("unproven", None)]);
    let anchor = report.anchors.iter().find(|anchor| anchor.size == 18).unwrap();
    assert_eq!(anchor.status, Status::SelfConsistentOnly);
    assert!(anchor.detail.contains("which only a revoked key vouches for"), "{}", anchor.detail);
    // The entry of the rotation is number 13: an anchor of 13 entries does not have it, one of 14 has.
    let report = place.verify_with(&old_only, &[place.checkpoint(13), newest.clone()]);
    assert_eq!(report.status, Status::SelfConsistentOnly);
    let report = place.verify_with(&old_only, &[place.checkpoint(14), newest]);
    assert_eq!((report.status, codes(&report)), (Status::Ok, vec![]));
}

#[test]
fn the_present_key_an_unknown_one_and_a_revoked_one_are_not_revoked() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    place.revoke(8, 7, 60);
    let mut ledger = Ledger::open(&place.path, new_key(8), at(70)).unwrap();
    for (which, says) in [
        (8, "is the ledger's present key; another must take its place first"),
        (1, "is no key of this ledger"),
        (7, "was revoked by entry 16 already"),
    ] {
        let refused = ledger.revoke(at(70), &named(which), None, DECISION).unwrap_err();
        assert_eq!(refused.to_string(), format!("`{}` {says}", named(which)));
    }
}

/// An entry about keys, appended as a writer with bad intentions would.
fn appended(place: &Place, with: u8, kind: Kind, data: &Value) -> Report {
    let mut ledger = Ledger::open(&place.path, new_key(with), at(70)).unwrap();
    ledger.append(at(70), &[draft(kind, data.clone())]).unwrap();
    ledger.checkpoint().unwrap();
    drop(ledger);
    place.verify_with(&[named(7)], &[])
}

/// The statement of a rotation at this size, signed by some.
fn statement(place: &Place, size: u64, from: u8, to: u8, by: &[u8]) -> Value {
    let (reader, _scratch) = place.reader();
    let root = reader.head().unwrap().root;
    let rotation = Rotation { size, root, from: named(from), to: named(to) };
    let mut note = Note::new(rotation.to_string()).unwrap();
    for seed in by {
        note.add(&named(*seed), new_key(*seed).sign(note.text().as_bytes()));
    }
    let text = if by.is_empty() { format!("{}\n", note.text()) } else { note.to_string() };
    json!({ "from": named(from).to_string(), "to": named(to).to_string(), "reason": "none", "note": text })
}

#[test]
fn a_rotation_that_is_not_in_order_is_named_and_changes_no_key() {
    // The writer's own `writer.open` is entry 12, so the next is 13.
    for (size, from, to, by, says) in [
        (13, 7, 8, vec![7], "has not signed it"),
        (13, 7, 8, vec![8], "has not signed it"),
        (12, 7, 8, vec![7, 8], "it was signed for entry 12, and is entry 13"),
        (13, 9, 8, vec![9, 8], "gives way, and the ledger's key is"),
    ] {
        let place = Place::filled();
        let data = statement(&place, size, from, to, &by);
        let report = appended(&place, 7, Kind::KeyRotated, &data);
        let problem = report.problems.iter().find(|problem| problem.code == "bad_key_entry").unwrap();
        assert_eq!((report.status, problem.seq), (Status::Broken, Some(13)));
        assert!(problem.detail.contains(says), "{}", problem.detail);
        assert!(Ledger::open(&place.path, new_key(8), at(80)).is_err());
    }
}

#[test]
fn a_rotation_signed_over_another_history_is_found() {
    // The root is that of the twelve entries before the writer opened, and the entry is number 13.
    let place = Place::filled();
    let data = statement(&place, 13, 7, 8, &[7, 8]);
    let report = appended(&place, 7, Kind::KeyRotated, &data);
    let problem = report.problems.iter().find(|problem| problem.code == "bad_key_entry").unwrap();
    assert_eq!((report.status, problem.seq), (Status::Broken, Some(13)));
    assert_eq!(problem.detail, "the keys signed for another history than the one before this entry");
}

#[test]
fn since_when_a_key_was_in_other_hands_says_which_anchors_still_count() {
    // The twelve entries before the rotation are of the old key alone; the rotation is entry 13, and it is revoked later.
    let judged = |since: Option<Since>, anchor: u64| {
        let place = Place::filled();
        place.rotate(7, 8, 50);
        match since {
            Some(since) => drop(place.revoke_since(since, 60)),
            None => drop(place.revoke(8, 7, 60)),
        }
        let report = place.verify_with(&[named(8)], &[place.checkpoint(anchor)]);
        let unproven = report.problems.iter().filter(|problem| problem.code == "unproven");
        let unproven: Vec<(i64, String)> =
            unproven.map(|problem| (problem.seq.unwrap_or(-1), problem.detail.clone())).collect();
        (report.status, unproven)
    };
    let (status, found) = judged(None, 14);
    assert_eq!((status, found), (Status::Ok, vec![]), "the anchor covers all that the old key signed");
    for since in [Since::Size(14), Since::Size(15)] {
        let (status, found) = judged(Some(since), 14);
        assert_eq!((status, found), (Status::Ok, vec![]), "{since:?}");
    }
    let (status, found) = judged(Some(Since::Size(13)), 14);
    assert_eq!(status, Status::SelfConsistentOnly);
    let [(0, detail)] = &found[..] else { unreachable!("{found:?}") };
    assert!(detail.contains("revoked since size 13, and no anchor from before covers them"), "{detail}");
    // Of an anchor from before that, what is left is what came after it.
    let (status, found) = judged(Some(Since::Size(13)), 12);
    assert_eq!(status, Status::SelfConsistentOnly);
    let [(12, detail)] = &found[..] else { unreachable!("{found:?}") };
    assert!(detail.contains("entries 12 to 13 stand on"), "{detail}");
    // An anchor that the old key alone signed after that shows nothing.
    let (status, found) = judged(Some(Since::Size(5)), 12);
    assert_eq!((status, found.len()), (Status::SelfConsistentOnly, 2), "{found:?}");
    assert!(found.iter().any(|(_, detail)| detail.contains("may have been in other hands since size 5")), "{found:?}");
}

#[test]
fn since_a_time_is_since_the_entries_of_before() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    assert_eq!(place.revoke_since(Since::Time(at(50)), 60), Some(12), "the writer opened at that time");
    let (reader, _scratch) = place.reader();
    let newest = reader.entries(&Filter { kind: Some(Kind::KeyRevoked), ..Filter::default() }).unwrap();
    let entry = newest[0].entry(&place.path).unwrap();
    assert_eq!((&entry.data["since"], &entry.data["since_at"]), (&json!(12), &json!(at(50).to_string())));
    let span = &place.chain().spans()[0].clone();
    assert_eq!((span.since, span.trusted_to()), (Some(12), Some(12)));

    let fresh = Place::filled();
    fresh.rotate(7, 8, 50);
    let mut ledger = Ledger::open(&fresh.path, new_key(8), at(60)).unwrap();
    let size = ledger.size();
    for (since, says) in [
        (Since::Size(size + 1), format!("there are {size} entries, so {} are to come", size + 1)),
        (Since::Time(at(61)), format!("it is {}, so {} is to come", at(60), at(61))),
    ] {
        let refused = ledger.revoke(at(60), &named(7), Some(since), DECISION).unwrap_err();
        assert_eq!(refused.to_string(), says);
    }
    assert_eq!(ledger.size(), size, "nothing was written");
    assert_eq!(ledger.revoke(at(60), &named(7), Some(Since::Time(at(60))), DECISION).unwrap().1, Some(size - 1));
}

#[test]
fn a_revocation_since_what_was_not_yet_is_out_of_order() {
    for since in [json!(99), json!(-1), json!("3"), json!(null)] {
        let place = Place::filled();
        place.rotate(7, 8, 50);
        let data = json!({ "key": named(7).to_string(), "reason": "stolen", "since": since });
        let report = appended(&place, 8, Kind::KeyRevoked, &data);
        let problem = report.problems.iter().find(|problem| problem.code == "bad_key_entry").unwrap();
        assert_eq!(report.status, Status::Broken);
        assert!(problem.detail.contains("it says since"), "{}", problem.detail);
    }
}

#[test]
fn a_revoked_key_cannot_name_another() {
    let place = Place::filled();
    let report = appended(&place, 7, Kind::KeyRevoked, &json!({ "key": named(7).to_string(), "reason": "stolen" }));
    assert_eq!(report.status, Status::SelfConsistentOnly, "{:?}", report.problems);
    // Its range ended with that entry, so it opens nothing.
    let refused = Ledger::open(&place.path, new_key(7), at(80)).unwrap_err();
    assert!(matches!(refused, Error::Ended { .. }), "{refused}");
    let mut chain = place.chain();
    let (reader, _scratch) = place.reader();
    let entry = reader.entry(13).unwrap().unwrap().entry(&place.path).unwrap();
    let data = statement(&place, 14, 7, 8, &[7, 8]).as_object().unwrap().clone();
    let entry = entry::Entry { seq: 14, kind: Kind::KeyRotated, data, ..entry };
    assert_eq!(chain.take(&entry).unwrap_err(), "the key that gives way was revoked, and a revoked key names no other");
}

#[test]
fn the_keys_are_found_through_the_index_and_without_it() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    let (reader, _scratch) = place.reader();
    // SQLite refuses a query that the index does not answer.
    reader.conn.prepare(&key_chain::select("INDEXED BY entries_of_kind")).unwrap();
    let chain = |by| {
        let mut problems = chain::Problems::default();
        let found = KeyChain::read(&reader.conn, by, named(7), &mut problems).unwrap();
        assert!(problems.is_empty());
        found
    };
    assert_eq!(chain(Lookup::Index), chain(Lookup::Table));
    assert_eq!(chain(Lookup::Index).current(), Some(&named(8)));
    let conn = Connection::open(&reader.copy).unwrap();
    conn.execute_batch("DROP INDEX entries_of_kind").unwrap();
    assert_eq!(chain(Lookup::Index).current(), Some(&named(8)));
}

#[test]
fn an_index_that_hides_a_rotation_is_found() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    // The index is taken out of the schema, the entry's kind changed and changed back, and the index put back.
    let conn = Connection::open(&place.path).unwrap();
    let definition: String =
        conn.query_row("SELECT sql FROM sqlite_schema WHERE name = 'entries_of_kind'", [], |row| row.get(0)).unwrap();
    let trigger: String = conn
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'entries_are_not_changed'", [], |row| row.get(0))
        .unwrap();
    let rootpage: i64 = {
        conn.execute_batch(
            "DROP TRIGGER entries_are_not_changed; UPDATE entries SET kind = 'heartbeat' WHERE kind = 'key.rotated'",
        )
        .unwrap();
        conn.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'entries_of_kind'", [], |row| row.get(0))
            .unwrap()
    };
    conn.pragma_update(None, "writable_schema", true).unwrap();
    conn.execute("DELETE FROM sqlite_schema WHERE name = 'entries_of_kind'", []).unwrap();
    drop(conn);
    let conn = Connection::open(&place.path).unwrap();
    conn.execute_batch("UPDATE entries SET kind = 'key.rotated' WHERE seq = 13").unwrap();
    conn.execute_batch(&trigger).unwrap();
    conn.pragma_update(None, "writable_schema", true).unwrap();
    conn.execute(
        "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('index', 'entries_of_kind', 'entries', ?, ?)",
        (rootpage, definition),
    )
    .unwrap();
    drop(conn);
    let report = place.verify_with(&[named(7)], &[]);
    assert_eq!(report.status, Status::Broken);
    // The key that it hides is believed all the same: the index is what is wrong, and nothing else.
    assert_eq!(codes(&report), [("index_mismatch", None), ("damage_window", None)], "{:?}", report.problems);
}

#[test]
fn proofs_go_on_being_made_by_whichever_key_was_there_first() {
    let place = Place::filled();
    place.rotate(7, 8, 50);
    let (reader, _scratch) = place.reader();
    for given in [vec![], vec![named(8)], vec![named(7)]] {
        let proven = reader.prove(6, None, &given).unwrap().unwrap();
        assert_eq!(proven.proof.checkpoint().size, 12);
        let proven = reader.prove(14, None, &given).unwrap().unwrap();
        assert_eq!(proven.proof.checkpoint().size, 15);
        proven.proof.check(&proven.body).unwrap();
        let grown = reader.prove_growth(12, Some(15), &given).unwrap();
        assert_eq!((grown.from, grown.checkpoint.size), (12, 15));
    }
}

#[test]
fn a_ledger_of_the_first_layout_is_read_and_written_on() {
    let place = Place::filled();
    let conn = Connection::open(&place.path).unwrap();
    conn.execute_batch(
        "DROP INDEX entries_of_kind;
         CREATE INDEX entries_of_kind ON entries (kind, seq)
        WHERE kind IN ('run.begin', 'run.end', 'clock.stepped');
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(conn);
    assert_eq!(codes(&place.verify_with(&[named(7)], &[])), []);
    place.rotate(7, 8, 50);
    assert_eq!(codes(&place.verify_with(&[named(7)], &[])), []);
}
