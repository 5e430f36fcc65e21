//! The arguments of `key`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// Make keys, and show which there are
#[derive(Debug, ClapArgs)]
pub struct Key {
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    Generate(KeyGenerate),
    Show(KeyShow),
}

/// Make a key and print its public half
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "The file has mode 0600 and is not encrypted; `ssh-keygen -p -f FILE` gives the key of an actor a\npassphrase. One key has one role: a ledger's key signs its checkpoints and nothing else.\n\nExamples:\n  runwarden key generate ada.key --name ada\n  runwarden key generate ledger.key --role ledger --name example.org/ops"
)]
pub struct KeyGenerate {
    /// Where the private key is written; there must be nothing of that name
    pub file: PathBuf,
    /// What it is for
    #[arg(long, value_enum, default_value_t = Role::Actor)]
    pub role: Role,
    /// Whose it is: the actor's name, or the ledger's origin
    #[arg(long)]
    pub name: String,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Somebody who acts: an OpenSSH key
    Actor,
    /// Signs the checkpoints of a ledger: PKCS#8 in PEM
    Ledger,
}

/// Show the public keys of the workspace, or of key files
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 1 when one key has two roles.\n\nExamples:\n  runwarden key show\n  runwarden key show ada.key --format json"
)]
pub struct KeyShow {
    /// Private key files or OpenSSH public ones; without any, the ledger's key and those of the actors
    pub files: Vec<PathBuf>,
}
