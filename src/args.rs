//! What can be said on the command line. What is done about it is in `commands`.

use std::path::PathBuf;

use clap::builder::{EnumValueParser, TypedValueParser as _};
use clap::{Args as ClapArgs, CommandFactory as _, Parser, Subcommand, ValueEnum};

mod anchor;
mod authoring;
mod bundle;
mod gate;
mod key;
mod ledger;
mod people;
mod report;
mod runs;

pub use anchor::{Anchor, AnchorCommand, AnchorExport, AnchorFetch, AnchorStore, AnchorVerify};
pub use authoring::{Docs, Fmt, Graph, Import, Lsp, ShowProcedure, Test};
pub use bundle::{MakeBundle, VerifyBundle};
pub use gate::{Gate, Output, OutputFormat};
pub use key::{Key, KeyCommand, KeyGenerate, KeyRevoke, KeyRotate, KeyShow, KeyTrust, Role};
pub use ledger::{
    Backup, Checkpoint, Consistency, Driver, Export, Head, Incident, IncidentCommand, Keys, Ledger, LedgerCommand,
    Prove, Recipe, Show, Tail, Verify, Whose,
};
pub use people::{Approve, Consent, NewWaiver, Reject, SignWaiver, Waiver, WaiverCommand, WaiverFiles, Who};
pub use report::{Report, ReportFormat};
pub use runs::{Asked, Cancel, Locks, LocksCommand, Plan, Resume, Run, Stopped, Undo};

/// Runs operational runbooks: checked, previewed, guarded, and written down.
#[derive(Debug, Parser)]
#[command(
    name = "runwarden",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Begin with `runwarden init`, then `runwarden run hello`.\nExit codes: `runwarden explain exit-codes`."
)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// All commands with all their arguments: those that every command takes behind its own.
    pub fn whole() -> clap::Command {
        let mut command = Self::command();
        command.build();
        let everywhere: Vec<clap::Id> = command
            .get_arguments()
            .filter(|argument| argument.is_global_set() || argument.get_id() == "help")
            .map(|argument| argument.get_id().clone())
            .collect();
        // What is changed goes to the end.
        let last = |below: clap::Command, id: &clap::Id| {
            let has_it = below.get_arguments().any(|argument| argument.get_id() == id);
            if has_it { below.mut_arg(id, |same| same) } else { below }
        };
        command.mut_subcommands(|below| everywhere.iter().fold(below, last))
    }
}

/// What holds for every command.
#[derive(Debug, ClapArgs)]
pub struct Global {
    /// Go to this folder first
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub go_to: Option<PathBuf>,
    /// The workspace file, in place of the first runwarden.yaml here or above
    #[arg(long, value_name = "FILE", global = true)]
    pub workspace: Option<PathBuf>,
    /// How data is written to stdout
    #[arg(long, default_value = "human", global = true,
        value_parser = EnumValueParser::<Format>::new().map(Form::Data))]
    pub format: Form,
    /// Whether to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN", global = true)]
    pub color: Colour,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One JSON value
    Json,
    /// JSON, one value a line; `run` writes each event as it becomes durable
    Ndjson,
}

/// What `--format` says. It is one option of all commands, and reports have forms of their own: the two are values of one
/// type, because clap hands an option of that name from a command to those below it and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// How data is written.
    Data(Format),
    /// Which form a report has.
    Report(ReportFormat),
}

impl Form {
    /// How data is written, and what stands against it.
    pub fn of_data(self) -> Format {
        match self {
            Self::Data(format) => format,
            Self::Report(ReportFormat::Json) => Format::Json,
            Self::Report(ReportFormat::Html | ReportFormat::Markdown | ReportFormat::Intoto) => Format::Human,
        }
    }
}

/// Whether to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What is to be done.
///
/// The arguments of a command are put together for the command that is called, and for no other. So the line of each in the
/// list of commands stands here, and above its arguments once more; a test holds them equal.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Make a workspace: its file, a ledger with its key, and a first procedure
    Init(Init),
    /// Look whether the workspace is ready to run
    Doctor(Doctor),
    /// List the procedures there are, the workspace's and those built in
    List(List),
    /// Show a procedure: what it is for, what it needs, what it does, what it must not do
    Show(ShowProcedure),
    /// Write a new procedure from a template, with its tests, or as a copy of another
    New(New),
    /// Make drafts of a runbook in Markdown: what is a plain command becomes one, all else a question to a person
    Import(Import),
    /// Check documents: syntax, keys, names, types, and what the actions take
    Check(Check),
    /// Lay documents out: indentation, blank lines, blanks; comments, quotes and what they say stay
    Fmt(Fmt),
    /// Run the tests of procedures: the same engine over a host with nothing on it
    Test(Test),
    /// Write a page in Markdown for each procedure
    Docs(Docs),
    /// Serve an editor: diagnostics, completion, explanations, definitions, over stdin and stdout
    Lsp(Lsp),
    /// Show what running a procedure would do, and what is not known yet; changes nothing
    Plan(Plan),
    /// Run a procedure: plan it, do it step by step under its guards, and write down what happened
    Run(Box<Run>),
    /// Consent to a plan, or to what a run waits for, with a signature
    Approve(Approve),
    /// Refuse a plan, or what a run waits for: it does not run
    Reject(Reject),
    /// Go on with a run that failed, waits for an answer, was stopped or was killed
    Resume(Resume),
    /// Take back what a run did that failed, was stopped or was killed, the last step first
    Undo(Undo),
    /// End a run: what is under way is stopped, what was done stays, and `undo` can take it back
    Cancel(Cancel),
    /// Ask checklists, and open only when every required item passes
    Gate(Gate),
    /// List runs, show one, report on one, or write one down for others
    Runs(Runs),
    /// List named locks, or take one from the run that holds it
    Locks(Locks),
    /// List the built-in actions, or show what one takes and gives
    Actions(Actions),
    /// Explain a diagnostic, a refusal, or the exit codes
    Explain(Explain),
    /// Print the JSON Schema of a kind of document or output
    Schema(Schema),
    /// Read and verify a ledger, the workspace's or a foreign one
    Ledger(Ledger),
    /// Export and judge anchors: what a ledger came to, kept where it cannot be changed
    Anchor(Anchor),
    /// Make keys, show which there are, and say which are trusted
    Key(Key),
    /// Make, sign, check and list waivers of guards
    Waiver(Waiver),
    /// Judge the bundle of a run, with nothing but that file and keys you know from elsewhere
    VerifyBundle(VerifyBundle),
    /// Print a script that completes commands in a shell
    Completions(Completions),
    /// Print the manual page
    Man(Man),
}

/// Make a workspace: its file, a ledger with its key, and a first procedure
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  runwarden init\n  runwarden init ops --environment staging --origin example.org/ops"
)]
pub struct Init {
    /// The folder; made where it is not there
    #[arg(default_value = ".", value_name = "DIR")]
    pub folder: PathBuf,
    /// Which world the workspace is for
    #[arg(long, value_enum, default_value_t = World::Development)]
    pub environment: World,
    /// The name that the ledger's checkpoints carry; made up where nothing is said
    #[arg(long, value_name = "NAME")]
    pub origin: Option<String>,
}

/// The three closed worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum World {
    /// Where mistakes cost nothing
    Development,
    /// Where production is rehearsed
    Staging,
    /// Where mistakes hurt
    Production,
}

/// Look whether the workspace is ready to run
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exits 1 when something stands against running, with a remedy on each line.\n\nExample:\n  runwarden doctor"
)]
pub struct Doctor {}

/// List the procedures there are, the workspace's and those built in
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  runwarden list\n  runwarden list --format json")]
pub struct List {}

/// Write a new procedure from a template, with its tests, or as a copy of another
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Templates: blank (where nothing is said), rotation, restore, pause, checklist. Each passes `check` and `test`.\n\nExamples:\n  runwarden new ops.rotate_logs\n  runwarden new ops.rotate_token --from rotation\n  runwarden new ops.greet --from hello"
)]
pub struct New {
    /// Its name: `ops.rotate_logs` becomes `ops/rotate_logs.yaml`
    pub name: String,
    /// The template, or the procedure to copy
    #[arg(long, value_name = "TEMPLATE")]
    pub from: Option<String>,
}

/// Check documents: syntax, keys, names, types, and what the actions take
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Diagnostics for people go to stderr, as compilers do; with --format json they are data on stdout.\nExits 2 on any error, and when there was nothing to check.\n\nExamples:\n  runwarden check\n  runwarden check procedures/ops deploy.yaml --format json"
)]
pub struct Check {
    /// Files and folders; without any, the workspace file and all its procedures
    pub paths: Vec<PathBuf>,
}

/// List runs, show one, report on one, or write one down for others
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  runwarden runs\n  runwarden runs show last\n  runwarden runs show 0199c3\n  runwarden runs report last --format html -o report.html",
    args_conflicts_with_subcommands = true
)]
pub struct Runs {
    /// Only runs of this procedure; `ops.*` for all whose names begin so
    #[arg(long, value_name = "NAME")]
    pub procedure: Option<String>,
    /// Only runs of this status
    #[arg(long)]
    pub status: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Show a run: what happened, and what next
    #[command(after_help = "Examples:\n  runwarden runs show last\n  runwarden runs show 0199c3 --format json")]
    Show {
        /// Its id, a beginning of it that no other has, or `last`
        run: String,
    },
    Report(Report),
    Bundle(MakeBundle),
}

/// List the built-in actions, or show what one takes and gives
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  runwarden actions\n  runwarden actions file.write")]
pub struct Actions {
    /// The action, like `file.write`
    pub name: Option<String>,
}

/// Explain a diagnostic, a refusal, or the exit codes
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  runwarden explain unknown-key\n  runwarden explain exit-codes")]
pub struct Explain {
    /// The code, as it stands in `error[CODE]`; or `exit-codes`
    pub code: String,
}

/// Print the JSON Schema of a kind of document or output
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  runwarden schema\n  runwarden schema procedure > procedure.schema.json\n  runwarden schema --write schemas"
)]
pub struct Schema {
    /// Which; without it, what there is
    #[arg(conflicts_with = "write")]
    pub kind: Option<String>,
    /// Write all of them into this folder
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
}

/// Print a script that completes commands in a shell
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  runwarden completions bash > ~/.local/share/bash-completion/completions/runwarden")]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Print the manual page
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  runwarden man | man -l -\n  runwarden man --write man1")]
pub struct Man {
    /// Write this page and those of all commands into a folder
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Args;

    #[test]
    fn a_command_is_called_the_same_in_the_list_and_in_its_own_help() {
        let (list, own) = (Args::command(), Args::whole());
        let about = |command: &clap::Command| command.get_about().map(ToString::to_string);
        for (listed, own) in list.get_subcommands().zip(own.get_subcommands()) {
            assert_eq!(listed.get_name(), own.get_name());
            assert_eq!(about(listed), about(own), "{}", listed.get_name());
        }
        assert_eq!(list.get_subcommands().count(), own.get_subcommands().count());
    }

    #[test]
    fn what_every_command_takes_stands_behind_its_own() {
        for command in Args::whole().get_subcommands() {
            let order: Vec<bool> = command.get_arguments().map(|argument| argument.is_global_set()).collect();
            assert!(
                order.iter().rev().skip(1).is_sorted_by(|later, earlier| later >= earlier),
                "{}",
                command.get_name()
            );
        }
    }
}
