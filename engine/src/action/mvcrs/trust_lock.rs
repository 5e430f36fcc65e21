//! `mvcrs.trust_lock`: locks trust, or releases it, in the files that Trust Guard reads; within its limit of a day.
//!
//! Trust Guard lets an exceeded limit pass and moves `locked_at` with each call; this does neither. What autonomous
//! adjustments do while trust is locked is not changed by it.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{AT_MOST, object, state, text};
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::{Existing, Host, Probe};

/// Locks or releases trust.
pub struct TrustLock;

/// What `mvcrs.trust_lock` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// MV-CRS's state folder; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    directory: PathBuf,
    /// Whether trust is to be locked; false releases it.
    locked: bool,
    /// Why, in Trust Guard's words; a release has `none`.
    reason: Reason,
    /// Why, in a person's words.
    note: String,
    /// `trust_guard_policy.json`; a release has to be within its `max_manual_unlocks_per_day`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    policy: Option<PathBuf>,
}

/// Why trust is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is not.
    None,
    /// The integrity of a record.
    Integrity,
    /// Verifiers do not agree.
    Consensus,
    /// A peer's standing.
    Reputation,
    /// More than one of these.
    Multiple,
    /// A person decided so.
    Manual,
}

/// What `mvcrs.trust_lock` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether trust is locked now.
    locked: bool,
    /// Whether it was locked before.
    was_locked: bool,
    /// Why it was; none where nothing said.
    previous_reason: Option<String>,
    /// Releases by hand today (UTC), this one included.
    manual_unlocks_today: u64,
    /// The state file.
    path: String,
}

const STATE: &str = "trust_lock_state.json";
const LOG: &str = "trust_lock_log.jsonl";

/// The state as it is, and as it shall be.
struct Change {
    path: PathBuf,
    before: Map<String, Value>,
    was_locked: bool,
    unlocks: u64,
    after: Map<String, Value>,
    entry: String,
}

impl Params {
    fn change(&self, facts: &Facts, probe: &dyn Probe) -> Result<Change, Error> {
        let path = state(&self.directory, STATE);
        let wrong = |what: String| Error::new("malformed", format!("`{}`: {what}", path.display()));
        if (self.reason == Reason::None) == self.locked {
            return Err(Error::new("bad_input", "a lock has a reason, and a release has `none`"));
        }
        let before = object(probe, &path)?.unwrap_or_default();
        let was_locked = match before.get("locked") {
            None if before.is_empty() => false,
            Some(Value::Bool(locked)) => *locked,
            _ => return Err(wrong("`locked` is no boolean".to_owned())),
        };
        let mark = format!("runwarden {}", facts.run);
        let at = facts.started_at.to_string();
        let today = &at[..10];
        let counted = text(&before, "manual_unlocks_last_reset") == Some(today);
        let unlocks = before.get("manual_unlocks_today").filter(|_| counted);
        let unlocks = match unlocks {
            None => 0,
            Some(count) => count.as_u64().ok_or_else(|| wrong("`manual_unlocks_today` is no count".to_owned()))?,
        };
        let is_release = was_locked && !self.locked;
        if is_release {
            self.require_room(probe, unlocks)?;
        }
        let unlocks = unlocks + u64::from(is_release);
        let mut after = before.clone();
        let mut set = |name: &str, value: Value| after.insert(name.to_owned(), value);
        set("locked", json!(self.locked));
        set("locked_at", if self.locked { json!(at) } else { Value::Null });
        set("reason", json!(self.reason));
        set("unlock_scheduled_at", Value::Null);
        set("manual_unlocks_today", json!(unlocks));
        set("manual_unlocks_last_reset", json!(today));
        set("bypass", json!(false));
        set("provenance", json!(mark));
        let event = if self.locked { "locked" } else { "manual_unlock" };
        let entry = json!({ "event": event, "timestamp": at, "reason": self.reason, "note": self.note, "run": mark });
        Ok(Change { path, before, was_locked, unlocks, after, entry: entry.to_string() })
    }

    /// Refuses a release beyond the policy's limit.
    fn require_room(&self, probe: &dyn Probe, unlocks: u64) -> Result<(), Error> {
        let Some(path) = &self.policy else {
            return Err(Error::new("bad_input", "a release is held against a `policy`, and none is given"));
        };
        let policy = object(probe, path)?;
        let policy = policy.ok_or_else(|| Error::new("not_found", format!("there is no `{}`", path.display())))?;
        let limit = policy.get("max_manual_unlocks_per_day").and_then(Value::as_u64);
        let limit = limit.ok_or_else(|| {
            Error::new("malformed", format!("`{}`: `max_manual_unlocks_per_day` is no count", path.display()))
        })?;
        if unlocks >= limit {
            let message = format!("trust was released by hand {unlocks} times today, and the policy allows {limit}");
            return Err(Error::new("unlock_limit", message));
        }
        Ok(())
    }

    fn output(&self, change: &Change) -> Output {
        Output {
            locked: self.locked,
            was_locked: change.was_locked,
            previous_reason: text(&change.before, "reason").map(str::to_owned),
            manual_unlocks_today: change.unlocks,
            path: change.path.display().to_string(),
        }
    }
}

/// Appends the entry to Trust Guard's log, unless this run's entry is there.
fn write_entry(host: &dyn Host, directory: &Path, entry: &str) -> Result<(), Error> {
    let path = state(directory, LOG);
    let mut log = match host.stat(&path)? {
        None => Vec::new(),
        Some(_) => host.read(&path, AT_MOST)?,
    };
    if log.split(|byte| *byte == b'\n').any(|line| line == entry.as_bytes()) {
        return Ok(());
    }
    if !log.is_empty() && !log.ends_with(b"\n") {
        log.push(b'\n');
    }
    log.extend_from_slice(entry.as_bytes());
    log.push(b'\n');
    Ok(host.write(&path, &log, 0o644, Existing::Replace)?)
}

#[async_trait]
impl Effect for TrustLock {
    const NAME: &'static str = "mvcrs.trust_lock";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, _looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok([STATE, LOG].map(|name| state(&params.directory, name)).to_vec())
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let change = params.change(looking.facts, looking.probe)?;
        let shown =
            |state: &Map<String, Value>| json!({ "locked": state.get("locked"), "reason": state.get("reason") });
        Ok(Preview {
            fidelity: Fidelity::Exact,
            before: Some(shown(&change.before)),
            after: Some(shown(&change.after)),
            no_change: change.was_locked == params.locked,
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let change = params.change(doing.facts, doing.host)?;
        if change.was_locked == params.locked {
            return Ok(params.output(&change));
        }
        write_entry(doing.host, &params.directory, &change.entry)?;
        let text = serde_json::to_string_pretty(&change.after);
        let text = text.map_err(|error| Error::new("malformed", error.to_string()))?;
        doing.host.write(&change.path, format!("{text}\n").as_bytes(), 0o644, Existing::Replace)?;
        Ok(params.output(&change))
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let now = object(looking.probe, &state(&params.directory, STATE))?.unwrap_or_default();
        let mark = format!("runwarden {}", looking.facts.run);
        let is_ours = text(&now, "provenance") == Some(&mark);
        if !is_ours || now.get("locked") != Some(&json!(params.locked)) {
            return Ok(Reconciled::NotHappened);
        }
        Ok(Reconciled::Happened(Output {
            locked: params.locked,
            was_locked: !params.locked,
            previous_reason: None,
            manual_unlocks_today: now.get("manual_unlocks_today").and_then(Value::as_u64).unwrap_or_default(),
            path: state(&params.directory, STATE).display().to_string(),
        }))
    }
}
