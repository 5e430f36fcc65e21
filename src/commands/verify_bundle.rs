//! `verify-bundle`: a run judged by one file and keys from elsewhere. No workspace is looked for.

use engine::action::Registry;
use engine::bundle::MAX_BUNDLE;
use engine::bundle::verify::{Asked, verify};
use engine::id::RunId;
use engine::ledger::report::{Finding, Status};
use engine::merkle::cosignature::WitnessKey;
use engine::merkle::note::VerifierKey;
use engine::procedure::workspace::Workspace;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use super::ledger::read_keys;
use crate::args::VerifyBundle;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::workspace;

/// What `verify-bundle` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The whole in one word, as `ledger verify` says it; `self_consistent_only` where no key was given.
    status: Status,
    /// Every line, in a fixed order.
    findings: Vec<Finding>,
}

pub fn run(context: &Context, args: &VerifyBundle) -> Result<Exit, Refusal> {
    let keys = args.keys.iter().map(|text| read_keys(text)).collect::<Result<Vec<_>, _>>()?.concat();
    let witnesses = parsed("--witness", &args.witnesses, WitnessKey::parse)?;
    let logs = parsed("--log-key", &args.log_keys, VerifierKey::parse)?;
    let run = args.run.as_deref().map(RunId::parse).transpose();
    let run = run.map_err(|error| Refusal::invalid("usage", format!("--run: {error}")))?;
    let actors = args.actors.as_deref().map(read_actors).transpose()?;
    let bytes = files::read(&args.file, MAX_BUNDLE as u64).map_err(|error| {
        let message = format!("the bundle `{}` cannot be read: {error}", args.file.display());
        Refusal::new(Exit::Ledger, "io", message)
    })?;
    let registry = Registry::builtin();
    let asked = Asked {
        keys: &keys,
        witnesses: &witnesses,
        logs: &logs,
        actors: actors.as_ref(),
        run: run.as_ref(),
        registry: &registry,
    };
    let verdict = verify(&bytes, &asked);
    let exit = Exit::of_ledger(verdict.status, args.allow_unanchored);
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(&View { status: verdict.status, findings: verdict.findings });
        return Ok(exit);
    }
    let line = |finding: &Finding| {
        let word = match (finding.ok, finding.code.as_str()) {
            (false, _) => ui.out.red("wrong"),
            (true, "not_shown") => ui.out.yellow("-    "),
            (true, _) => ui.out.green("ok   "),
        };
        format!("{word}  {:<11}  {}", finding.code, finding.detail)
    };
    let mut lines: Vec<String> = verdict.findings.iter().map(line).collect();
    let word = verdict.status.as_str();
    let word = if verdict.status == Status::Ok { ui.out.green(word) } else { ui.out.red(word) };
    lines.push(format!("bundle {}: {word}", files::shown(&args.file)));
    ui.data(&lines.join("\n"));
    if verdict.status == Status::SelfConsistentOnly {
        ui.note("give the ledger's key, from somebody other than who gave you the bundle, with `--key VKEY`");
    }
    Ok(exit)
}

fn parsed<K, E: std::fmt::Display>(
    name: &str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<K, E>,
) -> Result<Vec<K>, Refusal> {
    let wrong = |error: E| Refusal::invalid("usage", format!("{name}: {error}"));
    texts.iter().map(|text| parse(text).map_err(wrong)).collect()
}

fn read_actors(path: &std::path::Path) -> Result<Workspace, Refusal> {
    match workspace::check(path)? {
        (Some(file), _) => Ok(file),
        (None, diagnostics) => {
            let message = format!("`{}` has errors, and its actors cannot be read", files::shown(path));
            Err(Refusal::invalid("invalid-document", message).diagnostics(diagnostics))
        }
    }
}
