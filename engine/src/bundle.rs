//! A run in one file, for somebody who has nothing else: its entries with their proofs, the plan and procedures it was
//! frozen with, what people signed, and the keys.
//!
//! One JSON object in the form of RFC 8785 and a line feed; docs/bundle.md has it to the byte. [`make`] fills it from a
//! ledger, [`verify`] judges it. Nothing in it is believed because it stands in it: what can be derived from the entries
//! is derived again, and what cannot is said so.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::event::record;
use crate::id::{Digest, RunId};

pub mod attestation;
pub mod facts;
pub mod make;
pub mod story;
pub mod verify;

#[cfg(test)]
mod tests;

use facts::Facts;

/// The longest bundle that is written or read, in bytes.
pub const MAX_BUNDLE: usize = 64 << 20;

/// The version of this format.
pub const VERSION: u32 = 1;

/// What `type` says.
pub const TYPE: &str = "bundle";

/// Why bytes are no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotABundle {
    /// Longer than one may be.
    #[error("it is {0} bytes long, and {MAX_BUNDLE} are read")]
    TooLarge(usize),
    /// Not this form.
    #[error("it is no bundle: {0}")]
    Malformed(String),
    /// It says the same in other bytes, or a member twice.
    #[error("it is not in its one spelling (RFC 8785 and a line feed)")]
    NonCanonical,
    /// Its own digest is another.
    #[error("its digest is {found}, and it says {said}")]
    OtherDigest {
        /// What its bytes have.
        found: Digest,
        /// What it says.
        said: Digest,
    },
}

/// A run in one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`VERSION`].
    pub v: u32,
    /// [`TYPE`].
    #[serde(rename = "type")]
    pub kind: String,
    /// The ledger's origin.
    pub ledger: String,
    /// The run.
    pub run: RunId,
    /// What the run came to; derived again by whoever verifies.
    pub facts: Facts,
    /// The keys of the ledger, the oldest first; derived again from the entries about keys.
    pub keys: Vec<LedgerKey>,
    /// The keys of the witnesses whose cosignatures are here, `name+id+base64`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub witnesses: Vec<String>,
    /// The signed checkpoints that the entries are proven by, ascending.
    pub checkpoints: Vec<SignedCheckpoint>,
    /// The entries of the run, those about the ledger's keys and writers, and the receipts of the run's anchors.
    pub entries: Vec<ProvenEntry>,
    /// What is too large for an entry, and what was frozen with the run, by digest.
    pub content: BTreeMap<Digest, String>,
    /// Who could act when the run was planned, as `runwarden.yaml` had it; left out where it is not that any more.
    #[serde(skip_serializing_if = "Json::is_null", default)]
    pub actors: Json,
    /// The policy likewise.
    #[serde(skip_serializing_if = "Json::is_null", default)]
    pub policy: Json,
    /// The anchors of the run as they were handed to stores.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub anchors: Vec<Statement>,
}

/// A key of the ledger, and the sizes it is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerKey {
    /// `name+id+base64`.
    pub vkey: String,
    /// The smallest size that it may sign.
    pub from: u64,
    /// The largest; none while it is the ledger's key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<u64>,
    /// The entry that revoked it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<u64>,
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// The signed note, with the ledger's signatures and those of the witnesses.
    pub note: String,
    /// The proof that the checkpoint before it is its beginning: hashes in base64 (RFC 9162 section 2.1.4).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub growth: Vec<String>,
}

/// An entry and its inclusion proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvenEntry {
    /// Its exact bytes.
    pub body: String,
    /// The size of the checkpoint that it is proven by.
    pub size: u64,
    /// Its way to the root, lowest hash first, in base64.
    pub proof: Vec<String>,
}

/// An anchor as it was handed to a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The entry with the store's receipt.
    pub receipt: u64,
    /// The tlog-proof, to the byte.
    pub tlog_proof: String,
}

impl Bundle {
    /// The bytes of the file.
    ///
    /// # Errors
    /// When they are too many.
    pub fn write(&self) -> Result<Vec<u8>, NotABundle> {
        let malformed = |error: serde_json::Error| NotABundle::Malformed(error.to_string());
        seal(record(&serde_json::to_value(self).map_err(malformed)?))
    }

    /// Reads a file; of what it says nothing is judged but that it is whole and in its one spelling.
    ///
    /// # Errors
    /// When it is not.
    pub fn read(bytes: &[u8]) -> Result<Self, NotABundle> {
        if bytes.len() > MAX_BUNDLE {
            return Err(NotABundle::TooLarge(bytes.len()));
        }
        let malformed = |error: serde_json::Error| NotABundle::Malformed(error.to_string());
        let mut value: Json = serde_json::from_slice(bytes).map_err(malformed)?;
        let said = value.as_object_mut().and_then(|members| members.remove("digest"));
        let bundle: Self = serde_json::from_value(value).map_err(malformed)?;
        if bundle.v != VERSION || bundle.kind != TYPE {
            let found = format!("it is version {} of `{}`, expected {VERSION} of `{TYPE}`", bundle.v, bundle.kind);
            return Err(NotABundle::Malformed(found));
        }
        let said = said.as_ref().and_then(Json::as_str).and_then(|text| Digest::parse(text).ok());
        let said = said.ok_or_else(|| NotABundle::Malformed("it has no `digest`".to_owned()))?;
        // As it would be written, and not as it was found: a member that is null where it can be left out, say, is
        // another spelling of the same.
        let mut spelled = record(&serde_json::to_value(&bundle).map_err(malformed)?);
        let found = Digest::of(&canonical(&spelled)?);
        spelled["digest"] = said.to_string().into();
        if [canonical(&spelled)?.as_slice(), b"\n"].concat() != bytes {
            return Err(NotABundle::NonCanonical);
        }
        if found != said {
            return Err(NotABundle::OtherDigest { found, said });
        }
        Ok(bundle)
    }
}

/// The file that holds these members and the digest over them.
fn seal(mut members: Json) -> Result<Vec<u8>, NotABundle> {
    members["digest"] = Digest::of(&canonical(&members)?).to_string().into();
    let mut bytes = canonical(&members)?;
    bytes.push(b'\n');
    if bytes.len() > MAX_BUNDLE { Err(NotABundle::TooLarge(bytes.len())) } else { Ok(bytes) }
}

fn canonical(value: &Json) -> Result<Vec<u8>, NotABundle> {
    serde_json_canonicalizer::to_vec(value).map_err(|error| NotABundle::Malformed(error.to_string()))
}
