//! AGIJobs' lever: SystemPause on an EVM chain, moved by transactions that the node or a remote signer signs.
//!
//! `pauseAll` works on a system that is wholly live, and `unpauseAll` on one that is wholly paused; a mixed one is moved
//! module by module. A receipt counts when each module says that it moved, and the chain is read again afterwards.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Done, Error, Lever, Open, Order, State, Summary};
use crate::host::{Host, Probe};
use crate::target::evm::system_pause::{self, ALL, Module};
use crate::target::evm::{self, Address, Called, Node};
use crate::time::Duration;

/// Settings of a SystemPause contract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The node's JSON-RPC.
    pub url: String,
    /// The chain; a node of another one is refused.
    pub chain_id: u64,
    /// The address of SystemPause.
    pub address: String,
    /// The account that gives orders, which has to be its governance; without one the lever can only be looked at.
    #[serde(default)]
    pub signer: Option<String>,
    /// A remote signer that takes `eth_sendTransaction`; the node itself where nothing is said.
    #[serde(default)]
    pub signer_url: Option<String>,
    /// How long a transaction may take to be in a block.
    #[serde(default = "two_minutes")]
    pub timeout: Duration,
}

fn two_minutes() -> Duration {
    Duration::from_seconds(120)
}

/// How long one exchange with the node may take.
const EXCHANGE: std::time::Duration = std::time::Duration::from_secs(20);
/// How often a transaction is looked for.
const EVERY: std::time::Duration = std::time::Duration::from_secs(1);

impl Settings {
    /// What this lever really is: chain and address.
    pub(super) fn identity(&self) -> Result<String, String> {
        let (address, _) = self.parse()?;
        Ok(format!("evm:{}:{address}", self.chain_id))
    }

    fn parse(&self) -> Result<(Address, Option<Address>), String> {
        let read = |name: &str, text: &str| {
            Address::parse(text).ok_or_else(|| format!("`{name}`: `{text}` is no address, `0x` and 40 hex digits"))
        };
        for (name, url) in [("url", Some(&self.url)), ("signer_url", self.signer_url.as_ref())] {
            if url.is_some_and(|url| crate::target::origin(url).is_none()) {
                return Err(format!("`{name}` is no http or https address"));
            }
        }
        let signer = self.signer.as_deref().map(|signer| read("signer", signer)).transpose()?;
        Ok((read("address", &self.address)?, signer))
    }

    /// The contract as the chain has it.
    ///
    /// # Errors
    /// When an address is none, or the node does not answer.
    pub async fn read(&self, probe: &dyn Probe) -> Result<system_pause::State, Error> {
        let (address, _) = self.parse().map_err(|why| Error::new("bad_target", why))?;
        system_pause::read(&self.node(), probe, &address).await
    }

    fn node(&self) -> Node<'_> {
        Node { url: &self.url, timeout: EXCHANGE }
    }

    fn signing_node(&self) -> Node<'_> {
        Node { url: self.signer_url.as_ref().unwrap_or(&self.url), timeout: EXCHANGE }
    }
}

/// A SystemPause contract.
pub(super) struct Evm {
    pub settings: Settings,
}

/// A transaction that an order comes to, and the modules that have to move by it.
struct Transaction {
    data: String,
    modules: Vec<Address>,
}

impl Evm {
    /// The contract, on the chain that it should be on.
    async fn checked(&self, probe: &dyn Probe) -> Result<system_pause::State, Error> {
        let Settings { chain_id, address, .. } = &self.settings;
        let state = self.settings.read(probe).await?;
        if state.chain_id != *chain_id {
            let message = format!("the node is of chain {}, and not of {chain_id}", state.chain_id);
            return Err(Error::new("wrong_chain", message));
        }
        if !state.has_code {
            return Err(Error::new("no_contract", format!("there is no contract at {address} on chain {chain_id}")));
        }
        Ok(state)
    }

    /// Who signs: it has to be the governance.
    fn signer(&self, state: &system_pause::State) -> Result<(Address, Address), Error> {
        let (address, signer) = self.settings.parse().map_err(|why| Error::new("bad_target", why))?;
        let signer = signer.ok_or_else(|| Error::new("no_signer", "the target names no `signer`"))?;
        if state.governance != Some(signer) {
            let governance = state.governance.map_or_else(|| "nobody".to_owned(), |found| found.to_string());
            let message = format!("governance is {governance}, and {signer} is to sign");
            return Err(Error::new("not_governance", message));
        }
        Ok((address, signer))
    }

    /// What has to be sent; nothing where it stands as wanted.
    fn transactions(state: &system_pause::State, order: &Order) -> Result<Vec<Transaction>, Error> {
        let pause = order.wanted == Summary::Paused;
        let addresses = |modules: &[&Module]| -> Result<Vec<Address>, Error> {
            let parse = |module: &&Module| module.address.as_deref().and_then(Address::parse);
            modules.iter().map(parse).collect::<Option<_>>().ok_or_else(|| unreadable(state))
        };
        if order.only.is_empty() {
            return match state.summary() {
                summary if summary == order.wanted => Ok(Vec::new()),
                Summary::Live | Summary::Paused => {
                    let data = if pause { ALL.0 } else { ALL.1 }.to_owned();
                    Ok(vec![Transaction { data, modules: addresses(&state.modules.iter().collect::<Vec<_>>())? }])
                }
                Summary::Mixed => {
                    let message = "some modules are paused and some are not: it reverts for all of them at once";
                    Err(Error::new("mixed", format!("{message}; name them in `only`")))
                }
                Summary::Unknown => Err(unreadable(state)),
            };
        }
        let mut transactions = Vec::new();
        for name in &order.only {
            let module = state.modules.iter().find(|module| module.name == *name);
            let module = module.ok_or_else(|| Error::new("bad_input", format!("there is no module `{name}`")))?;
            match module.paused {
                Some(paused) if paused == pause => {}
                Some(_) => {
                    let [address] = addresses(&[module])?[..] else { return Err(unreadable(state)) };
                    let data = system_pause::one_module(&address, pause);
                    transactions.push(Transaction { data, modules: vec![address] });
                }
                None => return Err(unreadable(state)),
            }
        }
        Ok(transactions)
    }

    async fn moved(&self, host: &dyn Host, order: &Order) -> Result<Done, Error> {
        let state = self.checked(host).await?;
        let (address, signer) = self.signer(&state)?;
        let before: Vec<String> =
            state.modules.iter().filter(|module| module.paused == Some(true)).map(named).collect();
        let mut done = Done::default();
        let mut refused = None;
        for transaction in Self::transactions(&state, order)? {
            let pause = order.wanted == Summary::Paused;
            match self.sent(host, &signer, &address, &transaction, pause).await {
                Ok(hash) => done.id = Some(hash),
                // One part that refuses does not keep the others from it.
                Err(Error::Refused { code, message, uncertain: false, .. }) => {
                    refused = refused.or(Some((code, format!("{:?}: {message}", transaction.modules))));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some((code, message)) = refused {
            return Err(Error::new(code, message).uncertain_if(done.id.is_some()));
        }
        let after = self.checked(host).await?;
        let stands = |module: &&Module| order.only.is_empty() || order.only.contains(&module.name);
        let wanted = Some(order.wanted == Summary::Paused);
        if let Some(other) = after.modules.iter().filter(stands).find(|module| module.paused != wanted) {
            let message = format!("the transaction succeeded, and {} is not as it was wanted", other.name);
            return Err(Error::new("no_effect", message));
        }
        let is_paused = |name: &String| after.modules.iter().any(|m| m.paused == Some(true) && named(m) == *name);
        done.lifted = before.into_iter().filter(|name| !is_paused(name)).collect();
        Ok(done)
    }

    /// Sends one transaction and sees it through; gives its hash.
    async fn sent(
        &self,
        host: &dyn Host,
        signer: &Address,
        address: &Address,
        transaction: &Transaction,
        pause: bool,
    ) -> Result<String, Error> {
        self.rehearsed(host, signer, address, transaction).await?;
        let hash = self.settings.signing_node().send(host, signer, address, &transaction.data).await?;
        let receipt = self.mined(host, &hash).await?;
        if !receipt.succeeded {
            let message = format!("transaction {hash} was reverted in block {}", receipt.block);
            return Err(Error::new("reverted", message));
        }
        let moved = system_pause::moved(&receipt, address, pause);
        if let Some(still) = transaction.modules.iter().find(|module| !moved.contains(module)) {
            let message = format!("transaction {hash} succeeded, and {still} does not say that it moved");
            return Err(Error::new("no_effect", message));
        }
        Ok(hash)
    }

    async fn rehearsed(
        &self,
        probe: &dyn Probe,
        signer: &Address,
        address: &Address,
        transaction: &Transaction,
    ) -> Result<(), Error> {
        match self.settings.node().call(probe, Some(signer), address, &transaction.data).await? {
            Called::Returned(_) => Ok(()),
            Called::Reverted(code, message) => Err(Error::new(code, message)),
        }
    }

    /// The receipt, as soon as there is one.
    async fn mined(&self, probe: &dyn Probe, hash: &str) -> Result<evm::Receipt, Error> {
        let node = self.settings.node();
        let wait = async {
            loop {
                // A node that does not answer once may answer the next time; the transaction is on its way.
                if let Ok(Some(receipt)) = node.receipt(probe, hash).await {
                    return receipt;
                }
                tokio::time::sleep(EVERY).await;
            }
        };
        tokio::time::timeout(self.settings.timeout.as_std(), wait).await.map_err(|_| {
            let message = format!("transaction {hash} is in no block after {}", self.settings.timeout);
            Error::new("not_mined", message).uncertain_if(true)
        })
    }
}

fn named(module: &Module) -> String {
    module.name.clone()
}

fn unreadable(state: &system_pause::State) -> Error {
    let names: Vec<&str> = state.modules.iter().filter(|m| !m.readable).map(|m| m.name.as_str()).collect();
    Error::new("unreadable", format!("whether these are paused cannot be read: {}", names.join(", ")))
}

#[async_trait]
impl Lever for Evm {
    async fn status(&self, probe: &dyn Probe) -> Result<State, Error> {
        let state = self.checked(probe).await?;
        let open = |module: &Module| Open {
            id: module.address.clone().unwrap_or_default(),
            level: None,
            kind: module.name.clone(),
            reason: None,
            issuer: None,
            state: Some("paused".to_owned()),
        };
        let paused = state.modules.iter().filter(|module| module.paused == Some(true));
        Ok(State { summary: state.summary(), open: paused.map(open).collect() })
    }

    async fn pause(&self, host: &dyn Host, order: &Order) -> Result<Done, Error> {
        self.moved(host, order).await
    }

    async fn resume(&self, host: &dyn Host, order: &Order) -> Result<Done, Error> {
        self.moved(host, order).await
    }

    fn takes_parts(&self) -> bool {
        true
    }

    async fn rehearse(&self, probe: &dyn Probe, order: &Order) -> Result<(), Error> {
        let state = self.checked(probe).await?;
        let (address, signer) = self.signer(&state)?;
        for transaction in Self::transactions(&state, order)? {
            self.rehearsed(probe, &signer, &address, &transaction).await?;
        }
        Ok(())
    }

    async fn find(&self, probe: &dyn Probe, order: &Order) -> Result<Option<Done>, Error> {
        let state = self.checked(probe).await?;
        let wanted = |module: &Module| order.only.is_empty() || order.only.contains(&module.name);
        let stands = state.modules.iter().filter(|module| wanted(module));
        if stands.clone().count() > 0 && stands.clone().all(|m| m.paused == Some(order.wanted == Summary::Paused)) {
            return Ok(Some(Done::default()));
        }
        let (_, signer) = self.signer(&state)?;
        let node = self.settings.node();
        let (mined, all) =
            (node.transactions(probe, &signer, false).await?, node.transactions(probe, &signer, true).await?);
        if all > mined {
            let message = format!("a transaction of {signer} is still on its way; look again when it is in a block");
            return Err(Error::new("pending", message));
        }
        Ok(None)
    }
}
