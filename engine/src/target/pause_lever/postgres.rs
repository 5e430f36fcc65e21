//! Kora's control plane: commands in `kora_control`, given by `issue_kora_control` and by nothing else.
//!
//! The table has no path for INSERT, and this driver seeks none. A reset (level 0) lifts every open command, whoever gave
//! it. A writer that timed out may have been heard: an order is found again by its mark in the reason.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Done, Error, Lever, Open, Order, State, Summary};
use crate::host::{Host, Probe};
use crate::target::postgres::Connection;

/// Settings of Kora's control plane.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The server.
    pub connection: Connection,
    /// The workspace, `org_…`.
    pub workspace_id: String,
    /// The id of the operator that gives commands, in `actor_registry`.
    pub actor: String,
    /// What is written down as the session that a command comes from.
    #[serde(default = "usual_session")]
    pub session: String,
    /// The level of a pause where a step says none.
    #[serde(default = "lowest_level")]
    pub level: u8,
}

fn usual_session() -> String {
    "runwarden".to_owned()
}

fn lowest_level() -> u8 {
    1
}

/// Kora's control plane.
pub(super) struct Postgres {
    pub settings: Settings,
}

/// What holds: what is on its way, and what was enforced after the last reset.
const STATUS: &str = "WITH reset AS (
        SELECT coalesce(max(sequence), 0) AS sequence FROM public.kora_control WHERE workspace_id = $1 AND level = 0
    )
    SELECT json_build_object('id', command_id, 'level', level, 'kind', kind, 'reason', reason,
                             'issuer', issuer_actor_id, 'state', lifecycle_state)::text
    FROM public.kora_control, reset
    WHERE workspace_id = $1 AND level > 0 AND kora_control.sequence > reset.sequence
      AND lifecycle_state IN ('created', 'visible_to_runtime', 'acknowledged', 'enforcing', 'enforced', 'escalated')
    ORDER BY level DESC, kora_control.sequence ASC";

const ISSUE: &str = "SELECT json_build_object('id', out_command_id, 'sequence', out_sequence,
        'state', out_lifecycle_state, 'lifted', to_json(out_superseded_command_ids))::text
    FROM public.issue_kora_control($1::text, $2::text, $3::text::uuid, $4::text::smallint, $5::text, $6::text)";

const FIND: &str = "SELECT json_build_object('id', command_id, 'lifted', json_build_array())::text
    FROM public.kora_control WHERE workspace_id = $1 AND position($2::text IN coalesce(reason, '')) > 0
    ORDER BY sequence LIMIT 1";

/// What Kora's writer calls the levels.
const KINDS: [&str; 6] = ["reset", "pause", "drain", "abort", "kill", "kill"];

impl Postgres {
    fn local(&self) -> [(&str, &str); 1] {
        [("app.workspace_id", &self.settings.workspace_id)]
    }

    async fn issue(&self, host: &dyn Host, order: &Order, level: u8) -> Result<Done, Error> {
        let Settings { connection, workspace_id, actor, session, .. } = &self.settings;
        let kind = KINDS.get(usize::from(level));
        let kind =
            kind.ok_or_else(|| Error::new("bad_input", format!("there is no level {level}: 0 to 5 there are")))?;
        let (level, reason) = (level.to_string(), reason(order));
        let values = [workspace_id, session, actor, &level, *kind, &reason].map(|text| Some(text.to_owned()));
        let rows = connection.change(host, &self.local(), ISSUE, values.to_vec()).await?;
        done(&rows)?.ok_or_else(|| Error::new("no_effect", "the control plane answered without a command"))
    }
}

/// The reason with the mark in it, by which the command is found again.
fn reason(order: &Order) -> String {
    format!("{} [{}]", order.reason, order.mark)
}

fn done(rows: &[Option<String>]) -> Result<Option<Done>, Error> {
    let wrong = || Error::new("malformed", "the control plane answered with no command");
    let Some(row) = rows.first() else { return Ok(None) };
    let answer: Value = serde_json::from_str(row.as_deref().unwrap_or_default()).map_err(|_| wrong())?;
    let id = answer["id"].as_str().ok_or_else(wrong)?.to_owned();
    let lifted = answer["lifted"].as_array().into_iter().flatten();
    Ok(Some(Done { id: Some(id), lifted: lifted.filter_map(Value::as_str).map(str::to_owned).collect() }))
}

#[async_trait]
impl Lever for Postgres {
    async fn status(&self, probe: &dyn Probe) -> Result<State, Error> {
        let workspace = vec![Some(self.settings.workspace_id.clone())];
        let rows = self.settings.connection.query(probe, &self.local(), STATUS, workspace).await?;
        let read = |row: &Option<String>| serde_json::from_str::<Open>(row.as_deref().unwrap_or_default());
        let open = rows.iter().map(read).collect::<Result<Vec<_>, _>>();
        let open = open.map_err(|error| Error::new("malformed", format!("a row of `kora_control`: {error}")))?;
        let summary = if open.is_empty() { Summary::Live } else { Summary::Paused };
        Ok(State { summary, open })
    }

    async fn pause(&self, host: &dyn Host, order: &Order) -> Result<Done, Error> {
        let level = order.level.unwrap_or(self.settings.level);
        if level == 0 {
            return Err(Error::new("bad_input", "level 0 is a reset, and no pause"));
        }
        self.issue(host, order, level).await
    }

    async fn resume(&self, host: &dyn Host, order: &Order) -> Result<Done, Error> {
        self.issue(host, order, 0).await
    }

    fn always_resumes(&self) -> bool {
        // A runtime that paused itself has no command here, and a reset is what lets it go on.
        true
    }

    async fn find(&self, probe: &dyn Probe, order: &Order) -> Result<Option<Done>, Error> {
        let values = vec![Some(self.settings.workspace_id.clone()), Some(format!("[{}]", order.mark))];
        done(&self.settings.connection.query(probe, &self.local(), FIND, values).await?)
    }
}
