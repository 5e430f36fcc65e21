//! Proofs out of a ledger: what is shown, by which checkpoint, and what a damaged one does not give.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use rusqlite::config::DbConfig;
use sha2::Sha256;

use super::*;
use crate::ledger::anchor::{Anchor, Asked};
use crate::ledger::backup::back_up;
use crate::ledger::verify::{Anchors, verify_anchored};
use crate::merkle::CompactRange;
use crate::merkle::proof::check_consistency;
use crate::merkle::tlog_proof::TlogProof;
use crate::time::Duration;

#[test]
fn every_entry_is_proven_by_the_first_checkpoint_that_covers_it() {
    let place = Place::filled();
    let (reader, _scratch) = place.reader();
    let head = reader.head().unwrap();
    for seq in 0..head.size {
        let proven = reader.prove(seq, None, &[vkey()]).unwrap().unwrap();
        assert_eq!(proven.body, reader.entry(seq).unwrap().unwrap().body);
        assert_eq!(proven.proof.checkpoint().size, if seq == 0 { 1 } else { head.size }, "entry {seq}");
        let read = TlogProof::parse(proven.proof.to_string().as_bytes()).unwrap();
        assert_eq!(read.check(&proven.body), Ok(()));
        assert!(signed::check(read.note(), read.checkpoint(), &[vkey()]).is_ok());
    }
    assert!(reader.prove(head.size, None, &[vkey()]).unwrap().is_none());
    let by_all = reader.prove(0, Some(head.size), &[]).unwrap().unwrap();
    assert_eq!(by_all.proof.checkpoint(), &head);
}

#[test]
fn what_nothing_signed_covers_is_not_proven() {
    let place = Place::filled();
    let ledger = place.open().unwrap();
    let (reader, _scratch) = place.reader();
    let newest = ledger.size() - 1;
    assert!(matches!(reader.prove(newest, None, &[vkey()]), Err(Error::NotSealed { .. })));
    assert!(matches!(reader.prove(0, Some(5), &[vkey()]), Err(Error::NotSealed { .. })));
    assert!(matches!(reader.prove_growth(1, Some(5), &[vkey()]), Err(Error::NotSealed { .. })));
    assert!(matches!(reader.prove_growth(newest + 1, None, &[vkey()]), Err(Error::NotSealed { .. })));
    // Signed by another key is not signed.
    let other = VerifierKey::new(ORIGIN, LedgerKey::from_seed(&[8; 32]).public()).unwrap();
    assert!(matches!(reader.prove(0, None, std::slice::from_ref(&other)), Err(Error::NotSealed { .. })));
    assert_eq!(reader.newest_sealed(&[other]).unwrap(), None);
}

#[test]
fn a_ledger_is_shown_to_have_grown_from_every_size() {
    let place = Place::filled();
    let (reader, _scratch) = place.reader();
    let head = reader.head().unwrap();
    for from in 1..=head.size {
        let grown = reader.prove_growth(from, None, &[vkey()]).unwrap();
        let request = &grown.request;
        assert_eq!(
            check_consistency(from, head.size, &grown.from_root, &head.root, &request.proof),
            Ok(()),
            "from {from}"
        );
        assert!(request.to_string().starts_with(&format!("old {from}\n")));
    }
    assert_eq!(reader.prove_growth(0, None, &[vkey()]).unwrap().request.proof, Vec::<Hash>::new());
}

#[test]
fn damaged_entries_give_no_proof() {
    let place = Place::filled();
    place.change("UPDATE entries SET hash = zeroblob(32) WHERE seq = 3");
    let (reader, _scratch) = place.reader();
    for seq in [1, 2, 4, 11] {
        assert!(matches!(reader.prove(seq, None, &[vkey()]), Err(Error::NotGenuine { .. })), "entry {seq}");
    }
    // The column of an entry is no part of its own proof, which is made of its neighbours and checked with its bytes.
    assert!(reader.prove(3, None, &[vkey()]).unwrap().is_some());
    assert!(matches!(reader.prove_growth(1, None, &[vkey()]), Err(Error::NotGenuine { .. })));
    let cut = Place::filled();
    cut.change("DELETE FROM entries WHERE seq > 5");
    let (reader, _scratch) = cut.reader();
    assert!(matches!(reader.prove(2, None, &[vkey()]), Err(Error::NotGenuine { .. })));
    assert!(matches!(reader.prove_growth(1, None, &[vkey()]), Err(Error::NotGenuine { .. })));
}

/// A ledger of so many entries, with its nodes.
fn long(entries: u32) -> Place {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let drafts: Vec<Draft> =
        (0..entries).map(|number| of(&run(1), Kind::GuardVerdict, json!({ "note": number.to_string() }))).collect();
    for some in drafts.chunks(500) {
        ledger.append(at(5), some).unwrap();
    }
    ledger.close(at(6)).unwrap();
    place
}

#[test]
fn a_proof_by_kept_nodes_is_the_one_that_all_leaves_give() {
    let place = long(1_500);
    let nodes = files::beside(&place.path, ".nodes");
    let size = place.reader().0.head().unwrap().size;
    assert_eq!(std::fs::metadata(nodes.join("8")).unwrap().len(), (size >> 8) * 32);
    assert!(!nodes.join("16").exists());
    let proofs = || {
        let (reader, _scratch) = place.reader();
        let prove = |seq| reader.prove(seq, Some(size), &[vkey()]).unwrap().unwrap();
        (0..size).step_by(97).chain([1, 255, 256, 257, size - 1]).map(prove).collect::<Vec<_>>()
    };
    let fast = proofs();
    // What the nodes alone give is asked for as well: they must not be passed over in silence.
    let (reader, _scratch) = place.reader();
    let by_nodes = Nodes::beside(&place.path, &reader.conn);
    assert_eq!(by_nodes.root(&(0..size)).unwrap(), reader.head().unwrap().root);
    for damage in [&b""[..], &[7; 32], &[7; 33]] {
        std::fs::write(nodes.join("8"), damage).unwrap();
        assert!(!by_nodes.root(&(0..size)).is_ok_and(|root| root == reader.head().unwrap().root));
        assert_eq!(proofs(), fast, "{damage:?}");
    }
    std::fs::remove_dir_all(&nodes).unwrap();
    assert_eq!(proofs(), fast);
}

/// How many instructions of SQLite's the work takes: it is by rows, whatever the machine.
fn steps_of<T>(reader: &mut Reader, work: impl FnOnce(&Reader) -> T) -> (T, usize) {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let see = move || {
        counting.fetch_add(1, Ordering::Relaxed);
        false
    };
    reader.conn.progress_handler(1, Some(see)).unwrap();
    let done = work(reader);
    reader.conn.progress_handler(0, None::<fn() -> bool>).unwrap();
    (done, count.load(Ordering::Relaxed))
}

#[test]
fn a_proof_reads_a_few_hundred_rows_however_long_the_ledger_is() {
    let place = long(6_000);
    let (mut reader, _scratch) = place.reader();
    let keys = [vkey()];
    for seq in [0, 1, 255, 2_900, 5_999] {
        let (proven, steps) = steps_of(&mut reader, |reader| reader.prove(seq, None, &keys).unwrap().unwrap());
        assert_eq!(proven.proof.check(&proven.body), Ok(()));
        assert!(steps < 4_000, "entry {seq}: {steps}");
        let (grown, steps) = steps_of(&mut reader, |reader| reader.prove_growth(seq + 1, None, &keys).unwrap());
        assert_eq!(grown.from, seq + 1);
        assert!(steps < 6_000, "from {}: {steps}", seq + 1);
    }
    let (_, all) = steps_of(&mut reader, |reader| reader.head().unwrap());
    assert!(all > 12_000, "all rows are more than that: {all}");
}

#[test]
fn growth_by_kept_nodes_is_what_all_leaves_and_another_maker_of_proofs_give() {
    let place = long(1_500);
    let nodes = files::beside(&place.path, ".nodes");
    let (reader, _scratch) = place.reader();
    let size = reader.head().unwrap().size;
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut prefixes = vec![CompactRange::new().root()];
    for stored in reader.entries(&Filter::default()).unwrap() {
        tree.push(stored.body);
        prefixes.push(tree.root().as_bytes().as_slice().try_into().unwrap());
    }
    let sizes = || (0..=size).step_by(41).chain([1, 2, 255, 256, 257, 512, 1_024, 1_025, size - 1, size]);
    let grown = || {
        let (reader, _scratch) = place.reader();
        sizes().map(|from| reader.prove_growth(from, Some(size), &[vkey()]).unwrap()).collect::<Vec<_>>()
    };
    let fast = grown();
    let signed = reader.newest_sealed(&[vkey()]).unwrap().unwrap().checkpoint;
    let by_nodes = Nodes::beside(&place.path, &reader.conn);
    for (from, grown) in sizes().zip(&fast) {
        let found = prove::growth_by_nodes(&by_nodes, from, &signed);
        assert_eq!(found, Some((grown.from_root, grown.request.proof.clone())), "nodes alone, from {from}");
        assert_eq!(grown.from_root, prefixes[usize::try_from(from).unwrap()], "from {from}");
        if from > 0 && from < size {
            let other = tree.prove_consistency(usize::try_from(size - from).unwrap());
            assert_eq!(grown.request.proof.concat(), other.as_bytes(), "from {from}");
        }
    }
    // With the leaves out of reach but for the few that stand beside the way, the nodes still do.
    reader.conn.pragma_update(None, "query_only", false).unwrap();
    reader.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    reader.conn.execute("DELETE FROM entries WHERE seq < 1024", []).unwrap();
    assert!(prove::growth_by_nodes(&by_nodes, 1_024, &signed).is_some());
    assert_eq!(prove::growth_by_nodes(&by_nodes, 1_000, &signed), None);
    for damage in [&b""[..], &[7; 32], &[7; 33]] {
        std::fs::write(nodes.join("8"), damage).unwrap();
        assert_eq!(prove::growth_by_nodes(&by_nodes, 1_024, &signed), None, "{damage:?}");
        assert_eq!(grown(), fast, "{damage:?}");
    }
    std::fs::remove_dir_all(&nodes).unwrap();
    assert_eq!(grown(), fast);
}

#[test]
fn nodes_that_are_missing_or_wrong_are_made_again() {
    let place = long(1_500);
    let file = files::beside(&place.path, ".nodes").join("8");
    let was = std::fs::read(&file).unwrap();
    let go_on = || {
        let mut ledger = place.open().unwrap();
        let drafts: Vec<Draft> = (0..300).map(|_| of(&run(1), Kind::GuardVerdict, json!({}))).collect();
        ledger.append(at(7), &drafts).unwrap();
        ledger.close(at(8)).unwrap();
        std::fs::read(&file).unwrap()
    };
    for damage in [None, Some(was[..70].to_vec()), Some(vec![7; was.len()]), Some(vec![7; was.len() * 9])] {
        match damage {
            None => std::fs::remove_file(&file).unwrap(),
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
        }
        let made = go_on();
        let size = place.reader().0.head().unwrap().size;
        assert_eq!((made.len() as u64, &made[..was.len()]), ((size >> 8) * 32, &was[..]));
    }
}

#[test]
fn the_end_of_a_run_is_found() {
    let place = Place::filled();
    let (reader, _scratch) = place.reader();
    for number in [1, 2] {
        let seq = reader.end_of(&run(number)).unwrap().unwrap();
        let entry = reader.entry(seq).unwrap().unwrap().entry(reader.path()).unwrap();
        assert_eq!((entry.kind, entry.run), (Kind::RunEnd, Some(run(number))));
    }
    assert_eq!(reader.end_of(&run(3)).unwrap(), None);
}

#[test]
fn a_backup_is_the_ledger_with_its_checkpoints_and_content() {
    let place = Place::filled();
    let ledger = place.open().unwrap();
    let digest = ledger.content().put(b"large").unwrap();
    let (reader, _scratch) = place.reader();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("copy.db");
    let copied = back_up(&reader, &path).unwrap();
    assert_eq!((copied.entries, copied.checkpoints, copied.contents), (ledger.size(), 2, 1));
    assert_eq!(Content::of(&path).get(&digest).unwrap(), b"large");
    let scratch = TempDir::new().unwrap();
    let copy = Reader::copy(&path, scratch.path()).unwrap();
    assert_eq!(copy.head().unwrap(), ledger.head());
    let report = verify(&copy, &[vkey()], &copy.checkpoints().unwrap(), &[]);
    assert_eq!(report.status, Status::SelfConsistentOnly, "{:?}", report.problems);
    drop(ledger);
    // It can be gone on with, and it is never written over.
    Ledger::open(&path, key(), at(50)).unwrap().close(at(51)).unwrap();
    assert!(matches!(back_up(&reader, &path), Err(Error::Exists { .. })));
}

fn given(source: &str, text: &str) -> Given {
    Given { source: source.to_owned(), bytes: text.as_bytes().to_vec() }
}

#[test]
fn a_proof_kept_elsewhere_is_an_anchor() {
    let place = Place::filled();
    let (reader, _scratch) = place.reader();
    let proof = reader.prove(6, None, &[vkey()]).unwrap().unwrap().proof;
    let report = place.verify(&[given("kept", &proof.to_string())]);
    assert_eq!(report.status, Status::Ok, "{:?}", report.problems);
    assert_eq!((report.anchors[0].size, report.anchors[0].at.as_deref()), (12, Some("2026-11-20T09:35:52.000000Z")));
    // A proof of another entry under the same signature is not what it says.
    let moved = proof.to_string().replace("index 6", "index 7");
    let report = place.verify(&[given("kept", &moved)]);
    assert_eq!((report.status, report.problems[0].code.as_str()), (Status::AnchorMissing, "bad_anchor"));
    assert!(report.problems[0].detail.ends_with("its proof is not that of entry 7"));
    // What finds a cut tail and a fork.
    place.change("DELETE FROM entries WHERE seq >= 9");
    std::fs::remove_dir_all(signed::folder_of(&place.path)).unwrap();
    assert_eq!(place.verify(&[given("kept", &proof.to_string())]).status, Status::Truncated);
}

#[test]
fn an_anchor_that_is_missing_or_too_old_is_said_so() {
    let place = Place::filled();
    let (reader, _scratch) = place.reader();
    let anchor = signed::at(&place.path, 12).unwrap().unwrap();
    let minute = Duration::parse("1m").unwrap();
    let judged = |given: &[Given], missing: &[&str], now: Option<i64>| {
        let anchors = Anchors {
            given: given.to_vec(),
            missing: missing.iter().map(|&source| source.to_owned()).collect(),
            max_age: now.map(|now| (minute, at(now))),
            altered: Vec::new(),
        };
        let report = verify_anchored(&reader, &[vkey()], &reader.checkpoints().unwrap(), &anchors);
        (report.status, report.problems.first().map(|problem| problem.code.clone()).unwrap_or_default())
    };
    let anchor = std::slice::from_ref(&anchor);
    assert_eq!(judged(anchor, &[], Some(100)), (Status::Ok, String::new()));
    assert_eq!(judged(anchor, &[], Some(101)), (Status::AnchorStale, "anchor_stale".to_owned()));
    assert_eq!(judged(anchor, &["run.tlog-proof"], None), (Status::AnchorMissing, "anchor_missing".to_owned()));
    assert_eq!(judged(&[], &[], Some(100)), (Status::AnchorMissing, "anchor_missing".to_owned()));
    assert_eq!(judged(&[], &[], None), (Status::SelfConsistentOnly, String::new()));
}

#[test]
fn the_anchor_of_a_run_is_judged_line_by_line() {
    let place = Place::filled();
    let (reader, _scratch) = place.reader();
    let proven = reader.prove(reader.end_of(&run(2)).unwrap().unwrap(), None, &[vkey()]).unwrap().unwrap();
    let text = proven.proof.to_string();
    let judged = |proof: &str, entry: &[u8], keys: &[VerifierKey], run: &RunId, now: i64| {
        let max_age = Some((Duration::parse("1m").unwrap(), at(now)));
        let findings = Anchor { proof: proof.as_bytes(), entry }.judge(&Asked { keys, run: Some(run), max_age });
        findings.into_iter().filter(|finding| !finding.ok).map(|finding| finding.code).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    let (keys, own, body) = ([vkey()], run(2), proven.body.as_slice());
    assert_eq!(judged(&text, body, &keys, &own, 60), none);
    assert_eq!(judged(&text, body, &keys, &own, 100), ["age"]);
    assert_eq!(judged(&text, body, &keys, &run(1), 60), ["run"]);
    assert_eq!(judged(&text, body, &[], &own, 60), ["signature"]);
    let other = VerifierKey::new(ORIGIN, LedgerKey::from_seed(&[8; 32]).public()).unwrap();
    assert_eq!(judged(&text, body, std::slice::from_ref(&other), &own, 60), ["signature"]);
    assert_eq!(judged(&text, body, &[other, vkey()], &own, 60), none);
    assert_eq!(judged("nothing", body, &keys, &own, 60), ["format"]);
    assert_eq!(judged(&text, b"{}", &keys, &own, 60), ["inclusion", "entry", "run", "age"]);
    let refused = String::from_utf8(proven.body.clone()).unwrap().replace("succeeded", "refused!!");
    assert_eq!(judged(&text, refused.as_bytes(), &keys, &own, 60), ["inclusion"]);
    let resigned = text.replace("\n12\n", "\n13\n");
    assert_eq!(judged(&resigned, body, &keys, &own, 60), ["signature", "inclusion"]);
    let begin = reader.prove(2, None, &[vkey()]).unwrap().unwrap();
    assert_eq!(judged(&begin.proof.to_string(), &begin.body, &keys, &run(1), 60), ["entry"]);
}

#[test]
fn an_anchor_finds_every_length_of_cut_tail_and_a_fork_at_every_entry() {
    let newest = {
        let place = Place::filled();
        let (reader, _scratch) = place.reader();
        reader.prove(11, None, &[vkey()]).unwrap().unwrap().proof.to_string()
    };
    for seq in 1..12 {
        let place = Place::filled();
        std::fs::remove_dir_all(signed::folder_of(&place.path)).unwrap();
        place.change(&format!("DELETE FROM entries WHERE seq >= {seq}"));
        assert_eq!(place.verify(&[]).status, Status::SelfConsistentOnly, "cut to {seq}");
        assert_eq!(place.verify(&[given("kept", &newest)]).status, Status::Truncated, "cut to {seq}");

        let place = Place::filled();
        std::fs::remove_dir_all(signed::folder_of(&place.path)).unwrap();
        place.forge(seq, |body| body.replace(".000000Z", ".000001Z"));
        place.change(&format!("UPDATE entries SET ts = replace(ts, '.000000Z', '.000001Z') WHERE seq = {seq}"));
        let alone = place.verify(&[]);
        assert!(alone.problems.iter().all(|problem| problem.code == "clock_backwards"), "{:?}", alone.problems);
        let report = place.verify(&[given("kept", &newest)]);
        assert!(!report.status.is_sound(), "forged from {seq}");
        let expected = if alone.problems.is_empty() { Status::Fork } else { Status::Broken };
        assert_eq!(report.status, expected, "forged from {seq}: {:?}", report.problems);
    }
}
