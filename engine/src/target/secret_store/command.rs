//! The store `command`: a secret manager's own program (doppler, flyctl, op, pass, …), asked by argv templates.
//!
//! A value goes in by standard input and comes out by standard output, never by argv, which every user of the machine
//! can read. What a program says when it fails is not passed on: it may be the value.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{AT_MOST, Error, Found, SecretStore, check_key, text};
use crate::host::{self, Finished, Host, Probe};
use crate::id::Digest;
use crate::secret::Secret;
use crate::time::Duration;

/// What stands for the key in an argv.
const KEY: &str = "{key}";

/// Settings of the store `command`. What is not given the store cannot do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Writes the value of `{key}` to its standard output.
    #[serde(default)]
    pub get: Option<Vec<String>>,
    /// Reads the value for `{key}` from its standard input, and keeps it.
    #[serde(default)]
    pub put: Option<Vec<String>>,
    /// Removes `{key}`.
    #[serde(default)]
    pub delete: Option<Vec<String>>,
    /// Writes the keys: one a line, or JSON (a list of names, a map by name, or a list of maps with `name`).
    #[serde(default)]
    pub list: Option<Vec<String>>,
    /// What `put` reads.
    #[serde(default)]
    pub stdin: Stdin,
    /// The exit codes of `get` that mean that there is no such key. Where none is given, `list` is asked.
    #[serde(default)]
    pub missing_exits: Vec<i32>,
    /// Working folder; the workspace where nothing is said.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// Environment variables; no secrets.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of variables that are handed through from the environment of the engine: a token of the program's own.
    #[serde(default)]
    pub pass_env: Vec<String>,
    /// How long a program may take.
    #[serde(default = "thirty_seconds")]
    pub timeout: Duration,
    /// The file in which expiry dates are kept.
    #[serde(default)]
    pub expiries: Option<PathBuf>,
}

/// What the program that puts a value reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stdin {
    /// The value and nothing else.
    #[default]
    Value,
    /// `KEY="""value"""`, as `flyctl secrets import` takes it without cutting it at a `#`.
    TripleQuoted,
}

fn thirty_seconds() -> Duration {
    Duration::from_seconds(30)
}

impl Settings {
    /// What this store really is: the commands it goes by.
    pub(super) fn identity(&self) -> Result<String, String> {
        let argvs = [("get", &self.get), ("put", &self.put), ("delete", &self.delete), ("list", &self.list)];
        for (name, argv) in argvs.iter().filter_map(|(name, argv)| Some((*name, argv.as_ref()?))) {
            let takes_key = argv.iter().skip(1).any(|part| part.contains(KEY));
            if argv.first().is_none_or(|program| program.is_empty() || program.contains(KEY)) {
                return Err(format!("`{name}` does not begin with a program"));
            }
            let by_stdin = name == "put" && self.stdin == Stdin::TripleQuoted;
            if takes_key == (name == "list") && !by_stdin {
                let what = if takes_key { "is not about one key, and names" } else { "does not name" };
                return Err(format!("`{name}` {what} `{KEY}`"));
            }
        }
        if argvs.iter().all(|(_, argv)| argv.is_none()) {
            return Err("there is none of `get`, `put`, `delete` and `list`".to_owned());
        }
        let said =
            format!("{:?} {:?} {:?} {:?} {:?} {:?}", self.get, self.put, self.delete, self.list, self.cwd, self.env);
        Ok(format!("command:{}", &Digest::of(said.as_bytes()).hex()[..16]))
    }
}

/// A secret manager's own program.
pub(super) struct Command {
    pub name: String,
    pub settings: Settings,
}

impl Command {
    fn command(
        &self,
        probe: &dyn Probe,
        verb: &str,
        argv: Option<&Vec<String>>,
        key: &str,
        stdin: Option<Vec<u8>>,
    ) -> Result<host::Command, Error> {
        let cannot = || Error::new("unsupported", format!("store `{}` has no `{verb}`", self.name));
        let argv = argv.ok_or_else(cannot)?;
        let mut env: Vec<(String, String)> = self.settings.env.clone().into_iter().collect();
        for name in &self.settings.pass_env {
            let value = probe.variable(name).and_then(|value| String::from_utf8(value).ok());
            env.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(host::Command {
            argv: argv.iter().map(|part| part.replace(KEY, key)).collect(),
            folder: self.settings.cwd.clone(),
            env,
            stdin,
            timeout: self.settings.timeout.as_std(),
            at_most: AT_MOST,
        })
    }

    /// What the program wrote, if it exited with 0; else how it ended, and nothing that it said.
    fn output(&self, verb: &str, finished: &Finished) -> Result<Vec<u8>, Error> {
        let failed = |how: String| Error::new("store_failed", format!("store `{}`: `{verb}` {how}", self.name));
        if finished.timed_out {
            return Err(failed(format!("was not done within {}", self.settings.timeout))
                .uncertain_if(true)
                .transient_if(true));
        }
        match finished.code {
            Some(0) if finished.cut => Err(failed(format!("wrote more than {AT_MOST} bytes"))),
            Some(0) => Ok(finished.stdout.clone()),
            Some(code) => Err(failed(format!("exited with {code}"))),
            None => Err(failed("was ended by a signal".to_owned()).uncertain_if(true)),
        }
    }

    async fn list(&self, probe: &dyn Probe) -> Result<Vec<String>, Error> {
        let command = self.command(probe, "list", self.settings.list.as_ref(), "", None)?;
        let output = self.output("list", &probe.ask(command).await?)?;
        let wrong = || Error::new("store_failed", format!("store `{}`: `list` wrote no list of names", self.name));
        let text = String::from_utf8(output).map_err(|_| wrong())?;
        let mut names = match text.trim_start().starts_with(['[', '{']) {
            true => names_in(&serde_json::from_str(&text).map_err(|_| wrong())?).ok_or_else(wrong)?,
            false => text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        };
        if names.iter().any(|name| check_key(&self.name, name).is_err()) {
            return Err(wrong());
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn stdin(&self, key: &str, value: &Secret) -> Result<Vec<u8>, Error> {
        match self.settings.stdin {
            Stdin::Value => Ok(value.expose().to_vec()),
            Stdin::TripleQuoted => {
                let value = text(&self.name, key, value)?;
                if value.contains("\"\"\"") || value.starts_with('"') || value.ends_with('"') {
                    let message = format!("the value for `{key}` has quotes where `\"\"\"` would not be understood");
                    return Err(Error::new("unwritable", message));
                }
                Ok(format!("{key}=\"\"\"{value}\"\"\"\n").into_bytes())
            }
        }
    }
}

/// The names in a JSON list or map.
fn names_in(json: &Value) -> Option<Vec<String>> {
    let name = |item: &Value| match item {
        Value::String(name) => Some(name.clone()),
        Value::Object(members) => {
            members.iter().find(|(key, _)| key.eq_ignore_ascii_case("name"))?.1.as_str().map(str::to_owned)
        }
        _ => None,
    };
    match json {
        Value::Array(items) => items.iter().map(name).collect(),
        Value::Object(members) => Some(members.keys().cloned().collect()),
        _ => None,
    }
}

#[async_trait]
impl SecretStore for Command {
    async fn names(&self, probe: &dyn Probe) -> Result<Vec<String>, Error> {
        self.list(probe).await
    }

    async fn get(&self, probe: &dyn Probe, key: &str) -> Result<Option<Found>, Error> {
        check_key(&self.name, key)?;
        let command = self.command(probe, "get", self.settings.get.as_ref(), key, None)?;
        let finished = probe.ask(command).await?;
        if finished.code.is_some_and(|code| self.settings.missing_exits.contains(&code)) {
            return Ok(None);
        }
        match self.output("get", &finished) {
            Ok(mut value) => {
                // Programs end what they print with a line's end that is not part of the value.
                if value.ends_with(b"\n") {
                    value.truncate(value.len() - if value.ends_with(b"\r\n") { 2 } else { 1 });
                }
                Ok(Some(Found { value: Secret::new(value), version: None }))
            }
            Err(error) if self.settings.missing_exits.is_empty() && self.settings.list.is_some() => {
                let is_there = self.list(probe).await.map_or(true, |names| names.iter().any(|name| name == key));
                if is_there { Err(error) } else { Ok(None) }
            }
            Err(error) => Err(error),
        }
    }

    async fn put(&self, host: &dyn Host, values: &BTreeMap<String, Secret>) -> Result<Option<u64>, Error> {
        let mut done = false;
        for (key, value) in values {
            check_key(&self.name, key)?;
            let stdin = Some(self.stdin(key, value)?);
            let command = self.command(host, "put", self.settings.put.as_ref(), key, stdin)?;
            let finished = host.run(command).await?;
            self.output("put", &finished).map_err(|error| if done { error.uncertain_if(true) } else { error })?;
            done = true;
        }
        Ok(None)
    }

    async fn delete(&self, host: &dyn Host, key: &str) -> Result<(), Error> {
        check_key(&self.name, key)?;
        let command = self.command(host, "delete", self.settings.delete.as_ref(), key, None)?;
        self.output("delete", &host.run(command).await?).map(drop)
    }

    fn is_readable(&self) -> bool {
        self.settings.get.is_some()
    }
}
