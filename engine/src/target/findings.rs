//! What was found while a foreign ledger was read, and the report that it makes. What a fault amounts to is said by
//! who finds it.

use indexmap::IndexMap;

use crate::ledger::report::{Problem, Report, RunReport, Status};

/// How many problems are told one by one; the rest are counted, so that memory stays bounded.
pub(super) const MAX_PROBLEMS: usize = 10_000;

/// What a ledger comes to when nothing is wrong with it and nothing outside was there to compare with.
pub(super) const SOUND: Status = Status::SelfConsistentOnly;

/// The graver of two, as far as drivers of foreign ledgers give them.
pub(super) fn worse(one: Status, other: Status) -> Status {
    let gravity = |status| match status {
        Status::Unreadable => 7,
        Status::Broken => 6,
        Status::Fork => 5,
        Status::Truncated => 4,
        Status::Empty => 3,
        Status::AnchorMissing => 2,
        Status::NonCanonical => 1,
        _ => 0,
    };
    if gravity(other) > gravity(one) { other } else { one }
}

/// Everything that was found so far.
#[derive(Default)]
pub(super) struct Findings {
    pub entries: u64,
    runs: IndexMap<String, (u64, Status)>,
    problems: Vec<Problem>,
    untold: u64,
    status: Option<Status>,
}

impl Findings {
    /// One more thing is wrong; it amounts to `status`.
    pub fn tell(&mut self, status: Status, problem: Problem) {
        self.worsen(status);
        if let Some(run) = &problem.run {
            let found = self.run(run);
            found.1 = worse(found.1, status);
        }
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.untold += 1;
        }
    }

    /// The whole is at most this good.
    pub fn worsen(&mut self, status: Status) {
        self.status = Some(worse(self.status.unwrap_or(SOUND), status));
    }

    /// A run has at least so many entries.
    pub fn run_has(&mut self, run: &str, entries: u64) {
        self.run(run).0 = entries;
    }

    /// A run has one entry more.
    pub fn run_goes_on(&mut self, run: &str) {
        self.run(run).0 += 1;
    }

    /// Whether anything is known of a run.
    pub fn knows(&self, run: &str) -> bool {
        self.runs.contains_key(run)
    }

    fn run(&mut self, run: &str) -> &mut (u64, Status) {
        let index = match self.runs.get_index_of(run) {
            Some(index) => index,
            None => self.runs.insert_full(run.to_owned(), (0, SOUND)).0,
        };
        &mut self.runs[index]
    }

    /// All of it. What was told of one entry stands together, however late it was found out.
    pub fn report(mut self, driver: &str, dialect: Option<&str>) -> Report {
        self.problems.sort_by_key(|problem| (problem.seq.is_none(), problem.seq));
        let mut of_runs: IndexMap<String, RunReport> = IndexMap::new();
        for (run, (entries, status)) in self.runs {
            of_runs.insert(run.clone(), RunReport { run, entries, status, problems: Vec::new() });
        }
        for problem in &self.problems {
            if let Some(report) = problem.run.as_ref().and_then(|run| of_runs.get_mut(run)) {
                report.problems.push(problem.clone());
            }
        }
        if self.untold > 0 {
            let detail = format!("{} more problems are not listed", self.untold);
            self.problems.push(Problem { code: "more_problems".to_owned(), seq: None, run: None, detail });
        }
        Report {
            status: self.status.unwrap_or(SOUND),
            driver: driver.to_owned(),
            dialect: dialect.map(ToOwned::to_owned),
            entries: self.entries,
            runs: of_runs.into_values().collect(),
            anchors: Vec::new(),
            problems: self.problems,
            subject: None,
        }
    }
}

/// The report of a file of no bytes: nothing was checked, so nothing is sound.
pub(super) fn empty_file(driver: &str, name: &str) -> Report {
    let detail = format!("`{name}` is an empty file (0 bytes), which is no ledger");
    let mut findings = Findings::default();
    findings.tell(Status::Empty, Problem { code: "empty_file".to_owned(), seq: None, run: None, detail });
    findings.report(driver, None)
}
