//! One row of the ledger: its fields, what is wrong with them, and the hash that seals them.
//!
//! The hash is defined by the models of Corvusforge 0.3 to 0.4: sha256 over canonical JSON of every field but the row
//! id and the hash itself. Links between rows are the affair of `chain`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::target::python_json::{self, Value};

use super::Dialect;
use super::fault::{Fault, Noted};
use super::timestamp::Stamp;

/// The columns of a row that go into its hash, as they are stored.
///
/// An older dialect has no trust context: then the last two are not looked at.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Fields<'a> {
    pub entry_id: &'a str,
    pub run_id: &'a str,
    pub stage_id: &'a str,
    pub state_transition: &'a str,
    pub timestamp_utc: &'a str,
    pub input_hash: &'a str,
    pub output_hash: &'a str,
    pub artifact_refs_json: &'a str,
    pub pipeline_version: &'a str,
    pub schema_version: &'a str,
    pub toolchain_version: &'a str,
    pub ruleset_versions_json: &'a str,
    pub waiver_refs_json: &'a str,
    pub payload_hash: &'a str,
    pub previous_entry_hash: &'a str,
    pub trust_context_json: &'a str,
    pub trust_context_version: &'a str,
}

/// Why a row has no hash: a column that Corvusforge's own model would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Malformed {
    /// Which column, and what is wrong with it.
    pub detail: String,
}

/// The entry hash: 64 lowercase hex digits, no prefix.
///
/// # Errors
/// When the time does not parse, or a JSON column does not hold what the model takes.
pub fn entry_hash(fields: &Fields<'_>, dialect: Dialect) -> Result<String, Malformed> {
    let examined = examine(fields, dialect);
    examined.hash.ok_or_else(|| {
        let details = examined.noted.into_iter().filter(|noted| noted.fault == Fault::MalformedRow);
        Malformed { detail: details.map(|noted| noted.detail).collect::<Vec<_>>().join("; ") }
    })
}

/// What a row's own fields say, links aside.
pub(super) struct Examined {
    /// The hash they give, unless one is malformed.
    pub hash: Option<String>,
    /// When it says it was written.
    pub at: Option<Stamp>,
    /// What is wrong with single columns.
    pub noted: Vec<Noted>,
}

pub(super) fn examine(fields: &Fields<'_>, dialect: Dialect) -> Examined {
    let mut noted = Vec::new();
    let at = examine_time(fields.timestamp_utc, &mut noted);
    let mut column = |name, text, shape| examine_json(name, text, shape, &mut noted);
    let artifacts = column("artifact_refs_json", fields.artifact_refs_json, Shape::Texts);
    let rulesets = column("ruleset_versions_json", fields.ruleset_versions_json, Shape::TextByName);
    let waivers = column("waiver_refs_json", fields.waiver_refs_json, Shape::Texts);
    let trust = match dialect {
        Dialect::L1 => Some(Value::Null),
        Dialect::L2 | Dialect::L3 => column("trust_context_json", fields.trust_context_json, Shape::TextByName),
    };
    let hash = match (at, artifacts, rulesets, waivers, trust) {
        (Some(at), Some(artifacts), Some(rulesets), Some(waivers), Some(trust)) => {
            let parsed = Structured { at: &at, artifacts, rulesets, waivers, trust };
            Some(hex::encode(Sha256::digest(preimage(fields, &parsed, dialect))))
        }
        _ => None,
    };
    Examined { hash, at, noted }
}

fn examine_time(text: &str, noted: &mut Vec<Noted>) -> Option<Stamp> {
    let Some(at) = Stamp::parse(text) else {
        noted.push(Noted::new(Fault::MalformedRow, format!("`timestamp_utc` is no time: {text:?}")));
        return None;
    };
    let spelled = at.stored();
    if spelled != text {
        noted.push(Noted::new(
            Fault::RespelledTimestamp,
            format!("`timestamp_utc` is {text:?}, Corvusforge writes {spelled:?}"),
        ));
    }
    Some(at)
}

/// What the model takes in a JSON column.
#[derive(Clone, Copy)]
enum Shape {
    Texts,
    TextByName,
}

impl Shape {
    fn fits(self, value: &Value) -> bool {
        let is_text = |value: &Value| matches!(value, Value::Text(_));
        match (self, value) {
            (Self::Texts, Value::List(items)) => items.iter().all(is_text),
            (Self::TextByName, Value::Object(members)) => members.values().all(is_text),
            _ => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Texts => "an array of strings",
            Self::TextByName => "an object of strings",
        }
    }
}

fn examine_json(name: &str, text: &str, shape: Shape, noted: &mut Vec<Noted>) -> Option<Value> {
    let parsed = match python_json::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            noted.push(Noted::new(Fault::MalformedRow, format!("`{name}` is {error}")));
            return None;
        }
    };
    if !shape.fits(&parsed.value) {
        noted.push(Noted::new(Fault::MalformedRow, format!("`{name}` is not {}", shape.name())));
        return None;
    }
    if !parsed.duplicate_keys.is_empty() {
        noted.push(Noted::new(
            Fault::DuplicateJsonKeys,
            format!("`{name}` has more than once: {}", parsed.duplicate_keys.join(", ")),
        ));
    } else if python_json::stored(&parsed.value) != text {
        noted.push(Noted::new(
            Fault::RespelledJson,
            format!("`{name}` is not spelled as Corvusforge writes it: {text:?}"),
        ));
    }
    Some(parsed.value)
}

struct Structured<'a> {
    at: &'a Stamp,
    artifacts: Value,
    rulesets: Value,
    waivers: Value,
    trust: Value,
}

/// The bytes that are hashed; members in the order of their names.
fn preimage(fields: &Fields<'_>, structured: &Structured<'_>, dialect: Dialect) -> String {
    let mut out = String::with_capacity(1024);
    out.push_str("{\"artifact_references\":");
    python_json::write_canonical(&structured.artifacts, &mut out);
    text_member("entry_id", fields.entry_id, &mut out);
    text_member("input_hash", fields.input_hash, &mut out);
    text_member("output_hash", fields.output_hash, &mut out);
    text_member("payload_hash", fields.payload_hash, &mut out);
    text_member("pipeline_version", fields.pipeline_version, &mut out);
    text_member("previous_entry_hash", fields.previous_entry_hash, &mut out);
    out.push_str(",\"ruleset_versions\":");
    python_json::write_canonical(&structured.rulesets, &mut out);
    text_member("run_id", fields.run_id, &mut out);
    text_member("schema_version", fields.schema_version, &mut out);
    text_member("stage_id", fields.stage_id, &mut out);
    text_member("state_transition", fields.state_transition, &mut out);
    text_member("timestamp_utc", &structured.at.hashed(), &mut out);
    text_member("toolchain_version", fields.toolchain_version, &mut out);
    if dialect != Dialect::L1 {
        out.push_str(",\"trust_context\":");
        python_json::write_canonical(&structured.trust, &mut out);
    }
    if dialect == Dialect::L3 {
        text_member("trust_context_version", fields.trust_context_version, &mut out);
    }
    out.push_str(",\"waiver_references\":");
    python_json::write_canonical(&structured.waivers, &mut out);
    out.push('}');
    out
}

fn text_member(name: &str, text: &str, out: &mut String) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    python_json::write_text(text, out);
}

/// A row as it is shown; what could not be read is empty and named in `problems`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entry {
    /// The row id.
    pub id: i64,
    /// Its own id, a UUID of version 4.
    pub entry_id: String,
    /// The run.
    pub run_id: String,
    /// The stage, like `s7_release`.
    pub stage_id: String,
    /// `from->to`, or `envelope:EVENT`.
    pub state_transition: String,
    /// When, as stored.
    pub timestamp_utc: String,
    /// sha256 over the stage's inputs, or nothing.
    pub input_hash: String,
    /// sha256 over the stage's outputs, or nothing.
    pub output_hash: String,
    /// Addresses of artifacts, `sha256:` and 64 hex digits.
    pub artifact_references: Vec<String>,
    /// The pipeline's version.
    pub pipeline_version: String,
    /// The schema's version.
    pub schema_version: String,
    /// The toolchain's version.
    pub toolchain_version: String,
    /// The version of each ruleset.
    pub ruleset_versions: BTreeMap<String, String>,
    /// Ids of waivers.
    pub waiver_references: Vec<String>,
    /// Fingerprints of the keys that were trusted; dialect L1 has none.
    pub trust_context: BTreeMap<String, String>,
    /// The version of the trust context; dialect L3 only.
    pub trust_context_version: String,
    /// sha256 over a payload, or nothing.
    pub payload_hash: String,
    /// The hash of the entry before it in its run; nothing for the first.
    pub previous_entry_hash: String,
    /// The hash that seals it, as stored.
    pub entry_hash: String,
    /// Columns that could not be read as what they should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

impl Entry {
    /// A row to be shown; `noted` is what is known to be wrong with it.
    pub(super) fn show(id: i64, fields: &Fields<'_>, hash: &str, mut noted: Vec<Noted>) -> Self {
        if Stamp::parse(fields.timestamp_utc).is_none() {
            noted.push(Noted::new(Fault::MalformedRow, "`timestamp_utc` is no time".to_owned()));
        }
        Self {
            id,
            entry_id: fields.entry_id.to_owned(),
            run_id: fields.run_id.to_owned(),
            stage_id: fields.stage_id.to_owned(),
            state_transition: fields.state_transition.to_owned(),
            timestamp_utc: fields.timestamp_utc.to_owned(),
            input_hash: fields.input_hash.to_owned(),
            output_hash: fields.output_hash.to_owned(),
            artifact_references: texts("artifact_refs_json", fields.artifact_refs_json, &mut noted),
            pipeline_version: fields.pipeline_version.to_owned(),
            schema_version: fields.schema_version.to_owned(),
            toolchain_version: fields.toolchain_version.to_owned(),
            ruleset_versions: text_by_name("ruleset_versions_json", fields.ruleset_versions_json, &mut noted),
            waiver_references: texts("waiver_refs_json", fields.waiver_refs_json, &mut noted),
            trust_context: text_by_name("trust_context_json", fields.trust_context_json, &mut noted),
            trust_context_version: fields.trust_context_version.to_owned(),
            payload_hash: fields.payload_hash.to_owned(),
            previous_entry_hash: fields.previous_entry_hash.to_owned(),
            entry_hash: hash.to_owned(),
            problems: noted
                .into_iter()
                .filter(|noted| matches!(noted.fault, Fault::MalformedRow | Fault::NullColumn))
                .map(|noted| noted.detail)
                .collect(),
        }
    }
}

fn texts(name: &str, text: &str, noted: &mut Vec<Noted>) -> Vec<String> {
    match examine_json(name, text, Shape::Texts, noted) {
        Some(Value::List(items)) => items.into_iter().filter_map(into_text).collect(),
        _ => Vec::new(),
    }
}

fn text_by_name(name: &str, text: &str, noted: &mut Vec<Noted>) -> BTreeMap<String, String> {
    match examine_json(name, text, Shape::TextByName, noted) {
        Some(Value::Object(members)) => {
            members.into_iter().filter_map(|(key, value)| Some((key, into_text(value)?))).collect()
        }
        _ => BTreeMap::new(),
    }
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
