//! `http.ready`: whether a service answers as it should. That it does not answer is an answer too.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{opened, to_service};
use crate::action::sealed::Sealed;
use crate::action::{Error, Looking, Read};
use crate::host;
use crate::id::Id;
use crate::time::Duration;

/// Whether a service is ready.
pub struct Ready;

/// What `http.ready` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The service; its settings are `url` and `headers`.
    #[schemars(extend("x-runwarden-target" = ["service"]))]
    target: Id,
    /// What is added to the service's `url`: empty, or beginning with `/`.
    #[serde(default)]
    path: String,
    /// Headers by name, over those of the target.
    #[serde(default)]
    headers: BTreeMap<String, Sealed>,
    /// The HTTP status of a ready service.
    #[serde(default = "ok")]
    expect_status: u16,
    /// How long the whole exchange may take.
    #[serde(default = "five_seconds")]
    timeout: Duration,
}

fn ok() -> u16 {
    200
}

fn five_seconds() -> Duration {
    Duration::from_seconds(5)
}

const AT_MOST: u64 = 4 * 1024 * 1024;

/// What `http.ready` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether it answered with the expected status.
    ready: bool,
    /// The HTTP status; none without an answer.
    status: Option<u16>,
    /// What was found, in words.
    detail: String,
}

#[async_trait]
impl Read for Ready {
    const NAME: &'static str = "http.ready";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let Params { target, path, headers, expect_status, timeout } = params;
        let headers = opened(&headers, looking.facts, looking.probe).await?;
        let request = to_service(looking.facts, &target, &path, headers, timeout, AT_MOST)?;
        match looking.probe.get(request).await {
            Ok(answer) => Ok(Output {
                ready: answer.status == expect_status,
                status: Some(answer.status),
                detail: format!("status {}, expected {expect_status}", answer.status),
            }),
            Err(error @ (host::Error::Network { .. } | host::Error::TimedOut { .. })) => {
                Ok(Output { ready: false, status: None, detail: error.to_string() })
            }
            // Not allowed, or no address at all: waiting would not help, so it is no answer.
            Err(error) => Err(error.into()),
        }
    }
}
