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
    Verify(AnchorVerify),
}

/// Make the anchor of a run, over entries that verify
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Of a run of our own: RUN.tlog-proof and RUN.json, the exact bytes of its `run.end` entry. What is there\nalready must be the same.\n\nExamples:\n  runwarden anchor export last -o /mnt/anchors\n  runwarden anchor export --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 > cf-1.json\n  runwarden anchor export --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 -o /mnt/anchors"
)]
pub struct AnchorExport {
    #[command(flatten)]
    pub whose: Whose,
    #[command(flatten)]
    pub run: WhichRun,
    /// Write it into this folder
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub keys: Keys,
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

/// Compare a run with its anchor, line by line
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 1 when a line is wrong, 11 when ledger or anchor cannot be read. An anchor of our own is judged\nwithout its ledger, from RUN.tlog-proof, RUN.json beside it, and the key; with `--ledger` also with it.\n\nExamples:\n  runwarden anchor verify /mnt/anchors/RUN.tlog-proof --key ledger.vkey\n  runwarden anchor verify --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 cf-1.json"
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
    /// The anchor
    pub file: PathBuf,
}
