//! What `runwarden.yaml` says of an anchor store `s3`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::credential::Credential;
use super::super::origin;
use crate::target::Trust;
use crate::time::Duration;

/// Settings of the anchor store `s3`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The bucket.
    pub bucket: String,
    /// What the keys begin with, without a slash at either end.
    #[serde(default = "anchors")]
    pub prefix: String,
    /// The region.
    #[serde(default = "us_east_1")]
    pub region: String,
    /// The address of the service, where it is not Amazon's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Where the access key's id is.
    pub access_key_id: Credential,
    /// Where the secret access key is.
    pub secret_access_key: Credential,
    /// Where the session token is, for credentials that have one.
    #[serde(default)]
    pub session_token: Option<Credential>,
    /// How long objects cannot be removed, where the bucket has object lock.
    #[serde(default)]
    pub object_lock: Option<Lock>,
    /// How long one exchange may take.
    #[serde(default = "thirty_seconds")]
    pub timeout: Duration,
    /// What the store is worth at most.
    #[serde(default)]
    pub trust: Option<Trust>,
}

/// A retention that an object gets when it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Who may lift it.
    pub mode: LockMode,
    /// For how long.
    pub keep: Duration,
}

/// Who may lift a retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockMode {
    /// Whoever has the right to.
    Governance,
    /// Nobody.
    Compliance,
}

fn anchors() -> String {
    "anchors".to_owned()
}

fn us_east_1() -> String {
    "us-east-1".to_owned()
}

fn thirty_seconds() -> Duration {
    Duration::from_seconds(30)
}

impl Settings {
    /// What this store really is.
    pub(in crate::target::anchor_store) fn identity(&self) -> Result<String, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.bucket.len() < 3 || !self.bucket.chars().all(fits) {
            return Err(format!("`bucket`: `{}` is no name of a bucket", self.bucket));
        }
        let is_segment = |segment: &str| !segment.is_empty() && segment.chars().all(fits) && !segment.starts_with('.');
        if !self.prefix.split('/').all(is_segment) {
            return Err("`prefix` is no path of letters, digits, `_`, `-` and `.`".to_owned());
        }
        let service = match &self.endpoint {
            Some(endpoint) => {
                origin(endpoint).ok_or_else(|| format!("`endpoint`: `{endpoint}` is not an http or https address"))?
            }
            None => format!("https://s3.{}.amazonaws.com", self.region),
        };
        Ok(format!("s3:{service}/{}/{}", self.bucket, self.prefix))
    }

    /// The address of the bucket, without a slash at its end.
    pub(super) fn address(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("{}/{}", endpoint.trim_end_matches('/'), self.bucket),
            None if self.bucket.contains('.') => {
                format!("https://s3.{}.amazonaws.com/{}", self.region, self.bucket)
            }
            None => format!("https://{}.s3.{}.amazonaws.com", self.bucket, self.region),
        }
    }
}

impl LockMode {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }
}
