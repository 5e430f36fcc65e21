//! What this process knows of secrets: the values it has read, to mask them; the key of fingerprints; and what was read
//! and is not written down yet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Secret;
use super::fingerprint::{Fingerprint, FingerprintKey};
use super::masker::Masker;

/// What this process knows of secrets. It is asked from many places and tells none of them a value.
#[derive(Default)]
pub struct Custody {
    key: Option<FingerprintKey>,
    known: Mutex<Known>,
    reads: Mutex<Vec<SecretUse>>,
    // What a plan found, by where it is; dropped with the run's first effect.
    planned: Mutex<BTreeMap<String, Fingerprint>>,
}

#[derive(Default)]
struct Known {
    secrets: Vec<Secret>,
    // Made anew when it is next needed after a value was learned.
    masker: Option<Arc<Masker>>,
}

/// A secret that was read for a use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// Its name, or store and key where it has none.
    pub name: String,
    /// The store, by its name in the workspace.
    pub store: String,
    /// The key in the store.
    pub key: String,
    /// Its keyed fingerprint; none while there is no key for them.
    pub fingerprint: Option<Fingerprint>,
    /// Who asked: the path of a step, a check, a guard, or `plan`.
    pub by: String,
}

impl std::fmt::Debug for Custody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Custody").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Custody {
    /// A custody that knows nothing yet; without a key it takes no fingerprints.
    #[must_use]
    pub fn new(key: Option<FingerprintKey>) -> Self {
        Self { key, ..Self::default() }
    }

    /// Masks a value from now on, wherever it turns up.
    pub fn learn(&self, secret: &Secret) {
        let mut known = lock(&self.known);
        if secret.fit().is_ok() && !known.secrets.contains(secret) {
            known.secrets.push(secret.clone());
            known.masker = None;
        }
    }

    /// The masker of all that is known.
    #[must_use]
    pub fn masker(&self) -> Arc<Masker> {
        let mut known = lock(&self.known);
        if let Some(masker) = &known.masker {
            return Arc::clone(masker);
        }
        let masker = Arc::new(Masker::new(&known.secrets));
        known.masker = Some(Arc::clone(&masker));
        masker
    }

    /// The fingerprint of a value; none while there is no key for them.
    #[must_use]
    pub fn fingerprint(&self, secret: &Secret) -> Option<Fingerprint> {
        self.key.as_ref().map(|key| key.of(secret))
    }

    /// Whether fingerprints can be taken.
    #[must_use]
    pub fn takes_fingerprints(&self) -> bool {
        self.key.is_some()
    }

    /// Notes that a secret was read, until somebody writes it down.
    pub fn note(&self, used: SecretUse) {
        lock(&self.reads).push(used);
    }

    /// What was read since this was asked last.
    #[must_use]
    pub fn take_reads(&self) -> Vec<SecretUse> {
        std::mem::take(&mut *lock(&self.reads))
    }

    /// Keeps what a plan found at a place.
    pub fn plan(&self, place: &str, fingerprint: Fingerprint) {
        lock(&self.planned).insert(place.to_owned(), fingerprint);
    }

    /// What the plan found at a place, as long as nothing was done.
    #[must_use]
    pub fn planned(&self, place: &str) -> Option<Fingerprint> {
        lock(&self.planned).get(place).cloned()
    }

    /// From here on the world is another than the one that was planned over.
    pub fn forget_plan(&self) {
        lock(&self.planned).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept here is replaced whole, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
