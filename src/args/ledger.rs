//! The arguments of `ledger`.

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
    Prove(Prove),
    Consistency(Consistency),
    Export(Export),
    Backup(Backup),
    Incident(Incident),
    Checkpoint(Checkpoint),
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
    after_help = "Exits 0 when it is whole and an anchor says so, 1 when something is wrong or nothing outside it\nsays it is whole, 11 when it cannot be read. The file is never opened: a private copy is read. What\nis found wrong with the workspace's own ledger sets its latch: see `runwarden ledger incident`.\n\nExamples:\n  runwarden ledger verify --allow-unanchored\n  runwarden ledger verify --anchor /mnt/anchors/1024\n  runwarden ledger verify --anchors /mnt/anchors --max-age 24h\n  runwarden ledger verify --driver corvusforge --ledger .corvusforge/ledger.db --run cf-1 --anchor cf-1.json\n  runwarden ledger verify --driver hash_chain --recipe audit --ledger results/audit.jsonl\n  runwarden ledger verify --driver digest_log --ledger state/challenge_events.jsonl --anchor events.json"
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
    /// An anchor from elsewhere: a signed checkpoint, a tlog-proof, that system's own, or the recorded head of a log
    #[arg(long = "anchor", value_name = "FILE")]
    pub anchors: Vec<PathBuf>,
    /// A folder of anchors, or an anchor store of the workspace by its name: everything in it must fit, and there must
    /// be something
    #[arg(long = "anchors", value_name = "DIR|TARGET")]
    pub anchor_folders: Vec<PathBuf>,
    /// A witness whose cosignature makes a checkpoint an anchor, `name+id+base64`; else those of the workspace
    #[arg(long = "witness", value_name = "VKEY")]
    pub witnesses: Vec<String>,
    /// How many witnesses must have cosigned such a checkpoint; else as many as policy asks for, or one
    #[arg(long, value_name = "N")]
    pub quorum: Option<usize>,
    /// The newest anchor must not be older, counted from the last entry it covers
    #[arg(long, value_name = "DURATION")]
    pub max_age: Option<String>,
    #[command(flatten)]
    pub keys: Keys,
}

/// The keys that may sign.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Keys {
    /// A key that may sign for it, `name+id+base64`, or a file of such lines; else the workspace's, else the one that
    /// the ledger names itself
    #[arg(long = "key", visible_alias = "vkey", value_name = "VKEY|FILE")]
    pub keys: Vec<String>,
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

/// Prove that an entry is in the ledger, by a signed checkpoint that covers it
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Prints a C2SP tlog-proof. Anyone with the entry's bytes and the ledger's key can check it, with this\nprogram or another. Exits 1 when there is no such entry or nothing signed covers it, 11 when the\nentries are not those that were signed.\n\nExamples:\n  runwarden ledger prove 41 > 41.tlog-proof\n  runwarden ledger prove last --format json"
)]
pub struct Prove {
    #[command(flatten)]
    pub whose: Whose,
    /// The entry's number; or a run, whose end is proven: its id, a beginning of it that no other has, or `last`
    #[arg(value_name = "SEQ|RUN")]
    pub what: String,
    /// The checkpoint to prove it by; without it, the first that covers the entry
    #[arg(long, value_name = "SIZE")]
    pub by: Option<u64>,
    #[command(flatten)]
    pub keys: Keys,
}

/// Prove that the ledger only grew, from one size to a signed checkpoint
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Prints what C2SP tlog-witness sends to a witness: the smaller size, the proof, the signed checkpoint.\nExits 1 when there is no such checkpoint, 11 when the entries are not those that were signed.\n\nExamples:\n  runwarden ledger consistency 256\n  runwarden ledger consistency 256 1024 --format json"
)]
pub struct Consistency {
    #[command(flatten)]
    pub whose: Whose,
    /// The smaller size
    pub from: u64,
    /// The size of a signed checkpoint; without it, the newest
    pub to: Option<u64>,
    #[command(flatten)]
    pub keys: Keys,
}

/// Export all entries, as lines, as a static site of tiles, or as evidence
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Each line is an entry, byte for byte as it is hashed: leaf hash = SHA-256(0x00, line without its break).\nTiles are those of C2SP tlog-tiles, up to the newest signed checkpoint; a folder of tiles that is there\nalready grows, and is never made to say something else.\nEvidence is also taken of a broken ledger: its files are copied and hashed before anything opens them,\nthen come entries, hashes, checkpoints, anchors, receipts, who holds it, and what verification says;\n`sha256sum -c SHA256SUMS` checks all of it.\n\nExamples:\n  runwarden ledger export > entries.jsonl\n  runwarden ledger export --tiles /srv/www/ledger\n  runwarden ledger export --forensic -o /mnt/evidence/2026-11-20 --anchors /mnt/anchors"
)]
pub struct Export {
    #[command(flatten)]
    pub whose: Whose,
    /// Write tiles, entry bundles and the checkpoint into this folder
    #[arg(long, value_name = "DIR")]
    pub tiles: Option<PathBuf>,
    /// Collect evidence into the folder of `-o`, which must be empty or not there
    #[arg(long, requires = "output", conflicts_with = "tiles")]
    pub forensic: bool,
    /// Where the evidence goes
    #[arg(short = 'o', long, value_name = "DIR", requires = "forensic")]
    pub output: Option<PathBuf>,
    /// An anchor to take into the evidence
    #[arg(long = "anchor", value_name = "FILE", requires = "forensic")]
    pub anchors: Vec<PathBuf>,
    /// A folder of anchors to take into the evidence
    #[arg(long = "anchors", value_name = "DIR", requires = "forensic")]
    pub anchor_folders: Vec<PathBuf>,
    #[command(flatten)]
    pub keys: Keys,
}

/// Copy the ledger with its checkpoints and content, also while it is written
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "The ledger's key is not copied. Nothing is verified: `runwarden ledger verify --ledger FILE` does that.\n\nExample:\n  runwarden ledger backup /mnt/backup/2026-11-20.db"
)]
pub struct Backup {
    #[command(flatten)]
    pub whose: Whose,
    /// Where; there must be nothing of that name
    pub file: PathBuf,
}

/// Sign what there is, also when nothing happened; made for a timer, once a day
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "A `heartbeat` entry says that nothing happened, and a checkpoint covers it; the witnesses of the\nworkspace are asked to cosign. With `--if-older` nothing is done while the newest checkpoint covers an\nentry that is younger. Exits 1 when fewer witnesses cosigned than policy asks for, 10 when a run has\nthe ledger, which then makes checkpoints itself.\n\nExamples:\n  runwarden ledger checkpoint\n  runwarden ledger checkpoint --if-older 24h --format json"
)]
pub struct Checkpoint {
    /// Do nothing where the last signed entry is not older
    #[arg(long, value_name = "DURATION")]
    pub if_older: Option<String>,
}

/// Show the open incident, or close it
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "A verification that failed sets a latch, and nothing runs until the incident is closed by its name.\nExits 1 while one is open.\n\nExamples:\n  runwarden ledger incident\n  runwarden ledger incident close 3f1c8b6a2e11 --reason 'restored from the backup of Friday'",
    args_conflicts_with_subcommands = true
)]
pub struct Incident {
    #[command(flatten)]
    pub whose: Whose,
    #[command(subcommand)]
    pub command: Option<IncidentCommand>,
}

/// What to do with an incident.
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// Close it: it is written into the ledger with the reason, and runs are allowed again
    #[command(
        after_help = "Refused while the ledger does not verify from its last checkpoint on: repair it first.\n\nExample:\n  runwarden ledger incident close 3f1c8b6a2e11 --reason 'restored from the backup of Friday'"
    )]
    Close {
        /// The incident's name, as `runwarden ledger incident` shows it
        name: String,
        /// Why it is in order to go on
        #[arg(long)]
        reason: String,
    },
}
