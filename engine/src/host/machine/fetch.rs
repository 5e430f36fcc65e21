//! HTTP: one exchange at a time, each on a connection of its own, nothing repeated by itself.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, ClientBuilder, Method, Response, Url};

use super::Machine;
use crate::host::{Answer, Error, Get, Send};

const MAX_REDIRECTS: usize = 5;
const TO_CONNECT: Duration = Duration::from_secs(10);

impl Machine {
    pub(super) async fn fetch(&self, request: Get) -> Result<Answer, Error> {
        let url = self.address(&request.url)?;
        let shown = shown(&url);
        let limit = request.timeout;
        let answer = tokio::time::timeout(limit, self.follow(url, request)).await;
        answer.map_err(|_| Error::TimedOut { what: shown, limit })?
    }

    pub(super) async fn deliver(&self, request: Send) -> Result<Answer, Error> {
        let url = self.address(&request.to.url)?;
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| Error::Refused(format!("`{}` is no HTTP method", request.method.escape_debug())))?;
        let headers = header_map(&request.to.headers)?;
        let (shown, limit, at_most) = (shown(&url), request.to.timeout, request.to.at_most);
        let exchange = async {
            let response = self.one(method, url, headers, request.body).await?;
            answer(response, at_most).await
        };
        let answer = tokio::time::timeout(limit, exchange).await;
        answer.map_err(|_| Error::TimedOut { what: shown, limit })?
    }

    async fn follow(&self, first: Url, request: Get) -> Result<Answer, Error> {
        let method = if request.head_only { Method::HEAD } else { Method::GET };
        let headers = header_map(&request.headers)?;
        let mut here = first.clone();
        for _ in 0..=MAX_REDIRECTS {
            // Headers may carry a token, and the token is for the first origin alone.
            let headers = if here.origin() == first.origin() { headers.clone() } else { HeaderMap::new() };
            let response = self.one(method.clone(), here.clone(), headers, None).await?;
            match redirect(&response) {
                Some(next) => here = self.redirected(&here, &next)?,
                None => return answer(response, request.at_most).await,
            }
        }
        Err(Error::Refused(format!("{} redirects more than {MAX_REDIRECTS} times", shown(&first))))
    }

    fn redirected(&self, from: &Url, to: &str) -> Result<Url, Error> {
        let refused = |why: String| Error::Refused(format!("{} redirects {why}", shown(from)));
        let next = from.join(to).map_err(|error| refused(format!("to no address: {error}")))?;
        if from.scheme() == "https" && next.scheme() != "https" {
            return Err(refused(format!("from https to {}", shown(&next))));
        }
        self.address(next.as_str()).map_err(|error| refused(format!("elsewhere: {error}")))
    }

    async fn one(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<Response, Error> {
        let shown = shown(&url);
        let mut request = self.client(&shown)?.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        request.send().await.map_err(|error| network(&shown, &error))
    }

    /// An address that may be spoken to.
    fn address(&self, url: &str) -> Result<Url, Error> {
        // The text itself may hold a password and is not shown.
        let url = Url::parse(url).map_err(|error| Error::Refused(format!("the URL is no address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::Refused(format!("`{}:` is neither http nor https", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Refused(format!("{} carries credentials; give them in a header", shown(&url))));
        }
        let Some(host) = url.host_str() else {
            return Err(Error::Refused("the URL names no host".to_owned()));
        };
        self.allow_host(host, url.port_or_known_default().unwrap_or_default())?;
        Ok(url)
    }

    /// Refuses a host that policy does not allow.
    pub(super) fn allow_host(&self, host: &str, port: u16) -> Result<(), Error> {
        let with_port = format!("{host}:{port}");
        let is_this = |entry: &String| entry.eq_ignore_ascii_case(host) || entry.eq_ignore_ascii_case(&with_port);
        match &self.settings.allow_hosts {
            Some(allow) if !allow.iter().any(is_this) => {
                Err(Error::Refused(format!("host `{host}` is not among `allow_hosts` of the workspace file")))
            }
            _ => Ok(()),
        }
    }

    /// The client, made when it is first needed: reading the system's certificates takes milliseconds.
    fn client(&self, shown: &str) -> Result<Client, Error> {
        if let Some(client) = self.shared.client.get() {
            return Ok(client.clone());
        }
        // It fails where a provider is installed already, and then that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || self.client_builder();
        // A machine without certificates can still speak to its neighbours without TLS.
        let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
        let client = client.map_err(|error| network(shown, &error))?;
        Ok(self.shared.client.get_or_init(|| client).clone())
    }

    fn client_builder(&self) -> ClientBuilder {
        let builder = Client::builder()
            .user_agent(concat!("runwarden/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(TO_CONNECT);
        if self.settings.proxy_from_env { builder } else { builder.no_proxy() }
    }
}

/// An address as it may be shown: without credentials, query and fragment.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails for an address that cannot have credentials, and that has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// Headers that would speak to another host than the one that is allowed, or frame another request than this one.
const OURS: [&str; 3] = ["host", "content-length", "transfer-encoding"];

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let refused = |what: &str| Error::Refused(format!("{what} header `{}`", name.escape_debug()));
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("no such name for a"))?;
        if OURS.contains(&known.as_str()) {
            return Err(refused("it is not for a procedure to set the"));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| refused("no such value for the"))?;
        value.set_sensitive(true);
        map.append(known, value);
    }
    Ok(map)
}

fn redirect(response: &Response) -> Option<String> {
    let follows = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    follows.then(|| response.headers().get(LOCATION)?.to_str().ok().map(str::to_owned)).flatten()
}

async fn answer(mut response: Response, at_most: u64) -> Result<Answer, Error> {
    let status = response.status().as_u16();
    let shown = shown(response.url());
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| network(&shown, &error))? {
        if (body.len() + chunk.len()) as u64 > at_most {
            return Err(Error::TooLarge { path: PathBuf::from(shown), limit: at_most });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

/// The innermost reason, which is the one that helps; the address is named once and without its query.
fn network(shown: &str, error: &reqwest::Error) -> Error {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let reason = if std::ptr::addr_eq(inner, error) { kind(error).to_owned() } else { inner.to_string() };
    Error::Network { url: shown.to_owned(), reason, unsent: error.is_connect() || error.is_builder() }
}

fn kind(error: &reqwest::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "it took too long",
        error if error.is_connect() => "no connection",
        error if error.is_builder() => "the request cannot be made",
        error if error.is_body() || error.is_decode() => "the answer broke off",
        _ => "the exchange failed",
    }
}
