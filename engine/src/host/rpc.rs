//! JSON-RPC of Ethereum nodes, as far as it only reads. A probe can name no other method: that is a matter of types.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Get, Send};

/// A method that changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `eth_chainId`.
    ChainId,
    /// `eth_getCode`.
    Code,
    /// `eth_call`: what a transaction would come to.
    Call,
    /// `eth_getTransactionCount`.
    TransactionCount,
    /// `eth_getTransactionReceipt`.
    Receipt,
}

impl Method {
    /// As the node knows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChainId => "eth_chainId",
            Self::Code => "eth_getCode",
            Self::Call => "eth_call",
            Self::TransactionCount => "eth_getTransactionCount",
            Self::Receipt => "eth_getTransactionReceipt",
        }
    }
}

/// A question to a node.
#[derive(Debug, Clone)]
pub struct Rpc {
    /// The node's address.
    pub url: String,
    /// What is asked.
    pub method: Method,
    /// What it is asked with.
    pub params: Value,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

/// The largest answer taken, in bytes; a contract's code is at most 24 KiB.
const AT_MOST: u64 = 4 * 1024 * 1024;

/// The request that a call of a method comes to.
#[must_use]
pub fn request(url: &str, method: &str, params: &Value, timeout: Duration) -> Send {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let to = Get { url: url.to_owned(), headers, timeout, at_most: AT_MOST, head_only: false };
    Send { method: "POST".to_owned(), to, body: Some(body.to_string().into_bytes()) }
}
