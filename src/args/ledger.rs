//! The arguments of `ledger` and `anchor`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// Read and verify a ledger, the workspace's or a foreign one
#[derive(Debug, ClapArgs)]
pub struct Ledger {
    #[command(subcommand)]
    pub command: LedgerCommand,
}

/// What to do with a ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    Verify(Verify),
    Show(Show),
    Tail(Tail),
    Head(Head),
}

/// Which ledger.
#[derive(Debug, Clone, ClapArgs)]
pub struct Whose {
    /// The ledger's file, in place of the workspace's own
    #[arg(long, value_name = "PATH")]
    pub ledger: Option<PathBuf>,
    /// Whose ledger it is
    #[arg(long, value_enum, default_value_t = Driver::Runwarden)]
    pub driver: Driver,
    /// How the lines of a `hash_chain` are hashed
    #[arg(long, value_enum, value_name = "RECIPE")]
    pub recipe: Option<Recipe>,
    /// The seal of a `digest_log`; else `challenges_chain_meta.json` beside it
    #[arg(long, value_name = "PATH")]
    pub seal: Option<PathBuf>,
}

/// Whose ledger it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// Runwarden's own
    Runwarden,
    /// The run ledger of Corvusforge, any of its three dialects
    Corvusforge,
    /// Forge's audit logs: JSON Lines that each name the one before; needs `--recipe`
    #[value(name = "hash_chain")]
    HashChain,
    /// MV-CRS's event log: JSON Lines, and one digest over all of them in a file beside it
    #[value(name = "digest_log")]
    DigestLog,
}

/// How the lines of a `hash_chain` are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Recipe {
    /// `audit.jsonl` of a scenario
    Audit,
    /// `billing_audit.jsonl` of a tenant
    Billing,
}

impl Driver {
    /// Its name, as targets have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runwarden => "runwarden",
            Self::Corvusforge => "corvusforge",
            Self::HashChain => "hash_chain",
            Self::DigestLog => "digest_log",
        }
    }
}

/// Judge a ledger: every entry, every checkpoint, and the anchors that are given
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 0 when it is whole and an anchor says so, 1 when something is wrong or nothing outside it\nsays it is whole, 11 when it cannot be read. The file is never opened: a private copy is read.\n\nExamples:\n  runwarden ledger verify --allow-unanchored\n  runwarden ledger verify --anchor /mnt/anchors/1024\n  runwarden ledger verify --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 --anchor cf-1.json\n  runwarden ledger verify --driver hash_chain --recipe audit --ledger results/audit.jsonl\n  runwarden ledger verify --driver digest_log --ledger state/challenge_events.jsonl"
)]
pub struct Verify {
    #[command(flatten)]
    pub whose: Whose,
    /// Judge this run alone; it must be there
    #[arg(long = "run", value_name = "ID")]
    pub runs: Vec<String>,
    /// Exit 0 also where no anchor says that the ledger is whole
    #[arg(long)]
    pub allow_unanchored: bool,
    /// An anchor from elsewhere: a signed checkpoint, or that system's own
    #[arg(long = "anchor", value_name = "FILE")]
    pub anchors: Vec<PathBuf>,
    /// The key that may sign for it, `name+id+base64`; else the workspace's, else the one it names itself
    #[arg(long, value_name = "VKEY")]
    pub vkey: Option<String>,
}

/// Show entries
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  runwarden ledger show --run 0199c3… --format ndjson\n  runwarden ledger show --kind step.result --limit 20"
)]
pub struct Show {
    #[command(flatten)]
    pub whose: Whose,
    /// Of this run alone
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Of this kind alone, like `step.result`
    #[arg(long)]
    pub kind: Option<String>,
    /// From this sequence number on
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub from: u64,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}

/// Show the newest entries
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  runwarden ledger tail -n 3")]
pub struct Tail {
    #[command(flatten)]
    pub whose: Whose,
    /// How many
    #[arg(short = 'n', value_name = "N", default_value_t = 10)]
    pub count: u64,
}

/// Show size and root: what an anchor of now would say
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  runwarden ledger head --format json")]
pub struct Head {
    #[command(flatten)]
    pub whose: Whose,
}

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
    after_help = "Examples:\n  runwarden anchor export --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 > cf-1.json\n  runwarden anchor export --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 -o /mnt/anchors"
)]
pub struct AnchorExport {
    #[command(flatten)]
    pub whose: Whose,
    /// The run
    #[arg(long, value_name = "ID")]
    pub run: String,
    /// Write it as RUN.json into this folder, which must not have it yet
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Compare a run with its anchor, line by line
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 1 when a line is wrong, 11 when ledger or anchor cannot be read.\n\nExample:\n  runwarden anchor verify --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 cf-1.json"
)]
pub struct AnchorVerify {
    #[command(flatten)]
    pub whose: Whose,
    /// The run
    #[arg(long, value_name = "ID")]
    pub run: String,
    /// Every entry of this stage must lie within the anchor
    #[arg(long, value_name = "STAGE")]
    pub covers_stage: Option<String>,
    /// The anchor must not be older
    #[arg(long, value_name = "DURATION")]
    pub max_age: Option<String>,
    /// The anchor
    pub file: PathBuf,
}
