//! The lever that is a program of the deployment's own. What it exits with is not believed: its state is asked afterwards.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Done, Error, Lever, Open, Order, State, Summary};
use crate::host::{self, Finished, Host, Probe};
use crate::id::Digest;
use crate::time::Duration;

/// Settings of a program that pauses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Writes how it stands: JSON with `summary` (`live`, `paused` or `mixed`) and, where there is anything, `open`.
    pub status: Vec<String>,
    /// Stops the system; `{level}` in it is the level asked for. The reason is in `RUNWARDEN_REASON`.
    pub pause: Vec<String>,
    /// Lets it go on.
    pub resume: Vec<String>,
    /// The level where a step says none.
    #[serde(default)]
    pub level: Option<u8>,
    /// Working folder; the workspace where nothing is said.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// Environment variables; no secrets.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of variables that are handed through from the environment of the engine.
    #[serde(default)]
    pub pass_env: Vec<String>,
    /// How long a program may take.
    #[serde(default = "a_minute")]
    pub timeout: Duration,
}

fn a_minute() -> Duration {
    Duration::from_seconds(60)
}

const AT_MOST: u64 = 1024 * 1024;
const LEVEL: &str = "{level}";

/// What the program says of itself.
#[derive(Debug, Deserialize)]
struct Said {
    summary: Summary,
    #[serde(default)]
    open: Vec<Open>,
}

impl Settings {
    /// What this lever really is: the commands it goes by.
    pub(super) fn identity(&self) -> Result<String, String> {
        for (name, argv) in [("status", &self.status), ("pause", &self.pause), ("resume", &self.resume)] {
            if argv.first().is_none_or(String::is_empty) {
                return Err(format!("`{name}` does not begin with a program"));
            }
            if name != "pause" && argv.iter().any(|part| part.contains(LEVEL)) {
                return Err(format!("`{name}` has no `{LEVEL}`"));
            }
        }
        let said = format!("{:?} {:?} {:?} {:?} {:?}", self.status, self.pause, self.resume, self.cwd, self.env);
        Ok(format!("command:{}", &Digest::of(said.as_bytes()).hex()[..16]))
    }
}

/// A program that pauses.
pub(super) struct Command {
    pub name: String,
    pub settings: Settings,
}

impl Command {
    fn command(&self, probe: &dyn Probe, argv: &[String], order: Option<&Order>) -> Result<host::Command, Error> {
        let level = order.and_then(|order| order.level.or(self.settings.level));
        let mut spelled = Vec::new();
        for part in argv {
            match (part.contains(LEVEL), level) {
                (true, None) => return Err(Error::new("bad_input", format!("lever `{}` needs a level", self.name))),
                (true, Some(level)) => spelled.push(part.replace(LEVEL, &level.to_string())),
                (false, _) => spelled.push(part.clone()),
            }
        }
        let mut env: Vec<(String, String)> = self.settings.env.clone().into_iter().collect();
        for name in &self.settings.pass_env {
            let value = probe.variable(name).and_then(|value| String::from_utf8(value).ok());
            env.extend(value.map(|value| (name.clone(), value)));
        }
        env.extend(order.map(|order| ("RUNWARDEN_REASON".to_owned(), order.reason.clone())));
        env.extend(order.map(|order| ("RUNWARDEN_MARK".to_owned(), order.mark.clone())));
        Ok(host::Command {
            argv: spelled,
            folder: self.settings.cwd.clone(),
            env,
            stdin: None,
            timeout: self.settings.timeout.as_std(),
            at_most: AT_MOST,
        })
    }

    fn output<'f>(&self, verb: &str, finished: &'f Finished) -> Result<&'f [u8], Error> {
        let failed = |how: String, uncertain| {
            Error::new("lever_failed", format!("lever `{}`: `{verb}` {how}", self.name)).uncertain_if(uncertain)
        };
        if finished.timed_out {
            return Err(failed(format!("was not done within {}", self.settings.timeout), true));
        }
        match finished.code {
            Some(0) => Ok(&finished.stdout),
            Some(code) => {
                let why = String::from_utf8_lossy(&finished.stderr);
                let why = why.lines().next_back().unwrap_or_default();
                Err(failed(format!("exited with {code}: {why}"), verb != "status"))
            }
            None => Err(failed("was ended by a signal".to_owned(), true)),
        }
    }

    /// Moves the lever, and asks whether it moved.
    async fn moved(&self, host: &dyn Host, verb: &str, order: &Order, wanted: Summary) -> Result<Done, Error> {
        let before = self.status(host).await?;
        let argv = if wanted == Summary::Live { &self.settings.resume } else { &self.settings.pause };
        let finished = host.run(self.command(host, argv, Some(order))?).await?;
        self.output(verb, &finished)?;
        let after = self.status(host).await?;
        if after.summary != wanted {
            let message = format!(
                "lever `{}`: `{verb}` exited with 0, and the system is {:?} all the same",
                self.name, after.summary
            );
            return Err(Error::new("no_effect", message));
        }
        let lifted = before.open.into_iter().map(|open| open.id).filter(|_| wanted == Summary::Live).collect();
        Ok(Done { id: None, lifted })
    }
}

#[async_trait]
impl Lever for Command {
    async fn status(&self, probe: &dyn Probe) -> Result<State, Error> {
        let finished = probe.ask(self.command(probe, &self.settings.status, None)?).await?;
        let output = self.output("status", &finished)?;
        let said: Value = serde_json::from_slice(output)
            .map_err(|_| Error::new("malformed", format!("lever `{}`: `status` wrote no JSON", self.name)))?;
        let said = serde_json::from_value::<Said>(said);
        let said = said.map_err(|error| Error::new("malformed", format!("lever `{}`: {error}", self.name)))?;
        Ok(State { summary: said.summary, open: said.open })
    }

    async fn pause(&self, host: &dyn Host, order: &Order) -> Result<Done, Error> {
        self.moved(host, "pause", order, Summary::Paused).await
    }

    async fn resume(&self, host: &dyn Host, order: &Order) -> Result<Done, Error> {
        self.moved(host, "resume", order, Summary::Live).await
    }
}
