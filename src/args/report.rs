//! The arguments of `runs report`.

use std::path::PathBuf;

use clap::builder::{EnumValueParser, TypedValueParser as _};
use clap::{Args as ClapArgs, ValueEnum};

use super::{Form, Keys};

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One page that needs nothing else: for reading and for paper
    Html,
    /// For tickets and repositories
    Markdown,
    /// For programs: schemas/output/report.schema.json
    Json,
    /// A signed in-toto attestation that the run took place and how it ended
    Intoto,
}

/// Report on a run for those who judge it: what was asked, done, checked and consented to, with proofs
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Without --format the name of the file says which it is, else it is Markdown. The whole ledger is verified\nfor it. Exits 0 when the report is written, 11 when it is written and the ledger is not whole, 1 when\nthere is no such run.\n\nExamples:\n  runwarden runs report last\n  runwarden runs report last -o report.html\n  runwarden runs report 0199c3 --format json --anchors /mnt/anchors\n  runwarden runs report last --format intoto --signing-key attestation.key -o run.intoto.json"
)]
pub struct Report {
    /// Its id, a beginning of it that no other has, or `last`
    pub run: String,
    /// Which form it has
    #[arg(long, value_parser = EnumValueParser::<ReportFormat>::new().map(Form::Report))]
    pub format: Option<Form>,
    /// Write it into this file, in place of what is there
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// An anchor from elsewhere that the ledger is held against: a signed checkpoint, or a tlog-proof
    #[arg(long = "anchor", value_name = "FILE")]
    pub anchors: Vec<PathBuf>,
    /// A folder of anchors, or an anchor store of the workspace by its name
    #[arg(long = "anchors", value_name = "DIR|TARGET")]
    pub anchor_folders: Vec<PathBuf>,
    #[command(flatten)]
    pub keys: Keys,
    /// The private key that signs an attestation: `runwarden key generate FILE --role attestation` makes it
    #[arg(long, value_name = "FILE")]
    pub signing_key: Option<PathBuf>,
}
