//! Programs: found, allowed, fed, and ended with all they started.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Workspace;
use crate::host::{Command, Error, Finished, Host, Probe};
use crate::id::Digest;

fn command(argv: &[&str]) -> Command {
    Command {
        argv: argv.iter().map(|argument| (*argument).to_owned()).collect(),
        folder: None,
        env: Vec::new(),
        stdin: None,
        timeout: Duration::from_secs(30),
        at_most: 64 * 1024,
    }
}

fn shell(script: &str) -> Command {
    command(&["sh", "-c", script])
}

async fn run(command: Command) -> Finished {
    Workspace::new().machine().run(command).await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn arguments_reach_the_program_as_they_are() {
    let hostile = ["; rm -rf /", "$(id)", "`id`", "a\nb", "-rf", "--", "*", "\"'\\", "", "%s", "é\u{202e}"];
    let mut argv = vec!["sh", "-c", "for argument do printf '%s\\0' \"$argument\"; done", "sh"];
    argv.extend(hostile);
    let finished = run(command(&argv)).await;
    let found: Vec<&str> = text(&finished.stdout).split_terminator('\0').collect();
    assert_eq!(found, hostile);
    let nul = Workspace::new().machine().run(command(&["true", "a\0b"])).await;
    assert!(matches!(nul, Err(Error::Program { .. })), "{nul:?}");
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_little_else() {
    let mut asked = command(&["env"]);
    asked.env = vec![("GIVEN".to_owned(), "a=b\nc".to_owned())];
    let finished = run(asked).await;
    let names: Vec<&str> = text(&finished.stdout).lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(names.contains(&"GIVEN"));
    for name in names {
        assert!(["PATH", "HOME", "LANG", "TZ", "GIVEN", "RUNWARDEN_COMMAND"].contains(&name), "{name}");
    }
    for name in ["", "A=B", "A\0"] {
        let mut asked = command(&["env"]);
        asked.env = vec![(name.to_owned(), String::new())];
        assert!(matches!(Workspace::new().machine().run(asked).await, Err(Error::Refused(_))));
    }
}

#[tokio::test]
async fn streams_exit_and_folder_are_its_own() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("below")).unwrap();
    let mut asked = shell("cat; pwd; echo oops >&2; exit 7");
    asked.stdin = Some(b"given\n".to_vec());
    asked.folder = Some(PathBuf::from("below"));
    let finished = workspace.machine().ask(asked).await.unwrap();
    let below = workspace.path("below").canonicalize().unwrap();
    assert_eq!(text(&finished.stdout), format!("given\n{}\n", below.display()));
    assert_eq!(text(&finished.stderr), "oops\n");
    assert_eq!((finished.code, finished.signal, finished.timed_out, finished.cut), (Some(7), None, false, false));
    assert_eq!(run(shell("kill -9 $$")).await.signal, Some(9));
}

#[tokio::test]
async fn a_program_that_reads_nothing_is_not_waited_for() {
    let mut asked = command(&["true"]);
    asked.stdin = Some(vec![b'x'; 8 * 1024 * 1024]);
    assert_eq!(run(asked).await.code, Some(0));
    assert_eq!(run(command(&["cat"])).await.stdout, b"");
}

#[tokio::test]
async fn a_hundred_megabytes_are_drained_and_not_kept() {
    let mut asked = shell("head -c 100000000 /dev/zero; head -c 100000000 /dev/zero >&2; echo done >&2");
    asked.at_most = 1000;
    let finished = run(asked).await;
    assert_eq!((finished.code, finished.cut), (Some(0), true));
    assert_eq!((finished.stdout.len(), finished.stderr.len()), (1000, 1000));
    assert!(finished.stdout.capacity() < 1_000_000);
}

#[tokio::test]
async fn what_takes_too_long_is_told_to_end_and_what_it_said_is_kept() {
    let mut asked = shell("trap 'echo ending; exit 3' TERM; echo begun; while :; do sleep 0.05; done");
    asked.timeout = Duration::from_millis(300);
    let finished = run(asked).await;
    assert!(finished.timed_out);
    assert_eq!(text(&finished.stdout), "begun\nending\n");
    assert_eq!(finished.code, Some(3));
}

#[tokio::test]
async fn what_will_not_end_is_killed_after_the_grace() {
    let mut asked = shell("trap '' TERM; while :; do sleep 0.05; done");
    asked.timeout = Duration::from_millis(100);
    let finished = run(asked).await;
    assert!(finished.timed_out);
    assert_eq!(finished.signal, Some(9));
}

/// Processes whose command line has this word.
fn with_word(word: &str) -> Vec<u32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes())
        })
        .collect()
}

/// A number of seconds that no other test sleeps, to know its processes by.
fn lasting(number: u32) -> String {
    format!("{}.{number}", 100_000 + std::process::id())
}

fn family(sleep: &str) -> String {
    format!(
        "sleep {sleep} & setsid sleep {sleep} & (setsid sh -c 'sleep {sleep} & sleep {sleep}' &) ; \
         nohup sleep {sleep} >/dev/null 2>&1 & echo up; wait"
    )
}

async fn until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(20), "it did not come to that");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_killed_program_leaves_no_descendants_whatever_session_they_are_in() {
    let sleep = lasting(1);
    let mut asked = shell(&family(&sleep));
    asked.timeout = Duration::from_millis(700);
    let finished = run(asked).await;
    assert!(finished.timed_out);
    assert_eq!(text(&finished.stdout), "up\n");
    assert_eq!(with_word(&sleep), [] as [u32; 0]);
}

#[tokio::test]
async fn dropping_a_run_ends_the_program_and_its_descendants() {
    let workspace = Workspace::new();
    let machine = workspace.machine();
    let sleep = lasting(2);
    let task = tokio::spawn({
        let script = family(&sleep);
        async move { machine.run(shell(&script)).await }
    });
    until(|| with_word(&sleep).len() >= 5).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    until(|| with_word(&sleep).is_empty()).await;
}

#[tokio::test]
async fn a_program_that_ends_by_itself_may_leave_a_service_behind() {
    let sleep = lasting(3);
    let finished = run(shell(&format!("setsid sleep {sleep} & echo started"))).await;
    assert_eq!((finished.code, text(&finished.stdout)), (Some(0), "started\n"));
    let left = with_word(&sleep);
    assert_eq!(left.len(), 1);
    let pid = rustix::process::Pid::from_raw(i32::try_from(left[0]).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_program_is_found_by_path_and_known_by_its_bytes() {
    let workspace = Workspace::new();
    let machine = workspace.machine();
    let found = machine.program("sh").unwrap();
    assert!(found.path.is_absolute());
    assert_eq!(found.digest, Digest::of(&std::fs::read(&found.path).unwrap()));
    assert_eq!(machine.program("sh").unwrap(), found);
    for name in ["no_such_program", "", "/", "/etc/passwd", "./sh", "a\0b"] {
        assert!(matches!(machine.program(name), Err(Error::Program { .. })), "{name:?}");
    }
}

#[tokio::test]
async fn a_changed_program_has_another_digest() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = Workspace::new();
    let machine = workspace.machine();
    let tool = workspace.file("tool", "#!/bin/sh\necho one\n");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    let before = machine.program("./tool").unwrap();
    std::fs::write(&tool, "#!/bin/sh\necho two\n").unwrap();
    assert_ne!(machine.program("./tool").unwrap().digest, before.digest);
}

#[tokio::test]
async fn only_allowed_programs_run_and_a_namesake_is_not_one() {
    use std::os::unix::fs::PermissionsExt;
    let mut workspace = Workspace::new();
    let namesake = workspace.file("true", "#!/bin/sh\necho attack\n");
    std::fs::set_permissions(&namesake, std::fs::Permissions::from_mode(0o755)).unwrap();
    let real = workspace.machine().program("true").unwrap().path;
    for entry in ["true".to_owned(), real.display().to_string()] {
        workspace.settings.allow_commands = Some(vec![entry]);
        let machine = workspace.machine();
        assert_eq!(machine.run(command(&["true"])).await.unwrap().code, Some(0));
        assert_eq!(machine.ask(command(&[real.to_str().unwrap()])).await.unwrap().code, Some(0));
        for other in ["false", "./true", namesake.to_str().unwrap(), "sh"] {
            assert!(matches!(machine.run(command(&[other])).await, Err(Error::Refused(_))), "{other}");
            assert!(matches!(machine.ask(command(&[other])).await, Err(Error::Refused(_))), "{other}");
            assert!(matches!(machine.program(other), Err(Error::Refused(_))), "{other}");
        }
    }
    workspace.settings.allow_commands = Some(Vec::new());
    assert!(matches!(workspace.machine().run(command(&["true"])).await, Err(Error::Refused(_))));
    assert!(matches!(workspace.machine().run(command(&[])).await, Err(Error::Refused(_))));
}
