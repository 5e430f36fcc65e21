//! Kora's epoch: functions of the substrate's PostgreSQL (`substrate_epoch()`, `bump_substrate_epoch(uuid)`, …), never its
//! table.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Bumped, Epoch, Error, State, bumped, state};
use crate::host::{Host, Probe};
use crate::target::postgres::Connection;

/// Settings of an epoch behind PostgreSQL functions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The server.
    pub connection: Connection,
    /// The id of the operator that moves it, in `actor_registry`.
    pub actor: String,
}

/// An epoch behind PostgreSQL functions.
pub(super) struct Postgres {
    pub settings: Settings,
}

const READ: &str = "SELECT json_build_object(
    'epoch', public.substrate_epoch(),
    'known_epoch', public.kora_known_epoch(),
    'contract_version', public.substrate_contract_version(),
    'actor', (SELECT json_build_object('id', actor_id, 'kind', actor_kind, 'active', deactivated_at IS NULL,
                                       'workspace_id', workspace_id)
              FROM public.actor_registry WHERE actor_id = $1::text::uuid))::text";

/// Before and after in one answer: the subquery is asked first, as a plain expression of an outer row.
const BUMP: &str = "WITH before AS MATERIALIZED (SELECT public.substrate_epoch() AS epoch)
    SELECT json_build_object('previous', before.epoch, 'epoch', public.bump_substrate_epoch($1::text::uuid),
                             'known_epoch', public.kora_known_epoch())::text FROM before";

#[async_trait]
impl Epoch for Postgres {
    async fn read(&self, probe: &dyn Probe) -> Result<State, Error> {
        let actor = vec![Some(self.settings.actor.clone())];
        let rows = self.settings.connection.query(probe, &[], READ, actor).await?;
        state(&rows, "the substrate")
    }

    async fn bump(&self, host: &dyn Host) -> Result<Bumped, Error> {
        let actor = vec![Some(self.settings.actor.clone())];
        let rows = self.settings.connection.change(host, &[], BUMP, actor).await?;
        let wrong = |what: &str| Error::new("no_epoch", format!("the bump was answered with {what}"));
        let [Some(text)] = &rows[..] else { return Err(wrong("no row")) };
        let answer: Value = serde_json::from_str(text).map_err(|_| wrong("no JSON"))?;
        match (answer["previous"].as_i64(), answer["epoch"].as_i64()) {
            (Some(previous), Some(epoch)) => bumped(previous, epoch, answer["known_epoch"].as_i64()),
            _ => Err(wrong(text)),
        }
    }
}
