//! What the tests of several stores share: a workspace with one store, programs that are looked for, servers that end.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::bench::Bench;

/// Whether a test cannot be done for want of something: says so, and fails where everything must be there.
#[track_caller]
pub fn is_missing(what: &str, there: bool) -> bool {
    if !there {
        assert!(std::env::var_os("CI").is_none(), "{what} is not there, and CI=true");
        eprintln!("skipped: {what} is not there");
    }
    !there
}

/// Whether a program can be started.
pub fn has(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).status().is_ok()
}

/// The Python that has the servers and judges from PyPI: that of the folder named in `RUNWARDEN_TEST_VENV`.
pub fn python(module: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("RUNWARDEN_TEST_VENV").map(PathBuf::from);
    let python = folder.map(|folder| folder.join("bin/python"));
    let there = python.as_ref().is_some_and(|python| {
        let asked = Command::new(python).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    });
    match is_missing(&format!("Python's `{module}` (a venv named in RUNWARDEN_TEST_VENV)"), there) {
        true => None,
        false => python,
    }
}

/// A program that ends with the test, and all that it started: what is left would hold the output of the tests open, and
/// whoever reads that to its end would wait for ever.
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

impl Server {
    /// Starts a program in a process group of its own.
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.process_group(0).stdin(Stdio::null()).spawn().unwrap())
    }

    /// Starts a program and waits until it writes a line that begins so; gives the rest of the line.
    pub fn start(command: &mut Command, ready: &str) -> (Self, String) {
        let mut server = Self::spawn(command.stdout(Stdio::piped()));
        let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.unwrap().strip_prefix(ready).map(str::to_owned));
        // The rest is read and dropped, so that the program never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        (server, line.unwrap())
    }
}

/// A free port of loopback.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A workspace with the store `vault`, and procedures that do nothing and that try the store.
pub fn workspace(store: &str, policy: &str) -> Bench {
    let file = format!(
        "runwarden: v1\nenvironment: development\nledger: {{ path: .runwarden/ledger.db, key: .runwarden/ledger.key, \
         origin: test/ops }}\nprocedures: [procedures]\ntargets:\n  book: {{ kind: ledger, path: .runwarden/ledger.db }}\n  \
         vault: {store}\n{policy}"
    );
    Bench::empty()
        .file("runwarden.yaml", &file)
        .procedure("demo.note", "steps:\n  - id: note\n    action: data.value\n    with: { value: 1 }\n")
        .procedure(
            "demo.independence",
            "targets:\n  vault: { kind: anchor_store }\n  book: { kind: ledger }\nsteps:\n  - id: try\n    action: \
             anchor.independence\n    with: { target: vault, ledger: book }\noutputs:\n  found: '{{ steps.try }}'\n",
        )
        .procedure(
            "demo.sound",
            "targets:\n  vault: { kind: anchor_store }\n  book: { kind: ledger }\nsteps:\n  - id: look\n    action: \
             ledger.verify\n    with: { target: book, anchors: [vault] }\noutputs:\n  status: '{{ steps.look.status }}'\n",
        )
}

/// After each run its anchor goes to `vault`.
pub const AFTER_RUN: &str = "policy: { anchor_after_run: vault }\n";

/// Runs a procedure; gives what it says.
#[track_caller]
pub fn run(bench: &Bench, name: &str, exit: i32) -> Value {
    bench.run(&format!("run {name} --format json")).exits(exit).json()
}

/// What the store's own trial says.
#[track_caller]
pub fn independence(bench: &Bench) -> Value {
    run(bench, "demo.independence", 0)["outputs"]["found"].clone()
}

/// The report of `ledger verify` with the store's anchors.
#[track_caller]
pub fn verified(bench: &Bench, exit: i32) -> Value {
    bench.run("ledger verify --anchors vault --format json").exits(exit).json()
}

/// The entries of a kind.
#[track_caller]
pub fn entries(bench: &Bench, kind: &str) -> Vec<Value> {
    let lines = bench.run(&format!("ledger show --kind {kind} --format ndjson")).exits(0).raw;
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A run is kept, found again, and judged by its store and by what was fetched from it.
#[track_caller]
pub fn is_kept_and_found(bench: &Bench) -> String {
    let done = run(bench, "demo.note", 0);
    assert_eq!(done["anchored"], true);
    let id = done["run"].as_str().unwrap().to_owned();
    let receipts = entries(bench, "anchor.receipt");
    assert_eq!(receipts.len(), 1, "{receipts:#?}");
    assert_eq!(receipts[0]["data"]["of"], id.as_str());
    assert_eq!(entries(bench, "anchor.intent").len(), 1);
    // What is there is not stored again, and no second receipt is written.
    bench.run(&format!("anchor store {id} --to vault")).exits(0);
    assert_eq!(entries(bench, "anchor.receipt").len(), 1);
    let report = verified(bench, 0);
    assert_eq!(report["status"], "ok", "{report:#}");
    let fetched = bench.run(&format!("anchor fetch {id} --from vault -o fetched --format json")).exits(0);
    let fetched = fetched.fits(bench, "output/anchor_fetch").json();
    let proof = fetched["files"].as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned());
    let proof = proof.into_iter().find(|path| path.ends_with(".tlog-proof")).unwrap();
    let judged = bench.run(&format!("anchor verify {proof} --format json")).exits(0).json();
    assert_eq!(judged["status"], "ok", "{judged:#}");
    bench.run("anchor verify --from vault").exits(0);
    let sound = run(bench, "demo.sound", 0);
    assert_eq!(sound["outputs"]["status"], "ok", "{sound:#}");
    id
}

/// The texts of what `anchor verify --from vault` finds wrong.
#[track_caller]
pub fn wrong(bench: &Bench) -> Vec<String> {
    let judged = bench.run("anchor verify --from vault --format json").exits(1).json();
    let findings = judged["findings"].as_array().unwrap().clone();
    let wrong = findings.iter().filter(|finding| finding["ok"] == false);
    wrong
        .map(|finding| format!("{}: {}", finding["code"].as_str().unwrap(), finding["detail"].as_str().unwrap()))
        .collect()
}

/// One of the texts has all of these words.
#[track_caller]
pub fn says(texts: &[String], words: &[&str]) {
    let has = |text: &String| words.iter().all(|word| text.contains(word));
    assert!(texts.iter().any(has), "{words:?} in\n{}", texts.join("\n"));
}
