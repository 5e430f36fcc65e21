//! Requests of object_store, sent by our own machine: hosts that policy does not allow are not spoken to, and a plan,
//! which has no more than a probe, cannot send anything that changes.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use tokio::sync::{mpsc, oneshot};

use crate::host::{self, Answer, Get, Host, Probe, Send};

/// Headers that the machine sets by itself.
const OURS: [&str; 2] = ["host", "content-length"];

/// What takes object_store's requests and waits for their answers.
#[derive(Clone)]
pub(super) struct Relay(mpsc::UnboundedSender<Call>);

struct Call {
    request: HttpRequest,
    answer: oneshot::Sender<Result<HttpResponse, HttpError>>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relay")
    }
}

#[async_trait]
impl HttpService for Relay {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let gone = || HttpError::new(HttpErrorKind::Interrupted, std::io::Error::other("nobody sends it"));
        let (answer, waiting) = oneshot::channel();
        self.0.send(Call { request, answer }).map_err(|_| gone())?;
        waiting.await.map_err(|_| gone())?
    }
}

impl HttpConnector for Relay {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

/// Does work that reads through a relay, and sends what it asks.
pub(super) async fn reading<T, W: Future<Output = T>>(
    probe: &dyn Probe,
    limits: &Get,
    work: impl FnOnce(Relay) -> W,
) -> T {
    let (send, mut receive) = mpsc::unbounded_channel();
    let mut work = pin!(work(Relay(send)));
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            Some(call) = receive.recv() => {
                let answer = read(probe, limits, &call.request).await;
                // Where nobody waits any more the answer is of no use.
                let _ = call.answer.send(answer);
            }
        }
    }
}

async fn read(probe: &dyn Probe, limits: &Get, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
    let failed = |error: host::Error| HttpError::new(HttpErrorKind::Request, error);
    let head_only = request.method().as_str() == "HEAD";
    if !head_only && request.method().as_str() != "GET" {
        return Err(failed(host::Error::Refused("it is no request that only reads".to_owned())));
    }
    let answer = probe.get(Get { head_only, ..addressed(limits, request) }).await.map_err(failed)?;
    response(answer).map_err(|error| HttpError::new_boxed(HttpErrorKind::Decode, error))
}

/// Sends a request that was signed.
pub(super) async fn send(host: &dyn Host, limits: &Get, request: &HttpRequest) -> Result<Answer, host::Error> {
    let body = request.body().as_bytes().map(|bytes| bytes.to_vec());
    host.send(Send { method: request.method().to_string(), to: addressed(limits, request), body }).await
}

fn addressed(limits: &Get, request: &HttpRequest) -> Get {
    let text = |value: &object_store::HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let headers = request.headers().iter().filter(|(name, _)| !OURS.contains(&name.as_str()));
    Get {
        url: request.uri().to_string(),
        headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
        ..limits.clone()
    }
}

fn response(answer: Answer) -> Result<HttpResponse, Box<dyn std::error::Error + std::marker::Send + Sync>> {
    let mut response = HttpResponse::new(HttpResponseBody::from(answer.body));
    *response.status_mut() = answer.status.try_into()?;
    let headers: HashMap<String, String> = answer.headers.into_iter().collect();
    *response.headers_mut() = (&headers).try_into()?;
    Ok(response)
}
