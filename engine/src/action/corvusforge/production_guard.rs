//! `corvusforge.production_guard`: whether the settings that Corvusforge is started with are those of production.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::production;
use crate::action::{Error, Looking, Read};
use crate::id::Id;
use crate::target::corvusforge::production::Problem;

/// Judges the production settings.
pub struct ProductionGuard;

/// What `corvusforge.production_guard` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registry of the deployment, whose `env_file` is read.
    #[schemars(extend("x-runwarden-target" = ["plugin_registry"]))]
    target: Id,
}

/// What `corvusforge.production_guard` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether nothing is wrong.
    passed: bool,
    /// The environment, as written; `development` where it is not.
    environment: String,
    /// The public key that plugins must be signed with; empty where there is none.
    plugin_trust_root: String,
    /// The public key that waivers must be signed with; empty where there is none.
    waiver_signing_key: String,
    /// Everything that is wrong.
    problems: Vec<Problem>,
}

#[async_trait]
impl Read for ProductionGuard {
    const NAME: &'static str = "corvusforge.production_guard";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let found = production(looking.facts, looking.probe, &params.target).await?;
        Ok(Output {
            passed: found.problems.is_empty(),
            environment: found.environment,
            plugin_trust_root: found.plugin_trust_root,
            waiver_signing_key: found.waiver_signing_key,
            problems: found.problems,
        })
    }
}
