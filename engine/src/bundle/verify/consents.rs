//! Approvals and waivers: each judged again as the engine did, at the time of its entry, and counted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::Findings;
use super::people::{People, read_workspace};
use super::planned::Frozen;
use crate::action::Registry;
use crate::bundle::Bundle;
use crate::bundle::story::Story;
use crate::consent::Error;
use crate::consent::approval::{self, Given};
use crate::consent::document::Waiver;
use crate::consent::waiver::{self, Terms};
use crate::event::fact::Event;
use crate::event::people::{ApprovalConsumed, ApprovalNoted, Sought, WaiverUsed, Wanted};
use crate::id::Digest;
use crate::ledger::report::Status;
use crate::ledger::told::Told;
use crate::library::frozen::thaw;
use crate::plan::View;
use crate::plan::waivers::{POLICY, terms_of};
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;

/// Every consent and refusal is genuine, to this plan and by somebody who may; and what was asked for was there before
/// anything was done.
pub(super) fn approvals(story: &Story, plan: &View, people: &People<'_>, findings: &mut Findings) {
    let spent_on = story.told.iter().filter_map(|told| match &told.fact.event {
        Event::ApprovalConsumed(consumed) => Some((consumed.id.as_str(), (told.seq, consumed.inputs.as_ref()))),
        _ => None,
    });
    let asking = Asking { story, plan, people, spent_on: spent_on.collect() };
    let (mut problems, mut given) = (Vec::new(), Vec::<(u64, Given)>::new());
    for told in &story.told {
        let noted = match &told.fact.event {
            Event::ApprovalGranted(noted) | Event::ApprovalRejected(noted) => noted,
            _ => continue,
        };
        match asking.genuine(told, noted) {
            Ok(one) if one.noted() == *noted => given.push((told.seq, one)),
            Ok(_) => problems.push(format!("entry {} says something else than was signed", told.seq)),
            Err(why) => problems.push(format!("entry {}: {why}", told.seq)),
        }
    }
    let mut asked = BTreeSet::new();
    for told in &story.told {
        let inputs = match &told.fact.event {
            Event::ApprovalConsumed(consumed) => {
                if !given.iter().any(|(seq, one)| *seq < told.seq && is_it(one, consumed)) {
                    problems.push(format!("entry {} spends approval `{}`, which is not here", told.seq, consumed.id));
                }
                continue;
            }
            // Of other acts the intent has not the digest that was consented to.
            Event::StepIntent(intent) if intent.action.contains('.') && !intent.action.starts_with("call.") => {
                Some(&intent.with_digest)
            }
            Event::StepIntent(_) | Event::ManualAnswered(_) if told.fact.step.is_some() => None,
            _ => continue,
        };
        for (step, inputs) in [(None, None), (told.fact.step.as_deref(), inputs)] {
            // What was there at the first try is there at all others.
            if !asked.insert((step, inputs)) {
                continue;
            }
            let known = given.iter().filter(|(seq, _)| *seq < told.seq).map(|(_, one)| one);
            if let Some(why) = asking.lacks(step, inputs, known, told) {
                problems.push(format!("entry {} acts without consent: {why}", told.seq));
            }
        }
    }
    let well = match given.len() {
        0 => "none was given, and none asked for".to_owned(),
        count => format!("{count} given, each genuine, to this plan, by somebody in the role"),
    };
    findings.all("approvals", Status::Broken, problems, well);
}

fn is_it(given: &Given, consumed: &ApprovalConsumed) -> bool {
    given.approval.id == consumed.id && given.approval.approver == consumed.approver
}

/// What approvals are held against.
struct Asking<'a> {
    story: &'a Story,
    plan: &'a View,
    people: &'a People<'a>,
    /// Where each approval was spent, and on which inputs, by its id.
    spent_on: BTreeMap<&'a str, (u64, Option<&'a Digest>)>,
}

impl Asking<'_> {
    fn genuine(&self, told: &Told, noted: &ApprovalNoted) -> Result<Given, Error> {
        let step = told.fact.step.as_deref();
        // Which inputs it must be to is what it was spent on, where it was.
        let inputs = self.spent_on.get(noted.id.as_str()).and_then(|(_, inputs)| inputs.cloned());
        let wanted = self.wanted_of(step);
        approval::judge(
            &self.people.rules(told.at),
            &self.sought(step, inputs, wanted),
            &self.story.run.id,
            &noted.signed,
        )
    }

    fn sought(&self, step: Option<&str>, inputs: Option<Digest>, wanted: Vec<Wanted>) -> Sought {
        let mut initiators = self.story.run.consents.initiators();
        if !self.plan.made_by.is_empty() && !initiators.contains(&self.plan.made_by) {
            initiators.push(self.plan.made_by.clone());
        }
        Sought { plan: self.plan.digest.clone(), step: step.map(str::to_owned), inputs, wanted, initiators }
    }

    /// Who must consent to the plan, or to a step: as the plan says, or, where it could not tell its path yet, as the run asked.
    fn wanted_of(&self, step: Option<&str>) -> Vec<Wanted> {
        let Some(path) = step else { return self.plan.approvals.clone() };
        let planned: Vec<Wanted> =
            self.plan.step_approvals.iter().filter(|wanted| wanted.by == path).cloned().collect();
        let asked = self.story.told.iter().find_map(|told| match &told.fact.event {
            Event::RunSuspended(suspended) => suspended.sought.as_ref().filter(|sought| sought.step.as_deref() == step),
            _ => None,
        });
        match asked {
            Some(sought) if planned.is_empty() => sought.wanted.clone(),
            _ => planned,
        }
    }

    /// What was missing when an effect began: of the consents that were spent before, on the plan or on this step, and
    /// on these inputs where they are known.
    fn lacks<'g>(
        &self,
        step: Option<&str>,
        inputs: Option<&Digest>,
        known: impl Iterator<Item = &'g Given>,
        told: &Told,
    ) -> Option<String> {
        let wanted = self.wanted_of(step);
        if wanted.is_empty() {
            return None;
        }
        let was_spent = |one: &&Given| {
            let on = self.spent_on.get(one.approval.id.as_str());
            on.is_some_and(|(seq, on)| *seq < told.seq && (inputs.is_none() || *on == inputs))
        };
        let about = known.filter(was_spent).filter(|one| approval::is_about(&one.signed, step));
        let about: Vec<Given> = about.cloned().collect();
        approval::missing(&self.people.rules(told.at), &about, &self.sought(step, inputs.cloned(), wanted))
    }
}

/// Every use of a waiver is of one that is genuine, of the guard that it names, and within what the guard allows.
pub(super) fn waivers(
    bundle: &Bundle,
    story: &Story,
    frozen: &Frozen,
    people: &People<'_>,
    registry: &Registry,
    findings: &mut Findings,
) {
    let used: Vec<(&Told, &WaiverUsed)> = story
        .told
        .iter()
        .filter_map(|told| match &told.fact.event {
            Event::WaiverUsed(used) => Some((told, used)),
            _ => None,
        })
        .collect();
    if used.is_empty() {
        return findings.ok("waivers", "none was used");
    }
    let guards = Guards { bundle, story, frozen, registry };
    let problems: Vec<String> = used
        .iter()
        .filter_map(|(told, used)| {
            guards.judge(told, used, people).err().map(|why| format!("entry {}: {why}", told.seq))
        })
        .collect();
    let well = format!("{} uses, each of a waiver that is genuine and lifts its guard", used.len());
    findings.all("waivers", Status::Broken, problems, well);
}

/// The guards that waivers may lift.
struct Guards<'a> {
    bundle: &'a Bundle,
    story: &'a Story,
    frozen: &'a Frozen,
    registry: &'a Registry,
}

impl Guards<'_> {
    fn judge(&self, told: &Told, used: &WaiverUsed, people: &People<'_>) -> Result<(), String> {
        let said = waiver::read(&used.signed).map_err(|error| error.to_string())?;
        let terms = self.terms(&said)?;
        let mut initiators = self.story.run.consents.initiators();
        initiators.push(self.frozen.plan.made_by.clone());
        let judged = waiver::judge(&people.rules(told.at), &said, &used.signed, &terms, &initiators);
        judged.and_then(|_| waiver::of_run(&said, self.story.run.id.as_str())).map_err(|error| error.to_string())?;
        if (&said.id, &said.approver, &said.reason, said.max_uses)
            != (&used.id, &used.approver, &used.reason, used.max_uses)
            || !(used.guard == said.guard
                || used.guard.ends_with(&format!(":{}", said.guard.trim_start_matches(POLICY))))
        {
            return Err("it says something else than was signed".to_owned());
        }
        if used.number == 0 || used.number > said.max_uses {
            return Err(format!("it is use {} of {}", used.number, said.max_uses));
        }
        self.in_scope(&said)
    }

    /// What the guard says about waivers, from the documents that were frozen.
    fn terms(&self, said: &Waiver) -> Result<Terms, String> {
        let plan = &self.frozen.plan;
        if let Some(id) = said.guard.strip_prefix(POLICY) {
            let written = self.bundle.policy.get("do_not");
            let origin = &self.bundle.ledger;
            let document = json!({
                "runwarden": "v1", "ledger": { "path": "ledger.db", "key": "ledger.key", "origin": origin },
                "policy": { "do_not": written },
            });
            let workspace = read_workspace(&document, self.registry)?;
            return terms_of(&workspace.policy.do_not, written, id, &Scope::new());
        }
        let loaded = thaw(&plan.procedure, &self.frozen.documents, self.registry);
        let procedure = loaded.procedures.get(&said.procedure);
        let procedure = procedure.ok_or_else(|| format!("procedure `{}` cannot be read", said.procedure))?;
        let parameters =
            plan.parameters.iter().map(|(name, value)| (name.as_str(), Slot::Known(Value::from_json(value))));
        let scope = match said.procedure == plan.procedure {
            true => Scope::new().with("parameters", Slot::fields(parameters)),
            false => Scope::new(),
        };
        terms_of(&procedure.do_not, procedure.document.get("do_not"), &said.guard, &scope)
    }

    /// Every value that it names is the one of the run; of a procedure that is called, of one of its calls.
    fn in_scope(&self, said: &Waiver) -> Result<(), String> {
        let plan = &self.frozen.plan;
        let is_root = said.procedure == plan.procedure;
        let fits = |parameters: &indexmap::IndexMap<crate::id::Id, Json>| {
            said.scope.parameters.iter().flatten().all(|(name, value)| parameters.get(name) == Some(value))
        };
        let of_call = self.story.run.calls.values().filter(|call| call.procedure == said.procedure);
        let parameters =
            if is_root { fits(&plan.parameters) } else { of_call.into_iter().any(|call| fits(&call.parameters)) };
        let bound = |(name, to): (&crate::id::Id, &String)| plan.targets.get(name) == Some(to);
        if !parameters || (is_root && !said.scope.targets.iter().flatten().all(bound)) {
            return Err("its scope is not this run".to_owned());
        }
        Ok(())
    }
}
