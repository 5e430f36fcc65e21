//! `corvusforge.waiver_verify`: whether waivers are signed by the trusted key, for their stage, and still good.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::waivers::all;
use super::{production, public_key, store_folder};
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::time::{Duration, Timestamp};

/// Verifies waivers.
pub struct WaiverVerify;

/// What `corvusforge.waiver_verify` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["artifact_store"]))]
    target: Id,
    /// The id of a waiver; without it all of them.
    #[serde(default)]
    waiver: Option<String>,
    /// The stage that it must be for; without it any.
    #[serde(default)]
    scope: Option<String>,
    /// The key that must have signed, 64 hex digits; not beside `registry`.
    #[serde(default)]
    public_key: Option<String>,
    /// The registry of the deployment, whose waiver signing key must have signed; not beside `public_key`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["plugin_registry"]))]
    registry: Option<Id>,
    /// At which instant it must be good; the start of the run where nothing is said.
    #[serde(default)]
    at: Option<Timestamp>,
    /// The longest that one may be good for from that instant; without it any time, a mistyped year too.
    #[serde(default)]
    max_for: Option<Duration>,
}

/// What `corvusforge.waiver_verify` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// How many were looked at.
    checked: u64,
    /// How many of them are not good.
    failed: u64,
    /// Whether there was at least one, and none failed.
    verified: bool,
    /// What is wrong, in words.
    wrong: Vec<String>,
    /// Each of them.
    items: Vec<Item>,
    /// The digest of waivers, key and instant.
    subject: Digest,
}

/// One waiver.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Item {
    /// Its id.
    waiver_id: String,
    /// The stage it is for.
    scope: String,
    /// Whether the key signed it.
    signed: bool,
    /// Whether it has run out.
    expired: bool,
    /// Whether it is good for longer than it may be.
    too_long: bool,
    /// Whether all is well.
    valid: bool,
}

#[async_trait]
impl Read for WaiverVerify {
    const NAME: &'static str = "corvusforge.waiver_verify";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let trusted = match (&params.public_key, &params.registry) {
            (Some(key), None) => key.clone(),
            (None, Some(registry)) => production(looking.facts, looking.probe, registry).await?.waiver_signing_key,
            _ => return Err(Error::new("bad_input", "give either `public_key` or `registry`")),
        };
        if trusted.is_empty() {
            return Err(Error::new("no_trust_root", "no waiver signing key is configured: nothing can be verified"));
        }
        let key = public_key(&trusted)?;
        let at = params.at.unwrap_or(looking.facts.started_at);
        let (found, mut wrong) = all(looking.probe, &store_folder(looking.facts, &params.target)?)?;
        let mut subject = format!("{trusted} {at}\n{}", wrong.join("\n"));
        let mut items = Vec::new();
        for kept in found {
            let waiver = kept.waiver;
            let is_other =
                |wanted: &Option<String>, found: &str| wanted.as_deref().is_some_and(|wanted| wanted != found);
            if is_other(&params.waiver, &waiver.waiver_id) || is_other(&params.scope, &waiver.scope) {
                continue;
            }
            subject += &format!("\n{}", kept.address);
            let (signed, expired) = (waiver.is_signed_by(&key), waiver.is_expired(at));
            let until = waiver.expiration.instant();
            let too_long = params.max_for.is_some_and(|most| until.is_none_or(|until| until.since(at) > most));
            let id = &waiver.waiver_id;
            let mut note = |is_wrong: bool, what: &str| {
                if is_wrong {
                    wrong.push(format!("waiver {id} {what}"))
                }
            };
            note(!signed, "is not signed by the trusted key as it is");
            note(expired, "has run out");
            note(too_long, "is good for longer than waivers may be");
            let valid = signed && !expired && !too_long;
            items.push(Item { waiver_id: id.clone(), scope: waiver.scope, signed, expired, too_long, valid });
        }
        let (checked, failed) = (items.len() as u64, items.iter().filter(|item| !item.valid).count() as u64);
        let subject = Digest::of(subject.as_bytes());
        Ok(Output { checked, failed, verified: checked > 0 && wrong.is_empty(), wrong, items, subject })
    }
}
