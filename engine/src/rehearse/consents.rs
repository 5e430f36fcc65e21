//! People of a case: each has a key made of their name, and what the case says they gave they sign with it, so that the
//! engine judges real documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::script::without_item;
use super::situation::{Situation, instant};
use crate::consent::document::{
    self, Approval, IsApproval, IsWaiver, Purpose as Given, Scope as WaiverScope, VERSION, Waiver,
};
use crate::consent::waiver::Terms;
use crate::event::people::{Signed, Sought};
use crate::execute::consents::Consents;
use crate::host::Probe;
use crate::id::{Digest, Id, Name, RunId};
use crate::parse::raw::test::{Purpose, Waiver as Told};
use crate::plan::waivers::terms_of;
use crate::procedure::workspace::{Actor, LedgerPlace};
use crate::procedure::{ActorClass, Procedure};
use crate::sign::actor_key::ActorKey;
use crate::sign::sshsig::Namespace;
use crate::template::scope::Scope;
use crate::time::{Duration, Timestamp};

/// How long a consent of a case is good where nobody bounds it.
const A_DAY: Duration = Duration::from_seconds(24 * 60 * 60);

type Procedures = BTreeMap<Name, Arc<Procedure>>;

fn key_of(name: &str) -> ActorKey {
    let digest = hash(name);
    ActorKey::from_seed(&digest)
}

fn hash(name: &str) -> [u8; 32] {
    let digest = Digest::of(name.as_bytes());
    let digits = digest.hex().as_bytes().chunks_exact(2);
    let mut seed = [0; 32];
    for (byte, pair) in seed.iter_mut().zip(digits) {
        let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
        *byte = value(pair[0]) * 16 + value(pair[1]);
    }
    seed
}

/// Everybody a case names: who runs it, who consents, who lifts guards.
pub(super) fn actors(situation: &Situation, procedures: &Procedures) -> IndexMap<Id, Actor> {
    let mut actors: IndexMap<Id, Actor> = IndexMap::new();
    let mut add = |name: &Id, class: ActorClass, roles: &[Id]| {
        let actor = actors.entry(name.clone()).or_insert_with(|| Actor {
            class,
            roles: Vec::new(),
            key: Some(key_of(name.as_str()).public().to_line()),
            not_after: None,
            revoked_at: None,
        });
        let new = roles.iter().filter(|role| !actor.roles.contains(role)).cloned().collect::<Vec<_>>();
        actor.roles.extend(new);
    };
    if let Ok(name) = Id::parse(&situation.actor) {
        add(&name, situation.standing.class, &situation.standing.roles);
    }
    for approval in &situation.approvals {
        add(&approval.by, ActorClass::Operator, std::slice::from_ref(&approval.role));
    }
    for told in &situation.waivers {
        let role = told.role.clone().or_else(|| terms(told, procedures).ok()?.1.by.first().cloned());
        add(&told.by, ActorClass::Operator, role.as_slice());
    }
    actors
}

/// The waivers of a case, signed.
pub(super) fn waivers(
    situation: &Situation,
    procedures: &Procedures,
    ledger: &LedgerPlace,
) -> Result<Vec<Signed>, String> {
    let signed = |(at, told): (usize, &Told)| {
        let (procedure, terms) = terms(told, procedures)?;
        let lasts = terms.max_for.unwrap_or(A_DAY);
        let not_after = instant(told.not_after.as_ref()).or_else(|| situation.now.plus(lasts));
        let not_after = not_after.ok_or("the calendar ends before the waiver does")?;
        // One that has ended is as long as its guard allows, and over.
        let begin = Timestamp::from_microseconds(not_after.microseconds().saturating_sub(lasts.microseconds()));
        let waiver = Waiver {
            v: VERSION,
            kind: IsWaiver::It,
            ledger: ledger.origin.clone(),
            environment: situation.environment,
            id: format!("waiver-{}", at + 1),
            guard: told.guard.to_string(),
            guard_digest: terms.digest,
            procedure,
            scope: WaiverScope::default(),
            reason: "the case says so".to_owned(),
            approver: told.by.clone(),
            not_before: begin.unwrap_or(situation.now).min(situation.now),
            not_after,
            max_uses: told.max_uses.or(terms.max_uses).unwrap_or(1),
            ticket: "none".to_owned(),
        };
        let document = document::write(&waiver);
        let signature = key_of(told.by.as_str()).sign(Namespace::Waiver, document.as_bytes());
        Ok(Signed { document, signature: Some(signature) })
    };
    situation.waivers.iter().enumerate().map(signed).collect()
}

fn terms(told: &Told, procedures: &Procedures) -> Result<(Name, Terms), String> {
    let declares = |procedure: &&Arc<Procedure>| procedure.do_not.iter().any(|guard| guard.id == told.guard);
    let procedure = procedures.values().find(declares).ok_or_else(|| format!("there is no guard `{}`", told.guard))?;
    let written = procedure.document.get("do_not");
    let terms = terms_of(&procedure.do_not, written, told.guard.as_str(), &Scope::new())?;
    Ok((procedure.name.clone(), terms))
}

/// What the people of a case bring.
pub(super) struct Cast<'a> {
    pub situation: &'a Situation,
    pub ledger: String,
    pub clock: &'a dyn Probe,
}

impl Consents for Cast<'_> {
    fn sign(&self, document: &str) -> Result<Option<String>, String> {
        Ok(Some(key_of(&self.situation.actor).sign(Namespace::Run, document.as_bytes())))
    }

    fn brought(&self) -> Vec<Signed> {
        Vec::new()
    }

    fn approvals(&self, run: &RunId, sought: &Sought) -> Vec<Signed> {
        let step = sought.step.as_deref().map(without_item);
        let is_meant = |of: Option<&Id>| match (of, &step) {
            (None, None) => true,
            (Some(of), Some(step)) => step.rsplit('/').next() == Some(of.as_str()),
            _ => false,
        };
        let at = self.clock.now();
        let lasts = sought.wanted.iter().filter_map(|wanted| wanted.expires).min().unwrap_or(A_DAY);
        let Some(not_after) = at.plus(lasts) else { return Vec::new() };
        let all = self.situation.approvals.iter().enumerate();
        let meant = all.filter(|(_, approval)| is_meant(approval.step.as_ref()));
        meant
            .map(|(number, told)| {
                let purpose = match told.purpose {
                    Some(Purpose::Reject) => Given::Reject,
                    Some(Purpose::Approve) | None => Given::Approve,
                };
                let approval = Approval {
                    v: VERSION,
                    kind: IsApproval::It,
                    ledger: self.ledger.clone(),
                    environment: self.situation.environment,
                    id: format!("approval-{}-{}", number + 1, sought.step.as_deref().unwrap_or("plan")),
                    plan: sought.plan.clone(),
                    run: Some(run.clone()),
                    step: sought.step.clone(),
                    inputs: sought.inputs.clone(),
                    purpose,
                    approver: told.by.clone(),
                    role: told.role.clone(),
                    at,
                    not_after,
                    reason: "the case says so".to_owned(),
                };
                let document = document::write(&approval);
                let signature = key_of(told.by.as_str()).sign(Namespace::Approval, document.as_bytes());
                Signed { document, signature: Some(signature) }
            })
            .collect()
    }
}
