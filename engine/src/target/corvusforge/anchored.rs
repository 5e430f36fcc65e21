//! A Corvusforge ledger with anchors from elsewhere: only they make it `ok`.

use super::CorvusLedger;
use super::anchor::Anchor;
use crate::ledger::report::{AnchorReport, Problem, Report, RunReport, Status};
use crate::ledger::signed::Given;
use crate::time::Timestamp;

impl CorvusLedger {
    /// Holds anchors against the ledger and adds what they come to. A sound ledger is `ok` when each run that was judged
    /// has an anchor that fits; one that does not fit breaks it.
    #[must_use]
    pub fn with_anchors(&self, mut report: Report, anchors: Vec<Given>, now: Timestamp) -> Report {
        let given = !anchors.is_empty();
        for anchor in anchors {
            let compared = self.compare(anchor, now);
            if compared.status != Status::Ok {
                let detail = format!("{}: {}", compared.source, compared.detail);
                report.problems.push(Problem { code: "bad_anchor".to_owned(), seq: None, run: None, detail });
            }
            report.anchors.push(compared);
        }
        let worst = report.anchors.iter().map(|anchor| anchor.status).find(|status| *status != Status::Ok);
        let anchored =
            |run: &RunReport| report.anchors.iter().any(|anchor| anchor.detail.starts_with(&of_run(&run.run)));
        let all = given && !report.runs.is_empty() && report.runs.iter().all(anchored);
        report.status = match (report.status.is_sound(), worst) {
            (false, _) => report.status,
            (true, Some(worst)) => worst,
            (true, None) if all => Status::Ok,
            (true, None) => report.status,
        };
        report
    }

    fn compare(&self, Given { source, bytes }: Given, now: Timestamp) -> AnchorReport {
        let bad = |source, detail| AnchorReport { source, size: 0, at: None, status: Status::AnchorMissing, detail };
        let anchor = match Anchor::parse(&bytes) {
            Ok(anchor) => anchor,
            Err(error) => return bad(source, error.to_string()),
        };
        let check = match self.check_anchor(&anchor, &anchor.run_id, None, None, now) {
            Ok(check) => check,
            Err(error) => return bad(source, error.to_string()),
        };
        let wrong: Vec<&str> =
            check.findings.iter().filter(|finding| !finding.ok).map(|finding| finding.detail.as_str()).collect();
        let has = |code: &str| check.findings.iter().any(|finding| finding.code == code && !finding.ok);
        let status = match () {
            () if wrong.is_empty() => Status::Ok,
            () if has("self_hash") || has("count") => Status::AnchorMissing,
            () if check.entries < anchor.entry_count => Status::Truncated,
            () => Status::Fork,
        };
        let said = if wrong.is_empty() {
            format!("{} of {} entries are anchored and agree", anchor.entry_count, check.entries)
        } else {
            wrong.join("; ")
        };
        AnchorReport {
            source,
            size: anchor.entry_count,
            at: Some(anchor.timestamp_utc.clone()),
            status,
            detail: format!("{}{said}", of_run(&anchor.run_id)),
        }
    }
}

fn of_run(run: &str) -> String {
    format!("run `{run}`: ")
}
