//! What holds beyond a step: named locks, the procedures that are called, and the wish that a run ends.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{Id, Name};

/// A named lock that a run has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockHeld {
    /// Its name.
    pub lock: String,
    /// Its fencing number: larger with each taking of any lock in this ledger.
    pub fence: u64,
}

/// Somebody took a named lock from a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockBroken {
    /// Its name.
    pub lock: String,
    /// The fencing number that is no longer good.
    pub fence: u64,
    /// Why.
    pub reason: String,
    /// The request that it was left in, where another process had the ledger; one request breaks one lock once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<String>,
}

/// Somebody asked for a run to be cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCancelled {
    /// Why.
    pub reason: String,
    /// The request that it was left in, where another process had the ledger.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<String>,
}

/// A procedure that begins within the run of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Called {
    /// The procedure.
    pub procedure: Name,
    /// What it was given, as accepted.
    pub parameters: IndexMap<Id, Value>,
}
