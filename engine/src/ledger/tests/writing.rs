//! Writing: one writer, one durable commit, and what happens when it cannot be.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use super::*;
use crate::ledger::entry::Entry;
use crate::ledger::incident;

fn beat() -> Draft {
    draft(Kind::Heartbeat, json!({}))
}

fn entries(place: &Place) -> Vec<Entry> {
    let (reader, _scratch) = place.reader();
    reader.entries(&Filter::default()).unwrap().iter().map(|stored| stored.entry(&place.path).unwrap()).collect()
}

fn kinds(place: &Place) -> Vec<Kind> {
    entries(place).into_iter().map(|entry| entry.kind).collect()
}

#[test]
fn each_writer_says_that_it_came_and_went_under_a_larger_number() {
    let place = Place::new();
    let mut fences = Vec::new();
    for turn in 1..4 {
        let ledger = Ledger::open(&place.path, key(), at(turn)).unwrap();
        fences.push(ledger.fence());
        ledger.close(at(turn)).unwrap();
    }
    assert_eq!(fences, [1, 3, 5]);
    use Kind::{LedgerGenesis, WriterClose, WriterOpen};
    assert_eq!(
        kinds(&place),
        [LedgerGenesis, WriterOpen, WriterClose, WriterOpen, WriterClose, WriterOpen, WriterClose]
    );
    let recorded: Vec<_> = entries(&place).iter().filter_map(|entry| entry.data.get("fence").cloned()).collect();
    assert_eq!(recorded, [1, 1, 3, 3, 5, 5].map(Value::from));
}

#[test]
fn a_batch_is_appended_whole_and_each_entry_links_to_the_one_before() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let done = ledger.append(at(2), &[beat(), begin(&run(1), "demo.first"), beat()]).unwrap();
    assert_eq!(done.iter().map(|done| done.seq).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(done.iter().all(|done| done.ts == at(2)));
    assert_eq!(ledger.append(at(2), &[]).unwrap(), []);
    let head = ledger.head();
    drop(ledger);
    let written = entries(&place);
    for (before, after) in done.iter().zip(&written[3..]) {
        assert_eq!(after.prev, before.hash);
    }
    let (reader, _scratch) = place.reader();
    assert_eq!(reader.head().unwrap(), head);
    assert_eq!(reader.entry(4).unwrap().unwrap().hash, done[2].hash);
    assert_eq!(reader.tail(2).unwrap().iter().map(|stored| stored.seq).collect::<Vec<_>>(), [3, 4]);
    let of_run = Filter { run: Some(&run(1)), ..Filter::default() };
    assert_eq!(reader.entries(&of_run).unwrap().iter().map(|stored| stored.seq).collect::<Vec<_>>(), [3]);
    let beats = Filter { kind: Some(Kind::Heartbeat), from: 3, newest_first: true, ..Filter::default() };
    assert_eq!(reader.entries(&beats).unwrap().iter().map(|stored| stored.seq).collect::<Vec<_>>(), [4]);
}

#[test]
fn a_ledger_is_not_made_over_what_is_left_of_another() {
    let id = "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11";
    let place = Place::new();
    let again = |place: &Place| Ledger::create(&place.path, ORIGIN, &key(), at(0), id);
    assert!(matches!(again(&place), Err(Error::Exists { path }) if path == place.path));
    std::fs::remove_file(&place.path).unwrap();
    assert!(matches!(again(&place), Err(Error::Exists { path }) if path == signed::folder_of(&place.path)));
    std::fs::remove_dir_all(signed::folder_of(&place.path)).unwrap();
    again(&place).unwrap();
    let spaced = Ledger::create(&place.folder.path().join("b.db"), "two words", &key(), at(0), id);
    assert!(matches!(spaced, Err(Error::Origin(_))));
}

#[test]
fn an_unfinished_new_ledger_is_in_nobodys_way() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    std::fs::write(folder.path().join("ledger.db.creating"), "half").unwrap();
    Ledger::create(&path, ORIGIN, &key(), at(0), "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11").unwrap();
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["ledger.db", "ledger.db.checkpoints", "ledger.db.edge", "ledger.db.lock"]);
}

#[test]
fn a_second_writer_is_told_who_has_it() {
    let place = Place::new();
    let mut first = place.open().unwrap();
    first.moves(Some(&run(1)));
    let second = place.open().unwrap_err();
    let expected = format!(
        "ledger `{}` is busy: process {}, run {}, since 2026-11-20T09:35:13.000000Z",
        place.path.display(),
        std::process::id(),
        run(1)
    );
    assert_eq!(second.to_string(), expected);
    first.append(at(2), &[beat()]).unwrap();
    drop(first);
    place.open().unwrap();
}

/// Runs this test again in another process, with `RUNWARDEN_TEST_LEDGER` naming a ledger, through `wrap`.
fn in_another_process(test: &str, ledger: &Path, wrap: impl FnOnce(&mut Command)) -> std::process::Output {
    // A shell between, so that limits and ignored signals can be set without unsafe code.
    let mut shell = Command::new("sh");
    wrap(&mut shell);
    shell
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("ledger::tests::writing::{test}"), "--nocapture"])
        .env("RUNWARDEN_TEST_LEDGER", ledger)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn given_ledger() -> Option<PathBuf> {
    std::env::var_os("RUNWARDEN_TEST_LEDGER").map(PathBuf::from)
}

#[test]
fn of_two_processes_one_writes_and_one_is_busy() {
    if let Some(path) = given_ledger() {
        let refused = Ledger::open(&path, key(), at(2)).unwrap_err();
        assert!(matches!(refused, Error::Busy { .. }), "{refused}");
        return;
    }
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let output = in_another_process("of_two_processes_one_writes_and_one_is_busy", &place.path, |shell| {
        shell.args(["-c", "exec \"$@\"", "sh"]);
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    ledger.append(at(3), &[beat()]).unwrap();
    ledger.close(at(4)).unwrap();
    assert_eq!(place.verify(&[]).problems, []);
}

#[test]
fn a_full_disk_stops_the_append_and_nothing_of_it_is_there() {
    if let Some(path) = given_ledger() {
        // No file may grow beyond the limit that the shell set: what a full disk is to a program.
        let mut ledger = Ledger::open(&path, key(), at(2)).unwrap();
        let large = draft(Kind::StepResult, json!({ "text": "x".repeat(30_000) }));
        let (mut appended, mut failure) = (0, None);
        while failure.is_none() {
            match ledger.append(at(3), std::slice::from_ref(&large)) {
                Ok(_) => appended += 1,
                Err(error) => failure = Some(error),
            }
        }
        let refused = failure.as_ref();
        assert!(matches!(refused, Some(Error::NotWritable { cause: Cause::DiskFull | Cause::Io, .. })), "{refused:?}");
        let size = ledger.size();
        // It stays refused, also for what would fit.
        let refused = ledger.append(at(3), &[beat()]);
        assert!(matches!(refused, Err(Error::NotWritable { .. })), "{refused:?}");
        assert_eq!(size, 2 + appended);
        writeln!(std::io::stdout(), "size={size}").unwrap();
        return;
    }
    let place = Place::new();
    let test = "a_full_disk_stops_the_append_and_nothing_of_it_is_there";
    let output = in_another_process(test, &place.path, |shell| {
        // 512-byte blocks; the write that goes over is refused instead of killing the process.
        shell.args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$@\"", "sh"]);
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    let size: u64 = said.lines().find_map(|line| line.split("size=").nth(1)).unwrap().parse().unwrap();
    assert_eq!(entries(&place).len() as u64, size);
    assert_eq!(place.verify(&[]).problems, []);
    place.open().unwrap().append(at(9), &[beat()]).unwrap();
}

#[test]
fn a_database_that_may_not_grow_is_a_full_disk() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    ledger.conn.authorizer(None::<fn(rusqlite::hooks::AuthContext<'_>) -> rusqlite::hooks::Authorization>).unwrap();
    let pages: i64 = ledger.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    ledger.conn.pragma_update(None, "max_page_count", pages).unwrap();
    let large = draft(Kind::StepResult, json!({ "text": "x".repeat(30_000) }));
    let error = ledger.append(at(2), &[beat(), large]).unwrap_err();
    assert!(matches!(error, Error::NotWritable { cause: Cause::DiskFull, .. }), "{error}");
    drop(ledger);
    assert_eq!(kinds(&place), [Kind::LedgerGenesis, Kind::WriterOpen]);
}

#[test]
fn a_ledger_that_can_only_be_read_is_not_writable_and_can_be_read() {
    if let Some(path) = given_ledger() {
        let error = Ledger::open(&path, key(), at(2)).unwrap_err();
        assert!(matches!(error, Error::NotWritable { cause: Cause::ReadOnly, .. }), "{error}");
        let scratch = TempDir::new().unwrap();
        let reader = Reader::copy(&path, scratch.path()).unwrap();
        assert_eq!(reader.head().unwrap().size, 12);
        return;
    }
    let place = Place::filled();
    let all = |folder: u32, file: u32| {
        std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(file)).unwrap();
        let lock = files::beside(&place.path, ".lock");
        std::fs::set_permissions(lock, std::fs::Permissions::from_mode(file)).unwrap();
        std::fs::set_permissions(place.folder.path(), std::fs::Permissions::from_mode(folder)).unwrap();
    };
    all(0o555, 0o444);
    let output =
        in_another_process("a_ledger_that_can_only_be_read_is_not_writable_and_can_be_read", &place.path, |shell| {
            shell.args(["-c", "exec \"$@\"", "sh"]);
            // Permissions do not bind root, so root tries it as somebody else.
            if place.folder.path().metadata().unwrap().uid() == 0 {
                shell.uid(65_534).gid(65_534);
            }
        });
    all(0o755, 0o644);
    if matches!(output.status.code(), Some(126 | 127)) {
        // Somebody else cannot run this program where it was built; then this shows nothing.
        return assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the tests must be where anybody can run them");
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(entries(&place).len(), 12);
}

#[test]
fn a_file_that_turns_read_only_under_the_writer_is_not_written() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    ledger.conn.authorizer(None::<fn(rusqlite::hooks::AuthContext<'_>) -> rusqlite::hooks::Authorization>).unwrap();
    ledger.conn.pragma_update(None, "query_only", true).unwrap();
    let error = ledger.append(at(2), &[beat()]).unwrap_err();
    assert!(matches!(error, Error::NotWritable { cause: Cause::ReadOnly, .. }), "{error}");
    assert_eq!(ledger.size(), 2);
    drop(ledger);
    assert_eq!(kinds(&place).len(), 2);
}

#[test]
fn the_writers_connection_can_do_nothing_but_append() {
    let place = Place::new();
    let ledger = place.open().unwrap();
    for sql in [
        "UPDATE entries SET kind = 'heartbeat'",
        "DELETE FROM entries",
        "DROP TABLE entries",
        "DROP TRIGGER entries_are_not_changed",
        "CREATE TABLE other (a)",
        "CREATE TEMP TABLE other (a)",
        "ALTER TABLE entries RENAME TO other",
        "ATTACH ':memory:' AS other",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA synchronous = OFF",
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_schema VALUES ('a', 'b', 'c', 1, 'd')",
        "VACUUM",
        "REINDEX",
    ] {
        let refused = ledger.conn.execute_batch(sql);
        assert!(refused.is_err(), "{sql}");
    }
}

#[test]
fn other_tools_are_stopped_by_triggers() {
    let place = Place::filled();
    let conn = Connection::open(&place.path).unwrap();
    let columns = "body, hash, prev, run, kind, ts";
    for (sql, why) in [
        ("UPDATE entries SET ts = ts WHERE seq = 3".to_owned(), "entries of a ledger are never changed"),
        ("UPDATE OR REPLACE entries SET seq = 2 WHERE seq = 3".to_owned(), "entries of a ledger are never changed"),
        ("DELETE FROM entries WHERE seq = 11".to_owned(), "entries of a ledger are never removed"),
        ("DELETE FROM entries".to_owned(), "entries of a ledger are never removed"),
        (format!("INSERT INTO entries SELECT 5, {columns} FROM entries WHERE seq = 5"), "at its head only"),
        (format!("INSERT OR REPLACE INTO entries SELECT 5, {columns} FROM entries WHERE seq = 6"), "at its head only"),
        (format!("REPLACE INTO entries SELECT 11, {columns} FROM entries WHERE seq = 11"), "at its head only"),
        (format!("INSERT OR IGNORE INTO entries SELECT 3, {columns} FROM entries WHERE seq = 4"), "at its head only"),
        (format!("INSERT INTO entries SELECT NULL, {columns} FROM entries WHERE seq = 11"), "at its head only"),
        (format!("INSERT INTO entries SELECT 12, {columns} FROM entries WHERE seq = 11"), "at its head only"),
        (format!("INSERT INTO entries SELECT 13, {columns} FROM entries WHERE seq = 11"), "at its head only"),
        (format!("INSERT INTO entries SELECT -1, {columns} FROM entries WHERE seq = 0"), "at its head only"),
        (
            format!(
                "INSERT INTO entries SELECT 4, {columns} FROM entries WHERE seq = 4 ON CONFLICT DO UPDATE SET ts = ''"
            ),
            "at its head only",
        ),
    ] {
        for recursive in [true, false] {
            conn.pragma_update(None, "recursive_triggers", recursive).unwrap();
            let refused = conn.execute_batch(&sql).unwrap_err().to_string();
            assert!(refused.contains(why), "{sql}: {refused}");
        }
    }
    assert_eq!(place.verify(&[]).problems, []);
}

#[test]
fn somebody_who_writes_beside_the_writer_is_found_before_the_next_append() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let other = Connection::open(&place.path).unwrap();
    other
        .execute_batch("INSERT INTO entries SELECT 2, body, hash, hash, run, kind, ts FROM entries WHERE seq = 1")
        .unwrap();
    let error = ledger.append(at(2), &[beat()]).unwrap_err();
    assert!(matches!(&error, Error::NotGenuine { problems, .. } if problems[0].code == "overtaken"), "{error}");
    assert!(ledger.append(at(2), &[beat()]).is_err());
    assert!(incident::is_open(&place.path));
}

#[test]
fn somebody_who_only_tidies_the_write_ahead_log_does_no_harm_and_one_who_changes_is_found() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    ledger.append(at(2), &[beat()]).unwrap();
    let other = Connection::open(&place.path).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    ledger.append(at(3), &[beat()]).unwrap();
    other.execute_batch("DROP TRIGGER entries_are_not_changed; UPDATE entries SET ts = 'never' WHERE seq = 1").unwrap();
    let error = ledger.append(at(4), &[beat()]).unwrap_err();
    assert!(matches!(&error, Error::NotGenuine { .. }), "{error}");
}

#[test]
fn a_lock_by_another_program_refuses_the_append_and_a_later_one_goes_through() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    ledger.conn.busy_timeout(std::time::Duration::from_millis(1)).unwrap();
    let other = Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = ledger.append(at(2), &[beat()]).unwrap_err();
    assert!(matches!(error, Error::NotWritable { cause: Cause::Locked, .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    ledger.append(at(2), &[beat()]).unwrap();
    assert_eq!(ledger.size(), 3);
}

#[test]
fn a_clock_that_steps_back_is_recorded_before_what_it_is_the_time_of() {
    let place = Place::new();
    let mut ledger = Ledger::open(&place.path, key(), at(100)).unwrap();
    let done = ledger.append(at(40), &[beat()]).unwrap();
    assert_eq!((done[0].seq, done[0].ts), (3, at(40)));
    drop(ledger);
    let ledger = Ledger::open(&place.path, key(), at(10)).unwrap();
    assert_eq!(ledger.fence(), 5);
    drop(ledger);
    let written = entries(&place);
    use Kind::{ClockStepped, Heartbeat, LedgerGenesis, WriterOpen};
    assert_eq!(kinds(&place), [LedgerGenesis, WriterOpen, ClockStepped, Heartbeat, ClockStepped, WriterOpen]);
    assert_eq!(written[2].data["head"], at(100).to_string());
    assert_eq!(written[2].data["wall"], at(40).to_string());
    assert_eq!(written[5].data["fence"], 5);
    assert_eq!(place.verify(&[]).problems, []);
}

#[test]
fn a_checkpoint_is_made_at_the_latest_after_256_entries() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    for _ in 0..300 {
        ledger.append(at(2), &[beat()]).unwrap();
    }
    drop(ledger);
    assert_eq!(signed::sizes(&place.path).unwrap(), [1, 257]);
    for size in [1, 257] {
        let given = signed::at(&place.path, size).unwrap().unwrap();
        assert_eq!(signed::judge(&given.bytes, &[vkey()]).unwrap().size, size);
    }
    assert_eq!(place.verify(&[]).problems, []);
}

#[test]
fn killed_between_append_and_checkpoint_the_entries_are_there_and_the_next_writer_goes_on() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    ledger.append(at(2), &[beat(), beat()]).unwrap();
    // A process that is killed closes nothing: its files are what another sees now.
    let left = TempDir::new().unwrap();
    let path = left.path().join("ledger.db");
    for suffix in ["", "-wal"] {
        std::fs::copy(files::beside(&place.path, suffix), files::beside(&path, suffix)).unwrap();
    }
    std::fs::create_dir(signed::folder_of(&path)).unwrap();
    std::fs::copy(signed::folder_of(&place.path).join("1"), signed::folder_of(&path).join("1")).unwrap();
    let ledger = Ledger::open(&path, key(), at(3)).unwrap();
    assert_eq!(ledger.size(), 5);
    ledger.close(at(4)).unwrap();
    assert_eq!(signed::sizes(&path).unwrap(), [1, 6]);
}

#[test]
fn a_process_that_dies_leaves_what_it_appended_and_the_lock_free() {
    if let Some(path) = given_ledger() {
        let mut ledger = Ledger::open(&path, key(), at(2)).unwrap();
        ledger.append(at(2), &[beat(), beat()]).unwrap();
        std::process::abort();
    }
    let place = Place::new();
    let test = "a_process_that_dies_leaves_what_it_appended_and_the_lock_free";
    let output = in_another_process(test, &place.path, |shell| {
        shell.args(["-c", "ulimit -c 0; exec \"$@\"", "sh"]);
    });
    assert!(!output.status.success());
    let ledger = Ledger::open(&place.path, key(), at(3)).unwrap();
    assert_eq!((ledger.size(), ledger.fence()), (5, 4));
    ledger.close(at(4)).unwrap();
    assert_eq!(place.verify(&[]).problems, []);
}

#[test]
fn a_ledger_has_one_name_so_that_it_has_one_lock() {
    let place = Place::filled();
    let link = place.folder.path().join("link.db");
    std::os::unix::fs::symlink(&place.path, &link).unwrap();
    let says = format!("`{}` is not a ledger: it is a symbolic link; name the file itself", link.display());
    assert_eq!(Ledger::open(&link, key(), at(50)).unwrap_err().to_string(), says);
    assert_eq!(Reader::copy(&link, TempDir::new().unwrap().path()).unwrap_err().to_string(), says);
}

#[test]
fn killed_before_the_first_checkpoint_a_new_ledger_gets_it_at_its_first_start() {
    let place = Place::new();
    std::fs::remove_dir_all(signed::folder_of(&place.path)).unwrap();
    place.open().unwrap();
    assert_eq!(signed::sizes(&place.path).unwrap(), [1]);
}

#[test]
fn a_start_goes_on_from_the_kept_edge_and_does_without_it() {
    let place = Place::filled();
    let edge = files::beside(&place.path, ".edge");
    let heads: Vec<Checkpoint> = [None, Some("{}"), Some("not json"), Some("")]
        .into_iter()
        .map(|content| {
            match content {
                None => {}
                Some(text) => std::fs::write(&edge, text).unwrap(),
            }
            let copy = TempDir::new().unwrap();
            let (reader, _scratch) = place.reader();
            reader.check(&key().public()).unwrap();
            let head = reader.head().unwrap();
            drop(copy);
            head
        })
        .collect();
    assert!(heads.windows(2).all(|pair| pair[0] == pair[1]));
    std::fs::remove_file(&edge).unwrap();
    let ledger = Ledger::open(&place.path, key(), at(50)).unwrap();
    assert_eq!(ledger.size(), 13);
    ledger.close(at(51)).unwrap();
    let ledger = Ledger::open(&place.path, key(), at(52)).unwrap();
    assert_eq!(ledger.size(), 15);
    drop(ledger);
    assert_eq!(place.verify(&[]).problems, []);
}

#[test]
fn a_ledger_of_another_key_is_not_opened_and_no_incident_is_made_of_it() {
    let place = Place::new();
    let error = Ledger::open(&place.path, LedgerKey::from_seed(&[8; 32]), at(1)).unwrap_err();
    assert!(matches!(error, Error::WrongKey { .. }), "{error}");
    assert!(!incident::is_open(&place.path));
}

#[test]
fn reading_leaves_the_folder_as_it_was_with_and_without_a_writer() {
    let place = Place::filled();
    let listing = || {
        let mut files: Vec<_> = std::fs::read_dir(place.folder.path())
            .unwrap()
            .map(|file| file.unwrap())
            .map(|file| (file.file_name(), file.metadata().unwrap().mtime_nsec(), file.metadata().unwrap().len()))
            .collect();
        files.sort();
        files
    };
    let before = listing();
    let (reader, _scratch) = place.reader();
    assert_eq!(reader.head().unwrap().size, 12);
    reader.check(&key().public()).unwrap();
    drop(reader);
    assert_eq!(listing(), before);
    let mut ledger = place.open().unwrap();
    ledger.append(at(60), &[beat()]).unwrap();
    let (reader, _scratch) = place.reader();
    assert_eq!(reader.head().unwrap(), ledger.head());
    // The writer's locks are still there: had they been dropped, its write-ahead log could be removed under it.
    ledger.append(at(61), &[beat()]).unwrap();
    assert_eq!(reader.head().unwrap().size, ledger.size() - 1);
}

#[test]
fn a_copy_taken_while_another_process_writes_is_a_state_the_log_was_in() {
    if let Some(path) = given_ledger() {
        let mut ledger = Ledger::open(&path, key(), at(2)).unwrap();
        let large = draft(Kind::StepResult, json!({ "text": "x".repeat(20_000) }));
        for _ in 0..400 {
            ledger.append(at(3), std::slice::from_ref(&large)).unwrap();
        }
        return ledger.close(at(4)).unwrap();
    }
    let place = Place::new();
    let path = place.path.clone();
    let test = "a_copy_taken_while_another_process_writes_is_a_state_the_log_was_in";
    let writer = std::thread::spawn(move || {
        in_another_process(test, &path, |shell| {
            shell.args(["-c", "exec \"$@\"", "sh"]);
        })
    });
    let mut sizes = Vec::new();
    while !writer.is_finished() {
        let scratch = TempDir::new().unwrap();
        match Reader::copy(&place.path, scratch.path()) {
            Ok(reader) => {
                let report = verify(&reader, &[vkey()], &reader.checkpoints().unwrap(), &[]);
                assert_eq!(report.problems, []);
                sizes.push(report.entries);
            }
            // Given up after as many tries as there are, which is an answer too.
            Err(error) => assert!(matches!(error, Error::File { .. }), "{error}"),
        }
    }
    let output = writer.join().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(sizes.is_sorted());
    assert_eq!(place.verify(&[]).entries, 403);
}
