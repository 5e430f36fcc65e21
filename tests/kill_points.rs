//! The program is killed before each of its durable writes and before each start of an effect, gone on with, and what
//! happened is counted at the target: nothing twice, nothing lost, and no success with something open.
//!
//! `strace` delivers SIGKILL as the program enters a system call, so the points are the same each time and the program
//! knows of none of this. A part of the points is taken by default; `RUNWARDEN_KILL_POINTS=all` takes all of them, and
//! kills the resuming process too.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What changes a disk, and what starts a program.
const CALLS: &str =
    "pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,clone,clone3,vfork";

/// How far apart the points are that are taken by default.
const STRIDE: usize = 29;

const WORKSPACE: &str = "runwarden: v1\nenvironment: development\n\
    ledger: { path: .runwarden/ledger.db, key: .runwarden/ledger.key, origin: test/ops }\nprocedures: [procedures]\n\
    targets: { api: { kind: service, url: 'URL' } }\n";

const HEAD: &str =
    "runwarden: v1\nkind: procedure\ntitle: Ten steps\nversion: 1.0.0\nsummary: For a test.\nowner: ops\nrisk: low\n";

/// One action of each contract: read, idempotent, once, keyed, irreversible; a person, a list, a call, lanes.
const TEN: &str = "
name: ten
requires: { locks: [target] }
targets: { api: { kind: service } }
steps:
  - { id: look, action: file.stat, with: { path: runwarden.yaml } }
  - { id: write, action: file.write, with: { path: written, content: x }, undo: { action: file.remove, with: { path: written } } }
  - { id: once, action: command.run, with: { argv: [sh, -c, 'echo once >> count'] }, undo: { none: Counted. } }
  - { id: keyed, action: http.request, with: { target: api, method: POST, path: /keyed, idempotency_key: true }, undo: { none: Sent. } }
  - id: doomed
    action: file.remove
    with: { path: doomed }
    verify: [{ id: gone, action: file.stat, with: { path: doomed }, expect: not result.exists }]
    undo: { none: Removed. }
  - { id: person, manual: { ask: Is it on?, answer: { on: { type: boolean } } }, undo: { none: Seen. } }
  - { id: each, for_each: { items: [a, b] }, action: command.run, with: { argv: [sh, -c, 'echo each_$1 >> count', sh, '{{ item }}'] }, undo: { none: Counted. } }
  - { id: sub, call: called }
  - id: both
    parallel:
      - { id: left, action: file.write, with: { path: left, content: x }, undo: { action: file.remove, with: { path: left } } }
      - { id: right, action: file.write, with: { path: right, content: x }, undo: { action: file.remove, with: { path: right } } }
  - { id: last, action: command.run, with: { argv: [sh, -c, 'echo last >> count'] }, undo: { none: Counted. } }
";

const CALLED: &str = "
name: called
requires: { locks: [inner] }
steps:
  - { id: within, action: command.run, with: { argv: [sh, -c, 'echo within >> count'] }, undo: { none: Counted. } }
";

/// What was done is taken back, by an act that must not happen twice either.
const BACK: &str = "
name: back
on_failure: undo
steps:
  - { id: one, action: command.run, with: { argv: [sh, -c, 'echo one >> count'] }, undo: { action: command.run, with: { argv: [sh, -c, 'echo un_one >> count'] } } }
  - { id: two, action: file.write, with: { path: two, content: x }, undo: [{ action: file.remove, with: { path: two } }, { action: command.run, with: { argv: [sh, -c, 'echo un_two >> count'] } }] }
  - { id: fails, action: file.stat, with: { path: two }, verify: [{ id: gone, expect: not steps.fails.exists }] }
";

/// What is expected of a procedure, however often it was killed.
struct Story {
    name: &'static str,
    status: &'static str,
    exit: i32,
    count: &'static [&'static str],
    sent: usize,
}

const STORIES: [Story; 2] = [
    Story {
        name: "ten",
        status: "succeeded",
        exit: 0,
        count: &["each_a", "each_b", "last", "once", "within"],
        sent: 1,
    },
    Story { name: "back", status: "undone", exit: 7, count: &["one", "un_one", "un_two"], sent: 0 },
];

#[test]
fn killed_at_any_point_nothing_is_lost_and_nothing_happens_twice() {
    let found = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "`strace` is needed");
        let _ = writeln!(std::io::stderr(), "skipped: there is no program `strace`");
        return;
    }
    let all = std::env::var_os("RUNWARDEN_KILL_POINTS").is_some_and(|value| value == "all");
    let mut kills = 0;
    for story in &STORIES {
        // The last point is the one after which nothing is left to kill.
        for point in (1..).step_by(if all { 1 } else { STRIDE }) {
            let killed = live(story, point, None);
            kills += killed;
            if killed == 0 {
                assert!(point > 20, "only {point} calls were seen");
                break;
            }
            if all {
                kills += live(story, point, Some(1 + point * 7 % 60));
            }
        }
    }
    let _ = writeln!(std::io::stderr(), "killed {kills} times");
    assert!(!all || kills >= 500, "{kills} kills are not enough");
}

/// Runs a procedure to its end, killed at one point of the run and perhaps at one of what goes on with it; gives how
/// often it was killed.
fn live(story: &Story, point: usize, again: Option<usize>) -> usize {
    let place = Place::new();
    let mut kills = 0;
    let mut next = Some(point);
    let mut resolve: Option<String> = None;
    for _ in 0..12 {
        let begun = place.runs_of(story.name);
        let mut arguments = match &begun {
            None => vec!["run".to_owned(), story.name.to_owned()],
            Some(_) => vec!["resume".to_owned(), "last".to_owned()],
        };
        if story.name == "ten" {
            arguments.extend(["--answer".to_owned(), "person.on=true".to_owned()]);
        }
        if let Some(said) = resolve.take() {
            arguments.extend(["--resolve".to_owned(), said, "--reason".to_owned(), "looked".to_owned()]);
        }
        let output = place.killed_at(&arguments, next.take());
        place.wait_for_strays();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if output.status.signal() == Some(9) {
            kills += 1;
            next = if kills == 1 { again } else { None };
            if place.status(story.name).as_deref() == Some(story.status) {
                break;
            }
            continue;
        }
        match output.status.code() {
            Some(code) if code == story.exit => break,
            Some(9) => {
                let step = place.open_step(&said);
                let word = if place.happened(&step) { "happened" } else { "not_happened" };
                resolve = Some(format!("{step}={word}"));
            }
            other => panic!("point {point}, then {again:?}: exit {other:?}\n{said}"),
        }
    }
    place.check(story, &format!("point {point}, then {again:?}"));
    kills
}

/// A ledger in which something ran already: each point begins with a copy of it.
static LEDGER: OnceLock<tempfile::TempDir> = OnceLock::new();

/// A workspace in a folder of its own, with a service that counts.
struct Place {
    folder: tempfile::TempDir,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let keys = Arc::clone(&sent);
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut bytes = [0; 4096];
                let Ok(read) = stream.read(&mut bytes) else { continue };
                let request = String::from_utf8_lossy(&bytes[..read]).to_lowercase();
                let key = request.lines().find_map(|line| line.strip_prefix("idempotency-key:"));
                if let Some(key) = key {
                    keys.lock().unwrap().push(key.trim().to_owned());
                }
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        let place = Self { folder, sent };
        place.write("runwarden.yaml", &WORKSPACE.replace("URL", &url));
        for (name, text) in [("ten", TEN), ("called", CALLED), ("back", BACK)] {
            place.write(&format!("procedures/{name}.yaml"), &format!("{HEAD}{text}"));
        }
        place.write("doomed", "x");
        let from = LEDGER.get_or_init(|| {
            place.write("procedures/first.yaml", &format!("{HEAD}name: first\nsteps: [{{ id: w, wait: 1ms }}]\n"));
            let made = place.killed_at(&["run".to_owned(), "first".to_owned()], None);
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            let kept = tempfile::tempdir().unwrap();
            fs::rename(place.path(".runwarden"), kept.path().join("ledger")).unwrap();
            kept
        });
        let copied =
            Command::new("cp").arg("-a").arg(from.path().join("ledger")).arg(place.path(".runwarden")).status();
        assert!(copied.unwrap().success());
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The program with these arguments, killed as it enters the call of that number.
    fn killed_at(&self, arguments: &[String], point: Option<usize>) -> Output {
        let program = assert_cmd::cargo::cargo_bin!("runwarden");
        let mut command = match point {
            Some(point) => {
                let mut command = Command::new("strace");
                command.args(["-qq", "-o", "/dev/null", "-e", "signal=none", "-e", &format!("trace={CALLS}")]);
                command.args(["-e", &format!("inject={CALLS}:signal=SIGKILL:when={point}")]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        arguments.extend(["--format".to_owned(), "json".to_owned()]);
        serde_json::from_slice(&self.killed_at(&arguments, None).stdout).unwrap_or_default()
    }

    fn runs_of(&self, name: &str) -> Option<Value> {
        let found = self.json(&["runs", "--procedure", name]);
        let runs = found["runs"].as_array().cloned().unwrap_or_default();
        assert!(runs.len() <= 1, "it goes on as the same run: {runs:#?}");
        runs.into_iter().next()
    }

    fn status(&self, name: &str) -> Option<String> {
        self.runs_of(name)?["status"].as_str().map(str::to_owned)
    }

    /// What a killed program had started ends by itself; until then nobody can say what it did.
    fn wait_for_strays(&self) {
        let folder = self.folder.path().canonicalize().unwrap();
        let begun = Instant::now();
        while any_process_in(&folder) {
            assert!(begun.elapsed() < Duration::from_secs(60), "something still runs in {}", folder.display());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The step that the program says nobody can tell about.
    fn open_step(&self, said: &str) -> String {
        let step = said.split("--resolve ").nth(1).and_then(|rest| rest.split("=happened").next());
        step.unwrap_or_else(|| panic!("no step is named:\n{said}")).to_owned()
    }

    /// What the target knows of a step.
    fn happened(&self, step: &str) -> bool {
        let count = self.counted();
        let has = |line: &str| count.contains_key(line);
        match step {
            "keyed" => !self.sent.lock().unwrap().is_empty(),
            "each[0]" => has("each_a"),
            "each[1]" => has("each_b"),
            "sub/within" => has("within"),
            // Of a run that is taken back it is the act of the undo that is open, once the step itself was done.
            "one" => has(if self.is_taken_back() { "un_one" } else { "one" }),
            "two" => has("un_two"),
            "doomed" => !self.path("doomed").exists(),
            other => has(other),
        }
    }

    fn is_taken_back(&self) -> bool {
        let run = self.json(&["runs", "show", "last"]);
        run["entries"].as_array().unwrap().iter().any(|entry| entry["kind"] == "undo.intent" && entry["step"] == "one")
    }

    fn counted(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for line in fs::read_to_string(self.path("count")).unwrap_or_default().lines() {
            *counted.entry(line.to_owned()).or_default() += 1;
        }
        counted
    }

    fn check(&self, story: &Story, at: &str) {
        assert_eq!(self.status(story.name).as_deref(), Some(story.status), "{at}");
        let expected: BTreeMap<String, usize> = story.count.iter().map(|line| ((*line).to_owned(), 1)).collect();
        assert_eq!(self.counted(), expected, "{at}: each effect once");
        let mut keys = self.sent.lock().unwrap().clone();
        keys.dedup();
        assert_eq!(keys.len(), story.sent, "{at}: one key");
        let report = self.json(&["ledger", "verify"]);
        assert_eq!(report["status"], "self_consistent_only", "{at}: {report:#}");
        let open = report["runs"].as_array().unwrap().iter().any(|run| run["status"] == "unknown_outcome");
        assert!(!open, "{at}: nothing is open at the end: {report:#}");
        let locks = self.json(&["locks", "list"]);
        assert_eq!(locks["locks"].as_array().map(Vec::len), Some(0), "{at}: {locks}");
        match story.name {
            "ten" => {
                assert!(["written", "left", "right"].iter().all(|path| self.path(path).exists()), "{at}");
                assert!(!self.path("doomed").exists(), "{at}");
            }
            _ => assert!(!self.path("two").exists(), "{at}"),
        }
    }
}

fn any_process_in(folder: &Path) -> bool {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.filter_map(|process| fs::read_link(process.path().join("cwd")).ok()).any(|cwd| cwd == folder)
}
