//! `agijobs.pause_state`: SystemPause and its eight modules, as the chain has them.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::procedure::TargetKind as Kind;
use crate::target::driver;
use crate::target::evm::system_pause::Module;
use crate::target::pause_lever::Summary;
use crate::target::pause_lever::evm::Settings;

/// Reads the pause state from the chain.
pub struct PauseState;

/// What `agijobs.pause_state` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The lever, of driver `evm`.
    #[schemars(extend("x-runwarden-target" = ["pause"]))]
    target: Id,
}

/// What `agijobs.pause_state` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The chain that the node is of.
    chain_id: u64,
    /// Whether that is the target's.
    right_chain: bool,
    /// Whether there is a contract at the target's address.
    has_code: bool,
    /// Who may pause, in lowercase; none where there is no contract.
    governance: Option<String>,
    /// Whether that is a contract, a timelock or a Safe, for which no account can sign.
    governed_by_contract: bool,
    /// Who would sign, in lowercase; none where the target names nobody.
    signer: Option<String>,
    /// `live`, `paused`, `mixed`, or `unknown` unless all eight can be read.
    summary: Summary,
    /// The eight modules: `name`, `address`, `readable`, `paused`, `owned`.
    modules: Vec<Module>,
    /// The names of those that are live.
    live: Vec<String>,
    /// The names of those that are paused.
    paused: Vec<String>,
    /// The names of those of which that cannot be read.
    unreadable: Vec<String>,
    /// The names of those that SystemPause does not own, and cannot pause.
    not_owned: Vec<String>,
    /// The digest of what was read.
    subject: Digest,
}

#[async_trait]
impl Read for PauseState {
    const NAME: &'static str = "agijobs.pause_state";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let target = looking.facts.target(&params.target)?;
        if target.kind != Kind::Pause || target.driver != "evm" {
            let message = format!("target `{}` is no `pause` of driver `evm`", params.target);
            return Err(Error::new("bad_target", message));
        }
        let settings: Settings = target.settings().map_err(driver::Error::from)?;
        let state = settings.read(looking.probe).await?;
        let named = |pick: fn(&Module) -> bool| -> Vec<String> {
            state.modules.iter().filter(|module| pick(module)).map(|module| module.name.clone()).collect()
        };
        let subject = Digest::of(serde_json::json!([state.chain_id, state.modules]).to_string().as_bytes());
        Ok(Output {
            chain_id: state.chain_id,
            right_chain: state.chain_id == settings.chain_id,
            has_code: state.has_code,
            governance: state.governance.map(|governance| governance.to_string()),
            governed_by_contract: state.governed_by_contract,
            signer: settings.signer.map(|signer| signer.to_lowercase()),
            summary: state.summary(),
            live: named(|module| module.paused == Some(false)),
            paused: named(|module| module.paused == Some(true)),
            unreadable: named(|module| module.paused.is_none()),
            not_owned: named(|module| module.owned != Some(true)),
            modules: state.modules,
            subject,
        })
    }
}
