//! The arguments of what authors use: `show`, `docs`, `fmt`, `test`, `lsp`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

/// Show a procedure: what it is for, what it needs, what it does, what it must not do
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  runwarden show hello\n  runwarden show hello --format json\n  runwarden show hello --graph dot | dot -Tsvg > hello.svg"
)]
pub struct ShowProcedure {
    /// The procedure
    pub name: String,
    /// Its flow as a graph in this language; mermaid where none is said
    #[arg(long, value_enum, value_name = "LANGUAGE", num_args = 0..=1, default_missing_value = "mermaid")]
    pub graph: Option<Graph>,
}

/// How a flow is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Graph {
    /// For Markdown pages
    Mermaid,
    /// For Graphviz
    Dot,
}

/// Make drafts of a runbook in Markdown: what is a plain command becomes one, all else a question to a person
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "What became of each heading is said on stderr. Drafts are checked, planned and tested, and not run: `check` lists\nwhat is to be decided. Nothing is overwritten.\n\nExamples:\n  runwarden import runbook.md -o procedures\n  runwarden import runbook.md --section 'Rotate the keys' -o procedures/ops/rotate_keys.yaml\n  runwarden import runbook.md --name ops.rotate"
)]
pub struct Import {
    /// The document
    pub file: PathBuf,
    /// What the draft is called; of several, what their names begin with. As the document where nothing is said
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The file of one draft, or a folder for all; without it one is written to stdout
    #[arg(short, long, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
    /// Only what stands under this heading, as one draft
    #[arg(long, value_name = "HEADING")]
    pub section: Option<String>,
}

/// Write a page in Markdown for each procedure
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "With --check nothing is written: pages that are missing or stale are listed, and the exit code is 1.\n\nExamples:\n  runwarden docs hello\n  runwarden docs -o docs/runbooks\n  runwarden docs -o docs/runbooks --check"
)]
pub struct Docs {
    /// The procedures and checklists; without any, all of the workspace
    pub names: Vec<String>,
    /// The folder of the pages; without it one page is written to stdout
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// List the pages that are missing or stale
    #[arg(long, requires = "output")]
    pub check: bool,
}

/// Lay documents out: indentation, blank lines, blanks; comments, quotes and what they say stay
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "A document that would read back as another one is left alone.\nWith --check nothing is written, and the exit code is 1 when a document would change.\n\nExamples:\n  runwarden fmt\n  runwarden fmt procedures/ops --check"
)]
pub struct Fmt {
    /// Files and folders; without any, the workspace file and all its procedures
    pub paths: Vec<PathBuf>,
    /// List what would change
    #[arg(long)]
    pub check: bool,
}

/// Run the tests of procedures: the same engine over a host with nothing on it
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Nothing is read, written or run: actions answer what the cases script.\nExits 1 when a case fails, and when there is none. --watch ends with Ctrl-C.\n\nExamples:\n  runwarden test\n  runwarden test procedures/ops --coverage\n  runwarden test --lcov coverage.info\n  runwarden test deploy.test.yaml --format json\n  runwarden test --watch"
)]
pub struct Test {
    /// Files and folders; without any, all procedures of the workspace. Of a procedure the test beside it is meant
    pub paths: Vec<PathBuf>,
    /// List what of the procedures no case reaches
    #[arg(long)]
    pub coverage: bool,
    /// Write what the cases reach, by line, as LCOV's tools read it
    #[arg(long, value_name = "FILE")]
    pub lcov: Option<PathBuf>,
    /// Test again whenever a document changes
    #[arg(long)]
    pub watch: bool,
}

/// Serve an editor: diagnostics, completion, explanations, definitions, over stdin and stdout
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Speaks the Language Server Protocol; an editor starts it. docs/editors.md says how.\nExits 0 after `shutdown` and `exit`, 1 when the editor went away without them.\n\nExample:\n  runwarden lsp"
)]
pub struct Lsp {
    /// Given by editors that ask for it; there is no other way
    #[arg(long, hide = true)]
    pub stdio: bool,
}
