//! `runwarden plan` of every shipped procedure leaves the workspace byte for byte as it was; strace, where it is there,
//! sees no file of it opened for writing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each shipped procedure with what it needs to be planned.
const PLANS: [&[&str]; 3] = [
    &["corvusforge.export_anchor", "-p", "run=cf-20260226-143000-a1b"],
    &["corvusforge.verify_anchor", "-p", "run=cf-20260226-143000-a1b"],
    &["corvusforge.respond_integrity_violation", "-p", "run=cf-20260226-143000-a1b"],
];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(drop).unwrap() }
    }
}

fn tree(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            tree(&path, found);
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    assert!(found || std::env::var_os("CI").is_none(), "strace is missing, and CI is set");
    found
}

#[test]
fn planning_what_is_shipped_writes_nothing() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/corvusforge");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap().join("workspace");
    for part in ["project", "runwarden.yaml"] {
        let (from, to) = (example.join(part), place.join(part));
        fs::create_dir_all(&place).unwrap();
        if from.is_dir() { copy(&from, &to) } else { fs::copy(&from, &to).map(drop).unwrap() }
    }
    let mut before = BTreeMap::new();
    tree(&place, &mut before);
    let trace = folder.path().join("trace");
    let traced = has_strace();
    for asked in PLANS {
        let program = env!("CARGO_BIN_EXE_runwarden");
        let mut command = if traced {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-y", "-A", "-e", "trace=%file", "-o"]).arg(&trace).arg(program);
            strace
        } else {
            Command::new(program)
        };
        let output = command.arg("-C").arg(&place).arg("plan").args(asked).output().unwrap();
        assert!(output.status.code().is_some_and(|code| code != 2), "{}", String::from_utf8_lossy(&output.stderr));
        let mut after = BTreeMap::new();
        tree(&place, &mut after);
        assert!(after == before, "planning {} changed the workspace", asked[0]);
    }
    if !traced {
        #[expect(clippy::print_stderr, reason = "a skipped part says why")]
        {
            eprintln!("skipped: strace is not installed");
        }
        return;
    }
    let seen = fs::read_to_string(&trace).unwrap();
    assert!(seen.contains("ledger.db"), "the trace has nothing of the plans");
    let changes = [
        "O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "unlink", "rename", "mkdir", " link(", " linkat(", " symlink",
        "chmod", "truncate",
    ];
    let place = place.to_string_lossy();
    // A path from the root counts by itself, a relative one by the folder that strace says it starts in.
    let is_there = |line: &str| match line.split('"').nth(1) {
        Some(path) if path.starts_with('/') => path.starts_with(&*place),
        _ => line.contains(&*place),
    };
    let wrong: Vec<&str> =
        seen.lines().filter(|line| changes.iter().any(|change| line.contains(change)) && is_there(line)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
