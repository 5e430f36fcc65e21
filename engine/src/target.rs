//! Named things that actions act on, and the drivers that know them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What sort of thing a target is (section 11 of the design).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A deployment's own command: argv, folder and environment.
    Command,
    /// A ledger, ours or a foreign one.
    Ledger,
    /// A place for anchors, outside the ledger's trust domain.
    AnchorStore,
    /// A place for secrets.
    SecretStore,
    /// An epoch that only moves forward.
    Epoch,
    /// A lever that stops and starts a system.
    Pause,
    /// An HTTP service.
    Service,
    /// A registry of plugins.
    PluginRegistry,
    /// A store of artifacts by digest.
    ArtifactStore,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Kind] = &[
        Kind::Command,
        Kind::Ledger,
        Kind::AnchorStore,
        Kind::SecretStore,
        Kind::Epoch,
        Kind::Pause,
        Kind::Service,
        Kind::PluginRegistry,
        Kind::ArtifactStore,
    ];

    /// As it is written in a file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Ledger => "ledger",
            Self::AnchorStore => "anchor_store",
            Self::SecretStore => "secret_store",
            Self::Epoch => "epoch",
            Self::Pause => "pause",
            Self::Service => "service",
            Self::PluginRegistry => "plugin_registry",
            Self::ArtifactStore => "artifact_store",
        }
    }
}

/// A target as bound for a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name in the workspace file.
    pub name: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// The driver that knows it.
    pub driver: String,
    /// The driver's settings as written, without secrets.
    pub settings: Map<String, Value>,
    /// What it really is, whatever it is called: a canonical path with device and inode, an origin, …
    pub identity: String,
    /// The environment it belongs to, if it says so.
    pub environment: Option<String>,
}
