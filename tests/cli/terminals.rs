//! With somebody at a terminal: `script` is the terminal. Where there is no such program these say so and are skipped.

use std::process::{Command, Stdio};

use super::bench::{Bench, Outcome, program};

const DROP: &str = "risk: high\nsteps:\n  - id: drop\n    title: Drop it\n    action: file.write\n    with: { path: note, content: x }\n    undo: { action: file.remove, with: { path: note } }\n";

/// Runs a line on a terminal on which `typed` is typed; nothing where there is no `script`.
fn on_a_terminal(bench: &Bench, arguments: &str, typed: &str) -> Option<Outcome> {
    use std::io::Write as _;
    let found = Command::new("script").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "`script` is needed");
        let _ = writeln!(std::io::stderr(), "skipped: there is no program `script`");
        return None;
    }
    let line = format!("{} {arguments}", program().display());
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(bench.path(".")).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TERM", "xterm");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    Some(bench.outcome(&child.wait_with_output().unwrap()))
}

#[test]
fn a_high_risk_run_shows_its_plan_and_begins_when_its_name_was_typed() {
    let bench = Bench::workspace().procedure("drop", DROP);
    let Some(outcome) = on_a_terminal(&bench, "run drop", "drop\r") else { return };
    let outcome = outcome.exits(0);
    assert!(
        outcome.raw.contains("Type `drop` to run it") && outcome.raw.contains("would run · file.write"),
        "{}",
        outcome.raw
    );
    assert_eq!(bench.read("note"), "x");
}

#[test]
fn another_name_is_no_confirmation() {
    let bench = Bench::workspace().procedure("drop", DROP);
    let Some(outcome) = on_a_terminal(&bench, "run drop --yes", "yes\r") else { return };
    outcome.exits(2);
    assert!(!bench.exists("note") && !bench.exists(".runwarden"));
}

#[test]
fn a_medium_risk_run_asks_yes_or_no_and_yes_answers() {
    let bench = Bench::workspace().procedure("drop", &DROP.replace("high", "medium"));
    let Some(outcome) = on_a_terminal(&bench, "run drop", "no\r") else { return };
    outcome.exits(2);
    assert!(!bench.exists("note"));
    bench.run("run drop --yes").exits(0);
}

#[test]
fn questions_are_asked_until_the_answer_fits() {
    let bench = Bench::workspace().procedure(
        "ask",
        "steps:\n  - id: look\n    manual: { ask: Look at the lamp., answer: { n: { type: integer, max: 5 } } }\n    undo: { none: Seen is seen. }\noutputs: { n: '{{ steps.look.n }}' }\n",
    );
    let Some(outcome) = on_a_terminal(&bench, "run ask", "3\r") else { return };
    let outcome = outcome.exits(0);
    assert!(outcome.raw.contains("Look at the lamp.") && outcome.raw.contains("n  3"), "{}", outcome.raw);
}

#[test]
fn colour_is_used_on_a_terminal_and_not_with_no_color() {
    let bench = Bench::workspace().procedure("drop", DROP);
    let Some(outcome) = on_a_terminal(&bench, "plan drop", "") else { return };
    assert!(outcome.raw.contains("\x1b[1mdrop\x1b[0m"), "{}", outcome.raw);
    let Some(outcome) = on_a_terminal(&bench, "plan drop --color never", "") else { return };
    assert!(!outcome.raw.contains("\x1b[1m"), "{}", outcome.raw);
}

/// Types the same line again and again until the program has ended: what is typed before it asks in secret is dropped.
fn typing_on_a_terminal(bench: &Bench, arguments: &str, typed: &str) -> Option<Outcome> {
    use std::io::Write as _;
    // Whether there is a terminal to be had at all.
    on_a_terminal(bench, "--version", "")?;
    let line = format!("{} {arguments}", program().display());
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(bench.path(".")).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TERM", "xterm");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    while child.try_wait().unwrap().is_none() {
        // Nobody reads any more once it has ended.
        let _ = keyboard.write_all(typed.as_bytes());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    Some(bench.outcome(&child.wait_with_output().unwrap()))
}

#[test]
fn the_passphrase_of_a_key_is_asked_for() {
    let bench = super::approvals::people("production").procedure("wait", "steps:\n  - { id: pause, wait: 1ms }\n");
    let mut encrypt = Command::new("ssh-keygen");
    encrypt.args(["-q", "-p", "-N", "a long phrase", "-f", "olga.key"]).current_dir(bench.path(""));
    let Ok(made) = encrypt.status() else {
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "`ssh-keygen` is needed");
        return;
    };
    assert!(made.success());
    let silent = bench.run("run wait --key olga.key -q").exits(3).stderr;
    assert!(silent.contains("is encrypted, and its passphrase was not given"), "{silent}");
    let Some(wrong) = typing_on_a_terminal(&bench, "run wait -q --key olga.key", "another\r") else { return };
    assert!(wrong.exits(3).raw.contains("cannot be decrypted with that passphrase"));
    let Some(right) = typing_on_a_terminal(&bench, "run wait -q --key olga.key", "a long phrase\r") else { return };
    assert!(right.exits(0).raw.contains("passphrase of olga.key"));
}
