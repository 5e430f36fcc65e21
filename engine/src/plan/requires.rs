//! What a procedure requires of the place it runs in: named locks, and not to run too often. Plans and runs ask alike.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::planner::Planner;
use super::steps::failure;
use super::{Plan, Status, View};
use crate::event::held::Called;
use crate::event::state::{Failure, Verdict};
use crate::frame::Frame;
use crate::id::Name;
use crate::ledger::history::RunRow;
use crate::past::Past;
use crate::procedure::Limit;
use crate::template::scope::{Scope, Slot};
use crate::template::{Outcome as Known, Template};
use crate::time::{Duration, Timestamp};

/// The longest name of a lock, in bytes.
const LONGEST_LOCK: usize = 200;

/// How often a procedure may still run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedLimit {
    /// The procedure that says so: this one, or one that it calls.
    pub procedure: Name,
    /// The most runs.
    pub at_most: u32,
    /// Within this time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub per: Option<Duration>,
    /// What runs are counted apart by.
    pub by: Vec<Json>,
    /// How many count already.
    pub used: u32,
    /// Whether one more may run.
    pub verdict: Verdict,
    /// Why not, or why that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

impl View {
    /// The names of the locks that the plan knows of.
    #[must_use]
    pub fn lock_names(&self) -> Vec<String> {
        self.locks.clone()
    }
}

impl Plan {
    /// The lock that stands against running now, where there is one.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.view.status == Status::Busy
    }
}

/// What became of the name of a lock.
pub enum LockName {
    /// It is this.
    Known(String),
    /// It depends on these.
    Undecided(Vec<String>),
    /// It is none.
    Wrong(String),
}

/// The name of a lock, in the procedure's own scope.
#[must_use]
pub fn lock_name(template: &Template, scope: &Scope) -> LockName {
    let wrong = |why: &str| LockName::Wrong(format!("`{}` names no lock: {why}", template.source()));
    let (now, in_plan) = match (template.render(scope), template.render_for_plan(scope)) {
        (Ok(Known::Known(now)), Ok(Known::Known(in_plan))) => (now.to_text(), in_plan.to_text()),
        (Ok(Known::Undecided(because)), _) | (_, Ok(Known::Undecided(because))) => {
            return LockName::Undecided(because);
        }
        (Err(error), _) | (_, Err(error)) => return wrong(&error.to_string()),
    };
    match (now, in_plan) {
        (Some(name), Some(in_plan)) if name == in_plan => match () {
            () if name.is_empty() || name.len() > LONGEST_LOCK => wrong("it has 1 to 200 bytes"),
            () if name.trim() != &*name || name.chars().any(char::is_control) => {
                wrong("it has no blanks around it and no control characters")
            }
            () => LockName::Known(name.to_string()),
        },
        (Some(_), Some(_)) => wrong("it is another in each run, and would keep nobody out"),
        _ => wrong("it is neither text nor a number"),
    }
}

/// Asks a limit of the procedure of this frame. `own` are the procedures that this run has entered already.
#[must_use]
pub fn judge_limit(frame: &Frame, limit: &Limit, past: &Past, own: &[Called]) -> PlannedLimit {
    let scope = frame.scope();
    let mut judged = PlannedLimit {
        procedure: frame.procedure.name.clone(),
        at_most: limit.at_most,
        per: None,
        by: Vec::new(),
        used: 0,
        verdict: Verdict::Passed,
        detail: None,
    };
    let stop = |judged: PlannedLimit, verdict, why: String| PlannedLimit { verdict, detail: Some(why), ..judged };
    let per = match limit.per.render(&scope) {
        Ok(Known::Known(per)) => per.as_duration().or_else(|| Duration::parse(per.as_str()?).ok()),
        Ok(Known::Undecided(because)) => return stop(judged, Verdict::Undecided, because.join("; ")),
        Err(error) => return stop(judged, Verdict::Undecidable, error.to_string()),
    };
    let Some(per) = per else {
        let why = format!("`{}` is no duration", limit.per.source());
        return stop(judged, Verdict::Undecidable, why);
    };
    judged.per = Some(per);
    for expression in &limit.by {
        match expression.evaluate(&scope) {
            Ok(Known::Known(value)) => judged.by.push(value.to_json()),
            Ok(Known::Undecided(because)) => return stop(judged, Verdict::Undecided, because.join("; ")),
            Err(error) => return stop(judged, Verdict::Undecidable, error.to_string()),
        }
    }
    let rows = match past.rows_of(&frame.procedure.name, per) {
        Ok(rows) => rows,
        Err(why) => {
            let why = format!("the history cannot be read: {why}");
            return stop(judged, Verdict::Undecidable, why);
        }
    };
    let counts = |row: &&RunRow| !row.did_nothing && is_same(frame, limit, &judged.by, &row.parameters);
    let before: Vec<&RunRow> = rows.iter().filter(counts).collect();
    let within = own.iter().filter(|called| {
        let given = serde_json::to_value(&called.parameters).unwrap_or_default();
        called.procedure == frame.procedure.name && is_same(frame, limit, &judged.by, &given)
    });
    judged.used = u32::try_from(before.len() + within.count()).unwrap_or(u32::MAX);
    if judged.used < limit.at_most {
        return judged;
    }
    let name = &frame.procedure.name;
    let runs = if judged.used == 1 { "run counts" } else { "runs count" };
    let why = format!("`{name}` may run {} times in {per}, and {} {runs} already", limit.at_most, judged.used);
    let until = usize::try_from(limit.at_most).ok().and_then(|most| free_after(&before, most, per));
    let until = until.map(|until| format!("; the next may begin after {until}")).unwrap_or_default();
    stop(judged, Verdict::NotMet, why + &until)
}

/// When so many of the earlier runs, the newest first, no longer count that another may begin; none where it is this run
/// that counts too often.
fn free_after(before: &[&RunRow], at_most: usize, per: Duration) -> Option<Timestamp> {
    let last = before.get(at_most.checked_sub(1)?)?;
    last.started_at.plus(per)
}

/// Whether a run is counted together with this one. What cannot be told of an earlier run counts as the same.
fn is_same(frame: &Frame, limit: &Limit, by: &[Json], given: &Json) -> bool {
    let typed = frame.procedure.parameters.iter().filter_map(|(name, parameter)| {
        Some((name.as_str().to_owned(), Slot::Known(parameter.typed(given.get(name.as_str())?))))
    });
    let scope = frame.scope().with("parameters", Slot::fields(typed));
    limit.by.iter().zip(by).all(|(expression, ours)| match expression.evaluate(&scope) {
        Ok(Known::Known(theirs)) => theirs.to_json() == *ours,
        _ => true,
    })
}

impl Planner<'_> {
    /// The locks and limits of a procedure that the plan enters.
    pub(super) fn require(&mut self, frame: &Frame, called_by: &str, certain: bool) {
        let requires = &frame.procedure.requires;
        for template in &requires.locks {
            match lock_name(template, &frame.scope()) {
                LockName::Known(name) => drop(self.locks.insert(name)),
                LockName::Undecided(because) => {
                    let place = format!("{called_by}requires.locks");
                    self.undecided.insert(format!("{place}: `{}`: {}", template.source(), because.join("; ")));
                }
                LockName::Wrong(why) => self.stop(Status::Failed, refused("undecidable", &why)),
            }
        }
        for limit in &requires.limits {
            let mut judged = judge_limit(frame, limit, self.history, &self.entered);
            if !certain && judged.verdict == Verdict::NotMet {
                judged.verdict = Verdict::Undecided;
            }
            let detail = judged.detail.clone().unwrap_or_default();
            match judged.verdict {
                Verdict::NotMet | Verdict::Undecidable => self.stop(Status::Refused, refused("limit", &detail)),
                Verdict::Undecided => drop(self.undecided.insert(format!("{called_by}requires.limits: {detail}"))),
                _ => {}
            }
            self.limits.push(judged);
        }
        let (procedure, parameters) = (frame.procedure.name.clone(), frame.parameters.clone());
        self.entered.push(Called { procedure, parameters });
    }

    /// A lock that another run holds stands against running now, and not against running later.
    pub(super) fn ask_for_locks(&mut self) {
        if self.locks.is_empty() {
            return;
        }
        let wanted: Vec<String> = self.locks.iter().cloned().collect();
        match self.history.holder(&wanted) {
            Ok(None) => {}
            Ok(Some(holder)) => self.stop(Status::Busy, refused("lock_busy", &holder.to_string())),
            Err(why) => {
                let why = format!("who holds the locks cannot be told: {why}");
                self.stop(Status::Failed, refused("undecidable", &why));
            }
        }
    }
}

fn refused(code: &str, message: &str) -> Failure {
    Failure { step: None, ..failure(code, message, "", None) }
}
