//! Ethereum nodes by JSON-RPC: addresses, calls, what a revert says, and transactions that the node or a remote signer signs.
//!
//! There are no private keys here. A node that answers is believed in what it says of the chain; which chain it is, is asked.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::driver::Error;
use crate::host::rpc::{self, Method, Rpc};
use crate::host::{Answer, Host, Probe};

pub mod system_pause;

/// An account or contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address([u8; 20]);

impl Address {
    /// Nobody.
    pub const ZERO: Self = Self([0; 20]);

    /// Reads `0x` and 40 hex digits; upper and lower case are the same.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode(text.strip_prefix("0x")?).ok()?.try_into().ok().map(Self)
    }

    /// The last 20 bytes of a word whose first 12 are zero.
    fn of_word(word: &[u8]) -> Option<Self> {
        let (zeros, bytes) = word.split_at_checked(12)?;
        zeros.iter().all(|byte| *byte == 0).then_some(())?;
        bytes.try_into().ok().map(Self)
    }

    /// As a word of 32 bytes in hex.
    fn word(&self) -> String {
        format!("{:0>64}", hex::encode(self.0))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A node.
pub struct Node<'a> {
    /// Its address.
    pub url: &'a str,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// What a contract answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Called {
    /// These bytes.
    Returned(Vec<u8>),
    /// It refused, by one of the errors that are known, or another one.
    Reverted(&'static str, String),
}

/// A transaction that is in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Whether it did what it should, or was reverted.
    pub succeeded: bool,
    /// The block.
    pub block: u64,
    /// Contract, topics and data of what it wrote into the log.
    pub logs: Vec<(Address, Vec<String>, Vec<u8>)>,
}

/// Errors of the contracts by their selectors, and what they are called here.
const REVERTS: [(&str, &str); 12] = [
    ("b56f932c", "not_governance"),
    ("d92e233d", "zero_address"),
    ("d93c0665", "enforced_pause"),
    ("8dfc202b", "expected_pause"),
    ("e2a08e5d", "invalid_pauser"),
    ("df88fccc", "module_not_owned"),
    ("ec79fd77", "pauser_manager_not_delegated"),
    ("04815379", "unknown_governance_target"),
    ("425df6ce", "governance_call_failed"),
    ("47d77419", "missing_selector"),
    ("e269cb1a", "not_owner_or_pauser"),
    ("3ee5aeb5", "reentrant_call"),
];

impl Node<'_> {
    /// The chain that the node is of.
    ///
    /// # Errors
    /// When it does not answer, or with no number.
    pub async fn chain_id(&self, probe: &dyn Probe) -> Result<u64, Error> {
        number(&self.ask(probe, Method::ChainId, json!([])).await?)
    }

    /// Whether there is a contract at an address.
    ///
    /// # Errors
    /// When the node does not answer, or with no code.
    pub async fn has_code(&self, probe: &dyn Probe, at: &Address) -> Result<bool, Error> {
        Ok(!bytes(&self.ask(probe, Method::Code, json!([at.to_string(), "latest"])).await?)?.is_empty())
    }

    /// What a call would come to.
    ///
    /// # Errors
    /// When the node does not answer; that the contract refuses is an answer.
    pub async fn call(
        &self,
        probe: &dyn Probe,
        from: Option<&Address>,
        to: &Address,
        data: &str,
    ) -> Result<Called, Error> {
        let mut call = json!({ "to": to.to_string(), "data": data });
        if let Some(from) = from {
            call["from"] = json!(from.to_string());
        }
        let question = self.question(Method::Call, json!([call, "latest"]));
        match answered(&probe.rpc(question).await?)? {
            Ok(result) => Ok(Called::Returned(bytes(&result)?)),
            Err(error) => match revert(&error) {
                Some((code, message)) => Ok(Called::Reverted(code, message)),
                None => Err(refusal(&error)),
            },
        }
    }

    /// How many transactions of an account are in blocks, or in blocks and waiting.
    ///
    /// # Errors
    /// When the node does not answer, or with no number.
    pub async fn transactions(&self, probe: &dyn Probe, of: &Address, with_waiting: bool) -> Result<u64, Error> {
        let block = if with_waiting { "pending" } else { "latest" };
        number(&self.ask(probe, Method::TransactionCount, json!([of.to_string(), block])).await?)
    }

    /// The receipt of a transaction; none while it is in no block.
    ///
    /// # Errors
    /// When the node does not answer, or with something that is no receipt.
    pub async fn receipt(&self, probe: &dyn Probe, hash: &str) -> Result<Option<Receipt>, Error> {
        let found = self.ask(probe, Method::Receipt, json!([hash])).await?;
        if found.is_null() {
            return Ok(None);
        }
        let wrong = || Error::new("malformed", "the node gives a receipt that is none");
        let log = |log: &Value| -> Option<_> {
            let address = Address::parse(log["address"].as_str()?)?;
            let topics = log["topics"].as_array()?.iter().map(|topic| topic.as_str().map(str::to_lowercase));
            Some((address, topics.collect::<Option<Vec<_>>>()?, bytes(&log["data"]).ok()?))
        };
        let logs = found["logs"].as_array().ok_or_else(wrong)?.iter().map(log).collect::<Option<Vec<_>>>();
        let succeeded = match found["status"].as_str() {
            Some("0x1") => true,
            Some("0x0") => false,
            _ => return Err(wrong()),
        };
        Ok(Some(Receipt { succeeded, block: number(&found["blockNumber"])?, logs: logs.ok_or_else(wrong)? }))
    }

    /// Has a transaction signed and sent by the node, or by the signer that it is; gives its hash.
    ///
    /// # Errors
    /// When it was refused, or nobody knows whether it was taken.
    pub async fn send(&self, host: &dyn Host, from: &Address, to: &Address, data: &str) -> Result<String, Error> {
        let params = json!([{ "from": from.to_string(), "to": to.to_string(), "data": data }]);
        let request = rpc::request(self.url, "eth_sendTransaction", &params, self.timeout);
        match answered(&host.send(request).await?) {
            Ok(Ok(Value::String(hash))) if hash.len() == 66 && hash.starts_with("0x") => Ok(hash),
            Ok(Err(error)) => Err(match revert(&error) {
                Some((code, message)) => Error::new(code, message),
                None => refusal(&error),
            }),
            Ok(Ok(_)) | Err(_) => {
                Err(Error::new("malformed", "the signer took the transaction with no hash").uncertain_if(true))
            }
        }
    }

    fn question(&self, method: Method, params: Value) -> Rpc {
        Rpc { url: self.url.to_owned(), method, params, timeout: self.timeout }
    }

    async fn ask(&self, probe: &dyn Probe, method: Method, params: Value) -> Result<Value, Error> {
        answered(&probe.rpc(self.question(method, params)).await?)?.map_err(|error| refusal(&error))
    }
}

/// The result in an answer, or the error in it. Nodes send errors with status 200, and others with it.
fn answered(answer: &Answer) -> Result<Result<Value, Value>, Error> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let members = body.as_ref().and_then(Value::as_object);
    match members.map(|members| (members.get("error").filter(|error| !error.is_null()), members.get("result"))) {
        Some((Some(error), _)) => Ok(Err(error.clone())),
        Some((None, Some(result))) if answer.status == 200 => Ok(Ok(result.clone())),
        _ => Err(Error::new("malformed", format!("the node answered with status {} and no JSON-RPC", answer.status))),
    }
}

fn refusal(error: &Value) -> Error {
    let message = error["message"].as_str().unwrap_or("no reason given");
    Error::new("node_refused", format!("the node refuses ({}): {message}", error["code"]))
}

/// What a revert says. Its data stands in `data`, in `data.data` or in `data.result`, by node.
fn revert(error: &Value) -> Option<(&'static str, String)> {
    let data = &error["data"];
    let data = [data, &data["data"], &data["result"]].into_iter().find_map(Value::as_str).unwrap_or_default();
    let message = error["message"].as_str().unwrap_or_default();
    let selector = data.strip_prefix("0x").and_then(|data| data.get(..8)).unwrap_or_default().to_lowercase();
    if let Some((_, code)) = REVERTS.iter().find(|(known, _)| *known == selector) {
        return Some((code, format!("the contract refuses: {}", code.replace('_', " "))));
    }
    let is_revert = !selector.is_empty() || error["code"] == 3 || message.contains("revert");
    is_revert.then(|| ("reverted", format!("the contract refuses: {message}")))
}

fn bytes(value: &Value) -> Result<Vec<u8>, Error> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let bytes = text.and_then(|text| hex::decode(text).ok());
    bytes.ok_or_else(|| Error::new("malformed", "the node answered with something else than bytes"))
}

fn number(value: &Value) -> Result<u64, Error> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| Error::new("malformed", "the node answered with something else than a number"))
}

#[cfg(test)]
mod tests;
