//! `command.run`: a program that does something. What it does is its author's affair, and `acts_as` says it to guards.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};

use super::read::one_mebibyte;
use super::{Named, Program, Said, exit_code, json, last_words, program};
use crate::action::sealed::Sealed;
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::host;
use crate::id::Id;
use crate::time::Duration;

/// Runs a program.
pub struct Run;

/// What `command.run` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Program and arguments, each handed over as it is; not beside `target`.
    #[serde(default)]
    argv: Option<Vec<String>>,
    /// A command of the workspace; its settings are `argv`, `cwd` and `env`; not beside `argv`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["command"]))]
    target: Option<Id>,
    /// Arguments after those of the target.
    #[serde(default)]
    args: Vec<String>,
    /// Its environment, besides `PATH`, `HOME`, `LANG` and `TZ`.
    #[serde(default)]
    env: BTreeMap<String, Sealed>,
    /// What it reads on its standard input.
    #[serde(default)]
    stdin: Option<Sealed>,
    /// Secrets that it takes as files: variables that are given the path of a file of its owner's alone, which is removed
    /// when it has ended.
    #[serde(default)]
    secret_files: BTreeMap<String, Sealed>,
    /// Whether it writes JSON, to be given as `json`.
    #[serde(default)]
    json: bool,
    /// How long it may take before it is ended, with all it started.
    #[serde(default = "ten_minutes")]
    timeout: Duration,
    /// The exit codes that mean done.
    #[serde(default = "zero")]
    ok_exits: Vec<i32>,
    /// A program that says what would happen and does nothing; run in a plan with `--probe-commands`.
    #[serde(default)]
    preview: Option<Vec<String>>,
    /// The most that is kept of each stream, in bytes; the rest is dropped.
    #[serde(default = "one_mebibyte")]
    max_bytes: u64,
}

fn ten_minutes() -> Duration {
    Duration::from_seconds(600)
}

fn zero() -> Vec<i32> {
    vec![0]
}

/// What `command.run` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Its exit code.
    exit: i32,
    /// What it wrote; what is no UTF-8 is replaced by `U+FFFD`.
    stdout: String,
    /// What it wrote to its error stream, likewise.
    stderr: String,
    /// Whether anything was dropped from either.
    cut: bool,
    /// What it wrote, if `json` was asked for; else none.
    json: Option<Value>,
    /// The program that was run.
    program: Program,
}

impl Params {
    fn named(&self) -> Named<'_> {
        Named {
            argv: self.argv.as_deref(),
            target: self.target.as_ref(),
            args: &self.args,
            env: &self.env,
            stdin: self.stdin.as_ref(),
            files: &self.secret_files,
            timeout: self.timeout,
            at_most: self.max_bytes,
        }
    }
}

#[async_trait]
impl Effect for Run {
    const NAME: &'static str = "command.run";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Once,
        preview: Fidelity::Estimated,
        reconcile: false,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let named = params.named();
        let mut command = named.command(looking.facts)?;
        let runs = program(looking.probe, &command)?;
        let Some(argv) = params.preview.clone() else {
            return Ok(Preview { after: Some(value!({ "program": runs })), ..Preview::UNKNOWN });
        };
        if argv.first().is_none_or(String::is_empty) {
            return Err(Error::new("bad_input", "`preview` begins with a program"));
        }
        command.argv = argv;
        let asked = program(looking.probe, &command)?;
        if !looking.probe.probes_commands() {
            return Err(host::Error::NotProbed(asked.path).into());
        }
        let files = named.feed(&mut command, looking.facts, looking.probe).await?;
        let finished = looking.probe.ask(command).await?;
        drop(files);
        let exit = exit_code(&asked.path, &finished, params.timeout)?;
        let said = Said::of(&finished, looking.facts);
        if exit != 0 {
            let message = format!("the preview `{}` exited with {exit}{}", asked.path, last_words(&said));
            return Err(Error::new("preview_failed", message));
        }
        let said = String::from_utf8_lossy(&said.stdout);
        Ok(Preview {
            fidelity: Fidelity::Estimated,
            before: None,
            after: Some(value!({ "program": runs, "preview": said })),
            no_change: false,
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let named = params.named();
        let mut command = named.command(doing.facts)?;
        let program = program(doing.host, &command)?;
        let files = named.feed(&mut command, doing.facts, doing.host).await?;
        let finished = doing.host.run(command).await?;
        drop(files);
        let exit = exit_code(&program.path, &finished, params.timeout)?;
        let said = Said::of(&finished, doing.facts);
        if !params.ok_exits.contains(&exit) {
            let message = format!("`{}` exited with {exit}{}", program.path, last_words(&said));
            return Err(Error::new("exit_code", message));
        }
        // It has done what it does by now: an answer that cannot be read leaves its outcome open.
        let json = if params.json { Some(json(&program.path, &finished).map_err(Error::uncertain)?) } else { None };
        let given =
            |bytes: &[u8]| String::from_utf8_lossy(&doing.facts.secrets.given_bytes(bytes, finished.cut)).into_owned();
        Ok(Output {
            exit,
            stdout: given(&finished.stdout),
            stderr: given(&finished.stderr),
            cut: finished.cut,
            json,
            program,
        })
    }

    async fn reconcile(&self, _: Params, _: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        Ok(Reconciled::CannotTell)
    }
}
