//! Consents and refusals: whether one is to what is asked about, by somebody who may, and how many there are.

use super::document::{self, Approval, Document as _, Purpose};
use super::standing::listed;
use super::{CLOCK_SKEW, Error, Rules, same};
use crate::event::people::{ApprovalNoted, Signed, Sought, Wanted};
use crate::id::RunId;
use crate::sign::actor_key::ActorPublic;
use crate::sign::sshsig::Namespace;

/// A consent or refusal that is genuine and to what is asked about.
#[derive(Debug, Clone)]
pub struct Given {
    /// What it says.
    pub approval: Approval,
    /// The key that signed it.
    pub key: Option<ActorPublic>,
    /// To the byte.
    pub signed: Signed,
}

impl Given {
    /// As it is recorded.
    #[must_use]
    pub fn noted(&self) -> ApprovalNoted {
        let Approval { id, approver, role, reason, .. } = self.approval.clone();
        let key = self.key.as_ref().map(ActorPublic::fingerprint);
        ApprovalNoted { id, approver, role, key, reason, signed: self.signed.clone() }
    }
}

/// Whether an approval is genuine, good now, to what is sought, and by somebody who is asked for.
///
/// # Errors
/// When it is not, and why.
pub fn judge(rules: &Rules<'_>, sought: &Sought, run: &RunId, signed: &Signed) -> Result<Given, Error> {
    let approval: Approval = document::read(&signed.document)?;
    let what = named(&approval);
    rules.here(&what, &approval.ledger, approval.environment)?;
    same(&what, "plan", approval.plan.as_str(), sought.plan.as_str())?;
    if let Some(of) = &approval.run {
        same(&what, "run", of.as_str(), run.as_str())?;
    }
    let or_plan = |step: &Option<String>| step.clone().unwrap_or_else(|| "the plan as a whole".to_owned());
    same(&what, "step", &or_plan(&approval.step), &or_plan(&sought.step))?;
    if let (Some(inputs), Some(_)) = (&sought.inputs, &sought.step) {
        let found = approval.inputs.as_ref().map_or("none", |digest| digest.as_str());
        same(&what, "input of the step", found, inputs.as_str())?;
        if approval.run.is_none() {
            same(&what, "run", "none", run.as_str())?;
        }
    }
    let proven = rules.proven(&what, Namespace::Approval, &approval.approver, signed)?;
    in_time(rules, &what, &approval)?;
    let not_allowed = |why: String| Error::NotAllowed { what: what.clone(), name: approval.approver.to_string(), why };
    if !proven.actor.roles.contains(&approval.role) {
        return Err(not_allowed(format!("has not the role `{}`", approval.role)));
    }
    let given = Given { approval: approval.clone(), key: proven.key, signed: signed.clone() };
    // It counts where one of those who ask takes it; else the first says why not.
    let mut why_not = None;
    for wanted in &sought.wanted {
        match suits(rules, &given, wanted, &sought.initiators) {
            Ok(()) => return Ok(given),
            Err(error) => why_not = why_not.or(Some(error)),
        }
    }
    why_not.map_or(Ok(given), Err)
}

fn in_time(rules: &Rules<'_>, what: &str, approval: &Approval) -> Result<(), Error> {
    let wrong = |why: String| Err(Error::Time { what: what.to_owned(), why });
    if approval.at.since(rules.now) > CLOCK_SKEW {
        return wrong(format!("is from the future: {}", approval.at));
    }
    if approval.not_after <= approval.at {
        return wrong("is good for no time at all".to_owned());
    }
    if rules.now >= approval.not_after {
        return wrong(format!("expired at {}", approval.not_after));
    }
    Ok(())
}

/// Whether an approval is one that somebody asks for.
///
/// # Errors
/// When it is not, and why.
pub fn suits(rules: &Rules<'_>, given: &Given, wanted: &Wanted, initiators: &[String]) -> Result<(), Error> {
    let approval = &given.approval;
    let what = named(approval);
    if !wanted.from.contains(&approval.role) {
        let why = format!("gave it as `{}`, and `{}` asks for {}", approval.role, wanted.by, listed(&wanted.from));
        return Err(Error::NotAllowed { what, name: approval.approver.to_string(), why });
    }
    let refuses = approval.purpose == Purpose::Reject;
    if wanted.exclude_initiator && !refuses && rules.is_among(&approval.approver, initiators) {
        let why = "planned or runs this, and does not count".to_owned();
        return Err(Error::NotAllowed { what, name: approval.approver.to_string(), why });
    }
    if let Some(expires) = wanted.expires
        && approval.not_after.since(approval.at) > expires
    {
        let why =
            format!("is good for {}, and `{}` allows {expires}", approval.not_after.since(approval.at), wanted.by);
        return Err(Error::Time { what, why });
    }
    Ok(())
}

/// Those who count for what is asked: each person once and each key once.
#[must_use]
pub fn counted<'g>(rules: &Rules<'_>, given: &'g [Given], wanted: &Wanted, initiators: &[String]) -> Vec<&'g Given> {
    let mut counted: Vec<&Given> = Vec::new();
    for one in given {
        let suits = one.approval.purpose == Purpose::Approve && suits(rules, one, wanted, initiators).is_ok();
        let again = counted.iter().any(|other| {
            other.approval.approver == one.approval.approver
                || other.approval.id == one.approval.id
                || rules.is_among(&one.approval.approver, &[other.approval.approver.to_string()])
        });
        if suits && !again {
            counted.push(one);
        }
    }
    counted
}

/// Whether an approval is to this step, or to the plan where none is meant; what is none is about nothing.
#[must_use]
pub fn is_about(signed: &Signed, step: Option<&str>) -> bool {
    document::read::<Approval>(&signed.document).is_ok_and(|approval| approval.step.as_deref() == step)
}

/// What is still missing, for people; none where there is enough.
#[must_use]
pub fn missing(rules: &Rules<'_>, given: &[Given], sought: &Sought) -> Option<String> {
    let lacks = |wanted: &Wanted| {
        let there = counted(rules, given, wanted, &sought.initiators).len();
        let quorum = wanted.quorum.max(1) as usize;
        (there < quorum).then(|| {
            let noun = if quorum == 1 { "approval" } else { "approvals" };
            format!("`{}` asks for {quorum} {noun} by {}, and has {there}", wanted.by, listed(&wanted.from))
        })
    };
    let lacking: Vec<String> = sought.wanted.iter().filter_map(lacks).collect();
    (!lacking.is_empty()).then(|| lacking.join("; "))
}

/// What an approval is called in messages.
#[must_use]
pub fn named(approval: &Approval) -> String {
    format!("{} `{}`", Approval::WORD, approval.id)
}
