//! Processes that a test begins, watches and signals.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::bench::Bench;

/// Begins the program and does not wait for it.
pub fn begin(bench: &Bench, line: &[&str]) -> Child {
    bench.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal, like `-INT`.
pub fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits until something is so; fails when it takes longer than that.
#[track_caller]
pub fn until(what: &str, within: Duration, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < within, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether any process has this among its arguments.
pub fn runs(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes.filter_map(Result::ok).any(|process| {
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|found| found == argument.as_bytes())
    })
}
