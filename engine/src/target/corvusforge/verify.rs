//! The judgement over a ledger as a report: every fault with its row, each run by itself, and one word for the whole.
//!
//! Nothing outside the ledger is compared with here, so the best it comes to is `self_consistent_only`; a history that
//! was rewritten and hashed anew is found by an anchor alone.

use crate::ledger::report::{Report, Status};
use crate::target::findings::Findings;

use super::chain::{Extent, Step};
use super::fault::{Fault, Noted};
use super::{CorvusLedger, DRIVER};

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
        match self.walk(&wanted, &mut |step| take(&mut findings, step)) {
            Ok(extent) => finish(&mut findings, &extent, runs),
            Err(error) => tell(&mut findings, &Noted::new(Fault::Unreadable, error.to_string()), None, None),
        }
        findings.report(DRIVER, Some(self.dialect().as_str()))
    }
}

fn take(findings: &mut Findings, step: Step<'_>) {
    match step {
        Step::Gap { first, noted } => tell(findings, &noted, Some(first), None),
        Step::Row(row) => {
            findings.entries += 1;
            if let Some(run) = row.run {
                findings.run_has(run, row.place);
            }
            for noted in &row.noted {
                tell(findings, noted, Some(row.id), row.run);
            }
        }
    }
}

fn finish(findings: &mut Findings, extent: &Extent, asked: Option<&[String]>) {
    if let Some(noted) = &extent.sequence {
        tell(findings, noted, None, None);
    }
    for run in asked.unwrap_or_default() {
        if !findings.knows(run) {
            let noted = Noted::new(Fault::UnknownRun, format!("run `{run}` has no entries"));
            tell(findings, &noted, None, Some(run));
        }
    }
    if findings.entries == 0 {
        findings.worsen(Status::Empty);
    }
}

fn tell(findings: &mut Findings, noted: &Noted, seq: Option<i64>, run: Option<&str>) {
    findings.tell(noted.status, noted.problem(seq, run));
}

#[cfg(test)]
mod tests;
