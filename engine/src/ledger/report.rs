//! The report that every ledger gives of itself, ours and foreign ones alike: never a bool.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// What verification came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Whole, and anchored: the anchors that were given cover it as far as they say.
    Ok,
    /// A foreign log before its first seal.
    NeverSealed,
    /// Agrees with itself; nothing outside it was there to compare with. Never shown as `ok`.
    SelfConsistentOnly,
    /// A link or hash does not fit.
    Broken,
    /// An entry is not in the one spelling that may be hashed.
    NonCanonical,
    /// Fewer entries than an anchor, a checkpoint or the sequence says.
    Truncated,
    /// Two histories under one name.
    Fork,
    /// An anchor that was asked for is not there.
    AnchorMissing,
    /// The newest anchor is older than was asked for.
    AnchorStale,
    /// A key signed outside the range of sizes it is good for.
    KeyOutOfRange,
    /// An effect may or may not have happened.
    UnknownOutcome,
    /// There is nothing in it: zero items checked is a failure.
    Empty,
    /// It could not be read as what it should be.
    Unreadable,
}

impl Status {
    /// As it is written in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NeverSealed => "never_sealed",
            Self::SelfConsistentOnly => "self_consistent_only",
            Self::Broken => "broken",
            Self::NonCanonical => "non_canonical",
            Self::Truncated => "truncated",
            Self::Fork => "fork",
            Self::AnchorMissing => "anchor_missing",
            Self::AnchorStale => "anchor_stale",
            Self::KeyOutOfRange => "key_out_of_range",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Empty => "empty",
            Self::Unreadable => "unreadable",
        }
    }

    /// Whether the entries agree with themselves: `ok`, `self_consistent_only` or `never_sealed`.
    #[must_use]
    pub fn is_sound(self) -> bool {
        matches!(self, Self::Ok | Self::SelfConsistentOnly | Self::NeverSealed)
    }
}

/// One thing that is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// A stable code: `hash_mismatch`, `link_mismatch`, `gap`, …
    pub code: String,
    /// The entry: its sequence number (ours), row id (a foreign table) or line (a foreign log).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<i64>,
    /// The run it is in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<String>,
    /// What was found and what was expected.
    pub detail: String,
}

/// One run within a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunReport {
    /// The run's id.
    pub run: String,
    /// How many entries it has.
    pub entries: u64,
    /// What its own entries came to.
    pub status: Status,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// One anchor or checkpoint that the ledger was compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnchorReport {
    /// Where it came from: a path, or a store's own name for it.
    pub source: String,
    /// How many entries it covers.
    pub size: u64,
    /// When it was made, RFC 3339, where it says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<String>,
    /// What the comparison came to.
    pub status: Status,
    /// What was found.
    pub detail: String,
}

/// One line of the judgement over an anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What was looked at. Of ours: `format`, `signature`, `inclusion`, `entry`, `run`, `age`, `ledger`. Of Corvusforge:
    /// `self_hash`, `run_id`, `count`, `prefix`, `tail`, `rows_after`, `coverage`, `age`, `gaps`, `sequence`.
    pub code: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

impl Finding {
    /// A line.
    #[must_use]
    pub fn new(code: &str, ok: bool, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), ok, detail: detail.into() }
    }
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The whole in one word.
    pub status: Status,
    /// Which driver read it: `runwarden`, `corvusforge`, …
    pub driver: String,
    /// Which dialect of the driver's format, where there are several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dialect: Option<String>,
    /// How many entries were checked.
    pub entries: u64,
    /// Each run by itself.
    pub runs: Vec<RunReport>,
    /// Each anchor compared with.
    pub anchors: Vec<AnchorReport>,
    /// Everything that is wrong, whole-ledger problems included, in order of entries.
    pub problems: Vec<Problem>,
    /// The digest of the bytes that were read: unchanged bytes give an unchanged answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Digest>,
}
