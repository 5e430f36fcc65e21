//! The production settings of a deployment, and whether Corvusforge's guard, and what it forgets, would hold.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::sign::service_key::read_public;

/// What every variable of Corvusforge begins with.
pub const PREFIX: &str = "CORVUSFORGE_";
/// The variable with the public key that plugins must be signed with.
pub const PLUGIN_TRUST_ROOT: &str = "CORVUSFORGE_PLUGIN_TRUST_ROOT";
/// The variable with the public key, despite its name, that waivers must be signed with.
pub const WAIVER_SIGNING_KEY: &str = "CORVUSFORGE_WAIVER_SIGNING_KEY";
/// The variables that are judged; none of them is a secret.
pub const JUDGED: [&str; 5] = [
    "CORVUSFORGE_ENVIRONMENT",
    "CORVUSFORGE_DEBUG",
    PLUGIN_TRUST_ROOT,
    WAIVER_SIGNING_KEY,
    "CORVUSFORGE_TRUST_CONTEXT_REQUIRED_KEYS",
];

/// The settings that Corvusforge knows, without the prefix: with any other it does not start.
const KNOWN: [&str; 19] = [
    "ENVIRONMENT",
    "DEBUG",
    "LOG_LEVEL",
    "LEDGER_PATH",
    "ARTIFACT_STORE_PATH",
    "PLUGINS_PATH",
    "MARKETPLACE_PATH",
    "THINGSTEAD_DATA",
    "PLUGIN_TRUST_ROOT",
    "WAIVER_SIGNING_KEY",
    "ANCHOR_KEY",
    "TRUST_CONTEXT_REQUIRED_KEYS",
    "DOCKER_MODE",
    "HOST",
    "PORT",
    "MAX_CONCURRENT_FLEETS",
    "FLEET_TIMEOUT_SECONDS",
    "ENABLE_METRICS",
    "METRICS_PORT",
];

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// A stable code: `not_production`, `debug`, `no_key`, `bad_key`, `same_key`, `unknown_variable`.
    pub code: String,
    /// What was found and what was expected.
    pub detail: String,
}

/// What the settings come to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the setting of its name")]
pub struct Production {
    pub environment: String,
    pub plugin_trust_root: String,
    pub waiver_signing_key: String,
    /// Everything that is wrong; empty where production is what it should be.
    pub problems: Vec<Problem>,
}

/// Judges settings: the values of [`JUDGED`] that are set, and the names of all that are.
#[must_use]
pub fn judge(values: &BTreeMap<String, String>, names: &[String]) -> Production {
    let mut problems = Vec::new();
    let mut problem = |code: &str, detail: String| problems.push(Problem { code: code.to_owned(), detail });
    let value = |name: &str| values.get(name).cloned().unwrap_or_default();
    let environment = values.get("CORVUSFORGE_ENVIRONMENT").cloned().unwrap_or_else(|| "development".to_owned());
    if environment != "production" {
        let detail = format!(
            "CORVUSFORGE_ENVIRONMENT is {environment:?}; only the exact word `production` is, all else means development"
        );
        problem("not_production", detail);
    }
    let debug = value("CORVUSFORGE_DEBUG");
    if !["", "0", "false", "no", "off", "n", "f"].contains(&debug.to_ascii_lowercase().as_str()) {
        problem("debug", format!("CORVUSFORGE_DEBUG is {debug:?}, expected false"));
    }
    let keys = [PLUGIN_TRUST_ROOT, WAIVER_SIGNING_KEY].map(|name| (name, value(name)));
    for (name, key) in &keys {
        match key.as_str() {
            "" => problem("no_key", format!("{name} is not set: nothing signed can be verified")),
            key if read_public(key).is_none() => {
                problem("bad_key", format!("{name} is no Ed25519 public key of 64 lowercase hex digits"));
            }
            _ => {}
        }
    }
    if !keys[0].1.is_empty() && keys[0].1 == keys[1].1 {
        problem("same_key", "plugins and waivers have the same key: one compromise is two".to_owned());
    }
    for name in names {
        let Some(setting) = name.strip_prefix(PREFIX) else { continue };
        if !KNOWN.contains(&setting) && !setting.starts_with("SAOE_") {
            problem("unknown_variable", format!("{name} is no setting of Corvusforge, which does not start with it"));
        }
    }
    let [(_, plugin_trust_root), (_, waiver_signing_key)] = keys;
    Production { environment, plugin_trust_root, waiver_signing_key, problems }
}

#[cfg(test)]
mod tests;
