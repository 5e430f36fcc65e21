//! `plan`: what running a procedure would do. It writes nothing but the file it is told to.

use engine::plan::{Plan as Made, View};

use super::Context;
use crate::args::{Asked, Plan};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup::who::Signing;
use crate::setup::{Session, own_ledger};
use crate::{files, ui};

pub fn run(context: &Context, args: &Plan) -> Result<Exit, Refusal> {
    let made = make(context, &args.asked)?;
    if let Some(path) = &args.output {
        // What is written is for somebody to consent to, or to run.
        if let Some(name) = made.view.drafts.first() {
            return Err(Refusal::draft(name));
        }
        let mut text = serde_json::to_string_pretty(&made.view).map_err(Refusal::internal)?;
        text.push('\n');
        files::replace(path, text.as_bytes())?;
        context.ui.note(&next(&made.view, &files::shown(path)));
    }
    show(context, &made);
    let exit = exit_of(context, &made);
    let changes = args.detailed_exitcode && exit == Exit::Done && made.view.has_changes();
    Ok(if changes { Exit::Changes } else { exit })
}

/// What to do with a plan that was written.
fn next(view: &View, path: &str) -> String {
    let run = format!("runwarden run {} --plan {path}", view.procedure);
    if Exit::of_plan(view) != Exit::Done {
        return format!("wrote {path}");
    }
    if view.approvals.is_empty() {
        return format!("wrote {path}; `{run}` runs it");
    }
    format!(
        "wrote {path}; `runwarden approve {path} --key FILE -o approval.json` consents to it, by somebody who may; \
         `{run} --approval approval.json` runs it"
    )
}

/// `run --dry-run`: the same words and the same code.
pub fn dry_run(context: &Context, asked: &Asked) -> Result<Exit, Refusal> {
    let made = make(context, asked)?;
    show(context, &made);
    Ok(exit_of(context, &made))
}

/// What a run would exit with. A draft is shown like anything else, and not run.
fn exit_of(context: &Context, made: &Made) -> Exit {
    match made.view.drafts.first() {
        Some(name) if context.ui.is_human() => super::refuse(&context.ui, &Refusal::draft(name)),
        Some(_) => Exit::Invalid,
        None => Exit::of_plan(&made.view),
    }
}

fn make(context: &Context, asked: &Asked) -> Result<Made, Refusal> {
    let session = Session::prepare(&context.global, asked, None, Signing::No)?;
    super::warn(context, &session.loaded);
    let records = own_ledger::records(&session.workspace, &session.machine)?;
    let run = session.new_run()?;
    let past = session.past(run.clone(), records);
    let setting = session.setting(&past)?;
    let id = session.new_run()?.to_string();
    super::runtime()?.block_on(session.plan(&setting, id, run, &past))
}

/// Shows a plan on stdout.
pub fn show(context: &Context, made: &Made) {
    let ui = &context.ui;
    if ui.is_human() {
        ui.data(&ui::plan::render(&made.view, &made.root.procedure.title, ui.out));
    } else {
        ui.json::<View>(&made.view);
    }
}
