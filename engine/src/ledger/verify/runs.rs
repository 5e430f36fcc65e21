//! Each run by itself: how many entries it has, and whether an effect of it is unknown.
//!
//! What a part of the rows says of effects is kept as it was said, since it depends on the rows before; it counts when
//! the part is joined to those.

use std::collections::HashMap;

use super::{Problem, Status};
use crate::event::Kind;
use crate::ledger::entry::Fields;
use crate::ledger::report::RunReport;

/// The runs met so far, in the order of their first entries.
#[derive(Debug, Default)]
pub(super) struct Runs {
    list: Vec<Seen>,
    places: HashMap<Box<str>, usize>,
    /// The run of the entry before: most often it is this one's too.
    last: usize,
}

#[derive(Debug)]
struct Seen {
    run: Box<str>,
    entries: u64,
    /// Its newest entry.
    last: i64,
    /// Intents without a result, and the entries they are.
    open: Vec<(Act, i64)>,
}

/// What the entries of a part say of runs.
#[derive(Debug, Default)]
pub(super) struct Told {
    runs: Runs,
    /// What was said of effects, in order.
    of_effects: Vec<Saying>,
    /// The steps that are meant, one after the other.
    steps: String,
}

/// What an entry says of an effect.
#[derive(Debug)]
struct Saying {
    /// Which of the part's runs.
    run: usize,
    seq: i64,
    kind: Kind,
    /// How much of the part's steps is this one's.
    step: Option<usize>,
    attempt: Option<u32>,
    is_unknown: bool,
}

/// One try of an effect.
#[derive(Debug, PartialEq, Eq)]
struct Act {
    step: Option<Box<str>>,
    attempt: Option<u32>,
    is_undo: bool,
}

impl Told {
    /// Takes in an entry.
    pub fn entry(&mut self, seq: i64, fields: &Fields<'_>) {
        let Some(run) = fields.run else { return };
        let run = self.runs.place(run);
        let seen = &mut self.runs.list[run];
        seen.entries += 1;
        seen.last = seq;
        if is_of_effect(fields.kind) {
            self.steps.push_str(fields.step.unwrap_or_default());
            let is_unknown = fields.state == Some("\"unknown\"");
            let (step, attempt) = (fields.step.map(str::len), fields.attempt);
            self.of_effects.push(Saying { run, seq, kind: fields.kind, step, attempt, is_unknown });
        }
    }
}

fn is_of_effect(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::StepIntent
            | Kind::OutcomeUnknown
            | Kind::UndoIntent
            | Kind::StepResult
            | Kind::UndoResult
            | Kind::OutcomeResolved
    )
}

impl Runs {
    /// Where a run is in the list; it is added if it is new.
    fn place(&mut self, run: &str) -> usize {
        if self.list.get(self.last).is_none_or(|seen| &*seen.run != run) {
            self.last = match self.places.get(run) {
                Some(place) => *place,
                None => {
                    self.list.push(Seen { run: run.into(), entries: 0, last: 0, open: Vec::new() });
                    self.places.insert(run.into(), self.list.len() - 1);
                    self.list.len() - 1
                }
            };
        }
        self.last
    }

    /// Takes in what the next part of the entries says.
    pub fn join(&mut self, told: &Told) {
        let mut places = Vec::with_capacity(told.runs.list.len());
        for part in &told.runs.list {
            let place = self.place(&part.run);
            let seen = &mut self.list[place];
            seen.entries += part.entries;
            seen.last = part.last;
            places.push(place);
        }
        let mut steps = told.steps.as_str();
        for saying in &told.of_effects {
            let step = saying.step.map(|length| {
                let (step, rest) = steps.split_at(length);
                steps = rest;
                step
            });
            self.list[places[saying.run]].of_effect(saying, step);
        }
    }

    /// The reports of all runs. One whose entries all are among the first `anchored` is `ok`; one with a problem of its
    /// own in `problems` is broken, and so is one with entries from `dropped_from` on, where not all problems were kept.
    pub fn finish(self, anchored: u64, problems: &[Problem], dropped_from: Option<i64>) -> Vec<RunReport> {
        let judged = |seen: Seen| {
            let in_doubt = dropped_from.is_some_and(|from| seen.last >= from);
            let report = seen.report(anchored);
            if in_doubt { RunReport { status: Status::Broken, ..report } } else { report }
        };
        let mut reports: Vec<RunReport> = self.list.into_iter().map(judged).collect();
        for problem in problems {
            let place = problem.run.as_deref().and_then(|run| self.places.get(run));
            if let Some(place) = place {
                reports[*place].status = Status::Broken;
                reports[*place].problems.push(problem.clone());
            }
        }
        reports
    }
}

impl Seen {
    fn of_effect(&mut self, saying: &Saying, step: Option<&str>) {
        let (attempt, seq) = (saying.attempt, saying.seq);
        let act = |is_undo| Act { step: step.map(Into::into), attempt, is_undo };
        match saying.kind {
            Kind::StepIntent | Kind::OutcomeUnknown => self.begin(act(false), seq),
            Kind::UndoIntent => self.begin(act(true), seq),
            Kind::StepResult | Kind::UndoResult => {
                let is_undo = saying.kind == Kind::UndoResult;
                if saying.is_unknown {
                    self.begin(act(is_undo), seq);
                } else {
                    self.open.retain(|(open, _)| {
                        (open.step.as_deref(), open.attempt, open.is_undo) != (step, attempt, is_undo)
                    });
                }
            }
            Kind::OutcomeResolved => self
                .open
                .retain(|(open, _)| open.step.as_deref() != step || attempt.is_some_and(|at| Some(at) != open.attempt)),
            _ => {}
        }
    }

    fn begin(&mut self, act: Act, seq: i64) {
        if self.open.iter().all(|(open, _)| *open != act) {
            self.open.push((act, seq));
        }
    }

    fn report(self, anchored: u64) -> RunReport {
        let unknown = |(act, seq): &(Act, i64)| Problem {
            code: "unknown_outcome".to_owned(),
            seq: Some(*seq),
            run: Some(self.run.to_string()),
            detail: act.unknown(),
        };
        let problems: Vec<Problem> = self.open.iter().map(unknown).collect();
        let status = match u64::try_from(self.last) {
            _ if !problems.is_empty() => Status::UnknownOutcome,
            Ok(last) if last < anchored => Status::Ok,
            _ => Status::SelfConsistentOnly,
        };
        RunReport { run: self.run.into_string(), entries: self.entries, status, problems }
    }
}

impl Act {
    fn unknown(&self) -> String {
        let what = if self.is_undo { "the undo of step" } else { "step" };
        let step = self.step.as_deref().unwrap_or("without a name");
        format!("{what} {step} may or may not have happened: its intent has no result")
    }
}
