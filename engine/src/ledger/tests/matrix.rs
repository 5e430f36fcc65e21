//! Each kind of damage at each place of a ledger of 200 entries: found, and called by its name.
//!
//! The damage is done to the stored file by a connection that no trigger stops. What is given to find it with are
//! anchors alone; the checkpoints beside the ledger are left out, since whoever can change the one can change the other.
//! Flips of bytes are a sample here, one of each stored value; with `RUNWARDEN_EVERYTHING` set, each byte is flipped: more
//! than 76,000, each judged with all anchors. Without an anchor the sample is judged whole, and of every other flip the two
//! rows that it can be seen in: the rows before are as they were, and those after follow a body that is.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::*;
use crate::ledger::report::Problem;

const ENTRIES: u64 = 200;

/// The sizes that are anchored; at the last, the ledger is whole.
const ANCHORED: [u64; 5] = [1, 34, 66, 132, ENTRIES];

/// A ledger of six runs under three writers, and anchors that were taken on the way.
struct Anchored {
    place: Place,
    anchors: Vec<Given>,
}

impl Anchored {
    fn new() -> Self {
        let place = Place::new();
        for writer in 0..3_u8 {
            let start = i64::from(writer) * 1_000;
            let mut ledger = Ledger::open(&place.path, key(), at(start + 1)).unwrap();
            for number in [2 * writer + 1, 2 * writer + 2] {
                let run = run(number);
                let began = start + i64::from((number - 1) % 2) * 400 + 10;
                // 32 entries each but the last, which fills the ledger up to its close.
                let count = if number == 6 { ENTRIES - ledger.size() - 1 } else { 32 };
                for entry in 0..count {
                    let (now, round) = (at(began + i64::try_from(entry).unwrap()), entry / 3);
                    let act = json!({ "action": "epoch.bump", "round": round });
                    let fact = match (entry, entry % 3) {
                        (0, _) => begin(&run, "demo.first"),
                        (last, _) if last == count - 1 => end(&run, "succeeded"),
                        (_, 1) => of(&run, Kind::StepIntent, act),
                        (_, 2) => of(&run, Kind::StepResult, json!({ "state": "succeeded" })),
                        _ => of(&run, Kind::GuardVerdict, json!({ "note": "größer \u{1f512}\n", "round": round })),
                    };
                    ledger.append(now, &[fact]).unwrap();
                }
                ledger.checkpoint().unwrap();
            }
            ledger.close(at(start + 900)).unwrap();
        }
        let sizes = signed::sizes(&place.path).unwrap();
        assert!(ANCHORED.iter().all(|size| sizes.contains(size)), "{sizes:?}");
        let anchors = ANCHORED.iter().map(|size| signed::at(&place.path, *size).unwrap().unwrap()).collect();
        Self { place, anchors }
    }

    fn damaged(&self) -> Damaged<'_> {
        let scratch = TempDir::new().unwrap();
        let reader = Reader::copy(&self.place.path, scratch.path()).unwrap();
        let hand = Connection::open(&reader.copy).unwrap();
        hand.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
        hand.pragma_update(None, "synchronous", "OFF").unwrap();
        Damaged { anchors: &self.anchors, reader, hand, _scratch: scratch }
    }
}

/// A copy of the ledger, and a hand that nothing stops.
struct Damaged<'a> {
    anchors: &'a [Given],
    reader: Reader,
    hand: Connection,
    _scratch: TempDir,
}

impl Damaged<'_> {
    fn change(&self, sql: &str) {
        self.hand.execute_batch(sql).unwrap();
    }

    fn verify(&self, anchors: &[Given]) -> Report {
        let report = verify(&self.reader, &[vkey()], &[], anchors);
        assert!(report.status != Status::Ok || !anchors.is_empty(), "{report:#?}");
        report
    }

    /// The chain before each row.
    fn chains(&self) -> Vec<chain::Chain> {
        let (mut chain, mut problems, mut before) = (chain::Chain::start(), chain::Problems::default(), Vec::new());
        let followed = store::each_row(&self.reader.conn, i64::MIN, |row| {
            before.push(chain.clone());
            chain.follow(row, &mut problems);
        });
        followed.unwrap();
        assert_eq!(problems.into_vec(), []);
        before
    }

    /// What is wrong with a row and the next, after a chain that is sound.
    fn two_rows(&self, seq: i64, before: &chain::Chain) -> Vec<Problem> {
        let (mut chain, mut problems) = (before.clone(), chain::Problems::default());
        let followed = store::each_row(&self.reader.conn, seq, |row| {
            if row.seq <= seq + 1 {
                chain.follow(row, &mut problems);
            }
        });
        followed.unwrap();
        problems.into_vec()
    }

    /// Judged with all anchors: broken, with exactly these problems beside roots that do not fit, and this window.
    #[track_caller]
    fn is_broken(&self, problems: &[(&str, i64)], window: &str) {
        for anchors in [self.anchors, &[]] {
            let report = self.verify(anchors);
            assert_eq!(report.status, Status::Broken, "{report:#?}");
            assert_eq!(named(&report), problems, "{report:#?}");
            if !anchors.is_empty() {
                assert_eq!(report.problems.last().unwrap().detail, window);
            }
        }
    }

    /// Every entry from `from` on with its body as `edit` has it, and hashes and links that fit: what a forger does.
    fn forge(&self, from: u64, edit: impl Fn(&str) -> String) {
        let select = "SELECT seq, body FROM entries WHERE seq >= ? ORDER BY seq";
        let rows: Vec<(i64, Vec<u8>)> = self
            .hand
            .prepare_cached(select)
            .unwrap()
            .query_map([from.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let transaction = self.hand.unchecked_transaction().unwrap();
        let mut link: Option<Hash> = None;
        for (seq, body) in rows {
            let mut body = String::from_utf8(body).unwrap();
            match &link {
                None => body = edit(&body),
                Some(hash) => {
                    let at = body.find("\"prev\":\"").unwrap() + 8;
                    body.replace_range(at..at + 64, &hex::encode(hash));
                }
            }
            let fields = entry::Fields::read(body.as_bytes());
            let prev: Hash = match fields {
                Ok(fields) => hex::decode(fields.prev).unwrap().try_into().unwrap(),
                Err(_) => start_of(&self.hand, seq),
            };
            let leaf = leaf_hash(body.as_bytes());
            let update = "UPDATE entries SET body = ?, hash = ?, prev = ? WHERE seq = ?";
            self.hand.execute(update, (body.as_bytes(), &leaf[..], &prev[..], seq)).unwrap();
            link = Some(leaf);
        }
        transaction.commit().unwrap();
    }
}

/// The `prev` column of a row.
fn start_of(conn: &Connection, seq: i64) -> Hash {
    conn.query_row("SELECT prev FROM entries WHERE seq = ?", [seq], |row| row.get(0)).unwrap()
}

/// Code and place of each problem, without what the anchors say.
fn named(report: &Report) -> Vec<(&str, i64)> {
    named_in(&report.problems)
}

fn named_in(problems: &[Problem]) -> Vec<(&str, i64)> {
    problems.iter().filter_map(|problem| Some((problem.code.as_str(), problem.seq?))).collect()
}

/// What is to be said of damage that begins in entry `seq`, judged by all anchors.
fn window_around(seq: u64) -> String {
    let good = ANCHORED.into_iter().filter(|size| *size <= seq).max();
    let bad = ANCHORED.into_iter().find(|size| *size > seq).unwrap();
    let sound = match good {
        None => "nothing that was signed fits".to_owned(),
        Some(1) => "the first entry is as it was signed".to_owned(),
        Some(good) => format!("the first {good} entries are as they were signed"),
    };
    format!("{sound}; the checkpoint of size {bad} does not fit, so the damage begins before that")
}

const ONLY_COLUMNS: &str = "all 200 entries are as they were signed; what is wrong is not in their bytes";

const WHOLE_BUT_MORE: &str =
    "the first 200 entries are as they were signed; nothing that was signed tells of the rest of the 201 entries";

fn each_entry() -> std::ops::Range<u64> {
    0..ENTRIES
}

#[test]
fn undamaged_it_is_ok_as_far_as_each_anchor_reaches_and_without_one_it_never_is() {
    let ledger = Anchored::new();
    let copy = ledger.damaged();
    let report = copy.verify(&ledger.anchors);
    assert_eq!((report.status, report.entries, report.runs.len()), (Status::Ok, ENTRIES, 6), "{report:#?}");
    assert_eq!(report.problems, []);
    assert_eq!(copy.verify(&[]).status, Status::SelfConsistentOnly);
    assert_eq!(ledger.place.verify(&[]).status, Status::SelfConsistentOnly, "what stands beside it is no anchor");
    for anchor in &ledger.anchors {
        assert_eq!(copy.verify(std::slice::from_ref(anchor)).status, Status::Ok);
    }
}

#[test]
fn every_byte_of_every_stored_value_is_found_where_it_was_flipped() {
    let every_byte = std::env::var_os("RUNWARDEN_EVERYTHING").is_some();
    let ledger = Anchored::new();
    let chains = &ledger.damaged().chains();
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let flipped: usize = std::thread::scope(|scope| {
        let share = |worker| {
            let copy = ledger.damaged();
            let flip = |seq| flip_each_value_of(&copy, seq, &chains[usize::try_from(seq).unwrap()], every_byte);
            let flipped = each_entry().filter(|seq| seq % workers == worker).map(flip).sum::<usize>();
            assert_eq!(copy.verify(&ledger.anchors).status, Status::Ok, "all is as it was again");
            flipped
        };
        let at_work: Vec<_> = (0..workers).map(|worker| scope.spawn(move || share(worker))).collect();
        at_work.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert!(flipped > if every_byte { 76_000 } else { 1_100 }, "{flipped}");
}

/// Flips one byte of each value of a row, or each byte, judges the ledger each time, and puts it back; says how many.
fn flip_each_value_of(copy: &Damaged<'_>, seq: u64, before: &chain::Chain, every_byte: bool) -> usize {
    let place = seq.cast_signed();
    let mut flipped = 0;
    for column in ["body", "hash", "prev", "run", "kind", "ts"] {
        let select = format!("SELECT CAST({column} AS BLOB) FROM entries WHERE seq = ?");
        let whole: Option<Vec<u8>> = copy.hand.query_row(&select, [place], |row| row.get(0)).unwrap();
        let is_text = matches!(column, "run" | "kind" | "ts");
        let value = if is_text { "CAST(? AS TEXT)" } else { "?" };
        let update = format!("UPDATE entries SET {column} = {value} WHERE seq = ?");
        let put = |bytes: Option<&[u8]>| copy.hand.prepare_cached(&update).unwrap().execute((bytes, place)).unwrap();
        let Some(whole) = whole else {
            put(Some(b"x"));
            copy.is_broken(&[("column_mismatch", place)], ONLY_COLUMNS);
            put(None);
            continue;
        };
        let sample = usize::try_from(seq).unwrap() * 7 % whole.len();
        let places = if every_byte { 0..whole.len() } else { sample..sample + 1 };
        for at in places {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            put(Some(&changed));
            let code = if column == "hash" { "hash_mismatch" } else { "column_mismatch" };
            match (column, at == sample) {
                ("body", is_sample) => body_is_broken(copy, seq, at, before, is_sample),
                (_, true) => copy.is_broken(&[(code, place)], ONLY_COLUMNS),
                (_, false) => {
                    let report = copy.verify(copy.anchors);
                    assert_eq!((report.status, named(&report)), (Status::Broken, vec![(code, place)]), "{report:#?}");
                    assert_eq!(report.problems.last().unwrap().detail, ONLY_COLUMNS);
                    assert_eq!(named_in(&copy.two_rows(place, before)), [(code, place)]);
                }
            }
            flipped += 1;
        }
        put(Some(&whole));
    }
    flipped
}

/// One byte of the body of `seq` is another: its hash and the link of the next say so, and nobody else is accused.
fn body_is_broken(copy: &Damaged<'_>, seq: u64, at: usize, before: &chain::Chain, is_sample: bool) {
    let place = seq.cast_signed();
    let whole: &[&[Given]] = if is_sample { &[copy.anchors, &[]] } else { &[copy.anchors] };
    let mut found = vec![copy.two_rows(place, before)];
    for anchors in whole {
        let report = copy.verify(anchors);
        assert_eq!(report.status, Status::Broken, "byte {at} of entry {seq}: {report:#?}");
        if !anchors.is_empty() {
            assert_eq!(report.problems.last().unwrap().detail, window_around(seq), "byte {at} of entry {seq}");
        }
        found.push(report.problems);
    }
    for problems in &found {
        let problems = named_in(problems);
        assert!(problems.contains(&("hash_mismatch", place)), "byte {at} of entry {seq}: {problems:?}");
        assert!(seq + 1 == ENTRIES || problems.contains(&("link_mismatch", place + 1)), "{problems:?}");
        assert!(problems.iter().all(|(_, there)| (place..=place + 1).contains(there)), "{problems:?}");
    }
}

#[test]
fn each_row_that_was_removed_is_a_gap_or_a_cut_tail() {
    let ledger = Anchored::new();
    for seq in each_entry() {
        let copy = ledger.damaged();
        copy.change(&format!("DELETE FROM entries WHERE seq = {seq}"));
        let place = seq.cast_signed();
        match seq {
            0 => copy.is_broken(&[("bad_genesis", 0), ("gap", 1), ("link_mismatch", 1)], &window_around(0)),
            199 => is_cut(&copy, 199),
            _ => copy.is_broken(&[("gap", place + 1), ("link_mismatch", place + 1)], &window_around(seq)),
        }
    }
}

/// The ledger has `left` entries and no other flaw.
#[track_caller]
fn is_cut(copy: &Damaged<'_>, left: u64) {
    assert_eq!(copy.verify(&[]).status, Status::SelfConsistentOnly, "nothing inside can tell");
    let report = copy.verify(copy.anchors);
    assert_eq!((report.status, report.entries), (Status::Truncated, left), "{report:#?}");
    let codes: Vec<&str> = report.problems.iter().map(|problem| problem.code.as_str()).collect();
    let beyond = ANCHORED.iter().filter(|size| **size > left).count();
    assert_eq!(codes, [vec!["truncated"; beyond], vec!["damage_window"]].concat());
    assert!(report.problems[0].detail.contains(&format!("there are {left} entries")), "{report:#?}");
    assert_eq!(report.problems.last().unwrap().detail, window_around(left));
    // An anchor of what is left is right about that, and says nothing of what is gone.
    for (anchor, size) in copy.anchors.iter().zip(ANCHORED) {
        let expected = if size > left { Status::Truncated } else { Status::Ok };
        assert_eq!(copy.verify(std::slice::from_ref(anchor)).status, expected);
    }
}

#[test]
fn each_length_of_tail_that_was_cut_is_truncated() {
    let ledger = Anchored::new();
    let copy = ledger.damaged();
    for left in (1..ENTRIES).rev() {
        copy.change(&format!("DELETE FROM entries WHERE seq >= {left}"));
        is_cut(&copy, left);
    }
    copy.change("DELETE FROM entries");
    for anchors in [copy.anchors, &[]] {
        assert_eq!(copy.verify(anchors).status, Status::Empty);
    }
}

#[test]
fn each_row_that_is_there_twice_is_found_wherever_its_double_stands() {
    let ledger = Anchored::new();
    let copy = ledger.damaged();
    let columns = "body, hash, prev, run, kind, ts";
    for seq in each_entry() {
        let place = seq.cast_signed();
        copy.change(&format!("INSERT INTO entries SELECT 200, {columns} FROM entries WHERE seq = {seq}"));
        let last = [("out_of_place", 200), ("link_mismatch", 200), ("clock_backwards", 200)];
        copy.is_broken(if seq < 199 { &last } else { &last[..2] }, WHOLE_BUT_MORE);
        copy.change("DELETE FROM entries WHERE seq = 200");

        // Beside itself: all that follow move by one, by way of numbers that nobody has.
        copy.change(&format!(
            "BEGIN;
             UPDATE entries SET seq = -1000 - seq WHERE seq >= {seq};
             UPDATE entries SET seq = -999 - seq WHERE seq < -999;
             INSERT INTO entries SELECT {seq}, {columns} FROM entries WHERE seq = {seq} + 1;
             COMMIT"
        ));
        let report = copy.verify(copy.anchors);
        let problems = named(&report);
        let next = place + 1;
        assert_eq!(report.status, Status::Broken);
        assert_eq!(problems[..2], [("out_of_place", next), ("link_mismatch", next)], "{report:#?}");
        assert!(problems[2..].iter().all(|(code, there)| *code == "out_of_place" && *there > next), "{report:#?}");
        let window = if seq == 199 { WHOLE_BUT_MORE.to_owned() } else { window_around(seq + 1) };
        assert_eq!(report.problems.last().unwrap().detail, window);
        assert_eq!(copy.verify(&[]).status, Status::Broken);
        copy.change(&format!(
            "BEGIN;
             DELETE FROM entries WHERE seq = {seq};
             UPDATE entries SET seq = -1000 - seq WHERE seq > {seq};
             UPDATE entries SET seq = -1001 - seq WHERE seq < -999;
             COMMIT"
        ));
    }
    assert_eq!(copy.verify(&ledger.anchors).status, Status::Ok, "all is as it was again");
}

#[test]
fn each_pair_of_neighbours_that_changed_places_is_out_of_place() {
    let ledger = Anchored::new();
    let copy = ledger.damaged();
    for seq in each_entry().take(199) {
        let (one, other) = (seq, seq + 1);
        let swap = format!(
            "BEGIN;
             UPDATE entries SET seq = -5 WHERE seq = {one};
             UPDATE entries SET seq = {one} WHERE seq = {other};
             UPDATE entries SET seq = {other} WHERE seq = -5;
             COMMIT"
        );
        copy.change(&swap);
        let place = seq.cast_signed();
        for anchors in [copy.anchors, &[]] {
            let report = copy.verify(anchors);
            assert_eq!(report.status, Status::Broken);
            let problems = named(&report);
            let mut expected = vec![
                ("out_of_place", place),
                ("link_mismatch", place),
                ("out_of_place", place + 1),
                ("link_mismatch", place + 1),
                ("clock_backwards", place + 1),
            ];
            if seq < 198 {
                expected.push(("link_mismatch", place + 2));
            }
            if seq == 0 {
                expected.insert(0, ("bad_genesis", 0));
            }
            assert_eq!(problems, expected, "{report:#?}");
            if !anchors.is_empty() {
                assert_eq!(report.problems.last().unwrap().detail, window_around(seq));
            }
        }
        copy.change(&swap);
    }
    assert_eq!(copy.verify(&ledger.anchors).status, Status::Ok, "all is as it was again");
}

/// A microsecond later, in the body and in the column beside it.
fn later(copy: &Damaged<'_>, seq: u64) {
    copy.forge(seq, |body| body.replacen(".000000Z\",\"v\":1", ".000001Z\",\"v\":1", 1));
    copy.change(&format!("UPDATE entries SET ts = replace(ts, '.000000Z', '.000001Z') WHERE seq = {seq}"));
}

#[test]
fn a_history_written_anew_from_each_entry_on_is_a_fork_for_every_anchor_after_it_and_for_no_other() {
    let ledger = Anchored::new();
    for seq in each_entry() {
        let copy = ledger.damaged();
        later(&copy, seq);
        assert_eq!(copy.verify(&[]).status, Status::SelfConsistentOnly, "nothing inside can tell");
        let report = copy.verify(copy.anchors);
        assert_eq!(report.status, Status::Fork, "{report:#?}");
        let codes: Vec<&str> = report.problems.iter().map(|problem| problem.code.as_str()).collect();
        let after = ANCHORED.iter().filter(|size| **size > seq).count();
        assert_eq!(codes, [vec!["fork"; after], vec!["damage_window"]].concat(), "{report:#?}");
        assert_eq!(report.problems.last().unwrap().detail, window_around(seq));
        for (anchor, size) in copy.anchors.iter().zip(ANCHORED) {
            let expected = if size > seq { Status::Fork } else { Status::Ok };
            assert_eq!(copy.verify(std::slice::from_ref(anchor)).status, expected, "{seq} by the anchor of {size}");
        }
    }
}

#[test]
fn a_backup_from_each_anchor_that_is_continued_with_the_true_key_is_a_fork_for_later_anchors() {
    let ledger = Anchored::new();
    for (number, size) in ANCHORED.iter().enumerate().take(4) {
        let copy = ledger.damaged();
        copy.change(&format!("DELETE FROM entries WHERE seq >= {size}; PRAGMA wal_checkpoint(TRUNCATE)"));
        let folder = TempDir::new().unwrap();
        let place = Place { path: folder.path().join("ledger.db"), folder };
        std::fs::copy(&copy.reader.copy, &place.path).unwrap();
        std::fs::create_dir(signed::folder_of(&place.path)).unwrap();
        let beside = |place: &Place| signed::folder_of(&place.path).join(size.to_string());
        std::fs::copy(beside(&ledger.place), beside(&place)).unwrap();
        let mut other = Ledger::open(&place.path, key(), at(5_000)).unwrap();
        let beats = vec![draft(Kind::Heartbeat, json!({})); 250];
        other.append(at(5_001), &beats).unwrap();
        other.close(at(5_002)).unwrap();

        assert_eq!(place.verify(&[]).status, Status::SelfConsistentOnly, "it is whole, but for the anchors");
        let report = place.verify(&ledger.anchors);
        assert_eq!(report.status, Status::Fork, "{report:#?}");
        let forks = report.anchors.iter().filter(|anchor| anchor.status == Status::Fork).count();
        assert_eq!(forks, ANCHORED.len() - 1 - number);
        assert_eq!(place.verify(&ledger.anchors[..=number]).status, Status::Ok);
    }
}

#[test]
fn an_entry_spelled_otherwise_is_non_canonical_even_where_all_hashes_fit() {
    let ledger = Anchored::new();
    for seq in each_entry() {
        let copy = ledger.damaged();
        copy.forge(seq, |body| body.replacen(",\"v\":1}", ", \"v\":1}", 1));
        let report = copy.verify(&[]);
        let expected = if seq == 0 { Status::Broken } else { Status::NonCanonical };
        assert_eq!(report.status, expected, "{report:#?}");
        assert!(named(&report).contains(&("non_canonical", seq.cast_signed())), "{report:#?}");
        assert!(!copy.verify(copy.anchors).status.is_sound());
    }
}

#[test]
fn the_proof_of_a_run_finds_that_its_entry_is_another() {
    let ledger = Anchored::new();
    let (reader, _scratch) = ledger.place.reader();
    let run = run(2);
    let filter = Filter { run: Some(&run), kind: Some(Kind::RunEnd), ..Filter::default() };
    let end = reader.entries(&filter).unwrap().remove(0);
    let seq = end.seq.cast_unsigned();
    let proof = reader.prove(seq, None, &[vkey()]).unwrap().unwrap().proof.to_string();
    let anchor = Given { source: "elsewhere".to_owned(), bytes: proof.into_bytes() };
    let anchors = std::slice::from_ref(&anchor);
    assert_eq!(ledger.damaged().verify(anchors).status, Status::Ok);
    for (from, expected) in [(seq, Status::Fork), (0, Status::Fork), (199, Status::Ok)] {
        let copy = ledger.damaged();
        later(&copy, from);
        assert_eq!(copy.verify(anchors).status, expected, "{from}");
    }
    let copy = ledger.damaged();
    copy.change(&format!("DELETE FROM entries WHERE seq >= {seq}"));
    assert_eq!(copy.verify(anchors).status, Status::Truncated);
}
