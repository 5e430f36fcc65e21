//! The arguments of `runs bundle` and `verify-bundle`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::ledger::Keys;

/// Write one file with everything that shows what a run was
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Its entries with their proofs, the frozen plan and procedures, what people signed, and the public keys. No\nsecret and no private key is in it.\n\nExamples:\n  runwarden runs bundle last -o run.bundle.json\n  runwarden runs bundle 0199c3 > run.bundle.json"
)]
pub struct MakeBundle {
    /// Its id, a beginning of it that no other has, or `last`
    pub run: String,
    /// Where it is written; there must be nothing of that name. Without it, stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub keys: Keys,
}

/// Judge the bundle of a run, with nothing but that file and keys you know from elsewhere
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 1 when something is wrong or no key was given, 11 when it is no bundle.\n\nExamples:\n  runwarden verify-bundle run.bundle.json --key 'example.org/ops+eba71e03+Aep…'\n  runwarden verify-bundle run.bundle.json --key ledger.vkey --actors runwarden.yaml --format json"
)]
pub struct VerifyBundle {
    /// The bundle
    pub file: PathBuf,
    /// A key of the ledger that you know from elsewhere, `name+id+base64`, or a file of such lines
    #[arg(long = "key", visible_alias = "vkey", value_name = "VKEY|FILE")]
    pub keys: Vec<String>,
    /// A witness that must have cosigned, `name+id+base64`
    #[arg(long = "witness", value_name = "VKEY")]
    pub witnesses: Vec<String>,
    /// The key of a transparency log that took an anchor, `name+id+base64`: its entry is judged too
    #[arg(long = "log-key", value_name = "VKEY")]
    pub log_keys: Vec<String>,
    /// A workspace file that you know from elsewhere: its actors count in place of those in the bundle
    #[arg(long, value_name = "FILE")]
    pub actors: Option<PathBuf>,
    /// The run that it must be of
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Exit 0 also where no key was given and it only agrees with itself
    #[arg(long)]
    pub allow_unanchored: bool,
}
