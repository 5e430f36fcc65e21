//! The commands: each file is one, and does what its name says with what was found in the arguments.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Args, Colour, Command, Format, Global};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::ui::{Ui, diagnostics};

mod actions;
mod anchor;
mod approve;
mod asking;
mod cancel;
mod check;
mod completions;
mod docs;
mod doctor;
mod explain;
mod fmt;
mod gate;
mod import;
mod init;
mod key;
mod ledger;
mod list;
mod locks;
mod lsp;
mod man;
mod new;
mod plan;
mod resume;
mod run;
mod runs;
mod schema;
mod show;
mod test;
mod verify_bundle;
mod waiver;

/// What every command is given.
struct Context {
    global: Global,
    ui: Arc<Ui>,
}

/// A refusal in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RefusalView {
    /// The exit code in a word.
    status: &'static str,
    /// Why.
    error: ErrorView,
    /// What is wrong with the documents it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<diagnostics::View>,
}

/// Why a command did not do what it was asked, in JSON.
#[derive(Debug, Serialize, JsonSchema)]
struct ErrorView {
    /// A stable word: `explain CODE`.
    code: &'static str,
    /// What happened.
    message: String,
    /// A remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// More to read: what differs between two plans, a line each.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Does what was asked.
pub fn run(args: Args) -> Exit {
    let Args { global, command } = args;
    let ui = Arc::new(Ui::new(global.format.of_data(), global.color, global.quiet, global.verbose));
    let is_run = matches!(
        command,
        Command::Run(_)
            | Command::Gate(_)
            | Command::Resume(_)
            | Command::Undo(_)
            | Command::Approve(_)
            | Command::Reject(_)
    );
    let done = enter_folder(&global).and_then(|()| {
        let context = Context { global, ui: Arc::clone(&ui) };
        dispatch(&context, command)
    });
    let exit = done.unwrap_or_else(|refusal| refuse(&ui, &refusal));
    // What a run did is said by its own code, whether or not somebody could read about it.
    if ui.is_whole() || is_run || exit != Exit::Done { exit } else { Exit::Failed }
}

fn enter_folder(global: &Global) -> Result<(), Refusal> {
    match &global.go_to {
        Some(folder) => std::env::set_current_dir(folder).map_err(|error| Refusal::io("go to", folder, &error)),
        None => Ok(()),
    }
}

fn dispatch(context: &Context, command: Command) -> Result<Exit, Refusal> {
    match command {
        Command::Init(args) => init::run(context, &args),
        Command::Doctor(_) => doctor::run(context),
        Command::List(_) => list::run(context),
        Command::Show(args) => show::run(context, &args),
        Command::New(args) => new::run(context, &args),
        Command::Import(args) => import::run(context, &args),
        Command::Check(args) => check::run(context, &args),
        Command::Fmt(args) => fmt::run(context, &args),
        Command::Docs(args) => docs::run(context, &args),
        Command::Test(args) => test::run(context, &args),
        Command::Plan(args) => plan::run(context, &args),
        Command::Run(args) => run::run(context, &args),
        Command::Approve(args) => approve::approve(context, &args.consent),
        Command::Reject(args) => approve::reject(context, &args.consent),
        Command::Resume(args) => resume::resume(context, &args),
        Command::Undo(args) => resume::undo(context, &args),
        Command::Cancel(args) => cancel::run(context, &args),
        Command::Locks(args) => locks::run(context, &args.command),
        Command::Gate(args) => gate::run(context, &args),
        Command::Runs(args) => runs::run(context, &args),
        Command::Lsp(_) => lsp::run(context),
        Command::Actions(args) => actions::run(context, &args),
        Command::Explain(args) => explain::run(context, &args),
        Command::Schema(args) => schema::run(context, &args),
        Command::Ledger(args) => ledger::run(context, args.command),
        Command::Anchor(args) => anchor::run(context, args.command),
        Command::Key(args) => key::run(context, args.command),
        Command::Waiver(args) => waiver::run(context, args.command),
        Command::VerifyBundle(args) => verify_bundle::run(context, &args),
        Command::Completions(args) => completions::run(context, &args),
        Command::Man(args) => man::run(context, &args),
    }
}

/// Says why nothing was done.
fn refuse(ui: &Ui, refusal: &Refusal) -> Exit {
    if !ui.is_human() {
        ui.json(&RefusalView {
            status: refusal.exit.word(),
            error: ErrorView {
                code: refusal.code,
                message: refusal.message.clone(),
                help: refusal.help.clone(),
                detail: refusal.detail.clone(),
            },
            diagnostics: refusal.diagnostics.iter().map(diagnostics::View::from).collect(),
        });
        return refusal.exit;
    }
    if !refusal.diagnostics.is_empty() {
        ui.error(&format!("{}\n", diagnostics::render_all(&refusal.diagnostics, ui.err)));
    }
    ui.error(&format!("{}: {}", ui.err.red(&format!("error[{}]", refusal.code)), refusal.message));
    if let Some(detail) = &refusal.detail {
        ui.error(detail.trim_end());
    }
    if let Some(help) = &refusal.help {
        ui.error(&format!("  {} help: {help}", ui.err.blue("=")));
    }
    refusal.exit
}

/// Says what is wrong with the command line; help and version are answers and no errors.
pub fn refuse_arguments(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // Nobody reads it any more: no error.
        let _ = error.print();
        return Exit::Done;
    }
    match asked_format() {
        Some(format) => {
            let text = error.render().to_string();
            let message = text.split("\n\n").next().unwrap_or_default().trim();
            let message = message.strip_prefix("error: ").unwrap_or(message);
            let refusal = Refusal::invalid("usage", message).help("`runwarden --help` says what there is");
            refuse(&Ui::new(format, Colour::Never, false, false), &refusal)
        }
        None => {
            let _ = error.print();
            Exit::Invalid
        }
    }
}

/// The format for programs that was asked for, where the arguments as a whole could not be read.
fn asked_format() -> Option<Format> {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let after = |at: usize| arguments.get(at + 1).map(String::as_str);
    let mut values = arguments.iter().enumerate().filter_map(|(at, argument)| match argument.as_str() {
        "--format" => after(at),
        other => other.strip_prefix("--format="),
    });
    values.next_back().and_then(|value| match value {
        "json" => Some(Format::Json),
        "ndjson" => Some(Format::Ndjson),
        _ => None,
    })
}

/// Shows the warnings of what was loaded.
fn warn(context: &Context, loaded: &engine::library::Loaded) {
    let ui = &context.ui;
    if !loaded.diagnostics.is_empty() && ui.is_human() {
        ui.note(&format!("{}\n", diagnostics::render_all(&loaded.diagnostics, ui.err)));
    }
}

/// What drives plans and runs, on the thread that asks: a program or a server that answers wakes no other one.
fn runtime() -> Result<tokio::runtime::Runtime, Refusal> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::new(Exit::Failed, "io", format!("the program cannot start its threads: {error}")))
}
