//! Inputs that may be secrets, and the one way to their values.
//!
//! A rendered input has a secret's name; the value is read from its store at the moment of use, by the action that needs
//! it. From then on it is masked in all that actions say.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kept::KeptOutput;
use super::{Error, Facts, Preview, Reconciled};
use crate::host::Probe;
use crate::id::Id;
use crate::secret::custody::{Custody, SecretUse};
use crate::secret::fingerprint::Fingerprint;
use crate::secret::masker::Masker;
use crate::secret::{MASK, Secret};
use crate::target::Target;
use crate::target::secret_store::{self, Found, SecretPlace};
use crate::template::data::SECRET;

/// The code of a secret that is not in its store: in a plan it makes what depends on it undecided.
pub const MISSING_SECRET: &str = "missing_secret";
/// The code of a secret that cannot be kept secret.
pub const SECRET_TOO_SHORT: &str = "secret_too_short";

/// Text, or the name of a secret whose value is text.
#[derive(Clone, PartialEq, Eq)]
pub enum Sealed {
    /// As it is written.
    Plain(String),
    /// The secret that the procedure calls by this name.
    Secret(Id),
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(text) => write!(f, "{text:?}"),
            Self::Secret(name) => write!(f, "{MASK}({name})"),
        }
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Sealed;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("text or a secret")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Sealed, E> {
        Ok(Sealed::Plain(text.to_owned()))
    }

    /// What rendering writes for `{{ secrets.NAME }}`, and for nothing else: neither a document nor a value from outside
    /// can have that key.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sealed, A::Error> {
        match map.next_entry::<String, Id>()? {
            Some((key, name)) if key == SECRET && map.next_key::<String>()?.is_none() => Ok(Sealed::Secret(name)),
            _ => Err(de::Error::custom("text or a secret is needed")),
        }
    }
}

impl JsonSchema for Sealed {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sealed".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "x-runwarden-secret": true })
    }
}

/// A secret, and nothing that is written in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretName(pub Id);

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Sealed::deserialize(deserializer)? {
            Sealed::Secret(name) => Ok(Self(name)),
            Sealed::Plain(_) => Err(de::Error::custom("a secret is needed, as `'{{ secrets.NAME }}'`")),
        }
    }
}

impl JsonSchema for SecretName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Sealed::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Sealed::json_schema(generator)
    }
}

/// The secrets that an act may ask for.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Where they are, by the name the procedure gives them.
    pub bound: BTreeMap<Id, SecretPlace>,
    /// What this process knows of secrets.
    pub custody: Arc<Custody>,
    /// Who asks for them: the path of a step, a check, a guard.
    pub by: String,
    /// The outputs that are secret, of an effect that has some.
    pub kept: Vec<KeptOutput>,
}

impl Secrets {
    /// Bytes without the secrets in them; of a stream that was `cut` off, no secret's begin either.
    #[must_use]
    pub fn clean_bytes(&self, bytes: &[u8], cut: bool) -> Vec<u8> {
        let masker = self.custody.masker();
        let masked = if cut { masker.cut_bytes(bytes) } else { masker.bytes(bytes) };
        masked.unwrap_or_else(|| bytes.to_vec())
    }

    /// Bytes for an output. Where a part of the output is secret it is taken out of them as they are, before they are
    /// cleaned with the rest.
    #[must_use]
    pub fn given_bytes(&self, bytes: &[u8], cut: bool) -> Vec<u8> {
        if self.kept.is_empty() || cut { self.clean_bytes(bytes, cut) } else { bytes.to_vec() }
    }

    /// Reads a value from a store, masks it from now on, and notes that it was read.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn fetch(
        &self,
        name: Option<&Id>,
        store: &Target,
        key: &str,
        probe: &dyn Probe,
    ) -> Result<Option<Found>, Error> {
        let found = secret_store::open(store)?.get(probe, key).await?;
        if let Some(found) = &found {
            self.custody.learn(&found.value);
            self.custody.note(SecretUse {
                name: name.map_or_else(|| format!("{}/{key}", store.name), ToString::to_string),
                store: store.name.clone(),
                key: key.to_owned(),
                fingerprint: self.custody.fingerprint(&found.value),
                by: self.by.clone(),
            });
        }
        Ok(found)
    }

    /// The value of a secret: read now, long enough, and the one that was planned with.
    ///
    /// # Errors
    /// When it is not bound, not in its store, too short, or another than when the plan was made and nothing done since.
    pub async fn reveal(&self, name: &Id, probe: &dyn Probe) -> Result<Secret, Error> {
        let place = self.bound.get(name).ok_or_else(|| {
            Error::new("unbound_secret", format!("secret `{name}` is not one that this act was given"))
        })?;
        let found = self.fetch(Some(&place.name), &place.store, &place.key, probe).await?;
        let (store, key) = (&place.store.name, &place.key);
        let value = found.map(|found| found.value).ok_or_else(|| {
            Error::new(MISSING_SECRET, format!("secret `{name}` is not there: store `{store}` has no key `{key}`"))
        })?;
        value.fit().map_err(|short| {
            Error::new(SECRET_TOO_SHORT, format!("secret `{name}` (`{key}` of store `{store}`): {short}"))
        })?;
        match (self.custody.planned(&place.identity()), self.custody.fingerprint(&value)) {
            (Some(planned), Some(found)) if planned != found => {
                let message = format!("secret `{name}` is not the one that the plan was made with; plan again");
                Err(Error::new("not_as_planned", message))
            }
            _ => Ok(value),
        }
    }

    /// The value of an input as text.
    ///
    /// # Errors
    /// As [`Self::reveal`], or when the secret is no text.
    pub async fn open(&self, sealed: &Sealed, probe: &dyn Probe) -> Result<String, Error> {
        match sealed {
            Sealed::Plain(text) => Ok(text.clone()),
            Sealed::Secret(name) => {
                let value = self.reveal(name, probe).await?;
                let text = value.expose_text().map(str::to_owned);
                text.ok_or_else(|| Error::new("not_text", format!("secret `{name}` is no text")))
            }
        }
    }
}

impl Facts {
    /// The value of an input as bytes.
    ///
    /// # Errors
    /// As [`Secrets::reveal`].
    pub async fn bytes(&self, sealed: &Sealed, probe: &dyn Probe) -> Result<Vec<u8>, Error> {
        match sealed {
            Sealed::Plain(text) => Ok(text.clone().into_bytes()),
            Sealed::Secret(name) => Ok(self.secrets.reveal(name, probe).await?.expose().to_vec()),
        }
    }
}

/// What an action says, without the secrets in it.
pub(super) trait Clean {
    fn clean(&mut self, masker: &Masker);
}

impl Clean for Value {
    fn clean(&mut self, masker: &Masker) {
        masker.clean_json(self);
    }
}

impl Clean for Error {
    fn clean(&mut self, masker: &Masker) {
        masker.clean(&mut self.message);
    }
}

impl Clean for Preview {
    fn clean(&mut self, masker: &Masker) {
        self.before.iter_mut().chain(&mut self.after).for_each(|value| masker.clean_json(value));
    }
}

impl Clean for Reconciled<Value> {
    fn clean(&mut self, masker: &Masker) {
        if let Self::Happened(output) = self {
            masker.clean_json(output);
        }
    }
}

impl Clean for () {
    fn clean(&mut self, _: &Masker) {}
}

impl<T: Clean, E: Clean> Clean for Result<T, E> {
    fn clean(&mut self, masker: &Masker) {
        match self {
            Ok(said) => said.clean(masker),
            Err(said) => said.clean(masker),
        }
    }
}

impl Facts {
    /// Takes out of what an action said every secret that was read so far.
    pub(super) fn cleaned<T: Clean>(&self, mut said: T) -> T {
        let masker = self.secrets.custody.masker();
        if !masker.is_empty() {
            said.clean(&masker);
        }
        said
    }
}

/// The fingerprint of a value, for outputs.
///
/// # Errors
/// Where no key for fingerprints was made yet: in a plan before the first run.
pub(super) fn fingerprint(secrets: &Secrets, value: &Secret) -> Result<Fingerprint, Error> {
    secrets.custody.fingerprint(value).ok_or_else(|| {
        Error::new(super::NOT_PROBED, "there is no key for fingerprints yet; the first run here makes it")
    })
}

/// Where a key is: for inputs that name several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPlace {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    pub target: Id,
    /// The key in it.
    pub key: String,
}
