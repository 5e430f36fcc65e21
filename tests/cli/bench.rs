//! A folder, a clean environment, and what the program makes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

/// The workspace file of most tests.
pub const WORKSPACE: &str = "runwarden: v1\nenvironment: development\n\
    ledger: { path: .runwarden/ledger.db, key: .runwarden/ledger.key, origin: test/ops }\nprocedures: [procedures]\n";

/// A folder to run the program in.
pub struct Bench {
    folder: TempDir,
    env: Vec<(String, String)>,
}

impl Bench {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), env: Vec::new() }
    }

    /// A workspace without procedures, in which nothing has run yet.
    pub fn workspace() -> Self {
        Self::empty().file("runwarden.yaml", WORKSPACE)
    }

    /// The same with a file.
    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The same with a low-risk procedure: its name, and what comes after the keys that every one has.
    pub fn procedure(self, name: &str, rest: &str) -> Self {
        let risk = if rest.contains("\nrisk:") || rest.starts_with("risk:") { "" } else { "risk: low\n" };
        let text = format!(
            "runwarden: v1\nkind: procedure\nname: {name}\ntitle: Title of {name}\nversion: 1.0.0\nsummary: For a test.\n\
             owner: ops\n{risk}{rest}"
        );
        self.file(&format!("procedures/{}.yaml", name.replace('.', "/")), &text)
    }

    /// The same with a variable in the environment, which is otherwise empty but for `PATH`.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A file's text.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// The program with these arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    /// A line of a shell in which `runwarden` is the program.
    pub fn shell(&self, line: &str) -> Outcome {
        let mut command = Command::new("sh");
        command.args(["-c", &line.replace("runwarden ", &format!("{} ", program().display()))]);
        self.prepare(&mut command);
        self.finish(&mut command)
    }

    fn prepare(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
    }

    /// Runs the program; the words of `line` are its arguments.
    #[track_caller]
    pub fn run(&self, line: &str) -> Outcome {
        self.run_with(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs the program with these arguments.
    #[track_caller]
    pub fn run_with(&self, arguments: &[&str]) -> Outcome {
        self.finish(&mut self.command(arguments))
    }

    /// Waits for a command and takes down what it said.
    pub fn finish(&self, command: &mut Command) -> Outcome {
        self.outcome(&command.output().unwrap())
    }

    pub fn outcome(&self, output: &std::process::Output) -> Outcome {
        let folder = self.folder.path();
        Outcome {
            exit: output.status.code(),
            raw: String::from_utf8(output.stdout.clone()).unwrap(),
            stdout: steady(&String::from_utf8_lossy(&output.stdout), folder),
            stderr: steady(&String::from_utf8_lossy(&output.stderr), folder),
        }
    }
}

/// The program under test.
pub fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("runwarden").to_owned()
}

/// What the program said and how it ended.
pub struct Outcome {
    pub exit: Option<i32>,
    /// What it wrote to stdout, byte for byte.
    pub raw: String,
    /// The same, with what differs from run to run replaced.
    pub stdout: String,
    /// What it wrote to stderr, likewise.
    pub stderr: String,
}

impl Outcome {
    /// It exits with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.exit, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// It writes exactly this to stdout.
    #[track_caller]
    pub fn prints(self, expected: &str) -> Self {
        same("stdout", &self.stdout, expected);
        self
    }

    /// It writes exactly this to stderr.
    #[track_caller]
    pub fn says(self, expected: &str) -> Self {
        same("stderr", &self.stderr, expected);
        self
    }

    /// What it writes to stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.raw).unwrap()
    }

    /// Its JSON fits the schema of this name.
    #[track_caller]
    pub fn fits(self, bench: &Bench, schema: &str) -> Self {
        let schema = bench.run_with(&["schema", schema]).exits(0).json();
        let value = self.json();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let problems: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(problems.is_empty(), "{problems:#?}\n{value:#}");
        self
    }
}

#[track_caller]
fn same(stream: &str, found: &str, expected: &str) {
    let (found, expected) = (found.trim_end_matches('\n'), expected.trim_end_matches('\n'));
    assert!(found == expected, "{stream} is\n{found}\n--- and not\n{expected}\n---");
}

/// What differs from run to run, by what stands in its place.
static UNSTEADY: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let id = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}";
    let pairs = [
        (id, "ID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "TIME"),
        (r"\b\d\d:\d\d:\d\d\.\d{6}\b", "TIME"),
        ("sha256:[0-9a-f]{64}", "DIGEST"),
        ("[0-9a-f]{64}", "HEX"),
        (r"\b\d+ms\b", "SOON"),
        (r"process \d+", "process PID"),
        (r"by         \S+", "by         USER"),
    ];
    pairs.into_iter().map(|(pattern, word)| (Regex::new(pattern).unwrap(), word)).collect()
});

fn steady(text: &str, folder: &Path) -> String {
    let real = folder.canonicalize().unwrap();
    let text = text.replace(&*real.to_string_lossy(), "FOLDER").replace(&*folder.to_string_lossy(), "FOLDER");
    UNSTEADY.iter().fold(text, |text, (pattern, word)| pattern.replace_all(&text, *word).into_owned())
}
