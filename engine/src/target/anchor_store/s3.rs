//! The anchor store `s3`: an object for each of an anchor's files, created and never replaced.
//!
//! Written with a condition that nothing of that name is there, read back, and locked where the settings say so. Reads
//! are object_store's; what changes something is one signed request.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _, RetryConfig};
use serde_json::{Map, Value};

use super::credential::{Opening, text};
use super::place::Guarded;
use super::{AnchorStore, Damage, Error, Item, Kept, MAX_OBJECT, Object, Trial, Tried, at_most};
use crate::host::{Answer, Get, Host, Probe};
use crate::id::Digest;
use crate::secret::Secret;
use crate::target::Trust;
use crate::time::Timestamp;

mod http;
pub mod settings;

use http::{Relay, reading, send};
use settings::{Lock, Settings};

/// A bucket.
pub(super) struct S3 {
    name: String,
    settings: Settings,
    access_key_id: Secret,
    secret_access_key: Secret,
    session_token: Option<Secret>,
}

impl S3 {
    pub async fn open(name: String, settings: Settings, opening: &Opening<'_>) -> Result<Self, Error> {
        Ok(Self {
            access_key_id: opening.read(&settings.access_key_id).await?,
            secret_access_key: opening.read(&settings.secret_access_key).await?,
            session_token: opening.read_any(settings.session_token.as_ref()).await?,
            settings,
            name,
        })
    }

    fn limits(&self) -> Get {
        Get {
            url: String::new(),
            headers: Vec::new(),
            timeout: self.settings.timeout.as_std(),
            at_most: MAX_OBJECT,
            head_only: false,
        }
    }

    fn client(&self, relay: Relay) -> Result<AmazonS3, Error> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.settings.bucket)
            .with_region(&self.settings.region)
            .with_access_key_id(text(&self.access_key_id))
            .with_secret_access_key(text(&self.secret_access_key))
            .with_allow_http(true)
            .with_http_connector(relay)
            .with_retry(RetryConfig { max_retries: 2, ..RetryConfig::default() });
        if let Some(endpoint) = &self.settings.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(token) = &self.session_token {
            builder = builder.with_token(text(token));
        }
        builder.build().map_err(|error| self.failed("open", &error))
    }

    fn failed(&self, what: &str, error: &object_store::Error) -> Error {
        use object_store::Error as Store;
        // A listing that is refused is no more to object_store than a status; the body after it is of no use to people.
        let why = innermost(error);
        let why = why.split(": <?xml").next().unwrap_or_default();
        let is_forbidden = ["code: 401", "code: 403"].iter().any(|status| why.contains(status));
        let message = format!("store `{}`: {what}: {why}", self.name);
        match error {
            _ if is_forbidden => Error::new("not_readable", message),
            Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => Error::new("not_readable", message),
            Store::NotFound { .. } => Error::new("not_found", message),
            _ => Error::new("s3", message).transient_if(true),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.settings.prefix)
    }

    fn shown(&self, name: &str) -> String {
        format!("s3://{}/{}", self.settings.bucket, self.key(name))
    }

    /// The bytes of a key; none if there is nothing.
    async fn bytes(&self, probe: &dyn Probe, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = Path::from(self.key(name));
        reading(probe, &self.limits(), |relay| async move {
            match self.client(relay)?.get(&path).await {
                Ok(found) => {
                    let bytes = found.bytes().await.map_err(|error| self.failed("get", &error))?;
                    Ok(Some(bytes.to_vec()))
                }
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(self.failed("get", &error)),
            }
        })
        .await
    }

    /// Signs a request and sends it.
    async fn signed(&self, host: &dyn Host, method: &str, key: &str, put: Asked<'_>) -> Result<Answer, Error> {
        let cannot = |what: &dyn std::fmt::Display| {
            Error::new("s3", format!("store `{}`: the request cannot be made: {what}", self.name))
        };
        let query = put.version.map(|version| format!("?versionId={version}")).unwrap_or_default();
        let address = format!("{}/{key}{query}", self.settings.address());
        let body = put.body.map(<[u8]>::to_vec);
        let mut request = HttpRequest::new(body.map_or_else(HttpRequestBody::empty, HttpRequestBody::from));
        *request.method_mut() = method.parse().map_err(|error| cannot(&error))?;
        *request.uri_mut() = address.parse().map_err(|error| cannot(&error))?;
        for (name, value) in put.headers {
            request.headers_mut().insert(name, value.parse().map_err(|error| cannot(&error))?);
        }
        let credential = AwsCredential {
            key_id: text(&self.access_key_id).to_owned(),
            secret_key: text(&self.secret_access_key).to_owned(),
            token: self.session_token.as_ref().map(|token| text(token).to_owned()),
        };
        let authorizer = AwsAuthorizer::new(&credential, "s3", &self.settings.region);
        authorizer.try_authorize(&mut request, None).map_err(|error| cannot(&innermost(&error)))?;
        Ok(send(host, &self.limits(), &request).await?)
    }

    /// Writes an object; with `once` only where nothing of that name is.
    async fn write(
        &self,
        host: &dyn Host,
        key: &str,
        bytes: &[u8],
        at: Timestamp,
        once: bool,
    ) -> Result<Answer, Error> {
        let checksum = STANDARD.encode(hex::decode(Digest::of(bytes).hex()).unwrap_or_default());
        let mut headers = vec![
            ("content-type", "application/octet-stream".to_owned()),
            // A bucket with object lock takes nothing without a checksum.
            ("x-amz-checksum-sha256", checksum),
            ("x-amz-sdk-checksum-algorithm", "SHA256".to_owned()),
        ];
        if once {
            headers.push(("if-none-match", "*".to_owned()));
        }
        if let Some(lock) = &self.settings.object_lock {
            let until = self.retained_until(lock, at);
            headers.push(("x-amz-object-lock-mode", lock.mode.word().to_owned()));
            headers.push(("x-amz-object-lock-retain-until-date", until));
        }
        self.signed(host, "PUT", key, Asked { body: Some(bytes), version: None, headers }).await
    }

    fn retained_until(&self, lock: &Lock, at: Timestamp) -> String {
        let until = at.microseconds().saturating_add(lock.keep.microseconds());
        // Whole seconds: some services take no fraction.
        Timestamp::from_microseconds(until / 1_000_000 * 1_000_000).unwrap_or(at).to_string().replace(".000000", "")
    }

    async fn put_file(
        &self,
        host: &dyn Host,
        name: &str,
        bytes: &[u8],
        at: Timestamp,
    ) -> Result<Map<String, Value>, Error> {
        let place = self.shown(name);
        let answer = self.write(host, &self.key(name), bytes, at, true).await?;
        let mut details = Map::new();
        let refused = |why: &str| Error::new("exists", format!("`{place}` is there and {why}"));
        match answer.status {
            200..=299 => {
                let told = [("etag", "etag"), ("version", "x-amz-version-id")];
                for (name, header) in told {
                    if let Some(value) = header_of(&answer, header) {
                        details.insert(name.to_owned(), Value::String(value.to_owned()));
                    }
                }
                if let Some(lock) = &self.settings.object_lock {
                    details.insert("retained_until".to_owned(), Value::String(self.retained_until(lock, at)));
                    details.insert("lock".to_owned(), Value::String(lock.mode.word().to_owned()));
                }
                let read_back = match self.bytes(host, name).await {
                    Ok(Some(found)) if found == bytes => true,
                    Ok(_) => {
                        let message = format!("`{place}` is not what was written");
                        return Err(Error::new("read_back", message).uncertain_if(true));
                    }
                    // Credentials that only put are the better ones; the checksum was the service's to compare.
                    Err(Error::Refused { code: "not_readable", .. }) => false,
                    Err(error) => return Err(error),
                };
                details.insert("read_back".to_owned(), Value::Bool(read_back));
                Ok(details)
            }
            412 => match self.bytes(host, name).await {
                Ok(Some(found)) if found == bytes => {
                    details.insert("read_back".to_owned(), Value::Bool(true));
                    Ok(details)
                }
                Ok(_) => Err(refused("says something else")),
                Err(Error::Refused { code: "not_readable", .. }) => {
                    Err(refused("cannot be read with these credentials, so nobody can tell here what it says"))
                }
                Err(error) => Err(error),
            },
            _ => Err(self.said_no(&place, &answer)),
        }
    }

    fn said_no(&self, place: &str, answer: &Answer) -> Error {
        let message = format!("store `{}`: `{place}`: {}", self.name, said(answer));
        match answer.status {
            409 | 429 | 500..=599 => Error::new("s3", message).transient_if(true).uncertain_if(true),
            _ => Error::new("refused", message),
        }
    }
}

/// What a request carries.
struct Asked<'a> {
    body: Option<&'a [u8]>,
    version: Option<&'a str>,
    headers: Vec<(&'static str, String)>,
}

fn header_of<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// The code of an error as S3 says it, and its status.
fn said(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    let plain = code.filter(|code| code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric()));
    plain.map_or_else(|| format!("status {}", answer.status), |code| format!("status {} ({code})", answer.status))
}

/// The innermost reason, which is the one that helps.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[async_trait]
impl AnchorStore for S3 {
    fn trust(&self, _: &dyn Probe, _: &Guarded) -> Result<Trust, Error> {
        Ok(at_most(Trust::Medium, self.settings.trust))
    }

    fn place(&self, _: &dyn Probe, item: &Item) -> Option<String> {
        Some(self.shown(&item.file_name(item.files.last()?)))
    }

    async fn objects(&self, probe: &dyn Probe, run: Option<&str>) -> Result<Vec<Object>, Error> {
        let prefix = Path::from(self.settings.prefix.as_str());
        let begins = run.map(|run| format!("{run}."));
        let limits = Get { at_most: super::MAX_ANSWER, ..self.limits() };
        reading(probe, &limits, |relay| async move {
            let client = self.client(relay)?;
            let listing = client.list(Some(&prefix)).try_collect::<Vec<_>>().await;
            let mut listing = listing.map_err(|error| self.failed("list", &error))?;
            listing.sort_by(|one, other| one.location.cmp(&other.location));
            let mut objects = Vec::new();
            for meta in listing {
                let name = meta.location.filename().unwrap_or_default().to_owned();
                if begins.as_ref().is_some_and(|begins| !name.starts_with(begins)) {
                    continue;
                }
                let damage = |code, detail| Err(Damage { code, detail });
                let bytes = if meta.size > MAX_OBJECT {
                    damage("not_an_anchor", format!("it is larger than {MAX_OBJECT} bytes"))
                } else {
                    match client.get(&meta.location).await {
                        Ok(found) => match found.bytes().await {
                            Ok(bytes) => Ok(bytes.to_vec()),
                            Err(error) => damage("unreadable", innermost(&error)),
                        },
                        Err(error) => damage("unreadable", innermost(&error)),
                    }
                };
                let place = format!("s3://{}/{}", self.settings.bucket, meta.location);
                objects.push(Object { place, name, bytes });
            }
            Ok(objects)
        })
        .await
    }

    async fn put(&self, host: &dyn Host, item: &Item) -> Result<Kept, Error> {
        let mut kept = Kept { place: String::new(), details: Map::new() };
        for file in &item.files {
            let name = item.file_name(file);
            kept.details = self.put_file(host, &name, &file.bytes, item.at).await?;
            kept.place = self.shown(&name);
        }
        Ok(kept)
    }

    async fn trial(&self, host: &dyn Host, canary: &Item) -> Result<Trial, Error> {
        let kept = self.put(host, canary).await?;
        let Some(file) = canary.files.last() else { return Err(Error::new("bad_input", "there is nothing to try")) };
        let (name, version) = (canary.file_name(file), kept.details.get("version").and_then(Value::as_str));
        let overwrite = self.try_overwrite(host, canary, &name, &file.bytes, version).await?;
        let delete = self.try_delete(host, &name, version).await?;
        Ok(Trial { overwrite, delete })
    }
}

impl S3 {
    async fn try_overwrite(
        &self,
        host: &dyn Host,
        canary: &Item,
        name: &str,
        bytes: &[u8],
        version: Option<&str>,
    ) -> Result<Tried, Error> {
        let (key, other) = (self.key(name), b"overwritten\n");
        if (200..300).contains(&self.write(host, &key, other, canary.at, true).await?.status) {
            let why = "the service takes no notice of the condition that nothing is there".to_owned();
            return Ok(Tried::Happened(why));
        }
        let answer = self.write(host, &key, other, canary.at, false).await?;
        let place = self.shown(name);
        Ok(match (answer.status, version, header_of(&answer, "x-amz-version-id")) {
            (200..=299, Some(first), Some(second)) if first != second => {
                let asked = Asked { body: None, version: Some(first), headers: Vec::new() };
                let found = self.signed(host, "GET", &key, asked).await?;
                match found.status {
                    200 if found.body == bytes => {
                        Tried::Refused(format!("it became another version of `{place}`, and the first is as it was"))
                    }
                    // Who may not read still sees that the second is not the first.
                    401 | 403 => Tried::Refused(format!("it became another version of `{place}`")),
                    200 | 404 => Tried::Happened(format!("the first version of `{place}` is not as it was")),
                    _ => Tried::Undecided(format!("the first version of `{place}` cannot be read: {}", said(&found))),
                }
            }
            (200..=299, ..) => Tried::Happened(format!("`{place}` was overwritten")),
            _ => refused(&answer),
        })
    }

    async fn try_delete(&self, host: &dyn Host, name: &str, version: Option<&str>) -> Result<Tried, Error> {
        let (key, place) = (self.key(name), self.shown(name));
        // Who may lift a retention would: without the first header the answer says nothing about governance. A bucket
        // without object lock does not take it.
        let lift = ("x-amz-bypass-governance-retention", "true".to_owned());
        let mut last = Tried::Undecided("nothing was asked".to_owned());
        for headers in [vec![lift], Vec::new()] {
            let answer = self.signed(host, "DELETE", &key, Asked { body: None, version, headers }).await?;
            if (200..300).contains(&answer.status) {
                return Ok(Tried::Happened(format!("`{place}` was removed")));
            }
            last = refused(&answer);
        }
        Ok(last)
    }
}

/// A refusal that is one: that something is forbidden, not allowed, or against the condition.
fn refused(answer: &Answer) -> Tried {
    match answer.status {
        403 | 405 | 412 => Tried::Refused(said(answer)),
        _ => Tried::Undecided(said(answer)),
    }
}
