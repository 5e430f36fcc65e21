//! Facts about people: what they were asked and answered, what they consented to, and which of their waivers let
//! something pass.
//!
//! A signed document is kept to the byte with its signature, so that anyone can check it again with `ssh-keygen`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::{Digest, Id};
use crate::time::Duration;

/// A document and its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The document to the byte: RFC 8785 JSON.
    pub document: String,
    /// Its SSHSIG, armoured; none where it is not signed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
}

/// Consent that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// What asks: a procedure's name, `policy`, or a step's path.
    pub by: String,
    /// How many must consent, different people with different keys.
    pub quorum: u32,
    /// The roles of which each has one.
    pub from: Vec<Id>,
    /// Whether those who planned and run it do not count.
    pub exclude_initiator: bool,
    /// How long a consent is good for, at most.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<Duration>,
}

/// What a consent must be to: a plan, or one step of a run with these inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sought {
    /// The plan's digest.
    pub plan: Digest,
    /// The step's path.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<String>,
    /// The digest of the step's rendered inputs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inputs: Option<Digest>,
    /// Who must consent.
    pub wanted: Vec<Wanted>,
    /// Who does not count where the initiator is excluded.
    pub initiators: Vec<String>,
}

/// A consent or a refusal that was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalNoted {
    /// Its id.
    pub id: String,
    /// Who gave it.
    pub approver: Id,
    /// In which role.
    pub role: Id,
    /// The fingerprint of the key that signed it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
    /// Why.
    pub reason: String,
    /// The document and its signature.
    pub signed: Signed,
}

/// A consent that was spent: it counts for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalConsumed {
    /// Its id.
    pub id: String,
    /// Who gave it.
    pub approver: Id,
    /// The digest of the inputs it was given to; none where it was given to the plan.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inputs: Option<Digest>,
}

/// A waiver let a violated guard pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverUsed {
    /// Its id.
    pub id: String,
    /// The guard: of a called procedure or policy with where it stands, as in `guard.verdict`.
    pub guard: String,
    /// What it let pass: a step's path, or `run` for a state that must not be.
    pub act: String,
    /// Who gave it.
    pub approver: Id,
    /// Why.
    pub reason: String,
    /// Which use of it this is, from 1.
    pub number: u32,
    /// The most uses.
    pub max_uses: u32,
    /// The document and its signature.
    pub signed: Signed,
}

/// A person was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManualAsked {
    /// The words.
    pub ask: String,
    /// The answers that are wanted.
    pub answers: Vec<String>,
}

/// A person answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManualAnswered {
    /// The typed answers.
    pub answer: Map<String, Value>,
    /// Whether a value was typed back exactly.
    pub read_back: bool,
    /// Digests of attached files, in the content store.
    pub evidence: Vec<Digest>,
}
