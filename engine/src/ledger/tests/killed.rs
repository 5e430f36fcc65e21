//! A writer that is killed at any moment, and one whose disk fails at each of its writes and syncs: what was
//! acknowledged is there, nothing else is, and the next writer goes on.

#![expect(clippy::print_stdout, reason = "a test says why it is skipped, and with which seed it ran")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::*;

const KILLS: u32 = 200;

/// How many kills one ledger goes through.
const KILLS_EACH: u32 = 20;

fn given_ledger() -> Option<PathBuf> {
    std::env::var_os("RUNWARDEN_TEST_LEDGER").map(PathBuf::from)
}

/// This test again, in a process of its own that has a ledger to write.
fn again(program: &mut Command, test: &str, ledger: &Path) -> Command {
    let mut command = std::mem::replace(program, Command::new(""));
    command
        .args(["--exact", &format!("ledger::tests::killed::{test}"), "--nocapture", "--test-threads=1"])
        .env("RUNWARDEN_TEST_LEDGER", ledger)
        .stdin(Stdio::null());
    command
}

/// Numbers that are the same for the same seed.
struct Chance(u64);

impl Chance {
    /// From `RUNWARDEN_SEED`, or from the clock; printed, so that a failure can be had again.
    fn printed() -> Self {
        let seed = std::env::var("RUNWARDEN_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = seed.unwrap_or_else(clock) | 1;
        println!("RUNWARDEN_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Appends without end, in commits of one to three entries, and says of each entry that it was appended; signs a
/// checkpoint now and then, and closes and opens the ledger.
fn append_without_end(path: &Path) {
    let say = |line: String| writeln!(std::io::stdout(), "{line}").unwrap();
    let mut ledger = Ledger::open(path, key(), at(2)).unwrap();
    for turn in 0_usize.. {
        let text = "x".repeat(if turn % 7 == 0 { 6_000 } else { 40 });
        let drafts = vec![draft(Kind::StepResult, json!({ "text": text, "turn": turn })); turn % 3 + 1];
        for done in ledger.append(at(3), &drafts).unwrap() {
            say(format!("\nappended {} {}", done.seq, hex::encode(done.hash)));
        }
        if turn % 5 == 4 {
            ledger.checkpoint().unwrap();
            say(format!("\nsigned {}", ledger.size()));
        }
        if turn % 11 == 10 {
            ledger.close(at(3)).unwrap();
            ledger = Ledger::open(path, key(), at(3)).unwrap();
        }
    }
}

/// What was acknowledged of one ledger, by all its writers.
#[derive(Default)]
struct Acknowledged {
    entries: BTreeMap<u64, String>,
    anchors: Vec<Given>,
}

impl Acknowledged {
    fn take(&mut self, line: &str, ledger: &Path) {
        let mut words = line.split_whitespace();
        let (verb, number) = (words.next(), words.next().and_then(|number| number.parse().ok()));
        match (verb, number, words.next()) {
            (Some("appended"), Some(seq), Some(hash)) if hash.len() == 64 => {
                let before = self.entries.insert(seq, hash.to_owned());
                assert_eq!(before, None, "entry {seq} was acknowledged twice");
            }
            (Some("signed"), Some(size), None) => self.anchors.extend(signed::at(ledger, size).unwrap()),
            _ => {}
        }
    }

    /// All of it is there, and the ledger is what each of its own checkpoints said.
    #[track_caller]
    fn is_found(&self, place: &Place, what: &str) {
        let (reader, _scratch) = place.reader();
        let report = verify(&reader, &[vkey()], &reader.checkpoints().unwrap(), &self.anchors);
        assert_eq!(report.problems, [], "{what}");
        let expected = if self.anchors.is_empty() { Status::SelfConsistentOnly } else { Status::Ok };
        assert_eq!(report.status, expected, "{what}");
        for (seq, hash) in &self.entries {
            let stored = reader.entry(*seq).unwrap();
            assert_eq!(stored.map(|stored| hex::encode(stored.hash)).as_ref(), Some(hash), "entry {seq}, {what}");
        }
    }
}

/// Lets a writer run until a moment of chance, kills it, and gives what it said.
fn killed(test: &str, ledger: &Path, chance: &mut Chance) -> Vec<String> {
    let mut program = Command::new(std::env::current_exe().unwrap());
    let mut writer = again(&mut program, test, ledger).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (tell, told) = channel();
    let output = BufReader::new(writer.stdout.take().unwrap());
    let reading = std::thread::spawn(move || {
        output.lines().map_while(Result::ok).for_each(|line| {
            let _ = tell.send(line);
        });
    });
    // One in five while it starts, the others after some of what it says.
    let mut said = Vec::new();
    match chance.below(5) {
        0 => {}
        _ => wait_for(chance.below(40), &told, &mut said),
    }
    std::thread::sleep(Duration::from_micros(chance.below(8_000)));
    writer.kill().unwrap();
    assert!(!writer.wait().unwrap().success());
    reading.join().unwrap();
    said.extend(told.try_iter());
    said
}

fn wait_for(lines: u64, told: &Receiver<String>, said: &mut Vec<String>) {
    for _ in 0..lines {
        said.extend(told.recv());
    }
}

#[test]
fn a_writer_killed_200_times_loses_nothing_it_acknowledged_and_never_forks() {
    if let Some(path) = given_ledger() {
        return append_without_end(&path);
    }
    let test = "a_writer_killed_200_times_loses_nothing_it_acknowledged_and_never_forks";
    let mut chance = Chance::printed();
    let mut appended = 0;
    for _ in 0..KILLS / KILLS_EACH {
        let place = Place::new();
        let mut acknowledged = Acknowledged::default();
        for kill in 0..KILLS_EACH {
            let said = killed(test, &place.path, &mut chance);
            said.iter().for_each(|line| acknowledged.take(line, &place.path));
            acknowledged.is_found(&place, &format!("after kill {kill}"));
        }
        place.open().unwrap().close(at(9)).unwrap();
        acknowledged.is_found(&place, "at the end");
        appended += acknowledged.entries.len();
    }
    assert!(appended > 1_000, "{appended} entries are too few to have shown anything");
}

/// A short life of a ledger. What is acknowledged becomes a folder, since folders are made without a write.
fn live_shortly(path: &Path) {
    let said = files::beside(path, ".said");
    let say = |word: String| std::fs::create_dir(said.join(word)).unwrap();
    let written = (|| {
        let mut ledger = Ledger::open(path, key(), at(2))?;
        for turn in 0..4_u64 {
            let text = "x".repeat(if turn == 1 { 9_000 } else { 40 });
            let drafts = vec![draft(Kind::StepResult, json!({ "text": text })); 2];
            ledger.append(at(3), &drafts)?.iter().for_each(|done| say(done.seq.to_string()));
            if turn == 2 {
                ledger.checkpoint()?;
            }
        }
        ledger.checkpoint().map(drop)
    })();
    match written {
        Err(Error::NotWritable { cause, .. }) => say(format!("{cause:?}")),
        Err(Error::Unreadable { .. }) => say("Unreadable".to_owned()),
        Err(error) => say(format!("unexpected: {}", error.to_string().replace('/', "|"))),
        Ok(()) => say("done".to_owned()),
    }
}

/// Every `call` from the `number`th on, or that one alone, fails with `error`; gives the words that were said, or none
/// when there were not so many calls.
fn with_fault(test: &str, call: &str, error: &str, when: &str, place: &Place) -> Option<Vec<String>> {
    let said = files::beside(&place.path, ".said");
    std::fs::create_dir(&said).unwrap();
    let trace = place.folder.path().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(&trace).arg(format!("--trace={call}"));
    strace.arg(format!("--inject={call}:error={error}:when={when}")).arg(std::env::current_exe().unwrap());
    let status = again(&mut strace, test, &place.path).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let words: Vec<String> =
        std::fs::read_dir(&said).unwrap().map(|word| word.unwrap().file_name().into_string().unwrap()).collect();
    let was_hit = std::fs::read_to_string(&trace).unwrap().contains("(INJECTED)");
    // What strikes the test's own output ends the process; what strikes the ledger does not.
    assert!(status.success() || (was_hit && call == "write"), "{call} {error} {when}: {words:?}");
    was_hit.then_some(words)
}

fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    assert!(found || std::env::var_os("CI").is_none(), "strace is missing, and CI is set");
    if !found {
        println!("skipped: strace is not installed");
    }
    found
}

/// Lets each call fail, one after the other, and looks at what the ledger has then.
#[track_caller]
fn at_each(test: &str, call: &str, error: &str, lasting: bool, causes: &[&str]) {
    let mut hit = 0;
    for number in 1..200 {
        let place = Place::new();
        let when = if lasting { format!("{number}+") } else { number.to_string() };
        let what = format!("{call} {error} {when}");
        let Some(words) = with_fault(test, call, error, &when, &place) else { break };
        hit += 1;
        let acknowledged: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
        let outcome: Vec<&str> = words.iter().map(String::as_str).filter(|word| word.parse::<u64>().is_err()).collect();
        assert!(matches!(outcome[..], [] | ["done"]) || causes.contains(&outcome[0]), "{what}: {words:?}");
        let (reader, _scratch) = place.reader();
        let found: Vec<u64> = reader
            .entries(&Filter { from: 2, ..Filter::default() })
            .unwrap()
            .iter()
            .map(|stored| stored.seq.cast_unsigned())
            .collect();
        let mut said = acknowledged;
        said.sort_unstable();
        // Where no sync works any more, a commit that was written and never acknowledged may be found: all of it.
        let in_flight = found.strip_prefix(said.as_slice());
        let is_whole = in_flight.is_some_and(|rest| rest.is_empty() || (lasting && call == "fsync" && rest.len() == 2));
        assert!(is_whole, "{what}: acknowledged {said:?}, found {found:?}");
        let report = verify(&reader, &[vkey()], &reader.checkpoints().unwrap(), &[]);
        assert_eq!(report.problems, [], "{what}");
        // Once the disk is well again, the next writer goes on.
        place.open().unwrap().close(at(9)).unwrap();
        assert_eq!(place.verify(&[]).problems, [], "{what}");
    }
    println!("{call} {error}: {hit} calls");
    assert!(hit > 2 && hit < 199, "{call}: {hit} calls were made");
}

#[test]
fn at_each_write_and_sync_that_fails_acknowledged_is_what_is_found() {
    if let Some(path) = given_ledger() {
        return live_shortly(&path);
    }
    if !has_strace() {
        return;
    }
    let test = "at_each_write_and_sync_that_fails_acknowledged_is_what_is_found";
    for call in ["pwrite64", "write", "fsync"] {
        at_each(test, call, "EIO", false, &["Io", "Unreadable"]);
        at_each(test, call, "ENOSPC", false, &["DiskFull", "Io", "Unreadable"]);
    }
}

#[test]
fn a_disk_that_stays_full_is_called_so_wherever_it_became_full() {
    if let Some(path) = given_ledger() {
        return live_shortly(&path);
    }
    if !has_strace() {
        return;
    }
    let test = "a_disk_that_stays_full_is_called_so_wherever_it_became_full";
    for call in ["pwrite64", "write", "fsync"] {
        at_each(test, call, "ENOSPC", true, &["DiskFull"]);
    }
}
