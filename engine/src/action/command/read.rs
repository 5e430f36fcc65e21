//! `command.read`: a program that its author declares to be read-only. Any exit code is an answer.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Named, Program, Said, exit_code, json, program};
use crate::action::sealed::Sealed;
use crate::action::{self, Error, Looking};
use crate::host;
use crate::id::{Digest, Id};
use crate::time::Duration;

/// Runs a program that only reads.
pub struct Read;

/// What `command.read` takes.
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
    #[serde(default = "one_minute")]
    timeout: Duration,
    /// The most that is kept of each stream, in bytes; the rest is dropped.
    #[serde(default = "one_mebibyte")]
    max_bytes: u64,
}

fn one_minute() -> Duration {
    Duration::from_seconds(60)
}

pub(super) fn one_mebibyte() -> u64 {
    1024 * 1024
}

/// What `command.read` gives.
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
    /// What it wrote, if `json` was asked for and it exited with 0; else none.
    json: Option<Value>,
    /// The program that was run.
    program: Program,
    /// The digest of what it wrote.
    subject: Digest,
}

#[async_trait]
impl action::Read for Read {
    const NAME: &'static str = "command.read";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let named = Named {
            argv: params.argv.as_deref(),
            target: params.target.as_ref(),
            args: &params.args,
            env: &params.env,
            stdin: params.stdin.as_ref(),
            files: &params.secret_files,
            timeout: params.timeout,
            at_most: params.max_bytes,
        };
        let mut command = named.command(looking.facts)?;
        let program = program(looking.probe, &command)?;
        if !looking.probe.probes_commands() {
            return Err(host::Error::NotProbed(program.path).into());
        }
        let files = named.feed(&mut command, looking.facts, looking.probe).await?;
        let finished = looking.probe.ask(command).await?;
        drop(files);
        let exit = exit_code(&program.path, &finished, params.timeout)?;
        let json = if params.json && exit == 0 { Some(json(&program.path, &finished)?) } else { None };
        let said = Said::of(&finished, looking.facts);
        Ok(Output {
            exit,
            subject: Digest::of(&said.stdout),
            stdout: String::from_utf8_lossy(&said.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&said.stderr).into_owned(),
            cut: finished.cut,
            json,
            program,
        })
    }
}
