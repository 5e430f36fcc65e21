//! What a run was given and held: targets, secrets by their fingerprints, named locks.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use crate::event::fact::Event;
use crate::id::Id;
use crate::ledger::told::Told;
use crate::plan::View;
use crate::secret::fingerprint::Fingerprint;
use crate::time::Timestamp;

/// A target of the procedure, and what it stood for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bound {
    /// The name that the procedure gives it.
    pub name: Id,
    /// Its name in the workspace.
    pub to: String,
    /// What sort of thing.
    pub kind: Option<String>,
    /// The driver that knows it.
    pub driver: Option<String>,
    /// What it is, whatever it is called: a path, an origin, an address.
    pub identity: Option<String>,
}

/// A secret that was read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SecretUse {
    /// Its name in the workspace, or store and key where it has none.
    pub name: String,
    /// The store, by its name in the workspace.
    pub store: String,
    /// The key in the store.
    pub key: String,
    /// `hmac:<key id>:<tag>`: equal for equal values.
    pub fingerprint: Option<Fingerprint>,
    /// Who asked, each once: the path of a step, a check, a guard, or `plan`.
    pub by: Vec<String>,
}

/// A named lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lock {
    /// Its name.
    pub lock: String,
    /// Its fencing number.
    pub fence: u64,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// When it was given back; none where it was not, or was taken away.
    pub released_at: Option<Timestamp>,
    /// That somebody took it away.
    pub broken: Option<Broken>,
}

/// That somebody took a lock away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Broken {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Option<String>,
    /// Why.
    pub reason: String,
}

/// The targets, by the plan.
pub(super) fn targets(view: Option<&View>) -> Vec<Bound> {
    let Some(view) = view else { return Vec::new() };
    let bound = |(name, to): (&Id, &String)| {
        let said = |what: &str| {
            let found = view.resolved.pointer(&format!("/targets/{name}/{what}"));
            found.and_then(Json::as_str).map(str::to_owned)
        };
        Bound {
            name: name.clone(),
            to: to.clone(),
            kind: said("kind"),
            driver: said("driver"),
            identity: said("identity"),
        }
    };
    view.targets.iter().map(bound).collect()
}

/// The secrets, each value once.
pub(super) fn secrets(view: Option<&View>, facts: &[Told]) -> Vec<SecretUse> {
    let mut found: Vec<SecretUse> = Vec::new();
    for told in facts {
        let Event::SecretRead(read) = &told.fact.event else { continue };
        let same = |known: &&mut SecretUse| {
            known.name == read.name
                && known.store == read.store
                && known.key == read.key
                && known.fingerprint == read.fingerprint
        };
        match found.iter_mut().find(same) {
            Some(known) if known.by.contains(&read.by) => {}
            Some(known) => known.by.push(read.by.clone()),
            None => found.push(SecretUse {
                name: read.name.clone(),
                store: read.store.clone(),
                key: read.key.clone(),
                fingerprint: read.fingerprint.clone(),
                by: vec![read.by.clone()],
            }),
        }
    }
    // One that was bound and never read is named all the same.
    for (name, bound) in view.iter().flat_map(|view| &view.secrets) {
        if !found.iter().any(|known| known.name == bound.as_str()) {
            let place = |what: &str| {
                let said = view.and_then(|view| view.resolved.pointer(&format!("/secrets/{name}/{what}")));
                said.and_then(Json::as_str).unwrap_or_default().to_owned()
            };
            found.push(SecretUse {
                name: bound.to_string(),
                store: place("store"),
                key: place("key"),
                fingerprint: None,
                by: Vec::new(),
            });
        }
    }
    found
}

/// The named locks, in the order in which they were taken.
pub(super) fn locks(facts: &[Told]) -> Vec<Lock> {
    let mut locks: Vec<Lock> = Vec::new();
    for told in facts {
        match &told.fact.event {
            Event::LockTaken(taken) => locks.push(Lock {
                lock: taken.lock.clone(),
                fence: taken.fence,
                taken_at: told.at,
                released_at: None,
                broken: None,
            }),
            Event::LockReleased(released) => {
                let held = locks.iter_mut().rev().find(|held| held.lock == released.lock);
                held.into_iter().for_each(|held| held.released_at = Some(told.at));
            }
            Event::LockBroken(broken) => {
                let held = locks.iter_mut().rev().find(|held| held.lock == broken.lock && held.fence == broken.fence);
                held.into_iter().for_each(|held| {
                    held.broken =
                        Some(Broken { at: told.at, by: told.fact.actor.clone(), reason: broken.reason.clone() });
                });
            }
            _ => {}
        }
    }
    locks
}
