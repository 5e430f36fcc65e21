//! `http.request`: tells a service something. Sent once, never redirected; what the service refuses is a failure.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::get::{four_mebibytes, thirty_seconds};
use super::{Shown, opened, to_service, without_query};
use crate::action::sealed::Sealed;
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::{self, Send};
use crate::id::{Digest, Id};
use crate::time::Duration;

/// Tells a service something.
pub struct Request;

/// What `http.request` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The service; its settings are `url` and `headers`.
    #[schemars(extend("x-runwarden-target" = ["service"]))]
    target: Id,
    /// The HTTP method.
    #[serde(default)]
    method: Method,
    /// What is added to the service's `url`: empty, or beginning with `/`; may have a query.
    #[serde(default)]
    path: String,
    /// Headers by name, over those of the target.
    #[serde(default)]
    headers: BTreeMap<String, Sealed>,
    /// The body as JSON; not beside `text`.
    #[serde(default)]
    json: Option<Value>,
    /// The body as text; not beside `json`.
    #[serde(default)]
    text: Option<String>,
    /// Whether an `Idempotency-Key` is sent, the same for each attempt at this step of this run.
    #[serde(default)]
    idempotency_key: bool,
    /// The HTTP statuses that mean done; empty: 200 to 299.
    #[serde(default)]
    ok_status: Vec<u16>,
    /// How long the whole exchange may take.
    #[serde(default = "thirty_seconds")]
    timeout: Duration,
    /// The largest body taken, in bytes; a larger one is an error.
    #[serde(default = "four_mebibytes")]
    max_bytes: u64,
}

/// A method that may change something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Add or do.
    #[default]
    Post,
    /// Put in place.
    Put,
    /// Change in part.
    Patch,
    /// Take away.
    Delete,
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What `http.request` gives.
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
    /// The address that was told, without its query.
    url: String,
    /// The digest of the body.
    subject: Digest,
}

impl Params {
    fn request(&self, facts: &Facts, headers: BTreeMap<String, String>) -> Result<Send, Error> {
        let mut to = to_service(facts, &self.target, &self.path, headers, self.timeout, self.max_bytes)?;
        let (body, kind) = match (&self.json, &self.text) {
            (Some(_), Some(_)) => return Err(Error::new("bad_input", "a request has either `json` or `text`")),
            (Some(json), None) => (Some(json.to_string().into_bytes()), "application/json"),
            (None, Some(text)) => (Some(text.clone().into_bytes()), "text/plain; charset=utf-8"),
            (None, None) => (None, ""),
        };
        if body.is_some() && !to.headers.iter().any(|(name, _)| name == "content-type") {
            to.headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        if self.idempotency_key {
            to.headers.retain(|(name, _)| name != "idempotency-key");
            to.headers.push(("idempotency-key".to_owned(), facts.idempotency_key.clone()));
        }
        Ok(Send { method: self.method.as_str().to_owned(), to, body })
    }

    fn is_done(&self, status: u16) -> bool {
        if self.ok_status.is_empty() { (200..300).contains(&status) } else { self.ok_status.contains(&status) }
    }
}

#[async_trait]
impl Effect for Request {
    const NAME: &'static str = "http.request";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Once,
        preview: Fidelity::None,
        reconcile: false,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        // What is told of a request has no headers in it, so no secret is read for it.
        let request = params.request(looking.facts, BTreeMap::new())?;
        let told = json!({ "method": request.method, "url": without_query(&request.to.url) });
        Ok(Preview { after: Some(json!({ "request": told })), ..Preview::UNKNOWN })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let headers = opened(&params.headers, doing.facts, doing.host).await?;
        let request = params.request(doing.facts, headers)?;
        let (method, url) = (params.method.as_str(), without_query(&request.to.url));
        let answer = match doing.host.send(request).await {
            Ok(answer) => answer,
            Err(error @ (host::Error::Refused(_) | host::Error::Network { .. })) => return Err(error.into()),
            // Anything else came after the request had gone out.
            Err(error) => return Err(Error::from(error).uncertain()),
        };
        let status = answer.status;
        if !params.is_done(status) {
            let error = Error::new("http_status", format!("{method} {url} answered with status {status}"));
            return Err(match status {
                429 => error.transient(),
                400..=499 => error,
                // A failing service may have done it first, and so may one that sends us elsewhere for the answer.
                _ => error.uncertain(),
            });
        }
        let Shown { headers, json, text, subject } = Shown::of(&answer, doing.facts);
        Ok(Output { status, headers, json, text, url, subject })
    }

    async fn reconcile(&self, _: Params, _: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        Ok(Reconciled::CannotTell)
    }
}
