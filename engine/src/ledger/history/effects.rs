//! Whether a run that ended otherwise than it should has done anything. What is not sure counts as done.

use super::{History, RunRow};
use crate::event::Kind;
use crate::id::RunId;
use crate::ledger::error::Error;

impl History<'_> {
    /// Whether it ended without success, and nothing was begun in it before that: of a call, after its own entry `from`
    /// and below the step `path`.
    pub(super) fn did_nothing(&self, row: &RunRow, call: Option<(u64, &str)>) -> Result<bool, Error> {
        if !row.has_ended() || row.status == "succeeded" {
            return Ok(false);
        }
        Ok(!self.has_begun(&row.run, call)?)
    }

    /// An effect was intended, a person said that a step was done, or a gate was asked to its end.
    fn has_begun(&self, run: &RunId, call: Option<(u64, &str)>) -> Result<bool, Error> {
        let sql = "SELECT seq, body FROM entries WHERE run = ? AND seq >= ?
            AND kind IN ('step.intent', 'manual.answered', 'gate.result') ORDER BY seq";
        let mut statement = self.conn.prepare_cached(sql).map_err(|error| self.failed(&error))?;
        let from = call.map_or(0, |(seq, _)| i64::try_from(seq).unwrap_or(i64::MAX));
        let mut rows = statement.query((run.as_str(), from)).map_err(|error| self.failed(&error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed(&error))? {
            let (_, entry) = self.read(row)?;
            let begun = match (call, entry.step) {
                (Some((_, path)), step) => {
                    step.is_some_and(|step| step.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
                }
                // What a person answered to a check of the run itself changed nothing.
                (None, step) => step.is_some() || entry.kind == Kind::GateResult,
            };
            if begun {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
