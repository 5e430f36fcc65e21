//! Each run by itself: how many entries it has, and whether an effect of it is unknown.

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

/// One try of an effect.
#[derive(Debug, PartialEq, Eq)]
struct Act {
    step: Option<Box<str>>,
    attempt: Option<u32>,
    is_undo: bool,
}

impl Runs {
    /// Takes in an entry.
    pub fn entry(&mut self, seq: i64, fields: &Fields<'_>) {
        let Some(run) = fields.run else { return };
        if self.list.get(self.last).is_none_or(|seen| &*seen.run != run) {
            self.last = match self.places.get(run) {
                Some(place) => *place,
                None => {
                    self.list.push(Seen { run: run.into(), entries: 0, last: seq, open: Vec::new() });
                    self.places.insert(run.into(), self.list.len() - 1);
                    self.list.len() - 1
                }
            };
        }
        self.list[self.last].entry(seq, fields);
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
    fn entry(&mut self, seq: i64, fields: &Fields<'_>) {
        self.entries += 1;
        self.last = seq;
        let act = |is_undo| Act { step: fields.step.map(Into::into), attempt: fields.attempt, is_undo };
        match fields.kind {
            Kind::StepIntent | Kind::OutcomeUnknown => self.begin(act(false), seq),
            Kind::UndoIntent => self.begin(act(true), seq),
            Kind::StepResult | Kind::UndoResult => {
                let act = act(fields.kind == Kind::UndoResult);
                if fields.state == Some("\"unknown\"") {
                    self.begin(act, seq);
                } else {
                    self.open.retain(|(open, _)| *open != act);
                }
            }
            Kind::OutcomeResolved => self.open.retain(|(open, _)| {
                open.step.as_deref() != fields.step || fields.attempt.is_some_and(|at| Some(at) != open.attempt)
            }),
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
