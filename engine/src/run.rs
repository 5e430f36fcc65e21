//! A run is the sum of its events: one function says which may follow which, live and on replay alike.
//!
//! It does nothing; it neither reads nor writes, and time comes with the events.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::Value;

use crate::event::fact::{Event, Fact, StepIntent, UndoIntent};
use crate::event::held::{Called, RunCancelled};
use crate::event::state::{Failure, RunStatus, StepState, Verdict};
use crate::id::{Digest, RunId};
use crate::time::Timestamp;

pub mod consents;

use consents::Consents;
/// The word of `run.resumed` for a run that is taken back.
pub const UNDO: &str = "undo";

/// A run as far as its events tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// How it ended or stands; none while it moves.
    pub status: Option<RunStatus>,
    /// The first thing that went wrong.
    pub error: Option<Failure>,
    /// How many facts it has.
    pub facts: u64,
    /// The named locks that it holds, with their fencing numbers.
    pub locks: BTreeMap<String, u64>,
    /// The named locks that were taken from it, and why.
    pub lost_locks: BTreeMap<String, String>,
    /// Every named lock that it ever took.
    pub all_locks: BTreeSet<String>,
    /// Requests of others that it has answered.
    pub answered: BTreeSet<String>,
    /// What it called, by the path of the calling step.
    pub calls: IndexMap<String, Called>,
    /// Whether what it did is being taken back.
    pub taking_back: bool,
    /// Why it is to end, once somebody asked for that.
    pub cancelled: Option<RunCancelled>,
    /// Digest of what was frozen with it, in the content store.
    pub frozen: Option<Digest>,
    /// Who began it, who consented, and what was spent on it.
    pub consents: Consents,
    // Every step that was touched, by path, in the order in which they were first touched.
    steps: IndexMap<String, StepRecord>,
    // Paths in the order of their last intent: what is undone last first.
    intents: Vec<String>,
}

/// One step of a run, or one item of a `for_each` step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// Where it stands.
    pub state: StepState,
    /// How often it was tried.
    pub attempts: u32,
    /// What it gave last.
    pub output: Option<Value>,
    /// What went wrong last.
    pub error: Option<Failure>,
    /// The action it was tried with last, the digest of its input and of what it read.
    pub tried: Option<(String, Digest, Option<Digest>)>,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When its last result came.
    pub ended_at: Option<Timestamp>,
    /// Its last intent.
    pub intent: Option<StepIntent>,
    /// The act of its undo that was begun last.
    pub undo: Option<UndoIntent>,
    /// Whether that act is what is open, and not the step's own.
    pub is_undoing: bool,
    /// How many acts of its undo were done.
    pub undone: u32,
    /// The checks of its verify block that passed.
    pub passed: BTreeSet<String>,
    /// An intent without outcome: the effect may be happening now.
    pub is_open: bool,
    /// Whether at least one effect of it happened, or may have.
    pub had_effect: bool,
}

/// A fact that cannot follow what is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{kind}` cannot follow: {why}")]
pub struct IllegalEvent {
    /// The kind of the fact.
    pub kind: &'static str,
    /// What stands against it.
    pub why: String,
}

impl Run {
    /// A run of which nothing is known yet.
    #[must_use]
    pub fn new(id: RunId) -> Self {
        Self {
            id,
            status: None,
            error: None,
            facts: 0,
            locks: BTreeMap::new(),
            lost_locks: BTreeMap::new(),
            all_locks: BTreeSet::new(),
            answered: BTreeSet::new(),
            calls: IndexMap::new(),
            taking_back: false,
            cancelled: None,
            frozen: None,
            consents: Consents::default(),
            steps: IndexMap::new(),
            intents: Vec::new(),
        }
    }

    /// Takes one more fact in.
    ///
    /// # Errors
    /// When the fact cannot follow; the run is unchanged then.
    pub fn apply(&mut self, fact: &Fact, at: Timestamp) -> Result<(), IllegalEvent> {
        let kind = fact.event.kind().as_str();
        let illegal = |why: &str| IllegalEvent { kind, why: why.to_owned() };
        if fact.run != self.id {
            return Err(illegal("it belongs to another run"));
        }
        // A lock is taken from a run that is stuck as well.
        let may_follow_an_end = matches!(fact.event, Event::RunResumed(_) | Event::LockBroken(_));
        if let (Some(status), false) = (self.status, may_follow_an_end) {
            // Other lanes of a `parallel` still end while one has left the run suspended or unknown.
            if !matches!(status, RunStatus::Suspended | RunStatus::Unknown) {
                return Err(illegal("the run has ended"));
            }
        }
        if self.facts == 0 && !matches!(fact.event, Event::RunBegin(_)) {
            return Err(illegal("the run has not begun"));
        }
        let attempt = fact.attempt.unwrap_or(0);
        match &fact.event {
            Event::RunBegin(_) if self.facts > 0 => return Err(illegal("the run has begun already")),
            Event::StepIntent(intent) => {
                let step = self.step_of(fact, kind)?;
                if step.is_open {
                    return Err(illegal("the step has an open intent"));
                }
                step.state = StepState::Waiting;
                (step.is_open, step.had_effect, step.attempts) = (true, true, attempt.max(step.attempts));
                step.started_at = step.started_at.or(Some(at));
                step.intent = Some(intent.clone());
                (step.undo, step.is_undoing, step.undone) = (None, false, 0);
                step.passed.clear();
                self.remember_intent(fact);
            }
            Event::StepResult(result) => {
                let first_error = result.error.clone();
                let step = self.step_of(fact, kind)?;
                step.is_open = result.state == StepState::Unknown;
                step.state = result.state;
                step.attempts = attempt.max(step.attempts);
                step.output = result.output.clone().or(step.output.take());
                step.error = result.error.clone();
                if let (Some(action), Some(with)) = (&result.action, &result.with_digest) {
                    step.tried = Some((action.clone(), with.clone(), result.subject.clone()));
                }
                step.started_at = step.started_at.or(Some(result.started_at));
                step.ended_at = Some(result.ended_at);
                if self.error.is_none() {
                    self.error = first_error;
                }
            }
            Event::ManualAnswered(_) if fact.step.is_some() => {
                // What a person was asked to do is done when the person says so.
                let step = self.step_of(fact, kind)?;
                (step.had_effect, step.attempts) = (true, attempt.max(step.attempts));
                self.remember_intent(fact);
            }
            Event::StepSkipped(skipped) => {
                let step = self.step_of(fact, kind)?;
                if step.is_open {
                    return Err(illegal("the step has an open intent"));
                }
                (step.state, step.output, step.ended_at) = (skipped.state, skipped.output.clone(), Some(at));
            }
            Event::UndoIntent(intent) => {
                let step = self.step_of(fact, kind)?;
                if !step.had_effect {
                    return Err(illegal("the step had no effect to undo"));
                }
                // The act before it was done, or it would not have begun.
                step.undone = intent.part;
                (step.is_open, step.is_undoing, step.undo) = (true, true, Some(intent.clone()));
            }
            Event::UndoResult(result) => {
                let step = self.step_of(fact, kind)?;
                (step.is_undoing, step.undone) = (false, 0);
                (step.state, step.error, step.is_open) = (result.state, result.error.clone(), false);
                step.ended_at = Some(at);
            }
            Event::OutcomeUnknown(_) => {
                let step = self.step_of(fact, kind)?;
                (step.state, step.is_open) = (StepState::Unknown, true);
                self.status = Some(RunStatus::Unknown);
            }
            Event::OutcomeResolved(resolved) => {
                let step = self.step_of(fact, kind)?;
                step.is_open = false;
                if step.is_undoing {
                    step.is_undoing = false;
                    step.undone += u32::from(resolved.happened);
                } else if resolved.happened {
                    (step.state, step.ended_at) = (StepState::Succeeded, Some(at));
                    step.output = resolved.output.clone().or(step.output.take());
                } else {
                    step.state = StepState::Pending;
                    // An earlier attempt may have had an effect; the first and only one had none.
                    step.had_effect &= step.attempts > 1;
                }
            }
            Event::VerifyResult(checked) => {
                if let (Some(path), Verdict::Passed) = (&fact.step, checked.verdict)
                    && let Some(step) = self.steps.get_mut(path)
                {
                    step.passed.insert(checked.check.clone());
                }
            }
            Event::RunResumed(resumed) => {
                if self.is_over(resumed.purpose == UNDO) {
                    return Err(illegal("the run is over"));
                }
                (self.status, self.error, self.cancelled) = (None, None, None);
                self.taking_back |= resumed.purpose == UNDO;
            }
            Event::PlanRecorded(plan) => match (&fact.step, &plan.call) {
                (Some(path), Some(call)) => drop(self.calls.insert(path.clone(), call.clone())),
                _ => self.frozen = Some(plan.content.clone()),
            },
            Event::LockTaken(taken) => {
                self.lost_locks.remove(&taken.lock);
                self.all_locks.insert(taken.lock.clone());
                self.locks.insert(taken.lock.clone(), taken.fence);
            }
            Event::LockReleased(released) => drop(self.locks.remove(&released.lock)),
            Event::LockBroken(broken) if self.locks.get(&broken.lock) == Some(&broken.fence) => {
                self.locks.remove(&broken.lock);
                self.lost_locks.insert(broken.lock.clone(), broken.reason.clone());
            }
            Event::RunCancelled(cancelled) => {
                self.answered.extend(cancelled.request.clone());
                self.cancelled = Some(cancelled.clone());
            }
            Event::RunSuspended(_) => self.status = Some(RunStatus::Suspended),
            Event::RunEnd(end) => {
                let open = self.steps.values().any(|step| step.is_open);
                if open && end.status == RunStatus::Succeeded {
                    return Err(illegal("an effect has no outcome"));
                }
                self.status = Some(end.status);
                self.error = end.error.clone();
                self.taking_back = false;
            }
            _ => {}
        }
        self.consents.apply(fact);
        self.facts += 1;
        self.taking_back |= matches!(fact.event, Event::UndoIntent(_));
        Ok(())
    }

    /// Whether it does not go on: what was cancelled, or rejected after something was done, can still be taken back.
    #[must_use]
    pub fn is_over(&self, to_undo: bool) -> bool {
        use RunStatus::{Cancelled, Refused, Rejected, Succeeded, Undone};
        match self.status {
            Some(Succeeded | Undone | Refused) => true,
            Some(Rejected) => !to_undo || self.to_undo().is_empty(),
            Some(Cancelled) => !to_undo,
            _ => false,
        }
    }

    /// Whether an effect of it may be happening, or may have happened, and nobody knows.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.steps.values().any(|step| step.is_open && !step.is_call())
    }

    /// What is known of a step.
    #[must_use]
    pub fn step(&self, path: &str) -> Option<&StepRecord> {
        self.steps.get(path)
    }

    /// All steps that were touched, in that order.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &StepRecord)> {
        self.steps.iter().map(|(path, step)| (path.as_str(), step))
    }

    /// The steps with an effect that has not been taken back, last intent first.
    #[must_use]
    pub fn to_undo(&self) -> Vec<&str> {
        let due = |path: &&String| {
            self.steps.get(*path).is_some_and(|step| step.had_effect && step.state != StepState::Undone)
        };
        self.intents.iter().rev().filter(due).map(String::as_str).collect()
    }

    /// Whether any effect happened, or may have.
    #[must_use]
    pub fn had_effect(&self) -> bool {
        self.steps.values().any(|step| step.had_effect)
    }

    /// Whether any effect happened, or may have, in what the step at this path calls.
    #[must_use]
    pub fn had_effect_in(&self, call: &str) -> bool {
        let within = |path: &str| path.strip_prefix(call).is_some_and(|rest| rest.starts_with('/'));
        self.steps.iter().any(|(path, step)| step.had_effect && within(path))
    }

    /// The step whose effect may or may not have happened, if there is one.
    #[must_use]
    pub fn unknown_step(&self) -> Option<&str> {
        self.steps.iter().find(|(_, step)| step.state == StepState::Unknown).map(|(path, _)| path.as_str())
    }

    fn step_of(&mut self, fact: &Fact, kind: &'static str) -> Result<&mut StepRecord, IllegalEvent> {
        let Some(path) = &fact.step else {
            return Err(IllegalEvent { kind, why: "it names no step".to_owned() });
        };
        Ok(self.steps.entry(path.clone()).or_insert_with(StepRecord::pending))
    }

    fn remember_intent(&mut self, fact: &Fact) {
        if let Some(path) = &fact.step {
            self.intents.retain(|known| known != path);
            self.intents.push(path.clone());
        }
    }
}

impl StepRecord {
    /// Whether it is a call: what is open in it is told by the steps within.
    #[must_use]
    pub fn is_call(&self) -> bool {
        !self.is_undoing && self.intent.as_ref().is_some_and(|intent| intent.action.starts_with("call."))
    }

    fn pending() -> Self {
        Self {
            state: StepState::Pending,
            attempts: 0,
            output: None,
            error: None,
            tried: None,
            intent: None,
            undo: None,
            is_undoing: false,
            undone: 0,
            passed: BTreeSet::new(),
            started_at: None,
            ended_at: None,
            is_open: false,
            had_effect: false,
        }
    }
}
