//! The arguments by which people say who they are, consent, refuse, and lift guards.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// Who this is.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Who {
    /// Who you are, by your name under `actors` in runwarden.yaml; without it whoever has the key of --key, else your
    /// user name, which counts as a machine without roles
    #[arg(long = "as", value_name = "NAME", env = "RUNWARDEN_ACTOR", hide_env_values = true)]
    pub actor: Option<String>,
    /// Your OpenSSH private key; without it the SSH agent signs where a signature is needed
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Consent to a plan, or to what a run waits for, with a signature
#[derive(Debug, ClapArgs)]
pub struct Approve {
    #[command(flatten)]
    pub consent: Consent,
}

/// Refuse a plan, or what a run waits for: it does not run
#[derive(Debug, ClapArgs)]
pub struct Reject {
    #[command(flatten)]
    pub consent: Consent,
}

/// A consent or a refusal.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Of a plan file the document is written to FILE and its signature to FILE.sig, and no ledger is needed;\n`run --plan PLAN --approval FILE` brings it. Of a run it goes into the ledger, or into its inbox while another\nprocess has it. The documents are in docs/approvals.md; `ssh-keygen -Y sign` and `-Y verify` make and check them.\n\nExamples:\n  runwarden approve plan.json --key ~/.ssh/id_ed25519 -o approval.json\n  runwarden approve last --as ada\n  runwarden reject 0199c3 --key ada.key --reason 'not during the fair'"
)]
pub struct Consent {
    /// A plan file; or a run that waits, by its id, a beginning of it that no other has, or `last`
    #[arg(value_name = "PLAN|RUN")]
    pub what: String,
    #[command(flatten)]
    pub who: Who,
    /// In which of your roles; without it the first that is asked for
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// How long it is good; without it as long as what asks for it allows
    #[arg(long = "for", value_name = "DURATION")]
    pub good_for: Option<String>,
    /// Write the document here, and its signature beside it
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the document without a signature, for `ssh-keygen -Y sign`
    #[arg(long, requires = "output", conflicts_with = "key")]
    pub unsigned: bool,
}

/// Make, sign, check and list waivers of guards
#[derive(Debug, ClapArgs)]
pub struct Waiver {
    #[command(subcommand)]
    pub command: WaiverCommand,
}

/// What to do with waivers.
#[derive(Debug, Subcommand)]
pub enum WaiverCommand {
    Create(Box<NewWaiver>),
    Sign(SignWaiver),
    Check(WaiverFiles),
    List(UsedWaivers),
}

/// Write a waiver of one guard of one procedure, or of one item of a checklist, signed where there is a key
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "It lifts nothing by itself: `plan --waiver FILE` and `run --waiver FILE` bring it. A guard of the workspace's\npolicy is named `policy:ID`, with the procedure that is to be run; an item of a checklist\n`item:ID`, for `gate --waiver FILE`.\n\nExamples:\n  runwarden waiver create ops.deploy not_on_friday --ticket OPS-7 --reason 'hotfix of the login' --for 4h \\\n    --key ada.key -o waiver.json\n  runwarden waiver create ops.deploy not_on_friday --ticket OPS-7 --reason 'hotfix' --for 4h \\\n    --parameter version=1.4.2 --target api=staging_api --as ada --unsigned -o waiver.json"
)]
pub struct NewWaiver {
    /// The procedure or checklist that declares the guard or item
    pub procedure: String,
    /// The guard; `policy:ID` of the workspace's policy, `item:ID` of a checklist
    pub guard: String,
    /// Where it is written
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Where it was decided
    #[arg(long, value_name = "TEXT")]
    pub ticket: String,
    /// How long it is good; without it as long as the guard allows
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "not_after")]
    pub good_for: Option<String>,
    /// From when it is good; without it from now
    #[arg(long, value_name = "TIME")]
    pub not_before: Option<String>,
    /// Until when it is good
    #[arg(long, value_name = "TIME")]
    pub not_after: Option<String>,
    /// How often it may be used
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub max_uses: u32,
    /// Only where a parameter of the procedure has this value
    #[arg(short, long = "parameter", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub parameters: Vec<String>,
    /// Only where a target of the procedure is bound so
    #[arg(long = "target", value_name = "NAME=TARGET")]
    pub targets: Vec<String>,
    /// Only in this run
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    #[command(flatten)]
    pub who: Who,
    /// Write it without a signature, for `waiver sign` or `ssh-keygen -Y sign`
    #[arg(long, conflicts_with = "key")]
    pub unsigned: bool,
}

/// Sign a waiver: writes FILE.sig
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  runwarden waiver sign waiver.json --key ada.key")]
pub struct SignWaiver {
    /// The waiver
    pub file: PathBuf,
    #[command(flatten)]
    pub who: Who,
}

/// Say whether waivers count here and now
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 6 when one does not count. Whether its scope fits and its approver is another than who runs is seen only\nin a plan.\n\nExample:\n  runwarden waiver check waiver.json"
)]
pub struct WaiverFiles {
    /// The waivers
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// List the waivers that were used, by what the ledger says
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  runwarden waiver list\n  runwarden waiver list --format json")]
pub struct UsedWaivers {}
