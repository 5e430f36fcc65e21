//! Files: replaced in one step, links and protected places refused under whatever name.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::Workspace;
use crate::host::machine::place::{FOLDER, READ, open_judged, place, place_beside, walk};
use crate::host::{EntryKind, Error, Existing, Host, Probe};
use crate::id::Digest;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, words: &str) {
    match result {
        Err(Error::Refused(message)) => assert!(message.contains(words), "{message}"),
        other => panic!("expected a refusal with `{words}`, found {other:?}"),
    }
}

#[track_caller]
fn file_error<T: std::fmt::Debug>(result: Result<T, Error>, kind: std::io::ErrorKind) {
    match result {
        Err(Error::File { source, .. }) => assert_eq!(source.kind(), kind),
        other => panic!("expected {kind}, found {other:?}"),
    }
}

#[test]
fn a_written_file_has_the_bytes_and_the_mode_whatever_the_umask() {
    let workspace = Workspace::new();
    workspace.machine().write(Path::new("a"), b"one", 0o666, Existing::Refuse).unwrap();
    assert_eq!(workspace.content("a"), "one");
    assert_eq!(mode(&workspace.path("a")), 0o666);
    assert_eq!(workspace.names(), ["a"]);
}

#[test]
fn an_existing_file_is_kept_unless_it_is_to_be_replaced() {
    let workspace = Workspace::new();
    workspace.file("a", "old");
    let machine = workspace.machine();
    file_error(machine.write(Path::new("a"), b"new", 0o600, Existing::Refuse), std::io::ErrorKind::AlreadyExists);
    assert_eq!(workspace.content("a"), "old");
    machine.write(Path::new("a"), b"new", 0o640, Existing::Replace).unwrap();
    assert_eq!(workspace.content("a"), "new");
    assert_eq!(mode(&workspace.path("a")), 0o640);
    assert_eq!(workspace.names(), ["a"]);
}

#[test]
fn of_many_who_create_the_same_file_one_succeeds() {
    let workspace = Workspace::new();
    let machine = workspace.machine();
    let created: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let machine = machine.clone();
                scope.spawn(move || {
                    let bytes = format!("writer {number}").repeat(1000);
                    usize::from(machine.write(Path::new("a"), bytes.as_bytes(), 0o600, Existing::Refuse).is_ok())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(created, 1);
    assert_eq!(workspace.names(), ["a"]);
}

#[test]
fn what_cannot_be_read_whole_is_not_written_at_all() {
    struct Breaks(usize);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or_else(|| std::io::Error::other("the disk gave up"))?;
            buffer.fill(b'x');
            Ok(buffer.len())
        }
    }
    let workspace = Workspace::new();
    workspace.file("kept", "old");
    let machine = workspace.machine();
    for (name, existing) in [("kept", Existing::Replace), ("fresh", Existing::Refuse)] {
        let result = machine.put(Path::new(name), 0o600, existing, Breaks(3));
        file_error(result, std::io::ErrorKind::Other);
    }
    assert_eq!(workspace.content("kept"), "old");
    assert_eq!(workspace.names(), ["kept"]);
}

/// Runs itself once more under a limit on the size of files, which is what a full disk looks like.
#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    const FOLDER_OF_CHILD: &str = "RUNWARDEN_TEST_FULL_DISK";
    if let Some(folder) = std::env::var_os(FOLDER_OF_CHILD) {
        let settings = super::Settings { root: PathBuf::from(folder), ..super::Settings::default() };
        let machine = super::Machine::new(settings);
        let large = vec![b'x'; 1024 * 1024];
        assert!(machine.write(Path::new("kept"), &large, 0o600, Existing::Replace).is_err());
        assert!(machine.write(Path::new("fresh"), &large, 0o600, Existing::Refuse).is_err());
        machine.write(Path::new("small"), b"fits", 0o600, Existing::Refuse).unwrap();
        return;
    }
    let workspace = Workspace::new();
    workspace.file("kept", "old");
    let child = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "host::machine::tests::files::a_full_disk_leaves_the_old_file_and_nothing_else"])
        .env(FOLDER_OF_CHILD, workspace.path(""))
        // Through a pipe: where our own output goes to a file, the limit would hold for that too.
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(workspace.content("kept"), "old");
    assert_eq!(workspace.names(), ["kept", "small"]);
}

#[test]
fn what_is_no_regular_file_is_neither_written_nor_removed() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("folder")).unwrap();
    workspace.file("real", "old");
    workspace.link("real", "link");
    workspace.link("nowhere", "dangling");
    let machine = workspace.machine();
    for name in ["folder", "link", "dangling", "/dev/null", "..", "folder/..", "real/", "", "/"] {
        assert!(machine.write(Path::new(name), b"new", 0o600, Existing::Replace).is_err(), "write {name}");
        assert!(machine.remove(Path::new(name)).is_err(), "remove {name}");
    }
    refused(machine.remove(Path::new("link")), "symbolic link");
    assert_eq!(workspace.content("real"), "old");
    assert_eq!(workspace.names(), ["dangling", "folder", "link", "real"]);
}

#[test]
fn a_mode_has_permissions_and_no_more() {
    let workspace = Workspace::new();
    refused(workspace.machine().write(Path::new("a"), b"", 0o4755, Existing::Refuse), "permissions");
    refused(workspace.machine().make_folder(Path::new("a"), 0o1777), "permissions");
    assert!(workspace.names().is_empty());
}

#[test]
fn a_file_is_written_through_a_linked_folder_into_the_real_one() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("real")).unwrap();
    workspace.link("real", "link");
    workspace.machine().write(Path::new("link/a"), b"one", 0o600, Existing::Refuse).unwrap();
    assert_eq!(workspace.content("real/a"), "one");
}

#[test]
fn what_is_protected_is_protected_under_every_name() {
    let workspace = Workspace::new().protecting(&["ledger.db", "keys", "not_yet"]);
    workspace.file("ledger.db", "ledger");
    workspace.file("keys/log.key", "key");
    workspace.link("keys", "other");
    workspace.link(workspace.path("."), "again");
    std::fs::hard_link(workspace.path("ledger.db"), workspace.path("second_name")).unwrap();
    let machine = workspace.machine();
    for name in [
        "ledger.db",
        "./ledger.db",
        "keys/../ledger.db",
        "again/ledger.db",
        "again/again/ledger.db",
        "second_name",
        "keys/log.key",
        "keys/new",
        "other/log.key",
        "other/new",
        "again/other/new",
        "not_yet",
    ] {
        for existing in [Existing::Refuse, Existing::Replace] {
            refused(machine.write(Path::new(name), b"", 0o600, existing), "protected");
            refused(machine.copy(Path::new("ledger.db"), Path::new(name), 0o600, existing), "protected");
        }
        refused(machine.remove(Path::new(name)), "protected");
    }
    refused(machine.make_folder(Path::new("other/a/b"), 0o700), "protected");
    assert_eq!(workspace.content("ledger.db"), "ledger");
    assert_eq!(workspace.content("keys/log.key"), "key");
    assert_eq!(machine.list(Path::new("keys")).unwrap(), ["log.key"]);
    machine.write(Path::new("ledger.db.notes"), b"", 0o600, Existing::Refuse).unwrap();
}

/// Runs itself once more to ask, from another process, whether the ledger is still locked.
#[test]
fn reading_a_protected_database_leaves_our_own_locks_on_it() {
    const LOCKED: &str = "RUNWARDEN_TEST_LOCKED";
    if let Some(path) = std::env::var_os(LOCKED) {
        let other = rusqlite::Connection::open(path).unwrap();
        other.busy_timeout(std::time::Duration::ZERO).unwrap();
        let error = other.execute_batch("BEGIN IMMEDIATE").unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
        return;
    }
    let workspace = Workspace::new().protecting(&["ledger.db"]);
    let ledger = rusqlite::Connection::open(workspace.path("ledger.db")).unwrap();
    ledger.execute_batch("CREATE TABLE entry (body BLOB); BEGIN IMMEDIATE").unwrap();
    std::fs::hard_link(workspace.path("ledger.db"), workspace.path("second_name")).unwrap();
    let machine = workspace.machine();
    for name in ["ledger.db", "second_name", "ledger.db"] {
        assert!(machine.read(Path::new(name), 1024 * 1024).unwrap().starts_with(b"SQLite"));
    }
    drop(machine.scratch(&[PathBuf::from("ledger.db")]).unwrap());
    let still_locked = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "host::machine::tests::files::reading_a_protected_database_leaves_our_own_locks_on_it"])
        .env(LOCKED, workspace.path("ledger.db"))
        .status()
        .unwrap();
    assert!(still_locked.success());
}

#[test]
fn protected_files_of_other_kinds_do_not_use_up_descriptors() {
    let workspace = Workspace::new().protecting(&["procedures"]);
    let machine = workspace.machine();
    for number in 0..50 {
        let name = format!("procedures/{number}.yaml");
        workspace.file(&name, "runwarden: v1\n");
        machine.read(Path::new(&name), 1000).unwrap();
    }
    let ours = workspace.path("procedures").canonicalize().unwrap();
    let open = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|path| path.starts_with(&ours));
    assert_eq!(open.count(), 0);
}

#[test]
fn a_link_put_in_the_way_after_the_judgement_is_not_followed() {
    let workspace = Workspace::new();
    let real = workspace.path("").canonicalize().unwrap();
    workspace.file("secret/a", "secret");
    workspace.file("plain/a", "plain");
    workspace.link("secret", "swapped");
    for open in [open_judged, walk] {
        assert!(open(&real.join("plain/a"), READ).is_ok());
        assert!(open(&real.join("plain"), FOLDER).is_ok());
        assert!(open(Path::new("/"), FOLDER).is_ok());
        assert!(open(&real.join("swapped/a"), READ).is_err());
        assert!(open(&real.join("swapped"), FOLDER).is_err());
        assert!(open(&real.join("none/a"), READ).is_err());
    }
}

#[test]
fn a_file_that_is_swapped_for_a_link_all_the_time_never_lets_a_write_out() {
    let workspace = Workspace::new().protecting(&["vault"]);
    workspace.file("vault/a", "untouched");
    std::fs::create_dir(workspace.path("real")).unwrap();
    workspace.link("real", "door");
    let machine = workspace.machine();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for to in ["vault", "real"] {
                    let _ = std::fs::remove_file(workspace.path("new_door"));
                    workspace.link(to, "new_door");
                    std::fs::rename(workspace.path("new_door"), workspace.path("door")).unwrap();
                }
            }
        });
        for _ in 0..500 {
            let _ = machine.write(Path::new("door/a"), b"attack", 0o600, Existing::Replace);
            let _ = machine.remove(Path::new("door/a"));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(workspace.content("vault/a"), "untouched");
    assert_eq!(machine.list(Path::new("vault")).unwrap(), ["a"]);
}

#[test]
fn inside_sees_through_links_dots_and_second_names() {
    let workspace = Workspace::new();
    workspace.file("in/a", "");
    workspace.file("out/a", "");
    workspace.link("../in", "out/door");
    workspace.link("a", "in/way_in");
    workspace.link("../out/a", "in/way_out");
    std::fs::hard_link(workspace.path("in/a"), workspace.path("out/twin")).unwrap();
    let machine = workspace.machine();
    let inside = |path: &str, folder: &str| machine.inside(Path::new(path), Path::new(folder)).unwrap();
    for path in ["in", "in/", "in/a", "in/new", "in/new/deep", "out/door/a", "out/door/new", "out/../in/a", "in/way_in"]
    {
        assert!(inside(path, "in"), "{path}");
    }
    for path in ["out", "out/a", "in/..", "in/../out/a", "in/way_out", "inner", "out/door/../out/a", "."] {
        assert!(!inside(path, "in"), "{path}");
    }
    assert!(inside("out/twin", "in/a"));
    assert!(!inside("in", "not_there"));
    assert!(inside("not_there/a", "not_there"));
}

#[test]
fn inside_refuses_what_it_cannot_decide() {
    let workspace = Workspace::new();
    workspace.file("file", "");
    workspace.link("nowhere", "dangling");
    workspace.link("loop", "loop");
    let machine = workspace.machine();
    for path in ["none/../file", "none/..", "dangling", "dangling/a", "loop", "loop/a", "file/below", "", "a\0b"] {
        assert!(machine.inside(Path::new(path), Path::new(".")).is_err(), "{path:?}");
        assert!(machine.inside(Path::new("file"), Path::new(path)).is_err(), "{path:?}");
    }
}

proptest! {
    #[test]
    fn inside_agrees_with_what_the_system_makes_of_a_path(parts in prop::collection::vec(
        prop::sample::select(vec!["a", "b", "..", ".", "to_b", "to_root"]), 1..8,
    )) {
        let mut workspace = Workspace::new();
        // So deep that no `..` leaves the workspace.
        workspace.settings.root = workspace.path("1/2/3/4/5/6/7");
        let root = Path::new("1/2/3/4/5/6/7");
        for file in ["a/b/b/x", "b/a/b/x"] {
            workspace.file(root.join(file), "");
        }
        for folder in ["", "a", "b", "a/b", "b/a"] {
            workspace.link(workspace.path(root.join("b")), root.join(folder).join("to_b"));
            workspace.link(workspace.path(root), root.join(folder).join("to_root"));
        }
        let path: PathBuf = parts.iter().collect();
        let folder = workspace.path(root.join("b")).canonicalize().unwrap();
        let judged = workspace.machine().inside(&path, Path::new("b"));
        let exists = (0..=parts.len()).rev().find_map(|count| {
            let front = workspace.path(root).join(parts[..count].iter().collect::<PathBuf>());
            Some((front.canonicalize().ok()?, &parts[count..]))
        });
        let (real, rest) = exists.unwrap();
        // Beside others, whose folder is known, a path leads where it leads by itself.
        let (whole, mut known) = (workspace.path(root).join(&path), std::collections::HashMap::new());
        for _ in 0..2 {
            let beside = place_beside(&whole, &mut known);
            prop_assert_eq!(beside.ok(), place(&whole).ok());
        }
        if rest.contains(&"..") {
            prop_assert!(judged.is_err());
        } else {
            prop_assert_eq!(judged.unwrap(), real.join(rest.iter().collect::<PathBuf>()).starts_with(folder));
        }
    }
}

#[test]
fn a_copy_has_content_and_given_mode_alone() {
    let workspace = Workspace::new();
    let from = workspace.file("from", &"content ".repeat(100_000));
    std::fs::set_permissions(&from, std::fs::Permissions::from_mode(0o4777)).unwrap();
    let machine = workspace.machine();
    let digest = machine.copy(Path::new("from"), Path::new("to"), 0o640, Existing::Refuse).unwrap();
    assert_eq!(digest, Digest::of(workspace.content("to").as_bytes()));
    assert_eq!(workspace.content("from"), workspace.content("to"));
    assert_eq!(mode(&workspace.path("to")), 0o640);
    file_error(
        machine.copy(Path::new("from"), Path::new("to"), 0o640, Existing::Refuse),
        std::io::ErrorKind::AlreadyExists,
    );
    file_error(
        machine.copy(Path::new("none"), Path::new("other"), 0o640, Existing::Refuse),
        std::io::ErrorKind::NotFound,
    );
    assert_eq!(workspace.names(), ["from", "to"]);
}

#[test]
fn folders_are_made_with_their_mode_and_made_once() {
    let workspace = Workspace::new();
    workspace.file("file", "");
    let machine = workspace.machine();
    machine.make_folder(Path::new("a/b/c"), 0o700).unwrap();
    machine.make_folder(Path::new("a/b/c"), 0o700).unwrap();
    assert_eq!(mode(&workspace.path("a/b")), 0o700);
    assert!(machine.make_folder(Path::new("file/below"), 0o700).is_err());
    assert!(machine.make_folder(Path::new("file"), 0o700).is_err());
    refused(machine.make_folder(Path::new("none/../a"), 0o700), "`..`");
}

#[test]
fn a_removed_file_is_gone_and_a_missing_one_is_an_error() {
    let workspace = Workspace::new();
    workspace.file("a", "");
    workspace.machine().remove(Path::new("a")).unwrap();
    assert!(workspace.names().is_empty());
    file_error(workspace.machine().remove(Path::new("a")), std::io::ErrorKind::NotFound);
}

#[test]
fn reading_stops_at_the_limit_and_at_what_has_no_end() {
    let workspace = Workspace::new();
    workspace.file("a", "12345");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        workspace.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let machine = workspace.machine();
    assert_eq!(machine.read(Path::new("a"), 5).unwrap(), b"12345");
    assert!(matches!(machine.read(Path::new("a"), 4), Err(Error::TooLarge { limit: 4, .. })));
    for endless in ["pipe", "/dev/zero", "/dev/tty", "."] {
        assert!(machine.read(Path::new(endless), 4).is_err(), "{endless}");
    }
}

#[test]
fn a_look_says_what_there_is_and_does_not_follow() {
    let workspace = Workspace::new();
    let file = workspace.file("a", "12345");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    workspace.link("a", "link");
    let machine = workspace.machine();
    let stat = |name: &str| machine.stat(Path::new(name)).unwrap();
    let found = stat("a").unwrap();
    assert_eq!((found.kind, found.size, found.mode), (EntryKind::File, 5, 0o640));
    assert_eq!(stat("link").unwrap().kind, EntryKind::Link);
    assert_eq!(stat(".").unwrap().kind, EntryKind::Folder);
    assert_eq!(stat("/dev/null").unwrap().kind, EntryKind::Other);
    assert_eq!(stat("none"), None);
    assert_eq!(stat("a/below"), None);
    let age = machine.now().since(found.modified).as_std();
    assert!(age < std::time::Duration::from_secs(60), "{age:?}");
}

#[test]
fn scratch_keeps_what_belongs_together_under_its_own_names() {
    let workspace = Workspace::new();
    workspace.file("x/db", "database");
    workspace.file("x/db-wal", "log");
    workspace.file("y/db", "another");
    let files: Vec<PathBuf> = ["x/db", "x/db-wal", "x/db-shm", "y/db"].iter().map(PathBuf::from).collect();
    let scratch = workspace.machine().scratch(&files).unwrap();
    let folder = scratch.folder.clone();
    assert_eq!(mode(&folder), 0o700);
    assert!(!folder.starts_with(workspace.path("")));
    let found: Vec<_> = scratch.files.iter().map(|copied| copied.original.to_str().unwrap()).collect();
    assert_eq!(found, ["x/db", "x/db-wal", "y/db"]);
    assert_eq!(scratch.files[0].copy.parent(), scratch.files[1].copy.parent());
    assert_ne!(scratch.files[0].copy.parent(), scratch.files[2].copy.parent());
    assert_eq!(scratch.files[1].copy.file_name().unwrap(), "db-wal");
    for copied in &scratch.files {
        let bytes = std::fs::read(&copied.copy).unwrap();
        assert_eq!(bytes, std::fs::read(workspace.path("").join(&copied.original)).unwrap());
        assert_eq!((copied.digest.clone(), copied.size), (Digest::of(&bytes), bytes.len() as u64));
    }
    drop(scratch);
    assert!(!folder.exists());
}

#[test]
fn a_file_that_does_not_hold_still_is_not_copied() {
    let workspace = Workspace::new();
    let busy = workspace.file("busy", "");
    // Long enough to copy that the other thread gets its turn in the middle of it.
    std::fs::File::options().write(true).open(&busy).unwrap().set_len(32 * 1024 * 1024).unwrap();
    let begun = std::sync::Barrier::new(2);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::os::unix::fs::FileExt;
            let file = std::fs::OpenOptions::new().write(true).open(&busy).unwrap();
            begun.wait();
            while !stop.load(Ordering::Relaxed) {
                file.write_all_at(b"x", 0).unwrap();
            }
        });
        begun.wait();
        let result = workspace.machine().scratch(&[PathBuf::from("busy")]);
        stop.store(true, Ordering::Relaxed);
        assert!(matches!(result, Err(Error::Unsteady { .. })), "{result:?}");
    });
}

#[test]
fn private_copies_are_never_made_inside_the_workspace() {
    let mut workspace = Workspace::new();
    workspace.file("a", "");
    workspace.settings.scratch_parent = Some(workspace.path("below"));
    std::fs::create_dir(workspace.path("below")).unwrap();
    refused(workspace.machine().scratch(&[PathBuf::from("a")]), "inside the workspace");
    assert_eq!(workspace.names(), ["a", "below"]);
}

#[test]
fn the_holder_of_a_file_is_found_by_any_name_of_it() {
    let workspace = Workspace::new();
    let path = workspace.file("held", "");
    workspace.link("held", "link");
    let mut child =
        std::process::Command::new("sleep").arg("60").stdin(std::fs::File::open(&path).unwrap()).spawn().unwrap();
    let found = workspace.machine().holders(&[PathBuf::from("link"), PathBuf::from("none")]).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let holder = found.holders.iter().find(|holder| holder.pid == child.id()).unwrap();
    assert_eq!(holder.name, "sleep");
    assert_eq!(holder.path, Path::new("link"));
    assert_eq!(holder.user, rustix::process::geteuid().as_raw());
}

#[test]
fn chance_is_not_the_same_twice() {
    let (mut first, mut second) = ([0; 32], [0; 32]);
    let workspace = Workspace::new();
    workspace.machine().random(&mut first).unwrap();
    workspace.machine().random(&mut second).unwrap();
    assert_ne!(first, second);
}
