//! The workspace file, `runwarden.yaml`.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::guard::Guard;
use super::procedure::Approval;
use super::words::{ActorClass, Duration, Environment, Instant, TargetKind, Version};
use crate::id::{Id, Name};
use crate::procedure;
use crate::target::{drivers, settings};

/// What a workspace has: its ledger, its people, the things its procedures act on, and its rules.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// The version of the language.
    pub runwarden: Version,
    /// Where runs take place; without it, what `RUNWARDEN_ENVIRONMENT` says.
    pub environment: Option<Environment>,
    /// Where facts are kept.
    pub ledger: Ledger,
    /// Folders with procedures.
    #[schemars(length(min = 1))]
    pub procedures: Option<Vec<String>>,
    /// The people and machines that run and approve.
    pub actors: Option<IndexMap<Id, Actor>>,
    /// The things that procedures act on.
    pub targets: Option<IndexMap<Id, Target>>,
    /// The secrets that procedures use.
    pub secrets: Option<IndexMap<Id, Secret>>,
    /// What the names in a procedure stand for; without it, the target or secret of the same name.
    pub bindings: Option<IndexMap<Name, Binding>>,
    /// Rules that hold for every procedure.
    pub policy: Option<Policy>,
}

/// Where facts are kept.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// The file.
    #[schemars(length(min = 1))]
    pub path: String,
    /// The file of the key that signs its checkpoints.
    #[schemars(length(min = 1))]
    pub key: String,
    /// The name that its checkpoints carry, like `example.org/runwarden/production`.
    pub origin: Origin,
    /// Who cosigns its checkpoints (C2SP tlog-witness), by what we call them.
    pub witnesses: Option<IndexMap<Id, Witness>>,
}

/// Somebody elsewhere who sees that the ledger only grows, and says so.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Where checkpoints are sent: `add-checkpoint` is added to it.
    pub url: WitnessUrl,
    /// Its key, `name+id+base64` of type 4.
    pub key: WitnessKey,
}

/// The address of a witness.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^https?://[^\\s?#]+$", "x-runwarden" = "an address (like `https://witness.example.org/`)"))]
pub struct WitnessUrl(pub String);

/// The public key of a witness.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend(
    "pattern" = "^[^\\s+]+\\+[0-9a-f]{8}\\+BA?[A-Za-z0-9+/]{42,43}=?$",
    "x-runwarden" = "the key of a witness (`name+id+base64`, of type 4)"
))]
pub struct WitnessKey(pub String);

/// The name that a ledger's checkpoints carry: no spaces, no `+`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^[^\\s+]+$", "x-runwarden" = "an origin: no spaces and no `+` (like `example.org/ops`)"))]
pub struct Origin(pub String);

/// Someone who runs or approves.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// What sort of actor it is.
    pub class: ActorClass,
    /// The roles in which it may approve and answer.
    pub roles: Option<Vec<Id>>,
    /// Its public key, as OpenSSH writes it: `ssh-ed25519 …`.
    pub key: Option<PublicKey>,
    /// Until when the key is good.
    pub not_after: Option<Instant>,
    /// When the key was revoked.
    pub revoked_at: Option<Instant>,
}

/// An Ed25519 public key as OpenSSH writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend(
    "pattern" = "^ssh-ed25519 [A-Za-z0-9+/]{68}( .*)?$",
    "x-runwarden" = "an Ed25519 public key (`ssh-ed25519 AAAA…`)"
))]
pub struct PublicKey(pub String);

/// A configured thing: its kind, its driver, and what the driver needs to know.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Target(pub IndexMap<String, Value>);

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "WorkspaceTarget".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // Drivers have durations of their own, which are no templates: the name is the language's.
        generator.subschema_for::<Duration>();
        let own = json!({
            "kind": generator.subschema_for::<TargetKind>(),
            "driver": { "type": "string", "minLength": 1, "description": "What it is reached with." },
            "environment": generator.subschema_for::<Environment>(),
        });
        let drivers =
            procedure::TargetKind::ALL.into_iter().flat_map(|kind| drivers(kind).iter().map(move |d| (kind, d)));
        let choices: Vec<Value> = drivers.filter_map(|(kind, driver)| choice(kind, driver, &own, generator)).collect();
        json_schema!({
            "description": "A configured thing: its kind, its driver, and what the driver needs to know.",
            "type": "object",
            "properties": own,
            "required": ["kind"],
            "additionalProperties": true,
            "allOf": choices,
        })
    }
}

/// What a target is where it has this kind and this driver, which is the kind's first where it names none.
fn choice(kind: procedure::TargetKind, driver: &str, own: &Value, generator: &mut SchemaGenerator) -> Option<Value> {
    let mut settings = settings::schema(kind, driver, generator)?;
    let mut properties = own.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(of_driver)) = settings.get_mut("properties").map(Value::take) {
        properties.extend(of_driver);
    }
    let mut required = vec![Value::from("kind")];
    if let Some(Value::Array(of_driver)) = settings.get_mut("required").map(Value::take) {
        required.extend(of_driver);
    }
    settings.insert("properties".to_owned(), properties.into());
    settings.insert("required".to_owned(), required.into());
    let name = definition(kind, driver);
    let named = if drivers(kind).first() == Some(&driver) { json!(["kind"]) } else { json!(["kind", "driver"]) };
    let words = json!({ "kind": { "const": kind.as_str() }, "driver": { "const": driver } });
    let then = json!({ "$ref": format!("#/$defs/{name}") });
    generator.definitions_mut().insert(name, settings.into());
    Some(json!({ "if": { "properties": words, "required": named }, "then": then }))
}

/// `EpochSqlite` for the driver `sqlite` of `epoch`.
fn definition(kind: procedure::TargetKind, driver: &str) -> String {
    let capital = |word: &str| word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default();
    kind.as_str().split('_').chain(driver.split('_')).map(capital).collect()
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The target it is in, of kind `secret_store`.
    pub from: Id,
    /// The key it has there.
    #[schemars(length(min = 1))]
    pub key: String,
}

/// What the names in one procedure stand for.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// Targets of the workspace, by the procedure's names.
    pub targets: Option<IndexMap<Id, Id>>,
    /// Secrets of the workspace, by the procedure's names.
    pub secrets: Option<IndexMap<Id, Id>>,
}

/// Rules that hold for every procedure.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What must not be, and what must not be done, in any run.
    pub do_not: Option<Vec<Guard>>,
    /// What a run needs in an environment.
    pub require: Option<Requirements>,
    /// The anchor store into which every run's anchor goes.
    pub anchor_after_run: Option<Id>,
    /// The hosts that may be reached; any in development and none in production where nothing is said.
    pub allow_hosts: Option<Vec<String>>,
    /// The commands that may be run; any in development and none in production where nothing is said.
    pub allow_commands: Option<Vec<String>>,
}

/// What a run needs, by environment.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// In development.
    pub development: Option<Requirement>,
    /// In staging.
    pub staging: Option<Requirement>,
    /// In production.
    pub production: Option<Requirement>,
}

/// What a run needs in an environment, beside what its procedure asks for.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Whose consent.
    pub approvals: Option<Approval>,
    /// Whether the actor must sign for the run; in production always.
    pub signed_actor: Option<bool>,
    /// How many stores must have the ledger's anchor.
    pub anchors: Option<Anchors>,
    /// How many witnesses must have cosigned the checkpoint of each run's end.
    pub witnesses: Option<Witnesses>,
}

/// How many of the ledger's witnesses must have cosigned.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Witnesses {
    /// At least this many.
    #[schemars(range(min = 1))]
    pub at_least: u32,
}

/// Which stores must have an anchor, and since when.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anchors {
    /// The stores, targets of kind `anchor_store`.
    #[schemars(length(min = 1))]
    pub of: Vec<Id>,
    /// At least this many of them; all where nothing is said.
    #[schemars(range(min = 1))]
    pub at_least: Option<u32>,
    /// The age an anchor may have.
    pub within: Option<Duration>,
}
