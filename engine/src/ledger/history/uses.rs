//! How often something that may be used so many times was used.

use serde_json::Value;

use super::History;
use crate::event::Kind;
use crate::id::RunId;
use crate::ledger::error::Error;

impl History<'_> {
    /// How many entries of a kind carry this id, and the newest run that one of them belongs to; those of one run are
    /// left out.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn uses(&self, kind: Kind, id: &str, except: Option<&RunId>) -> Result<(u64, Option<RunId>), Error> {
        let sql = "SELECT seq, body FROM entries WHERE kind = ? ORDER BY seq";
        let mut statement = self.conn.prepare_cached(sql).map_err(|error| self.failed(&error))?;
        let mut rows = statement.query([kind.as_str()]).map_err(|error| self.failed(&error))?;
        let (mut count, mut newest) = (0, None);
        while let Some(row) = rows.next().map_err(|error| self.failed(&error))? {
            let (_, entry) = self.read(row)?;
            let same = entry.data.get("id").and_then(Value::as_str) == Some(id);
            if same && (except.is_none() || entry.run.as_ref() != except) {
                count += 1;
                newest = entry.run.or(newest);
            }
        }
        Ok((count, newest))
    }
}
