//! A verdict of Forge's scoreboard, judged: pure functions over the texts of its files.
//!
//! Signed is `score_hash:evidence_hash` and nothing else, so that what a verdict says of its scenario and its time is
//! worth nothing by itself. Forge's own check takes the key that lies beside the verdict, and base64 with noise in it;
//! this one takes a key from elsewhere, and base64 as the standard has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Serialize;

use crate::id::{Digest, is_sha256_hex};
use crate::sign;
use crate::target::python_json::{self, Value};

/// One thing that is wrong with a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// A stable code: `missing_file`, `key_mismatch`, `score_mismatch`, …
    code: String,
    /// What was found and what was expected.
    detail: String,
}

impl Problem {
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

/// What a verdict says; only the two hashes are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    scenario: String,
    score_hash: String,
    evidence_hash: String,
    pub computed_at: Option<String>,
    signature: String,
}

/// What there is of a scenario's results; none where a file is missing.
pub(super) struct Results<'a> {
    /// The scenario whose results they should be.
    pub scenario: &'a str,
    /// The bytes of `score.json`.
    pub score: Option<&'a [u8]>,
    /// The digest of the evidence bundle.
    pub evidence: Option<&'a Digest>,
    /// `verdict.sig`.
    pub verdict: Option<&'a [u8]>,
    /// `verdict.pub`.
    pub key: Option<&'a [u8]>,
}

/// Reads an Ed25519 key: standard base64 of 32 bytes, or 64 hex digits; white space around it does not count.
pub(super) fn read_key(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if is_sha256_hex(text) {
        let mut key = [0; 32];
        for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
        }
        return Some(key);
    }
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Holds what there is against the pinned key, and tells everything that is wrong.
pub(super) fn judge(results: &Results<'_>, pinned: &[u8; 32]) -> (Option<Verdict>, Vec<Problem>) {
    let mut problems = Vec::new();
    if let Some(key) = results.key {
        match std::str::from_utf8(key).ok().and_then(read_key) {
            None => problems.push(Problem::new("bad_key", "`verdict.pub` is no base64 of 32 bytes")),
            Some(key) if key != *pinned => {
                let detail =
                    format!("`verdict.pub` is {}, not the pinned {}", STANDARD.encode(key), STANDARD.encode(pinned));
                problems.push(Problem::new("key_mismatch", detail));
            }
            Some(_) => {}
        }
    }
    if let Some(score) = results.score {
        match text_member(score, "scenario_id") {
            Ok(scenario) => same_scenario("score.json", &scenario, results.scenario, &mut problems),
            Err(why) => problems.push(Problem::new("bad_score", format!("`score.json` {why}"))),
        }
    }
    let verdict = results.verdict.and_then(|bytes| match read_verdict(bytes) {
        Ok(verdict) => Some(verdict),
        Err(why) => {
            problems.push(Problem::new("bad_verdict", format!("`verdict.sig` {why}")));
            None
        }
    });
    if let Some(verdict) = &verdict {
        same_scenario("verdict.sig", &verdict.scenario, results.scenario, &mut problems);
        let score = results.score.map(Digest::of);
        same_hash("score_mismatch", "score.json", score.as_ref(), &verdict.score_hash, &mut problems);
        same_hash("evidence_mismatch", "the evidence", results.evidence, &verdict.evidence_hash, &mut problems);
        let message = format!("{}:{}", verdict.score_hash, verdict.evidence_hash);
        match STANDARD.decode(&verdict.signature).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok()) {
            None => problems.push(Problem::new("bad_signature", "the signature is no base64 of 64 bytes")),
            Some(signature) if !sign::verify(pinned, message.as_bytes(), &signature) => {
                problems.push(Problem::new("signature_mismatch", "the pinned key did not sign these two hashes"));
            }
            Some(_) => {}
        }
    }
    (verdict, problems)
}

fn same_scenario(file: &str, found: &str, expected: &str, problems: &mut Vec<Problem>) {
    if found != expected {
        let detail = format!("`{file}` is of scenario `{found}`, expected `{expected}`");
        problems.push(Problem::new("scenario_mismatch", detail));
    }
}

fn same_hash(code: &str, what: &str, found: Option<&Digest>, said: &str, problems: &mut Vec<Problem>) {
    if let Some(found) = found
        && found.hex() != said
    {
        problems.push(Problem::new(code, format!("{what} has SHA-256 {}, the verdict says {said:?}", found.hex())));
    }
}

fn read_verdict(bytes: &[u8]) -> Result<Verdict, String> {
    let members = members(bytes)?;
    let text = |name: &str| text_of(&members, name);
    Ok(Verdict {
        scenario: text("scenario_id")?,
        score_hash: text("score_hash")?,
        evidence_hash: text("evidence_hash")?,
        computed_at: text("computed_at").ok(),
        signature: text("signature")?,
    })
}

fn text_member(bytes: &[u8], name: &str) -> Result<String, String> {
    text_of(&members(bytes)?, name)
}

fn text_of(members: &indexmap::IndexMap<String, Value>, name: &str) -> Result<String, String> {
    match members.get(name) {
        Some(Value::Text(text)) => Ok(text.clone()),
        Some(_) => Err(format!("has a `{name}` that is no text")),
        None => Err(format!("has no `{name}`")),
    }
}

/// The members of an object; a key that is there twice is refused, for two readers would see two verdicts.
fn members(bytes: &[u8]) -> Result<indexmap::IndexMap<String, Value>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is no UTF-8".to_owned())?;
    let parsed = python_json::parse_as_python(text).map_err(|error| format!("is {error}"))?;
    if let Some(key) = parsed.duplicate_keys.first() {
        return Err(format!("has `{key}` more than once"));
    }
    match parsed.value {
        Value::Object(members) => Ok(members),
        _ => Err("is no object".to_owned()),
    }
}
