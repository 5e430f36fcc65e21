//! The arguments of `key`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// Make keys, show which there are, and say which are trusted
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
    Rotate(KeyRotate),
    Trust(KeyTrust),
    Revoke(KeyRevoke),
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
    /// Whose it is: the actor's name, the ledger's origin, or what you call it
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
    /// Signs attestations of runs (`runs report --format intoto`): PKCS#8 in PEM
    Attestation,
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

/// Put a new key in the place of the ledger's
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Both keys sign the entry that says so and the checkpoints before and after it; from then on the old key\nsigns nothing. The old key's file is kept beside the new one, named by its key id: move it away. A\nrotation that was cut short is finished by the same command.\n\nExamples:\n  runwarden key rotate --reason 'the year is over'\n  runwarden key rotate --to new.key --reason 'the old machine is given back' --format json"
)]
pub struct KeyRotate {
    /// The file of the new key, made by `key generate --role ledger`; without it, a key is made
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// Pin the key of a ledger, so that its ledgers are verified with it
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Pins stand in a file beside the ledger's private key. A ledger of that origin is then verified by its\npinned keys, and by those that they handed over to; a key that it names itself is not enough.\n\nExamples:\n  runwarden key trust example.org/ops+eba71e03+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs\n  runwarden key trust their.vkey --reason 'read out over the telephone by Ada'"
)]
pub struct KeyTrust {
    /// The key, `name+id+base64`, or a file of such lines
    #[arg(value_name = "VKEY|FILE")]
    pub key: String,
    /// How it is known to be theirs
    #[arg(long, default_value = "")]
    pub reason: String,
}

/// Say that a key counts no longer
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Of an earlier key of the workspace's ledger: what it signed is unproven where no anchor from before\ncovers it, and `runwarden ledger verify` says what that leaves. The present key is rotated first. Of a\nkey that was pinned: it is a pin no longer, and is not pinned again.\n\nExamples:\n  runwarden key revoke eba71e03 --reason 'the old machine was stolen'\n  runwarden key revoke eba71e03 --since 2026-11-18T22:00:00Z --reason 'somebody was in that night'\n  runwarden key revoke example.org/ops+eba71e03+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs --reason lost"
)]
pub struct KeyRevoke {
    /// The key, `name+id+base64`, or its id of eight hex digits
    #[arg(value_name = "VKEY|ID")]
    pub key: String,
    /// Since when it may have been in other hands: anchors of more entries, or of later ones, show nothing of what it
    /// signed; without it, those count that were made before the revocation
    #[arg(long, value_name = "TIME|SIZE")]
    pub since: Option<String>,
    /// Why
    #[arg(long)]
    pub reason: String,
}
