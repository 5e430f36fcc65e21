//! The three documents that people sign, as section 8 of the design lists their members: RFC 8785 JSON, to the byte.
//!
//! A file holds the document, and the file beside it with `.sig` after its name the signature: what `ssh-keygen -Y sign`
//! makes and `ssh-keygen -Y verify` reads. One line feed after the document is passed over in reading, since editors put
//! it there; it is part of what was signed.

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Error;
use crate::id::{Digest, Id, Name, RunId};
use crate::procedure::Environment;
use crate::time::Timestamp;

/// The longest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 32 << 10;
/// The version of all three documents.
pub const VERSION: u32 = 1;

macro_rules! tag {
    ($name:ident, $word:literal) => {
        #[doc = concat!("The word `", $word, "`.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            #[doc = concat!("`", $word, "`.")]
            #[serde(rename = $word)]
            It,
        }
    };
}

tag!(IsRun, "run");
tag!(IsApproval, "approval");
tag!(IsWaiver, "waiver");

/// Says who runs a plan; good for five minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDocument {
    /// [`VERSION`].
    pub v: u32,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: IsRun,
    /// The ledger's origin.
    pub ledger: String,
    /// The environment.
    pub environment: Environment,
    /// The digest of the plan.
    pub plan: Digest,
    /// Who runs it.
    pub actor: Id,
    /// Thirty-two hex digits that no other such document has.
    pub nonce: String,
    /// When it was signed.
    pub at: Timestamp,
}

/// Whether an approval consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// It does.
    Approve,
    /// It refuses.
    Reject,
}

/// A consent to a plan or to one step of a run, or a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// [`VERSION`].
    pub v: u32,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: IsApproval,
    /// The ledger's origin.
    pub ledger: String,
    /// The environment.
    pub environment: Environment,
    /// Its id: it is spent by it.
    pub id: String,
    /// The digest of the plan.
    pub plan: Digest,
    /// The run; of a consent to a step always.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<RunId>,
    /// The step's path.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<String>,
    /// The digest of the step's rendered inputs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inputs: Option<Digest>,
    /// Whether it consents.
    pub purpose: Purpose,
    /// Who gives it.
    pub approver: Id,
    /// In which role.
    pub role: Id,
    /// When it was given.
    pub at: Timestamp,
    /// Until when it is good.
    pub not_after: Timestamp,
    /// Why.
    pub reason: String,
}

/// What a waiver is bounded to: every value named here must be equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Parameters of the procedure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parameters: Option<IndexMap<Id, Value>>,
    /// Its targets, by their names in the workspace.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub targets: Option<IndexMap<Id, String>>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<RunId>,
}

/// A permission to pass a guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// [`VERSION`].
    pub v: u32,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: IsWaiver,
    /// The ledger's origin.
    pub ledger: String,
    /// The environment.
    pub environment: Environment,
    /// Its id: its uses are counted by it.
    pub id: String,
    /// The guard's id; of the workspace's policy with `policy:` before it.
    pub guard: String,
    /// The digest of the guard as it is written.
    pub guard_digest: Digest,
    /// The procedure that declares the guard; of the workspace's policy the procedure that is run.
    pub procedure: Name,
    /// What it is bounded to.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// Who gives it.
    pub approver: Id,
    /// From when it is good.
    pub not_before: Timestamp,
    /// Until when it is good.
    pub not_after: Timestamp,
    /// How often it may be used.
    pub max_uses: u32,
    /// Where it was decided.
    pub ticket: String,
}

/// A kind of document.
pub trait Document: Serialize + DeserializeOwned {
    /// What it is called.
    const WORD: &'static str;

    /// Its version.
    fn version(&self) -> u32;

    /// The texts that must not be empty, by their names.
    fn texts(&self) -> Vec<(&'static str, &str)>;
}

impl Document for RunDocument {
    const WORD: &'static str = "run document";

    fn version(&self) -> u32 {
        self.v
    }

    fn texts(&self) -> Vec<(&'static str, &str)> {
        vec![("nonce", &self.nonce)]
    }
}

impl Document for Approval {
    const WORD: &'static str = "approval";

    fn version(&self) -> u32 {
        self.v
    }

    fn texts(&self) -> Vec<(&'static str, &str)> {
        vec![("id", &self.id)]
    }
}

impl Document for Waiver {
    const WORD: &'static str = "waiver";

    fn version(&self) -> u32 {
        self.v
    }

    fn texts(&self) -> Vec<(&'static str, &str)> {
        vec![("id", &self.id), ("guard", &self.guard), ("reason", &self.reason), ("ticket", &self.ticket)]
    }
}

/// The bytes of a document that are signed: RFC 8785.
#[must_use]
pub fn write<D: Document>(document: &D) -> String {
    let bytes = serde_json_canonicalizer::to_vec(document).expect("documents have text keys and small integers");
    String::from_utf8(bytes).expect("RFC 8785 is UTF-8")
}

/// Reads a document.
///
/// # Errors
/// When it is too long, not RFC 8785 to the byte, or not of this type and version.
pub fn read<D: Document>(text: &str) -> Result<D, Error> {
    let malformed = |why: String| Error::Malformed { what: D::WORD.to_owned(), why };
    if text.len() > MAX_DOCUMENT {
        return Err(malformed(format!("it is longer than {MAX_DOCUMENT} bytes")));
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    let value: Value = serde_json::from_str(body).map_err(|error| malformed(error.to_string()))?;
    // Also what has a member twice is spelled otherwise here, and refused.
    let canonical = serde_json_canonicalizer::to_vec(&value).map_err(|error| malformed(error.to_string()))?;
    if canonical != body.as_bytes() {
        return Err(malformed("it is not RFC 8785 JSON (members in order, no white space, nothing twice)".to_owned()));
    }
    let document: D = serde_json::from_value(value).map_err(|error| malformed(error.to_string()))?;
    if document.version() != VERSION {
        return Err(malformed(format!("its version is {}, and this engine knows {VERSION}", document.version())));
    }
    match document.texts().into_iter().find(|(_, text)| text.trim().is_empty()) {
        Some((name, _)) => Err(malformed(format!("`{name}` is empty"))),
        None => Ok(document),
    }
}
