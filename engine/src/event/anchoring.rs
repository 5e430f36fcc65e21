//! Facts about anchors: that one is about to be stored, that a store took it, that it did not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An anchor is about to be stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnchorIntent {
    /// The store, by its name in the workspace.
    pub store: String,
    /// The run that the anchor is of.
    pub of: String,
    /// What it is kept under: `RUN.SIZE.ROOT`, where that is known already.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

/// A store took an anchor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnchorReceipt {
    /// The store, by its name in the workspace.
    pub store: String,
    /// Its driver.
    pub driver: String,
    /// The run that the anchor is of.
    pub of: String,
    /// What it is kept under: `RUN.SIZE.ROOT`; of a run of our own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Where it is: a path, a key, a tag, a log's entry, a mail.
    pub place: String,
    /// SHA-256 of the statement, 64 hex digits.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// `low`, `medium` or `high`: how far the store is from the ledger's own trust domain.
    pub trust: String,
    /// Whether the store had it before.
    pub existed: bool,
    /// What the store itself said, by driver.
    pub details: Map<String, Value>,
}

/// A store did not take an anchor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnchorFailed {
    /// The store, by its name in the workspace.
    pub store: String,
    /// The run that the anchor is of.
    pub of: String,
    /// Why, in words.
    pub detail: String,
}
