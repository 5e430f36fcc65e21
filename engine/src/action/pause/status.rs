//! `pause.status`: how a system stands, and what holds it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::open;
use crate::action::{Error, Looking, Read};
use crate::id::Id;
use crate::target::pause_lever::{Open, Summary};

/// Says how a lever stands.
pub struct Status;

/// What `pause.status` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The lever.
    #[schemars(extend("x-runwarden-target" = ["pause"]))]
    target: Id,
}

/// What `pause.status` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// `live`, `paused`, `mixed`, or `unknown`.
    summary: Summary,
    /// What holds it, the hardest first: `id`, `level`, `kind`, `reason`, `issuer`, `state`.
    open: Vec<Open>,
    /// How many there are.
    count: u64,
    /// The highest level among them; 0 where there is none, or none says.
    highest_level: u8,
}

#[async_trait]
impl Read for Status {
    const NAME: &'static str = "pause.status";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let state = open(looking.facts, &params.target)?.status(looking.probe).await?;
        let highest_level = state.open.iter().filter_map(|open| open.level).max().unwrap_or_default();
        Ok(Output { summary: state.summary, count: state.open.len() as u64, highest_level, open: state.open })
    }
}
