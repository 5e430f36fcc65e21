//! HTTP: asking a service, and telling it something.
//!
//! An action speaks to the origin of its target and to no other. What several of them need stands here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::data::format;
use super::sealed::Sealed;
use super::{Error, Facts};
use crate::host::{self, Answer, Probe};
use crate::id::{Digest, Id};
use crate::procedure::TargetKind as Kind;
use crate::time::Duration;

pub mod get;
pub mod ready;
pub mod request;

/// The request that a service target, a path and headers come to.
pub(super) fn to_service(
    facts: &Facts,
    target: &Id,
    path: &str,
    headers: BTreeMap<String, String>,
    timeout: Duration,
    at_most: u64,
) -> Result<host::Get, Error> {
    let bound = facts.target(target)?;
    if bound.kind != Kind::Service {
        let message = format!("target `{target}` is a `{}`, not a `service`", bound.kind.as_str());
        return Err(Error::new("bad_target", message));
    }
    let wrong = |what: &str| Error::new("bad_target", format!("service `{}`: {what}", bound.name));
    let base = bound.settings.get("url").and_then(Value::as_str).ok_or_else(|| wrong("`url` is missing"))?;
    if base.contains(['?', '#']) {
        return Err(wrong("`url` has a query or fragment"));
    }
    check_path(path)?;
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in bound.settings.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().ok_or_else(|| wrong("a value of `headers` is no text"))?;
        all.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    all.extend(headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)));
    Ok(host::Get {
        url: format!("{}{path}", base.trim_end_matches('/')),
        headers: all.into_iter().collect(),
        timeout: timeout.as_std(),
        at_most,
        head_only: false,
    })
}

/// Headers with the values of the secrets among them, which are read here and at no earlier time.
pub(super) async fn opened(
    headers: &BTreeMap<String, Sealed>,
    facts: &Facts,
    probe: &dyn Probe,
) -> Result<BTreeMap<String, String>, Error> {
    let mut opened = BTreeMap::new();
    for (name, value) in headers {
        opened.insert(name.clone(), facts.secrets.open(value, probe).await?);
    }
    Ok(opened)
}

/// Refuses a path that would lead away from the target's own.
fn check_path(path: &str) -> Result<(), Error> {
    let wrong = |what: &str| Err(Error::new("bad_path", format!("path `{}` {what}", path.escape_debug())));
    if !path.is_empty() && !path.starts_with('/') {
        return wrong("does not begin with `/`");
    }
    // An address parser drops some of these without a word, and takes `\\` for `/`.
    if path.chars().any(|c| c.is_control() || c == '\\' || c == ' ') {
        return wrong("has a character that no address may have");
    }
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split(['?', '#']).next().unwrap_or_default().split('/').any(dots) {
        return wrong("has a `.` or `..` segment");
    }
    Ok(())
}

/// An answer as outputs show it.
struct Shown {
    headers: BTreeMap<String, String>,
    json: Option<Value>,
    text: Option<String>,
    subject: Digest,
}

impl Shown {
    /// Digest and text are of what is left without secrets: a digest of a secret alone could be guessed from.
    fn of(answer: &Answer, facts: &Facts) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &answer.headers {
            let joined = headers.entry(name.clone()).or_default();
            *joined = if joined.is_empty() { value.clone() } else { format!("{joined}, {value}") };
        }
        let text = std::str::from_utf8(&answer.body).ok();
        let says_json = headers.get("content-type").is_some_and(|kind| kind.contains("json"));
        let looks_like_json = |text: &&str| says_json || text.trim_start().starts_with(['{', '[']);
        let json = text.filter(looks_like_json).and_then(|text| format::json(text).ok());
        let clean = facts.secrets.clean_bytes(&answer.body, false);
        let text = text
            .filter(|_| json.is_none())
            .map(|_| String::from_utf8_lossy(&facts.secrets.given_bytes(&answer.body, false)).into_owned());
        Self { headers, json, text, subject: Digest::of(&clean) }
    }
}

fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
