//! Signed people: who acts here and with which key, and whether what they signed counts.
//!
//! Three documents are signed: who runs a plan, a consent or refusal, and a waiver of a guard. Nothing here looks at the
//! machine or the ledger: the time and what was spent before are given. What cannot be shown to count does not.

use indexmap::IndexMap;

use crate::event::people::Signed;
use crate::id::Id;
use crate::procedure::workspace::{Actor, Workspace};
use crate::procedure::{ActorClass, Environment};
use crate::sign::actor_key::ActorPublic;
use crate::sign::sshsig::{self, Namespace};
use crate::time::{Duration, Timestamp};

pub mod approval;
pub mod document;
pub mod running;
pub mod standing;
pub mod waiver;

#[cfg(test)]
mod tests;

/// How far the clocks of two machines may be apart.
pub const CLOCK_SKEW: Duration = Duration::from_seconds(5 * 60);

/// Why a signed document does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no such document.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// What it was taken for.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// It must be signed and is not.
    #[error("{what} is not signed, and must be here")]
    Unsigned {
        /// The document.
        what: String,
    },
    /// Nobody of that name is known.
    #[error("{what} is by `{name}`, and runwarden.yaml has no such actor")]
    UnknownActor {
        /// The document.
        what: String,
        /// Who.
        name: String,
    },
    /// The actor has no key that counts.
    #[error("{what} is by `{name}`, whose key {why}")]
    NoKey {
        /// The document.
        what: String,
        /// Who.
        name: String,
        /// `expired at …`, `was revoked at …`, or that there is none.
        why: String,
    },
    /// The signature does not hold.
    #[error("the signature of {what} does not hold: {source}")]
    Signature {
        /// The document.
        what: String,
        /// Why not.
        source: sshsig::Error,
    },
    /// It is about something else.
    #[error("{what} is for another {member}: {found}, and this is {expected}")]
    Other {
        /// The document.
        what: String,
        /// Which member.
        member: &'static str,
        /// What it names.
        found: String,
        /// What it should name.
        expected: String,
    },
    /// Its time has not come or is over.
    #[error("{what} {why}")]
    Time {
        /// The document.
        what: String,
        /// `expired at …`, `is not good before …`, …
        why: String,
    },
    /// Whoever gave it may not.
    #[error("{what} is by `{name}`, who {why}")]
    NotAllowed {
        /// The document.
        what: String,
        /// Who.
        name: String,
        /// `is not a …`, `runs this`, …
        why: String,
    },
    /// It was used before.
    #[error("{what} was spent before: {why}")]
    Spent {
        /// The document.
        what: String,
        /// Where and how often.
        why: String,
    },
    /// A waiver of a guard that it cannot lift.
    #[error("{what} does not lift guard `{guard}`: {why}")]
    Guard {
        /// The waiver.
        what: String,
        /// The guard.
        guard: String,
        /// Why not.
        why: String,
    },
    /// What was spent before cannot be told.
    #[error("whether {what} was spent before cannot be told: {why}")]
    History {
        /// The document.
        what: String,
        /// Why not.
        why: String,
    },
}

/// What signed documents are held to in a workspace.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Who may act, and with which keys.
    pub actors: &'a IndexMap<Id, Actor>,
    /// The ledger's origin.
    pub ledger: &'a str,
    /// Which world this is.
    pub environment: Environment,
    /// Whether what is not signed counts for nothing.
    pub must_sign: bool,
    /// What time it is.
    pub now: Timestamp,
}

/// Who a document is proven to be by.
#[derive(Debug, Clone)]
pub struct Proven<'a> {
    /// The actor.
    pub actor: &'a Actor,
    /// The key that signed; none where the document is not signed, and need not be.
    pub key: Option<ActorPublic>,
}

/// Whether what people give must be signed: always in production, elsewhere where the policy says so.
#[must_use]
pub fn must_sign(workspace: &Workspace, environment: Environment) -> bool {
    let required = workspace.policy.require.get(&environment);
    environment == Environment::Production || required.is_some_and(|required| required.signed_actor)
}

impl<'a> Rules<'a> {
    /// The rules of a workspace at a moment.
    #[must_use]
    pub fn of(workspace: &'a Workspace, environment: Environment, now: Timestamp) -> Self {
        Self {
            actors: &workspace.actors,
            ledger: &workspace.ledger.origin,
            environment,
            must_sign: must_sign(workspace, environment),
            now,
        }
    }

    /// The key of an actor, if it counts now.
    ///
    /// # Errors
    /// When there is none, or it has expired or was revoked.
    pub fn key(&self, what: &str, name: &Id) -> Result<ActorPublic, Error> {
        let actor = self.actor(what, name)?;
        let no_key = |why: String| Error::NoKey { what: what.to_owned(), name: name.to_string(), why };
        let line = actor.key.as_ref().ok_or_else(|| no_key("is not in runwarden.yaml".to_owned()))?;
        // What was signed before counts no longer either: whoever has the key now could have put that time there.
        if let Some(at) = actor.revoked_at.filter(|at| self.now >= *at) {
            return Err(no_key(format!("was revoked at {at}")));
        }
        if let Some(at) = actor.not_after.filter(|at| self.now >= *at) {
            return Err(no_key(format!("expired at {at}")));
        }
        ActorPublic::parse(line).map_err(|error| no_key(format!("cannot be read: {error}")))
    }

    /// An actor by name.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn actor(&self, what: &str, name: &Id) -> Result<&'a Actor, Error> {
        let unknown = || Error::UnknownActor { what: what.to_owned(), name: name.to_string() };
        self.actors.get(name).ok_or_else(unknown)
    }

    /// Whether a document is by whom it says, as far as that must be shown here.
    ///
    /// # Errors
    /// When it must be signed and is not, the signature does not hold, or the key does not count.
    pub fn proven(&self, what: &str, namespace: Namespace, name: &Id, signed: &Signed) -> Result<Proven<'a>, Error> {
        let actor = self.actor(what, name)?;
        let key = match &signed.signature {
            Some(armoured) => {
                let key = self.key(what, name)?;
                sshsig::verify(&key, namespace, signed.document.as_bytes(), armoured)
                    .map_err(|source| Error::Signature { what: what.to_owned(), source })?;
                Some(key)
            }
            None if self.must_sign => return Err(Error::Unsigned { what: what.to_owned() }),
            None => None,
        };
        Ok(Proven { actor, key })
    }

    /// Whether a document is for this ledger and environment.
    fn here(&self, what: &str, ledger: &str, environment: Environment) -> Result<(), Error> {
        same(what, "ledger", ledger, self.ledger)?;
        same(what, "environment", environment.as_str(), self.environment.as_str())
    }

    /// Whether somebody is one of these, by name or by key.
    fn is_among(&self, name: &Id, people: &[String]) -> bool {
        let key = |name: &str| self.actors.get(name)?.key.as_deref().and_then(|line| ActorPublic::parse(line).ok());
        let own = key(name.as_str());
        people.iter().any(|other| other == name.as_str() || (own.is_some() && key(other) == own))
    }
}

fn same(what: &str, member: &'static str, found: &str, expected: &str) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (found.to_owned(), expected.to_owned());
    Err(Error::Other { what: what.to_owned(), member, found, expected })
}

/// A class of actors as it is written.
#[must_use]
pub fn class_word(class: ActorClass) -> &'static str {
    match class {
        ActorClass::Operator => "operator",
        ActorClass::Automation => "automation",
        ActorClass::Auditor => "auditor",
    }
}
