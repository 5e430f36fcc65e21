//! Waivers in force: each was judged before anything runs, and lifts the one guard that it names, where its scope is.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::judging;
use super::planner::Planner;
use super::{Plan, Setting, Status, approvals};
use crate::consent::document::Waiver;
use crate::consent::waiver::{self, Terms};
use crate::consent::{Error, Rules};
use crate::event::Kind;
use crate::event::people::Signed;
use crate::event::state::{Checked, Failure, Verdict};
use crate::frame::{Frame, Held};
use crate::guard::Judged;
use crate::id::{Digest, Id, RunId};
use crate::past::Past;
use crate::procedure::guard::{Guard, Waivable};
use crate::procedure::{Procedure, Work};
use crate::question::canonical_digest;
use crate::template::scope::Scope;
use crate::time::Timestamp;

/// What stands before the id of a guard of the workspace's policy.
pub const POLICY: &str = "policy:";

/// What stands before the id of an item of a checklist.
pub const ITEM: &str = "item:";

/// A waiver that a plan is made with.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// What it says.
    pub waiver: Waiver,
    /// To the byte.
    pub signed: Signed,
}

impl InForce {
    /// Reads what was kept with a plan; it is judged again at each use.
    ///
    /// # Errors
    /// When it is no waiver.
    pub fn read(signed: &Signed) -> Result<Self, Error> {
        Ok(Self { waiver: waiver::read(signed)?, signed: signed.clone() })
    }

    /// Whether it names this guard, and every value in its scope is the one here.
    #[must_use]
    pub fn covers(&self, held: &Held) -> bool {
        let named = if held.is_of_policy() {
            self.waiver.guard.strip_prefix(POLICY) == Some(held.guard().id.as_str())
        } else {
            self.waiver.guard == held.guard().id.as_str()
        };
        named && self.waiver.procedure == held.frame.procedure.name && out_of_scope(&self.waiver, &held.frame).is_none()
    }

    /// Whether it names this item of a checklist, and every value in its scope is the one here.
    #[must_use]
    pub fn covers_item(&self, frame: &Frame, id: &str) -> bool {
        self.waiver.guard.strip_prefix(ITEM) == Some(id)
            && self.waiver.procedure == frame.procedure.name
            && out_of_scope(&self.waiver, frame).is_none()
    }

    /// As it stands in a plan's digest.
    #[must_use]
    pub fn resolved(&self) -> Json {
        let document = Digest::of(self.signed.document.as_bytes());
        json!({ "id": self.waiver.id, "guard": self.waiver.guard, "procedure": self.waiver.procedure, "document": document })
    }
}

/// The first value of a scope that is another in this frame: its name, what the waiver says, and what is here.
fn out_of_scope(waiver: &Waiver, frame: &Frame) -> Option<(String, String, String)> {
    let none = || "none".to_owned();
    for (name, value) in waiver.scope.parameters.iter().flatten() {
        let here = frame.parameters.get(name);
        if here != Some(value) {
            return Some((format!("parameter `{name}`"), value.to_string(), here.map_or_else(none, Json::to_string)));
        }
    }
    for (name, bound) in waiver.scope.targets.iter().flatten() {
        let here = frame.targets.get(name).map(|target| target.name.to_string());
        if here.as_ref() != Some(bound) {
            return Some((format!("target `{name}`"), bound.clone(), here.unwrap_or_else(none)));
        }
    }
    None
}

/// Judges the waivers that a plan is asked to be made with.
///
/// # Errors
/// With the first that does not count, and why.
pub fn admit(
    setting: &Setting,
    root: &Frame,
    given: &[Signed],
    run: &RunId,
    past: &Past,
    now: Timestamp,
) -> Result<Vec<InForce>, Error> {
    let mut admitted: Vec<InForce> = Vec::new();
    let mut seen = BTreeSet::new();
    for signed in given {
        let in_force = InForce::read(signed)?;
        if !seen.insert(in_force.waiver.id.clone()) {
            let other = admitted.iter().any(|other| other.signed.document == signed.document);
            if other {
                continue;
            }
            let why = "another waiver has the same id".to_owned();
            return Err(Error::Malformed { what: waiver::named(&in_force.waiver), why });
        }
        judge(setting, root, &in_force, std::slice::from_ref(&setting.actor), now)?;
        waiver::of_run(&in_force.waiver, run.as_str())?;
        if uses(&in_force.waiver, past)? >= u64::from(in_force.waiver.max_uses) {
            return Err(spent(&in_force.waiver, past));
        }
        admitted.push(in_force);
    }
    admitted.sort_by(|a, b| a.waiver.id.cmp(&b.waiver.id));
    Ok(admitted)
}

/// Adds waivers that are brought when a run goes on: each names that run, since the plan was made without it.
///
/// # Errors
/// With the first that does not count, and why; then none is added.
pub fn bring(
    setting: &Setting,
    plan: &mut Plan,
    given: &[Signed],
    run: &RunId,
    past: &Past,
    now: Timestamp,
) -> Result<(), Error> {
    let admitted = admit(setting, &plan.root, given, run, past, now)?;
    if let Some(any) = admitted.iter().find(|in_force| in_force.waiver.scope.run.is_none()) {
        let what = waiver::named(&any.waiver);
        let (found, expected) = ("any run".to_owned(), run.to_string());
        return Err(Error::Other { what, member: "run", found, expected });
    }
    plan.waivers.extend(admitted);
    Ok(())
}

/// Whether a waiver counts now: its guard is there as it was, and it is genuine, in time and by somebody who may.
///
/// # Errors
/// When it does not, and why.
pub fn judge(
    setting: &Setting,
    root: &Frame,
    in_force: &InForce,
    initiators: &[String],
    now: Timestamp,
) -> Result<(), Error> {
    let waiver = &in_force.waiver;
    let what = waiver::named(waiver);
    let wrong = |why: String| Error::Guard { what: what.clone(), guard: waiver.guard.clone(), why };
    let terms = terms(setting, root, waiver).map_err(wrong)?;
    let rules = Rules::of(&setting.workspace, setting.environment, now);
    waiver::judge(&rules, waiver, &in_force.signed, &terms, initiators)?;
    // Of a procedure that is called it is told only there.
    if waiver.procedure == root.procedure.name
        && let Some((name, found, here)) = out_of_scope(waiver, root)
    {
        let expected = format!("{name} {here}");
        return Err(Error::Other { what, member: "scope", found: format!("{name} {found}"), expected });
    }
    Ok(())
}

/// Whether an item counts and has come out so that a waiver could let it pass.
#[must_use]
pub fn can_be_lifted(checked: &Checked) -> bool {
    checked.required && matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable)
}

/// An item that a waiver lets pass.
#[must_use]
pub fn lifted_item(waiver: &Waiver, checked: Checked) -> Checked {
    let judged = judging::lifted(waiver, &Judged { verdict: checked.verdict, detail: checked.detail.clone() });
    Checked { verdict: Verdict::Waived, detail: judged.detail, ..checked }
}

/// How often a waiver was used by other runs.
///
/// # Errors
/// When that cannot be told.
pub fn uses(waiver: &Waiver, past: &Past) -> Result<u64, Error> {
    let unknown = |why: String| Error::History { what: waiver::named(waiver), why };
    past.uses(Kind::WaiverUsed, &waiver.id).map(|(count, _)| count).map_err(unknown)
}

fn spent(waiver: &Waiver, past: &Past) -> Error {
    let (count, run) = past.uses(Kind::WaiverUsed, &waiver.id).unwrap_or_default();
    let run = run.map(|run| format!(", last in run {run}")).unwrap_or_default();
    Error::Spent { what: waiver::named(waiver), why: format!("{count} of {} uses{run}", waiver.max_uses) }
}

/// What the guard that a waiver names says about waivers.
fn terms(setting: &Setting, root: &Frame, waiver: &Waiver) -> Result<Terms, String> {
    if let Some(id) = waiver.guard.strip_prefix(POLICY) {
        if waiver.procedure != root.procedure.name {
            return Err(format!("it is for `{}`, and this is `{}`", waiver.procedure, root.procedure.name));
        }
        let policy = &setting.workspace.policy.do_not;
        let written = setting.workspace.document.pointer("/policy/do_not");
        return terms_of(policy, written, id, &Scope::new());
    }
    let procedure = setting.procedures.get(&waiver.procedure);
    let procedure = procedure.ok_or_else(|| format!("procedure `{}` is no part of this plan", waiver.procedure))?;
    let is_root = procedure.name == root.procedure.name;
    let scope = if is_root { root.scope() } else { Scope::new() };
    if let Some(id) = waiver.guard.strip_prefix(ITEM) {
        return terms_of_item(procedure, id, &scope);
    }
    terms_of(&procedure.do_not, procedure.document.get("do_not"), &waiver.guard, &scope)
}

/// What a guard of a list says about waivers; `written` is the list as it stands in the document.
///
/// # Errors
/// When there is no such guard, or what it says cannot be told, in words.
pub fn terms_of(guards: &[Guard], written: Option<&Json>, id: &str, scope: &Scope) -> Result<Terms, String> {
    let guard = guards.iter().find(|guard| guard.id.as_str() == id);
    let guard = guard.ok_or_else(|| format!("there is no guard `{id}`"))?;
    terms_in(guard.waivable.as_ref(), written, id, scope)
}

/// What an item of a checklist says about waivers.
///
/// # Errors
/// When there is no such item, or what it says cannot be told, in words.
pub fn terms_of_item(checklist: &Procedure, id: &str, scope: &Scope) -> Result<Terms, String> {
    let Work::Items(items) = &checklist.work else {
        return Err(format!("`{}` is no checklist and has no items", checklist.name));
    };
    let item = items.iter().find(|item| item.id.as_str() == id).ok_or_else(|| format!("there is no item `{id}`"))?;
    terms_in(item.waivable.as_ref(), checklist.document.get("items"), id, scope)
}

fn terms_in(waivable: Option<&Waivable>, written: Option<&Json>, id: &str, scope: &Scope) -> Result<Terms, String> {
    let same = |one: &&Json| one.get("id").and_then(Json::as_str) == Some(id);
    let written = written.and_then(Json::as_array).and_then(|all| all.iter().find(same));
    let digest = canonical_digest(written.ok_or_else(|| format!("`{id}` is not in the document"))?);
    let Some(waivable) = waivable else {
        return Ok(Terms { digest, by: Vec::<Id>::new(), max_for: None, max_uses: None });
    };
    let max_for = waivable.max_for.as_ref().map(|most| approvals::duration(most, scope)).transpose();
    let max_for = max_for.map_err(|why| format!("its `max_for` cannot be told: {why}"))?;
    Ok(Terms { digest, by: waivable.by.clone(), max_for, max_uses: waivable.max_uses })
}

impl Planner<'_> {
    /// An item that would shut the gate, and that a waiver lets pass.
    pub(super) fn lift_item(&mut self, frame: &Frame, checked: Checked) -> Checked {
        let covers = |in_force: &&InForce| can_be_lifted(&checked) && in_force.covers_item(frame, &checked.check);
        let Some(in_force) = self.waivers.iter().find(covers) else { return checked };
        self.lifted.entry(in_force.waiver.id.clone()).or_default().insert(format!("{ITEM}{}", checked.check));
        lifted_item(&in_force.waiver, checked)
    }

    /// A guard that would stop, and that a waiver lets pass.
    pub(super) fn lift(&mut self, held: &Held, judged: Judged, step: Option<&str>) -> Judged {
        let Some(in_force) = self.waivers.iter().find(|in_force| judged.stops() && in_force.covers(held)) else {
            return judged;
        };
        let act = judging::lifted_act(held, step);
        self.lifted.entry(in_force.waiver.id.clone()).or_default().insert(act);
        judging::lifted(&in_force.waiver, &judged)
    }

    /// A waiver that has fewer uses left than the plan needs would leave the run half done.
    pub(super) fn refuse_too_many_uses(&mut self) {
        for in_force in self.waivers.clone() {
            let needed = self.lifted.get(&in_force.waiver.id).map_or(0, BTreeSet::len) as u64;
            let left = match uses(&in_force.waiver, self.history) {
                Ok(used) => u64::from(in_force.waiver.max_uses).saturating_sub(used),
                Err(_) => 0,
            };
            if needed > left {
                let (id, guard) = (&in_force.waiver.id, &in_force.waiver.guard);
                let message =
                    format!("waiver `{id}` has {left} uses left, and guard `{guard}` would be lifted {needed} times");
                let failure = Failure {
                    code: "guard".to_owned(),
                    message,
                    step: None,
                    check: None,
                    guard: Some(guard.clone()),
                    attempt: None,
                };
                self.stop(Status::Guarded, failure);
            }
        }
    }
}
