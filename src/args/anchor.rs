//! The arguments of `anchor`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::ledger::{Keys, Whose};

/// Export and judge anchors: what a ledger came to, kept where it cannot be changed
#[derive(Debug, ClapArgs)]
pub struct Anchor {
    #[command(subcommand)]
    pub command: AnchorCommand,
}

/// What to do with anchors.
#[derive(Debug, Subcommand)]
pub enum AnchorCommand {
    Export(AnchorExport),
    Store(AnchorStore),
    Fetch(AnchorFetch),
    Verify(AnchorVerify),
}

/// Make the anchor of a run, over entries that verify
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Of a run of our own: RUN.tlog-proof and RUN.json, the exact bytes of its `run.end` entry. What is there\nalready must be the same.\n\nExamples:\n  runwarden anchor export last -o /mnt/anchors\n  runwarden anchor export --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 > cf-1.json\n  runwarden anchor export --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 -o /mnt/anchors\n  runwarden anchor export --driver digest_log --ledger state/challenge_events.jsonl -o /mnt/anchors/events.json"
)]
pub struct AnchorExport {
    #[command(flatten)]
    pub whose: Whose,
    #[command(flatten)]
    pub run: AnyRun,
    /// Write it into this folder; the head of a log into this file
    #[arg(short, long, value_name = "DIR|FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub keys: Keys,
}

/// Which run; the head of a log is of none.
#[derive(Debug, Clone, ClapArgs)]
#[group(required = false, multiple = false)]
pub struct AnyRun {
    /// The run: its id; of our own also a beginning of it that no other has, or `last`
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// The same
    #[arg(long = "run", value_name = "ID")]
    pub named: Option<String>,
}

impl AnyRun {
    /// As it was said, in either place; empty where it was not.
    pub fn said(&self) -> &str {
        self.run.as_deref().or(self.named.as_deref()).unwrap_or_default()
    }
}

/// Which run.
#[derive(Debug, Clone, ClapArgs)]
#[group(required = true, multiple = false)]
pub struct WhichRun {
    /// The run: its id; of our own also a beginning of it that no other has, or `last`
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// The same
    #[arg(long = "run", value_name = "ID")]
    pub named: Option<String>,
}

impl WhichRun {
    /// As it was said, in either place.
    pub fn said(&self) -> &str {
        self.run.as_deref().or(self.named.as_deref()).unwrap_or_default()
    }
}

/// Hand the anchor of a run to anchor stores; what a store has already is not stored again
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Each intent, receipt and failure is written to the ledger. Exits 1 when a store did not take it, or the\nrun is not anchored as policy asks.\n\nExamples:\n  runwarden anchor store last\n  runwarden anchor store 0199c3… --to vault --to backup_bucket\n  runwarden anchor store --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 --to vault"
)]
pub struct AnchorStore {
    #[command(flatten)]
    pub whose: Whose,
    #[command(flatten)]
    pub run: WhichRun,
    /// An anchor store of the workspace; else those that policy asks for
    #[arg(long = "to", value_name = "TARGET")]
    pub to: Vec<String>,
}

/// Fetch the anchors of a run from an anchor store; they are found, not judged
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 1 when the store has none, 11 when it cannot be read.\n\nExamples:\n  runwarden anchor fetch last --from vault -o fetched\n  runwarden anchor verify fetched/RUN.SIZE.ROOT.tlog-proof\n  runwarden anchor fetch --driver corvusforge --run cf-1 --from vault"
)]
pub struct AnchorFetch {
    #[command(flatten)]
    pub whose: Whose,
    #[command(flatten)]
    pub run: WhichRun,
    /// An anchor store of the workspace
    #[arg(long = "from", value_name = "TARGET")]
    pub from: String,
    /// Write what is found into this folder
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Compare a run with its anchor, line by line
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 1 when a line is wrong, 11 when ledger or anchor cannot be read. An anchor of our own is judged\nwithout its ledger, from RUN.tlog-proof, RUN.json beside it, and the key; with `--ledger` also with it.\n\nExamples:\n  runwarden anchor verify /mnt/anchors/RUN.tlog-proof --key ledger.vkey\n  runwarden anchor verify --from vault\n  runwarden anchor verify --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 cf-1.json"
)]
pub struct AnchorVerify {
    #[command(flatten)]
    pub whose: Whose,
    /// The run; of our own, else the one that the file is named after
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// The entry's bytes, in place of RUN.json beside RUN.tlog-proof
    #[arg(long, value_name = "FILE")]
    pub entry: Option<PathBuf>,
    /// Every entry of this stage must lie within the anchor
    #[arg(long, value_name = "STAGE")]
    pub covers_stage: Option<String>,
    /// The anchor must not be older
    #[arg(long, value_name = "DURATION")]
    pub max_age: Option<String>,
    #[command(flatten)]
    pub keys: Keys,
    /// All anchors of this store of the workspace, or those of `--run`, with the ledger and its receipts
    #[arg(long = "from", value_name = "TARGET", conflicts_with_all = ["file", "entry", "covers_stage", "log_entry"])]
    pub from: Option<String>,
    /// An entry of a Rekor log, as a receipt has it, that must be of this anchor
    #[arg(long, value_name = "FILE", requires = "log_key")]
    pub log_entry: Option<PathBuf>,
    /// The key that signs that log's checkpoints, `name+id+base64`
    #[arg(long, value_name = "VKEY", requires = "log_entry")]
    pub log_key: Option<String>,
    /// The anchor
    #[arg(required_unless_present = "from")]
    pub file: Option<PathBuf>,
}
