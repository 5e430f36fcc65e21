//! The arguments of `plan` and `run`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::people::Who;

/// What is asked for, by `plan` and `run` alike.
#[derive(Debug, ClapArgs)]
pub struct Asked {
    /// The procedure
    pub name: String,
    /// A parameter; lists and maps as JSON
    #[arg(short, long = "parameter", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub parameters: Vec<String>,
    /// A YAML or JSON file with parameters; those of the command line come first
    #[arg(long = "parameters", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What a target of the procedure stands for, by its name in runwarden.yaml
    #[arg(long = "target", value_name = "NAME=TARGET")]
    pub targets: Vec<String>,
    /// What a secret of the procedure stands for, by its name in runwarden.yaml
    #[arg(long = "secret", value_name = "NAME=SECRET")]
    pub secrets: Vec<String>,
    /// Make no reads; what depends on them stays undecided
    #[arg(long)]
    pub offline: bool,
    /// Let the plan run programs that the author calls read-only
    #[arg(long)]
    pub probe_commands: bool,
    /// A signed waiver of a guard; its signature is FILE.sig
    #[arg(long = "waiver", value_name = "FILE")]
    pub waivers: Vec<PathBuf>,
    #[command(flatten)]
    pub who: Who,
}

/// Show what running a procedure would do, and what is not known yet; changes nothing
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits as `run` would, as far as that is known: 0 ready, 3 refused, 4 guard, 1 failed.\n\nExamples:\n  runwarden plan hello\n  runwarden plan ops.deploy -p version=1.4.2 --target api=staging_api -o plan.json\n  runwarden run ops.deploy --plan plan.json"
)]
pub struct Plan {
    #[command(flatten)]
    pub asked: Asked,
    /// Keep the plan in this file, for `run --plan`
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit 20 when there is something to do
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// Run a procedure: plan it, do it step by step under its guards, and write down what happened
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Ctrl-C once stops after the current step and suspends the run; twice ends the step.\n\nExamples:\n  runwarden run hello\n  runwarden run ops.deploy -p version=1.4.2 --dry-run\n  runwarden run ops.deploy --plan plan.json --approval approval.json --confirm ops.deploy\n  runwarden run ops.restore --answer isolate.ticket=INC-7 --answer isolate.read_back=db-3\n  runwarden run ops.deploy -p version=1.4.2 --format ndjson"
)]
pub struct Run {
    #[command(flatten)]
    pub asked: Asked,
    /// Run what this plan file shows, or nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["parameters", "file", "targets", "secrets", "offline", "probe_commands", "dry_run"])]
    pub plan: Option<PathBuf>,
    /// Show what would be done, as `plan` does
    #[arg(long)]
    pub dry_run: bool,
    /// Answer confirmations with yes; no gate, guard or question to a person is one
    #[arg(short, long)]
    pub yes: bool,
    /// Confirm a high-risk procedure by its name
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// An answer to a manual step: `STEP.NAME=VALUE`, `STEP.read_back=VALUE`, `STEP.evidence=PATH`, or
    /// `STEP.done=yes` where the step asks for nothing
    #[arg(long = "answer", value_name = "STEP.NAME=VALUE", allow_hyphen_values = true)]
    pub answers: Vec<String>,
    /// A signed approval; its signature is FILE.sig
    #[arg(long = "approval", value_name = "FILE")]
    pub approvals: Vec<PathBuf>,
    /// Wait for the ledger, and for named locks, while another run has them
    #[arg(long, value_name = "DURATION")]
    pub wait_lock: Option<String>,
}

/// Which run that had stopped, and what is said about it.
#[derive(Debug, ClapArgs)]
pub struct Stopped {
    /// Its id, a beginning of it that no other has, or `last`
    pub run: String,
    /// What happened to a step of which nobody knows: `STEP=happened` or `STEP=not_happened`
    #[arg(long = "resolve", value_name = "STEP=WORD", requires = "reason")]
    pub resolve: Vec<String>,
    /// How you know; it goes on record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// An answer to a manual step, as for `run`
    #[arg(long = "answer", value_name = "STEP.NAME=VALUE", allow_hyphen_values = true)]
    pub answers: Vec<String>,
    /// A signed approval of what the run waits for; its signature is FILE.sig
    #[arg(long = "approval", value_name = "FILE")]
    pub approvals: Vec<PathBuf>,
    /// A signed waiver of a guard in this run alone; its signature is FILE.sig
    #[arg(long = "waiver", value_name = "FILE")]
    pub waivers: Vec<PathBuf>,
    #[command(flatten)]
    pub who: Who,
    /// Wait for the ledger, and for named locks, while another run has them
    #[arg(long, value_name = "DURATION")]
    pub wait_lock: Option<String>,
}

/// Go on with a run that failed, waits for an answer, was stopped or was killed
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "What was done is not done again; the procedure is the one the run was begun with.\n\nExamples:\n  runwarden resume last --plan\n  runwarden resume last --answer isolate.ticket=INC-7\n  runwarden resume 0199c3 --resolve deploy=not_happened --reason 'the release page shows 1.4.1'"
)]
pub struct Resume {
    #[command(flatten)]
    pub stopped: Stopped,
    /// Show what would be kept, done, and asked; change nothing
    #[arg(long)]
    pub plan: bool,
}

/// Take back what a run did that failed, was stopped or was killed, the last step first
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 7 when everything was taken back, 8 when something could not be.\n\nExamples:\n  runwarden undo last\n  runwarden undo 0199c3"
)]
pub struct Undo {
    #[command(flatten)]
    pub stopped: Stopped,
}

/// End a run: what is under way is stopped, what was done stays, and `undo` can take it back
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 0 when the run has ended and nothing it started is left, 9 when nobody can tell what became of its effect,\n1 when the process that moves it did not confirm it in time.\n\nExamples:\n  runwarden cancel last --reason 'wrong region'\n  runwarden cancel 0199c3 --reason 'superseded by INC-7' --wait 2m"
)]
pub struct Cancel {
    /// Its id, a beginning of it that no other has, or `last`
    pub run: String,
    /// Why; it goes on record
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How long to wait for the process that moves it
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub wait: String,
}

/// List named locks, or take one from the run that holds it
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  runwarden locks list\n  runwarden locks break kora/org_a --reason 'db-3 is gone for good'"
)]
pub struct Locks {
    #[command(subcommand)]
    pub command: LocksCommand,
}

/// What to do with locks.
#[derive(Debug, Subcommand)]
pub enum LocksCommand {
    /// List the locks that runs hold
    List,
    /// Take a lock from the run that holds it; that run does nothing more before it has it again
    Break {
        /// The lock
        lock: String,
        /// Why; it goes on record
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// How long to wait for the process that has the ledger
        #[arg(long, value_name = "DURATION", default_value = "30s")]
        wait: String,
    },
}
