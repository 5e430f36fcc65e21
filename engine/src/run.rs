//! A run is the sum of its events: one function says which may follow which, live and on replay alike.
//!
//! It does nothing; it neither reads nor writes, and time comes with the events.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::Value;

use crate::event::fact::{Event, Fact, StepIntent};
use crate::event::state::{Failure, RunStatus, StepState, Verdict};
use crate::id::{Digest, RunId};
use crate::time::Timestamp;

pub mod consents;

use consents::Consents;

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
        let (consents, steps, intents) = (Consents::default(), IndexMap::new(), Vec::new());
        Self { id, status: None, error: None, facts: 0, consents, steps, intents }
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
        if let (Some(status), false) = (self.status, matches!(fact.event, Event::RunResumed(_))) {
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
            Event::UndoIntent(_) => {
                let step = self.step_of(fact, kind)?;
                if !step.had_effect {
                    return Err(illegal("the step had no effect to undo"));
                }
                step.is_open = true;
            }
            Event::UndoResult(result) => {
                let step = self.step_of(fact, kind)?;
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
                if resolved.happened {
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
            Event::RunResumed(_) => {
                if self.is_over() {
                    return Err(illegal("the run is over"));
                }
                (self.status, self.error) = (None, None);
            }
            Event::RunSuspended(_) => self.status = Some(RunStatus::Suspended),
            Event::RunEnd(end) => {
                let open = self.steps.values().any(|step| step.is_open);
                if open && end.status == RunStatus::Succeeded {
                    return Err(illegal("an effect has no outcome"));
                }
                self.status = Some(end.status);
                self.error = end.error.clone();
            }
            _ => {}
        }
        self.consents.apply(fact);
        self.facts += 1;
        Ok(())
    }

    /// Whether it can be neither resumed nor undone any more. What was rejected after something was done can be undone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.status.is_some_and(|status| match status {
            RunStatus::Succeeded | RunStatus::Undone | RunStatus::Refused => true,
            RunStatus::Rejected => self.to_undo().is_empty(),
            _ => false,
        })
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
    fn pending() -> Self {
        Self {
            state: StepState::Pending,
            attempts: 0,
            output: None,
            error: None,
            tried: None,
            intent: None,
            passed: BTreeSet::new(),
            started_at: None,
            ended_at: None,
            is_open: false,
            had_effect: false,
        }
    }
}
