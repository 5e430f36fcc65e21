//! `keys.verify`: the public half of a private key, and whether a signature is that key's.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::corvusforge::public_key;
use crate::action::sealed::KeyPlace;
use crate::action::secrets::value;
use crate::action::{Error, Looking, Read};
use crate::id::Digest;
use crate::sign::{self, service_key::ServiceKey};

/// Verifies a key or a signature.
pub struct Verify;

/// What `keys.verify` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Where a private key is.
    #[serde(default)]
    private: Option<KeyPlace>,
    /// A public key, 64 hex digits.
    #[serde(default)]
    public: Option<String>,
    /// A file that was signed; with `signature`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// A signature, 128 hex digits; with `path`.
    #[serde(default)]
    signature: Option<String>,
}

/// What `keys.verify` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether all that was given belongs together; a key that is not there does not.
    valid: bool,
    /// The public key, 64 hex digits; none where a private key was asked for and is not there.
    public: Option<String>,
    /// How Corvusforge's ledger names that key: the first 16 digits of SHA-256 over its hex digits.
    fingerprint: Option<String>,
    /// What does not belong together, in words.
    problems: Vec<String>,
    /// The digest of what was read.
    subject: Digest,
}

const AT_MOST: u64 = 64 * 1024 * 1024;

#[async_trait]
impl Read for Verify {
    const NAME: &'static str = "keys.verify";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let given = params.public.as_deref().map(public_key).transpose()?;
        let mut problems = Vec::new();
        let mut found = None;
        if let Some(place) = &params.private {
            match value(looking.facts, looking.probe, &place.target, &place.key).await? {
                None => problems.push(format!("store `{}` has no key `{}`", place.target, place.key)),
                Some(secret) => match ServiceKey::read(secret.expose()) {
                    Ok(key) => found = Some(key.public()),
                    Err(error) => problems.push(format!("`{}` of store `{}` is {error}", place.key, place.target)),
                },
            }
        }
        if let (Some(given), Some(found)) = (given, found)
            && given != found
        {
            problems.push(format!("the private key is that of {}, not of {}", hex::encode(found), hex::encode(given)));
        }
        let key = found.or(given.filter(|_| params.private.is_none()));
        if params.private.is_none() && given.is_none() {
            return Err(Error::new("bad_input", "give `private`, `public`, or both"));
        }
        let mut subject = format!("{key:?} {problems:?}");
        match (&params.path, &params.signature) {
            (None, None) => {}
            (Some(path), Some(signature)) => {
                let bytes = looking.probe.read(path, AT_MOST)?;
                subject += &format!("{} {signature}", Digest::of(&bytes));
                let mut decoded = [0; 64];
                let is_signed = hex::decode_to_slice(signature.trim(), &mut decoded).is_ok()
                    && key.is_some_and(|key| sign::verify(&key, &bytes, &decoded));
                if !is_signed {
                    problems.push(format!("the key did not sign `{}` as it is", path.display()));
                }
            }
            _ => return Err(Error::new("bad_input", "give both `path` and `signature`, or neither")),
        }
        let public = key.map(hex::encode);
        Ok(Output {
            valid: problems.is_empty(),
            fingerprint: public.as_ref().map(|public| Digest::of(public.as_bytes()).hex()[..16].to_owned()),
            public,
            problems,
            subject: Digest::of(subject.as_bytes()),
        })
    }
}
