//! Consent while a run moves: who runs is signed for, consents are judged and spent before an effect, waivers are used.
//!
//! What is on record is judged again at every turn: a key that was revoked meanwhile counts no longer. No time that
//! passes makes a consent.

use super::{Error, Halt, Runner};
use crate::consent::approval::{self, Given};
use crate::consent::document::{self, Document as _, Purpose, RunDocument};
use crate::consent::{self, Rules, running, waiver};
use crate::event::Kind;
use crate::event::fact::Event;
use crate::event::people::{ApprovalConsumed, Signed, Sought, WaiverUsed, Wanted};
use crate::event::state::{Checked, Failure, StepState, Verdict};
use crate::frame::{Frame, Held};
use crate::guard::Judged;
use crate::id::{Digest, Id, RunId};
use crate::plan::approvals::wanted_by;
use crate::plan::{judging, waivers};
use crate::procedure::guard::Form;
use crate::procedure::step::Step;
use crate::question::canonical_digest;
use crate::template::scope::Scope;

/// What somebody refused ends with.
pub const REJECTED: &str = "rejected";

/// What people bring to a run that they signed.
pub trait Consents: Send + Sync {
    /// The signature of the run's actor over this document; none where nobody signs.
    ///
    /// # Errors
    /// Why it could not be signed, in words.
    fn sign(&self, document: &str) -> Result<Option<String>, String>;

    /// The approvals that were brought, all of which must be to this run.
    fn brought(&self) -> Vec<Signed>;

    /// The approvals that there are for what is sought.
    fn approvals(&self, run: &RunId, sought: &Sought) -> Vec<Signed>;
}

/// Nobody signs and nobody consents.
pub struct NoConsents;

impl Consents for NoConsents {
    fn sign(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn brought(&self) -> Vec<Signed> {
        Vec::new()
    }

    fn approvals(&self, _: &RunId, _: &Sought) -> Vec<Signed> {
        Vec::new()
    }
}

impl Runner<'_> {
    fn rules(&self) -> Rules<'_> {
        let setting = self.means.setting;
        Rules::of(&setting.workspace, setting.environment, self.now())
    }

    /// Who began the run and who made its plan.
    fn initiators(&self) -> Vec<String> {
        let mut initiators = self.book().run.consents.initiators();
        if initiators.is_empty() {
            initiators.push(self.means.setting.actor.clone());
        }
        let made_by = &self.plan.view.made_by;
        if !made_by.is_empty() && !initiators.contains(made_by) {
            initiators.push(made_by.clone());
        }
        initiators
    }

    /// Before anything is written down: who moves the run may, and is signed for where that is needed; every approval
    /// that was brought is to this run.
    pub(super) fn admitted(&self) -> Result<Option<Signed>, Error> {
        let setting = self.means.setting;
        let procedures = setting.procedures.values().map(AsRef::as_ref);
        let fits = setting.standing.fits(&setting.actor, procedures);
        // A plan that says so is refused, and that goes on record.
        if let (Err(why), true) = (fits, self.book().run.facts > 0) {
            return Err(Error::Actor { why });
        }
        let signed = self.authority()?;
        let waits_for = self.book().run.consents.sought.clone();
        let sought = waits_for.unwrap_or_else(|| self.sought(None, None, self.plan.view.approvals.clone()));
        for brought in self.means.consents.brought() {
            self.judged(&self.rules(), &sought, &brought)?;
        }
        Ok(signed)
    }

    /// The signed document that says who runs this plan.
    fn authority(&self) -> Result<Option<Signed>, Error> {
        let setting = self.means.setting;
        let rules = self.rules();
        let is_record = self.book().is_record();
        let unsigned = || {
            let what = RunDocument::WORD.to_owned();
            if rules.must_sign && is_record { Err(Error::Consent(consent::Error::Unsigned { what })) } else { Ok(None) }
        };
        let actor = Id::parse(&setting.actor).ok().filter(|actor| rules.actors.contains_key(actor));
        let Some(actor) = actor else { return unsigned() };
        let mut nonce = [0; 16];
        self.means.host.random(&mut nonce).map_err(|error| Error::NotSigned { why: error.to_string() })?;
        let plan = &self.plan.view.digest;
        let document = document::write(&running::make(&rules, plan, &actor, &nonce));
        let signature = self.means.consents.sign(&document).map_err(|why| Error::NotSigned { why })?;
        if signature.is_none() {
            return unsigned();
        }
        let signed = Signed { document, signature };
        // Signing may have taken its time.
        running::judge(&self.rules(), plan, &setting.actor, &signed)?;
        Ok(Some(signed))
    }

    /// The waivers of the plan count still, also with everybody known who began this.
    pub(super) fn recheck_waivers(&self) -> Result<(), Error> {
        let initiators = self.initiators();
        for in_force in &self.plan.waivers {
            waivers::judge(self.means.setting, &self.plan.root, in_force, &initiators, self.now())?;
        }
        Ok(())
    }

    fn sought(&self, step: Option<&str>, inputs: Option<&Digest>, wanted: Vec<Wanted>) -> Sought {
        Sought {
            plan: self.plan.view.digest.clone(),
            step: step.map(str::to_owned),
            inputs: inputs.cloned(),
            wanted,
            initiators: self.initiators(),
        }
    }

    /// Genuine, to what is sought, and not spent on anything else.
    fn judged(&self, rules: &Rules<'_>, sought: &Sought, signed: &Signed) -> Result<Given, consent::Error> {
        let given = approval::judge(rules, sought, &self.asking.run, signed)?;
        let what = approval::named(&given.approval);
        match self.means.history.uses(Kind::ApprovalConsumed, &given.approval.id) {
            Ok((0, _)) => Ok(given),
            Ok((_, run)) => {
                let why = run.map_or_else(|| "elsewhere".to_owned(), |run| format!("in run {run}"));
                Err(consent::Error::Spent { what, why })
            }
            Err(why) => Err(consent::Error::History { what, why }),
        }
    }

    /// Consent to the plan as a whole, before anything is done.
    pub(super) fn plan_consent(&self) -> Result<(), Halt> {
        self.consent(self.sought(None, None, self.plan.view.approvals.clone()))
    }

    /// Consent to a step with these inputs, where it asks for one.
    pub(super) fn step_consent(&self, step: &Step, path: &str, scope: &Scope, inputs: &Digest) -> Result<(), Halt> {
        let Some(approvals) = &step.approval else { return Ok(()) };
        let wanted = wanted_by(path, approvals, self.means.setting.environment, scope)
            .map_err(|why| super::steps::undecidable("approval.expires", path, &why))?;
        match wanted {
            Some(wanted) => self.consent(self.sought(Some(path), Some(inputs), vec![wanted])),
            None => Ok(()),
        }
    }

    fn consent(&self, sought: Sought) -> Result<(), Halt> {
        let (step, run) = (sought.step.as_deref(), self.asking.run.clone());
        let recorded: Vec<Signed> = {
            let book = self.book();
            let consents = &book.run.consents;
            if consents.is_consumed(step, sought.inputs.as_ref()) {
                return Ok(());
            }
            let noted = consents.rejected.iter().chain(&consents.granted);
            noted.map(|noted| noted.signed.clone()).filter(|signed| approval::is_about(signed, step)).collect()
        };
        let brought = self.means.consents.approvals(&run, &sought);
        if sought.wanted.is_empty() && brought.is_empty() && recorded.is_empty() {
            return Ok(());
        }
        let rules = self.rules();
        let (mut given, mut why_not): (Vec<Given>, Vec<String>) = (Vec::new(), Vec::new());
        for signed in recorded.iter().chain(&brought) {
            match self.judged(&rules, &sought, signed) {
                Ok(one) if given.iter().any(|known| known.approval.id == one.approval.id) => {}
                Ok(one) => given.push(one),
                Err(error) => why_not.push(error.to_string()),
            }
        }
        for one in &given {
            self.note_given(step, one)?;
        }
        if let Some(refusal) = given.iter().find(|one| one.approval.purpose == Purpose::Reject) {
            return Err(Halt::of(rejection(refusal, step), StepState::Refused));
        }
        if let Some(missing) = approval::missing(&rules, &given, &sought) {
            let why_not = if why_not.is_empty() { String::new() } else { format!(" ({})", why_not.join("; ")) };
            return Err(Halt::Suspended {
                because: "approval",
                detail: format!("{missing}{why_not}"),
                step: sought.step.clone(),
                sought: Some(Box::new(sought)),
            });
        }
        let of_one = |wanted: &Wanted| approval::counted(&rules, &given, wanted, &sought.initiators);
        let counts = |one: &&Given| {
            sought.wanted.is_empty()
                || sought.wanted.iter().any(|wanted| of_one(wanted).iter().any(|it| it.approval.id == one.approval.id))
        };
        let mut book = self.book();
        for one in given.iter().filter(counts) {
            let (id, approver) = (one.approval.id.clone(), one.approval.approver.clone());
            let consumed = ApprovalConsumed { id, approver, inputs: sought.inputs.clone() };
            book.note(step, None, Event::ApprovalConsumed(consumed))?;
        }
        // Spent before anything is done for it.
        Ok(book.flush()?)
    }

    fn note_given(&self, step: Option<&str>, given: &Given) -> Result<(), Error> {
        let mut book = self.book();
        if book.run.consents.has(&given.approval.id) {
            return Ok(());
        }
        book.note(step, None, event_of(given))
    }

    /// A guard that would stop, and that a waiver lets pass; each use is on record before what it lets pass.
    pub(super) fn lift(&self, held: &Held, judged: &Judged, moment: &str, step: Option<&str>) -> Result<Judged, Error> {
        let mut lifted = judged.clone();
        if !judged.stops() {
            return Ok(lifted);
        }
        let act = match judging::lifted_act(held, step) {
            act if moment == "undo" => format!("undo:{act}"),
            act => act,
        };
        let initiators = self.initiators();
        for in_force in self.plan.waivers.iter().filter(|in_force| in_force.covers(held)) {
            match self.use_waiver(&held.id(), in_force, &act, &initiators)? {
                Ok(()) => return Ok(judging::lifted(&in_force.waiver, judged)),
                Err(why) => {
                    let detail = lifted.detail.take().map(|detail| format!("{detail}; ")).unwrap_or_default();
                    lifted.detail = Some(format!("{detail}{why}"));
                }
            }
        }
        Ok(lifted)
    }

    /// An item of a checklist that would shut the gate, and that a waiver lets pass; so it is on record first.
    pub(super) fn lift_item(&self, root: &Frame, checked: Checked) -> Result<Checked, Error> {
        // What the plan found to be waived is so only if the waiver counts still.
        let is_planned = checked.verdict == Verdict::Waived;
        if !is_planned && !waivers::can_be_lifted(&checked) {
            return Ok(checked);
        }
        let act = format!("{}{}", waivers::ITEM, checked.check);
        let initiators = self.initiators();
        let mut wrong = Vec::new();
        for in_force in self.plan.waivers.iter().filter(|in_force| in_force.covers_item(root, &checked.check)) {
            match self.use_waiver(&act, in_force, &act, &initiators)? {
                Ok(()) if is_planned => return Ok(checked),
                Ok(()) => return Ok(waivers::lifted_item(&in_force.waiver, checked)),
                Err(why) => wrong.push(why.to_string()),
            }
        }
        let verdict = if is_planned { Verdict::NotMet } else { checked.verdict };
        let detail = checked.detail.into_iter().chain(wrong).collect::<Vec<_>>();
        Ok(Checked { verdict, detail: (!detail.is_empty()).then(|| detail.join("; ")), ..checked })
    }

    fn use_waiver(
        &self,
        guard: &str,
        in_force: &waivers::InForce,
        act: &str,
        initiators: &[String],
    ) -> Result<Result<(), consent::Error>, Error> {
        let waiver = &in_force.waiver;
        let before = self.book().run.consents.waived.clone();
        let own = before.iter().filter(|(id, _)| *id == waiver.id).count() as u64;
        let judged = waivers::judge(self.means.setting, &self.plan.root, in_force, initiators, self.now())
            .and_then(|()| waiver::of_run(waiver, self.asking.run.as_str()));
        if let Err(why) = judged {
            return Ok(Err(why));
        }
        if before.iter().any(|(id, of)| *id == waiver.id && of == act) {
            return Ok(Ok(()));
        }
        let number = match waivers::uses(waiver, self.means.history) {
            Ok(used) => used + own + 1,
            Err(why) => return Ok(Err(why)),
        };
        if number > u64::from(waiver.max_uses) {
            let why = format!("{} of {} uses", number - 1, waiver.max_uses);
            return Ok(Err(consent::Error::Spent { what: waiver::named(waiver), why }));
        }
        let used = WaiverUsed {
            id: waiver.id.clone(),
            guard: guard.to_owned(),
            act: act.to_owned(),
            approver: waiver.approver.clone(),
            reason: waiver.reason.clone(),
            number: u32::try_from(number).unwrap_or(u32::MAX),
            max_uses: waiver.max_uses,
            signed: in_force.signed.clone(),
        };
        self.book().note(None, None, Event::WaiverUsed(used))?;
        Ok(Ok(()))
    }

    /// States that the plan found to be waived are so for the whole run: one use.
    pub(super) fn use_waivers_of_plan(&self) -> Result<(), Error> {
        let waived = |id: &str| {
            let guards = &self.plan.view.guards;
            guards.iter().find(|guard| guard.id == id && guard.verdict == Verdict::Waived)
        };
        for held in self.plan.root.guards() {
            if let (Form::Never(_), Some(guard)) = (&held.guard().form, waived(&held.id())) {
                let judged = Judged::because(Verdict::Violated, guard.rule.clone());
                self.lift(&held, &judged, "plan", None)?;
            }
        }
        Ok(())
    }
}

pub(super) fn event_of(given: &Given) -> Event {
    match given.approval.purpose {
        Purpose::Approve => Event::ApprovalGranted(given.noted()),
        Purpose::Reject => Event::ApprovalRejected(given.noted()),
    }
}

pub(super) fn rejection(given: &Given, step: Option<&str>) -> Failure {
    let reason = &given.approval.reason;
    let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    Failure {
        code: REJECTED.to_owned(),
        message: format!("`{}` refused it as `{}`{because}", given.approval.approver, given.approval.role),
        step: step.map(str::to_owned),
        check: None,
        guard: None,
        attempt: None,
    }
}

/// The digest of what a step that is no action would do.
pub(super) fn inputs_of(with: &serde_json::Value) -> Digest {
    canonical_digest(with)
}
