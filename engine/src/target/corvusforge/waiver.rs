//! Waivers of Corvusforge: an artifact like any other, and the other bytes that are signed for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::timestamp::Stamp;
use crate::sign;
use crate::target::python_json::{self, Value};
use crate::time::Timestamp;

/// How grave what is waived is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are Corvusforge's")]
pub enum Risk {
    Low,
    Medium,
    High,
    Critical,
}

impl Risk {
    fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High, Self::Critical].into_iter().find(|risk| risk.as_str() == word)
    }
}

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the member of its name")]
pub struct Waiver {
    pub waiver_id: String,
    /// The stage.
    pub scope: String,
    pub justification: String,
    pub approving_identity: String,
    pub risk: Risk,
    pub created_at: Stamp,
    pub expiration: Stamp,
    /// 128 hex digits; empty where nobody signed.
    pub signature: String,
}

const MEMBERS: [&str; 8] = [
    "approving_identity",
    "created_at",
    "expiration",
    "justification",
    "risk_classification",
    "scope",
    "signature",
    "waiver_id",
];

impl Waiver {
    /// Reads an artifact as a waiver; none where it is something else, an error where it looks like one and is none.
    ///
    /// # Errors
    /// In words.
    pub fn parse(bytes: &[u8]) -> Option<Result<Self, String>> {
        let parsed = python_json::parse(std::str::from_utf8(bytes).ok()?).ok()?;
        let Value::Object(members) = &parsed.value else { return None };
        let is_member = |name: &&str| members.contains_key(*name);
        if !["waiver_id", "scope", "expiration"].iter().all(&is_member) {
            return None;
        }
        if let Some(key) = parsed.duplicate_keys.first() {
            return Some(Err(format!("has {key:?} more than once")));
        }
        if members.len() != MEMBERS.len() || !MEMBERS.iter().all(is_member) {
            return Some(Err(format!("has other members than {}", MEMBERS.join(", "))));
        }
        let text = |name: &str| match members.get(name) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(format!("has a `{name}` that is no text")),
        };
        let stamp = |name: &str| {
            let stamp = Stamp::parse(&text(name)?).filter(|stamp| !stamp.is_naive());
            stamp.ok_or_else(|| format!("has a `{name}` that is no time with an offset"))
        };
        let read = || -> Result<Self, String> {
            Ok(Self {
                waiver_id: text("waiver_id")?,
                scope: text("scope")?,
                justification: text("justification")?,
                approving_identity: text("approving_identity")?,
                risk: Risk::parse(&text("risk_classification")?).ok_or("has an unknown `risk_classification`")?,
                created_at: stamp("created_at")?,
                expiration: stamp("expiration")?,
                signature: text("signature")?,
            })
        };
        Some(read())
    }

    /// The bytes of the artifact.
    #[must_use]
    pub fn stored(&self) -> String {
        let mut members = self.members(&self.expiration.hashed());
        members.extend([
            ("created_at", Value::text(&self.created_at.hashed())),
            ("signature", Value::text(&self.signature)),
        ]);
        python_json::canonical(&Value::object(members))
    }

    /// The bytes that are signed: without the time it was made, and with the expiration in another spelling.
    #[must_use]
    pub fn signed(&self) -> String {
        python_json::canonical(&Value::object(self.members(&self.expiration.stored())))
    }

    fn members(&self, expiration: &str) -> Vec<(&'static str, Value)> {
        [
            ("approving_identity", self.approving_identity.as_str()),
            ("expiration", expiration),
            ("justification", &self.justification),
            ("risk_classification", self.risk.as_str()),
            ("scope", &self.scope),
            ("waiver_id", &self.waiver_id),
        ]
        .map(|(name, value)| (name, Value::text(value)))
        .to_vec()
    }

    /// Whether that key signed it.
    #[must_use]
    pub fn is_signed_by(&self, public: &[u8; 32]) -> bool {
        let mut signature = [0; 64];
        hex::decode_to_slice(&self.signature, &mut signature).is_ok()
            && sign::verify(public, self.signed().as_bytes(), &signature)
    }

    /// Whether it had run out at that instant.
    #[must_use]
    pub fn is_expired(&self, at: Timestamp) -> bool {
        self.expiration.instant().is_none_or(|expiration| at > expiration)
    }
}

#[cfg(test)]
mod tests;
