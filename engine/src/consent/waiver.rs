//! Waivers: whether one is genuine, good now, and lifts the guard that it names.
//!
//! Whether its scope is where a guard is asked, and how often it was used, are told by whoever asks.

use super::document::{self, Document as _, Waiver};
use super::standing::listed;
use super::{Error, Rules, same};
use crate::event::people::Signed;
use crate::id::{Digest, Id};
use crate::sign::actor_key::ActorPublic;
use crate::sign::sshsig::Namespace;
use crate::time::Duration;

/// What a guard says about waivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The digest of the guard as it is written.
    pub digest: Digest,
    /// Roles of which the approver has one; none where no waiver can lift it.
    pub by: Vec<Id>,
    /// The longest a waiver may last.
    pub max_for: Option<Duration>,
    /// The most uses of one waiver.
    pub max_uses: Option<u32>,
}

/// Reads a waiver.
///
/// # Errors
/// When it is none.
pub fn read(signed: &Signed) -> Result<Waiver, Error> {
    let waiver: Waiver = document::read(&signed.document)?;
    let malformed = |why: &str| Err(Error::Malformed { what: named(&waiver), why: why.to_owned() });
    if waiver.max_uses == 0 {
        return malformed("`max_uses` is 0");
    }
    if waiver.not_after <= waiver.not_before {
        return malformed("it is good for no time at all");
    }
    Ok(waiver)
}

/// Whether a waiver is genuine, good now, and keeps to what its guard allows. Gives the key that signed it.
///
/// # Errors
/// When it is not, and why.
pub fn judge(
    rules: &Rules<'_>,
    waiver: &Waiver,
    signed: &Signed,
    terms: &Terms,
    initiators: &[String],
) -> Result<Option<ActorPublic>, Error> {
    let what = named(waiver);
    rules.here(&what, &waiver.ledger, waiver.environment)?;
    let guard = |why: String| Error::Guard { what: what.clone(), guard: waiver.guard.clone(), why };
    if terms.by.is_empty() {
        return Err(guard("no waiver can lift it".to_owned()));
    }
    if waiver.guard_digest != terms.digest {
        return Err(guard("it is not the guard that the waiver was given for; it was changed since".to_owned()));
    }
    let proven = rules.proven(&what, Namespace::Waiver, &waiver.approver, signed)?;
    let not_allowed = |why: String| Error::NotAllowed { what: what.clone(), name: waiver.approver.to_string(), why };
    if !proven.actor.roles.iter().any(|role| terms.by.contains(role)) {
        return Err(not_allowed(format!("is none of {}, who may lift `{}`", listed(&terms.by), waiver.guard)));
    }
    if rules.is_among(&waiver.approver, initiators) {
        return Err(not_allowed("planned or runs this, and cannot lift a guard of it".to_owned()));
    }
    let wrong = |why: String| Error::Time { what: what.clone(), why };
    if rules.now < waiver.not_before {
        return Err(wrong(format!("is not good before {}", waiver.not_before)));
    }
    if rules.now >= waiver.not_after {
        return Err(wrong(format!("expired at {}", waiver.not_after)));
    }
    let lasts = waiver.not_after.since(waiver.not_before);
    if let Some(most) = terms.max_for.filter(|most| lasts > *most) {
        return Err(guard(format!("it lasts {lasts}, and the guard allows {most}")));
    }
    if let Some(most) = terms.max_uses.filter(|most| waiver.max_uses > *most) {
        return Err(guard(format!("it has {} uses, and the guard allows {most}", waiver.max_uses)));
    }
    Ok(proven.key)
}

/// Whether a waiver for one run is for this one.
///
/// # Errors
/// When it is for another.
pub fn of_run(waiver: &Waiver, run: &str) -> Result<(), Error> {
    match &waiver.scope.run {
        Some(of) => same(&named(waiver), "run", of.as_str(), run),
        None => Ok(()),
    }
}

/// What a waiver is called in messages.
#[must_use]
pub fn named(waiver: &Waiver) -> String {
    format!("{} `{}`", Waiver::WORD, waiver.id)
}
