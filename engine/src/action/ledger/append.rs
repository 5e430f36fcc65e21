//! `ledger.append`: one entry at the end of a run of a Corvusforge ledger, in its own format.
//!
//! The payload becomes an artifact, for the ledger has no column for it: its address and its hash stand in the entry.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{aside, copy, no_ledger, target};
use crate::action::corvusforge::store_folder;
use crate::action::corvusforge::waiver_sign::put_artifact;
use crate::action::file::refuse_protected;
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::Probe;
use crate::id::{Digest, Id};
use crate::ledger::report::Status;
use crate::target::corvusforge::append::{self, Draft, entry_id};
use crate::target::corvusforge::entry::Entry;
use crate::target::corvusforge::listing::Filter;
use crate::target::corvusforge::places::artifact_path;
use crate::target::open_ledger::OpenLedger;
use crate::target::{corvusforge, python_json};

/// Appends an entry.
pub struct Append;

/// What `ledger.append` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The ledger, of driver `corvusforge`.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    target: Id,
    /// The run, `system` for what is of none.
    run: String,
    /// The stage, or what takes its place, like `plugin_revocation`.
    stage: String,
    /// What changed: `from->to`.
    transition: String,
    /// What is said about it; kept as an artifact.
    payload: Map<String, Value>,
    /// The store that takes the payload.
    #[schemars(extend("x-runwarden-target" = ["artifact_store"]))]
    artifacts: Id,
}

/// What `ledger.append` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The entry's own id.
    entry_id: String,
    /// The hash that seals it.
    entry_hash: String,
    /// The address of the payload: `sha256:` and 64 hex digits.
    payload: String,
}

/// The ledger as it was found: the last hash of the run, and this very entry if it is there.
struct Found {
    tip: String,
    there: Option<Entry>,
}

impl Params {
    fn draft(&self, facts: &Facts, probe: &dyn Probe) -> Result<(Draft, String), Error> {
        let is_word = |text: &str| {
            !text.is_empty()
                && text.len() <= 128
                && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'))
        };
        let has_arrow = self.transition.split_once("->").is_some_and(|(from, to)| is_word(from) && is_word(to));
        if !is_word(&self.run) || !is_word(&self.stage) || !has_arrow {
            let message = "`run` and `stage` are words, and `transition` is `from->to`";
            return Err(Error::new("bad_input", message));
        }
        let payload = python_json::parse(&Value::Object(self.payload.clone()).to_string());
        let payload = payload.map_err(|error| Error::new("bad_input", format!("`payload` is {error}")))?;
        let text = python_json::canonical(&payload.value);
        let digest = Digest::of(text.as_bytes());
        let draft = Draft {
            run: self.run.clone(),
            stage: self.stage.clone(),
            transition: self.transition.clone(),
            payload_hash: digest.hex().to_owned(),
            artifacts: vec![digest.to_string()],
            entry_id: entry_id(&facts.idempotency_key),
            at: probe.now(),
        };
        Ok((draft, text))
    }

    async fn look(&self, facts: &Facts, probe: &dyn Probe, id: &str) -> Result<Found, Error> {
        let driver = target(facts, &self.target)?.driver.clone();
        if driver != corvusforge::DRIVER {
            let message = format!("nothing is appended to a ledger of driver `{driver}`");
            return Err(Error::new("unsupported_driver", message));
        }
        let copy = copy(facts, probe, &self.target, None)?;
        let (run, id) = (self.run.clone(), id.to_owned());
        aside(move || {
            let opened = copy.open().map_err(|report| no_ledger(&report))?;
            let report = opened.report(None);
            // A run without entries is none that could be judged; the others must be sound all the same.
            if !report.status.is_sound() && report.status != Status::Empty {
                let first = report.problems.first().map(|problem| problem.detail.clone()).unwrap_or_default();
                return Err(Error::new(
                    "unsound",
                    format!("the ledger does not verify ({first}): nothing is added to it"),
                ));
            }
            let OpenLedger::Corvusforge(ledger) = opened else {
                return Err(Error::new("unsupported_driver", "no Corvusforge ledger"));
            };
            let mut found = Found { tip: String::new(), there: None };
            let filter = Filter { run: Some(run), ..Filter::default() };
            let visited = ledger.visit_entries(&filter, |entry| {
                found.tip.clone_from(&entry.entry_hash);
                if entry.entry_id == id {
                    found.there = Some(entry);
                }
            });
            visited.map_err(|error| Error::new("unreadable", error.to_string()))?;
            Ok(found)
        })
        .await?
    }
}

fn output(entry_id: String, entry_hash: String, payload: String) -> Output {
    Output { entry_id, entry_hash, payload: format!("sha256:{payload}") }
}

impl From<append::Error> for Error {
    fn from(error: append::Error) -> Self {
        match &error {
            append::Error::Moved { .. } => Self::new("moved", error.to_string()),
            append::Error::Unfit(_) => Self::new("bad_input", error.to_string()),
            append::Error::Sqlite(_) if error.is_busy() => Self::new("busy", error.to_string()).transient(),
            append::Error::Sqlite(_) => Self::new("sqlite", error.to_string()),
            append::Error::Uncertain(_) => Self::new("sqlite", error.to_string()).uncertain(),
        }
    }
}

#[async_trait]
impl Effect for Append {
    const NAME: &'static str = "ledger.append";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Irreversible,
        repeat: Repeat::Keyed,
        preview: Fidelity::Estimated,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        let mut paths = looking.facts.written(&params.target)?;
        paths.push(store_folder(looking.facts, &params.artifacts)?);
        Ok(paths)
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let Looking { facts, probe } = *looking;
        let (draft, _) = params.draft(facts, probe)?;
        refuse_protected(probe, &store_folder(facts, &params.artifacts)?.join(artifact_path(&draft.payload_hash)))?;
        let found = params.look(facts, probe, &draft.entry_id).await?;
        Ok(Preview {
            fidelity: Fidelity::Estimated,
            before: Some(json!({ "run": params.run, "tip": found.tip })),
            after: Some(json!({ "run": params.run, "previous": found.tip, "payload_hash": draft.payload_hash })),
            no_change: false,
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let Doing { facts, host } = *doing;
        let (draft, text) = params.draft(facts, host)?;
        let found = params.look(facts, host, &draft.entry_id).await?;
        if let Some(there) = found.there {
            return Ok(output(there.entry_id, there.entry_hash, there.payload_hash));
        }
        let path = copy(facts, host, &params.target, None)?.path().to_owned();
        // First: an entry that names what is not there would be worse than an artifact that nobody names.
        let folder = store_folder(facts, &params.artifacts)?;
        put_artifact(host, &folder.join(artifact_path(&draft.payload_hash)), &text)?;
        let appended = append::append(host, &path, &draft, &found.tip)?;
        Ok(output(draft.entry_id, appended.entry_hash, draft.payload_hash))
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let (draft, _) = params.draft(looking.facts, looking.probe)?;
        let found = params.look(looking.facts, looking.probe, &draft.entry_id).await?;
        Ok(match found.there {
            Some(there) => Reconciled::Happened(output(there.entry_id, there.entry_hash, there.payload_hash)),
            None => Reconciled::NotHappened,
        })
    }
}
