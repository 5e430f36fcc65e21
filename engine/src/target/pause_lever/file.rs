//! The lever that is a lock file: JSON with a flag, a reason and a time, as MV-CRS's safe mode writes it. Where there is no
//! file, nothing holds.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Done, Error, Lever, Open, Order, State, Summary};
use crate::host::{Existing, Host, Probe};

/// Settings of a lock file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The file; a relative path starts at the workspace.
    pub path: PathBuf,
    /// The member that says whether it holds.
    #[serde(default = "usual_flag")]
    pub flag: String,
    /// What it says of the systems that are held.
    #[serde(default)]
    pub affected_systems: Vec<String>,
    /// What it says of what they must not do.
    #[serde(default)]
    pub restrictions: Vec<String>,
}

fn usual_flag() -> String {
    "paused".to_owned()
}

const AT_MOST: u64 = 1024 * 1024;

/// A lock file.
pub(super) struct File {
    pub settings: Settings,
}

impl File {
    /// What is in it; none where there is no file.
    fn members(&self, probe: &dyn Probe) -> Result<Option<Map<String, Value>>, Error> {
        let path = &self.settings.path;
        if probe.stat(path)?.is_none() {
            return Ok(None);
        }
        match serde_json::from_slice(&probe.read(path, AT_MOST)?) {
            Ok(Value::Object(members)) => Ok(Some(members)),
            _ => Err(Error::new("malformed", format!("`{}` is no JSON object", path.display()))),
        }
    }

    /// Whether it holds; a file that does not say so clearly is an error, for it may.
    fn holds(&self, members: &Map<String, Value>) -> Result<bool, Error> {
        let Settings { path, flag, .. } = &self.settings;
        let flagged = members.get(flag).and_then(Value::as_bool);
        flagged.ok_or_else(|| Error::new("malformed", format!("`{}`: `{flag}` is no boolean", path.display())))
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Option<String> {
    members.get(name).and_then(Value::as_str).map(str::to_owned)
}

#[async_trait]
impl Lever for File {
    async fn status(&self, probe: &dyn Probe) -> Result<State, Error> {
        let Some(members) = self.members(probe)? else {
            return Ok(State { summary: Summary::Live, open: Vec::new() });
        };
        if !self.holds(&members)? {
            return Ok(State { summary: Summary::Live, open: Vec::new() });
        }
        let id = text(&members, "provenance").or_else(|| text(&members, "timestamp")).unwrap_or_default();
        let (reason, issuer) = (text(&members, "reason"), text(&members, "provenance"));
        let kind = self.settings.flag.clone();
        let state = text(&members, "expected_unlock").map(|at| format!("expected to end {at}"));
        Ok(State { summary: Summary::Paused, open: vec![Open { id, level: None, kind, reason, issuer, state }] })
    }

    async fn pause(&self, host: &dyn Host, order: &Order) -> Result<Done, Error> {
        // Whoever holds it already is not written over: that would be the end of the record of who paused it and why.
        if let Some(members) = self.members(host)?
            && self.holds(&members)?
        {
            return Ok(Done { id: text(&members, "provenance"), lifted: Vec::new() });
        }
        let Settings { path, flag, affected_systems, restrictions } = &self.settings;
        let lock = json!({
            (flag): true, "timestamp": order.at, "reason": order.reason, "affected_systems": affected_systems,
            "restrictions": restrictions, "expected_unlock": null, "provenance": order.mark,
        });
        let spelled =
            serde_json::to_string_pretty(&lock).map_err(|error| Error::new("malformed", error.to_string()))?;
        host.write(path, format!("{spelled}\n").as_bytes(), 0o644, Existing::Replace)?;
        Ok(Done { id: Some(order.mark.clone()), lifted: Vec::new() })
    }

    async fn resume(&self, host: &dyn Host, _order: &Order) -> Result<Done, Error> {
        let Some(members) = self.members(host)? else { return Ok(Done::default()) };
        let held = self.holds(&members)?;
        host.remove(&self.settings.path)?;
        let lifted = held.then(|| text(&members, "provenance").or_else(|| text(&members, "timestamp")));
        Ok(Done { id: None, lifted: lifted.flatten().into_iter().collect() })
    }
}
