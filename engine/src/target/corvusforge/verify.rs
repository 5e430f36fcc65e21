//! The judgement over a ledger as a report: every fault with its row, each run by itself, and one word for the whole.
//!
//! Nothing outside the ledger is compared with here, so the best it comes to is `self_consistent_only`; a history that
//! was rewritten and hashed anew is found by an anchor alone.

use indexmap::IndexMap;

use crate::ledger::report::{Problem, Report, RunReport, Status};

use super::chain::{Extent, Step};
use super::fault::{Fault, Noted};
use super::{CorvusLedger, DRIVER};

/// How many problems are told one by one; the rest are counted, so that memory stays bounded.
const MAX_PROBLEMS: usize = 10_000;

/// What a ledger comes to when nothing is wrong with it and nothing outside was there to compare with.
pub(super) const SOUND: Status = Status::SelfConsistentOnly;

/// The graver of two, as far as this driver gives them.
pub(super) fn worse(one: Status, other: Status) -> Status {
    let gravity = |status| match status {
        Status::Unreadable => 6,
        Status::Broken => 5,
        Status::Fork => 4,
        Status::Truncated => 3,
        Status::Empty => 2,
        Status::NonCanonical => 1,
        _ => 0,
    };
    if gravity(other) > gravity(one) { other } else { one }
}

impl CorvusLedger {
    /// Reads every row once and tells everything that is wrong. With `runs`, only the entries of those are judged and
    /// counted; missing rows and the sequence are always told, for nobody knows of which run they were.
    ///
    /// Zero rows, of the ledger or of a run that was asked for, is `empty` and never sound. The caller fills
    /// `subject`: the digest of the original.
    #[must_use]
    pub fn verify(&self, runs: Option<&[String]>) -> Report {
        let mut findings = Findings::default();
        let wanted = |run: &str| runs.is_none_or(|runs| runs.iter().any(|wanted| wanted == run));
        match self.walk(&wanted, &mut |step| findings.take(step)) {
            Ok(extent) => findings.finish(&extent, runs),
            Err(error) => findings.tell(&Noted::new(Fault::Unreadable, error.to_string()), None, None),
        }
        findings.report(self)
    }
}

#[derive(Default)]
struct Findings {
    entries: u64,
    runs: IndexMap<String, RunReport>,
    problems: Vec<Problem>,
    untold: u64,
    status: Option<Status>,
}

impl Findings {
    fn take(&mut self, step: Step<'_>) {
        match step {
            Step::Gap { first, noted } => self.tell(&noted, Some(first), None),
            Step::Row(row) => {
                self.entries += 1;
                if let Some(run) = row.run {
                    self.run(run).entries = row.place;
                }
                for noted in &row.noted {
                    self.tell(noted, Some(row.id), row.run);
                }
            }
        }
    }

    fn finish(&mut self, extent: &Extent, asked: Option<&[String]>) {
        if let Some(noted) = &extent.sequence {
            self.tell(noted, None, None);
        }
        for run in asked.unwrap_or_default() {
            if !self.runs.contains_key(run) {
                let noted = Noted::new(Fault::UnknownRun, format!("run `{run}` has no entries"));
                self.tell(&noted, None, Some(run));
            }
        }
        if self.entries == 0 {
            self.worsen(Status::Empty);
        }
    }

    fn tell(&mut self, noted: &Noted, seq: Option<i64>, run: Option<&str>) {
        self.worsen(noted.status);
        let told = self.problems.len() < MAX_PROBLEMS;
        let problem = noted.problem(seq, run);
        if let Some(run) = run {
            let report = self.run(run);
            report.status = worse(report.status, noted.status);
            if told {
                report.problems.push(problem.clone());
            }
        }
        if told {
            self.problems.push(problem);
        } else {
            self.untold += 1;
        }
    }

    fn worsen(&mut self, status: Status) {
        self.status = Some(worse(self.status.unwrap_or(SOUND), status));
    }

    fn run(&mut self, run: &str) -> &mut RunReport {
        let index = match self.runs.get_index_of(run) {
            Some(index) => index,
            None => {
                let report = RunReport { run: run.to_owned(), entries: 0, status: SOUND, problems: Vec::new() };
                self.runs.insert_full(run.to_owned(), report).0
            }
        };
        &mut self.runs[index]
    }

    fn report(mut self, ledger: &CorvusLedger) -> Report {
        if self.untold > 0 {
            let detail = format!("{} more problems are not listed", self.untold);
            self.problems.push(Problem { code: "more_problems".to_owned(), seq: None, run: None, detail });
        }
        Report {
            status: self.status.unwrap_or(SOUND),
            driver: DRIVER.to_owned(),
            dialect: Some(ledger.dialect().as_str().to_owned()),
            entries: self.entries,
            runs: self.runs.into_values().collect(),
            anchors: Vec::new(),
            problems: self.problems,
            subject: None,
        }
    }
}

#[cfg(test)]
mod tests;
