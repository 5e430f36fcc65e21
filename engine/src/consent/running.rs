//! Who runs a plan, signed for: good for five minutes, with a nonce, and recorded when the run begins or goes on.

use super::document::{self, Document as _, IsRun, RunDocument, VERSION};
use super::{CLOCK_SKEW, Error, Rules, same};
use crate::event::people::Signed;
use crate::id::{Digest, Id};
use crate::sign::sshsig::Namespace;
use crate::time::Duration;

/// How long such a document is good.
pub const GOOD_FOR: Duration = Duration::from_seconds(5 * 60);

/// The document that the actor of a run signs.
#[must_use]
pub fn make(rules: &Rules<'_>, plan: &Digest, actor: &Id, nonce: &[u8; 16]) -> RunDocument {
    RunDocument {
        v: VERSION,
        kind: IsRun::It,
        ledger: rules.ledger.to_owned(),
        environment: rules.environment,
        plan: plan.clone(),
        actor: actor.clone(),
        nonce: nonce.iter().map(|byte| format!("{byte:02x}")).collect(),
        at: rules.now,
    }
}

/// Whether a document says that this actor runs this plan now.
///
/// # Errors
/// When it does not, and why.
pub fn judge(rules: &Rules<'_>, plan: &Digest, actor: &str, signed: &Signed) -> Result<(), Error> {
    let what = RunDocument::WORD;
    let said: RunDocument = document::read(&signed.document)?;
    rules.here(what, &said.ledger, said.environment)?;
    same(what, "plan", said.plan.as_str(), plan.as_str())?;
    same(what, "actor", said.actor.as_str(), actor)?;
    rules.proven(what, Namespace::Run, &said.actor, signed)?;
    let wrong = |why: String| Err(Error::Time { what: what.to_owned(), why });
    if said.at.since(rules.now) > CLOCK_SKEW {
        return wrong(format!("is from the future: {}", said.at));
    }
    if rules.now.since(said.at) > GOOD_FOR {
        return wrong(format!("was good for {GOOD_FOR} from {}", said.at));
    }
    Ok(())
}
