//! Programs: run without a shell, each argument handed over as it is.
//!
//! What both actions need stands here. Nothing here quotes, splits or expands.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::data::format;
use super::sealed::Sealed;
use super::{Error, Facts};
use crate::host::exchanged::PrivateFile;
use crate::host::{self, Finished, Probe};
use crate::id::Id;
use crate::procedure::TargetKind as Kind;
use crate::time::Duration;

pub mod read;
pub mod run;

/// What names a program: its argv, or a target with further arguments.
struct Named<'a> {
    argv: Option<&'a [String]>,
    target: Option<&'a Id>,
    args: &'a [String],
    env: &'a BTreeMap<String, Sealed>,
    stdin: Option<&'a Sealed>,
    files: &'a BTreeMap<String, Sealed>,
    timeout: Duration,
    at_most: u64,
}

impl Named<'_> {
    fn command(&self, facts: &Facts) -> Result<host::Command, Error> {
        let command = match (self.argv, self.target) {
            (Some(argv), None) if self.args.is_empty() => host::Command {
                argv: argv.to_vec(),
                folder: None,
                env: Vec::new(),
                stdin: None,
                timeout: self.timeout.as_std(),
                at_most: self.at_most,
            },
            (Some(_), None) => return Err(Error::new("bad_input", "`args` go with `target`; put them into `argv`")),
            (None, Some(target)) => self.of_target(facts, target)?,
            _ => return Err(Error::new("bad_input", "a command has either `argv` or `target`")),
        };
        if command.argv.first().is_none_or(String::is_empty) {
            return Err(Error::new("bad_input", "an argv begins with a program"));
        }
        Ok(command)
    }

    /// Gives the command what it is fed with; secrets are read here, and at no earlier time. The files last as long as
    /// what is given back.
    async fn feed(
        &self,
        command: &mut host::Command,
        facts: &Facts,
        probe: &dyn Probe,
    ) -> Result<Vec<PrivateFile>, Error> {
        for (name, value) in self.env {
            let value = facts.secrets.open(value, probe).await?;
            command.env.push((name.clone(), value));
        }
        if let Some(stdin) = self.stdin {
            command.stdin = Some(facts.bytes(stdin, probe).await?);
        }
        let mut files = Vec::new();
        for (name, value) in self.files {
            let bytes = Zeroizing::new(facts.bytes(value, probe).await?);
            let file = PrivateFile::new(probe, &bytes)?;
            command.env.push((name.clone(), file.path.display().to_string()));
            files.push(file);
        }
        Ok(files)
    }

    fn of_target(&self, facts: &Facts, target: &Id) -> Result<host::Command, Error> {
        let bound = facts.target(target)?;
        if bound.kind != Kind::Command {
            let message = format!("target `{target}` is a `{}`, not a `command`", bound.kind.as_str());
            return Err(Error::new("bad_target", message));
        }
        let wrong = |what: &str| Error::new("bad_target", format!("command `{}`: {what}", bound.name));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let argv = bound.settings.get("argv").and_then(Value::as_array);
        let argv: Option<Vec<String>> = argv.and_then(|argv| argv.iter().map(text).collect());
        let mut argv = argv.ok_or_else(|| wrong("`argv` is no list of texts"))?;
        argv.extend_from_slice(self.args);
        let env = match bound.settings.get("env") {
            None => Vec::new(),
            Some(env) => {
                let env = env.as_object().ok_or_else(|| wrong("`env` is no map"))?;
                let env = env.iter().map(|(name, value)| Some((name.clone(), text(value)?)));
                env.collect::<Option<_>>().ok_or_else(|| wrong("a value of `env` is no text"))?
            }
        };
        let folder = match bound.settings.get("cwd") {
            None => None,
            Some(folder) => Some(PathBuf::from(folder.as_str().ok_or_else(|| wrong("`cwd` is no text"))?)),
        };
        Ok(host::Command { argv, folder, env, stdin: None, timeout: self.timeout.as_std(), at_most: self.at_most })
    }
}

/// The program that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Program {
    /// Its absolute path.
    path: String,
    /// SHA-256 of its file, 64 hex digits.
    sha256: String,
}

fn program(probe: &dyn Probe, command: &host::Command) -> Result<Program, Error> {
    let name = command.argv.first().map(String::as_str).unwrap_or_default();
    // As the host will: a name with a `/` starts in the folder that the program runs in.
    let name = match &command.folder {
        Some(folder) if name.contains('/') => probe.root().join(folder).join(name).display().to_string(),
        _ => name.to_owned(),
    };
    let found = probe.program(&name)?;
    Ok(Program { path: found.path.display().to_string(), sha256: found.digest.hex().to_owned() })
}

/// The exit code of a program that ended by itself.
fn exit_code(name: &str, finished: &Finished, limit: Duration) -> Result<i32, Error> {
    if finished.timed_out {
        let message = format!("`{name}` was not done within {limit} and was ended with all it had started");
        return Err(Error::new("timed_out", message).uncertain());
    }
    finished.code.ok_or_else(|| {
        let how =
            finished.signal.map_or_else(|| "ended unseen".to_owned(), |signal| format!("ended by signal {signal}"));
        Error::new("killed", format!("`{name}` {how}")).uncertain()
    })
}

/// What a program wrote, as JSON.
fn json(name: &str, finished: &Finished) -> Result<Value, Error> {
    let wrong = |why: String| Error::new("bad_json", format!("`{name}` wrote no JSON: {why}"));
    if finished.cut {
        return Err(wrong("it wrote more than `max_bytes`".to_owned()));
    }
    let text = std::str::from_utf8(&finished.stdout).map_err(|_| wrong("no UTF-8".to_owned()))?;
    format::json(text).map_err(|error| wrong(error.to_string()))
}

/// What a program wrote, without the secrets in it. Digests are of this: one of a secret alone could be guessed from.
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Said {
    fn of(finished: &Finished, facts: &Facts) -> Self {
        let clean = |bytes: &[u8]| facts.secrets.clean_bytes(bytes, finished.cut);
        Self { stdout: clean(&finished.stdout), stderr: clean(&finished.stderr) }
    }
}

/// The end of what a program wrote to its error stream, for a message.
fn last_words(said: &Said) -> String {
    const AT_MOST: usize = 400;
    let text = String::from_utf8_lossy(&said.stderr);
    let text = text.trim_end();
    let start = text.char_indices().rev().nth(AT_MOST - 1).map_or(0, |(at, _)| at);
    if text.is_empty() { String::new() } else { format!(": {}", &text[start..]) }
}

#[cfg(test)]
mod tests;
