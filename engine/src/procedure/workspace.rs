//! What `runwarden.yaml` says: where the ledger is, what targets there are, who may act, and what holds everywhere.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::guard::Guard;
use super::{ActorClass, Approvals, Environment, TargetKind};
use crate::id::{Id, Name};
use crate::merkle::cosignature::WitnessKey;
use crate::template::Template;
use crate::time::Timestamp;

/// The name of the file.
pub const FILE: &str = "runwarden.yaml";

/// A workspace as its file describes it. Paths are as written; they start at the file's folder.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Which world this is, if the file says so.
    pub environment: Option<Environment>,
    /// Where our own ledger is.
    pub ledger: LedgerPlace,
    /// Folders of procedures.
    pub procedures: Vec<String>,
    /// Who may act.
    pub actors: IndexMap<Id, Actor>,
    /// Things to act on.
    pub targets: IndexMap<Id, TargetEntry>,
    /// Secrets and the stores they are in.
    pub secrets: IndexMap<Id, SecretEntry>,
    /// Which target and secret a procedure's names mean.
    pub bindings: IndexMap<Name, Binding>,
    /// What holds for every procedure.
    pub policy: Policy,
    /// The file as JSON, for digests.
    pub document: Value,
}

/// Where our own ledger is, and under which name and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPlace {
    /// The SQLite file.
    pub path: String,
    /// The private key that signs its checkpoints, PKCS#8 PEM.
    pub key: String,
    /// Its origin: a name without spaces or `+`, like `example.com/ops`.
    pub origin: String,
    /// Who cosigns its checkpoints.
    pub witnesses: IndexMap<Id, Witness>,
}

/// Somebody elsewhere who sees that the ledger only grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Where checkpoints are sent; `add-checkpoint` is added to it.
    pub url: String,
    /// Its public key.
    pub key: WitnessKey,
}

/// Somebody who may act.
#[derive(Debug, Clone)]
pub struct Actor {
    /// A person, a machine, or a person who only looks.
    pub class: ActorClass,
    /// What they may consent to.
    pub roles: Vec<Id>,
    /// OpenSSH public key, `ssh-ed25519 …`.
    pub key: Option<String>,
    /// The key counts until then.
    pub not_after: Option<Timestamp>,
    /// The key counts no longer since then.
    pub revoked_at: Option<Timestamp>,
}

/// A thing to act on.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetEntry {
    /// What sort of thing.
    pub kind: TargetKind,
    /// The driver that knows it.
    pub driver: Option<String>,
    /// The environment it belongs to.
    pub environment: Option<Environment>,
    /// Everything else, for the driver.
    pub settings: Map<String, Value>,
}

/// A secret: where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretEntry {
    /// The store, a target.
    pub from: Id,
    /// The key in the store.
    pub key: String,
}

/// What a procedure's names mean here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binding {
    /// Its target names → targets.
    pub targets: IndexMap<Id, Id>,
    /// Its secret names → secrets.
    pub secrets: IndexMap<Id, Id>,
}

/// What holds for every procedure.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Guards besides those of the procedure.
    pub do_not: Vec<Guard>,
    /// What an environment asks for.
    pub require: IndexMap<Environment, Requirement>,
    /// The anchor store that gets an anchor after each run.
    pub anchor_after_run: Option<Id>,
    /// Hosts that may be spoken to; absent means any in development, none in production.
    pub allow_hosts: Option<Vec<String>>,
    /// Commands that may be run; absent means any in development, none in production.
    pub allow_commands: Option<Vec<String>>,
}

/// What an environment asks for.
#[derive(Debug, Clone, Default)]
pub struct Requirement {
    /// Signed consent to each plan.
    pub approvals: Option<Approvals>,
    /// Whether the run's actor must be signed for.
    pub signed_actor: bool,
    /// Anchors that each run must leave.
    pub anchors: Option<Anchors>,
    /// How many witnesses must have cosigned the checkpoint of each run's end.
    pub witnesses: Option<u32>,
}

/// Anchors that each run must leave.
#[derive(Debug, Clone)]
pub struct Anchors {
    /// In which stores.
    pub of: Vec<Id>,
    /// In how many of them.
    pub at_least: u32,
    /// Within which time.
    pub within: Option<Template>,
}
