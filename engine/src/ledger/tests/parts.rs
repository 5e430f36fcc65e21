//! A ledger verified in parts by several threads: whatever is the matter with it, the report is that of one walk.

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::*;
use crate::ledger::verify::parts::Cut;
use crate::ledger::verify::{Anchors, verify_in_parts};

/// One thread, and one part of all rows.
const WHOLE: Cut = Cut { height: 12, walkers: 1 };

/// Ways to cut some dozens of rows.
const CUTS: [Cut; 4] = [
    Cut { height: 0, walkers: 2 },
    Cut { height: 1, walkers: 4 },
    Cut { height: 2, walkers: 1 },
    Cut { height: 2, walkers: 3 },
];

/// A private copy that can be changed by a hand that nothing stops.
struct Copied {
    reader: Reader,
    hand: Connection,
    anchors: Anchors,
    checkpoints: Vec<Given>,
    _scratch: TempDir,
}

impl Copied {
    fn of(place: &Place, anchors: Vec<Given>) -> Self {
        let (reader, scratch) = place.reader();
        let hand = Connection::open(&reader.copy).unwrap();
        hand.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
        hand.pragma_update(None, "synchronous", "OFF").unwrap();
        let checkpoints = reader.checkpoints().unwrap();
        Self { reader, hand, anchors: Anchors { given: anchors, ..Anchors::default() }, checkpoints, _scratch: scratch }
    }

    fn verify(&self, cut: Cut) -> Report {
        verify_in_parts(&self.reader, &[vkey()], &self.checkpoints, &self.anchors, cut)
    }

    /// The report, which is the same however the rows are cut; half of the ways are tried in each turn.
    #[track_caller]
    fn report(&self, what: &str, turn: u64) -> Report {
        let whole = self.verify(WHOLE);
        for cut in CUTS.into_iter().skip((turn % 2) as usize).step_by(2) {
            assert_eq!(self.verify(cut), whole, "{what}, {cut:?}");
        }
        whole
    }
}

/// Some dozens of entries of three runs that take turns, with effects that are open for long, and a rotation of the key.
fn mixed() -> (Place, Vec<Given>) {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let act = |number: u8, kind: Kind, attempt: u32| Draft {
        step: Some(format!("step_{number}")),
        attempt: Some(attempt),
        ..of(&run(number), kind, json!({ "state": if attempt == 3 { "unknown" } else { "succeeded" } }))
    };
    for attempt in 1..4 {
        for number in 1..4 {
            let kinds = match number {
                1 => [Kind::StepIntent, Kind::UndoIntent],
                2 => [Kind::StepIntent, Kind::StepResult],
                _ => [Kind::StepResult, Kind::UndoResult],
            };
            let drafts = kinds.map(|kind| act(number, kind, attempt));
            ledger.append(at(i64::from(attempt * 10)), &drafts).unwrap();
        }
        ledger.append(at(i64::from(attempt * 10)), &[draft(Kind::Heartbeat, json!({}))]).unwrap();
        ledger.checkpoint().unwrap();
    }
    ledger.append(at(40), &[act(1, Kind::StepResult, 1), act(2, Kind::OutcomeResolved, 3)]).unwrap();
    let decision = rotate::Decision { actor: "ada", reason: "it is time" };
    ledger.rotate(at(50), LedgerKey::from_seed(&[8; 32]), decision).unwrap();
    ledger.append(at(60), &[act(1, Kind::UndoResult, 2), end(&run(2), "succeeded")]).unwrap();
    ledger.close(at(70)).unwrap();
    let (reader, _scratch) = place.reader();
    let sizes = signed::sizes(&place.path).unwrap();
    let mut anchors = vec![signed::at(&place.path, sizes[2]).unwrap().unwrap()];
    for seq in [3, 17] {
        let proof = reader.prove(seq, None, &[vkey()]).unwrap().unwrap().proof;
        anchors.push(Given { source: format!("proof of {seq}"), bytes: proof.to_string().into_bytes() });
    }
    (place, anchors)
}

#[test]
fn ranges_are_whole_parts_and_leave_no_row_out() {
    for rows in [0, 1, 2, 7, 8, 1_000, 1_000_000, u64::MAX >> 1] {
        for height in [0, 2, 12] {
            for walkers in 1..=4 {
                let ranges = Cut { height, walkers }.ranges(rows);
                let is_shared = walkers > 1 && rows >= 2 << height;
                assert_eq!(ranges.len(), if is_shared { walkers as usize } else { 0 });
                let Some(last) = ranges.last() else { continue };
                assert_eq!((ranges[0].start, last.end), (0, u64::MAX));
                assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{ranges:?}");
                assert!(ranges.iter().all(|range| range.start <= range.end && range.start.is_multiple_of(1 << height)));
            }
        }
    }
    assert_eq!(Cut { height: 12, walkers: 2 }.ranges(1_000_000), [0..532_480, 532_480..u64::MAX]);
}

#[test]
fn an_undamaged_ledger_is_judged_the_same_in_parts() {
    let (place, anchors) = mixed();
    let report = Copied::of(&place, anchors).report("undamaged", 0);
    assert_eq!((report.status, report.problems), (Status::Ok, vec![]));
    let statuses: Vec<Status> = report.runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::UnknownOutcome, Status::SelfConsistentOnly, Status::UnknownOutcome]);
}

#[test]
fn damage_at_and_around_each_border_is_named_as_in_one_walk() {
    let (place, anchors) = mixed();
    let copy = Copied::of(&place, anchors);
    let entries = copy.verify(WHOLE).entries;
    for seq in 0..entries {
        let below = format!("WHERE seq = {seq}");
        for sql in [
            format!(
                "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), '\"v\":1', '\"v\":2') AS BLOB) {below}"
            ),
            format!("UPDATE entries SET body = x'7b7d' {below}"),
            format!("UPDATE entries SET body = x'ff', ts = '' {below}"),
            format!(
                "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), '\"ts\":\"20', '\"ts\":\"30') AS BLOB) {below}"
            ),
            format!("UPDATE entries SET hash = zeroblob(32) {below}"),
            format!("UPDATE entries SET prev = zeroblob(31) {below}"),
            format!("UPDATE entries SET ts = '9' || ts {below}"),
            format!("UPDATE entries SET run = 'somebody' {below}"),
            format!("UPDATE entries SET kind = 'run.begin' {below}"),
            format!("DELETE FROM entries {below}"),
            format!("DELETE FROM entries WHERE seq >= {seq}"),
            format!("UPDATE entries SET seq = -1 - seq {below}"),
            format!("UPDATE entries SET seq = 9223372036854775807 {below}"),
            format!(
                "UPDATE entries SET seq = -5 {below}; UPDATE entries SET seq = {seq} WHERE seq = {seq} + 1;
                 UPDATE entries SET seq = {seq} + 1 WHERE seq = -5"
            ),
        ] {
            copy.hand.execute_batch("BEGIN").unwrap();
            copy.hand.execute_batch("CREATE TEMP TABLE was AS SELECT * FROM main.entries").unwrap();
            copy.hand.execute_batch(&format!("{sql}; COMMIT")).unwrap();
            let report = copy.report(&sql, seq);
            assert!(!report.status.is_sound(), "{sql}: {report:#?}");
            copy.hand
                .execute_batch(
                    "BEGIN; DELETE FROM main.entries; INSERT INTO main.entries SELECT * FROM was; DROP TABLE was; COMMIT",
                )
                .unwrap();
        }
    }
    assert_eq!(copy.report("all is as it was again", 1).problems, []);
}

#[test]
fn more_problems_than_are_listed_are_counted_as_in_one_walk() {
    let (place, anchors) = mixed();
    let mut ledger = Ledger::open(&place.path, LedgerKey::from_seed(&[8; 32]), at(80)).unwrap();
    let drafts = vec![draft(Kind::Heartbeat, json!({})); 400];
    ledger.append(at(81), &drafts).unwrap();
    let decision = rotate::Decision { actor: "ada", reason: "once more" };
    ledger.rotate(at(82), LedgerKey::from_seed(&[9; 32]), decision).unwrap();
    ledger.append(at(83), &[of(&run(1), Kind::GuardVerdict, json!({}))]).unwrap();
    ledger.close(at(84)).unwrap();
    let copy = Copied::of(&place, anchors);
    let cut = Cut { height: 4, walkers: 3 };
    for few in [0, 20, 150, 300, 330] {
        // Three problems a row from there on, the second rotation among those that follow; and one that it does not fit.
        let sql = format!(
            "UPDATE entries SET hash = x'00', prev = x'00', ts = 'never' WHERE seq > {few} AND seq < {few} + 334;
             UPDATE entries SET body = x'7b7d' WHERE seq = 22"
        );
        copy.hand.execute_batch(&sql).unwrap();
        let whole = copy.verify(WHOLE);
        assert!(whole.problems.len() > 990, "{}", whole.problems.len());
        for cut in [cut, Cut { height: 0, walkers: 2 }, Cut { height: 5, walkers: 4 }] {
            assert_eq!(copy.verify(cut), whole, "{few}, {cut:?}");
        }
    }
}

#[test]
fn rows_that_were_renumbered_beneath_the_table_are_found_however_they_are_cut() {
    let (place, _) = mixed();
    let bodies: Vec<Vec<u8>> = {
        let (reader, _scratch) = place.reader();
        reader.entries(&Filter::default()).unwrap().into_iter().map(|stored| stored.body).collect()
    };
    let scratch = TempDir::new().unwrap();
    let settled = Connection::open(&place.path).unwrap();
    settled.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(settled);
    let whole = std::fs::read(&place.path).unwrap();
    let mut found = 0;
    for (seq, body) in bodies.iter().enumerate() {
        let starts = whole.windows(body.len()).enumerate().filter(|(_, bytes)| bytes == body).map(|(at, _)| at);
        // The cell's number comes before the nine bytes that say of what kind and length its values are. Where SQLite moved
        // a cell, its bytes are still in the old place as well.
        let cells: Vec<usize> = starts.map(|at| at - 10).filter(|at| usize::from(whole[*at]) == seq).collect();
        if cells.is_empty() || seq == 0 {
            continue;
        }
        found += 1;
        for number in [seq - 1, seq + 1, 0, 127] {
            let mut changed = whole.clone();
            cells.iter().for_each(|at| changed[*at] = u8::try_from(number).unwrap());
            let path = scratch.path().join(format!("{seq}-{number}.db"));
            std::fs::write(&path, &changed).unwrap();
            let folder = TempDir::new().unwrap();
            let reader = Reader::copy(&path, folder.path()).unwrap();
            let verify = |cut| verify_in_parts(&reader, &[vkey()], &[], &Anchors::default(), cut);
            let report = verify(WHOLE);
            assert!(!report.status.is_sound(), "{seq} as {number}");
            for cut in CUTS {
                assert_eq!(verify(cut), report, "{seq} as {number}, {cut:?}");
            }
        }
    }
    assert_eq!(found, bodies.len() - 1);
}

/// A fact of one of three runs.
fn facts() -> impl Strategy<Value = Draft> {
    let kind = prop::sample::select(vec![
        Kind::StepIntent,
        Kind::StepResult,
        Kind::UndoIntent,
        Kind::UndoResult,
        Kind::OutcomeUnknown,
        Kind::OutcomeResolved,
        Kind::GuardVerdict,
        Kind::RunBegin,
        Kind::ClockStepped,
    ]);
    (kind, 0_u8..4, 0_u8..3, 0_u32..3, any::<bool>()).prop_map(|(kind, number, step, attempt, is_unknown)| Draft {
        run: (number > 0).then(|| run(number)),
        step: (step > 0).then(|| format!("step_{step}")),
        attempt: (attempt > 0).then_some(attempt),
        ..draft(kind, json!({ "state": if is_unknown { "unknown" } else { "failed" } }))
    })
}

/// Something that a hand does to one entry.
fn damages() -> impl Strategy<Value = String> {
    let how = prop::sample::select(vec![
        "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'step_1', 'step_2') AS BLOB) WHERE seq = {}",
        "UPDATE entries SET body = x'00' WHERE seq = {}",
        "UPDATE entries SET ts = '' WHERE seq = {}",
        "UPDATE entries SET kind = 'run.end' WHERE seq = {}",
        "DELETE FROM entries WHERE seq = {}",
        "UPDATE entries SET seq = seq + 100 WHERE seq = {}",
        "UPDATE entries SET prev = hash WHERE seq = {}",
    ]);
    (how, 0..40_u64).prop_map(|(how, seq)| how.replace("{}", &seq.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_in_it_and_done_to_it_a_ledger_is_judged_the_same_in_parts(
        facts in prop::collection::vec(facts(), 2..36), damages in prop::collection::vec(damages(), 0..3),
        height in 0_u32..5, walkers in 1_u32..5,
    ) {
        let place = Place::new();
        let mut ledger = place.open().unwrap();
        for some in facts.chunks(7) {
            ledger.append(at(3), some).unwrap();
            ledger.checkpoint().unwrap();
        }
        ledger.close(at(4)).unwrap();
        let copy = Copied::of(&place, vec![]);
        for damage in damages {
            // Two may be after the same number; then the second has nothing to do.
            let _ = copy.hand.execute_batch(&damage);
        }
        prop_assert_eq!(copy.verify(Cut { height, walkers }), copy.verify(WHOLE));
    }
}
