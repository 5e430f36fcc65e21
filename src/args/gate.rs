//! The arguments of `gate`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::people::Who;

/// Ask checklists, and open only when every required item passes
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 0 when all gates are open; 1 when a required item is not met or cannot be decided; 12 when no\n\
    required item was asked; 3 and 4 when a precondition or a guard says no; 130 when stopped. Of several checklists\n\
    the highest exit code counts, and a parameter, target or secret goes to those that declare it.\n\
    A question to a person that nobody answers is not met.\n\n\
    The result is recorded in the ledger, which is made where there is none; with --no-record nothing is written.\n\n\
    Examples:\n  runwarden gate ops.ready\n  runwarden gate ops.ready --answer signed.ticket=CAB-7 --no-record\n  \
    runwarden gate ops.ready ops.backups --output junit=gate.xml --output sarif=gate.sarif --output github=-"
)]
pub struct Gate {
    /// The checklists
    #[arg(required = true, value_name = "CHECKLIST")]
    pub names: Vec<String>,
    /// A parameter; lists and maps as JSON
    #[arg(short, long = "parameter", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub parameters: Vec<String>,
    /// A YAML or JSON file with parameters, for one checklist
    #[arg(long = "parameters", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What a target stands for, by its name in runwarden.yaml
    #[arg(long = "target", value_name = "NAME=TARGET")]
    pub targets: Vec<String>,
    /// What a secret stands for, by its name in runwarden.yaml
    #[arg(long = "secret", value_name = "NAME=SECRET")]
    pub secrets: Vec<String>,
    /// Write the result in a format to a file, or to stdout as `-`; repeatable
    #[arg(short, long = "output", value_name = "FORMAT=FILE", value_parser = output)]
    pub outputs: Vec<Output>,
    /// An answer to a manual item: `ITEM.NAME=VALUE`, or `CHECKLIST/ITEM.NAME=VALUE` where several have that item
    #[arg(long = "answer", value_name = "ITEM.NAME=VALUE", allow_hyphen_values = true)]
    pub answers: Vec<String>,
    /// A YAML or JSON file of answers: `ITEM: { NAME: VALUE }`
    #[arg(long = "answers", value_name = "FILE")]
    pub answers_file: Option<PathBuf>,
    #[command(flatten)]
    pub who: Who,
    /// A signed waiver of a guard or an item; its signature is FILE.sig. Each use is recorded and counts
    #[arg(long = "waiver", value_name = "FILE")]
    pub waivers: Vec<PathBuf>,
    /// Write nothing into the ledger
    #[arg(long, conflicts_with_all = ["wait_lock", "waivers"])]
    pub no_record: bool,
    /// Wait for the ledger while a run has it
    #[arg(long, value_name = "DURATION")]
    pub wait_lock: Option<String>,
}

/// Where a result is written, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How.
    pub format: OutputFormat,
    /// The file; none is stdout.
    pub file: Option<PathBuf>,
}

/// How the result of a gate can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Human,
    /// `{status, items, counts}`
    Json,
    /// JUnit XML
    Junit,
    /// SARIF 2.1.0
    Sarif,
    /// TAP 14
    Tap,
    /// Workflow commands of GitHub, and its step summary
    Github,
    /// A page in Markdown
    Markdown,
}

fn output(text: &str) -> Result<Output, String> {
    let (format, file) = text.split_once('=').ok_or("it is not of the form FORMAT=FILE")?;
    let format = OutputFormat::from_str(format, false).map_err(|_| {
        let known: Vec<String> = OutputFormat::value_variants()
            .iter()
            .filter_map(|it| Some(it.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("there is no format `{format}`; there is {}", known.join(", "))
    })?;
    if file.is_empty() {
        return Err("it names no file".to_owned());
    }
    Ok(Output { format, file: (file != "-").then(|| PathBuf::from(file)) })
}
