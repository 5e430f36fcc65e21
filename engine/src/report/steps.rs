//! What became of each step, check and guard: every attempt, every answer, every verdict, in order.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::frozen::{self, Frozen};
use crate::action::EffectClass;
use crate::event::fact::Event;
use crate::event::state::{Checked, Failure, StepState, Verdict};
use crate::id::Digest;
use crate::ledger::told::Told;
use crate::plan::{Outcome, View};
use crate::run::Run;
use crate::time::{Duration, Timestamp};

mod telling;

pub(super) use telling::steps;

/// One answer to a check.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Check {
    /// The check.
    pub id: String,
    /// The question for people.
    pub title: Option<String>,
    /// What must be true, as it is written.
    pub expected: Option<String>,
    /// The read that it asked; `manual` where a person answered.
    pub read: Option<String>,
    /// How it was decided.
    pub verdict: Verdict,
    /// Whether it counts.
    pub required: bool,
    /// Why, in words.
    pub detail: Option<String>,
    /// What the plan found when it asked.
    pub found: Option<Json>,
    /// Digest of what was read.
    pub subject: Option<Digest>,
    /// What to do about it.
    pub help: Option<String>,
    /// The entry that records it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// A guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Guard {
    /// Its id; of a called procedure or policy with where it stands.
    pub id: String,
    /// The prohibition in words.
    pub rule: Option<String>,
    /// Each time that it was asked, in order.
    pub asked: Vec<Judged>,
}

/// One verdict on a guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Judged {
    /// The entry that records it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// `plan`, `before`, `during`, `after`, `resume` or `undo`.
    pub moment: String,
    /// The act it was asked about.
    pub act: Option<String>,
    /// How it was decided.
    pub verdict: Verdict,
    /// Why, in words.
    pub detail: Option<String>,
}

/// A step, or one item of a `for_each` step.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Step {
    /// Its path: ids of calls and the step, joined by `/`; an item of a `for_each` as `step[key]`.
    pub path: String,
    /// Its title.
    pub title: Option<String>,
    /// The action, `manual`, `wait` or `call.NAME`.
    pub action: String,
    /// What it changes.
    pub effect: Option<EffectClass>,
    /// Where it stands; `pending` where it was not begun.
    pub state: StepState,
    /// What the plan said would come of it; none where it stands in no plan.
    pub planned: Option<Outcome>,
    /// Why it was not needed, or what the plan said about it.
    pub because: Option<String>,
    /// Every try, in order.
    pub attempts: Vec<Attempt>,
    /// Its checks, in order: what had to be so before, and what had to be so after.
    pub checks: Vec<Check>,
    /// What people were asked and said.
    pub manual: Vec<Manual>,
    /// That nobody knew what came of it, and how that was found out.
    pub doubts: Vec<Doubt>,
    /// Every time that it was taken back, or tried to be.
    pub undo: Vec<Undo>,
}

/// One try of a step.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Attempt {
    /// Which, from 1.
    pub number: u32,
    /// The entry that says that it is about to be done; none of what only reads.
    pub intent: Option<u64>,
    /// The entry that says what came of it; none while nobody knows.
    pub result: Option<u64>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How long it took.
    pub took: Option<Duration>,
    /// Its input, as rendered.
    pub with: Option<Json>,
    /// Digest of its input.
    pub with_digest: Option<Digest>,
    /// What came of it.
    pub state: Option<StepState>,
    /// What it gave.
    pub output: Option<Json>,
    /// What went wrong.
    pub error: Option<Failure>,
}

/// What a person was asked and said.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Manual {
    /// When the person was asked.
    pub asked_at: Option<Timestamp>,
    /// In these words.
    pub ask: Option<String>,
    /// When the answer came; none while it has not.
    pub answered_at: Option<Timestamp>,
    /// Who answered.
    pub by: Option<String>,
    /// The typed answers.
    pub answer: Map<String, Json>,
    /// Whether a value was typed back exactly.
    pub read_back: bool,
    /// Digests of attached files.
    pub evidence: Vec<Digest>,
}

/// That nobody knew what came of an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Doubt {
    /// Since when; none where a lone intent was found.
    pub at: Option<Timestamp>,
    /// Why.
    pub detail: Option<String>,
    /// How it was found out; none while it is not.
    pub resolved: Option<Resolved>,
}

/// How it was found out whether an effect happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Resolved {
    /// When.
    pub at: Timestamp,
    /// Whether it did.
    pub happened: bool,
    /// `probe`: the action looked; `person`: somebody said so; `repeatable`: doing it again comes to the same.
    pub by: String,
    /// Who was there.
    pub actor: Option<String>,
    /// Why, where a person said so.
    pub reason: Option<String>,
}

/// One time that a step was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Undo {
    /// What was done for it, in order.
    pub acts: Vec<UndoAct>,
    /// What came of it; none while nobody knows.
    pub state: Option<StepState>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it gave.
    pub output: Option<Json>,
    /// What went wrong.
    pub error: Option<Failure>,
}

/// One act of an undo.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UndoAct {
    /// The entry that says that it is about to be done.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The action.
    pub action: String,
    /// Its input, as rendered.
    pub with: Json,
}

/// What had to be so before anything began.
pub(super) fn preconditions(frozen: &Frozen, run: &Run, facts: &[Told]) -> Vec<Check> {
    let mut found = Vec::new();
    let mut as_planned = true;
    for told in facts {
        match &told.fact.event {
            // From then on they are asked anew, and what the plan found is no longer what they go by.
            Event::RunResumed(_) => as_planned = false,
            Event::PreconditionResult(checked) if told.fact.step.is_none() => {
                let mut check = check(frozen, run, told, checked);
                let place = format!("preconditions.{}", checked.check);
                let observed = frozen.plan.iter().flat_map(|plan| &plan.observed).find(|seen| seen.by == place);
                check.found = observed.filter(|_| as_planned).map(|seen| seen.found.clone());
                found.push(check);
            }
            _ => {}
        }
    }
    found
}

/// The checks of the procedure as a whole.
pub(super) fn checks(frozen: &Frozen, run: &Run, facts: &[Told]) -> Vec<Check> {
    let of_run = |told: &Told| match &told.fact.event {
        Event::VerifyResult(checked) if told.fact.step.is_none() => Some(check(frozen, run, told, checked)),
        _ => None,
    };
    facts.iter().filter_map(of_run).collect()
}

fn check(frozen: &Frozen, run: &Run, told: &Told, checked: &Checked) -> Check {
    let written = frozen.check(run, told.fact.step.as_deref(), &checked.check);
    let is_bad = matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable | Verdict::Violated);
    // Help with expressions in it would need names that the record has not.
    let help = written.and_then(|check| check.help.as_ref()).filter(|help| is_bad && help.references().is_empty());
    Check {
        id: checked.check.clone(),
        title: written.and_then(|check| check.title.clone()),
        expected: written.map(|check| frozen::expected(check).to_owned()),
        read: checked.action.clone().or_else(|| written.and_then(frozen::read_of)),
        verdict: checked.verdict,
        required: checked.required,
        detail: checked.detail.clone(),
        found: None,
        subject: checked.subject.clone(),
        help: help.map(|help| help.source().trim().to_owned()),
        seq: told.seq,
        at: told.at,
    }
}

/// The guards of the plan, and those that were asked besides.
pub(super) fn guards(view: Option<&View>, facts: &[Told]) -> Vec<Guard> {
    let planned = view.iter().flat_map(|view| &view.guards);
    let mut guards: IndexMap<String, Guard> = planned
        .map(|guard| {
            (guard.id.clone(), Guard { id: guard.id.clone(), rule: Some(guard.rule.clone()), asked: Vec::new() })
        })
        .collect();
    for told in facts {
        let Event::GuardVerdict(verdict) = &told.fact.event else { continue };
        let guard = guards.entry(verdict.guard.clone()).or_insert_with(|| Guard {
            id: verdict.guard.clone(),
            rule: None,
            asked: Vec::new(),
        });
        guard.asked.push(Judged {
            seq: told.seq,
            at: told.at,
            moment: verdict.moment.clone(),
            act: verdict.act.clone().filter(|act| !act.is_empty()),
            verdict: verdict.verdict,
            detail: verdict.detail.clone(),
        });
    }
    guards.into_values().collect()
}
