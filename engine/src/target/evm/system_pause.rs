//! AGIJobs' SystemPause and its eight modules, read from the chain and moved on it.
//!
//! What is believed is what the chain says: neither an exit code nor a receipt alone. A module whose `paused()` cannot be
//! read is neither paused nor live.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Address, Called, Error, Node, Receipt};
use crate::host::Probe;
use crate::target::pause_lever::Summary;

/// The modules in the contract's order, and the selectors of their getters.
pub const MODULES: [(&str, &str); 8] = [
    ("jobRegistry", "0x23682c47"),
    ("stakeManager", "0x7542ff95"),
    ("validationModule", "0x8c795b9c"),
    ("disputeModule", "0x83562af0"),
    ("platformRegistry", "0xc255f878"),
    ("feePool", "0xae2e933b"),
    ("reputationEngine", "0xc3f677ef"),
    ("arbitratorCommittee", "0x20321868"),
];

/// `pauseAll()` and `unpauseAll()`.
pub const ALL: (&str, &str) = ("0x595c6a67", "0x8a2ddd03");
/// `pause()` and `unpause()` of a module.
const ONE: (&str, &str) = ("8456cb59", "3f4ba83a");
const EXECUTE: &str = "0xa64cfe10";
const GOVERNANCE: &str = "0x5aa6e675";
const PAUSED: &str = "0x5c975abb";
const OWNER: &str = "0x8da5cb5b";
/// Topics of `Paused(address)` and `Unpaused(address)`.
const TOPICS: (&str, &str) = (
    "0x62e78cea01bee320cd4e420270b5ea74000d11b0c9f74754ebdbfc544b05a258",
    "0x5db9ee0a495bf2e6ff9c91a7834c1ba4fdd244a5e8aa4e537bd38aeae4b073aa",
);

/// A module of AGIJobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Module {
    /// Its name, like `jobRegistry`.
    pub name: String,
    /// Its address, in lowercase; none where there is no such module.
    pub address: Option<String>,
    /// Whether its `paused()` could be read.
    pub readable: bool,
    /// Whether it is paused; none where that cannot be read.
    pub paused: Option<bool>,
    /// Whether SystemPause owns it, without which it cannot pause it; none where that cannot be read.
    pub owned: Option<bool>,
}

/// The contract and its modules, as the chain has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The chain that the node is of.
    pub chain_id: u64,
    /// Whether there is a contract at the address.
    pub has_code: bool,
    /// Who may pause; none where there is no contract.
    pub governance: Option<Address>,
    /// Whether that is a contract itself, a timelock or a Safe, for which no account can sign.
    pub governed_by_contract: bool,
    /// The eight modules; none of them where there is no contract.
    pub modules: Vec<Module>,
}

impl State {
    /// In one word: `unknown` unless all eight modules can be read.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let known: Option<Vec<bool>> = self.modules.iter().map(|module| module.paused).collect();
        match known {
            Some(paused) if paused.len() == MODULES.len() => match paused.iter().filter(|paused| **paused).count() {
                0 => Summary::Live,
                count if count == MODULES.len() => Summary::Paused,
                _ => Summary::Mixed,
            },
            _ => Summary::Unknown,
        }
    }
}

/// Reads all there is to know before anything is moved.
///
/// # Errors
/// When the node does not answer, or says what makes no sense.
pub async fn read(node: &Node<'_>, probe: &dyn Probe, at: &Address) -> Result<State, Error> {
    let chain_id = node.chain_id(probe).await?;
    if !node.has_code(probe, at).await? {
        let nothing =
            State { chain_id, has_code: false, governance: None, governed_by_contract: false, modules: Vec::new() };
        return Ok(nothing);
    }
    let governance = address(&node.call(probe, None, at, GOVERNANCE).await?);
    let governed_by_contract = match &governance {
        Some(governance) => node.has_code(probe, governance).await?,
        None => false,
    };
    let mut modules = Vec::new();
    for (name, getter) in MODULES {
        let found = address(&node.call(probe, None, at, getter).await?).filter(|found| *found != Address::ZERO);
        let (mut paused, mut owned) = (None, None);
        if let Some(found) = &found {
            // An address without code answers with nothing at all, which is not `false`.
            paused = boolean(&node.call(probe, None, found, PAUSED).await?);
            owned = address(&node.call(probe, None, found, OWNER).await?).map(|owner| owner == *at);
        }
        modules.push(Module {
            name: name.to_owned(),
            address: found.map(|found| found.to_string()),
            readable: paused.is_some(),
            paused,
            owned,
        });
    }
    Ok(State { chain_id, has_code: true, governance, governed_by_contract, modules })
}

/// What is sent to SystemPause to move one module.
#[must_use]
pub fn one_module(module: &Address, pause: bool) -> String {
    let selector = if pause { ONE.0 } else { ONE.1 };
    // The module, where the bytes begin, how many there are, and they themselves filled up to a word.
    format!("{EXECUTE}{}{:0>64}{:0>64}{selector:0<64}", module.word(), "40", "4")
}

/// The modules that a receipt shows as moved by this SystemPause.
#[must_use]
pub fn moved(receipt: &Receipt, by: &Address, pause: bool) -> Vec<Address> {
    let topic = if pause { TOPICS.0 } else { TOPICS.1 };
    let is_move = |(_, topics, data): &&(Address, Vec<String>, Vec<u8>)| {
        topics.first().is_some_and(|first| first == topic) && Address::of_word(data).as_ref() == Some(by)
    };
    receipt.logs.iter().filter(is_move).map(|(module, ..)| *module).collect()
}

fn address(called: &Called) -> Option<Address> {
    match called {
        Called::Returned(word) if word.len() == 32 => Address::of_word(word),
        _ => None,
    }
}

fn boolean(called: &Called) -> Option<bool> {
    match called {
        Called::Returned(word) if word.len() == 32 && word[..31].iter().all(|byte| *byte == 0) => match word[31] {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        _ => None,
    }
}
