//! What of a procedure cases can reach, and what a case reached.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::compare::Found;
use super::script::without_item;
use crate::event::fact::Event;
use crate::event::state::{StepState, Verdict};
use crate::id::Id;
use crate::procedure::check::Check;
use crate::procedure::guard::Form;
use crate::procedure::step::{Body, OnError, Step, Undo};
use crate::procedure::{Procedure, Work};

/// Something that a case can reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Point {
    /// Of which sort.
    pub kind: Kind,
    /// The step, check or guard, or the title of the failure mode.
    pub id: String,
    /// What of it: `held`, `violated`, …
    pub what: &'static str,
}

/// The sorts of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A precondition of the procedure or a step.
    Precondition,
    /// A guard.
    Guard,
    /// A step.
    Step,
    /// A way that a step can take.
    Branch,
    /// A check of a `verify`.
    Verify,
    /// An item of a checklist.
    Item,
    /// The undo of a step.
    Undo,
    /// A failure mode.
    FailureMode,
}

impl Kind {
    /// As people read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Precondition => "precondition",
            Self::Guard => "guard",
            Self::Step => "step",
            Self::Branch => "branch",
            Self::Verify => "verify",
            Self::Item => "item",
            Self::Undo => "undo",
            Self::FailureMode => "failure mode",
        }
    }
}

const DONE: &str = "done";
const WHEN_TRUE: &str = "`when` is true";
const WHEN_FALSE: &str = "`when` is false";
const SATISFIED: &str = "satisfied already";
const NOT_SATISFIED: &str = "not satisfied yet";
const WENT_ON: &str = "failed, and the run went on";
const HELD: &str = "held";
const VIOLATED: &str = "violated";
const MET: &str = "met";
const NOT_MET: &str = "not met";
const UNDONE: &str = "undone";
const SHOWN: &str = "shown";

/// Everything that the cases of a procedure should reach, in the order in which it is written.
#[must_use]
pub fn points(procedure: &Procedure) -> Vec<Point> {
    let mut points = Points(Vec::new());
    points.checks(Kind::Precondition, None, &procedure.preconditions);
    for guard in &procedure.do_not {
        // What is forbidden altogether cannot be done and hold.
        if !matches!(guard.form, Form::Forbid { condition: None, .. }) {
            points.push(Kind::Guard, guard.id.as_str(), HELD);
        }
        points.push(Kind::Guard, guard.id.as_str(), VIOLATED);
    }
    match &procedure.work {
        Work::Steps(work) => {
            work.steps.iter().for_each(|step| points.step(step));
            points.checks(Kind::Verify, None, &work.verify);
            work.finally.iter().for_each(|step| points.step(step));
        }
        Work::Items(items) => {
            points.checks(Kind::Item, None, items);
            let skipped = items.iter().filter(|item| item.when.is_some());
            skipped.for_each(|item| points.push(Kind::Item, item.id.as_str(), WHEN_FALSE));
        }
    }
    for mode in &procedure.failure_modes {
        points.push(Kind::FailureMode, &mode.title, SHOWN);
    }
    points.0
}

struct Points(Vec<Point>);

impl Points {
    fn push(&mut self, kind: Kind, id: &str, what: &'static str) {
        self.0.push(Point { kind, id: id.to_owned(), what });
    }

    fn checks(&mut self, kind: Kind, step: Option<&str>, checks: &[Check]) {
        for check in checks {
            let id = step.map_or_else(|| check.id.to_string(), |step| format!("{step}.{}", check.id));
            self.push(kind, &id, MET);
            self.push(kind, &id, NOT_MET);
        }
    }

    fn step(&mut self, step: &Step) {
        let id = step.id.as_str();
        self.push(Kind::Step, id, DONE);
        let branches = [
            (step.when.is_some(), [WHEN_TRUE, WHEN_FALSE]),
            (step.satisfied_when.is_some(), [SATISFIED, NOT_SATISFIED]),
        ];
        for (_, ways) in branches.into_iter().filter(|(there, _)| *there) {
            ways.into_iter().for_each(|way| self.push(Kind::Branch, id, way));
        }
        if step.on_error == OnError::Continue {
            self.push(Kind::Branch, id, WENT_ON);
        }
        self.checks(Kind::Precondition, Some(id), &step.preconditions);
        self.checks(Kind::Verify, Some(id), &step.verify);
        if matches!(step.undo, Undo::Bodies(_)) {
            self.push(Kind::Undo, id, UNDONE);
        }
        if let Body::Parallel(steps) = &step.body {
            steps.iter().for_each(|step| self.step(step));
        }
    }
}

/// What a case reached of a procedure.
pub(super) fn reached(procedure: &Procedure, found: &Found) -> BTreeSet<Point> {
    let mut points = Points(Vec::new());
    for guard in &procedure.do_not {
        let is_state = matches!(guard.form, Form::Never(_));
        for (moment, verdict) in verdicts(found, guard.id.as_str()) {
            match verdict {
                // A plan says of every guard that it holds, whether or not there was anything to judge.
                Verdict::Passed if moment != "plan" || is_state => {
                    points.push(Kind::Guard, guard.id.as_str(), HELD);
                }
                Verdict::Violated | Verdict::Undecidable => points.push(Kind::Guard, guard.id.as_str(), VIOLATED),
                _ => {}
            }
        }
    }
    for fact in &found.facts {
        let step = fact.step.as_deref().map(without_item);
        match (&fact.event, step.as_deref()) {
            (Event::PreconditionResult(checked), step) => points.checked(Kind::Precondition, step, checked),
            (Event::VerifyResult(checked), None) if matches!(procedure.work, Work::Items(_)) => {
                points.item(checked);
            }
            (Event::VerifyResult(checked), step) => points.checked(Kind::Verify, step, checked),
            (Event::StepSkipped(skipped), Some(step)) => points.skipped(procedure, step, skipped.state),
            (Event::UndoResult(result), Some(step)) if result.state == StepState::Undone => {
                points.push(Kind::Undo, step, UNDONE);
            }
            _ => {}
        }
    }
    points.of_failure(found);
    let steps = found.run.iter().flat_map(|run| run.steps());
    for (path, record) in steps.filter(|(_, record)| !is_left_out(record.state)) {
        points.acted(procedure, &without_item(path), record.state);
    }
    points.0.into_iter().collect()
}

fn verdicts<'a>(found: &'a Found, guard: &'a str) -> impl Iterator<Item = (&'a str, Verdict)> {
    found.facts.iter().filter_map(move |fact| match &fact.event {
        Event::GuardVerdict(verdict) if verdict.guard == guard => Some((verdict.moment.as_str(), verdict.verdict)),
        _ => None,
    })
}

fn step_of<'a>(procedure: &'a Procedure, step: &str) -> Option<&'a Step> {
    // A step of a called procedure has a path with `/`, which no id has.
    procedure.find_step(&Id::parse(step).ok()?)
}

fn is_left_out(state: StepState) -> bool {
    matches!(state, StepState::Pending | StepState::Skipped | StepState::NoChange | StepState::Refused)
}

impl Points {
    fn checked(&mut self, kind: Kind, step: Option<&str>, checked: &crate::event::state::Checked) {
        let what = match checked.verdict {
            Verdict::Passed => MET,
            Verdict::NotMet | Verdict::Undecidable => NOT_MET,
            _ => return,
        };
        let id = step.map_or_else(|| checked.check.clone(), |step| format!("{step}.{}", checked.check));
        self.push(kind, &id, what);
    }

    fn item(&mut self, checked: &crate::event::state::Checked) {
        match checked.verdict {
            Verdict::Skipped => self.push(Kind::Item, &checked.check, WHEN_FALSE),
            _ => self.checked(Kind::Item, None, checked),
        }
    }

    fn skipped(&mut self, procedure: &Procedure, step: &str, state: StepState) {
        let Some(known) = step_of(procedure, step) else { return };
        match state {
            StepState::NoChange if known.satisfied_when.is_some() => self.push(Kind::Branch, step, SATISFIED),
            StepState::NoChange => self.push(Kind::Step, step, DONE),
            _ if known.when.is_some() => self.push(Kind::Branch, step, WHEN_FALSE),
            _ => {}
        }
        if state == StepState::NoChange && known.when.is_some() {
            self.push(Kind::Branch, step, WHEN_TRUE);
        }
    }

    fn acted(&mut self, procedure: &Procedure, step: &str, state: StepState) {
        let Some(known) = step_of(procedure, step) else { return };
        self.push(Kind::Step, step, DONE);
        if known.when.is_some() {
            self.push(Kind::Branch, step, WHEN_TRUE);
        }
        if known.satisfied_when.is_some() {
            self.push(Kind::Branch, step, NOT_SATISFIED);
        }
        let has_failed = matches!(state, StepState::Failed | StepState::TimedOut);
        if known.on_error == OnError::Continue && has_failed {
            self.push(Kind::Branch, step, WENT_ON);
        }
    }

    /// A check that failed while planning, and the failure mode that was shown.
    fn of_failure(&mut self, found: &Found) {
        if let Some(title) = &found.advice {
            self.push(Kind::FailureMode, title, SHOWN);
        }
        let Some(failure) = &found.failure else { return };
        let Some(check) = &failure.check else { return };
        let id = failure.step.as_ref().map_or_else(|| check.clone(), |step| format!("{}.{check}", without_item(step)));
        let kind = if failure.code == "precondition" { Kind::Precondition } else { Kind::Verify };
        self.push(kind, &id, NOT_MET);
    }
}
