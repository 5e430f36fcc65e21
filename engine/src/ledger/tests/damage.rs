//! Damage: whatever is changed, removed, put elsewhere or cut is found, and by its name.

use std::io::{Seek as _, Write as _};

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::ledger::incident::{self, Incident};
use crate::merkle::note::Note;

const COLUMNS: [&str; 6] = ["body", "hash", "prev", "run", "kind", "ts"];

impl Place {
    /// Changes the file as somebody can who may write it: without triggers, which are put back afterwards.
    pub fn change(&self, sql: &str) {
        let conn = Connection::open(&self.path).unwrap();
        let triggers: Vec<(String, String)> = conn
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for (name, _) in &triggers {
            conn.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
        }
        conn.execute_batch(sql).unwrap();
        for (_, trigger) in &triggers {
            conn.execute_batch(trigger).unwrap();
        }
    }

    fn body(&self, seq: i64) -> String {
        let conn = Connection::open(&self.path).unwrap();
        let body: Vec<u8> = conn.query_row("SELECT body FROM entries WHERE seq = ?", [seq], |row| row.get(0)).unwrap();
        String::from_utf8(body).unwrap()
    }

    /// Writes every entry from `seq` on anew after `edit`, with hashes and links that fit: what a forger would do.
    pub fn forge(&self, seq: i64, edit: impl Fn(&str) -> String) {
        let conn = Connection::open(&self.path).unwrap();
        let count: i64 = conn.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap();
        let mut changes = String::new();
        let mut prev: Option<Hash> = None;
        for place in seq..count {
            let mut body = self.body(place);
            if place == seq {
                body = edit(&body);
            }
            if let Some(prev) = prev {
                let at = body.find("\"prev\":\"").unwrap() + 8;
                body.replace_range(at..at + 64, &hex::encode(prev));
                changes.push_str(&format!("UPDATE entries SET prev = x'{}' WHERE seq = {place};", hex::encode(prev)));
            }
            let hash = leaf_hash(body.as_bytes());
            let (body, hex_hash) = (hex::encode(&body), hex::encode(hash));
            changes
                .push_str(&format!("UPDATE entries SET body = x'{body}', hash = x'{hex_hash}' WHERE seq = {place};"));
            prev = Some(hash);
        }
        self.change(&changes);
    }
}

#[track_caller]
fn found(place: &Place, status: Status, codes: &[(&str, Option<i64>)]) -> Report {
    let report = place.verify(&[]);
    let problems: Vec<(&str, Option<i64>)> = report
        .problems
        .iter()
        .filter(|problem| !matches!(problem.code.as_str(), "damage_window" | "root_mismatch"))
        .map(|problem| (problem.code.as_str(), problem.seq))
        .collect();
    assert_eq!(problems, codes, "{:#?}", report.problems);
    assert_eq!(report.status, status);
    report
}

#[test]
fn every_byte_of_every_stored_column_counts() {
    let place = Place::filled();
    let scratch = TempDir::new().unwrap();
    let reader = Reader::copy(&place.path, scratch.path()).unwrap();
    let checkpoints = reader.checkpoints().unwrap();
    reader.conn.pragma_update(None, "query_only", false).unwrap();
    let triggers = reader.conn.prepare("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    drop(triggers);
    let trigger: String = reader
        .conn
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'entries_are_not_changed'", [], |row| row.get(0))
        .unwrap();
    reader.conn.execute_batch("DROP TRIGGER entries_are_not_changed").unwrap();
    let put = |column: &str, seq: i64, value: &rusqlite::types::Value| {
        let sql = format!("UPDATE entries SET {column} = ? WHERE seq = ?");
        reader.conn.execute(&sql, (value, seq)).unwrap();
    };
    let mut tried = 0;
    for seq in 0..12 {
        for column in COLUMNS {
            let sql = format!("SELECT {column} FROM entries WHERE seq = ?");
            let whole: rusqlite::types::Value = reader.conn.query_row(&sql, [seq], |row| row.get(0)).unwrap();
            let (bytes, is_text) = match &whole {
                rusqlite::types::Value::Blob(bytes) => (bytes.clone(), false),
                rusqlite::types::Value::Text(text) => (text.clone().into_bytes(), true),
                _ => continue,
            };
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                let changed = match is_text {
                    true => rusqlite::types::Value::Text(String::from_utf8(changed).unwrap()),
                    false => rusqlite::types::Value::Blob(changed),
                };
                put(column, seq, &changed);
                let problems = check_rows(&reader);
                let expected = match column {
                    "body" | "hash" => "hash_mismatch",
                    _ => "column_mismatch",
                };
                assert!(
                    problems.iter().any(|problem| problem.code == expected && problem.seq == Some(seq)),
                    "{column} of {seq}, byte {at}: {problems:?}"
                );
                tried += 1;
            }
            put(column, seq, &whole);
        }
    }
    assert!(tried > 4_000, "{tried}");
    reader.conn.execute_batch(&trigger).unwrap();
    assert_eq!(verify(&reader, &[vkey()], &checkpoints, &[]).problems, []);
}

fn check_rows(reader: &Reader) -> Vec<report::Problem> {
    let mut chain = chain::Chain::start();
    let mut problems = chain::Problems::default();
    store::follow(&reader.conn, &mut chain, &mut problems).unwrap();
    problems.into_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_change_of_an_entrys_bytes_is_found(seq in 0..12_i64, at: prop::sample::Index, flip in 1..=255_u8) {
        let place = Place::filled();
        let mut body = place.body(seq).into_bytes();
        let at = at.index(body.len());
        body[at] ^= flip;
        place.change(&format!("UPDATE entries SET body = x'{}' WHERE seq = {seq}", hex::encode(body)));
        let report = place.verify(&[]);
        prop_assert_eq!(report.status, Status::Broken);
        prop_assert!(report.problems.iter().any(|problem| problem.code == "hash_mismatch" && problem.seq == Some(seq)));
    }
}

#[test]
fn a_run_whose_entry_was_changed_is_broken_and_the_other_is_not() {
    let place = Place::filled();
    place.change("UPDATE entries SET body = x'7b7d' WHERE seq = 4");
    let report = place.verify(&[]);
    let statuses: Vec<Status> = report.runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::Broken, Status::UnknownOutcome]);
    let codes: Vec<&str> = report.runs[0].problems.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, ["unknown_outcome", "hash_mismatch", "bad_entry", "link_mismatch"]);
}

#[test]
fn a_row_that_is_missing_is_a_gap() {
    let place = Place::filled();
    place.change("DELETE FROM entries WHERE seq = 5");
    let report = found(&place, Status::Broken, &[("gap", Some(6)), ("link_mismatch", Some(6))]);
    assert_eq!(report.problems[0].detail, "1 rows are missing before this one, from 5");
}

#[test]
fn a_first_row_that_is_missing_is_a_gap_too() {
    let place = Place::filled();
    place.change("DELETE FROM entries WHERE seq = 0");
    found(&place, Status::Broken, &[("bad_genesis", Some(0)), ("gap", Some(1)), ("link_mismatch", Some(1))]);
}

#[test]
fn rows_that_changed_places_are_out_of_place() {
    let place = Place::filled();
    place.change(
        "UPDATE entries SET seq = -5 WHERE seq = 4; UPDATE entries SET seq = 4 WHERE seq = 5;
         UPDATE entries SET seq = 5 WHERE seq = -5",
    );
    let report = found(
        &place,
        Status::Broken,
        &[
            ("out_of_place", Some(4)),
            ("link_mismatch", Some(4)),
            ("out_of_place", Some(5)),
            ("link_mismatch", Some(5)),
            ("clock_backwards", Some(5)),
            ("link_mismatch", Some(6)),
        ],
    );
    assert_eq!(report.problems[0].detail, "this row holds the entry of sequence number 5");
}

#[test]
fn a_row_that_is_there_twice_is_out_of_place() {
    let place = Place::filled();
    place.change("INSERT INTO entries SELECT 12, body, hash, prev, run, kind, ts FROM entries WHERE seq = 11");
    found(&place, Status::Broken, &[("out_of_place", Some(12)), ("link_mismatch", Some(12))]);
    let place = Place::filled();
    place.change("INSERT INTO entries SELECT -1, body, hash, prev, run, kind, ts FROM entries WHERE seq = 3");
    let report = place.verify(&[]);
    assert_eq!(report.problems[0].code, "extra_row");
    assert_eq!(report.status, Status::Broken);
}

#[test]
fn a_tail_that_was_cut_is_truncated_where_a_checkpoint_tells() {
    let place = Place::filled();
    place.change("DELETE FROM entries WHERE seq >= 9");
    let report = found(&place, Status::Truncated, &[("truncated", None)]);
    assert!(report.problems[0].detail.ends_with("there are 9 entries, it was signed for 12"));
    // Without one, nothing inside the ledger can tell.
    let (reader, _scratch) = place.reader();
    assert_eq!(verify(&reader, &[vkey()], &[], &[]).status, Status::SelfConsistentOnly);
    // An anchor can, and a ledger that does not reach it is never ok.
    let anchor = signed::at(&place.path, 12).unwrap().unwrap();
    assert_eq!(verify(&reader, &[vkey()], &[], &[anchor]).status, Status::Truncated);
}

#[test]
fn entries_written_anew_with_hashes_that_fit_are_a_fork() {
    let place = Place::filled();
    place.forge(4, |body| body.replace("succeeded", "refused!!"));
    let report = found(&place, Status::Fork, &[("fork", None)]);
    let window = report.problems.last().unwrap();
    assert_eq!(window.code, "damage_window");
    assert_eq!(
        window.detail,
        "the first entry is as it was signed; the checkpoint of size 12 does not fit, so the damage begins before that"
    );
    // Where the forger removes the checkpoints as well, only an anchor from elsewhere tells.
    let anchor = signed::at(&place.path, 12).unwrap().unwrap();
    let (reader, _scratch) = place.reader();
    assert_eq!(verify(&reader, &[vkey()], &[], &[]).status, Status::SelfConsistentOnly);
    assert_eq!(verify(&reader, &[vkey()], &[], &[anchor]).status, Status::Fork);
}

#[test]
fn another_spelling_is_not_canonical_even_with_hashes_that_fit() {
    let place = Place::filled();
    std::fs::remove_file(signed::folder_of(&place.path).join("12")).unwrap();
    place.forge(4, |body| body.replace("\"attempt\":1", "\"attempt\": 1"));
    found(&place, Status::NonCanonical, &[("non_canonical", Some(4))]);
}

#[test]
fn an_entry_that_says_what_entries_do_not_say_is_named() {
    let place = Place::filled();
    std::fs::remove_file(signed::folder_of(&place.path).join("12")).unwrap();
    place.forge(4, |body| body.replace("\"attempt\":1,", ""));
    found(&place, Status::SelfConsistentOnly, &[]);
    place.forge(4, |body| body.replace("\"v\":1", "\"v\":1,\"w\":1"));
    found(&place, Status::Broken, &[("bad_entry", Some(4))]);
}

#[test]
fn a_clock_that_went_back_without_saying_so_is_found() {
    let place = Place::filled();
    std::fs::remove_file(signed::folder_of(&place.path).join("12")).unwrap();
    place.forge(4, |body| body.replace("\"ts\":\"2026", "\"ts\":\"2025"));
    place.change("UPDATE entries SET ts = replace(ts, '2026', '2025') WHERE seq = 4");
    found(&place, Status::Broken, &[("clock_backwards", Some(4))]);
}

#[test]
fn a_checkpoint_beside_the_ledger_that_was_changed_is_named() {
    let place = Place::filled();
    let path = signed::folder_of(&place.path).join("12");
    let good = std::fs::read_to_string(&path).unwrap();
    for (content, status, why) in [
        (good.replace("\n12\n", "\n11\n"), Status::Broken, "its signature by `example.org/ledger/test+97d901c0"),
        (good.replace("— example.org", "— example.com"), Status::Broken, "it is signed by none of the keys that count"),
        (good.replace("\n\n", "\n"), Status::Broken, "not a signed note: no blank line before the signatures"),
        (String::new(), Status::Broken, "not a signed note: no blank line before the signatures"),
    ] {
        std::fs::write(&path, &content).unwrap();
        let report = found(&place, status, &[("bad_checkpoint", None)]);
        assert!(report.problems[0].detail.contains(why), "{}", report.problems[0].detail);
    }
}

#[test]
fn an_anchor_that_is_none_is_said_so_and_never_ok() {
    let place = Place::filled();
    let good = signed::at(&place.path, 12).unwrap().unwrap();
    let text = String::from_utf8(good.bytes.clone()).unwrap();
    let given = |text: String| Given { source: "elsewhere".to_owned(), bytes: text.into_bytes() };
    for bad in [String::new(), text.replace(ORIGIN, "example.org/ledger/other"), text.replace("\n12\n", "\n2\n")] {
        let report = place.verify(&[given(bad), good.clone()]);
        assert_eq!(report.status, Status::AnchorMissing, "{:?}", report.problems);
        assert_eq!(report.problems[0].code, "bad_anchor");
    }
}

#[test]
fn another_writers_signature_beside_ours_changes_nothing() {
    let place = Place::filled();
    let path = signed::folder_of(&place.path).join("12");
    let mut note = Note::parse(&std::fs::read(&path).unwrap()).unwrap();
    note.add(&VerifierKey::new("witness.example/w1", [3; 32]).unwrap(), [4; 64]);
    std::fs::write(&path, note.to_string()).unwrap();
    found(&place, Status::SelfConsistentOnly, &[]);
    let ledger = Ledger::open(&place.path, key(), at(50)).unwrap();
    drop(ledger);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), note.to_string());
}

#[test]
fn a_ledger_of_another_key_is_never_sound() {
    let place = Place::filled();
    let (reader, _scratch) = place.reader();
    let other = VerifierKey::new(ORIGIN, [1; 32]).unwrap();
    let report = verify(&reader, &[other], &[], &[]);
    assert_eq!((report.status, report.problems[0].code.as_str()), (Status::Broken, "wrong_key"));
    // Without a key the genesis names it.
    assert_eq!(verify(&reader, &[], &reader.checkpoints().unwrap(), &[]).status, Status::SelfConsistentOnly);
}

#[test]
fn tables_triggers_and_indexes_are_those_of_a_ledger() {
    for (sql, detail) in [
        ("DROP TRIGGER entries_are_not_removed", "`entries_are_not_removed` is missing"),
        ("CREATE TABLE other (a)", "`other` is not of a ledger: CREATE TABLE other (a)"),
        ("DROP INDEX entries_of_run", "`entries_of_run` is missing"),
    ] {
        let place = Place::filled();
        Connection::open(&place.path).unwrap().execute_batch(sql).unwrap();
        let report = found(&place, Status::Broken, &[("schema_changed", None)]);
        assert_eq!(report.problems[0].detail, detail);
        let refused = place.open().unwrap_err();
        assert!(matches!(refused, Error::NotGenuine { .. }), "{refused}");
    }
    let place = Place::filled();
    let conn = Connection::open(&place.path).unwrap();
    conn.execute_batch("ALTER TABLE entries ADD COLUMN extra TEXT").unwrap();
    drop(conn);
    assert_eq!(place.verify(&[]).status, Status::Unreadable);
    assert!(matches!(place.open(), Err(Error::NotALedger { .. })));
}

#[test]
fn an_index_that_hides_a_row_is_found() {
    let place = Place::filled();
    let conn = Connection::open(&place.path).unwrap();
    // The index is taken out of the schema, rows are moved, and it is put back as it was.
    let definition: String =
        conn.query_row("SELECT sql FROM sqlite_schema WHERE name = 'entries_of_run'", [], |row| row.get(0)).unwrap();
    conn.execute_batch(&format!(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = '{}' WHERE name = 'entries_of_run';
         PRAGMA writable_schema = RESET;
         REINDEX entries_of_run;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = '{definition}' WHERE name = 'entries_of_run';
         PRAGMA writable_schema = RESET;",
        definition.replace("run IS NOT NULL", "run IS NOT NULL AND seq <> 4")
    ))
    .unwrap();
    drop(conn);
    let report = found(&place, Status::Broken, &[("index_mismatch", None)]);
    assert_eq!(
        report.problems[0].detail,
        "the index `entries_of_run` lists 8 rows, the table has 9, and they are not the same"
    );
}

#[test]
fn a_break_at_start_sets_the_latch_and_verifying_again_does_not_clear_it() {
    let place = Place::filled();
    let mut ledger = Ledger::open(&place.path, key(), at(50)).unwrap();
    ledger.append(at(51), &[draft(Kind::Heartbeat, json!({}))]).unwrap();
    drop(ledger);
    let good = place.body(13);
    place.change("UPDATE entries SET body = x'7b7d' WHERE seq = 13");
    let refused = place.open().unwrap_err();
    let Error::NotGenuine { problems, .. } = &refused else { return assert_eq!(refused.to_string(), "") };
    assert_eq!(problems[0].code, "hash_mismatch");
    let text = std::fs::read_to_string(incident::path_of(&place.path)).unwrap();
    let incident: Incident = serde_json::from_str(&text).unwrap();
    assert_eq!((incident.opened_at, &incident.problems), (at(1), problems));
    place.change(&format!("UPDATE entries SET body = x'{}' WHERE seq = 13", hex::encode(good)));
    assert_eq!(place.verify(&[]).problems, []);
    let refused = place.open().unwrap_err();
    assert!(matches!(refused, Error::Incident { .. }), "{refused}");
    let (reader, _scratch) = place.reader();
    assert!(matches!(reader.check(&key().public()), Err(Error::Incident { .. })));
}

#[test]
fn a_start_finds_a_cut_tail_a_removed_checkpoint_and_a_changed_last_signed_entry() {
    let refused = |place: &Place| match place.open() {
        Err(Error::NotGenuine { problems, .. }) => problems[0].code.clone(),
        other => other.unwrap_err().to_string(),
    };
    let place = Place::filled();
    place.change("DELETE FROM entries WHERE seq >= 9");
    assert_eq!(refused(&place), "truncated");
    let place = Place::filled();
    std::fs::remove_dir_all(signed::folder_of(&place.path)).unwrap();
    assert_eq!(refused(&place), "checkpoint_missing");
    let place = Place::filled();
    place.forge(11, |body| body.replace("\"fence\":1", "\"fence\":2"));
    assert_eq!(refused(&place), "hash_mismatch");
    let place = Place::filled();
    std::fs::write(signed::folder_of(&place.path).join("12"), "gone").unwrap();
    assert_eq!(refused(&place), "bad_checkpoint");
    let place = Place::filled();
    std::fs::remove_file(files::beside(&place.path, ".edge")).unwrap();
    place.forge(5, |body| body.replace("note", "mote"));
    assert_eq!(refused(&place), "root_mismatch");
    let place = Place::filled();
    place.change("DELETE FROM entries");
    assert_eq!(refused(&place), "bad_genesis");
}

#[test]
fn a_ledger_without_entries_is_empty() {
    let place = Place::filled();
    place.change("DELETE FROM entries");
    let report = place.verify(&[]);
    assert_eq!((report.status, report.entries), (Status::Empty, 0));
    assert!(report.problems.iter().any(|problem| problem.code == "empty"));
}

#[track_caller]
fn unreadable(content: Option<&[u8]>, says: &str) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    if let Some(content) = content {
        std::fs::write(&path, content).unwrap();
    }
    let refused = Ledger::open(&path, key(), at(1)).unwrap_err().to_string().replace(&path.display().to_string(), "X");
    assert_eq!(refused, says);
    let scratch = TempDir::new().unwrap();
    let refused = Reader::copy(&path, scratch.path()).unwrap_err();
    assert_eq!(refused.to_string().replace(&path.display().to_string(), "X"), says);
    assert_eq!(verify::unreadable(&refused).status, Status::Unreadable);
    assert_eq!(content.map(<[u8]>::to_vec), std::fs::read(&path).ok(), "what is no ledger is left as it is");
}

#[test]
fn what_is_no_ledger_is_said_so_and_left_alone() {
    unreadable(None, "there is no ledger at `X`; `runwarden init` makes one");
    unreadable(Some(b""), "`X` is not a ledger: its application id is 0x0, expected 0x52574c47");
    unreadable(
        Some(&b"a text that is long enough to be more than a header ".repeat(40)),
        "`X` is not a ledger: it is no SQLite database",
    );
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE entries (seq)").unwrap();
    let bytes = std::fs::read(other).unwrap();
    unreadable(Some(&bytes), "`X` is not a ledger: its application id is 0x0, expected 0x52574c47");
}

#[test]
fn a_newer_format_is_refused_by_number() {
    let place = Place::filled();
    Connection::open(&place.path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = place.open().unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("ledger `{}` has format 99, this engine knows up to 2; use a newer runwarden", place.path.display())
    );
    assert!(matches!(refused, Error::Newer { found: 99, known: 2, .. }));
}

#[test]
fn a_file_cut_in_half_is_unreadable_or_broken_and_never_sound() {
    let place = Place::filled();
    let mut ledger = Ledger::open(&place.path, key(), at(50)).unwrap();
    for _ in 0..20 {
        let large = json!({ "text": "x".repeat(3_000) });
        ledger.append(at(51), &[draft(Kind::StepResult, large)]).unwrap();
    }
    ledger.close(at(52)).unwrap();
    let whole = std::fs::read(&place.path).unwrap();
    for part in 1..16 {
        std::fs::write(&place.path, &whole[..whole.len() * part / 16]).unwrap();
        let report = place.verify(&[]);
        assert!(!report.status.is_sound(), "{part}/16: {report:?}");
        assert!(place.open().is_err());
        let _ = std::fs::remove_file(incident::path_of(&place.path));
    }
}

#[test]
fn no_byte_of_the_file_can_be_changed_so_that_other_entries_pass() {
    let place = Place::filled();
    let whole = std::fs::read(&place.path).unwrap();
    let (reader, _scratch) = place.reader();
    let genuine: Vec<_> = reader.entries(&Filter::default()).unwrap();
    for at in (0..whole.len()).step_by(23) {
        let mut file = std::fs::OpenOptions::new().write(true).open(&place.path).unwrap();
        file.seek(std::io::SeekFrom::Start(at as u64)).unwrap();
        file.write_all(&[whole[at] ^ 0x41]).unwrap();
        let scratch = TempDir::new().unwrap();
        if let Ok(reader) = Reader::copy(&place.path, scratch.path()) {
            let report = verify(&reader, &[vkey()], &reader.checkpoints().unwrap(), &[]);
            let same = reader.entries(&Filter::default()).is_ok_and(|entries| entries == genuine);
            assert!(same || !report.status.is_sound(), "byte {at}: {report:?}");
        }
        file.seek(std::io::SeekFrom::Start(at as u64)).unwrap();
        file.write_all(&[whole[at]]).unwrap();
    }
}

#[test]
fn a_ledger_wrong_from_end_to_end_is_reported_within_bounds() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let beats = vec![draft(Kind::Heartbeat, json!({})); 1_500];
    ledger.append(at(2), &beats).unwrap();
    ledger.append(at(3), &[begin(&run(1), "demo.first"), end(&run(1), "succeeded")]).unwrap();
    ledger.close(at(3)).unwrap();
    place.change("UPDATE entries SET ts = 'x'");
    let report = place.verify(&[]);
    assert_eq!(report.problems.len(), 1_001);
    assert!(report.problems.last().unwrap().detail.ends_with("more problems are not listed"));
    assert_eq!(report.status, Status::Broken);
    assert_eq!(report.runs[0].status, Status::Broken, "a run beyond the listed problems is not called sound");
}

#[test]
fn unchanged_bytes_give_an_unchanged_subject_and_others_another() {
    let place = Place::filled();
    let first = place.verify(&[]);
    assert_eq!(first, place.verify(&[]));
    place.change("UPDATE entries SET ts = 'x' WHERE seq = 3");
    assert_ne!(first.subject, place.verify(&[]).subject);
}

/// A ledger with a latch for a tail that was changed, and what the changed entry was.
fn latched() -> (Place, String) {
    let place = Place::filled();
    let mut ledger = Ledger::open(&place.path, key(), at(50)).unwrap();
    ledger.append(at(51), &[draft(Kind::Heartbeat, json!({}))]).unwrap();
    drop(ledger);
    let good = place.body(13);
    place.change("UPDATE entries SET body = x'7b7d' WHERE seq = 13");
    assert!(matches!(place.open(), Err(Error::NotGenuine { .. })));
    (place, good)
}

fn close(place: &Place, name: &str) -> Result<u64, Error> {
    let closing = incident::Closing { name, reason: "restored from the backup of Friday", actor: "ada" };
    incident::close(&place.path, key(), at(60), closing)
}

#[test]
fn an_incident_is_closed_by_name_and_the_record_keeps_it() {
    let (place, good) = latched();
    let latch = incident::read(&place.path).unwrap().unwrap();
    // What is still wrong stays wrong, whatever it is called.
    assert!(matches!(close(&place, &latch.name), Err(Error::NotGenuine { .. })));
    place.change(&format!("UPDATE entries SET body = x'{}' WHERE seq = 13", hex::encode(good)));
    assert!(matches!(close(&place, "another"), Err(Error::OtherIncident { .. })));
    assert!(matches!(place.open(), Err(Error::Incident { .. })));
    let seq = close(&place, &latch.name).unwrap();
    assert!(matches!(close(&place, &latch.name), Err(Error::NoIncident { .. })));
    let (reader, _scratch) = place.reader();
    let entries = [seq - 1, seq].map(|seq| reader.entry(seq).unwrap().unwrap().entry(&place.path).unwrap());
    assert_eq!(entries.each_ref().map(|entry| entry.kind), [Kind::IncidentOpened, Kind::IncidentClosed]);
    assert_eq!(entries[0].data["problems"][0]["code"], "hash_mismatch");
    assert_eq!(entries[1].data["reason"], "restored from the backup of Friday");
    assert_eq!((entries[1].actor.as_deref(), &entries[1].data["name"]), (Some("ada"), &Value::from(latch.name)));
    drop(place.open().unwrap());
    assert_eq!(place.verify(&[]).problems, []);
}

#[test]
fn a_latch_that_cannot_be_read_is_still_one_and_is_closed_as_it_is() {
    let place = Place::filled();
    std::fs::write(incident::path_of(&place.path), b"\xffsomething").unwrap();
    assert!(matches!(place.open(), Err(Error::Incident { .. })));
    let latch = incident::read(&place.path).unwrap().unwrap();
    assert_eq!(latch.incident, None);
    let seq = close(&place, &latch.name).unwrap();
    let (reader, _scratch) = place.reader();
    let opened = reader.entry(seq - 1).unwrap().unwrap().entry(&place.path).unwrap();
    assert_eq!(opened.data["unreadable"], "\u{fffd}something");
}

#[test]
fn a_verification_sets_the_latch_with_all_it_found() {
    let place = Place::filled();
    place.change("UPDATE entries SET body = x'7b7d' WHERE seq = 3");
    let report = place.verify(&[]);
    incident::set(&place.path, &report.problems, at(50)).unwrap();
    let latch = incident::read(&place.path).unwrap().unwrap();
    assert_eq!(latch.incident.unwrap().problems, report.problems);
    incident::set(&place.path, &[], at(51)).unwrap();
    assert_eq!(incident::read(&place.path).unwrap().unwrap().name, latch.name, "the first one stays");
}
