//! What a run's events tell of people: who began it, who consented or refused, what was spent, what was waived.

use crate::event::fact::{Event, Fact};
use crate::event::people::{ApprovalConsumed, ApprovalNoted, Sought};
use crate::id::Digest;

/// Of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Consents {
    /// Who began it.
    pub begun_by: Option<String>,
    /// Who made its plan, where that was somebody else.
    pub planned_by: Option<String>,
    /// The consents that were given.
    pub granted: Vec<ApprovalNoted>,
    /// The refusals that were given.
    pub rejected: Vec<ApprovalNoted>,
    /// Each use of a waiver, by its id, and what it let pass.
    pub waived: Vec<(String, String)>,
    /// What it waits for, while it waits for a consent.
    pub sought: Option<Sought>,
    // What was spent, and on which step.
    consumed: Vec<(Option<String>, ApprovalConsumed)>,
}

impl Consents {
    pub(super) fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::RunBegin(begin) => {
                self.begun_by.clone_from(&fact.actor);
                self.planned_by.clone_from(&begin.planned_by);
            }
            Event::ApprovalGranted(noted) => self.granted.push(noted.clone()),
            Event::ApprovalRejected(noted) => self.rejected.push(noted.clone()),
            Event::ApprovalConsumed(consumed) => self.consumed.push((fact.step.clone(), consumed.clone())),
            Event::WaiverUsed(used) => self.waived.push((used.id.clone(), used.act.clone())),
            Event::RunSuspended(suspended) => self.sought = suspended.sought.as_deref().cloned(),
            Event::RunResumed(_) | Event::RunEnd(_) => self.sought = None,
            _ => {}
        }
    }

    /// Whether consent to the plan, or to a step with these inputs, was spent in this run already.
    #[must_use]
    pub fn is_consumed(&self, step: Option<&str>, inputs: Option<&Digest>) -> bool {
        let same = |(of, consumed): &(Option<String>, ApprovalConsumed)| {
            of.as_deref() == step && consumed.inputs.as_ref() == inputs
        };
        self.consumed.iter().any(same)
    }

    /// Whether a consent or refusal of that id is on record.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.granted.iter().chain(&self.rejected).any(|noted| noted.id == id)
    }

    /// Who does not count where the initiator is excluded.
    #[must_use]
    pub fn initiators(&self) -> Vec<String> {
        self.begun_by.iter().chain(&self.planned_by).cloned().collect()
    }
}
