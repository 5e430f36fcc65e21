//! `agijobs.reports`: what a script of AGIJobs wrote, judged by what stands in it and not by its exit code.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::{Error, Looking, Read};
use crate::id::Digest;

/// Judges a report.
pub struct Reports;

/// A report of AGIJobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// `owner:doctor --json`.
    Doctor,
    /// `owner:surface --json`.
    Surface,
    /// `owner:mission-control --format json`.
    MissionControl,
    /// `owner:verify-control`, with `OWNER_VERIFY_JSON=1`.
    VerifyControl,
    /// `owner:rotate --json`.
    Rotate,
}

/// What `agijobs.reports` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Which report it is.
    report: Report,
    /// What the script wrote to its standard output.
    text: String,
    /// The network that it has to be about; files of another one, or of none, are a problem.
    network: String,
    /// The chain that it has to be about, where the report names one.
    #[serde(default)]
    chain_id: Option<u64>,
}

/// What `agijobs.reports` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether nothing is wrong.
    ok: bool,
    /// Everything that is wrong, in words.
    problems: Vec<String>,
    /// How many checks, modules, steps or actions it has.
    items: u64,
    /// The report.
    json: Value,
    /// The digest of the report.
    subject: Digest,
}

#[async_trait]
impl Read for Reports {
    const NAME: &'static str = "agijobs.reports";
    const PURE: bool = true;
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, _looking: &Looking<'_>) -> Result<Output, Error> {
        let json = after_other_lines(&params.text)?;
        let mut judge = Judge { params: &params, json: &json, problems: Vec::new() };
        let items = judge.look()?;
        let problems = judge.problems;
        let subject = Digest::of(json.to_string().as_bytes());
        Ok(Output { ok: problems.is_empty(), problems, items, json, subject })
    }
}

/// The JSON in what was written. What loads the settings writes lines of its own before it.
fn after_other_lines(text: &str) -> Result<Value, Error> {
    let mut rest = text;
    loop {
        if rest.starts_with('{')
            && let Ok(found) = serde_json::from_str(rest.trim())
        {
            return Ok(found);
        }
        match rest.split_once('\n') {
            Some((_, after)) => rest = after,
            None => return Err(Error::new("malformed", "the script wrote no JSON object, or something after it")),
        }
    }
}

struct Judge<'a> {
    params: &'a Params,
    json: &'a Value,
    problems: Vec<String>,
}

impl Judge<'_> {
    fn look(&mut self) -> Result<u64, Error> {
        let (list, good, network): (&str, &[&str], &Value) = match self.params.report {
            Report::Doctor => ("checks", &["pass"], &Value::Null),
            Report::Surface => ("reports", &["ok"], &self.json["network"]),
            Report::MissionControl => ("steps", &["success", "skipped"], &self.json["network"]),
            Report::VerifyControl => ("results", &["ok", "skipped"], &self.json["network"]["name"]),
            Report::Rotate => ("actions", &[], &self.json["network"]),
        };
        let json = self.json;
        let wrong = || Error::new("malformed", format!("the report has no list `{list}`"));
        let items = json[list].as_array().ok_or_else(wrong)?;
        if items.is_empty() && self.params.report != Report::Rotate {
            self.problems.push(format!("`{list}` is empty: nothing was looked at"));
        }
        if !network.is_null() && network != self.params.network.as_str() {
            self.problems.push(format!("it is of network {network}, not of `{}`", self.params.network));
        }
        for item in items {
            let name = ["id", "key", "moduleKey"].iter().find_map(|key| item[*key].as_str()).unwrap_or("?");
            if !good.is_empty() {
                let status = item["status"].as_str().unwrap_or("none");
                if !good.contains(&status) {
                    self.problems.push(format!("`{name}` has status {status}"));
                }
            }
            for key in ["path", "configPath"] {
                self.of_network(name, &item[key]);
            }
        }
        self.of_network("the report", &json["configPath"]);
        let chain = [&json["chainId"], &json["network"]["chainId"]].into_iter().find_map(chain_of);
        if let (Some(expected), Some(found)) = (self.params.chain_id, chain)
            && expected != found
        {
            self.problems.push(format!("it is of chain {found}, not of {expected}"));
        }
        for key in ["missingTargets", "missingAddresses"] {
            if json[key].as_array().is_some_and(|missing| !missing.is_empty()) {
                self.problems.push(format!("`{key}` is not empty: those modules would be left out"));
            }
        }
        Ok(items.len() as u64)
    }

    /// A script falls back to a file for all networks without a word; only that of the network counts.
    fn of_network(&mut self, name: &str, path: &Value) {
        let Some(path) = path.as_str().filter(|path| path.ends_with(".json")) else { return };
        if !path.ends_with(&format!(".{}.json", self.params.network)) {
            self.problems
                .push(format!("`{name}` was read from {path}, which is not that of `{}`", self.params.network));
        }
    }
}

fn chain_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
