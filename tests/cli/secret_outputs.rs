//! Secret outputs with the real binary: kept in a store before anybody could lose them, also by being killed.

use std::path::Path;

use super::bench::Bench;

const VALUE: &str = "made-in-the-night-7";
/// A store whose program keeps what it is given and then, once, kills whoever asked.
const STORE: &str = "targets:\n  box:\n    kind: secret_store\n    driver: command\n    get: [sh, get.sh, '{key}']\n    put: [sh, put.sh, '{key}']\n    missing_exits: [4]\n";
const GET: &str = "test -f \"kept_$1\" || exit 4\ncat \"kept_$1\"\n";
const PUT: &str = "cat > \"kept_$1\"\nif [ -f deadly ]; then rm deadly; kill -9 $PPID; fi\n";
const ROTATE: &str = "targets: { box: { kind: secret_store } }\nsteps:\n  - id: make\n    action: command.run\n    with: { argv: [sh, -c, 'echo x >> made; cat source'] }\n    secret_outputs: { token: { from: stdout, store: box, key: TOKEN } }\n    undo: { none: It was made. }\n  - id: use\n    action: command.run\n    with: { argv: [sh, -c, 'printf %s \"$T\" | wc -c > used; echo \"$T\"'], env: { T: '{{ secrets.token }}' } }\n    undo: { none: It was used. }\n";

fn bench() -> Bench {
    let bench = Bench::workspace();
    let workspace = format!("{}\n{STORE}", bench.read("runwarden.yaml"));
    bench
        .file("runwarden.yaml", &workspace)
        .file("get.sh", GET)
        .file("put.sh", PUT)
        .file("source", &format!("{VALUE}\n"))
        .procedure("rotate", ROTATE)
}

/// Files below the engine's own folder that have the value in them.
fn leaks(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(leaks(&path));
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(VALUE) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn what_a_step_makes_is_kept_used_and_never_shown() {
    let bench = bench();
    let planned = bench.run("plan rotate --format json").exits(0).raw;
    let ran = bench.run("run rotate --format ndjson").exits(0);
    assert_eq!((bench.read("kept_TOKEN").as_str(), bench.read("used").trim()), (VALUE, "19"));
    let shown = bench.run("runs show last --format json").exits(0).raw;
    for said in [&planned, &ran.raw, &ran.stderr, &shown] {
        assert!(!said.contains(VALUE), "{said}");
    }
    assert_eq!(leaks(&bench.path(".runwarden")), Vec::<String>::new());
}

#[test]
fn killed_between_putting_and_outcome_it_asks_and_then_has_the_secret() {
    let bench = bench().file("deadly", "");
    let killed = bench.run("run rotate");
    assert_eq!(bench.read("kept_TOKEN"), VALUE, "{}", killed.stderr);
    assert!(!bench.exists("used") && !bench.exists("deadly"));
    let unknown = bench.run("resume last").exits(9);
    assert!(unknown.stdout.contains("nobody can tell whether step `make` happened"), "{}", unknown.stdout);
    let resumed = bench.run_with(&["resume", "last", "--resolve", "make=happened", "--reason", "the store has it"]);
    let resumed = resumed.exits(0);
    assert_eq!((bench.read("made").as_str(), bench.read("used").trim()), ("x\n", "19"));
    for said in [&unknown.raw, &resumed.raw, &resumed.stderr] {
        assert!(!said.contains(VALUE), "{said}");
    }
    assert_eq!(leaks(&bench.path(".runwarden")), Vec::<String>::new());
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn killed_before_it_was_put_it_is_made_again_if_a_person_says_so() {
    let deadly = PUT.replace("cat > \"kept_$1\"\n", "cat > taken; if [ ! -f deadly ]; then mv taken \"kept_$1\"; fi\n");
    let bench = bench().file("put.sh", &deadly).file("deadly", "");
    bench.run("run rotate");
    assert!(!bench.exists("kept_TOKEN"));
    bench.run("resume last").exits(9);
    bench.run_with(&["resume", "last", "--resolve", "make=not_happened", "--reason", "no store has it"]).exits(0);
    assert_eq!((bench.read("made").as_str(), bench.read("used").trim()), ("x\nx\n", "19"));
    assert_eq!(leaks(&bench.path(".runwarden")), Vec::<String>::new());
}
