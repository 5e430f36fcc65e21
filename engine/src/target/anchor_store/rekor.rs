//! The anchor store `rekor`: a transparency log of version 2, told the digest of an anchor under a key of our own.
//!
//! The log's answer counts only when it proves itself: the entry is what was sent, its inclusion proof leads to the root
//! of a checkpoint, and the checkpoint is signed by the log's key. The log keeps a digest: the anchor itself is kept by
//! whoever has the ledger, or in another store.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::place::Guarded;
use super::{AnchorStore, Error, Item, Kept, Object, Trial, Tried, absolute, at_most, origin};
use crate::host::{Answer, Get, Host, Probe, Send};
use crate::id::Digest;
use crate::ledger::signed;
use crate::merkle::note::VerifierKey;
use crate::merkle::proof::check_inclusion;
use crate::merkle::{Hash, leaf_hash};
use crate::sign::anchor_key::{self, AnchorKey};
use crate::target::Trust;
use crate::time::Duration;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// Where entries are added.
const ENTRIES: &str = "/api/v2/log/entries";

/// How ECDSA over P-256 and SHA-256 is called there.
const KEY_DETAILS: &str = "PKIX_ECDSA_P256_SHA_256";

/// Settings of the anchor store `rekor`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address of the log, without `/api`.
    pub url: String,
    /// The key that signs the log's checkpoints, as `name+keyid+base64`; Ed25519.
    pub log_key: String,
    /// The private key that signs what the log is told: ECDSA over P-256, PKCS#8 PEM, in a file of mode 0600.
    pub key: std::path::PathBuf,
    /// How long one exchange may take; a log answers when the entry is in a checkpoint.
    #[serde(default = "one_minute")]
    pub timeout: Duration,
    /// What the store is worth at most.
    #[serde(default)]
    pub trust: Option<Trust>,
}

fn one_minute() -> Duration {
    Duration::from_seconds(60)
}

impl Settings {
    /// What this store really is.
    pub(super) fn identity(&self) -> Result<String, String> {
        let origin = origin(&self.url).ok_or_else(|| format!("`{}` is not an http or https address", self.url))?;
        if self.url.contains(['?', '#']) {
            return Err("`url` has a query or fragment".to_owned());
        }
        let key = VerifierKey::parse(&self.log_key).map_err(|error| format!("`log_key`: {error}"))?;
        Ok(format!("rekor:{origin}/{}", key.name()))
    }
}

/// A transparency log.
pub(super) struct Rekor {
    name: String,
    settings: Settings,
    log_key: VerifierKey,
    key: AnchorKey,
}

/// What an entry of a log proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its number.
    pub index: u64,
    /// The size of the checkpoint that covers it.
    pub size: u64,
    /// The public key that signed what was told, in DER.
    pub public: Vec<u8>,
}

/// Judges an entry as a log gave it: that it is of this statement, in the log, and under the log's own signature.
///
/// # Errors
/// What does not fit, in words.
pub fn judge(entry: &Value, statement: &[u8], log_key: &VerifierKey) -> Result<Logged, String> {
    let body = base64_at(entry, "/canonicalizedBody")?;
    let told: Value = serde_json::from_slice(&body).map_err(|_| "its body is no JSON".to_owned())?;
    let is = |pointer: &str, expected: &str| match told.pointer(pointer).and_then(Value::as_str) {
        Some(found) if found == expected => Ok(()),
        _ => Err(format!("its body does not say `{expected}` at {pointer}")),
    };
    is("/kind", "hashedrekord")?;
    is("/apiVersion", "0.0.2")?;
    let spec = "/spec/hashedRekordV002";
    is(&format!("{spec}/data/algorithm"), "SHA2_256")?;
    is(&format!("{spec}/data/digest"), &STANDARD.encode(digest(statement)))?;
    is(&format!("{spec}/signature/verifier/keyDetails"), KEY_DETAILS)?;
    let signature = base64_at(&told, &format!("{spec}/signature/content"))?;
    let public = base64_at(&told, &format!("{spec}/signature/verifier/publicKey/rawBytes"))?;
    if !anchor_key::verify(&public, statement, &signature) {
        return Err("its signature is not over this statement".to_owned());
    }
    let (index, size) = (number(entry, "/inclusionProof/logIndex")?, number(entry, "/inclusionProof/treeSize")?);
    if number(entry, "/logIndex")? != index {
        return Err("it says two numbers for itself".to_owned());
    }
    let root = hash(&base64_at(entry, "/inclusionProof/rootHash")?)?;
    let hashes = entry.pointer("/inclusionProof/hashes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let hashes = hashes.iter().map(|hash_| {
        let bytes = hash_.as_str().and_then(|text| STANDARD.decode(text).ok());
        hash(&bytes.ok_or("a hash of its proof is not base64")?)
    });
    let hashes = hashes.collect::<Result<Vec<Hash>, String>>()?;
    check_inclusion(index, size, &leaf_hash(&body), &hashes, &root).map_err(|error| error.to_string())?;
    let note = text(entry, "/inclusionProof/checkpoint/envelope")?;
    let checkpoint = signed::judge(note.as_bytes(), std::slice::from_ref(log_key));
    let checkpoint = checkpoint.map_err(|error| format!("the log's checkpoint: {error}"))?;
    if checkpoint.size != size || checkpoint.root != root {
        return Err("its proof leads to another root than the log's checkpoint has".to_owned());
    }
    Ok(Logged { index, size, public })
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, String> {
    value.pointer(pointer).and_then(Value::as_str).ok_or_else(|| format!("nothing stands at {pointer}"))
}

fn base64_at(value: &Value, pointer: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text(value, pointer)?).map_err(|_| format!("what stands at {pointer} is not base64"))
}

/// A number as protobuf's JSON has it: of 64 bits, in quotes. A number that is 0 may be left out.
fn number(value: &Value, pointer: &str) -> Result<u64, String> {
    let wrong = || format!("no number stands at {pointer}");
    match value.pointer(pointer) {
        None => Ok(0),
        Some(Value::String(text)) => text.parse().map_err(|_| wrong()),
        Some(Value::Number(number)) => number.as_u64().ok_or_else(wrong),
        Some(_) => Err(wrong()),
    }
}

fn hash(bytes: &[u8]) -> Result<Hash, String> {
    bytes.try_into().map_err(|_| "a hash has not 32 bytes".to_owned())
}

fn digest(bytes: &[u8]) -> Vec<u8> {
    hex::decode(Digest::of(bytes).hex()).unwrap_or_default()
}

impl Rekor {
    pub fn open(name: String, settings: Settings, probe: &dyn Probe) -> Result<Self, Error> {
        let wrong = |why: String| Error::new("bad_target", format!("store `{name}`: {why}"));
        let log_key = VerifierKey::parse(&settings.log_key).map_err(|error| wrong(format!("`log_key`: {error}")))?;
        let key = AnchorKey::load(&absolute(probe, &settings.key));
        let key = key.map_err(|error| Error::new("no_credential", format!("store `{name}`: {error}")))?;
        Ok(Self { name, settings, log_key, key })
    }

    fn request(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Send {
        let headers = [("content-type", "application/json"), ("accept", "application/json")];
        let to = Get {
            url: format!("{}{path}", self.settings.url.trim_end_matches('/')),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            timeout: self.settings.timeout.as_std(),
            at_most: MAX_ANSWER,
            head_only: false,
        };
        Send { method: method.to_owned(), to, body }
    }

    /// What the log is asked to take.
    fn told(&self, statement: &[u8]) -> Value {
        json!({ "hashedRekordRequestV002": {
            "digest": STANDARD.encode(digest(statement)),
            "signature": {
                "content": STANDARD.encode(self.key.sign(statement)),
                "verifier": {
                    "publicKey": { "rawBytes": STANDARD.encode(self.key.public()) },
                    "keyDetails": KEY_DETAILS,
                },
            },
        }})
    }

    async fn tried(&self, host: &dyn Host, method: &str, index: u64) -> Result<Tried, Error> {
        let mut last = None;
        for path in [format!("{ENTRIES}/{index}"), ENTRIES.to_owned()] {
            let answer = host.send(self.request(method, &path, None)).await?;
            match answer.status {
                404 | 405 | 501 => last = Some(Tried::Refused(format!("{method} {path}: status {}", answer.status))),
                200..=299 => return Ok(Tried::Happened(format!("the log takes {method} {path}"))),
                status => return Ok(Tried::Undecided(format!("{method} {path}: status {status}"))),
            }
        }
        Ok(last.unwrap_or_else(|| Tried::Undecided("nothing was asked".to_owned())))
    }

    fn read(&self, answer: &Answer, statement: &[u8]) -> Result<(Value, Logged), Error> {
        let unproven = |why: String| {
            let message = format!("store `{}`: the log's answer does not prove itself: {why}", self.name);
            Error::new("unproven", message).uncertain_if(true)
        };
        let entry: Value = serde_json::from_slice(&answer.body).map_err(|_| unproven("it is no JSON".to_owned()))?;
        let logged = judge(&entry, statement, &self.log_key).map_err(unproven)?;
        if logged.public != self.key.public() {
            return Err(unproven("it is signed with another key than ours".to_owned()));
        }
        Ok((entry, logged))
    }
}

#[async_trait]
impl AnchorStore for Rekor {
    fn trust(&self, _: &dyn Probe, _: &Guarded) -> Result<Trust, Error> {
        Ok(at_most(Trust::High, self.settings.trust))
    }

    fn is_readable(&self) -> bool {
        false
    }

    fn place(&self, _: &dyn Probe, _: &Item) -> Option<String> {
        None
    }

    async fn objects(&self, _: &dyn Probe, _: Option<&str>) -> Result<Vec<Object>, Error> {
        let message = format!(
            "store `{}` is a log that keeps digests, so no anchor can be fetched from it; the receipt proves that it was told",
            self.name
        );
        Err(Error::new("not_readable", message))
    }

    async fn put(&self, host: &dyn Host, item: &Item) -> Result<Kept, Error> {
        let statement = item.statement();
        let body = self.told(statement).to_string().into_bytes();
        let answer = host.send(self.request("POST", ENTRIES, Some(body))).await?;
        if !(200..300).contains(&answer.status) {
            let message = format!("store `{}`: the log says status {}", self.name, answer.status);
            return Err(match answer.status {
                408 | 429 | 500..=599 => Error::new("rekor", message).transient_if(true).uncertain_if(true),
                _ => Error::new("refused", message),
            });
        }
        let (entry, logged) = self.read(&answer, statement)?;
        let details = json!({
            "log": self.log_key.name(), "index": logged.index, "size": logged.size, "entry": entry,
            "digest": Digest::of(statement).to_string(),
        });
        let place = format!("{}{ENTRIES}/{}", self.settings.url.trim_end_matches('/'), logged.index);
        let details = details.as_object().cloned().unwrap_or_default();
        Ok(Kept { place, details })
    }

    async fn trial(&self, host: &dyn Host, canary: &Item) -> Result<Trial, Error> {
        let kept = self.put(host, canary).await?;
        let index = kept.details.get("index").and_then(Value::as_u64).unwrap_or_default();
        Ok(Trial { overwrite: self.tried(host, "PUT", index).await?, delete: self.tried(host, "DELETE", index).await? })
    }
}

/// The entry in the details of a receipt.
#[must_use]
pub fn entry_of(details: &Map<String, Value>) -> Option<&Value> {
    details.get("entry")
}
