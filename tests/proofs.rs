//! A ledger that a stranger can check: proofs, anchors, exports, backups and incidents, through the binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use rusqlite::Connection;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tlog_tiles::{
    Checkpoint, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree, record_hash,
    tree_hash,
};

/// A workspace with runs in its ledger.
struct Workspace {
    folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    exit: i32,
    out: String,
    err: String,
}

impl Workspace {
    fn new(runs: usize) -> Self {
        let workspace = Self { folder: TempDir::new().unwrap() };
        assert_eq!(workspace.run(&["init", "--origin", "example.org/test"]).exit, 0);
        for _ in 0..runs {
            assert_eq!(workspace.run(&["run", "hello"]).exit, 0);
        }
        workspace
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ledger(&self) -> PathBuf {
        self.path(".runwarden/ledger.db")
    }

    fn run(&self, arguments: &[&str]) -> Said {
        said(self.folder.path(), arguments)
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Json {
        let said = self.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(said.exit, 0, "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    /// Changes the ledger as somebody can who may write the file.
    fn change(&self, sql: &str) {
        let conn = Connection::open(self.ledger()).unwrap();
        let trigger: String = conn
            .query_row("SELECT sql FROM sqlite_schema WHERE name = 'entries_are_not_changed'", [], |row| row.get(0))
            .unwrap();
        conn.execute_batch(&format!("DROP TRIGGER entries_are_not_changed; {sql}; {trigger}")).unwrap();
    }
}

fn said(folder: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::cargo_bin("runwarden").unwrap();
    command.current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("TMPDIR", std::env::temp_dir());
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { exit: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The leaf hash of an entry's bytes, and the root over leaves: RFC 9162 section 2.1.1, written here once more.
fn leaf(body: &[u8]) -> Vec<u8> {
    Sha256::digest([&[0], body].concat()).to_vec()
}

fn root(leaves: &[Vec<u8>]) -> Vec<u8> {
    match leaves {
        [only] => only.clone(),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Sha256::digest([&[1], root(left).as_slice(), &root(right)].concat()).to_vec()
        }
    }
}

#[track_caller]
fn exits(said: &Said, exit: i32, says: &str) {
    assert_eq!(said.exit, exit, "{said:?}");
    assert!(said.out.contains(says) || said.err.contains(says), "`{says}` in {said:?}");
}

#[test]
fn the_lines_of_an_export_have_the_root_that_the_head_says() {
    let workspace = Workspace::new(2);
    let lines = workspace.run(&["ledger", "export"]).out;
    let leaves: Vec<Vec<u8>> = lines.lines().map(|line| leaf(line.as_bytes())).collect();
    let head = workspace.json(&["ledger", "head"]);
    assert_eq!(head["size"], leaves.len());
    let in_hex: String = root(&leaves).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(head["root"], in_hex);
}

#[test]
fn an_entry_is_proven_by_number_and_a_run_by_its_end() {
    let workspace = Workspace::new(2);
    let proof = workspace.json(&["ledger", "prove", "last"]);
    let entry: Json = serde_json::from_str(proof["entry"].as_str().unwrap()).unwrap();
    assert_eq!((&entry["kind"], &entry["seq"]), (&Json::from("run.end"), &proof["seq"]));
    let seq = proof["seq"].to_string();
    assert_eq!(workspace.json(&["ledger", "prove", &seq]), proof);
    assert_eq!(workspace.run(&["ledger", "prove", &seq]).out, proof["tlog_proof"].as_str().unwrap());
    // The same question has the same answer when the ledger has grown.
    assert_eq!(workspace.run(&["run", "hello"]).exit, 0);
    assert_eq!(workspace.json(&["ledger", "prove", &seq]), proof);
    exits(&workspace.run(&["ledger", "prove", "999"]), 1, "the ledger has no entry 999");
    exits(&workspace.run(&["ledger", "prove", "nosuch"]), 1, "the ledger has no run `nosuch`");
    exits(&workspace.run(&["ledger", "prove", "1", "--by", "2"]), 1, "no signed checkpoint of size 2");
    exits(&workspace.run(&["ledger", "prove", "1", "--driver", "corvusforge", "--ledger", "x"]), 2, "unsupported");
}

#[test]
fn growth_is_proven_as_a_witness_is_asked() {
    let workspace = Workspace::new(1);
    let proof = workspace.json(&["ledger", "consistency", "3"]);
    let text = workspace.run(&["ledger", "consistency", "3"]).out;
    let hashes: Vec<&str> = proof["proof"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
    assert_eq!(text, format!("old 3\n{}\n\n{}", hashes.join("\n"), proof["checkpoint"].as_str().unwrap()));
    exits(&workspace.run(&["ledger", "consistency", "3", "5"]), 1, "no signed checkpoint of size 5");
    exits(&workspace.run(&["ledger", "consistency", "999"]), 1, "not-sealed");
}

#[test]
fn the_anchor_of_a_run_is_judged_without_its_ledger() {
    let workspace = Workspace::new(2);
    let exported = workspace.json(&["anchor", "export", "last", "-o", "kept"]);
    let run = exported["run"].as_str().unwrap();
    let vkey = workspace.json(&["ledger", "head"])["vkey"].as_str().unwrap().to_owned();
    // Again is nothing new, and by the name `--run` it is the same run.
    assert_eq!(workspace.json(&["anchor", "export", "--run", run, "-o", "kept"]), exported);
    let proof = format!("kept/{run}.tlog-proof");
    assert_eq!(fs::read_to_string(workspace.path(&proof)).unwrap(), exported["tlog_proof"].as_str().unwrap());

    // A stranger: the two files and the key.
    let stranger = TempDir::new().unwrap();
    for extension in ["tlog-proof", "json"] {
        let name = format!("{run}.{extension}");
        fs::copy(workspace.path("kept").join(&name), stranger.path().join(&name)).unwrap();
    }
    fs::write(stranger.path().join("ledger.vkey"), format!("{vkey}\n")).unwrap();
    let file = format!("{run}.tlog-proof");
    for key in [vkey.as_str(), "ledger.vkey"] {
        exits(&said(stranger.path(), &["anchor", "verify", &file, "--key", key]), 0, "anchor of run");
    }
    exits(&said(stranger.path(), &["anchor", "verify", &file]), 2, "nothing says which key may sign the anchor");
    exits(&said(stranger.path(), &["anchor", "verify", &file, "--key", "nothing"]), 2, "--key `nothing`");
    let other = "example.org/test+2520415d+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
    exits(&said(stranger.path(), &["anchor", "verify", &file, "--key", other]), 2, "the key id does not fit");
    let entry = stranger.path().join(format!("{run}.json"));
    let changed = fs::read_to_string(&entry).unwrap().replace("succeeded", "refused!!");
    fs::write(&entry, changed).unwrap();
    exits(&said(stranger.path(), &["anchor", "verify", &file, "--key", &vkey]), 1, "wrong  inclusion");
    fs::remove_file(&entry).unwrap();
    exits(&said(stranger.path(), &["anchor", "verify", &file, "--key", &vkey]), 11, "cannot be read");

    // In its workspace the key is known, and the ledger can be compared with.
    exits(&workspace.run(&["anchor", "verify", &proof]), 0, "ok     inclusion");
    let ledger = workspace.ledger().display().to_string();
    let judged = workspace.run(&["anchor", "verify", &proof, "--ledger", &ledger]);
    exits(&judged, 0, "ok     ledger");
    fs::write(workspace.path(&format!("kept/{run}.json")), "{}").unwrap();
    exits(&workspace.run(&["anchor", "export", run, "-o", "kept"]), 2, "says something else");
}

#[test]
fn a_folder_of_anchors_makes_a_ledger_ok_and_tells_what_it_lacks() {
    let workspace = Workspace::new(2);
    let run = workspace.json(&["anchor", "export", "last", "-o", "kept"])["run"].as_str().unwrap().to_owned();
    let verify = |more: &[&str]| workspace.run(&[&["ledger", "verify"], more].concat());
    exits(&verify(&[]), 1, "self_consistent_only");
    exits(&verify(&["--anchors", "kept"]), 0, "which no anchor covers");
    exits(&verify(&["--anchors", "kept", "--max-age", "1h"]), 0, "anchored to");
    exits(&verify(&["--anchors", "kept", "--max-age", "1ms"]), 1, "anchor_stale");
    exits(&verify(&["--max-age", "1h"]), 1, "anchor_missing");
    exits(&verify(&["--anchors", "gone"]), 1, "anchor_missing");
    exits(&verify(&["--anchor", "gone"]), 1, "anchor_missing");
    fs::create_dir(workspace.path("empty")).unwrap();
    exits(&verify(&["--anchors", "empty"]), 1, "anchor_missing");
    fs::remove_file(workspace.path(&format!("kept/{run}.tlog-proof"))).unwrap();
    exits(&verify(&["--anchors", "kept"]), 1, "anchor_missing");
    fs::write(workspace.path(&format!("kept/{run}.tlog-proof")), "overwritten").unwrap();
    exits(&verify(&["--anchors", "kept"]), 1, "bad_anchor");
    assert!(!workspace.path(".runwarden/ledger.db.incident").exists(), "a bad anchor is no damage of the ledger");
}

#[test]
fn tiles_grow_and_are_never_changed() {
    let workspace = Workspace::new(1);
    let first = workspace.json(&["ledger", "export", "--tiles", "site"]);
    let size = first["size"].as_u64().unwrap();
    let tile = |size: u64| fs::read(workspace.path(&format!("site/tile/0/000.p/{size}"))).unwrap();
    let leaves: Vec<Vec<u8>> = tile(size).chunks(32).map(<[u8]>::to_vec).collect();
    let lines = workspace.run(&["ledger", "export"]).out;
    assert_eq!(leaves, lines.lines().map(|line| leaf(line.as_bytes())).collect::<Vec<_>>());
    let newest = workspace.path(&format!(".runwarden/ledger.db.checkpoints/{size}"));
    assert_eq!(fs::read(workspace.path("site/checkpoint")).unwrap(), fs::read(newest).unwrap());
    assert_eq!(workspace.run(&["run", "hello"]).exit, 0);
    let second = workspace.json(&["ledger", "export", "--tiles", "site"]);
    assert!(second["size"].as_u64().unwrap() > size);
    assert_eq!(tile(second["size"].as_u64().unwrap())[..32 * size as usize], tile(size));
    // The site of another ledger is left alone.
    let other = Workspace::new(3);
    let site = workspace.path("site").display().to_string();
    exits(&other.run(&["ledger", "export", "--tiles", &site]), 1, "other-log");
}

/// The files of a site, as a client of tiled logs asks for them.
struct Site(PathBuf);

impl TileReader for Site {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // Go's checksum database says the height in the path, and C2SP's layout does not.
        let read = |tile: &Tile| fs::read(self.0.join(tile.path().replacen("tile/8/", "tile/", 1))).unwrap();
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

#[test]
fn a_client_that_is_not_ours_reads_the_tiles_and_proves_every_entry_by_them() {
    let workspace = Workspace::new(1);
    let items: Vec<u32> = (0..400).collect();
    let many = format!(
        "runwarden: v1\nkind: procedure\nname: many\ntitle: Many\nversion: 1.0.0\nsummary: Fills a ledger.\nowner: platform\n\
         risk: low\nsteps:\n  - id: each\n    title: One of many\n    for_each: {{ items: {items:?}, as: item, key: item, max_items: 500 }}\n    \
         action: data.value\n    with: {{ it: '{{{{ item }}}}' }}\n",
    );
    fs::write(workspace.path("procedures/many.yaml"), many).unwrap();
    assert_eq!(workspace.run(&["run", "many", "-q"]).exit, 0);
    assert_eq!(workspace.run(&["ledger", "export", "--tiles", "site"]).exit, 0);

    let note = fs::read(workspace.path("site/checkpoint")).unwrap();
    let checkpoint = Checkpoint::from_reader(&mut note.as_slice(), false).unwrap();
    assert_eq!(checkpoint.origin(), "example.org/test");
    assert!(checkpoint.size() > 256, "one tile is full and has one above it");
    let site = Site(workspace.path("site"));
    let reader = TileHashReader::new(checkpoint.size(), *checkpoint.hash(), &site);
    let entries = workspace.run(&["ledger", "export"]).out;
    for (index, entry) in entries.lines().take(usize::try_from(checkpoint.size()).unwrap()).enumerate() {
        let index = u64::try_from(index).unwrap();
        let proof = prove_record(checkpoint.size(), index, &reader).unwrap();
        let leaf = record_hash(entry.as_bytes());
        check_record(&proof, checkpoint.size(), *checkpoint.hash(), index, leaf).unwrap();
    }
    let earlier = tree_hash(200, &reader).unwrap();
    let proof = prove_tree(checkpoint.size(), 200, &reader).unwrap();
    check_tree(&proof, checkpoint.size(), *checkpoint.hash(), 200, earlier).unwrap();
}

#[test]
fn a_backup_verifies_with_the_anchors_of_its_ledger() {
    let workspace = Workspace::new(1);
    assert_eq!(workspace.run(&["anchor", "export", "last", "-o", "kept"]).exit, 0);
    let made = workspace.json(&["ledger", "backup", "backups/copy.db"]);
    assert_eq!(made["entries"], workspace.json(&["ledger", "head"])["size"]);
    exits(&workspace.run(&["ledger", "verify", "--ledger", "backups/copy.db", "--anchors", "kept"]), 0, ": ok:");
    exits(&workspace.run(&["ledger", "backup", "backups/copy.db"]), 11, "exists already");
}

#[test]
fn what_verification_finds_stops_everything_until_it_is_closed_by_name() {
    let workspace = Workspace::new(1);
    exits(&workspace.run(&["ledger", "incident"]), 0, "no incident is open");
    workspace.change("UPDATE entries SET kind = 'heartbeat' WHERE seq = 3");
    exits(&workspace.run(&["ledger", "verify"]), 1, "column_mismatch");
    let shown = workspace.run(&["ledger", "incident", "--format", "json"]);
    assert_eq!(shown.exit, 1);
    let shown: Json = serde_json::from_str(&shown.out).unwrap();
    let name = shown["name"].as_str().unwrap();
    assert_eq!((&shown["status"], &shown["problems"][0]["code"]), (&"open".into(), &"column_mismatch".into()));
    exits(&workspace.run(&["run", "hello"]), 11, "runwarden ledger incident");
    let close = |name: &str, reason: &str| workspace.run(&["ledger", "incident", "close", name, "--reason", reason]);
    exits(&close("another", "why not"), 1, "the open incident is");
    exits(&close(name, " "), 2, "the reason is empty");
    exits(&close(name, "the index column was repaired"), 0, &format!("incident {name} closed"));
    exits(&close(name, "once more"), 1, "has no open incident");
    workspace.change("UPDATE entries SET kind = json_extract(body, '$.kind') WHERE seq = 3");
    assert_eq!(workspace.run(&["run", "hello"]).exit, 0);
    let kinds = workspace.run(&["ledger", "show", "--kind", "incident.closed"]).out;
    assert!(kinds.contains("the index column was repaired"), "{kinds}");
}

#[test]
fn keys_are_made_private_and_shown_by_their_public_halves() {
    let workspace = Workspace::new(1);
    let shown = workspace.json(&["key", "show"]);
    assert_eq!((&shown["keys"][0]["role"], &shown["keys"][0]["name"]), (&"ledger".into(), &"example.org/test".into()));
    assert_eq!(shown["keys"][0]["vkey"], workspace.json(&["ledger", "head"])["vkey"]);

    let made = workspace.json(&["key", "generate", "ada.key", "--name", "ada"]);
    let mode = fs::metadata(workspace.path("ada.key")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o7777, 0o600);
    exits(&workspace.run(&["key", "generate", "ada.key", "--name", "ada"]), 11, "exists already");
    assert_eq!(workspace.json(&["key", "show", "ada.key"])["keys"][0]["public"], made["public"]);
    let private = fs::read_to_string(workspace.path("ada.key")).unwrap();
    assert!(private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"), "{private}");

    let made = workspace.json(&["key", "generate", "other.key", "--role", "ledger", "--name", "example.org/other"]);
    assert!(made["vkey"].as_str().unwrap().starts_with("example.org/other+"));
    exits(&workspace.run(&["key", "generate", "x.key", "--role", "ledger", "--name", "two words"]), 2, "--name");
    assert!(!workspace.path("x.key").exists());

    // The ledger's own key as an actor's: one key, one role.
    let line = shown["keys"][0]["public"].as_str().unwrap();
    let file = workspace.path("runwarden.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\nactors:\n  ada: {{ class: operator, roles: [], key: '{line}' }}\n")).unwrap();
    exits(&workspace.run(&["key", "show"]), 1, "one key has one role");
    let mut mode = fs::metadata(workspace.path("ada.key")).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o644);
    fs::set_permissions(workspace.path("ada.key"), mode).unwrap();
    exits(&workspace.run(&["key", "show", "ada.key"]), 11, "chmod 600");
}
