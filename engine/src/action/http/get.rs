//! `http.get`: asks a service. Whatever it answers is an answer; a check judges it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Shown, opened, to_service, without_query};
use crate::action::sealed::Sealed;
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::time::Duration;

/// Asks a service.
pub struct Get;

/// What `http.get` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The service; its settings are `url` and `headers`.
    #[schemars(extend("x-runwarden-target" = ["service"]))]
    target: Id,
    /// What is added to the service's `url`: empty, or beginning with `/`; may have a query.
    #[serde(default)]
    path: String,
    /// Headers by name, over those of the target.
    #[serde(default)]
    headers: BTreeMap<String, Sealed>,
    /// How long the whole exchange may take.
    #[serde(default = "thirty_seconds")]
    timeout: Duration,
    /// The largest body taken, in bytes; a larger one is an error.
    #[serde(default = "four_mebibytes")]
    max_bytes: u64,
}

pub(super) fn thirty_seconds() -> Duration {
    Duration::from_seconds(30)
}

pub(super) fn four_mebibytes() -> u64 {
    4 * 1024 * 1024
}

/// What `http.get` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The HTTP status.
    status: u16,
    /// Headers by lowercase name; repeated ones joined by `, `.
    headers: BTreeMap<String, String>,
    /// The body, if it is JSON in which no key is twice; else none.
    json: Option<Value>,
    /// The body, if it is no JSON but UTF-8; else none.
    text: Option<String>,
    /// The address that was asked, without its query.
    url: String,
    /// The digest of the body.
    subject: Digest,
}

#[async_trait]
impl Read for Get {
    const NAME: &'static str = "http.get";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let Params { target, path, headers, timeout, max_bytes } = params;
        let headers = opened(&headers, looking.facts, looking.probe).await?;
        let request = to_service(looking.facts, &target, &path, headers, timeout, max_bytes)?;
        let url = without_query(&request.url);
        let answer = looking.probe.get(request).await?;
        let Shown { headers, json, text, subject } = Shown::of(&answer, looking.facts);
        Ok(Output { status: answer.status, headers, json, text, url, subject })
    }
}
