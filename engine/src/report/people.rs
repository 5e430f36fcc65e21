//! Who consented to a run, who let a guard be passed, and whose key stands under it.
//!
//! Whether a document counted was judged when it was used, by the workspace of that day, and is on record. Here its
//! signature alone is checked again, by the key that it names itself.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::Actor;
use crate::consent::document::{self, Approval, Purpose, RunDocument, Waiver as WaiverDocument};
use crate::event::fact::Event;
use crate::event::people::{ApprovalNoted, Signed};
use crate::id::{Digest, RunId};
use crate::ledger::told::Told;
use crate::sign::sshsig::{self, Namespace};
use crate::time::Timestamp;

/// What stands under a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// A signature of the key that it names, over this very document.
    Good,
    /// One that is not over this document, or is none.
    Bad,
    /// Nothing.
    None,
}

/// A consent or a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Consent {
    /// Its id.
    pub id: String,
    /// Whether it consents.
    pub consents: bool,
    /// Who gave it.
    pub approver: String,
    /// In which role.
    pub role: String,
    /// What stands under it.
    pub signature: Signature,
    /// The fingerprint of the key that signed it.
    pub key: Option<String>,
    /// Why.
    pub reason: String,
    /// The digest of the plan that it is to.
    pub plan: Option<Digest>,
    /// The run that it is to, where it says one.
    pub run: Option<RunId>,
    /// The step that it is to; none where it is to the plan.
    pub step: Option<String>,
    /// The digest of the step's rendered inputs.
    pub inputs: Option<Digest>,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
    /// Until when it was good.
    pub not_after: Option<Timestamp>,
    /// The entry that records it.
    pub seq: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// When it was spent on this run; none where it was not.
    pub spent_at: Option<Timestamp>,
    /// The document to the byte, with its signature.
    pub signed: Signed,
}

/// One use of a waiver.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Waiver {
    /// Its id.
    pub id: String,
    /// The guard that it lifted.
    pub guard: String,
    /// What it let pass.
    pub act: String,
    /// Who gave it.
    pub approver: String,
    /// What stands under it.
    pub signature: Signature,
    /// The fingerprint of the key that signed it.
    pub key: Option<String>,
    /// Why.
    pub reason: String,
    /// Where it was decided.
    pub ticket: Option<String>,
    /// From when it was good.
    pub not_before: Option<Timestamp>,
    /// Until when.
    pub not_after: Option<Timestamp>,
    /// What it was bounded to.
    pub scope: Option<Json>,
    /// Which use of it this is, from 1.
    pub number: u32,
    /// The most uses.
    pub max_uses: u32,
    /// The entry that records the use.
    pub seq: u64,
    /// When it was used.
    pub used_at: Timestamp,
    /// The document to the byte, with its signature.
    pub signed: Signed,
}

/// Who ran it, and whether they signed for it.
pub(super) fn actor(name: Option<String>, signed: Option<&Signed>) -> Actor {
    let (signature, key) = signed.map_or((Signature::None, None), |signed| judge(signed, Namespace::Run));
    let said = signed.and_then(|signed| document::read::<RunDocument>(&signed.document).ok());
    Actor { name, signature, key, signed_at: said.map(|said| said.at) }
}

/// Consents and refusals, in the order in which they were recorded.
pub(super) fn consents(facts: &[Told]) -> Vec<Consent> {
    let mut consents: Vec<Consent> = Vec::new();
    for told in facts {
        match &told.fact.event {
            Event::ApprovalGranted(noted) => consents.push(consent(told, noted, true)),
            Event::ApprovalRejected(noted) => consents.push(consent(told, noted, false)),
            Event::ApprovalConsumed(spent) => {
                let given = consents.iter_mut().find(|given| given.id == spent.id);
                given.into_iter().for_each(|given| given.spent_at = Some(told.at));
            }
            _ => {}
        }
    }
    consents
}

fn consent(told: &Told, noted: &ApprovalNoted, consents: bool) -> Consent {
    let (signature, key) = judge(&noted.signed, Namespace::Approval);
    let said = document::read::<Approval>(&noted.signed.document).ok();
    let said = said.as_ref();
    Consent {
        id: noted.id.clone(),
        // The document must say the same as the record.
        consents: consents && said.is_some_and(|said| said.purpose == Purpose::Approve),
        approver: noted.approver.to_string(),
        role: noted.role.to_string(),
        signature,
        key: key.or_else(|| noted.key.clone()),
        reason: noted.reason.clone(),
        plan: said.map(|said| said.plan.clone()),
        run: said.and_then(|said| said.run.clone()),
        step: said.and_then(|said| said.step.clone()),
        inputs: said.and_then(|said| said.inputs.clone()),
        signed_at: said.map(|said| said.at),
        not_after: said.map(|said| said.not_after),
        seq: told.seq,
        recorded_at: told.at,
        spent_at: None,
        signed: noted.signed.clone(),
    }
}

/// Each use of a waiver, in order.
pub(super) fn waivers(facts: &[Told]) -> Vec<Waiver> {
    let used = |told: &Told| {
        let Event::WaiverUsed(used) = &told.fact.event else { return None };
        let (signature, key) = judge(&used.signed, Namespace::Waiver);
        let said = document::read::<WaiverDocument>(&used.signed.document).ok();
        Some(Waiver {
            id: used.id.clone(),
            guard: used.guard.clone(),
            act: used.act.clone(),
            approver: used.approver.to_string(),
            signature,
            key,
            reason: used.reason.clone(),
            ticket: said.as_ref().map(|said| said.ticket.clone()),
            not_before: said.as_ref().map(|said| said.not_before),
            not_after: said.as_ref().map(|said| said.not_after),
            scope: said.as_ref().and_then(|said| serde_json::to_value(&said.scope).ok()),
            number: used.number,
            max_uses: used.max_uses,
            seq: told.seq,
            used_at: told.at,
            signed: used.signed.clone(),
        })
    };
    facts.iter().filter_map(used).collect()
}

/// What stands under a document, and the fingerprint of the key that made it.
fn judge(signed: &Signed, namespace: Namespace) -> (Signature, Option<String>) {
    let Some(armoured) = &signed.signature else { return (Signature::None, None) };
    let Some(public) = sshsig::signer(armoured) else { return (Signature::Bad, None) };
    let judged = sshsig::verify(&public, namespace, signed.document.as_bytes(), armoured);
    let signature = if judged.is_ok() { Signature::Good } else { Signature::Bad };
    (signature, Some(public.fingerprint()))
}
