//! What no operator means to hand over: files without end, pipes, folders, links in circles, and documents made to grow.
//! Each is refused with its name and a code, at once, and within 256 MiB.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use super::bench::{Bench, Outcome, program};

/// A line of the program that may have 256 MiB of memory of its own, and is stopped when it waits for ever.
#[track_caller]
fn bounded(bench: &Bench, line: &str) -> Outcome {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -d 262144; exec timeout -k 1 120 \"$@\"", "sh"]).arg(program());
    command.args(line.split_whitespace()).current_dir(bench.path("")).env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    bench.finish(&mut command)
}

/// It ends so, in words, and without a panic.
#[track_caller]
fn refuses(bench: &Bench, line: &str, code: i32) -> String {
    let found = bounded(bench, line);
    let said = format!("{}{}", found.stdout, found.stderr);
    assert_eq!(found.exit, Some(code), "{line}\n{said}");
    assert!(!said.trim().is_empty() && !said.contains("panicked"), "{line}\n{said}");
    said
}

fn workspace() -> Bench {
    let bench = Bench::workspace()
        .procedure("note", "steps:\n  - { id: x, action: file.write, with: { path: note, content: x } }\n")
        .file(
            "procedures/ready.yaml",
            "runwarden: v1\nkind: checklist\nname: ready\ntitle: Ready\nversion: 1.0.0\nsummary: For a test.\nowner: ops\n\
             items:\n  - { id: there, action: file.stat, with: { path: . }, expect: result.exists }\n",
        );
    bench.run("run note").exits(0);
    bench.run("plan note -o plan.json").exits(0);
    bench.run("runs bundle last -o bundle.json").exits(0);
    bench
}

/// What may stand where a file is asked for. The last is 100 MB of nothing.
fn things(bench: &Bench) -> [&'static str; 5] {
    assert!(Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
    symlink("circle", bench.path("circle")).unwrap();
    fs::create_dir(bench.path("folder")).unwrap();
    let large = fs::File::create(bench.path("large")).unwrap();
    large.set_len(100 << 20).unwrap();
    large.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    ["/dev/zero", "pipe", "circle", "folder", "large"]
}

#[test]
fn what_is_no_file_or_has_no_end_is_refused_wherever_a_file_is_named() {
    let bench = workspace();
    for thing in things(&bench) {
        for (line, code) in [
            ("import {}", 2),
            ("verify-bundle {}", 11),
            ("verify-bundle bundle.json --actors {}", 2),
            ("run note --plan {}", 2),
            ("run note --plan plan.json --approval {}", 2),
            ("run note --parameters {}", 2),
            ("run note --waiver {}", 2),
            ("gate ready --parameters {}", 2),
            ("gate ready --answers {}", 2),
            ("gate ready --waiver {}", 2),
            ("waiver check {}", 2),
            ("ledger verify --ledger {}", 11),
            ("ledger verify --driver corvusforge --ledger {}", 11),
            ("ledger verify --driver hash_chain --recipe audit --ledger {}", 11),
            ("ledger verify --driver digest_log --ledger bundle.json --seal {}", 11),
            ("ledger verify --anchor {}", 11),
            ("ledger backup copy.db --ledger {}", 11),
            ("anchor verify {}", 11),
            ("key show {}", 11),
            ("runs report last --format intoto --signing-key {}", 2),
            ("--workspace {} list", 2),
        ] {
            refuses(&bench, &line.replace("{}", thing), code);
        }
        // A folder is where documents are.
        if thing != "folder" {
            refuses(&bench, &format!("check {thing}"), 2);
            refuses(&bench, &format!("fmt {thing}"), 2);
        }
    }
}

#[test]
fn a_pipe_beside_the_ledger_is_not_waited_for() {
    let bench = workspace();
    let pipe = |path: &str| {
        let path = bench.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    };
    for (path, lines) in [
        (".runwarden/ledger.db-wal", &[("ledger verify", 11), ("runs", 11), ("run note", 11)][..]),
        (".runwarden/ledger.db.checkpoints/1", &[("ledger verify", 11), ("runs", 0)][..]),
        (".runwarden/ledger.db.incident", &[("ledger incident", 11), ("run note", 11)][..]),
        // What is no request is told, and stops nobody.
        (".runwarden/ledger.db.inbox/x.json", &[("locks list", 0), ("run note", 0)][..]),
        (".runwarden/ledger.key", &[("run note", 11)][..]),
    ] {
        let kept = fs::read(bench.path(path)).ok();
        let pipe = pipe(path);
        for (line, code) in lines {
            refuses(&bench, line, *code);
        }
        fs::remove_file(&pipe).unwrap();
        if let Some(kept) = kept {
            fs::write(&pipe, kept).unwrap();
            fs::set_permissions(&pipe, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    bench.run("run note").exits(0);
}

#[test]
fn a_pipe_among_the_documents_is_named() {
    let bench = workspace();
    assert!(Command::new("mkfifo").arg(bench.path("procedures/pipe.yaml")).status().unwrap().success());
    let said = refuses(&bench, "check", 2);
    assert!(said.contains("pipe.yaml"), "{said}");
    refuses(&bench, "run pipe", 2);
    let there = Bench::empty();
    assert!(Command::new("mkfifo").arg(there.path(".gitignore")).status().unwrap().success());
    refuses(&there, "init .", 2);
}

/// What grows: aliases of aliases, one alias of much, depth, and many of everything.
fn bombs() -> Vec<(&'static str, String)> {
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        aliases.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")));
    }
    let many = format!("a: &a [{}]\nb: [{}]\n", ["x"; 20_000].join(","), ["*a"; 2_000].join(","));
    vec![
        ("alias", aliases),
        ("alias", many),
        ("too-deep", format!("a: {}", "[".repeat(2_000_000))),
        ("too-deep", "- ".repeat(1_500_000)),
        ("too-deep", format!("{}x\n", "? ".repeat(1_000_000))),
        ("too-many-nodes", format!("a: [{}]\n", ["x"; 300_000].join(","))),
        ("nul-character", format!("a: {}\n", "\0".repeat(100_000))),
        ("duplicate-key", "a: 1\n".repeat(200_000)),
    ]
}

#[test]
fn documents_that_are_made_to_grow_are_refused_by_name() {
    for (code, text) in bombs() {
        let bench = workspace().file("x.yaml", &text).file("procedures/bomb.yaml", &text);
        let said = refuses(&bench, "check x.yaml", 2);
        assert!(said.contains(&format!("error[{code}]")), "{code}: {}", &said[..said.len().min(2_000)]);
        refuses(&bench, "fmt x.yaml", 2);
        refuses(&bench, "run note --parameters x.yaml", 2);
        refuses(&bench, "--workspace x.yaml list", 2);
        // One document that is wrong does not take the others away.
        refuses(&bench, "run bomb", 2);
        refuses(&bench, "run note", 0);
    }
}

#[test]
fn data_that_is_made_to_grow_is_refused() {
    let aliases = format!("a: &a [{}]\nb: [{}]\n", ["x"; 100_000].join(","), ["*a"; 10_000].join(","));
    let rows = format!("{}\n{}", "n".repeat(200_000), "1\n".repeat(100_000));
    for (name, text) in [("x.yaml", aliases), ("x.csv", rows), ("x.json", "[".repeat(4_000_000))] {
        let bench = workspace()
            .file(name, &text)
            .procedure("read", &format!("steps:\n  - {{ id: read, action: data.read, with: {{ path: {name} }} }}\n"));
        let said = refuses(&bench, "run read", 1);
        assert!(said.contains(": no valid "), "{said}");
    }
}

#[test]
fn hostile_json_is_refused_wherever_it_is_read() {
    let deep = "[".repeat(1_000_000);
    let members = format!("{{{}}}", (0..100_000).map(|at| format!("\"k{at}\":[]")).collect::<Vec<_>>().join(","));
    let twice = "{\"v\":1,\"v\":1,\"type\":\"bundle\"}".to_owned();
    let number = format!("{{\"v\":{}}}", "9".repeat(1_000_000));
    for text in [deep, members, twice, number, "\u{feff}{}".to_owned(), "{\"v\":\"\0\"}".to_owned(), String::new()] {
        let bench = workspace().file("x.json", &text);
        refuses(&bench, "verify-bundle x.json", 11);
        refuses(&bench, "run note --plan x.json", 2);
        // What is longer than one may be is not read, and what is read is none.
        for (line, codes) in [
            ("waiver check x.json", [2, 6]),
            ("ledger verify --anchor x.json", [11, 1]),
            ("anchor verify x.json", [11, 1]),
        ] {
            let found = bounded(&bench, line);
            assert!(codes.map(Some).contains(&found.exit), "{line}: {:?}\n{}", found.exit, found.stderr);
        }
    }
}
