//! How long the program takes to start: `--version`, and `list` of what is built in, each many times over.
//!
//! Beside it stand `true`, which is what starting any program costs, and `just --version` where just is installed. The
//! aim is at most 1.5 times just. `cargo bench --bench startup`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark fails by panicking and shows what it found")]

#[path = "beside/measure.rs"]
mod measure;

use std::process::{Command, Stdio};

use measure::{in_turn, measured, show};

const STARTS: usize = 200;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let started = |program: &str, argument: Option<&str>| {
        let mut command = Command::new(program);
        command.args(argument).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        measured(|| {
            for _ in 0..STARTS {
                command.status().unwrap();
            }
        })
    };
    let ours = env!("CARGO_BIN_EXE_runwarden");
    println!("\n{STARTS} starts (memory is that of the process that starts them)\n");
    for argument in ["--version", "list"] {
        for (peer, peers_argument) in [("true", None), ("just", Some("--version"))] {
            if Command::new(peer).arg("--version").stdout(Stdio::null()).status().is_err() {
                println!("  {peer} is not installed and was not compared\n");
                continue;
            }
            let both = in_turn(|| started(ours, Some(argument)), || started(peer, peers_argument));
            show(&format!("runwarden {argument}"), peer, both);
        }
    }
}
