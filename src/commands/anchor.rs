//! `anchor`: what a run came to, exported to be kept elsewhere, and compared with the run later.

use engine::host::Probe as _;
use engine::target::corvusforge::anchor::{Anchor, Finding, MAX_ANCHOR};
use engine::time::Duration;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use super::ledger::{copy_corvus, place};
use crate::args::{AnchorCommand, AnchorExport, AnchorVerify, Driver, Whose};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup;

/// What `anchor verify` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `ok` when every line is; else `failed`.
    status: &'static str,
    /// Every line, in a fixed order.
    findings: Vec<Finding>,
}

pub fn run(context: &Context, command: AnchorCommand) -> Result<Exit, Refusal> {
    match command {
        AnchorCommand::Export(args) => export(context, &args),
        AnchorCommand::Verify(args) => verify(context, &args),
    }
}

fn refuse_own(whose: &Whose) -> Result<(), Refusal> {
    match whose.driver {
        Driver::Corvusforge => Ok(()),
        Driver::HashChain | Driver::DigestLog => {
            let message = format!("there are no anchors of `--driver {}`", whose.driver.as_str());
            Err(Refusal::invalid("unsupported", message))
        }
        Driver::Runwarden => Err(Refusal::invalid(
            "unsupported",
            "anchors of Runwarden's own runs are not made by this version; it makes those of `--driver corvusforge`",
        )
        .help("the signed checkpoints beside the ledger can be kept elsewhere, and given to `ledger verify --anchor`")),
    }
}

fn export(context: &Context, args: &AnchorExport) -> Result<Exit, Refusal> {
    refuse_own(&args.whose)?;
    let place = place(context, &args.whose)?;
    let copied = copy_corvus(&place.path)?;
    let anchor = copied.ledger?.anchor(&args.run, setup::reading_machine().now())?;
    let text = format!("{}\n", anchor.to_json_pretty());
    if let Some(folder) = &args.output {
        let path = folder.join(file_name(&args.run)?);
        files::make_folder(folder)?;
        files::write_new(&path, text.as_bytes())?;
        context.ui.note(&format!("wrote {}", files::shown(&path)));
    }
    if context.ui.is_human() && args.output.is_some() {
        return Ok(Exit::Done);
    }
    context.ui.raw(&text);
    Ok(Exit::Done)
}

/// The file of a run's anchor; a run's id that is no plain name must not choose another folder.
fn file_name(run: &str) -> Result<String, Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if run.is_empty() || run.starts_with('.') || !run.chars().all(plain) {
        return Err(Refusal::invalid("usage", format!("run `{run}` cannot be the name of a file"))
            .help("without `-o` the anchor is printed"));
    }
    Ok(format!("{run}.json"))
}

fn verify(context: &Context, args: &AnchorVerify) -> Result<Exit, Refusal> {
    refuse_own(&args.whose)?;
    let place = place(context, &args.whose)?;
    let max_age = args.max_age.as_deref().map(Duration::parse).transpose();
    let max_age = max_age.map_err(|error| Refusal::invalid("usage", format!("--max-age: {error}")))?;
    let bytes = files::read(&args.file, MAX_ANCHOR as u64).map_err(|error| {
        Refusal::new(Exit::Ledger, "io", format!("the anchor `{}` cannot be read: {error}", args.file.display()))
    })?;
    let copied = copy_corvus(&place.path)?;
    let ledger = copied.ledger?;
    let findings = match Anchor::parse(&bytes) {
        Ok(anchor) => {
            let now = setup::reading_machine().now();
            ledger.check_anchor(&anchor, &args.run, args.covers_stage.as_deref(), max_age, now)?.findings
        }
        Err(error) => vec![Finding { code: "format".to_owned(), ok: false, detail: error.to_string() }],
    };
    let is_ok = !findings.is_empty() && findings.iter().all(|finding| finding.ok);
    let view = View { status: if is_ok { "ok" } else { "failed" }, findings };
    let ui = &context.ui;
    if ui.is_human() {
        let mut lines = Vec::new();
        for finding in &view.findings {
            let word = if finding.ok { ui.out.green("ok   ") } else { ui.out.red("wrong") };
            lines.push(format!("{word}  {:<10}  {}", finding.code, finding.detail));
        }
        let word = if is_ok { ui.out.green(view.status) } else { ui.out.red(view.status) };
        lines.push(format!("anchor of run {}: {word}", args.run));
        ui.data(&lines.join("\n"));
    } else {
        ui.json(&view);
    }
    Ok(if is_ok { Exit::Done } else { Exit::Failed })
}
