//! Outputs that are secret: taken out of what an effect gave, put into their stores, and recorded by fingerprint alone.
//!
//! This is done before anybody is told of the output, so that its value is in the store before it could be lost, and
//! masked before it could be shown.

use std::collections::BTreeMap;

use serde_json::Value;

use super::sealed::SECRET_TOO_SHORT;
use super::{Error, Facts, Looking, Reconciled, file, secrets};
use crate::host::Host;
use crate::id::{Digest, Id};
use crate::secret::{MASK, Secret};
use crate::target::secret_store;
use crate::target::secret_store::SecretPlace;

/// The code of a secret output that is not there or is no text.
pub const NO_SECRET_OUTPUT: &str = "no_secret_output";
/// The member of an output that is a digest of what was read: one of a secret alone could be guessed from.
const SUBJECT: &str = "subject";

/// The member that says that an output is not whole.
const CUT: &str = "cut";

/// An output that is secret, and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptOutput {
    /// What it is called from then on.
    pub name: Id,
    /// Where it stands in the output, like `["json", "access_token"]`.
    pub from: Vec<String>,
    /// What the procedure calls the store.
    pub target: Id,
    /// Where it is put.
    pub place: SecretPlace,
}

impl KeptOutput {
    /// Takes the value out; what stands in its place says nothing about it.
    fn take(&self, output: &mut Value) -> Result<Secret, Error> {
        let from = self.from.join(".");
        let wrong = |what: &str| {
            let message = format!("the output has no secret `{}`: `{from}` {what}", self.name);
            Error::new(NO_SECRET_OUTPUT, message)
        };
        if output.get(CUT) == Some(&Value::Bool(true)) {
            return Err(wrong("was cut off"));
        }
        let found = self.from.iter().try_fold(output, |value, name| value.get_mut(name));
        let found = found.filter(|found| !found.is_null()).ok_or_else(|| wrong("is not there"))?;
        let Value::String(text) = std::mem::replace(found, Value::from(MASK)) else {
            return Err(wrong("is no text"));
        };
        // The line break after what a program prints is not part of it.
        let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        let length = line.len();
        let mut bytes = text.into_bytes();
        bytes.truncate(length);
        let value = Secret::new(bytes);
        value.fit().map_err(|short| {
            Error::new(SECRET_TOO_SHORT, format!("`{from}` cannot be the secret `{}`: {short}", self.name))
        })?;
        Ok(value)
    }

    fn show(&self, output: &mut Value, shown: String) {
        if let Some(found) = self.from.iter().try_fold(output, |value, name| value.get_mut(name)) {
            *found = Value::String(shown);
        }
    }
}

impl Facts {
    /// Secret outputs are put where an action may put them.
    ///
    /// # Errors
    /// When a store is what no action may change.
    pub(super) fn may_keep(&self, looking: &Looking<'_>) -> Result<(), Error> {
        for kept in &self.secrets.kept {
            for path in secrets::written_by(&kept.place.store, [kept.place.key.as_str()]) {
                file::refuse_protected(looking.probe, &path)?;
            }
        }
        Ok(())
    }

    /// Whether the stores of secret outputs answer, so that nothing is done whose secret would be lost.
    ///
    /// # Errors
    /// What a store reports.
    pub(super) async fn can_keep(&self, looking: &Looking<'_>) -> Result<(), Error> {
        self.may_keep(looking)?;
        for kept in &self.secrets.kept {
            let SecretPlace { name, store, key } = &kept.place;
            if secret_store::open(store)?.is_readable() {
                self.secrets.fetch(Some(name), store, key, looking.probe).await?;
            }
        }
        Ok(())
    }

    /// Puts the secrets of an output into their stores; with no host, as in tests of procedures, only takes them out.
    ///
    /// # Errors
    /// When one is not there or cannot be put. The effect has happened then.
    pub(super) async fn keep(&self, output: Value, host: Option<&dyn Host>) -> Result<Value, Error> {
        let not_kept = |error: Error| {
            let message = format!("it was done, but its secret output was not kept: {}", error.message);
            Error { message, transient: false, ..error }.uncertain()
        };
        let (output, taken) = self.take_kept(output).map_err(not_kept)?;
        let Some(host) = host else { return Ok(output) };
        let mut stores: BTreeMap<&str, (&SecretPlace, BTreeMap<String, Secret>)> = BTreeMap::new();
        for (kept, value) in self.secrets.kept.iter().zip(taken) {
            let (_, values) =
                stores.entry(&kept.place.store.identity).or_insert_with(|| (&kept.place, BTreeMap::new()));
            values.insert(kept.place.key.clone(), value);
        }
        for (place, values) in stores.into_values() {
            let put = async { secret_store::open(&place.store)?.put(host, &values).await };
            put.await.map_err(|error| not_kept(error.into()))?;
        }
        Ok(output)
    }

    /// What a probe found of a lost outcome: an effect whose secret is in no store, or not known to be, is not taken for
    /// one that happened.
    pub(super) async fn kept_already(
        &self,
        found: Reconciled<Value>,
        looking: Option<&Looking<'_>>,
    ) -> Reconciled<Value> {
        let Reconciled::Happened(output) = found else { return found };
        let Ok((output, taken)) = self.take_kept(output) else { return Reconciled::CannotTell };
        let Some(looking) = looking else { return Reconciled::Happened(output) };
        for (kept, value) in self.secrets.kept.iter().zip(taken) {
            let SecretPlace { name, store, key } = &kept.place;
            match self.secrets.fetch(Some(name), store, key, looking.probe).await {
                Ok(Some(there)) if there.value == value => {}
                _ => return Reconciled::CannotTell,
            }
        }
        Reconciled::Happened(output)
    }

    /// The output without its secrets, which are masked from now on, and the secrets.
    fn take_kept(&self, mut output: Value) -> Result<(Value, Vec<Secret>), Error> {
        let kept = &self.secrets.kept;
        let taken: Vec<Secret> = kept.iter().map(|kept| kept.take(&mut output)).collect::<Result<_, _>>()?;
        let custody = &self.secrets.custody;
        taken.iter().for_each(|value| custody.learn(value));
        for (kept, value) in kept.iter().zip(&taken) {
            kept.show(&mut output, custody.fingerprint(value).map_or_else(|| MASK.to_owned(), |tag| tag.to_string()));
        }
        if !kept.is_empty() {
            custody.masker().clean_json(&mut output);
            if output.get(SUBJECT).is_some_and(Value::is_string) {
                output[SUBJECT] = Value::Null;
                output[SUBJECT] = Value::from(Digest::of(output.to_string().as_bytes()).as_str());
            }
        }
        Ok((output, taken))
    }
}

#[cfg(test)]
mod tests;
