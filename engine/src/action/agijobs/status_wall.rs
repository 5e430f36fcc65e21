//! `agijobs.status_wall`: whether CI is green for the very commit that is the branch's head, as GitHub has it.
//!
//! AGIJobs' own script takes the last completed run of whatever commit, and passes when every job was skipped.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::http::{opened, to_service};
use crate::action::sealed::Sealed;
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::time::Duration;

/// Looks at CI.
pub struct StatusWall;

/// What `agijobs.status_wall` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// GitHub's REST API.
    #[schemars(extend("x-runwarden-target" = ["service"]))]
    target: Id,
    /// Owner and name of the repository, with a `/`.
    repository: String,
    /// The branch whose head counts.
    #[serde(default = "main_branch")]
    branch: String,
    /// What must be green: files of workflows, and the names of their jobs; at least one of each.
    required: BTreeMap<String, Vec<String>>,
    /// Headers by name, like `authorization`.
    #[serde(default)]
    headers: BTreeMap<String, Sealed>,
}

fn main_branch() -> String {
    "main".to_owned()
}

/// What `agijobs.status_wall` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether every required job of every required workflow succeeded for the head commit.
    green: bool,
    /// The head commit of the branch.
    head: String,
    /// Each required workflow.
    workflows: Vec<Workflow>,
    /// Required jobs that did not succeed, as `file/job: state`; one that was skipped or is missing has not.
    not_green: Vec<String>,
    /// Workflows whose newest run is of another commit, or not over.
    stale: Vec<String>,
    /// The digest of what was found.
    subject: Digest,
}

/// One workflow.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Workflow {
    /// Its file, like `ci.yml`.
    file: String,
    /// The id of its newest run on the branch; none where there is none.
    run: Option<u64>,
    /// The commit of that run.
    commit: Option<String>,
    /// Whether that is the head, and the run is over.
    current: bool,
    /// Its address.
    url: Option<String>,
}

const TIMEOUT: Duration = Duration::from_seconds(30);
const AT_MOST: u64 = 8 * 1024 * 1024;
const PAGES_AT_MOST: u32 = 20;

#[async_trait]
impl Read for StatusWall {
    const NAME: &'static str = "agijobs.status_wall";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        check(&params)?;
        let headers = opened(&params.headers, looking.facts, looking.probe).await?;
        let github = GitHub { params: &params, looking, headers };
        let head = github.ask(&format!("/commits/{}", params.branch)).await?;
        let head = head["sha"].as_str().ok_or_else(|| malformed("the head of the branch"))?.to_owned();
        let (mut workflows, mut not_green, mut stale) = (Vec::new(), Vec::new(), Vec::new());
        for (file, jobs) in &params.required {
            let path = format!("/actions/workflows/{file}/runs?branch={}&per_page=1", params.branch);
            let runs = github.ask(&path).await?;
            let newest = runs["workflow_runs"].as_array().ok_or_else(|| malformed("the runs of a workflow"))?.first();
            let run = newest.and_then(|run| run["id"].as_u64());
            let commit = newest.and_then(|run| run["head_sha"].as_str()).map(str::to_owned);
            let is_over = newest.is_some_and(|run| run["status"] == "completed");
            let current = is_over && commit.as_ref() == Some(&head);
            if !current {
                stale.push(file.clone());
            }
            let found = match run {
                Some(run) => github.jobs(run).await?,
                None => BTreeMap::new(),
            };
            for job in jobs {
                let state = found.get(job).map_or("missing", String::as_str);
                if state != "success" {
                    not_green.push(format!("{file}/{job}: {state}"));
                }
            }
            let url = newest.and_then(|run| run["html_url"].as_str()).map(str::to_owned);
            workflows.push(Workflow { file: file.clone(), run, commit, current, url });
        }
        let subject = serde_json::json!([head, workflows, not_green, stale]).to_string();
        let green = not_green.is_empty() && stale.is_empty();
        Ok(Output { green, head, workflows, not_green, stale, subject: Digest::of(subject.as_bytes()) })
    }
}

struct GitHub<'a> {
    params: &'a Params,
    looking: &'a Looking<'a>,
    headers: BTreeMap<String, String>,
}

impl GitHub<'_> {
    async fn ask(&self, path: &str) -> Result<Value, Error> {
        let path = format!("/repos/{}{path}", self.params.repository);
        let mut headers = self.headers.clone();
        headers.insert("accept".to_owned(), "application/vnd.github+json".to_owned());
        headers.insert("x-github-api-version".to_owned(), "2022-11-28".to_owned());
        let request = to_service(self.looking.facts, &self.params.target, &path, headers, TIMEOUT, AT_MOST)?;
        let answer = self.looking.probe.get(request).await?;
        if answer.status != 200 {
            let place = path.split('?').next().unwrap_or_default();
            return Err(Error::new("status", format!("{place} answered with status {}", answer.status)));
        }
        serde_json::from_slice(&answer.body).map_err(|_| malformed("an answer"))
    }

    /// The state of each job of a run; of two with one name the worse counts.
    async fn jobs(&self, run: u64) -> Result<BTreeMap<String, String>, Error> {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        let mut seen = 0;
        for page in 1..=PAGES_AT_MOST {
            let answer = self.ask(&format!("/actions/runs/{run}/jobs?per_page=100&page={page}")).await?;
            let jobs = answer["jobs"].as_array().ok_or_else(|| malformed("the jobs of a run"))?;
            for job in jobs {
                let name = job["name"].as_str().ok_or_else(|| malformed("a job"))?;
                let state = job["conclusion"].as_str().or(job["status"].as_str()).unwrap_or("unknown");
                // Where the required name is said with the workflow's before it, GitHub leaves that out.
                let kept = found.entry(name.to_owned()).or_insert_with(|| state.to_owned());
                if state != "success" {
                    state.clone_into(kept);
                }
            }
            seen += jobs.len() as u64;
            if jobs.is_empty() || answer["total_count"].as_u64().is_some_and(|total| seen >= total) {
                return Ok(found);
            }
        }
        Err(Error::new("too_many", format!("run {run} has more than {PAGES_AT_MOST} pages of jobs")))
    }
}

fn check(params: &Params) -> Result<(), Error> {
    let fits = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c) || more.contains(c))
    };
    let wrong = |what: String| Err(Error::new("bad_input", what));
    if !fits(&params.repository, "/") || params.repository.split('/').count() != 2 {
        return wrong(format!("`repository` is {:?}, expected OWNER/NAME", params.repository));
    }
    if !fits(&params.branch, "/") {
        return wrong(format!("`branch` is {:?}", params.branch));
    }
    if params.required.is_empty() || params.required.values().any(Vec::is_empty) {
        return wrong("`required` has no job: nothing would be looked at".to_owned());
    }
    match params.required.keys().find(|file| !fits(file, "")) {
        Some(file) => wrong(format!("`required`: {file:?} is no file of a workflow")),
        None => Ok(()),
    }
}

fn malformed(what: &str) -> Error {
    Error::new("malformed", format!("GitHub gives {what} that cannot be understood"))
}
